"""Library of clusters: one function per kind; model files, explorer and documentation use its signature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeGuard

import numpy as np

from .._core.errors import InvalidValue
from .arguments import MAX_SITES, Argument, count, is_index
from .cluster import Bond, Cluster
from .lattices import SHELLS, Shells
from .loops import snapped
from .periods import copies, short
from .translations import found_translations


def site(sites: Annotated[Literal[1], Argument("1, or leave it out")] = 1) -> Cluster:
    """One site: the atomic limit.

    Parameters
    ----------
    sites : int
        Must be 1; may be omitted.
    """
    count("sites", sites, 1, 1)
    return Cluster("site", ((0.0, 0.0),), ("site",), translation=(0,), reflection=(0,))


def dimer(sites: Annotated[Literal[2], Argument("2, or leave it out")] = 2) -> Cluster:
    """Two sites and the bond between them.

    Parameters
    ----------
    sites : int
        Must be 2; may be omitted.
    """
    count("sites", sites, 2, 2)
    return Cluster("dimer", ((0.0, 0.0), (1.0, 0.0)), ("site",) * 2, (Bond(0, 1),), reflection=(1, 0))


def chain(sites: Annotated[int, Argument("the number of sites, a whole number", 3, "sites")]) -> Cluster:
    """Open chain of bonds ``i - (i + 1)``; its reflection swaps the ends.

    Parameters
    ----------
    sites : int
        Number of sites.
    """
    sites = count("sites", sites, 1)
    positions = tuple((float(i), 0.0) for i in range(sites))
    bonds = tuple(Bond(i, i + 1) for i in range(sites - 1))
    return Cluster("chain", positions, ("site",) * sites, bonds, reflection=tuple(reversed(range(sites))))


def ring(
    sites: Annotated[int, Argument("the number of sites, a whole number", 4, "sites")], shells: Shells = 1
) -> Cluster:
    """Closed ring; bond ``i -> i + 1`` carries ``exp(i phi / sites)``.

    A ring of two sites has a single bond and no loop for a flux. The reflection maps site ``i`` to ``-i``. With more
    shells, the bonds ``i -> i + 2`` of class ``second``, and so on, carry the corresponding multiple of that phase, and
    each periodic image is a separate bond: second neighbours on a ring of four sites share two bonds, one in each
    direction around the ring.

    Parameters
    ----------
    sites : int
        Number of sites.
    shells : int
        Number of neighbour shells that are joined by bonds.

    Examples
    --------
    >>> [(bond.start, bond.end) for bond in ring(3).bonds]
    [(0, 1), (1, 2), (2, 0)]
    """
    sites, shells = count("sites", sites, 1), count("shells", shells, 1, len(SHELLS))
    further = [
        Bond(i, (i + n) % sites, SHELLS[n - 1], windings=(n / sites,))
        for n in range(2, shells + 1)
        for i in range(sites if n % sites else 0)
    ]
    return Cluster(
        "ring",
        _circle(sites),
        ("site",) * sites,
        (*_loop(sites, "bond"), *further),
        translation=tuple((i + 1) % sites for i in range(sites)),
        reflection=tuple(-i % sites for i in range(sites)),
        made_from=(("sites", sites), ("shells", shells)) if shells > 1 else (),
        left_out=sites * sum(n % sites == 0 for n in range(2, shells + 1)),
    )


def ladder(rungs: Annotated[int, Argument("the number of rungs, a whole number", 2, "rungs")]) -> Cluster:
    """Open two-leg ladder of bonds of length one: site ``2 r + leg`` at (r, leg); bond classes ``leg`` and ``rung``.

    Parameters
    ----------
    rungs : int
        Number of rungs, two sites each.
    """
    rungs = count("rungs", rungs, 1)
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
        Columns and rows.
    """
    if not isinstance(size, Sequence | np.ndarray) or isinstance(size, str) or len(size) != 2:
        raise InvalidValue(f"size = {size!r} must be columns and rows; give two numbers, as in [2, 2]")
    columns, rows = size
    columns, rows = count("size[0]", columns, 1), count("size[1]", rows, 1)
    count("size[0] * size[1]", columns * rows, 1)
    positions = tuple((float(x), float(y)) for y in range(rows) for x in range(columns))
    along_x = [Bond(x + columns * y, x + 1 + columns * y) for y in range(rows) for x in range(columns - 1)]
    along_y = [Bond(x + columns * y, x + columns * (y + 1)) for y in range(rows - 1) for x in range(columns)]
    mirror = tuple(columns - 1 - x + columns * y for y in range(rows) for x in range(columns))
    return Cluster("plaquette", positions, ("site",) * (columns * rows), (*along_x, *along_y), reflection=mirror)


