"""Test whether an operator vanishes, from its action on the smallest sectors on which it can act."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from .algebra import canonical
from .conservation import sectors_of
from .operators import Operator
from .space.product import Space

MOST = 2
"""Largest charge tested; no built-in term needs more."""
NEEDED: Mapping[str, int] = MappingProxyType({"cup": 1, "cdn": 1, "nup": 1, "ndn": 1, "b": 2, "nb": 2})
"""Charge annihilated by a ladder operator."""


def largest_element(space: Space, operator: Operator) -> float:
    """Return the largest matrix element of an operator in the smallest sectors; zero only if the operator vanishes.

    A product of ladder operators that annihilates charge n is determined by its matrix on states of charge n. If none
    annihilates more than 2, the sectors of charge 0, 1 and 2 are sufficient, however large the sector of `space` is.

    Parameters
    ----------
    space : Space
        The space whose model and phonon frame are used.
    operator : Operator
        The operator in terms of the physical phonons.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model, Sector, electron_number
    >>> space = Space(Model(ring(12), Electrons(1.0)), Sector(12))  # 853776 states, none of which is needed
    >>> largest_element(space, electron_number(0) * electron_number(1) - electron_number(1) * electron_number(0))
    0.0
    """
    needed = max((sum(NEEDED.get(symbol, 0) for symbol, _ in word) for word, _ in operator.terms), default=0)
    spaces = [space]
    if needed <= MOST and space.sector.parity is None:
        charges = range(min(needed, space.model.max_charge) + 1)
        sectors = (each for charge in charges for each in sectors_of(space.model, charge, space.sector.has_all_spins))
        spaces = [Space(space.model, sector) for sector in sectors]
    if space.sector.parity is not None and space.model.most_electrons == 2 and space.model.most_bosons == 1:
        return max((abs(value) for value in canonical(operator).terms.values()), default=0.0)
    factors = [factor for tested in spaces for factor in tested.factorise(operator)]
    return float(max((np.max(np.abs(factor.charges.data), initial=0.0) for factor in factors), default=0.0))
