"""A Krylov space with all its Lanczos vectors, kept orthogonal: for sums over many states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la
from ..._core.ranks import agreed
from ..._core.threads import one_blas_thread
from .operator import FunctionOperator, HermitianOperator, Matvec, Projection, Vector
from .recursion import Tridiagonal, lanczos_vectors

EXHAUSTED = 1e-12
"""A coupling this small beside the norm of H ends the recursion: the space is invariant."""
SHRUNK = 0.5
"""A vector that loses more of its norm as it is made orthogonal is made so once more."""


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
        energies, vectors = agreed(la.eigh_tridiagonal(matrix.diagonal(), matrix.diagonal(1)))
        return Krylov(energies, vectors[0], vectors.T, self.basis[:steps])


def krylov(matvec: Matvec, project: Projection, start: Vector, steps: int) -> Krylov:
    """Build the Krylov space of a start vector.

    Parameters
    ----------
    matvec, project : functions
        H, and the projection, in place, onto an invariant subspace.
    start : (n,)
        Any vector of that subspace but zero; it is left unchanged.
    steps : int
        Largest dimension; it is smaller where the space is invariant.

    Examples
    --------
    >>> levels = np.array([0.0, 1.0, 3.0, 7.0])
    >>> space = krylov(lambda v, out: np.multiply(levels, v, out=out), lambda v: None, np.ones(4), 4)
    >>> space.energies.round(12) + 0.0, (space.starts**2).round(12)
    (array([0., 1., 3., 7.]), array([0.25, 0.25, 0.25, 0.25]))
    """
    return krylov_space(FunctionOperator(matvec, len(start), start.dtype), project, start, steps)


def krylov_space(operator: HermitianOperator, project: Projection, start: Vector, steps: int) -> Krylov:
    """Build the Krylov space of a start vector; see `krylov`."""
    basis = np.empty((steps, len(start)), start.dtype)
    matrix = Tridiagonal()
    with one_blas_thread():
        size = 0
        for q in lanczos_vectors(operator, start / operator.norm(start), matrix):
            if size == steps or (size and not reorthogonalised(operator, project, q, basis[:size], matrix)):
                break
            basis[size] = q
            size += 1
    energies, vectors = agreed(la.eigh_tridiagonal(matrix.diagonal, matrix.coupling[: size - 1]))
    return Krylov(energies, vectors[0], vectors.T, basis[:size])


def reorthogonalised(
    operator: HermitianOperator, project: Projection, q: Vector, rows: Vector, matrix: Tridiagonal
) -> bool:
    """Make a Lanczos vector orthogonal to those before it, and correct its coupling; False where nothing is left."""
    shrunk = 0.0
    while shrunk < SHRUNK and not is_exhausted(matrix):
        operator.add(-operator.overlaps(rows, q), rows, q)
        project(q)
        shrunk = operator.norm(q)
        q /= shrunk or 1.0
        matrix.coupling[-1] *= shrunk
    return not is_exhausted(matrix)


def is_exhausted(matrix: Tridiagonal) -> bool:
    """True where the last coupling is a rounding error: the space is invariant."""
    return matrix.coupling[-1] <= EXHAUSTED * max(*map(abs, matrix.diagonal), *matrix.coupling)
