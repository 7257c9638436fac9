"""Values of couplings: what they may be, how they are spread over a cluster, and what is said about wrong ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import scalar
from .._core.text import printable
from ..clusters import Told

Coupling = float | Mapping[str, float] | Sequence[float]
"""One number for all, a table by class name (classes not named get 0), or one number for each."""
ComplexCoupling = Coupling | complex | Mapping[str, complex] | Mapping[str, Mapping[str, float]] | Sequence[complex]
"""A coupling whose numbers may be complex; files have ``{re = 1.0, im = 0.2}`` for a complex number."""
Reach = Coupling | Sequence[Sequence[float]] | Mapping[str, Sequence[float]] | Mapping[str, Any]
"""A coupling of each mode to its own site; or a list for each mode with a number for each site; or numbers by shells of
distance from the mode's site, ``{"distance": [own, nearest, ...]}``; or a table of these by the names of branches."""
DistanceCoupling = Coupling | Mapping[str, Sequence[float]]
"""A coupling of bonds or sites; or between all pairs of sites by shells of distance, ``{"distance": [...]}``."""
DisorderCoupling = Coupling | Mapping[str, Any]
"""A coupling of sites; or with disorder, ``{"disorder": W, "seed": 3}``."""
ModeCoupling = Coupling | Mapping[str, Coupling]
"""A coupling of modes, or of bonds that join them; or a table of these by the names of branches."""
LARGEST = 1e50
"""Largest coupling in size; the squares of products of two still fit into floats."""
FINITE = f"a finite number, at most {LARGEST:g} in size"
"""What a coupling may be, for messages."""
DISTANCE = "distance"
"""The key of numbers by shells of distance."""
SAME_PLACE = 1e-9
"""Distances closer than this, relative to the largest, are one shell."""


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
    value = scalar(value)
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_real and math.isfinite(float(value))  # type: ignore[arg-type]


def is_coupling(value: object) -> bool:
    """True for a finite real number that is not too large for products: at most `LARGEST` in size."""
    return is_number(value) and abs(float(value)) <= LARGEST  # type: ignore[arg-type]


def nonzero(coupling: object) -> bool:
    """True where any of the numbers of a coupling is not zero."""
    coupling = scalar(coupling)
    if isinstance(coupling, Mapping):
        return any(map(nonzero, coupling.values()))
    if isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str):
        return any(map(nonzero, coupling))
    return is_number(coupling) and coupling != 0


def split_complex(coupling: Any) -> tuple[Any, Any]:
    """Return the real and the imaginary part of a coupling; None for the latter where it has no complex numbers.

    Examples
    --------
    >>> split_complex({"x": {"re": 1.0, "im": 0.2}, "y": 0.5}), split_complex([1 + 2j, 3]), split_complex(1.0)
    (({'x': 1.0, 'y': 0.5}, {'x': 0.2, 'y': 0.0}), ([1.0, 3], [2.0, 0.0]), (1.0, None))
    """
    coupling = scalar(coupling)
    if isinstance(coupling, complex | np.complexfloating):
        return float(coupling.real), float(coupling.imag)
    if isinstance(coupling, Mapping):
        if coupling and set(coupling) <= {"re", "im"}:
            return coupling.get("re", 0.0), coupling.get("im", 0.0)
        parts = {key: split_complex(value) for key, value in coupling.items()}
        if all(imaginary is None for _, imaginary in parts.values()):
            return coupling, None
        return {key: part[0] for key, part in parts.items()}, {key: part[1] or 0.0 for key, part in parts.items()}
    if isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str):
        pairs = [split_complex(value) for value in coupling]
        if all(imaginary is None for _, imaginary in pairs):
            return coupling, None
        return [real for real, _ in pairs], [imaginary or 0.0 for _, imaginary in pairs]
    return coupling, None


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
        if not all(is_coupling(value) for value in coupling.values()):
            return zeros, f"allowed: a table of finite numbers, at most {LARGEST:g} in size"
        return np.array([float(coupling.get(label, 0.0)) for label in labels]), None
    number = scalar(coupling)
    if is_listed(number):
        if len(number) != len(labels):
            return zeros, f"allowed: one number for each {what}, {len(labels)} of them, not {len(number)}"
        if not all(is_coupling(value) for value in number):
            return zeros, f"allowed: a list of finite numbers, at most {LARGEST:g} in size"
        return np.array([float(value) for value in number]), None
    if not is_coupling(number):
        return zeros, f"allowed: {FINITE}, a table by class name, or a list of numbers"
    return np.full(len(labels), float(number)), None


def is_listed(coupling: Any) -> bool:
    """True for one value for each place, in a list."""
    number = scalar(coupling)
    return isinstance(number, Sequence | np.ndarray) and not isinstance(number, str)


