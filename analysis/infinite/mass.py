"""Effective masses: the curvature of the band by perturbation theory in the wave vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ..._core.lazy import threads
from ...solvers.infinite.formula import bare_hops
from ...solvers.infinite.levels import InfiniteLevels
from ...solvers.linear import Shifted
from ...solvers.work import silent
from ..labelled import dataset_of
from .states import some_levels, with_errors

TOLERANCE = 1e-9
"""Relative residual of the linear solves."""


@taking(levels=some_levels)
def effective_mass(levels: InfiniteLevels) -> xr.Dataset:
    r"""Return the velocity and the effective mass of the lowest level at its wave vector.

    With H(k) in the space of Bloch states, its lowest eigenvalue E and the projector Q onto the other eigenstates,

    .. math::
        \partial_a E &= \langle\psi|\partial_a H|\psi\rangle \\
        \partial_a\partial_b E &= \langle\psi|\partial_a\partial_b H|\psi\rangle
            - 2\,\mathrm{Re}\,\langle\partial_a H\psi|Q (H - E)^{-1} Q|\partial_b H\psi\rangle

    and the inverse mass is the matrix of second derivatives (hbar = a = 1). The level must not be degenerate.

    Parameters
    ----------
    levels : InfiniteLevels
        Result of `infinite_levels`.

    Returns
    -------
    xarray.Dataset
        ``velocity`` (axis,), ``inverse_mass`` (``axis``, ``axis_``), ``mass`` (its inverse, along the principal axes
        ascending in 1/m), ``bare_mass`` (the same without lattice: of the bare charges of the level, a pair of
        electrons having twice that of an electron) and ``mass_ratio``, each with ``_error``.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons, Model, Phonons
    >>> from respair.solvers import infinite_levels
    >>> model = Model(infinite_chain(), Electrons(hopping=1.0), phonons=Phonons(1.0, electron_coupling=1.0))
    >>> print(f"{effective_mass(infinite_levels(model, 1, accuracy=1e-8)).mass_ratio[0].item():.4f}")
    1.3505
    """
    with threads.one_blas_thread():
        values, errors = with_errors(levels, _measured)
    table = {
        "velocity": ("axis", "dE/dk_a", "energy"),
        "inverse_mass": ("axis axis_", "d2E/dk_a dk_b", "energy"),
        "mass": ("principal", "1 / eigenvalues of d2E/dk_a dk_b", "1/energy"),
        "bare_mass": ("principal", "mass of the bare charges", "1/energy"),
        "mass_ratio": ("principal", "m / m_bare", "1"),
    }
    rows: dict[str, tuple[Any, ...]] = {}
    for name, (over, formula, unit) in table.items():
        rows[name] = (values[name], over, formula, unit)
        rows[f"{name}_error"] = (errors[name], over, f"error bar of {name}", unit)
    return dataset_of(rows)


def _measured(levels: InfiniteLevels) -> dict[str, Any]:
    velocity, inverse = _derivatives(levels)
    bare = _bare_inverse(levels)
    with np.errstate(divide="ignore", invalid="ignore"):  # immobile particles have no mass ratio
        mass, bare_mass = 1 / np.linalg.eigvalsh(inverse), 1 / np.linalg.eigvalsh(bare)
        return {
            "velocity": velocity,
            "inverse_mass": inverse,
            "mass": mass,
            "bare_mass": bare_mass,
            "mass_ratio": mass / bare_mass,
        }


def _derivatives(levels: InfiniteLevels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    space, axes = levels.space, range(len(levels.wave_vector))
    psi, energy = levels.vectors[:, 0].astype(complex), float(levels.energies[0])
    operator = space.operator(levels.tables())
    slopes = [space.matrix(levels.tables(a)) @ psi for a in axes]
    velocity = np.array([np.vdot(psi, slope).real for slope in slopes])
    inverse = np.array([[np.vdot(psi, space.matrix(levels.tables(a, b)) @ psi).real for b in axes] for a in axes])
    if len(space) > 1:
        shifted = Shifted(operator, energy, psi[None], 50_000, silent)
        answers = [shifted.solve(slope, TOLERANCE) if np.any(slope) else slope for slope in slopes]
        inverse -= 2 * np.array([[np.vdot(a, b).real for b in answers] for a in slopes])
    return velocity, (inverse + inverse.T) / 2


def _bare_inverse(levels: InfiniteLevels) -> NDArray[np.float64]:
    """Return the inverse mass of the free electrons, or of a local pair in models without electrons."""
    formula, charge = levels.skeleton.formula, levels.sector.charge
    from_letters = {("c+up", "cup"): 1, ("c+dn", "cdn"): 1, ("b+", "b"): 2}
    kinds = [kind for kind in from_letters if bare_hops(formula, kind)]
    electrons = [kind for kind in kinds if kind[0] != "b+"]
    chosen = (electrons or kinds or [("c+up", "cup")])[0]
    share = charge if chosen in electrons else 1
    total = np.zeros((formula.dimension,) * 2)
    for apart, value in bare_hops(formula, chosen):
        total -= 2 * (value * np.exp(-1j * (apart @ levels.wave_vector) / share)).real * np.outer(apart, apart) / 2
    return total / share
