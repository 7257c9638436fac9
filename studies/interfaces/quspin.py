"""QuSpin: a script with the operator lists of a model that prints its lowest energy."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict

from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from .library import version_of
from .terms import Terms

LARGEST = 400_000
"""Largest dimension of the tensor basis."""
LETTERS = {"c+up": "+", "cup": "-", "nup": "n", "c+dn": "+", "cdn": "-", "ndn": "n", "b+": "+", "b": "-", "nb": "n"}

SCRIPT = '''"""{title}: N = {charge}, N_up - N_dn = {two_sz}, for QuSpin {version}."""

import numpy as np
from quspin.basis import boson_basis_1d, spinful_fermion_basis_1d, tensor_basis
from quspin.operators import hamiltonian
from scipy.sparse.linalg import eigsh

sites, pairs, modes, cap, total_quanta = {sites}, {pairs}, {modes}, {cap}, {total}
charge, two_sz, constant = {charge}, {two_sz}, {constant!r}
fillings = {fillings}

# operator string, then [coefficient, indices of phonons ..., of local pairs ..., of up and down electrons ...]
terms = {terms}

electrons = spinful_fermion_basis_1d(sites, Nf=fillings)
factors = []
if modes:
    factors.append(boson_basis_1d(modes, sps=cap + 1))
if pairs:
    factors.append(boson_basis_1d(pairs, sps=2))
basis = tensor_basis(*factors, electrons) if factors else electrons
checks = dict(check_symm=False, check_herm=False, check_pcon=False, dtype={dtype})
H = hamiltonian(terms, [], basis=basis, **checks).tocsr()

prefix = "|" * len(factors)


def number(strings):
    return hamiltonian(strings, [], basis=basis, **checks).diagonal().real


empty_pairs = "|" if pairs else ""
n = number([[prefix + "n|", [[1.0, i] for i in range(sites)]], [prefix + "|n", [[1.0, i] for i in range(sites)]]])
if pairs:
    n = n + number([[("|" if modes else "") + "n||", [[2.0, k] for k in range(pairs)]]])
kept = np.isclose(n, charge)
if modes and total_quanta is not None:
    quanta = number([["n" + empty_pairs + "||", [[1.0, m] for m in range(modes)]]])
    kept &= quanta < total_quanta + 0.5
rows = np.flatnonzero(kept)
H = H[rows][:, rows]
if len(rows) <= 400:
    energy = np.linalg.eigvalsh(H.toarray())[0]
else:
    start = np.random.default_rng(0).standard_normal(len(rows))
    energy = eigsh(H, k=1, which="SA", tol=0, v0=start, return_eigenvectors=False)[0]
print(repr(float(energy) + constant))
'''


def to_quspin(model: Model, sector: Sector | int) -> str:
    """Return a QuSpin script with the operator lists of a model that prints the lowest energy of the sector.

    The basis is the tensor product of oscillators, local pairs and electrons, without spatial symmetries.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff.
    sector : Sector or int
        N and S_z.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> "spinful_fermion_basis_1d(sites, Nf=fillings)" in to_quspin(Model(dimer(), Electrons(hopping=1.0)), 2)
    True
    """
    return _script(Terms.of(model, sector))


def _fillings(terms: Terms) -> list[tuple[int, int]]:
    """Return all (N_up, N_dn) of the sector."""
    charge, excess = terms.sector.charge, terms.sector.spin_excess
    most = terms.sites if terms.model.electrons is not None else 0
    found = []
    for pairs in range(len(terms.pairs) + 1):
        up, rest = divmod(charge - 2 * pairs + excess, 2)
        down = up - excess
        if not rest and 0 <= up <= most and 0 <= down <= most:
            found.append((up, down))
    return found


def _script(terms: Terms) -> str:
    lists: defaultdict[str, list[list[object]]] = defaultdict(list)
    for value, charge, lattice in terms:
        groups: dict[str, tuple[str, list[int]]] = {name: ("", []) for name in ("phonon", "pair", "up", "dn")}

        def extended(group: str, letters: str, places: list[int], known: dict[str, tuple[str, list[int]]]) -> None:
            known[group] = (known[group][0] + letters, known[group][1] + places)

        for mode, up, low in lattice:
            extended("phonon", "+" * up + "-" * low, [mode] * (up + low), groups)
        for symbol, site in charge:
            kind = "pair" if symbol in ("b", "b+", "nb") else symbol[-2:]
            place = terms.pairs.index(site) if kind == "pair" else site
            extended(kind, LETTERS[symbol], [place], groups)
        used = [*(["phonon"] if terms.modes else []), *(["pair"] if terms.pairs else []), "up", "dn"]
        text = "|".join(groups[group][0] for group in used)
        coefficient: object = value.real if terms.is_real else value
        lists[text].append([coefficient, *(place for group in used for place in groups[group][1])])
    return SCRIPT.format(
        title=terms.model.name or terms.model.cluster.size,
        charge=terms.sector.charge,
        two_sz=terms.sector.spin_excess,
        version=version_of("quspin") or "1",
        sites=terms.sites,
        pairs=len(terms.pairs),
        modes=terms.modes,
        cap=terms.max_quanta,
        total=terms.total_quanta,
        constant=terms.constant,
        fillings=_fillings(terms),
        terms="[\n" + "".join(f"    [{text!r}, {entries!r}],\n" for text, entries in lists.items()) + "]",
        dtype="np.float64" if terms.is_real else "np.complex128",
    )


def why_not(terms: Terms) -> str:
    """Return why QuSpin cannot solve the model; empty if it can."""
    size = terms.whole_dimension
    return f"up to {size:,} states of the tensor basis; allowed: at most {LARGEST:,}" if size > LARGEST else ""


def energy(terms: Terms) -> tuple[float, float]:
    """Return the lowest energy of the sector printed by the script, and its error bar."""
    done = subprocess.run([sys.executable, "-c", _script(terms)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InvalidValue(f"the script for QuSpin failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.splitlines()[-1]), 0.0
