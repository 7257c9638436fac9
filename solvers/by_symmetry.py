"""The lowest levels of a sector found block by block, each with its quantum numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._core.arguments import taking
from ..hamiltonians import Block, Hamiltonian, Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.sector import check_sector
from .blocks import finest_blocks, time_reversed
from .certificate import Certificate
from .costs import check_memory, choose_engine, estimate_run, refuse
from .ground_state import checkpoint_of, hamiltonian_of, solved, with_error_bars
from .krylov.eigenpairs import is_degenerate
from .level_count import level_count
from .options import Options, read_options
from .results import Eigenstates, LabelledLevels
from .work import Progress, silent

__all__ = ["LabelledLevels", "levels_by_symmetry", "over_blocks"]


@taking(model=a_model, sector=a_sector, options=read_options)
def levels_by_symmetry(
    model: Model,
    sector: Sector | int,
    states: int | str = 1,
    options: Options | None = None,
    progress: Progress = silent,
    blocks: Sequence[Sector] | None = None,
) -> LabelledLevels:
    """Compute the lowest levels of a sector in the blocks of its spatial symmetries, and label each.

    Rings give momenta, with reflections at k = 0 and pi; other clusters the representations of their point group. A
    model without symmetry is one block. A block whose levels all lie above those wanted is given up as soon as that is
    certain. With a real Hamiltonian, one of two blocks related by time reversal is computed.

    Parameters
    ----------
    model : Model
        The Hamiltonian.
    sector : Sector or int
        N and S_z; a number stands for ``Sector(charge)``.
    states : int or "all"
        Levels wanted, counted with multiplicity.
    options : Options, optional
        How to solve each block.
    progress : Progress
        Called during the calculation.
    blocks : sequence of Sector, optional
        Blocks to search, as from `symmetry_sectors`; by default those of all symmetries that the model has.

    Returns
    -------
    LabelledLevels
        Energies [user's unit] with their blocks.

    Raises
    ------
    InvalidModel
        If the sector does not exist.
    MemoryError, ConvergenceError, CheckpointError
        As `ground_state` for one block.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> found = levels_by_symmetry(Model(ring(4), Electrons(hopping=1.0)), 1, states=3)
    >>> [(round(float(energy) + 1, 9), label.momentum) for energy, label in zip(found.energies, found.labels)]
    [(-1.0, 0), (1.0, 1), (1.0, 3)]
    """
    options = options or Options()
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    check_sector(model, sector)
    states = level_count(states, model, sector)

    def solve(model: Model, states: int, options: Options, progress: Progress) -> LabelledLevels:
        return over_blocks(model, sector, states, options, progress, blocks)

    def check(model: Model) -> None:
        need = estimate_run(model, sector, options.engine, states)
        refuse(model, sector, options.engine, states, options.memory_limit, need)

    return with_error_bars(model, sector, states, options, progress, solve, check)


def over_blocks(
    model: Model,
    sector: Sector,
    states: int,
    options: Options,
    progress: Progress = silent,
    blocks: Sequence[Sector] | None = None,
) -> LabelledLevels:
    """Search the blocks one after the other, for levels with the certificate that their own states give."""
    hamiltonian = hamiltonian_of(model, sector, options)
    checkpoint = checkpoint_of(hamiltonian, states, options)
    found: dict[Sector, Eigenstates] = {}
    done: set[Sector] = set()
    matvecs = 0
    for label in blocks or finest_blocks(hamiltonian.space, hamiltonian.operator):
        partner = time_reversed(label, model)
        if partner in found:
            levels = found[partner]  # the complex conjugate states, with the same energies
            found[label] = replace(levels, block=Block.of(hamiltonian, label), amplitudes=levels.amplitudes.conj())
        elif partner not in done:
            known = np.concatenate([np.full(states, np.inf), *(levels.energies for levels in found.values())])
            bar = min(options.wanted_below, float(np.sort(known)[states - 1]))
            checkpoint.enter(", ".join(f"{name} = {value}" for name, value in label.labels.items()))
            engine = choose_engine(model, label, options.engine)
            check_memory(model, label, engine, states, options.memory_limit)
            own = replace(options, wanted_below=bar)
            levels = solved(Block.of(hamiltonian, label), states, engine, own, progress, checkpoint)
            matvecs += levels.matvecs
            done.add(label)
            if len(levels.energies):
                found[label] = levels
    checkpoint.remove()
    return _merged(hamiltonian, found, states, matvecs)


def _merged(hamiltonian: Hamiltonian, found: dict[Sector, Eigenstates], states: int, matvecs: int) -> LabelledLevels:
    every = [(energy, b, n) for b, levels in enumerate(found.values()) for n, energy in enumerate(levels.energies)]
    energies, block, number = np.array(sorted(every)[:states]).reshape(-1, 3).T
    blocks, labels = tuple(found.values()), tuple(found)
    places = list(zip(block.astype(int), number.astype(int), strict=True))
    parts = [
        [getattr(blocks[b].certificate, name)[n] for b, n in places]
        for name in ("residuals", "leaks", "leak_energies", "energy_errors", "bounds")
    ]
    energies.setflags(write=False)
    certificate = Certificate(*(np.array(part, dtype=float) for part in parts))
    width = hamiltonian.level_width
    lowest = [levels for levels in blocks if is_degenerate(energies[0], levels.energies[0], width)]
    multiplicity = sum(levels.multiplicity for levels in lowest)
    found_in = tuple(labels[b] for b, _ in places)
    return LabelledLevels(energies, certificate, found_in, multiplicity, blocks, matvecs)
