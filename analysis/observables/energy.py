"""Contributions of the terms of the Hamiltonian to the energy."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import xarray as xr

from ...hamiltonians import TERMS
from ...hamiltonians.operators import total
from ...solvers import State
from ..labelled import labelled
from .averages import expectation

PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        f"{part}_energy": tuple(name for name, term in TERMS.items() if term.coupling.part == part)
        for part in dict.fromkeys(term.coupling.part for term in TERMS.values())
        if part
    }
)
"""Terms of the Hamiltonian in each part of the energy."""


def energy_part(state: State, name: str) -> xr.DataArray:
    """Return the expectation value of one part of the Hamiltonian [energy].

    Parameters
    ----------
    state : State
        Pure or mixed.
    name : str
        A key of `PARTS`.

    Raises
    ------
    KeyError
        If there is no such part.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 2)
    >>> round(float(energy_part(levels.ground, "hopping_energy")), 12)
    -2.0
    """
    if name not in PARTS:
        raise KeyError(f"{name!r} is not a part of the energy; allowed: {', '.join(PARTS)}")
    model = state.hamiltonian.space.model
    operator = total(TERMS[term](model) for term in PARTS[name])
    formula = "<" + " + ".join(f"H_{term}" for term in PARTS[name]) + ">"
    return labelled(name, expectation(state, operator).real, [], formula, units="energy")
