//go:build slow

package onnx_test

const countSamples = 50_000 // two months each: 100,000 cells
