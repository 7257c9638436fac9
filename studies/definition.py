"""The study: a model, its sector, how it is solved, what is asked for and the sweep, as frozen values."""

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
    """Values to be added to an axis where a quantity changes fast.

    Attributes
    ----------
    quantity : str
        A variable of the result, as "boson_density".
    points : int
        How many values to add.
    geometric : bool
        Halve in the logarithm.
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
        Dotted path in the model file, as in "phonons.boson_coupling".
    values : tuple of numbers
        What stands there, one value after the other.
    linked : tuple of Axis
        Other keys that take their own values, as many, in step with these.
    refinement : Refinement or None
        Where to add values.
    averaged : bool
        Its values are realisations, over which results are averaged.
    """

    key: str
    values: tuple[float, ...]
    linked: tuple[Axis, ...] = ()
    refinement: Refinement | None = None
    averaged: bool = False

    def card(self) -> Card:
        """Return its keys, and how many values from where to where."""
        return Card(", ".join(escape(axis.key) for axis in (self, *self.linked)), [(self.span,)])

    @property
    def span(self) -> str:
        """How many values, and from where to where, as markup."""
        if len(self.values) <= MOST_ITEMS:
            return quantity(self.values)
        return f"{len(self.values)} values from {quantity(min(self.values))} to {quantity(max(self.values))}"

    @property
    def steps(self) -> tuple[dict[str, float], ...]:
        """What stands at each of the keys, step by step."""
        together = (self, *self.linked)
        keys = [axis.key for axis in together]
        return tuple(dict(zip(keys, row, strict=True)) for row in zip(*(a.values for a in together), strict=True))


def overlaps(axes: Iterable[Axis]) -> list[Problem]:
    """Return the keys that are there twice, or in another one, as "electrons.hopping.bond" in "electrons.hopping"."""
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
    """A model with what is asked about it, from a model file or from Python.

    Attributes
    ----------
    file : str
        The path of the model file as given.
    name : str
        Its title, or else the file's name without ending.
    model : Model
        The Hamiltonian.
    sector : Sector or None
        The block that is solved; None if no task needs one.
    solver : Options
        How to solve.
    tasks : tuple of Task
        What to compute, in the order in which it runs.
    sweep : tuple of Axis
        Axes of the sweep, in the order of the file; the product of all is run.
    tables : mapping
        The values by table and key, as a model file has them: what a sweep varies, and what identifies a point.
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
        """True if the tables may not say everything: terms or a cluster of one's own."""
        return bool(self.model.terms) or (self._base is not None and bool(unsaid(self.model)))

    @property
    def text(self) -> str:
        """The model file, for the record; what it cannot say stands in comments."""
        return toml_text(self.tables, unsaid=unsaid(self.model)) if self._source is None else self._source

    def card(self) -> Card:
        """Return model, sector, what is asked for, and the sweep."""
        return Card(self.title, self.rows, picture=self.model.cluster.drawing)

    @property
    def title(self) -> str:
        """Name and cluster as markup."""
        return f"{escape(self.name)}: {escape(self.model.cluster.size)}"

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The Hamiltonian with its numbers, the sector with its dimension, tasks and sweep, as markup."""
        rows = list(self.model.formula)
        if self.sector:
            rows.append(("sector", self.sector.markup, size_in_words(self.model, self.sector)))
        rows.append(("asks for", ", ".join(task.name for task in self.tasks), ""))
        words = ("sweep", "sweep, averaged")
        return rows + [(words[axis.averaged], ", ".join(map(escape, axis.steps[0])), axis.span) for axis in self.sweep]

    @property
    def ground_state(self) -> GroundStateTask | None:
        """The levels and observables that are asked for."""
        found: GroundStateTask | None = self._task("ground_state")
        return found

    @property
    def charge_scan(self) -> ChargeScanTask | None:
        """The charges that are asked for."""
        found: ChargeScanTask | None = self._task("charge_scan")
        return found

    @property
    def flux(self) -> FluxTask | None:
        """The fluxes that are asked for."""
        found: FluxTask | None = self._task("flux")
        return found

    def _task(self, name: str) -> Any:
        return next((task for task in self.tasks if task.name == name), None)

    def solves(self) -> list[Solved]:
        """Return every (model, sector, number of levels) that a study without a sweep will solve, each once."""
        found = [solved for task in self.tasks for solved in task.solves(self.model, self.sector)]
        return [solved for i, solved in enumerate(found) if solved not in found[:i]]
