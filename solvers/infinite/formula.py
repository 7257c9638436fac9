"""The Hamiltonian of an infinite lattice as one formula: the terms of a cell, all others being its translations.

Sites and modes have one number each, which adds up under translations: with `WIDTH` W the cell (x, y) is
``W x + y``, the chain has W = 1, and modes are ``cell * modes a cell + number in the cell``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Model, Operator
from ...hamiltonians.algebra import canonical
from ...hamiltonians.branches import branches_of
from ...hamiltonians.terms import hamiltonian_operator

WIDTH = {1: 1, 2: 1024}
"""By how much the number of a cell grows from one row to the next."""
ALIKE = 1e-12
"""Coefficients that differ by less, relative to the largest one, are the same."""
Cell = tuple[int, ...]


@dataclass(frozen=True)
class CellFormula:
    """The terms of H that begin in the cell at the origin.

    Attributes
    ----------
    operator : Operator
        Its indices are the numbers of sites and modes.
    dimension : int
        Of the lattice.
    modes : int
        Oscillators in a cell.
    vectors : (dimension, d) float
        Primitive vectors as rows.
    """

    operator: Operator
    dimension: int
    modes: int
    vectors: NDArray[np.float64]

    @property
    def charges(self) -> Operator:
        """The terms in which a charge appears."""
        return Operator({word: value for word, value in self.operator.terms.items() if word[0]})

    @property
    def lattice(self) -> Operator:
        """The terms of oscillators alone."""
        return Operator({word: value for word, value in self.operator.terms.items() if word[1] and not word[0]})


def cell_formula(model: Model) -> CellFormula:
    """Return the terms of one cell of an infinite lattice.

    Raises
    ------
    InvalidValue
        If a coupling or a term of the user's own differs between cells, or reaches too far.

    Examples
    --------
    >>> from respair.clusters import infinite_chain
    >>> from respair.hamiltonians import Electrons
    >>> cell_formula(Model(infinite_chain(), Electrons(hopping=1.0))).operator
    -1 c+dn_0 cdn_1 -1 c+up_0 cup_1 +1 cdn_0 c+dn_1 +1 cup_0 c+up_1
    """
    window = _Window(model)
    cells: defaultdict[Cell, list[Operator]] = defaultdict(list)
    for word, value in hamiltonian_operator(model).terms.items():
        if word != ((), ()):
            cell, moved = window.anchored(word)
            cells[cell].append(Operator({moved: value}))
    every = {cell: canonical(*parts) for cell, parts in cells.items()}
    operator = every.get((0,) * window.dimension, Operator())
    _check_alike(operator, every, window)
    return CellFormula(operator, window.dimension, window.inside, window.vectors)


class _Window:
    """Places of the cluster that stands for the lattice."""

    def __init__(self, model: Model) -> None:
        cluster = model.cluster
        rows = np.array(cluster.cell)
        self.dimension = len(rows)
        self.across = round(cluster.sites ** (1 / self.dimension))
        self.vectors: NDArray[np.float64] = rows / self.across
        self.site = [self._cell(i) for i in range(cluster.sites)]
        bonds_inside = max(1, len(cluster.bonds) // cluster.sites)
        on_bonds, branches = any(mode.host == "bond" for mode in model.modes), branches_of(model.modes) or ("",)
        places = [(branches.index(m.branch), m.index % bonds_inside if on_bonds else 0) for m in model.modes]
        numbers = {place: n for n, place in enumerate(sorted(set(places)))}
        self.inside = max(1, len(numbers))
        self.mode = [
            (self.site[cluster.bonds[m.index].start if on_bonds else m.index], numbers[place])
            for m, place in zip(model.modes, places, strict=True)
        ]

    def _cell(self, site: int) -> Cell:
        return tuple(site // self.across**axis % self.across for axis in range(self.dimension))

    def anchored(self, word: tuple[tuple[tuple[str, int], ...], tuple[tuple[int, int, int], ...]]):  # type: ignore[no-untyped-def]
        """Return the cell of the first place of a word, and the word as seen from there."""
        charges, lattice = word
        places = [self.site[i] for _, i in charges] + [self.mode[m][0] for m, *_ in lattice]
        half = self.across // 2
        apart = [
            tuple((c - o + half) % self.across - half for c, o in zip(place, places[0], strict=True))
            for place in places
        ]
        if any(max(a) - min(a) >= half for a in zip(*apart, strict=True)):
            raise InvalidValue(f"a term of the Hamiltonian reaches over {half} cells or more; shorten its reach")
        first = min(apart)
        cell = tuple((o + f) % self.across for o, f in zip(places[0], first, strict=True))
        seen = [self._number(tuple(a - f for a, f in zip(place, first, strict=True))) for place in apart]
        letters = tuple((symbol, at) for (symbol, _), at in zip(charges, seen, strict=False))
        modes = [
            (at * self.inside + self.mode[m][1], up, low)
            for (m, up, low), at in zip(lattice, seen[len(charges) :], strict=True)
        ]
        return cell, (letters, tuple(sorted(modes)))

    def _number(self, place: Cell) -> int:
        return int(np.dot(place, [WIDTH[self.dimension], 1][-self.dimension :]))


def _check_alike(first: Operator, every: dict[Cell, Operator], window: _Window) -> None:
    scale = max((abs(value) for cell in every.values() for value in cell.terms.values()), default=0.0)
    for cell in np.ndindex((window.across,) * window.dimension):
        there = every.get(cell, Operator())
        off = (there - first).terms
        if any(abs(value) > ALIKE * scale for value in off.values()):
            word = next(word for word, value in off.items() if abs(value) > ALIKE * scale)
            raise InvalidValue(
                f"the Hamiltonian differs between the cells {(0,) * window.dimension} and {cell} in "
                f"{Operator({word: off[word]})}: on an infinite lattice give every coupling as one number, as a table "
                "by classes, or as { distance = [...] }"
            )


def places(numbers: NDArray[np.int64], dimension: int) -> NDArray[np.int64]:
    """Return cells as integers along the primitive vectors, shape (..., dimension), from their numbers."""
    if dimension == 1:
        return numbers[..., None]
    row = WIDTH[dimension]
    y = (numbers + row // 2) % row - row // 2
    return np.stack([(numbers - y) // row, y], axis=-1)


def bare_hops(formula: CellFormula, kind: tuple[str, str]) -> list[tuple[NDArray[np.float64], complex]]:
    """Return vector and amplitude of every hop of a species without the lattice, given its letters, as ("b+", "b")."""
    found = []
    for (letters, word), value in formula.operator.terms.items():
        if word or sorted(symbol for symbol, _ in letters) != sorted(kind):
            continue
        sites = dict(letters)
        sign = -1.0 if letters[0][0] == kind[1] and kind[0] != "b+" else 1.0
        apart = places(np.array(sites[kind[0]] - sites[kind[1]]), formula.dimension) @ formula.vectors
        found.append((apart, sign * value))
    return found
