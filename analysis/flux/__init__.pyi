"""Response of a level to a magnetic flux."""

from .minima import MOST_POINTS, POINTS, FluxCurve, criterion_of, minimum_of
from .response import SERIES, FluxLine, flux_response

__all__ = [
    "MOST_POINTS",
    "POINTS",
    "SERIES",
    "FluxCurve",
    "FluxLine",
    "criterion_of",
    "flux_response",
    "minimum_of",
]
