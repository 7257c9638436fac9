"""The Lang-Firsov transformation: charges dressed by displaced oscillators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model, Sector
from ..labelled import dataset_of
from .base import Approximation, Condition, Where, sector_of
from .charges import DIAGONAL, charge_ground, charge_model
from .conditions import (
    BONDS_ARE_LEFT,
    BRANCHES,
    CHARGES,
    ELECTRONS_OR_BOSONS,
    LATTICE,
    LATTICE_THERE,
    STILL,
    knows,
    sector_only,
)

CONDITIONS: tuple[Condition, ...] = (
    sector_only, LATTICE_THERE, ELECTRONS_OR_BOSONS, knows(*CHARGES, *STILL, *LATTICE, BRANCHES, why=BONDS_ARE_LEFT),
)  # fmt: skip


@dataclass(frozen=True)
class Dressing:
    r"""Parameters of the transformation ``U = exp(sum_m q_m (a+_m - a_m))`` on a squeezed vacuum.

    Attributes
    ----------
    electron, boson : (modes,) float
        f and f_b in ``q = f n + f_b b+b``; g / omega0 and alpha eliminate the coupling.
    squeezing : (modes,) float
        r: the lattice state has ``<P^2> = exp(-2 r) / 2``.
    """

    electron: NDArray[Any]
    boson: NDArray[Any]
    squeezing: NDArray[Any] = field(repr=False)

    @classmethod
    def full(cls, model: Model) -> Dressing:
        """Return the standard transformation, which eliminates the coupling."""
        c = model.couplings
        return cls(c.electron_phonon / c.frequency, c.boson_phonon / c.frequency, np.zeros(len(model.modes)))


def effective_model(model: Model, dressing: Dressing | None = None) -> tuple[Model, float]:
    r"""Transform a model and average it over the lattice vacuum.

    With ``q = f n + f_b b+b`` on the site of each mode, ``U+ H U`` averaged over the vacuum squeezed by r has

    - ``eps + omega0 f^2 - 2 g f``, ``U + 2 (omega0 f^2 - 2 g f)``, ``Delta_B + omega0 f_b^2 - 2 omega0 alpha f_b``, and
      the contact ``2 (omega0 f f_b - g f_b - omega0 alpha f) n b+b``;
    - for each operator that changes q_m by d_m the factor ``prod_m exp(-d_m^2 exp(-2 r_m) / 2)``: hopping
      ``t exp(-(f_i^2 + f_j^2)/2)``, exchange ``v exp(-(f_b - 2 f)^2/2)``, and so on;
    - the constant ``sum omega0 sinh^2 r``.

    With f = g / omega0 and f_b = alpha: polaron levels ``eps - g^2/omega0`` and ``Delta_B - alpha^2 omega0``, the
    attraction ``U - 2 g^2/omega0``, hopping ``t exp(-(g/omega0)^2)``, exchange ``v exp(-alpha^2/2)``.

    Parameters
    ----------
    model : Model
        A model with phonons coupled to the charges of their sites.
    dressing : Dressing, optional
        By default the full transformation.

    Returns
    -------
    model : Model
        The charges with their effective couplings.
    constant : float
        Constant to be added to its energies.

    References
    ----------
    I. G. Lang and Y. A. Firsov, Sov. Phys. JETP 16, 1301 (1963).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.5, max_quanta=1))
    >>> c = effective_model(model)[0].couplings
    >>> c.electron_hopping.round(6), c.electron_level, c.hubbard_u
    (array([0.778801]), array([-0.5, -0.5]), array([-1., -1.]))
    """
    changed, contact, constant = effective_couplings(model, dressing or Dressing.full(model))
    both = model.electrons is not None and model.bosons is not None
    return charge_model(model, changed, contact.tolist() if both else ()), constant


def effective_couplings(model: Model, d: Dressing) -> tuple[dict[str, NDArray[Any]], NDArray[Any], Any]:
    """Return the couplings changed by `effective_model`, the contact terms, and the constant.

    They are analytic functions of the dressing parameters, which may be complex.
    """
    c, sites = model.couplings, model.cluster.sites
    kind = np.result_type(d.electron, d.boson, d.squeezing, float)
    electron, boson, turned, shift, u, pair_shift, contact = np.zeros((7, sites), kind)
    for m, mode in enumerate(model.modes):
        if mode.host == "site":
            w, g, gb, own, pair = c.frequency[m], c.electron_phonon[m], c.boson_phonon[m], d.electron[m], d.boson[m]
            i, width = mode.index, np.exp(-2 * d.squeezing[m])
            electron[i] += own**2 * width
            boson[i] += pair**2 * width
            turned[i] += (pair - 2 * own) ** 2 * width
            shift[i] += w * own**2 - 2 * g * own
            u[i] += 2 * (w * own**2 - 2 * g * own)
            pair_shift[i] += w * pair**2 - 2 * gb * pair
            contact[i] += 2 * (w * own * pair - g * pair - gb * own)
    on, bonds = list(model.boson_sites), model.cluster.bonds
    pairs = np.array([(b.start, b.end) for b in bonds], int).reshape(-1, 2)
    changed = {
        "electron_hopping": c.electron_hopping * np.exp(-0.5 * np.sum(electron[pairs], axis=1)),
        "electron_level": c.electron_level + shift,
        "hubbard_u": c.hubbard_u + u,
        "boson_level": c.boson_level + pair_shift[on],
        "exchange": c.exchange * np.exp(-0.5 * turned[on]),
        "boson_hopping": c.boson_hopping * np.exp(-0.5 * np.sum(boson[pairs], axis=1)),
    }
    between = contact * np.isin(np.arange(sites), on)
    return changed, between, np.sum(c.frequency * np.sinh(d.squeezing) ** 2)


def lang_firsov(model: Model, where: Where) -> xr.Dataset:
    """The standard transformation: `effective_model` with f = g / omega0 and f_b = alpha, solved exactly.

    The state is the transformed product of a charge state and the lattice vacuum, so that the energy is an upper bound
    of the ground-state energy of the sector; it is exact at t = v = 0, and as omega0 -> infinity at fixed g/omega0,
    alpha and polaron shifts, with an error that decreases as 1 / omega0.

    Returns
    -------
    xarray.Dataset
        ``energies``, densities, ``pair_exchange``, ``displacement`` = 2 <q>; ``electron_displacement`` and
        ``boson_displacement`` (mode,), the f and f_b; ``residual``, 0: nothing is optimised.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons, Sector
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.2, max_quanta=1))
    >>> lang_firsov(model, Sector(1)).energies.values.round(9)
    array([-1.67692776])
    """
    return dressed(model, sector_of(where), Dressing.full(model), 0.0)


def dressed(model: Model, sector: Sector, d: Dressing, residual: float) -> xr.Dataset:
    """Solve the dressed charges exactly, and return observables in the untransformed frame."""
    effective, constant = effective_model(model, d)
    data = charge_ground(effective, sector, (*DIAGONAL, "pair_exchange"), constant)
    sites = [mode.index if mode.host == "site" else 0 for mode in model.modes]  # modes on bonds are not displaced
    moved = np.zeros(len(sites))
    if "electron_density" in data:
        moved = moved + d.electron * data["electron_density"].values[sites]
    if "boson_density" in data:
        moved = moved + d.boson * data["boson_density"].values[sites]
    if "pair_exchange" in data:
        overlap = np.ones(model.cluster.sites)
        factors = np.exp(-0.5 * (d.boson - 2 * d.electron) ** 2 * np.exp(-2 * d.squeezing))
        np.multiply.at(overlap, sites, factors)
        data["pair_exchange"] = data["pair_exchange"].copy(data=data["pair_exchange"].values * overlap)
    table: dict[str, tuple[Any, ...]] = {
        "electron_displacement": (d.electron, "mode", "electron_displacement of each mode"),
        "boson_displacement": (d.boson, "mode", "boson_displacement of each mode"),
        "squeezing": (d.squeezing, "mode", "squeezing of each mode"),
        "displacement": (2 * moved, "mode", "<x> = 2 (f <n> + f_b <b+b>)"),
        "residual": (residual, "", "largest slope of the energy", "energy"),
    }
    return data.assign(dataset_of(table).data_vars)


INFINITE = "omega0 -> infinity at fixed g/omega0, alpha and polaron shifts"
LANG_FIRSOV = Approximation("lang-firsov", lang_firsov, CONDITIONS, "upper", INFINITE)
ANTI_ADIABATIC = Approximation("anti-adiabatic", lang_firsov, CONDITIONS, "none", INFINITE)
