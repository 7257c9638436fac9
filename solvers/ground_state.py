"""Lowest states of a model in a sector, by the engine that suits its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import is_whole, shown, taking
from .._core.display import quantity
from ..clusters import Card, InvalidIndex, Shown
from ..hamiltonians import Amplitudes, Block, Hamiltonian, Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.sector import check_sector
from .certificate import Certificate, Certifier
from .checkpoint import Checkpoint, beside, fingerprint
from .costs import check_memory, choose_engine
from .cutoff import cap_in_words, is_automatic, settled
from .engines import ENGINES, block_isometry, is_degenerate
from .krylov.search import Progress, announce, silent
from .larger_space import error_bars
from .level_count import level_count
from .level_table import level_table
from .options import Options, read_options


@dataclass(frozen=True, repr=False)
class State(Shown):
    """A normalised mixture of pure states of one sector.

    Attributes
    ----------
    block : Block
        What the amplitudes mean.
    amplitudes : (k, rows, phonon states)
        Orthonormal stored amplitudes ``phi[row, p]``, read-only.
    weights : (k,) float
        Probabilities; with those of `others` they add up to one.
    others : tuple of State
        Parts of the mixture that lie in other blocks of the same (N, S_z) sector.
    """

    block: Block = field(repr=False)
    amplitudes: Amplitudes = field(repr=False)
    weights: NDArray[np.float64]
    others: tuple[State, ...] = field(default=(), repr=False)

    def card(self) -> Card:
        """Return how many pure states it mixes, with which weights, and where they lie."""
        kind = "pure state" if sum(len(part.weights) for part in self.parts) == 1 else "mixture of states"
        rows = [(quantity(weight), part.block.sector.markup) for part in self.parts for weight in part.weights.tolist()]
        return Card(f"{kind} in a sector of {self.block.space.size}", rows, ("weight", "sector"))

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.block.hamiltonian

    @property
    def vectors(self) -> Amplitudes:
        """Amplitudes ``psi[k, e, p]`` of all states of the sector, for the part in the block."""
        return _expanded(self.block, self.amplitudes)

    @property
    def parts(self) -> tuple[State, ...]:
        """The mixture, block by block."""
        return (replace(self, others=()), *self.others)

    @property
    def mixture(self) -> Iterator[tuple[float, Amplitudes]]:
        """Yield (weight, stored amplitudes) of each pure state in the block."""
        return zip(self.weights.tolist(), self.amplitudes, strict=True)


@dataclass(frozen=True, repr=False)
class Eigenstates(Shown):
    """Lowest levels of a sector with their certificates.

    Attributes
    ----------
    block : Block
        What the amplitudes mean.
    energies : (k,) float
        Ascending, with multiplicity, in the user's unit.
    certificate : Certificate
        Residuals, leaks and error bars of these levels.
    amplitudes : (m, rows, phonon states)
        Stored amplitudes of the levels, m >= k: the whole ground multiplet is there.
    multiplicity : int
        Number of states in the ground level.
    engine : str
        Engine that found them.
    stored : int
        Amplitudes kept for one state after symmetry.
    matvecs : int
        Products with H; 0 for dense diagonalization.
    """

    block: Block = field(repr=False)
    energies: NDArray[np.float64]
    certificate: Certificate = field(repr=False)
    amplitudes: Amplitudes = field(repr=False)
    multiplicity: int
    engine: str
    stored: int
    matvecs: int

    @property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""
        return self.block.hamiltonian

    def card(self) -> Card:
        """Return the levels to the digits that their error bars support."""
        how = f"engine {self.engine}, {self.stored:,} amplitudes stored, {self.matvecs:,} products with H"
        shown = (self.energies, self.certificate, self.labels, self.multiplicity, how)
        return level_table(self.block.space, *shown)

    @property
    def labels(self) -> tuple[Sector, ...]:
        """The sector of each level, with its spatial quantum numbers."""
        return (self.block.sector,) * len(self.energies)

    @property
    def vectors(self) -> Amplitudes:
        """Amplitudes ``psi[level, e, p]`` of all states of the sector."""
        return _expanded(self.block, self.amplitudes)

    @property
    def ground(self) -> State:
        """The ground level: a pure state, or the even mixture of a degenerate multiplet."""
        count = self.multiplicity
        return State(self.block, self.amplitudes[:count], np.full(count, 1.0 / count))

    def level(self, number: int) -> State:
        """Return one eigenstate as a pure state."""
        if not is_whole(number) or not 0 <= number < len(self.amplitudes):
            last = len(self.amplitudes) - 1
            raise InvalidIndex(f"level {shown(number)} was not computed; there are levels 0 to {last}")
        return State(self.block, self.amplitudes[int(number)][None], np.ones(1))


def _expanded(block: Block, amplitudes: Amplitudes) -> Amplitudes:
    return np.array([block.expand(phi) for phi in amplitudes], amplitudes.dtype).reshape(-1, *block.space.shape)


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
        Called as the solver goes on.

    Returns
    -------
    Eigenstates
        Energies [user's unit], states and certificate.

    Raises
    ------
    InvalidModel
        If the sector does not exist or the model lacks its symmetry.
    MemoryError
        If the run would not fit `options.memory_limit`; nothing was computed then.
    ConvergenceError
        If Lanczos gave up, with the residual reached.
    CutoffError
        If the model has ``cutoff = "auto"`` and no affordable one reaches the accuracy.
    CheckpointError
        If `options.checkpoint` is there and torn, damaged or of another calculation; it is left alone.

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
    if is_automatic(model):
        asked = model

        def tried(m: Model, count: int) -> Eigenstates:
            announce(progress, cap_in_words(m, sector))
            return lowest_of_block(m, sector, count, for_cap(options, asked, m), progress)

        engine, limit = options.engine, options.memory_limit
        levels, bars = settled(model, sector, states, tried, lambda m: check_memory(m, sector, engine, states, limit))
    else:
        bars = None
        levels = lowest_of_block(model, sector, states, options, progress)
    if bars is not None:
        return replace(levels, certificate=replace(levels.certificate, energy_errors=bars))
    if not len(levels.energies):
        return levels
    count, compared = len(levels.energies), for_comparison(options)
    bars = error_bars(levels.hamiltonian, levels, lambda m: lowest_of_block(m, sector, count, compared))
    return replace(levels, certificate=replace(levels.certificate, energy_errors=bars))


def for_comparison(options: Options) -> Options:
    """Return options for levels that only judge others."""
    return replace(options, engine="auto", checkpoint=None, wanted_below=np.inf)


def lowest_of_block(
    model: Model, sector: Sector, states: int, options: Options, progress: Progress = silent
) -> Eigenstates:
    """Return the lowest levels of a block with the certificate that their own states give."""
    engine = choose_engine(model, sector, options.engine)
    check_memory(model, sector, engine, states, options.memory_limit)
    hamiltonian = Hamiltonian.of(model, sector)
    checkpoint = checkpoint_of(hamiltonian, states, options)
    levels = solved(Block.of(hamiltonian), states, engine, options, progress, checkpoint)
    checkpoint.remove()
    return levels


def for_cap(options: Options, asked: Model, model: Model) -> Options:
    """Return options for one of the caps that are tried for a model, each with a checkpoint of its own."""
    if asked.phonons is None or asked.phonons.cutoff is None or model.phonons is None:
        return options
    return replace(options, checkpoint=beside(options.checkpoint, f"{model.phonons.total_quanta}-quanta"))


def checkpoint_of(hamiltonian: Hamiltonian, states: int, options: Options) -> Checkpoint:
    """Open the checkpoint of a calculation.

    Raises
    ------
    CheckpointError
        If it is there and cannot be used.
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
    return Checkpoint(Path(options.checkpoint), options.checkpoint_interval, about)


def solved(
    block: Block, states: int, engine: str, options: Options, progress: Progress, checkpoint: Checkpoint
) -> Eigenstates:
    """Return the lowest levels of a block by one engine, with their certificate; see `ground_state`."""
    levels, amplitudes = ENGINES[engine](block, states, options, progress, checkpoint)
    energies = levels.energies[:states].copy()
    width = block.hamiltonian.level_width
    multiplicity = sum(is_degenerate(levels.energies[0], e, width) for e in levels.energies.tolist())
    kept = amplitudes(levels.vectors[:, : max(states, multiplicity)])
    for array in (energies, kept):
        array.setflags(write=False)
    certificate = Certifier(block).certify(energies, kept[: len(energies)])
    stored = levels.vectors.shape[0]
    return Eigenstates(block, energies, certificate, kept, multiplicity, engine, stored, levels.matvecs)


__all__ = [
    "Eigenstates",
    "State",
    "block_isometry",
    "checkpoint_of",
    "for_cap",
    "for_comparison",
    "ground_state",
    "is_degenerate",
    "lowest_of_block",
    "solved",
]
