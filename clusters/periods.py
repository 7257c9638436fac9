"""Periods of closed clusters and the shortest vectors along their bonds.

The positions of a closed cluster lie in one cell of a lattice of periodic images, so that a bond across the cell
boundary is long in the plane. The periods are the vectors that make every such bond an image of one inside the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, permutations, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .cluster import Cluster

SAME = 1e-6
"""Positions closer than this, in units of the shortest bond, coincide."""
DECIMALS = 5
FURTHEST = 2
"""Periodic images of the cell that are searched, in each direction."""
LONG = 1.6
"""Bonds across the boundary are longer in the plane by at least this factor, above that of diagonals of squares."""
Vector = tuple[float, ...]


@lru_cache(maxsize=64)
def periods(cluster: Cluster, complete: bool = True) -> tuple[tuple[Vector, ...], ...]:
    """Return the sets of one or two periods that make the bonds of a cluster shortest; none if it is open.

    Each bond across the boundary is then an image of an inner bond of its class, and no two sites coincide. Among
    several sets those with fewer, then with shorter periods are kept. If more than one set is left, the geometry does
    not determine how the cluster is closed.

    Parameters
    ----------
    cluster : Cluster
        A planar cluster.
    complete : bool
        Also require that no bond is missing: sites separated by the same vector as the ends of a bond are joined.

    Examples
    --------
    >>> from respair.clusters import custom, plaquette
    >>> row = [[x, 0] for x in range(4)]
    >>> periods(custom(row, [[0, 1], [1, 2], [2, 3], [3, 0]]))
    (((4.0, 0.0),),)
    >>> periods(plaquette([2, 2]))
    ()
    """
    if cluster.cell:
        return (short(cluster.cell),)
    steps = plane_steps(cluster)
    if not len(steps) or steps.shape[1] != 2:
        return ()
    scale = float(np.min(np.linalg.norm(steps, axis=1)))
    if np.all(np.abs(np.linalg.norm(steps, axis=1) - scale) < SAME * scale):
        return ()
    vectors = _candidates(cluster, steps, scale)
    sets = (*((v,) for v in vectors), *combinations(vectors, 2))
    found = [np.array(vectors) for vectors in sets if _fits(cluster, np.array(vectors), steps, scale, complete)]
    reduced = tuple(dict.fromkeys(_reduced(vectors, scale) for vectors in found))
    sizes = [_size(steps, vectors, scale) for vectors in reduced]
    return tuple(vectors for vectors, size in zip(reduced, sizes, strict=True) if size == min(sizes))


def _size(steps: NDArray[np.float64], vectors: Sequence[Vector], scale: float) -> tuple[float, int, float]:
    """Return total bond length, number of periods and length of the longest period, the key that is minimized."""
    bonds = float(np.sum(np.linalg.norm(nearest(steps, vectors), axis=1)))
    longest = max(float(np.linalg.norm(vector)) for vector in vectors)
    return round(bonds / scale, DECIMALS), len(vectors), round(longest / scale, DECIMALS)


def copies(steps: NDArray[np.float64], vectors: Sequence[Vector]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the images of each vector, shape (..., images, 2), and a mask of the shortest ones, (..., images)."""
    every = steps[..., None, :] + _lattice(np.array(vectors).reshape(-1, steps.shape[-1]))
    lengths = np.linalg.norm(every, axis=-1)
    return every, lengths <= np.min(lengths, axis=-1, keepdims=True) * (1 + SAME)


def nearest(steps: NDArray[np.float64], vectors: Sequence[Vector]) -> NDArray[np.float64]:
    """Return the shortest image of each vector, the first one of equal length; shape as `steps`."""
    every, shortest = copies(steps, vectors)
    return np.asarray(np.take_along_axis(every, np.argmax(shortest, axis=-1)[..., None, None], axis=-2)[..., 0, :])


def plane_steps(cluster: Cluster) -> NDArray[np.float64]:
    """Return the vector between the ends of each bond, shape (bonds, coordinates)."""
    ends = np.array([[bond.start, bond.end] for bond in cluster.bonds], int).reshape(-1, 2)
    if cluster.cell:
        return np.array([cluster.vector(bond) for bond in cluster.bonds]).reshape(-1, cluster.coordinates.shape[1])
    places = cluster.coordinates[ends]
    return np.asarray(places[:, 1] - places[:, 0])


