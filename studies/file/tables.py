"""Tables of model files from Python values, and their TOML text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import tomli_w

from ...clusters import KINDS, Cluster
from ...hamiltonians import Model
from ...hamiltonians.flux import own_term
from ...solvers.checkpoint import fingerprint


def toml_text(tables: Mapping[str, Any], name: str = "", unsaid: Mapping[str, Any] | None = None) -> str:
    """Return the text of a model file.

    Parameters
    ----------
    tables : mapping
        The tables, each a mapping of numbers, strings, lists and mappings of these.
    name : str
        Title; none is written if it is empty.
    unsaid : mapping, optional
        Properties that model files cannot express, written as comments.

    Examples
    --------
    >>> print(toml_text({"cluster": {"kind": "dimer"}, "electrons": {"level": 1.5}}), end="")
    schema = 1
    <BLANKLINE>
    [cluster]
    kind = "dimer"
    <BLANKLINE>
    [electrons]
    level = 1.5
    """
    whole = {"schema": 1, **({"name": name} if name else {}), **tables}
    comments = "".join(f"# {key} of one's own: {value}\n" for key, value in (unsaid or {}).items())
    return tomli_w.dumps(plain(whole)) + comments


def plain(value: Any) -> Any:
    """Return a value converted to dictionaries, lists and Python numbers, for TOML.

    Examples
    --------
    >>> plain({"level": np.array([0.0, 1.5]), "sites": (0, np.int64(1))})
    {'level': [0.0, 1.5], 'sites': [0, 1]}
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [plain(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def inline(value: Any) -> str:
    """Return a value as inline TOML.

    Examples
    --------
    >>> print(inline({"ring": 1.0, "centre": [0, 1]}))
    { ring = 1.0, centre = [0, 1] }
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_line({key: 0})[:-4]} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(inline, value)) + "]"
    return _line({"x": plain(value)})[4:]


def _line(table: Mapping[str, Any]) -> str:
    return tomli_w.dumps(table).rstrip("\n")


def tables_of(model: Model) -> dict[str, Any]:
    """Return the tables that describe a model, without user-defined terms."""
    species = {name: getattr(model, name) for name in ("electrons", "bosons", "phonons")}
    there = {name: given(value) for name, value in species.items() if value is not None}
    magnetic = {"magnetic_flux": model.magnetic_flux} if model.magnetic_flux else {}
    numbers = {"field": {"flux": model.flux, **magnetic}, "ensemble": {"chemical_potential": model.chemical_potential}}
    found: dict[str, Any] = plain({"cluster": _cluster(model.cluster), **there, **numbers})
    return found


def _cluster(cluster: Cluster) -> Mapping[str, Any]:
    columns, rows = (int(max(place)) + 1 for place in [*zip(*cluster.positions, strict=True), (0.0,)][:2])
    shapes: Mapping[str, Mapping[str, Any]] = {
        "site": {},
        "dimer": {},
        "chain": {"sites": cluster.sites},
        "ring": {"sites": cluster.sites},
        "ladder": {"rungs": cluster.sites // 2},
        "plaquette": {"size": [columns, rows]},
        "ligand-centre": {"sites": cluster.sites - 1},
    }
    if cluster.made_from:
        return {"kind": cluster.kind, **dict(cluster.made_from)}
    if cluster.kind in shapes or cluster.is_infinite:
        return {"kind": cluster.kind, **shapes.get(cluster.kind, {})}
    bonds = [[b.start, b.end, b.label, *([b.windings] if b.windings else [])] for b in cluster.bonds]
    parts = {"positions": cluster.positions, "bonds": bonds, "classes": cluster.classes}
    return {"kind": "custom", **parts, **({"cell": cluster.cell} if cluster.cell else {})}


def given(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, and the places of bosons and phonons."""
    found = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    return {
        name: now
        for name, (now, default) in found.items()
        if now is not None
        and (default is MISSING or name == "on" or not (isinstance(now, int | float | str) and now == default))
    }


def unsaid(model: Model) -> dict[str, Any]:
    """Return an identification of user-defined terms and clusters, which tables cannot express."""
    found: dict[str, Any] = {}
    if model.terms:
        found["terms"] = [sorted(map(repr, own_term(model, i).terms.items())) for i in range(len(model.terms))]
    shape = plain(_cluster(model.cluster))
    if KINDS[shape.pop("kind")](**shape) != model.cluster:
        found["cluster"] = fingerprint(model.cluster)
    return found
