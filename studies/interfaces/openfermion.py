"""OpenFermion: electrons and local pairs as `FermionOperator`, oscillators as `BosonOperator` factors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from .library import library
from .orbitals import as_ladders, kept_apart
from .sectors import lowest_energy
from .terms import Terms

MOST_ORBITALS = 16
"""Largest number of spin orbitals for matrices on the whole Fock space."""
LARGEST = 2_000_000


def to_openfermion(model: Model, sector: Sector | int) -> list[tuple[Any, Any]]:
    """Return the Hamiltonian as a sum of products, each a pair of a `FermionOperator` and a `BosonOperator`.

    Electrons of spin up and down on site i are the modes 2 i and 2 i + 1, the two electrons of the k-th local pair
    2 (L + k) and 2 (L + k) + 1 (2 k and 2 k + 1 in a model without electrons): ``b = d_dn d_up``, and the first pair of
    operators suppresses single occupation of d.
    Phonons are the bosonic modes m in the frame of the model. Without phonons there is one pair, whose second operator
    is the identity.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff.
    sector : Sector or int
        N and S_z; they determine the phonon frame.

    Raises
    ------
    LibraryMissing
        If OpenFermion is not installed.
    """
    return list(_products(Terms.of(model, sector)))


def _products(terms: Terms) -> Iterator[tuple[Any, Any]]:
    of = library("openfermion")
    by_lattice: dict[Any, Any] = {(): terms.constant * of.FermionOperator.identity()}
    weight = kept_apart(terms)
    for d in range(terms.orbitals, terms.orbitals + len(terms.pairs)):
        up, dn = (f"{2 * d + s}^ {2 * d + s}" for s in (0, 1))
        by_lattice[()] += of.FermionOperator(up, weight) + of.FermionOperator(dn, weight)
        by_lattice[()] += of.FermionOperator(f"{up} {dn}", -2 * weight)
    for value, charge, lattice in terms:
        for share, letters in as_ladders(terms, charge):
            text = " ".join(f"{2 * orbital + spin}{'^' if kind else ''}" for kind, spin, orbital in letters)
            here = by_lattice.setdefault(lattice, of.FermionOperator())
            here += of.FermionOperator(text, value * share)
    for lattice, fermions in by_lattice.items():
        words = [f"{mode}{kind}" for mode, up, low in lattice for kind in ["^"] * up + [""] * low]
        yield fermions, of.BosonOperator(" ".join(words))


def why_not(terms: Terms) -> str:
    """Return why OpenFermion cannot solve the model; empty if it can."""
    orbitals = 2 * (terms.orbitals + len(terms.pairs))
    if orbitals > MOST_ORBITALS:
        return f"{orbitals} spin orbitals; allowed: at most {MOST_ORBITALS}"
    size = _charges(terms).size * (terms.max_quanta + 1) ** terms.modes
    return f"{size:,} states; allowed: at most {LARGEST:,}" if size > LARGEST else ""


def _charges(terms: Terms) -> Any:
    """Return the rows of OpenFermion's matrices in the sector, with d empty or full; mode 0 is the highest bit."""
    n = terms.orbitals + len(terms.pairs)
    states = np.arange(1 << (2 * n))
    bits = np.array([(states >> (2 * n - 1 - mode)) & 1 for mode in range(2 * n)]).reshape(n, 2, -1)
    kept = bits.sum(axis=(0, 1)) == terms.sector.charge
    kept &= bits[:, 0].sum(axis=0) - bits[:, 1].sum(axis=0) == terms.sector.spin_excess
    kept &= np.all(bits[terms.orbitals :, 0] == bits[terms.orbitals :, 1], axis=0)
    return np.flatnonzero(kept)


def energy(terms: Terms) -> tuple[float, float]:
    """Return the lowest energy of the sector, and its error bar."""
    if reason := why_not(terms):
        raise InvalidValue(f"OpenFermion: {reason}")
    of = library("openfermion")
    qubits, rows, size = 2 * (terms.orbitals + len(terms.pairs)), _charges(terms), terms.max_quanta + 1
    total: Any = 0
    for fermions, bosons in _products(terms):
        charges = sp.csr_array(of.get_sparse_operator(fermions, n_qubits=qubits))[rows][:, rows]
        lattice = sp.csr_array(np.eye(1))
        ((word, _),) = bosons.terms.items()
        for mode in range(terms.modes):
            own = " ".join(f"0{'^' if kind else ''}" for m, kind in word if m == mode)
            ladder = of.BosonOperator(own)
            matrix = of.boson_operator_sparse(ladder, size) if own else sp.eye_array(size)
            lattice = sp.kron(lattice, matrix, format="csr")
        total = total + sp.kron(charges, lattice, format="csr")
    phonons = np.indices((size,) * terms.modes).reshape(terms.modes, -1).sum(axis=0) if terms.modes else np.zeros(1)
    inside = np.ones(phonons.shape, bool) if terms.total_quanta is None else phonons <= terms.total_quanta
    return lowest_energy(sp.csr_array(total), np.flatnonzero(np.tile(inside, len(rows)))), 0.0
