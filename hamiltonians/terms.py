"""The terms of the Hamiltonian: one function each, from the model to an operator formula.

A new term is one such function, given to `Model` through ``terms=(my_term,)``; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..clusters import Bond
from .flux import own_series
from .model import Model, TermFunction, bond_phase
from .operators import (
    Operator,
    annihilate,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    pair,
    quanta,
    total,
)

SAME = 1e-9
"""Levels closer than this times the energy unit of a model are one."""
ROUNDING = 32 * float(np.finfo(float).eps)
"""Rounding of levels, relative to the sum of all coefficients of H."""


def _electron_hop(bond: Bond, flux: float, derivative: int = 0) -> Operator:
    """``exp(i theta) c+_end c_start + h.c.`` summed over spin, or a derivative of it with respect to the flux."""
    forward = total(create(bond.end, spin) * annihilate(bond.start, spin) for spin in ("up", "dn"))
    return _hop(forward, bond, flux, 1, derivative)


def _boson_hop(bond: Bond, flux: float, derivative: int = 0) -> Operator:
    """``exp(2 i theta) b+_end b_start + h.c.``, or a derivative of it with respect to the flux."""
    return _hop(boson(bond.end).dag * boson(bond.start), bond, flux, 2, derivative)


def _hop(forward: Operator, bond: Bond, flux: float, charge: int, derivative: int) -> Operator:
    half = (1j * charge * bond.winding) ** derivative * bond_phase(bond, flux, charge) * forward
    return half + half.dag


def electron_hopping(model: Model, derivative: int = 0) -> Operator:
    """``-sum_<ij> t_ij (exp(i theta) c+_j c_i + h.c.)``."""
    return total(-t * _electron_hop(bond, model.flux, derivative) for bond, t in _bonds(model, "electron_hopping"))


def electron_level(model: Model) -> Operator:
    """``sum_i eps_i n_i``."""
    return total(eps * electron_number(i) for i, eps in enumerate(model.couplings.electron_level) if eps)


def hubbard(model: Model) -> Operator:
    """``sum_i U_i n_up n_dn``."""
    return total(
        u * (electron_number(i, "up") * electron_number(i, "dn")) for i, u in enumerate(model.couplings.hubbard_u) if u
    )


def repulsion(model: Model) -> Operator:
    """``sum_<ij> V_ij n_i n_j``."""
    return total(
        v * (electron_number(bond.start) * electron_number(bond.end)) for bond, v in _bonds(model, "repulsion")
    )


def boson_level(model: Model) -> Operator:
    """``sum_i Delta_B,i b+_i b_i``."""
    levels = zip(model.boson_sites, model.couplings.boson_level, strict=True)
    return total(level * boson_number(i) for i, level in levels if level)


def pair_exchange(model: Model) -> Operator:
    """``sum_i v_i (b+_i c_dn c_up + h.c.)``: an electron pair turns into a local pair and back."""
    strengths = zip(model.boson_sites, model.couplings.exchange, strict=True)
    forward = total(v * (boson(i).dag * pair(i)) for i, v in strengths if v)
    return forward + forward.dag


def boson_hopping(model: Model, derivative: int = 0) -> Operator:
    """``-sum_<ij> t_b,ij (exp(2 i theta) b+_j b_i + h.c.)``, between sites that both carry a boson."""
    carriers = set(model.boson_sites)
    return total(
        -t * _boson_hop(bond, model.flux, derivative)
        for bond, t in _bonds(model, "boson_hopping")
        if {bond.start, bond.end} <= carriers
    )


def lattice(model: Model) -> Operator:
    """``sum_m omega0_m a+_m a_m``, without the zero-point energy."""
    return total(omega * quanta(m) for m, omega in enumerate(model.couplings.frequency))


def boson_lattice(model: Model) -> Operator:
    """``-sum_m omega0 alpha_m b+ b x_m``, x = a + a+, with the boson of the mode's site."""
    return total(
        -g * (boson_number(mode.index) * displacement(m))
        for m, (mode, g) in enumerate(zip(model.modes, model.couplings.boson_phonon, strict=True))
        if g
    )


def electron_lattice(model: Model) -> Operator:
    """``-sum_m omega0 alpha_F,m n x_m``: the Holstein coupling with g = omega0 alpha_F."""
    return total(
        -g * (electron_number(mode.index) * displacement(m))
        for m, (mode, g) in enumerate(zip(model.modes, model.couplings.electron_phonon, strict=True))
        if g
    )


