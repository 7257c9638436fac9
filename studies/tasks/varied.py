"""Tasks that vary a parameter of the model."""

from __future__ import annotations

from collections.abc import Iterator

from ...hamiltonians import InvalidModel, Model, Problem, with_parameter
from ...hamiltonians.parameters import show


def value_problems(model: Model, key: str, value: float, path: str) -> Iterator[Problem]:
    """Yield the problems of a model with a new value of a parameter, reported at `path`."""
    try:
        with_parameter(model, key, value)
    except InvalidModel as error:
        yield from (Problem(path, show(value), f"{key}: {problem.allowed}") for problem in error.problems)
