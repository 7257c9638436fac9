"""States on infinite lattices as arrays of charges and quanta, and averages with error bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import instance
from ...solvers.infinite.charges import PAIR, separations
from ...solvers.infinite.formula import places
from ...solvers.infinite.growth import Space, refined
from ...solvers.infinite.levels import InfiniteLevels
from ...solvers.infinite.tables import BITS, OFFSET
from ...solvers.options import Options

COVERING = 2.0
"""Safety factor of error bars extrapolated from the last growth of the space."""
SMALLEST = 30
"""Smallest number of states of the smaller space for an error bar."""


def some_levels(name: str, value: Any) -> InfiniteLevels:
    """Return levels on an infinite lattice; raise an error for anything else."""
    return instance(name, value, InfiniteLevels, "write infinite_levels(model, 1)")


def with_errors(
    levels: InfiniteLevels, measure: Callable[[InfiniteLevels], Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return quantities of the lowest level with error bars.

    Quantities converge with the size of the space like the second-order energy of the states beyond it. The error bar
    is the change over the last step, scaled by the remaining part of that energy and multiplied by `COVERING`.
    """
    here = dict(measure(levels))
    smaller = _smaller(levels)
    if smaller is None:
        return here, {name: np.full(np.shape(value), np.nan) for name, value in here.items()}
    there, last, before = measure(smaller), levels.stages[-1].second[0], smaller.stages[-1].second[0]
    share = abs(last) / max(abs(before - last), 1e-300)
    with np.errstate(invalid="ignore"):  # infinite masses have no error bar
        errors = {
            name: COVERING * max(share, 0.1) * np.abs(np.asarray(value) - np.asarray(there[name]))
            for name, value in here.items()
        }
    return here, errors


def _smaller(levels: InfiniteLevels) -> InfiniteLevels | None:
    """Return the lowest level in the space of the stage before the last."""
    sizes = [stage.states for stage in levels.stages]
    small = [n for n, size in enumerate(sizes) if SMALLEST <= size < 0.7 * len(levels.space)]
    if not small:
        return None
    size = sizes[small[-1]]
    space = Space.of(np.ascontiguousarray(levels.space.states[:size]))
    start = np.ascontiguousarray(levels.vectors[:size, 0])
    tolerance = max(1e-9, 10 * float(levels.certificate.residuals[0]))
    energy, vector = refined(space.operator(levels.tables()), start / np.linalg.norm(start), tolerance, Options())
    return replace(
        levels, energies=np.array([energy]), space=space, vectors=vector[:, None], stages=levels.stages[: small[-1] + 1]
    )


def configurations_of(levels: InfiniteLevels) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the cell of the second particle of each state, shape (states, dimension), and a mask of local pairs."""
    skeleton = levels.skeleton
    numbers = levels.space.states[:, 0]
    apart = places(separations(skeleton.states, skeleton.formula.dimension), skeleton.formula.dimension)
    local = np.array([state[0][0] == PAIR for state in skeleton.states])
    return apart[numbers], local[numbers]


def quanta(levels: InfiniteLevels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return state, mode and level of every excited oscillator."""
    entries = levels.space.states[:, 1:]
    state, column = np.nonzero(entries)
    found = entries[state, column].astype(np.int64)
    return state, (found >> BITS) - OFFSET, found & ((1 << BITS) - 1)


def probabilities(levels: InfiniteLevels) -> NDArray[np.float64]:
    """Return the weight of each state in the lowest level."""
    return np.asarray(np.abs(levels.vectors[:, 0]) ** 2)
