package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/domain/fault"
)

type row struct {
	ID     int64     `json:"multiindex_id"`
	Name   string    `json:"name"`
	Value  float32   `json:"value"`
	Exact  float64   `json:"exact,omitempty"`
	Day    int32     `parquet:"data_date,date"`
	Series []float64 `json:"series"`
}

func rows(n int) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for i := range n {
			r := row{ID: int64(i), Name: fmt.Sprint("plate ", i%7), Value: float32(i) / 3, Exact: math.Pi * float64(i), Day: int32(19000 + i)}
			for k := range i % 4 {
				r.Series = append(r.Series, 1/float64(k+i+1))
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

var generous = parquet.Limits{Rows: 1 << 20, Bytes: 1 << 26}

func write(t testing.TB, n int) []byte {
	var b bytes.Buffer
	require.NoError(t, parquet.Write(&b, rows(n)))
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 4095, 4096, 10000} {
		data := write(t, n)
		require.Equal(t, data, write(t, n), "equal rows give equal bytes")
		got, err := parquet.Read[row](bytes.NewReader(data), int64(len(data)), "x.parquet", generous)
		require.NoError(t, err)
		require.Len(t, got, n)
		i := 0
		for want := range rows(n) {
			if len(want.Series) == 0 {
				want.Series = got[i].Series[:0:0]
			}
			require.Equal(t, want, got[i])
			i++
		}
	}
}

func TestWriteStopsAtAnError(t *testing.T) {
	broken := errors.New("the disk is gone")
	err := parquet.Write(&bytes.Buffer{}, func(yield func(row, error) bool) { yield(row{}, broken) })
	require.Equal(t, broken, err)
}

func TestReadRefuses(t *testing.T) {
	data := write(t, 100)
	type other struct {
		ID   int64  `json:"multiindex_id"`
		Name string `json:"title"`
	}
	_, err := parquet.Read[other](bytes.NewReader(data), int64(len(data)), "x.parquet", generous)
	require.ErrorContains(t, err, "x.parquet cannot be read as a Parquet file: its columns are not the expected ones: \"name\", or of another type, where \"title\" must be")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, err = parquet.Read[row](bytes.NewReader(data), int64(len(data)), "x.parquet", parquet.Limits{Rows: 99, Bytes: 1 << 20})
	require.Equal(t, "too_many_rows", fault.CodeOf(err))
	_, err = parquet.Read[row](bytes.NewReader(data), int64(len(data)), "x.parquet", parquet.Limits{Rows: 100, Bytes: 100})
	require.Equal(t, "unpacked_too_large", fault.CodeOf(err))
	for _, n := range []int{0, 3, len(data) / 2, len(data) - 1} {
		_, err = parquet.Read[row](bytes.NewReader(data[:n]), int64(n), "x.parquet", generous)
		require.Equal(t, "corrupt_file", fault.CodeOf(err), "cut at %d", n)
	}
}

// TestDamageIsCheap: whatever a file claims, reading it takes no more memory
// than its limits allow.
func TestDamageIsCheap(t *testing.T) {
	whole := write(t, 20)
	r := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	for i := range 2000 {
		data := bytes.Clone(whole)
		for range 1 + r.IntN(3) {
			data[r.IntN(len(data))] = byte(r.Uint32())
		}
		runtime.ReadMemStats(&before)
		_, _ = parquet.Read[row](bytes.NewReader(data), int64(len(data)), "x.parquet", parquet.Limits{Rows: 10000, Bytes: 1 << 22})
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "file %d", i)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(write(f, 0))
	f.Add(write(f, 20))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := parquet.Read[row](bytes.NewReader(data), int64(len(data)), "x.parquet", parquet.Limits{Rows: 10000, Bytes: 1 << 22})
		if err != nil {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
		}
	})
}
