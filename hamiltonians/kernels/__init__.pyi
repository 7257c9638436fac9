"""Compiled kernels and the matrix-free operators built on them."""

from . import loops

__all__ = ["loops"]
