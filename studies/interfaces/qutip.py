"""QuTiP: the Hamiltonian as a `Qobj` on the tensor product of all orbitals, local pairs and oscillators."""

from __future__ import annotations

from typing import Any

from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from .library import library
from .sectors import lowest_energy, sector_rows
from .terms import Terms

LARGEST = 1 << 18
"""Largest dimension of the product space."""


def to_qutip(model: Model, sector: Sector | int) -> Any:
    """Return the Hamiltonian as a `qutip.Qobj`.

    The factors of the product space are the orbitals up of site 0, 1, ..., the orbitals down, the local pairs, and the
    oscillators; electrons have the Jordan-Wigner signs of this order. The space contains all charges: the sector only
    determines the phonon frame.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff.
    sector : Sector or int
        N and S_z.

    Raises
    ------
    LibraryMissing
        If QuTiP is not installed.
    InvalidValue
        If the product space has more than 2^18 states.
    """
    return _built(Terms.of(model, sector))


def why_not(terms: Terms) -> str:
    """Return why QuTiP cannot solve the model; empty if it can."""
    size = terms.whole_dimension
    return f"{size:,} states in the space of all charges; allowed: at most {LARGEST:,}" if size > LARGEST else ""


def energy(terms: Terms) -> tuple[float, float]:
    """Return the lowest energy of the sector, and its error bar."""
    whole, sites, pairs = _built(terms), terms.sites if terms.model.electrons is not None else 0, len(terms.pairs)
    dimensions = whole.dims[0]
    spins = [1] * sites + [-1] * sites + [0] * (pairs + terms.modes)
    charges = [1] * (2 * sites) + [2] * pairs + [0] * terms.modes
    return lowest_energy(whole.data_as("csr_matrix"), sector_rows(terms, dimensions, spins, charges)), 0.0


def _built(terms: Terms) -> Any:
    qutip = library("qutip")
    if reason := why_not(terms):
        raise InvalidValue(f"QuTiP: {reason}; use a smaller model or phonon cutoff")
    sites = terms.sites if terms.model.electrons is not None else 0
    sizes = [2] * (2 * sites + len(terms.pairs)) + [terms.max_quanta + 1] * terms.modes
    one = qutip.tensor([qutip.qeye(size) for size in sizes]).to("csr")

    def at(place: int, matrix: Any, string: bool = False) -> Any:
        factors = [qutip.qeye(size) for size in sizes]
        factors[place] = matrix
        for before in range(place if string else 0):
            factors[before] = qutip.sigmaz()
        return qutip.tensor([factor.to("csr") for factor in factors])

    lower = qutip.destroy(2)
    known: dict[tuple[str, int], Any] = {}
    for spin, first in (("up", 0), ("dn", sites)):
        for site in range(sites):
            c = at(first + site, lower, string=True)
            known |= {(f"c{spin}", site): c, (f"c+{spin}", site): c.dag(), (f"n{spin}", site): c.dag() * c}
    for number, site in enumerate(terms.pairs):
        b = at(2 * sites + number, lower)
        known |= {("b", site): b, ("b+", site): b.dag(), ("nb", site): b.dag() * b}
    first = 2 * sites + len(terms.pairs)
    phonons = [at(first + m, qutip.destroy(terms.max_quanta + 1)) for m in range(terms.modes)]
    total = terms.constant * one
    for value, charge, lattice in terms:
        word = value * one
        for letter in charge:
            word = word * known[letter]
        for mode, up, low in lattice:
            for operator in [phonons[mode].dag()] * up + [phonons[mode]] * low:
                word = word * operator
        total = total + word
    return total
