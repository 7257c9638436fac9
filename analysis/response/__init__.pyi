"""Response of a level to a parameter: derivatives, perturbation theory, resonances."""

from .resonance import COUNTED, CRITERIA, counted_sites

__all__ = [
    "COUNTED",
    "CRITERIA",
    "counted_sites",
]
