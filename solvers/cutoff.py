"""The phonon frame and the cutoff that an accuracy needs, found from the minima of the adiabatic energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import optimize
from ..hamiltonians import Model, Phonons, Sector
from ..hamiltonians.space.product import Space, dimensions
from ..hamiltonians.terms import sector_operator
from .adiabatic import Landscape, landscape
from .caps import CutoffError, capped, frame_name
from .certificate import GRADES, SAFETY
from .larger_space import HELD, Judge, Solution, centre, holding, relevant

MOST_QUANTA = 1000
SEARCHED = 2500
"""States of the sector in which a dressing is sought."""
REHEARSED = 12_000
"""States of the sector in which the cap that an accuracy needs is sought."""
CHEAP, TINY = 60_000, 6000
"""Displacements that follow the charges are not tried where others need fewer states, and no others where very few."""
BOLD = 1.5
"""From one small space to the next the cap grows by this factor at most."""
FLUCTUATING = 0.5
"""Quanta for each decimal of the accuracy that fluctuations about a well need beside its displacement."""
NEAR = GRADES[0][0]
"""Levels whose second-order shift is below this share of the frequency are taken to converge from there on."""
MARGIN = 1.15
"""Factor by which extrapolated numbers of quanta are multiplied."""
DRESSINGS = (0.6, 1.0)
"""Dressings among which an automatic frame chooses."""
DRESSED_COST = 4.0
"""Cost of a product with displacements relative to one without, for each amplitude."""


Found = TypeVar("Found", bound=Solution)
Solve = Callable[[Model, int], Found]
"""From a model with numbers for its caps, and a number of levels, to these levels."""


CURE = 'raise solver.memory_limit, or try phonons.frame = "auto"'
"""What helps where an accuracy is not reached."""


@dataclass(frozen=True)
class Rehearsal(Generic[Found]):
    """The cap that an accuracy needs, extrapolated from small phonon spaces.

    Attributes
    ----------
    table : Phonons
        With the frame.
    cap : int
        Cap on the total number of quanta that will do.
    cost : float
        States times the relative cost of a product.
    solved : tuple of (int, Solution)
        The largest caps below it that were solved on the way, with their levels; none where it is extrapolated.
    """

    table: Phonons
    cap: int
    cost: float
    solved: tuple[tuple[int, Found], ...] = ()


class CutoffSearch(Generic[Found]):
    """The search for the frame and the cap of a model.

    Parameters
    ----------
    model : Model
        With ``cutoff = "auto"``, ``frame = "auto"``, ``dressing = "optimal"`` or several of them.
    sector : Sector
        Quantum numbers.
    states : int
        Levels wanted.
    solve : function
        From a model with numbers and a number of levels to these levels, with the certificate of their own states.
    check : function
        Raises MemoryError for a model with numbers that would not fit.
    """

    def __init__(
        self,
        model: Model,
        sector: Sector,
        states: int,
        solve: Solve[Found],
        check: Callable[[Model], None] = lambda model: None,
    ) -> None:
        self.model, self.sector, self.states, self._solve, self._check = model, sector, states, solve, check

    @property
    def table(self) -> Phonons:
        """The phonons of the model as given."""
        assert self.model.phonons is not None
        return self.model.phonons

    @cached_property
    def land(self) -> Landscape:
        """Minima of the adiabatic energy."""
        return landscape(Space(capped(self.model), self.sector), sector_operator(self.model))

    def with_caps(self, table: Phonons, cap: int | None) -> Model:
        """Return the model with a frame, and with a cap in the place of an automatic one."""
        if table.cutoff is not None:
            table = replace(table, cutoff=None, total_quanta=cap)
        return replace(self.model, phonons=table)

    def judge(self, model: Model) -> Judge:
        """Return what decides whether levels of the model with caps are close to convergence."""
        return Judge(Space(model, self.sector), self.land)

    def found(self) -> tuple[Found, NDArray[np.float64] | None]:
        """Choose the frame, then raise the cap until all levels have settled, and once more.

        Returns
        -------
        solution : Solution
            The levels.
        bars : (k,) float or None
            Their error bars; None where the caps were given.

        Raises
        ------
        CutoffError
            With the numbers, if the accuracy needs a cap that does not fit.
        """
        best = self.rehearsed
        if self.table.cutoff is None:
            return self._solve(self.with_caps(best.table, None), self.states), None
        return self._climb(best)

    @cached_property
    def rehearsed(self) -> Rehearsal[Found]:
        """The best frame with the cap that it needs, from small phonon spaces."""
        tried: list[Rehearsal[Found]] = []
        for table in self._frames():
            least = min((r.cost for r in tried), default=np.inf)
            enough = CHEAP if table.displacement == "lang-firsov" else TINY if table.cutoff is not None else 0
            if least > enough:
                tried.append(self._rehearse(table, least))
        return min(tried, key=lambda r: r.cost)

    def _frames(self) -> Iterator[Phonons]:
        table = self.table
        if table.displacement != "auto":
            if table.dressing == "optimal":
                table = replace(table, dressing=self._best_dressing(table))
            yield table
            return
        mean = replace(table, frame="mean", dressing=None)
        yield mean
        couplings = self.model.couplings
        wells = relevant(self.land, self.land.ceiling)
        if wells and not np.any(couplings.bond_phonon):
            yield replace(mean, frame=(2 * centre(self.model, wells)).tolist())
        if np.any(couplings.electron_phonon_by_site) or np.any(couplings.boson_phonon_by_site):
            for f in DRESSINGS:
                yield replace(mean, frame="lang-firsov", dressing=f)

    def _best_dressing(self, table: Phonons) -> float:
        """Return the dressing f that minimises the ground energy in a small space, which is variational."""
        cap = 0
        while cap < MOST_QUANTA and self._size(table, cap + 1) <= SEARCHED:
            cap += 1

        def ground(strength: float) -> float:
            model = self._small(replace(table, dressing=float(strength)), cap)
            energies = self._solve(model, 1).energies
            return float(energies[0]) if len(energies) else np.inf

        inner = float(optimize.minimize_scalar(ground, bounds=(0.0, 1.0), method="bounded", options={"xatol": 3e-3}).x)
        return min((1.0, 0.0, inner), key=ground)

    def _small(self, table: Phonons, cap: int) -> Model:
        """Return the model with caps of at most so many quanta."""
        if table.cutoff is not None:
            return self.with_caps(table, cap)
        each, total = (None if own is None else min(own, cap) for own in (table.max_quanta, table.total_quanta))
        return replace(self.model, phonons=replace(table, max_quanta=each, total_quanta=total))

    def _size(self, table: Phonons, cap: int) -> int:
        return math.prod(dimensions(self._small(table, cap), self.sector))

    def _rehearse(self, table: Phonons, least: float = np.inf) -> Rehearsal[Found]:
        """Solve in a few small spaces, and extrapolate what is left to the accuracy.

        A frame that needs more states than the cost of another one is given up.
        """
        first = max(self._needed(table, self.land.ceiling), 2)
        cap, seen, solved = first, list[tuple[int, float]](), list[tuple[int, Found]]()
        while self._size(table, cap) <= REHEARSED and self._cost(table, cap) <= least and cap <= MOST_QUANTA:
            model, next_cap = self._small(table, cap), cap + max(2, cap // 4)
            try:
                solution = self._solve(model, self.states)
            except MemoryError:  # what is known so far is extrapolated
                break
            solved = [*solved[-1:], (cap, solution)]
            shift, near = self._progress(model, solution)
            if near:
                seen.append((cap, shift))
                if shift <= self.goal:
                    break
                if len(seen) > 1:
                    next_cap = min(max(self._extrapolated(table, first, seen).cap, cap + 1), math.ceil(BOLD * cap))
            elif len(solution.energies):
                next_cap = max(next_cap, self._needed(table, float(solution.energies[-1])))
            cap = next_cap
        found = self._extrapolated(table, first, seen)
        if self._cost(table, cap) > least:
            return replace(found, cost=np.inf)
        return replace(found, solved=tuple(solved) if seen and found.cap == seen[-1][0] else ())

    def _progress(self, model: Model, solution: Solution) -> tuple[float, bool]:
        """Return the largest second-order shift, and whether all levels wanted are close to convergence."""
        energies = solution.energies
        if not len(energies):
            return np.inf, False
        shifts = solution.certificate.shifts(energies)
        near = len(energies) >= self.states and bool(self.judge(model).settled(energies, shifts, NEAR).all())
        return float(np.max(shifts)), near

    @property
    def goal(self) -> float:
        """The largest second-order shift that the accuracy allows."""
        return self.table.accuracy / (SAFETY * 1.2)

    def _extrapolated(self, table: Phonons, first: int, seen: list[tuple[int, float]]) -> Rehearsal[Found]:
        if seen:
            cap = seen[-1][0]
        else:  # the lowest wells, and fluctuations about them, have less than the accuracy beyond this cap
            share = max(self.goal / float(np.sum(self.model.couplings.frequency)), 1e-15)
            held = self._needed(table, self.land.ceiling, share)
            cap = max(first, held) + math.ceil(FLUCTUATING * -math.log10(share))
        if seen and seen[-1][1] > self.goal:
            (before, large), (cap, small) = seen[-2] if len(seen) > 1 else (first - 2, 10 * seen[-1][1]), seen[-1]
            slope = max(0.25, np.log(large / max(small, 1e-300)) / max(1, cap - before))
            cap += int(np.ceil(MARGIN * np.log(small / self.goal) / slope))
        return Rehearsal(table, cap, self._cost(table, cap))

    def _cost(self, table: Phonons, cap: int) -> float:
        """Return the states times the relative cost of a product."""
        return self._size(table, cap) * (DRESSED_COST if table.displacement == "lang-firsov" else 1.0)

    def _needed(self, table: Phonons, energy: float, share: float = HELD) -> int:
        """Return the smallest cap that holds all wells up to an energy."""
        space = Space(self._small(table, 0), self.sector)
        return holding(space.frame, relevant(self.land, energy), share)

    def _climb(self, best: Rehearsal[Found]) -> tuple[Found, NDArray[np.float64]]:
        try:
            self._check(self.with_caps(best.table, best.cap))
        except MemoryError as refused:
            asked, frame = f"phonons.accuracy = {self.table.accuracy:.1e}", frame_name(best.table)
            raise CutoffError(
                f"{asked} needs about total_quanta = {best.cap} in the frame {frame}, and that does not fit: "
                f"{refused}; ask for less accuracy, {CURE}"
            ) from None
        cap = max(self._needed(best.table, self.land.ceiling), min(best.cap - 2, round(0.85 * best.cap)), 1)
        known = dict(best.solved)
        cap = min(known, default=cap)
        seen: list[tuple[int, float]] = []
        before: Found | None = None
        error = np.inf
        while cap <= MOST_QUANTA:
            model = self.with_caps(best.table, cap)
            try:
                now = known.pop(cap) if cap in known else self._solve(model, self.states)
            except MemoryError as refused:
                raise CutoffError(self._failure(error, cap, f"the next cap does not fit: {refused}")) from None
            if not len(now.energies) and not self.judge(model).space.dimension:
                return now, now.certificate.energy_errors
            shift, near = self._progress(model, now)
            bars = now.certificate.energy_errors
            if near and before is not None and self._agree(before, now):
                bars = np.maximum(bars, _remainder(before, now))
                if np.max(bars) <= self.table.accuracy:
                    return now, bars
            error = float(np.max(bars, initial=0.0))
            seen = [*seen, (cap, shift)] if near else []
            cap = min(known) if known else self._next_cap(best.table, cap, seen, now, error)
            before = now
        raise CutoffError(self._failure(error, cap, f"caps beyond {MOST_QUANTA} are not tried"))

    def _next_cap(self, table: Phonons, cap: int, seen: list[tuple[int, float]], now: Solution, error: float) -> int:
        step = 2
        if error > self.table.accuracy:
            step = max(2, cap // 4)
            if len(seen) > 1 and seen[-1][1] > self.goal:
                step = min(max(2, self._extrapolated(table, cap, seen[-2:]).cap - cap), 2 + cap)
        needed = self._needed(table, float(now.energies[-1])) if len(now.energies) else 0
        return max(cap + step, needed)

    def _agree(self, before: Solution, now: Solution) -> bool:
        """True where the error bars of the smaller cap have held, and all quantum numbers are the same."""
        if len(before.energies) != len(now.energies):
            return False
        accuracy, rest = self.table.accuracy, np.abs(before.energies - now.energies)
        held = np.all(rest <= before.certificate.energy_errors + accuracy)
        return bool(held) and _labels(before, accuracy) == _labels(now, accuracy)

    def _failure(self, reached: float, cap: int, reason: str) -> str:
        return (
            f"phonons.accuracy = {self.table.accuracy:.1e} was not reached: below total_quanta = {cap} the error bar "
            f"was {reached:.1e}, and {reason}; ask for less accuracy, {CURE}"
        )


def _remainder(before: Solution, now: Solution) -> NDArray[np.float64]:
    """Return twice what further raises will take off if each takes off as much less as the last shift was smaller."""
    drop = np.maximum(before.energies - now.energies, 0.0)
    shifts = [solution.certificate.shifts(solution.energies) for solution in (before, now)]
    ratio = np.clip(shifts[1] / np.maximum(shifts[0], 1e-300), 0.0, 0.9)
    return np.asarray(2.0 * drop * ratio / (1.0 - ratio))


def _labels(solution: Solution, accuracy: float) -> list[list[str]]:
    """Return the quantum numbers of the levels, those of one energy in alphabetical order; not of the last energy.

    The highest level may belong to a multiplet that is cut off by the number of levels wanted.
    """
    labels = [str(label) for label in getattr(solution, "labels", ())]
    groups = np.cumsum(np.diff(solution.energies, prepend=solution.energies[0]) > 2 * accuracy)
    together = [[label for label, own in zip(labels, groups, strict=True) if own == g] for g in range(groups[-1])]
    return [sorted(group) for group in together]
