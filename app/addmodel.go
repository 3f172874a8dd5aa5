package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/job"
	"github.com/plastinka/predictor/ports"
)

// UploadedModel is a model that somebody brings.
type UploadedModel struct {
	ID        string // it never becomes a path
	JobID     string // "": a completed manual_upload job is made
	Active    bool
	CreatedAt *time.Time // nil: now
	Metadata  ModelMetadata
	File      string // path of the complete file; it is moved
	FileName  string // for messages
}

// Add keeps a model that somebody brings, if its file can be loaded. A known id
// is a Conflict (model_exists), and nothing is overwritten; an unknown job is
// Invalid (job_id_not_found).
func (m *Models) Add(ctx context.Context, u UploadedModel) (ports.StoredModel, error) {
	model, err := m.add(ctx, u)
	return model, fault.Wrap("app.AddModel", err)
}

func (m *Models) add(ctx context.Context, u UploadedModel) (model ports.StoredModel, err error) {
	if _, err := m.DB.Models().Model(ctx, u.ID); err == nil {
		return model, fault.New(fault.Conflict, "model_exists",
			"there is a model %.100q already; nothing was overwritten: give the new one another id", u.ID).With("model_id", u.ID)
	} else if fault.KindOf(err) != fault.NotFound {
		return model, err
	}
	if u.JobID != "" {
		if _, err := m.DB.Jobs().Job(ctx, u.JobID); fault.KindOf(err) == fault.NotFound {
			return model, fault.New(fault.Invalid, "job_id_not_found",
				"there is no job %.100q; leave job_id out, and a job is made for this model", u.JobID).With("job_id", u.JobID)
		} else if err != nil {
			return model, err
		}
	}
	if _, err := m.Files.Read(ctx, u.File); err != nil {
		e := fault.Wrap("app.AddModel", err).(*fault.Error)
		if e.Kind == fault.Cancelled || e.Kind == fault.Unavailable {
			return model, e
		}
		bad := fault.New(fault.Invalid, "invalid_model_file", "%s: %s", u.FileName, e.Error()).Because(err)
		return model, bad.With("filename", u.FileName).With("index", 0)
	}
	now := m.Clock.Now()
	model = ports.StoredModel{ID: u.ID, JobID: u.JobID, Active: u.Active, CreatedAt: now}
	if u.CreatedAt != nil {
		model.CreatedAt = *u.CreatedAt
	}
	if model.Metadata, err = json.Marshal(u.Metadata); err != nil {
		return model, err
	}
	name := newID() + ".onnx"
	if err := m.Artifacts.Adopt(u.File, ports.ModelFiles, name); err != nil {
		return model, err
	}
	model.Path = string(ports.ModelFiles) + "/" + name
	if err := m.store(ctx, &model, now); err != nil {
		_ = m.Artifacts.Remove(ports.ModelFiles, name) // what stays is removed by the retention
		return model, err
	}
	return model, nil
}

// store keeps the row, and the job if there is none.
func (m *Models) store(ctx context.Context, model *ports.StoredModel, now time.Time) error {
	return m.DB.Atomically(ctx, func(s ports.Stores) error {
		add := *model
		if add.JobID == "" {
			add.JobID = newID()
			result, err := json.Marshal(map[string]string{"model_id": add.ID})
			if err != nil {
				return err
			}
			j := job.Job{ID: add.JobID, Type: job.Manual, Status: job.Completed, CreatedAt: now, UpdatedAt: now, Progress: 100,
				Message: "model uploaded", Input: json.RawMessage("{}"), Result: result}
			if err := s.Jobs().Create(ctx, j); err != nil {
				return err
			}
		}
		if err := s.Models().Add(ctx, add); err != nil {
			return err
		}
		model.JobID = add.JobID
		return nil
	})
}
