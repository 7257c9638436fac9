"""Spectral lines of a vector: exact poles and weights, or the continued fraction of the Lanczos recursion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from numpy.typing import NDArray

from ..._core.threads import one_blas_thread
from ...clusters import InvalidValue
from ...hamiltonians import Amplitudes, Block
from ...hamiltonians.symmetry.group import isometry
from ..engines import block_basis, product_index
from .deflation import Vector, add, overlaps
from .eigenpairs import hermitian_levels
from .recursion import Ended, Recursion, Steps, by_quspin, fused

EXACT_UP_TO = 1200
"""Blocks of at most so many states are diagonalised for their spectra, if the engine is left open."""
SMALL = 60
"""Blocks of at most so many states are diagonalised whatever the engine is."""
STORED_BYTES = 16 << 20
"""Memory for Lanczos vectors; a recursion that outgrows it goes on without them, and finds some levels twice."""
DRIFT = 1e-9
"""Overlap with earlier vectors from which on a Lanczos vector is made orthogonal to them."""
TOLERANCE = 1e-10
"""Largest error of a resolvent, unless another one is asked for: none that can be seen."""
MOST_STEPS = 20_000
EXHAUSTED = 1e-13


@dataclass(frozen=True)
class Lines:
    r"""``sum_j w_j delta(E - E_j)``, as far as a vector sees the spectrum of a block.

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
        "dense" for exact poles; "quspin" and "tensor" for the continued fraction with the products of that engine;
        "auto" for exact poles in blocks of up to 1200 states and "tensor" beyond. Blocks of up to 60 states are always
        diagonalised.
    left : (k, rows, phonon states), optional
        The other vectors; `right` by default.

    Returns
    -------
    Lines
        With ``M_n = sum_j w_j E_j^n`` exact for the lowest n, whatever the number of steps.

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
    dimension = block.energy.dimension
    if dimension <= SMALL or engine == "dense" or (engine == "auto" and dimension <= EXACT_UP_TO):
        return _exact(block, right, left)
    view = VIEWS["quspin" if engine == "quspin" else "tensor"](block)
    others = right if left is None else left
    with one_blas_thread():
        pairs = [(v, None if left is None else u) for v, u in zip(right, others, strict=True) if v.any() and u.any()]
        return added(tuple(_continued_fraction(view, v, accuracy, u) for v, u in pairs))


def added(lines: Sequence[Lines]) -> Lines:
    """Return all lines of several vectors or blocks as one list, ascending."""
    empty = np.zeros(0)
    energies = np.concatenate([empty, *(part.energies for part in lines)])
    weights = np.concatenate([empty, *(part.weights for part in lines)])
    errors = np.concatenate([empty, *(part.errors for part in lines)])
    order = np.argsort(energies, kind="stable")
    steps, error = max((part.steps for part in lines), default=0), sum(part.error for part in lines)
    return Lines(energies[order], weights[order], errors[order], steps, error)


def _exact(block: Block, right: Amplitudes, left: Amplitudes | None) -> Lines:
    whole, expand = block.hamiltonian.matrix(), block_basis(block)
    matrix = whole if expand is None else sp.csr_array(expand.conj().T @ whole @ expand)
    energies, vectors = hermitian_levels(matrix.toarray(), block.hamiltonian.scale)

    def seen(states: Amplitudes) -> Vector:
        psi = np.array([block.expand(phi).ravel() for phi in states]).T
        return np.asarray(vectors.conj().T @ (psi if expand is None else expand.conj().T @ psi))

    found = seen(right)
    weights = np.sum(np.abs(found) ** 2 if left is None else seen(left).conj() * found, axis=1)
    return Lines(energies, weights, np.zeros(len(energies)))


@dataclass(frozen=True)
class _View:
    """H of a block as one engine sees it, and how vectors of the block look there."""

    product: Callable[[Vector, Vector], Vector]
    project: Callable[[Vector], None]
    dtype: np.dtype[Any]
    seen: Callable[[Amplitudes], Vector]
    recursion: Recursion = fused


def _tensor_view(block: Block) -> _View:
    energy = block.energy
    return _View(energy.image, energy.project, energy.dtype, lambda phi: np.asarray(phi).ravel())


def _quspin_view(block: Block) -> _View:
    hamiltonian, size = block.hamiltonian, block.space.dimension
    real = all(abs(element.character.imag) < 1e-12 for element in block.elements)
    dtype = np.dtype(hamiltonian.dtype if real else np.complex128)
    basis, matrix = hamiltonian.quspin(tuple(s.as_map() for s in block.symmetries), dtype.type)
    order = product_index(hamiltonian, basis.states)
    if block.elements:
        expand = isometry(block.elements, order, size)
    else:
        expand = sp.csr_array((np.ones(size), (order, np.arange(size))), shape=(size, size))

    def product(v: Vector, out: Vector) -> Vector:
        out[:] = matrix @ v
        return out

    return _View(product, lambda v: None, dtype, lambda phi: expand.conj().T @ block.expand(phi).ravel(), by_quspin)


VIEWS: dict[str, Callable[[Block], _View]] = {"tensor": _tensor_view, "quspin": _quspin_view}


