"""Site permutations that are symmetries of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Permutation = tuple[int, ...]
"""Site ``i`` is mapped to ``permutation[i]``."""


def isometries(
    coordinates: NDArray[np.float64],
    classes: Sequence[str],
    edges: Mapping[frozenset[int], str],
    tolerance: float = 1e-9,
) -> tuple[Permutation, ...]:
    """Find every site permutation that keeps distances, site classes and bonds with their classes.

    Parameters
    ----------
    coordinates : (n, d) float
        Positions of the sites.
    classes : sequence of n str
        Classes of the sites.
    edges : mapping
        Class of each bond, keyed by the set of its two sites.
    tolerance : float
        Relative to the largest distance, two distances that differ by less are equal.

    Returns
    -------
    tuple of tuple of int
        The group, identity first; site ``i`` is mapped to ``permutation[i]``.

    Examples
    --------
    >>> line = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    >>> isometries(line, ["site"] * 3, {frozenset((0, 1)): "bond", frozenset((1, 2)): "bond"})
    ((0, 1, 2), (2, 1, 0))
    """
    distance = np.linalg.norm(coordinates[:, None] - coordinates[None, :], axis=-1)
    sites, tolerance = len(classes), tolerance * float(np.max(distance))
    label = [[edges.get(frozenset((i, j)), "") for j in range(sites)] for i in range(sites)]

    def fits(image: list[int], candidate: int) -> bool:
        i = len(image)
        return (
            classes[candidate] == classes[i]
            and candidate not in image
            and all(
                abs(distance[i, j] - distance[candidate, image[j]]) <= tolerance
                and label[i][j] == label[candidate][image[j]]
                for j in range(i)
            )
        )

    partial: list[list[int]] = [[]]
    for _ in range(sites):
        partial = [[*image, candidate] for image in partial for candidate in range(sites) if fits(image, candidate)]
    return tuple(tuple(image) for image in partial)


def compose(first: Permutation, then: Permutation) -> Permutation:
    """Return the permutation that applies first `first`, then `then`.

    Examples
    --------
    >>> compose((1, 2, 0), (1, 2, 0))
    (2, 0, 1)
    """
    return tuple(then[i] for i in first)


def order(permutation: Permutation) -> int:
    """Return the smallest n > 0 for which n applications are the identity.

    Examples
    --------
    >>> order((1, 2, 3, 0))
    4
    """
    identity = tuple(range(len(permutation)))
    image, n = permutation, 1
    while image != identity:
        image, n = compose(image, permutation), n + 1
    return n
