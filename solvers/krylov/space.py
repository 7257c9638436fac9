"""A Krylov space with all its vectors, by QuSpin's recursion kept orthogonal: for sums over many states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from .deflation import Matvec, Projection, Vector, add, overlaps
from .recursion import Ended

EXHAUSTED = 1e-12
"""A coupling this small beside the norm of H ends the recursion: the space is invariant."""
SHRUNK = 0.5
"""A vector that loses more of its length as it is made orthogonal is made so once more."""


@dataclass(frozen=True)
class Krylov:
    """The Hamiltonian in the space that its powers span from a start vector.

    Attributes
    ----------
    energies : (m,) float
        Ritz values, ascending.
    starts : (m,) float
        Overlap of each Ritz vector with the normalised start vector; the squares add up to one.
    ritz : (m, m) float
        Row j holds Ritz vector j in the Lanczos vectors.
    basis : (m, n)
        Orthonormal Lanczos vectors as rows; the first is the start vector.
    """

    energies: NDArray[np.float64]
    starts: NDArray[np.float64]
    ritz: NDArray[np.float64] = field(repr=False)
    basis: Vector = field(repr=False)

    def __len__(self) -> int:
        return len(self.basis)

    def first(self, steps: int) -> Krylov:
        """Return the space of the first vectors."""
        if steps >= len(self):
            return self
        matrix = (self.ritz.T[:steps] * self.energies) @ self.ritz[:, :steps]
        energies, vectors = la.eigh_tridiagonal(matrix.diagonal(), matrix.diagonal(1))
        return Krylov(energies, vectors[0], vectors.T, self.basis[:steps])


class _Kept:
    """H as QuSpin's recursion sees it: each Lanczos vector is made orthogonal to all before it, in QuSpin's buffer."""

    def __init__(self, matvec: Matvec, project: Projection, basis: Vector) -> None:
        self._matvec, self._project, self._basis = matvec, project, basis
        self.dtype = basis.dtype
        self.diagonal: list[float] = []
        self.coupling: list[float] = []

    def dot(self, q: Vector, out: Vector) -> Vector:
        step = len(self.diagonal)
        if step:
            self._mend(q, step)
        self._matvec(q, out)
        self.diagonal.append(float(np.vdot(q, out).real))
        self._rest = out
        return out

    def _mend(self, q: Vector, step: int) -> None:
        """Replace QuSpin's new vector, which is that of its buffer normalised, by its part orthogonal to all rows."""
        rest, norm, before = self._rest, 0.0, np.inf
        while norm < SHRUNK * before:  # what is left of a vector that shrinks is not orthogonal yet
            before = norm or float(np.linalg.norm(rest))
            add(-overlaps(self._basis[:step], rest), self._basis[:step], rest)
            self._project(rest)
            norm = float(np.linalg.norm(rest))
            if norm <= EXHAUSTED * before:
                break
        self.coupling.append(norm)
        if norm <= EXHAUSTED * max(*map(abs, self.diagonal), *self.coupling):
            raise Ended
        np.divide(rest, norm, out=q)


def krylov(matvec: Matvec, project: Projection, start: Vector, steps: int) -> Krylov:
    """Build the Krylov space of a start vector.

    Parameters
    ----------
    matvec, project : functions
        H, and the projector onto the space that counts, in place.
    start : (n,)
        Any vector of that space but zero; it is left as it is.
    steps : int
        Largest dimension; the space ends earlier where it is invariant.

    Examples
    --------
    >>> levels = np.array([0.0, 1.0, 3.0, 7.0])
    >>> space = krylov(lambda v, out: np.multiply(levels, v, out=out), lambda v: None, np.ones(4), 4)
    >>> space.energies.round(12) + 0.0, (space.starts**2).round(12)
    (array([0., 1., 3., 7.]), array([0.25, 0.25, 0.25, 0.25]))
    """
    from quspin.tools.lanczos import lanczos_full

    basis = np.zeros((steps, len(start)), start.dtype)
    first = start / np.linalg.norm(start)
    basis[0] = first
    kept = _Kept(matvec, project, basis)
    try:
        with one_blas_thread(), np.errstate(invalid="ignore", divide="ignore"):
            within = min(steps, len(first) - 1)  # QuSpin takes no more
            if within:
                lanczos_full(kept, first, within, out=basis[:within], eps=0.0)
            if within < steps:
                kept.dot(basis[within], np.empty_like(first))
    except Ended:
        pass
    size = len(kept.diagonal)
    energies, vectors = la.eigh_tridiagonal(np.array(kept.diagonal), np.array(kept.coupling[: size - 1]))
    return Krylov(energies, vectors[0], vectors.T, basis[:size])
