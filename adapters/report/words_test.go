package report

import (
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/domain/report"
)

// Every word exists in both languages and takes the same values.
func TestEveryWordInBothLanguages(t *testing.T) {
	verbs := regexp.MustCompile(`%%|%(\[\d\])?[sd]`)
	values := func(s string) int {
		return len(slices.DeleteFunc(verbs.FindAllString(s, -1), func(v string) bool { return v == "%%" }))
	}
	ru, en := reflect.ValueOf(*russian()), reflect.ValueOf(*english())
	for i := range ru.NumField() {
		name, a, b := ru.Type().Field(i).Name, ru.Field(i), en.Field(i)
		switch a.Kind() {
		case reflect.String:
			require.NotEmpty(t, a.String(), name)
			require.NotEmpty(t, b.String(), name)
			require.Equal(t, values(a.String()), values(b.String()), name)
		case reflect.Slice:
			require.Equal(t, a.Len(), b.Len(), name)
		}
	}
}

func TestNumbers(t *testing.T) {
	ru, en := wordsOf(report.Russian), wordsOf(report.English)
	for _, c := range []struct{ got, ru string }{
		{ru.number(1234567.891, 2), "1\u202f234\u202f567,89"},
		{ru.number(-0.4, 0), "0"},
		{ru.number(-1234, 0), "−1\u202f234"},
		{en.number(1234567, 0), "1,234,567"},
		{en.number(999, 0), "999"},
		{ru.few(5.98), "6"},
		{ru.few(5.94), "5,9"},
		{ru.few(9.96), "10"},
		{ru.few(12.4), "12"},
		{ru.few(0), "0"},
		{ru.short(999_499), "999\u00a0тыс.\u00a0₽"},
		{ru.short(999_500), "1\u00a0млн\u00a0₽"},
		{ru.short(1_840_000), "1,8\u00a0млн\u00a0₽"},
		{ru.short(9_174), "9\u202f170\u00a0₽"},
		{en.short(1_840_000), "₽1.8M"},
		{en.short(20_400), "₽20k"},
		{en.rub(1234.4), "₽1,234"},
		{ru.percent(0.974), "97\u202f%"},
		{ru.signed(0.034), "+3\u202f%"},
		{ru.signed(-0.034), "−3\u202f%"},
		{ru.signed(0.001), "0\u202f%"},
		{ru.counted(1, ru.titles), "1\u00a0название"},
		{ru.counted(22, ru.titles), "22\u00a0названия"},
		{ru.counted(12, ru.titles), "12\u00a0названий"},
		{ru.counted(1011, ru.titles), "1\u202f011\u00a0названий"},
		{en.counted(1, en.titles), "1\u00a0title"},
		{en.counted(0, en.titles), "0\u00a0titles"},
		{ru.decade("1990s"), "1990-е"},
		{ru.decade("<1950"), "до 1950"},
		{en.decade("what?"), "what?"},
	} {
		require.Equal(t, c.ru, c.got)
	}
}