def ligand_centre(
    sites: Annotated[int, Argument("the number of metal sites, a whole number", 4, "sites")] = 4,
) -> Cluster:
    """Ring of metal sites around a central ligand, which is the last site.

    Metal bonds have length one. Site classes ``metal`` and ``ligand``, bond classes ``ring`` and ``centre``.

    Parameters
    ----------
    sites : int
        Number of metal sites, not counting the ligand.

    References
    ----------
    The cation-ligand cluster of J. Ranninger and A. Romano, Phys. Rev. B 78, 054527 (2008).
    """
    sites = count("sites", sites, 1)
    metal = _circle(sites) if sites > 2 else tuple((2.0 * i - (sites - 1), 0.6) for i in range(sites))
    bonds = (*_loop(sites, "ring"), *(Bond(i, sites, "centre") for i in range(sites)))
    mirror = (*(-i % sites for i in range(sites)), sites)
    return Cluster("ligand-centre", (*metal, (0.0, 0.0)), ("metal",) * sites + ("ligand",), bonds, reflection=mirror)


def custom(
    positions: Annotated[
        Sequence[Sequence[float]], Argument(f"a list of 1 to {MAX_SITES} points [x, y], or [x, y, z]")
    ],
    bonds: Annotated[
        Sequence[Sequence[object]],
        Argument('a list of bonds [i, j], [i, j, "class"] or [i, j, "class", windings] between sites i and j'),
    ] = (),
    classes: Annotated[Sequence[str] | None, Argument("a list of class names, one for each site")] = None,
    cell: Annotated[
        Sequence[Sequence[float]] | None, Argument("a list of vectors, the periods of a closed cluster")
    ] = None,
) -> Cluster:
    """Cluster from lists of positions, bonds and site classes.

    A bond ``[i, j, "class", [w_1, w_2]]`` carries the phase ``exp(i (w_1 phi_1 + w_2 phi_2))`` of a flux. The
    translations of the cluster are the site permutations that preserve classes, bonds and windings.

    Parameters
    ----------
    positions : list of list of float
        Two or three coordinates for each site.
    bonds : list of list
        ``[i, j]``, ``[i, j, "class"]`` or ``[i, j, "class", windings]``: the sites of both ends, a class by which
        couplings can be given, and the windings on a closed cluster.
    classes : list of str
        A class for each site, by which couplings can be given; "site" by default.
    cell : list of list of float
        Periods of a closed cluster. Bonds without windings then connect a site to the nearest image of the other one.

    Examples
    --------
    >>> custom([[0, 0], [1, 0]], [[0, 1, "weak"]]).bond_classes
    ('weak',)
    >>> row = custom([[0, 0], [1, 0], [2, 0]], [[0, 1], [1, 2], [2, 0]], cell=[[3, 0]])
    >>> [bond.windings for bond in row.bonds], len(row.translations)
    ([(0.3333333333333333,), (0.3333333333333333,), (0.3333333333333333,)], 1)
    """
    given = {"positions": positions, "bonds": bonds, "classes": classes or (), "cell": cell or ()}
    for name, value in given.items():
        if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
            raise InvalidValue(f"{name} = {value!r} must be a list with one entry for each of the {name}")
    count("positions", len(positions), 1)
    points = tuple(_point(f"positions[{i}]", position) for i, position in enumerate(positions))
    for i, point in enumerate(points):
        if len(point) != len(points[0]):
            raise InvalidValue(
                f"positions[{i}] = {list(point)} has {len(point)} coordinates and positions[0] has {len(points[0])}; "
                "give all sites the same number"
            )
        if (j := points.index(point)) < i:
            raise InvalidValue(
                f"positions[{j}] and positions[{i}] are both {list(point)}; give each site a different position"
            )
    labels = tuple(classes) if classes is not None else ("site",) * len(points)
    rows = _cell(cell, len(points[0])) if cell is not None else ()
    joined = tuple(_bond(b, bond) for b, bond in enumerate(bonds))
    if rows:
        joined = tuple(_nearest_image(bond, points, rows) for bond in joined)
    # bonds without windings do not cross the boundary
    fluxes = len(rows) or max((len(bond.windings) for bond in joined), default=0)
    if fluxes:
        joined = tuple(bond if bond.windings else replace(bond, windings=(0.0,) * fluxes) for bond in joined)
    cluster = Cluster("custom", points, labels, joined, cell=rows)
    return replace(cluster, translations=found_translations(cluster)) if fluxes else cluster


