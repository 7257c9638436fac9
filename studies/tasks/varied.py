"""Tasks that give a parameter of the model other values."""

from __future__ import annotations

from collections.abc import Iterator

from ...hamiltonians import InvalidModel, Model, Problem, with_parameter
from ...hamiltonians.parameters import show


def value_problems(model: Model, key: str, value: float, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a model in which a parameter has another value, to be reported at `path`."""
    try:
        with_parameter(model, key, value)
    except InvalidModel as error:
        yield from (Problem(path, show(value), f"{key}: {problem.allowed}") for problem in error.problems)
