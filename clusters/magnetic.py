r"""A uniform magnetic field on a cluster: Peierls phases of the bonds and magnetic translations.

In the basis of the rows :math:`T_j` of the cell (preceded by one vector for each open direction) a position has the
coordinates f, and :math:`n_{ij}` flux quanta hc/e pass through the parallelogram of the basis vectors i and j. In the
Landau gauge :math:`A_j = 2\pi \sum_{i<j} n_{ij} f_i` the hop from f by d has the phase

.. math:: \theta = 2\pi \sum_{i<j} n_{ij} \Bigl(f_i + \frac{d_i}{2}\Bigr) d_j
                   - 2\pi \sum_{i<j} n_{ij}\, m_i f'_j,\qquad f + d = f' + m,

where m are the integers by which the hop crosses the cell boundary to the site f'. In closed directions the
:math:`n_{ij}` are integers; otherwise the phase of a hop would depend on the image of the cell. A translation that
changes no phase around the torus keeps all phases up to a gauge transformation and is a magnetic translation. The
gauge is chosen such that a largest set of commuting magnetic translations are pure site permutations. Open clusters
use the symmetric gauge :math:`\theta = \pi B\,(\mathbf r_i \times \mathbf r_j)` about their centre, B in flux quanta
per unit area, in which rotations are pure site permutations.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .symmetry import Permutation, compose, order
from .translations import Translation, every, keyed

if TYPE_CHECKING:
    from .cluster import Cluster

SAME = 1e-9
"""Phases closer than this, in turns, are equal."""
FINEST, DIGITS = 10_000, 14
"""Largest denominator of the phases (in turns) for integer flux quanta, and decimals of other phases."""
LONGEST = 6
"""Largest number of bonds of a plaquette."""


def frame(cluster: Cluster) -> tuple[NDArray[np.float64], int]:
    """Return the basis vectors of the field, the rows of the cell last, and the number of open directions."""
    dimension = cluster.coordinates.shape[1]
    rows = np.array(cluster.cell, float).reshape(-1, dimension)
    vectors: list[NDArray[np.float64]] = []
    for axis in np.eye(dimension):
        if np.linalg.matrix_rank(np.array([*rows, *vectors, axis]), tol=1e-6) > len(rows) + len(vectors):
            vectors.append(axis)
    return np.array([*vectors, *rows]), len(vectors)


def through_frame(cluster: Cluster, density: Sequence[float]) -> NDArray[np.float64]:
    """Return n_ij, the flux quanta through each pair of vectors of `frame`, for a field in quanta per unit area.

    Parameters
    ----------
    cluster : Cluster
        A cluster in two or three dimensions.
    density : (1,) or (3,) float
        The field normal to the plane, or its components along x, y and z.
    """
    vectors, _ = frame(cluster)
    if vectors.shape[1] == 2:
        areas = np.outer(vectors[:, 0], vectors[:, 1])
        return np.asarray(float(density[0]) * (areas - areas.T))
    return np.array([[float(np.dot(density, np.cross(one, other))) for other in vectors] for one in vectors])


def through_rows(cluster: Cluster, numbers: Sequence[float]) -> NDArray[np.float64]:
    """Return n_ij for quanta through the cell: one in the plane, or three through rows (2, 3), (3, 1), (1, 2)."""
    pairs = [(0, 1)] if len(numbers) == 1 else [(1, 2), (2, 0), (0, 1)]
    found = np.zeros((len(cluster.cell),) * 2)
    for (i, j), number in zip(pairs, numbers, strict=True):
        found[i, j], found[j, i] = number, -number
    return found


def plaquette_area(cluster: Cluster) -> float:
    """Return the area of the smallest loop of 3 to 6 of the shortest bonds; 0 if there is none.

    Longer bonds are included, shell by shell, until there are loops.

    Examples
    --------
    >>> from respair.clusters import kagome, square
    >>> plaquette_area(square(size=[4, 4], shells=2)), round(plaquette_area(kagome(size=[2, 2])), 6)
    (1.0, 0.433013)
    """
    if cluster.coordinates.shape[1] < 2:
        return 0.0
    steps = [(bond.start, bond.end, cluster.vector(bond)) for bond in cluster.bonds]
    steps += [(end, start, -vector) for start, end, vector in steps]
    lengths = sorted({round(float(np.linalg.norm(vector)), 6) for *_, vector in steps})
    for longest in lengths:
        out: list[list[tuple[int, NDArray[np.float64]]]] = [[] for _ in range(cluster.sites)]
        for start, end, vector in steps:
            if np.linalg.norm(vector) <= longest + 1e-6:
                out[start].append((end, vector))
        for count in range(3, LONGEST + 1):
            areas = [area for site in range(cluster.sites) for area in _loops(out, site, count, longest)]
            if areas:
                return round(min(areas), 12)
    return 0.0


def _loops(
    out: Sequence[Sequence[tuple[int, NDArray[np.float64]]]], first: int, count: int, longest: float
) -> list[float]:
    """Return the nonzero areas of the closed walks of `count` bonds through a site."""
    still = np.zeros(3)
    walks = [(first, still, still)]
    for left in range(count - 1, -1, -1):
        further = []
        for at, place, area in walks:
            for end, vector in out[at]:
                there = place + np.pad(vector, (0, 3 - len(vector)))
                if np.linalg.norm(there) <= left * longest + 1e-6:
                    further.append((end, there, area + np.cross(place, there) / 2))
        walks = further
    found = (float(np.linalg.norm(area)) for at, _, area in walks if at == first)
    return [area for area in found if area > 1e-6]


def in_field(cluster: Cluster, numbers: NDArray[np.float64]) -> Cluster:
    """Return the cluster with the Peierls phases of a field of n_ij flux quanta.

    Examples
    --------
    >>> from respair.clusters import square
    >>> from respair.clusters.translations import generators
    >>> cluster = square(size=[4, 4])
    >>> threaded = in_field(cluster, through_rows(cluster, [4]))
    >>> [turn.period for turn in generators(threaded)]  # four cells make a magnetic cell
    [4]
    """
    turns = _landau(cluster, numbers)
    exact = _fraction if np.all(np.abs(numbers - np.round(numbers)) < SAME) else _decimal
    return with_phases(cluster, map(exact, _regauged(cluster, turns) if cluster.translations else turns))


def with_phases(cluster: Cluster, turns: Iterable[float]) -> Cluster:
    """Return the cluster with the given bond phases, in turns; the same object if nothing changes."""
    phases = [turn - math.ceil(turn - 0.5) + 0.0 for turn in turns]
    if phases == [bond.phase for bond in cluster.bonds]:
        return cluster
    bonds = (replace(bond, phase=phase) for bond, phase in zip(cluster.bonds, phases, strict=True))
    return replace(cluster, bonds=tuple(bonds))


def without_field(cluster: Cluster) -> Cluster:
    """Return the cluster without magnetic field."""
    return with_phases(cluster, [0.0] * len(cluster.bonds))


def _fraction(turn: float) -> float:
    """Return the phase for integer flux quanta as an exact fraction, without the rounding of the positions."""
    near = Fraction(turn).limit_denominator(FINEST)
    return float(near) if abs(float(near) - turn) < SAME else turn


def _decimal(turn: float) -> float:
    """Return the phase rounded, so that equal phases agree to the last digit."""
    return round(float(turn), DIGITS)


def _landau(cluster: Cluster, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phases in turns, in the Landau gauge or, for open clusters, in the symmetric gauge."""
    vectors, opened = frame(cluster)
    if opened == len(vectors):
        places = (cluster.coordinates - cluster.coordinates.mean(axis=0)) @ np.linalg.inv(vectors)
        return np.array([places[bond.start] @ numbers @ places[bond.end] / 2 for bond in cluster.bonds])
    inverse = np.linalg.inv(vectors)
    places, upper = cluster.coordinates @ inverse, np.triu(numbers, 1)
    turns = []
    for bond in cluster.bonds:
        step = cluster.vector(bond) @ inverse
        edge = np.round(places[bond.start] + step - places[bond.end])
        edge[:opened] = 0.0
        turns.append((places[bond.start] + step / 2) @ upper @ step - edge @ upper @ places[bond.end])
    return np.array(turns)


