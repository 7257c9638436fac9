"""The symmetries behind the quantum numbers of a sector, and the quantum numbers that symmetries stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...clusters import Permutation, compose, order
from ...clusters.translations import as_numbers, generators, momentum_of
from ..model import Model
from ..operators import Operator
from ..parameters import InvalidModel, Problem
from ..sector import Sector
from ..space.product import Space
from .group import commutes
from .operations import SPIN_FLIP, Symmetry, of_permutation, spin_flip
from .points import points_of

CURES: Mapping[str, str] = {
    SPIN_FLIP: "leave it out; a field on the spins, or terms that act on one spin alone, break it",
    "": "leave it out, or make the couplings equal on equivalent sites, bonds and modes",
}
"""What helps where a model lacks a symmetry, by its name."""


def sector_symmetries(space: Space, operator: Operator, sector: Sector | None = None) -> tuple[Symmetry, ...]:
    """Return the generators behind the quantum numbers of a sector, checked against the Hamiltonian.

    Parameters
    ----------
    space : Space
        The states of the (N, S_z) sector.
    operator : Operator
        The Hamiltonian.
    sector : Sector, optional
        The quantum numbers; those of the space by default.

    Raises
    ------
    InvalidModel
        If the Hamiltonian does not have the symmetry.
    """
    sector, model = sector or space.sector, space.model
    cluster, found = model.cluster, []
    for name, sites, block, turn in _wanted(sector, model):
        if sites is None or block is None or (order(sites) == 1 and turn is None):
            continue
        symmetry = of_permutation(model, name, sites, block, turn)
        if symmetry is None or symmetry.period > 1:
            found.append(_checked(space, operator, sector, name, symmetry))
    if sector.reflection == -1 and cluster.reflection is not None and order(cluster.reflection) == 1:
        raise InvalidModel([Problem("sector.reflection", "-1", "allowed: 1; every state of this cluster is even")])
    if sector.spin_flip is not None:
        flip = spin_flip(model, (1 - sector.spin_flip) // 2)
        found.append(_checked(space, operator, sector, SPIN_FLIP, flip))
    return tuple(found)


def _checked(space: Space, operator: Operator, sector: Sector, name: str, symmetry: Symmetry | None) -> Symmetry:
    if symmetry is None or not _commutes(space, operator, symmetry):
        cure, value = CURES.get(name, CURES[""]), getattr(sector, name)
        shown = str(list(value) if isinstance(value, tuple) else value)
        raise InvalidModel([Problem(f"sector.{name}", shown, f"the model lacks this symmetry; {cure}")])
    return symmetry


def _commutes(space: Space, operator: Operator, symmetry: Symmetry) -> bool:
    """Return whether a Hamiltonian has a symmetry, found out once for all its blocks."""
    known = space.symmetries
    key = id(operator), replace(symmetry, block=0)
    if key not in known:
        known[key] = operator, commutes(space, operator, symmetry)  # with the operator, whose id stays its own
    return known[key][1]


def _wanted(
    sector: Sector, model: Model
) -> Iterator[tuple[str, Permutation | None, int | None, NDArray[np.float64] | None]]:
    """Yield key, site permutation, block and turn of windings of each spatial quantum number; None where left out."""
    cluster = model.cluster
    if sector.momentum is not None:
        for translation in generators(cluster):
            yield "momentum", translation.sites, translation.block(as_numbers(sector.momentum)), None
    yield "reflection", cluster.reflection, None if sector.reflection is None else (1 - sector.reflection) // 2, None
    if sector.irrep is not None:
        points = points_of(model, sector.momentum)
        if sector.irrep in points.whole:
            yield from (("irrep", sites, block, turn) for sites, turn, block in points.whole[sector.irrep])
            return
        turned, mirrored = points.irreps[sector.irrep]
        yield "irrep", points.rotation, turned, points.rotation_turn
        yield "irrep", points.mirror, mirrored, points.mirror_turn


def with_labels(sector: Sector, symmetries: Sequence[Symmetry], model: Model) -> Sector:
    """Return a sector with the quantum numbers that some symmetries stand for.

    The rotations and mirrors of a point group have no label here: the names of its representations say more than a part
    of them.
    """
    blocks: dict[str, list[int]] = {}
    for symmetry in symmetries:
        blocks.setdefault(symmetry.name, []).append(symmetry.block)
    mirrored, flipped = (1 - 2 * blocks[name][0] if name in blocks else None for name in ("reflection", SPIN_FLIP))
    turned = blocks.get("momentum", [])
    is_whole = bool(turned) and len(turned) == len(generators(model.cluster))
    momentum = momentum_of(model.cluster, turned) if is_whole else None
    return replace(sector, momentum=momentum, reflection=mirrored, spin_flip=flipped)


def compatible(symmetry: Symmetry, others: Sequence[Symmetry]) -> bool:
    """True where a symmetry maps the block that the quantum numbers of others fix onto itself.

    It turns each of the others into a product of them, which must have the same phase there.
    """
    spatial = [other for other in others if not other.flips]
    if symmetry.flips or not spatial:
        return True
    phases = {tuple(range(len(symmetry.sites))): 1.0 + 0.0j}
    for other in spatial:
        powers, image, phase = dict(phases), dict(phases), 1.0 + 0.0j
        for _ in range(other.period - 1):
            phase *= other.character
            image = {compose(sites, other.sites): value for sites, value in image.items()}
            powers |= {sites: value * phase for sites, value in image.items()}
        phases = powers
    back = [0] * len(symmetry.sites)
    for site, image_site in enumerate(symmetry.sites):
        back[image_site] = site
    turned = (compose(compose(tuple(back), other.sites), symmetry.sites) for other in spatial)
    pairs = zip(turned, spatial, strict=True)
    return all(abs(phases.get(sites, 0.0) - other.character) < 1e-9 for sites, other in pairs)
