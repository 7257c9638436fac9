"""What a task is: one table of the model file that asks for something, from its keys to its numbers on the terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray
from rich.table import Table as TextTable
from rich.text import Text

from ...analysis.observables.error_bars import isolated_ground
from ...clusters import Brief
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.sector import allowed_two_sz
from ...solvers import Eigenstates, LabelledLevels, Options, Progress, symmetry_sectors
from ...solvers.costs import check_memory, choose_engine
from ...solvers.cutoff import is_automatic, size_in_words
from ...solvers.larger_space import reaching
from ...solvers.work import HowFar
from ..file.values import Table

Solved = tuple[Model, Sector, int]
"""A block of a Hamiltonian that will be solved, and for how many levels."""
Figure = tuple[str, str, Callable[[xr.Dataset], Axes]]
"""A figure: its name, the variable without which it is not drawn, and the function that draws it."""


class Reporter(Protocol):
    """What is told about a run while it goes on."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin point `number` of `count`."""

    def done(self, label: str, data: xr.Dataset) -> None:
        """Take the numbers of a point of a sweep, or its error."""

    def step(self, what: str) -> None:
        """Tell what is being computed."""

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how far the current level is."""


@runtime_checkable
class Watcher(Reporter, Protocol):
    """A reporter that is also told of the points that are being computed elsewhere."""

    def running(self, points: Mapping[str, HowFar | None]) -> None:
        """Take all of them by their labels, and how far each is."""


class Quiet:
    """A reporter that says nothing."""

    def point(self, number: int, count: int, label: str) -> None:
        """Say nothing."""

    def done(self, label: str, data: xr.Dataset) -> None:
        """Say nothing."""

    def step(self, what: str) -> None:
        """Say nothing."""

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Say nothing."""


class Telling(Quiet):
    """A reporter that tells nothing but how far the current level is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell it."""
        self._progress(matvecs, energy, residual)


def check_blocks_fit(model: Model, sector: Sector, states: int, options: Options) -> None:
    """Raise MemoryError if neither a sector nor all of its symmetry blocks one by one fit the memory limit."""

    def check(part: Sector) -> None:
        check_memory(model, part, choose_engine(model, part, options.engine), states, options.memory_limit)

    try:
        check(sector)
    except MemoryError:
        blocks = symmetry_sectors(model, sector)
        if len(blocks) == 1:
            raise
        for block in blocks:
            check(block)


@dataclass(frozen=True)
class Setting:
    """What all tasks of a model file share.

    Attributes
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector or None
        The block that is solved; None where the file has no such table.
    solver : Options
        How to solve.
    grid : (n,) float
        X at which distributions of the lattice are given, the same at all points of a sweep.
    reporter : Reporter
        Told how the run goes on.
    tasks : tuple of Task
        All that the file asks for: some are answered together.
    swept : bool
        True at a point of a sweep: where one point has no answer, the others have.
    kept : Options
        How to solve what is kept block by block, and in several processes: thermal sums.
    known : function, optional
        Where someone watches: shown what is known before the whole is.
    """

    model: Model
    sector: Sector | None
    solver: Options
    grid: NDArray[np.float64]
    reporter: Reporter
    tasks: tuple[Task, ...] = ()
    swept: bool = False
    kept: Options = field(default_factory=Options)
    known: Callable[[xr.Dataset], None] | None = None

    @property
    def block(self) -> Sector:
        """The sector, for a task that needs one."""
        assert self.sector is not None
        return self.sector

    @cached_property
    def ground(self) -> Eigenstates | LabelledLevels:
        """The ground level of the sector with its multiplet and the next level, computed once for all tasks."""
        self.reporter.step(f"ground level of {size_in_words(self.model, self.block)}")
        levels = isolated_ground(self.model, self.block, self.solver, self.reporter.lanczos)
        used, changes = levels.hamiltonian.space.model, max((task.changes_charge for task in self.tasks), default=0)
        if used.phonons is None or not changes or not is_automatic(self.model):
            return levels
        wider = reaching(used, [self.block, *neighbours(self.model, self.block, changes)])
        return levels if wider is used else isolated_ground(wider, self.block, self.solver, self.reporter.lanczos)


def neighbours(model: Model, sector: Sector, changes: int) -> Iterator[Sector]:
    """Yield the sectors with up to so many charges more or less, of the smallest spins."""
    for charge in range(sector.charge - changes, sector.charge + changes + 1):
        if charge != sector.charge and 0 <= charge <= model.max_charge and (spins := allowed_two_sz(model, charge)):
            yield Sector(charge, min(spins, key=abs))


class Task(Brief, ABC):
    """One table of the model file that asks for something; every kind is a frozen dataclass of its checked keys.

    Attributes
    ----------
    name : str
        Of the table. The variables of its result carry it in front, as in ``flux_energies``.
    table : type of Table
        Keys of the table and what they take.
    needs_sector : bool
        True where the file must have a ``[sector]``.
    resumes : bool
        True where it is one long search that can go on from a checkpoint.
    figures : tuple of Figure
        What is drawn of a result.
    summary : tuple of str
        Numbers of a result that the table of a sweep shows.
    changes_charge : int
        By how many charges its operators leave the sector.
    """

    name: ClassVar[str]
    table: ClassVar[type[Table]]
    needs_sector: ClassVar[bool] = True
    resumes: ClassVar[bool] = False
    figures: ClassVar[tuple[Figure, ...]] = ()
    summary: ClassVar[tuple[str, ...]] = ()
    changes_charge: ClassVar[int] = 0

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task of the checked keys that are there; the others take their defaults."""
        return cls(**values)

    @classmethod
    def requires_sector(cls, has: Callable[[str], bool]) -> bool:
        """Return whether the file must have a ``[sector]``; `has` tells which tables it has."""
        return cls.needs_sector

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield what is wrong with right keys whatever the model is; `has` tells which tables the file has."""
        yield from ()

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield what is wrong with right keys for this model; the sector is None where it is wrong itself."""
        yield from ()

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return what will be solved, for estimates; by default the lowest level of the sector."""
        return [] if sector is None else [(model, sector, 1)]

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return in words what is needed beside that, for an estimate; empty where it is nothing."""
        return ""

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if what is needed beside what is solved does not fit; by default that is nothing."""
        return

    @property
    def repeats(self) -> str:
        """How often that will be done, in words for an estimate; empty where it is once."""
        return ""

    @abstractmethod
    def run(self, setting: Setting) -> xr.Dataset:
        """Compute what the table asks for, as variables that are named after it."""

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return which variables of a result get error bars from another phonon space, and the names of these."""
        return {}

    @classmethod
    @abstractmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the object of the JSON record, from the whole dataset of a point."""

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
        """Yield what the terminal shows, from the whole dataset of a point."""
        yield from ()

    @classmethod
    def sweep_tables(cls, points: Sequence[tuple[Mapping[str, object], xr.Dataset]]) -> Iterator[TextTable | Text]:
        """Yield what the terminal shows of a sweep beside the numbers of `summary`; points that failed are left out."""
        yield from ()

    @classmethod
    def named(cls, data: xr.Dataset) -> xr.Dataset:
        """Return a dataset with the name of the task in front of its variables."""
        return data.rename({name: f"{cls.name}_{name}" for name in data.data_vars})
