"""The engine: computes the panels of a screen, with caches of states, answers and cutoffs."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Generic, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .._core.display import counted
from ..analysis import available, default_grid, observables
from ..analysis.observables.error_bars import isolated_ground
from ..analysis.thermal.ensembles import Ensemble
from ..analysis.thermal.estimate import estimate_thermal
from ..hamiltonians import Model
from ..hamiltonians.sector import resolved
from ..hamiltonians.space.product import dimensions
from ..solvers import Eigenstates, LabelledLevels, State, ground_state
from ..solvers.caps import size_in_words
from ..studies import Reporter, Result, Study, run
from ..studies.tasks.cutoff_errors import with_cutoff_errors
from ..studies.tasks.pairing import PairingTask
from ..studies.tasks.setting import Setting
from ..studies.tasks.thermal import ThermalTask
from .panels import FIRST, PANELS
from .points import KeptPoints, with_blanks
from .screen import Screen

Kept = TypeVar("Kept")
EXACT_UP_TO = 600
"""Largest block of exact thermal sums; all lines between two blocks of 1,000 states take ten seconds."""


SOON = 12_000
"""Largest dimension of the sector for preliminary thermal results."""
SEEN_FIRST = frozenset(
    {
        *("electron_density", "boson_density", "displacement", "displacement_distribution"),
        *("pair_correlation", "boson_correlation", "pair_boson_correlation"),
    }
)
"""Observables in the figures of the ground level."""


def _at_first_sight(study: Study, state: State, grid: NDArray[np.float64]) -> xr.Dataset:
    return observables(state, [name for name in available(study.model) if name in SEEN_FIRST], grid)


def _without_error_bars(study: Study, state: State, grid: NDArray[np.float64]) -> xr.Dataset:
    return xr.merge([task.measured(state) for task in study.tasks if isinstance(task, PairingTask)])


EARLY: Mapping[str, Callable[[Study, State, NDArray[np.float64]], xr.Dataset]] = MappingProxyType(
    {FIRST: _at_first_sight, "pairs": _without_error_bars}
)
"""Partial results of the panels from the ground level alone, before the next level is known."""
GROWS = ("motion",)
"""Panels with an automatic cutoff of their own,"""
GROWING = 1_000
"""up to this dimension; in larger spaces the cutoff of the ground level is used, as the error bars show."""
ALONE = (*EARLY, "spectrum")
"""Panels that are first computed from the ground level alone."""


class Memory(Generic[Kept]):
    """Cache of the most recently used values.

    Parameters
    ----------
    most : int
        Largest number of values.
    """

    def __init__(self, most: int) -> None:
        self._most, self._kept = most, OrderedDict[Hashable, Kept]()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return the value of a key; compute it if it is not in the cache."""
        found = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = found
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept


@dataclass(frozen=True)
class Answer:
    """Content of a panel.

    Attributes
    ----------
    screen : Screen
        The computed screen, with the automatic cutoff replaced by the number found.
    study : Study
        Study of the equivalent model file.
    data : xarray.Dataset
        Results, as written by `respair run`.
    about : str
        Dimension, cutoff and its error bar, as text.
    complete : bool
        False for a partial result.
    counted : bool
        True if only the error bars are missing.
    swept : Result or None
        Points of a sweep.
    """

    screen: Screen
    study: Study
    data: xr.Dataset = field(repr=False)
    about: str
    complete: bool = True
    counted: bool = False
    swept: Result | None = None

    @property
    def result(self) -> Result:
        """The data as the result of a study."""
        return self.swept or Result(self.study, (({}, self.data),))


@dataclass(frozen=True)
class Prepared(Setting):
    """A setting with a precomputed ground level."""

    solve: Callable[[Model], Eigenstates | LabelledLevels] = field(kw_only=True, repr=False)

    @cached_property
    def ground(self) -> Eigenstates | LabelledLevels:
        """Ground level of the sector with its multiplet and the next level."""
        return self.solve(self.model)


