"""The panels: the tables that each computes, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..hamiltonians import Model
from .error_figures import APPROXIMATIONS
from .figures import (
    ENTROPY,
    LATTICE,
    LEVELS,
    MOVING_CHARGES,
    MOVING_DISTRIBUTION,
    MOVING_LATTICE,
    OCCUPATIONS,
    PAIRING,
    PAIRS,
    PSEUDOGAP,
    RETURNING,
    SPECTRUM,
    STATE,
    WARM,
    Drawing,
)
from .flux_figures import CURRENT, ENERGY, ZONES
from .lattice_figures import LATTICE_STATES
from .playing import PLAYED
from .sweep_figures import SWEPT


def _nothing(model: Model) -> str:
    return ""


def _loop(model: Model) -> str:
    return "" if model.cluster.has_loop else "This cluster has no loop for a flux; choose a ring of 3 or more sites."


def _plane(model: Model) -> str:
    cluster = model.cluster
    if len(cluster.cell) == cluster.coordinates.shape[1] == 2:
        return ""
    return "This cluster has no two-dimensional momenta; choose a square, triangular, honeycomb or kagome lattice."


def _oscillators(model: Model) -> str:
    return "" if model.modes else "This model has no phonons; switch them on under Phonons."


@dataclass(frozen=True)
class Panel:
    """A panel of figures.

    Attributes
    ----------
    title : str
        Title on the screen.
    asks : tuple of str
        Tables of the model file to compute.
    drawings : tuple of Drawing
        Figures of the panel.
    lacks : function
        Function of a model that returns why the panel does not apply; empty if it does.
    """

    title: str
    asks: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    lacks: Callable[[Model], str] = _nothing


FIRST = "state"
"""Panel of the ground level, on which the others build."""
PANELS: Mapping[str, Panel] = MappingProxyType(
    {
        "state": Panel("Ground state", ("ground_state",), (STATE, LEVELS, LATTICE, PAIRS)),
        "pairs": Panel("Pairs", ("pairing",), (PAIRING, OCCUPATIONS)),
        "lattice": Panel("Lattice", ("lattice",), LATTICE_STATES, _oscillators),
        "spectrum": Panel("Spectrum", ("spectrum",), (SPECTRUM,)),
        "zone": Panel("Momenta", ("ground_state",), ZONES, _plane),
        "flux": Panel("Flux", ("flux",), (ENERGY, CURRENT), _loop),
        "motion": Panel(
            "Motion", ("evolution",), (PLAYED, MOVING_CHARGES, MOVING_LATTICE, RETURNING, MOVING_DISTRIBUTION)
        ),
        "temperature": Panel("Temperature", ("thermal", "spectrum"), (WARM, PSEUDOGAP, ENTROPY)),
        "approximations": Panel("Approximations", ("ground_state", "compare"), (APPROXIMATIONS,)),
        "sweep": Panel("Sweep", ("ground_state", "sweep"), SWEPT),
    }
)
"""Panels by name."""
