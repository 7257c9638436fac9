"""Where pairs that the lattice binds begin: close charges, each with the lattice that it would have at rest.

A pair at rest may lie far below separate charges only once its lattice has moved. From the bare charges no step of the
growth promises that, so these states are made first: the lattice relaxes about each close charge configuration alone,
then pairs that stay close are solved among all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..krylov.operator import Vector
from ..options import Options
from .growth import GUARDS, WIDTH, Growth, Space
from .tables import Tables

NEAR, CLOSE = 1, 2
"""Largest distances of charges about which the lattice relaxes, and of close pairs."""
RELAXED, MOST = 200, 2_000
"""States of one configuration and of close pairs at most."""
PRECISION = 1e-3
"""Error bars at which both end, in units of the frequency."""

Levels = tuple[NDArray[np.int32], Vector]
"""States, and vectors over them."""


def close_pairs(
    tables: Tables, apart: NDArray[np.int64], count: int, frequency: float, scale: float, options: Options
) -> Levels:
    """Return the space of close pairs with their lattices, and its lowest levels.

    Parameters
    ----------
    tables : Tables
        H.
    apart : (configurations,) int
        Distance of the particles in each.
    count : int
        Levels.
    frequency, scale : float
        Of the lattice, and the scale of all energies.
    """
    accuracy, parts = PRECISION * frequency, list[Levels]()
    for number in np.flatnonzero(apart <= NEAR).tolist():
        bare = np.zeros((1, WIDTH), np.int32)
        bare[0, 0] = number
        only = np.arange(len(apart)) == number
        space, vectors, *_ = Growth(tables, bare, only, 1, accuracy, RELAXED, scale, options).run()
        parts.append((space.states, vectors[:, :1]))
    rows, starts = joined(tables, parts, count + GUARDS, options.seed)
    growth = Growth(tables, rows, apart <= CLOSE, count, accuracy, MOST, scale, options, vectors=starts)
    space, vectors, *_ = growth.run()
    return space.states, vectors


def joined(tables: Tables, parts: Sequence[Levels], count: int, seed: int) -> Levels:
    """Return the union of some spaces, and the lowest levels among all their vectors, filled up with random ones."""
    width = max(states.shape[1] for states, _ in parts)
    padded = [np.pad(states, ((0, 0), (0, width - states.shape[1]))) for states, _ in parts]
    space = Space.of(np.unique(np.concatenate(padded), axis=0))
    matrix = space.matrix(tables)
    columns = sum(vectors.shape[1] for _, vectors in parts)
    wide = np.zeros((len(space), max(columns, count)), matrix.dtype)
    at = 0
    for states, (_, vectors) in zip(padded, parts, strict=True):
        wide[space.numbers(states), at : at + vectors.shape[1]] = vectors
        at += vectors.shape[1]
    wide[:, at:] = np.random.default_rng(seed).normal(size=(len(space), wide.shape[1] - at))
    basis = np.linalg.qr(wide)[0]
    lowest = np.linalg.eigh(basis.conj().T @ (matrix @ basis))[1]
    return space.states, basis @ lowest[:, :count]
