from .bands import band, binding, binding_boundary, condensation_temperature
from .cloud import cloud
from .mass import effective_mass
from .spectra import infinite_spectrum

__all__ = [
    "band",
    "binding",
    "binding_boundary",
    "cloud",
    "condensation_temperature",
    "effective_mass",
    "infinite_spectrum",
]
