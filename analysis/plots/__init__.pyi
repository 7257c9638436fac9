"""Figures. Every function takes an axes (or makes one) and returns it; nothing here computes."""

from .coherence import plot_coherence, plot_flux_period, plot_gaps, plot_resonance_search
from .comparisons import (
    comparison_figures,
    comparison_variable,
    plot_best_map,
    plot_error_lines,
    plot_error_map,
    plot_errors,
)
from .crossover import plot_crossover, plot_crossovers
from .indicators import plot_amplitude_and_phase, plot_entanglement, plot_lattice, plot_pairing
from .labels import axis_label, literal, quantity_label
from .motion import plot_evolution, plot_motion, plot_probe_spectrum
from .natural_phonons import plot_natural_phonons
from .printing import STYLE, panel_letters, print_size, print_style
from .spectra import plot_lines, plot_spectral_map, plot_spectrum, plot_thermal_spectrum
from .states import (
    COLOURS,
    cell_edges,
    draw_cluster,
    new_axes,
    plot_charge_scan,
    plot_distribution,
    plot_flux,
    plot_levels,
    plot_resonance,
    plot_structure_factor,
    plot_structure_factors,
    plot_thermal,
    save,
)
from .sweeps import inner_dim, plot_family, plot_map, plot_sweep, slices
from .zones import draw_zone, first_zone, plot_correlation, plot_correlations

__all__ = [
    "COLOURS",
    "STYLE",
    "axis_label",
    "cell_edges",
    "comparison_figures",
    "comparison_variable",
    "draw_cluster",
    "draw_zone",
    "first_zone",
    "inner_dim",
    "literal",
    "new_axes",
    "panel_letters",
    "plot_amplitude_and_phase",
    "plot_best_map",
    "plot_charge_scan",
    "plot_coherence",
    "plot_correlation",
    "plot_correlations",
    "plot_crossover",
    "plot_crossovers",
    "plot_distribution",
    "plot_entanglement",
    "plot_error_lines",
    "plot_error_map",
    "plot_errors",
    "plot_evolution",
    "plot_family",
    "plot_flux",
    "plot_flux_period",
    "plot_gaps",
    "plot_lattice",
    "plot_levels",
    "plot_lines",
    "plot_map",
    "plot_motion",
    "plot_natural_phonons",
    "plot_pairing",
    "plot_probe_spectrum",
    "plot_resonance",
    "plot_resonance_search",
    "plot_spectral_map",
    "plot_spectrum",
    "plot_structure_factor",
    "plot_structure_factors",
    "plot_sweep",
    "plot_thermal",
    "plot_thermal_spectrum",
    "print_size",
    "print_style",
    "quantity_label",
    "save",
    "slices",
]
