"""Distances between the sites of a cluster, and couplings given by shells of distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.display import counted
from ..clusters import Cluster
from ..clusters.periods import nearest, periods
from .values import DISTANCE, SAME_PLACE, is_coupling


def site_distances(cluster: Cluster) -> NDArray[np.float64]:
    """Return the distances of all pairs of sites, shape (sites, sites); nearest images on closed clusters.

    On a ring they are chord lengths.

    Examples
    --------
    >>> from respair.clusters import chain
    >>> site_distances(chain(3))[0]
    array([0., 1., 2.])
    """
    places = np.array(cluster.positions, float)
    apart = places[:, None] - places[None]
    closed = periods(cluster)[0] if cluster.cell else ()
    return np.asarray(np.linalg.norm(nearest(apart, closed), axis=-1))


def shells_of(distances: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the index of the shell of each distance, and the distances of the shells in ascending order.

    Examples
    --------
    >>> shells_of(np.array([0.0, 1.0, 1.0 + 1e-12, 2.0]))
    (array([0, 1, 1, 2]), array([0., 1., 2.]))
    """
    flat = distances.ravel()
    order = np.argsort(flat, kind="stable")
    steps = np.diff(flat[order]) > SAME_PLACE * max(1.0, float(flat.max(initial=0.0)))
    numbers = np.zeros(len(flat), np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(steps)]) if len(flat) else []
    first = order[np.concatenate([[True], steps])] if len(flat) else order
    return numbers.reshape(distances.shape), flat[first]


def resolve_apart(coupling: Mapping[str, Any], cluster: Cluster, own: bool) -> tuple[NDArray[np.float64], str | None]:
    """Expand ``{"distance": [...]}`` into values for the pairs of sites of a cluster.

    Parameters
    ----------
    coupling : mapping
        Table with one number per shell of distance.
    cluster : Cluster
        The cluster; on closed clusters distances are those of nearest images.
    own : bool
        Whether the first number refers to the same site (distance zero) or to the nearest sites.

    Returns
    -------
    values : (sites, sites) float
        Symmetric; zero beyond the last shell, and if the coupling is invalid.
    complaint : str or None
        The allowed values, if the coupling is invalid.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> resolve_apart({"distance": [1.0, 0.5]}, ring(4), own=False)[0][0]
    array([0. , 1. , 0.5, 1. ])
    """
    zeros, numbers = np.zeros((cluster.sites,) * 2), list(coupling[DISTANCE])
    if len(coupling) > 1 or not numbers or not all(map(is_coupling, numbers)):
        return zeros, f"allowed: {{ {DISTANCE} = [...] }} with finite numbers, one or more, and no other key"
    if cluster.kind == "custom" and cluster.has_loop and not cluster.cell:
        return zeros, (
            "this cluster is closed by windings, so that its positions alone do not define the distances; give "
            "cluster.cell, or the coupling by classes of bonds"
        )
    apart = site_distances(cluster)
    among = np.ones(zeros.shape, bool) if own else ~np.eye(cluster.sites, dtype=bool)
    shell, distances = shells_of(apart[among])
    if len(numbers) > len(distances):
        if not len(distances):
            return zeros, "allowed: a number; this cluster has no second site"
        known = ", ".join(f"{d:.6g}" for d in distances[:6]) + (", ..." if len(distances) > 6 else "")
        there = f"{counted(len(distances), 'shell')} of distance: {known}"
        return zeros, f"allowed: at most {counted(len(distances), 'number')}; this cluster has {there}"
    values = np.array([float(value) for value in numbers] + [0.0])
    zeros[among] = values[np.minimum(shell, len(numbers))]
    return zeros, None
