r"""Variational spaces that grow where the energy falls most.

The space P begins with the bare charges and what H makes of them. Of the states q beyond it those with the largest

.. math:: w_q = \frac{|\langle q|H|\psi\rangle|^2}{E_q - E},\quad E_q = \langle q|H|q\rangle,

are added, the lowering of the energy that each promises in second order, until what all others promise together is
below the accuracy. Every energy is an upper bound.

References
----------
J. Bonca, S. A. Trugman and I. Batistic, Phys. Rev. B 60, 1633 (1999); B. Huron, J. P. Malrieu and P. Rancurel,
J. Chem. Phys. 58, 5745 (1973), for the choice by second-order weights.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp, threads
from ..krylov.deflation import Deflated, Ritz
from ..krylov.eigenpairs import ConvergenceError, hermitian_levels, is_degenerate
from ..krylov.operator import FunctionOperator, Vector
from ..krylov.search import EPSILON, Limits, Memory, Stop, searched
from ..options import Options
from ..work import Progress, silent
from . import kernels
from .endings import ACCURACY, CONTINUUM, DISTANCE, MAX_STATES, PAUSE
from .tables import Tables

WIDTH = 12
"""Entries of a state at first: a charge configuration and the excited oscillators."""
DENSE = 400
"""Spaces up to this size are diagonalised by LAPACK."""
FACTOR = 1.8
"""By how much the space grows in a step."""
FEWEST = 300
"""States that a step may add, however small the space is."""
GUARDS, GUARDED = 2, 5000
"""Further levels that are followed in spaces of up to so many states, so that none that crosses is missed."""
SAFETY = 2.0
"""Error bars over what the decay of the second-order energies predicts."""
POOR, MOST_POOR = 20.0, 2.0
"""Their further factor where what is left is not small against the couplings, and its largest value."""
PART = 4_000_000
"""States beyond a space that are looked at together."""
RECENT = 4
"""Stages that tell how fast energies and second-order energies fall."""
EARLY: Mapping[int, float] = MappingProxyType({1: 6.0, 2: 2.0, 3: 2.0})
"""The further factor of error bars after so few stages, which cannot tell it yet."""
SHARP = 0.01
"""Residuals aimed at, in units of the root of what is left times the scale of the energies."""
SLOW, SEEN = 0.45, 50_000
"""Error bars that fall more slowly than this power of the number of states, in spaces of so many, are of unbound
particles: the growth ends."""
MANY, FAR = 100_000, 30.0
"""In spaces of so many states higher levels that would need this many times the largest space are left as they are."""
AT_EDGE = 0.2
"""Part of what is left that may lie at larger distances of the particles before the largest distance grows."""
SHAKEN = 1e-3
"""Share of a random vector in the start of a search, so that no part of the space stays out of it."""
CYCLE = 400 << 20
"""Bytes for Lanczos vectors."""


@dataclass(frozen=True)
class Stage:
    """What is known after one step of the growth.

    Attributes
    ----------
    states : int
        Size of the space.
    energies, second, leaks, residuals : (levels,) float
        Energies, what the states beyond promise in second order (below 0), ``||Q H psi||``, ``||H psi - E psi||``.
    edge : (levels,) float
        The part of `second` of charge configurations that the space may not have.
    """

    states: int
    energies: NDArray[np.float64]
    second: NDArray[np.float64]
    leaks: NDArray[np.float64]
    residuals: NDArray[np.float64]
    edge: NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """States, and H between them.

    Attributes
    ----------
    states : (n, entries) int32
        Rows as in `kernels`.
    table : int32
        Their hash table.
    """

    states: NDArray[np.int32] = field(repr=False)
    table: NDArray[np.int32] = field(repr=False)

    @classmethod
    def of(cls, states: NDArray[np.int32]) -> Space:
        """Make the hash table of some states."""
        return cls(states, kernels.hash_table(states))

    def __len__(self) -> int:
        return len(self.states)

    def matrix(self, tables: Tables) -> Any:
        """Return H, or another operator with the same moves, as a sparse matrix."""
        start, column, value, overflows = kernels.matrix(self.states, self.table, tables.arrays)
        if overflows:
            raise NarrowRowsError
        return sp.csr_array((value, column, start), shape=(len(self),) * 2)

    def beyond(
        self, tables: Tables, vectors: Vector
    ) -> Iterator[tuple[NDArray[np.int32], Vector, NDArray[np.float64]]]:
        """Yield the states that H reaches beyond the space, part by part, with amplitudes and energies."""
        parts = max(1, 8 * len(self) // PART)
        for part in range(parts):
            room = max(1024, 4 * len(self) // parts)
            new, amplitudes, overflows = kernels.beyond(
                self.states, self.table, tables.arrays, vectors, part, parts, room
            )
            if overflows:
                raise NarrowRowsError
            yield new, amplitudes, kernels.diagonals(new, tables.arrays)

    def operator(self, tables: Tables) -> FunctionOperator:
        """Return H as an operator for Krylov methods."""
        matrix = self.matrix(tables)
        return FunctionOperator(partial(_product, matrix), len(self), matrix.dtype)

    def numbers(self, rows: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the number of each row, -1 where it is not in the space."""
        return np.asarray(kernels.numbers(rows, self.states, self.table))


