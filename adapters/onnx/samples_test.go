//go:build !slow

package onnx_test

const countSamples = 600
