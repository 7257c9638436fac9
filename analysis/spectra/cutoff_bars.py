"""Error bars of Green's functions and susceptibilities with respect to the model without a phonon cutoff.

The calculation is repeated in another phonon space, a larger one if that is affordable. The differences, times
`COVERING`, are the error bars; at finite temperature they are extrapolated by the tails of free oscillators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from ...hamiltonians import Sector
from ...hamiltonians.sector import allowed_two_sz
from ...hamiltonians.transitions import Change
from ...solvers import Eigenstates, LabelledLevels, Options
from ...solvers.larger_space import compared
from ..observables.error_bars import COVERING, isolated_ground, unseen_leak
from ..thermal.cutoff import with_cutoff_errors
from ..thermal.ensembles import ThermalSum

JUDGED = ("values", "moments", "tail_moments", "self_energy", "self_energy_tail")
"""Variables with error bars, ``NAME_error``."""
PART = "_cutoff_error"
Levels = Eigenstates | LabelledLevels


def with_bars(
    levels: Levels, changes: Sequence[Change], compute: Callable[[Levels], xr.Dataset], options: Options
) -> xr.Dataset:
    """Compute variables of a ground level with their error bars.

    Parameters
    ----------
    levels : Eigenstates or LabelledLevels
        Levels whose ground level is used.
    changes : sequence of (int, int)
        Changes of (N, S_z) by the operators.
    compute : function
        From levels to the variables.
    options : Options
        Options of the search in the other space.
    """
    data, space = compute(levels), levels.hamiltonian.space
    if space.model.phonons is None or not space.model.modes:
        return _assigned(data, None, 0.0)
    sector = levels.block.sector if isinstance(levels, Eigenstates) else space.sector
    reached = [Sector(sector.charge + n, sector.spin_excess + spin) for n, spin in changes if n or spin]
    there = [each for each in reached if _exists(levels, each)]
    other = isolated_ground(compared(space.model, [sector, *there]), sector, options)
    return _assigned(data, compute(other), unseen_leak(space.model, levels, other))


def thermal_with_bars(asked: ThermalSum, compute: Callable[[ThermalSum], xr.Dataset]) -> xr.Dataset:
    """Compute variables of a thermal sum over all levels with their error bars."""
    found = with_cutoff_errors(asked, lambda one: _assigned(compute(one), None, 0.0))
    return found.drop_vars([name for name in map(str, found.data_vars) if name.endswith(PART)])


def _exists(levels: Levels, sector: Sector) -> bool:
    model = levels.hamiltonian.space.model
    inside = 0 <= sector.charge <= model.max_charge
    return inside and sector.two_sz in allowed_two_sz(model, sector.charge)


def _assigned(data: xr.Dataset, again: xr.Dataset | None, unseen: float) -> xr.Dataset:
    """Return variables with error bars from their values in another space; zero without one."""
    bars = {}
    for name in JUDGED:
        if name not in data:
            continue
        here = data[name]
        bar = np.zeros(here.shape)
        if again is not None:
            there = again[name].values
            bar = COVERING * np.abs(here.values - there) + 2.0 * COVERING * unseen * np.maximum(1.0, np.abs(there))
        about = {"formula": f"error bar of {name}: the phonon cutoff", "units": here.attrs["units"]}
        bars[f"{name}_error"] = xr.DataArray(bar, dims=here.dims, coords=here.coords, attrs=about)
    return data.assign(bars)
