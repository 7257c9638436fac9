"""Motion: what is read off a state that moves."""

from .evolve import Question, evolved, names_of
from .initial import beginning, has_automatic_cutoff

__all__ = [
    "Question",
    "beginning",
    "evolved",
    "has_automatic_cutoff",
    "names_of",
]
