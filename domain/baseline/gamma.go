package baseline

import (
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
)

func gammaPoisson(p *panel.Panel, origin, horizon int) []forecast.Distribution {
	return shrunkHistogram(p, origin, horizon)
}
