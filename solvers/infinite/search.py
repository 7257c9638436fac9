"""The search for levels: spaces grow, and with them the largest distance of two particles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Model, Sector
from ...hamiltonians.terms import energy_scale
from ..krylov.eigenpairs import hermitian_levels
from ..krylov.operator import Vector
from ..options import Options
from ..work import Progress
from .bound import close_pairs, joined
from .charges import configurations, moves, separations
from .distances import UNSEEN, distance_bars, far_weights
from .endings import ACCURACY, CONTINUUM, DISTANCE, MAX_STATES, PAUSE
from .formula import cell_formula, places
from .growth import GUARDS, WIDTH, Growth, Space, Stage, error_bars
from .oscillators import oscillators
from .tables import Skeleton, bloch

REACH = {1: 120, 2: 14}
"""Largest distance of two particles along each direction in spaces whose distances do not grow."""
FIRST, LEAST, FULL, FARTHEST = {1: 30, 2: 8}, {1: 30, 2: 16}, {1: 480, 2: 32}, {1: 1920, 2: 128}
"""Largest distances at first, where unbound particles are left alone in large spaces and in all, and at most."""
MARGIN = {1: 12, 2: 5}
"""Distances beyond it of states that the leak takes into account."""
LARGE = 5_000
"""Spaces of so many states do not follow unbound particles farther."""
POINTS, QUICK, PRECISE = 8, 300, 5_000
"""Wave vectors along each direction at which one particle is solved, and the states of those spaces."""
SPREAD = 0.05
"""Weight at the far half of the distances above which a level is not seen to be bound."""


@dataclass(frozen=True)
class Wanted:
    """What is looked for: so many levels of a sector at a wave vector, to an accuracy, in `most` states at most."""

    model: Model
    sector: Sector
    wave_vector: NDArray[np.float64]
    count: int
    accuracy: float
    most: int


@dataclass(frozen=True)
class Found:
    """What a search has found, and what ended it."""

    skeleton: Skeleton = field(repr=False)
    space: Space
    energies: NDArray[np.float64]
    vectors: Vector = field(repr=False)
    bars: NDArray[np.float64]
    stages: tuple[Stage, ...] = field(repr=False)
    ending: str


def search(wanted: Wanted, options: Options, progress: Progress) -> Found:
    """Let the space and the largest distance grow until the error bars suffice, or cannot.

    Levels of two particles that are spread over all distances and do not lie below the lowest energy of two separate
    particles, to the error bar of it, are left as they are; so are those of one particle that do not lie below the
    lowest energy of a particle and a separate phonon.
    """
    model, sector, dimension = wanted.model, wanted.sector, len(wanted.wave_vector)
    is_pair = sector.charge > 1 and model.electrons is not None
    reach = FIRST[dimension] if is_pair else 0
    scale, phase = energy_scale(model), bloch(wanted.wave_vector)
    skeleton, inner = skeleton_of(model, sector, reach)
    tables, rows = skeleton.tables(phase), bare_rows(skeleton, reach)
    vectors: Vector = np.zeros((0, 0))
    if is_pair and model.phonons is not None:
        levels = hermitian_levels(Space.of(rows).matrix(tables).toarray())[1][:, : wanted.count + GUARDS]
        frequency = float(np.min(model.couplings.frequency))
        close = close_pairs(tables, distances(skeleton), wanted.count, frequency, scale, options)
        rows, vectors = joined(tables, [(rows, levels), close], wanted.count + GUARDS, options.seed)
    stages: list[Stage] = []
    left: frozenset[int] = frozenset()
    threshold, error = np.nan, 0.0
    aimed = wanted.accuracy / 2 if is_pair else wanted.accuracy
    pause = LARGE if is_pair or model.phonons is not None else sys.maxsize
    while True:
        asked, limits = (wanted.count, aimed, wanted.most, scale), (options, progress)
        growth = Growth(tables, rows, inner, *asked, *limits, vectors, tuple(stages), left, pause)
        space, vectors, stages, ending = growth.run()
        energies, lowest = stages[-1].energies[: wanted.count], vectors[:, : wanted.count]
        bars = error_bars(stages, scale)[: wanted.count]
        if is_pair:
            bars = bars + distance_bars(space, tables, distances(skeleton), reach, energies, lowest, options)
            progress(len(space), float(energies[0]), float(np.max(bars)))
        enough = bars <= wanted.accuracy
        far = far_weights(distances(skeleton)[space.states[:, 0]], lowest)
        is_far = reach >= FULL[dimension] or (reach >= LEAST[dimension] and len(space) >= LARGE)
        if is_pair and is_far and np.any(spread := (far > SPREAD) & ~enough):
            if np.isnan(threshold):
                threshold, error = _energy_apart(wanted, scale, options)
            left |= set(np.flatnonzero(spread & (energies >= threshold - error)).tolist())
        if ending == PAUSE and not is_pair:
            if np.isnan(threshold):
                threshold, error = _energy_after_emission(wanted, scale, options)
            left |= set(np.flatnonzero(~enough & (energies >= threshold - error)).tolist())
        alone = list(left)
        bars[alone] = np.maximum(bars[alone], energies[alone] - threshold + error)
        done = enough | np.isin(np.arange(wanted.count), alone)
        if np.all(done) or ending in (MAX_STATES, CONTINUUM) or (not is_pair and ending != PAUSE):
            break
        is_spread, rows = bool(np.any(far[~done] > UNSEEN)), space.states
        if ending == PAUSE and (not is_pair or reach >= LEAST[dimension] or not is_spread):
            pause = 4 * len(space)
            continue
        if not is_spread or 2 * reach > FARTHEST[dimension]:
            ending = DISTANCE
            break
        reach *= 2
        larger, inner = skeleton_of(model, sector, reach)
        rows, vectors = _moved(rows, vectors, skeleton, larger, wanted.most)
        skeleton, tables = larger, larger.tables(phase)
    if np.all(enough):
        ending = ACCURACY
    elif np.all(done):
        ending = CONTINUUM
    return Found(skeleton, space, energies, np.ascontiguousarray(lowest), bars, tuple(stages), ending)


def _energy_apart(wanted: Wanted, scale: float, options: Options) -> tuple[float, float]:
    """Return ``min_q E_1(q) + E_1(k - q)``, the lowest energy of two separate particles, and its error bar."""
    k = wanted.wave_vector
    energy = _one_particle(wanted, Sector(1), scale, options)
    best = min(_zone(k / 2), key=lambda q: float(energy(q, QUICK)[0] + energy(k - q, QUICK)[0]))
    lowest, error = energy(best, PRECISE) + energy(k - best, PRECISE)
    return float(lowest), float(error)


def _energy_after_emission(wanted: Wanted, scale: float, options: Options) -> tuple[float, float]:
    """Return the lowest energy of the particle at any wave vector and of a phonon of any, and its error bar."""
    basis = oscillators(cell_formula(wanted.model))
    hops = np.array([sum(abs(amplitude) for _, amplitude in basis.hops.get(m, ())) for m in range(len(basis.energies))])
    quantum = float(np.min(basis.energies[:, 1] - basis.energies[:, 0] - hops))
    energy = _one_particle(wanted, wanted.sector, scale, options)
    best = min(_zone(wanted.wave_vector), key=lambda q: float(energy(q, QUICK)[0]))
    lowest, error = energy(best, PRECISE)
    return float(lowest) + quantum, float(error)


def _zone(middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return wave vectors all over the zone."""
    line = np.linspace(-np.pi, np.pi, POINTS, endpoint=False)
    return np.stack(np.meshgrid(*[line] * len(middle), indexing="ij"), axis=-1).reshape(-1, len(middle)) + middle


