"""The screen: the tables of a model file, changed value by value and checked as a model file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..clusters import KINDS, Cluster
from ..clusters.arguments import Argument, arguments
from ..hamiltonians import Model, Phonons
from ..hamiltonians.conservation import parity_of
from ..hamiltonians.parameters import COUPLINGS, OLDER_NAMES
from ..studies import TASKS, Study, toml_text
from ..studies.file.reading import studied
from ..studies.file.tables import inline, plain
from .arithmetic import evaluated

CHECKED_CAP = 4
"""Cutoff in place of an automatic one while the rest of a screen is checked."""
FILE = "explorer.toml"
"""File name of models that were not read from a file."""
ASKED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "ground_state": {"states": 4},
        "pairing": {},
        "lattice": {"susceptibility": False},
        "spectrum": {
            "operator": "electron",
            "frequencies": {"start": -6.0, "stop": 6.0, "count": 241},
            "broadening": 0.2,
        },
        "flux": {"values": {"start": 0.0, "stop": float(np.pi), "count": 9}},
        "evolution": {
            "times": {"start": 0.0, "stop": 10.0, "count": 101},
            "kick": {"operator": "density", "site": 0, "strength": 1.0},
            "tolerance": 1e-3,
        },
        "thermal": {
            "temperatures": {"start": 0.1, "stop": 2.0, "count": 9, "spacing": "log"},
            "observables": [],
        },
        "sweep": {},
        "compare": {},
    }
)
"""Tables computed by the panels, unless given by a model file."""
MOVING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "electrons": ("electron_density",),
        "bosons": ("boson_density",),
        "phonons": ("displacement", "displacement_distribution"),
    }
)
"""Observables of the time evolution, by species."""
GRIDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"spectrum.frequencies": {}, "flux.values": {}, "evolution.times": {}, "thermal.temperatures": {"spacing": "log"}}
)
"""Lists shown as grids."""
SAMPLED: Mapping[str, Any] = MappingProxyType({"method": "ftlm", "samples": 8, "steps": 40})
"""Settings of sampled thermal sums, unless given by a model file: fast, with visible error bars."""
FEWEST = 4
TOLERANCE = 1e-8
"""Residual of the levels, unless given by a model file; the error of the energies is quadratic in it."""
UNPICKED = ("custom", "lattice", "infinite-chain", "infinite-square", "infinite-triangular")
"""Kinds of clusters that the screen does not offer."""
ARGUMENTS: Mapping[str, Mapping[str, Argument]] = MappingProxyType(
    {kind: arguments(function) for kind, function in KINDS.items() if kind not in UNPICKED}
)
"""Arguments of the selectable clusters."""
SHAPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {kind: {name: about.first for name, about in own.items() if about.first} for kind, own in ARGUMENTS.items()}
)
"""Selectable clusters, with their initial size."""


UNFIT = ("sector.two_sz", "sector.momentum", "sector.reflection", "sector.irrep", "spectrum.site", "spectrum.momentum")
"""Keys that may be invalid on another cluster."""


@dataclass(frozen=True)
class Screen:
    """The tables of a model file, valid or not.

    Attributes
    ----------
    tables : mapping
        Contents of the tables, as in TOML; defaults from `ASKED`.
    name : str
        Title.
    base : Model or None
        Model with user-defined terms or cluster, which the tables cannot describe.

    Examples
    --------
    >>> screen = Screen({"cluster": {"kind": "dimer"}, "electrons": {"hopping": 1.0}, "sector": {"charge": 2}})
    >>> screen.changed("electrons.hubbard_u", 4.0).study(["ground_state"]).model.electrons.hubbard_u
    4.0
    """

    tables: Mapping[str, Any]
    name: str = ""
    base: Model | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, study: Study) -> Screen:
        """Return the screen of a model file, without tables that no panel computes, such as a scan of charges."""
        there = {key: value for key, value in study.tables.items() if isinstance(value, Mapping)}
        if "phonons" in there:
            there["phonons"] = {OLDER_NAMES.get(key, key): value for key, value in there["phonons"].items()}
        kept = {key: dict(value) for key, value in there.items() if key not in TASKS}
        asked = {key: {**default, **there.get(key, {})} for key, default in ASKED.items()}
        if "evolution" in there:  # the file defines the initial state and the drive
            asked["evolution"] = {"times": ASKED["evolution"]["times"], **there["evolution"]}
        half = study.model.max_charge // 2
        named = {"charge": half} if study.model.keeps_charge else {"parity": parity_of(half)}
        first = {"sector": named, "solver": {"tolerance": TOLERANCE}}
        screen = cls({**first, **kept, **asked}, study.name, study.model if study.is_own else None)
        if direction := _direction(screen.value("flux.values")):
            screen = screen.changed("flux.along", direction)
        for path, more in GRIDS.items():
            screen = screen.changed(path, _grid(screen.value(path), more))
        return screen

    def value(self, path: str, default: Any = None) -> Any:
        """Return the value of a dotted key."""
        found: Any = self.tables
        for key in keys_of(path):
            if not isinstance(found, Mapping) or key not in found:
                return default
            found = found[key]
        return found

    def changed(self, path: str, value: Any) -> Screen:
        """Return a screen with another value of a dotted key; None removes the key or table.

        If the parity of the charge changes, N_up - N_dn is set to its smallest value. A coupling that breaks the
        conservation of N or S_z replaces N by its parity, or removes S_z.
        """
        found = replace(self, tables=_changed(self.tables, keys_of(path), value))
        breaks = COUPLINGS[path].breaks if path in COUPLINGS and value else ""
        charge = found.value("sector.charge")
        if breaks == "spin":
            return found.changed("sector.two_sz", None)
        if breaks == "charge" and isinstance(charge, int):
            return found.changed("sector.parity", parity_of(charge)).changed("sector.charge", None)
        if path == "sector.charge" and value is not None:
            found = replace(found, tables=_changed(found.tables, ["sector", "parity"], None))
        spin = found.value("sector.two_sz")
        odd = path == "sector.charge" and isinstance(value, int) and isinstance(spin, int) and (value - spin) % 2
        return found.changed("sector.two_sz", None) if odd else found

    def text(self, asked: Iterable[str] = ()) -> str:
        """Return the model file, with the named tables of `ASKED`."""
        return toml_text(self.asked(asked), self.name)

    def key(self, asked: Iterable[str] = ()) -> tuple[str, int]:
        """Return a key that identifies the screen."""
        return self.text(asked), id(self.base)

    def asked(self, asked: Iterable[str]) -> dict[str, Any]:
        """Return the tables of the model file, with the named ones of `ASKED`."""
        wanted = set(asked)
        there = {key: value for key, value in self.tables.items() if key not in ASKED or key in wanted}
        if "evolution" in there and "phonons" in there:  # observables given by a file take precedence
            seen = [name for species, names in MOVING.items() if species in there for name in names]
            there["evolution"] = {"observables": seen, **there["evolution"]}
        return there | ({"flux": self._threaded(there["flux"])} if "flux" in there else {})

    @property
    def fluxes(self) -> int:
        """Number of components of a flux on the cluster; one if the cluster is invalid."""
        if self.base is not None:
            return self.base.cluster.fluxes
        keys = dict(self.tables.get("cluster", {}))
        try:
            return KINDS[keys.pop("kind")](**keys).fluxes
        except (KeyError, TypeError, ValueError):
            return 1

    def _threaded(self, flux: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table of the flux panel in the form of model files, with flux vectors on lattices."""
        kept, grid, number = dict(flux), flux.get("values"), self.fluxes
        kept.pop("along", None)
        if number == 1 or not isinstance(grid, Mapping):
            return kept
        along = flux.get("along")
        along = along if isinstance(along, list) and len(along) == number else [1.0] + [0.0] * (number - 1)
        try:
            phi = np.linspace(grid["start"], grid["stop"], grid["count"])
        except (KeyError, TypeError, ValueError):
            return kept
        return kept | {"values": np.outer(phi, along).round(12).tolist()}

    def study(self, asked: Iterable[str] = ()) -> Study:
        """Return the checked model file.

        Raises
        ------
        InvalidModel
            If the file is wrong; the message lists all problems.
        """
        named = {"name": self.name} if self.name else {}
        return studied(plain({"schema": 1, **named, **self.asked(asked)}), FILE, base=self.base)

    def capped(self, quanta: int = CHECKED_CAP) -> Screen:
        """Return the screen with a number in place of an automatic cutoff."""
        if self.value("phonons.cutoff") is None:
            return self
        screen = self
        for key in ("cutoff", "accuracy"):
            screen = screen.changed(f"phonons.{key}", None)
        return screen.changed("phonons.total_quanta", quanta)

    def fixed(self, phonons: Phonons) -> Screen:
        """Return the screen with the frame and the cutoff chosen by a solver."""
        screen = self.capped(phonons.total_quanta or 0)
        for key in ("frame", "dressing"):
            screen = screen.changed(f"phonons.{key}", getattr(phonons, key))
        return screen

    def sampled(self) -> Screen:
        """Return the screen with few random vectors for thermal sums, unless it contains settings of its own."""
        if any(self.value(f"thermal.{key}") is not None for key in ("method", "samples", "steps", "target_error")):
            return self
        screen = self
        for key, value in SAMPLED.items():
            screen = screen.changed(f"thermal.{key}", value)
        return screen

    def checked(self, asked: Iterable[str]) -> Study:
        """Return the study of the ground level, after a check of all other tables with any cutoff.

        Raises
        ------
        InvalidModel
            If the screen is wrong; the message lists all problems.
        """
        study = self.study(["ground_state"])
        self.capped().study(asked)
        return study

    def on_cluster(self, kind: str) -> Screen:
        """Return the screen on a cluster of another kind; values that do not fit are removed or made uniform."""
        cluster = KINDS[kind](**SHAPES[kind])
        screen = self.changed("cluster", {"kind": kind, **SHAPES[kind]})
        for path in UNFIT:
            screen = screen.changed(path, None)
        screen = screen.changed("bosons.on", None).changed("phonons.on", None)
        screen = screen.changed("field.magnetic_flux", None).changed("flux.along", None)
        if not cluster.is_ring or isinstance(screen.value("field.flux"), list):
            screen = screen.changed("field", None)
        for species in ("electrons", "bosons", "phonons"):
            for key, value in screen.tables.get(species, {}).items():
                if key != "frame" and isinstance(value, Mapping | list):
                    screen = screen.changed(f"{species}.{key}", _first(value))
        if isinstance(screen.value("phonons.frame"), list):
            screen = screen.changed("phonons.frame", "mean")
        return screen.with_charge(_most(screen, cluster))

    def with_charge(self, most: int) -> Screen:
        """Return the screen with a charge of at most `most`, and the smallest spin if the charge changes."""
        charge = self.value("sector.charge")
        if self.value("sector.parity") is not None or (isinstance(charge, int) and charge <= most):
            return self
        return self.changed("sector.charge", most // 2).changed("sector.two_sz", None)


def keys_of(path: str) -> list[str]:
    """Return the parts of a dotted key; a quoted part may contain dots.

    Examples
    --------
    >>> keys_of('sweep."field.flux".count')
    ['sweep', 'field.flux', 'count']
    """
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', path)]


def value_of(text: str) -> Any:
    """Return the value of the text of a field, read as TOML or as an arithmetic expression.

    Other text is returned as a string and rejected by the later checks.

    Examples
    --------
    >>> value_of("1.5"), value_of("{ ring = 1.0, centre = 0.35 }"), value_of("much"), value_of("pi/2")
    (1.5, {'ring': 1.0, 'centre': 0.35}, 'much', 1.5707963267948966)
    """
    try:
        found = tomllib.loads(f"value = {text.strip()}")
        json.dumps(found)
    except (tomllib.TOMLDecodeError, TypeError, RecursionError):
        try:
            return evaluated(text.strip())
        except ValueError:
            return text.strip()
    return found["value"] if len(found) == 1 else text.strip()


def shown(value: Any) -> str:
    """Return a value as the text of a field.

    Examples
    --------
    >>> shown(0.1 + 0.2), shown({"ligand": 1.5}), shown(None), shown("much")
    ('0.3', '{ ligand = 1.5 }', '', 'much')
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float):
        return f"{value:.10g}" if value % 1 else f"{value:.1f}"
    return inline(value)


def _changed(tables: Mapping[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    first, *rest = keys
    if rest:
        inner = tables.get(first)
        if value is None and not isinstance(inner, Mapping):
            return dict(tables)
        value = _changed(inner if isinstance(inner, Mapping) else {}, rest, value)
    if value is None:
        return {key: item for key, item in tables.items() if key != first}
    return {**tables, first: value}


def _direction(values: Any) -> list[float] | None:
    """Return the direction of the longest flux vector, with largest component 1; None for plain numbers."""
    if not isinstance(values, list | tuple) or np.ndim(values) != 2:
        return None
    longest = max(np.array(values, float), key=np.linalg.norm)
    largest = float(np.max(np.abs(longest)))
    return list(longest / largest) if largest else [1.0] + [0.0] * (len(longest) - 1)


def _grid(values: Any, more: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(values, Mapping):
        return values
    if direction := _direction(values):
        values = np.array(values) @ np.array(direction) / np.dot(direction, direction)
    low, high = float(min(values)), float(max(values))
    return {"start": low, "stop": high, "count": max(len(values), FEWEST), **more}


def _first(value: Any) -> Any:
    """Return one number in place of a table or list that does not fit any more."""
    numbers = list(value.values()) if isinstance(value, Mapping) else value
    return numbers[0] if numbers else 0.0


def _most(screen: Screen, cluster: Cluster) -> int:
    return sum(2 * cluster.sites for species in ("electrons", "bosons") if species in screen.tables)
