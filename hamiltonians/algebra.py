"""Algebra of operator formulas: canonical form and commutators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache, reduce
from types import MappingProxyType

from .operators import ChargeWord, LatticeWord, Operator, without_rounding

Word = tuple[ChargeWord, LatticeWord]
Place = tuple[int, int]
"""Species (0 up, 1 down, 2 boson) and site of a two-level system."""
Matrix = tuple[int, int, int, int]
"""A 2 x 2 matrix on (empty, occupied), row by row."""
ONE: Matrix = (1, 0, 0, 1)
RAISE: Matrix = (0, 0, 1, 0)
COUNT: Matrix = (0, 0, 0, 1)
LOWER: Matrix = (0, 1, 0, 0)
NAMES = (("c+up", "nup", "cup"), ("c+dn", "ndn", "cdn"), ("b+", "nb", "b"))
LETTERS: Mapping[str, tuple[int, Matrix]] = MappingProxyType(
    {
        letter: (species, matrix)
        for species, names in enumerate(NAMES)
        for letter, matrix in zip(names, (RAISE, COUNT, LOWER), strict=True)
    }
)
"""Species and matrix of each ladder operator."""
ROUNDING = 1e-14
"""Sums smaller than this times the sum of the absolute values are zero."""


def canonical(*operators: Operator) -> Operator:
    """Return the canonical form of a sum of operators: products over ascending places, one letter for each place.

    Formulas of the same operator have the same canonical form, so that terms that cancel disappear. The order of places
    is: spin-up electrons by site, spin-down electrons, bosons. Coefficients at rounding level are dropped.

    Examples
    --------
    >>> from respair.hamiltonians import annihilate, create
    >>> canonical(annihilate(1, "up") * create(1, "up") + create(0, "dn") * annihilate(0, "up"))
    +1 -1 cup_0 c+dn_0 -1 nup_1
    """
    terms: defaultdict[Word, complex] = defaultdict(complex)
    sizes: defaultdict[Word, float] = defaultdict(float)
    for (charge, lattice), value in (item for operator in operators for item in operator.terms.items()):
        for word, weight in _ordered(charge).items():
            terms[word, lattice] += weight * value
            sizes[word, lattice] += abs(weight * value)
    return Operator({word: without_rounding(value, ROUNDING * sizes[word]) for word, value in terms.items()})


@lru_cache(maxsize=1 << 16)
def _ordered(word: ChargeWord) -> Mapping[ChargeWord, int]:
    places: dict[Place, Matrix] = {}
    odd: list[Place] = []
    sign = 1
    for symbol, site in word:
        species, matrix = LETTERS[symbol]
        place = species, site
        if species < 2 and matrix is not COUNT:
            if sum(other > place for other in odd) % 2:
                sign = -sign
            odd.append(place)
        places[place] = _times(places[place], matrix) if place in places else matrix
    products: dict[ChargeWord, int] = {(): sign}
    for place in sorted(places):
        letters = _letters(place, places[place])
        products = {left + right: value * weight for left, value in products.items() for right, weight in letters}
    return products


def _times(left: Matrix, right: Matrix) -> Matrix:
    a, b, c, d = left
    e, f, g, h = right
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _letters(place: Place, matrix: Matrix) -> list[tuple[ChargeWord, int]]:
    """Return a 2 x 2 matrix as a combination of 1, c+, n and c."""
    species, site = place
    up, number, down = NAMES[species]
    empty, lower, raised, occupied = matrix
    parts: list[tuple[ChargeWord, int]] = [((), empty), (((up, site),), raised)]
    parts += [(((number, site),), occupied - empty), (((down, site),), lower)]
    return [(word, weight) for word, weight in parts if weight]


def commutator(left: Operator, right: Operator) -> Operator:
    """Return ``A B - B A`` in canonical form; every charge operator of A must conserve the electron parity.

    Examples
    --------
    >>> from respair.hamiltonians import boson, displacement, electron_number, create, phonon
    >>> commutator(electron_number(0), create(0, "up")), commutator(phonon(0), displacement(0))
    (+1 c+up_0, +1)
    """
    places = {word: _touched(word) for word in left.terms}
    parts = []
    for word, value in right.terms.items():
        here = _touched(word)
        near = Operator({other: x for other, x in left.terms.items() if places[other] & here})
        single = Operator({word: value})
        parts += [near * single, -(single * near)]
    return canonical(*parts)


def _touched(word: Word) -> frozenset[Place]:
    charge, lattice = word
    return frozenset([(LETTERS[symbol][0], site) for symbol, site in charge] + [(3, mode) for mode, *_ in lattice])


def nested(left: Operator, right: Operator, times: int) -> Operator:
    """Return the `times`-fold nested commutator ``[A, [A, ... [A, B]]]`` in canonical form."""
    return reduce(lambda inner, _: commutator(left, inner), range(times), canonical(right))


def without_double_occupancy(operator: Operator) -> Operator:
    r"""Project an operator onto states without double occupancy: ``c_s -> c_s (1 - n_{-s})``.

    The result has the same matrix elements between states without double occupancy and does not leave them, so that
    commutators of such operators are those of the projected model.

    Examples
    --------
    >>> from respair.hamiltonians import create
    >>> without_double_occupancy(create(0, "up"))
    +1 c+up_0 -1 c+up_0 ndn_0
    """
    return canonical(*(_projected(charge, lattice, value) for (charge, lattice), value in operator.terms.items()))


def _projected(charge: ChargeWord, lattice: LatticeWord, value: complex) -> Operator:
    found = Operator({((), lattice): value})
    for symbol, site in charge:
        letter = Operator({(((symbol, site),), ()): 1.0})
        other = {"up": "ndn", "dn": "nup"}.get(symbol[-2:], "")
        if symbol.startswith("c"):
            letter = letter - letter * Operator({(((other, site),), ()): 1.0})
        found = found * letter
    return found
