"""Point group of a planar cluster: rotations, a mirror, and the one-dimensional representations."""

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
"""Positions closer than this, relative to the size of the cluster, coincide."""


Step = tuple[Permutation, NDArray[np.float64], int]
"""A generator: its site permutation, its action on windings, and m of its eigenvalue (-1)^m."""


@dataclass(frozen=True, repr=False)
class PointGroup(Shown):
    """Rotations about the centre of a cluster, and the mirror through the x axis (or else the y axis).

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
        for (m, p). B1 is even and B2 odd under the mirror. The two-dimensional E appear as the complex components E+
        and E- (E1+, E1-, ... if there are several), eigenstates of the rotation that the mirror exchanges; their p is
        None. Together the representations contain every state once.
    rotation_turn, mirror_turn : (fluxes, fluxes) float, optional
        On closed clusters, the action of rotation and mirror on the windings of bonds.
    whole : mapping of str to tuple of `Step`
        In three dimensions, if the group is Oh, D4h or D2h: its one-dimensional representations, such as A1g, each
        given by generators with their quantum numbers. These blocks are smaller than those of `irreps`.
    """

    name: str
    rotation: Permutation
    mirror: Permutation | None
    irreps: Mapping[str, tuple[int, int | None]]
    rotation_turn: NDArray[np.float64] | None = field(default=None, repr=False)
    mirror_turn: NDArray[np.float64] | None = field(default=None, repr=False)
    whole: Mapping[str, tuple[Step, ...]] = field(default_factory=dict, repr=False)

    def card(self) -> Card:
        """Return the symbol of the group and its representations."""
        return Card(f"point group {self.name}: {', '.join(self.irreps)}")


def point_group(cluster: Cluster) -> PointGroup:
    """Find the point group of a cluster; the identity alone if it has no symmetry.

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
    """Return the Schoenflies symbol of a group of rotations, with or without mirrors: C4v, C2, Cs, C1."""
    return f"C{fold}" if not mirrored else f"C{fold}v" if fold > 1 else "Cs"


def _permutation(cluster: Cluster, matrix: NDArray[np.float64]) -> Permutation | None:
    """Return the site permutation of a linear map about the centre; None if it maps a site to an empty position."""
    centred = cluster.coordinates - cluster.coordinates.mean(axis=0)
    distance = np.linalg.norm((centred @ matrix.T)[:, None] - centred[None], axis=-1)
    nearest = np.argmin(distance, axis=1)
    if np.max(distance[np.arange(cluster.sites), nearest]) > SAME_PLACE * np.max(distance):
        return None
    return tuple(int(i) for i in nearest)


def irreps_of(period: int, mirrored: int | None) -> Mapping[str, tuple[int, int | None]]:
    """Return the representations that occur; a mirror that fixes every site has only even ones.

    Parameters
    ----------
    period : int
        Order of the rotation.
    mirrored : int or None
        Order of the mirror; None without one.

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
