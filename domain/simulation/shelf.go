package simulation

import (
	"math"
	"math/rand/v2"

	"github.com/plastinka/predictor/domain/calendar"
)

// shelf is the stock of one edition as the shop moves through the days.
type shelf struct {
	edition int32
	prices  []int
	onHand  []Copy // by arrival
	sold    []Copy // in the shop's months
	coming  []delivery
}

type delivery struct {
	day    calendar.Day
	copies int
}

// move takes an edition through the shop's days and returns its copies that
// were there in the shop's months. It fills in the edition's demand.
func (s *Shop) move(i int32, m *market, rng *rand.Rand) []Copy {
	e := &s.Editions[i]
	e.Size = 1.5 + 4*rng.Float64()
	first, until := s.Options.First.First(), s.Until()
	sh := &shelf{edition: i, prices: e.prices}
	opened := m.months[e.nature.launch].First() + calendar.Day(rng.IntN(20))
	for t := e.nature.launch; t < len(m.months); t++ {
		mean := m.mean(e.nature, t)
		wanted := scatter(mean*gamma(e.Size, rng), m.months[t], rng)
		start := m.months[t].First()
		for k, customers := range wanted {
			day := start + calendar.Day(k)
			if day < opened || day >= until {
				continue
			}
			if day == opened {
				sh.order(day, max(1, int(math.Ceil(1.5*mean))))
			}
			sh.receive(day, day-opened, rng)
			for range customers {
				sh.sell(day, day >= first, rng)
			}
			sh.restock(e.nature, day, mean, rng)
		}
	}
	e.Demand = make([]float64, s.Options.Months)
	for t := range e.Demand {
		e.Demand[t] = m.mean(e.nature, warmUp+t)
	}
	return append(sh.sold, sh.onHand...)
}

// scatter is a month's demand day by day, Saturdays twice as busy.
func scatter(mean float64, month calendar.Month, rng *rand.Rand) []int {
	days := make([]int, month.Days())
	for range poisson(mean, rng) {
		day := rng.IntN(len(days))
		if (month.First()+calendar.Day(day))%7 != 2 && rng.IntN(2) == 0 { // day 2 of 1970 was a Saturday
			day = rng.IntN(len(days))
		}
		days[day]++
	}
	return days
}

func (sh *shelf) order(day calendar.Day, copies int) {
	sh.coming = append(sh.coming, delivery{day, copies})
}

// receive puts the day's deliveries on the shelf. Prices rise a little over
// the years, within the edition's category.
func (sh *shelf) receive(day, age calendar.Day, rng *rand.Rand) {
	left := sh.coming[:0]
	for _, d := range sh.coming {
		if d.day != day {
			left = append(left, d)
			continue
		}
		step := min(int(age)/500+rng.IntN(2), len(sh.prices)-1)
		for range d.copies {
			sh.onHand = append(sh.onHand, Copy{
				Edition: sh.edition, Price: int32(sh.prices[step]), Arrived: day, Sold: Unsold,
			})
		}
	}
	sh.coming = left
}

// sell gives one customer a copy, mostly the oldest; without one the customer
// leaves.
func (sh *shelf) sell(day calendar.Day, kept bool, rng *rand.Rand) {
	if len(sh.onHand) == 0 {
		return
	}
	k := 0
	if rng.IntN(10) < 3 {
		k = rng.IntN(len(sh.onHand))
	}
	c := sh.onHand[k]
	sh.onHand = append(sh.onHand[:k], sh.onHand[k+1:]...)
	c.Sold = day
	if kept {
		sh.sold = append(sh.sold, c)
	}
}

// restock is the shop's Monday: what runs low is ordered, with a lead time
// that is long when everybody wants it. Used copies come when somebody brings
// them.
func (sh *shelf) restock(n nature, day calendar.Day, mean float64, rng *rand.Rand) {
	if n.used {
		if len(sh.onHand) < 3 && rng.Float64() < (1.3*mean+0.02)/30 {
			sh.order(day+1, 1+rng.IntN(2))
		}
		return
	}
	if day%7 != 4 || len(sh.coming) > 0 || len(sh.onHand) > int(0.4*mean) {
		return
	}
	if len(sh.onHand) > 0 && rng.IntN(3) > 0 {
		return // one is left, next week will do
	}
	lead := 4 + rng.IntN(14) + int(min(mean, 20))
	sh.order(day+calendar.Day(lead), max(1, int(math.Round(mean*(0.8+rng.Float64())))+rng.IntN(2)))
}
