"""Spectral lines of a vector: exact poles and weights, or the continued fraction of the Lanczos recursion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la
from ..._core.threads import one_blas_thread
from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block
from ..engines.base import Engine
from ..engines.dense import DenseEngine
from ..engines.table import engine_of
from .operator import HermitianOperator, Vector
from .recursion import Tridiagonal, lanczos_vectors

EXACT_UP_TO = 1200
"""Blocks of at most so many states are diagonalised for their spectra, if the engine is left open."""
SMALL = 60
"""Blocks of at most so many states are diagonalised whatever the engine is."""
STORED_BYTES = 16 << 20
"""Memory for Lanczos vectors; a longer recursion continues without them, and finds some levels twice."""
DRIFT = 1e-9
"""Overlap with earlier vectors from which on a Lanczos vector is made orthogonal to them."""
TOLERANCE = 1e-10
"""Largest error of a resolvent, unless another one is given."""
MOST_STEPS = 20_000
EXHAUSTED = 1e-13


@dataclass(frozen=True)
class Lines:
    r"""``sum_j w_j delta(E - E_j)``, the lines of the spectrum of a block in a vector.

    Attributes
    ----------
    energies : (m,) float
        Poles E_j of the resolvent, ascending [energy].
    weights : (m,) float or complex
        ``w_j = <left|j><j|right>``.
    errors : (m,) float
        Residual of each pole: an exact level lies within this distance [energy]; zero for exact ones.
    steps : int
        Lanczos steps; 0 where all levels were computed.
    error : float
        Bound on the error of ``<left|(z - H)^-1|right>`` at all z that were asked for [1/energy].
    """

    energies: NDArray[np.float64]
    weights: NDArray[Any]
    errors: NDArray[np.float64]
    steps: int = 0
    error: float = 0.0


@dataclass(frozen=True)
class Accuracy:
    """Where the continued fraction must be right, and how right.

    Attributes
    ----------
    z : (n,) complex
        Energies off the real axis, ``E + i eta``.
    tolerance : float
        Largest error of ``<left|(z - H)^-1|right>``, over the norms of the two vectors and times eta.
    """

    z: NDArray[np.complex128]
    tolerance: float = TOLERANCE


def spectral_lines(
    block: Block, right: Amplitudes, accuracy: Accuracy, engine: str = "auto", left: Amplitudes | None = None
) -> Lines:
    r"""Compute the poles and weights of ``<left|(z - H)^-1|right>``.

    Parameters
    ----------
    block : Block
        Where the vectors lie.
    right : (k, rows, phonon states)
        Stored amplitudes of any norm; lines of several vectors are added up.
    accuracy : Accuracy
        Where and how exactly the resolvent is wanted; decides on the number of Lanczos steps.
    engine : str
        "dense" for exact poles; any other engine for the continued fraction with its products; "auto" for exact poles
        in blocks of up to 1200 states and "tensor" beyond. Blocks of up to 60 states are always diagonalised.
    left : (k, rows, phonon states), optional
        The other vectors; `right` by default.

    Returns
    -------
    Lines
        With ``M_n = sum_j w_j E_j^n`` exact for the lowest n, for any number of steps.

    Raises
    ------
    ArithmeticError
        If the recursion does not come to the accuracy in 20 000 steps.
    ValueError
        If a z lies on the real axis.

    References
    ----------
    R. Haydock, V. Heine and M. J. Kelly, J. Phys. C 5, 2845 (1972); E. R. Gagliano and C. A. Balseiro, Phys. Rev. Lett.
    59, 2999 (1987).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Hamiltonian, Model, Sector
    >>> block = Block.of(Hamiltonian.of(Model(dimer(), Electrons(hopping=1.0)), Sector(1)))
    >>> lines = spectral_lines(block, np.array([[[1.0], [0.0]]]), Accuracy(np.array([0.1j])))
    >>> lines.energies.round(12), lines.weights.round(12)
    (array([-1.,  1.]), array([0.5, 0.5]))
    """
    if np.any(accuracy.z.imag <= 0):
        raise InvalidValue("the broadening must be above 0 for a continued fraction; exact poles are in the lines")
    if block.dimension <= SMALL or (engine == "auto" and block.dimension <= EXACT_UP_TO):
        engine = "dense"
    chosen = engine_of(block, engine)
    if isinstance(chosen, DenseEngine):
        return _exact(chosen, right, left)
    others = right if left is None else left
    with one_blas_thread():
        there = (block.norm(v) > 0 and block.norm(u) > 0 for v, u in zip(right, others, strict=True))
        pairs = [(v, None if left is None else u) for v, u, both in zip(right, others, there, strict=True) if both]
        return added(tuple(_continued_fraction(chosen, v, accuracy, u) for v, u in pairs))


def added(lines: Sequence[Lines]) -> Lines:
    """Return all lines of several vectors or blocks as one list, ascending."""
    empty = np.zeros(0)
    energies = np.concatenate([empty, *(part.energies for part in lines)])
    weights = np.concatenate([empty, *(part.weights for part in lines)])
    errors = np.concatenate([empty, *(part.errors for part in lines)])
    order = np.argsort(energies, kind="stable")
    steps, error = max((part.steps for part in lines), default=0), sum(part.error for part in lines)
    return Lines(energies[order], weights[order], errors[order], steps, error)


def _exact(engine: DenseEngine, right: Amplitudes, left: Amplitudes | None) -> Lines:
    energies, vectors = engine.everything()

    def seen(states: Amplitudes) -> Vector:
        return np.asarray(vectors.conj().T @ np.array([engine.vector(phi) for phi in states]).T)

    found = seen(right)
    weights = np.sum(np.abs(found) ** 2 if left is None else seen(left).conj() * found, axis=1)
    return Lines(energies, weights, np.zeros(len(energies)))


class Fraction:
    """The continued fraction: Lanczos vectors, made orthogonal to the earlier ones as far as these are stored."""

    def __init__(self, operator: HermitianOperator, start: Vector, accuracy: Accuracy, left: Vector | None) -> None:
        self.matrix, self.error = Tridiagonal(), np.inf
        self.seen: list[complex] = []
        self._operator, self._start, self._accuracy, self._left = operator, start, accuracy, left
        self._most = max(1, STORED_BYTES // (start.dtype.itemsize * operator.most_entries))
        self._buffer: Vector = np.zeros((0, len(start)), start.dtype)
        self._stored = self._buffer
        self._mixed: Vector = np.zeros_like(start)
        self._signs = np.where(np.random.default_rng(0).random(min(self._most, MOST_STEPS)) < 0.5, -1.0, 1.0).tolist()
        self._drifting = False
        self._inverse = np.ones(len(accuracy.z), complex)
        self._ratio = np.ones(len(accuracy.z), complex)

    def converges(self) -> bool:
        """Take Lanczos steps until the resolvent is accurate; False where it is not after `MOST_STEPS`."""
        matrix, scale = self.matrix, 0.0
        for step, q in enumerate(lanczos_vectors(self._operator, self._start, matrix)):
            left = 1.0
            if step:
                scale = max(scale, abs(matrix.diagonal[-1]), matrix.coupling[-1])
                if matrix.coupling[-1] > EXHAUSTED * scale:
                    left = self._reorthogonalised(q)
                matrix.coupling[-1] *= left
                reached = self._missing() <= self._accuracy.tolerance
                if reached or matrix.coupling[-1] <= EXHAUSTED * scale or step == self._operator.entries:
                    return True
                if step == MOST_STEPS:
                    return False
            else:
                self._operator.project(q)
            self._keep(q, step)
            if self._left is not None:
                self.seen.append(self._operator.dot(self._left, q))
        raise AssertionError

    def _reorthogonalised(self, v: Vector) -> float:
        """Make a vector orthogonal to those that are stored if it drifts; return the norm that is left.

        Semi-orthogonal vectors give the same tridiagonal matrix (H. D. Simon, Linear Algebra Appl. 61, 101 (1984)) if
        the next one is corrected too. The overlap with a sum of the stored vectors with random signs shows the drift.
        """
        operator = self._operator
        operator.project(v)
        drifts = bool(len(self._stored) and abs(operator.dot(self._mixed, v)) > DRIFT)
        corrected, self._drifting = drifts or self._drifting, drifts
        if not corrected:
            return 1.0
        operator.add(-operator.overlaps(self._stored, v), self._stored, v)
        left = operator.norm(v)
        v /= left or 1.0
        return left

    def _keep(self, v: Vector, count: int) -> None:
        if count == self._most:
            self._buffer = self._stored = self._buffer[:0].copy()
        if count >= self._most:
            return
        if count >= len(self._buffer):
            grown = np.empty((min(self._most, max(32, 2 * count)), len(v)), v.dtype)
            grown[:count] = self._stored
            self._buffer = grown
        self._buffer[count] = v
        self._stored = self._buffer[: count + 1]
        self._mixed += self._signs[count] * v

    def _missing(self) -> float:
        """Return a bound on the error: the residual of (z - H) x = v is coupling |x_m| for the Lanczos solution x."""
        z, coupling = self._accuracy.z, self.matrix.coupling[-1]
        before = self.matrix.coupling[-2] if len(self.matrix.coupling) > 1 else 0.0
        self._inverse = np.reciprocal((z - self.matrix.diagonal[-1]) - before**2 * self._inverse)
        self._ratio *= (before or 1.0) * self._inverse
        missing = (coupling * self._ratio.real) ** 2 + (coupling * self._ratio.imag) ** 2
        missing = missing if self._left is None else np.sqrt(missing)
        self.error = float(np.max(missing / z.imag))
        return float(np.max(missing))


def _continued_fraction(engine: Engine, right: Amplitudes, accuracy: Accuracy, left: Amplitudes | None) -> Lines:
    start, other = engine.vector(right), None if left is None else engine.vector(left)
    dtype = np.result_type(engine.dtype, start.dtype, *([] if other is None else [other.dtype]))
    norm = engine.norm(start)
    lengths = norm * (norm if other is None else engine.norm(other))
    seen = None if other is None else other.astype(dtype) * (norm / lengths)
    fraction = Fraction(engine, (start / norm).astype(dtype), accuracy, seen)
    if not fraction.converges():
        raise ArithmeticError(
            f"the continued fraction has not converged after {MOST_STEPS} steps: its error may be as large as "
            f"{fraction.error * lengths:.1e}; raise spectrum.broadening"
        )
    coupling = fraction.matrix.coupling
    energies, vectors = la.eigh_tridiagonal(fraction.matrix.diagonal, coupling[:-1])
    weights = vectors[0] ** 2 if left is None else vectors[0] * (np.array(fraction.seen) @ vectors)
    residuals = coupling[-1] * np.abs(vectors[-1])
    return Lines(energies, lengths * weights, residuals, len(coupling), lengths * fraction.error)
