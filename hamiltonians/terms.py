"""The terms of the Hamiltonian: one function per coupling, from a site, bond or mode to an operator formula.

The sum, the sign and the coupling that multiplies the operator are defined by the table of couplings in `parameters`.
User-defined terms, ``Model(terms=(my_term,))``, are functions from the model to an operator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..clusters import Bond
from .branches import share
from .flux import own_term
from .model import Model, joined
from .operators import (
    Operator,
    annihilate,
    as_operator,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    pair,
    phonon,
    quanta,
    spin_raising,
    spin_z,
    total,
)
from .soft_core import expanded
from .term import Directions as Directions
from .term import Term as Term
from .term import hop_with_reverse as _hop
from .term import term_of as _term

SAME = 1e-9
"""Levels closer than this times the energy unit of a model are degenerate."""
KEPT = "_operator"
"""Attribute in which a model caches its formula."""
BARE = "_without_potential"
"""Attribute in which it caches itself without its chemical potential."""
FAR = 1e3
"""A chemical potential larger than this times all other coefficients is kept outside H, to preserve precision."""
ROUNDING = 32 * float(np.finfo(float).eps)
"""Rounding of levels, relative to the sum of all coefficients of H."""


@_term("electrons.hopping")
def electron_hopping(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``exp(i theta) c+_j c_i + h.c.`` summed over spin."""
    forward = total(create(bond.end, spin) * annihilate(bond.start, spin) for spin in ("up", "dn"))
    return _hop(forward, bond, model.flux, 1, derivative)


@_term("electrons.level")
def electron_level(model: Model, site: int) -> Operator:
    """``n_i``."""
    return electron_number(site)


@_term("electrons.hubbard_u")
def hubbard(model: Model, site: int) -> Operator:
    """``n_up n_dn``."""
    return electron_number(site, "up") * electron_number(site, "dn")


@_term("electrons.repulsion")
def repulsion(model: Model, bond: Bond) -> Operator:
    """``n_i n_j``, on bonds or, by shells of distance, for any two sites."""
    return electron_number(bond.start) * electron_number(bond.end)


@_term("electrons.spin_exchange")
def spin_exchange(model: Model, bond: Bond) -> Operator:
    """``S_i . S_j = S^z_i S^z_j + (S^+_i S^-_j + h.c.) / 2``."""
    flip = spin_raising(bond.start) * spin_raising(bond.end).dag
    return spin_z(bond.start) * spin_z(bond.end) + 0.5 * (flip + flip.dag)


