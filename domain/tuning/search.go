// Package tuning searches for a better training configuration: which members
// of a configuration are searched and within what (space.go), which
// configuration to judge next (parzen.go), and how long each may learn before
// the worse ones are left behind (search.go).
//
// A search goes by waves of trials that may be judged at the same time; what it
// proposes depends on its plan and on the scores of whole waves alone, neither
// on the order in which scores come nor on the machine. So a search that was
// killed is taken up by telling a new one the scores that were kept: it asks for
// the same trials, and ends in the same.
package tuning

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/plastinka/predictor/domain/training"
)

// Plan is all that decides a search, beside the scores.
type Plan struct {
	Space   Space
	Base    training.Config   // trial 0, the yardstick: judged at every rung
	Seeds   []training.Config // judged next
	Samples int               // trials in all, Base and Seeds among them
	Rungs   []int             // epochs, ascending; the last are the configuration's own
	Wave    int               // trials judged at the same time, at least 1
	Seed    uint64
}

// Reduction is one in how many trials climbs to the next rung.
const Reduction = 3

// mostRungs and leastEpochs bound the rungs.
const (
	mostRungs   = 3
	leastEpochs = 3
)

// Rungs are the epochs after which trials of up to epochs are compared: a third
// and a ninth of them, where that is enough to tell anything.
func Rungs(epochs int) []int {
	rungs := []int{epochs}
	for len(rungs) < mostRungs {
		next := (rungs[0] + Reduction - 1) / Reduction
		if next < leastEpochs {
			break
		}
		rungs = slices.Insert(rungs, 0, next)
	}
	return rungs
}

// Assignment is a trial to be judged at a rung.
type Assignment struct {
	Rung  int
	Trial training.Trial
}

// Score is what a trial has reached at a rung: lower is better; not a number if
// it failed.
type Score struct {
	Rung, ID int
	Value    float64
}

// Search is a search under way. It is not safe for concurrent use.
type Search struct {
	plan   Plan
	points []point           // by trial
	config []training.Config // by trial
	scores [][]float64       // by trial, then rung reached
	rungs  []map[int]bool    // trials that were given to a rung
	wave   []Assignment      // being judged
	number int               // of the wave
	seeds  []training.Config // Base and Seeds without repetition
}

// New begins a search.
func New(p Plan) *Search {
	p.Wave = max(p.Wave, 1)
	s := &Search{plan: p, rungs: make([]map[int]bool, len(p.Rungs)), number: -1}
	for i := range s.rungs {
		s.rungs[i] = map[int]bool{}
	}
	for _, c := range append([]training.Config{p.Base}, p.Seeds...) {
		if len(s.seeds) < p.Samples && comparable(p.Base, c) {
			s.seed(p.Space.graft(p.Base, c))
		}
	}
	return s
}

// seed adds a configuration to those judged first, unless it is there already.
func (s *Search) seed(c training.Config) {
	values := s.plan.Space.values(c)
	if !slices.ContainsFunc(s.seeds, func(o training.Config) bool { return slices.Equal(s.plan.Space.values(o), values) }) {
		s.seeds = append(s.seeds, c)
	}
}

// Next is the wave to be judged now, and its number from 0; an empty one ends
// the search. It stays the same until Judge was called.
func (s *Search) Next() (number int, wave []Assignment) {
	if len(s.wave) > 0 {
		return s.number, s.wave
	}
	for rung := len(s.plan.Rungs) - 1; rung > 0; rung-- {
		for _, id := range s.promoted(rung) {
			s.assign(rung, id)
		}
	}
	for len(s.wave) < s.plan.Wave && len(s.points) < s.plan.Samples {
		s.assign(0, s.invent())
	}
	if len(s.wave) == 0 { // all that were to be tried have been: the rest may climb
		for rung := 1; rung < len(s.plan.Rungs) && len(s.wave) == 0; rung++ {
			if ranked := s.reached(rung - 1); len(s.rungs[rung]) < 2 && len(ranked) > 0 {
				for _, id := range ranked[:min(len(ranked), 2)] {
					s.assign(rung, id)
				}
			}
		}
	}
	if len(s.wave) > 0 {
		s.number++
	}
	return s.number, s.wave
}

// assign gives a trial to a rung in the wave, unless it has been there.
func (s *Search) assign(rung, id int) {
	if s.rungs[rung][id] || len(s.wave) >= s.plan.Wave {
		return
	}
	s.rungs[rung][id] = true
	s.wave = append(s.wave, Assignment{Rung: rung, Trial: training.Trial{ID: id, Config: s.config[id], Epochs: s.plan.Rungs[rung]}})
}

