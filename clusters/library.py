"""A library of clusters: one function for each kind, whose signature model files, explorer and documentation read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isfunction, signature
from types import MappingProxyType
from typing import Annotated, Literal, SupportsInt, TypeGuard, get_args, get_type_hints

import numpy as np

from .._core.errors import InvalidValue
from .cluster import Bond, Cluster

MAX_SITES = 20
"""Most sites along a cluster; what can be solved is bounded by memory and 64-bit states long before."""


@dataclass(frozen=True)
class Argument:
    """What is said about an argument of a cluster, as the annotation of its type.

    Attributes
    ----------
    allowed : str
        Which values model files take.
    first : int, list of int or None
        What the explorer begins with.
    name : str
        On its controls.
    """

    allowed: str
    first: int | list[int] | None = None
    name: str = ""


def site(sites: Annotated[Literal[1], Argument("1, or leave it out")] = 1) -> Cluster:
    """One site: the atomic limit.

    Parameters
    ----------
    sites : int
        One, which may be written.
    """
    _count("sites", sites, 1, 1)
    return Cluster("site", ((0.0, 0.0),), ("site",), translation=(0,), reflection=(0,))


def dimer(sites: Annotated[Literal[2], Argument("2, or leave it out")] = 2) -> Cluster:
    """Two sites and the bond between them.

    Parameters
    ----------
    sites : int
        Two, which may be written.
    """
    _count("sites", sites, 2, 2)
    return Cluster("dimer", ((0.0, 0.0), (1.0, 0.0)), ("site",) * 2, (Bond(0, 1),), reflection=(1, 0))


def chain(sites: Annotated[int, Argument("the number of sites, a whole number", 3, "sites")]) -> Cluster:
    """Open chain of bonds ``i - (i + 1)``; its reflection swaps the ends.

    Parameters
    ----------
    sites : int
        Number of sites.
    """
    sites = _count("sites", sites, 1)
    positions = tuple((float(i), 0.0) for i in range(sites))
    bonds = tuple(Bond(i, i + 1) for i in range(sites - 1))
    return Cluster("chain", positions, ("site",) * sites, bonds, reflection=tuple(reversed(range(sites))))


def ring(sites: Annotated[int, Argument("the number of sites, a whole number", 4, "sites")]) -> Cluster:
    """Closed ring; bond ``i -> i + 1`` carries ``exp(i phi / sites)``.

    Two sites have one bond, not two, and then no loop for a flux. The reflection sends site ``i`` to ``-i``.

    Parameters
    ----------
    sites : int
        Number of sites.

    Examples
    --------
    >>> [(bond.start, bond.end) for bond in ring(3).bonds]
    [(0, 1), (1, 2), (2, 0)]
    """
    sites = _count("sites", sites, 1)
    return Cluster(
        "ring",
        _circle(sites),
        ("site",) * sites,
        _loop(sites, "bond"),
        translation=tuple((i + 1) % sites for i in range(sites)),
        reflection=tuple(-i % sites for i in range(sites)),
    )


def ladder(rungs: Annotated[int, Argument("the number of rungs, a whole number", 2, "rungs")]) -> Cluster:
    """Open two-leg ladder of bonds of length one: site ``2 r + leg`` at (r, leg); bond classes ``leg`` and ``rung``.

    Parameters
    ----------
    rungs : int
        Number of rungs, two sites each.
    """
    rungs = _count("rungs", rungs, 1)
    positions = tuple((float(r), float(leg)) for r in range(rungs) for leg in range(2))
    legs = [Bond(2 * r + leg, 2 * r + 2 + leg, "leg") for r in range(rungs - 1) for leg in range(2)]
    bonds = (*legs, *(Bond(2 * r, 2 * r + 1, "rung") for r in range(rungs)))
    mirror = tuple(2 * (rungs - 1 - r) + leg for r in range(rungs) for leg in range(2))
    return Cluster("ladder", positions, ("site",) * (2 * rungs), bonds, reflection=mirror)


def plaquette(
    size: Annotated[
        Sequence[int], Argument("two whole numbers, columns and rows, as in [2, 2]", [2, 2], "columns, rows")
    ] = (2, 2),
) -> Cluster:
    """Open rectangular patch of the square lattice; site ``x + columns * y`` at (x, y).

    Parameters
    ----------
    size : (int, int)
        Columns and rows; [2, 2] where it is left out.
    """
    if not isinstance(size, Sequence | np.ndarray) or isinstance(size, str) or len(size) != 2:
        raise InvalidValue(f"size = {size!r} must be columns and rows; give two numbers, as in [2, 2]")
    columns, rows = size
    columns, rows = _count("size[0]", columns, 1), _count("size[1]", rows, 1)
    _count("size[0] * size[1]", columns * rows, 1)
    positions = tuple((float(x), float(y)) for y in range(rows) for x in range(columns))
    along_x = [Bond(x + columns * y, x + 1 + columns * y) for y in range(rows) for x in range(columns - 1)]
    along_y = [Bond(x + columns * y, x + columns * (y + 1)) for y in range(rows - 1) for x in range(columns)]
    mirror = tuple(columns - 1 - x + columns * y for y in range(rows) for x in range(columns))
    return Cluster("plaquette", positions, ("site",) * (columns * rows), (*along_x, *along_y), reflection=mirror)


def ligand_centre(
    sites: Annotated[int, Argument("the number of metal sites, a whole number", 4, "sites")] = 4,
) -> Cluster:
    """Ring of metal sites around one ligand, the last site, in the middle.

    Metal bonds have length one. Site classes ``metal`` and ``ligand``, bond classes ``ring`` and ``centre``.

    Parameters
    ----------
    sites : int
        Number of metal sites, 4 where it is left out; the ligand is one more.

    References
    ----------
    The cation-ligand cluster of J. Ranninger and A. Romano, Phys. Rev. B 78, 054527 (2008).
    """
    sites = _count("sites", sites, 1)
    metal = _circle(sites) if sites > 2 else tuple((2.0 * i - (sites - 1), 0.6) for i in range(sites))
    bonds = (*_loop(sites, "ring"), *(Bond(i, sites, "centre") for i in range(sites)))
    mirror = (*(-i % sites for i in range(sites)), sites)
    return Cluster("ligand-centre", (*metal, (0.0, 0.0)), ("metal",) * sites + ("ligand",), bonds, reflection=mirror)


def custom(
    positions: Annotated[Sequence[Sequence[float]], Argument(f"a list of 1 to {MAX_SITES} points [x, y]")],
    bonds: Annotated[
        Sequence[Sequence[object]], Argument('a list of bonds [i, j] or [i, j, "class"] between two site numbers')
    ] = (),
    classes: Annotated[Sequence[str] | None, Argument("a list of class names, one for each site")] = None,
) -> Cluster:
    """Any cluster: positions in the plane, bonds ``[i, j]`` or ``[i, j, "class"]``, and a class for each site.

    Parameters
    ----------
    positions : list of list of float
        A point of the plane for each site.
    bonds : list of list
        Site numbers of both ends, and a class name where couplings differ between bonds.
    classes : list of str
        A class name for each site, by which couplings can be given; "site" for all where it is left out.

    Examples
    --------
    >>> custom([[0, 0], [1, 0]], [[0, 1, "weak"]]).bond_classes
    ('weak',)
    """
    for name, value in {"positions": positions, "bonds": bonds, "classes": () if classes is None else classes}.items():
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise InvalidValue(f"{name} = {value!r} must be a list with one entry for each of the {name}")
    _count("positions", len(positions), 1)
    points = tuple(_point(i, position) for i, position in enumerate(positions))
    for i, point in enumerate(points):
        if (j := points.index(point)) < i:
            raise InvalidValue(
                f"positions[{j}] and positions[{i}] are both {list(point)}; give each site its own place"
            )
    labels = tuple(classes) if classes is not None else ("site",) * len(points)
    return Cluster("custom", points, labels, tuple(_bond(b, bond) for b, bond in enumerate(bonds)))


def _point(index: int, position: Sequence[float]) -> tuple[float, float]:
    try:
        x, y = (float(coordinate) for coordinate in position)
    except (TypeError, ValueError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise InvalidValue(f"positions[{index}] = {position!r} must be a point of the plane; give two finite numbers")
    return x, y


def _bond(index: int, bond: Sequence[object]) -> Bond:
    listed = isinstance(bond, Sequence | np.ndarray) and len(bond) in (2, 3)
    start, end, label = (*bond, "bond")[:3] if listed else (None, None, None)
    if not (is_index(start) and is_index(end) and isinstance(label, str)):
        got = list(bond) if isinstance(bond, Sequence) else bond
        raise InvalidValue(f'bonds[{index}] = {got} must be a bond; give [i, j] or [i, j, "class"]')
    return Bond(int(start), int(end), label)


def is_index(value: object) -> TypeGuard[SupportsInt]:
    """True for whole numbers, NumPy's too, and not for True and False."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _count(name: str, value: int, least: int, most: int = MAX_SITES) -> int:
    if not is_index(value) or not least <= value <= most:
        raise InvalidValue(f"{name} = {value!r} is out of range; allowed: whole numbers from {least} to {most}")
    return int(value)


def _circle(sites: int) -> tuple[tuple[float, float], ...]:
    if sites < 3:
        return tuple((float(i), 0.0) for i in range(sites))
    radius = 0.5 / math.sin(math.pi / sites)
    angles = [2 * math.pi * i / sites for i in range(sites)]
    return tuple((radius * math.cos(a), radius * math.sin(a)) for a in angles)


def _loop(sites: int, label: str) -> tuple[Bond, ...]:
    if sites < 3:
        return tuple(Bond(i, i + 1, label) for i in range(sites - 1))
    return tuple(Bond(i, (i + 1) % sites, label, 1.0 / sites) for i in range(sites))


KINDS: Mapping[str, Callable[..., Cluster]] = MappingProxyType(
    {
        name.replace("_", "-"): function
        for name, function in list(vars().items())
        if isfunction(function) and function.__annotations__.get("return") == "Cluster"
    }
)
"""The functions of this module that return a `Cluster`, by the name of the kind in model files."""


def arguments(function: Callable[..., Cluster]) -> Mapping[str, Argument]:
    """Return what is said about the arguments of a kind of clusters."""
    hints = get_type_hints(function, include_extras=True)
    return {name: get_args(hints[name])[1] for name in signature(function).parameters}
