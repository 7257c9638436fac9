"""The blocks that make up a thermal ensemble, with their copies by time reversal and spin reversal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..hamiltonians import InvalidModel, Model, Problem, Sector
from ..hamiltonians.conservation import conservation_problems, every_sector, sectors_of
from ..hamiltonians.parameters import show
from ..hamiltonians.sector import check_sector, resolved
from ..hamiltonians.space.product import dimensions
from .blocks import symmetry_sectors, time_reversed

ENSEMBLES = ("grand-canonical", "canonical", "sector")
"""All N and S_z; all S_z of one N; one (N, S_z) sector."""


@dataclass(frozen=True)
class Member:
    """A block of an ensemble.

    Attributes
    ----------
    sector : Sector
        Its quantum numbers.
    copies : int
        Blocks with the same levels, itself included: S_z and -S_z, k and -k.
    spin_copies : int
        Those with the opposite S_z, itself included: 1 or 2.
    """

    sector: Sector
    copies: int
    spin_copies: int


def members(
    model: Model,
    ensemble: str = "grand-canonical",
    sector: Sector | None = None,
    whole_up_to: int = 0,
    twins: bool = False,
) -> tuple[Member, ...]:
    """Return the blocks of an ensemble; together with their copies they hold every state once.

    Parameters
    ----------
    model : Model
        The Hamiltonian; its own terms do not know up from down, terms of the user's may.
    ensemble : str
        One of `ENSEMBLES`.
    sector : Sector, optional
        The charge of the canonical ensemble, or the sector.
    whole_up_to : int
        (N, S_z) sectors with at most so many states are not split into blocks.
    twins : bool
        List blocks with the same levels one by one, each with one copy.

    Raises
    ------
    InvalidModel
        If the ensemble is unknown, or needs a sector that is not given or does not exist.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons
    >>> [(m.sector.two_sz, m.copies) for m in members(Model(dimer(), Electrons(1.0)), "canonical", Sector(2))]
    [(0, 1), (0, 1), (2, 2), (2, 2)]
    """
    return tuple(_blocks(model, ensemble_sectors(model, ensemble, sector, twins), whole_up_to, twins))


def ensemble_sectors(
    model: Model, ensemble: str, sector: Sector | None, twins: bool = False
) -> list[tuple[Sector, int]]:
    """Return (N, S_z) sectors with the number of times they count."""
    if ensemble not in ENSEMBLES:
        allowed = ", ".join(f'"{name}"' for name in ENSEMBLES)
        raise InvalidModel([Problem("thermal.ensemble", show(ensemble), f"allowed: {allowed}")])
    if ensemble == "grand-canonical":
        return _all_spins(model, every_sector(model), twins)
    if sector is None:
        raise InvalidModel([Problem("sector", "nothing", f"the {ensemble} ensemble needs a charge")])
    check_sector(model, sector)
    if ensemble == "sector":
        return [(resolved(model, sector), 1)]
    if problems := list(conservation_problems(model, "canonical ensembles", "charge", sector=sector)):
        raise InvalidModel(problems)
    return _all_spins(model, sectors_of(model, sector.charge, sector.has_all_spins), twins)


def _all_spins(model: Model, sectors: list[Sector], twins: bool) -> list[tuple[Sector, int]]:
    if model.terms or twins or not model.reverses_spins:
        return [(sector, 1) for sector in sectors]
    return [(s, 2 if s.spin_excess and not s.has_all_spins else 1) for s in sectors if s.spin_excess >= 0]


def _blocks(model: Model, sectors: list[tuple[Sector, int]], whole_up_to: int, twins: bool) -> Iterator[Member]:
    for sector, count in sectors:
        small = math.prod(dimensions(model, sector)) <= whole_up_to
        blocks = (sector,) if small else symmetry_sectors(model, sector)
        partners = [time_reversed(block, model) for block in blocks]
        for i, (block, partner) in enumerate(zip(blocks, partners, strict=True)):
            if twins:
                yield Member(block, 1, 1)
            elif partner not in blocks[:i]:
                yield Member(block, count * (1 + partners[i + 1 :].count(block)), count)
