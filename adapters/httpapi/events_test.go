package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/job"
)

// event is one server-sent event.
type event struct {
	id, name string
	data     map[string]any
}

// follow reads a job's events up to the stream's end; comments are counted.
func follow(t testing.TB, ctx context.Context, h *house, id, last string) (events []event, comments int) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "GET", h.server.URL+"/api/v1/jobs/"+id+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("X-API-Key", apiKey)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	var e event
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			require.NoError(t, json.Unmarshal([]byte(value), &e.data))
			events = append(events, e)
			e = event{}
		case "":
			if value != "" {
				comments++
			}
		}
	}
	return events, comments
}

// TestEvents: every change of a job, in order, up to its end; and from where a
// client stopped.
func TestEvents(t *testing.T) {
	h := newHouse(t, change{})
	id := h.submit(t, "/api/v1/jobs/data-upload", shopForm(t))
	events, _ := follow(t, t.Context(), h, id, "")
	require.Greater(t, len(events), 3)
	last := 0
	for _, e := range events[:len(events)-1] {
		require.Equal(t, "status", e.name)
		n, err := strconv.Atoi(e.id)
		require.NoError(t, err)
		require.Greater(t, n, last)
		last = n
		require.Equal(t, float64(n), e.data["sequence"])
	}
	require.Equal(t, "pending", events[0].data["status"])
	require.Equal(t, "completed", events[len(events)-2].data["status"])
	end := events[len(events)-1]
	require.Equal(t, "end", end.name)
	require.Equal(t, id, end.data["job_id"])
	require.NotNil(t, end.data["result"])

	half := len(events) / 2
	rest, _ := follow(t, t.Context(), h, id, events[half].id)
	require.Equal(t, events[half+1:], rest)
	rest, _ = follow(t, t.Context(), h, id, strconv.Itoa(last))
	require.Equal(t, []event{end}, rest, "nothing is new but the end")
	h.ask(t, "GET", "/api/v1/jobs/"+id+"/events", nil, with{"Last-Event-ID", "x"}).fails(t, 422, "validation_error")
}

// TestEventsOfASilentJob: comments keep the connection alive, and the service's
// end ends the stream.
func TestEventsOfASilentJob(t *testing.T) {
	h := newHouse(t, change{})
	h.Hurry(time.Second)
	j := job.Job{ID: "waits", Type: job.Prediction, Status: job.Pending, CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now(), Input: json.RawMessage("{}")}
	require.NoError(t, h.app.DB.Jobs().Create(t.Context(), j))
	time.AfterFunc(700*time.Millisecond, func() { close(h.stopping) })
	events, comments := follow(t, t.Context(), h, "waits", "")
	require.Len(t, events, 1)
	require.Positive(t, comments)
}
