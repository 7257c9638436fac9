"""The eight-site square with pairs and phonons: gain from its symmetries, and comparison with QuSpin.

Amplitudes stored, time of the set-up and of the search for the ground level without its error bar, and peak memory of
the process (each block in a process of its own), for the whole sector, for the translations, and for all symmetries
(momentum, representation of the point group, spin flip). Then the electrons alone, half filled, here and in QuSpin with
its two translations, as blocks with k = 0.

    python benchmarks/lattices.py [total_quanta]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

from respair.clusters import square
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers import Options
from respair.solvers.ground_state import lowest_of_block

BLOCKS = {
    "whole sector": Sector(8, 0),
    "momentum": Sector(8, 0, momentum=(0, 0)),
    "momentum, irrep": Sector(8, 0, momentum=(0, 0), irrep="A1"),
    "momentum, irrep, spin flip": Sector(8, 0, momentum=(0, 0), irrep="A1", spin_flip=1),
}
ELECTRONS = "electrons alone, momentum"
QUSPIN = "the same in QuSpin"
SUPERCELL = [[2, 2], [-2, 2]]


def model_of(quanta: int) -> Model:
    """Return a model with electrons, pairs and an oscillator on each site."""
    phonons = Phonons(frequency=1.0, boson_coupling=0.5, total_quanta=quanta)
    return Model(square(supercell=SUPERCELL), Electrons(1.0, hubbard_u=1.0), Bosons(-0.5, exchange=0.5), phonons)


def block(name: str, quanta: int) -> tuple[int, float, float, float]:
    """Return amplitudes, ground energy, and the seconds of set-up and search of a block."""
    alone = Model(square(supercell=SUPERCELL), Electrons(1.0, hubbard_u=4.0))
    model, sector = (alone, BLOCKS["momentum"]) if name == ELECTRONS else (model_of(quanta), BLOCKS[name])
    start = time.perf_counter()
    stored = Block.of(Hamiltonian.of(model, sector), sector).energy.size
    made = time.perf_counter()
    options = Options(engine="tensor", memory_limit=8 * 2**30)
    found = lowest_of_block(model, sector, 1, options)  # without error bars, which cost the same in all blocks
    return stored, float(found.energies[0]), made - start, time.perf_counter() - made


def by_quspin() -> tuple[int, float, float, float]:
    """Return the same for the half-filled electrons in QuSpin's basis with the translations of the cluster, U = 4."""
    from quspin.basis import spinful_fermion_basis_general
    from quspin.operators import hamiltonian

    cluster = square(supercell=SUPERCELL)
    turns = {f"k{i}": (list(turn.sites), 0) for i, turn in enumerate(cluster.translations)}
    start = time.perf_counter()
    basis = spinful_fermion_basis_general(8, Nf=(4, 4), **turns)
    hops = [[-1.0, *ends] for b in cluster.bonds for ends in ((b.start, b.end), (b.end, b.start))]
    static = [["+-|", hops], ["|+-", hops], ["n|n", [[4.0, i, i] for i in range(8)]]]
    h = hamiltonian(static, [], basis=basis, dtype=np.float64, check_symm=False, check_herm=False, check_pcon=False)
    made = time.perf_counter()
    energy = float(h.eigsh(k=1, which="SA", return_eigenvectors=False)[0])
    return basis.Ns, energy, made - start, time.perf_counter() - made


def main(quanta: int) -> None:
    """Print a line for each block."""
    columns = ("amplitudes", "fewer", "energy", "set-up", "search", "peak")
    print(f"{'block':28}" + "".join(f"{column:>13}" for column in columns))
    whole = 0
    for name in (*BLOCKS, ELECTRONS, QUSPIN):
        told = subprocess.run([sys.executable, __file__, name, str(quanta)], capture_output=True, text=True, check=True)
        size, energy, built, searched, peak = map(float, told.stdout.split())
        whole = whole or int(size)
        fewer = f"{whole / size:.1f}" if name in BLOCKS else ""
        line = f"{int(size):13,}{fewer:>13}{energy:13.6f}{built:11.2f} s{searched:11.2f} s{peak:9.0f} MiB"
        print(f"{name:28}{line}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        asked, cap = sys.argv[1], int(sys.argv[2])
        values = by_quspin() if asked == QUSPIN else block(asked, cap)
        print(*values, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
