"""Where the electrons and the local pairs are: densities, spins and their correlations."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Space
from ...solvers import State
from ..labelled import labelled
from .averages import Averages


def electron_density(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_i>``, both spins: shape (site,), a number.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> electron_density(ground_state(Model(dimer(), Electrons(hopping=1.0)), 2).ground).values.round(12)
    array([1., 1.])
    """
    up, dn = _spin_densities(state.hamiltonian.space)
    return _per_site(state, averages, "electron_density", up + dn, "<n_i>")


def double_occupancy(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_up n_dn>``: shape (site,), a number."""
    up, dn = _spin_densities(state.hamiltonian.space)
    return _per_site(state, averages, "double_occupancy", up * dn, "<n_i,up n_i,dn>")


def spin_z(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<S^z_i> = <n_up - n_dn> / 2``: shape (site,), in units of hbar."""
    up, dn = _spin_densities(state.hamiltonian.space)
    return _per_site(state, averages, "spin_z", 0.5 * (up - dn), "<S^z_i>")


def boson_density(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<b+_i b_i>``: shape (site,), a number; zero where there is no boson."""
    return _per_site(state, averages, "boson_density", boson_numbers(state.hamiltonian.space), "<b+_i b_i>")


def density_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_i n_j>`` of the electrons: shape ``(site, site_)``, a number, not the connected part."""
    up, dn = _spin_densities(state.hamiltonian.space)
    return _per_pair(state, averages, "density_correlation", up + dn, "<n_i n_j>")


def spin_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<S^z_i S^z_j>``: shape ``(site, site_)``, in units of hbar^2."""
    up, dn = _spin_densities(state.hamiltonian.space)
    return _per_pair(state, averages, "spin_correlation", 0.5 * (up - dn), "<S^z_i S^z_j>")


def electron_numbers(space: Space) -> NDArray[np.float64]:
    """Return n_i of each configuration, shape (sites, configurations)."""
    up, dn = _spin_densities(space)
    return up + dn


def boson_numbers(space: Space) -> NDArray[np.float64]:
    """Return ``b+_i b_i`` of each configuration, shape (sites, configurations)."""
    return np.array([space.charges.bosons(i) for i in range(space.model.cluster.sites)])


def _spin_densities(space: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sites = range(space.model.cluster.sites)
    up, dn = (np.array([space.charges.electrons(i, spin) for i in sites]) for spin in ("up", "dn"))
    return up, dn


def _per_site(
    state: State, averages: Averages | None, name: str, values: NDArray[np.float64], formula: str
) -> xr.DataArray:
    density = (averages or Averages(state)).density
    return labelled(name, values @ density, ["site"], formula)


def _per_pair(
    state: State, averages: Averages | None, name: str, values: NDArray[np.float64], formula: str
) -> xr.DataArray:
    density = (averages or Averages(state)).density
    return labelled(name, (values * density) @ values.T, ["site", "site_"], formula)
