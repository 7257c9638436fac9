"""The point group that a model has at a momentum, with its one-dimensional representations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...clusters import PointGroup, order, point_group
from ...clusters.point_group import irreps_of, schoenflies
from ...clusters.torus import Operation, point_operations
from ...clusters.translations import Momentum
from ..branches import branches_of
from ..model import Model
from ..parameters import COUPLINGS
from .operations import Symmetry, of_permutation
from .solids import whole_irreps

MIRRORS = (0.0, np.pi / 2)
"""Axes of the mirror that names representations, by preference; any other one after these."""


def points_of(model: Model, momentum: Momentum | None = None) -> PointGroup:
    """Return the point group of a model; on a lattice the part that leaves a momentum and the flux as they are.

    There it is the little co-group of the momentum, k = 0 where none is given: states of one of its representations
    have their momentum too.

    Examples
    --------
    >>> from respair.clusters import square
    >>> from respair.hamiltonians import Electrons
    >>> model = Model(square(supercell=[[2, 2], [-2, 2]]), Electrons(hopping=1.0))
    >>> points_of(model).name, list(points_of(model, (1, 1)).irreps)
    ('C4v', ['A1', 'A2', 'B1', 'B2'])
    >>> points_of(Model(square(size=[4, 4]), Electrons(hopping={"x": 1.0, "y": 0.5}))).name
    'C2v'
    """
    cluster = model.cluster
    if not cluster.cell:
        group = point_group(cluster)
        if not model.magnetic_flux:
            return group
        return replace(  # a field turns round in a mirror
            group,
            name=schoenflies(order(group.rotation), False),
            mirror=None,
            irreps=irreps_of(order(group.rotation), None),
        )
    numbers = momentum if momentum is not None else (0,) * cluster.fluxes
    every = point_operations(cluster, _alike(model))
    kept = [each for each in every if each.keeps(cluster, numbers) and each.keeps_flux(model.fluxes)]
    turns = sorted((each for each in kept if each.angle > 1e-6), key=lambda each: each.angle)
    rotation, mirror = (_first(model, operations) for operations in (turns, _mirrors(kept)))
    fold = round(2 * np.pi / rotation[0].angle) if rotation else 1
    identity = tuple(range(cluster.sites))
    return PointGroup(
        schoenflies(fold, mirror is not None),
        rotation[0].sites if rotation else identity,
        mirror[0].sites if mirror else None,
        irreps_of(rotation[1].period if rotation else 1, mirror[1].period if mirror else None),
        rotation[0].turn if rotation else None,
        mirror[0].turn if mirror else None,
        whole_irreps(model, kept),
    )


def _first(model: Model, operations: list[Operation]) -> tuple[Operation, Symmetry] | None:
    """Return the first operation that maps bosons and modes onto each other, with what it does to them."""
    found = ((each, of_permutation(model, "irrep", each.sites, 0, each.turn)) for each in operations)
    return next(((each, symmetry) for each, symmetry in found if symmetry is not None), None)


def _mirrors(operations: list[Operation]) -> list[Operation]:
    """Return the mirrors whose plane holds the last axis (in the plane: all), the one along x first, then along y."""
    mirrors = [
        (float(np.arctan2(each.matrix[1, 0], each.matrix[0, 0]) % (2 * np.pi)) / 2, each)
        for each in operations
        if np.linalg.det(each.matrix[:2, :2]) < 0 and (len(each.matrix) == 2 or each.matrix[2, 2] > 0.5)
    ]
    ranked = sorted(mirrors, key=lambda pair: (not any(abs(pair[0] - axis) < 1e-6 for axis in MIRRORS), pair[0]))
    return [each for _, each in ranked]


def _alike(model: Model) -> tuple[tuple[str, ...], ...]:
    """Return the sets of bond classes on which every coupling of the model has the same values."""
    arrays = [getattr(model.couplings, name) for entry in COUPLINGS.values() for name in entry.arrays]
    bonds, branches = len(model.cluster.bonds), branches_of(model.modes)
    on_bonds = [array for array in arrays if array.shape == (bonds,)]
    linked = [array for array in arrays if len(branches) > 1 and array.shape == (len(branches) * bonds,)]
    on_bonds += [row for array in linked for row in array.reshape(-1, bonds)]
    sets: dict[tuple[object, ...], list[str]] = {}
    labels = [bond.label for bond in model.cluster.bonds]
    for label in model.cluster.bond_classes:
        here = np.array([each == label for each in labels])
        values = tuple(tuple(sorted(map(repr, set(array[here].tolist())))) for array in on_bonds)
        sets.setdefault(values, []).append(label)
    return tuple(tuple(labels) for labels in sets.values())
