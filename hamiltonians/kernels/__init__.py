"""Compiled kernels and the matrix-free operators built on them."""
