"""The search for optimal oscillator states and for the caps that an accuracy needs in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..hamiltonians import Block, Hamiltonian, Model, Phonons, Sector
from ..hamiltonians.space.oscillator_sets import OscillatorSets
from ..hamiltonians.space.product import dimensions
from .block_size import BlockSize
from .caps import CutoffError
from .certificate import SAFETY
from .larger_space import GROWTH, MARGIN, RANGE, ROOM, Solution
from .optimal_states import displaced_sets, improved
from .options import Options
from .results import Eigenstates, LabelledLevels, State
from .small_ring import smaller_ring, upper_bound

SETS, SETTLED = 1e-5, 1e-3
"""Residual of states that find the sets, relative to the energy unit, and of those that adapt them to a larger ring.

Natural states with so small weights as their squares are noise."""
ROUGH = 1e-3
"""The same of levels in the first caps."""
COMPARED = 1e-5
"""The same of levels in the next smaller caps."""
STEADY = 0.1
"""Residual of levels in growing caps, in units of that which leads to the next ones, about."""
DECAY, SLOWEST, TINY = 0.1, 0.9, 1e-300
"""By how much a cap more brings levels nearer, where that is not known yet, and at least."""
SURE = 1e-3
"""No state is missed in larger caps where none is once levels are so near their limits, in units of the frequency."""
SINGLES = 2
"""Rounds with one oscillator at a time in any state."""
PAIRED = tuple(((0, *(1,) * both, *(2,) * rest), size) for both, rest, size in (
    (8, 999, 3e5), (4, 999, 1e6), (3, 999, 3e6), (3, 5, 3e6), (2, 3, 1e7),
))  # fmt: skip
"""Costs of the states in the round with two oscillators at a time, and the amplitudes that these may take.

Some of the first states of two oscillators, or one oscillator in any of the states that have a cost.
"""
LOOSEST = 1e-2
"""The largest residual that options allow."""
LARGEST_CAP = 40
"""Caps beyond this are not tried."""


@dataclass(frozen=True)
class Effort:
    """How well levels are wanted.

    Attributes
    ----------
    residual : float
        Residual that will do, relative to the energy unit; 0 for that of the options.
    leaks : bool
        Their leaks out of the caps are wanted.
    confirm : bool
        A search for missing levels is wanted, where the options want one.
    """

    residual: float = 0.0
    leaks: bool = True
    confirm: bool = True

    def of(self, options: Options) -> Options:
        """Return options for it; levels that are compared or improved later on leave no checkpoint."""
        options = replace(options, leaks=self.leaks, confirm=self.confirm and options.confirm)
        if not self.residual:
            return options
        tolerance = min(max(options.tolerance, self.residual), LOOSEST)
        return replace(options, tolerance=tolerance, checkpoint=None, wanted_below=np.inf)


def foreseen(before: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return how far levels of growing caps, the last of them, lie above their limits, and how fast that decays.

    From their falls from cap to cap; infinity where there are none.
    """
    last = before[-3:]
    if len(last) < 2 or len({len(energies) for energies in last}) > 1:
        return np.inf, DECAY
    *earlier, fall = (float(np.max(a - b)) for a, b in pairwise(last))
    decay = min(max(fall, 0.0) / max(earlier[0], TINY), SLOWEST) if earlier else DECAY
    return max(fall, 0.0) * decay / (1.0 - decay), decay


def cap_name(model: Model) -> str:
    """Return a name for the caps of a model, for files."""
    table = model.phonons
    assert table is not None
    return "-".join(str(cap) for cap in (table.max_quanta, table.total_quanta) if cap is not None) + "-states"


def embedded(near: Eigenstates | LabelledLevels, block: Block) -> list[NDArray[Any]]:
    """Return stored amplitudes of the levels of a block in smaller caps, in the phonon states of the block."""
    for levels in near.blocks if isinstance(near, LabelledLevels) else (near,):
        own = levels.block
        same = own.sector == block.sector and own.rows == block.rows
        if same and np.array_equal(own.own(np.arange(own.rows)), block.own(np.arange(block.rows))):
            place = block.space.phonons.index(own.space.phonons.occupations.astype(np.int64))
            starts = np.zeros((len(levels.energies), *block.shape), block.energy.dtype)
            starts[:, :, place[place >= 0]] = levels.amplitudes[: len(levels.energies)][:, :, place >= 0]
            return list(starts)
    return []


class Searched(Solution, Protocol):
    """Levels with their states."""

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""

    @property
    def multiplicity(self) -> int:
        """Number of states in the ground level."""

    def level(self, number: int) -> State:
        """Return one eigenstate."""


Found = TypeVar("Found", bound=Searched)


