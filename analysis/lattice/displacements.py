"""Probability densities of the lattice coordinates, and oscillator functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers
from ...hamiltonians import Model
from ...solvers import State
from ..labelled import labelled
from ..observables.averages import mode_density_matrix, mode_shifts


def displacement_distribution(state: State, grid: Sequence[float] | NDArray[np.float64] | None = None) -> xr.DataArray:
    r"""Probability density of each lattice coordinate X = (a + a+) / sqrt(2).

    .. math:: P_m(X) = \langle\delta(X - X_m)\rangle = \sum_{nn'} \rho_{nn'} h_n(X) h_{n'}(X)

    with rho the exact reduced density matrix of the mode and h_n the oscillator functions; where the frame follows the
    charges, a sum of such terms, each around its own displacement.

    Parameters
    ----------
    state : State
        Pure or mixed.
    grid : sequence of float, optional
        X; by default 201 points that cover the distribution.

    Returns
    -------
    xarray.DataArray
        Dimensions (mode, X); the integral over X is one.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Model, Phonons
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(site(), phonons=Phonons(1.0, max_quanta=3)), 0)
    >>> displacement_distribution(levels.ground, [0.0]).values.round(6)  # 1 / sqrt(pi)
    array([[0.56419]])
    """
    space = state.hamiltonian.space
    points = coordinates(space.model, grid)
    values = np.zeros((space.phonons.modes, len(points)))
    for m in range(space.phonons.modes):
        for shift in mode_shifts(space, m):
            rho = mode_density_matrix(state, m, shift)
            waves = oscillator_functions(len(rho), points - np.sqrt(2.0) * shift)
            values[m] += np.einsum("ij,ix,jx->x", rho, waves, waves).real
    return labelled("displacement_distribution", values, ["mode", "X"], "<delta(X - X_m)>", coords={"X": points})


def coordinates(model: Model, grid: Sequence[float] | NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the X at which a distribution is wanted: those given, or `default_grid`.

    Raises
    ------
    ValueError
        If they are not a list of finite numbers.
    """
    return default_grid(model) if grid is None else np.asarray(finite_numbers("grid", grid), dtype=float)


def default_grid(model: Model, points: int = 201) -> NDArray[np.float64]:
    """Return points of X that cover the lattice of a model, whatever its charges do.

    From four zero-point widths below the least to four above the largest displacement that the couplings can cause.

    Returns
    -------
    (points,) float
        X = (a + a+) / sqrt(2), ascending.
    """
    c = model.couplings
    if not len(c.frequency):
        return np.linspace(-4.0, 4.0, points)
    local = np.sqrt(2.0) * (2 * c.electron_phonon + model.most_bosons * c.boson_phonon) / c.frequency
    if not model.is_plain_lattice or model.couples_at_a_distance or np.any(c.phonon_exchange_coupling):
        local = model.furthest / np.sqrt(2.0)
    bond = 2 * np.sqrt(2.0) * max(np.max(np.abs(c.mode_bond)), 2 * np.max(np.abs(c.bond_phonon), initial=0.0))
    bond = bond / np.min(c.frequency)
    return np.linspace(min(0.0, np.min(local)) - bond - 4.0, max(0.0, np.max(local)) + bond + 4.0, points)


def oscillator_functions(count: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the first `count` normalised harmonic-oscillator functions h_n(X), shape (count, points).

    The recursion runs on the normalised functions, which neither overflow nor lose digits.
    """
    waves = np.zeros((count, len(points)))
    waves[0] = np.pi**-0.25 * np.exp(-0.5 * points**2)
    if count > 1:
        waves[1] = np.sqrt(2.0) * points * waves[0]
    for n in range(2, count):
        waves[n] = np.sqrt(2.0 / n) * points * waves[n - 1] - np.sqrt((n - 1.0) / n) * waves[n - 2]
    return waves
