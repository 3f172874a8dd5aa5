//go:build !slow

package main

// How much some tests do by default; -tags slow lets them do more.

// shops are those of TestShopIsFoundOutExactly.
var shops = []shopSize{{60, 4, 1}, {60, 4, 2}, {60, 4, 3}}

// some are the kill points that are tried: every ninth, and the last.
func some(points []string) (few []string) {
	for i := len(points) - 1; i >= 0; i -= 9 {
		few = append(few, points[i])
	}
	return few
}
