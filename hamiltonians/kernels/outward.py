"""What an operator on fibres leads beyond the caps: the image in a shell, and the norm of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, prange
from numpy.typing import NDArray

from ..space.fibres import set_modes
from ..space.outward import Outward
from ..space.phonons import Polynomial, Shell
from .loops import Array, compiled, inlined
from .tensor import TensorOperator


@inlined
def lead_out(
    o: Array, x: Array, c: Any, m: Array, lengths: Array, counts: Array, places: Array, begin: Array, onto: Array,
    targets: Array, y: Array,
) -> None:  # fmt: skip
    """``o[targets] += c M x[fibre]`` for each fibre, to the states near it; `y` has room for one."""
    at, to = 0, 0
    for s in range(len(lengths)):
        n = lengths[s]
        for f in range(at, at + n * counts[s], n):
            for q in range(n):
                y[q] = c * x[places[f + q]]
            for k in range(begin[s], begin[s + 1]):
                row, total = m[onto[k]], y[0] * m[onto[k], 0]
                for q in range(1, n):
                    total += row[q] * y[q]
                o[targets[to]] += total
                to += 1
        at += n * counts[s]


@inlined
def far_norm(x: Array, upper: Array, lengths: Array, counts: Array, places: Array) -> Any:
    """Return ``sum ||R x[fibre]||^2``, R triangular for each length."""
    at, norm = 0, 0.0
    for s in range(len(lengths)):
        n = lengths[s]
        for f in range(at, at + n * counts[s], n):
            for k in range(n):
                total = x.dtype.type(0)
                for q in range(k, n):
                    total += upper[s, k, q] * x[places[f + q]]
                norm += total.real * total.real + total.imag * total.imag
        at += n * counts[s]
    return norm


@inlined
def gathered(
    w: Array, psi: Array, start: int, end: int, column: Array, value: Array, element: Array, gather: Array, sign: Array
) -> None:
    """``w = sum_k value[k] psi[column[k]]`` over the entries of a row, phonons moved by the group element of each."""
    for p in range(len(w)):
        w[p] = 0.0
    for k in range(start, end):
        v, x, g = value[k], psi[column[k]], element[k]
        for p in range(len(w)):
            s = v * sign[g, p] if sign.shape[0] > 0 else v
            w[p] += s * x[gather[g, p]]


@compiled
def rows_out(
    out: Array, far: Array, psi: Array, first: int, strength: Array, m: Array, upper: Array, lengths: Array,
    counts: Array, places: Array, begin: Array, onto: Array, targets: Array,
) -> None:  # fmt: skip
    """Add the image of ``c[r] M`` on rows from `first` on to `out`, and the norm of what lies beyond to `far`."""
    for i in prange(out.shape[0]):
        c = strength[first + i]
        if c != 0:
            y = np.empty(m.shape[1], psi.dtype)
            lead_out(out[i], psi[first + i], c, m, lengths, counts, places, begin, onto, targets, y)
            far[i] += abs(c) * np.sqrt(far_norm(psi[first + i], upper, lengths, counts, places))


@compiled
def hops_out(
    out: Array, far: Array, psi: Array, first: int, start: Array, column: Array, value: Array, element: Array,
    gather: Array, sign: Array, m: Array, upper: Array, lengths: Array, counts: Array, places: Array, begin: Array,
    onto: Array, targets: Array, work: Array,
) -> None:  # fmt: skip
    """The same for hops."""
    shares, rows = work.shape[0], out.shape[0]
    for share in prange(shares):
        w, y = work[share], np.empty(m.shape[1], psi.dtype)
        for i in range(share * rows // shares, (share + 1) * rows // shares):
            r = first + i
            if start[r] < start[r + 1]:
                gathered(w, psi, start[r], start[r + 1], column, value, element, gather, sign)
                lead_out(out[i], w, out.dtype.type(1), m, lengths, counts, places, begin, onto, targets, y)
                far[i] += np.sqrt(far_norm(w, upper, lengths, counts, places))


class OutwardOperator:
    """Q H, from the states inside the caps to a shell, with a bound on what it leads further.

    Parameters
    ----------
    operator : TensorOperator
        H inside; what acts on fibres is used, the rest does not lead out.
    shell : Shell
        The states beyond.
    outward : dict
        By modes, how their fibres lead there.
    """

    def __init__(self, operator: TensorOperator, shell: Shell, outward: dict[tuple[int, ...], Outward]) -> None:
        self.operator, self.shell = operator, shell
        self._onto = {modes: each.onto(shell) for modes, each in outward.items()}
        self._outward = outward
        self._made: dict[Polynomial, tuple[NDArray[Any], ...]] = {}
        self._columns: list[NDArray[Any]] = [hop.matrix.indices for hop, _ in operator.moving]
        if operator.columns is not None:
            place = np.zeros(len(operator.columns.places()[0]), np.int32)
            rows = np.concatenate(operator.columns.pieces)
            place[rows] = np.arange(len(rows))
            self._columns = [place[columns] for columns in self._columns]

    def together(self, phi: NDArray[Any]) -> NDArray[Any]:
        """Return the rows that `image` needs: those of this process, and what it needs of others."""
        return phi if self.operator.columns is None else self.operator.columns.together(phi)

    def image(self, phi: NDArray[Any], first: int, last: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the image of some rows in the shell, and bounds on the norm of what lies further, for each row.

        `phi` is what `together` returns.
        """
        kind = self.operator.dtype
        if np.iscomplexobj(phi) and not np.issubdtype(kind, np.complexfloating):  # a real operator acts on both parts
            (real, far), (imaginary, more) = (self.image(part, first, last) for part in (phi.real, phi.imag))
            return real + 1j * imaginary, np.hypot(far, more)
        phi = np.ascontiguousarray(phi, kind)
        out, far = np.zeros((last - first, len(self.shell)), kind), np.zeros(last - first)
        work = np.zeros((4 * get_num_threads(), phi.shape[1]), kind)
        for strength, lattice in self.operator.standing:
            rows_out(out, far, phi, first, strength.astype(kind), *self._arrays(lattice))
        for (hop, lattice), columns in zip(self.operator.moving, self._columns, strict=True):
            matrix = hop.matrix
            entries = matrix.indptr, columns, matrix.data, hop.element, *self.operator.gathers
            arrays = self._arrays(lattice)
            hops_out(out, far, phi, first, *entries, *arrays, work)  # type: ignore[call-arg]  # counts two starred ones
        return out, far

    def _arrays(self, lattice: Polynomial) -> tuple[NDArray[Any], ...]:
        if lattice not in self._made:
            own = self._outward[set_modes(lattice) or ()]
            kind = self.operator.dtype
            matrix = own.matrix(lattice)
            fibres = own.fibres
            shape = fibres.lengths, fibres.counts, fibres.places
            upper = own.far(matrix).astype(kind)
            self._made[lattice] = (matrix.astype(kind), upper, *shape, *self._onto[own.modes])
        return self._made[lattice]
