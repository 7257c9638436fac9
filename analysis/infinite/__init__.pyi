from .bands import binding_boundary, condensation_temperature, infinite_band, pair_binding
from .cloud import phonon_cloud
from .mass import effective_mass
from .sizes import rings_against_infinite
from .spectra import infinite_spectrum

__all__ = [
    "binding_boundary",
    "condensation_temperature",
    "effective_mass",
    "infinite_band",
    "infinite_spectrum",
    "pair_binding",
    "phonon_cloud",
    "rings_against_infinite",
]
