"""Models as functions of a parameter, and the derivative of the Hamiltonian."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np

from .._core.arguments import of_kind, taking
from ..clusters import InvalidValue
from .arguments import a_model
from .magnetic_field import KEY
from .model import Model, TermFunction, value_at
from .operators import ChargeWord, LatticeWord, Operator, total, without_rounding
from .parameters import COUPLINGS, FIELDS, InvalidModel, Problem, is_number, show
from .terms import TERMS
from .values import part_of, with_part

Word = tuple[ChargeWord, LatticeWord]
ModelFunction = Callable[[float], Model]
"""From the value of a parameter to a model."""
ROUNDING = 4 * float(np.finfo(float).eps)
"""Differences of coefficients below this, relative to the coefficients, are zero."""
IMAGINARY: Mapping[str, str] = MappingProxyType({"electrons.hopping": "electrons.hopping_imaginary"})
"""Keys of the imaginary parts of complex couplings."""
STEP = 1e-2
"""Distance of the models whose Hamiltonians are compared, relative to the parameter."""
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
"""Central differences of eighth order: exact for polynomials up to degree 8."""


@taking(model=a_model, key=of_kind(str, 'write the path of a number, as "bosons.level"'))
def with_parameter(model: Model, key: str, value: float) -> Model:
    """Return the model with a new value of one parameter, addressed as in model files.

    Parameters
    ----------
    model : Model
        The model to change.
    key : str
        Path of the parameter, such as "phonons.electron_coupling" or "field.flux"; "electrons.hopping.ring" for a
        coupling given as a table by class; "electrons.level.0" and "electrons.repulsion.distance.1" for elements of a
        list.
    value : float
        The new value.

    Raises
    ------
    InvalidModel
        If the key is not a parameter of the model, or the model is invalid with this value.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> with_parameter(Model(dimer(), Electrons(hopping=1.0)), "electrons.hubbard_u", 4.0).electrons
    Electrons(hopping=1.0, hubbard_u=4.0)
    """
    if problem := parameter_problem(model, key, key):
        raise InvalidModel([problem])
    species, name, *item = key.split(".", 2)
    if f"{species}.{name}" in FIELDS:
        changed: dict[str, Any] = {name: dict.fromkeys(item, value) or value}
    else:
        table = getattr(model, species)
        coupling = with_part(getattr(table, name), "".join(item), value)
        changed = {species: replace(table, **{name: coupling})}
    return replace(model, **changed)


def with_parameters(model: Model, values: Mapping[str, Any]) -> Model:
    """Return the model with new values of several parameters; whole couplings may be tables or lists.

    A new value of a coupling also replaces its imaginary part unless that is given too.

    Raises
    ------
    InvalidModel
        If a key is unknown or a value is invalid.
    """
    parts = {imaginary: 0.0 for key, imaginary in IMAGINARY.items() if key in values}
    return reduce(lambda changed, pair: with_parameter(changed, *pair), {**parts, **values}.items(), model)


def parameter_problem(model: Model, key: str, path: str) -> Problem | None:
    """Return the problem of the key of a parameter, reported at `path`; None if it is valid."""
    if key in (*FIELDS, f"{KEY}.plaquette"):
        return None
    species, _, rest = key.partition(".")
    name, _, item = rest.partition(".")
    coupling_key = f"{species}.{name}"
    there = [entry.key for entry in COUPLINGS.values() if getattr(model, entry.species) is not None]
    if coupling_key not in there:
        return Problem(path, show(key), f"allowed: a number of this model, one of {', '.join([*there, *FIELDS])}")
    coupling = value_at(model, coupling_key)
    if item and part_of(coupling, item) is None:
        return Problem(
            path,
            show(key),
            f"allowed only if {coupling_key} is a table with the class {show(item)}, or a list with this index",
        )
    return None


def parameter_derivative(model_of: ModelFunction, at: float) -> Operator:
    """Return dH/dp as an operator formula.

    The coefficients of H are differentiated numerically, by a rule that is exact for polynomials up to degree 8; the
    coefficients of model files are polynomials of low degree in every coupling.

    Parameters
    ----------
    model_of : function
        From p to a model; the operators must be the same for all p and the coefficients smooth.
    at : float
        p.

    Returns
    -------
    Operator
        dH/dp, in the physical phonons.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> parameter_derivative(lambda t: Model(dimer(), Electrons(level=[0.3, t**2])), 2.0)
    +4 ndn_1 +4 nup_1
    """
    if not is_number(at):
        raise InvalidValue(f"a parameter of {show(at)} is not a finite number")
    step = STEP * (abs(at) or 1.0)

    models = [(weight / step, model_of(at + k * step), model_of(at - k * step)) for k, weight in enumerate(WEIGHTS, 1)]
    terms: list[TermFunction] = [*TERMS.values(), *models[0][1].terms]
    found = (_derivative([(w, term(above), term(below)) for w, above, below in models]) for term in terms)
    return total(found)


def _derivative(values: Sequence[tuple[float, Operator, Operator]]) -> Operator:
    """Return the derivative of one term, without coefficients at rounding level."""
    found = total(weight * (above - below) for weight, above, below in values)
    noise: defaultdict[Word, float] = defaultdict(float)
    for weight, *both in values:
        for word, value in (item for operator in both for item in operator.terms.items()):
            noise[word] += ROUNDING * abs(weight * value)
    return Operator({word: without_rounding(value, noise[word]) for word, value in found.terms.items()})
