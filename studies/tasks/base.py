"""Base class of tasks: one table of the model file, from its keys to the numbers shown on the terminal."""

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
"""A block of a Hamiltonian to be solved, and the number of levels."""
Point = tuple[Mapping[str, object], "xr.Dataset"]
"""A point of a sweep: the values of the swept keys, and the numbers."""


class Reporter(Protocol):
    """Receives the progress of a run; the default methods do nothing."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin point `number` of `count`."""
        return

    def done(self, label: str, data: xr.Dataset) -> None:
        """Receive the result of a point of a sweep, or its error."""
        return

    def step(self, what: str) -> None:
        """Receive the name of the current step."""
        return

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Receive the progress of the current search."""
        return


@runtime_checkable
class Watcher(Reporter, Protocol):
    """A reporter that also follows points computed by other processes."""

    def running(self, points: Mapping[str, HowFar | None]) -> None:
        """Receive the progress of each running point by its label."""


class Quiet(Reporter):
    """A silent reporter."""


def key(kind: Any, default: Any = MISSING) -> Any:
    """Return the field of a task that is a key of its table; `kind` is the type of its values in model files."""
    return field(default=default, metadata={"kind": kind})


class Task(Brief, ABC):
    """A table of the model file that requests a calculation: a frozen dataclass with one `key` per key of the table.

    Attributes
    ----------
    name : str
        Name of the table and prefix of the variables of its result, such as ``flux_energies``.
    needs_sector : bool
        True if the file must have a ``[sector]``.
    solved_levels : int
        Number of levels of the sector that are computed.
    resumes : bool
        True for one long search that can continue from a checkpoint.
    figures : tuple of (str, str, str)
        Figures of a result: name, required variable, and plot function in `respair.analysis.plots`.
    summary : tuple of str
        Numbers of a result shown in the table of a sweep.
    swept : tuple of str
        Variables of a result plotted over the axes of a sweep.
    changes_charge : int
        Largest change of the charge by its operators.
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

    @property
    def takes_optimal(self) -> bool:
        """True where levels in optimal phonon states will do, if the solver may choose frame and cutoff."""
        return False

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
        """Create the task from the checked keys; missing keys take their defaults."""
        return cls(**values)

    @classmethod
    def completed(cls, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the checked keys with the entries of other tables they refer to."""
        return values

    @classmethod
    def requires_sector(cls, has: Callable[[str], bool]) -> bool:
        """Return whether the file must have a ``[sector]``; `has` tests for the presence of a table."""
        return cls.needs_sector

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield the problems of valid keys that do not depend on the model; `has` tests for the presence of a table."""
        yield from ()

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield the problems of correct keys with this model; the sector is None where it is wrong itself."""
        yield from ()

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the blocks to be solved, for estimates; by default the lowest `solved_levels` of the sector."""
        return [] if sector is None or not self.solved_levels else [(model, sector, self.solved_levels)]

    def forecast(self, model: Model, sector: Sector | None) -> str:
        """Return a description of further costs, for estimates; empty by default."""
        return ""

    def check_fits(self, model: Model, sector: Sector | None, options: Options) -> None:
        """Raise MemoryError if further requirements do not fit the memory limit."""
        return

    @property
    def repeats(self) -> str:
        """How often the levels are solved, for estimates; empty for once."""
        return ""

    @abstractmethod
    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the results, as variables with the name of the task as prefix."""

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the variables with error bars from another phonon space, and the names of the error bars."""
        return {}

    @classmethod
    @abstractmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the object of the JSON record, from the whole dataset of a point."""

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | str]:
        """Yield the tables shown on the terminal, from the complete dataset of a point."""
        yield from ()

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield headings and numbers of a point in the table of a sweep: by default those of `summary`."""
        for name in (name for name in cls.summary if name in data):
            values, bar = np.ravel(data[name].values).tolist(), data.get(f"{name}_error")
            bars = [None] * len(values) if bar is None else np.ravel(bar.values).tolist()
            texts = (f"{v:.8g}" if b is None else with_error(v, b) for v, b in zip(values, bars, strict=True))
            yield name.replace("_", " "), ", ".join(texts)

    @classmethod
    def swept_names(cls, data: xr.Dataset) -> list[str]:
        """Return the variables plotted over the axes of a sweep: by default those of `swept`."""
        return [name for name in cls.swept if name in data]

    @classmethod
    def sweep_tables(cls, points: Sequence[Point]) -> Iterator[TextTable | str]:
        """Yield further tables of a sweep, without failed points."""
        yield from ()

    @classmethod
    def named(cls, data: xr.Dataset) -> xr.Dataset:
        """Return a dataset with the name of the task as prefix of its variables."""
        return data.rename({name: f"{cls.name}_{name}" for name in data.data_vars})


def missing_tables(
    path: str, got: object, needs: Sequence[str], has: Callable[[str], bool], why: str = ""
) -> Iterator[Problem]:
    """Yield a problem at `path` if required tables are missing from the file."""
    if lacking := " and ".join(f"[{table}]" for table in needs if not has(table)):
        shown = "a table" if got is None else show(got)
        yield Problem(path, shown, f"leave it out, or add {lacking}{why}")


def unfit(path: str, given: Sequence[Any], build: Callable[[Any], object]) -> Iterator[Problem]:
    """Yield the items of a list for which `build` raises an error."""
    for i, each in enumerate(given):
        try:
            build(each)
        except ValueError as error:
            plain = each.model_dump() if isinstance(each, Table) else each if isinstance(each, str) else list(each)
            yield Problem(f"{path}[{i}]", show(plain), f"allowed: what fits the cluster; {error}")


def multiplet_note(count: int, rest: str) -> Iterator[str]:
    """Yield a note on the degeneracy of the ground level, if it is degenerate."""
    if count > 1:
        yield f"The ground level has {count} states{rest}"
