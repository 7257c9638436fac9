"""The point groups of the cubic system: the one-dimensional representations of Oh, D4h and D2h."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...clusters.point_group import Step
from ...clusters.torus import Operation
from ..model import Model
from .operations import of_permutation

Key = tuple[int, ...]
"""The entries of an orthogonal matrix of whole numbers, row by row."""


def _turn(axis: int, quarters: int) -> NDArray[np.int64]:
    """Return a rotation about an axis by quarters of a turn."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters % 4]
    matrix = np.zeros((3, 3), np.int64)
    matrix[axis, axis] = 1
    matrix[first, first] = matrix[second, second] = c
    matrix[second, first], matrix[first, second] = s, -s
    return matrix


HALF = tuple(_turn(axis, 2) for axis in range(3))
QUARTER = tuple(_turn(axis, 1) for axis in range(3))
THIRD = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
DIAGONAL = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]])
INVERSION = -np.eye(3, dtype=np.int64)
for _matrix in (*HALF, *QUARTER, THIRD, DIAGONAL, INVERSION):
    _matrix.setflags(write=False)
CUBIC = MappingProxyType({"A1": (0, 0, 0, 0), "A2": (0, 0, 0, 1)})
TETRAGONAL = MappingProxyType({"A1": (0, 0), "A2": (0, 1), "B1": (1, 0), "B2": (1, 1)})
ORTHORHOMBIC = MappingProxyType({"A": (0, 0), "B1": (0, 1), "B2": (1, 0), "B3": (1, 1)})
FAMILIES = (
    ((HALF[2], HALF[0], THIRD, DIAGONAL), CUBIC),
    *(((QUARTER[axis], HALF[(axis + 1) % 3]), TETRAGONAL) for axis in (2, 0, 1)),
    ((HALF[2], HALF[1]), ORTHORHOMBIC),
)
"""For each group generators, of which every element is one product, and m of each by representation."""


def whole_irreps(model: Model, kept: Sequence[Operation]) -> Mapping[str, tuple[Step, ...]]:
    """Return the one-dimensional representations of the largest group of the cubic system among some operations.

    Parameters
    ----------
    model : Model
        What they act on.
    kept : sequence of Operation
        Those that its momentum and flux leave.

    Returns
    -------
    mapping
        By name: A1g, A2g, B1g, ... of Oh (A1 and A2 are 1 and -1 under diagonal half turns), D4h about the first of z,
        x, y that is a fourfold axis (A and B are 1 and -1 under its quarter turn, 1 and 2 under half turns about the
        other axes), or D2h (B1, B2, B3 are 1 under the half turn about z, y, x alone); g and u are even and odd under
        inversion. Those that no state can have, since an operation moves nothing, are left out; none where the group is
        another one.

    Examples
    --------
    >>> from respair.clusters import cubic
    >>> from respair.hamiltonians import Electrons
    >>> from respair.hamiltonians.symmetry.points import points_of
    >>> list(points_of(Model(cubic(size=[2, 2, 2]), Electrons(1.0))).whole)
    ['A1g', 'A2g']
    """
    there: dict[Key, Operation] = {}
    for operation in kept:
        whole = np.round(operation.matrix)
        if whole.shape == (3, 3) and np.max(np.abs(whole - operation.matrix)) < 1e-9:
            there[tuple(whole.astype(int).ravel().tolist())] = operation
    for generators, blocks in FAMILIES:
        chosen = [there.get(tuple(g.ravel().tolist())) for g in (*generators, INVERSION)]
        if any(operation is None for operation in chosen):
            continue
        symmetries = [of_permutation(model, "irrep", o.sites, 0, o.turn) for o in chosen if o is not None]
        if any(symmetry is None for symmetry in symmetries):
            continue
        still = [symmetry is not None and symmetry.period == 1 for symmetry in symmetries]
        found = {}
        for (name, numbers), parity in product(blocks.items(), (0, 1)):
            every = [*numbers, parity]
            if any(m and s for m, s in zip(every, still, strict=True)):
                continue
            steps = zip(chosen, symmetries, every, strict=True)
            found[f"{name}{'gu'[parity]}"] = tuple(
                (o.sites, o.turn, m * s.period // 2) for o, s, m in steps if o is not None and s is not None
            )
        return found
    return {}
