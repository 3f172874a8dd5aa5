//go:build slow

package main

// shops are those of TestShopIsFoundOutExactly.
var shops = []shopSize{{60, 4, 1}, {60, 4, 2}, {60, 4, 3}, {600, 12, 4}, {200, 30, 5}, {3, 2, 6}}

// some are the kill points that are tried: all.
func some(points []string) []string { return points }
