"""Check of the spatial quantum numbers of a sector, before anything is solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..model import Model
from ..parameters import InvalidModel, Problem, show
from ..sector import Sector
from ..space.product import Space
from ..terms import hamiltonian_operator
from .group import group, representatives_of
from .quantum_numbers import sector_symmetries

LARGEST_COUNTED = 2000
"""Blocks of larger sectors are never empty in practice, and are not counted."""


def block_problems(model: Model, sector: Sector) -> Iterator[Problem]:
    """Yield a spatial quantum number that the model lacks, or that no state of the sector has.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector
        In it, with nothing wrong for `sector_problems`.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model, Sector
    >>> for problem in block_problems(Model(ring(3), Electrons(1.0, level=[0, 0, 1])), Sector(2, momentum=0)):
    ...     print(problem)
    sector.momentum: got 0; the model lacks this symmetry; leave it out, or make the couplings equal on equivalent \
sites, bonds and modes
    """
    if not sector.has_symmetry:
        return
    chosen_later = model.phonons is not None and model.phonons.cutoff is not None
    if model.phonons is not None and chosen_later:
        model = replace(model, phonons=replace(model.phonons, cutoff=None, total_quanta=0))
    if model.phonons is not None and model.phonons.dressing == "optimal":
        model = replace(model, phonons=replace(model.phonons, dressing=None))
    if model.phonons is not None and model.phonons.frame == "auto":
        model = replace(model, phonons=replace(model.phonons, frame="mean"))
    if model.phonons is not None and model.phonons.basis != "number":
        model = replace(model, phonons=replace(model.phonons, basis="number", frame="none"))
    space = Space(model, sector)
    try:
        symmetries = sector_symmetries(space, hamiltonian_operator(model))
    except InvalidModel as error:
        yield from error.problems
        return
    if not symmetries or chosen_later or space.dimension > LARGEST_COUNTED:
        return
    if not len(representatives_of(group(space, symmetries), space.dimension)):
        name, value = next(iter(sector.labels.items()))
        allowed = f"no state with charge = {sector.charge} and two_sz = {sector.two_sz} is in this block"
        yield Problem(f"sector.{name}", show(value), f"{allowed}; leave it out, or take another one")
