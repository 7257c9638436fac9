"""Lowest states of a model in a sector, by the engine that suits its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..clusters import Card, InvalidIndex, Shown
from ..clusters.arguments import is_whole, shown, taking
from ..clusters.shown import quantity
from ..hamiltonians import Amplitudes, Block, Hamiltonian, Model, Sector
from ..hamiltonians.arguments import a_model, a_sector
from ..hamiltonians.sector import check_sector
from ..hamiltonians.symmetry import isometry, representatives_of
from .certificate import Certificate, Certifier
from .checkpoint import Checkpoint, beside, fingerprint
from .cutoff import is_automatic, settled
from .deflation import Matvec, Projection
from .estimate import check_memory, choose_engine
from .lanczos import SMALL, Levels, everything, lowest_levels, lowest_of, suits_lapack
from .level_count import level_count
from .level_table import level_table
from .options import Options, read_options
from .recursion import Progress, silent
from .three_terms import Recursion, by_quspin, fused

DEGENERATE = 1e-9
"""Levels closer than this times max(1, |E|) count as one."""


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
    if is_automatic(model):
        lowest, tried = partial(lowest_energy, sector=sector, options=options), partial(for_cap, options, model)
        return settled(model, sector, lambda m: ground_state(m, sector, states, tried(m), progress), lowest)
    engine, count = choose_engine(model, sector, options.engine), level_count(states, model, sector)
    check_memory(model, sector, engine, count, options.memory_limit)
    hamiltonian = Hamiltonian.of(model, sector)
    checkpoint = checkpoint_of(hamiltonian, count, options)
    levels = solved(Block.of(hamiltonian), count, engine, options, progress, checkpoint)
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
    multiplicity = int(sum(is_degenerate(levels.energies[0], e) for e in levels.energies)) if len(energies) else 0
    kept = amplitudes(levels.vectors[:, : max(states, multiplicity)])
    for array in (energies, kept):
        array.setflags(write=False)
    certificate = Certifier(block).certify(energies, kept[: len(energies)])
    stored = levels.vectors.shape[0]
    return Eigenstates(block, energies, certificate, kept, multiplicity, engine, stored, levels.matvecs)


def lowest_energy(model: Model, sector: Sector, options: Options) -> float:
    """Return the ground energy alone, without a certificate; infinity where the sector is empty."""
    engine = choose_engine(model, sector, options.engine)
    levels, _ = ENGINES[engine](Block.of(Hamiltonian.of(model, sector)), 1, options, silent, Checkpoint())
    return float(levels.energies[0]) if len(levels.energies) else np.inf


def is_degenerate(energy: float, other: float) -> bool:
    """True where two energies count as one level: closer than ``1e-9 max(1, |E|)``."""
    return abs(energy - other) <= DEGENERATE * max(1.0, abs(energy))


Stored = Callable[[NDArray[Any]], Amplitudes]
"""From the vectors of an engine, as columns, to stored amplitudes ``phi[level, row, p]``."""
Engine = Callable[[Block, int, Options, Progress, Checkpoint], tuple[Levels, Stored]]


def block_isometry(hamiltonian: Hamiltonian) -> sp.csr_array | None:
    """Return the isometry from the block of fixed momentum or reflection into the sector; None for the whole sector."""
    return _isometry(Block.of(hamiltonian))


def _isometry(block: Block) -> sp.csr_array | None:
    elements, size = block.elements, block.space.dimension
    return isometry(elements, representatives_of(elements, size), size) if elements else None


def _dense(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """Kronecker products of the factors, reduced by an explicit isometry, and LAPACK."""
    matrix, expand = block.hamiltonian.kept_matrix, _isometry(block)
    if expand is not None:
        matrix = sp.csr_array(expand.conj().T @ matrix @ expand)
    return lowest_of(matrix.toarray(), states, is_degenerate, options.wanted_below), _by_isometry(block, expand)


def _by_isometry(block: Block, expand: sp.csr_array | None) -> Stored:
    shape = block.space.shape

    def stored(columns: NDArray[Any]) -> Amplitudes:
        whole = (columns.T if expand is None else (expand @ columns).T).reshape(-1, *shape)
        return np.array([block.compress(psi) for psi in whole], whole.dtype).reshape(-1, *block.shape)

    return stored


def _quspin(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """The whole model in one QuSpin basis, its symmetry blocks through QuSpin's maps, and Lanczos."""
    hamiltonian, size = block.hamiltonian, block.space.dimension
    if not size:
        empty = np.zeros((0, 0), hamiltonian.dtype)
        return lowest_of(empty, states, is_degenerate), _by_isometry(block, None)
    real = all(abs(element.character.imag) < 1e-12 for element in block.elements)
    dtype, maps = hamiltonian.dtype if real else np.complex128, tuple(s.as_map() for s in block.symmetries)
    dressed = block.space.is_dressed  # QuSpin has no displacements: its basis, and the matrix from our factors
    basis, matrix = (hamiltonian.quspin_basis(maps), None) if dressed else hamiltonian.quspin(maps, dtype)
    order = _product_index(hamiltonian, basis.states)
    if block.elements:
        expand = isometry(block.elements, order, size)
    else:
        expand = sp.csr_array((np.ones(size), (order, np.arange(size))), shape=(size, size))
    if matrix is None:
        matrix = sp.csr_array(expand.conj().T @ hamiltonian.matrix() @ expand)

    if matrix.shape[0] > SMALL and suits_lapack(matrix.shape[0], states, options.memory_limit):
        levels = lowest_of(matrix.toarray(), states, is_degenerate, options.wanted_below)
        return levels, _by_isometry(block, expand)

    def product(v: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
        out[:] = matrix @ v
        return out

    how = (states, options, progress, checkpoint)
    levels = _searched(product, matrix.shape[0], dtype, *how, recursion=by_quspin)
    return levels, _by_isometry(block, expand)


def _tensor(
    block: Block, states: int, options: Options, progress: Progress, checkpoint: Checkpoint
) -> tuple[Levels, Stored]:
    """The factors applied on the fly, symmetry by orbit representatives of the charges, and Lanczos."""
    size = block.shape[0] * block.shape[1]
    if size <= SMALL or suits_lapack(size, states, options.memory_limit):
        return _dense(block, states, options, progress, checkpoint)
    energy = block.energy
    kind, space = energy.dtype.type, (energy.project, energy.dimension)
    levels = _searched(energy.image, energy.size, kind, states, options, progress, checkpoint, space)
    return levels, lambda columns: np.ascontiguousarray(columns.T).reshape(-1, *block.shape)


def _searched(
    product: Matvec,
    size: int,
    dtype: type,
    states: int,
    options: Options,
    progress: Progress,
    checkpoint: Checkpoint,
    space: tuple[Projection, int | None] = (everything, None),
    recursion: Recursion = fused,
) -> Levels:
    limits = (options.tolerance, options.seed, options.max_matvecs, is_degenerate)
    return lowest_levels(
        product,
        size,
        dtype,
        states,
        *limits,
        progress,
        *space,
        wanted_below=options.wanted_below,
        checkpoint=checkpoint,
        confirm=options.confirm,
        recursion=recursion,
    )


def _product_index(hamiltonian: Hamiltonian, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return ``e * phonon states + p`` of QuSpin's integers."""
    space = hamiltonian.space
    bits = np.uint64(space.charges.bits)
    charges = states & ((np.uint64(1) << bits) - np.uint64(1))
    width = int(space.phonons.max_quanta).bit_length()
    mask = np.uint64((1 << width) - 1)
    digits = [(states >> (bits + np.uint64(width * m))) & mask for m in range(space.phonons.modes)]
    occupations = np.array(digits, np.int64).reshape(space.phonons.modes, len(states)).T
    return space.charges.index(charges) * len(space.phonons) + space.phonons.index(occupations)


ENGINES: Mapping[str, Engine] = MappingProxyType({"dense": _dense, "quspin": _quspin, "tensor": _tensor})
