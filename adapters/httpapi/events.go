package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/plastinka/predictor/domain/job"
)

// eventsPoll is how often a stream asks the store: another process may be doing
// the job.
const eventsPoll = 250 * time.Millisecond

type eventsInput struct {
	withContext
	JobID string `path:"job_id" maxLength:"100"`
	Last  string `header:"Last-Event-ID" maxLength:"100" doc:"the id of the last event that was received; the stream goes on after it"`
}

func (s *Service) registerEvents() {
	schema := s.api.OpenAPI().Components.Schemas.Schema(typeOf[JobEvent](), true, "JobEvent")
	huma.Register(s.api, key(huma.Operation{OperationID: "job-events", Method: http.MethodGet, Path: "/api/v1/jobs/{job_id}/events", Tags: []string{"jobs"},
		Summary: "Follow a job",
		Description: "Server-sent events: `status` for every change of status and every step of progress, from the job's beginning or after Last-Event-ID, its data a " +
			schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:] + "; at the job's end `end`, its data the job, and the stream closes.",
		Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity},
		Responses: map[string]*huma.Response{"200": {Description: "the events", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: "object", Description: "one event", Properties: map[string]*huma.Schema{
				"id": {Type: "string"}, "event": {Type: "string", Enum: []any{"status", "end"}}, "data": {Type: "string", Description: "JSON"}}}}}}}}), s.events)
}

func (s *Service) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	after := int64(0)
	if in.Last != "" {
		n, err := strconv.ParseInt(in.Last, 10, 64)
		if err != nil || n < 0 {
			return nil, invalid(Violation{Loc: []any{"header", "Last-Event-ID"}, Msg: "is not the id of an event", Type: "value_error"})
		}
		after = n
	}
	j, err := s.app.DB.Jobs().Job(ctx, in.JobID)
	if err != nil {
		return nil, problem(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // proxies would collect the events
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		stream := eventStream{s: s, w: w, id: j.ID, after: after}
		stream.run(r.Context())
	}}, nil
}

// eventStream follows one job for one client.
type eventStream struct {
	s     *Service
	w     http.ResponseWriter
	id    string
	after int64
}

// run sends until the job ends, the client goes, or the service stops.
func (e *eventStream) run(ctx context.Context) {
	tick := time.NewTicker(eventsPoll)
	defer tick.Stop()
	silent := time.Duration(0)
	for {
		// The job first: if it has ended by now, all its events are there.
		j, err := e.s.app.DB.Jobs().Job(ctx, e.id)
		if err != nil {
			return // the client connects again, and hears why
		}
		sent, err := e.news(ctx)
		if err == nil && j.Status.Ended() {
			_ = e.send("end", "", jobView(j, true))
			return
		}
		if silent += eventsPoll; sent {
			silent = 0
		} else if silent >= e.s.pace.eventsAlive {
			silent = 0
			err = e.write(": still here\n\n")
		}
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-e.s.opts.Stopping:
			return
		case <-tick.C:
		}
	}
}

// news sends the events that are new.
func (e *eventStream) news(ctx context.Context) (sent bool, err error) {
	events, err := e.s.app.DB.Jobs().History(ctx, e.id, e.after)
	for _, event := range events {
		if err := e.send("status", strconv.FormatInt(event.Sequence, 10), eventView(event)); err != nil {
			return sent, err
		}
		e.after, sent = event.Sequence, true
	}
	return sent, err
}

func eventView(e job.Event) JobEvent {
	return JobEvent{Sequence: e.Sequence, Status: string(e.Status), Progress: e.Progress, Message: e.Message, At: e.At.UTC()}
}

func (e *eventStream) send(name, id string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return e.write(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, name, b)) // JSON has no line breaks of its own
}

func (e *eventStream) write(text string) error {
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return http.NewResponseController(e.w).Flush()
}
