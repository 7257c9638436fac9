"""Response to a magnetic flux through a ring: energy, persistent current, stiffness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from ..hamiltonians import Model, Sector, flux_derivative
from ..solvers import Eigenstates, Options, ground_state, solve
from .labelled import labelled

SPLIT = 1e-7
"""Slopes of degenerate levels that differ by more than this cross: the ground energy has a kink there."""


def flux_response(
    model: Model,
    sector: Sector | int,
    values: Sequence[float],
    options: Options | None = None,
    progress: Callable[[float], None] = lambda phi: None,
) -> xr.Dataset:
    r"""Compute E_0, the persistent current and the stiffness at each flux.

    .. math:: I = -\langle H'\rangle,\quad D = \pi L\, E_0'',\quad
              E_0'' = \langle H''\rangle - 2\langle H' Q\,(H - E_0)^{-1} Q H'\rangle

    with primes for derivatives with respect to phi and Q the projector off the ground level. The inverse is one
    linear solve in the sector; no excited states are summed.

    Parameters
    ----------
    model : Model
        A model on a ring; its own flux is replaced.
    sector : Sector or int
        Quantum numbers.
    values : sequence of float
        phi = 2 pi Phi / (hc/e).
    options : Options, optional
        How to solve.
    progress : function
        Called with each flux before it is solved.

    Returns
    -------
    xarray.Dataset
        ``energies``, ``energy_errors``, ``current``, ``stiffness``, ``multiplicity`` over ``phi``. Where levels cross,
        E_0 has a kink: current and stiffness are NaN there.

    Raises
    ------
    ValueError
        If the cluster has no loop.

    References
    ----------
    W. Kohn, Phys. Rev. 133, A171 (1964).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model, Sector
    >>> data = flux_response(Model(ring(4), Electrons(hopping=1.0)), Sector(1), [0.4])  # E = -2 cos(phi / 4)
    >>> data.current.values.round(8), data.stiffness.values.round(8)
    (array([-0.04991671]), array([1.56294889]))
    """
    if not model.cluster.has_loop:
        kind, sites = model.cluster.kind, model.cluster.sites
        raise ValueError(f"a {kind} of {sites} sites has no loop for a flux; take a ring of 3 or more")
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    rows = []
    for phi in values:
        progress(phi)
        levels = ground_state(replace(model, flux=float(phi)), sector, 1, options)
        slope, curvature = _derivatives(levels)
        energy, error = levels.energies[0], levels.certificate.energy_errors[0]
        length = sum(bond.winding != 0 for bond in model.cluster.bonds)
        rows.append((energy, error, -slope, np.pi * length * curvature, levels.multiplicity))
    table = np.array(rows, dtype=float).reshape(-1, 5).T
    names = ("energies", "energy_errors", "current", "stiffness", "multiplicity")
    formulas = ("E_0(phi)", "error bar", "-dE_0/dphi", "pi L d2E_0/dphi2", "states in the ground level")
    units = ("energy", "energy", "energy", "energy", "1")
    coords = {"phi": np.asarray(values, dtype=float)}
    return xr.Dataset(
        {n: labelled(n, v, ["phi"], f, u, coords) for n, v, f, u in zip(names, table, formulas, units, strict=True)}
    )


def _derivatives(levels: Eigenstates) -> tuple[float, float]:
    """Return E_0' and E_0'' of the lowest branch; NaN at a kink."""
    block, multiplet = levels.block, levels.amplitudes[: levels.multiplicity]
    derivatives = (flux_derivative(block.space.model, order) for order in (1, 2))
    first, second = (block.operator(derivative, multiplet.dtype) for derivative in derivatives)
    ground = multiplet.reshape(len(multiplet), -1).T
    moved = np.array([first.apply(phi) for phi in multiplet]).reshape(len(multiplet), -1).T
    slopes = np.linalg.eigvalsh(ground.conj().T @ moved)
    if slopes[-1] - slopes[0] > SPLIT * max(1.0, abs(slopes[0])):
        return np.nan, np.nan
    pushed = moved - ground @ (ground.conj().T @ moved)
    answer = solve(block, float(levels.energies[0]), pushed.T.reshape(multiplet.shape), off=multiplet)
    response = answer.reshape(len(multiplet), -1).T
    bent = np.array([second.apply(phi) for phi in multiplet]).reshape(len(multiplet), -1).T
    curvature = ground.conj().T @ bent - 2 * pushed.conj().T @ response
    return float(np.mean(slopes)), float(np.linalg.eigvalsh(curvature)[0])
