"""Approximations with the face of the exact solvers, one idea a file, and their comparison with the exact answer."""

from .adiabatic import adiabatic, adiabatic_bound, coherent_product
from .atomic_limit import atomic_limit, site_model
from .atomic_spectra import side_bands, spectral_weights
from .base import Approximation, Where
from .comparison import BoundViolation, compare, comparison_map
from .conditions import knows
from .infinite_lattice import lang_firsov_band, momentum_average, strong_coupling, weak_coupling
from .lang_firsov import Dressing, effective_model, lang_firsov
from .mean_field import mean_field
from .mean_field_sites import mean_field_sites
from .pair_perturbation import pair_model, pair_perturbation
from .static_lattice import born_oppenheimer, static_model
from .table import STANDARD
from .user_files import PluginError, fingerprint, own_approximations, registry_of
from .variational_lang_firsov import lang_firsov_squeezed, lang_firsov_variational

__all__ = [
    "STANDARD",
    "Approximation",
    "BoundViolation",
    "Dressing",
    "PluginError",
    "Where",
    "adiabatic",
    "adiabatic_bound",
    "atomic_limit",
    "born_oppenheimer",
    "coherent_product",
    "compare",
    "comparison_map",
    "effective_model",
    "fingerprint",
    "knows",
    "lang_firsov",
    "lang_firsov_band",
    "lang_firsov_squeezed",
    "lang_firsov_variational",
    "mean_field",
    "mean_field_sites",
    "momentum_average",
    "own_approximations",
    "pair_model",
    "pair_perturbation",
    "registry_of",
    "side_bands",
    "site_model",
    "spectral_weights",
    "static_model",
    "strong_coupling",
    "weak_coupling",
]
