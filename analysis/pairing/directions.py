"""Directions of bonds and distances of points on a cluster, to nearest images if it is periodic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...clusters import Cluster, InvalidValue
from ...clusters.periods import copies, nearest, periods, plane_steps

CLEAR = 1e-6
"""Form factors that differ by less are equal."""


def d_form_factor(cluster: Cluster) -> NDArray[np.float64]:
    """Return ``cos 2 theta`` of each bond, theta its angle to the first bond: +1 parallel, -1 perpendicular.

    Bonds across the boundary of a periodic cluster have the direction of their shortest image.

    Raises
    ------
    ValueError
        If all bonds are parallel, so that d and s coincide, or if the direction of a bond is ambiguous because the
        positions are compatible with several periods.

    Examples
    --------
    >>> from respair.clusters import plaquette, ring
    >>> d_form_factor(plaquette([2, 2])), d_form_factor(ring(4))
    (array([ 1.,  1., -1., -1.]), array([ 1., -1.,  1., -1.]))
    """
    closed = periods(cluster) or ((), *periods(cluster, complete=False))
    if cluster.cell:
        closed = ((),)  # each bond has its own vector
    rows = np.array([row for vectors in closed for row in _factors(cluster, vectors)])
    factor, unclear = rows[0], np.flatnonzero(np.ptp(rows, axis=0) > CLEAR)
    if len(unclear):
        bond = cluster.bonds[unclear[0]]
        raise InvalidValue(
            f"bond [{bond.start}, {bond.end}] has no clear direction: the positions allow several periods of the "
            "cluster; give one number for each bond as a form factor instead"
        )
    if np.all(factor == 1.0):
        raise InvalidValue(f"a {cluster.kind} of {cluster.sites} sites has bonds in one direction only: d is s there")
    return np.asarray(factor)


def _factors(cluster: Cluster, vectors: Sequence[tuple[float, ...]]) -> list[NDArray[np.float64]]:
    """Return the form factors of the first and of the last of the shortest images of all bonds."""
    steps, shortest = copies(plane_steps(cluster), vectors)
    last = shortest.shape[1] - 1 - np.argmax(shortest[:, ::-1], axis=1)
    found = []
    for place in (np.argmax(shortest, axis=1), last):
        step = steps[np.arange(len(steps)), place]
        angle = np.arctan2(step[:, 1], step[:, 0])
        found.append(np.round(np.cos(2 * (angle - angle[:1])), 12) + 0.0)
    return found


def _periods(cluster: Cluster) -> tuple[tuple[float, ...], ...]:
    """Return the periods of a cluster; none if it is open or they are ambiguous."""
    found = periods(cluster)
    return found[0] if len(found) == 1 else ()


def bond_middles(cluster: Cluster) -> NDArray[np.float64]:
    """Return the midpoint of each bond, shape (bonds, 2)."""
    starts = cluster.coordinates[[bond.start for bond in cluster.bonds]].reshape(-1, 2)
    return np.asarray(starts + nearest(plane_steps(cluster), _periods(cluster)) / 2)


def distances(cluster: Cluster, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between points: Euclidean, to nearest images on periodic clusters, in bonds on rings.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> distances(ring(5), ring(5).coordinates)[0]
    array([0., 1., 2., 2., 1.])
    """
    if cluster.kind == "ring" and cluster.sites > 2:
        angle = np.arctan2(positions[:, 1], positions[:, 0]) * cluster.sites / (2 * np.pi)
        around = np.abs(angle[:, None] - angle) % cluster.sites
        found = np.minimum(around, cluster.sites - around)
    else:
        found = np.linalg.norm(nearest(positions[:, None] - positions, _periods(cluster)), axis=-1)
    return np.asarray(np.round(found, 9))
