"""Local pairs and electron pairs: exchange amplitude, pair density matrices, condensate eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Operator, boson, pair
from ...solvers import State
from ..labelled import labelled
from ..observables.averages import Averages

NOTHING = Operator()


def pair_exchange(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i b_i>`` with ``D = c_dn c_up``, the local pair amplitude, negative for v > 0: shape (site,), a number.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(site(), Electrons(), Bosons(exchange=0.3)), 2)
    >>> pair_exchange(levels.ground).values.round(12)
    array([-0.5])
    """
    averages = averages or Averages(state)
    electron, local = _pairs(state.hamiltonian.space.model)
    values = [averages.operator(d.dag * b) for d, b in zip(electron, local, strict=True)]
    return labelled("pair_exchange", np.array(values), ["site"], "<D+_i b_i>, D = c_dn c_up")


def pair_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i D_j>``, the density matrix of on-site electron pairs: shape ``(site, site_)``, a number."""
    electron, _ = _pairs(state.hamiltonian.space.model)
    values = correlation_matrix(averages or Averages(state), electron)
    return labelled("pair_correlation", values, ["site", "site_"], "<D+_i D_j>")


def boson_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<b+_i b_j>``, the density matrix of the local pairs: shape ``(site, site_)``, a number."""
    _, local = _pairs(state.hamiltonian.space.model)
    values = correlation_matrix(averages or Averages(state), local)
    return labelled("boson_correlation", values, ["site", "site_"], "<b+_i b_j>")


def pair_boson_correlation(state: State, averages: Averages | None = None) -> xr.DataArray:
    """``<D+_i b_j>``, how electron pairs and local pairs share their phase: shape ``(site, site_)``, a number."""
    averages = averages or Averages(state)
    electron, local = _pairs(state.hamiltonian.space.model)
    values = np.array([[averages.operator(d.dag * b) for b in local] for d in electron])
    return labelled("pair_boson_correlation", values, ["site", "site_"], "<D+_i b_j>")


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
    """
    averages = averages or Averages(state)
    model = state.hamiltonian.space.model
    matrices: dict[str, NDArray[np.complex128]] = {}
    if model.electrons is not None:
        matrices["electron_pair"] = pair_correlation(state, averages).values
    if model.bosons is not None:
        matrices["boson"] = boson_correlation(state, averages).values
    if len(matrices) == 2:
        cross = pair_boson_correlation(state, averages).values
        matrices["combined"] = np.block([[matrices["electron_pair"], cross], [cross.conj().T, matrices["boson"]]])
    formula = {"boson": "<b+_i b_j>", "electron_pair": "<D+_i D_j>", "combined": "<O+_x O_y>, O = (D, b)"}
    return xr.Dataset(
        {
            name: labelled(
                name, np.linalg.eigvalsh(matrix)[::-1], [f"{name}_natural_orbital"], f"eigenvalues of {formula[name]}"
            )
            for name, matrix in matrices.items()
        }
    )


def _pairs(model: Model) -> tuple[list[Operator], list[Operator]]:
    """Return D_i and b_i for each site, zero where the model has none."""
    sites = range(model.cluster.sites)
    electron = [pair(i) if model.electrons is not None else NOTHING for i in sites]
    return electron, [boson(i) if i in model.boson_sites else NOTHING for i in sites]


def correlation_matrix(averages: Averages, operators: Sequence[Operator]) -> NDArray[np.complex128]:
    """Return ``<O+_i O_j>`` of charge operators from its upper triangle, shape (n, n)."""
    size = len(operators)
    matrix = np.zeros((size, size), complex)
    for i in range(size):
        for j in range(i, size):
            matrix[i, j] = averages.operator(operators[i].dag * operators[j])
            matrix[j, i] = matrix[i, j].conjugate()
    return matrix
