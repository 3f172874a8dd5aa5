//go:build !slow

package main

// shops are those of TestShopIsFoundOutExactly; -tags slow takes larger ones.
var shops = []shopSize{{60, 4, 1}, {60, 4, 2}, {60, 4, 3}}
