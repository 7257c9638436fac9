"""PySCF: full configuration interaction of electrons and local pairs, and of electrons with Holstein phonons."""

from __future__ import annotations

import math
import warnings

import numpy as np

from ...clusters import InvalidValue
from .library import library
from .orbitals import Integrals
from .terms import Terms

LARGEST = 3_000_000
"""States at most."""
FRAME = "mean"
"""Frame in which its phonons are counted: its coupling is that to ``n_i - N / L``."""


def why_not(terms: Terms) -> str:
    """Return why PySCF cannot do it; empty where it can."""
    if terms.modes:
        return _not_holstein(terms)
    try:
        if not Integrals.of(terms).is_restricted:
            return "its integrals must be the same for both spins; a field on the spins breaks that"
    except InvalidValue as error:
        return str(error)
    n = terms.orbitals + len(terms.pairs)
    size = math.prod(math.comb(n, k) for k in terms.electrons[1:])
    return f"its {size:,} configurations are above {LARGEST:,}" if size > LARGEST else ""


def _not_holstein(terms: Terms) -> str:
    """Return in what a model with phonons differs from that of `pyscf.fci.direct_ep`."""
    model, modes = terms.model, terms.modes
    c = model.couplings
    if model.bosons is not None or model.electrons is None:
        return "its phonons couple to electrons alone, and local pairs are there"
    if modes != terms.sites or any(mode.host != "site" for mode in model.modes):
        return "its phonons sit on all sites"
    if terms.total_quanta is not None:
        return "each of its modes has its own cap, and total_quanta is there"
    known = ("electrons.hopping", "electrons.hubbard_u", "electrons.level", "phonons.frequency",
             "phonons.electron_coupling", "ensemble.chemical_potential")  # fmt: skip
    if other := [key for key in model.active if key not in known]:
        return f"its model with phonons is that of Holstein and Hubbard, and {other[0]} is there"
    own = np.diag(c.electron_phonon_by_site)
    alike = (c.electron_phonon_by_site - np.diag(own), own - own[0], c.frequency - c.frequency[0])
    uniform = all(np.abs(array).max() == 0 for array in (*alike, c.hubbard_u - c.hubbard_u[0]))
    if not uniform or np.any(model.flux) or not terms.is_real or model.terms:
        return "its phonons, couplings and U are the same on all sites, without a flux"
    size = math.prod(math.comb(terms.sites, k) for k in terms.electrons[1:]) * (terms.max_quanta + 1) ** modes
    return f"its {size:,} states are above {LARGEST:,}" if size > LARGEST else ""


def energy(terms: Terms) -> tuple[float, float]:
    """Return the lowest energy of the sector, and its error bar."""
    if terms.modes:
        return _holstein(terms)
    fci = library("pyscf.fci")
    integrals = Integrals.of(terms)
    n, electrons = len(integrals.one[0]), terms.electrons[1:]
    solver = fci.direct_nosym.FCI()
    solver.max_cycle, solver.conv_tol, solver.max_space, solver.verbose = 500, 1e-13, 30, 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "direct_nosym")  # it is for Hermitian matrices, and these are
        value, _ = solver.kernel(integrals.one[0], integrals.two[1], n, electrons, nroots=1)
    return float(np.min(value)) + integrals.constant, 1e-9 * _scale(terms)


def _holstein(terms: Terms) -> tuple[float, float]:
    direct = library("pyscf.fci.direct_ep", "pyscf")
    model, sites = terms.model, terms.sites
    c, omega = model.couplings, float(terms.model.couplings.frequency[0])
    t = np.diag(c.electron_level - model.chemical_potential)
    for bond, hop in zip(model.cluster.bonds, c.electron_hopping, strict=True):
        t[bond.start, bond.end] -= float(np.real(hop))
        t[bond.end, bond.start] -= float(np.real(hop))
    g = float(c.electron_phonon_by_site[0, 0])
    np.random.seed(0)  # noqa: NPY002 - PySCF draws its start vector from here
    value, _ = direct.kernel(
        t, float(c.hubbard_u[0]), -g, omega * np.eye(sites), sites, terms.electrons[1:], terms.max_quanta,
        tol=1e-18, max_cycle=3000, lindep=1e-28, max_space=40, verbose=0,
    )  # fmt: skip
    charge = terms.sector.charge
    return float(value) - g**2 * charge**2 / (omega * sites), 1e-8 * _scale(terms)


def _scale(terms: Terms) -> float:
    return 1.0 + max((abs(value) for value, *_ in terms), default=0.0)
