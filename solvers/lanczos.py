"""Lowest eigenpairs by QuSpin's Lanczos recursion, restarted, reorthogonalised and deflated.

QuSpin's recursion neither tests convergence nor keeps its vectors orthogonal, and divides by zero in an invariant
subspace. Here it runs in short cycles on an operator that (a) mends each new Lanczos vector before it is used, in
QuSpin's own buffer: orthogonal to the earlier ones, and random where the Krylov space was exhausted; and (b) lifts the
eigenvectors already found to the top of the spectrum, so that the next cycle finds the next level. Degenerate levels
appear as often as they are there, because each search starts from a random vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray
from quspin.tools.lanczos import lanczos_full

Vector = NDArray[Any]
"""A real or complex array of amplitudes."""
Matvec = Callable[[Vector], Vector]
Projection = Callable[[Vector], None]
"""Projects a vector, in place, onto the part of the space that counts."""

CYCLE_BYTES = 1 << 30
"""Memory that the Lanczos vectors of one cycle may take."""
CYCLE_STEPS = (20, 60, 960)
"""Fewest steps of a cycle, steps of the first one, and most steps; a cycle that fails is followed by a longer one."""
SMALL = 400
"""Matrices up to this size are written out and given to LAPACK."""
REORTHOGONALISED_BYTES = 64 << 20
"""Up to this much memory all vectors of a cycle are kept orthogonal; beyond it each one to the first."""
MOST_LEVELS = 400
"""A ground level with more states than this is refused: every state would have to be stored."""
EPSILON = float(np.finfo(float).eps)


class Progress(Protocol):
    """What is called as a solver goes on."""

    def __call__(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how many products were formed, and how far the current level is."""


def silent(matvecs: int, energy: float, residual: float) -> None:
    """Show no progress."""


def everything(vector: Vector) -> None:
    """Project onto the whole space: do nothing."""


class ConvergenceError(RuntimeError):
    """An eigenpair that did not converge.

    Attributes
    ----------
    residual, energy : float
        What was reached.
    """

    def __init__(self, residual: float, energy: float, tolerance: float, matvecs: int) -> None:
        self.residual, self.energy = residual, energy
        super().__init__(
            f"Lanczos did not converge: residual {residual:.2e} after {matvecs} products at energy {energy:.10g}, and "
            f"the tolerance is {tolerance:.2e}; raise solver.max_matvecs or solver.tolerance"
        )


@dataclass(frozen=True)
class Levels:
    """Lowest eigenpairs of a Hermitian operator.

    Attributes
    ----------
    energies : (k,) float
        Ascending, with multiplicity.
    vectors : (n, k) float or complex
        Orthonormal columns.
    matvecs : int
        Products with the operator.
    """

    energies: NDArray[np.float64]
    vectors: Vector
    matvecs: int


class _Deflated:
    """The operator that QuSpin's recursion sees: H with the locked vectors lifted, each Lanczos vector mended first."""

    def __init__(
        self, matvec: Matvec, project: Projection, dtype: type, locked: Vector, random: np.random.Generator
    ) -> None:
        self.matvec, self.project, self.dtype = matvec, project, np.dtype(dtype)
        self.locked, self._random = locked, random
        self.ceiling = 0.0
        self.products = 0
        self.steps = CYCLE_STEPS[1]
        self._basis: Vector = locked.T
        self._step = 0

    def begin(self, basis: Vector) -> None:
        """Start a cycle whose vectors QuSpin will write to the rows of `basis`."""
        self._basis, self._step = basis, 0

    def dot(self, v: Vector, out: Vector) -> Vector:
        if self._step:
            self._mend(v)
        self._step += 1
        return self.act(v, out)

    def act(self, v: Vector, out: Vector) -> Vector:
        """Apply H, with locked levels moved to the ceiling, where no search for a lowest level looks."""
        out[:] = self.matvec(v)
        self.products += 1
        if self.locked.shape[1]:
            out -= self.locked @ (self.locked.conj().T @ out)
            out += self.locked @ (self.ceiling * (self.locked.conj().T @ v))
        return out

    def random_vector(self) -> Vector:
        """Return a random vector of the space, complex where the operator is."""
        size = self.locked.shape[0]
        vector: Vector = np.asarray(self._random.standard_normal(size), self.dtype)
        if self.dtype.kind == "c":
            vector += 1j * self._random.standard_normal(size)
        self.project(vector)
        return vector

    def _mend(self, v: Vector) -> None:
        """Make the next Lanczos vector, a row of the buffer, orthogonal; replace what a zero coupling left behind."""
        if not np.all(np.isfinite(v)):
            v[:] = self.random_vector()
        for _ in range(3):
            self._project(v)
            left = np.linalg.norm(v)
            v /= left
            if left > 0.5:
                break

    def _project(self, v: Vector) -> None:
        if self.locked.shape[1]:
            v -= self.locked @ (self.locked.conj().T @ v)
        whole = self._basis.nbytes <= REORTHOGONALISED_BYTES
        for rows in (self._basis[: self._step],) if whole else (self._basis[:1], self._basis[self._step - 1 :][:1]):
            v -= rows.T @ (rows.conj() @ v)


