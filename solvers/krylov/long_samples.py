"""Random vectors of large blocks: few of their Lanczos vectors are kept, and thermal states are added up on the way.

A first pass finds the tridiagonal matrix, a second one repeats the same recursion and adds its vectors up to the
thermal states of all temperatures. Lanczos vectors are not made orthogonal to those before them: what a function of the
tridiagonal matrix makes of the start vector does not need it.

References
----------
V. Druskin and L. Knizhnerman, Numer. Linear Algebra Appl. 2, 205 (1995).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la
from ..._core.ranks import agreed
from ..._core.threads import one_blas_thread
from ...hamiltonians import Amplitudes
from .operator import Projection, Vector
from .recursion import Tridiagonal, lanczos_vectors
from .sampling import SETTLED, Random, Sample, not_settled
from .space import Krylov, is_exhausted

FEWEST_STEPS = 24
LOOKS = 6
"""The first vector is looked at every so many steps."""
CLEANED = 4
"""Steps from one pair of projections to the next; see `respair.solvers.krylov.search`."""
TILE = 1 << 14
"""Entries of vectors that are added up together."""
BATCH = 8
"""Lanczos vectors that are added up together."""
FEWEST_TOGETHER = 4
"""Thermal states that are added up in one pass at least."""
KEPT_BYTES = 1 << 30
"""Room for the first Lanczos vectors, which the second pass need not repeat."""
WORK = 5 + BATCH
"""Vectors in use besides thermal states and kept Lanczos vectors."""


@dataclass(frozen=True)
class LongSample(Sample):
    """A random vector whose Lanczos vectors are computed again when they are needed.

    Attributes
    ----------
    start : (n,)
        The random vector, of norm 1.
    kept : (k, n)
        Its first Lanczos vectors.
    matrix : Tridiagonal
        H in its Lanczos vectors.
    room : int
        Bytes for thermal states.
    """

    start: Vector = field(repr=False)
    kept: Vector = field(repr=False)
    matrix: Tridiagonal = field(repr=False)
    room: int = 1 << 30

    def thermal_states(self, temperatures: NDArray[np.float64], origin: float) -> Iterator[Amplitudes]:
        """Yield stored amplitudes of ``exp(-(H - origin) / 2T) r``, not normalised, for each temperature."""
        together = max(FEWEST_TOGETHER, self.room // self.start.nbytes)
        for first in range(0, len(temperatures), together):
            coefficients = self._thermal(temperatures[first : first + together], origin)
            for row in self._added_up(coefficients):
                yield self.engine.amplitudes(row[:, None])[0]

    def _added_up(self, coefficients: NDArray[np.float64]) -> Vector:
        """Return the sums of Lanczos vectors with coefficients, shape (sums, steps), in a second pass."""
        count, steps = coefficients.shape
        sums = np.zeros((count, len(self.start)), self.start.dtype)
        held = self.kept[:steps]
        add_products(coefficients[:, : len(held)], held, sums)
        if len(held) == steps:
            return sums
        begin = len(held) - 1 if len(held) > 1 else 0
        q, previous = (held[begin].copy(), held[begin - 1].copy()) if begin else (self.start.copy(), None)
        vectors = lanczos_vectors(self.engine, q, self.matrix, begin=begin, previous=previous)
        batch = np.empty((BATCH, len(self.start)), self.start.dtype)
        filled = 0
        for step, v in zip(range(begin, steps), vectors, strict=False):
            cleaned(step, v, self.project)
            if step >= len(held):
                batch[filled] = v
                filled += 1
            if filled and (filled == BATCH or step == steps - 1):
                add_products(coefficients[:, step + 1 - filled : step + 1], batch[:filled], sums)
                filled = 0
        return sums


def cleaned(step: int, v: Vector, project: Projection) -> None:
    """Project two Lanczos vectors in a row, every few steps: what rounding adds outside the space grows from either."""
    if step % CLEANED < 2:
        project(v)


def add_products(coefficients: NDArray[np.float64], rows: Vector, sums: Vector) -> None:
    """Add ``coefficients @ rows`` to `sums`, in place and in tiles."""
    if not len(rows):
        return
    with one_blas_thread():
        for first in range(0, rows.shape[1], TILE):
            tile = rows[:, first : first + TILE].view(float)  # real coefficients: both parts on their own
            sums[:, first : first + TILE] += (coefficients @ tile).view(rows.dtype)


def long_samples(
    random: Random,
    temperatures: NDArray[np.float64],
    origin: float,
    known: NDArray[np.float64],
    limit: int,
    most: int,
) -> Iterator[LongSample]:
    """Yield random vectors with as many Lanczos steps as their thermal states take; the first one tells for all.

    Parameters
    ----------
    random : Random
        The vectors.
    temperatures : (t,) float
        T.
    origin : float
        Energy from which Boltzmann factors are counted.
    known : (t,) float
        What the levels that the vectors leave out add to Z.
    limit : int
        Bytes that all may take.
    most : int
        Largest number of steps.

    Raises
    ------
    ArithmeticError
        If that number does not do.
    """
    h, steps = random.engine, 0
    vector = h.dtype.itemsize * h.most_entries
    room = max(FEWEST_TOGETHER * vector, min(len(temperatures) * vector, limit - WORK * vector))
    kept = max(0, min(most, min(KEPT_BYTES, limit - WORK * vector - room) // vector))
    for r in random.vectors():
        norm = h.norm(r)
        r /= norm
        matrix, basis = Tridiagonal(), np.empty((kept, len(r)), r.dtype)
        for step, v in enumerate(lanczos_vectors(h, r.copy(), matrix)):
            ended = step > 0 and is_exhausted(matrix)
            if ended or (step == steps if steps else _looked_at(step, most)):
                sample = _sample(random, norm, r, basis[:step], matrix, step, room)
                change = sample.unsettled(temperatures, origin, known)
                if ended or steps or np.all(change <= SETTLED):
                    break
                if step == most:
                    raise not_settled(sample, temperatures, change)
            cleaned(step, v, random.project)
            if step < kept:
                basis[step] = v
        steps = sample.steps
        kept = min(kept, steps)
        yield sample


def _looked_at(step: int, most: int) -> bool:
    return step == most or (step >= FEWEST_STEPS and step % LOOKS == 0)


def _sample(
    random: Random, norm: float, start: Vector, kept: Vector, matrix: Tridiagonal, steps: int, room: int
) -> LongSample:
    pair = matrix.diagonal[:steps], matrix.coupling[: steps - 1]
    energies, vectors = agreed(la.eigh_tridiagonal(*pair))
    space = Krylov(energies, vectors[0], vectors.T, np.empty((steps, 0)))
    own: dict[str, Any] = {"start": start, "kept": kept, "matrix": matrix, "room": room}
    return LongSample(random.engine, energies, norm * vectors[0], space, random.project, steps, **own)
