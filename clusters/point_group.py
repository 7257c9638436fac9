"""The point group of a cluster in the plane: its rotations and a mirror, and its one-dimensional representations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .._core.display import Card, Shown
from .cluster import Cluster
from .symmetry import Permutation, order

SAME_PLACE = 1e-9
"""Places closer than this, relative to the size of the cluster, are one."""


Step = tuple[Permutation, NDArray[np.float64], int]
"""A generator: its site permutation, what it makes of windings, and m of its eigenvalue (-1)^m."""


@dataclass(frozen=True, repr=False)
class PointGroup(Shown):
    """Rotations about the centre of a cluster, and the mirror that contains the x axis (or else the y axis).

    Attributes
    ----------
    name : str
        Schoenflies symbol: C4v, C2v, C2, Cs, C1.
    rotation : tuple of int
        Site permutation of the smallest rotation, counter-clockwise.
    mirror : tuple of int or None
        Site permutation of the mirror.
    irreps : mapping of str to (int, int or None)
        One-dimensional representations: the rotation has the eigenvalue ``exp(-2 pi i m / n)``, the mirror ``(-1)^p``,
        for (m, p). B1 is even and B2 odd under the mirror. The two-dimensional E appear as the complex halves E+ and
        E- (of E1, E2, ... where there are several) that a rotation keeps and the mirror exchanges; their p is None.
        All of them together hold every state once.
    rotation_turn, mirror_turn : (fluxes, fluxes) float, optional
        On closed clusters, what these make of the windings of bonds.
    whole : mapping of str to tuple of `Step`
        In space, where the group is Oh, D4h or D2h about any axes: its own one-dimensional representations, as A1g,
        each by generators with their quantum numbers. They are further blocks, of fewer states than `irreps`.
    """

    name: str
    rotation: Permutation
    mirror: Permutation | None
    irreps: Mapping[str, tuple[int, int | None]]
    rotation_turn: NDArray[np.float64] | None = field(default=None, repr=False)
    mirror_turn: NDArray[np.float64] | None = field(default=None, repr=False)
    whole: Mapping[str, tuple[Step, ...]] = field(default_factory=dict, repr=False)

    def card(self) -> Card:
        """Return its name and representations."""
        return Card(f"point group {self.name}: {', '.join(self.irreps)}")


def point_group(cluster: Cluster) -> PointGroup:
    """Find the point group of a cluster; the identity alone where it has no symmetry.

    Examples
    --------
    >>> from respair.clusters import ligand_centre, plaquette
    >>> point_group(plaquette([2, 2])).name, list(point_group(ligand_centre(4)).irreps)
    ('C4v', ['A1', 'A2', 'B1', 'B2', 'E+', 'E-'])
    >>> point_group(plaquette([3, 2])).irreps["B1"]
    (1, 0)
    """
    group = set(cluster.symmetries)
    identity = tuple(range(cluster.sites))
    angles = ((n, 2 * np.pi / n) for n in range(cluster.sites, 1, -1))
    turns = ((n, _permutation(cluster, np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]))) for n, a in angles)
    fold, rotation = next(((n, p) for n, p in turns if p in group and p is not None), (1, identity))
    mirrors = (_permutation(cluster, matrix) for matrix in (np.diag([1.0, -1.0]), np.diag([-1.0, 1.0])))
    mirror = next((p for p in mirrors if p in group), None)
    periods = order(rotation), None if mirror is None else order(mirror)
    return PointGroup(schoenflies(fold, mirror is not None), rotation, mirror, irreps_of(*periods))


def schoenflies(fold: int, mirrored: bool) -> str:
    """Return the symbol of a group of rotations, with mirrors or without: C4v, C2, Cs, C1."""
    return f"C{fold}" if not mirrored else f"C{fold}v" if fold > 1 else "Cs"


def _permutation(cluster: Cluster, matrix: NDArray[np.float64]) -> Permutation | None:
    """Return where a linear map about the centre sends the sites; None where it leads off them."""
    centred = cluster.coordinates - cluster.coordinates.mean(axis=0)
    distance = np.linalg.norm((centred @ matrix.T)[:, None] - centred[None], axis=-1)
    nearest = np.argmin(distance, axis=1)
    if np.max(distance[np.arange(cluster.sites), nearest]) > SAME_PLACE * np.max(distance):
        return None
    return tuple(int(i) for i in nearest)


def irreps_of(period: int, mirrored: int | None) -> Mapping[str, tuple[int, int | None]]:
    """Return the representations that some state can have: a mirror that moves nothing has only even ones.

    Parameters
    ----------
    period : int
        How many times the rotation makes the identity.
    mirrored : int or None
        The same for the mirror; None where there is none.

    Examples
    --------
    >>> dict(irreps_of(1, 2)), list(irreps_of(4, None))
    ({"A'": (0, 0), "A''": (0, 1)}, ['A', 'B', 'E+', 'E-'])
    """
    blocks = {"A": 0} | ({"B": period // 2} if period % 2 == 0 else {})
    pairs = range(1, (period + 1) // 2)
    names = {m: f"E{m}" if len(pairs) > 1 else "E" for m in pairs}
    halves: dict[str, tuple[int, int | None]] = {
        f"{names[m]}{sign}": (m if sign == "+" else period - m, None) for m in pairs for sign in "+-"
    }
    if mirrored is None:
        return MappingProxyType({**{letter: (m, None) for letter, m in blocks.items()}, **halves})
    parities = (0, 1) if mirrored > 1 else (0,)
    if period == 1:
        return MappingProxyType({"A'" + "'" * p: (0, p) for p in parities})
    named = {f"{letter}{p + 1}": (m, p) for letter, m in blocks.items() for p in parities}
    return MappingProxyType({**named, **halves})
