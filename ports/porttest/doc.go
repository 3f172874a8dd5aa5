// Package porttest holds one conformance suite for each port: what an
// implementation must do besides having the methods. Every adapter runs the
// suite of its port in its own tests, over a real file, process or database.
package porttest
