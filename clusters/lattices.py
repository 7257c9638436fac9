"""Finite lattices, periodic along the rows of a supercell: one function for each lattice.

A site R + b belongs to the cell R and has the basis vector b. Nearest-neighbour bonds have one class per direction,
further shells one class each. On the closed cluster each periodic image of a bond is a separate bond.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from .._core.errors import InvalidValue
from .arguments import MAX_SITES, Argument, count
from .cluster import Bond, Cluster
from .loops import snapped
from .supercells import check_distinct, closed_rows, frozen, listed, matrix_of, supercell_rows
from .translations import Translation, independent

SHELLS = ("first", "second", "third", "fourth", "fifth", "sixth")
"""Names of the neighbour shells; the bonds of the first shell have a class for each direction."""
SAME = 1e-9
"""Lengths closer than this, relative to the larger one, are equal."""
REACH = 6
"""Cells searched for neighbours in each direction, for each shell."""
ROOT3 = 3.0**0.5

CELLS = "a list of whole numbers, cells along each primitive vector"
Size = Annotated[Sequence[int] | None, Argument(CELLS, [2, 2], "cells")]
Few = Annotated[Sequence[int] | None, Argument(CELLS, [2, 1], "cells")]
Supercell = Annotated[
    Sequence[Sequence[int]] | None,
    Argument("rows of whole numbers in units of the primitive vectors, as in [[2, 2], [-2, 2]]; instead of size"),
]
Shells = Annotated[int, Argument(f"a whole number from 1 to {len(SHELLS)}: neighbour shells joined by bonds")]
Periodic = Annotated[
    Sequence[bool] | None, Argument("a list of true or false, one for each row of the supercell; all true by default")
]


@dataclass(frozen=True)
class Lattice:
    """A lattice: primitive vectors, the sites of a cell, and names for the bonds to the nearest neighbours.

    Attributes
    ----------
    vectors : (d, d) float
        Rows are the primitive vectors; nearest neighbours are at distance one.
    basis : (sites, d) float
        Positions of the sites of a cell.
    directions : mapping of str to (d,) float
        Direction of the nearest-neighbour bonds of each class.
    """

    vectors: NDArray[np.float64]
    basis: NDArray[np.float64]
    directions: tuple[tuple[str, tuple[float, ...]], ...]


def _lattice(
    vectors: Sequence[Sequence[float]], basis: Sequence[Sequence[float]], **directions: tuple[float, ...]
) -> Lattice:
    return Lattice(np.array(vectors, float), np.array(basis, float), tuple(directions.items()))


TRIANGLE = ((1.0, 0.0), (0.5, ROOT3 / 2))
SLANTED = {"a": (1.0, 0.0), "b": (0.5, ROOT3 / 2), "c": (-0.5, ROOT3 / 2)}
CHAIN = _lattice([[1.0]], [[0]], bond=(1.0,))
SQUARE = _lattice(np.eye(2).tolist(), [[0, 0]], x=(1.0, 0.0), y=(0.0, 1.0))
TRIANGULAR = _lattice(TRIANGLE, [[0, 0]], **SLANTED)
HONEYCOMB = _lattice(
    (ROOT3 * np.array(TRIANGLE)).tolist(), [[0, 0], [0, 1]],
    a=(0.0, 1.0), b=(-ROOT3 / 2, -0.5), c=(ROOT3 / 2, -0.5),
)  # fmt: skip
KAGOME = _lattice((2 * np.array(TRIANGLE)).tolist(), [[0, 0], *TRIANGLE], **SLANTED)
CUBIC = _lattice(np.eye(3).tolist(), [[0, 0, 0]], x=(1.0, 0.0, 0.0), y=(0.0, 1.0, 0.0), z=(0.0, 0.0, 1.0))


def square(size: Size = None, supercell: Supercell = None, shells: Shells = 1, periodic: Periodic = None) -> Cluster:
    """Finite square lattice; bond classes ``x``, ``y``, then ``second``, ...

    Parameters
    ----------
    size : (int, int)
        Cells along x and y, equivalent to the supercell [[size[0], 0], [0, size[1]]].
    supercell : list of list of int
        Periods T_j of the cluster in units of the primitive vectors; [[2, 2], [-2, 2]] has 8 sites.
    shells : int
        Number of neighbour shells that are joined by bonds.
    periodic : list of bool
        False for each row along which the cluster is open.

    Examples
    --------
    >>> cluster = square(size=[4, 2])
    >>> cluster.size, cluster.bonds[:2]
    ('square: 8 sites, 16 bonds', (Bond(start=0, end=1, label='x', winding=0.25, windings=(0.25, 0.0)), \
Bond(start=0, end=4, label='y', winding=0.0, windings=(0.0, 0.5))))
    """
    return closed("square", SQUARE, size, supercell, shells, periodic)


def triangular(
    size: Size = None, supercell: Supercell = None, shells: Shells = 1, periodic: Periodic = None
) -> Cluster:
    """Finite triangular lattice, primitive vectors (1, 0) and (1/2, sqrt(3)/2).

    Bond classes ``a`` along (1, 0), ``b`` along (1/2, sqrt(3)/2), ``c`` along (-1/2, sqrt(3)/2), then ``second``, ...

    Parameters
    ----------
    size, supercell, shells, periodic
        As for `square`.
    """
    return closed("triangular", TRIANGULAR, size, supercell, shells, periodic)


def honeycomb(size: Few = None, supercell: Supercell = None, shells: Shells = 1, periodic: Periodic = None) -> Cluster:
    """Finite honeycomb lattice, two sites per cell, primitive vectors sqrt(3) (1, 0) and sqrt(3) (1/2, sqrt(3)/2).

    Bond classes ``a``, ``b``, ``c``: the bonds of a site A at 90, 210 and 330 degrees; then ``second``, ...

    Parameters
    ----------
    size, supercell, shells, periodic
        As for `square`.
    """
    return closed("honeycomb", HONEYCOMB, size, supercell, shells, periodic)


def kagome(size: Few = None, supercell: Supercell = None, shells: Shells = 1, periodic: Periodic = None) -> Cluster:
    """Finite kagome lattice, three sites per cell, primitive vectors 2 (1, 0) and 2 (1/2, sqrt(3)/2).

    Bond classes as for `triangular`.

    Parameters
    ----------
    size, supercell, shells, periodic
        As for `square`.
    """
    return closed("kagome", KAGOME, size, supercell, shells, periodic)


def cubic(
    size: Annotated[Sequence[int] | None, Argument("three whole numbers, cells along x, y and z", [2, 2, 2])] = None,
    supercell: Supercell = None,
    shells: Shells = 1,
    periodic: Periodic = None,
) -> Cluster:
    """Finite cubic lattice; bond classes ``x``, ``y``, ``z``, then ``second``, ...

    Parameters
    ----------
    size, supercell, shells, periodic
        As for `square`, with three numbers each.
    """
    return closed("cubic", CUBIC, size, supercell, shells, periodic)


def lattice(
    vectors: Annotated[Sequence[Sequence[float]], Argument("a list of one to three primitive vectors")],
    basis: Annotated[Sequence[Sequence[float]] | None, Argument("a list of positions in the cell")] = None,
    size: Size = None,
    supercell: Supercell = None,
    shells: Shells = 1,
    periodic: Periodic = None,
    classes: Annotated[Sequence[str] | None, Argument("a list of class names, one for each site of a cell")] = None,
) -> Cluster:
    """Finite lattice given by primitive vectors and a basis.

    Nearest-neighbour bonds have the classes ``a``, ``b``, ...: one per direction, ordered by the angle to the x axis.

    Parameters
    ----------
    vectors : list of list of float
        Primitive vectors.
    basis : list of list of float
        Positions of the sites of a cell; the origin by default.
    size, supercell, shells, periodic
        As for `square`.
    classes : list of str
        Class of each site of a cell; "site" by default.

    Examples
    --------
    The square lattice with an oxygen on each bond:

    >>> plane = lattice([[1, 0], [0, 1]], [[0, 0], [0.5, 0], [0, 0.5]], size=[2, 2], classes=["Cu", "O", "O"])
    >>> plane.size, plane.site_classes, plane.bond_classes
    ('lattice: 12 sites, 16 bonds', ('Cu', 'O'), ('a', 'b'))
    """
    rows = matrix_of("vectors", vectors, "give as many vectors as they have components, one to three")
    if not 1 <= len(rows) <= 3 or rows.shape[0] != rows.shape[1] or abs(np.linalg.det(rows)) < SAME:
        allowed = "give one to three linearly independent vectors with as many components"
        raise InvalidValue(f"vectors = {listed(vectors)}: {allowed}, as in [[1, 0], [0, 1]]")
    places = np.zeros((1, len(rows))) if basis is None else matrix_of("basis", basis, "give a list of positions")
    if places.shape[1] != len(rows):
        raise InvalidValue(f"basis = {listed(basis)}: give {len(rows)} numbers for each site, as for the vectors")
    check_distinct(rows, places)
    given = (("vectors", frozen(vectors)), ("basis", frozen(basis)), ("classes", frozen(classes)))
    return closed("lattice", Lattice(rows, places, ()), size, supercell, shells, periodic, classes, given)


def closed(
    kind: str,
    lattice: Lattice,
    size: Sequence[int] | None,
    supercell: Sequence[Sequence[int]] | None,
    shells: int,
    periodic: Sequence[bool] | None,
    classes: Sequence[str] | None = None,
    given: tuple[tuple[str, object], ...] = (),
    most: int = MAX_SITES,
) -> Cluster:
    """Return the cluster of a lattice in a supercell with at most `most` sites."""
    dimension, inside = lattice.vectors.shape[0], len(lattice.basis)
    rows = supercell_rows(kind, dimension, size, supercell, most // inside)
    count("shells", shells, 1, len(SHELLS))
    around = closed_rows(periodic, dimension)
    labels = ["site"] * inside if classes is None else list(classes)
    if len(labels) != inside:
        raise InvalidValue(f"classes = {listed(classes)}: give {inside} names, one for each site of a cell")
    cells = _cells(rows)
    number = {cell: i for i, cell in enumerate(cells)}
    places = np.array(cells) @ lattice.vectors
    positions = [tuple((place + b).round(12).tolist()) for place in places for b in lattice.basis]
    bonds, left_out = _bonds(lattice, rows, around, number, shells)
    frame = rows @ lattice.vectors
    kept = np.flatnonzero(around)
    made = (("size", frozen(size)), ("supercell", frozen(supercell)), ("shells", None if shells == 1 else shells),
            ("periodic", None if all(around) else tuple(bool(c) for c in around)))  # fmt: skip
    return Cluster(
        kind,
        tuple(positions),
        tuple(labels) * len(cells),
        bonds,
        cell=tuple(tuple(row) for row in frame[kept].round(12).tolist()),
        translations=independent(list(_translations(rows, around, number, inside))),
        made_from=tuple((name, value) for name, value in (*given, *made) if value is not None),
        left_out=left_out,
    )


def _cells(rows: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return the cells with coordinates in [0, 1) along the rows, the first direction fastest."""
    corners = np.array([np.array(corner) @ rows for corner in product((0, 1), repeat=len(rows))])
    ranges = [range(low, high + 1) for low, high in zip(corners.min(0), corners.max(0), strict=True)]
    inverse = np.linalg.inv(rows)
    found = [cell for cell in product(*ranges) if _inside(np.array(cell) @ inverse)]
    return sorted(found, key=lambda cell: cell[::-1])