def _regauged(cluster: Cluster, turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the phases in a gauge in which a largest set of commuting magnetic translations leaves them unchanged."""
    changes = {t.sites: change for t in every(cluster) if (change := _gauge_change(cluster, turns, t)) is not None}
    ranked = sorted(changes, key=order, reverse=True)
    best: tuple[int, list[Permutation]] = (1, [])
    for first in ranked:
        found = _commuting([first, *ranked], changes)
        best = max(best, (math.prod(map(order, found)), found), key=lambda each: each[0])
    gauge = np.full(cluster.sites, np.nan)
    for site in range(cluster.sites):
        if np.isnan(gauge[site]):
            gauge[site] = 0.0
            _set_gauge(gauge, site, best[1], changes)
    ends = np.array([(bond.start, bond.end) for bond in cluster.bonds], int).reshape(-1, 2)
    return np.asarray(turns + gauge[ends[:, 0]] - gauge[ends[:, 1]])


def _commuting(ranked: Sequence[Permutation], changes: Mapping[Permutation, NDArray[np.float64]]) -> list[Permutation]:
    """Return independent translations whose magnetic translations commute, preferring those that come first."""
    chosen: list[Permutation] = []
    made = {tuple(range(len(ranked[0])))} if ranked else set()
    for sites in ranked:
        powers = [sites]
        while order(powers[-1]) > 1:
            powers.append(compose(powers[-1], sites))
        if order(sites) == 1 or made & set(powers[:-1]):
            continue
        if all(_commute((sites, changes[sites]), (other, changes[other])) for other in chosen):
            made = {compose(one, power) for one in made for power in powers}
            chosen.append(sites)
    return chosen


def _commute(one: tuple[Permutation, NDArray[np.float64]], other: tuple[Permutation, NDArray[np.float64]]) -> bool:
    (first, f), (second, s) = one, other
    apart = f + s[list(first)] - s - f[list(second)]
    return bool(np.max(np.abs(apart - np.round(apart))) < SAME)


def _set_gauge(
    gauge: NDArray[np.float64],
    site: int,
    chosen: Sequence[Permutation],
    changes: Mapping[Permutation, NDArray[np.float64]],
) -> None:
    """Set the gauge on all images of a site such that the translations carry no phase."""
    reached = [site]
    for sites in chosen:
        around, at = 0.0, site
        for _ in range(order(sites)):
            around, at = around + changes[sites][at], sites[at]
        share = (around - np.floor(around + SAME)) / order(sites)
        for begin in list(reached):
            at = begin
            for _ in range(order(sites) - 1):
                gauge[sites[at]] = gauge[at] + changes[sites][at] - share
                at = sites[at]
                reached.append(at)


def _gauge_change(cluster: Cluster, turns: NDArray[np.float64], translation: Translation) -> NDArray[np.float64] | None:
    """Return the gauge transformation of a translation, per site; None if the translation changes the field."""
    known = keyed(cluster, turns)
    steps: list[list[tuple[int, float]]] = [[] for _ in range(cluster.sites)]
    for (start, end, shares, label), turn in known.items():
        image = known.get((translation.sites[start], translation.sites[end], shares, label))
        if image is None:
            return None
        steps[start].append((end, image - turn))
    change = np.full(cluster.sites, np.nan)
    for root in range(cluster.sites):
        if np.isnan(change[root]):
            change[root] = 0.0
            reached = deque([root])
            while reached:
                at = reached.popleft()
                for end, step in steps[at]:
                    if np.isnan(change[end]):
                        change[end] = change[at] + step
                        reached.append(end)
    defects = [change[start] + step - change[end] for start, out in enumerate(steps) for end, step in out]
    return change if all(abs(defect - round(defect)) < SAME for defect in defects) else None
