package baseline

import "math"

// adida forecasts sums over buckets as long as the mean interval between sales
// (Nikolopoulos et al. 2011).
func adida(s seen, _ int) float64 {
	interval, ok := meanInterval(s.sales)
	if !ok {
		return 0
	}
	return bucketed(s.sales, interval)
}

// imapa is the mean over all bucket lengths up to the mean interval
// (Petropoulos and Kourentzes 2015).
func imapa(s seen, _ int) float64 {
	interval, ok := meanInterval(s.sales)
	if !ok {
		return 0
	}
	var sum float64
	for n := 1; n <= interval; n++ {
		sum += bucketed(s.sales, n)
	}
	return sum / float64(interval)
}

// meanInterval is the mean number of months from one sale to the next, the
// first counted from the start, rounded half to even.
func meanInterval(sales []float64) (months int, ok bool) {
	last, n := -1, 0
	for j, y := range sales {
		if y != 0 {
			last = j
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return max(1, int(math.RoundToEven(float64(last+1)/float64(n)))), true
}

// bucketed is the monthly mean of the smoothed sums over buckets of n months,
// counted back from the last.
func bucketed(sales []float64, n int) float64 {
	var sums []float64
	for start := len(sales) % n; start+n <= len(sales); start += n {
		var sum float64
		for _, y := range sales[start : start+n] {
			sum += y
		}
		sums = append(sums, sum)
	}
	return smoothed(sums) / float64(n)
}

// smoothed is the forecast of simple exponential smoothing that starts at the
// first value, its alpha in [0.1, 0.3] the one with the least squared one-step
// error (golden-section search).
func smoothed(x []float64) float64 {
	const golden = 0.6180339887498949
	low, high := 0.1, 0.3
	a, b := high-golden*(high-low), low+golden*(high-low)
	ea, _ := smooth(x, a)
	eb, _ := smooth(x, b)
	for range 25 {
		if ea <= eb {
			high, b, eb = b, a, ea
			a = high - golden*(high-low)
			ea, _ = smooth(x, a)
		} else {
			low, a, ea = a, b, eb
			b = low + golden*(high-low)
			eb, _ = smooth(x, b)
		}
	}
	_, level := smooth(x, (low+high)/2)
	return level
}

func smooth(x []float64, alpha float64) (squares, level float64) {
	level = x[0]
	for _, y := range x[1:] {
		e := y - level
		squares += e * e
		level += alpha * e
	}
	return squares, level
}
