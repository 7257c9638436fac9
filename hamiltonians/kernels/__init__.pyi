"""Compiled kernels and the matrix-free operators built on them."""

from . import configurations, loops, random_numbers

__all__ = ["configurations", "loops", "random_numbers"]
