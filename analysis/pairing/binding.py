"""Ground-state energies as functions of charge and spin: pair binding, charge gap and spin gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from ..._core.arguments import numbers, taking
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model
from ...hamiltonians.conservation import needs_conserved
from ...hamiltonians.sector import resolved, sector_problems
from ...hamiltonians.space.charges import charge_dimension
from ...solvers import Options, Progress, levels_by_symmetry, silent
from ...solvers.arguments import read_options
from ..labelled import dataset

BINDING = {2: 1, 0: 1, 1: -2}
"""Delta_b(N) = E(N+2) + E(N) - 2 E(N+1), as weights of the energies at N + key."""
CHARGE_GAP = {2: 1, -2: 1, 0: -2}
"""Delta_c(N) = E(N+2) + E(N-2) - 2 E(N), the energy to transfer a pair between two clusters."""
QUANTITIES = (
    ("energies", "charge", {0: 1}, "E_0(N)"),
    ("binding", "binding_charge", BINDING, "E(N+2) + E(N) - 2 E(N+1)"),
    ("charge_gap", "gap_charge", CHARGE_GAP, "E(N+2) + E(N-2) - 2 E(N)"),
    ("inverse_compressibility", "gap_charge", CHARGE_GAP, "L [E(N+2) + E(N-2) - 2 E(N)] / 4"),
)
"""Name, dimension, weights of energies, and formula."""
Level = tuple[float, float]
"""An energy and its error bar; NaN without states."""


@taking(model=a_model, charges=numbers, options=read_options)
def charge_scan(
    model: Model,
    charges: Sequence[int] | None = None,
    options: Options | None = None,
    progress: Callable[[int], None] = lambda charge: None,
    spin: bool = False,
    search: Progress = silent,
) -> xr.Dataset:
    r"""Compute the lowest energy for each N = N_e + 2 N_b at minimal ``|S_z|``, and energy differences.

    .. math::
        \Delta_b(N) &= E(N+2) + E(N) - 2 E(N+1) \quad\text{(pair binding; negative: bound)} \\
        \Delta_c(N) &= E(N+2) + E(N-2) - 2 E(N) \quad\text{(charge gap of pairs)} \\
        \kappa^{-1}(N) &= L\, \Delta_c(N) / 4 \approx L\, d^2E/dN^2 \\
        \Delta_s(N) &= E(N, S_z + 1) - E(N, S_z) \quad\text{(spin gap)}

    with kappa = (1/L) dN/dmu for L sites and the smallest S_z, 0 or 1/2. Energies contain -mu N, which cancels in the
    differences. Error bars of differences are sums of those of the energies with the absolute values of the weights.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    charges : sequence of int, optional
        Values of N; all by default.
    options : Options, optional
        Options of the solver.
    progress : function
        Called with each charge before it is solved.
    spin : bool
        Whether to compute the spin gap, which needs one more level for each charge.
    search : Progress
        Called with the progress of each search.

    Returns
    -------
    xarray.Dataset
        ``energies`` over ``charge`` (NaN for charges without states), ``binding`` over ``binding_charge``,
        ``charge_gap`` and ``inverse_compressibility`` over ``gap_charge``, with `spin` ``spin_gap`` over ``charge``
        (NaN without such a state); each with its error bars (``energy_errors``, ``binding_errors``, ...).

    References
    ----------
    E. Dagotto, Rev. Mod. Phys. 66, 763 (1994), sections III and IV, for binding and gaps on clusters.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> data = charge_scan(Model(dimer(), Electrons(hopping=1.0, hubbard_u=-4.0)), [0, 1, 2], spin=True)
    >>> data.binding.values.round(6), data.spin_gap.values.round(6)
    (array([-2.828427]), array([     nan,      nan, 4.828427]))
    """
    needed: tuple[Literal["charge", "spin"], ...] = ("charge", "spin") if spin else ("charge",)
    needs_conserved(model, "energies by charge", *needed)
    chosen = list(range(model.max_charge + 1)) if charges is None else list(charges)
    solver = options or Options()
    lowest: dict[int, Level] = {}
    turned: dict[int, Level] = {}
    for charge in chosen:
        progress(charge)
        lowest[charge] = _lowest(model, Sector(charge), solver, search)
        if spin:
            turned[charge] = _lowest(model, Sector(charge, charge % 2 + 2), solver, search)
    rows, coords = [], {"charge": np.array(chosen, dtype=int)}
    for name, dim, weights, formula in QUANTITIES:
        at = [n for n in lowest if all(n + step in lowest for step in weights)]
        coords.setdefault(dim, np.array(at, dtype=int))
        scale = model.cluster.sites / 4 if name == "inverse_compressibility" else 1.0
        levels = [combined([(scale * w, lowest[n + step]) for step, w in weights.items()]) for n in at]
        rows += _with_errors(name, dim, formula, levels)
    if spin:
        gaps = [combined([(1, turned[n]), (-1, lowest[n])]) for n in chosen]
        rows += _with_errors("spin_gap", "charge", "E(N, S_z + 1) - E(N, S_z)", gaps)
    return dataset(*rows, coords=coords)


def combined(parts: Sequence[tuple[float, Level]]) -> Level:
    """Return a weighted sum of energies and its error bar.

    Examples
    --------
    >>> combined([(1, (2.0, 0.1)), (-2, (0.5, 0.2))])
    (1.0, 0.5)
    """
    return sum(w * energy for w, (energy, _) in parts), sum(abs(w) * error for w, (_, error) in parts)


def _with_errors(name: str, dim: str, formula: str, values: Sequence[Level]) -> list[tuple[Any, ...]]:
    table = np.array(values, dtype=float).reshape(-1, 2).T
    bars = "energy_errors" if name == "energies" else f"{name}_errors"
    return [(name, table[0], [dim], formula, "energy"), (bars, table[1], [dim], "error bars, added up", "energy")]


def _lowest(model: Model, sector: Sector, options: Options, search: Progress) -> Level:
    if any(sector_problems(model, sector)) or not charge_dimension(model, resolved(model, sector)):
        return np.nan, np.nan
    levels = levels_by_symmetry(model, sector, 1, options, search)
    return float(levels.energies[0]), float(levels.certificate.energy_errors[0])