def _one_particle(
    wanted: Wanted, sector: Sector, scale: float, options: Options
) -> Callable[[NDArray[np.float64], int], NDArray[np.float64]]:
    """Return a function from wave vector and size of the space to the energy of one particle and its error bar."""
    skeleton, inner = skeleton_of(wanted.model, sector, 0)
    rows = bare_rows(skeleton, 0)

    def energy(q: NDArray[np.float64], most: int) -> NDArray[np.float64]:
        tables = skeleton.tables(bloch(q))
        growth = Growth(tables, rows, inner, 1, wanted.accuracy / 4, min(most, wanted.most), scale, options)
        stages = growth.run()[2]
        return np.array([stages[-1].energies[0], error_bars(stages, scale)[0]])

    return energy


def skeleton_of(model: Model, sector: Sector, reach: int | None = None) -> tuple[Skeleton, NDArray[np.bool_]]:
    """Return H without a wave vector, and which charge configurations the space may have."""
    formula = cell_formula(model)
    basis = oscillators(formula)
    dimension = formula.dimension
    reach = REACH[dimension] if reach is None else reach
    species = (model.electrons is not None, model.bosons is not None)
    found = configurations(sector.charge, sector.spin_excess, species, reach + MARGIN[dimension], dimension)
    skeleton = Skeleton.of(formula, basis, found, moves(formula, basis, found))
    return skeleton, distances(skeleton) <= reach


def distances(skeleton: Skeleton) -> NDArray[np.int64]:
    """Return the largest coordinate of the distance of the particles in each charge configuration."""
    dimension = skeleton.formula.dimension
    return np.asarray(np.abs(places(separations(skeleton.states, dimension), dimension)).max(axis=-1))


def bare_rows(skeleton: Skeleton, distance: int) -> NDArray[np.int32]:
    """Return the states of the bare charges no farther apart than some cells."""
    near = np.flatnonzero(distances(skeleton) <= distance)
    rows = np.zeros((len(near), WIDTH), np.int32)
    rows[:, 0] = near
    return rows


def _moved(
    states: NDArray[np.int32], vectors: Vector, before: Skeleton, after: Skeleton, most: int
) -> tuple[NDArray[np.int32], Any]:
    """Return states and vectors with the configurations of another skeleton, and more bare charges."""
    known = {state: number for number, state in enumerate(after.states)}
    numbers = np.array([known[state] for state in before.states], np.int32)
    rows = states.copy()
    rows[:, 0] = numbers[states[:, 0]]
    is_bare = ~np.any(rows[:, 1:], axis=1)
    apart, there = distances(after), set(rows[is_bare, 0].tolist())
    largest = 2 * int(distances(before)[states[:, 0]].max())
    new = [n for n in np.argsort(apart, kind="stable").tolist() if n not in there and apart[n] <= largest]
    new = new[: max(0, most - len(rows))]
    bare = np.zeros((len(new), rows.shape[1]), np.int32)
    bare[:, 0] = new
    return np.concatenate([rows, bare]), np.concatenate([vectors, np.zeros((len(new), vectors.shape[1]))])
