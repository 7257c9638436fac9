"""Controls: the values of the screen that can be changed, their ranges and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..hamiltonians import Model
from ..hamiltonians.formula import CouplingField
from ..hamiltonians.parameters import COUPLINGS as TABLE
from ..hamiltonians.parameters import FIELDS as GLOBAL
from ..hamiltonians.parameters import SPECIES
from .screen import Screen

Labels = Callable[[Model], tuple[str, ...]]
"""Function of a model that returns the classes on which a coupling can depend."""


@dataclass(frozen=True)
class Control:
    """Control of a number on the screen.

    Attributes
    ----------
    path : str
        Dotted key in the model file.
    symbol, name : str
        Symbol as in the literature, and descriptive name.
    low, high, step : float
        Range and step of the slider; the field next to it accepts any value.
    default : float or None
        Value if omitted in the file; None if it depends on other keys.
    labels : function or None
        Function of a model that returns the classes on which the coupling can depend.
    part, parts : int
        Index in, and length of, a list of numbers such as a flux vector.
    """

    path: str
    symbol: str
    name: str
    low: float
    high: float
    step: float
    default: float | None = 0.0
    labels: Labels | None = None
    part: int = 0
    parts: int = 1

    def read(self, screen: Screen) -> Any:
        """Return the value on a screen."""
        value = screen.value(self.path, self.default)
        if self.parts == 1:
            return value
        return value[self.part] if isinstance(value, list) and len(value) == self.parts else self.default

    def write(self, screen: Screen, value: Any) -> Screen:
        """Return the screen with another value."""
        if self.parts == 1:
            return screen.changed(self.path, value)
        now = screen.value(self.path)
        numbers = list(now) if isinstance(now, list) and len(now) == self.parts else [self.default] * self.parts
        numbers[self.part] = self.default if value is None else value
        return screen.changed(self.path, numbers)

    @property
    def is_whole(self) -> bool:
        """True for integers."""
        return isinstance(self.step, int)


def _labels(model: Model, place: str) -> tuple[str, ...]:
    """Return the classes of the sites or bonds of a coupling."""
    if place == "bond":
        return model.cluster.bond_classes
    classes: Mapping[str, Iterable[str]] = {
        "site": model.cluster.classes,
        "boson site": (model.cluster.classes[i] for i in model.boson_sites),
        "mode": (mode.label for mode in model.modes),
    }
    return tuple(dict.fromkeys(classes.get(place, ())))


def _control(coupling: CouplingField) -> Control:
    low, high, step, default = coupling.low, coupling.high, coupling.step, coupling.default
    labels = partial(_labels, place=coupling.place)
    return Control(coupling.key, coupling.text, coupling.name, low, high, step, default, labels)


COUPLINGS = tuple(map(_control, TABLE.values()))
"""The couplings of each species."""
FIELDS = tuple(map(_control, GLOBAL.values()))
"""External fields."""
CUTOFF = (
    Control("phonons.accuracy", "ΔE", "requested error bar", 1e-10, 1e-2, 0.0, 1e-4),
    Control("phonons.max_quanta", "n", "quanta in a mode", 0, 60, 1, None),
    Control("phonons.total_quanta", "n_tot", "quanta in all modes", 0, 40, 1, None),
)
"""The phonon cutoff."""
SECTOR = (
    Control("sector.charge", "N", "charge, N_e + 2 N_b", 0, 16, 1),
    Control("sector.two_sz", "2S_z", "N↑ − N↓", -8, 8, 1, None),
)
"""The conserved quantities."""
ASKS = {
    "spectrum": (
        Control("spectrum.broadening", "η", "half width of the lines", 0.02, 1.0, 0.01, 0.1),
        Control("spectrum.frequencies.start", "ω from", "lowest frequency", -20.0, 20.0, 0.5),
        Control("spectrum.frequencies.stop", "ω to", "highest frequency", -20.0, 20.0, 0.5),
    ),
    "flux": (Control("flux.values.count", "points", "values of the flux from 0 to π", 2, 61, 1),),
    "motion": (
        Control("evolution.times.stop", "t to", "last time", 1.0, 100.0, 1.0),
        Control("evolution.kick.strength", "s", "strength of the kick exp(-i s O)", -3.0, 3.0, 0.05),
        Control("evolution.kick.site", "site", "site of the kick", 0, 15, 1),
    ),
    "temperature": (
        Control("thermal.temperatures.start", "T", "lowest temperature", 0.01, 2.0, 0.01),
        Control("thermal.temperatures.stop", "T_high", "highest temperature", 0.5, 10.0, 0.1),
        Control("spectrum.broadening", "η", "half width of the lines", 0.02, 1.0, 0.01, 0.1),
    ),
}
"""Controls of the panels in addition to those of the model."""


def couplings(screen: Screen, model: Model, species: str) -> Iterator[Control]:
    """Yield the controls of the couplings of a species, one for each class if a coupling is a table of classes.

    Examples
    --------
    >>> from respair import Electrons, ladder
    >>> screen = Screen({"electrons": {"hopping": {"leg": 1.0}}})
    >>> [c.path for c in couplings(screen, Model(ladder(2), Electrons({"leg": 1.0})), "electrons")][:3]
    ['electrons.hopping.leg', 'electrons.hopping.rung', 'electrons.level']
    """
    for control in COUPLINGS:
        if not control.path.startswith(f"{species}.") or not fits(control, model):
            continue
        value = screen.value(control.path)
        labels = control.labels(model) if control.labels and isinstance(value, Mapping) else ()
        if labels:
            yield from (
                replace(control, path=f"{control.path}.{each}", symbol=f"{control.symbol}, {each}", default=0.0)
                for each in labels
            )
        else:
            yield control


def fits(control: Control, model: Model) -> bool:
    """Return True if a coupling can be nonzero in a model."""
    if control.path == "field.flux":
        return model.cluster.has_loop
    if control.path == "field.magnetic_flux":
        return len(model.cluster.cell) > 1 and model.cluster.coordinates.shape[1] == len(model.cluster.cell)
    if control.path == "bosons.interaction":
        return model.bosons is not None and model.bosons.max_occupation > 1
    coupling = TABLE.get(control.path)
    return coupling is None or not any(_lacks(model, need) for need in (*coupling.needs, coupling.place))


def fields(model: Model) -> Iterator[Control]:
    """Yield the controls of the external fields, one for each component of a flux vector.

    Examples
    --------
    >>> from respair import Electrons, square
    >>> [c.symbol for c in fields(Model(square(size=[2, 2]), Electrons(1.0)))]
    ['φ_1', 'φ_2', 'n_φ', 'μ']
    """
    cluster = model.cluster
    for control in FIELDS:
        parts = {"field.flux": cluster.fluxes, "field.magnetic_flux": 3 if len(cluster.cell) == 3 else 1}
        number = parts.get(control.path, 1)
        if fits(control, model):
            yield from (
                replace(control, symbol=f"{control.symbol}_{part + 1}", part=part, parts=number)
                if number > 1
                else control
                for part in range(number)
            )


def _lacks(model: Model, need: str) -> bool:
    if need in SPECIES:
        return getattr(model, need) is None
    if need == "modes on sites":
        return bool(model.modes) and model.modes[0].host == "bond"
    return "bond" in need and not model.cluster.bonds


def with_species(screen: Screen, species: str, wanted: bool) -> Screen:
    """Return the screen with a species added, with initial couplings, or removed with all couplings that need it."""
    if not wanted:
        for path in (species, *(key for key, coupling in TABLE.items() if species in coupling.needs)):
            screen = screen.changed(path, None)
        return screen
    first: Mapping[str, Mapping[str, Any]] = {
        "electrons": {"hopping": 1.0},
        "bosons": {"level": 0.0, "exchange": 0.5} if "electrons" in screen.tables else {"level": 0.0, "hopping": 1.0},
        "phonons": {"frequency": 1.0, "cutoff": "auto", "accuracy": 1e-4, "frame": "mean"},
    }
    return screen.changed(species, first[species])


def with_cutoff(screen: Screen, automatic: bool) -> Screen:
    """Return the screen with an automatic or a numerical phonon cutoff."""
    for key in ("cutoff", "accuracy", "max_quanta", "total_quanta"):
        screen = screen.changed(f"phonons.{key}", None)
    if automatic:
        return screen.changed("phonons.cutoff", "auto").changed("phonons.accuracy", 1e-4)
    return screen.changed("phonons.total_quanta", 8)
