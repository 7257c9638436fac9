"""The QuSpin engine: the whole model in one QuSpin basis, symmetry blocks by QuSpin's maps, and QuSpin's recursion."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ...hamiltonians import Block, Hamiltonian, Model
from ...hamiltonians.space.quspin_maps import MAX_BITS
from ...hamiltonians.symmetry.group import isometry
from ..block_size import BlockSize, DoesNotFit
from ..krylov.eigenpairs import SMALL, suits_lapack
from ..krylov.operator import TINY, Matvec, Vector, add
from .base import Engine
from .dense import DenseEngine

BYTES_PER_ENTRY = {False: 12, True: 20}
"""CSR bytes per matrix element, real and complex."""
BUILDING = 2.2
"""A CSR matrix takes this many times its size while it is built."""
SECONDS_PER_ENTRY = 2e-7
"""Seconds to build one matrix element."""
SECONDS_PER_PRODUCT = 1e-9
"""Seconds per matrix element and product."""
SECONDS_PER_AMPLITUDE = 2.5e-9
"""Seconds that the recursion spends on its vectors, per amplitude and step."""


class QuspinEngine(Engine):
    """A sparse matrix built by QuSpin."""

    name = "quspin"

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        hamiltonian, size = block.hamiltonian, block.space.dimension
        real = all(abs(element.character.imag) < 1e-12 for element in block.elements)
        dtype, maps = (
            hamiltonian.dtype if real else np.complex128,
            tuple(s.as_map(block.space.charges.levels) for s in block.symmetries),
        )
        if block.space.is_dressed:  # QuSpin has no displacements: its basis, and the matrix from our factors
            states, matrix = hamiltonian.quspin_basis(maps).states, None
        else:
            basis, matrix = hamiltonian.quspin(maps, dtype)
            states = basis.states
        order = product_index(hamiltonian, states)
        if block.elements:
            self.basis = isometry(block.elements, order, size)
        else:
            self.basis = sp.csr_array((np.ones(size), (order, np.arange(size))), shape=(size, size))
        if matrix is None:
            matrix = sp.csr_array(self.basis.conj().T @ hamiltonian.matrix() @ self.basis)
        self.matrix, self.size, self.dtype = matrix, matrix.shape[0], np.dtype(dtype)

    @classmethod
    def needs(cls, size: BlockSize) -> tuple[float, float]:
        """Return bytes and seconds to build the matrix and to search."""
        entries = size.stored * (1 + sum(size.entries))
        matrix = BUILDING * BYTES_PER_ENTRY[size.is_complex] * entries
        vectors = (6 + 2 * size.states) * size.bytes_per_amplitude * size.stored + 80 * size.charges * size.phonons
        step = SECONDS_PER_PRODUCT * entries + SECONDS_PER_AMPLITUDE * size.stored
        return matrix + vectors, SECONDS_PER_ENTRY * entries + size.products * step

    @classmethod
    def check(cls, model: Model) -> None:
        """Raise MemoryError if a state does not fit into one 64-bit integer."""
        table = model.phonons
        caps = [cap for cap in (table.max_quanta, table.total_quanta) if cap is not None] if table else [0]
        width = int(min(caps)).bit_length()
        bits = 2 * model.cluster.sites + model.most_bosons * len(model.boson_sites) + len(model.modes) * width
        if bits > MAX_BITS:
            raise DoesNotFit(
                f"a state needs {bits} bits ({len(model.modes)} modes of {width} bits each), and the quspin engine has "
                f"{MAX_BITS}; lower phonons.max_quanta or phonons.total_quanta"
            )

    @classmethod
    def for_levels(cls, block: Block, states: int, memory_limit: int) -> Engine:
        """Return this engine, or LAPACK for an empty sector and for many levels."""
        if not block.space.dimension:
            return DenseEngine(block)
        engine = cls(block)
        if engine.size > SMALL and suits_lapack(engine.size, states, memory_limit):
            return DenseEngine(block, engine.basis, engine.matrix)
        return engine

    def product(self, v: Vector, out: Vector) -> Vector:
        """Write ``H v`` to `out` and return it."""
        out[:] = self.matrix @ v
        return out

    def step(
        self,
        product: Matvec,
        before: Vector,
        now: Vector,
        back: float,
        image: Vector,
        known: tuple[float, float] | None = None,
    ) -> tuple[float, float]:
        """Take one step of QuSpin's recursion; see `HermitianOperator.step`.

        QuSpin leaves what is to become the next vector in the array to which it had ``H q_k`` written.
        """
        from quspin.tools.lanczos import lanczos_full

        if self.size < 2:
            return super().step(product, before, now, back, image, known)
        shifted = _Shifted(product, before, back, now.dtype)
        (a,), _, _ = lanczos_full(shifted, now, 1, out=image[None], eps=0.0)
        b = self.norm(shifted.rest)
        np.multiply(shifted.rest, 1.0 / b if b >= TINY else 0.0, out=before)
        return float(a), b


class _Shifted:
    """``H q_k - b_{k-1} q_{k-1}`` as the product that QuSpin asks for; `rest` is the array to which it was written."""

    def __init__(self, product: Matvec, before: Vector, back: float, dtype: np.dtype[Any]) -> None:
        self.product, self.before, self.back, self.dtype = product, before, back, dtype

    def dot(self, q: Vector, out: Vector) -> Vector:
        self.rest = self.product(q, out)
        if self.back:
            add(np.array([-self.back]), self.before[None], out)
        return out


def product_index(hamiltonian: Hamiltonian, states: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return ``e * phonon states + p`` of QuSpin's integers."""
    space = hamiltonian.space
    bits = np.uint64(space.charges.bits)
    charges = states & ((np.uint64(1) << bits) - np.uint64(1))
    width = int(space.phonons.max_quanta).bit_length()
    mask = np.uint64((1 << width) - 1)
    digits = [(states >> (bits + np.uint64(width * m))) & mask for m in range(space.phonons.modes)]
    occupations = np.array(digits, np.int64).reshape(space.phonons.modes, len(states)).T
    return space.charges.index(charges) * len(space.phonons) + space.phonons.index(occupations)
