"""Operators as formulas: sums of products of electron, boson and lattice ladder operators."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from math import comb, factorial
from types import MappingProxyType
from typing import Any, SupportsComplex, SupportsFloat

from ..clusters import InvalidType, InvalidValue

Letter = tuple[str, int]
"""A ladder operator of electrons or bosons: symbol and index, for example ("c+up", 3)."""
ChargeWord = tuple[Letter, ...]
"""A product of such ladder operators, the rightmost acting first."""
LatticeWord = tuple[tuple[int, int, int], ...]
"""A normal-ordered product: (mode, k, l) stands for a+^k a^l, modes ascending."""

MOST_TERMS = 16
"""Largest number of terms that are displayed."""
ADJOINT: Mapping[str, str] = MappingProxyType(
    {"c+up": "cup", "cup": "c+up", "c+dn": "cdn", "cdn": "c+dn", "nup": "nup", "ndn": "ndn",
     "b+": "b", "b": "b+", "nb": "nb"}
)  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """A polynomial in ladder operators, with the usual ``+``, ``-``, ``*`` and ``.dag``.

    Lattice factors are stored normal ordered, so that their matrices in a truncated phonon space are exact
    projections; charge factors are stored in the order in which they were written.

    Examples
    --------
    >>> hop = create(1, "up") * annihilate(0, "up")
    >>> -1.0 * (hop + hop.dag)
    -1 c+up_0 cup_1 -1 c+up_1 cup_0
    >>> displacement(0) * displacement(0)
    +1 +1 a_0^2 +2 a+_0 a_0 +1 a+_0^2
    """

    terms: Mapping[tuple[ChargeWord, LatticeWord], complex] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {word: complex(value) for word, value in self.terms.items() if value != 0}
        object.__setattr__(self, "terms", MappingProxyType(kept))

    def __add__(self, other: Operator | complex) -> Operator:
        total: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex, self.terms)
        for word, value in as_operator(other).terms.items():
            total[word] += value
        return Operator(total)

    __radd__ = __add__

    def __neg__(self) -> Operator:
        return -1.0 * self

    def __sub__(self, other: Operator | complex) -> Operator:
        return self + -1.0 * as_operator(other)

    def __rsub__(self, other: complex) -> Operator:
        return as_operator(other) - self

    def __mul__(self, other: Operator | complex) -> Operator:
        product: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
        for (charge, lattice), value in self.terms.items():
            for (charge2, lattice2), value2 in as_operator(other).terms.items():
                for word, weight in _lattice_product(lattice, lattice2).items():
                    product[(charge + charge2, word)] += value * value2 * weight
        return Operator(product)

    def __rmul__(self, factor: complex) -> Operator:
        return Operator({word: factor * value for word, value in self.terms.items()})

    @property
    def dag(self) -> Operator:
        """The Hermitian adjoint."""
        return Operator(
            {(adjoint(charge), tuple((m, low, up) for m, up, low in lattice)): value.conjugate()
             for (charge, lattice), value in self.terms.items()}
        )  # fmt: skip

    @property
    def is_charge(self) -> bool:
        """True if the operator contains no lattice operators."""
        return not any(lattice for _, lattice in self.terms)

    def __repr__(self) -> str:
        words = sorted(self.terms.items(), key=lambda item: item[0])
        shown = " ".join(_show(charge, lattice, value) for (charge, lattice), value in words[:MOST_TERMS]) or "0"
        return shown + (f" ... and {len(words) - MOST_TERMS} more terms" if len(words) > MOST_TERMS else "")

    def _repr_html_(self) -> str:
        """The formula as HTML with subscripts and superscripts."""
        text = re.sub(r"\^(\d+)", r"<sup>\1</sup>", repr(self))
        text = re.sub(r"\b(nb|[abcn])(\+?)(up|dn)?_(\d+)", r"\1\2<sub>\4\3</sub>", text)
        marks = (("+<sub>", "†<sub>"), ("up</sub>", "↑</sub>"), ("dn</sub>", "↓</sub>"))
        return reduce(lambda markup, mark: markup.replace(*mark), marks, text)


def _show(charge: ChargeWord, lattice: LatticeWord, value: complex) -> str:
    number = f"{value.real:+g}" if value.imag == 0 else f"+({value:g})"
    letters = [f"{symbol}_{index}" for symbol, index in charge]
    for mode, up, low in lattice:
        letters += [f"a+_{mode}" + (f"^{up}" if up > 1 else "")] if up else []
        letters += [f"a_{mode}" + (f"^{low}" if low > 1 else "")] if low else []
    return " ".join([number, *letters])


def as_operator(value: Operator | complex) -> Operator:
    """Return `value` itself, or the number `value` times the identity."""
    if isinstance(value, Operator):
        return value
    if isinstance(value, str) or not isinstance(value, SupportsComplex | SupportsFloat):
        raise InvalidType(f"{value!r} is neither an operator nor a number; give one of these to +, - and *")
    return Operator({((), ()): complex(value)})


def total(operators: Iterable[Operator]) -> Operator:
    """Return the sum of many operators in one pass (zero for none)."""
    terms: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
    for operator in operators:
        for word, value in operator.terms.items():
            terms[word] += value
    return Operator(terms)


def adjoint(word: ChargeWord) -> ChargeWord:
    """Return the Hermitian conjugate of a product of electron and boson ladder operators."""
    return tuple((ADJOINT[symbol], index) for symbol, index in reversed(word))


def without_rounding(value: complex, least: float) -> complex:
    """Return a number whose real and imaginary parts are set to zero if they do not exceed `least`."""
    return complex(*(part if abs(part) > least else 0.0 for part in (value.real, value.imag)))


def _lattice_product(left: LatticeWord, right: LatticeWord) -> Mapping[LatticeWord, int]:
    """Normal order a product of two normal-ordered words with [a, a+] = 1."""
    if not left or not right:
        return {left or right: 1}
    first, second = ({mode: (up, low) for mode, up, low in word} for word in (left, right))
    product: dict[LatticeWord, int] = {(): 1}
    for mode in sorted(first.keys() | second.keys()):
        k, p = first.get(mode, (0, 0))
        q, r = second.get(mode, (0, 0))
        orders = {(k + q - j, p + r - j): comb(p, j) * comb(q, j) * factorial(j) for j in range(min(p, q) + 1)}
        product = {
            word + (((mode, up, low),) if up or low else ()): weight * value
            for word, value in product.items()
            for (up, low), weight in orders.items()
        }
    return product


def displace(operator: Operator, shifts: Mapping[int, float]) -> Operator:
    """Rewrite an operator in the displaced frame ``a_m = a'_m + shifts[m]``.

    Parameters
    ----------
    operator : Operator
        The operator in terms of the physical phonons ``a``.
    shifts : mapping of int to float
        Displacement of each mode; ``x`` is shifted by twice that. Modes that are not listed are not displaced.

    Returns
    -------
    Operator
        The same operator in terms of ``a'``.

    Examples
    --------
    >>> displace(quanta(0), {0: 0.5})
    +0.25 +0.5 a_0 +0.5 a+_0 +1 a+_0 a_0
    """
    moved = {mode: shift for mode, shift in shifts.items() if shift != 0}
    if not moved:
        return operator
    return total(
        Operator({(charge, word): value * weight for word, weight in displaced_word(lattice, moved).items()})
        for (charge, lattice), value in operator.terms.items()
    )


def displaced_word(lattice: LatticeWord, shifts: Mapping[int, Any]) -> Mapping[LatticeWord, Any]:
    """Return the expansion of one lattice product in the frame ``a_m = a'_m + shifts[m]``, for numbers or arrays."""
    result: dict[LatticeWord, Any] = {(): 1.0}
    for mode, up, low in lattice:
        shift = shifts.get(mode, 0.0)
        powers = {
            (i, j): comb(up, i) * comb(low, j) * shift ** (up - i + low - j)
            for i in range(up + 1)
            for j in range(low + 1)
            if mode in shifts or (i, j) == (up, low)
        }
        result = {
            word + (((mode, i, j),) if i or j else ()): value * weight
            for word, value in result.items()
            for (i, j), weight in powers.items()
        }
    return result


