"""Operator formulas as text: a small grammar of operators, numbers, products and sums; no code is evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

from .._core.arguments import instance
from ..clusters import InvalidValue
from .operators import (
    Operator,
    annihilate,
    as_operator,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    pair,
    phonon,
    quanta,
    spin_raising,
    spin_z,
    total,
)
from .values import LARGEST

MOST_CHARACTERS = 200_000
MOST_TERMS = 50_000
"""Largest number of products of a formula after its brackets are multiplied out."""
MOST_LONG_TERMS, MOST_KEPT = 1_000_000, 4
"""Largest number of products of a machine-written formula, and number of such formulas that are cached."""
MOST_POWER = 12
DEEPEST = 50
"""Largest nesting depth of brackets."""
Maker = Callable[[int, str, str], Operator]
"""From the index of a letter, the sign after its name and its spin to the operator."""
LETTERS: Mapping[str, Maker] = MappingProxyType(
    {
        "c": lambda i, plus, spin: create(i, spin) if plus else annihilate(i, spin),
        "n": lambda i, plus, spin: electron_number(i, spin or None),
        "D": lambda i, plus, spin: pair(i).dag if plus else pair(i),
        "Sz": lambda i, plus, spin: spin_z(i),
        "S": lambda i, plus, spin: spin_raising(i) if plus == "+" else spin_raising(i).dag,
        "b": lambda i, plus, spin: boson(i).dag if plus else boson(i),
        "nb": lambda i, plus, spin: boson_number(i),
        "a": lambda i, plus, spin: phonon(i).dag if plus else phonon(i),
        "na": lambda i, plus, spin: quanta(i),
        "x": lambda i, plus, spin: displacement(i),
    }
)
FORMS: Mapping[str, str] = MappingProxyType(
    {
        "c": "cup_0, cdn_0, c+up_0, c+dn_0", "n": "n_0, nup_0, ndn_0", "D": "D_0, D+_0", "Sz": "Sz_0",
        "S": "S+_0, S-_0", "b": "b_0, b+_0", "nb": "nb_0", "a": "a_0, a+_0", "na": "na_0", "x": "x_0",
    }
)  # fmt: skip
"""Notation of each letter, with 0 for the site or mode."""
SIGNS = MappingProxyType({"c": ("", "+"), "D": ("", "+"), "b": ("", "+"), "a": ("", "+"), "S": ("+", "-")})
"""Signs that may follow the name of a letter; none for those that are not listed."""
SPINS = MappingProxyType({"c": ("up", "dn"), "n": ("", "up", "dn")})
ADJOINTS = "h.c."
TOKEN = re.compile(
    r"\s*(?:(?P<adjoints>h\.c\.)"
    r"|(?P<letter>(?P<name>Sz|nb|na|[cnDSbax])(?P<sign>[+-]?)_?(?P<spin>up|dn|)_(?P<index>\d{1,6})(?![\w.]))"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit>[ij](?!\w))?(?!\.)"
    r"|(?P<symbol>\*\*|[-+*/^()]))"
)


def operator(text: str) -> Operator:
    r"""Return the operator of a formula given as text.

    ============================  ============================================================
    ``cup_0``, ``c+dn_2``         electrons, also written ``c_up_0``, ``c+_dn_2``
    ``n_0``, ``nup_0``            electron number of a site, of one spin
    ``D_0``, ``D+_0``             electron pair, ``D = c_dn c_up``
    ``Sz_0``, ``S+_0``            spin
    ``b_0``, ``b+_0``, ``nb_0``   local pair and its number
    ``a_0``, ``a+_0``, ``na_0``   phonon of a mode and its number
    ``x_0``                       displacement, ``x = a + a+``
    ============================  ============================================================

    Numbers are written as ``0.5``, ``1e-3`` or ``2j``; adjacent letters are multiplied, with or without ``*``; ``^2``
    is a power, ``/ 2`` divides by a number, brackets may be used, and ``+ h.c.`` adds the Hermitian conjugate of
    everything before it in the same bracket.

    Parameters
    ----------
    text : str
        The formula.

    Raises
    ------
    InvalidValue
        If the formula cannot be parsed, with the position of the error and what is allowed there.

    Examples
    --------
    >>> operator("c+up_0 cup_1 + h.c.")
    +1 c+up_0 cup_1 +1 c+up_1 cup_0
    >>> operator("0.5 (nup_0 - ndn_0) x_1^2").terms == (0.5 * (electron_number(0, "up") - electron_number(0, "dn"))
    ...     * displacement(1) * displacement(1)).terms
    True
    """
    instance("text", text, str, 'write operator("c+up_0 cup_1 + h.c.")')
    if len(text) > MOST_CHARACTERS:
        raise InvalidValue(f"the formula has {len(text):,} characters; allowed: at most {MOST_CHARACTERS:,}")
    return _Reader(text).whole()


def formula_text(value: Operator) -> str:
    """Return an operator as text with all digits, which `operator` reads back.

    Examples
    --------
    >>> formula_text(0.1 * electron_number(0, "up") + 2j * displacement(1))
    '0.1 nup_0 + (0.0+2.0j) a_1 + (0.0+2.0j) a+_1'
    """
    words = []
    for (charge, lattice), number in value.terms.items():
        letters = [f"{symbol}_{index}" for symbol, index in charge]
        letters += [f"a+_{mode}^{up}" if up > 1 else f"a+_{mode}" for mode, up, _ in lattice if up]
        letters += [f"a_{mode}^{low}" if low > 1 else f"a_{mode}" for mode, _, low in lattice if low]
        shown = f"({number.real!r}{number.imag:+}j)" if number.imag else f"{number.real!r}"
        words.append(" ".join([shown, *letters]))
    return " + ".join(words) or "0"


@lru_cache(MOST_KEPT)
def long_operator(text: str) -> Operator:
    """Return the operator of a machine-written formula, which may be long; the last results are cached.

    Examples
    --------
    >>> long_operator("1.0 nup_0 + 2.0 a+_0 a_0")
    +2 a+_0 a_0 +1 nup_0
    """
    return _Reader(text, MOST_LONG_TERMS).whole()


class _Reader:
    """Recursive descent: sum, product, power, atom."""

    def __init__(self, text: str, most: int = MOST_TERMS) -> None:
        self.text, self.place, self.depth, self.most = text, 0, 0, most
        self.token: re.Match[str] | None = None
        self.step()

    def step(self) -> None:
        """Advance to the next token; None at the end."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        self.token = TOKEN.match(self.text, self.place)
        if self.token is None and self.place < len(self.text):
            raise self.wrong()
        self.place = self.token.end() if self.token else self.place

    def wrong(self, message: str = "") -> InvalidValue:
        """Return an error with its position and what is allowed there."""
        start = self.token.start() if self.token else self.place
        rest = self.text[start:].split()
        got = f'"{rest[0][:20]}"' if rest else "the end"
        where = f'in the formula "{self.text[:60]}{"..." if len(self.text) > 60 else ""}", character {start + 1}'
        return InvalidValue(f"{where}: {message or self.hint(rest[0] if rest else '')}, got {got}")

    @staticmethod
    def hint(word: str) -> str:
        """Return the allowed notation at an unknown token."""
        name = next((name for name in ("Sz", "nb", "na", *"cnDSbax") if word.startswith(name)), "")
        forms = [FORMS[name]] if name else list(FORMS.values())
        return f"allowed: {', '.join(forms)}{'' if name else ', numbers, + - * / ^ ( ) and h.c.'}"

    def takes(self, *symbols: str) -> str:
        """Consume and return the current token if it is one of `symbols`; else return an empty string."""
        found = self.token["symbol"] if self.token else None
        if found not in symbols:
            return ""
        self.step()
        return found

    def whole(self) -> Operator:
        """Parse the whole formula."""
        found = self.sum()
        if self.token is not None:
            raise self.wrong("allowed: + or - before a further term")
        if not all(abs(value) <= LARGEST for value in found.terms.values()):
            raise self.wrong(f"allowed: coefficients of at most {LARGEST:g}")
        return found

    def sum(self) -> Operator:
        """Parse a sum up to the end or a closing bracket."""
        parts = [self.product(self.takes("+", "-") or "+")]
        count = len(parts[0].terms)
        while sign := self.takes("+", "-"):
            if self.token and self.token["adjoints"]:
                self.step()
                found = total(parts)
                parts = [found, found.dag if sign == "+" else -found.dag]
                count = 2 * len(found.terms)
            else:
                parts.append(self.product(sign))
                count += len(parts[-1].terms)
            self.check(count)
        return total(parts)

    def product(self, sign: str) -> Operator:
        """Parse a product of factors."""
        minus = self.takes("-") if sign == "+" else ""
        found = (-1.0 if minus or sign == "-" else 1.0) * self.power()
        while self.token is not None:
            if self.takes("/"):
                found = 1.0 / self.number() * found
                continue
            times = self.takes("*")
            if not times and (self.token["symbol"] not in (None, "(") or self.token["adjoints"]):
                break
            factor = self.power()
            self.check(len(found.terms) * len(factor.terms))
            found = found * factor
        return found

    def number(self) -> float:
        """Parse a divisor."""
        token = self.token
        given = float(token["number"] or 0) if token is not None and not token["unit"] else 0.0
        if token is None or not 1 / LARGEST <= given <= LARGEST:
            raise self.wrong(f"allowed after /: a number other than 0, of at most {LARGEST:g}")
        self.step()
        return float(token["number"])

    def power(self) -> Operator:
        """Parse an atom with an optional power."""
        base = self.atom()
        if not self.takes("^", "**"):
            return base
        token = self.token
        exponent = token["number"] if token else None
        if exponent is None or not exponent.isdigit() or not 0 <= int(exponent) <= MOST_POWER:
            raise self.wrong(f"allowed after ^: a whole number from 0 to {MOST_POWER}")
        self.step()
        found = as_operator(1.0)
        for _ in range(int(exponent)):
            self.check(len(found.terms) * len(base.terms))
            found = found * base
        return found

    def atom(self) -> Operator:
        """Parse a number, a letter, or a bracket."""
        token = self.token
        if token is not None and token["number"]:
            if not float(token["number"]) <= LARGEST:
                raise self.wrong(f"allowed: numbers of at most {LARGEST:g}")
            self.step()
            return as_operator(float(token["number"]) * (1j if token["unit"] else 1.0))
        if token is not None and token["letter"]:
            return self.letter(token)
        if not self.takes("("):
            raise self.wrong("h.c. must follow a + or - at the end of a sum" if token and token["adjoints"] else "")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"allowed: at most {DEEPEST} nested brackets")
        found = self.sum()
        self.depth -= 1
        if not self.takes(")"):
            raise self.wrong("a bracket is not closed")
        return found

    def letter(self, token: re.Match[str]) -> Operator:
        """Return the operator of a letter; raise an error if its spin or sign is missing."""
        name, sign, spin = token["name"], token["sign"], token["spin"]
        if sign not in SIGNS.get(name, ("",)) or spin not in SPINS.get(name, ("",)):
            raise self.wrong(f"allowed: {FORMS[name]}")
        self.step()
        return LETTERS[name](int(token["index"]), sign, spin)

    def check(self, terms: int) -> None:
        """Raise an error if a formula becomes too long."""
        if terms > self.most:
            raise self.wrong(f"allowed: at most {self.most:,} products once brackets are multiplied out")
