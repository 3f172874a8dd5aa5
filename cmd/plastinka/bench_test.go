package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkUpload is the upload of a year of a shop, xlsx, by the whole program
// from its start to its end: 40,000 stock rows and 160,000 sales rows, and five
// times as many. It reports seconds, rows a second and the peak of memory.
//
//	go test -run - -bench Upload -benchtime 3x ./cmd/plastinka
func BenchmarkUpload(b *testing.B) {
	for _, products := range []int{33_500, 167_500} {
		b.Run(fmt.Sprintf("%d products", products), func(b *testing.B) {
			box := newBox(b)
			args := append(uploadOf(b, box.shop("shop", "--products", strconv.Itoa(products), "--months", "12", "--format", "xlsx")), "--json", "--quiet")
			rows := 0
			var result struct {
				Files []struct {
					Rows int `json:"rows_read"`
				}
			}
			box.result(&result, append(args, "--dry-run")...)
			for _, f := range result.Files {
				rows += f.Rows
			}
			peak := int64(0)
			for b.Loop() {
				b.StopTimer()
				require.NoError(b, os.RemoveAll(box.root))
				b.StartTimer()
				cmd := box.command(args...)
				require.NoError(b, cmd.Run())
				peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			}
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(peak)/1024, "MiB-peak")
		})
	}
}

// BenchmarkStart is a command that opens a data root and looks at it.
func BenchmarkStart(b *testing.B) {
	box := newBox(b)
	box.must("status")
	for b.Loop() {
		require.NoError(b, box.command("status", "--quiet").Run())
	}
}

// BenchmarkReport is the HTML report of 20,000 products, with the start of the
// program.
func BenchmarkReport(b *testing.B) {
	box := newBox(b, "ENGINE=baseline")
	box.must(uploadOf(b, box.shop("shop", "--products", "20000", "--months", "12", "--format", "csv"))...)
	box.must("train")
	page := filepath.Join(box.dir, "report.html")
	begun := time.Now()
	for b.Loop() {
		require.NoError(b, box.command("report", "--quiet", "--out", page).Run())
	}
	info, err := os.Stat(page)
	require.NoError(b, err)
	require.True(b, info.ModTime().After(begun.Add(-time.Second)))
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
}