def _lattice(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the periodic images of the origin, itself first."""
    numbers = np.array(sorted(product(range(-FURTHEST, FURTHEST + 1), repeat=len(vectors)), key=lambda n: np.dot(n, n)))
    return np.asarray(numbers.reshape(len(numbers), len(vectors)) @ vectors)


def short(rows: Sequence[Vector]) -> tuple[Vector, ...]:
    """Return a pairwise reduced basis of the lattice: adding one vector to another shortens none."""
    vectors = [np.array(row) for row in rows]
    changed = True
    while changed:
        changed = False
        for i, j in permutations(range(len(vectors)), 2):
            times = round(float(vectors[i] @ vectors[j] / (vectors[j] @ vectors[j])))
            shorter = vectors[i] - times * vectors[j]
            if times and shorter @ shorter < (vectors[i] @ vectors[i]) * (1 - SAME):
                vectors[i], changed = shorter, True
    return tuple(tuple(vector.tolist()) for vector in vectors)


def _candidates(cluster: Cluster, steps: NDArray[np.float64], scale: float) -> list[Vector]:
    """Return the candidate periods: differences of two bond vectors for which no two sites coincide."""
    both = np.concatenate([steps, -steps])
    differences = (steps[:, None] - both[None]).reshape(-1, 2)
    differences = differences[np.linalg.norm(differences, axis=1) > SAME * scale]
    flip = (differences[:, 0] < -SAME * scale) | ((np.abs(differences[:, 0]) <= SAME * scale) & (differences[:, 1] < 0))
    differences[flip] *= -1
    _, first = np.unique(np.round(differences / (SAME * scale)), axis=0, return_index=True)
    return [(float(v[0]), float(v[1])) for v in differences[first] if _distinct(cluster, v[None], scale)]


def _distinct(cluster: Cluster, vectors: NDArray[np.float64], scale: float) -> bool:
    """True if no site coincides with an image of another one."""
    places = cluster.coordinates
    apart = places[:, None, None] - places[None, :, None] - _lattice(vectors)[1:]
    return bool(np.min(np.linalg.norm(apart, axis=-1), initial=np.inf) > SAME * scale)


def _fits(
    cluster: Cluster, vectors: NDArray[np.float64], steps: NDArray[np.float64], scale: float, complete: bool
) -> bool:
    if len(vectors) == 2 and abs(np.linalg.det(vectors)) < SAME * scale**2:
        return False
    if not _distinct(cluster, vectors, scale):
        return False
    short = nearest(steps, vectors.tolist())
    inside = np.linalg.norm(short - steps, axis=1) < SAME * scale
    lengths, shorter = np.linalg.norm(steps, axis=1), np.linalg.norm(short, axis=1)
    if inside.all() or np.any(lengths[~inside] < LONG * shorter[~inside]):
        return False
    labels = np.array([bond.label for bond in cluster.bonds])
    if not all(_same(short[b], steps[inside & (labels == labels[b])], scale) for b in np.flatnonzero(~inside)):
        return False
    return not complete or _is_complete(cluster, vectors, short, scale)


def _same(step: NDArray[np.float64], others: NDArray[np.float64], scale: float) -> bool:
    """True if a vector or its reverse is among the others."""
    apart = np.linalg.norm(np.concatenate([others - step, others + step]), axis=1)
    return bool(np.min(apart, initial=np.inf) < SAME * scale)


def _is_complete(cluster: Cluster, vectors: NDArray[np.float64], short: NDArray[np.float64], scale: float) -> bool:
    """True if all pairs of sites separated by a bond vector, across the boundary included, are joined."""
    joined = np.eye(cluster.sites, dtype=bool)
    for bond in cluster.bonds:
        joined[bond.start, bond.end] = joined[bond.end, bond.start] = True
    places = cluster.coordinates
    apart = (places[None] - places[:, None])[:, :, None] + _lattice(vectors)
    hits = (np.linalg.norm(apart - step, axis=-1) < SAME * scale for step in short)
    return all(np.all(joined[hit.any(axis=-1)]) for hit in hits)


def _reduced(vectors: NDArray[np.float64], scale: float) -> tuple[Vector, ...]:
    """Return the shortest periods of the same lattice, a unique choice for each lattice."""
    lattice = _lattice(vectors)[1:]
    order = np.lexsort((-lattice[:, 1], -lattice[:, 0], np.round(np.linalg.norm(lattice, axis=1) / (SAME * scale))))
    first = lattice[order[0]]
    chosen = [first]
    if len(vectors) == 2:
        chosen.append(next(v for v in lattice[order] if abs(first[0] * v[1] - first[1] * v[0]) > SAME * scale**2))
    return tuple((float(x) + 0.0, float(y) + 0.0) for x, y in np.round(chosen, 9))