class Engine:
    """Computes screens, one at a time, with caches of the last answers and states."""

    def __init__(self) -> None:
        self._answers, self._states = Memory[Answer](100), Memory[Eigenstates | LabelledLevels](8)
        self._settled = Memory[tuple[Screen, Eigenstates]](8)
        self._points = KeptPoints()

    def answer(self, screen: Screen, panel: str, reporter: Reporter, show: Callable[[Answer], None]) -> Answer:
        """Compute a panel of a screen; call `show` with each partial result.

        Raises
        ------
        InvalidModel
            If the screen is wrong; the message lists all problems.
        CutoffError, MemoryError, ConvergenceError
            If the computation fails.
        """
        asked = screen.key(PANELS[panel].asks)
        return self._answers.get((panel, asked), lambda: self._computed(screen, panel, reporter, show))

    def _computed(self, screen: Screen, panel: str, reporter: Reporter, show: Callable[[Answer], None]) -> Answer:
        began, asks = time.perf_counter(), PANELS[panel].asks
        study = screen.study(PANELS[FIRST].asks)
        if lacking := PANELS[panel].lacks(study.model):
            raise ValueError(lacking)
        if "sweep" in asks:
            return self._sweep(screen, screen.study(asks), reporter, show)
        first = None
        if panel in ALONE or _is_open(study.model):
            settled, first = self._settled.get(screen.key(), lambda: self._first(screen, study, reporter))
            grows = panel in GROWS and _is_open(study.model) and first.hamiltonian.space.dimension <= GROWING
            screen = screen if grows else settled
        study = screen.study(asks)
        if _is_long(study):
            screen = screen.sampled()
            study = screen.study(asks)
        about = _about(study, first)
        grid = default_grid(study.model)

        def known(*parts: xr.Dataset, counted: bool = False) -> None:
            show(Answer(screen, study, _merged(parts), about, complete=False, counted=counted))

        if first is not None and panel in EARLY:
            known(EARLY[panel](study, first.ground, grid))
        base, done = screen.key(), list[xr.Dataset]()
        setting = Prepared(
            *(study.model, study.sector, study.solver, grid, reporter, study.tasks),
            solve=lambda model: (
                self._solved(base, first if panel == "spectrum" else None, study, reporter)
                if model == study.model
                else _ground(replace(study, model=model), reporter)
            ),
            known=lambda part: known(*done, part),
        )
        if study.model.modes and any(isinstance(task, ThermalTask) for task in study.tasks):
            reporter.step("preliminary thermal sums")
            known(_warm_at_first_sight(screen, asks, setting))
        tasks = sorted(study.tasks, key=lambda task: asks.index(task.name))
        for task in tasks:
            done.append(task.run(setting))
            if len(done) < len(study.tasks) or study.model.modes:
                known(*done, counted=len(done) == len(study.tasks))
        data = _merged(with_cutoff_errors(done, replace(setting, tasks=tuple(tasks))))
        return Answer(screen, study, data, f"{about}{_filling(data)}; {time.perf_counter() - began:.2f} s")

    def _sweep(self, screen: Screen, study: Study, reporter: Reporter, show: Callable[[Answer], None]) -> Answer:
        """Compute the points of a sweep that are not in the cache, and show each when it is finished."""
        began = time.perf_counter()

        def answer(result: Result) -> Answer:
            known = counted(len(result.points), "point") + (f", {result.failed} failed" if result.failed else "")
            about = f"{_about(study, None)}; {known}; {time.perf_counter() - began:.2f} s; click on a point to go there"
            return Answer(screen, result.study, with_blanks(result).data, about, swept=result)

        def found(number: int, result: Result) -> None:
            show(replace(answer(result), complete=False, counted=True))

        return answer(run(study, reporter, found, folder=self._points))

    def _solved(
        self, base: tuple[str, int], first: Eigenstates | None, study: Study, reporter: Reporter
    ) -> Eigenstates | LabelledLevels:
        """Return the ground level, with the next one if `first` is not sufficient."""
        if first is not None and base not in self._states:
            return first

        def solve() -> Eigenstates | LabelledLevels:
            reporter.step("two lowest levels")
            return _ground(study, reporter)

        return self._states.get(base, solve)

    def _first(self, screen: Screen, study: Study, reporter: Reporter) -> tuple[Screen, Eigenstates]:
        """Return the ground level alone, without spatial symmetry, and the screen with the converged cutoff."""
        assert study.sector is not None
        sector = study.sector
        reporter.step("ground level")

        def solve(model: Model) -> Eigenstates:
            return ground_state(model, sector, 1, study.solver, reporter.lanczos)

        phonons = study.model.phonons
        if phonons is None or phonons.cutoff is None:
            return screen, solve(study.model)
        found = solve(study.model)
        used = found.hamiltonian.space.model.phonons
        assert used is not None
        return screen.fixed(used), found


def _warm_at_first_sight(screen: Screen, asks: Sequence[str], setting: Setting) -> xr.Dataset:
    """Return preliminary thermal results with few quanta and random vectors."""
    while True:
        study = screen.study(asks)
        quanta = screen.value("phonons.total_quanta")
        assert study.sector is not None
        if not isinstance(quanta, int) or quanta < 2 or math.prod(dimensions(study.model, study.sector)) <= SOON:
            break
        screen = screen.changed("phonons.total_quanta", quanta - 1)
    (task,) = (task for task in study.tasks if isinstance(task, ThermalTask))
    return task.first_look(replace(setting, model=study.model))


def _merged(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    return xr.merge(parts, join="outer", compat="override", combine_attrs="override")


def _is_long(study: Study) -> bool:
    """Return True if thermal sums over all levels take long."""
    thermal = (task for task in study.tasks if isinstance(task, ThermalTask))
    sums = ((Ensemble(task.ensemble, study.sector, task.density), task.sampling) for task in thermal)
    return any(estimate_thermal(study.model, *each).largest > EXACT_UP_TO for each in sums)


def _filling(data: xr.Dataset) -> str:
    """Return the mean charge at the chemical potential as text, in the grand-canonical ensemble."""
    if "thermal_grand_potential" not in data:
        return ""
    low, high = (float(f(data["thermal_charge"])) for f in (np.min, np.max))
    return f"; at these temperatures <N> = {low:.4g}" + (f" to {high:.4g}" if f"{low:.4g}" != f"{high:.4g}" else "")


def _is_open(model: Model) -> bool:
    return model.phonons is not None and model.phonons.cutoff is not None


def _ground(study: Study, reporter: Reporter) -> Eigenstates | LabelledLevels:
    """Return the two lowest levels without spatial symmetry, which local operators break."""
    assert study.sector is not None
    return isolated_ground(study.model, study.sector, study.solver, reporter.lanczos, (study.sector,))


def _about(study: Study, first: Eigenstates | None) -> str:
    if study.sector is None:
        return ""
    words = [f"{resolved(study.model, study.sector).plain.title}: {size_in_words(study.model, study.sector)}"]
    if first is not None and study.model.phonons is not None:
        quanta = first.hamiltonian.space.phonons
        words.append(f"total_quanta = {quanta.total_quanta}, error bar {float(first.certificate.energy_errors[0]):.1e}")
    return "; ".join(words)
