package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/bundle"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/forecast"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/plastinka/predictor/domain/training"
)

// task is a made-up task whose panel has awkward numbers: denormals, negative
// zeros, the largest float32, months without anything.
func task(products, months int, seed uint64) *training.Task {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &panel.Panel{First: calendar.MonthOf(2021, time.November), T: months}
	series := func() []float32 {
		s := make([]float32, products*months)
		for i := range s {
			switch r.IntN(5) {
			case 0:
				s[i] = float32(r.IntN(20))
			case 1:
				s[i] = float32(r.NormFloat64())
			case 2:
				s[i] = []float32{math.SmallestNonzeroFloat32, math.MaxFloat32, float32(math.Copysign(0, -1)), 1.0 / 3}[r.IntN(4)]
			}
		}
		return s
	}
	for i := range products {
		p.IDs = append(p.IDs, catalog.ID(1000+3*i))
		p.Products = append(p.Products, catalog.Product{Barcode: fmt.Sprint(4600000000000 + i), Artist: "Кино", Album: fmt.Sprint("Альбом, \"", i, "\""),
			CoverType: "Конверт", Style: "Rock/Pop", RecordingYear: 1950 + i%70})
	}
	p.Sales, p.Availability, p.Confidence, p.Stock = series(), series(), series(), series()
	c := training.DefaultStandard()
	c.Seed = math.MaxUint64
	return &training.Task{SchemaVersion: 1, Kind: training.Train, Engine: "tide", Config: c, Panel: p, Horizon: 1, Seed: math.MaxUint64 - 1}
}

func writeTask(t testing.TB, task *training.Task) string {
	path := filepath.Join(t.TempDir(), "input.zip")
	require.NoError(t, bundle.Files{}.WriteTask(context.Background(), path, task))
	return path
}

func TestTaskRoundTrip(t *testing.T) {
	small := task(7, 5, 1)
	bare := task(3, 4, 2)
	bare.Panel.IDs, bare.Panel.Stock = nil, nil
	empty := task(0, 0, 3)
	empty.Panel.IDs, empty.Panel.Products = []catalog.ID{}, []catalog.Product{}
	classic := training.DefaultClassic()
	classic.Extra = map[string]json.RawMessage{"note": json.RawMessage(`{"a":[1,2.50,"<"]}`)}
	trials := task(5, 40, 4)
	trials.Kind, trials.Engine, trials.Origins, trials.Limit, trials.Config = training.Trials, "baseline", 6, 12.5, training.Config{}
	trials.Trials = []training.Trial{{ID: 3, Config: classic, Epochs: 12}, {ID: 4, Config: training.DefaultStandard()}}
	backtest := task(5000, 3, 5)
	backtest.Kind, backtest.Origins = training.Backtest, 6
	for name, want := range map[string]*training.Task{"small": small, "bare": bare, "empty": empty, "trials": trials, "backtest": backtest} {
		t.Run(name, func(t *testing.T) {
			path := writeTask(t, want)
			got, err := bundle.Files{}.ReadTask(t.Context(), path)
			require.NoError(t, err)
			require.Equal(t, want, got)
			for i, v := range want.Panel.Sales { // Equal takes −0 for 0
				require.Equal(t, math.Float32bits(v), math.Float32bits(got.Panel.Sales[i]))
			}
			first, err := os.ReadFile(path)
			require.NoError(t, err)
			second, err := os.ReadFile(writeTask(t, want))
			require.NoError(t, err)
			require.True(t, bytes.Equal(first, second), "equal tasks give equal bytes")
		})
	}
}

func TestTaskRefusesWhatIsNotFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad := task(3, 4, 1)
		bad.Panel.Availability[bad.Panel.At(2, 1)] = float32(v)
		path := filepath.Join(t.TempDir(), "input.zip")
		err := bundle.Files{}.WriteTask(t.Context(), path, bad)
		require.Equal(t, "not_finite", fault.CodeOf(err))
		require.ErrorContains(t, err, "availability of product 2 in 2021-12 is")
		require.NoFileExists(t, path)
	}
	torn := task(3, 4, 1)
	torn.Panel.Confidence = torn.Panel.Confidence[1:]
	require.ErrorContains(t, bundle.Files{}.WriteTask(t.Context(), filepath.Join(t.TempDir(), "x"), torn), "11 values of confidence, not 12")
}

