"""Permutations of the sites that leave every coupling of a model alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...clusters import Permutation
from ...hamiltonians import Model
from ...hamiltonians.model import bond_phase


def one_electron_matrix(model: Model) -> NDArray[np.complex128]:
    """Return ``h[i, j]`` of ``sum h_ij c+_i c_j``: hopping with flux, levels and -mu; without the lattice."""
    c = model.couplings
    h = np.diag(c.electron_level - model.chemical_potential).astype(complex)
    for bond, t in zip(model.cluster.bonds, c.electron_hopping, strict=True):
        h[bond.end, bond.start] -= t * bond_phase(bond, model.flux, 1)
        h[bond.start, bond.end] -= t * bond_phase(bond, model.flux, 1).conjugate()
    return h


def site_symmetries(model: Model) -> list[Permutation]:
    """Return the permutations of the sites under which hopping, levels, U, and the local pairs stay as they are."""
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
    return [p for p in model.cluster.symmetries if all(np.allclose(a[np.ix_(p, p)], a, atol=1e-12) for a in arrays)]


def is_transitive(permutations: list[Permutation], sites: int) -> bool:
    """True where the permutations take any site to any other."""
    return {p[0] for p in permutations} == set(range(sites))
