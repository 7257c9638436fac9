"""Compiled kernels and the matrix-free operators built on them."""

from . import configurations, loops

__all__ = ["configurations", "loops"]