def bond_lattice(model: Model, derivative: int = 0) -> Operator:
    """``-sum_b g_b y_b (c+_j c_i + h.c.)`` with ``y = x_b`` (mode on the bond) or ``x_j - x_i`` (modes on sites)."""
    bonds, flux = model.cluster.bonds, model.flux
    on_bond = [
        -g * (_electron_hop(bonds[mode.index], flux, derivative) * displacement(m))
        for m, (mode, g) in enumerate(zip(model.modes, model.couplings.mode_bond, strict=True))
        if g
    ]
    mode_of = {mode.index: m for m, mode in enumerate(model.modes) if mode.host == "site"}
    on_sites = [
        -g * sign * (_electron_hop(bond, flux, derivative) * displacement(mode_of[site]))
        for bond, g in _bonds(model, "bond_phonon")
        for site, sign in ((bond.end, 1.0), (bond.start, -1.0))
        if site in mode_of
    ]
    return total([*on_bond, *on_sites])


def chemical_potential(model: Model) -> Operator:
    """``-mu (sum_i n_i + 2 sum_i b+_i b_i)``."""
    mu = model.chemical_potential
    if not mu:
        return Operator()
    electrons = range(model.cluster.sites) if model.electrons else ()
    charge = total([electron_number(i) for i in electrons] + [2.0 * boson_number(i) for i in model.boson_sites])
    return -mu * charge


def _bonds(model: Model, coupling: str) -> Iterator[tuple[Bond, float]]:
    values: np.ndarray = getattr(model.couplings, coupling)
    return ((bond, float(value)) for bond, value in zip(model.cluster.bonds, values, strict=True) if value)


TERMS: Mapping[str, TermFunction] = MappingProxyType(
    {
        "electron_hopping": electron_hopping,
        "electron_level": electron_level,
        "hubbard": hubbard,
        "repulsion": repulsion,
        "boson_level": boson_level,
        "pair_exchange": pair_exchange,
        "boson_hopping": boson_hopping,
        "lattice": lattice,
        "boson_lattice": boson_lattice,
        "electron_lattice": electron_lattice,
        "bond_lattice": bond_lattice,
        "chemical_potential": chemical_potential,
    }
)
"""Every term of the model file, by name."""


def flux_derivative(model: Model, order: int = 1) -> Operator:
    """Return ``d^n H / d phi^n``, phonon-assisted hopping included; the persistent current is ``-<dH/dphi>``.

    Parameters
    ----------
    model : Model
        At its own flux.
    order : int
        n.

    Returns
    -------
    Operator
        In the user's unit of energy (a flux is an angle).

    Raises
    ------
    InvalidModel
        If a term of the user's own moves charges between sites and has not said how it depends on the flux; see `hop`.
    """
    own = (series.derivative(model.flux, order) for series in own_series(model))
    return total([*(hops(model, order) for hops in (electron_hopping, boson_hopping, bond_lattice)), *own])


def energy_scale(model: Model) -> float:
    """Return the largest coefficient of H but for the chemical potential, which moves all levels of a sector alike.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> energy_scale(Model(dimer(), Electrons(hopping=1e-10, hubbard_u=4e-10), chemical_potential=1e3))
    4e-10
    """
    own = hamiltonian_operator(replace(model, chemical_potential=0.0))
    return max((abs(value) for value in own.terms.values()), default=0.0) or 1.0


def energy_unit(model: Model) -> float:
    """Return the energy beside which others are small: 1, or the scale of the model where that is smaller."""
    return min(1.0, energy_scale(model))


def level_width(model: Model) -> float:
    """Return how close levels are one: 1e-9 of the unit, or what rounding makes of the sum of all coefficients."""
    every = sum(abs(value) for value in hamiltonian_operator(model).terms.values())
    return SAME * energy_unit(model) + ROUNDING * every


def hamiltonian_operator(model: Model) -> Operator:
    """Return the whole Hamiltonian of a model as a formula, user terms included.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> hamiltonian_operator(Model(site(), Electrons(), Bosons(level=0.5, exchange=0.2)))
    +0.2 b+_0 cdn_0 cup_0 +0.2 c+up_0 c+dn_0 b_0 +0.5 nb_0
    """
    return total([*(term(model) for term in TERMS.values()), *(term(model) for term in model.terms)])
