"""Random numbers that are functions of their places, so that each process finds its own ones without the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .configurations import part
from .loops import Array, compiled_in_order

FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
STEP = np.uint64(0x9E3779B97F4A7C15)
UNIT = 2.0**-53
LONG, MIDDLE, SHORT, REST, ONE = (np.uint64(bits) for bits in (31, 30, 27, 11, 1))


@part
def mixed(z: Any) -> Any:
    """Return 64 bits that each depend on all bits of z."""
    z = (z ^ (z >> MIDDLE)) * FIRST
    z = (z ^ (z >> SHORT)) * SECOND
    return z ^ (z >> LONG)


@compiled_in_order
def normal_numbers(out: Array, rows: Array, keys: Array) -> None:
    """Write standard normal numbers ``out[r, p, c]`` of row ``rows[r]``, place p and key c; of row r without `rows`.

    Places are mixed as in SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, OOPSLA 2014), once before and once after
    the key is added; two uniform numbers give a normal one by the method of Box and Muller.
    """
    width = out.shape[1]
    for r in prange(out.shape[0]):
        row = rows[r] if rows.shape[0] else np.int64(r)
        for p in range(width):
            counter = np.uint64(row * width + p) << ONE
            first, second = mixed((counter + ONE) * STEP), mixed((counter + ONE + ONE) * STEP)
            for c in range(out.shape[2]):
                one, other = mixed(first ^ keys[c]), mixed(second ^ keys[c])
                radius = np.sqrt(-2.0 * np.log((np.float64(one >> REST) + 1.0) * UNIT))
                out[r, p, c] = radius * np.cos(2.0 * np.pi * np.float64(other >> REST) * UNIT)
