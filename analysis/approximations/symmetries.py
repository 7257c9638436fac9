"""Permutations of the sites that leave every coupling of a model unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import Permutation
from ...hamiltonians import Model
from ...hamiltonians.model import bond_phase

ROUNDING = 1e-14
"""Couplings with a smaller relative difference are equal."""


def one_electron_matrix(model: Model) -> NDArray[np.complex128]:
    """Return ``h[i, j]`` of ``sum h_ij c+_i c_j``: hopping with flux, levels and -mu, without the lattice."""
    c = model.couplings
    h = np.diag(c.electron_level - model.chemical_potential).astype(complex)
    for bond, t in zip(model.cluster.bonds, c.electron_hopping, strict=True):
        h[bond.end, bond.start] -= t * bond_phase(bond, model.flux, 1)
        h[bond.start, bond.end] -= t * bond_phase(bond, model.flux, 1).conjugate()
    return h


def site_symmetries(model: Model) -> list[Permutation]:
    """Return the site permutations under which hopping, levels, U, and the local pairs are invariant."""
    c, sites = model.couplings, model.cluster.sites
    arrays = [one_electron_matrix(model), np.diag(c.hubbard_u)]
    for values in (c.boson_level - 2 * model.chemical_potential, c.exchange, np.ones(len(model.boson_sites))):
        local = np.zeros(sites)
        local[list(model.boson_sites)] = values
        arrays.append(np.diag(local))
    pairs = np.zeros((sites, sites))
    for bond, t in zip(model.cluster.bonds, c.boson_hopping, strict=True):
        pairs[bond.start, bond.end] = pairs[bond.end, bond.start] = t
    arrays.append(pairs)
    return [p for p in model.cluster.symmetries if all(_same(a[np.ix_(p, p)], a) for a in arrays)]


def _same(image: NDArray[Any], array: NDArray[Any]) -> bool:
    """True if two arrays are equal up to rounding of each element."""
    return bool(np.all(np.abs(image - array) <= ROUNDING * np.maximum(np.abs(image), np.abs(array))))


def mode_permutations(model: Model) -> list[NDArray[np.int64]]:
    """Return the permutations of the modes by site symmetries, each once, without the identity.

    Symmetries that do not permute the modes are omitted; frequencies and couplings are ignored.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> mode_permutations(Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, max_quanta=1)))
    [array([1, 0])]
    """
    bonds = model.cluster.bonds
    hosts = [(m.branch, frozenset(m.place(bonds))) for m in model.modes]
    place = {host: m for m, host in enumerate(hosts)}
    orders = dict.fromkeys(
        tuple(place.get((name, frozenset(p[site] for site in host)), -1) for name, host in hosts)
        for p in site_symmetries(model)
    )
    same = tuple(range(len(hosts)))
    return [np.array(o, np.int64) for o in orders if -1 not in o and len(set(o)) == len(o) and o != same]
