"""What ends a growth, and what is said of it."""

from __future__ import annotations

ACCURACY, MAX_STATES, DISTANCE, CONTINUUM, PAUSE = "accuracy", "max_states", "distance", "continuum", "pause"
"""What ends or interrupts a growth."""
REMARKS = {
    "max_states": "The accuracy of {:.1e} was not reached: the space ends at solver.max_states or the memory limit.",
    "distance": "The accuracy of {:.1e} was not reached: the particles are farther apart than is followed.",
    "continuum": "The accuracy of {:.1e} was not reached: a level lies within its error bar of a continuum; particles "
    "or phonons that are not bound, or hardly, want to be farther apart than any space allows.",
}
"""What is said of a growth that ended before the accuracy."""


def remark(ending: str, accuracy: float) -> str:
    """Return why an accuracy was not reached, empty where it was."""
    return REMARKS.get(ending, "").format(accuracy)