func TestWholeOrAbsent(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(dir, "input.zip")
	require.Equal(t, fault.Cancelled, fault.KindOf(bundle.Files{}.WriteTask(ctx, path, task(3, 4, 1))))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = bundle.Files{}.ReadTask(ctx, writeTask(t, task(3, 4, 1)))
	require.Equal(t, fault.Cancelled, fault.KindOf(err))
}

// result is the result of a training of n products.
func result(t testing.TB, n int) *training.Result {
	model := filepath.Join(t.TempDir(), "made.onnx")
	require.NoError(t, os.WriteFile(model, bytes.Repeat([]byte("weights"), 999), 0o600))
	r := &training.Result{Kind: training.Train, Month: calendar.MonthOf(2026, time.March), Method: "ensemble(regression 0.5, tide 0.5)",
		Metrics:  map[string]float64{"val_loss": 0.1475, "effective_epochs": 7, "train_loss": 1.0 / 3},
		Warnings: []training.Warning{{Code: "short_history", Message: "too few months"}}, ModelFile: model}
	for i := range n {
		p := catalog.Product{Barcode: fmt.Sprint(i), Artist: "=1+1", RecordingYear: 1970}
		d := forecast.NegativeBinomial(float64(i)/3, 1.5)
		if i%3 == 1 {
			d = forecast.QuantileFunction([]float64{0.05, 0.5, 0.95}, []float64{0, 1.0 / 3, float64(i)})
		}
		r.Products = append(r.Products, p)
		r.Forecasts = append(r.Forecasts, forecast.Forecast{Product: catalog.ID(i + 1), Month: r.Month, ModelID: "shop-1",
			Quantiles: d.Quantiles(), Method: "tide", Distribution: d})
	}
	return r
}

func writeResult(t testing.TB, r *training.Result) string {
	path := filepath.Join(t.TempDir(), "output.zip")
	require.NoError(t, bundle.Files{}.WriteResult(context.Background(), path, r))
	return path
}

func TestResultRoundTrip(t *testing.T) {
	full := result(t, 20)
	modelless := result(t, 2)
	modelless.ModelFile, modelless.Warnings = "", nil
	scores := &training.Result{Kind: training.Trials, Metrics: map[string]float64{"training_duration_seconds": 3}, Scores: []training.TrialScore{
		{ID: 3, Pinball: 0.25, Relative: 0.9, Metrics: map[string]float64{"val_MIC": 0.8}, Seconds: 1.5}, {ID: 4, Error: "did not learn"}}}
	backtest := &training.Result{Kind: training.Backtest, Method: "tide", Metrics: map[string]float64{"val_pinball": 0.2}, Backtest: &forecast.Backtest{Origins: []calendar.Month{24300, 24301}, Cells: 12,
		Chosen: "tide", Best: "shrunk", Rows: []forecast.BacktestRow{{Method: "tide", Class: "all", Cells: 12, Pinball: 1.0 / 7}},
		Forecasts: []forecast.BacktestForecast{{Product: 1, Month: 24300, Method: "tide", Quantiles: [5]float64{0, 0, 1, 2, 3}, Mean: 0.1, Actual: 2}}}}
	for name, want := range map[string]*training.Result{"full": full, "no model": modelless, "scores": scores, "backtest": backtest} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "unpacked")
			got, err := bundle.Files{}.ReadResult(t.Context(), writeResult(t, want), dir)
			require.NoError(t, err)
			if want.ModelFile != "" {
				require.Equal(t, filepath.Join(dir, "model.onnx"), got.ModelFile)
				model, err := os.ReadFile(got.ModelFile)
				require.NoError(t, err)
				require.Equal(t, bytes.Repeat([]byte("weights"), 999), model)
			}
			moved := *want
			moved.ModelFile = got.ModelFile
			require.Equal(t, &moved, got)
		})
	}
}

func TestPredictionsTable(t *testing.T) {
	z, err := zip.OpenReader(writeResult(t, result(t, 5)))
	require.NoError(t, err)
	defer z.Close()
	f, err := z.Open("predictions.csv")
	require.NoError(t, err)
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "barcode,artist,album,cover_type,price_category,release_type,recording_decade,release_decade,style,recording_year,0.05,0.25,0.5,0.75,0.95",
		strings.Join(rows[0], ","))
	require.Len(t, rows, 6)
	require.Equal(t, []string{"4", "=1+1", "", "", "", "", "", "", "", "1970", "0", "0.14814814814814814", "0.3333333333333333", "2.3703703703703707", "4"}, rows[5])
}

