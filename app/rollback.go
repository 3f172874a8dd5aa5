package app

import (
	"context"

	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/ports"
)

// Activations are the changes of the active model, newest first; limit 0 is all.
func (m *Models) Activations(ctx context.Context, limit int) ([]ports.Activation, error) {
	return m.DB.Models().Activations(ctx, limit)
}

// Rollback makes the model active that was so before the active one, and
// returns its id. Again, and the first one is back.
func (m *Models) Rollback(ctx context.Context) (id string, err error) {
	err = m.DB.Atomically(ctx, func(s ports.Stores) error {
		active, err := s.Models().Active(ctx)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		history, err := s.Models().Activations(ctx, 0)
		if err != nil {
			return err
		}
		if id, err = before(history, active.ID, func(id string) error { _, err := s.Models().Model(ctx, id); return err }); err != nil {
			return err
		}
		if id == "" {
			return fault.New(fault.NotFound, "no_models_found", "no other model that still exists was active before; choose one and activate it")
		}
		return s.Models().SetActive(ctx, id, m.Clock.Now())
	})
	return id, fault.Wrap("app.Rollback", err)
}

// Activations are the changes of the active configuration, newest first; limit
// 0 is all.
func (c *Configs) Activations(ctx context.Context, limit int) ([]ports.Activation, error) {
	return c.DB.Configs().Activations(ctx, limit)
}

// Rollback makes the configuration active that was so before the active one,
// and returns its id. Again, and the first one is back.
func (c *Configs) Rollback(ctx context.Context) (id string, err error) {
	err = c.DB.Atomically(ctx, func(s ports.Stores) error {
		active, err := s.Configs().Active(ctx)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		history, err := s.Configs().Activations(ctx, 0)
		if err != nil {
			return err
		}
		if id, err = before(history, active.ID, func(id string) error { _, err := s.Configs().Config(ctx, id); return err }); err != nil {
			return err
		}
		if id == "" {
			return fault.New(fault.NotFound, "no_configs_found", "no other configuration that still exists was active before; choose one and activate it")
		}
		return s.Configs().SetActive(ctx, id, c.Clock.Now())
	})
	return id, fault.Wrap("app.Rollback", err)
}

// before is the newest entry of a history, the newest first, that is not the
// active one and still exists; "" if there is none.
func before(history []ports.Activation, active string, find func(id string) error) (string, error) {
	for _, a := range history {
		if a.ID == active {
			continue
		}
		err := find(a.ID)
		if err == nil || fault.KindOf(err) != fault.NotFound {
			return a.ID, err
		}
	}
	return "", nil
}
