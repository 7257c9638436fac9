"""What a task is: one table of the model file that asks for something, from its keys to its numbers on the terminal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from pydantic import create_model

from ..._core.formatting import with_error
from ..._core.lazy import xr
from ...clusters import Brief
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...solvers import Options
from ...solvers.work import HowFar
from ..file.values import LEFT_OUT, Table

if TYPE_CHECKING:
    from rich.table import Table as TextTable

    from .setting import Setting

Solved = tuple[Model, Sector, int]
"""A block of a Hamiltonian that will be solved, and for how many levels."""
Point = tuple[Mapping[str, object], "xr.Dataset"]
"""A point of a sweep: the values of the swept keys, and the numbers."""


class Reporter(Protocol):
    """Receives the progress of a run; the methods of a subclass do nothing unless it replaces them."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin point `number` of `count`."""
        return

    def done(self, label: str, data: xr.Dataset) -> None:
        """Take the numbers of a point of a sweep, or its error."""
        return

    def step(self, what: str) -> None:
        """Take the name of what is being computed."""
        return

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Take the progress of the current search."""
        return


@runtime_checkable
class Watcher(Reporter, Protocol):
    """A reporter that also follows the points that other processes compute."""

    def running(self, points: Mapping[str, HowFar | None]) -> None:
        """Take the progress of each, by the label of the point."""


class Quiet(Reporter):
    """A reporter that shows nothing."""


def key(kind: Any, default: Any = MISSING) -> Any:
    """Return the field of a task that is a key of its table: `kind` says which values the model file takes."""
    return field(default=default, metadata={"kind": kind})


class Task(Brief, ABC):
    """One table of the model file that asks for something: a frozen dataclass, each `key` of it a key of the table.

    Attributes
    ----------
    name : str
        Name of the table and prefix of the variables of its result, as in ``flux_energies``.
    needs_sector : bool
        True if the file must have a ``[sector]``.
    solved_levels : int
        How many levels of the sector are solved.
    resumes : bool
        True for one long search that can continue from a checkpoint.
    figures : tuple of (str, str, str)
        Figures of a result: the name of each, the variable without which it is not drawn, and the function in
        `respair.analysis.plots` that draws it.
    summary : tuple of str
        Numbers of a result that the table of a sweep shows.
    swept : tuple of str
        Variables of a result that are drawn over the axes of a sweep.
    changes_charge : int
        By how many charges its operators leave the sector.
    on_infinite_lattices : bool
        True if it can be asked for on an infinite lattice.
    """

    name: ClassVar[str]
    needs_sector: ClassVar[bool] = True
    solved_levels: ClassVar[int] = 1
    resumes: ClassVar[bool] = False
    figures: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    summary: ClassVar[tuple[str, ...]] = ()
    swept: ClassVar[tuple[str, ...]] = ()
    changes_charge: ClassVar[int] = 0
    on_infinite_lattices: ClassVar[bool] = False

    @classmethod
    @cache
    def table(cls) -> type[Table]:
        """Return the schema of the table."""
        keys: Any = {
            each.name: (each.metadata["kind"], ... if each.default is MISSING else LEFT_OUT)
            for each in fields(cls)  # type: ignore[arg-type]  # a dataclass
            if "kind" in each.metadata
        }
        made: type[Table] = create_model(f"{cls.__name__}Table", __base__=Table, __doc__=f"[{cls.name}].", **keys)
        return made

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Make the task from the checked keys that are given; the others take their defaults."""
        return cls(**values)

    @classmethod
    def completed(cls, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the checked keys with what they name in other tables of the file."""
        return values

    @classmethod
    def requires_sector(cls, has: Callable[[str], bool]) -> bool:
        """Return whether the file must have a ``[sector]``; `has` says which tables it has."""
        return cls.needs_sector

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield the problems of correct keys that do not depend on the model; `has` says which tables the file has."""
        yield from ()

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield the problems of correct keys with this model; the sector is None where it is wrong itself."""
        yield from ()

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return what will be solved, for estimates; by default the lowest `solved_levels` of the sector."""
        return [] if sector is None or not self.solved_levels else [(model, sector, self.solved_levels)]

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return what is needed besides, for an estimate; empty for nothing."""
        return ""

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if what is needed besides does not fit; by default that is nothing."""
        return

    @property
    def repeats(self) -> str:
        """How often the levels are solved, for an estimate; empty for once."""
        return ""

    @abstractmethod
    def run(self, setting: Setting) -> xr.Dataset:
        """Compute what the table asks for, as variables that carry its name."""

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the variables that get error bars from another phonon space, and the names of the error bars."""
        return {}

    @classmethod
    @abstractmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the object of the JSON record, from the whole dataset of a point."""

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | str]:
        """Yield what the terminal shows, from the whole dataset of a point."""
        yield from ()

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield headings and numbers that the table of a sweep shows of a point: by default those of `summary`."""
        for name in (name for name in cls.summary if name in data):
            values, bar = np.ravel(data[name].values).tolist(), data.get(f"{name}_error")
            bars = [None] * len(values) if bar is None else np.ravel(bar.values).tolist()
            texts = (f"{v:.8g}" if b is None else with_error(v, b) for v, b in zip(values, bars, strict=True))
            yield name.replace("_", " "), ", ".join(texts)

    @classmethod
    def swept_names(cls, data: xr.Dataset) -> list[str]:
        """Return the variables of the result of a sweep that are drawn over its axes: by default those of `swept`."""
        return [name for name in cls.swept if name in data]

    @classmethod
    def sweep_tables(cls, points: Sequence[Point]) -> Iterator[TextTable | str]:
        """Yield what the terminal shows of a sweep besides the numbers of `summary`, without points that failed."""
        yield from ()

    @classmethod
    def named(cls, data: xr.Dataset) -> xr.Dataset:
        """Return a dataset with the name of the task in front of its variables."""
        return data.rename({name: f"{cls.name}_{name}" for name in data.data_vars})


def missing_tables(
    path: str, got: object, needs: Sequence[str], has: Callable[[str], bool], why: str = ""
) -> Iterator[Problem]:
    """Yield a problem at `path` if the file lacks some of the tables that it needs."""
    if lacking := " and ".join(f"[{table}]" for table in needs if not has(table)):
        shown = "a table" if got is None else show(got)
        yield Problem(path, shown, f"leave it out, or add {lacking}{why}")


def unfit(path: str, given: Sequence[Any], build: Callable[[Any], object]) -> Iterator[Problem]:
    """Yield the items of a list that `build` refuses for this cluster."""
    for i, each in enumerate(given):
        try:
            build(each)
        except ValueError as error:
            plain = each.model_dump() if isinstance(each, Table) else each if isinstance(each, str) else list(each)
            yield Problem(f"{path}[{i}]", show(plain), f"allowed: what fits the cluster; {error}")


def multiplet_note(count: int, rest: str) -> Iterator[str]:
    """Yield how many states the ground level has, where it is degenerate."""
    if count > 1:
        yield f"The ground level has {count} states{rest}"
