"""The adiabatic lattice: Born-Oppenheimer minima, zero-point motion, upper and lower bounds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ...hamiltonians import Model, Sector
from ...hamiltonians.terms import level_width
from ..labelled import dataset_of, labelled
from .base import Approximation, Where, sector_of
from .charges import COHERENT, DIAGONAL, charge_ground
from .static_lattice import CONDITIONS, StaticLattice, static_model

AS_LOW = 100
"""Minima that differ by less, in widths of levels, are degenerate."""


def coherent_product(model: Model, where: Where) -> xr.Dataset:
    r"""Exact charges in a mean-field lattice: the optimal product of a charge state and a coherent lattice state.

    In the state ``|charges> |coherent, x>`` every normal-ordered lattice operator of H has its classical value, so that
    ``<H> = sum omega0 x^2 / 4 + <H_el(x)>``; its minimum over the charges and x is the lowest minimum of the
    Born-Oppenheimer energy, at which ``x_m = -2 <A_m> / omega_m``. The result is an upper bound of the ground-state
    energy of the sector.

    Returns
    -------
    xarray.Dataset
        ``energies`` (one level), observables of the charges, ``displacement`` (mode,); and all solutions: ``minima``
        (minimum,) in order of increasing x, ``minima_displacement``, ``chosen``, the index of the lowest one (the
        first if degenerate), ``broken_symmetry``, true if several minima are degenerate; ``residual``, the
        largest ``|dE_ad/dx|``.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(site(), Electrons(), phonons=Phonons(2.0, electron_coupling=0.5, max_quanta=1))
    >>> data = coherent_product(model, Sector(1))
    >>> data.energies.values.round(9), data.displacement.values.round(6)
    (array([-0.5]), array([1.]))
    """
    return _surface(model, sector_of(where))


def adiabatic(model: Model, where: Where) -> xr.Dataset:
    r"""The lowest Born-Oppenheimer minimum with its zero-point motion.

    .. math:: E \approx \min_x E_{ad}(x) + \tfrac12\sum_m(\Omega_m - \omega_m)

    with the frequencies Omega of small oscillations about the minimum; the zero-point energy of the free lattice is
    subtracted since it is not contained in H. Exact as omega0 -> 0 at fixed ``omega0 alpha^2``.

    Returns
    -------
    xarray.Dataset
        As for `coherent_product`, with ``harmonic_frequencies`` (minimum, mode) and ``adiabatic_energy``, the minimum
        without the zero-point correction.
    """
    data = _surface(model, sector_of(where))
    frequencies = data["harmonic_frequencies"].isel(minimum=int(data["chosen"])).values
    correction = 0.5 * float(np.sum(np.sort(frequencies) - np.sort(model.couplings.frequency)))
    formula = "min E_ad + sum (Omega - omega0) / 2"
    energies = labelled("energies", data["adiabatic_energy"].values[None] + correction, ["level"], formula, "energy")
    return data.assign(energies=energies)


def adiabatic_bound(model: Model, where: Where) -> xr.Dataset:
    r"""Rigorous lower bound from the positivity of the kinetic energy of the lattice.

    ``omega0 a+a = omega0 (P^2 + X^2) / 2 - omega0 / 2`` and x = sqrt(2) X give
    ``H >= sum omega0 x^2 / 4 + H_el(x) - sum omega0 / 2``, so that ``E >= min_x E_ad - sum omega0 / 2``.

    Returns
    -------
    xarray.Dataset
        ``energies``, the bound, with the minima and ``residual`` as in `coherent_product`; no observables.
    """
    data = _surface(model, sector_of(where), observed=False)
    bound = data["adiabatic_energy"].values[None] - 0.5 * float(np.sum(model.couplings.frequency))
    return data.assign(energies=labelled("energies", bound, ["level"], "min E_ad - sum omega0 / 2", "energy"))


def _surface(model: Model, sector: Sector, observed: bool = True) -> xr.Dataset:
    lattice = StaticLattice(model, sector)
    minima = lattice.minima()
    energies = np.array([m.energy for m in minima])
    width = level_width(model)
    chosen = int(np.argmax(energies <= energies.min() + width))
    best = minima[chosen]
    equal = int(np.sum(energies <= best.energy + AS_LOW * width))
    elastic = float(lattice.omega @ best.displacement**2) / 4
    formula = "min_x [sum omega0 x^2 / 4 + E_el(x)]"
    data = dataset_of(
        {
            "energies": (np.array([best.energy]), "level", formula, "energy"),
            "adiabatic_energy": (best.energy, "", formula, "energy"),
            "minima": (energies, "minimum", "local minima of E_ad", "energy"),
            "n_minima": (len(minima), "", "number of local minima of E_ad"),
            "minima_displacement": (np.array([m.displacement for m in minima]), "minimum mode", "x"),
            "harmonic_frequencies": (np.array([m.frequencies for m in minima]), "minimum mode", "Omega", "energy"),
            "chosen": (chosen, "", "number of the lowest minimum"),
            "broken_symmetry": (equal > 1, "", "several minima are equally low"),
            "residual": (max(m.gradient for m in minima), "", "max |dE_ad/dx|", "energy"),
        }
    )
    if not observed:
        return data
    measured = charge_ground(static_model(model, best.displacement), sector, (*DIAGONAL, *COHERENT), elastic)
    displacement = labelled("displacement", best.displacement, ["mode"], "<x_m>")
    return data.assign(measured.data_vars).assign(displacement=displacement)


COHERENT_PRODUCT = Approximation("coherent-product", coherent_product, CONDITIONS, "upper", "omega0 -> 0")
ADIABATIC = Approximation("adiabatic", adiabatic, CONDITIONS, asymptotic="omega0 -> 0")
ADIABATIC_BOUND = Approximation("adiabatic-bound", adiabatic_bound, CONDITIONS, "lower", "omega0 -> 0")
