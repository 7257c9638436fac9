"""Thermal states: averages, spectra, flux response and the two temperatures of pairing."""

from .averages import thermal_averages
from .block_files import remove_blocks
from .blocks import check_largest
from .crossover import BROADENING, CURVES, ESTIMATORS, Estimator, temperature_problems
from .cutoff import likely_caps
from .ensembles import METHODS, SUSCEPTIBLE, Ensemble, Sampling, thermal_problems
from .estimate import estimate_thermal
from .flux import thermal_flux_response
from .spectra import thermal_spectral_function
from .static import susceptibility_problems, thermal_susceptibilities

__all__ = [
    "BROADENING",
    "CURVES",
    "ESTIMATORS",
    "METHODS",
    "SUSCEPTIBLE",
    "Ensemble",
    "Estimator",
    "Sampling",
    "check_largest",
    "estimate_thermal",
    "likely_caps",
    "remove_blocks",
    "susceptibility_problems",
    "temperature_problems",
    "thermal_averages",
    "thermal_flux_response",
    "thermal_problems",
    "thermal_spectral_function",
    "thermal_susceptibilities",
]
