"""Cost of matrix elements that change several quanta: time of a product with H per matrix element.

Model: ring of 6, half filling, t = 1, U = 1, omega0 = 1, with a cutoff in total or per mode. Cases alternate, and the
shortest CPU time of many products counts. The ratio is relative to the linear coupling alone.

Usage: NUMBA_NUM_THREADS=1 python benchmarks/several_quanta.py
"""

import time

import numpy as np

from respair import Electrons, Model, Phonons, Sector, ring
from respair.hamiltonians import Block, Hamiltonian

LINEAR = {"electron_coupling": 0.5}
CASES = {
    "linear": LINEAR,
    "quadratic": {"quadratic": 0.2},
    "electron_quadratic": {"electron_quadratic": 0.2},
    "linear, electron_quadratic": LINEAR | {"electron_quadratic": 0.2},
    "quartic": {"quartic": 0.05},
    "linear, cubic, quartic": LINEAR | {"cubic": 0.02, "quartic": 0.05},
    "linear, springs": LINEAR | {"spring": 0.1},
    "all": LINEAR | {"electron_quadratic": 0.2, "cubic": 0.02, "quartic": 0.05, "spring": 0.1, "hopping": 0.05},
}
CAPS = ({"total_quanta": 7}, {"max_quanta": 3})
PRODUCTS = 60


def prepared(couplings: dict, cap: dict):
    model = Model(ring(6), Electrons(1.0, hubbard_u=1.0), phonons=Phonons(1.0, **couplings, **cap))
    hamiltonian = Hamiltonian.of(model, Sector(6))
    block, states = Block.of(hamiltonian), len(hamiltonian.space.phonons)
    pairs = zip(hamiltonian.factors, hamiltonian.lattice, strict=True)
    entries = sum(f.charges.nnz * (states if f.is_identity else lattice.nnz) for f, lattice in pairs)
    phi = np.random.default_rng(0).standard_normal(block.shape)
    block.energy.apply(phi)
    return block.energy, phi, entries


def main() -> None:
    for cap in CAPS:
        ready = {name: prepared(couplings, cap) for name, couplings in CASES.items()}
        times = dict.fromkeys(ready, np.inf)
        for _ in range(PRODUCTS):
            for name, (energy, phi, _) in ready.items():
                begin = time.process_time()
                energy.apply(phi)
                times[name] = min(times[name], time.process_time() - begin)
        first = times["linear"] / ready["linear"][2]
        for name, (_, _, entries) in ready.items():
            each = times[name] / entries
            print(f"{cap} {name:28s} {entries:.2e} entries, {1e9 * each:.2f} ns each, ratio {each / first:.2f}")


if __name__ == "__main__":
    main()
