"""Lowest eigenpairs of a Hermitian operator, one after the other, with the multiplicities that are there.

Each search starts from a random vector with the levels already found shifted to the top of the spectrum, so that a
degenerate level is found as many times as it has states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..._core.display import counted
from ..._core.lazy import la, threads
from ..._core.ranks import agreed
from ...clusters import Card, Shown, Told
from ...hamiltonians.terms import SAME
from ..checkpoint import Checkpoint
from ..work import Progress, silent
from .deflation import Deflated, Ritz
from .memory import KEPT_BYTES, STORED_BYTES
from .operator import FunctionOperator, HermitianOperator, Matvec, Projection, Vector
from .search import EPSILON, Limits, Memory, Stop, searched

SMALL = 400
"""Matrices up to this size are written out and given to LAPACK."""
MOST_LEVELS = 400
"""A ground level with more states than this is refused: every state would have to be stored."""
MANY_LEVELS = 100
"""It is also where so many have been found when the search is given up."""
MOST_ATTEMPTS = 1000
"""Searches, each from the Ritz vector of the one before, after which a level is given up."""
STATES_PER_LEVEL = 60
"""With more levels wanted than one for so many states, a matrix is written out and given to LAPACK."""
DENSE_BYTES = 64
"""Bytes that it takes there for each of its elements."""
HERMITICITY = 1e-10
"""Largest difference of a Hamiltonian and its adjoint, relative to the largest element."""


def is_degenerate(energy: float, other: float, width: float = SAME) -> bool:
    """True where two energies count as one level: no farther apart than `Hamiltonian.level_width`."""
    return abs(energy - other) <= width


class ConvergenceError(Told, RuntimeError):
    """An eigenpair, or the solution of a linear equation, that did not converge.

    Attributes
    ----------
    residual, energy : float
        What was reached.
    """

    def __init__(self, residual: float, energy: float, tolerance: float, matvecs: int, what: str = "Lanczos") -> None:
        self.residual, self.energy = residual, energy
        super().__init__(
            f"{what} did not converge: residual {residual:.2e} after {matvecs} products at energy {energy:.10g}, and "
            f"the tolerance is {tolerance:.2e}; raise solver.max_matvecs or solver.tolerance"
        )


@dataclass(frozen=True, repr=False)
class Levels(Shown):
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

    def card(self) -> Card:
        """Return the energies."""
        rows = [(str(n), f"{energy:.10g}") for n, energy in enumerate(self.energies)]
        title = f"{counted(len(rows), 'eigenpair')} of {counted(self.vectors.shape[0], 'amplitude')}"
        return Card(title, rows, note=f"{self.matvecs:,} products")


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
    project: Projection | None = None,
    dimension: int | None = None,
    stored_bytes: int = STORED_BYTES,
    wanted_below: float = np.inf,
    kept_bytes: int = KEPT_BYTES,
    checkpoint: Checkpoint | None = None,
    confirm: bool = True,
    scale: float = 0.0,
) -> Levels:
    """Find the `count` lowest levels, and further ones as long as they belong to the ground level.

    Parameters
    ----------
    matvec : function
        ``(v, out) -> H v`` for a Hermitian H, written to `out` and returned.
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
        Products after which the search stops with an error.
    degenerate : function
        From two energies to whether they are one level.
    progress : Progress
        Called during the search.
    project : function, optional
        Projects a vector, in place, onto an invariant subspace of H, which is searched.
    dimension : int, optional
        Dimension of that subspace; `size` by default.
    stored_bytes : int
        Memory for Lanczos vectors; larger spaces take four vectors and two passes.
    wanted_below : float
        Levels that are sure to lie above this energy are not converged, and fewer than `count` may come back.
    kept_bytes : int
        Memory for the first vectors of a first pass.
    checkpoint : Checkpoint, optional
        Where the search is saved from time to time, and from where it continues.
    confirm : bool
        Confirm that no level is missing.
    scale : float
        Size of the matrix elements of H, against which rounding errors are judged.

    Returns
    -------
    Levels
        At least `count` levels, and every state of the ground level; one more search from a random vector has made
        sure that nothing lower is missing, unless `confirm` is False.

    Raises
    ------
    ConvergenceError
        With the residual reached.
    ArithmeticError
        If the ground level is too degenerate to be stored.
    """
    operator = FunctionOperator(matvec, size, np.dtype(dtype), project, dimension)
    limits = Limits(count, tolerance, seed, max_matvecs, degenerate, progress, wanted_below, confirm)
    return lowest_eigenpairs(operator, limits, Memory(stored_bytes, kept_bytes, checkpoint or Checkpoint()), scale)


def lowest_eigenpairs(operator: HermitianOperator, limits: Limits, memory: Memory, scale: float = 0.0) -> Levels:
    """Find the lowest levels of an operator; see `lowest_levels`."""
    if operator.size == operator.entries <= min(SMALL, limits.max_matvecs):
        return _written_out(operator, scale)
    with threads.one_blas_thread(), memory.checkpoint.holding_interrupts():
        return _all_levels(Deflated(operator, limits.seed), limits, memory)


def _all_levels(operator: Deflated, limits: Limits, memory: Memory) -> Levels:
    state, degenerate, count = memory.checkpoint.state, limits.degenerate, limits.count
    if state:
        operator.restore(state)
    while len(operator.energies) < operator.h.dimension and not state.get("complete"):
        order = np.sort(operator.energies)
        if len(order) >= count and not limits.confirm:
            break
        one_level = len(order) > count and degenerate(order[0], order[-1])
        if one_level and len(order) >= MOST_LEVELS:
            raise _too_degenerate(len(order))
        bar = min(limits.wanted_below, order[count - 1] if len(order) >= count else np.inf)
        try:
            found = _next_level(operator, bar, limits, memory)
        except ConvergenceError:
            if one_level and len(order) >= MANY_LEVELS:
                raise _too_degenerate(len(order)) from None
            raise
        if found is None or (found.energy > limits.wanted_below and not degenerate(limits.wanted_below, found.energy)):
            break
        if len(order) >= count and found.energy >= bar and not degenerate(order[0], found.energy):
            break
        operator.lock(found)
    if memory.checkpoint.path is not None:
        state.update(operator.state, complete=True, reached=f"{len(operator.energies)} levels found")
    order = np.argsort(operator.energies, kind="stable")
    vectors = operator.locked if len(order) == 1 else operator.locked[order]
    return Levels(np.array(operator.energies)[order], vectors.T, operator.products)


def _too_degenerate(states: int) -> ArithmeticError:
    return ArithmeticError(
        f"the ground level has {states} states or more, all of them needed for its averages; fix momentum, reflection "
        "or two_sz, or add the coupling that lifts the degeneracy"
    )


def _written_out(operator: HermitianOperator, scale: float) -> Levels:
    """Diagonalise P H P + ceiling (1 - P) by LAPACK and keep the levels below the ceiling."""
    size, dimension, dtype = operator.size, operator.dimension, operator.dtype
    projector: Vector = np.eye(size, dtype=dtype)
    for row in projector:
        operator.project(row)
    images = [operator.product(row, np.empty_like(row)) for row in projector]
    matrix: Vector = np.array(images, dtype).reshape(size, size).T
    if dimension < size:
        ceiling = 2.0 * float(np.linalg.norm(matrix)) or 1.0
        matrix = matrix + ceiling * (np.eye(size) - projector.T)
    energies, vectors = hermitian_levels(matrix, scale)
    return Levels(energies[:dimension], vectors[:, :dimension], size)


def hermitian_levels(matrix: Vector, scale: float = 0.0) -> tuple[NDArray[np.float64], Vector]:
    """Return all eigenvalues and eigenvectors by LAPACK, which reads one triangle only: the other is checked here.

    Elements may be off by roundings of the largest one, or of `scale`.
    """
    if not matrix.size:
        return np.zeros(0), matrix
    _check_hermitian(matrix, scale)
    with threads.one_thread_for(matrix.size // 20):
        energies, vectors = la.eigh(matrix)
    return agreed((energies, vectors))


def lowest_of(
    matrix: Vector,
    count: int,
    degenerate: Callable[[float, float], bool],
    wanted_below: float = np.inf,
    scale: float = 0.0,
) -> Levels:
    """Return the `count` lowest eigenpairs of a Hermitian matrix by LAPACK, and every state of the lowest level.

    Levels that are sure to lie above `wanted_below` are left out; `scale` as for `hermitian_levels`.
    """
    if not matrix.size:
        return Levels(np.zeros(0), matrix, 0)
    _check_hermitian(matrix, scale)
    size, last = len(matrix), min(len(matrix), count + 1)
    with threads.one_thread_for(matrix.size // 20):
        energies, vectors = _some_pairs(matrix, last)
        while last < size and degenerate(energies[0], energies[-1]):
            last = min(size, 2 * last)
            energies, vectors = _some_pairs(matrix, last)
    near = [e <= wanted_below or degenerate(wanted_below, e) for e in energies]
    kept = sum(near[n] and (n < count or degenerate(energies[0], e)) for n, e in enumerate(energies))
    return agreed(Levels(energies[:kept], vectors[:, :kept], 0))


def _some_pairs(matrix: Vector, count: int) -> tuple[NDArray[np.float64], Vector]:
    """Return the lowest eigenpairs, from all of them where the search of LAPACK for a few gives up, as syevr may."""
    try:
        energies, vectors = la.eigh(matrix, subset_by_index=[0, count - 1])
    except np.linalg.LinAlgError:
        energies, vectors = la.eigh(matrix, driver="evd")
    return energies[:count], vectors[:, :count]


def suits_lapack(size: int, states: int, memory_limit: int) -> bool:
    """True where so many of all levels are wanted that searching them one by one would take longer."""
    return size <= STATES_PER_LEVEL * states and DENSE_BYTES * size**2 <= memory_limit


def _check_hermitian(matrix: Vector, scale: float) -> None:
    defect = float(np.max(np.abs(matrix - matrix.conj().T)))
    if defect > HERMITICITY * max(scale, float(np.max(np.abs(matrix)))):
        raise ArithmeticError(f"the Hamiltonian is not Hermitian: |H - H+| reaches {defect:.2e}")


def _next_level(operator: Deflated, bar: float, limits: Limits, memory: Memory) -> Ritz | None:
    """Converge the lowest level outside the locked ones; None once it is sure to lie above `bar` (inf for none)."""
    start, residual, energy = _near(operator, limits), np.inf, np.nan
    for attempt in range(memory.checkpoint.state.pop("attempt", int(start is not None)), MOST_ATTEMPTS):
        if operator.products + 2 > limits.max_matvecs:
            break
        stop = Stop(limits, bar, attempt)
        ritz = searched(operator, start, stop, memory)
        limits.progress(operator.products, ritz.energy, ritz.residual)
        if stop.is_beyond(ritz):
            return None
        if ritz.residual <= max(limits.tolerance, 16 * EPSILON * ritz.scale):
            return ritz
        start, residual, energy = ritz.vector, ritz.residual, ritz.energy
    raise ConvergenceError(residual, energy, limits.tolerance, operator.products)


def _near(operator: Deflated, limits: Limits) -> Vector | None:
    """Return a vector that is known to be close to the next level, orthogonal to those found; None for a random one."""
    number = len(operator.energies)
    if number >= len(limits.starts):
        return None
    start = limits.starts[number]
    operator.h.project(start)
    norm = operator.h.norm(start)
    return operator.orthonormal(start) if norm > 0 else None
