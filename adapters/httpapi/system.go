package httpapi

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
)

// System is how the machine and this process are.
type System struct {
	CPU       float64   `json:"cpu_percent" doc:"of the machine, over a tenth of a second"`
	Memory    float64   `json:"memory_percent" doc:"of the machine"`
	Disk      float64   `json:"disk_usage_percent" doc:"of the disk with the data root"`
	Process   float64   `json:"process_memory_mb" doc:"resident, MiB"`
	OpenFiles int       `json:"open_files"`
	Threads   int       `json:"active_threads"`
	Timestamp time.Time `json:"timestamp"`
}

// RetryStats is how often operations had to be tried again.
type RetryStats struct {
	app.RetryStatistics
	Timestamp time.Time `json:"timestamp"`
}

// Reset is the answer of a reset.
type Reset struct {
	Status  string `json:"status" example:"success"`
	Message string `json:"message"`
}

func (s *Service) registerSystem() {
	tags := []string{"health"}
	huma.Register(s.api, key(huma.Operation{OperationID: "system", Method: http.MethodGet, Path: "/health/system", Tags: tags,
		Summary: "How the machine and this process are"}),
		func(ctx context.Context, _ *struct{}) (*Body[System], error) {
			v, err := s.system(ctx)
			return answer(v, err)
		})
	huma.Register(s.api, key(huma.Operation{OperationID: "retry-stats", Method: http.MethodGet, Path: "/health/retry-stats", Tags: tags,
		Summary: "How often operations had to be tried again"}),
		func(ctx context.Context, _ *struct{}) (*Body[RetryStats], error) {
			v, err := s.app.Retries(ctx)
			return answer(RetryStats{RetryStatistics: v, Timestamp: s.app.Clock.Now().UTC()}, err)
		})
	huma.Register(s.api, key(huma.Operation{OperationID: "reset-retry-stats", Method: http.MethodPost, Path: "/health/retry-stats/reset", Tags: tags,
		Summary: "Forget the counted retries", DefaultStatus: http.StatusOK}),
		func(ctx context.Context, _ *struct{}) (*Body[Reset], error) {
			return answer(Reset{Status: "success", Message: "the retry statistics are empty"}, s.app.ResetRetries(ctx))
		})
}

// system asks the kernel, by gopsutil, which knows the ways of many systems.
func (s *Service) system(ctx context.Context) (v System, err error) {
	v.Timestamp = s.app.Clock.Now().UTC()
	unknown := func(err error) error {
		return fault.New(fault.Internal, "internal_error", "the system's figures cannot be read: %v", err)
	}
	percents, err := cpu.PercentWithContext(ctx, 100*time.Millisecond, false)
	if err != nil {
		return v, unknown(err)
	}
	if len(percents) > 0 {
		v.CPU = percents[0]
	}
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return v, unknown(err)
	}
	v.Memory = memory.UsedPercent
	usage, err := disk.UsageWithContext(ctx, s.opts.DataRoot)
	if err != nil {
		return v, unknown(err)
	}
	v.Disk = usage.UsedPercent
	return v, s.self(ctx, &v)
}

// self adds what is about this process; what the system does not tell is 0.
func (s *Service) self(ctx context.Context, v *System) error {
	p, err := process.NewProcessWithContext(ctx, int32(os.Getpid()))
	if err != nil {
		return fault.New(fault.Internal, "internal_error", "this process cannot be looked at: %v", err)
	}
	if m, err := p.MemoryInfoWithContext(ctx); err == nil {
		v.Process = float64(m.RSS) / (1 << 20)
	}
	if n, err := p.NumFDsWithContext(ctx); err == nil {
		v.OpenFiles = int(n)
	}
	if n, err := p.NumThreadsWithContext(ctx); err == nil {
		v.Threads = int(n)
	}
	return nil
}
