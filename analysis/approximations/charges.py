"""Models of the charges after the elimination of the lattice by an approximation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Operator, Sector, boson_number, electron_number
from ...hamiltonians.operators import total
from ...hamiltonians.parameters import COUPLINGS
from ...hamiltonians.space.product import dimensions
from ...solvers import Options, ground_state
from ..labelled import labelled
from ..observables.error_bars import isolated_ground
from ..observables.table import available, observables

DENSE_UP_TO = 600
"""Largest dimension of charge sectors that are diagonalised by LAPACK."""
DIAGONAL = ("electron_density", "double_occupancy", "boson_density", "spin_z", "density_correlation",
            "spin_correlation")  # fmt: skip
"""Observables unaffected by displacements of the lattice."""
SUMMED = ("grand_potential", "energy", "entropy", "specific_heat", "charge", "charge_variance")
LOCAL = ("electron_density", "double_occupancy", "boson_density", "pair_exchange", "spin_z")
"""Thermal averages of approximations, for the cluster and for its sites."""
COHERENT = ("pair_exchange", "pair_correlation", "boson_correlation", "pair_boson_correlation")
"""Observables that move charges."""


@dataclass(frozen=True)
class Contact:
    """The term ``sum_i w_i n_i b+_i b_i`` between the electrons and the local pair of a site."""

    strengths: tuple[float, ...]

    def __call__(self, model: Model) -> Operator:
        """Return the formula."""
        return total(w * (electron_number(i) * boson_number(i)) for i, w in enumerate(self.strengths) if w)


def charge_model(model: Model, changed: Mapping[str, NDArray[np.float64]], contact: Sequence[float] = ()) -> Model:
    """Return the charges without lattice, with some couplings (by their names in `Couplings`) replaced.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> charge_model(Model(dimer(), Electrons(1.0)), {"electron_hopping": np.array([0.5])}).electrons.hopping
    [0.5]
    """
    electrons, bosons = model.electrons, model.bosons
    if electrons is not None:
        electrons = replace(electrons, **_of_species(ELECTRONS, changed))
    if bosons is not None:
        bosons = replace(bosons, **_of_species(BOSONS, changed))
    terms = model.terms + ((Contact(tuple(contact)),) if np.any(contact) else ())
    return replace(model, electrons=electrons, bosons=bosons, phonons=None, terms=terms)


def _of_species(names: Mapping[str, str], changed: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    return {key: changed[name].tolist() for key, name in names.items() if name in changed}


ELECTRONS, BOSONS = (
    {
        key.partition(".")[2]: entry.arrays[0]
        for key, entry in COUPLINGS.items()
        if entry.species == species and key != "bosons.interaction" and not entry.breaks
    }  # hard-core pairs have no interaction, and charges are conserved
    for species in ("electrons", "bosons")
)


def charge_ground(model: Model, sector: Sector, names: Sequence[str], constant: float = 0.0) -> xr.Dataset:
    """Solve a model without lattice exactly: ``energies`` (the lowest), and observables of the ground level."""
    small = dimensions(model, sector)[0] <= DENSE_UP_TO and not sector.has_symmetry
    levels = ground_state(model, sector, 1, Options(engine="dense")) if small else isolated_ground(model, sector)
    energies = labelled("energies", levels.energies[:1] + constant, ["level"], "lowest energy", "energy")
    there = [name for name in names if name in available(model)]
    return observables(levels.ground, there).assign(energies=energies)
