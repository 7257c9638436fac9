"""Distances between the sites of a cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..clusters import Cluster
from ..clusters.periods import nearest, periods


def site_distances(cluster: Cluster) -> NDArray[np.float64]:
    """Return the distances of all pairs of sites, shape (sites, sites); to the nearest images on closed clusters.

    On a ring equal chords are equal shells.

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
