"""Compiled kernels of averages: sums over the phonon states of stored amplitudes ``phi[row, p]``."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...hamiltonians.kernels.loops import Array, compiled


@compiled
def overlaps(out: Array, phi: Array, left: Array, right: Array) -> None:
    """``out[k] = sum_p conj(phi[left[k], p]) phi[right[k], p]``."""
    for k in prange(out.shape[0]):
        x, y, total = phi[left[k]], phi[right[k]], out.dtype.type(0)
        for p in range(phi.shape[1]):
            total += np.conj(x[p]) * y[p]
        out[k] = total


@compiled
def moments(
    out: Array, phi: Array, number: Array, lower: Array, upper: Array, low_weight: Array, up_weight: Array
) -> None:
    """``<x>``, ``<n>`` and ``||x phi||^2`` of each row, to ``out[:, row]``.

    x phi is ``low_weight[p] phi[lower[p]] + up_weight[p] phi[upper[p]]``, n is ``number[p]``.
    """
    for r in prange(phi.shape[0]):
        row, mean, quanta, square = phi[r], 0.0, 0.0, 0.0
        for p in range(phi.shape[1]):
            here = row[p]
            there = low_weight[p] * row[lower[p]] + up_weight[p] * row[upper[p]]
            mean += (np.conj(here) * there).real
            quanta += number[p] * (here.real * here.real + here.imag * here.imag)
            square += there.real * there.real + there.imag * there.imag
        out[0, r], out[1, r], out[2, r] = mean, quanta, square