// promoted are the trials that may climb to a rung: the yardstick, and of the
// best third on the rung below those that are not there yet, as long as no more
// than a third have climbed: a place once given is not given again.
func (s *Search) promoted(rung int) []int {
	below := s.reached(rung - 1)
	places := len(below)/Reduction - len(s.rungs[rung])
	if s.rungs[rung][0] {
		places++ // the yardstick takes none
	}
	var ids []int
	for i, id := range below {
		switch {
		case s.rungs[rung][id]:
		case id == 0:
			ids = append(ids, id)
		case i < len(below)/Reduction && places > 0:
			ids = append(ids, id)
			places--
		}
	}
	return ids
}

// reached are the trials with a score at a rung, best first.
func (s *Search) reached(rung int) []int {
	var ids []int
	for id, scores := range s.scores {
		if len(scores) > rung && !math.IsNaN(scores[rung]) {
			ids = append(ids, id)
		}
	}
	slices.SortStableFunc(ids, func(a, b int) int { return cmp.Compare(s.scores[a][rung], s.scores[b][rung]) })
	return ids
}

// invent makes a new trial: the seeds, then some that cover the space, then what
// the scores suggest.
func (s *Search) invent() (id int) {
	id = len(s.points)
	space := s.plan.Space
	var x point
	begin := min(max(len(space.axes()), 8), max(s.plan.Samples/4, 1))
	switch {
	case id < len(s.seeds):
		s.add(space.coordinates(s.seeds[id]), s.seeds[id])
		return id
	case id < len(s.seeds)+begin:
		x = spread(space.axes(), s.plan.Seed, id-len(s.seeds), begin)
	default:
		x = propose(space.axes(), s.standing(), rand.New(rand.NewPCG(s.plan.Seed, uint64(id))))
	}
	s.add(x, space.config(s.plan.Base, x))
	return id
}

func (s *Search) add(x point, c training.Config) {
	s.points, s.config, s.scores = append(s.points, x), append(s.config, c), append(s.scores, nil)
}

// standing are the points of the judged trials, best first: those that climbed
// higher before the others, failed ones last. Trials of the wave being made are
// not among them.
func (s *Search) standing() []point {
	var ids []int
	for id, scores := range s.scores {
		if len(scores) > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortStableFunc(ids, func(a, b int) int { return s.compare(a, b) })
	points := make([]point, len(ids))
	for i, id := range ids {
		points[i] = s.points[id]
	}
	return points
}

// compare orders trials by the highest rung at which they did not fail, then by
// the score there.
func (s *Search) compare(a, b int) int {
	ra, va := s.height(a)
	rb, vb := s.height(b)
	return cmp.Or(cmp.Compare(rb, ra), cmp.Compare(va, vb), cmp.Compare(a, b))
}

// height is the highest rung with a score, −1 for none, and the score.
func (s *Search) height(id int) (rung int, score float64) {
	for rung = len(s.scores[id]) - 1; rung >= 0; rung-- {
		if v := s.scores[id][rung]; !math.IsNaN(v) {
			return rung, v
		}
	}
	return -1, math.Inf(1)
}

// Judge takes the scores of the wave that Next returned, in any order; a trial
// of it without a score has failed. Other scores are passed over.
func (s *Search) Judge(scores []Score) {
	for _, a := range s.wave {
		value := math.NaN()
		for _, q := range scores {
			if q.ID == a.Trial.ID && q.Rung == a.Rung && !math.IsInf(q.Value, 0) {
				value = q.Value
			}
		}
		s.scores[a.Trial.ID] = append(s.scores[a.Trial.ID], value)
	}
	s.wave = nil
}

// Standing is one judged trial.
type Standing struct {
	ID, Rung int
	Score    float64 // at the rung
	Config   training.Config
}

// Best are the best n trials: of those that climbed highest, then of the
// others. Failed ones are not among them.
func (s *Search) Best(n int) []Standing {
	var ids []int
	for id := range s.scores {
		if rung, _ := s.height(id); rung >= 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, s.compare)
	best := make([]Standing, 0, n)
	for _, id := range ids[:min(n, len(ids))] {
		rung, score := s.height(id)
		best = append(best, Standing{ID: id, Rung: rung, Score: score, Config: s.config[id]})
	}
	return best
}

// Proposed is how many trials have been begun.
func (s *Search) Proposed() int { return len(s.points) }
