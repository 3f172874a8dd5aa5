// Package tide is the training engine: the network of Das et al. 2023,
// "Long-term Forecasting with TiDE" (arXiv:2304.08424), in the variant that
// Darts made common, trained and asked on the processor by code of its own.
//
// There is no autograd. The network is a handful of residual blocks, and each
// goes forward and back by the formulas at its functions:
//
//	block(x) = norm?( drop(W₂·relu(W₁·x + b₁) + b₂) + Wₛ·x + bₛ )
//	input    = lookback | past (L months) | future (L+H months) | static
//	output   = block([decode(encode(input)) of a step | its future]) + W·lookback + b
//
// What the outputs mean is the likelihood's business: the logarithms of mean and
// size of a negative binomial, or quantiles (loss.go).
//
// A training step has five rounds, each cut into tasks that the threads take
// one by one: blocks of 32 samples go forward and back; the gradient of every
// weight matrix is computed in tiles over the whole batch; norms; Adam; packing
// for the next step. Tasks are cut by the shapes alone and sums are added in
// task order, so that the result has the same bytes on any number of threads.
// A step allocates nothing: all memory is in the workspace. Dropout has no state
// either: whether a value is kept is a hash of seed, step, block, row and column,
// and the way back asks the same hash again.
//
// Samples are pairs of a product and a month; their windows are copied out of
// the panel's series when a step needs them.
//
// The matrix products and the inner loops are in the package kernel. No
// library for tensors is used: those for Go reach a tenth of the processor's
// peak here, or need C.
package tide
