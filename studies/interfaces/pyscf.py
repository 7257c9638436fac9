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
"""Largest number of configurations."""
FRAME = "mean"
"""Phonon frame of PySCF, whose phonons couple to ``n_i - N / L``."""


def why_not(terms: Terms) -> str:
    """Return why PySCF cannot solve the model; empty if it can."""
    if terms.modes:
        return _not_holstein(terms)
    try:
        if not Integrals.of(terms).is_restricted:
            return "the integrals depend on spin; allowed: no field that acts on the spins"
    except InvalidValue as error:
        return str(error)
    n = terms.orbitals + len(terms.pairs)
    size = math.prod(math.comb(n, k) for k in terms.electrons[1:])
    return f"{size:,} configurations; allowed: at most {LARGEST:,}" if size > LARGEST else ""


def _not_holstein(terms: Terms) -> str:
    """Return how a model with phonons differs from that of `pyscf.fci.direct_ep`; empty if it does not."""
    model, modes = terms.model, terms.modes
    c = model.couplings
    if model.bosons is not None or model.electrons is None:
        return "local pairs are present; allowed with phonons: electrons alone"
    if modes != terms.sites or any(mode.host != "site" for mode in model.modes):
        return "not every site has an oscillator; allowed: one on every site"
    if terms.total_quanta is not None:
        return "total_quanta is given; allowed: a cutoff of each mode alone, phonons.max_quanta"
    known = ("electrons.hopping", "electrons.hubbard_u", "electrons.level", "phonons.frequency",
             "phonons.electron_coupling", "ensemble.chemical_potential")  # fmt: skip
    if other := [key for key in model.active if key not in known]:
        return f"{other[0]} is given; allowed with phonons: the Holstein-Hubbard model"
    own = np.diag(c.electron_phonon_by_site)
    alike = (c.electron_phonon_by_site - np.diag(own), own - own[0], c.frequency - c.frequency[0])
    uniform = all(np.abs(array).max() == 0 for array in (*alike, c.hubbard_u - c.hubbard_u[0]))
    if not uniform or np.any(model.flux) or not terms.is_real or model.terms:
        return "parameters depend on the site, or a flux is given; allowed: uniform parameters without flux"
    size = math.prod(math.comb(terms.sites, k) for k in terms.electrons[1:]) * (terms.max_quanta + 1) ** modes
    return f"{size:,} states; allowed: at most {LARGEST:,}" if size > LARGEST else ""


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
        warnings.filterwarnings("ignore", "direct_nosym")  # warns of non-Hermitian matrices; these are Hermitian
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
    np.random.seed(0)  # noqa: NPY002 - PySCF draws its start vector from the global generator
    value, _ = direct.kernel(
        t, float(c.hubbard_u[0]), -g, omega * np.eye(sites), sites, terms.electrons[1:], terms.max_quanta,
        tol=1e-18, max_cycle=3000, lindep=1e-28, max_space=40, verbose=0,
    )  # fmt: skip
    charge = terms.sector.charge
    return float(value) - g**2 * charge**2 / (omega * sites), 1e-8 * _scale(terms)


def _scale(terms: Terms) -> float:
    return 1.0 + max((abs(value) for value, *_ in terms), default=0.0)