def lowest_levels(
    matvec: Matvec,
    size: int,
    dtype: type,
    count: int,
    tolerance: float,
    seed: int,
    max_matvecs: int,
    degenerate: Callable[[float, float], bool],
    progress: Progress = silent,
    project: Projection = everything,
    dimension: int | None = None,
) -> Levels:
    """Find the `count` lowest levels, and further ones as long as they belong to the ground level.

    Parameters
    ----------
    matvec : function
        ``v -> H v`` for a Hermitian H.
    size : int
        Dimension; should be well above `count`.
    dtype : type
        float64 or complex128.
    count : int
        Levels wanted, counted with multiplicity.
    tolerance : float
        Largest ``||H psi - E psi||``; a floor of a few roundings of ``||H||`` applies.
    seed : int
        Seed of the start vectors.
    max_matvecs : int
        Products after which the search is given up.
    degenerate : function
        Says whether two energies are one level.
    progress : Progress
        Called once a cycle.
    project : function
        Projector, in place, onto the vectors that count; it commutes with H.
    dimension : int, optional
        Rank of the projector; `size` by default.

    Returns
    -------
    Levels
        At least `count` levels, and every state of the ground level; one more search from a random vector has made
        sure that nothing lower is missing.

    Raises
    ------
    ConvergenceError
        With the residual reached.
    ArithmeticError
        If the ground level is too degenerate to be stored.
    """
    dimension = size if dimension is None else dimension
    if size <= SMALL:
        return _written_out(matvec, project, size, dtype, dimension)
    random = np.random.default_rng(seed)
    locked: Vector = np.zeros((size, 0), dtype)
    operator = _Deflated(matvec, project, dtype, locked, random)
    energies: list[float] = []
    while len(energies) < dimension:
        order = np.sort(energies)
        if len(energies) >= max(count, MOST_LEVELS) and degenerate(order[0], order[-1]):
            raise ArithmeticError(
                f"the ground level has {MOST_LEVELS} states or more, all of them needed for its averages; fix "
                "momentum, reflection or two_sz, or add the coupling that lifts the degeneracy"
            )
        bar = order[count - 1] if len(energies) >= count else None
        found = _next_level(operator, tolerance, max_matvecs, bar, degenerate, progress)
        if found is None or (bar is not None and found[0] >= bar and not degenerate(order[0], found[0])):
            break
        energy, vector = found
        energies.append(energy)
        operator.locked = np.column_stack([operator.locked, vector])
    order = np.argsort(energies, kind="stable")
    return Levels(np.array(energies)[order], operator.locked[:, order], operator.products)


def _written_out(matvec: Matvec, project: Projection, size: int, dtype: type, dimension: int) -> Levels:
    """Diagonalise P H P + ceiling (1 - P) densely and keep the `dimension` levels below the ceiling."""
    projector: Vector = np.eye(size, dtype=dtype)
    for row in projector:
        project(row)
    matrix: Vector = np.array([matvec(row) for row in projector], dtype=dtype).reshape(size, size).T
    if dimension < size:
        ceiling = 1.0 + float(np.linalg.norm(matrix))
        matrix = matrix + ceiling * (np.eye(size) - projector.T)
    energies, vectors = hermitian_levels(matrix)
    return Levels(energies[:dimension], vectors[:, :dimension], size)


def hermitian_levels(matrix: Vector) -> tuple[NDArray[np.float64], Vector]:
    """Return all eigenvalues and eigenvectors by LAPACK, which reads one triangle only: the other is checked here."""
    if not matrix.size:
        return np.zeros(0), matrix
    defect = float(np.max(np.abs(matrix - matrix.conj().T)))
    if defect > 1e-10 * max(1.0, float(np.max(np.abs(matrix)))):
        raise ArithmeticError(f"the Hamiltonian is not Hermitian: |H - H+| reaches {defect:.2e}")
    energies, vectors = la.eigh(matrix)
    return energies, vectors


def _next_level(
    operator: _Deflated,
    tolerance: float,
    max_matvecs: int,
    bar: float | None,
    degenerate: Callable[[float, float], bool],
    progress: Progress,
) -> tuple[float, Vector] | None:
    """Converge the lowest level outside the locked ones; None once it is sure to lie above `bar`."""
    start = _orthogonal(operator.random_vector(), operator.locked)
    while True:
        ritz, residual, scale = _cycle(operator, start)
        energy = float(np.vdot(ritz[0], ritz[1]).real)
        progress(operator.products, energy, residual)
        if bar is not None and energy - residual > bar and not degenerate(energy - residual, bar):
            return None
        if residual <= max(tolerance, 16 * EPSILON * scale):
            return energy, ritz[0]
        if operator.products >= max_matvecs:
            raise ConvergenceError(residual, energy, tolerance, operator.products)
        start = ritz[0]
        operator.steps *= 2


def _cycle(operator: _Deflated, start: Vector) -> tuple[tuple[Vector, Vector], float, float]:
    """Run one Lanczos cycle; return the lowest Ritz vector with H times it, its true residual, and ||T||."""
    size, row = len(start), operator.dtype.itemsize * len(start)
    free = size - operator.locked.shape[1]
    most = int(np.clip(CYCLE_BYTES // row, CYCLE_STEPS[0], CYCLE_STEPS[2]))
    basis = np.zeros((max(1, min(operator.steps, most, free, size - 1)), size), operator.dtype)
    operator.begin(basis)
    with np.errstate(invalid="ignore", divide="ignore"):
        values, vectors, _ = lanczos_full(operator, start, len(basis), out=basis, eps=0.0)
    ritz = _orthogonal(vectors[:, 0] @ basis, operator.locked)
    operator.ceiling = max(operator.ceiling, float(values[-1]))
    image = operator.act(ritz, np.empty_like(ritz))
    energy = float(np.vdot(ritz, image).real)
    return (ritz, image), float(np.linalg.norm(image - energy * ritz)), float(np.max(np.abs(values)))


def _orthogonal(vector: Vector, locked: Vector) -> Vector:
    """Take locked vectors out (twice is enough) and normalise."""
    for _ in range(2 if locked.shape[1] else 0):
        vector = vector - locked @ (locked.conj().T @ vector)
    return np.asarray(vector / np.linalg.norm(vector))
