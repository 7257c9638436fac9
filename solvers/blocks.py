"""The blocks into which the spatial symmetries of a model split a sector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..clusters import momenta, order
from ..clusters.translations import is_real, opposite
from ..hamiltonians import InvalidModel, Model, Operator, Sector, hamiltonian_operator
from ..hamiltonians.model import GENERIC
from ..hamiltonians.sector import check_sector
from ..hamiltonians.space.product import Space
from ..hamiltonians.symmetry.operations import SPIN_FLIP
from ..hamiltonians.symmetry.points import points_of
from ..hamiltonians.symmetry.quantum_numbers import sector_symmetries
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


def blocks_at_any_flux(model: Model, sector: Sector) -> tuple[Sector, ...]:
    """Return the finest blocks that a Hamiltonian has whatever the flux is: those of its translations.

    Examples
    --------
    >>> from respair.clusters import square
    >>> from respair.hamiltonians import Electrons, Model
    >>> [s.momentum for s in blocks_at_any_flux(Model(square(size=[2, 1]), Electrons(1.0)), Sector(1))]
    [(0, 0), (1, 0)]
    """
    found = symmetry_sectors(replace(model, flux=GENERIC[: model.cluster.fluxes]), sector)
    return tuple(dict.fromkeys(replace(block, irrep=sector.irrep) for block in found))


def finest_blocks(space: Space, operator: Operator | None = None) -> tuple[Sector, ...]:
    """Return the finest set of blocks that a Hamiltonian has; `operator` is its formula, if it is known."""
    operator = hamiltonian_operator(space.model) if operator is None else operator
    if any(name != SPIN_FLIP for name in space.sector.labels):
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
    cluster = model.cluster
    if len(momenta(cluster)) > 1:
        if not (model.flux or model.magnetic_flux) and cluster.reflection is not None and order(cluster.reflection) > 1:
            yield tuple(
                replace(sector, momentum=m, reflection=r)
                for m in momenta(cluster)
                for r in ((1, -1) if is_real(cluster, m) else (None,))
            )
        if cluster.cell:
            groups = {m: list(points_of(model, m).irreps) for m in momenta(cluster)}
            if any(len(names) > 1 for names in groups.values()):
                yield tuple(
                    replace(sector, momentum=m, irrep=name if len(names) > 1 else None)
                    for m, names in groups.items()
                    for name in names
                )
        yield tuple(replace(sector, momentum=m) for m in momenta(cluster))
        return
    names = points_of(model).irreps
    if len(names) > 1:
        yield tuple(replace(sector, irrep=name) for name in names)


def time_reversed(block: Sector, model: Model) -> Sector | None:
    """Return the block with the complex conjugate states, where the Hamiltonian is real and it is another one."""
    if model.flux or model.terms or not model.is_real:
        return None
    cluster, irrep = model.cluster, block.irrep or ""
    turned = block.momentum is not None and not is_real(cluster, block.momentum)
    if turned and block.momentum is not None:
        block = replace(block, momentum=opposite(cluster, block.momentum))
    if irrep.endswith("-") or (turned and irrep.endswith("+")):
        return replace(block, irrep=irrep[:-1] + ("+" if irrep.endswith("-") else "-"))
    return block if turned else None