def _point(name: str, position: Sequence[float]) -> tuple[float, ...]:
    try:
        point = tuple(float(coordinate) for coordinate in position)
    except (TypeError, ValueError):
        point = ()
    if len(point) not in (2, 3) or not all(map(math.isfinite, point)):
        raise InvalidValue(f"{name} = {position!r} must be a point; give two finite numbers, or three in space")
    return point


def _cell(cell: Sequence[Sequence[float]], coordinates: int) -> tuple[tuple[float, ...], ...]:
    rows = tuple(_point(f"cell[{i}]", row) for i, row in enumerate(cell))
    if not rows or any(len(row) != coordinates for row in rows) or np.linalg.matrix_rank(np.array(rows)) < len(rows):
        raise InvalidValue(
            f"cell = {[list(row) for row in rows]}: give one to {coordinates} independent vectors with {coordinates} "
            "numbers each, or leave it out"
        )
    return rows


def _nearest_image(bond: Bond, points: Sequence[tuple[float, ...]], rows: Sequence[tuple[float, ...]]) -> Bond:
    """Return a bond with the windings of the shortest vector from its start to an image of its end."""
    if bond.windings or max(bond.start, bond.end) >= len(points) or min(bond.start, bond.end) < 0:
        return bond
    cell = np.array(rows)
    apart = np.array(points[bond.end]) - np.array(points[bond.start])
    every, shortest = copies(apart - np.round(apart @ np.linalg.pinv(cell)) @ cell, short(rows))
    if shortest.sum() > 1:
        raise InvalidValue(
            f"bond [{bond.start}, {bond.end}] has {shortest.sum()} images of the same length; give each as a separate "
            'bond with windings, as in [0, 1, "x", [0.5, 0.0]] and [0, 1, "x", [-0.5, 0.0]]'
        )
    shares = map(snapped, (every[np.argmax(shortest)] @ np.linalg.pinv(cell)).tolist())
    return replace(bond, windings=tuple(shares))


def _bond(index: int, bond: Sequence[object]) -> Bond:
    listed = isinstance(bond, Sequence | np.ndarray) and len(bond) in (2, 3, 4)
    start, end, label, windings = (*bond, *("bond", ())[len(bond) - 2 :]) if listed else (None,) * 4
    if not (is_index(start) and is_index(end) and isinstance(label, str) and _is_numbers(windings)):
        got = list(bond) if isinstance(bond, Sequence) else bond
        allowed = 'give [i, j] or [i, j, "class"], or on closed clusters [i, j, "class", windings]'
        raise InvalidValue(f"bonds[{index}] = {got} must be a bond; {allowed}")
    return Bond(int(start), int(end), label, windings=tuple(float(share) for share in windings))


def _is_numbers(value: object) -> TypeGuard[Sequence[float]]:
    """True for a list of up to three finite numbers."""
    return (
        isinstance(value, Sequence | np.ndarray)
        and not isinstance(value, str)
        and len(value) <= 3
        and all(isinstance(x, int | float | np.number) and not isinstance(x, bool) and math.isfinite(x) for x in value)
    )


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
