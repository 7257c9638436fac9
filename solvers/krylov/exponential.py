r"""The exponential of a Hermitian operator on a vector, in the space of its Lanczos vectors.

With V the Lanczos vectors and T the tridiagonal matrix, :math:`\psi(s) = V u(s)`, :math:`u(s) = e^{-iTs} u(0)`, misses
the Schroedinger equation by ``b_m u_m(s)`` along the next vector, whether or not the vectors are orthogonal. So

.. math:: \|\psi_{exact}(s) - \psi(s)\| \le b_m \int_0^s |u_m(s')|\,ds',

which chooses the number of vectors and the length of the step.

References
----------
T. J. Park and J. C. Light, J. Chem. Phys. 85, 5870 (1986); M. Hochbruck and C. Lubich, SIAM J. Numer. Anal. 34, 1911
(1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la
from ..._core.ranks import agreed
from ..._core.threads import one_blas_thread
from .operator import HermitianOperator, Vector
from .recursion import Tridiagonal, lanczos_vectors
from .space import is_exhausted, reorthogonalised

NODES, WEIGHTS = (0.5 * part for part in np.polynomial.legendre.leggauss(48))
"""Gauss's rule on an interval of length one about 0."""
ORTHOGONAL = 1 << 18
"""Numbers up to which all Lanczos vectors are kept orthogonal."""
FIRST_LOOK = 6
"""Lanczos vectors after which it is first looked whether they are enough."""
EPSILON = float(np.finfo(float).eps)
ROUNDING = 8.0
"""Rounding errors of a step, in units of the machine precision times the phase that it turns by."""
HALVINGS = 40


@dataclass(frozen=True)
class KrylovStep:
    """A step of the exponential.

    Attributes
    ----------
    basis : (m, n) complex
        Lanczos vectors as rows.
    energies, ritz : (m,), (m, m) float
        Eigenvalues of T, and its eigenvectors as columns.
    coupling : float
        b_m; zero where the space is invariant.
    size : float
        Norm of the start vector.
    length : float
        How far the step may go.
    """

    basis: Vector = field(repr=False)
    energies: NDArray[np.float64]
    ritz: NDArray[np.float64] = field(repr=False)
    coupling: float
    size: float
    length: float

    @property
    def products(self) -> int:
        """Products with H."""
        return len(self.basis)

    @cached_property
    def spread(self) -> float:
        """The energy uncertainty of the state."""
        weights = self.ritz[0] ** 2
        mean = float(weights @ self.energies)
        return float(np.sqrt(max(0.0, weights @ (self.energies - mean) ** 2)))

    def state(self, s: float) -> Vector:
        """Return the vector at a distance s from the start of the step."""
        return np.asarray(self.states([s])[0])

    def states(self, distances: Sequence[float]) -> Vector:
        """Return the vectors at some distances from the start of the step, as rows."""
        phases = np.exp(-1j * np.asarray(distances, float)[:, None] * self.energies) * self.ritz[0]
        return np.asarray((self.size * (phases @ self.ritz.T)) @ self.basis)

    def bound(self, s: float) -> float:
        """Return the bound on the error that the step has made at s, rounding included."""
        turned = float(np.max(np.abs(self.energies), initial=0.0)) * abs(s)
        rounding = ROUNDING * EPSILON * (np.sqrt(len(self.energies)) + turned)
        return float(self.size * (missed(self.energies, self.ritz, self.coupling, s) + rounding))


def missed(energies: NDArray[np.float64], ritz: NDArray[np.float64], coupling: float, s: float) -> float:
    """Return ``b_m int_0^s |u_m|`` for a start vector of norm 1."""
    if not coupling:
        return 0.0
    times = s * (NODES + 0.5)
    last = np.exp(-1j * times[:, None] * energies) @ (ritz[-1] * ritz[0])
    return float(coupling * s * (WEIGHTS @ np.abs(last)))


def krylov_step(
    operator: HermitianOperator,
    start: Vector,
    horizon: float,
    rate: float,
    most: int,
    room: Vector | None = None,
) -> KrylovStep:
    """Take the longest step whose error stays below `rate` times its length.

    Parameters
    ----------
    operator : HermitianOperator
        H.
    start : (n,) complex
        The state; it is left unchanged.
    horizon : float
        Longest step that is wanted.
    rate : float
        Largest error for each unit of length.
    most : int
        Lanczos vectors at most.
    room : (most, n) complex, optional
        Where they are written.

    Examples
    --------
    >>> from respair.solvers.krylov.operator import FunctionOperator
    >>> levels = np.array([0.0, 1.0, 3.0])
    >>> diagonal = FunctionOperator(lambda v, out: np.multiply(levels, v, out=out), 3, np.dtype(complex))
    >>> step = krylov_step(diagonal, np.ones(3) / np.sqrt(3.0) + 0j, 2.0, 1e-12, 8)
    >>> bool(np.allclose(step.state(2.0), np.exp(-2j * levels) / np.sqrt(3.0))), step.length
    (True, 2.0)
    """
    size = operator.norm(start)
    if size == 0.0:
        return KrylovStep(start[None], np.zeros(1), np.ones((1, 1)), 0.0, 0.0, horizon)
    most = max(1, min(most, operator.dimension))
    basis = np.empty((most, len(start)), np.complex128) if room is None or len(room) < most else room
    matrix = Tridiagonal()
    kept = orthogonal = operator.most_entries * most <= ORTHOGONAL
    count, ended = 0, False
    with one_blas_thread():
        for q in lanczos_vectors(operator, start / size, matrix):
            if count:
                kept = not orthogonal or reorthogonalised(operator, operator.project, q, basis[:count], matrix)
                ended = not kept or is_exhausted(matrix)
            if ended or count == most or (count >= FIRST_LOOK and count % 2 == 0 and _reaches(matrix, horizon, rate)):
                break
            if not orthogonal:
                operator.project(q)
            basis[count] = q
            count += 1
        energies, ritz = _ritz(matrix, count)
        coupling = 0.0 if ended else matrix.coupling[count - 1]
        length = _longest(energies, ritz, coupling, horizon, max(rate / size, _floor(energies)))
    return KrylovStep(basis[:count], energies, ritz, coupling, size, length)


def _ritz(matrix: Tridiagonal, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    energies, ritz = agreed(la.eigh_tridiagonal(matrix.diagonal[:count], matrix.coupling[: count - 1]))
    return energies, ritz


def _reaches(matrix: Tridiagonal, horizon: float, rate: float) -> bool:
    """True where the Lanczos vectors so far are enough for the whole way."""
    energies, ritz = _ritz(matrix, len(matrix.diagonal))
    least = max(rate, _floor(energies))
    return missed(energies, ritz, matrix.coupling[-1], horizon) <= least * horizon


def _floor(energies: NDArray[np.float64]) -> float:
    """Return the smallest error for each unit of length that rounding allows."""
    return 4.0 * EPSILON * float(np.max(np.abs(energies)))


def _longest(
    energies: NDArray[np.float64], ritz: NDArray[np.float64], coupling: float, horizon: float, rate: float
) -> float:
    """Return the longest step, up to the horizon, with an error below `rate` times its length."""

    def fits(s: float) -> bool:
        return missed(energies, ritz, coupling, s) <= rate * s

    if fits(horizon):
        return horizon
    low, high = 0.0, min(horizon, len(energies) * 4.0 / float(np.ptp(energies)) if np.ptp(energies) else horizon)
    while fits(high) and high < horizon:
        low, high = high, min(2.0 * high, horizon)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
