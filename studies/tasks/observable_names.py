"""The key ``observables`` of several tables: allowed names, and records of observables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from ... import analysis
from ..._core.lazy import xr
from ..._core.wording import listed
from ...hamiltonians import Model, Problem
from ...hamiltonians.parameters import show
from ..file.json_values import plain
from ..file.values import form, one_of

HERE = "[observables]"
"""Placeholder for the names of observables in messages, before they are loaded."""


def _known(name: str) -> str:
    hint = '; "all" stands without a list: observables = "all"' if name == "all" else ""
    return one_of(tuple(analysis.OBSERVABLES), hint=hint)(name)


def named(allowed: str | None) -> str:
    """Return a description of allowed values with the placeholder replaced by the names."""
    return (allowed or "").replace(HERE, listed(analysis.OBSERVABLES)) if HERE in (allowed or "") else allowed or ""


Names = Annotated[
    Annotated[list[Annotated[str, AfterValidator(_known)]], Tag("|list")] | Annotated[Literal["all"], Tag("|word")],
    Discriminator(form),
    Field(description=f'"all", or a list of names: {HERE}'),
]


def chosen_names(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the observables of a table, each once; None for all."""
    names = values.get("observables", "all")
    return None if names == "all" else tuple(dict.fromkeys(names))


def missing_species(table: str, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
    """Yield the observables of absent species."""
    for i, name in enumerate(chosen_names(values) or ()):
        lacking = " and ".join(f"[{species}]" for species in analysis.OBSERVABLES[name].needs if not has(species))
        if lacking:
            yield Problem(f"{table}.observables[{i}]", show(name), f"leave it out, or add {lacking}")


def elsewhere(table: str, values: Mapping[str, Any], model: Model) -> Iterator[Problem]:
    """Yield the observables that are unavailable for reasons other than absent species."""
    for i, name in enumerate(chosen_names(values) or ()):
        entry = analysis.OBSERVABLES[name]
        if all(getattr(model, species) is not None for species in entry.needs) and not entry.where(model):
            yield Problem(f"{table}.observables[{i}]", show(name), f"leave it out: it needs {entry.place}")


def measured_over(data: xr.Dataset, *dims: str, prefix: str = "") -> dict[str, str]:
    """Return the observables of a result over these dimensions, with their headings in tables."""
    there = {name: data[f"{prefix}{name}"] for name in analysis.OBSERVABLES if f"{prefix}{name}" in data}
    return {n: analysis.OBSERVABLES[n].symbol or n for n, array in there.items() if array.dims == dims and array.size}


def observable_of(variable: str) -> str:
    """Return the observable to which a variable of a result belongs."""
    table = analysis.OBSERVABLES
    derived = (name for name, entry in table.items() if entry.derived and variable.startswith(f"{name}_"))
    return variable if variable in table else next(derived, "")


def measured_record(arrays: Mapping[str, xr.DataArray]) -> dict[str, object]:
    """Return observables by name as plain numbers; those with parts or coordinates as objects."""
    found: dict[str, object] = {}
    parts: dict[str, dict[str, object]] = {}
    for variable, array in arrays.items():
        name = observable_of(variable)
        if not name:
            continue
        if name != variable:
            parts.setdefault(name, {})[variable.removeprefix(f"{name}_")] = plain(array)
        elif keys := analysis.OBSERVABLES[name].keys:
            found[name] = {**{key: plain(array[key]) for key in keys[:-1]}, keys[-1]: plain(array)}
        else:
            found[name] = plain(array)
    return found | parts