class _Fraction(Steps):
    """What the continued fraction does at the steps of a recursion: it keeps coefficients and mends vectors."""

    def __init__(self, view: _View, dtype: np.dtype[Any], size: int, accuracy: Accuracy, left: Vector | None) -> None:
        self._view, self._accuracy, self._left, self.dtype = view, accuracy, left, dtype
        self._most = max(1, STORED_BYTES // (dtype.itemsize * size))
        self._buffer: Vector = np.zeros((0, size), dtype)
        self._stored = self._buffer
        self._mixed: Vector = np.zeros(size, dtype)
        self._signs = np.where(np.random.default_rng(0).random(min(self._most, MOST_STEPS)) < 0.5, -1.0, 1.0).tolist()
        self._drifting = False
        self.diagonal: list[float] = []
        self.coupling: list[float] = []
        self.seen: list[complex] = []
        self.error = np.inf
        self._inverse = np.ones(len(accuracy.z), complex)
        self._ratio = np.ones(len(accuracy.z), complex)
        self._scale = 0.0

    def coupled(self, b: float) -> None:
        self._rest = b
        if b <= EXHAUSTED * self._scale:
            self._is_enough(b)
            raise Ended

    def product(self, q: Vector, out: Vector) -> float:
        left = self._mended(q)
        if self.diagonal and self._is_enough(self._rest * left):
            raise Ended
        self._keep(q)
        if self._left is not None:
            self.seen.append(complex(overlaps(self._left[None], q)[0]))
        self._view.product(q, out)
        self.diagonal.append(float(overlaps(q[None], out)[0].real))
        self._scale = max(self._scale, abs(self.diagonal[-1]))
        return self.diagonal[-1]

    def _mended(self, v: Vector) -> float:
        """Make a vector orthogonal to those that are stored if it drifts; return the length that was left of it.

        Semi-orthogonal vectors give the same tridiagonal matrix (H. D. Simon, Linear Algebra Appl. 61, 101 (1984)) if
        the next one is mended too. The overlap with a sum of the stored vectors with random signs shows the drift.
        """
        self._view.project(v)
        drifts = bool(len(self._stored) and abs(overlaps(self._mixed[None], v)[0]) > DRIFT)
        mends, self._drifting = drifts or self._drifting, drifts
        if not mends:
            return 1.0
        add(-overlaps(self._stored, v), self._stored, v)
        left = float(np.linalg.norm(v))
        if left:
            v /= left
        return left

    def _keep(self, v: Vector) -> None:
        count = len(self.diagonal)
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

    def _is_enough(self, coupling: float) -> bool:
        """Bound what is missing: the residual of (z - H) x = v is coupling |x_m| for the Lanczos solution x."""
        self.coupling.append(coupling)
        self._scale = max(self._scale, coupling)
        z, before = self._accuracy.z, self.coupling[-2] if len(self.coupling) > 1 else 0.0
        self._inverse = np.reciprocal((z - self.diagonal[-1]) - before**2 * self._inverse)
        self._ratio *= (before or 1.0) * self._inverse
        missing = (coupling * self._ratio.real) ** 2 + (coupling * self._ratio.imag) ** 2
        missing = missing if self._left is None else np.sqrt(missing)
        self.error = float(np.max(missing / z.imag))
        reached = float(np.max(missing)) <= self._accuracy.tolerance
        return reached or coupling <= EXHAUSTED * self._scale


def _continued_fraction(view: _View, right: Amplitudes, accuracy: Accuracy, left: Amplitudes | None) -> Lines:
    start = view.seen(right)
    other = None if left is None else view.seen(left)
    dtype = np.result_type(view.dtype, start.dtype, *([] if other is None else [other.dtype]))
    norm, size = float(np.linalg.norm(start)), len(start)
    lengths = norm * (norm if other is None else float(np.linalg.norm(other)))
    seen = None if other is None else other.astype(dtype) * (norm / lengths)
    recursion = _Fraction(view, dtype, size, accuracy, seen)
    with suppress(Ended):
        view.recursion(recursion, (start / norm).astype(dtype), min(MOST_STEPS, size))
    if len(recursion.diagonal) == MOST_STEPS:
        raise ArithmeticError(
            f"the continued fraction has not converged after {MOST_STEPS} steps: its error may be as large as "
            f"{recursion.error * lengths:.1e}; raise spectrum.broadening"
        )
    return _ritz_lines(recursion, lengths, left is not None)


def _ritz_lines(recursion: _Fraction, lengths: float, crossed: bool) -> Lines:
    steps = len(recursion.diagonal)
    off = np.array(recursion.coupling[: steps - 1])
    energies, vectors = la.eigh_tridiagonal(np.array(recursion.diagonal), off)
    last = recursion.coupling[steps - 1] if len(recursion.coupling) >= steps else 0.0
    weights = vectors[0] * (np.array(recursion.seen) @ vectors) if crossed else vectors[0] ** 2
    error = recursion.error if np.isfinite(recursion.error) else 0.0
    return Lines(energies, lengths * weights, last * np.abs(vectors[-1]), steps, lengths * error)
