"""The observables that are averages of operators, as formulas: what thermal averages over all levels need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import (
    TERMS,
    Model,
    Operator,
    boson,
    boson_number,
    displacement,
    electron_number,
    pair,
    quanta,
)
from ...hamiltonians.operators import total
from .energy import PARTS

NOTHING = Operator()


@dataclass(frozen=True)
class Formula:
    """An observable that is an average of operators.

    Attributes
    ----------
    dims : tuple of str
        Names of the dimensions of the observable.
    operators : function
        From a model to an array of operators of that shape.
    """

    dims: tuple[str, ...]
    operators: Callable[[Model], NDArray[np.object_]]


def _bosons(model: Model, site: int) -> Operator:
    return boson_number(site) if site in model.boson_sites else NOTHING


def _local_pair(model: Model, site: int) -> Operator:
    return boson(site) if site in model.boson_sites else NOTHING


def _electron_pair(model: Model, site: int) -> Operator:
    return pair(site) if model.electrons is not None else NOTHING


def _spin(site: int) -> Operator:
    return 0.5 * (electron_number(site, "up") - electron_number(site, "dn"))


def _array(values: list[Operator], *shape: int) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array.reshape(shape)


def _per_site(operator: Callable[[Model, int], Operator]) -> Formula:
    return Formula(("site",), lambda m: _array([operator(m, i) for i in range(m.cluster.sites)], m.cluster.sites))


def _per_mode(operator: Callable[[int], Operator]) -> Formula:
    return Formula(("mode",), lambda m: _array([operator(k) for k in range(len(m.modes))], len(m.modes)))


def _per_pair(left: Callable[[Model, int], Operator], right: Callable[[Model, int], Operator]) -> Formula:
    def formula(m: Model) -> NDArray[np.object_]:
        sites = range(m.cluster.sites)
        return _array([left(m, i) * right(m, j) for i, j in product(sites, sites)], len(sites), len(sites))

    return Formula(("site", "site_"), formula)


def _with_lattice(charge: Callable[[Model, int], Operator]) -> Formula:
    def formula(m: Model) -> NDArray[np.object_]:
        sites, modes = range(m.cluster.sites), range(len(m.modes))
        operators = [charge(m, i) * displacement(k) for i, k in product(sites, modes)]
        return _array(operators, len(sites), len(modes))

    return Formula(("site", "mode"), formula)


def _part(name: str) -> Formula:
    return Formula((), lambda m: _array([total(TERMS[term](m) for term in PARTS[name])]))


FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {
        "electron_density": _per_site(lambda m, i: electron_number(i)),
        "double_occupancy": _per_site(lambda m, i: electron_number(i, "up") * electron_number(i, "dn")),
        "boson_density": _per_site(_bosons),
        "pair_exchange": _per_site(lambda m, i: _electron_pair(m, i).dag * _local_pair(m, i)),
        "spin_z": _per_site(lambda m, i: _spin(i)),
        "displacement": _per_mode(displacement),
        "quanta": _per_mode(quanta),
        "pair_correlation": _per_pair(lambda m, i: _electron_pair(m, i).dag, _electron_pair),
        "boson_correlation": _per_pair(lambda m, i: _local_pair(m, i).dag, _local_pair),
        "pair_boson_correlation": _per_pair(lambda m, i: _electron_pair(m, i).dag, _local_pair),
        "density_correlation": _per_pair(lambda m, i: electron_number(i), lambda m, i: electron_number(i)),
        "spin_correlation": _per_pair(lambda m, i: _spin(i), lambda m, i: _spin(i)),
        "electron_lattice": _with_lattice(lambda m, i: electron_number(i)),
        "boson_lattice": _with_lattice(_bosons),
        **{name: _part(name) for name in PARTS},
    }
)
"""By the names of `OBSERVABLES`; squares of truncated matrices and distributions are not among them."""
