"""Each observable of the package as a function of a state."""

from __future__ import annotations

from typing import Protocol

import xarray as xr

from ..._core.arguments import taking
from ...solvers import State
from ...solvers.arguments import state_of
from .averages import Averages
from .table import OBSERVABLES, measured


class Measure(Protocol):
    """Measures one observable in a state."""

    def __call__(self, state: State, averages: Averages | None = None) -> xr.DataArray:  # noqa: D102
        ...


def _function(name: str, what: str) -> Measure:
    @taking(state=state_of)
    def measure(state: State, averages: Averages | None = None) -> xr.DataArray:
        found = measured(name, averages or Averages(state))
        assert isinstance(found, xr.DataArray)
        return found

    entry = OBSERVABLES[name]
    dims = entry.formula.dims if entry.formula else ("mode",)
    measure.__name__ = measure.__qualname__ = name
    measure.__doc__ = f"""Return ``{entry.text}``, {what}.

    Parameters
    ----------
    state : State
        Pure or mixed.
    averages : Averages, optional
        Shared with other measurements in the same state.

    Returns
    -------
    xarray.DataArray
        Dimensions ({", ".join(dims)}).
    """
    return measure


electron_density = _function("electron_density", "the number of electrons, both spins")
double_occupancy = _function("double_occupancy", "the probability of two electrons on a site")
spin_z = _function("spin_z", "half the difference of up and down electrons, in units of hbar")
boson_density = _function("boson_density", "the number of local pairs; zero where there is none")
density_correlation = _function("density_correlation", "of the electrons; not the connected part")
spin_correlation = _function("spin_correlation", "in units of hbar^2; not the connected part")
displacement = _function("displacement", "x = a + a+ = sqrt(2) X in zero-point units")
displacement_squared = _function("displacement_squared", "as ||x psi||^2 within the truncated space; 1 at rest")
quanta = _function("quanta", "the number of phonons about the undisplaced lattice")
electron_lattice = _function("electron_lattice", "electrons and displacements together; not the connected part")
boson_lattice = _function("boson_lattice", "local pairs and displacements together; not the connected part")
pair_exchange = _function("pair_exchange", "the local pair amplitude, negative for v > 0")
pair_correlation = _function("pair_correlation", "the density matrix of electron pairs on sites")
boson_correlation = _function("boson_correlation", "the density matrix of local pairs")
pair_boson_correlation = _function("pair_boson_correlation", "the common phase of electron pairs and local pairs")


@taking(state=state_of)
def condensate(state: State, averages: Averages | None = None) -> xr.Dataset:
    """Eigenvalues, descending, of the pair density matrices (Penrose and Onsager).

    Returns
    -------
    xarray.Dataset
        ``boson`` of <b+_i b_j>, ``electron_pair`` of <D+_i D_j>, ``combined`` of <O+_x O_y> with
        O = (D_0 ... D_{L-1}, b_0 ... b_{L-1}); only what the model has.

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
