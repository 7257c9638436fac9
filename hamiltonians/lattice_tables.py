"""Checks of the phonon parameters that are not couplings: cutoffs, frames and basis states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..clusters import Mode
from .branches import share_places
from .couplings import Spread, on_bonds
from .parameters import Phonons, Problem, is_coupling, is_number, show

MAX_QUANTA = 1000
FREE = ("none", "mean", "auto")
"""Frames that can be combined with optimal states."""
BASES = ("number", "optimal", "squeezed")
FRAMES = ("none", "mean", "lang-firsov", "auto")


def phonon_problems(phonons: Phonons, is_infinite: bool, frequency: Spread) -> Iterator[Problem]:
    """Yield the problems of frequencies and cutoffs."""
    if frequency.complaint is None and not np.all(frequency.values > 0):
        yield Problem("phonons.frequency", show(phonons.frequency), "allowed: above 0 for every mode")
    yield from _infinite_cutoff_problems(phonons) if is_infinite else _cutoff_problems(phonons)
    for key in ("max_quanta", "total_quanta"):
        cap = getattr(phonons, key)
        if cap is not None and (not isinstance(cap, int) or isinstance(cap, bool) or not 0 <= cap <= MAX_QUANTA):
            yield Problem(f"phonons.{key}", show(cap), f"allowed: whole numbers from 0 to {MAX_QUANTA}")


def _cutoff_problems(phonons: Phonons) -> Iterator[Problem]:
    caps = [key for key in ("max_quanta", "total_quanta") if getattr(phonons, key) is not None]
    if phonons.cutoff not in (None, "auto"):
        yield Problem("phonons.cutoff", show(phonons.cutoff), 'allowed: "auto", or leave it out and give max_quanta')
    elif phonons.cutoff == "auto" and caps:
        yield Problem("phonons.cutoff", show(phonons.cutoff), f'allowed: either "auto" or {" and ".join(caps)}')
    elif phonons.cutoff is None and not caps:
        allowed = 'give max_quanta, total_quanta or both: the phonon cutoff; or cutoff = "auto"'
        yield Problem("phonons.max_quanta", "nothing", allowed)
    yield from _accuracy_problems(phonons)


def _infinite_cutoff_problems(phonons: Phonons) -> Iterator[Problem]:
    """Yield cutoffs and frames that infinite lattices do not support."""
    caps = {key: getattr(phonons, key) for key in ("max_quanta", "total_quanta")}
    for key, value in {**caps, "dressing": phonons.dressing}.items():
        if value is not None:
            yield Problem(f"phonons.{key}", show(value), "leave it out: the space of an infinite lattice has no caps")
    if phonons.cutoff not in (None, "auto"):
        yield Problem("phonons.cutoff", show(phonons.cutoff), 'allowed: "auto", or leave it out')
    if not isinstance(phonons.frame, str) or phonons.frame in ("mean", "lang-firsov"):
        yield Problem("phonons.frame", show(phonons.frame), 'allowed on infinite lattices: "none", "auto"')
    if phonons.basis != "number":
        yield Problem("phonons.basis", show(phonons.basis), "leave it out: an infinite lattice chooses its own states")
    yield from _accuracy_problems(phonons)


def _accuracy_problems(phonons: Phonons) -> Iterator[Problem]:
    if not is_number(phonons.accuracy) or not phonons.accuracy > 0:
        yield Problem("phonons.accuracy", show(phonons.accuracy), "allowed: a number above 0")


def frame_problems(phonons: Phonons, modes: int) -> Iterator[Problem]:
    """Yield the problems of the frame and its dressing."""
    frame, f = phonons.frame, phonons.dressing
    allowed = 'allowed: "none", "mean", "lang-firsov", "auto", or a list of numbers <x>, one for each mode'
    if isinstance(frame, str):
        if frame not in FRAMES:
            yield Problem("phonons.frame", show(frame), allowed)
    elif not isinstance(frame, Sequence | np.ndarray) or len(frame) != modes or not all(is_coupling(x) for x in frame):
        yield Problem("phonons.frame", show(frame), f"{allowed} ({modes} of them)")
    if f is None:
        return
    if frame != "lang-firsov":
        yield Problem("phonons.dressing", show(f), 'leave it out, or take frame = "lang-firsov", whose strength it is')
    elif f != "optimal" and not (is_number(f) and 0.0 <= float(f) <= 1.0):
        yield Problem("phonons.dressing", show(f), 'allowed: numbers from 0 to 1, or "optimal"')


def basis_problems(phonons: Phonons, modes: Sequence[Mode]) -> Iterator[Problem]:
    """Yield the problems of the basis states of the oscillators."""
    basis = phonons.basis
    if isinstance(basis, str) and basis not in BASES:
        yield Problem("phonons.basis", show(basis), f"allowed: {', '.join(map(show, BASES))}")
    elif basis != "number" and on_bonds(modes):
        yield Problem("phonons.basis", show(basis), "allowed: number; states that follow charges need modes on sites")
    elif basis != "number" and share_places(modes):
        allowed = "allowed: number where a site has several modes; hops would act on too many oscillators at once"
        yield Problem("phonons.basis", show(basis), allowed)
    elif basis != "number" and (show(phonons.frame) not in map(show, FREE) or phonons.dressing is not None):
        value = show(phonons.frame if phonons.dressing is None else phonons.dressing)
        key = "frame" if phonons.dressing is None else "dressing"
        yield Problem(f"phonons.{key}", value, "leave it out: optimal states find the displacements themselves")
