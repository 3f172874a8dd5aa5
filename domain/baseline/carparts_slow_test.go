//go:build slow

package baseline_test

import (
	"testing"

	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

// TestCarpartsRegressionEvery: fitted anew before each of the months, and
// twelve months ahead from one fit.
func TestCarpartsRegressionEvery(t *testing.T) {
	p := carparts(t)
	every := score(p, func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		return predict(t, fitRegression(t, p, origin, 1), p, origin, horizon)
	}, true)
	agree(t, scored{0, 0.8411, 0.1472}, every, true)
	m := fitRegression(t, p, p.T-held, held)
	ahead := score(p, func(p *panel.Panel, origin, horizon int) []forecast.Distribution {
		return predict(t, m, p, origin, horizon)
	}, false)
	agree(t, scored{0.795, 0.865, 0.1513}, ahead, true)
}
