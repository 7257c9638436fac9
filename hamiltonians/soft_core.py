r"""Soft-core local pairs: up to M on a site, represented by M two-level systems filled in order.

On states in which level k is filled only if all lower levels are, with the number operators :math:`\nu_k` and the
raising operators :math:`\beta^+_k` of the levels,

.. math:: b^+ = \sum_{k=0}^{M-1} \sqrt{k+1}\; \nu_{k-1}\, \beta^+_k\, (1 - \nu_{k+1}), \qquad b^+ b = \sum_k \nu_k

without the factors of levels that do not exist. Both operators preserve this subspace, so that sums, products and
commutators of such formulas are those of the pairs. The operator of level k of site i has the index
``sites (k + 1) + i``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .operators import Operator, total

if TYPE_CHECKING:
    from .model import Model

BOSONS = ("b+", "b", "nb")


def letter_of(site: int, level: int, sites: int) -> int:
    """Return the index of the operators of a level."""
    return sites * (level + 1) + site


def expanded(operator: Operator, model: Model) -> Operator:
    """Express soft-core pairs in a formula by levels; formulas of hard-core models are returned unchanged.

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Bosons, Model, boson
    >>> expanded(boson(0).dag, Model(site(), bosons=Bosons(max_occupation=2)))
    +1 b+_1 -1 b+_1 nb_2 +1.41421 nb_1 b+_2
    """
    return in_levels(operator, model.cluster.sites, model.most_bosons)


def in_levels(operator: Operator, sites: int, most: int) -> Operator:
    """Express pairs by levels, given the number of sites and the largest number of pairs on a site."""
    if most <= 1:
        return operator
    return total(
        _written(charge, sites, most, Operator({((), lattice): value}))
        if any(symbol in BOSONS and index < sites for symbol, index in charge)
        else Operator({(charge, lattice): value})
        for (charge, lattice), value in operator.terms.items()
    )


def _written(charge: tuple[tuple[str, int], ...], sites: int, most: int, found: Operator) -> Operator:
    for symbol, index in charge:
        plain = Operator({(((symbol, index),), ()): 1.0})
        found = found * (_pair(symbol, index, sites, most) if symbol in BOSONS and index < sites else plain)
    return found


@lru_cache(maxsize=1024)
def _pair(symbol: str, site: int, sites: int, most: int) -> Operator:
    def letter(name: str, level: int) -> Operator:
        return Operator({(((name, letter_of(site, level, sites)),), ()): 1.0})

    if symbol == "nb":
        return total(letter("nb", k) for k in range(most))
    parts = []
    for k in range(most):
        raised = (k + 1) ** 0.5 * letter("b+", k)
        raised = letter("nb", k - 1) * raised if k else raised
        parts.append(raised - raised * letter("nb", k + 1) if k + 1 < most else raised)
    creator = total(parts)
    return creator if symbol == "b+" else creator.dag