def _inside(fractions: NDArray[np.float64]) -> bool:
    return bool(np.all(fractions > -SAME) and np.all(fractions < 1 - SAME))


def _equivalent_cell(
    cell: NDArray[Any], rows: NDArray[np.int64], closed: NDArray[np.bool_]
) -> tuple[tuple[int, ...], bool]:
    """Return the cell of the cluster equivalent to a cell, and whether only closed rows are crossed to reach it."""
    around = np.floor(cell @ np.linalg.inv(rows) + SAME).astype(np.int64)
    return tuple((cell - around @ rows).tolist()), not np.any(around[~closed])


def _translations(
    rows: NDArray[np.int64], closed: NDArray[np.bool_], number: dict[tuple[int, ...], int], inside: int
) -> Iterator[Translation]:
    """Yield every translation by a lattice vector along the closed rows."""
    for shift in number:
        fractions = np.array(shift) @ np.linalg.inv(rows)
        if np.any(np.abs(fractions[~closed]) > SAME):
            continue
        moved = [number[_equivalent_cell(np.array(cell) + shift, rows, np.ones(len(rows), bool))[0]] for cell in number]
        sites = tuple(inside * image + b for image in moved for b in range(inside))
        yield Translation(sites, tuple(fractions[closed].round(12).tolist()))


