"""What is on the screen: the tables of a model file, changed value by value and checked as a model file is."""

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
"""Stands for an automatic cutoff where only the rest of a screen is checked."""
FILE = "explorer.toml"
"""The name of a model file that was never read."""
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
"""What the panels ask for, unless a model file says otherwise."""
MOVING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "electrons": ("electron_density",),
        "bosons": ("boson_density",),
        "phonons": ("displacement", "displacement_distribution"),
    }
)
"""What is measured of a lattice in motion with its charges, by species."""
GRIDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"spectrum.frequencies": {}, "flux.values": {}, "evolution.times": {}, "thermal.temperatures": {"spacing": "log"}}
)
"""Lists that the screen holds as grids."""
SAMPLED: Mapping[str, Any] = MappingProxyType({"method": "ftlm", "samples": 8, "steps": 40})
"""How large blocks are summed over, unless a model file says otherwise: error bars that can be seen, soon."""
FEWEST = 4
TOLERANCE = 1e-8
"""Residual of the levels, unless a model file says otherwise: energies are good to its square."""
UNPICKED = ("custom", "lattice", "infinite-chain", "infinite-square", "infinite-triangular")
"""Kinds of clusters that the screen does not offer."""
ARGUMENTS: Mapping[str, Mapping[str, Argument]] = MappingProxyType(
    {kind: arguments(function) for kind, function in KINDS.items() if kind not in UNPICKED}
)
"""The arguments of the clusters that can be picked."""
SHAPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {kind: {name: about.first for name, about in own.items() if about.first} for kind, own in ARGUMENTS.items()}
)
"""The clusters that can be picked, and their size at first."""


UNFIT = ("sector.two_sz", "sector.momentum", "sector.reflection", "sector.irrep", "spectrum.site", "spectrum.momentum")
"""What another cluster may not have."""


@dataclass(frozen=True)
class Screen:
    """The tables of a model file, right or wrong.

    Attributes
    ----------
    tables : mapping
        What stands in them, as TOML has it; `ASKED` where a file leaves it open.
    name : str
        Title.
    base : Model or None
        A model with terms, or a cluster, of one's own, which no table describes.

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
        """Show a model file; charges to scan and other questions that no panel asks are left out."""
        there = {key: value for key, value in study.tables.items() if isinstance(value, Mapping)}
        if "phonons" in there:
            there["phonons"] = {OLDER_NAMES.get(key, key): value for key, value in there["phonons"].items()}
        kept = {key: dict(value) for key, value in there.items() if key not in TASKS}
        asked = {key: {**default, **there.get(key, {})} for key, default in ASKED.items()}
        if "evolution" in there:  # what sets it in motion is its own
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
        """Return what stands at a dotted path."""
        found: Any = self.tables
        for key in keys_of(path):
            if not isinstance(found, Mapping) or key not in found:
                return default
            found = found[key]
        return found

    def changed(self, path: str, value: Any) -> Screen:
        """Return a screen with another value at a dotted path; None takes the key, or a whole table, away.

        A new charge takes N_up - N_dn along, to its smallest value, where that has the other parity. A coupling that
        gives up N or S_z leaves the parity of N, or all S_z.
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
        """Return the model file with those of the tables in `ASKED` that are named."""
        return toml_text(self.asked(asked), self.name)

    def key(self, asked: Iterable[str] = ()) -> tuple[str, int]:
        """Return what tells this screen from others."""
        return self.text(asked), id(self.base)

    def asked(self, asked: Iterable[str]) -> dict[str, Any]:
        """Return the tables of the model file with those in `ASKED` that are named."""
        wanted = set(asked)
        there = {key: value for key, value in self.tables.items() if key not in ASKED or key in wanted}
        if "evolution" in there and "phonons" in there:  # what a file says of observables comes first
            seen = [name for species, names in MOVING.items() if species in there for name in names]
            there["evolution"] = {"observables": seen, **there["evolution"]}
        return there | ({"flux": self._threaded(there["flux"])} if "flux" in there else {})

    @property
    def fluxes(self) -> int:
        """How many numbers a flux has on the cluster; one where the cluster is wrong."""
        if self.base is not None:
            return self.base.cluster.fluxes
        keys = dict(self.tables.get("cluster", {}))
        try:
            return KINDS[keys.pop("kind")](**keys).fluxes
        except (KeyError, TypeError, ValueError):
            return 1

    def _threaded(self, flux: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table of the flux panel as model files have it: on lattices with vectors along a direction."""
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
            With everything that is wrong.
        """
        named = {"name": self.name} if self.name else {}
        return studied(plain({"schema": 1, **named, **self.asked(asked)}), FILE, base=self.base)

    def capped(self, quanta: int = CHECKED_CAP) -> Screen:
        """Return the screen with a number in the place of an automatic cutoff, or as it is."""
        if self.value("phonons.cutoff") is None:
            return self
        screen = self
        for key in ("cutoff", "accuracy"):
            screen = screen.changed(f"phonons.{key}", None)
        return screen.changed("phonons.total_quanta", quanta)

    def fixed(self, phonons: Phonons) -> Screen:
        """Return the screen with the frame and the cutoff that a solver has chosen."""
        screen = self.capped(phonons.total_quanta or 0)
        for key in ("frame", "dressing"):
            screen = screen.changed(f"phonons.{key}", getattr(phonons, key))
        return screen

    def sampled(self) -> Screen:
        """Return the screen with few random vectors for thermal sums, or as it is where it says how they are taken."""
        if any(self.value(f"thermal.{key}") is not None for key in ("method", "samples", "steps", "target_error")):
            return self
        screen = self
        for key, value in SAMPLED.items():
            screen = screen.changed(f"thermal.{key}", value)
        return screen

    def checked(self, asked: Iterable[str]) -> Study:
        """Return the study of the ground level, after what else is asked was checked, with any cutoff, as well.

        Raises
        ------
        InvalidModel
            With everything that is wrong.
        """
        study = self.study(["ground_state"])
        self.capped().study(asked)
        return study

    def on_cluster(self, kind: str) -> Screen:
        """Return the screen on a cluster of another kind, with what would not fit there left out or made one number."""
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
        """Return the screen with a charge of at most `most`, and the smallest spin if it had to change."""
        charge = self.value("sector.charge")
        if self.value("sector.parity") is not None or (isinstance(charge, int) and charge <= most):
            return self
        return self.changed("sector.charge", most // 2).changed("sector.two_sz", None)


def keys_of(path: str) -> list[str]:
    """Return the keys of a dotted path; one in quotes has dots of its own.

    Examples
    --------
    >>> keys_of('sweep."field.flux".count')
    ['sweep', 'field.flux', 'count']
    """
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', path)]


def value_of(text: str) -> Any:
    """Return what is written in a field, as TOML reads it, or as an expression of numbers.

    What neither can read stays text, and is refused later.

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
    """Return a value as it is written in a field.

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
    """Return the direction of the longest of some flux vectors, its largest number 1; nothing for plain numbers."""
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
    """Return the number that stands for all where a table or a list does not fit any more."""
    numbers = list(value.values()) if isinstance(value, Mapping) else value
    return numbers[0] if numbers else 0.0


def _most(screen: Screen, cluster: Cluster) -> int:
    return sum(2 * cluster.sites for species in ("electrons", "bosons") if species in screen.tables)
