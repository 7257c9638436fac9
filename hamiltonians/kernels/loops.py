"""Compiled kernels of the matrix-free Hamiltonian: arrays in, arrays out, nothing allocated.

All act on amplitudes ``psi[row, p]``: a row for each (representative) charge configuration, a column for each phonon
state. Sparse matrices over the rows come as ``start, column, value`` (CSR), lattice operators as a few gathers
``source[k, p]`` with weights, permutations of the phonon states as ``gather[g, p]``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np
from numba import get_num_threads, njit, prange
from numpy.typing import NDArray

from ..._core import threads  # noqa: F401 - chooses the threads of the kernels before one runs

Array = NDArray[Any]
Kernel = TypeVar("Kernel", bound=Callable[..., None])


FASTMATH = ("contract", "reassoc", "nsz")
"""Sums may be taken in any order."""
SHARE = 1 << 13
"""Entries of long vectors that one core takes at a time; loops over slices are compiled into vector instructions."""


def compiled(kernel: Kernel) -> Kernel:
    """Compile on first use, for one core or for all that numba may use; sums may be taken in any order.

    The two are kept on disk under names of their own. One core does its work without waking the others.
    """
    return _compiled(kernel, fastmath=set(FASTMATH))


def compiled_in_order(kernel: Kernel) -> Kernel:
    """Compile on first use like `compiled`; sums and products are taken in the order in which they are written."""
    return _compiled(kernel)


def _compiled(kernel: Kernel, **options: Any) -> Kernel:
    alone, together = _kept(_copy(kernel, "alone"), **options), _kept(kernel, parallel=True, **options)

    @wraps(kernel)
    def run(*arguments: Any) -> None:
        (alone if get_num_threads() == 1 else together)(*arguments)

    return cast("Kernel", run)


def _kept(kernel: Kernel, **options: Any) -> Kernel:
    """Compile, and keep the machine code on disk."""
    try:
        found: Kernel = njit(cache=True, **options)(kernel)
    except RuntimeError:  # no folder to keep it in
        found = njit(**options)(kernel)
    return found


def _copy(kernel: Kernel, name: str) -> Kernel:
    """Return the kernel under another name: numba keeps one machine code for each."""
    copy = FunctionType(kernel.__code__, kernel.__globals__, kernel.__name__)
    copy.__qualname__ = f"{kernel.__qualname__}.{name}"
    return cast("Kernel", copy)


def inlined(part: Kernel) -> Kernel:
    """Compile a part of a kernel for one core."""
    one: Kernel = njit(inline="always", fastmath=set(FASTMATH))(part)
    return one


@compiled
def add_rows(v: Array, coefficients: Array, rows: Array) -> None:
    """``v[i] += sum_k coefficients[k] rows[k, i]``."""
    size = v.shape[0]
    for share in prange((size + SHARE - 1) // SHARE):
        begin, end = share * SHARE, min(share * SHARE + SHARE, size)
        to = v[begin:end]
        for k in range(rows.shape[0]):
            c, x = coefficients[k], rows[k, begin:end]
            for i in range(end - begin):
                to[i] += c * x[i]


@compiled
def row_products(partial: Array, rows: Array, v: Array) -> None:
    """``partial[s, k] = sum_i conj(rows[k, i]) v[i]`` over the s-th share of the entries."""
    shares, size = partial.shape[0], v.shape[0]
    for share in prange(shares):
        begin, end = share * size // shares, (share + 1) * size // shares
        y = v[begin:end]
        for k in range(rows.shape[0]):
            x, total = rows[k, begin:end], partial.dtype.type(0)
            for i in range(end - begin):
                total += np.conj(x[i]) * y[i]
            partial[share, k] = total


@compiled
def three_terms(partial: Array, before: Array, now: Array, image: Array, a: Any, b: Any, c: Any) -> None:
    """``before = c (image - a now - b before)``, a step of Lanczos; the square of its length goes to `partial`."""
    shares, size = partial.shape[0], now.shape[0]
    for share in prange(shares):
        begin, end = share * size // shares, (share + 1) * size // shares
        x, y, z = before[begin:end], now[begin:end], image[begin:end]
        total = partial.dtype.type(0)
        for i in range(end - begin):
            new = c * (z[i] - a * y[i] - b * x[i])
            x[i] = new
            total += new.real * new.real + new.imag * new.imag
        partial[share] = total


@compiled
def scale(v: Array, c: Any) -> None:
    """``v *= c``."""
    for i in prange(v.shape[0]):
        v[i] *= c


@inlined
def join(o: Array, x: Array, c: Any, lower: Array, upper: Array, weight: Array, count: int) -> None:
    """``o += c S x`` for the symmetric matrix S with ``S[lower[i], upper[i]] = weight[i]``."""
    for i in range(count):
        a, b, v = lower[i], upper[i], c * weight[i]
        o[a] += v * x[b]
        o[b] += v * x[a]


@inlined
def join_both(
    o: Array, x: Array, c: Any, other: Array, y: Array, d: Any, lower: Array, upper: Array, weight: Array, count: int
) -> None:
    """``o += c S x`` and ``other += d S y``; see `join`."""
    for i in range(count):
        a, b, v, w = lower[i], upper[i], c * weight[i], d * weight[i]
        o[a] += v * x[b]
        o[b] += v * x[a]
        other[a] += w * y[b]
        other[b] += w * y[a]


@compiled
def diagonal_and_ladders(
    out: Array,
    psi: Array,
    charge_energy: Array,
    lattice_energy: Array,
    shift_strength: Array,
    offset: Array,
    shift_weight: Array,
    strength: Array,
    source: Array,
    weight: Array,
    slots: Array,
    pair_strength: Array,
    lower: Array,
    upper: Array,
    pair_weight: Array,
    pair_count: Array,
) -> None:
    """``out = (d[r] + w[p]) psi[r, p]`` plus lattice operators on each row.

    Those that are a few diagonals of a matrix, ``sum_f c[f, r] sum_k weight[f, k, p] psi[r, p + offset[f, k]]``; those
    that are symmetric with an empty diagonal, each entry once, which joins two phonon states ``lower[f, i]`` and
    ``upper[f, i]`` (on two rows at a time, so that every index is read for both); and all others,
    ``sum_f c[f, r] sum_k weight[f, k, p] psi[r, source[f, k, p]]`` over the first ``slots[f]`` of the k.
    """
    rows, columns = psi.shape
    for block in prange((rows + 1) // 2):
        first, last = 2 * block, min(2 * block + 2, rows)
        for r in range(first, last):
            o, x, energy = out[r], psi[r], charge_energy[r]
            for p in range(columns):
                o[p] = (energy + lattice_energy[p]) * x[p]
            for f in range(offset.shape[0]):
                c = shift_strength[f, r]
                if c != 0:
                    for k in range(offset.shape[1]):
                        d = offset[f, k]
                        begin, end = max(0, -d), min(columns, columns - d)
                        to, by, y = o[begin:end], shift_weight[f, k, begin:end], x[begin + d : end + d]
                        for p in range(end - begin):
                            to[p] += c * by[p] * y[p]
            for f in range(strength.shape[0]):
                c = strength[f, r]
                if c != 0:
                    for k in range(slots[f]):
                        by, at = weight[f, k], source[f, k]
                        for p in range(columns):
                            o[p] += c * by[p] * x[at[p]]
        o, x, other, y = out[first], psi[first], out[last - 1], psi[last - 1]
        for f in range(pair_strength.shape[0]):
            down, up, by, count = lower[f], upper[f], pair_weight[f], pair_count[f]
            c = pair_strength[f, first]
            if last - first == 1 or pair_strength[f, first + 1] == 0:
                if c != 0:
                    join(o, x, c, down, up, by, count)
            elif c == 0:
                join(other, y, pair_strength[f, first + 1], down, up, by, count)
            else:
                join_both(o, x, c, other, y, pair_strength[f, first + 1], down, up, by, count)


@compiled
def ladders(out: Array, psi: Array, strength: Array, source: Array, weight: Array, slots: Array) -> None:
    """``out[r, q] += sum_f c[f, r] sum_k weight[f, k, q] psi[r, source[f, k, q]]``, to other phonon states too."""
    rows, columns = out.shape
    for r in prange(rows):
        for f in range(strength.shape[0]):
            c = strength[f, r]
            if c != 0:
                for k in range(slots[f]):
                    for q in range(columns):
                        out[r, q] += c * weight[f, k, q] * psi[r, source[f, k, q]]


@inlined
def add_entries(o: Array, psi: Array, first: int, end: int, column: Array, value: Array) -> None:
    """``o += sum_k value[k] psi[column[k]]`` over the entries from `first` to `end`, several at a time."""
    k = first
    while k + 4 <= end:
        v0, v1, v2, v3 = value[k], value[k + 1], value[k + 2], value[k + 3]
        x0, x1, x2, x3 = psi[column[k]], psi[column[k + 1]], psi[column[k + 2]], psi[column[k + 3]]
        for p in range(len(o)):
            o[p] += v0 * x0[p] + v1 * x1[p] + v2 * x2[p] + v3 * x3[p]
        k += 4
    if k + 2 <= end:
        v0, v1, x0, x1 = value[k], value[k + 1], psi[column[k]], psi[column[k + 1]]
        for p in range(len(o)):
            o[p] += v0 * x0[p] + v1 * x1[p]
        k += 2
    if k < end:
        v0, x0 = value[k], psi[column[k]]
        for p in range(len(o)):
            o[p] += v0 * x0[p]


@compiled
def within_rows(
    out: Array,
    psi: Array,
    start: Array,
    column: Array,
    value: Array,
    number_start: Array,
    number: Array,
    count: Array,
    strength: Array,
    parts: int,
    work: Array,
) -> None:
    """``out[r, c] = sum_c' A[c, c'] psi[r, c'] + sum_n count[c, n] strength[n, r] psi[r, c]``, A and count in CSR.

    psi holds `parts` numbers for each c, which are acted upon alike. Some rows at a time are turned, in `work`, so that
    c goes down columns; strength[tile, n] has those of such a tile.
    """
    rows, columns = psi.shape[0], psi.shape[1] // parts
    shares, width = work.shape[0], work.shape[3]
    height = width // parts
    tiles = strength.shape[0]
    for share in prange(shares):
        x, o = work[share, 0], work[share, 1]
        for tile in range(share * tiles // shares, (share + 1) * tiles // shares):
            first, by = tile * height, strength[tile]
            full = min(height, rows - first)
            for c in range(columns):
                for part in range(parts):
                    for r in range(full):
                        x[c, r * parts + part] = psi[first + r, c * parts + part]
            for c in range(columns):
                y, z = o[c], x[c]
                for p in range(width):
                    y[p] = 0.0
                add_entries(y, by, number_start[c], number_start[c + 1], number, count)
                for p in range(width):
                    y[p] *= z[p]
                add_entries(y, x, start[c], start[c + 1], column, value)
            for r in range(full):
                row = out[first + r]
                for c in range(columns):
                    for part in range(parts):
                        row[c * parts + part] = o[c, r * parts + part]


@compiled
def hops(
    out: Array,
    psi: Array,
    start: Array,
    moving: Array,
    column: Array,
    value: Array,
    element: Array,
    gather: Array,
    sign: Array,
    work: Array,
) -> None:
    """``out[r, p] += sum A[r, r'] sign[g, p] psi[r', gather[g, p]]`` with the group element g of each entry.

    The entries of a row from ``moving[r]`` on move the phonons, those before do not; several of these are taken at a
    time. Of those that move, all with one g are added up in a row of `work` first: it is read in order and gathered
    from where it is near.
    """
    rows, columns = out.shape
    shares = work.shape[0]
    signed = sign.shape[0] > 0
    for share in prange(shares):
        w = work[share]
        for r in range(share * rows // shares, (share + 1) * rows // shares):
            o, k, end = out[r], moving[r], start[r + 1]
            add_entries(o, psi, start[r], k, column, value)
            while k < end:
                g, v0, x0 = element[k], value[k], psi[column[k]]
                if k + 1 < end and element[k + 1] == g:
                    v1, x1 = value[k + 1], psi[column[k + 1]]
                    for p in range(columns):
                        w[p] = v0 * x0[p] + v1 * x1[p]
                    k += 2
                else:
                    for p in range(columns):
                        w[p] = v0 * x0[p]
                    k += 1
                while k < end and element[k] == g:
                    v0, x0 = value[k], psi[column[k]]
                    for p in range(columns):
                        w[p] += v0 * x0[p]
                    k += 1
                at = gather[g]
                for p in range(columns):
                    o[p] += sign[g, p] * w[at[p]] if signed else w[at[p]]


@compiled
def dressed_hops(
    out: Array,
    psi: Array,
    start: Array,
    column: Array,
    value: Array,
    element: Array,
    gather: Array,
    sign: Array,
    source: Array,
    weight: Array,
    work: Array,
) -> None:
    """``out += (A (x) P) psi`` for hopping that moves the lattice too; `work` has a row for each thread's share."""
    rows, columns = out.shape
    shares, inner = work.shape
    signed = sign.shape[0] > 0
    for share in prange(shares):
        for r in range(share * rows // shares, (share + 1) * rows // shares):
            if start[r] == start[r + 1]:
                continue
            for p in range(inner):
                work[share, p] = 0.0
            for k in range(start[r], start[r + 1]):
                v, other, g = value[k], column[k], element[k]
                for p in range(inner):
                    s = v * sign[g, p] if signed else v
                    work[share, p] += s * psi[other, gather[g, p]]
            for k in range(source.shape[0]):
                for q in range(columns):
                    out[r, q] += weight[k, q] * work[share, source[k, q]]


@compiled
def symmetrise(
    psi: Array, rows: Array, start: Array, element: Array, value: Array, gather: Array, sign: Array, work: Array
) -> None:
    """Project the rows with a stabiliser: ``psi[r, p] = sum_s value[s] sign[s, p] psi[r, gather[s, p]]``."""
    columns = psi.shape[1]
    shares = work.shape[0]
    signed = sign.shape[0] > 0
    count = len(rows)
    for share in prange(shares):
        for i in range(share * count // shares, (share + 1) * count // shares):
            r = rows[i]
            for p in range(columns):
                work[share, p] = 0.0
            for k in range(start[i], start[i + 1]):
                v, g = value[k], element[k]
                for p in range(columns):
                    s = v * sign[g, p] if signed else v
                    work[share, p] += s * psi[r, gather[g, p]]
            for p in range(columns):
                psi[r, p] = work[share, p]
