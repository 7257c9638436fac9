"""The lowest levels of a sector found block by block, each with its quantum numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import is_whole, shown, taking
from .._core.display import counted
from ..clusters import Card, InvalidIndex, Shown
from ..hamiltonians import Block, Hamiltonian, Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.sector import check_sector
from .blocks import finest_blocks, time_reversed
from .certificate import Certificate
from .checkpoint import Checkpoint
from .costs import check_memory, choose_engine, estimate_run, refuse
from .cutoff import cap_in_words, is_automatic, settled
from .ground_state import (
    Eigenstates,
    State,
    checkpoint_of,
    for_cap,
    for_comparison,
    is_degenerate,
    solved,
)
from .krylov.search import Progress, announce, silent
from .larger_space import error_bars
from .level_count import level_count
from .level_table import level_table
from .options import Options, read_options


@dataclass(frozen=True, repr=False)
class LabelledLevels(Shown):
    """Lowest levels of a sector over all its symmetry blocks.

    Attributes
    ----------
    energies : (k,) float
        Ascending, with multiplicity, in the user's unit.
    certificate : Certificate
        Residuals, leaks and error bars of these levels.
    labels : tuple of Sector
        The block in which each level lies.
    multiplicity : int
        Number of states in the ground level, over all blocks.
    blocks : tuple of Eigenstates
        What was found in each block that does not begin above the levels wanted.
    matvecs : int
        Products with H in all blocks together.
    """

    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    labels: tuple[Sector, ...]
    multiplicity: int
    blocks: tuple[Eigenstates, ...] = field(repr=False)
    matvecs: int

    def card(self) -> Card:
        """Return the levels to the digits that their error bars support, with their quantum numbers."""
        how = f"{counted(len(self.blocks), 'symmetry block')}, {self.matvecs:,} products with H"
        shown = (self.energies, self.certificate, self.labels, self.multiplicity, how)
        return level_table(self.blocks[0].block.space, *shown)

    @property
    def ground(self) -> State:
        """The ground level: a pure state, or the even mixture of a multiplet that may spread over several blocks."""
        shares = [levels.multiplicity / self.multiplicity for levels in self.lowest]
        parts = [levels.ground for levels in self.lowest]
        first, *others = (replace(p, weights=share * p.weights) for p, share in zip(parts, shares, strict=True))
        return replace(first, others=tuple(others))

    def level(self, number: int) -> State:
        """Return one eigenstate as a pure state, in its block."""
        if not is_whole(number) or not 0 <= number < len(self.energies):
            last = len(self.energies) - 1
            raise InvalidIndex(f"level {shown(number)} was not computed; there are levels 0 to {last}")
        places = sorted((e, b, n) for b, levels in enumerate(self.blocks) for n, e in enumerate(levels.energies))
        _, block, own = places[int(number)]
        return self.blocks[block].level(own)

    @property
    def lowest(self) -> tuple[Eigenstates, ...]:
        """The blocks in which the ground level lies."""
        width = self.hamiltonian.level_width
        return tuple(levels for levels in self.blocks if is_degenerate(self.energies[0], levels.energies[0], width))

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.blocks[0].hamiltonian

    @property
    def stored(self) -> int:
        """Amplitudes kept for one state in the largest of these blocks."""
        return max(levels.stored for levels in self.blocks)


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
    model without symmetry is one block. Blocks that begin above the levels wanted are left as soon as that is sure;
    with a real Hamiltonian, of two blocks that time reversal exchanges one is computed.

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
        Called as the solver goes on.
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
    if is_automatic(model):
        asked = model

        def tried(m: Model, count: int) -> LabelledLevels:
            announce(progress, cap_in_words(m, sector))
            return over_blocks(m, sector, count, for_cap(options, asked, m), progress, blocks)

        def check(m: Model) -> None:
            need = estimate_run(m, sector, options.engine, states)
            refuse(m, sector, options.engine, states, options.memory_limit, need)

        found, bars = settled(model, sector, states, tried, check)
    else:
        bars = None
        found = over_blocks(model, sector, states, options, progress, blocks)
    if bars is not None:
        return replace(found, certificate=replace(found.certificate, energy_errors=bars))
    if not len(found.energies):
        return found
    count, compared = len(found.energies), for_comparison(options)
    bars = error_bars(
        found.hamiltonian, found, lambda m: over_blocks(m, sector, count, compared, blocks=blocks)
    )
    return replace(found, certificate=replace(found.certificate, energy_errors=bars))


def over_blocks(
    model: Model,
    sector: Sector,
    states: int,
    options: Options,
    progress: Progress = silent,
    blocks: Sequence[Sector] | None = None,
) -> LabelledLevels:
    """Search the blocks one after the other, for levels with the certificate that their own states give."""
    hamiltonian = Hamiltonian.of(model, sector)
    checkpoint = checkpoint_of(hamiltonian, states, options)
    found: dict[Sector, Eigenstates] = {}
    done: set[Sector] = set()
    matvecs = 0
    for label in blocks or finest_blocks(hamiltonian.space, hamiltonian.operator):
        partner = time_reversed(label, model)
        if partner in found:
            found[label] = _conjugate(found[partner], Block.of(hamiltonian, label))
        elif partner not in done:
            bar = min(options.wanted_below, _highest(found, states))
            checkpoint.enter(", ".join(f"{name} = {value}" for name, value in label.labels.items()))
            block = Block.of(hamiltonian, label)
            levels = _solved(block, states, replace(options, wanted_below=bar), progress, checkpoint)
            matvecs += levels.matvecs
            done.add(label)
            if len(levels.energies):
                found[label] = levels
    checkpoint.remove()
    return _merged(hamiltonian, found, states, matvecs)


def _highest(found: dict[Sector, Eigenstates], states: int) -> float:
    """Return the energy of the last of the lowest `states` levels found so far; infinity while there are fewer."""
    energies = np.concatenate([np.full(states, np.inf), *(levels.energies for levels in found.values())])
    return float(np.sort(energies)[states - 1])


def _solved(block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint) -> Eigenstates:
    engine = choose_engine(block.space.model, block.sector, options.engine)
    check_memory(block.space.model, block.sector, engine, states, options.memory_limit)
    return solved(block, states, engine, options, progress, checkpoint)


def _conjugate(levels: Eigenstates, block: Block) -> Eigenstates:
    """Return the complex conjugate states, which lie in another block with the same energies."""
    return replace(levels, block=block, amplitudes=levels.amplitudes.conj())


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