def _bonds(
    lattice: Lattice,
    rows: NDArray[np.int64],
    closed: NDArray[np.bool_],
    number: dict[tuple[int, ...], int],
    shells: int,
) -> tuple[tuple[Bond, ...], int]:
    """Return the bonds, cell by cell, and the number omitted because they join a site to itself."""
    found, left_out, inside = [], 0, len(lattice.basis)
    steps = list(_steps(lattice, shells))
    along = np.linalg.pinv((rows @ lattice.vectors)[closed])  # the component along the closed rows
    for cell, at in number.items():
        for first, second, offset, label, vector in steps:
            home, reached = _equivalent_cell(np.array(cell) + offset, rows, closed)
            if not reached:
                continue
            start, end = inside * at + first, inside * number[home] + second
            if start == end:
                left_out += 1
                continue
            shares = map(snapped, (vector @ along).tolist())
            found.append(Bond(start, end, label, windings=tuple(shares)))
    return tuple(found), left_out


def _steps(lattice: Lattice, shells: int) -> Iterator[tuple[int, int, NDArray[np.int64], str, NDArray[np.float64]]]:
    """Yield the bonds of a cell: both basis sites, the cell of the second one, the class, and the bond vector."""
    reach = range(-REACH, REACH + 1)
    offsets = np.array(list(product(reach, repeat=len(lattice.vectors))))
    vectors = (
        lattice.basis[None, :, None] - lattice.basis[:, None, None] + (offsets @ lattice.vectors)[None, None]
    )  # from, to, offset
    lengths = np.linalg.norm(vectors, axis=-1)
    distances = np.unique(lengths[lengths > SAME].round(9))
    least = float(np.linalg.svd(lattice.vectors, compute_uv=False)[-1])
    extent = float(np.max(np.linalg.norm(lattice.basis[:, None] - lattice.basis[None], axis=-1)))
    if least * (REACH + 1) - extent < distances[min(shells, len(distances)) - 1]:
        raise InvalidValue(
            f"vectors = {lattice.vectors.tolist()} are too oblique to find all neighbours; give shorter primitive "
            "vectors of the same lattice, and positions of the basis inside the cell"
        )
    names = dict(lattice.directions) or dict(_named_directions(vectors[np.abs(lengths - distances[0]) < 1e-8]))
    for shell, distance in enumerate(distances[:shells]):
        found = []
        for first, second, which in np.argwhere(np.abs(lengths - distance) < 1e-8):
            vector = vectors[first, second, which]
            if shell:
                label = SHELLS[shell] if _points_forward(vector) else ""
            else:
                label = next((name for name, along in names.items() if _parallel(vector, np.array(along))), "")
            if label:
                found.append((int(first), int(second), offsets[which], label, vector))
        order = [*names] if not shell else [SHELLS[shell]]
        yield from sorted(found, key=lambda step: (step[0], order.index(step[3])))


def _points_forward(vector: NDArray[np.float64]) -> bool:
    """True if the last nonzero component is positive, which selects one of a vector and its reverse."""
    return bool(vector[np.flatnonzero(np.abs(vector) > SAME)[-1]] > 0)


def _parallel(vector: NDArray[np.float64], along: NDArray[np.float64]) -> bool:
    return bool(np.linalg.norm(vector / np.linalg.norm(vector) - along / np.linalg.norm(along)) < 1e-8)


def _named_directions(vectors: NDArray[np.float64]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the directions of vectors with the names a, b, ...; opposite directions count once."""
    forward = np.array([v / np.linalg.norm(v) for v in vectors if _points_forward(v)]).round(9) + 0.0
    unique = np.unique(forward, axis=0)
    angles = [(tuple(v[2:]), math.atan2(*v[1::-1]) if len(v) > 1 else 0.0) for v in unique.tolist()]
    for i, which in enumerate(sorted(range(len(unique)), key=lambda n: angles[n])):
        direction = unique[which].tolist()
        yield (chr(ord("a") + i) if i < 26 else f"direction {i + 1}"), tuple(direction)
