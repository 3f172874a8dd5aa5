package panel_test

import (
	"strings"
	"testing"

	"github.com/plastinka/predictor/domain/calendar"
	"github.com/plastinka/predictor/domain/catalog"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/panel"
	"github.com/stretchr/testify/require"
)

func TestReadWide(t *testing.T) {
	p, err := panel.ReadWide(strings.NewReader("\ufeffseries,2020-12,2021-01-01\n a ,3,\nb, 0 ,12.0\n"), "x.csv")
	require.NoError(t, err)
	require.Equal(t, &panel.Panel{First: calendar.MonthOf(2020, 12), T: 2,
		Products: []catalog.Product{{Barcode: "a"}, {Barcode: "b"}},
		Sales:    []float32{3, 0, 0, 12}, Availability: []float32{1, 0, 1, 1}, Confidence: []float32{1, 0, 1, 1}}, p)
	require.NoError(t, p.ReadAttributes(strings.NewReader("style,Series,recording_year,colour\nRock,b,1969,red\nJazz,zzz,x,\n"), "y.csv"))
	require.Equal(t, catalog.Product{Barcode: "b", Style: "Rock", RecordingYear: 1969}, p.Products[1])
	require.Equal(t, catalog.Product{Barcode: "a"}, p.Products[0])
}

func TestReadWideSaysWhereItIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "x.csv is empty",
		"series,2020-01\n":                "x.csv has no series",
		"series\na\n":                     "one column per month",
		"name,2020-01\na,1\n":             "the header must be series",
		"series,2020-13\na,1\n":           `column 2: "2020-13" is not a month`,
		"series,2020-01,2020-03\na,1,2\n": "column 3 is 2020-03 where 2020-02 should follow",
		"series,2020-01\na,1\n\"a\",2\n":  `row 3: series "a" is unnamed or already in row 2`,
		"series,2020-01\n,1\n":            `row 2: series "" is unnamed`,
		"series,2020-01\na,-1\n":          `row 2, month 2020-01: "-1" is not a whole number`,
		"series,2020-01\na,1.5\n":         `"1.5" is not a whole number`,
		"series,2020-01\na,NaN\n":         `"NaN" is not a whole number`,
		"series,2020-01\na,1e30\n":        `"1e30" is not a whole number`,
		"series,2020-01\na,1,2\n":         "not readable as CSV",
		"series,2020-01\na,\"1\n":         "not readable as CSV",
		"series;2020-01\na;1\n":           "the header must be series",
	} {
		_, err := panel.ReadWide(strings.NewReader(text), "x.csv")
		require.ErrorContains(t, err, want, "%q", text)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
	p, err := panel.ReadWide(strings.NewReader("series,2020-01\na,1\n"), "x.csv")
	require.NoError(t, err)
	require.ErrorContains(t, p.ReadAttributes(strings.NewReader("style\nRock\n"), "y.csv"), "y.csv has no column series")
	require.ErrorContains(t, p.ReadAttributes(strings.NewReader("series,recording_year\na,soon\n"), "y.csv"),
		`y.csv: row 2, column recording_year: "soon" is not a year`)
	require.ErrorContains(t, p.ReadAttributes(strings.NewReader("series,style\na\n"), "y.csv"), "not readable")
}

func FuzzReadWide(f *testing.F) {
	f.Add("series,2020-01,2020-02\na,1,\nb,,3\n")
	f.Add("\ufeffseries,2020-12-01\n\"x,y\",7\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := panel.ReadWide(strings.NewReader(text), "x.csv")
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.Len(t, p.Sales, p.N()*p.T)
		require.Len(t, p.Availability, p.N()*p.T)
	})
}
