"""Analysis: what a physicist reads off a state. Every function returns labelled xarray objects."""

from .approximations import STANDARD, Approximation, compare, comparison_map
from .basis_table import basis_table
from .evolution.evolve import evolve
from .evolution.kicks import KICKS, Kick
from .evolution.pump_probe import pump_probe_conductivity
from .evolution.readings import motion_frequencies, time_greens_function
from .evolution.thermal_start import Thermal, thermal_state
from .evolution.time_resolved import time_resolved_spectrum
from .flux.minima import flux_minimum, half_flux_quantum
from .flux.response import flux_response
from .flux.tensor import flux_tensor, twist_average
from .infinite.bands import binding_boundary, condensation_temperature, infinite_band, pair_binding
from .infinite.cloud import phonon_cloud
from .infinite.mass import effective_mass
from .infinite.sizes import rings_against_infinite
from .infinite.spectra import infinite_spectrum
from .lattice.displacements import default_grid, displacement_distribution
from .lattice.local_states import CONDITIONS
from .lattice.natural_phonons import natural_phonons
from .lattice.response import lattice_response
from .lattice.shape import joint_distribution, lattice_correlation, lattice_shape
from .observables.averages import expectation, transition
from .observables.energy import energy_part
from .observables.formulas import Formula
from .observables.functions import (
    boson_correlation,
    boson_density,
    boson_lattice,
    condensate,
    density_correlation,
    displacement,
    displacement_squared,
    double_occupancy,
    electron_density,
    electron_lattice,
    pair_boson_correlation,
    pair_correlation,
    pair_exchange,
    quanta,
    spin_correlation,
    spin_z,
)
from .observables.structure import structure_factor
from .observables.table import OBSERVABLES, Derived, Observable, available, observables
from .overlaps import fidelity, matrix_element, overlap
from .pairing.binding import charge_scan
from .pairing.condensation import condensate_against_size
from .pairing.density_matrices import FORMS, PairOperators, pair_densities, pair_density, pair_operators
from .pairing.directions import distances
from .pairing.natural_orbitals import natural_orbitals
from .pairing.phase import amplitude_and_phase, coherence, pair_rings
from .reduced_states.cuts import Cut, lattice_cut, site_cut
from .reduced_states.density_matrices import one_body_density_matrix, reduced_density_matrix, two_body_density_matrix
from .reduced_states.schmidt import entanglement
from .response.parameters import fidelity_susceptibility
from .response.resonance import BracketError, resonance
from .spectra.conductivity import optical_conductivity
from .spectra.correction_vectors import correction_vectors
from .spectra.functions import spectral_function
from .spectra.greens_functions import greens_function, thermal_greens_function
from .spectra.maps import spectral_map
from .spectra.matsubara import matsubara_frequencies
from .spectra.measures import effective_frequency, gap_measures, quasi_particles, weight_transfer
from .spectra.probes import Probe, probe
from .spectra.susceptibilities import static_response, susceptibility, thermal_susceptibility
from .thermal.averages import thermal_averages
from .thermal.crossover import crossover_temperatures
from .thermal.ensembles import Ensemble, Sampling
from .thermal.flux import thermal_flux_response
from .thermal.spectra import thermal_spectral_function
from .thermal.static import thermal_susceptibilities

__all__ = [
    "CONDITIONS",
    "FORMS",
    "KICKS",
    "OBSERVABLES",
    "STANDARD",
    "Approximation",
    "BracketError",
    "Cut",
    "Derived",
    "Ensemble",
    "Formula",
    "Kick",
    "Observable",
    "PairOperators",
    "Probe",
    "Sampling",
    "Thermal",
    "amplitude_and_phase",
    "available",
    "basis_table",
    "binding_boundary",
    "boson_correlation",
    "boson_density",
    "boson_lattice",
    "charge_scan",
    "coherence",
    "compare",
    "comparison_map",
    "condensate",
    "condensate_against_size",
    "condensation_temperature",
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
    "effective_mass",
    "electron_density",
    "electron_lattice",
    "energy_part",
    "entanglement",
    "evolve",
    "expectation",
    "fidelity",
    "fidelity_susceptibility",
    "flux_minimum",
    "flux_response",
    "flux_tensor",
    "gap_measures",
    "greens_function",
    "half_flux_quantum",
    "infinite_band",
    "infinite_spectrum",
    "joint_distribution",
    "lattice_correlation",
    "lattice_cut",
    "lattice_response",
    "lattice_shape",
    "matrix_element",
    "matsubara_frequencies",
    "motion_frequencies",
    "natural_orbitals",
    "natural_phonons",
    "observables",
    "one_body_density_matrix",
    "optical_conductivity",
    "overlap",
    "pair_binding",
    "pair_boson_correlation",
    "pair_correlation",
    "pair_densities",
    "pair_density",
    "pair_exchange",
    "pair_operators",
    "pair_rings",
    "phonon_cloud",
    "probe",
    "pump_probe_conductivity",
    "quanta",
    "quasi_particles",
    "reduced_density_matrix",
    "resonance",
    "rings_against_infinite",
    "site_cut",
    "spectral_function",
    "spectral_map",
    "spin_correlation",
    "spin_z",
    "static_response",
    "structure_factor",
    "susceptibility",
    "thermal_averages",
    "thermal_flux_response",
    "thermal_greens_function",
    "thermal_spectral_function",
    "thermal_state",
    "thermal_susceptibilities",
    "thermal_susceptibility",
    "time_greens_function",
    "time_resolved_spectrum",
    "transition",
    "twist_average",
    "two_body_density_matrix",
    "weight_transfer",
]
