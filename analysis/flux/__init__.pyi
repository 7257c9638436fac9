"""Response of a level to a magnetic flux."""

from .minima import MOST_POINTS, POINTS, FluxCurve, criterion_of, minimum_of
from .response import SERIES, FluxLine, flux_response
from .surface import FluxSurface, lowest_of
from .tensor import flux_tensor, twist_average

__all__ = [
    "MOST_POINTS",
    "POINTS",
    "SERIES",
    "FluxCurve",
    "FluxLine",
    "FluxSurface",
    "criterion_of",
    "flux_response",
    "flux_tensor",
    "lowest_of",
    "minimum_of",
    "twist_average",
]
