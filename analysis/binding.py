"""Ground energies against the charge: do pairs bind?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from ..hamiltonians import Model, Sector
from ..hamiltonians.charges import charge_dimension
from ..solvers import Options, ground_state
from .labelled import labelled


def charge_scan(
    model: Model,
    charges: Sequence[int] | None = None,
    options: Options | None = None,
    progress: Callable[[int], None] = lambda charge: None,
) -> xr.Dataset:
    """Compute the lowest energy for each N = N_e + 2 N_b at minimal |S_z|, and the pair binding energy.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    charges : sequence of int, optional
        Values of N; all of them by default.
    options : Options, optional
        How to solve.
    progress : function
        Called with each charge before it is solved.

    Returns
    -------
    xarray.Dataset
        ``energies`` and ``energy_errors`` over ``charge`` (NaN where no state has that charge), and ``binding``
        Delta_b(N) = E(N+2) + E(N) - 2 E(N+1) with ``binding_errors`` over ``binding_charge``; negative: bound.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> charge_scan(Model(dimer(), Electrons(hopping=1.0, hubbard_u=-4.0)), [0, 1, 2]).binding.values.round(6)
    array([-2.828427])
    """
    chosen = list(range(model.max_charge + 1)) if charges is None else list(charges)
    energy, error = {}, {}
    for charge in chosen:
        progress(charge)
        energy[charge], error[charge] = _lowest(model, charge, options or Options())
    bindable = [n for n in chosen if n + 1 in energy and n + 2 in energy]
    binding = [energy[n + 2] + energy[n] - 2 * energy[n + 1] for n in bindable]
    spread = [error[n + 2] + error[n] + 2 * error[n + 1] for n in bindable]
    at_charge, at_pair = {"charge": chosen}, {"binding_charge": bindable}
    formula = "Delta_b(N) = E(N+2) + E(N) - 2 E(N+1)"
    return xr.Dataset(
        {
            "energies": _energy("energies", [energy[n] for n in chosen], "charge", "E_0(N)", at_charge),
            "energy_errors": _energy("energy_errors", [error[n] for n in chosen], "charge", "error bar", at_charge),
            "binding": _energy("binding", binding, "binding_charge", formula, at_pair),
            "binding_errors": _energy("binding_errors", spread, "binding_charge", "sum of error bars", at_pair),
        }
    )


def _energy(name: str, values: list[float], dim: str, formula: str, coords: dict[str, list[int]]) -> xr.DataArray:
    return labelled(name, np.array(values, dtype=float), [dim], formula, "energy", coords)


def _lowest(model: Model, charge: int, options: Options) -> tuple[float, float]:
    sector = Sector(charge)
    if (charge % 2 and model.electrons is None) or not charge_dimension(model, charge, charge % 2):
        return np.nan, np.nan
    levels = ground_state(model, sector, 1, options)
    return float(levels.energies[0]), float(levels.certificate.energy_errors[0])
