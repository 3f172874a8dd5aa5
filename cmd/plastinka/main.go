// Command plastinka is the composition root: it alone knows everybody. It
// reads settings, wires adapters into use cases, and hands them to the
// commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/plastinka/predictor/adapters/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Streams{Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}, house(os.Getenv))
	stop()
	os.Exit(code)
}
