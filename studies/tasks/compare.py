"""``[compare]``: approximations compared with the exact result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis.approximations import (
    STANDARD,
    Approximation,
    PluginError,
    Where,
    born_oppenheimer,
    compare,
    registry_of,
)
from ...analysis.approximations.comparison import SECTOR_QUANTITIES, THERMAL_QUANTITIES, WITHIN, comparison_problems
from ...analysis.approximations.diagrams.results import RESPONSES
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.parameters import show
from ..execution.tables import columns, number
from ..file.json_values import plain
from ..file.values import Floats, Number, one_of
from .base import Point, Solved, Task, key

if TYPE_CHECKING:
    from .setting import Setting

QUANTITIES = tuple(dict.fromkeys((*SECTOR_QUANTITIES, *THERMAL_QUANTITIES)))
"""Values of ``compare.quantities``."""
OWN = "; your own come with --plugin FILE"
ERRORS = ("absolute_error", "relative_error", "within")


def _known(name: str, info: ValidationInfo) -> str:
    """Check that an approximation is a standard one or defined by a plugin file."""
    plugins = info.data.get("plugins") or {}
    try:
        known = tuple(registry_of(plugins))
    except PluginError as error:
        raise PydanticCustomError("refused", str(error).replace("{", "(").replace("}", ")")) from None
    return one_of(known, hint="" if plugins else OWN)(name)


Plugins = Annotated[dict[str, str], Field(description="left out: --plugin FILE names files")]
Approximations = Annotated[
    list[Annotated[str, AfterValidator(_known)]],
    Field(min_length=1, description=f"a list of one or more of {listed(STANDARD)}, or your own with --plugin FILE"),
]
Quantities = Annotated[
    list[Annotated[str, AfterValidator(one_of(QUANTITIES))]],
    Field(min_length=1, description=f"a list of one or more of {listed(QUANTITIES)}"),
]
Temperature = Annotated[Number, Field(ge=0, description="a number, 0 or more")]


@dataclass(frozen=True, repr=False, kw_only=True)
class CompareTask(Task):
    """Approximations compared with exact results for the sector, or at a temperature in the grand-canonical ensemble.

    The JSON record ``compare`` has ``temperature`` (where given); ``exact`` and ``exact_errors`` by quantity; ``best``,
    the name of the nearest by quantity; ``approximations``, an object by name: ``claim``, ``residual``, every quantity
    that it defines (``energies``, ``grand_potential``, ``electron_density``, ...) and its own quantities
    (``critical_temperature``, ``boson_amplitude``, ``pair_amplitude``, ``minima``, ``n_minima``, ``adiabatic_energy``,
    ``energy_even``, ``energy_odd``, ``pair_hopping``, ``shift``, ...), and by quantity ``absolute_error``,
    ``relative_error`` and ``within`` (0.01, 0.05, 0.2 or null); ``plugins``, the files with user-defined
    approximations, each with its SHA-256; with ``displacements``, ``surface.displacement`` and
    ``surface.adiabatic_energy``.

    Attributes
    ----------
    approximations : tuple of str
        Names of the approximations.
    quantities : tuple of str or None
        Quantities to compare; None: all that are computed exactly and approximated.
    temperature : float or None
        T of the grand-canonical ensemble; None: the ground level of the sector.
    displacements : tuple of float or None
        Values of x, equal for all modes, at which the Born-Oppenheimer energy is reported.
    plugins : mapping of str to str, optional
        Files with user-defined approximations, each with its SHA-256.
    """

    name: ClassVar[str] = "compare"
    needs_sector = False
    on_infinite_lattices = True
    figures = (("compare", "compare_residual", "plot_errors"),)

    plugins: Mapping[str, str] | None = key(Plugins, None)
    approximations: tuple[str, ...] = key(Approximations)
    quantities: tuple[str, ...] | None = key(Quantities, None)
    temperature: float | None = key(Temperature, None)
    displacements: tuple[float, ...] | None = key(Floats, None)

    @property
    def registry(self) -> Mapping[str, Approximation]:
        """The available approximations by name."""
        return registry_of(self.plugins or {})

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Create the task, with each name once."""
        chosen = {key: tuple(dict.fromkeys(values[key])) for key in ("approximations", "quantities") if key in values}
        return cls(**{**values, **chosen})

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield a missing sector or temperature, and displacements without phonons."""
        if "temperature" not in values and not has("sector"):
            allowed = "add a [sector] table with its charge, or compare.temperature; [compare] needs one of them"
            yield Problem("sector", "nothing", allowed)
        if "displacements" in values:
            for table in ("phonons", "sector"):
                if not has(table):
                    got = show(list(values["displacements"]))
                    yield Problem("compare.displacements", got, f"leave it out, or add [{table}]")

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield the approximations that do not apply, each with the reason."""
        task = cls.of(values, model)
        if model.cluster.is_infinite and task.displacements is not None:
            got = show(list(task.displacements))
            yield Problem("compare.displacements", got, "leave it out on infinite lattices")
        where = task.temperature if task.temperature is not None else sector
        if where is not None:
            known = task.registry
            yield from comparison_problems(model, where, values["approximations"], known, values.get("quantities"))

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector, unless a temperature is given."""
        if model.cluster.is_infinite:
            return []
        return [] if sector is None or self.temperature is not None else [(model, sector, 2)]

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute exact and approximate results."""
        where: Where = setting.block if self.temperature is None else self.temperature
        levels = None
        if self.temperature is None and not setting.model.cluster.is_infinite:
            levels = setting.ground
        setting.reporter.step(f"approximations: {', '.join(self.approximations)}")
        known = self.registry
        data = compare(
            setting.model,
            where,
            names=self.approximations,
            registry=known,
            quantities=self.quantities,
            options=setting.solver,
            levels=levels,
        )
        if self.displacements is not None:
            points = [[x] * len(setting.model.modes) for x in self.displacements]
            surface = born_oppenheimer(setting.model, setting.block, points)
            data = data.assign({f"surface_{name}": array for name, array in surface.data_vars.items()})
        if self.temperature is not None:
            data = data.assign(temperature=self.temperature)
        if self.plugins:
            names = [f"{Path(path).name} {digest}" for path, digest in self.plugins.items()]
            data = data.assign(plugins=("plugin", np.array(names)))
        if "level" in data.dims and any(getattr(task, "states", 1) != 1 for task in setting.tasks):
            data = data.rename(level="compare_level")  # the ground state has more levels
        return self.named(data)

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return exact values, each approximation with its errors, and the nearest."""
        own = {str(n).removeprefix("compare_"): data[n] for n in data.data_vars if str(n).startswith("compare_")}
        quantities = [name.removeprefix("best_") for name in own if name.startswith("best_")]
        found: dict[str, object] = {name: plain(own[name]) for name in ("temperature", "plugins") if name in own}
        found["exact"] = {name: plain(own[f"exact_{name}"]) for name in quantities}
        found["exact_errors"] = {name: plain(own[f"exact_error_{name}"]) for name in quantities}
        found["best"] = {name: plain(own[f"best_{name}"]) for name in quantities}
        names = [str(name) for name in data["approximation"].values]
        found["approximations"] = {name: _one(own, name, k, quantities) for k, name in enumerate(names)}
        if "surface_adiabatic_energy" in own:
            found["surface"] = {key: plain(own[f"surface_{key}"]) for key in ("displacement", "adiabatic_energy")}
        return found

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the energies or grand potentials with their errors."""
        for name in (n for n in ("energies", "grand_potential") if f"compare_{n}" in data):
            table = columns(f"compare: {name}", ("", name, "absolute error", "relative error", "claim"))
            right = data[f"compare_exact_{name}"].values.ravel()
            table.add_row("exact", *(number(x, 10) for x in right[:1]), "", "", "")
            for k, each in enumerate(data["approximation"].values):
                cells = (
                    data[f"compare_{n}"].values[k] for n in (name, f"absolute_error_{name}", f"relative_error_{name}")
                )
                value, *errors = (float(cell.ravel()[0]) if cell.ndim else float(cell) for cell in cells)
                table.add_row(
                    str(each), number(value, 10), *(f"{e:.3g}" for e in errors), str(data["compare_claim"].values[k])
                )
            yield table
            yield f"Nearest: {data[f'compare_best_{name}'].values}."
        there = [name for name in RESPONSES if f"compare_{name}" in data]
        if there:
            headings = ("", *(name.replace("_", " ") for name in there))
            table = columns("compare: relative errors of responses", headings)
            for k, each in enumerate(data["approximation"].values):
                errors = [float(data[f"compare_relative_error_{name}"].values[k]) for name in there]
                table.add_row(str(each), *("-" if e != e else f"{e:.3g}" for e in errors))
            yield table

    @classmethod
    def sweep_tables(cls, points: Sequence[Point]) -> Iterator[rich_table.Table | str]:
        """Yield for each quantity the number of points at which each approximation is the best, and its errors."""
        if not points:
            return
        first = points[0][1]
        for quantity in (n.removeprefix("compare_best_") for n in map(str, first.data_vars) if "compare_best_" in n):
            errors = np.array([data[f"compare_relative_error_{quantity}"].values for _, data in points])
            best = [str(data[f"compare_best_{quantity}"].values) for _, data in points]
            title = f"compare: {quantity} at {len(points)} points"
            bands = [f"within {100 * level:g}%" for level in WITHIN]
            table = columns(title, ("", "nearest", *bands, "largest relative error"))
            for name, own in zip(map(str, first["approximation"].values), errors.T, strict=True):
                if not np.all(np.isnan(own)):
                    counts = (best.count(name), *(int(np.sum(own <= level)) for level in WITHIN))
                    table.add_row(name, *map(str, counts), f"{np.nanmax(own):.3g}")
            yield table


def _one(own: Mapping[str, xr.DataArray], name: str, k: int, quantities: list[str]) -> dict[str, object]:
    """Return the record of one approximation."""
    prefix = f"own.{name}."
    others = {key.removeprefix(prefix): plain(array) for key, array in own.items() if key.startswith(prefix)}
    shared = {
        q: plain(own[q][k])
        for q in quantities
        if own[f"absolute_error_{q}"].values[k] == own[f"absolute_error_{q}"].values[k]
    }
    errors = {kind: {q: plain(own[f"{kind}_{q}"][k]) for q in shared} for kind in ERRORS}
    about = {"claim": str(own["claim"].values[k]), "residual": plain(own["residual"][k])}
    return {**about, **shared, **others, **errors}
