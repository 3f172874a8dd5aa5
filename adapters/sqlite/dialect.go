package sqlite

import (
	"encoding/hex"
	"strings"

	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// dialect is Bun's, which writes values into the statement's text, but for
// text with a NUL: SQLite's quoted text ends there and Bun refuses it, so it is
// written by its bytes. A stranger's id with a NUL is then simply unknown.
type dialect struct{ *sqlitedialect.Dialect }

func (d dialect) AppendString(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) < 0 {
		return d.Dialect.AppendString(b, s)
	}
	b = append(b, "CAST(X'"...)
	b = hex.AppendEncode(b, []byte(s))
	return append(b, "' AS TEXT)"...)
}
