"""Lattice operators as small dense matrices on fibres of the phonon space; see `space.fibres`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import get_num_threads, prange
from numpy.typing import NDArray

from ..space.fibres import Fibres
from .loops import Array, compiled, inlined


@inlined
def on_fibres(o: Array, x: Array, m: Array, lengths: Array, counts: Array, places: Array, y: Array) -> None:
    """``o[fibre] += M x[fibre]`` for each fibre, with as much of M as is long; `y` has room for one of them."""
    at = 0
    for s in range(len(lengths)):
        n = lengths[s]
        if n == 1:
            v = m[0, 0]
            if v != 0:
                for f in range(at, at + counts[s]):
                    i = places[f]
                    o[i] += v * x[i]
        elif n == 2:
            m00, m01, m10, m11 = m[0, 0], m[0, 1], m[1, 0], m[1, 1]
            for f in range(at, at + 2 * counts[s], 2):
                i, j = places[f], places[f + 1]
                a, b = x[i], x[j]
                o[i] += m00 * a + m01 * b
                o[j] += m10 * a + m11 * b
        elif n == 3:
            m00, m01, m02 = m[0, 0], m[0, 1], m[0, 2]
            m10, m11, m12 = m[1, 0], m[1, 1], m[1, 2]
            m20, m21, m22 = m[2, 0], m[2, 1], m[2, 2]
            for f in range(at, at + 3 * counts[s], 3):
                i, j, k = places[f], places[f + 1], places[f + 2]
                a, b, c = x[i], x[j], x[k]
                o[i] += m00 * a + m01 * b + m02 * c
                o[j] += m10 * a + m11 * b + m12 * c
                o[k] += m20 * a + m21 * b + m22 * c
        elif n == 4:
            m00, m01, m02, m03 = m[0, 0], m[0, 1], m[0, 2], m[0, 3]
            m10, m11, m12, m13 = m[1, 0], m[1, 1], m[1, 2], m[1, 3]
            m20, m21, m22, m23 = m[2, 0], m[2, 1], m[2, 2], m[2, 3]
            m30, m31, m32, m33 = m[3, 0], m[3, 1], m[3, 2], m[3, 3]
            for f in range(at, at + 4 * counts[s], 4):
                i, j, k, q = places[f], places[f + 1], places[f + 2], places[f + 3]
                a, b, c, d = x[i], x[j], x[k], x[q]
                o[i] += m00 * a + m01 * b + m02 * c + m03 * d
                o[j] += m10 * a + m11 * b + m12 * c + m13 * d
                o[k] += m20 * a + m21 * b + m22 * c + m23 * d
                o[q] += m30 * a + m31 * b + m32 * c + m33 * d
        else:
            for f in range(at, at + n * counts[s], n):
                at_fibre = places[f : f + n]
                for q in range(n):
                    y[q] = x[at_fibre[q]]
                for k in range(n):
                    row, total = m[k], y[0] * m[k, 0]
                    for q in range(1, n):
                        total += row[q] * y[q]
                    o[at_fibre[k]] += total
        at += n * counts[s]


@compiled
def rows_on_fibres(
    out: Array,
    psi: Array,
    strength: Array,
    matrices: Array,
    begin: Array,
    lengths: Array,
    counts: Array,
    kinds: Array,
    places: Array,
    work: Array,
) -> None:
    """``out[r] += sum_g (sum_f c[f, r] M_f) psi[r]``, the matrices f from begin[g] on acting on the fibres of group g.

    The first element of each sum is taken off the whole diagonal: many fibres are of length one.
    """
    rows = psi.shape[0]
    shares, size = work.shape[0], work.shape[2]
    for share in prange(shares):
        m, y = work[share, :size], work[share, size]
        for r in range(share * rows // shares, (share + 1) * rows // shares):
            o, x, diagonal = out[r], psi[r], psi.dtype.type(0)
            for g in range(len(begin) - 1):
                some = False
                for f in range(begin[g], begin[g + 1]):
                    c = strength[f, r]
                    if c != 0:
                        by = matrices[f]
                        for a in range(size):
                            for b in range(size):
                                m[a, b] = c * by[a, b] + (m[a, b] if some else 0.0)
                        some = True
                if some:
                    first = m[0, 0]
                    diagonal += first
                    for a in range(size):
                        m[a, a] -= first
                    m[0, 0] = 0.0
                    on_fibres(o, x, m, lengths[g, : kinds[g]], counts[g, : kinds[g]], places[g], y)
            for p in range(len(o)):
                o[p] += diagonal * x[p]


@inlined
def state_by_state(y: Array, w: Array, m: Array, lengths: Array, counts: Array) -> None:
    """``y[fibre] += M w[fibre]`` for each fibre, with as much of M as is long; both state by state, see `Fibres`."""
    at = 0
    for s in range(len(lengths)):
        n, c = lengths[s], counts[s]
        x, o = w[at : at + n * c].reshape((n, c)), y[at : at + n * c].reshape((n, c))
        if c == 1:
            for a in range(n):
                total = m[a, 0] * x[0, 0]
                for b in range(1, n):
                    total += m[a, b] * x[b, 0]
                o[a, 0] += total
        else:
            fours = n // 4
            for pair in range(n // 2):
                a = 2 * pair
                for four in range(fours):
                    b = 4 * four
                    v0, v1, v2, v3 = m[a, b], m[a, b + 1], m[a, b + 2], m[a, b + 3]
                    u0, u1, u2, u3 = m[a + 1, b], m[a + 1, b + 1], m[a + 1, b + 2], m[a + 1, b + 3]
                    for f in range(c):
                        x0, x1, x2, x3 = x[b, f], x[b + 1, f], x[b + 2, f], x[b + 3, f]
                        o[a, f] += v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3
                        o[a + 1, f] += u0 * x0 + u1 * x1 + u2 * x2 + u3 * x3
                for b in range(4 * fours, n):
                    v0, u0 = m[a, b], m[a + 1, b]
                    for f in range(c):
                        o[a, f] += v0 * x[b, f]
                        o[a + 1, f] += u0 * x[b, f]
            if n % 2:
                for b in range(n):
                    v0 = m[n - 1, b]
                    for f in range(c):
                        o[n - 1, f] += v0 * x[b, f]
        at += n * c


@compiled
def hops_on_fibres(
    out: Array,
    psi: Array,
    start: Array,
    column: Array,
    value: Array,
    element: Array,
    kind: Array,
    gather: Array,
    sign: Array,
    matrices: Array,
    lengths: Array,
    counts: Array,
    order: Array,
    work: Array,
) -> None:
    """``out += sum_k (A_k (x) P_k) psi`` for hops with small matrices P_k on the same fibres, entries of a row by kind.

    `work` has two rows for each thread's share.
    """
    rows, inner = out.shape[0], work.shape[2]
    shares = work.shape[0]
    signed = sign.shape[0] > 0
    for share in prange(shares):
        w, y = work[share, 0], work[share, 1]
        for r in range(share * rows // shares, (share + 1) * rows // shares):
            k, end, o = start[r], start[r + 1], out[r]
            if k == end:
                continue
            for p in range(inner):
                y[p] = 0.0
            while k < end:
                own, first = kind[k], k
                while k < end and kind[k] == own:
                    v, x, g = value[k], psi[column[k]], element[k]
                    at = gather[g]
                    if signed:
                        by = sign[g]
                        for p in range(inner):
                            i = order[p]
                            w[p] = v * by[i] * x[at[i]] + (w[p] if k > first else 0.0)
                    elif k == first:
                        if g == 0:
                            for p in range(inner):
                                w[p] = v * x[order[p]]
                        else:
                            for p in range(inner):
                                w[p] = v * x[at[order[p]]]
                    else:
                        for p in range(inner):
                            w[p] += v * x[at[order[p]]]
                    k += 1
                state_by_state(y, w, matrices[own], lengths, counts)
            for p in range(inner):
                o[order[p]] += y[p]


@dataclass(frozen=True)
class FibreGroup:
    """Lattice operators on the fibres of as many modes each, in the form that `rows_on_fibres` takes.

    Attributes
    ----------
    arrays : tuple of arrays
        Strengths (f, rows), matrices (f, n, n), the first f of each set of modes, and the fibres of each.
    """

    arrays: tuple[NDArray[Any], ...]

    @classmethod
    def of(
        cls, members: Sequence[tuple[Fibres, Sequence[tuple[NDArray[Any], NDArray[Any]]]]], dtype: np.dtype[Any]
    ) -> FibreGroup:
        """Collect the operators of several sets of modes: fibres, and strengths with their matrices."""
        every = [each for _, some in members for each in some]
        begin = np.cumsum([0, *(len(some) for _, some in members)])
        fibres = [own for own, _ in members]
        kinds = np.array([len(own.lengths) for own in fibres])
        size = max(len(own.states) for own in fibres)
        matrices = np.zeros((len(every), size, size), dtype)
        for f, (_, matrix) in enumerate(every):
            matrices[f, : len(matrix), : len(matrix)] = matrix
        lengths, counts = (np.zeros((len(fibres), max(kinds)), np.int64) for _ in range(2))
        for g, own in enumerate(fibres):
            lengths[g, : kinds[g]], counts[g, : kinds[g]] = own.lengths, own.counts
        strengths = np.array([strength for strength, _ in every], dtype)
        places = np.array([own.places for own in fibres])
        return cls((strengths, matrices, begin, lengths, counts, kinds, places))

    def add(self, out: Array, psi: Array) -> None:
        """Add the image of amplitudes to `out`."""
        size = self.arrays[1].shape[1]
        work = np.zeros((4 * get_num_threads(), size + 1, size), psi.dtype)
        kernel: Any = rows_on_fibres
        kernel(out, psi, *self.arrays, work)


@compiled
def fibre_densities(
    rho: Array, psi: Array, kind: Array, lengths: Array, counts: Array, kinds: Array, places: Array
) -> None:
    """``rho[share, kind[r, g], a, b] += Re conj(x_a) x_b`` over all fibres x of each row r and each group g."""
    shares, rows = rho.shape[0], psi.shape[0]
    for share in prange(shares):
        for r in range(share * rows // shares, (share + 1) * rows // shares):
            x = psi[r]
            for g in range(kind.shape[1]):
                to, at = rho[share, kind[r, g]], 0
                for s in range(kinds[g]):
                    n = lengths[g, s]
                    for f in range(at, at + n * counts[g, s], n):
                        for a in range(n):
                            v = np.conj(x[places[g, f + a]])
                            for b in range(a + 1):
                                to[a, b] += (v * x[places[g, f + b]]).real
                    at += n * counts[g, s]


def set_densities(psi: NDArray[Any], kind: NDArray[np.int64], count: int, fibres: Sequence[Fibres]) -> NDArray[Any]:
    """Return the density matrices of modes, summed over all of a kind, real parts, shape (count, n, n).

    Parameters
    ----------
    psi : (rows, phonon states)
        Amplitudes.
    kind : (rows, modes) int
        To which matrix each mode of each row contributes.
    count : int
        Number of kinds.
    fibres : sequence of Fibres
        Those of each mode.
    """
    form = FibreGroup.of([(own, []) for own in fibres], psi.dtype).arrays
    size = max(len(own.states) for own in fibres)
    rho = np.zeros((4 * get_num_threads(), count, size, size))
    fibre_densities(rho, np.ascontiguousarray(psi), kind, *form[3:])
    lower = rho.sum(axis=0)
    return np.asarray(lower + np.tril(lower, -1).transpose(0, 2, 1))
