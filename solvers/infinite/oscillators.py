r"""Oscillators of the empty lattice: a basis in which the lattice without charges is at rest.

Energies count from the empty lattice. Where its ground state is not that of independent harmonic oscillators:

- springs, hopping phonons and quadratic potentials make normal modes. With
  :math:`H = \sum_q A_q a^\dagger_q a_q + \tfrac12 B_q (a_q a_{-q} + h.c.)`,

  .. math:: \omega_q = \sqrt{A_q^2 - B_q^2},\quad x_q = s_q x'_q,\quad s_q = \sqrt[4]{(A_q - B_q)/(A_q + B_q)},

  and the modes of the basis are the Wannier modes :math:`a'_m`, local up to exponential tails;
- anharmonic potentials leave the oscillators independent: the basis are the levels of each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import la
from ...clusters import InvalidValue
from ...hamiltonians import Operator
from ...hamiltonians.operators import LatticeWord, phonon, total
from .formula import WIDTH, CellFormula, places

LEVELS, LARGE = 250, 400
"""Levels of an oscillator, and harmonic levels in which those of an anharmonic one are computed."""
ANHARMONIC_LEVELS = 120
GRID = {1: 512, 2: 64}
"""Wave vectors along each direction, for normal modes."""
TAIL = 1e-13
"""Wannier tails below this are left out."""
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Oscillators:
    """The basis of the lattice.

    Attributes
    ----------
    charges : Operator
        The terms with charges, in the operators of the basis.
    energies : (modes a cell, levels) float
        Energy of each level of a mode.
    hops : mapping of (int, int) to (int, complex) pairs
        From a mode of the cell at the origin to the modes to which its quanta hop, with the amplitudes; all directions.
    levels : (modes a cell, large, levels) or None
        Levels of anharmonic oscillators in harmonic ones.
    """

    charges: Operator
    energies: Matrix
    hops: Mapping[int, tuple[tuple[int, complex], ...]]
    levels: Matrix | None = None

    def matrix(self, inside: int, up: int, low: int) -> Matrix:
        """Return ``a+^up a^low`` of a mode of the cell between the levels of the basis."""
        if self.levels is None:
            return ladder_word(up, low, self.energies.shape[1])
        states = self.levels[inside]
        return np.asarray(states.T @ ladder_word(up, low, LARGE) @ states)


def ladder_word(up: int, low: int, size: int) -> Matrix:
    """Return ``a+^up a^low`` between the lowest levels of a harmonic oscillator."""
    word = np.zeros((size, size))
    n = np.arange(low, size)
    n = n[n - low + up < size]
    down = np.prod([n - k for k in range(low)], axis=0) if low else 1.0
    rise = np.prod([n - low + up - k for k in range(up)], axis=0) if up else 1.0
    word[n - low + up, n] = np.sqrt(np.asarray(down, float) * rise)
    return word


def oscillators(formula: CellFormula) -> Oscillators:
    """Return the basis of the lattice for the terms of a cell.

    Raises
    ------
    InvalidValue
        If the oscillators are anharmonic and not independent.
    """
    words = {word: value for (_, word), value in formula.lattice.terms.items()}
    quadratic = all(sum(up + low for _, up, low in word) == 2 for word in words)
    if quadratic and all(sum(up for _, up, _ in word) == 1 for word in words):
        return _at_rest(formula, words)
    if quadratic and formula.modes == 1:
        return _normal_modes(formula, words)
    if all(len(word) == 1 for word in words):
        return _anharmonic(formula, words)
    raise InvalidValue(
        "oscillators that are anharmonic and joined by springs or hopping have no simple ground state on an infinite "
        "lattice; leave out phonons.spring and phonons.hopping, or phonons.cubic and phonons.quartic"
    )


def _at_rest(formula: CellFormula, words: Mapping[LatticeWord, complex]) -> Oscillators:
    """Return the basis of a lattice whose words keep the number of quanta."""
    energies = np.zeros((formula.modes, LEVELS))
    hops: defaultdict[int, list[tuple[int, complex]]] = defaultdict(list)
    for word, value in words.items():
        (end,) = (mode for mode, up, _ in word if up)
        (start,) = (mode for mode, _, low in word if low)
        if end == start:
            energies[end % formula.modes] += value.real * np.arange(LEVELS)
        else:
            number = start % formula.modes
            hops[number].append((end - start, value))
    return Oscillators(formula.charges, energies, {n: tuple(found) for n, found in hops.items()})


def _normal_modes(formula: CellFormula, words: Mapping[LatticeWord, complex]) -> Oscillators:
    """Return the Wannier modes of a lattice of one oscillator a cell."""
    hop, pair = _forms(formula, words)
    size, dimension = GRID[formula.dimension], formula.dimension
    a, b = (np.fft.fftn(_on_grid(form, size, dimension)) for form in (hop, pair))
    if np.max(np.abs(a.imag)) > TAIL * np.max(np.abs(a)) or np.max(np.abs(b.imag)) > TAIL * np.max(np.abs(a)):
        raise InvalidValue("the lattice has no inversion symmetry; springs and hopping phonons need it")
    form, mixing = np.asarray(a.real), np.asarray(b.real)
    if np.min(form - np.abs(mixing)) <= 0:
        raise InvalidValue("the lattice is unstable: a normal mode has no frequency above 0")
    stretch = ((form - mixing) / (form + mixing)) ** 0.25
    tau = _from_grid(np.sqrt(form * form - mixing * mixing), size, dimension)
    same = _from_grid((stretch + 1 / stretch) / 2, size, dimension)
    mixed = _from_grid((stretch - 1 / stretch) / 2, size, dimension)
    old = {mode for _, word in formula.charges.terms for mode, *_ in word}
    new = {
        m: total(
            [value * phonon(m + r) for r, value in same.items()]
            + [value * phonon(m + r).dag for r, value in mixed.items()]
        )
        for m in old
    }
    charges = total(value * _substituted(charge, word, new) for (charge, word), value in formula.charges.terms.items())
    energies = np.asarray(tau.pop(0) * np.arange(LEVELS)[None], np.float64)
    return Oscillators(_without_tails(charges), energies, {0: tuple((r, complex(t)) for r, t in tau.items())})


def _substituted(charge: tuple[tuple[str, int], ...], word: LatticeWord, new: Mapping[int, Operator]) -> Operator:
    ups = [new[mode].dag for mode, up, _ in word for _ in range(up)]
    lows = [new[mode] for mode, _, low in word for _ in range(low)]
    return reduce(Operator.__mul__, [*ups, *lows], Operator({(charge, ()): 1.0}))


def _without_tails(operator: Operator) -> Operator:
    largest = max((abs(value) for value in operator.terms.values()), default=0.0)
    return Operator({word: value for word, value in operator.terms.items() if abs(value) > TAIL * largest})


def _forms(formula: CellFormula, words: Mapping[LatticeWord, complex]) -> tuple[dict[int, float], dict[int, float]]:
    """Return A and B of the modes of all cells: ``sum_mr A_r a+_{m+r} a_m + (1/2) B_r (a_{m+r} a_m + h.c.)``."""
    hop: defaultdict[int, float] = defaultdict(float)
    pair: defaultdict[int, float] = defaultdict(float)
    for word, value in words.items():
        ups = [mode for mode, up, _ in word for _ in range(up)]
        lows = [mode for mode, _, low in word for _ in range(low)]
        if len(lows) == 1:
            hop[ups[0] - lows[0]] += value.real
        elif len(lows) == 2:
            apart = lows[1] - lows[0]
            pair[apart] += value.real
            pair[-apart] += value.real
    return hop, pair


def _on_grid(form: Mapping[int, float], size: int, dimension: int) -> Matrix:
    grid = np.zeros((size,) * dimension)
    for number, value in form.items():
        grid[tuple(places(np.array(number), dimension) % size)] += value
    return grid


def _from_grid(values: Matrix, size: int, dimension: int) -> dict[int, float]:
    form = np.fft.ifftn(values).real
    half, weights = size // 2, [WIDTH[dimension], 1][-dimension:]
    found = {}
    for place in np.argwhere(np.abs(form) > TAIL * np.max(np.abs(form))):
        number = int(np.dot((place + half) % size - half, weights))
        found[number] = float(form[tuple(place)])
    return found


def _anharmonic(formula: CellFormula, words: Mapping[LatticeWord, complex]) -> Oscillators:
    """Return the levels of independent oscillators."""
    levels, energies = [], []
    for inside in range(formula.modes):
        own = {word[0]: value.real for word, value in words.items() if word[0][0] % formula.modes == inside}
        h = np.sum([value * ladder_word(up, low, LARGE) for (_, up, low), value in own.items()], axis=0)
        found, states = la.eigh(h, subset_by_index=[0, ANHARMONIC_LEVELS - 1])
        levels.append(states * np.sign(states[np.argmax(np.abs(states), axis=0), np.arange(ANHARMONIC_LEVELS)]))
        energies.append(found - found[0])
    return Oscillators(formula.charges, np.array(energies), {}, np.array(levels))
