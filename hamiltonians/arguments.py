"""Models, sectors and operators as arguments of Python calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .._core.arguments import instance, is_whole, shown
from ..clusters import InvalidType
from .model import Model
from .notation import operator
from .operators import Operator, as_operator
from .parameters import show
from .sector import Sector
from .values import Problem


def a_model(name: str, value: Any) -> Model:
    """Return the model; raise an error for any other type."""
    return instance(name, value, Model, "write Model(ring(4), Electrons(hopping=1.0))")


def a_sector(name: str, value: Any) -> Sector:
    """Return a sector; a number stands for the sector of that charge."""
    if isinstance(value, Sector):
        return value
    if is_whole(value):
        return Sector(int(value))
    raise InvalidType(f"{name} is {shown(value)}, and must be a charge or a Sector, as 4 or Sector(charge=4, two_sz=0)")


def number_basis_problems(model: Model, what: str) -> Iterator[Problem]:
    """Yield the problem of a basis of optimal phonon states in a computation that needs number states."""
    if model.phonons is not None and model.phonons.basis != "number":
        allowed = f'leave it out, or take "number": optimal states represent low levels, not {what}'
        yield Problem("phonons.basis", show(model.phonons.basis), allowed)


def an_operator(name: str, value: Any) -> Operator:
    """Return an operator; text is read as a formula, a number as a multiple of the identity."""
    if isinstance(value, str):
        return operator(value)
    if isinstance(value, int | float | complex) and not isinstance(value, bool):
        return as_operator(value)
    return instance(name, value, Operator, 'write a formula, as electron_number(0) or "n_0"')


def a_model_function(name: str, value: Any) -> Callable[[float], Model]:
    """Return the function from a parameter to a model; raise an error for any other type."""
    if callable(value) and not isinstance(value, type):
        function: Callable[[float], Model] = value
        return function
    raise InvalidType(
        f"{name} is {shown(value)}, and must be a function from a number to a model: write "
        'lambda x: with_parameter(model, "bosons.level", x)'
    )
