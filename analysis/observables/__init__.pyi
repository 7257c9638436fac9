"""Observables: one table, their operators and averages, their error bars."""

from .error_bars import entropy_error, isolated_ground, mixing

__all__ = [
    "entropy_error",
    "isolated_ground",
    "mixing",
]
