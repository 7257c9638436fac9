"""Values of couplings: allowed forms, expansion over a cluster, and error messages."""

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
"""One number for all places, a table by class name (0 for classes not listed), or a list with one number each."""
ComplexCoupling = Coupling | complex | Mapping[str, complex] | Mapping[str, Mapping[str, float]] | Sequence[complex]
"""A coupling with complex numbers, in files written as ``{re = 1.0, im = 0.2}``."""
Reach = Coupling | Sequence[Sequence[float]] | Mapping[str, Sequence[float]] | Mapping[str, Any]
"""A coupling of each mode to its own site; a list of lists by mode and site; numbers by shells of distance from the
site of the mode, ``{"distance": [own, nearest, ...]}``; or a table of these by branch."""
DistanceCoupling = Coupling | Mapping[str, Sequence[float]]
"""A coupling of bonds or sites, or of all pairs of sites by shells of distance, ``{"distance": [...]}``."""
DisorderCoupling = Coupling | Mapping[str, Any]
"""A coupling of sites, or disorder, ``{"disorder": W, "seed": 3}``."""
ModeCoupling = Coupling | Mapping[str, Coupling]
"""A coupling of modes, or of bonds that join them; or a table of these by branch."""
LARGEST = 1e50
"""Largest absolute value of a coupling; squares of products of two couplings do not overflow."""
FINITE = f"a finite number, at most {LARGEST:g} in size"
"""Allowed values of a coupling, for messages."""
DISTANCE = "distance"
"""Key of couplings given by shells of distance."""
SAME_PLACE = 1e-9
"""Distances closer than this, relative to the largest, belong to the same shell."""


@dataclass(frozen=True)
class Problem:
    """One problem of a model: key, value found, and values allowed.

    Attributes
    ----------
    path : str
        Key in the model file, for example ``"electrons.hopping"``.
    got : str
        The value found.
    allowed : str
        The values allowed.
    """

    path: str
    got: str
    allowed: str

    def __str__(self) -> str:
        return printable(f"{self.path}: got {self.got}; {self.allowed}")


class InvalidModel(Told, ValueError):  # noqa: N818 - it says what is wrong, not that something went wrong
    """An invalid model, sector or model file, with all problems found.

    Attributes
    ----------
    problems : tuple of Problem
        All problems, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def show(value: object, limit: int = 60) -> str:
    """Return a short representation of a user's value for an error message."""
    text = f'"{value}"' if isinstance(value, str) else repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_number(value: object) -> bool:
    """True for a finite real number; False for bool, NaN and infinities."""
    value = scalar(value)
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return is_real and math.isfinite(float(value))  # type: ignore[arg-type]


def is_coupling(value: object) -> bool:
    """True for a finite real number of absolute value at most `LARGEST`."""
    return is_number(value) and abs(float(value)) <= LARGEST  # type: ignore[arg-type]


def nonzero(coupling: object) -> bool:
    """True if any number of a coupling is nonzero."""
    coupling = scalar(coupling)
    if isinstance(coupling, Mapping):
        return any(map(nonzero, coupling.values()))
    if isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str):
        return any(map(nonzero, coupling))
    return is_number(coupling) and coupling != 0


def split_complex(coupling: Any) -> tuple[Any, Any]:
    """Return the real and imaginary parts of a coupling; None for the latter if no number is complex.

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
    """Expand a coupling into values at sites, bonds or modes.

    Parameters
    ----------
    coupling : Coupling
        Number, table by class or list.
    labels : sequence of str
        Class of each site, bond or mode.
    what : str
        Kind of place in messages: "site", "bond" or "mode".

    Returns
    -------
    values : (n,) float
        One value for each label; zeros if the coupling is invalid.
    complaint : str or None
        The allowed values, if the coupling is invalid.
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
    """True for a list of values."""
    number = scalar(coupling)
    return isinstance(number, Sequence | np.ndarray) and not isinstance(number, str)


def is_matrix(coupling: Any) -> bool:
    """True for a list of lists."""
    listed = isinstance(coupling, Sequence | np.ndarray) and not isinstance(coupling, str)
    return listed and any(isinstance(row, Sequence | np.ndarray) and not isinstance(row, str) for row in coupling)


def by_distance(coupling: object) -> bool:
    """True for a coupling given by shells of distance."""
    return isinstance(coupling, Mapping) and isinstance(coupling.get(DISTANCE), Sequence | np.ndarray)


def reaches_out(coupling: object) -> bool:
    """True for a coupling to other sites: a list of lists or shells of distance, also within a branch."""
    inside = coupling.values() if isinstance(coupling, Mapping) else ()
    return is_matrix(coupling) or by_distance(coupling) or any(map(reaches_out, inside))


def resolve_reach(
    coupling: Any, labels: Sequence[str], own: Sequence[int | None], distances: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str | None]:
    """Expand a coupling of modes into a matrix over modes and sites.

    Parameters
    ----------
    coupling : Reach
        Number, table by class, list, list of lists, or ``{"distance": [...]}``.
    labels : sequence of str
        Class of each mode.
    own : sequence of int or None
        Site of each mode; None for modes on bonds.
    distances : (sites, sites) float
        Distances between sites.

    Returns
    -------
    values : (modes, sites) float
        Zeros if the coupling is invalid, and for modes on bonds.
    complaint : str or None
        The allowed values, if the coupling is invalid.

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
            return values, f"allowed: {{ {DISTANCE} = [...] }} with finite numbers, one or more, and no other key"
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
    """Return the part of a coupling at a path of names and indices; None if there is no such part.

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
    """Return a coupling with a new value of the part found by `part_of`.

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
    """Return the longest name in a table that starts a path; names may contain dots."""
    fitting = [name for name in table if path == name or path.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)
