r"""Point operations of a closed cluster: orthogonal maps about a centre that map the cluster onto itself.

On the torus with the periods T_j, an operation {M | c} maps r to M (r - c) + c up to integer multiples of the T_j. It
acts on the fractions f of a translation or a winding, r = sum_j f_j T_j, by an integer matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import pi

import numpy as np
from numpy.typing import NDArray

from .cluster import Cluster
from .symmetry import Permutation
from .translations import as_numbers, generators

SAME = 1e-6
"""Positions closer than this, in units of the bond length, coincide."""
Key = tuple[int, int, tuple[float, ...], str, float]
"""A bond in one of its two directions: start, end, windings, class, phase in turns."""
STEPS = 24
"""Mirrors are searched at multiples of pi / 24 to the x axis, and along the rows of the cell."""


@dataclass(frozen=True, eq=False)
class Operation:
    """A point operation of a closed cluster.

    Attributes
    ----------
    matrix : (coordinates, coordinates) float
        The orthogonal map M.
    sites : tuple of int
        Site ``i`` is mapped to ``sites[i]``.
    turn : (fluxes, fluxes) float
        Action on the fractions f of the periods: ``turn @ f``.
    """

    matrix: NDArray[np.float64]
    sites: Permutation
    turn: NDArray[np.float64]

    @property
    def angle(self) -> float:
        """Angle of a rotation about the last axis or in the plane, from 0 to 2 pi; -1 for other operations."""
        m = self.matrix
        if np.linalg.det(m) < 0 or (len(m) == 3 and m[2, 2] < 1 - SAME):
            return -1.0
        return float(np.arctan2(m[1, 0], m[0, 0]) % (2 * pi)) if abs(m[0, 0] - 1) > SAME else 0.0

    def keeps(self, cluster: Cluster, momentum: int | tuple[int, ...]) -> bool:
        """True if the operation keeps the momentum up to a reciprocal lattice vector."""
        numbers = np.array(as_numbers(momentum))
        changes = (numbers @ (self.turn - np.eye(len(numbers))) @ np.array(t.shares) for t in generators(cluster))
        return all(abs(change - round(change)) < SAME for change in changes)

    def keeps_flux(self, flux: Sequence[float]) -> bool:
        """True if every hop has the same phase as its image."""
        return bool(np.max(np.abs(np.array(flux) @ self.turn - flux), initial=0.0) < SAME)


@lru_cache(maxsize=64)
def point_operations(cluster: Cluster, alike: tuple[tuple[str, ...], ...] = ()) -> tuple[Operation, ...]:
    """Find the largest group of point operations about one centre; the identity alone if there are no others.

    Parameters
    ----------
    cluster : Cluster
        Closed in every dimension; other clusters have no point operations here.
    alike : tuple of tuple of str
        Sets of bond classes that operations may exchange.

    Examples
    --------
    >>> from respair.clusters import honeycomb, square
    >>> len(point_operations(square(size=[3, 3]), (("x", "y"),))), len(point_operations(square(size=[3, 3])))
    (8, 4)
    >>> len(point_operations(honeycomb(size=[2, 2]), (("a", "b", "c"),)))
    12
    """
    dimension = cluster.coordinates.shape[1]
    if len(cluster.cell) != dimension or dimension < 2:
        return ()
    name = {label: f"|{number}" for number, labels in enumerate(alike) for label in labels}
    torus = _Torus(cluster, name)
    matrices = [m for m in _orthogonal(dimension, torus.rows) if torus.keeps_rows(m)]
    best: list[Operation] = []
    for centre in torus.centres(matrices):
        found = [operation for m in matrices if (operation := torus.operation(m, centre)) is not None]
        if len(found) > len(best):
            best = found
        if len(best) == len(matrices):
            break
    return tuple(best)


class _Torus:
    def __init__(self, cluster: Cluster, name: Mapping[str, str]) -> None:
        self.cluster, self.rows = cluster, np.array(cluster.cell)
        self.inverse = np.linalg.inv(self.rows)
        self.places = cluster.coordinates
        bonds = [(b.start, b.end, np.array(b.shares), name.get(b.label, b.label), b.phase) for b in cluster.bonds]
        bonds += [(end, start, -shares, label, -phase) for start, end, shares, label, phase in bonds]
        self.bonds = sorted(self._key(*bond) for bond in bonds)
        self.listed = bonds

    @staticmethod
    def _key(start: int, end: int, shares: NDArray[np.float64], label: str, phase: float) -> Key:
        return start, end, tuple((np.round(shares, 6) + 0.0).tolist()), label, round(phase % 1.0, 6) % 1.0

    def turn(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the action of a map on fractions of the periods: r = f T, so f' = f T M^T T^-1."""
        return np.asarray((self.rows @ matrix.T @ self.inverse).T)

    def keeps_rows(self, matrix: NDArray[np.float64]) -> bool:
        turned = self.turn(matrix)
        return bool(np.max(np.abs(turned - np.round(turned))) < SAME)

    def centres(self, matrices: Sequence[NDArray[np.float64]]) -> Iterator[NDArray[np.float64]]:
        """Yield candidate centres: fixed points of the operations combined with translations, then the sites."""
        around = np.array(list(product((-1, 0, 1), repeat=len(self.rows)))) @ self.rows
        seen: set[tuple[float, ...]] = set()
        for matrix in matrices:
            rest = np.eye(len(matrix)) - matrix
            if abs(np.linalg.det(rest)) < SAME:
                continue
            shifts = (self.places[:, None] - (matrix @ self.places[0]) + around).reshape(-1, len(matrix))
            for centre in shifts @ np.linalg.inv(rest).T:
                shares = centre @ self.inverse
                key = tuple((np.round(shares - np.floor(shares + SAME), 6) + 0.0).tolist())
                if key not in seen:
                    seen.add(key)
                    yield centre
        yield from self.places

    def operation(self, matrix: NDArray[np.float64], centre: NDArray[np.float64]) -> Operation | None:
        """Return the operation about a centre; None if it does not map the cluster onto itself."""
        moved = (self.places - centre) @ matrix.T + centre
        shares = (moved[:, None] - self.places[None]) @ self.inverse
        hits = np.max(np.abs(shares - np.round(shares)), axis=-1) < SAME
        if not np.all(hits.sum(axis=1) == 1):
            return None
        sites = tuple(np.argmax(hits, axis=1).tolist())
        classes = self.cluster.classes
        if len(set(sites)) < len(sites) or any(classes[i] != classes[p] for i, p in enumerate(sites)):
            return None
        turn = np.round(self.turn(matrix))
        images = sorted(self._key(sites[i], sites[j], turn @ f, label, phase) for i, j, f, label, phase in self.listed)
        return Operation(matrix, sites, turn) if images == self.bonds else None


def _orthogonal(dimension: int, rows: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the candidate maps: the identity first, then rotations and mirrors."""
    angles = sorted({2 * pi * i / n for n in (4, 6) for i in range(n)})
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    axes = [pi * i / STEPS for i in range(STEPS)] + [float(np.arctan2(row[1], row[0])) for row in rows]
    mirrors = [np.array([[np.cos(2 * a), np.sin(2 * a)], [np.sin(2 * a), -np.cos(2 * a)]]) for a in axes]
    plane = _unique([*turns, *mirrors])
    if dimension == 2:
        return plane
    flat = np.zeros((2, 1))
    upright = [np.block([[m, flat], [flat.T, np.array([[s]])]]) for s in (1.0, -1.0) for m in plane]
    signs = product((1.0, -1.0), repeat=3)
    cubes = [np.eye(3)[list(p)] * np.array(sign)[:, None] for sign in signs for p in permutations(range(3))]
    return _unique([*upright, *cubes])


def _unique(matrices: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    found: dict[tuple[float, ...], NDArray[np.float64]] = {}
    for matrix in matrices:
        found.setdefault(tuple((matrix.round(9) + 0.0).ravel().tolist()), matrix)
    return list(found.values())
