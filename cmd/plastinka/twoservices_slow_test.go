//go:build slow

package main

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTwoServicesRunEachJobOnce: two services on one data root, 200 jobs
// submitted to both: each is run exactly once, and one of them may be killed
// half-way: what it had begun is begun again, and still brings one result.
func TestTwoServicesRunEachJobOnce(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprint("one is killed: ", kill), func(t *testing.T) {
			const jobs = 200
			c := newClient(t, "COMPUTE_BACKEND=inprocess", "COMPUTE_MAX_PARALLEL=3", "API_LOG_LEVEL=WARNING")
			c.completed(c.form("/api/v1/jobs/data-upload", shopFiles(t, c.shop("shop", "--products", "20", "--months", "5")), map[string]string{"snapshot_date": "2026-01-01"}))
			second := c.start("serve", "--port", "0")
			second.until("engine:")
			urls := []string{c.url, regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(second.out.String())}

			ids := make([]string, jobs)
			var wg sync.WaitGroup
			for lane := range 4 {
				wg.Go(func() {
					here := *c
					here.url, here.succeeded = urls[lane%2], map[string]bool{}
					for i := lane; i < jobs; i += 4 {
						ids[i], _ = here.post("/api/v1/jobs/training", nil).json(t, "job_id")["job_id"].(string)
					}
				})
			}
			wg.Wait()
			if kill {
				require.NoError(t, second.cmd.Process.Kill())
				_ = second.cmd.Wait() // it was killed
			}
			require.Eventually(t, func() bool {
				return c.get("/api/v1/jobs?status=pending&limit=1").json(t)["total_matching"] == 0.0 &&
					c.get("/api/v1/jobs?status=running&limit=1").json(t)["total_matching"] == 0.0
			}, 3*time.Minute, 200*time.Millisecond)
			again := 0
			for _, id := range ids {
				require.Equal(t, "completed", c.get("/api/v1/jobs/" + id).json(t)["status"], id)
				log := string(c.get("/api/v1/jobs/" + id + "/logs").body)
				again += strings.Count(log, `"started again`)
				require.Equal(t, 1, strings.Count(log, `"status_message":"started"`), "%s: %s", id, log)
				require.Equal(t, 1, strings.Count(log, `"status":"completed"`), id)
			}
			results := c.get("/api/v1/results/training?limit=1000").list(t, "job_id", "model_id")
			require.Len(t, results, jobs, "each job has one result")
			seen := map[any]bool{}
			for _, r := range results {
				require.False(t, seen[r["job_id"]])
				seen[r["job_id"]] = true
			}
			require.Len(t, c.get("/api/v1/models-configs/models?limit=1000").list(t), jobs)
			if !kill {
				require.Zero(t, again, "nobody takes a job away from a living worker")
				require.NoError(t, second.cmd.Process.Signal(syscall.SIGTERM))
				require.Zero(t, second.wait().code)
			}
			t.Logf("%d jobs, %d begun again", jobs, again)
		})
	}
}
