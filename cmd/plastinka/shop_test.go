package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/catalog"
)

// formats are those that simulate writes with --format all, a folder each.
var formats = []string{"xlsx", "csv", "csv-utf8-bom", "csv-utf16le", "csv-utf16be", "csv-1251"}

// TestShopIsFoundOutExactly: what simulate → upload → export gives is the
// truth about the shop, whatever its files are written in (§1.2–1.7).
func TestShopIsFoundOutExactly(t *testing.T) {
	t.Parallel()
	for _, size := range shops {
		t.Run(fmt.Sprintf("%d products, %d months, seed %d", size.products, size.months, size.seed), func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			all := b.shop("shop", "--format", "all", "--products", strconv.Itoa(size.products),
				"--months", strconv.Itoa(size.months), "--seed", strconv.Itoa(size.seed))
			for _, format := range formats {
				dir := filepath.Join(all, format)
				b.root = filepath.Join(b.dir, "data-"+format)
				b.env = append(b.env, "DATA_ROOT_DIR="+b.root)
				b.must(append(uploadOf(t, dir), "--snapshot-date", "2026-01-01")...) // few rows say little about their day
				requireTruth(b, filepath.Join(dir, "truth"), format)
			}
		})
	}
}

type shopSize struct{ products, months, seed int }

// truth is what is true of a product's month.
type truth struct{ sales, opening, availability, confidence string }

// requireTruth compares what is stored with what is true.
func requireTruth(b *box, dir, format string) {
	b.Helper()
	want := truthOf(b, dir)
	got := map[string]truth{}
	ids := map[string]string{}
	for _, p := range b.exported("products") {
		ids[p["multiindex_id"]] = product(p)
	}
	opening := map[string]string{}
	for _, o := range b.exported("openings") {
		opening[ids[o["multiindex_id"]]+o["month"]] = o["value"]
	}
	closing := map[string]string{}
	for _, m := range b.exported("monthly") {
		key := ids[m["multiindex_id"]] + m["data_date"]
		require.NotContains(b, got, key, "two rows for one product and month")
		got[key] = truth{m["sales"], orZero(opening[key]), m["availability"], m["confidence"]}
		closing[key] = m["closing_stock"]
	}
	require.Len(b, got, len(want), "%s: product-months on hand or sold", format)
	for key, w := range want {
		require.Equal(b, w, got[key], "%s: %s", format, key)
	}
	sold := map[string]int{}
	for _, d := range b.exported("daily") {
		n, err := strconv.Atoi(d["sales"])
		require.NoError(b, err)
		sold[ids[d["multiindex_id"]]+d["data_date"][:7]+"-01"] += n
	}
	for key, w := range want {
		require.Equal(b, w.sales, strconv.Itoa(sold[key]), "%s: the days of %s", format, key)
	}
}

// truthOf reads the truth about the products that were on hand or sold.
func truthOf(t testing.TB, dir string) map[string]truth {
	t.Helper()
	read := func(name string) []map[string]string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return records(t, content)
	}
	editions := map[string]string{}
	for _, p := range read("products.csv") {
		editions[p["edition"]] = product(p)
	}
	want := map[string]truth{}
	for _, m := range read("monthly.csv") {
		if m["sales"] == "0" && m["availability"] == "0" {
			continue
		}
		key := editions[m["edition"]] + m["month"]
		require.NotContains(t, want, key, "two editions are one product")
		want[key] = truth{m["sales"], m["opening"], m["availability"], m["confidence"]}
	}
	require.NotEmpty(t, want)
	return want
}

// product is a product's identity: its ten attributes.
func product(row map[string]string) string {
	values := make([]string, 0, 11)
	for _, name := range catalog.Attributes() {
		values = append(values, row[name])
	}
	return strings.Join(append(values, ""), "|")
}

func orZero(v string) string {
	if v == "" {
		return "0"
	}
	return v
}

// TestR1WorkbooksOfExcel97: a shop's .xls, converted from its xlsx by
// LibreOffice, is the same shop.
func TestR1WorkbooksOfExcel97(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("testdata/libreoffice")
	require.NoError(t, err)
	for _, extension := range []string{"xls", "xlsx"} {
		b := newBox(t)
		var result struct {
			Files []struct{ Format string }
		}
		b.result(&result, "upload", "--stock", filepath.Join(dir, "stock."+extension),
			filepath.Join(dir, "sales-2025-10."+extension), filepath.Join(dir, "sales-2025-11."+extension), filepath.Join(dir, "sales-2025-12."+extension))
		require.Len(t, result.Files, 4)
		for _, f := range result.Files {
			require.Equal(t, extension, f.Format, "the file is read as what it is")
		}
		requireTruth(b, filepath.Join(dir, "truth"), extension)
	}
}
