"""The key ``observables`` of several tables: which names it takes, and how what was measured is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from ... import analysis
from ..._core.lazy import xr
from ..._core.wording import listed
from ...hamiltonians import Problem
from ...hamiltonians.parameters import show
from ..file.json_values import plain
from ..file.values import form, one_of

HERE = "[observables]"
"""Stands for their names in what is allowed, before they are loaded."""


def _known(name: str) -> str:
    return one_of(tuple(analysis.OBSERVABLES))(name)


def named(allowed: str | None) -> str:
    """Return what is allowed with the names of the observables in it."""
    return (allowed or "").replace(HERE, listed(analysis.OBSERVABLES)) if HERE in (allowed or "") else allowed or ""


Names = Annotated[
    Annotated[list[Annotated[str, AfterValidator(_known)]], Tag("|list")]
    | Annotated[Literal["all"], Tag("|word")],
    Discriminator(form),
    Field(description=f'"all", or a list of names: {HERE}'),
]


def chosen_names(values: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the observables that a table names, each once; None for all."""
    names = values.get("observables", "all")
    return None if names == "all" else tuple(dict.fromkeys(names))


def missing_species(table: str, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
    """Yield the observables of species that are not there."""
    for i, name in enumerate(chosen_names(values) or ()):
        lacking = " and ".join(f"[{species}]" for species in analysis.OBSERVABLES[name].needs if not has(species))
        if lacking:
            yield Problem(f"{table}.observables[{i}]", show(name), f"leave it out, or add {lacking}")


def measured_record(arrays: Mapping[str, xr.DataArray]) -> dict[str, object]:
    """Return observables by their names as plain numbers; the condensate, and P(X) with its X, as objects."""
    found: dict[str, object] = {}
    condensate: dict[str, object] = {}
    for name, array in arrays.items():
        if name.startswith("condensate_"):
            condensate[name.removeprefix("condensate_")] = plain(array)
        elif name == "displacement_distribution":
            found[name] = {"X": plain(array["X"]), "P": plain(array)}
        elif name in analysis.OBSERVABLES:
            found[name] = plain(array)
    return found | ({"condensate": condensate} if condensate else {})