func TestResultRefusesWhatIsNotFinite(t *testing.T) {
	write := func(change func(*training.Result)) error {
		r := result(t, 3)
		change(r)
		return bundle.Files{}.WriteResult(t.Context(), filepath.Join(t.TempDir(), "output.zip"), r)
	}
	require.ErrorContains(t, write(func(r *training.Result) { r.Metrics["val_loss"] = math.NaN() }), "metrics.json cannot be written: the metric val_loss is NaN")
	require.ErrorContains(t, write(func(r *training.Result) { r.Forecasts[1].Quantiles[2] = math.Inf(1) }), "forecast 1 (product 2)")
	require.ErrorContains(t, write(func(r *training.Result) { r.Forecasts[2].Distribution.Probs[0] = math.NaN() }), "forecast 2 (product 3)")
	require.ErrorContains(t, write(func(r *training.Result) { r.Forecasts = r.Forecasts[1:] }), "2 forecasts for 3 products")
	require.ErrorContains(t, write(func(r *training.Result) { r.Kind = "other" }), "other")
	require.ErrorContains(t, write(func(r *training.Result) { r.ModelFile = "/no/such/file" }), "model file")
	require.ErrorContains(t, write(func(r *training.Result) {
		r.Kind, r.Scores = training.Trials, []training.TrialScore{{Pinball: math.Inf(1)}}
	}), "scores.json")
}

// rezip writes the members of the zip at path again after change.
func rezip(t testing.TB, path string, change func(members map[string][]byte)) string {
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer z.Close()
	members := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		require.NoError(t, err)
		members[f.Name], err = io.ReadAll(in)
		require.NoError(t, err)
	}
	change(members)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range members {
		out, err := w.Create(name)
		require.NoError(t, err)
		_, err = out.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	path = filepath.Join(t.TempDir(), "changed.zip")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

func TestReadRefuses(t *testing.T) {
	in, out := writeTask(t, task(3, 4, 1)), writeResult(t, result(t, 3))
	other := writeTask(t, task(4, 4, 1))
	replace := func(file, old, new string) func(map[string][]byte) {
		return func(m map[string][]byte) {
			changed := bytes.Replace(m[file], []byte(old), []byte(new), 1)
			require.NotEqual(t, m[file], changed, "%s has no %s", file, old)
			m[file] = changed
		}
	}
	take := func(file string) func(map[string][]byte) {
		return func(m map[string][]byte) {
			rezip(t, other, func(o map[string][]byte) { m[file] = o[file] })
		}
	}
	for _, c := range []struct {
		path   string
		change func(map[string][]byte)
		says   string
	}{
		{in, func(m map[string][]byte) { delete(m, "manifest.json") }, "manifest.json: it is missing"},
		{in, func(m map[string][]byte) { delete(m, "monthly.parquet") }, "monthly.parquet: it is missing"},
		{in, func(m map[string][]byte) { m["../../etc/passwd"] = nil }, `"../../etc/passwd": no member is called so`},
		{in, func(m map[string][]byte) { m["manifest.json"] = []byte(strings.Repeat("[", 99)) }, "manifest.json: it is nested more than 32 deep"},
		{in, func(m map[string][]byte) { m["manifest.json"] = append(m["manifest.json"], '1') }, "manifest.json: something follows"},
		{in, replace("manifest.json", `"schema_version":1`, `"schema_version":2`), "its schema_version is 2; this program reads 1"},
		{in, replace("manifest.json", `"train"`, `"sing"`), `task is "sing"`},
		{in, replace("manifest.json", `"months":4`, `"months":1000000000`), "months is 1000000000, must be between 0 and 1200"},
		{in, replace("manifest.json", `"months":4`, `"months":-1`), "months is -1"},
		{in, replace("manifest.json", `"months":4`, `"months":3`), "monthly.parquet"},
		{in, replace("manifest.json", `"products":3`, `"products":5000000`), "products.parquet: it has 3 products; the manifest says 5000000"},
		{in, replace("manifest.json", `"products":3`, `"products":9000000000`), "products is 9000000000"},
		{in, replace("manifest.json", `"horizon":1`, `"horizon":"1"`), "manifest.json: json: cannot unmarshal"},
		{in, replace("manifest.json", `"horizon"`, `"horizont"`), `manifest.json: json: unknown field "horizont"`},
		{in, replace("manifest.json", `2021-11-01`, `2021-10-01`), "monthly.parquet: row "},
		{in, replace("manifest.json", `2021-11-01`, `gestern`), "manifest.json: "},
		{in, replace("manifest.json", `"stocked":true`, `"stocked":false`), "although none is known"},
		{in, replace("config.json", `"lags":12`, `"lags":1200`), "config.json: the configuration cannot be used: lags is 1200"},
		{in, take("monthly.parquet"), "monthly.parquet"},
		{in, take("products.parquet"), "products.parquet has 4 rows; at most 3 are read"},
		{in, func(m map[string][]byte) { m["monthly.parquet"] = m["products.parquet"] }, "monthly.parquet cannot be read as a Parquet file: its columns"},
		{in, func(m map[string][]byte) { m["products.parquet"] = []byte("PAR1") }, "products.parquet cannot be read"},
		{out, replace("manifest.json", `"schema_version":1`, `"schema_version":0`), "its schema_version is 0"},
		{out, replace("manifest.json", `"train"`, `"trials"`), "scores.json: it is missing"},
		{out, replace("metrics.json", `0.1475`, `NaN`), "metrics.json: invalid character 'N'"},
		{out, func(m map[string][]byte) { delete(m, "model.onnx") }, "model.onnx: it is missing"},
		{out, func(m map[string][]byte) { delete(m, "predictions.csv") }, "predictions.csv is missing"},
	} {
		path := rezip(t, c.path, c.change)
		var err error
		if c.path == in {
			_, err = bundle.Files{}.ReadTask(t.Context(), path)
		} else {
			_, err = bundle.Files{}.ReadResult(t.Context(), path, t.TempDir())
		}
		require.ErrorContains(t, err, c.says)
		require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err), c.says)
	}
}

