"""Analysis: what a physicist reads off a state. Every function returns labelled xarray objects."""

from .averages import expectation, transition
from .binding import charge_scan
from .catalogue import OBSERVABLES, Observable, available, observables
from .charge import boson_density, density_correlation, double_occupancy, electron_density, spin_correlation, spin_z
from .energy import energy_part
from .flux import flux_response
from .lattice import (
    boson_lattice,
    default_grid,
    displacement,
    displacement_distribution,
    displacement_squared,
    electron_lattice,
    quanta,
)
from .pairing import boson_correlation, condensate, pair_boson_correlation, pair_correlation, pair_exchange

__all__ = [
    "OBSERVABLES",
    "Observable",
    "available",
    "boson_correlation",
    "boson_density",
    "boson_lattice",
    "charge_scan",
    "condensate",
    "default_grid",
    "density_correlation",
    "displacement",
    "displacement_distribution",
    "displacement_squared",
    "double_occupancy",
    "electron_density",
    "electron_lattice",
    "energy_part",
    "expectation",
    "flux_response",
    "observables",
    "pair_boson_correlation",
    "pair_correlation",
    "pair_exchange",
    "quanta",
    "spin_correlation",
    "spin_z",
    "transition",
]
