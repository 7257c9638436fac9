"""The shape of the lattice: distributions for each local charge, maxima, moments, phonon numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.optimize
import xarray as xr
from numpy.typing import NDArray

from ...solvers import State
from ..labelled import dataset, labelled
from ..observables.averages import Averages
from ..observables.table import measured
from .displacements import coordinates
from .local_states import LocalMode, local_modes

PROMINENCE = 1e-3
"""A maximum of P(X) counts if it rises above its surroundings by this share of the largest maximum."""
SPACING = 0.02
"""Step of the grid on which extrema are looked for; the finest structure of P(X) is pi / sqrt(2 n) wide."""


def joint_distribution(
    state: State, grid: Sequence[float] | NDArray[np.float64] | None = None, condition: str = "charge"
) -> xr.DataArray:
    r"""Probability density of each lattice coordinate together with the charge next to it.

    .. math:: P_m(X, n) = \langle\delta(X - X_m)\,\delta_{n, n_m}\rangle,\qquad \sum_n P_m(X, n) = P_m(X)

    Parameters
    ----------
    state : State
        Pure or mixed.
    grid : sequence of float, optional
        X = (a + a+) / sqrt(2); by default 201 points that cover the distribution.
    condition : str
        n: "charge" (electrons + 2 local pairs), "electrons" or "bosons", on the site of the mode; on both ends of the
        bond for a mode on a bond.

    Returns
    -------
    xarray.DataArray
        Dimensions (mode, local_charge, X).

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> model = Model(site(), None, Bosons(), Phonons(1.0, boson_coupling=0.5, max_quanta=20))
    >>> joint_distribution(ground_state(model, 2).ground, [2**0.5 * 0.5]).values.round(6)  # 1 / sqrt(pi) with n = 2
    array([[[0.     ],
            [0.     ],
            [0.56419]]])
    """
    points = coordinates(state.hamiltonian.space.model, grid)
    modes = local_modes(state, condition)
    most = max((int(np.max(mode.charges, initial=0)) for mode in modes), default=0)
    values = np.zeros((len(modes), most + 1, len(points)))
    for m, mode in enumerate(modes):
        np.add.at(values[m], mode.charges, mode.distributions(points))
    coords = {"X": points, "local_charge": np.arange(most + 1)}
    return labelled("joint_distribution", values, ["mode", "local_charge", "X"], "<delta(X - X_m) n>", coords=coords)


def lattice_shape(state: State) -> xr.Dataset:
    r"""Measure the shape of the distribution of each lattice coordinate.

    .. math:: U = 1 - \frac{\langle\delta X^4\rangle}{3 \langle\delta X^2\rangle^2}

    is zero for a Gaussian and goes to 2/3 for two sharp peaks of the same weight.

    Parameters
    ----------
    state : State
        Pure or mixed.

    Returns
    -------
    xarray.Dataset
        For each ``mode`` the moments of X = (a + a+) / sqrt(2): ``mean``, ``variance``, ``skewness`` and
        ``binder_ratio`` U; the number of ``maxima`` of P(X), with ``peak_position`` and ``peak_height`` over ``peak``
        in the order of X (NaN where a mode has fewer); and ``quanta_distribution``, the probability of each number of
        phonons about the undisplaced lattice. Extrema are zeros of the exact derivative of P(X); a maximum counts if
        it rises by more than a thousandth of the largest above the higher of the two valleys around it.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> phonons = Phonons(1.0, boson_coupling=2.0, max_quanta=30)
    >>> data = lattice_shape(ground_state(Model(site(), Electrons(), Bosons(4.0, 0.3), phonons), 2).ground)
    >>> int(data.maxima[0]), round(float(data["mean"][0] / 2**0.5), 9)  # at resonance, symmetric about alpha / sqrt 2
    (2, 1.0)
    """
    modes = local_modes(state)
    peaks = [_peaks(mode) for mode in modes]
    means = [mode.moment(1) for mode in modes]
    second, third, fourth = (
        np.array([mode.moment(k, mean) for mode, mean in zip(modes, means, strict=True)]) for k in (2, 3, 4)
    )
    numbers = [mode.quanta() for mode in modes]
    return dataset(
        ("mean", np.array(means), ["mode"], "<X>"),
        ("variance", second, ["mode"], "<dX^2>, dX = X - <X>"),
        ("skewness", third / second**1.5, ["mode"], "<dX^3> / <dX^2>^(3/2)"),
        ("binder_ratio", 1 - fourth / (3 * second**2), ["mode"], "1 - <dX^4> / (3 <dX^2>^2)"),
        ("maxima", np.array([len(p) for p in peaks], int), ["mode"], "number of maxima of P(X)"),
        ("peak_position", _table([p[:, 0] for p in peaks], np.nan), ["mode", "peak"], "X of the maxima of P(X)"),
        ("peak_height", _table([p[:, 1] for p in peaks], np.nan), ["mode", "peak"], "P(X) there"),
        ("quanta_distribution", _table(numbers, 0.0), ["mode", "phonons"], "<|n><n|>, n = a+ a"),
    )


def _table(rows: Sequence[NDArray[np.float64]], fill: float) -> NDArray[np.float64]:
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), fill)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return table


def _peaks(mode: LocalMode) -> NDArray[np.float64]:
    """Return X and P of the maxima that count, shape (n, 2), from the zeros of the exact slope."""
    low, high = mode.span()
    grid = np.linspace(low, high, int((high - low) / SPACING) + 2)
    slope = mode.slope(grid)
    turns = np.flatnonzero(slope[:-1] * slope[1:] < 0)
    known = mode.distributions(grid).sum(axis=0)
    turns = turns[known[turns] > 1e-3 * PROMINENCE * np.max(known)]
    roots = [
        scipy.optimize.brentq(lambda x: mode.slope(np.array([x]))[0], grid[i], grid[i + 1], xtol=1e-13) for i in turns
    ]
    extrema = np.sort(np.array(roots + grid[slope == 0.0].tolist()))
    height = mode.distributions(extrema).sum(axis=0)
    counts = [i for i in range(len(extrema)) if _prominence(height, i) > PROMINENCE * np.max(height)]
    return np.column_stack([extrema[counts], height[counts]])


def _prominence(height: NDArray[np.float64], i: int) -> float:
    """Return how far an extremum rises above the higher of the valleys before the next higher ones; 0 for minima."""
    valleys = []
    for side in (height[:i][::-1], height[i + 1 :]):
        higher = np.flatnonzero(side > height[i])
        reach = side[: higher[0]] if len(higher) else np.append(side, 0.0)
        valleys.append(float(np.min(reach, initial=height[i])))
    return float(height[i] - max(valleys))


def lattice_correlation(state: State) -> xr.Dataset:
    """Connected correlations of charges and displacements.

    Parameters
    ----------
    state : State
        Pure or mixed; for a mixture the averages are taken over the whole mixture.

    Returns
    -------
    xarray.Dataset
        ``electron_lattice`` <n_i x_m> - <n_i><x_m> and ``boson_lattice`` <b+_i b_i x_m> - <b+_i b_i><x_m>, dimensions
        (site, mode), as far as the model has these species; x = a + a+ = sqrt(2) X.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> model = Model(site(), Electrons(), None, Phonons(1.0, electron_coupling=0.5, max_quanta=20))
    >>> abs(lattice_correlation(ground_state(model, 1).ground).electron_lattice.values.round(9))  # the charge is sharp
    array([[0.]])
    """
    averages = Averages(state)
    model = averages.space.model
    species = (
        ("electron_lattice", model.electrons, "electron_density", "n_i"),
        ("boson_lattice", model.bosons, "boson_density", "b+_i b_i"),
    )
    found = {}
    for name, there, density, symbol in species:
        if there is not None:
            both, one, other = (np.asarray(measured(key, averages)) for key in (name, density, "displacement"))
            formula = f"<{symbol} x_m> - <{symbol}><x_m>"
            found[name] = labelled(name, both - np.outer(one, other), ["site", "mode"], formula)
    return xr.Dataset(found)