def is_matrix(coupling: Any) -> bool:
    """True for a list of lists."""
    listed = isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str)
    return listed and any(isinstance(row, Sequence | np.ndarray) and not isinstance(row, str) for row in coupling)


def by_distance(coupling: object) -> bool:
    """True for numbers by shells of distance."""
    return isinstance(coupling, Mapping) and isinstance(coupling.get(DISTANCE), Sequence | np.ndarray)


def reaches_out(coupling: object) -> bool:
    """True for a coupling with other sites: a list of lists, numbers by distance, or either of them for a branch."""
    inside = coupling.values() if isinstance(coupling, Mapping) else ()
    return is_matrix(coupling) or by_distance(coupling) or any(map(reaches_out, inside))


def resolve_reach(
    coupling: Any, labels: Sequence[str], own: Sequence[int | None], distances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str | None]:
    """Spread a coupling of modes over modes and sites.

    Parameters
    ----------
    coupling : Reach
        Number, table by class, list, list of lists, or ``{"distance": [...]}``.
    labels : sequence of str
        Class of each mode.
    own : sequence of int or None
        Site of each mode; None for one on a bond.
    distances : (sites, sites) float
        Between sites.

    Returns
    -------
    values : (modes, sites) float
        Zeros where the coupling is wrong, or a mode sits on a bond.
    complaint : str or None
        What is allowed, if the coupling is wrong.

    Examples
    --------
    >>> resolve_reach({"distance": [0.5, 0.2]}, ["site"] * 2, [0, 2], np.abs(np.subtract.outer(range(3), range(3))))[0]
    array([[0.5, 0.2, 0. ],
           [0. , 0.2, 0.5]])
    """
    values = np.zeros((len(labels), len(distances)))
    if is_matrix(coupling):
        rows = [list(row) if isinstance(row, Sequence | np.ndarray) else [] for row in coupling]
        shape = f"{len(labels)} lists, one for each mode, of {len(distances)} numbers, one for each site"
        if len(rows) != len(labels) or any(len(row) != len(distances) for row in rows):
            return values, f"allowed: {shape}"
        if not all(is_coupling(value) for row in rows for value in row):
            return values, f"allowed: lists of finite numbers, at most {LARGEST:g} in size"
        return np.array(rows, float).reshape(values.shape), None
    if by_distance(coupling):
        shells = list(coupling[DISTANCE])
        if len(coupling) > 1 or not shells or not all(map(is_coupling, shells)):
            return values, f"allowed: {{ {DISTANCE} = [...] }} with finite numbers, one or more, and nothing beside it"
        for m, site in enumerate(own):
            if site is not None:
                values[m] = _of_shells(np.array(shells, float), distances[site])
        return values, None
    each, complaint = resolve(coupling, labels, "mode")
    for m, site in enumerate(own):
        if site is not None:
            values[m, site] = each[m]
    return values, complaint


def _of_shells(shells: NDArray[np.float64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value for each site; zero beyond the last shell."""
    order = np.argsort(distances, kind="stable")
    steps = np.diff(distances[order]) > SAME_PLACE * max(1.0, float(distances.max(initial=0.0)))
    shell = np.zeros(len(distances), np.int64)
    shell[order] = np.concatenate([[0], np.cumsum(steps)])
    return np.where(shell < len(shells), shells[np.minimum(shell, len(shells) - 1)], 0.0)


def part_of(coupling: Any, path: str) -> Any:
    """Return a number, or a part of a coupling, by the path of names and positions behind its key; None for no such.

    Examples
    --------
    >>> part_of({"distance": [1.0, 0.5]}, "distance.1"), part_of([0.1, 0.2], "2"), part_of(1.0, "0")
    (0.5, None, None)
    """
    if not path:
        return coupling
    if isinstance(coupling, Mapping):
        name = _name_in(coupling, path)
        return None if name is None else part_of(coupling[name], path[len(name) + 1 :])
    position, _, rest = path.partition(".")
    if not is_listed(coupling) or not position.isdecimal() or int(position) >= len(coupling):
        return None
    return part_of(coupling[int(position)], rest)


def with_part(coupling: Any, path: str, value: Any) -> Any:
    """Return a coupling with another value of a part that `part_of` finds.

    Examples
    --------
    >>> with_part({"distance": [1.0, 0.5]}, "distance.1", 0.2)
    {'distance': [1.0, 0.2]}
    """
    if not path:
        return value
    if isinstance(coupling, Mapping):
        name = _name_in(coupling, path) or path
        return {**coupling, name: with_part(coupling.get(name), path[len(name) + 1 :], value)}
    position, _, rest = path.partition(".")
    items = list(coupling)
    items[int(position)] = with_part(items[int(position)], rest, value)
    return items


def _name_in(table: Mapping[str, Any], path: str) -> str | None:
    """Return the longest name of a table with which a path begins; names may have dots."""
    fitting = [name for name in table if path == name or path.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)
