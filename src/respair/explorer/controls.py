"""The controls: which values of the screen can be moved, between which ends, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..hamiltonians import Model
from .screen import Screen

Labels = Callable[[Model], tuple[str, ...]]
"""The classes that a coupling can tell apart."""


@dataclass(frozen=True)
class Control:
    """A number on the screen.

    Attributes
    ----------
    path : str
        Where it stands in the model file.
    symbol, name : str
        As in the papers, and in words.
    low, high, step : float
        Ends of the slider, and its step; a field beside it takes any value.
    default : float or None
        What a file means that leaves it out; None where that hangs on other keys.
    labels : function or None
        The classes for which it can have values of its own.
    """

    path: str
    symbol: str
    name: str
    low: float
    high: float
    step: float
    default: float | None = 0.0
    labels: Labels | None = None

    @property
    def is_whole(self) -> bool:
        """True for numbers that have no decimals."""
        return isinstance(self.step, int)


def _bonds(model: Model) -> tuple[str, ...]:
    return model.cluster.bond_classes


def _sites(model: Model) -> tuple[str, ...]:
    return model.cluster.site_classes


def _boson_sites(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model.cluster.classes[i] for i in model.boson_sites))


def _modes(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mode.label for mode in model.modes))


COUPLINGS = (
    Control("electrons.hopping", "t", "hopping", 0.0, 2.0, 0.01, labels=_bonds),
    Control("electrons.level", "ε", "level", -4.0, 4.0, 0.05, labels=_sites),
    Control("electrons.hubbard_u", "U", "on-site repulsion", -8.0, 8.0, 0.1, labels=_sites),
    Control("electrons.repulsion", "V", "repulsion on bonds", -4.0, 4.0, 0.05, labels=_bonds),
    Control("bosons.level", "Δ_B", "level of the pairs", -4.0, 4.0, 0.05, labels=_boson_sites),
    Control("bosons.exchange", "v", "exchange of a pair", 0.0, 3.0, 0.02, labels=_boson_sites),
    Control("bosons.hopping", "t_b", "hopping of the pairs", 0.0, 1.0, 0.01, labels=_bonds),
    Control("phonons.frequency", "ω₀", "frequency", 0.05, 3.0, 0.05, 1.0, labels=_modes),
    Control("phonons.boson_coupling", "α", "coupling to pairs", 0.0, 3.0, 0.01, labels=_modes),
    Control("phonons.electron_coupling", "α_F", "coupling to electrons", 0.0, 3.0, 0.01, labels=_modes),
    Control("phonons.bond_coupling", "g", "coupling to hopping", 0.0, 1.0, 0.01),
)
"""The couplings of each species."""
FIELDS = (
    Control("field.flux", "φ", "flux, 2πΦ/(hc/e)", 0.0, float(np.round(2 * np.pi, 2)), 0.01),
    Control("ensemble.chemical_potential", "μ", "chemical potential", -4.0, 4.0, 0.05),
)
"""What acts from outside."""
CUTOFF = (
    Control("phonons.accuracy", "ΔE", "error bar wanted", 1e-10, 1e-2, 0.0, 1e-4),
    Control("phonons.max_quanta", "n", "quanta in a mode", 0, 60, 1, None),
    Control("phonons.total_quanta", "n_tot", "quanta in all modes", 0, 40, 1, None),
)
"""The phonon cutoff."""
SECTOR = (
    Control("sector.charge", "N", "charge, N_e + 2 N_b", 0, 16, 1),
    Control("sector.two_sz", "2S_z", "N↑ − N↓", -8, 8, 1, None),
)
"""The conserved numbers."""
ASKS = {
    "spectrum": (
        Control("spectrum.broadening", "η", "half width of a line", 0.02, 1.0, 0.01, 0.1),
        Control("spectrum.frequencies.start", "ω from", "lowest frequency", -20.0, 20.0, 0.5),
        Control("spectrum.frequencies.stop", "ω to", "highest frequency", -20.0, 20.0, 0.5),
    ),
    "flux": (Control("flux.values.count", "points", "values of the flux from 0 to π", 2, 61, 1),),
    "temperature": (
        Control("thermal.temperatures.start", "T", "lowest temperature", 0.01, 2.0, 0.01),
        Control("thermal.temperatures.stop", "T_high", "highest temperature", 0.5, 10.0, 0.1),
        Control("spectrum.broadening", "η", "half width of a line", 0.02, 1.0, 0.01, 0.1),
    ),
}
"""What a panel asks for beside the model."""


def couplings(screen: Screen, model: Model, species: str) -> Iterator[Control]:
    """Yield a control for each coupling of a species, and one for each class where it is a table of them.

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
    """Tell whether a coupling can be other than zero in a model."""
    on_bonds = bool(model.modes) and model.modes[0].host == "bond"
    needs: Mapping[str, bool] = {
        "electrons.hopping": bool(model.cluster.bonds),
        "electrons.repulsion": bool(model.cluster.bonds),
        "bosons.exchange": model.electrons is not None,
        "bosons.hopping": bool(model.cluster.bonds),
        "phonons.boson_coupling": model.bosons is not None and not on_bonds,
        "phonons.electron_coupling": model.electrons is not None and not on_bonds,
        "phonons.bond_coupling": model.electrons is not None and bool(model.cluster.bonds),
        "field.flux": model.cluster.has_loop,
    }
    return needs.get(control.path, True)


def with_species(screen: Screen, species: str, wanted: bool) -> Screen:
    """Return the screen with a species added, with couplings to begin with, or taken away with all that needs it."""
    if not wanted:
        gone: Mapping[str, tuple[str, ...]] = {
            "electrons": ("bosons.exchange", "phonons.electron_coupling", "phonons.bond_coupling"),
            "bosons": ("phonons.boson_coupling",),
        }
        for path in (species, *gone.get(species, ())):
            screen = screen.changed(path, None)
        return screen
    first: Mapping[str, Mapping[str, Any]] = {
        "electrons": {"hopping": 1.0},
        "bosons": {"level": 0.0, "exchange": 0.5} if "electrons" in screen.tables else {"level": 0.0, "hopping": 1.0},
        "phonons": {"frequency": 1.0, "cutoff": "auto", "accuracy": 1e-4, "displacement": "mean"},
    }
    return screen.changed(species, first[species])


def with_cutoff(screen: Screen, automatic: bool) -> Screen:
    """Return the screen with the cutoff left to the certificate, or with a number."""
    for key in ("cutoff", "accuracy", "max_quanta", "total_quanta"):
        screen = screen.changed(f"phonons.{key}", None)
    if automatic:
        return screen.changed("phonons.cutoff", "auto").changed("phonons.accuracy", 1e-4)
    return screen.changed("phonons.total_quanta", 8)
