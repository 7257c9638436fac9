"""One block on several ranks: set-up, memory and time of a product, bytes sent, and the partition by METIS.

Usage: python benchmarks/distributed.py set-up [SITES]              orbits and charge matrices of a block in one process
       python benchmarks/distributed.py product [SITES [QUANTA]]    1 and 2 ranks, through mpiexec
       python benchmarks/distributed.py partition [SITES]           rows received by 2 to 64 ranks, on a ring
       python benchmarks/distributed.py partition square            the same on a square of 8 sites
"""

import os
import resource
import subprocess
import sys
import time

import numpy as np

from respair import Bosons, Electrons, Model, Phonons, Sector, ring, square
from respair._core.launch import launched
from respair._core.mpi import MPIRanks
from respair._core.ranks import shared_by
from respair.hamiltonians import Block, Hamiltonian
from respair.hamiltonians.symmetry.share import owners
from respair.solvers.engines.distributed import DistributedEngine

PRODUCTS = 3


SQUARE = [[2, 2], [-2, 2]]
"""Supercell of the square with 8 sites."""


def block_of(sites, quanta):
    phonons = Phonons(1.0, boson_coupling=1.0, total_quanta=quanta)
    cluster = square(supercell=SQUARE) if sites == "square" else ring(sites)
    model = Model(cluster, Electrons(1.0), Bosons(-0.5, 0.8), phonons)
    even = {"momentum": (0, 0), "irrep": "A1"} if sites == "square" else {"momentum": 0, "reflection": 1}
    return Block.of(Hamiltonian.of(model, Sector(2 * cluster.sites, **even)))


def measured(sites, quanta, ranks):
    """Print time and memory of this rank."""
    begin = time.perf_counter()
    block = block_of(sites, quanta)
    engine = DistributedEngine(block)
    v = engine.random(np.random.default_rng(0))
    engine.project(v)
    v /= engine.norm(v)
    image = engine.product(v, np.empty_like(v))
    ready, cpu, wall = time.perf_counter() - begin, time.process_time(), time.perf_counter()
    for _ in range(PRODUCTS):
        engine.product(v, image)
    energy = engine.dot(v, image).real
    cpu, wall = ((now - was) / PRODUCTS for now, was in ((time.process_time(), cpu), (time.perf_counter(), wall)))
    ghosts = block.energy.columns
    sent = 0 if ghosts is None else ghosts.sent * block.shape[1] * v.itemsize
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{ranks.size if ranks else 1} ranks, rank {ranks.rank if ranks else 0}: {engine.size:,} of {engine.entries:,} "
        f"amplitudes, ready after {ready:.1f} s, a product {wall:.2f} s (CPU {cpu:.2f} s), "
        f"sends {sent / 2**20:.0f} MiB, peak {peak:.2f} GiB, <H> = {energy:.10f}",
        flush=True,
    )


def set_up(sites):
    """Print the time of the charges; the compiled code is loaded first."""
    block_of(6, 1).energy  # noqa: B018
    cpu, wall = time.process_time(), time.perf_counter()
    block = block_of(sites, 1)
    block.orbits  # noqa: B018
    middle, between = time.process_time(), time.perf_counter()
    block.energy  # noqa: B018
    last, end = time.process_time(), time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{sites}: {block.space.shape[0]:,} configurations, {block.rows:,} rows: orbits {between - wall:.2f} s "
          f"(CPU {middle - cpu:.2f} s), charge matrices {end - between:.2f} s (CPU {last - middle:.2f} s), "
          f"peak {peak:.2f} GiB")  # fmt: skip


def partitions(sites):
    block = block_of(sites, 0)
    graph = block._graph()
    print(f"{sites}: {block.rows:,} rows, {graph.nnz / block.rows:.1f} entries a row")
    for ranks in (2, 4, 8, 16, 32, 64):
        begin = time.perf_counter()
        found = owners(graph, ranks)
        took = time.perf_counter() - begin
        in_order = (np.arange(block.rows) * ranks // block.rows).astype(np.int32)
        shares = [np.mean(needed(graph, owner)) * ranks / block.rows for owner in (found, in_order)]
        largest = np.bincount(found).max() * ranks / block.rows
        print(f"{ranks:3d} ranks: {shares[0]:.2f} rows of others per own row (stored order {shares[1]:.2f}), "
              f"largest share {largest:.3f}, {took:.1f} s")  # fmt: skip


def needed(graph, owner):
    """Return the number of rows that each rank receives."""
    counts = []
    for rank in range(owner.max() + 1):
        columns = np.unique(graph[np.flatnonzero(owner == rank)].indices)
        counts.append(np.count_nonzero(owner[columns] != rank))
    return counts


if __name__ == "__main__":
    what, *numbers = sys.argv[1:] or ["product"]
    given = [number if number == "square" else int(number) for number in numbers]
    sites, quanta = [*given, *(8, 6)[len(given) :]][:2]
    count, _ = launched()
    if what in ("partition", "set-up"):
        {"partition": partitions, "set-up": set_up}[what](sites)
    elif what == "here":
        ranks = MPIRanks(count) if count > 1 else None
        with shared_by(ranks):
            measured(sites, quanta, ranks)
    else:
        for count in (1, 2):
            command = ["mpiexec", "-n", str(count), sys.executable, __file__, "here", str(sites), str(quanta)]
            subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
