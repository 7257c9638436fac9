"""The eight-site square with pairs and phonons: what its symmetry saves.

Amplitudes stored, memory of a vector, and time of a product with H in the tensor engine, for the whole sector, for the
translations, and for all symmetries (momentum, representation of the point group, spin flip).

    python benchmarks/lattices.py [total_quanta]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from respair.clusters import square
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector

BLOCKS = {
    "whole sector": Sector(8, 0),
    "momentum": Sector(8, 0, momentum=(0, 0)),
    "momentum, irrep": Sector(8, 0, momentum=(0, 0), irrep="A1"),
    "momentum, irrep, spin flip": Sector(8, 0, momentum=(0, 0), irrep="A1", spin_flip=1),
}


def main(quanta: int) -> None:
    """Print a line for each block."""
    phonons = Phonons(frequency=1.0, boson_coupling=0.5, total_quanta=quanta)
    pairs = Bosons(level=-0.5, exchange=0.5)
    model = Model(square(supercell=[[2, 2], [-2, 2]]), Electrons(hopping=1.0, hubbard_u=1.0), pairs, phonons)
    hamiltonian = Hamiltonian.of(model, Sector(8, 0))
    print(f"{'block':28}{'amplitudes':>14}{'fewer':>8}{'vector':>12}{'product':>12}")
    whole = 0
    for name, sector in BLOCKS.items():
        block = Block.of(hamiltonian, sector)
        energy = block.energy
        whole = whole or energy.size
        v = np.random.default_rng(0).standard_normal(energy.size).astype(energy.dtype)
        out = np.empty_like(v)
        energy.image(v, out)
        start = time.perf_counter()
        energy.image(v, out)
        seconds = time.perf_counter() - start
        size, memory = energy.size, v.nbytes / 2**20
        print(f"{name:28}{size:14,}{whole / size:8.1f}{memory:8.1f} MiB{1e3 * seconds:9.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
