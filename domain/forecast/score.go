package forecast

import "math"

// Deciles are the levels of WQL.
var Deciles = [9]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}

// FullyAvailable is the share of a month that a product must have been
// available for the month to be scored with the others.
const FullyAvailable = 0.9

// Scale is what a product's own history says about how much it moves; scores
// divided by it compare between products. A member is 0 where the history does
// not move or is too short: the product is then left out of that score.
type Scale struct {
	Seasonal float64 // mean |y(t) − y(t−12)|, of MASE
	Step     float64 // mean |y(t) − y(t−1)|, of the scaled pinball
	Square   float64 // mean (y(t) − y(t−1))², of RMSSE
}

// ScaleOf measures a history of monthly sales in copies; pairs of months of
// which one had no availability do not count. availability nil: all available.
func ScaleOf(sales, availability []float32) Scale {
	seasonal, _ := differences(sales, availability, 12)
	step, square := differences(sales, availability, 1)
	return Scale{Seasonal: seasonal, Step: step, Square: square}
}

func differences(sales, availability []float32, lag int) (absolute, square float64) {
	var n float64
	for t := lag; t < len(sales); t++ {
		if availability != nil && (availability[t] <= 0 || availability[t-lag] <= 0) {
			continue
		}
		d := float64(sales[t]) - float64(sales[t-lag])
		absolute += math.Abs(d)
		square += d * d
		n++
	}
	if n == 0 {
		return 0, 0
	}
	return absolute / n, square / n
}

// Tally adds up how good forecasts were. The zero Tally is empty; the order of
// Add decides the last bits.
type Tally struct {
	cells, seasonal, stepped, squared     int
	pinball, deciles, sales               float64
	inner, outer                          int
	absolute, bias, absMedian, biasMed    float64
	scaledError, scaledLoss, scaledSquare float64
}

// Add scores the forecast d of a product-month in which y copies were sold,
// and returns its pinball loss, the mean over Levels.
func (t *Tally) Add(d Distribution, y float64, scale Scale) (pinball float64) {
	q := d.Quantiles()
	for i, level := range Levels {
		pinball += Pinball(level, y, q[i]) / float64(len(Levels))
	}
	var dec [len(Deciles)]float64
	d.At(dec[:], Deciles[:])
	for i, level := range Deciles {
		t.deciles += Pinball(level, y, dec[i])
	}
	t.cells++
	t.pinball += pinball
	t.sales += math.Abs(y)
	if q[1] <= y && y <= q[3] {
		t.inner++
	}
	if q[0] <= y && y <= q[4] {
		t.outer++
	}
	t.absolute += math.Abs(d.Expected - y)
	t.bias += d.Expected - y
	t.absMedian += math.Abs(q[2] - y)
	t.biasMed += q[2] - y
	if scale.Seasonal > 0 {
		t.seasonal++
		t.scaledError += math.Abs(q[2]-y) / scale.Seasonal
	}
	if scale.Step > 0 {
		t.stepped++
		t.scaledLoss += pinball / scale.Step
	}
	if scale.Square > 0 {
		t.squared++
		t.scaledSquare += (d.Expected - y) * (d.Expected - y) / scale.Square
	}
	return pinball
}

// Cells is how many product-months were added.
func (t *Tally) Cells() int { return t.cells }

// Row is the scores as a row of a table. A score that nothing was added to, or
// whose divisor is zero, is 0.
func (t *Tally) Row(method, class string) BacktestRow {
	n := float64(t.cells)
	return BacktestRow{Method: method, Class: class, Cells: t.cells,
		Pinball:    over(t.pinball, n),
		WQL:        over(2*t.deciles/float64(len(Deciles)), t.sales),
		Coverage50: over(float64(t.inner), n), Coverage90: over(float64(t.outer), n),
		WAPE: over(t.absolute, t.sales), Bias: over(t.bias, n),
		WAPEMedian: over(t.absMedian, t.sales), BiasMedian: over(t.biasMed, n),
		RMSSE:  math.Sqrt(over(t.scaledSquare, float64(t.squared))),
		Scaled: over(t.scaledLoss, float64(t.stepped)),
		MASE:   over(t.scaledError, float64(t.seasonal)),
	}
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Restock is how many copies to order so that the stock reaches the quantile q
// of demand: max(0, ⌈q⌉ − stock).
func Restock(quantile float64, stock int) int {
	return max(0, int(math.Ceil(quantile-1e-9))-stock)
}
