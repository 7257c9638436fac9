"""Terms of the Hamiltonian: the contribution of one coupling at each site, bond or mode."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..clusters import Bond
from .branches import links_of, own_bond
from .formula import CouplingField
from .model import Flux, Model, bond_phase, on_bonds, value_at
from .operators import Operator, total
from .parameters import COUPLINGS, FIELDS

Directions = tuple[tuple[float, ...], ...]
"""Directions of the flux along which a term is differentiated, one for each derivative; empty: no derivative."""


@dataclass(frozen=True)
class Term:
    """The term of one coupling.

    Attributes
    ----------
    key : str
        Key of its coupling in `COUPLINGS` or `FIELDS`.
    at : function
        From the model and a site, a mode or a `Bond` to the operator there; hops also take the directions of the flux
        along which they are differentiated.
    hops : bool
        Whether the term depends on the flux.
    """

    key: str
    at: Callable[..., Operator]
    hops: bool

    @property
    def name(self) -> str:
        """Name of the term in `TERMS`."""
        return self.at.__name__

    @property
    def coupling(self) -> CouplingField:
        """The entry of its coupling in the table."""
        return {**COUPLINGS, **FIELDS}[self.key]

    def __call__(self, model: Model, derivative: Directions = ()) -> Operator:
        """Return the whole term of a model, or its derivative along directions of the flux."""
        return total(formula for _, formula in self.parts(model, derivative))

    def parts(self, model: Model, derivative: Directions = ()) -> Iterator[tuple[Any, Operator]]:
        """Yield every place with a nonzero coupling and the contribution of the term there."""
        order = (derivative,) if self.hops else ()
        sign = -1.0 if self.coupling.sign else 1.0
        places = ((place, value) for place, value in self._places(model) if value)
        yield from ((place, sign * value * self.at(model, place, *order)) for place, value in places)

    def _places(self, model: Model) -> Iterator[tuple[Any, float]]:
        """Yield every place of the term with its coupling."""
        if self.key in FIELDS:
            yield None, value_at(model, self.key)
            return
        entry, bonds, modes = self.coupling, model.cluster.bonds, model.modes
        second, links = on_bonds(modes), links_of(modes, bonds)
        places: Mapping[str, Any] = {
            "site": range(model.cluster.sites),
            "bond": links if entry.species == "phonons" else bonds,
            "boson site": model.boson_sites,
            "mode": range(len(modes)),
            "mode and site": [(m, i) for m in range(len(modes)) for i in range(model.cluster.sites)],
            "mode or bond": [own_bond(mode, bonds) for mode in modes] if second else links,
        }
        name, place = entry.arrays[-1 if second else 0], entry.place
        if entry.reaches:
            name, place = f"{name}_by_site", "mode and site"
        yield from zip(places[place], getattr(model.couplings, name).ravel().tolist(), strict=True)
        if entry.apart:
            matrix = getattr(model.couplings, f"{name}_by_site")
            between = np.triu(matrix) if entry.apart == "pairs" else matrix
            yield from ((Bond(i, j), float(matrix[i, j])) for i, j in np.argwhere(between).tolist())


def term_of(key: str) -> Callable[[Callable[..., Operator]], Term]:
    """Return a decorator that turns a function into the term of a coupling."""
    return lambda at: Term(key, at, "derivative" in inspect.signature(at).parameters)


def hop_with_reverse(forward: Operator, bond: Bond, flux: Flux, charge: int, derivative: Directions) -> Operator:
    """Return a hop plus its Hermitian conjugate, differentiated along directions of the flux."""
    shares = [sum(share * d for share, d in zip(bond.shares, along, strict=True)) for along in derivative]
    half = prod((1j * charge * share for share in shares), start=bond_phase(bond, flux, charge)) * forward
    return half + half.dag