func TestReadRefusesDamage(t *testing.T) {
	whole, err := os.ReadFile(writeTask(t, task(3, 4, 1)))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "input.zip")
	for i := 0; i < len(whole); i += 23 {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		if got, err := (bundle.Files{}).ReadTask(t.Context(), path); err == nil {
			require.Equal(t, task(3, 4, 1), got, "byte %d", i) // in a field that says nothing, such as a time
		} else {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
		}
	}
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-1], 0o600))
	_, err = bundle.Files{}.ReadTask(t.Context(), path)
	require.ErrorContains(t, err, "not a whole zip file")
	_, err = bundle.Files{}.ReadTask(t.Context(), path+"x")
	require.ErrorContains(t, err, "no such file")
}

func FuzzReadTask(f *testing.F) {
	whole, err := os.ReadFile(writeTask(f, task(3, 4, 1)))
	require.NoError(f, err)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "input.zip")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		if _, err := (bundle.Files{}).ReadTask(t.Context(), path); err != nil {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
		}
	})
}

func FuzzReadResult(f *testing.F) {
	whole, err := os.ReadFile(writeResult(f, result(f, 3)))
	require.NoError(f, err)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "output.zip")
		require.NoError(t, os.WriteFile(path, data, 0o600))
		if _, err := (bundle.Files{}).ReadResult(t.Context(), path, t.TempDir()); err != nil {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
		}
	})
}

// FuzzManifest changes the manifest alone, beside tables that are right.
func FuzzManifest(f *testing.F) {
	in := writeTask(f, task(3, 4, 1))
	rezip(f, in, func(m map[string][]byte) { f.Add(m["manifest.json"]) })
	f.Fuzz(func(t *testing.T, manifest []byte) {
		path := rezip(t, in, func(m map[string][]byte) { m["manifest.json"] = manifest })
		if _, err := (bundle.Files{}).ReadTask(t.Context(), path); err != nil {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
		}
	})
}

func BenchmarkTask(b *testing.B) {
	big := task(3000, 48, 1)
	path := filepath.Join(b.TempDir(), "input.zip")
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, bundle.Files{}.WriteTask(b.Context(), path, big))
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			_, err := bundle.Files{}.ReadTask(b.Context(), path)
			require.NoError(b, err)
		}
	})
}
