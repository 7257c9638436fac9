"""Analysis: what a physicist reads off a state. Every function returns labelled xarray objects."""

from .approximations import STANDARD, Approximation, compare, comparison_map
from .averages import expectation, transition
from .binding import charge_scan
from .catalogue import OBSERVABLES, Observable, available, observables
from .charge import boson_density, density_correlation, double_occupancy, electron_density, spin_correlation, spin_z
from .condensation import condensate_against_size
from .conductivity import optical_conductivity
from .correction_vectors import correction_vectors
from .crossover import crossover_temperatures
from .cuts import Cut, lattice_cut, site_cut
from .directions import distances
from .energy import energy_part
from .ensembles import Ensemble, Sampling
from .flux import flux_response
from .flux_minima import flux_minimum, half_flux_quantum
from .lattice import (
    boson_lattice,
    default_grid,
    displacement,
    displacement_distribution,
    displacement_squared,
    electron_lattice,
    quanta,
)
from .lattice_response import lattice_response
from .lattice_shape import joint_distribution, lattice_correlation, lattice_shape
from .local_modes import CONDITIONS
from .natural import natural_orbitals
from .pair_density import FORMS, PairOperators, pair_densities, pair_density, pair_operators
from .pairing import boson_correlation, condensate, pair_boson_correlation, pair_correlation, pair_exchange
from .parameter_response import fidelity_susceptibility
from .phase import amplitude_and_phase, coherence, pair_rings
from .probes import Probe, probe
from .resonance_search import BracketError, resonance
from .schmidt import entanglement
from .spectra import spectral_function
from .spectral_maps import spectral_map
from .spectral_measures import effective_frequency, gap_measures, quasi_particles, weight_transfer
from .thermal import thermal_averages
from .thermal_flux import thermal_flux_response
from .thermal_spectra import thermal_spectral_function

__all__ = [
    "CONDITIONS",
    "FORMS",
    "OBSERVABLES",
    "STANDARD",
    "Approximation",
    "BracketError",
    "Cut",
    "Ensemble",
    "Observable",
    "PairOperators",
    "Probe",
    "Sampling",
    "amplitude_and_phase",
    "available",
    "boson_correlation",
    "boson_density",
    "boson_lattice",
    "charge_scan",
    "coherence",
    "compare",
    "comparison_map",
    "condensate",
    "condensate_against_size",
    "correction_vectors",
    "crossover_temperatures",
    "default_grid",
    "density_correlation",
    "displacement",
    "displacement_distribution",
    "displacement_squared",
    "distances",
    "double_occupancy",
    "effective_frequency",
    "electron_density",
    "electron_lattice",
    "energy_part",
    "entanglement",
    "expectation",
    "fidelity_susceptibility",
    "flux_minimum",
    "flux_response",
    "gap_measures",
    "half_flux_quantum",
    "joint_distribution",
    "lattice_correlation",
    "lattice_cut",
    "lattice_response",
    "lattice_shape",
    "natural_orbitals",
    "observables",
    "optical_conductivity",
    "pair_boson_correlation",
    "pair_correlation",
    "pair_densities",
    "pair_density",
    "pair_exchange",
    "pair_operators",
    "pair_rings",
    "probe",
    "quanta",
    "quasi_particles",
    "resonance",
    "site_cut",
    "spectral_function",
    "spectral_map",
    "spin_correlation",
    "spin_z",
    "thermal_averages",
    "thermal_flux_response",
    "thermal_spectral_function",
    "transition",
    "weight_transfer",
]