def _letter(symbol: str, index: int) -> Operator:
    return Operator({(((symbol, index),), ()): 1.0})


def create(site: int, spin: str) -> Operator:
    """``c+_{site, spin}`` with spin "up" or "dn"."""
    return _letter(f"c+{_spin(spin)}", site)


def annihilate(site: int, spin: str) -> Operator:
    """``c_{site, spin}`` with spin "up" or "dn"."""
    return _letter(f"c{_spin(spin)}", site)


def electron_number(site: int, spin: str | None = None) -> Operator:
    """``n_{site, spin}``, or the sum over both spins."""
    spins = ("up", "dn") if spin is None else (_spin(spin),)
    return total(_letter(f"n{s}", site) for s in spins)


def pair(site: int) -> Operator:
    """``D = c_dn c_up``, the on-site electron pair; ``pair(i).dag`` is ``c+_up c+_dn``."""
    return annihilate(site, "dn") * annihilate(site, "up")


def spin_z(site: int) -> Operator:
    """``S^z = (n_up - n_dn) / 2``."""
    return 0.5 * (electron_number(site, "up") - electron_number(site, "dn"))


def spin_raising(site: int) -> Operator:
    """``S^+ = c+_up c_dn``."""
    return create(site, "up") * annihilate(site, "dn")


def boson(site: int) -> Operator:
    """``b``, the annihilator of the hard-core local pair; it commutes with the electrons."""
    return _letter("b", site)


def boson_number(site: int) -> Operator:
    """``b+ b``."""
    return _letter("nb", site)


def phonon(mode: int) -> Operator:
    """``a``, the phonon annihilator of a mode."""
    return Operator({((), ((mode, 0, 1),)): 1.0})


def displacement(mode: int) -> Operator:
    """``x = a + a+``; the lattice coordinate is ``X = x / sqrt(2)``."""
    return phonon(mode) + phonon(mode).dag


def quanta(mode: int) -> Operator:
    """``a+ a``, the number of phonons of a mode."""
    return Operator({((), ((mode, 1, 1),)): 1.0})


def _spin(spin: str) -> str:
    if spin not in ("up", "dn"):
        raise InvalidValue(f'spin = {spin!r} is unknown; allowed: "up", "dn"')
    return spin
