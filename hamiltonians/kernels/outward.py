"""What an operator on fibres leads beyond the caps: the image in a shell, and the norm of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import get_num_threads, prange
from numpy.typing import NDArray

from ..space.fibres import set_modes
from ..space.outward import Outward, shell_of
from ..space.phonons import PhononSpace, Polynomial
from .fibres import state_by_state
from .loops import Array, compiled, inlined
from .tensor import TensorOperator


@inlined
def lead_out(
    o: Array, w: Array, m: Array, lengths: Array, counts: Array, begin: Array, onto: Array, targets: Array, y: Array
) -> None:
    """``o[targets] += M w[fibre]`` for each fibre, to the states near it; `w` is state by state, `y` room for one."""
    at, to = 0, 0
    for s in range(len(lengths)):
        n, c = lengths[s], counts[s]
        room = y[:c]
        for k in range(begin[s], begin[s + 1]):
            row = m[onto[k]]
            for f in range(c):
                room[f] = 0.0
            for q in range(n):
                v, x = row[q], w[at + q * c : at + q * c + c]
                for f in range(c):
                    room[f] += v * x[f]
            goal = targets[to : to + c]
            for f in range(c):
                o[goal[f]] += room[f]
            to += c
        at += n * c


@inlined
def far_norm(w: Array, upper: Array, lengths: Array, counts: Array) -> Any:
    """Return ``sum ||R w[fibre]||^2``, R triangular for each length."""
    at, norm = 0, 0.0
    for s in range(len(lengths)):
        n, c = lengths[s], counts[s]
        for k in range(n):
            for f in range(at, at + c):
                total = upper[s, k, k] * w[k * c + f]
                for q in range(k + 1, n):
                    total += upper[s, k, q] * w[q * c + f]
                norm += total.real * total.real + total.imag * total.imag
        at += n * c
    return norm


@inlined
def product(x: Array, y: Array) -> Any:
    """Return the real part of ``<x|y>``."""
    total = 0.0
    for p in range(len(x)):
        total += (np.conj(x[p]) * y[p]).real
    return total


@compiled
def rows_out(
    out: Array, far: Array, own: Array, psi: Array, first: int, strength: Array, matrices: Array, upper: Array,
    gram: Array, lengths: Array, counts: Array, order: Array, begin: Array, onto: Array, targets: Array, room: Array,
    work: Array,
) -> None:  # fmt: skip
    """Add the image of ``sum_f c[f, r] M_f`` on rows from `first` on to `out`.

    Norms of what lies beyond go to `far`, and of what these modes alone reach to `own`; for each f by itself.
    """
    shares, inner, rows = work.shape[0], work.shape[2], out.shape[0]
    for share in prange(shares):
        m, w, y = room[share], work[share, 0], work[share, 1]
        for i in range(share * rows // shares, (share + 1) * rows // shares):
            some, x = False, psi[first + i]
            for f in range(len(matrices)):
                c, by = strength[f, first + i], matrices[f]
                if c != 0:
                    for a in range(m.shape[0]):
                        for b in range(m.shape[1]):
                            m[a, b] = c * by[a, b] + (m[a, b] if some else 0.0)
                    some = True
            if some:
                for p in range(inner):
                    w[p] = x[order[p]]
                lead_out(out[i], w, m, lengths, counts, begin, onto, targets, y)
                for f in range(len(upper)):
                    far[i] += abs(strength[f, first + i]) * np.sqrt(far_norm(w, upper[f], lengths, counts))
                for f in range(len(gram)):
                    for p in range(inner):
                        y[p] = 0.0
                    state_by_state(y, w, gram[f, f], lengths, counts)
                    own[i] += abs(strength[f, first + i]) * np.sqrt(max(product(w, y), 0.0))


@compiled
def hops_out(
    out: Array, far: Array, own: Array, psi: Array, first: int, start: Array, column: Array, value: Array,
    element: Array, kind: Array, gather: Array, sign: Array, matrices: Array, upper: Array, gram: Array, lengths: Array,
    counts: Array, order: Array, begin: Array, onto: Array, targets: Array, kinds: Array, work: Array,
) -> None:  # fmt: skip
    """The same for hops, entries of a row by kind; what different kinds lead to `own` is added before its norm."""
    shares, inner, rows = work.shape[0], work.shape[2], out.shape[0]
    last, signed = work.shape[1] - 1, sign.shape[0] > 0
    for share in prange(shares):
        y, here = work[share, last], kinds[share]
        for i in range(share * rows // shares, (share + 1) * rows // shares):
            k, end, count = start[first + i], start[first + i + 1], 0
            while k < end:
                w, mine = work[share, count], kind[k]
                here[count] = mine
                count += 1
                for p in range(inner):
                    w[p] = 0.0
                while k < end and kind[k] == mine:
                    v, x, g = value[k], psi[column[k]], element[k]
                    at = gather[g]
                    for p in range(inner):
                        q = order[p]
                        w[p] += (v * sign[g, q] if signed else v) * x[at[q]]
                    k += 1
                lead_out(out[i], w, matrices[mine], lengths, counts, begin, onto, targets, y)
                if len(upper) > 0:
                    far[i] += np.sqrt(far_norm(w, upper[mine], lengths, counts))
            if len(gram) > 0:
                norm = 0.0
                for a in range(count):
                    for p in range(inner):
                        y[p] = 0.0
                    for b in range(count):
                        state_by_state(y, work[share, b], gram[here[a], here[b]], lengths, counts)
                    norm += product(work[share, a], y)
                own[i] += np.sqrt(max(norm, 0.0))


@dataclass(frozen=True)
class Leading:
    """Lattice operators on the fibres of some modes, as the kernels above take them.

    Attributes
    ----------
    arrays : tuple of arrays
        Matrices (f, grid, n), triangles of what lies beyond the shell, inner products of what these modes alone reach,
        and the fibres with what is near them.
    """

    arrays: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, outward: Outward, places: tuple[NDArray[Any], ...], lattice: list[Polynomial], kind: Any) -> Leading:
        """Prepare some operators on the modes of `outward`."""
        matrices = np.array([outward.matrix(each) for each in lattice]).astype(kind)
        upper, gram = outward.far(matrices), outward.products(matrices)
        fibres = outward.fibres
        return cls((matrices, upper, gram, fibres.lengths, fibres.counts, fibres.by_state, *places))


class OutwardOperator:
    """Q H, from the states inside the caps to a shell, with a bound on what it leads further.

    Parameters
    ----------
    operator : TensorOperator
        H inside; what acts on fibres is used, the rest does not lead out.
    outward : dict
        By modes, how their fibres lead there.

    Attributes
    ----------
    shell : Shell
        The states beyond.
    """

    def __init__(self, operator: TensorOperator, outward: dict[tuple[int, ...], Outward]) -> None:
        self.operator = operator
        assert isinstance(operator.phonons, PhononSpace)
        self.shell, places = shell_of(operator.phonons, list(outward.values()))
        onto = dict(zip(outward, places, strict=True))
        kind = operator.dtype
        self._moving = [
            Leading.of(outward[hop.fibres.modes], onto[hop.fibres.modes], list(hop.lattice), kind)
            for hop in operator.moving
        ]
        self._standing: dict[tuple[int, ...], tuple[NDArray[Any], Leading]] = {}
        for modes in outward:
            own = [(strength, lattice) for strength, lattice in operator.standing if set_modes(lattice) == modes]
            if own:
                strengths, lattice = zip(*own, strict=True)
                leading = Leading.of(outward[modes], onto[modes], list(lattice), kind)
                self._standing[modes] = np.array(strengths).astype(kind), leading
        self._columns: list[NDArray[Any]] = [hop.matrix.indices for hop in operator.moving]
        if operator.columns is not None:
            place = np.zeros(len(operator.columns.places()[0]), np.int32)
            rows = np.concatenate(operator.columns.pieces)
            place[rows] = np.arange(len(rows))
            self._columns = [place[columns] for columns in self._columns]

    def together(self, phi: NDArray[Any]) -> NDArray[Any]:
        """Return the rows that `image` needs: those of this process, and what it needs of others."""
        return phi if self.operator.columns is None else self.operator.columns.together(phi)

    def image(self, phi: NDArray[Any], first: int, last: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the image of some rows in the shell, and the norm of the rest, or a bound on it, for each row.

        `phi` is what `together` returns.
        """
        kind = self.operator.dtype
        if np.iscomplexobj(phi) and not np.issubdtype(kind, np.complexfloating):  # a real operator acts on both parts
            (real, far), (imaginary, more) = (self.image(part, first, last) for part in (phi.real, phi.imag))
            return real + 1j * imaginary, np.hypot(far, more)
        phi = np.ascontiguousarray(phi, kind)
        out, far = np.zeros((last - first, len(self.shell)), kind), np.zeros(last - first)
        shares, inner = 4 * get_num_threads(), phi.shape[1]
        own = {modes: np.zeros(last - first) for modes in self._standing}
        for modes, (strength, leading) in self._standing.items():
            rooms = np.zeros((shares, *leading.arrays[0].shape[1:]), kind), np.zeros((shares, 2, inner), kind)
            rows: Any = rows_out
            rows(out, far, own[modes], phi, first, strength, *leading.arrays, *rooms)
        for hop, leading, columns in zip(self.operator.moving, self._moving, self._columns, strict=True):
            to = own.setdefault(hop.fibres.modes, np.zeros(last - first))
            entries = hop.matrix.indptr, columns, hop.matrix.data, hop.element, hop.kind, *self.operator.gathers
            count = len(leading.arrays[0])
            rooms = np.zeros((shares, count), np.int64), np.zeros((shares, count + 1, inner), kind)
            hops: Any = hops_out
            hops(out, far, to, phi, first, *entries, *leading.arrays, *rooms)
        return out, np.sqrt(far**2 + sum(each**2 for each in own.values()))
