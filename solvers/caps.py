"""The caps of a phonon space as a model gives them, and what stands for them before the solver has found them."""

from __future__ import annotations

import math
from dataclasses import replace

from .._core.display import counted
from ..clusters import Told
from ..hamiltonians import Model, Phonons, Sector
from ..hamiltonians.space.product import dimensions


class CutoffError(Told, RuntimeError):
    """An accuracy that no affordable phonon cutoff reaches."""


def is_automatic(model: Model) -> bool:
    """True where a model leaves its cutoff, its frame or its dressing to the solver."""
    table = model.phonons
    if table is None:
        return False
    chosen = table.dressing == "optimal" or table.displacement == "auto" or is_optimal(model)
    return table.cutoff is not None or chosen


def is_optimal(model: Model) -> bool:
    """True where a model leaves its oscillator states to the solver."""
    return model.phonons is not None and model.phonons.basis in ("optimal", "squeezed")


def capped(model: Model, total_quanta: int = 0) -> Model:
    """Return a model with numbers and names in place of automatic settings; other models are returned unchanged."""
    if model.phonons is None or not is_automatic(model):
        return model
    table = model.phonons
    if table.cutoff is not None:
        table = replace(table, cutoff=None, total_quanta=total_quanta)
    if is_optimal(model):
        table = replace(table, basis="number", frame="mean")
    if table.displacement == "auto":
        table = replace(table, frame="mean")
    return replace(model, phonons=replace(table, dressing=None if table.dressing == "optimal" else table.dressing))


def size_in_words(model: Model, sector: Sector) -> str:
    """Return how many states a sector has, as far as that is known before the cutoff is found."""
    if model.cluster.is_infinite:
        return "an infinite lattice, the space is found by the solver"
    charges, phonons = dimensions(capped(model), sector)
    if model.phonons is not None and model.phonons.cutoff is not None:
        return f"{counted(charges, 'charge configuration')}, the phonon cutoff is found by the solver"
    return f"{charges * phonons:,} states ({charges:,} charge x {phonons:,} phonon)"


def cap_in_words(model: Model, sector: Sector) -> str:
    """Return the cap and the frame that are tried, for progress."""
    table = model.phonons
    assert table is not None
    caps = [f"{key} = {cap}" for key in ("max_quanta", "total_quanta") if (cap := getattr(table, key)) is not None]
    return f"{', '.join(caps)}, frame {frame_name(table)}, {math.prod(dimensions(model, sector)):,} states"


def frame_name(table: Phonons) -> str:
    """Return the name of a phonon frame, "list" for displacements of one's own."""
    return table.displacement if isinstance(table.displacement, str) else "list"
