"""Motion: what is read off a state that moves."""

from .evolve import evolved, names_of
from .initial import beginning, has_automatic_cutoff
from .question import Question
from .thermal_start import is_sampled, states_of

__all__ = [
    "Question",
    "beginning",
    "evolved",
    "has_automatic_cutoff",
    "is_sampled",
    "names_of",
    "states_of",
]
