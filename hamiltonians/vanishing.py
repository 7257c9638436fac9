"""Whether an operator vanishes, seen on the few states that each of its words needs to act on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from .operators import ChargeWord, Operator
from .sector import Sector, allowed_two_sz
from .space.product import Space

MOST = 2
"""Largest charge that is tried; no term of the package needs more."""
NEEDED: Mapping[str, int] = MappingProxyType({"cup": 1, "cdn": 1, "nup": 1, "ndn": 1, "b": 2, "nb": 2})
"""Charge that a letter must find, so as not to give zero."""


def largest_element(space: Space, operator: Operator) -> float:
    """Return the largest charge matrix element of an operator where it first acts; zero only if it is zero everywhere.

    A word that needs charge n is fixed by its matrix on states of charge n. Where none needs more than two, sectors of
    charge 0, 1 and 2 tell, however large the sector of `space` is; else that sector itself is looked at.

    Parameters
    ----------
    space : Space
        Its model and phonon frame are used.
    operator : Operator
        In the physical phonons.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model, electron_number
    >>> space = Space(Model(ring(12), Electrons(1.0)), Sector(12))  # 853776 states, none of which is looked at
    >>> largest_element(space, electron_number(0) * electron_number(1) - electron_number(1) * electron_number(0))
    0.0
    """
    needed = max((_needed(word) for word, _ in operator.terms), default=0)
    factors = [factor for tested in _spaces(space, needed) for factor in tested.factorise(operator)]
    return float(max((np.max(np.abs(factor.charges.data), initial=0.0) for factor in factors), default=0.0))


def _spaces(space: Space, needed: int) -> tuple[Space, ...]:
    if needed > MOST:
        return (space,)
    charges = range(min(needed, space.model.max_charge) + 1)
    sectors = (Sector(charge, two_sz) for charge in charges for two_sz in allowed_two_sz(space.model, charge))
    return tuple(Space(space.model, sector) for sector in sectors)


def _needed(word: ChargeWord) -> int:
    return sum(NEEDED.get(symbol, 0) for symbol, _ in word)
