"""The blocks into which the spatial symmetries of a model split a sector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..clusters import order, point_group
from ..hamiltonians import InvalidModel, Model, Operator, Sector, hamiltonian_operator
from ..hamiltonians.sector import check_sector
from ..hamiltonians.space.product import Space
from ..hamiltonians.symmetry.group import sector_symmetries
from .caps import capped


def symmetry_sectors(model: Model, sector: Sector) -> tuple[Sector, ...]:
    """Return the blocks that together hold every state of a sector once; the sector itself where it has none.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> [(s.momentum, s.reflection) for s in symmetry_sectors(Model(ring(3), Electrons(1.0)), Sector(1))]
    [(0, 1), (0, -1), (1, None), (2, None)]
    """
    check_sector(model, sector)
    return finest_blocks(Space(capped(model), sector))


def finest_blocks(space: Space, operator: Operator | None = None) -> tuple[Sector, ...]:
    """Return the finest set of blocks that a Hamiltonian has; `operator` is its formula, if it is known."""
    operator = hamiltonian_operator(space.model) if operator is None else operator
    if space.sector.has_symmetry:
        sector_symmetries(space, operator)
        return (space.sector,)
    for candidates in _candidates(space.model, space.sector):
        try:
            for candidate in candidates:
                sector_symmetries(space, operator, candidate)
        except InvalidModel:
            continue
        return candidates
    return (space.sector,)


def _candidates(model: Model, sector: Sector) -> Iterator[tuple[Sector, ...]]:
    """Yield sets of labels, the finest first, each of which would hold every state once."""
    turn = model.cluster.translation
    if turn is not None and order(turn) > 1:
        length = order(turn)
        if not model.flux and model.cluster.reflection is not None and order(model.cluster.reflection) > 1:
            yield tuple(
                replace(sector, momentum=m, reflection=r)
                for m in range(length)
                for r in ((1, -1) if 2 * m % length == 0 else (None,))
            )
        yield tuple(replace(sector, momentum=m) for m in range(length))
        return
    names = point_group(model.cluster).irreps
    if len(names) > 1:
        yield tuple(replace(sector, irrep=name) for name in names)


def time_reversed(block: Sector, model: Model) -> Sector | None:
    """Return the block with the complex conjugate states, where the Hamiltonian is real and it is another one."""
    if model.flux or model.terms or not model.is_real:
        return None
    if block.momentum:
        return replace(block, momentum=-block.momentum % len(model.cluster.translation or (0,)))
    if block.irrep is not None and block.irrep.endswith("-"):
        return replace(block, irrep=block.irrep[:-1] + "+")
    return None