class NarrowRowsError(Exception):
    """A state has more excited oscillators than a row has entries."""


@dataclass(frozen=True)
class Growth:
    """How a space grows.

    Attributes
    ----------
    tables : Tables
        H.
    starts : (n, entries) int32
        The first states.
    inner : (configurations,) bool
        Charge configurations that the space may have.
    count : int
        Levels wanted.
    accuracy : float
        Largest error bar.
    most : int
        States at most.
    scale : float
        Of the energies.
    options : Options
        Seed, limits.
    progress : Progress
        Called during the search.
    vectors : (n, levels)
        Approximations of the levels in the first states.
    stages : tuple of Stage
        How the first states were found.
    left : frozenset of int
        Levels that are left as they are.
    pause : int
        States from which on the growth is interrupted.
    """

    tables: Tables
    starts: NDArray[np.int32]
    inner: NDArray[np.bool_]
    count: int
    accuracy: float
    most: int
    scale: float
    options: Options
    progress: Progress = silent
    vectors: Vector = field(default_factory=lambda: np.zeros((0, 0)))
    stages: tuple[Stage, ...] = ()
    left: frozenset[int] = frozenset()
    pause: int = sys.maxsize

    def run(self) -> tuple[Space, Vector, list[Stage], str]:
        """Grow until the error bars of the levels suffice; return space, vectors, all stages and what ended it."""
        states, vectors = self.starts, self.vectors
        space, stages = Space.of(states), list(self.stages)
        while True:
            try:
                energies, vectors, residuals, matrix = self._levels(space, vectors, stages)
                del matrix
                stage, chosen, amplitudes = self._look(space, energies, vectors, residuals)
            except NarrowRowsError:
                wider = np.zeros((len(states), states.shape[1] + WIDTH), np.int32)
                wider[:, : states.shape[1]] = states
                states, space = wider, Space.of(wider)
                continue
            stages.append(stage)
            self.progress(len(space), float(energies[0]), float(np.max(error_bars(stages, self.scale)[: self.count])))
            if ending := self._ending(stages, len(chosen)):
                return space, vectors, stages, ending
            states = np.concatenate([space.states, chosen])
            vectors = np.concatenate([vectors, amplitudes])
            space = Space.of(states)

    def _ending(self, stages: list[Stage], further: int) -> str:
        """Return what ends the growth, empty for nothing."""
        last, wanted = stages[-1], [n for n in range(self.count) if n not in self.left]
        bars = error_bars(stages, self.scale)[: self.count]
        if len(stages) >= 4 and np.all(bars[wanted] <= self.accuracy):
            return ACCURACY
        if last.states >= self.most:
            return MAX_STATES
        edge = np.abs(last.edge)
        largest = np.maximum(self.accuracy / 8, AT_EDGE * (np.abs(last.second) - edge))
        if not further or (len(stages) >= 4 and np.any((edge > largest)[: self.count][wanted])):
            return DISTANCE
        if self._is_slow(stages, bars):
            return CONTINUUM
        return PAUSE if last.states >= self.pause else ""

    def _is_slow(self, stages: list[Stage], bars: NDArray[np.float64]) -> bool:
        """Return whether all levels that do not suffice are of a continuum: their error bars hardly fall."""
        if stages[-1].states < SEEN or len(stages) < 6:
            return False
        enough = bars <= self.accuracy
        enough[list(self.left)] = True
        before = error_bars(stages[:-2], self.scale)[: self.count]
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.log(before / bars) / np.log(stages[-1].states / stages[-3].states)
            growth = np.log(bars / self.accuracy) / np.maximum(power, 1e-3)
        enough |= power < SLOW
        if stages[-1].states >= MANY:
            enough[1:] |= growth[1:] > np.log(FAR * self.most / stages[-1].states)
        return bool(np.all(enough))

    def _levels(
        self, space: Space, starts: Vector, stages: list[Stage]
    ) -> tuple[NDArray[np.float64], Vector, NDArray[np.float64], Any]:
        """Return the lowest levels in the space, from approximations of them."""
        matrix = space.matrix(self.tables)
        wanted = min(len(space), self.count + (GUARDS if len(space) <= GUARDED else 0))
        if len(space) <= DENSE:
            dense = matrix.toarray()
            if np.max(np.abs(dense)) < 64 * EPSILON * self.scale:  # rounding alone, as of a band where it vanishes
                dense[:] = 0.0
            energies, vectors = hermitian_levels(dense)
            return energies[:wanted], vectors[:, :wanted], np.zeros(wanted), matrix
        operator = FunctionOperator(partial(_product, matrix), len(space), matrix.dtype)
        left = np.full(wanted, self.scale)
        if stages:
            known = np.abs(stages[-1].second)[:wanted]
            left[: len(known)] = known
        aimed = SHARP * np.sqrt(np.maximum(0.1 * left, self.accuracy) * self.scale)
        tolerance = np.maximum(32 * EPSILON * self.scale, np.minimum(aimed, 1e-3 * self.scale))
        with threads.one_blas_thread():
            found = _lowest(operator, starts[:, :wanted].T, tolerance, self.options)
        order = np.argsort([ritz.energy for ritz in found], kind="stable")
        energies = np.array([found[n].energy for n in order])
        residuals = np.array([found[n].residual for n in order])
        return energies, np.stack([found[n].vector for n in order], axis=1), residuals, matrix

    def _look(
        self, space: Space, energies: NDArray[np.float64], vectors: Vector, residuals: NDArray[np.float64]
    ) -> tuple[Stage, NDArray[np.int32], Vector]:
        """Look beyond the space; return what is there, the best states, and their amplitudes in first order."""
        room = min(self.most - len(space), max(FEWEST, int((FACTOR - 1) * len(space))))
        second, leaks, edge = (np.zeros(len(energies)) for _ in range(3))
        followed = [n for n in range(len(energies)) if n not in self.left]
        chosen, amplitudes = [], []
        for new, image, levels in space.beyond(self.tables, vectors):
            gap = np.maximum(levels[:, None] - energies[None], 1e-3 * self.scale)
            weights = np.abs(image) ** 2 / gap
            second -= weights.sum(axis=0)
            leaks += (np.abs(image) ** 2).sum(axis=0)
            is_inner = self.inner[new[:, 0]]
            edge -= weights[~is_inner].sum(axis=0)
            total = weights[:, followed].sum(axis=1) * is_inner
            best = np.flatnonzero(total > 1e-9 * np.max(total, initial=0.0))
            parts = max(1, 8 * len(space) // PART)
            share = -(-room // parts)
            if len(best) > share:
                best = best[np.argpartition(-total[best], share)[:share]]
            chosen.append(new[best])
            amplitudes.append(-image[best] / gap[best])
        stage = Stage(len(space), energies, second, np.sqrt(leaks), residuals, edge)
        return stage, np.concatenate(chosen), np.concatenate(amplitudes)


def _product(matrix: Any, v: Vector, out: Vector) -> Vector:
    out[:] = matrix @ v
    return out


def refined(operator: FunctionOperator, start: Vector, tolerance: float, options: Options) -> tuple[float, Vector]:
    """Return the lowest eigenpair near a vector."""
    with threads.one_blas_thread():
        (found,) = _lowest(operator, start[None], np.array([tolerance]), options)
    return found.energy, found.vector


def lowest_near(
    space: Space, tables: Tables, starts: Vector, tolerance: float, options: Options
) -> NDArray[np.float64]:
    """Return the lowest energies of a space, from approximations of their vectors; infinity for those it has not."""
    count, energies = starts.shape[1], np.full(starts.shape[1], np.inf)
    if len(space) <= DENSE:
        found = hermitian_levels(space.matrix(tables).toarray())[0][:count]
    else:
        with threads.one_blas_thread():
            pairs = _lowest(space.operator(tables), starts.T, np.full(count, tolerance), options)
        found = np.sort([ritz.energy for ritz in pairs])
    energies[: len(found)] = found
    return energies


def _lowest(
    operator: FunctionOperator, starts: Vector, tolerances: NDArray[np.float64], options: Options
) -> list[Ritz]:
    """Return the lowest eigenpairs that lie in given directions, and a little in all."""
    deflated, found, generator = Deflated(operator, options.seed), list[Ritz](), np.random.default_rng(options.seed)
    for start, tolerance in zip(starts, tolerances.tolist(), strict=True):
        limits = Limits(1, tolerance, options.seed, options.max_matvecs, is_degenerate)
        vector = np.array(start, operator.dtype)
        vector /= np.linalg.norm(vector)
        noise = deflated.h.random(generator)
        vector += SHAKEN / np.linalg.norm(noise) * noise
        if len(found):
            deflated.orthonormal(vector)
        vector /= np.linalg.norm(vector)
        for attempt in range(1, 1000):
            ritz = searched(deflated, vector, Stop(limits, np.inf, attempt), Memory(CYCLE, CYCLE))
            if ritz.residual <= max(tolerance, 16 * EPSILON * ritz.scale):
                break
            if deflated.products >= options.max_matvecs:
                raise ConvergenceError(ritz.residual, ritz.energy, tolerance, deflated.products)
            vector = ritz.vector
        deflated.lock(ritz)
        found.append(ritz)
    return found


def error_bars(stages: list[Stage], scale: float) -> NDArray[np.float64]:
    """Return error bars of the energies of the last stage.

    Energy and second-order energy fall together as the space grows; the energy at which the latter would vanish is
    extrapolated from the last stages, and the bar is `SAFETY` times the distance to it, more where that is not small.
    """
    last = stages[-1]
    steepest = np.ones_like(last.energies)
    for before, after in pairwise(stages[-RECENT:]):
        count = min(len(before.energies), len(after.energies), len(last.energies))
        fall = before.energies[:count] - after.energies[:count]
        promise = after.second[:count] - before.second[:count]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(promise > 0, fall / promise, 1.0)
        steepest[:count] = np.maximum(steepest[:count], np.minimum(np.nan_to_num(ratio, nan=1.0), 20.0))
    left = steepest * np.abs(last.second)
    poor = 1.0 + np.minimum(POOR * left / scale, MOST_POOR)
    rounding = 64 * EPSILON * scale
    safety = SAFETY * EARLY.get(len(stages), 1.0)
    return np.asarray(safety * poor * left + last.residuals**2 / (0.01 * scale) + rounding)
