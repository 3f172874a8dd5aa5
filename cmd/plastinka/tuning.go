package main

import (
	"runtime"

	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/tide"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/network"
	"github.com/plastinka/predictor/ports"
)

// search is the use case of tuning as the settings want it.
func search(set *settings.Settings, training *app.Training) *app.Tuning {
	t := set.Tuning
	cores := runtime.NumCPU()
	if set.ComputeBackend == "datasphere" {
		cores = 8 // of its usual instances; a guess only costs idle ones
	}
	return &app.Tuning{Training: training, Engine: "tide", Activate: set.AutoSelectConfigs,
		Options: app.TuningOptions{Mode: t.Mode, SamplesLite: t.SamplesLite, SamplesFull: t.SamplesFull, Keep: t.BestToSave,
			Seeds: t.SeedConfigs, AtOnce: t.MaxConcurrent, Cores: cores, Tasks: set.MaxParallel}}
}

// threads are those of one task: tasks that run at once on this machine share
// its cores.
func threads(set *settings.Settings) int {
	if set.Threads > 0 || set.MaxParallel < 2 {
		return set.Threads
	}
	return max(1, runtime.NumCPU()/set.MaxParallel)
}

// explanations are the use case of explaining forecasts of networks.
func explanations(set *settings.Settings, db ports.Database, models *app.Models) *app.Explanations {
	engine := tide.New(tide.Options{Threads: set.Threads})
	return &app.Explanations{DB: db, Models: models, FillMissingDays: set.FillMissingDays,
		Revive: func(n *network.Network) (ports.Model, error) { return engine.FromNetwork(n) }}
}
