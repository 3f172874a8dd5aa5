package sqlite

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
)

// bulkValues is how many values one statement of a bulk write binds: so many
// that a statement's own cost does not count. (BenchmarkUpload takes a quarter
// less processor time with 1,200 than with 60; with 2,000 it takes as much.)
const bulkValues = 1200

// bulk inserts rows rows: insert is "INSERT INTO table (columns)", fill sets
// the values of row i.
func bulk(ctx context.Context, tx bun.Tx, insert string, columns, rows int, fill func(i int, row []any)) error {
	batch := min(rows, max(1, bulkValues/columns))
	if batch == 0 {
		return nil
	}
	args := make([]any, batch*columns)
	write := func(from, n int) error {
		stmt, err := tx.Tx.PrepareContext(ctx, insert+" VALUES "+placeholders(columns, n))
		if err != nil {
			return err
		}
		defer stmt.Close()
		for ; from+n <= rows; from += n {
			for i := range n {
				fill(from+i, args[i*columns:(i+1)*columns])
			}
			if _, err := stmt.ExecContext(ctx, args[:n*columns]...); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write(0, batch); err != nil {
		return err
	}
	if rest := rows % batch; rest > 0 {
		return write(rows-rest, rest)
	}
	return nil
}

// placeholders are n groups of columns question marks.
func placeholders(columns, n int) string {
	group := "(" + strings.Repeat("?,", columns-1) + "?)"
	return strings.Repeat(group+",", n-1) + group
}
