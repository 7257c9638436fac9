"""Values of couplings: what they may be, how they are spread over a cluster, and what is said about wrong ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._core.text import printable
from ..clusters import Told

Coupling = float | Mapping[str, float] | Sequence[float]
"""One number for all, a table by class name (classes not named get 0), or one number for each."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a model: where, what was found, what is allowed.

    Attributes
    ----------
    path : str
        Place in the model file, for example ``"electrons.hopping"``.
    got : str
        The value found.
    allowed : str
        What would have been right.
    """

    path: str
    got: str
    allowed: str

    def __str__(self) -> str:
        return printable(f"{self.path}: got {self.got}; {self.allowed}")


class InvalidModel(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An invalid model, sector or model file, with every problem found and not just the first.

    Attributes
    ----------
    problems : tuple of Problem
        All of them, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def show(value: object, limit: int = 60) -> str:
    """Return a short repr of a user's value for an error message."""
    text = f'"{value}"' if isinstance(value, str) else repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_number(value: object) -> bool:
    """True for a finite real number; False for bool, NaN and infinities."""
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_real and math.isfinite(float(value))  # type: ignore[arg-type]


def nonzero(coupling: Coupling) -> bool:
    """True where any of the numbers of a coupling is not zero."""
    values = coupling.values() if hasattr(coupling, "values") else np.atleast_1d(np.asarray(coupling, dtype=object))
    return any(is_number(value) and value != 0 for value in values)


def resolve(coupling: Coupling, labels: Sequence[str], what: str) -> tuple[NDArray[np.float64], str | None]:
    """Spread a coupling over sites, bonds or modes.

    Parameters
    ----------
    coupling : Coupling
        Number, table by class or list.
    labels : sequence of str
        Class of each site, bond or mode.
    what : str
        Noun for messages: "site", "bond" or "mode".

    Returns
    -------
    values : (n,) float
        One value for each label; zeros where the coupling is wrong.
    complaint : str or None
        What is allowed, if the coupling is wrong.
    """
    zeros = np.zeros(len(labels))
    classes = list(dict.fromkeys(labels))
    if isinstance(coupling, Mapping):
        unknown = [name for name in coupling if name not in classes]
        if unknown:
            names = ", ".join(show(name) for name in classes) or f"none (there is no {what})"
            return zeros, f"no {what} has the class {show(unknown[0])}; allowed classes: {names}"
        if not all(is_number(value) for value in coupling.values()):
            return zeros, "allowed: a table of finite numbers"
        return np.array([float(coupling.get(label, 0.0)) for label in labels]), None
    if isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str):
        if len(coupling) != len(labels):
            return zeros, f"allowed: one number for each {what}, {len(labels)} of them, not {len(coupling)}"
        if not all(is_number(value) for value in coupling):
            return zeros, "allowed: a list of finite numbers"
        return np.array([float(value) for value in coupling]), None
    if not is_number(coupling):
        return zeros, "allowed: a finite number, a table by class name, or a list of numbers"
    return np.full(len(labels), float(coupling)), None
