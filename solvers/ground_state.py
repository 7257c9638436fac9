"""Lowest states of a model in a sector, by the engine that suits its size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import taking
from .._core.ranks import current_ranks
from ..clusters import InvalidValue
from ..hamiltonians import Block, Hamiltonian, Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.sector import check_sector
from ..hamiltonians.space.product import sets_of
from ..hamiltonians.terms import far_potential
from .caps import CutoffError, cap_in_words, is_automatic, is_optimal
from .certificate import Certifier
from .checkpoint import Checkpoint, beside, fingerprint
from .costs import check_memory, choose_engine
from .cutoff import CutoffSearch
from .engines.table import engine_class
from .krylov.eigenpairs import is_degenerate as is_degenerate
from .krylov.search import Limits, announce
from .larger_space import error_bars
from .level_count import level_count
from .optimal_choice import in_optimal_states, may_be_optimal
from .optimal_search import SETS, Effort, OptimalSearch, cap_name, embedded
from .options import Options, read_options
from .results import Eigenstates, LabelledLevels, State
from .shared_checkpoint import SharedCheckpoint
from .small_ring import upper_bound
from .work import Progress, silent

__all__ = ["Eigenstates", "State", "checkpoint_of", "ground_state", "is_degenerate", "lowest_of_block", "solved"]


@taking(model=a_model, sector=a_sector, options=read_options)
def ground_state(
    model: Model,
    sector: Sector | int,
    states: int | str = 1,
    options: Options | None = None,
    progress: Progress = silent,
) -> Eigenstates:
    """Compute the lowest levels of a model in a sector, each with its certificate.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector or int
        Quantum numbers; a number stands for ``Sector(charge)``.
    states : int or "all"
        Levels wanted, counted with multiplicity; fewer come back if the sector is smaller.
    options : Options, optional
        Engine, tolerance, seed and limits.
    progress : Progress
        Called during the calculation.

    Returns
    -------
    Eigenstates
        Energies [user's unit], states and certificate.

    Raises
    ------
    InvalidModel
        If the sector does not exist or the model lacks its symmetry.
    MemoryError
        If the run would need more than `options.memory_limit`; nothing is computed then.
    ConvergenceError
        If Lanczos gave up, with the residual reached.
    CutoffError
        If the model has ``cutoff = "auto"`` and no affordable one reaches the accuracy.
    CheckpointError
        If the file `options.checkpoint` is truncated, damaged or of another calculation; it is not changed.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0, hubbard_u=4.0)), 2, states=2)
    >>> levels.energies.round(8) + 0.0
    array([-0.82842712,  0.        ])
    """
    options = options or Options()
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    check_sector(model, sector)
    states = level_count(states, model, sector)

    def solve(model: Model, states: int, options: Options, progress: Progress) -> Eigenstates:
        return lowest_of_block(model, sector, states, options, progress)

    def check(model: Model) -> None:
        check_memory(model, sector, options.engine, states, options.memory_limit)

    return with_error_bars(model, sector, states, options, progress, solve, check)


Found = TypeVar("Found", Eigenstates, LabelledLevels)


def with_error_bars(
    model: Model,
    sector: Sector,
    states: int,
    options: Options,
    progress: Progress,
    solve: Callable[[Model, int, Options, Progress], Found],
    check: Callable[[Model], None],
) -> Found:
    """Return the levels of a model, with a frame and caps found for it where these are automatic, and error bars.

    Parameters
    ----------
    model, sector, states, options, progress
        See `ground_state`.
    solve : function
        From a model with numbers for its caps to its levels, with the certificate that their own states give.
    check : function
        Raises MemoryError for such a model if it does not fit.
    """
    bars, constant = None, -far_potential(model) * sector.charge
    options = replace(options, wanted_below=options.wanted_below - constant)

    def searched(m: Model, count: int, effort: Effort, near: Found | None) -> Found:
        announce(progress, cap_in_words(m, sector))
        own = effort.of(replace(options, checkpoint=beside(options.checkpoint, cap_name(m))))
        if near is not None:
            own = replace(own, starts=partial(embedded, near), built=near.hamiltonian)
        return solve(m, count, own, progress)

    def elsewhere(m: Model, other: Sector) -> Eigenstates:
        return lowest_of_block(m, other, 1, Effort(SETS, leaks=False, confirm=False).of(options))

    def tried(m: Model, count: int) -> Found:
        announce(progress, cap_in_words(m, sector))
        own = options
        if model.phonons is not None and model.phonons.cutoff is not None and m.phonons is not None:
            own = replace(options, checkpoint=beside(options.checkpoint, f"{m.phonons.total_quanta}-quanta"))
        return solve(m, count, own, progress)

    def in_sets(m: Model) -> tuple[Found, NDArray[np.float64]]:
        return OptimalSearch(m, sector, states, searched, check, elsewhere).found()

    if is_optimal(model):
        found, bars = in_sets(model)
    elif is_automatic(model):
        search = CutoffSearch(model, sector, states, tried, check)
        chosen = options.optimal and may_be_optimal(model.phonons)
        optimal = in_optimal_states(model, sector, search.rehearsed.cost) if chosen else None
        try:
            found, bars = search.found() if optimal is None else in_sets(optimal)
        except (CutoffError, InvalidValue):
            if optimal is None:
                raise
            found, bars = search.found()
    else:
        found = solve(model, states, options, progress)
    if bars is None and len(found.energies) and sets_of(model) is not None:
        bars = found.certificate.energy_errors.copy()
        bars[0] = max(bars[0], found.energies[0] - upper_bound(model, sector))
    if bars is None and len(found.energies):
        count, others = len(found.energies), replace(options, engine="auto", checkpoint=None, wanted_below=np.inf)
        bars = error_bars(found.hamiltonian, found, lambda m: solve(m, count, others, silent))
    if bars is not None:
        found = replace(found, certificate=replace(found.certificate, energy_errors=bars))
    return found.with_constant(constant) if constant else found


def lowest_of_block(
    model: Model, sector: Sector, states: int, options: Options, progress: Progress = silent
) -> Eigenstates:
    """Return the lowest levels of a block with the certificate that their own states give."""
    engine = choose_engine(model, sector, options.engine)
    check_memory(model, sector, engine, states, options.memory_limit)
    hamiltonian = hamiltonian_of(model, sector, options)
    checkpoint = checkpoint_of(hamiltonian, states, options)
    levels = solved(Block.of(hamiltonian), states, engine, options, progress, checkpoint)
    checkpoint.remove()
    return levels


def hamiltonian_of(model: Model, sector: Sector, options: Options) -> Hamiltonian:
    """Return the Hamiltonian of a sector, with the help of what is built already."""
    return Hamiltonian.of(model, sector) if options.built is None else options.built.in_caps(model)


def checkpoint_of(hamiltonian: Hamiltonian, states: int, options: Options) -> Checkpoint:
    """Open the checkpoint of a calculation.

    Raises
    ------
    CheckpointError
        If the file exists and cannot be used.
    """
    if options.checkpoint is None:
        return Checkpoint()
    space = hamiltonian.space
    about = {
        "model": fingerprint((sorted(map(repr, hamiltonian.operator.terms.items())), space.model.phonons, space.shape)),
        "sector": repr(space.sector),
        "number of levels": str(states),
        "engine": options.engine,
        "tolerance": repr(options.tolerance),
        "seed": str(options.seed),
    }
    path, ranks = Path(options.checkpoint), current_ranks()
    if ranks is not None:
        return SharedCheckpoint(ranks, path, options.checkpoint_interval, about)
    return Checkpoint(path, options.checkpoint_interval, about)


def solved(
    block: Block, states: int, engine: str, options: Options, progress: Progress, checkpoint: Checkpoint
) -> Eigenstates:
    """Return the lowest levels of a block by one engine, with their certificate; see `ground_state`."""
    hamiltonian = block.hamiltonian
    alike = partial(is_degenerate, width=hamiltonian.level_width)
    limits = Limits(
        states,
        options.tolerance * hamiltonian.unit,
        options.seed,
        options.max_matvecs,
        alike,
        progress,
        options.wanted_below,
        options.confirm,
    )
    chosen = engine_class(engine).for_levels(block, states, options.memory_limit)
    if options.starts is not None:
        limits = replace(limits, starts=tuple(chosen.vector(phi) for phi in options.starts(block)))
    levels = chosen.lowest(limits, checkpoint)
    energies = levels.energies[:states].copy()
    multiplicity = sum(alike(levels.energies[0], e) for e in levels.energies.tolist())
    kept = chosen.amplitudes(levels.vectors[:, : max(states, multiplicity)])
    stored = chosen.entries
    del chosen  # with its matrix
    for array in (energies, kept):
        array.setflags(write=False)
    certificate = Certifier(block).certify(energies, kept[: len(energies)], options.leaks)
    return Eigenstates(block, energies, certificate, kept, multiplicity, engine, stored, levels.matvecs)
