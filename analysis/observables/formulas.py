"""Formulas of observables: an operator for each site, mode, bond, or pair of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import instance
from ...clusters import InvalidValue
from ...hamiltonians import Model, Operator, boson, boson_number, electron_number, pair
from ...hamiltonians.operators import spin_raising

PLACES: Mapping[str, Callable[[Model], int]] = MappingProxyType(
    {
        "site": lambda model: model.cluster.sites,
        "bond": lambda model: len(model.cluster.bonds),
        "mode": lambda model: len(model.modes),
    }
)
"""Size of each dimension; ``site_`` is a second dimension over sites."""


@dataclass(frozen=True)
class Formula:
    """An observable defined as averages of operators.

    Attributes
    ----------
    dims : tuple of str
        Names of the dimensions of the observable.
    operators : function
        From a model to an array of operators over these dimensions.
    """

    dims: tuple[str, ...]
    operators: Callable[[Model], NDArray[np.object_]]

    @classmethod
    def over(cls, *dims: str, of: Callable[..., Operator]) -> Formula:
        """Return the formula with one operator for each place.

        Parameters
        ----------
        *dims : str
            Any of "site", "bond" and "mode"; ``"site_"`` and so on for a second dimension of the same kind.
        of : function
            From the model and one index for each dimension to the operator.

        Raises
        ------
        ValueError
            If a dimension is unknown.

        Examples
        --------
        >>> from respair.clusters import dimer
        >>> from respair.hamiltonians import Electrons, displacement
        >>> moving = Formula.over("site", of=lambda model, i: electron_number(i, "up") * electron_number(1 - i, "up"))
        >>> moving.operators(Model(dimer(), Electrons(1.0)))
        array([+1 nup_0 nup_1, +1 nup_1 nup_0], dtype=object)
        """
        if unknown := [dim for dim in dims if dim.removesuffix("_") not in PLACES]:
            raise InvalidValue(f"{unknown[0]!r} is not a dimension of a formula; allowed: {', '.join(PLACES)}")

        def operators(model: Model) -> NDArray[np.object_]:
            array = np.empty([PLACES[dim.removesuffix("_")](model) for dim in dims], dtype=object)
            for place in np.ndindex(array.shape):
                array[place] = instance(f"the operator at {place}", of(model, *place), Operator, "return a formula")
            return array

        return cls(dims, operators)


NOTHING = Operator()


def electrons(model: Model, site: int, spin: str | None = None) -> Operator:
    """``n_i``, or the number of one spin; zero without electrons."""
    return electron_number(site, spin) if model.electrons is not None else NOTHING


def electron_pair(model: Model, site: int) -> Operator:
    """``D_i = c_dn c_up``; zero without electrons."""
    return pair(site) if model.electrons is not None else NOTHING


def spin(model: Model, site: int) -> Operator:
    """``S^z_i``; zero without electrons."""
    return 0.5 * (electrons(model, site, "up") - electrons(model, site, "dn"))


def turning_spin(model: Model, site: int, axis: str) -> Operator:
    """``S^x_i`` or ``S^y_i``; zero without electrons."""
    if model.electrons is None:
        return NOTHING
    flip = (0.5 if axis == "x" else -0.5j) * spin_raising(site)
    return flip + flip.dag


def both_electrons(model: Model, site: int) -> Operator:
    """``n_up n_dn``; zero without electrons."""
    return electrons(model, site, "up") * electrons(model, site, "dn")


def local_pairs(model: Model, site: int) -> Operator:
    """``b+_i b_i``; zero on sites without local pairs."""
    return boson_number(site) if site in model.boson_sites else NOTHING


def local_pair(model: Model, site: int) -> Operator:
    """``b_i``; zero on sites without local pairs."""
    return boson(site) if site in model.boson_sites else NOTHING


def exchange(model: Model, site: int) -> Operator:
    """``D+_i b_i``; zero unless the model has both species."""
    return electron_pair(model, site).dag * local_pair(model, site)
