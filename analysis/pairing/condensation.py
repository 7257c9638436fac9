"""Condensation of pairs as a function of cluster size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from ..._core.arguments import of_kind, taking
from ...hamiltonians import Model, Sector
from ...hamiltonians.conservation import largest_charge
from ...solvers import Options
from ...solvers.arguments import read_options
from ..labelled import dataset
from ..observables.error_bars import isolated_ground, mixing
from .density_matrices import Form, pair_density, pair_operators


@taking(problems=of_kind((list, tuple), "write a list of pairs, as [(model, 4), ...]"), options=read_options)
def condensate_against_size(
    problems: Sequence[tuple[Model, Sector | int]],
    form: Form = "on-site",
    options: Options | None = None,
    progress: Callable[[int], None] = lambda sites: None,
) -> xr.Dataset:
    """Compute the largest eigenvalue of a pair density matrix for clusters of increasing size.

    Off-diagonal long-range order implies an eigenvalue that grows with the cluster at fixed filling.

    Parameters
    ----------
    problems : sequence of (Model, Sector or int)
        Clusters of ascending size with their quantum numbers.
    form : str or sequence of float
        Kind of pairs; see `pair_operators`. A form factor given as numbers requires clusters with that number of bonds.
    options : Options, optional
        How to solve.
    progress : function
        Called with the number of sites before each cluster.

    Returns
    -------
    xarray.Dataset
        Over ``sites``: ``eigenvalue`` lambda_0, ``fraction`` lambda_0 / tr rho, ``trace`` (number of these pairs),
        ``energies``, ``multiplicity`` (degenerate levels are averaged), and error bars ``eigenvalue_errors`` (the upper
        bound of lambda_0, N / 2 times `PairOperators.overlap`, times the admixture of `mixing`) and ``energy_errors``.

    References
    ----------
    C. N. Yang, Rev. Mod. Phys. 34, 694 (1962), for the largest eigenvalue that a pair density matrix can have.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Model
    >>> rings = [(Model(ring(size), None, Bosons(hopping=1.0)), size) for size in (4, 6)]
    >>> condensate_against_size(rings, "boson").eigenvalue.values.round(6)
    array([1.457107, 1.833333])
    """
    rows = []
    for model, sector in problems:
        progress(model.cluster.sites)
        levels = isolated_ground(model, sector, options)
        state = levels.ground
        data = pair_density(state, form)
        most = 0.5 * largest_charge(model, state.hamiltonian.space.sector) * pair_operators(model, form).overlap
        trace = float(np.trace(data["matrix"].values).real)
        energy, error = levels.energies[0], levels.certificate.energy_errors[0]
        eigenvalue, fraction = (float(data[name].values.flat[0]) for name in ("eigenvalues", "fraction"))
        rows.append((eigenvalue, most * mixing(levels), fraction, trace, energy, error, levels.multiplicity))
    columns = np.array(rows, dtype=float).reshape(-1, len(COLUMNS)).T
    labels = ((name, x, ["sites"], formula, units) for (name, formula, units), x in zip(COLUMNS, columns, strict=True))
    return dataset(*labels, coords={"sites": [model.cluster.sites for model, _ in problems]})


COLUMNS = (
    ("eigenvalue", "lambda_0 of <Delta+_x Delta_y>", "1"),
    ("eigenvalue_errors", "error bar: largest possible lambda_0 times the admixture to the state", "1"),
    ("fraction", "lambda_0 / tr rho", "1"),
    ("trace", "tr rho", "1"),
    ("energies", "E_0", "energy"),
    ("energy_errors", "error bar", "energy"),
    ("multiplicity", "states in the ground level", "1"),
)
"""Name, formula and unit of each variable."""