@_term("electrons.pair_hopping")
def pair_hopping(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``exp(2 i theta) D+_j D_i + h.c.``, D = c_dn c_up."""
    return _hop(pair(bond.end).dag * pair(bond.start), bond, model.flux, 2, derivative)


@_term("electrons.hopping_imaginary")
def imaginary_hopping(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``i exp(i theta) c+_j c_i + h.c.`` summed over spin."""
    forward = total(create(bond.end, spin) * annihilate(bond.start, spin) for spin in ("up", "dn"))
    return _hop(1j * forward, bond, model.flux, 1, derivative)


@_term("electrons.spin_orbit")
def spin_orbit(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``i sigma exp(i theta) c+_j c_i + h.c.`` summed over spin, sigma = 1 for up and -1 for down."""
    up, dn = (create(bond.end, spin) * annihilate(bond.start, spin) for spin in ("up", "dn"))
    return _hop(1j * (up - dn), bond, model.flux, 1, derivative)


@_term("electrons.zeeman")
def zeeman(model: Model, site: int) -> Operator:
    """``S^z_i``."""
    return spin_z(site)


@_term("electrons.transverse_field")
def transverse_field(model: Model, site: int) -> Operator:
    """``S^x_i = (S^+ + S^-) / 2``."""
    flip = spin_raising(site)
    return 0.5 * (flip + flip.dag)


@_term("electrons.transverse_field_y")
def transverse_field_y(model: Model, site: int) -> Operator:
    """``S^y_i = (S^+ - S^-) / 2i``."""
    flip = -0.5j * spin_raising(site)
    return flip + flip.dag


@_term("electrons.rashba")
def rashba(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``i exp(i theta) c+_j (d_y sigma_x - d_x sigma_y) c_i + h.c.``, d the unit vector of the bond in the plane."""
    x, y = model.cluster.direction(bond)
    up = create(bond.end, "up") * annihilate(bond.start, "dn")
    down = create(bond.end, "dn") * annihilate(bond.start, "up")
    return _hop(1j * ((y + 1j * x) * up + (y - 1j * x) * down), bond, model.flux, 1, derivative)


@_term("electrons.pairing")
def pairing(model: Model, site: int) -> Operator:
    """``D_i + h.c.``, D = c_dn c_up."""
    return pair(site) + pair(site).dag


@_term("electrons.bond_pairing")
def bond_pairing(model: Model, bond: Bond) -> Operator:
    """``B_ij + h.c.``, the singlet of a bond."""
    singlet = _singlet(bond)
    return singlet + singlet.dag


@_term("bosons.level")
def boson_level(model: Model, site: int) -> Operator:
    """``b+_i b_i``."""
    return boson_number(site)


@_term("bosons.exchange")
def pair_exchange(model: Model, site: int) -> Operator:
    """``b+_i c_dn c_up + h.c.``: an electron pair turns into a local pair and back."""
    forward = boson(site).dag * pair(site)
    return forward + forward.dag


@_term("bosons.hopping")
def boson_hopping(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``exp(2 i theta) b+_j b_i + h.c.``, between sites that both carry a boson."""
    if not {bond.start, bond.end} <= set(model.boson_sites):
        return Operator()
    return _hop(boson(bond.end).dag * boson(bond.start), bond, model.flux, 2, derivative)


@_term("bosons.repulsion")
def boson_repulsion(model: Model, bond: Bond) -> Operator:
    """``b+_i b_i b+_j b_j``, between sites that both carry a boson."""
    if not {bond.start, bond.end} <= set(model.boson_sites):
        return Operator()
    return boson_number(bond.start) * boson_number(bond.end)


@_term("bosons.electron_repulsion")
def boson_electron_repulsion(model: Model, place: int | Bond) -> Operator:
    """``b+_i b_i n_i``, or ``b+_i b_i n_j`` for two sites coupled by shells of distance."""
    site, other = (place.start, place.end) if isinstance(place, Bond) else (place, place)
    return boson_number(site) * electron_number(other) if site in model.boson_sites else Operator()


@_term("bosons.bond_exchange")
def bond_exchange(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``(exp(i theta) b+_j + exp(-i theta) b+_i) B_ij + h.c.``, for the ends that carry a boson."""
    i, j = bond.start, bond.end
    singlet = _singlet(bond)
    formed = {site: boson(site).dag * singlet for site in (i, j) if site in model.boson_sites}
    forward = total(formed[site] if site == j else formed[site].dag for site in formed)
    return _hop(forward, bond, model.flux, 1, derivative)


def _singlet(bond: Bond) -> Operator:
    """``B_ij = c_{i dn} c_{j up} + c_{j dn} c_{i up}``."""
    i, j = bond.start, bond.end
    return annihilate(i, "dn") * annihilate(j, "up") + annihilate(j, "dn") * annihilate(i, "up")


@_term("bosons.interaction")
def boson_interaction(model: Model, site: int) -> Operator:
    """``b+_i b+_i b_i b_i / 2``, n (n - 1) / 2 of soft-core pairs."""
    return 0.5 * (boson(site).dag * boson(site).dag * boson(site) * boson(site))


@_term("bosons.pairing")
def boson_pairing(model: Model, site: int) -> Operator:
    """``b+_i + b_i``."""
    return boson(site) + boson(site).dag


@_term("phonons.frequency")
def lattice(model: Model, mode: int) -> Operator:
    """``a+_m a_m``, without the zero-point energy."""
    return quanta(mode)


@_term("phonons.boson_coupling")
def boson_lattice(model: Model, place: tuple[int, int]) -> Operator:
    """``b+_i b_i x_m``, x = a + a+, for a mode and a site."""
    mode, site = place
    return boson_number(site) * displacement(mode) if site in model.boson_sites else Operator()


@_term("phonons.electron_coupling")
def electron_lattice(model: Model, place: tuple[int, int]) -> Operator:
    """``n_i x_m`` for a mode and a site; on the site of the mode the Holstein coupling, g = omega0 alpha_F."""
    mode, site = place
    return electron_number(site) * displacement(mode)


@_term("phonons.bond_coupling")
def bond_lattice(model: Model, bond: Bond, derivative: Directions = ()) -> Operator:
    """``y_b (c+_j c_i + h.c.)`` with ``y = x_b`` (mode on the bond) or ``x_j - x_i`` (modes on sites)."""
    shares = {m: share(mode, bond, model.cluster.bonds) for m, mode in enumerate(model.modes)}
    y = total(float(share) * displacement(m) for m, share in shares.items() if share)
    return electron_hopping.at(model, bond, derivative) * y


@_term("phonons.hopping")
def phonon_hopping(model: Model, bond: Bond) -> Operator:
    """``a+_m a_n + h.c.`` with the modes of both ends."""
    hops = [phonon(m).dag * phonon(n) for m, n in joined(model, bond)]
    return total(hop + hop.dag for hop in hops)


@_term("phonons.spring")
def spring(model: Model, bond: Bond) -> Operator:
    """``(x_m - x_n)^2`` with the modes of both ends."""
    stretched = [displacement(m) - displacement(n) for m, n in joined(model, bond)]
    return total(y * y for y in stretched)


@_term("phonons.quadratic")
def quadratic(model: Model, mode: int) -> Operator:
    """``x_m^2``, projected from the oscillator without cutoff, like all powers."""
    return _power(mode, 2)


@_term("phonons.cubic")
def cubic(model: Model, mode: int) -> Operator:
    """``x_m^3``."""
    return _power(mode, 3)


@_term("phonons.quartic")
def quartic(model: Model, mode: int) -> Operator:
    """``x_m^4``."""
    return _power(mode, 4)


def _power(mode: int, exponent: int) -> Operator:
    """``x_m^n``, normal ordered, which includes intermediate states beyond the cutoff."""
    return math.prod([displacement(mode)] * exponent, start=as_operator(1.0))


@_term("phonons.electron_quadratic")
def electron_quadratic(model: Model, mode: int) -> Operator:
    """``n x_m^2`` with the electrons of the mode's site."""
    return electron_number(model.modes[mode].index) * _power(mode, 2)


@_term("phonons.boson_quadratic")
def boson_quadratic(model: Model, mode: int) -> Operator:
    """``b+ b x_m^2`` with the boson of the mode's site."""
    return boson_number(model.modes[mode].index) * _power(mode, 2)


@_term("phonons.exchange_coupling")
def exchange_coupling(model: Model, mode: int) -> Operator:
    """``x_m (b+ D + h.c.)`` on the mode's site."""
    return pair_exchange.at(model, model.modes[mode].index) * displacement(mode)


@_term("ensemble.chemical_potential")
def chemical_potential(model: Model, place: None) -> Operator:
    """``sum_i n_i + 2 sum_i b+_i b_i``."""
    electrons = range(model.cluster.sites) if model.electrons else ()
    return total([electron_number(i) for i in electrons] + [2.0 * boson_number(i) for i in model.boson_sites])


TERMS: Mapping[str, Term] = MappingProxyType(
    {term.name: term for term in list(vars().values()) if isinstance(term, Term)}
)
"""Every term of the model file, by name."""


def energy_scale(model: Model) -> float:
    """Return the largest coefficient of H except the chemical potential, which shifts all levels of a sector equally.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> energy_scale(Model(dimer(), Electrons(hopping=1e-10, hubbard_u=4e-10), chemical_potential=1e3))
    4e-10
    """
    own = hamiltonian_operator(_without_potential(model))
    return max((abs(value) for value in own.terms.values()), default=0.0) or 1.0


def energy_unit(model: Model) -> float:
    """Return the reference for small energies: 1, or the energy scale of the model if that is smaller."""
    return min(1.0, energy_scale(model))


def level_width(model: Model) -> float:
    """Return the tolerance for degenerate levels: 1e-9 of the unit plus the rounding of all coefficients."""
    every = sum(abs(value) for value in sector_operator(model).terms.values())
    return SAME * energy_unit(model) + ROUNDING * every


def far_potential(model: Model) -> float:
    """Return the chemical potential if it is much larger than all other coefficients of H, else 0.

    If N is not conserved it is not a constant and remains in H.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> [far_potential(Model(dimer(), Electrons(1.0), chemical_potential=mu)) for mu in (0.5, 1e10)]
    [0.0, 10000000000.0]
    """
    mu = float(model.chemical_potential)
    return mu if mu and model.keeps_charge and abs(mu) > FAR * energy_scale(model) else 0.0


def sector_operator(model: Model) -> Operator:
    """Return the operator diagonalised in a sector: H, without a much larger chemical potential."""
    return hamiltonian_operator(_without_potential(model) if far_potential(model) else model)


def _without_potential(model: Model) -> Model:
    """Return the model with zero chemical potential, constructed once."""
    if not model.chemical_potential:
        return model
    kept = vars(model).get(BARE)
    if not isinstance(kept, type(model)):
        kept = vars(model)[BARE] = replace(model, chemical_potential=0.0)
    return kept


def hamiltonian_operator(model: Model) -> Operator:
    """Return the Hamiltonian of a model as a formula, including user-defined terms.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Electrons, Model
    >>> hamiltonian_operator(Model(site(), Electrons(), Bosons(level=0.5, exchange=0.2)))
    +0.2 b+_0 cdn_0 cup_0 +0.2 c+up_0 c+dn_0 b_0 +0.5 nb_0
    """
    known = vars(model).get(KEPT)
    if isinstance(known, Operator):
        return known
    own = (own_term(model, number) for number in range(len(model.terms)))
    found = expanded(total([*(term(model) for term in TERMS.values()), *own]), model)
    if not model.terms:  # user-defined functions may change
        vars(model)[KEPT] = found
    return found
