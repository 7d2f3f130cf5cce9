"""Plain, exact reference implementations of the mathematics of stable neural networks.

One topic, one module: `refimpl.spectral`, `refimpl.convolution`, `refimpl.layers`, `refimpl.normalization`,
`refimpl.network`.
Every function is written to be read: one formula, explicit steps, NumPy and SciPy only.
"""
