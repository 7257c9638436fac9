"""The study: model, sector, solver options, tasks and sweep, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from .._core.display import MOST_ITEMS, quantity
from .._core.wording import dotted
from ..clusters import Card, Shown
from ..hamiltonians import InvalidModel, Model, Problem, Sector
from ..hamiltonians.parameters import show
from ..solvers import Options
from ..solvers.caps import size_in_words
from .file.tables import toml_text, unsaid
from .tasks.base import Solved, Task

if TYPE_CHECKING:
    from .tasks.charge_scan import ChargeScanTask
    from .tasks.flux import FluxTask
    from .tasks.ground_state import GroundStateTask


@dataclass(frozen=True)
class Refinement:
    """Adaptive refinement of an axis where a quantity changes fast.

    Attributes
    ----------
    quantity : str
        A variable of the result, such as "boson_density".
    points : int
        Number of values to add.
    geometric : bool
        Whether intervals are halved on a logarithmic scale.
    """

    quantity: str
    points: int
    geometric: bool = False


@dataclass(frozen=True, repr=False)
class Axis(Shown):
    """An axis of a sweep.

    Attributes
    ----------
    key : str
        Dotted path in the model file, such as "phonons.boson_coupling".
    values : tuple of numbers
        The values of the key.
    linked : tuple of Axis
        Other keys that vary together with this one, each with the same number of values.
    refinement : Refinement or None
        Adaptive refinement of the axis.
    averaged : bool
        Whether the values are realizations over which results are averaged.
    """

    key: str
    values: tuple[float, ...]
    linked: tuple[Axis, ...] = ()
    refinement: Refinement | None = None
    averaged: bool = False

    def card(self) -> Card:
        """Return a table of the keys with the number and range of their values."""
        return Card(", ".join(escape(axis.key) for axis in (self, *self.linked)), [(self.span,)])

    @property
    def span(self) -> str:
        """Number and range of the values, as markup."""
        if len(self.values) <= MOST_ITEMS:
            return quantity(self.values)
        return f"{len(self.values)} values from {quantity(min(self.values))} to {quantity(max(self.values))}"

    @property
    def steps(self) -> tuple[dict[str, float], ...]:
        """Values of all keys for each step of the axis."""
        together = (self, *self.linked)
        keys = [axis.key for axis in together]
        return tuple(dict(zip(keys, row, strict=True)) for row in zip(*(a.values for a in together), strict=True))


def overlaps(axes: Iterable[Axis]) -> list[Problem]:
    """Return problems of repeated keys, and of keys within another key, as "electrons.hopping.bond"."""
    keys = [axis.key for first in axes for axis in (first, *first.linked)]
    found = []
    for n, key in enumerate(keys):
        if key in keys[:n]:
            found.append(Problem(dotted("sweep", key), show(key), "allowed: each key once"))
        elif whole := [other for other in keys if other.count(".") == 1 and key.startswith(f"{other}.")]:
            allowed = f"leave it out, or leave {whole[0]} out, which is the whole of it"
            found.append(Problem(dotted("sweep", key), show(key), allowed))
    return found


@dataclass(frozen=True, repr=False)
class Study(Shown):
    """A model with the tasks to compute, from a model file or from Python.

    Attributes
    ----------
    file : str
        The path of the model file as given.
    name : str
        Title, or the name of the file without its ending.
    model : Model
        The Hamiltonian.
    sector : Sector or None
        The sector; None if no task needs one.
    solver : Options
        Options of the solver.
    tasks : tuple of Task
        The tasks, in the order of their execution.
    sweep : tuple of Axis
        Axes of the sweep, in the order of the file; all combinations are run.
    tables : mapping
        The values by table and key, as in model files; they are varied by a sweep and identify a point.
    """

    file: str
    name: str
    model: Model
    sector: Sector | None
    solver: Options
    tasks: tuple[Task, ...]
    sweep: tuple[Axis, ...]
    tables: Mapping[str, Any] = field(repr=False, compare=False)
    _source: str | None = field(default=None, repr=False)
    _base: Model | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if found := overlaps(self.sweep):
            raise InvalidModel(found)

    @property
    def is_own(self) -> bool:
        """True if the tables may not describe the model completely: user-defined terms or cluster."""
        return bool(self.model.terms) or (self._base is not None and bool(unsaid(self.model)))

    @property
    def text(self) -> str:
        """The text of the model file; what it cannot express is given in comments."""
        return toml_text(self.tables, unsaid=unsaid(self.model)) if self._source is None else self._source

    def card(self) -> Card:
        """Return a summary of model, sector, tasks and sweep."""
        return Card(self.title, self.rows, picture=self.model.cluster.drawing)

    @property
    def title(self) -> str:
        """Name and cluster as markup."""
        return f"{escape(self.name)}: {escape(self.model.cluster.size)}"

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Hamiltonian with couplings, sector with dimension, tasks and sweep, as markup."""
        rows = list(self.model.formula)
        if self.sector:
            rows.append(("sector", self.sector.markup, size_in_words(self.model, self.sector)))
        rows.append(("asks for", ", ".join(task.name for task in self.tasks), ""))
        words = ("sweep", "sweep, averaged")
        return rows + [(words[axis.averaged], ", ".join(map(escape, axis.steps[0])), axis.span) for axis in self.sweep]

    @property
    def ground_state(self) -> GroundStateTask | None:
        """The task ``[ground_state]``, if any."""
        found: GroundStateTask | None = self._task("ground_state")
        return found

    @property
    def charge_scan(self) -> ChargeScanTask | None:
        """The task ``[charge_scan]``, if any."""
        found: ChargeScanTask | None = self._task("charge_scan")
        return found

    @property
    def flux(self) -> FluxTask | None:
        """The task ``[flux]``, if any."""
        found: FluxTask | None = self._task("flux")
        return found

    def _task(self, name: str) -> Any:
        return next((task for task in self.tasks if task.name == name), None)

    def solves(self) -> list[Solved]:
        """Return the distinct (model, sector, number of levels) solved by a study without a sweep."""
        found = [solved for task in self.tasks for solved in task.solves(self.model, self.sector)]
        return [solved for i, solved in enumerate(found) if solved not in found[:i]]
