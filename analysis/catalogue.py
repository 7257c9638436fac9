"""The ground-state observables of a model file by name: one table, one call for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..clusters import InvalidValue
from ..hamiltonians import Model
from ..solvers import State
from . import charge, lattice, pairing
from .averages import Averages
from .energy import PARTS, energy_part

Measurement = Callable[[State, Averages], xr.DataArray | xr.Dataset]


@dataclass(frozen=True)
class Observable:
    """An entry of the table: how it is measured, and which species it needs.

    Attributes
    ----------
    measure : function
        From a state and its shared averages to a labelled result.
    needs : tuple of str
        Species: "electrons", "bosons", "phonons"; all of them must be in the model.
    """

    measure: Measurement
    needs: tuple[str, ...] = ()


def _of_state(function: Callable[[State], xr.DataArray]) -> Measurement:
    return lambda state, averages: function(state)


E, B, P = "electrons", "bosons", "phonons"
OBSERVABLES: Mapping[str, Observable] = MappingProxyType(
    {
        "electron_density": Observable(charge.electron_density, (E,)),
        "double_occupancy": Observable(charge.double_occupancy, (E,)),
        "boson_density": Observable(charge.boson_density, (B,)),
        "pair_exchange": Observable(pairing.pair_exchange, (E, B)),
        "spin_z": Observable(charge.spin_z, (E,)),
        "displacement": Observable(lattice.displacement, (P,)),
        "displacement_squared": Observable(lattice.displacement_squared, (P,)),
        "quanta": Observable(lattice.quanta, (P,)),
        "pair_correlation": Observable(pairing.pair_correlation, (E,)),
        "boson_correlation": Observable(pairing.boson_correlation, (B,)),
        "pair_boson_correlation": Observable(pairing.pair_boson_correlation, (E, B)),
        "density_correlation": Observable(charge.density_correlation, (E,)),
        "spin_correlation": Observable(charge.spin_correlation, (E,)),
        "electron_lattice": Observable(lattice.electron_lattice, (E, P)),
        "boson_lattice": Observable(lattice.boson_lattice, (B, P)),
        "condensate": Observable(pairing.condensate),
        "displacement_distribution": Observable(_of_state(lattice.displacement_distribution), (P,)),
        **{name: Observable(_of_state(partial(energy_part, name=name))) for name in PARTS},
    }
)
"""What ``ground_state.observables`` can name."""


def available(model: Model) -> tuple[str, ...]:
    """Return the names of the observables that a model has."""
    return tuple(name for name, o in OBSERVABLES.items() if all(getattr(model, s) is not None for s in o.needs))


def observables(
    state: State,
    names: Sequence[str] | None = None,
    displacement_grid: Sequence[float] | NDArray[np.float64] | None = None,
) -> xr.Dataset:
    """Measure observables in a state.

    Parameters
    ----------
    state : State
        Pure or mixed; a degenerate ground level comes as the even mixture of its states.
    names : sequence of str, optional
        Which; all that the model has by default.
    displacement_grid : sequence of float, optional
        X at which P(X) is given.

    Returns
    -------
    xarray.Dataset
        One variable for each observable (``condensate_boson`` and so on for the parts of the condensate), with units
        and formula in its attributes.

    Raises
    ------
    ValueError
        If a name is unknown or the model lacks its species.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(ring(3), Electrons(hopping=1.0), Bosons(exchange=0.5)), 2)
    >>> data = observables(levels.ground, ["electron_density", "boson_density"])
    >>> round(float((data.electron_density + 2 * data.boson_density).sum()), 12)
    2.0
    """
    model = state.hamiltonian.space.model
    averages = Averages(state)
    variables: dict[str, xr.DataArray] = {}
    for name in available(model) if names is None else names:
        if name not in available(model):
            raise InvalidValue(f"observable {name!r} is not there; this model has {', '.join(available(model))}")
        if name == "displacement_distribution":
            result: xr.DataArray | xr.Dataset = lattice.displacement_distribution(state, displacement_grid)
        else:
            result = OBSERVABLES[name].measure(state, averages)
        if isinstance(result, xr.Dataset):
            variables.update({f"{name}_{part}": array for part, array in result.data_vars.items()})
        else:
            variables[name] = result
    return xr.Dataset(variables)
