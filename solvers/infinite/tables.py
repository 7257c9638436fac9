"""The Hamiltonian of an infinite lattice as arrays, for compiled code, at a total wave vector."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians.operators import LatticeWord
from .charges import Move, Particles
from .formula import CellFormula, places
from .oscillators import Oscillators

BITS = 8
"""Bits of an entry of a state that hold the level of a mode; those above hold its number plus `OFFSET`."""
OFFSET = 1 << 21
"""Added to the number of a mode, so that entries are positive and ascend with it."""
NEGLIGIBLE = 1e-15
"""Matrix elements below this, relative to the largest of their matrix, are rounding."""
Factors = tuple[tuple[int, int], ...]
"""Lattice factors of a move: mode and matrix of each."""


@dataclass(frozen=True)
class Tables:
    """What `kernels` read.

    Attributes
    ----------
    move_start : (configurations + 1,) int
        Moves of each configuration.
    move_end, move_shift : (moves,) int
        Particles after a move, and the change of the entries of the modes.
    move_value : (moves,) float or complex
        Coefficient, with the phase of the wave vector.
    factor_start : (moves + 1,) int
        Factors of each move.
    factor_mode, factor_matrix : (factors,) int
        Number of the mode, seen from the first particle, and number of the matrix.
    column_start : (matrices, levels + 1) int
        Elements of each column of each matrix.
    row, element, diagonal
        Level and value of each element, (elements,); diagonal elements (matrices, levels).
    energies : (modes a cell, levels) float
        Of the levels of the lattice.
    hop_start, hop_shift, hop_value
        Hops of quanta: those from each mode of the cell, change of the entry, amplitude.
    """

    move_start: NDArray[np.int64]
    move_end: NDArray[np.int32]
    move_shift: NDArray[np.int32]
    move_value: NDArray[Any]
    factor_start: NDArray[np.int64]
    factor_mode: NDArray[np.int32]
    factor_matrix: NDArray[np.int32]
    column_start: NDArray[np.int64]
    row: NDArray[np.int32]
    element: NDArray[np.float64]
    diagonal: NDArray[np.float64]
    energies: NDArray[np.float64]
    hop_start: NDArray[np.int64]
    hop_shift: NDArray[np.int32]
    hop_value: NDArray[Any]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All of them, in this order."""
        return tuple(vars(self).values())


