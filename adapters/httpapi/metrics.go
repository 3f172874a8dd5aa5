package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plastinka/predictor/domain/job"
)

// metrics is what Prometheus is told, in a registry of the service's own: two
// services in one process do not mix.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
	refused  prometheus.Counter
	checks   prometheus.Counter
}

func newMetrics(s *Service) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "plastinka_http_requests_total", Help: "Answered requests."}, []string{"operation", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "plastinka_http_request_duration_seconds", Help: "Time to answer.",
			Buckets: []float64{.001, .005, .01, .02, .05, .1, .5, 1, 5, 30}}, []string{"operation"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "plastinka_http_requests_in_flight", Help: "Requests being answered."}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "plastinka_auth_failures_total", Help: "Requests with wrong credentials."}),
		checks:  prometheus.NewCounter(prometheus.CounterOpts{Name: "plastinka_auth_bcrypt_total", Help: "Keys that were checked by bcrypt."}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.running, m.refused, m.checks, jobsCollector{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// answered counts a request. Paths and methods that are not ours are one each:
// a stranger must not make new series.
func (m *metrics) answered(operation, method string, status int, took time.Duration) {
	if operation == "" {
		operation = "other"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(operation, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(operation).Observe(took.Seconds())
}

// jobsCollector counts the jobs by status when somebody asks.
type jobsCollector struct{ s *Service }

func jobsDesc() *prometheus.Desc {
	return prometheus.NewDesc("plastinka_jobs", "Jobs by status.", []string{"status"}, nil)
}

// Describe is prometheus.Collector's.
func (c jobsCollector) Describe(ch chan<- *prometheus.Desc) { ch <- jobsDesc() }

// Collect is prometheus.Collector's, which has no context of its own.
func (c jobsCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, status := range []job.Status{job.Pending, job.Running, job.Completed, job.Failed, job.Cancelled} {
		_, n, err := c.s.app.DB.Jobs().Jobs(ctx, job.Query{Status: status, Limit: 1})
		if err != nil {
			ch <- prometheus.NewInvalidMetric(jobsDesc(), err)
			return
		}
		ch <- prometheus.MustNewConstMetric(jobsDesc(), prometheus.GaugeValue, float64(n), string(status))
	}
}

func (s *Service) registerMetrics() {
	handler := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{DisableCompression: true, ErrorHandling: promhttp.ContinueOnError})
	huma.Register(s.api, admin(huma.Operation{OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"health"},
		Summary: "Figures for Prometheus",
		Responses: map[string]*huma.Response{"200": {Description: "Prometheus text", Content: map[string]*huma.MediaType{
			"text/plain": {Schema: &huma.Schema{Type: "string"}}}}}}),
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				r, w := humago.Unwrap(hc)
				r.Header.Del("Accept") // the text format for everybody
				handler.ServeHTTP(w, r)
			}}, nil
		})
}
