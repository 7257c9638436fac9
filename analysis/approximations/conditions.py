"""When approximations apply: conditions on a model, each of which says why not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ...hamiltonians import Model, Sector
from .face import Condition, Where


def sector_only(model: Model, where: Where) -> str | None:
    """It is about the ground state of a sector."""
    return None if isinstance(where, Sector) else "it is about the ground state of a sector; leave the temperature out"


def temperature_only(model: Model, where: Where) -> str | None:
    """It is about the grand-canonical ensemble."""
    if isinstance(where, Sector):
        return "it is about the grand-canonical ensemble and not about one charge; give a temperature (0 or more)"
    return None if where >= 0 else f"the temperature is {where:g}, and must be 0 or more"


def whole_sector(model: Model, where: Where) -> str | None:
    """It breaks the symmetries of the cluster."""
    if isinstance(where, Sector) and where.has_symmetry:
        return f"it breaks the symmetry of the cluster; leave {' and '.join(where.labels)} out of the sector"
    return None


def no_own_terms(model: Model, where: Where) -> str | None:
    """It knows the terms of the package only."""
    return "it does not know the terms of the user's own in the model" if model.terms else None


def lattice_there(model: Model, where: Where) -> str | None:
    """It is about a lattice."""
    return None if model.phonons is not None else "the model has no phonons"


def lattice_couples_to_charges(model: Model, where: Where) -> str | None:
    """The lattice is not coupled to bonds."""
    if np.any(model.couplings.bond_phonon) or np.any(model.couplings.mode_bond):
        return "phonons.bond_coupling moves the hopping, and it shifts the lattice with the charges of the sites only"
    return None


def electrons_or_bosons(model: Model, where: Where) -> str | None:
    """It is about charges."""
    return "the model has no charges" if model.electrons is None and model.bosons is None else None


def electrons_there(model: Model, where: Where) -> str | None:
    """It is about electrons."""
    return None if model.electrons is not None else "the model has no electrons"


def no_flux(model: Model, where: Where) -> str | None:
    """Its order parameters are real."""
    if model.flux:
        return "its amplitudes are real and the same round the ring, and field.flux would wind them; set it to 0"
    return None


def without(*couplings: str, why: str = "") -> Condition:
    """Return the condition that some couplings (of `Couplings`) are zero; `why` says what is missing otherwise."""
    return partial(_left_out, couplings, why)


def _left_out(couplings: Sequence[str], why: str, model: Model, where: Where) -> str | None:
    found = [name for name in couplings if np.any(getattr(model.couplings, name))]
    words = " and ".join(name.replace("_", " ") for name in found)
    return f"it leaves out {words}{f', {why}' if why else ''}; set {words} to 0" if found else None
