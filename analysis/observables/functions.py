"""The observables as functions of a state."""

from __future__ import annotations

import xarray as xr

from ...solvers import State
from .averages import Averages
from .table import measured


def _measured(name: str, state: State, averages: Averages | None) -> xr.DataArray:
    found = measured(name, averages or Averages(state))
    assert isinstance(found, xr.DataArray)
    return found


def electron_density(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_i>``, both spins: shape (site,), a number."""
    return _measured("electron_density", state, averages)


def double_occupancy(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_up n_dn>``: shape (site,), a number."""
    return _measured("double_occupancy", state, averages)


def spin_z(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<S^z_i> = <n_up - n_dn> / 2``: shape (site,), in units of hbar."""
    return _measured("spin_z", state, averages)


def boson_density(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<b+_i b_i>``: shape (site,), a number; zero where there is no boson."""
    return _measured("boson_density", state, averages)


def density_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_i n_j>`` of the electrons: shape ``(site, site_)``, a number, not the connected part."""
    return _measured("density_correlation", state, averages)


def spin_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<S^z_i S^z_j>``: shape ``(site, site_)``, in units of hbar^2."""
    return _measured("spin_correlation", state, averages)


def displacement(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<x_m>`` with x = a + a+ = sqrt(2) X: shape (mode,), in zero-point units."""
    return _measured("displacement", state, averages)


def displacement_squared(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<x_m^2>`` as ``||x_m psi||^2`` within the truncated space: shape (mode,), in zero-point units; 1 at rest."""
    return _measured("displacement_squared", state, averages)


def quanta(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<a+_m a_m>``, the mean number of phonons about the undisplaced lattice: shape (mode,)."""
    return _measured("quanta", state, averages)


def electron_lattice(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<n_i x_m>``, the full correlation (not the connected part): shape (site, mode)."""
    return _measured("electron_lattice", state, averages)


def boson_lattice(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<b+_i b_i x_m>``, the full correlation (not the connected part): shape (site, mode)."""
    return _measured("boson_lattice", state, averages)


def pair_exchange(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i b_i>`` with ``D = c_dn c_up``, the local pair amplitude, negative for v > 0: shape (site,), a number."""
    return _measured("pair_exchange", state, averages)


def pair_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i D_j>``, the density matrix of on-site electron pairs: shape ``(site, site_)``, a number."""
    return _measured("pair_correlation", state, averages)


def boson_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<b+_i b_j>``, the density matrix of the local pairs: shape ``(site, site_)``, a number."""
    return _measured("boson_correlation", state, averages)


def pair_boson_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i b_j>``, the correlation of electron pairs and local pairs: shape ``(site, site_)``, a number."""
    return _measured("pair_boson_correlation", state, averages)


def condensate(state: State, averages: Averages | None = None) -> xr.Dataset:
    """Eigenvalues, descending, of the pair density matrices (Penrose and Onsager).

    Returns
    -------
    xarray.Dataset
        ``boson`` of <b+_i b_j>, ``electron_pair`` of <D+_i D_j>, ``combined`` of <O+_x O_y> with
        O = (D_0 ... D_{L-1}, b_0 ... b_{L-1}); only those for which the model has the species.

    References
    ----------
    O. Penrose and L. Onsager, Phys. Rev. 104, 576 (1956).

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(site(), Electrons(), Bosons(exchange=0.3)), 2)
    >>> pair_exchange(levels.ground).values.round(12), condensate(levels.ground).combined.values.round(12)
    (array([-0.5]), array([1., 0.]))
    """
    found = measured("condensate", averages or Averages(state))
    assert isinstance(found, xr.Dataset)
    return found
