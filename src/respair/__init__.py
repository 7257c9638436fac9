"""respair: exact diagonalization of resonant pairing on small clusters of electrons, local pairs and phonons.

Energies are in the user's unit, hbar = k_B = 1. Names are loaded when they are first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .analysis import (
        Approximation,
        Ensemble,
        Sampling,
        charge_scan,
        compare,
        comparison_map,
        condensate_against_size,
        crossover_temperatures,
        entanglement,
        expectation,
        fidelity_susceptibility,
        flux_minimum,
        flux_response,
        half_flux_quantum,
        observables,
        optical_conductivity,
        pair_densities,
        probe,
        resonance,
        spectral_function,
        spectral_map,
        thermal_averages,
        thermal_flux_response,
        thermal_spectral_function,
        transition,
    )
    from .clusters import Cluster, chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
    from .hamiltonians import (
        Bosons,
        Electrons,
        Hamiltonian,
        InvalidModel,
        Model,
        Operator,
        Phonons,
        Sector,
        with_parameter,
    )
    from .solvers import ConvergenceError, Eigenstates, Options, State, estimate, ground_state
    from .studies import build_dataset, read, read_dataset, run, study, verify_dataset, watching

# OpenMP's threads would otherwise spin while they wait, up to ten times slower where cores are shared; read once, when
# the first library with OpenMP is loaded, and left alone where the user has set it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__version__: str

_HOMES = {
    "analysis": (
        "Approximation",
        "Ensemble",
        "Sampling",
        "charge_scan",
        "compare",
        "comparison_map",
        "condensate_against_size",
        "crossover_temperatures",
        "entanglement",
        "expectation",
        "fidelity_susceptibility",
        "flux_minimum",
        "flux_response",
        "half_flux_quantum",
        "observables",
        "optical_conductivity",
        "pair_densities",
        "probe",
        "resonance",
        "spectral_function",
        "spectral_map",
        "thermal_averages",
        "thermal_flux_response",
        "thermal_spectral_function",
        "transition",
    ),
    "clusters": ("Cluster", "chain", "custom", "dimer", "ladder", "ligand_centre", "plaquette", "ring", "site"),
    "hamiltonians": (
        "Bosons",
        "Electrons",
        "Hamiltonian",
        "InvalidModel",
        "Model",
        "Operator",
        "Phonons",
        "Sector",
        "with_parameter",
    ),
    "solvers": ("ConvergenceError", "Eigenstates", "Options", "State", "estimate", "ground_state"),
    "studies": ("build_dataset", "read", "read_dataset", "run", "study", "verify_dataset", "watching"),
}
_ROOM_OF = {name: room for room, names in _HOMES.items() for name in names}

__all__ = [
    "Approximation",
    "Bosons",
    "Cluster",
    "ConvergenceError",
    "Eigenstates",
    "Electrons",
    "Ensemble",
    "Hamiltonian",
    "InvalidModel",
    "Model",
    "Operator",
    "Options",
    "Phonons",
    "Sampling",
    "Sector",
    "State",
    "build_dataset",
    "chain",
    "charge_scan",
    "compare",
    "comparison_map",
    "condensate_against_size",
    "crossover_temperatures",
    "custom",
    "dimer",
    "entanglement",
    "estimate",
    "expectation",
    "fidelity_susceptibility",
    "flux_minimum",
    "flux_response",
    "ground_state",
    "half_flux_quantum",
    "ladder",
    "ligand_centre",
    "observables",
    "optical_conductivity",
    "pair_densities",
    "plaquette",
    "probe",
    "read",
    "read_dataset",
    "resonance",
    "ring",
    "run",
    "site",
    "spectral_function",
    "spectral_map",
    "study",
    "thermal_averages",
    "thermal_flux_response",
    "thermal_spectral_function",
    "transition",
    "verify_dataset",
    "watching",
    "with_parameter",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'respair' has no attribute {name!r}")
    return getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # slow, and seldom wanted

    try:
        return version("respair")
    except PackageNotFoundError:
        return "unknown"


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", *_HOMES])
