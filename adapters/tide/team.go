package tide

import (
	"sync"
	"sync/atomic"

	"github.com/plastinka/predictor/adapters/tide/kernel"
)

// team are the threads of a computation. They live from newTeam to close; run
// hands them numbered tasks, which they take one by one. A task's result must
// not depend on who does it: then nothing depends on their number.
type team struct {
	scratch []kernel.Scratch // one each
	wake    []chan struct{}  // of all but the caller
	done    sync.WaitGroup   // the tasks at hand
	ended   sync.WaitGroup   // the threads
	next    atomic.Int64
	tasks   int
	work    func(s *kernel.Scratch, task int)
}

// newTeam starts threads − 1 goroutines; the caller of run is the other one.
func newTeam(threads int) *team {
	t := &team{scratch: make([]kernel.Scratch, threads)}
	for i := 1; i < threads; i++ {
		wake := make(chan struct{}, 1)
		t.wake = append(t.wake, wake)
		t.ended.Go(func() {
			for range wake {
				t.help(i)
				t.done.Done()
			}
		})
	}
	return t
}

// run does tasks 0 … tasks−1 and returns when all are done. It does not allocate.
func (t *team) run(tasks int, work func(s *kernel.Scratch, task int)) {
	t.tasks, t.work = tasks, work
	t.next.Store(0)
	helpers := t.wake[:max(0, min(len(t.wake), tasks-1))]
	t.done.Add(len(helpers))
	for _, wake := range helpers {
		wake <- struct{}{}
	}
	t.help(0)
	t.done.Wait()
}

func (t *team) help(i int) {
	for {
		task := int(t.next.Add(1)) - 1
		if task >= t.tasks {
			return
		}
		t.work(&t.scratch[i], task)
	}
}

// close ends the threads and waits for them.
func (t *team) close() {
	for _, wake := range t.wake {
		close(wake)
	}
	t.ended.Wait()
}
