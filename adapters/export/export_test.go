package export

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/parquet"
	"github.com/plastinka/predictor/app"
	"github.com/plastinka/predictor/domain/fault"
)

func rows[T any](list []T, end error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
		if end != nil {
			var zero T
			yield(zero, end)
		}
	}
}

var openings = []app.OpeningRow{{Month: "2024-01-01", ID: 7, Value: 3}, {Month: "2024-02-01", ID: 8, Value: 1}}

func TestCSVHasTheTablesColumns(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, write(&b, "csv", rows(openings, nil)))
	require.Equal(t, "month,multiindex_id,value\n2024-01-01,7,3\n2024-02-01,8,1\n", b.String())
}

func TestCSVNeutralisesFormulas(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, write(&b, "csv", rows([]app.ProductRow{{Artist: "=HYPERLINK(1)", Album: `a "b", c`}}, nil)))
	require.Contains(t, b.String(), `,'=HYPERLINK(1),"a ""b"", c",`)
}

func TestParquetReadsBack(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, write(&b, "parquet", rows(openings, nil)))
	got, err := parquet.Read[app.OpeningRow](bytes.NewReader(b.Bytes()), int64(b.Len()), "openings", parquet.Limits{Rows: 10, Bytes: 1 << 20})
	require.NoError(t, err)
	require.Equal(t, openings, got)
}

func TestAnErrorOfTheStoreIsTheErrorOfTheExport(t *testing.T) {
	gone := errors.New("gone")
	for _, format := range []string{"csv", "parquet"} {
		require.ErrorIs(t, write(&bytes.Buffer{}, format, rows(openings, gone)), gone)
	}
}

func TestUnknownNamesAreRefused(t *testing.T) {
	for _, call := range [][2]string{{"products", "xml"}, {"secrets", "csv"}} {
		err := Table(context.Background(), &bytes.Buffer{}, app.Export{}, call[0], call[1])
		require.Equal(t, "validation_error", fault.CodeOf(err))
	}
}

func TestTablesReadBack(t *testing.T) {
	monthly := []app.MonthlyRow{{Month: "2024-01-01", ID: 3, Sales: 2, Availability: 0.1 + 0.2, Price: 1290, DaysObserved: 31, ClosingStock: 4}}
	products := []app.ProductRow{{ID: 3, Artist: "=formula", Album: "'quoted", Style: "-", RecordingYear: 1977}}
	for _, format := range []string{"csv", "parquet"} {
		var b bytes.Buffer
		require.NoError(t, write(&b, format, rows(monthly, nil)))
		got, err := Read[app.MonthlyRow](b.Bytes(), "monthly")
		require.NoError(t, err)
		require.Equal(t, monthly, got)
		b.Reset()
		require.NoError(t, write(&b, format, rows(products, nil)))
		back, err := Read[app.ProductRow](b.Bytes(), "products")
		require.NoError(t, err)
		require.Equal(t, products, back)
	}
}

func TestReadingNamesWhatIsWrong(t *testing.T) {
	for content, code := range map[string]string{"": "corrupt_file", "month,value\n": "missing_columns",
		"month,multiindex_id,value\n2024-01-01,x,1\n": "corrupt_file", "month,multiindex_id,value\n1\n": "corrupt_file", "PAR1rubbish": "corrupt_file"} {
		_, err := Read[app.OpeningRow]([]byte(content), "openings")
		require.Equal(t, code, fault.CodeOf(err), "%q", content)
	}
}
