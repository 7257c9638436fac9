"""Charge configurations of one and two particles, up to translations, and what the Hamiltonian does with them.

A configuration is a sorted tuple of (species, site): species 0 up, 1 down, 2 local pair; the first particle sits at 0.
Fermions are created in that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians.algebra import COUNT, LETTERS, LOWER
from ...hamiltonians.operators import ChargeWord, LatticeWord
from .formula import WIDTH, CellFormula
from .oscillators import Oscillators

Particle = tuple[int, int]
"""Species and cell of a charge."""
Particles = tuple[Particle, ...]
"""A charge configuration modulo translations."""
PAIR = 2
"""The species of local pairs."""


@dataclass(frozen=True)
class Move:
    """One matrix element of the charges, with what happens to the lattice.

    Attributes
    ----------
    start, end : int
        Numbers of configurations.
    shift : int
        Where the first particle of the end sits, seen from that of the start.
    word : LatticeWord
        The lattice operators, seen from the first particle of the start; modes are numbered as in `CellFormula`.
    value : complex
        The coefficient.
    """

    start: int
    end: int
    shift: int
    word: LatticeWord
    value: complex


def configurations(charge: int, two_sz: int, species: Sequence[bool], reach: int, dimension: int) -> list[Particles]:
    """Return the configurations of a charge whose particles are no farther apart than `reach` along each direction.

    `species` says whether there are electrons and local pairs.
    """
    electrons, pairs = species
    found: list[Particles] = []
    if charge == 1 and electrons:
        found.append(((0 if two_sz == 1 else 1, 0),))
    if charge == 2 and pairs and two_sz == 0:
        found.append(((PAIR, 0),))
    if charge == 2 and electrons:
        first, second = {0: (0, 1), 2: (0, 0), -2: (1, 1)}[two_sz]
        weights = [WIDTH[dimension], 1][-dimension:]
        every = np.array(list(np.ndindex((2 * reach + 1,) * dimension))) - reach
        order = np.argsort(np.abs(every).sum(axis=1), kind="stable")
        numbers = (every[order] @ weights).tolist()
        found += [((first, 0), (second, r)) for r in numbers if first != second or r > 0]
    return found


def moves(formula: CellFormula, basis: Oscillators, states: Sequence[Particles]) -> Iterator[Move]:
    """Yield all that the terms with charges do between configurations."""
    known = {state: number for number, state in enumerate(states)}
    words: defaultdict[ChargeWord, list[tuple[LatticeWord, complex]]] = defaultdict(list)
    for (charges, lattice), value in basis.charges.terms.items():
        words[charges].append((lattice, value))
    for start, state in enumerate(states):
        for charges, lattices in words.items():
            for shift in _alignments(charges, state):
                sign, after = _applied(charges, shift, state)
                if not sign:
                    continue
                first = after[0][1]
                end = known.get(tuple((kind, site - first) for kind, site in after))
                if end is None:
                    continue
                for word, value in lattices:
                    moved = tuple((mode + shift * formula.modes, up, low) for mode, up, low in word)
                    yield Move(start, end, first, moved, sign * value)


def _alignments(word: ChargeWord, state: Particles) -> list[int]:
    """Return by how much a word may be moved so that its first annihilator finds a particle."""
    kind, site = next(
        (species, i) for symbol, i in word for species, matrix in [LETTERS[symbol]] if matrix in (COUNT, LOWER)
    )
    return [place - site for species, place in state if species == kind]


def _applied(word: ChargeWord, shift: int, state: Particles) -> tuple[int, Particles]:
    """Return the sign and the sorted configuration after a word, or 0."""
    occupied, sign = list(state), 1
    for symbol, site in reversed(word):
        species, matrix = LETTERS[symbol]
        particle = (species, site + shift)
        there = particle in occupied
        if matrix == COUNT:
            if not there:
                return 0, ()
            continue
        if there != (matrix == LOWER):
            return 0, ()
        if species != PAIR:
            sign *= (-1) ** sum(other < particle for other in occupied if other[0] != PAIR)
        if there:
            occupied.remove(particle)
        else:
            occupied = sorted([*occupied, particle])
    return sign, tuple(occupied)


def separations(states: Sequence[Particles], dimension: int) -> NDArray[np.int64]:
    """Return the number of the second particle's site for each configuration, 0 where there is none."""
    return np.array([state[1][1] if len(state) > 1 else 0 for state in states], np.int64)