@dataclass(frozen=True)
class Skeleton:
    """The Hamiltonian without a wave vector: configurations, moves with their factors, matrices.

    Attributes
    ----------
    formula : CellFormula
        The terms of a cell.
    basis : Oscillators
        The basis of the lattice.
    states : sequence of Particles
        Charge configurations.
    moves : list of (start, end, shift, factors, value)
        Each with its lattice factors (mode, matrix).
    matrices : list of (levels, levels) float
        Matrices of the factors.
    """

    formula: CellFormula
    basis: Oscillators
    states: Sequence[Particles]
    moves: list[tuple[int, int, int, Factors, complex]]
    matrices: list[NDArray[np.float64]] = field(repr=False)

    @classmethod
    def of(
        cls, formula: CellFormula, basis: Oscillators, states: Sequence[Particles], found: Iterable[Move]
    ) -> Skeleton:
        """Collect moves between the same configurations into few factors."""
        grouped: defaultdict[tuple[int, int, int], defaultdict[LatticeWord, complex]]
        grouped = defaultdict(lambda: defaultdict(complex))
        for move in found:
            grouped[move.start, move.end, move.shift][move.word] += move.value
        library = _Library(formula, basis)
        moves: list[tuple[int, int, int, Factors, complex]] = []
        for key, words in sorted(grouped.items()):
            for factors, value in library.factors(words):
                moves.append((*key, factors, value))
        return cls(formula, basis, states, moves, library.matrices)

    def tables(self, phase: Callable[[NDArray[np.float64]], NDArray[Any]]) -> Tables:
        """Return the tables with the factor ``phase(d)`` at a move of the first particle by the vector d.

        At the wave vector k it is ``exp(-i k . d)``, and its derivatives give those of H.
        """
        formula, moves = self.formula, self.moves
        shifts = np.array([move[2] for move in moves], np.int64)
        apart = places(shifts, formula.dimension) @ formula.vectors if len(moves) else np.zeros((0, formula.dimension))
        values = np.array([move[4] for move in moves], complex) * phase(apart)
        starts = np.searchsorted([move[0] for move in moves], np.arange(len(self.states) + 1))
        hops = self._hops(phase)
        levels = self.basis.energies.shape[1]
        column, row, element, diagonal = _columns(self.matrices, levels)
        is_real = not np.any(values.imag) and not np.any(hops[2].imag)
        return Tables(
            starts.astype(np.int64),
            np.array([move[1] for move in moves], np.int32),
            (-shifts * formula.modes << BITS).astype(np.int32),
            values.real.copy() if is_real else values,
            np.cumsum([0, *(len(move[3]) for move in moves)]).astype(np.int64),
            np.array([mode for move in moves for mode, _ in move[3]], np.int32),
            np.array([matrix for move in moves for _, matrix in move[3]], np.int32),
            column,
            row,
            element,
            diagonal,
            self.basis.energies * phase(np.zeros((1, formula.dimension)))[0].real,
            hops[0],
            hops[1],
            hops[2].real.copy() if is_real else hops[2],
        )

    def _hops(self, phase: Callable[[NDArray[np.float64]], NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Return the hops of quanta, which leave the first particle where it is."""
        here = complex(phase(np.zeros((1, self.formula.dimension)))[0])
        every = [self.basis.hops.get(n, ()) for n in range(self.formula.modes)]
        starts = np.cumsum([0, *map(len, every)]).astype(np.int64)
        shifts = np.array([shift << BITS for hops in every for shift, _ in hops], np.int32)
        return starts, shifts, here * np.array([value for hops in every for _, value in hops], complex)


class _Library:
    """Matrices of the factors, each kept once."""

    def __init__(self, formula: CellFormula, basis: Oscillators) -> None:
        self.modes, self.basis = formula.modes, basis
        self.matrices: list[NDArray[np.float64]] = []
        self.known: dict[object, int] = {}

    def factors(self, words: Mapping[LatticeWord, complex]) -> list[tuple[Factors, complex]]:
        """Return a polynomial of lattice operators as products of one matrix each mode."""
        own: defaultdict[int, dict[tuple[int, int], complex]] = defaultdict(dict)
        found: list[tuple[Factors, complex]] = []
        for word, value in words.items():
            if not word:
                found.append(((), value))
            elif len(word) == 1:
                mode, up, low = word[0]
                own[mode][up, low] = value
            else:
                single = tuple((mode, self.number(mode, {(up, low): 1.0})) for mode, up, low in word)
                found.append((single, value))
        for mode, polynomial in own.items():
            largest = max(polynomial.values(), key=abs)
            found.append((((mode, self.number(mode, {w: v / largest for w, v in polynomial.items()})),), largest))
        return [(factors, value) for factors, value in found if value]

    def number(self, mode: int, polynomial: Mapping[tuple[int, int], complex]) -> int:
        """Return the number of the matrix of a polynomial in a and a+, with real relative coefficients."""
        inside = mode % self.modes
        key = (inside, tuple(sorted((word, round(value.real, 15)) for word, value in polynomial.items())))
        if key not in self.known:
            self.known[key] = len(self.matrices)
            parts = [value.real * self.basis.matrix(inside, *word) for word, value in polynomial.items()]
            self.matrices.append(np.sum(parts, axis=0))
        return self.known[key]


def _columns(matrices: Sequence[NDArray[np.float64]], levels: int) -> tuple[NDArray[Any], ...]:
    """Return matrices column by column."""
    starts = np.zeros((len(matrices), levels + 1), np.int64)
    rows, values, diagonal = [], [], np.zeros((len(matrices), levels))
    at = 0
    for m, matrix in enumerate(matrices):
        kept = np.abs(matrix) > NEGLIGIBLE * np.max(np.abs(matrix), initial=0.0)
        column, row = np.nonzero(kept.T)
        starts[m] = at + np.searchsorted(column, np.arange(levels + 1))
        rows.append(row)
        values.append(matrix[row, column])
        diagonal[m] = np.diag(matrix)
        at += len(row)
    empty = np.zeros(0)
    return starts, np.concatenate([empty, *rows]).astype(np.int32), np.concatenate([empty, *values]), diagonal


def bloch(k: NDArray[np.float64], *directions: int) -> Callable[[NDArray[np.float64]], NDArray[Any]]:
    """Return the phase ``exp(-i k . d)`` of a move by d, differentiated along directions of k."""

    def phase(apart: NDArray[np.float64]) -> NDArray[Any]:
        angle = apart @ k
        turned = np.exp(-1j * angle)
        turned[np.abs(np.sin(angle)) < 1e-14] = np.sign(np.cos(angle[np.abs(np.sin(angle)) < 1e-14]))
        for direction in directions:
            turned = turned * (-1j * apart[:, direction])
        return np.asarray(turned)

    return phase
