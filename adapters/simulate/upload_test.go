package simulate

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/intake"
	"github.com/plastinka/predictor/ports"
)

// TestR1EveryFormatLeadsToTheSameRows reads the files as an upload does: the
// accepted rows and their records do not tell in which format they came.
func TestR1EveryFormatLeadsToTheSameRows(t *testing.T) {
	shop := shopOf(t, 80, 3, 5)
	var first *intake.Rows
	for _, format := range append(Formats(), Mixed) {
		files, err := Write(t.Context(), filepath.Join(t.TempDir(), "shop"), shop, shop.Until(), format)
		require.NoError(t, err)
		read := []*intake.File{readFile(t, files.Stock, intake.StockFile, shop.Until())}
		for _, path := range files.Sales {
			read = append(read, readFile(t, path, intake.SalesFile, shop.Until()))
		}
		rows := intake.Merge(read)
		for i := range rows.Files {
			f := &rows.Files[i]
			require.Positive(t, f.RowsAccepted, "%s, %s", format, f.Name)
			require.Equal(t, f.RowsRead, f.RowsAccepted, "%s, %s: %v", format, f.Name, f.RowsRejected)
			f.Name, f.Format, f.Sheet = "", "", ""
		}
		if first == nil {
			first = rows
			continue
		}
		require.Equal(t, first, rows, "%s", format)
	}
	require.Len(t, first.Sales, len(shop.Sales(shop.Options.First.First(), shop.Until())))
}

func readFile(t *testing.T, path string, role intake.Role, today calendar.Day) *intake.File {
	t.Helper()
	w, err := tables.Reader{}.Open(t.Context(), path, ports.TableLimits{})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	f, err := intake.Read(t.Context(), w, intake.Options{Name: filepath.Base(path), Role: role, Today: today, Bins: catalog.DefaultBins(), Normalise: norm.NFC.String})
	require.NoError(t, err)
	return f
}
