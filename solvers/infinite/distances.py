"""What the largest distance of two particles costs: unbound ones want to be farther apart than any space allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..krylov.operator import Vector
from ..options import Options
from .growth import Space, lowest_near
from .tables import Tables

UNSEEN = 1e-13
"""Weight at the far half of the distances below which they play no part."""
STEEPEST = 0.6
"""Largest ratio by which the cost is taken to fall when the distances double; it is 1/4 for free particles."""
SAFETY = 2.0
TOLERANCE = 1e-9


def distance_bars(
    space: Space,
    tables: Tables,
    apart: NDArray[np.int64],
    largest: int,
    energies: NDArray[np.float64],
    vectors: Vector,
    options: Options,
) -> NDArray[np.float64]:
    r"""Return what levels would still gain from larger distances of the particles.

    With E(R) the energies in the part of the space up to the distance R, :math:`\delta_1 = E(R/2) - E(R)`,
    :math:`\delta_2 = E(R/4) - E(R/2)` and :math:`\rho = \delta_1/\delta_2`, the geometric series gives
    :math:`\delta_1 \rho / (1 - \rho)`: a third of :math:`\delta_1` where E falls as :math:`1/R^2`.

    Parameters
    ----------
    space, tables
        The variational space and H.
    apart : (configurations,) int
        Distance of the particles in each charge configuration.
    largest : int
        The largest distance that a space may have. Where the space is not there yet, what lies beyond it is seen by
        the second-order energy.
    energies, vectors
        The levels.
    options : Options
        Seed and limits of the searches.
    """
    distance = apart[space.states[:, 0]]
    reach = int(distance.max(initial=0))
    far = far_weights(distance, vectors)
    if reach < largest or np.all(far <= UNSEEN):
        return np.zeros(len(energies))
    found = [energies]
    for share in (2, 4):
        kept = distance <= reach // share
        part = Space.of(np.ascontiguousarray(space.states[kept]))
        starts = vectors[kept] + 1e-3 * np.random.default_rng(options.seed).standard_normal((len(part), len(energies)))
        found.append(lowest_near(part, tables, starts, TOLERANCE * max(1.0, float(np.max(np.abs(energies)))), options))
    first, second = found[1] - found[0], found[2] - found[1]
    ratio = np.clip(first / np.maximum(second, 1e-300), 0.0, STEEPEST)
    return np.asarray(SAFETY * np.maximum(first, 0.0) * ratio / (1 - ratio))


def far_weights(distance: NDArray[np.int64], vectors: Vector) -> NDArray[np.float64]:
    """Return the weight of each level in the far half of the distances, given the distance in each state."""
    return np.asarray(np.sum(np.abs(vectors[distance > distance.max(initial=0) // 2]) ** 2, axis=0))
