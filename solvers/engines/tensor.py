"""The tensor engine: the factors of H applied to amplitudes of orbit representatives; no matrix is stored."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import threads
from ...hamiltonians import hamiltonian_operator, kernels
from ...hamiltonians.conservation import frame_charge
from ...hamiltonians.space.charges import is_electrons_alone
from ...hamiltonians.space.frame import by_site, frame_parts
from ...hamiltonians.space.phonons import phonon_dimension
from ..block_size import STEPS, BlockSize
from ..krylov.eigenpairs import SMALL, suits_lapack
from ..krylov.memory import FIRST_CYCLE, KEPT_BYTES, STORED_BYTES
from ..krylov.operator import Matvec, Vector
from .base import Engine
from .dense import DenseEngine

if TYPE_CHECKING:
    from ...hamiltonians import Amplitudes, Block, Operator

SECONDS_PER_AMPLITUDE = 1.2e-9
"""Seconds that the recursion spends on its vectors, per amplitude and step."""
SECONDS_PER_HOP = 5.5e-10
"""Seconds per amplitude, product and matrix element of a row."""
SECONDS_PER_CONFIGURATION = 7e-6
"""Seconds to build the factors of H, per charge configuration."""
COUNTED_FROM = 1 << 24
"""Stored amplitudes of a block from which on random numbers are functions of their places."""
NO_ROWS: NDArray[np.int64] = np.zeros(0, np.int64)
SMALL_STEEP = 1000
"""Blocks up to this size go to LAPACK where the lattice is anharmonic: searches in so wide a spectrum are long."""
SORTED, ROW = 60, 700
"""Bytes for each charge configuration, sorted into its orbit, and for a row of the charge matrices of H."""
CLASSICAL = 1700
"""Bytes for each charge configuration while error bars are found from all charges in a classical lattice."""
ELECTRONS_HELD = 300
"""Bytes for each charge configuration of electrons alone: nothing is built, and observables take some."""


class TensorEngine(Engine):
    """H as a sum of products of a charge and a lattice matrix, acting on stored amplitudes."""

    name = "tensor"

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.energy = block.energy
        self.size, self.dtype = self.energy.size, self.energy.dtype
        if block.spins:
            self.kept_bytes = 0  # with electrons alone, products cost less than memory

    @classmethod
    def needs(cls, size: BlockSize) -> tuple[float, float]:
        """Return bytes and seconds of a search."""
        moving, ladders = size.entries
        spread, jumps = _spread_of_a_row(size)
        vector = size.bytes_per_amplitude * size.stored / size.ranks
        alone = is_electrons_alone(size.model, size.sector)
        kept = min(0 if alone else KEPT_BYTES, STEPS * vector) if FIRST_CYCLE * vector > STORED_BYTES else STORED_BYTES
        vectors = max(4 + size.states, 2 * size.states + 1) * vector + kept
        tables = size.phonons * (4 * size.operations + 24 * ladders + (4 + size.bytes_per_amplitude) * jumps)
        each = SECONDS_PER_AMPLITUDE + SECONDS_PER_HOP * (moving + ladders + spread)
        seconds = size.products * size.stored / size.ranks * each * (2 if size.is_complex else 1)
        if alone:
            return ELECTRONS_HELD * size.charges + vectors, seconds
        follows = spread > 0 or (size.model.phonons is not None and size.model.phonons.basis != "number")
        rows = size.charges if follows else size.charges / size.operations / size.ranks
        memory = SORTED * size.charges + ROW * rows + vectors + tables
        if size.model.modes:
            memory = max(memory, CLASSICAL * size.charges + size.states * vector)
        return memory, SECONDS_PER_CONFIGURATION * size.charges + seconds

    @classmethod
    def for_levels(cls, block: Block, states: int, memory_limit: int) -> Engine:
        """Return this engine, or LAPACK for small blocks and for many levels."""
        size = block.entries
        steep = "phonons.quartic" in block.space.model.active
        small = size <= (SMALL_STEEP if steep else SMALL) or suits_lapack(size, states, memory_limit)
        return DenseEngine(block) if small else cls(block)

    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out` and return it."""
        return self.energy.image(v, out)

    def project(self, v: Vector) -> None:
        """Project amplitudes, in place, onto those that the symmetry allows."""
        self.energy.project(v)

    def random(self, generator: np.random.Generator) -> Vector:
        """Return a vector of independent standard normal numbers, real and imaginary parts of complex ones.

        In a large block each number is a function of its row and its phonon state.
        """
        if self.block.entries < COUNTED_FROM:
            return self.drawn(generator)
        vector: Vector = np.empty(self.size, self.dtype)
        parts = 2 if self.dtype.kind == "c" else 1
        keys = generator.integers(0, 1 << 64, parts, np.uint64)
        share = self.block.share
        with threads.kernel_threads_for(self.size):
            numbers = vector.view(np.float64).reshape(*self.block.shape, parts)
            kernels.random_numbers.normal_numbers(numbers, share.own if share else NO_ROWS, keys)
        return vector

    def acting(self, operator: Operator) -> Matvec:
        """Return the product with another operator that has the symmetry of the block."""
        stored, shape = self.block.operator(operator, self.dtype), self.block.shape

        def act(v: Vector, out: Vector) -> Vector:
            stored.apply(v.reshape(shape), out.reshape(shape))
            return out

        return act

    def vector(self, phi: Amplitudes) -> Vector:
        """Return stored amplitudes as a vector."""
        return np.asarray(phi).ravel()

    def amplitudes(self, columns: Vector) -> NDArray[Any]:
        """Return stored amplitudes ``phi[k, row, p]`` of vectors, given as columns."""
        return np.ascontiguousarray(columns.T).reshape(-1, *self.block.shape)


def _spread_of_a_row(size: BlockSize) -> tuple[float, float]:
    """Return expected matrix elements of a row from lattice displacements that follow the charges, and their tables.

    A charge that moves shifts the modes of its sites, and each of them to any number of phonons.
    """
    model = size.model
    shares: defaultdict[tuple[tuple[int, float], ...], float] = defaultdict(float)
    electron, boson = by_site(frame_parts(model, frame_charge(model, size.sector)))
    if model.phonons is None or not (np.any(electron) or np.any(boson)):
        return 0.0, 0.0
    follows = {"c": electron, "b": boson}
    for charge, _ in hamiltonian_operator(model).terms:
        jump: defaultdict[int, float] = defaultdict(float)
        for symbol, index in charge:
            if symbol not in ("nup", "ndn", "nb"):
                for m in np.flatnonzero(follows[symbol[0]][index % len(electron)]).tolist():
                    jump[m] += (1 if "+" in symbol else -1) * follows[symbol[0]][index % len(electron), m]
        steps = sum(symbol not in ("nup", "ndn", "nb") for symbol, _ in charge)
        if moved := tuple(sorted((m, round(beta, 12)) for m, beta in jump.items() if abs(beta) > 1e-12)):
            shares[moved] += 0.25 ** (steps / 2) * 0.5 ** (len(charge) - steps)
    caps = model.phonons.max_quanta, model.phonons.total_quanta
    widths = {jump: phonon_dimension(len(jump), *caps) for jump in shares}
    return sum(min(1.0, share) * widths[jump] for jump, share in shares.items()), float(sum(widths.values()))
