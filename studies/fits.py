"""Checks of the memory limit of a study."""

from __future__ import annotations

from dataclasses import replace

from ..hamiltonians import Model, Sector
from ..solvers import Options, symmetry_sectors
from ..solvers.costs import check_memory, choose_engine
from .definition import Study


def check_fits(study: Study) -> None:
    """Raise MemoryError if any part of a study does not fit its memory limit."""
    for model, sector, states in study.solves():
        check_blocks_fit(model, sector, states, study.solver)
    for task in study.tasks:
        task.check_fits(study.model, study.sector, study.solver)


def check_blocks_fit(model: Model, sector: Sector, states: int, options: Options) -> None:
    """Raise MemoryError if neither a sector nor each of its symmetry blocks fits the memory limit."""

    def check(part: Sector) -> None:
        check_memory(model, part, choose_engine(model, part, options.engine), states, options.memory_limit)

    try:
        check(sector)
    except MemoryError:
        blocks = symmetry_sectors(model, sector)
        if len(blocks) == 1:
            raise
        for block in blocks:
            check(block)


def shared(study: Study, sharing: int) -> Study:
    """Return a study with its share of the memory limit."""
    return replace(study, solver=replace(study.solver, memory_limit=study.solver.memory_limit // sharing))
