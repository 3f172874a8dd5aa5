//go:build !killpoints

package main

import "time"

// lease is how long a job stays with a silent worker.
const lease = 15 * time.Second

// withKillPoints is where the fault tests' build puts points at which the
// process kills itself (seam_killpoints.go). Every other build has none.
func (o outside) withKillPoints() outside { return o }