class OptimalSearch(Generic[Found]):
    """The search for the oscillator states of a model.

    Parameters
    ----------
    model : Model
        With ``basis = "optimal"``.
    sector : Sector
        Quantum numbers.
    states : int
        Levels wanted; the sets serve them all.
    solve : function
        From a model with numbers, a number of levels, how well they are wanted, and levels in smaller caps to start
        from, to these levels.
    check : function
        Raises MemoryError for a model with numbers that would not fit.
    elsewhere : function, optional
        From a smaller model with numbers and its sector to its ground level, roughly.
    """

    def __init__(
        self,
        model: Model,
        sector: Sector,
        states: int,
        solve: Callable[[Model, int, Effort, Found | None], Found],
        check: Callable[[Model], None] = lambda model: None,
        elsewhere: Callable[[Model, Sector], Eigenstates] | None = None,
    ) -> None:
        self.model, self.sector, self.states, self._solve, self._check = model, sector, states, solve, check
        self._elsewhere = elsewhere

    @property
    def table(self) -> Phonons:
        """The phonons of the model as given."""
        assert self.model.phonons is not None
        return self.model.phonons

    def within(self, sets: OscillatorSets, max_quanta: int | None, total_quanta: int | None) -> Model:
        """Return the model in oscillator states, with caps."""
        table = replace(self.table, cutoff=None, frame="none", dressing=None, basis=sets)
        return replace(self.model, phonons=replace(table, max_quanta=max_quanta, total_quanta=total_quanta))

    @cached_property
    def start(self) -> OscillatorSets:
        """Displaced oscillators."""
        return displaced_sets(self.model, self.sector) if self.small is None else self._here(self.small.start)

    @cached_property
    def small(self) -> OptimalSearch[Eigenstates] | None:
        """The search on a smaller ring, where the model is a large one."""
        small, solve = smaller_ring(self.model, self.sector), self._elsewhere
        if small is None or solve is None:
            return None
        model, sector = small
        return OptimalSearch(model, sector, 1, lambda m, count, effort, near: solve(m, sector))

    def _here(self, sets: OscillatorSets) -> OscillatorSets:
        """Return sets of a smaller ring on this one."""
        return replace(sets, classes=(0,) * len(self.model.modes))

    @cached_property
    def sets(self) -> OscillatorSets:
        """The oscillator states, found self-consistently in small spaces; those to start from where they are wanted."""
        sets = self.start
        if self.table.basis == "squeezed" or not dimensions(self.within(sets, 0, 0), self.sector)[0]:
            return sets
        if self.small is not None:
            sets = self._here(self.small.sets)
        for _ in range(SINGLES if self.small is None else 0):
            sets = self._improved(sets, (0, *(1,) * (sets.free - 1)), 1)
        if len(self.model.modes) > 1:
            for costs, size in PAIRED:
                own = costs[: sets.free]
                if self._stored(self.within(replace(sets, costs=own), None, 2)) <= size:
                    return self._improved(sets, own, 2)
        return sets

    def _stored(self, model: Model) -> float:
        """Return the amplitudes of a model that are stored, about."""
        charges, phonons = dimensions(model, self.sector)
        return charges * phonons / BlockSize(model, self.sector, charges, phonons, 1, 1).operations

    def _improved(self, sets: OscillatorSets, costs: tuple[int, ...], cap: int) -> OscillatorSets:
        effort = Effort(SETS if self.small is None else SETTLED, leaks=False, confirm=False)
        solution = self._solve(self.within(replace(sets, costs=costs), None, cap), self.states, effort, None)
        count = min(len(solution.energies), self.states)
        return improved(sets, self.start, [(1.0 / count, solution.level(n)) for n in range(count)]) if count else sets

    @cached_property
    def ceiling(self) -> float:
        """An upper bound of the ground energy; see `upper_bound`."""
        return upper_bound(self.model, self.sector)

    def found(self) -> tuple[Found, NDArray[np.float64]]:
        """Find the oscillator states, then solve within the caps, or raise them until all levels have settled.

        Returns
        -------
        solution : Solution
            The levels.
        bars : (k,) float
            Their error bars.

        Raises
        ------
        CutoffError
            With the numbers, if the accuracy needs a cap that does not fit.
        """
        table = self.table
        if table.cutoff is None:
            final = self.within(self.sets, table.max_quanta, table.total_quanta)
            self._check(final)
            smaller = self._smaller()
            rough = Effort(COMPARED, confirm=False)
            before = None if smaller is None else self._solve(smaller, self.states, rough, None)
            now = self._solve(final, self.states, Effort(), before)
            count = len(now.energies)
            if before is None or len(before.energies) < count:
                return now, self.bars(now)
            earlier = before.certificate.shifts(before.energies)[:count]
            decay = now.certificate.shifts(now.energies) / np.maximum(earlier, TINY)
            return now, self.bars(now, before.energies[:count] - now.energies, decay)
        return self._climb()

    def _smaller(self) -> Model | None:
        """Return the model with caps that are smaller by one, where the states wanted have room in them."""
        caps = [None if cap is None else cap - 1 for cap in (self.table.max_quanta, self.table.total_quanta)]
        if min((cap for cap in caps if cap is not None), default=-1) < 1:
            return None
        return self.within(self.sets, *caps)

    def _climb(self) -> tuple[Found, NDArray[np.float64]]:
        """Raise the cap: roughly, until what is left is foreseen to be small enough, then in earnest."""
        accuracy, bar = self.table.accuracy, np.inf
        before: list[NDArray[np.float64]] = []
        near: Found | None = None
        confirmed = False
        for cap in range(1, LARGEST_CAP + 1):
            model = self.within(self.sets, None, cap)
            try:
                self._check(model)
                left, decay = foreseen(before)
                if SAFETY * left * decay > accuracy:
                    confirm = self.states == 1 and not confirmed and left * decay < SURE * self.model.lowest_frequency
                    effort = Effort(self._steady(near, left * decay), leaks=False, confirm=confirm)
                    near = self._solve(model, self.states, effort, near)
                    confirmed = confirmed or (confirm and near.multiplicity == 1)
                    if len(near.energies) and SAFETY * foreseen([*before, near.energies])[0] > accuracy:
                        before.append(near.energies)
                        continue
                now = self._solve(model, self.states, Effort(confirm=not confirmed), near)
            except MemoryError as refused:
                raise CutoffError(
                    f"phonons.accuracy = {accuracy:.1e} was not reached: with optimal phonon states the "
                    f"error bar was {bar:.1e} below total_quanta = {cap}, and the next cap does not fit: {refused}"
                ) from None
            count = len(now.energies)
            bars = None
            if len(before) > 1 and count and min(len(energies) for energies in before[-2:]) >= count:
                earlier, fall = -np.diff([energies[:count] for energies in (*before[-2:], now.energies)], axis=0)
                bars = self.bars(now, fall, fall / np.maximum(earlier, TINY))
            if not count or (bars is not None and np.max(bars) <= accuracy):
                return now, now.certificate.energy_errors if bars is None else bars
            bar = bar if bars is None else float(np.max(bars))
            before, near = [*before, now.energies], now
        raise CutoffError(
            f"phonons.accuracy = {accuracy:.1e} was not reached: caps beyond {LARGEST_CAP} are not tried; "
            f"and there the error bar was {bar:.1e}; ask for less accuracy"
        )

    def _steady(self, near: Found | None, left: float) -> float:
        """Return the residual of levels that are only compared with others, or improved later."""
        if near is None or not np.isfinite(left):
            return ROUGH
        leak = math.sqrt(self.model.lowest_frequency * left)
        return min(ROUGH, max(STEADY * leak / near.hamiltonian.unit, TINY))

    def bars(
        self, now: Found, fall: NDArray[np.float64] | None = None, decay: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return error bars from second-order shifts, the decay from cap to cap, and bounds of the ground energy.

        Parameters
        ----------
        now : Solution
            The levels, with their leaks.
        fall : (k,) float, optional
            By how much the levels lie below those of the cap before.
        decay : (k,) float, optional
            By how much a cap more brings levels nearer.
        """
        energies, certificate = now.energies, now.certificate
        if not len(energies):
            return certificate.energy_errors
        bars = certificate.energy_errors.copy()
        if fall is not None and decay is not None:
            ratio = np.clip(decay, 0.0, SLOWEST)
            bars = np.maximum(bars, 2.0 * np.maximum(fall, 0.0) * ratio / (1.0 - ratio) + certificate.residuals)
        bars[0] = max(bars[0], energies[0] - self.ceiling)
        return self._with_room(now, bars)

    def _with_room(self, now: Found, bars: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return error bars that cover levels for whose energy there are too few quanta.

        These are compared with larger caps, where that is affordable; else no level lies below the lowest one.
        """
        excited, frequency = now.energies - now.energies[0], self.model.lowest_frequency
        short = excited > RANGE * frequency * (self._quanta(now) + 1)
        if not short.any():
            return bars
        wider = self.within(self.sets, None, int(np.ceil(float(np.max(excited)) / (RANGE * frequency))))
        size = math.prod(dimensions(wider, self.sector))
        if size <= max(ROOM, GROWTH * math.prod(dimensions(now.hamiltonian.space.model, self.sector))):
            better = self._solve(wider, self.states, Effort(), None)
            if len(better.energies) >= len(bars):
                lower = np.minimum(now.energies, better.energies[: len(bars)])
                other = better.certificate.energy_errors[: len(bars)]
                return np.asarray(np.maximum(bars, MARGIN * (now.energies - lower) + other))
        return np.where(short, np.maximum(bars, excited + bars[0]), bars)

    @staticmethod
    def _quanta(now: Found) -> int:
        return now.hamiltonian.space.phonons.max_quanta
