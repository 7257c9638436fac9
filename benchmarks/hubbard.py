"""Hubbard clusters: respair against a few lines of SciPy.

Model: open chains and open rectangles, t = 1, U = 8, half filling (one more up electron where it is odd).

SciPy: matrices of the hops of each spin on its configurations, `kron` with the identity, the diagonal, and
`scipy.sparse.linalg.eigsh` with k = 1 and its default tolerance; "SciPy, no kron" gives `eigsh` a `LinearOperator`
that multiplies an array psi[up, down] with the two small matrices instead. respair finds the lowest level to a residual
below 1e-10, confirms that it is the lowest and that the multiplet is complete, and certifies it; "symmetric" is
the same in the block of the ground state (a parity of the chain, A1 of the rectangle). Energies must agree to 1e-9.

Each row runs in a fresh process, one way after the other and all of them `--rounds` times; the shortest time counts.
Wall time from the model to the energy, imports excluded, kernels loaded by a small cluster before the clock starts;
CPU time of all threads; peak memory of the whole process with Python and libraries.

Usage: python benchmarks/hubbard.py [--rounds N] [CLUSTER ...]; clusters are written as 11 or 4x3.
"""

import argparse
import time

from fresh import describe, header, line, row_of, serve

HUBBARD_U = 8.0
CLUSTERS = ("11", "4x3")
BLOCKS = {1: {"reflection": -1}, 3: {"irrep": "A1"}}
"""The block of the ground state, by the number of rows."""


def size(cluster: str) -> tuple[int, int]:
    columns, _, rows = cluster.partition("x")
    return int(columns), int(rows or 1)


def hops(columns: int, rows: int, electrons: int):
    """Return the hops of the electrons of one spin, and their occupations."""
    from itertools import combinations

    import numpy as np
    import scipy.sparse as sp

    sites = columns * rows
    bonds = [(i, i + 1) for i in range(sites) if (i + 1) % columns] + [(i, i + columns) for i in range(sites - columns)]
    states = [sum(1 << i for i in places) for places in combinations(range(sites), electrons)]
    number = {state: n for n, state in enumerate(states)}
    entries = []
    for state in states:
        for i, j in bonds:
            if (state >> i ^ state >> j) & 1:
                between = (state >> (i + 1) & ((1 << (j - i - 1)) - 1)).bit_count()
                entries.append((-((-1.0) ** between), number[state ^ (1 << i) ^ (1 << j)], number[state]))
    value, row, column = zip(*entries, strict=True)
    occupied = np.array([[state >> i & 1 for i in range(sites)] for state in states], float)
    return sp.csr_array((value, (row, column)), shape=(len(states),) * 2), occupied


def solved_by_scipy(cluster: str, kron: bool) -> dict:
    import numpy as np
    import scipy.sparse as sp
    import scipy.sparse.linalg as spla

    started, cpu = time.perf_counter(), time.process_time()
    columns, rows = size(cluster)
    up, up_at = hops(columns, rows, (columns * rows + 1) // 2)
    down, down_at = hops(columns, rows, columns * rows // 2)
    diagonal, shape = (HUBBARD_U * up_at @ down_at.T).ravel(), (up.shape[0], down.shape[0])
    if kron:
        matrix = sp.kron(up, sp.eye_array(shape[1]), format="csr") + sp.kron(sp.eye_array(shape[0]), down, format="csr")
        matrix = matrix + sp.diags_array(diagonal, format="csr")
    else:

        def product(v):
            psi = v.reshape(shape)
            return (up @ psi + (down @ psi.T).T).ravel() + diagonal * v.ravel()

        matrix = spla.LinearOperator((len(diagonal),) * 2, matvec=product, dtype=np.float64)
    (energy,), _ = spla.eigsh(matrix, k=1, which="SA")
    return {"states": len(diagonal), "energy": float(energy), **spent(started, cpu)}


def solved_by_respair(cluster: str, symmetric: bool) -> dict:
    from respair import Electrons, Model, Sector, chain, ground_state, plaquette

    def solve(columns: int, rows: int):
        sites = columns * rows
        model = Model(chain(sites) if rows == 1 else plaquette((columns, rows)), Electrons(1.0, hubbard_u=HUBBARD_U))
        return ground_state(model, Sector(sites, **(BLOCKS[rows] if symmetric else {})))

    columns, rows = size(cluster)
    solve(*((9, 1) if rows == 1 else (3, 3)))
    started, cpu = time.perf_counter(), time.process_time()
    levels = solve(columns, rows)
    return {"states": levels.stored, "energy": float(levels.energies[0]), **spent(started, cpu)}


def spent(started: float, cpu: float) -> dict:
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}


WAYS = {
    "SciPy": ("scipy", True),
    "SciPy, no kron": ("scipy", False),
    "respair": ("respair", False),
    "respair, symmetric": ("respair", True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clusters", nargs="*", metavar="CLUSTER", default=CLUSTERS)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    describe("respair", "scipy", "numba", "numpy")
    measured = "time (s)", "CPU (s)", "peak memory (MiB)", "E", "SciPy / this, time", "memory"
    header("cluster", "", "states stored", *measured)
    for cluster in chosen.clusters:
        rounds = [
            {name: row_of(__file__, job, cluster, option) for name, (job, option) in WAYS.items()}
            for _ in range(chosen.rounds)
        ]
        best = {name: min((each[name] for each in rounds), key=lambda row: row["seconds"]) for name in WAYS}
        peer = best["SciPy"]
        for name, row in best.items():
            assert abs(row["energy"] - peer["energy"]) < 1e-9, "the energies differ"
            ratios = (f"{peer[key] / row[key]:.1f}" for key in ("seconds", "memory"))
            found = (f"{row['seconds']:.2f}", f"{row['cpu']:.2f}", f"{row['memory']:.0f}", f"{row['energy']:.10f}")
            line((cluster, name, f"{row['states']:,}", *found, *ratios))


if __name__ == "__main__":
    serve({"scipy": solved_by_scipy, "respair": solved_by_respair}, main)
