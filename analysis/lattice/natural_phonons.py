"""Natural phonon states: what each oscillator does for each charge of its site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ...solvers import State
from ...solvers.arguments import state_of
from ...solvers.optimal_states import followed
from ..labelled import dataset
from .displacements import coordinates, oscillator_functions
from .local_states import local_modes

CONDITION = {"bosons": "bosons", "electrons": "electrons", "both": "charge"}
"""The local charge by which oscillators are sorted, for what optimal states would follow."""


@taking(state=state_of)
def natural_phonons(
    state: State,
    count: int = 6,
    condition: str | None = None,
    grid: Sequence[float] | NDArray[np.float64] | None = None,
) -> xr.Dataset:
    r"""Return the natural states of each oscillator for each charge of its site, with their occupations.

    .. math:: \rho^q_m = \mathrm{Tr}_{\ne m}\, P_q |\psi\rangle\langle\psi| P_q
              = \sum_n w^q_n |\phi^q_n\rangle\langle\phi^q_n|

    with the projector P_q on configurations in which the site of mode m has the charge q. How fast the occupations fall
    says how many states an oscillator needs; the functions say whether the lattice follows the charge.

    Parameters
    ----------
    state : State
        Pure or mixed, in any phonon space.
    count : int
        Natural states that are returned, the largest occupations first.
    condition : str, optional
        Which local charge: "bosons", "electrons" or "charge" (n + 2 b+ b); by default that which acts on the lattice.
    grid : sequence of float, optional
        X = (a + a+) / sqrt(2); by default 201 points that cover the lattice.

    Returns
    -------
    xarray.Dataset
        ``occupation`` (mode, local_charge, natural), whose sum over all states and charges is one for each mode, and
        ``function`` (mode, local_charge, natural, X), normalised, complex where a flux or a motion makes the lattice
        state so; NaN for charges that do not occur.

    Raises
    ------
    ValueError
        If the condition is unknown.

    References
    ----------
    C. Zhang, E. Jeckelmann and S. R. White, Phys. Rev. Lett. 80, 2661 (1998).

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model, Phonons
    >>> from respair.solvers import ground_state
    >>> phonons = Phonons(1.0, boson_coupling=1.0, max_quanta=20)
    >>> levels = ground_state(Model(site(), Electrons(), Bosons(1.0, 0.3), phonons), 2)
    >>> natural_phonons(levels.ground, count=2).occupation.values.round(4)
    array([[[0.5, 0. ],
            [0.5, 0. ]]])
    """
    space = state.hamiltonian.space
    points = coordinates(space.model, grid)
    modes = local_modes(state, condition or CONDITION[followed(space.model)])
    charges = sorted({int(q) for mode in modes for q in mode.charges})
    shape = len(modes), len(charges), count
    kind = np.result_type(np.float64, *(mode.densities.dtype for mode in modes))
    occupation, function = np.zeros(shape), np.full((*shape, len(points)), np.nan, dtype=kind)
    for m, mode in enumerate(modes):
        for charge, shift in dict(zip(mode.charges.tolist(), mode.shifts.tolist(), strict=True)).items():
            rho = mode.density_matrix(shift, charge)
            weights, vectors = np.linalg.eigh(rho)
            weights, vectors = weights[::-1][:count], vectors[:, ::-1][:, :count]
            own = charges.index(charge)
            occupation[m, own, : len(weights)] = np.maximum(weights, 0.0)
            there = vectors.T @ oscillator_functions(len(rho), points - np.sqrt(2.0) * shift)
            largest = np.take_along_axis(there, np.argmax(np.abs(there), axis=1)[:, None], axis=1)
            function[m, own, : len(weights)] = there * np.conj(largest) / np.maximum(np.abs(largest), 1e-300)
    if not np.any(function.imag):
        function = function.real
    dims = ["mode", "local_charge", "natural"]
    coords = {"local_charge": np.array(charges), "X": points}
    return dataset(
        ("occupation", occupation, dims, "eigenvalues of the density matrix of a mode with a charge on its site"),
        ("function", function, [*dims, "X"], "its eigenvectors as functions of X", "X^-1/2"),
        coords=coords,
    )
