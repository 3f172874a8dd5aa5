// Package app holds the use cases, one file each, named by what a person wants:
// upload, train, backtest, report. A use case speaks domain types and ports
// only; who calls it (a command, an HTTP handler, another program) and what
// stands behind the ports (a file or a memory database, this machine or a
// cloud) it does not know.
package app

import "runtime/debug"

func stack() string { return string(debug.Stack()) }
