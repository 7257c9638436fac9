"""The tensor engine against QuSpin's sparse matrices: products with H, memory, time to the ground state.

Model: boson-fermion ring of 4 sites with phonons, t = 1, Delta_B = 0.5, v = 0.8, omega0 = 1, alpha = 1, N = 8, S_z = 0,
max_quanta phonons in each mode.

`product`: one product with H. "tensor" applies the factors of H, "CSR" is the matrix of the same sector that QuSpin
builds, multiplied by SciPy (`matrix @ v`) and by QuSpin's own threaded `matvec`; the ratios are with the faster of the
two. "tensor, full group" is the block k = 0, even under reflection; its time is divided by the states of the whole
sector. Memory: data, indices and indptr of the CSR matrix, and all arrays reachable from the tensor
operator, without vectors. Copy: `np.copyto` between two vectors of the stored size, in the same process. Times are the
shortest of repeated runs; arrays are allocated before.

`block`: the same for the block k = 0, even, of rings of 6 and 8 with a total phonon cutoff, where vectors exceed the
caches: the time of a product in units of that of a copy of a vector.

`ground`: wall time from the model to the ground state in the block k = 0, even, imports excluded. "respair, tensor" and
"respair, quspin" end with residual below 1e-10 and a certificate of the levels; "respair, quspin" builds a QuSpin
`user_basis` with maps for the symmetries. "QuSpin, eigsh" gives the matrix of that basis to
`scipy.sparse.linalg.eigsh(k=1, which="SA", tol=0)`, without a certificate and without a check of the multiplicity.
"Unconfirmed" skips this check in respair (`Options(confirm=False)`), with certificate. Energies must agree to 1e-8.

Each row runs in a fresh process with its kernels compiled before the clock starts; solutions are repeated up to three
times, until 10 s have gone, and the shortest time counts. Peak memory is that of the process, Python and libraries
included.

Usage: python benchmarks/engine.py [product] [block] [ground] [--quanta N [N ...]]
"""

import argparse

from fresh import best_time, describe, header, line, row_of, serve, timed

SITES, CHARGE = 4, 8
LEVEL, EXCHANGE, ALPHA = 0.5, 0.8, 1.0
QUANTA = {"product": (5, 8, 11), "block": (), "ground": (6, 8, 10)}
BLOCKS = ((6, 8), (6, 9), (8, 4), (8, 5))
"""Sites and total quanta of the rows of `block`."""


def hamiltonian(cutoff: int, full_group: bool):
    """Return the block of the model."""
    from respair.hamiltonians import Block, Hamiltonian

    return Block.of(Hamiltonian.of(model(cutoff), sector(full_group)))


def model(cutoff: int):
    from respair import Bosons, Electrons, Model, Phonons, ring

    phonons = Phonons(1.0, boson_coupling=ALPHA, max_quanta=cutoff)
    return Model(ring(SITES), Electrons(1.0), Bosons(LEVEL, EXCHANGE), phonons)


def sector(full_group: bool):
    from respair import Sector

    return Sector(CHARGE, 0, momentum=0, reflection=1) if full_group else Sector(CHARGE, 0)


def bytes_held(thing: object, seen: set[int] | None = None) -> int:
    """Return the size of all arrays reachable from an object, each buffer once."""
    import numpy as np
    import scipy.sparse as sp

    seen = set() if seen is None else seen
    if isinstance(thing, np.ndarray):
        while isinstance(thing.base, np.ndarray):
            thing = thing.base
    if id(thing) in seen or isinstance(thing, type | str | bytes | int | float | complex):
        return 0
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        return thing.nbytes
    if sp.issparse(thing):
        return sum(bytes_held(part, seen) for part in (thing.data, thing.indices, thing.indptr))
    if isinstance(thing, dict):
        return sum(bytes_held(part, seen) for part in thing.values())
    if isinstance(thing, tuple | list):
        return sum(bytes_held(part, seen) for part in thing)
    return bytes_held(vars(thing), seen) if hasattr(thing, "__dict__") else 0


def tensor_product(cutoff: int, full_group: bool) -> dict:
    return product_of(hamiltonian(cutoff, full_group)) | ({"norm": None} if full_group else {})


def block_product(sites: int, quanta: int) -> dict:
    from respair import Bosons, Electrons, Model, Phonons, Sector, ring
    from respair.hamiltonians import Block, Hamiltonian

    phonons = Phonons(1.0, boson_coupling=ALPHA, total_quanta=quanta)
    rings = Model(ring(sites), Electrons(1.0), Bosons(LEVEL, EXCHANGE), phonons)
    return product_of(Block.of(Hamiltonian.of(rings, Sector(2 * sites, 0, momentum=0, reflection=1))))


def product_of(block) -> dict:
    import numpy as np

    energy = block.energy
    v, out = np.random.default_rng(0).normal(size=energy.size), np.zeros(energy.size)
    energy.project(v)
    seconds = best_time(lambda: energy.dot(v, out))
    held = bytes_held(energy)
    v[:] = 1.0
    return {
        "states": block.space.dimension,
        "stored": energy.size,
        "seconds": seconds,
        "copy": best_time(lambda: np.copyto(out, v)),
        "held": held,
        "norm": float(np.linalg.norm(energy.dot(v, out))),
    }


def csr_product(cutoff: int) -> dict:
    import numpy as np
    from quspin.tools.matvec import matvec

    block = hamiltonian(cutoff, full_group=False)
    _, matrix = block.hamiltonian.quspin()
    size = matrix.shape[0]
    v, out = np.random.default_rng(0).normal(size=size), np.zeros(size)
    result = {
        "states": size,
        "stored": size,
        "seconds": {
            "CSR, SciPy": best_time(lambda: matrix @ v),
            "CSR, QuSpin matvec": best_time(lambda: matvec(matrix, v, out=out, overwrite_out=True)),
        },
        "copy": best_time(lambda: np.copyto(out, v)),
        "held": bytes_held(matrix),
    }
    return result | {"norm": float(np.linalg.norm(matrix @ np.ones(size)))}


def respair_ground(cutoff: int, engine: str, confirm: bool = True) -> dict:
    from respair import Options, ground_state

    def solved(quanta: int):
        return ground_state(model(quanta), sector(True), 1, Options(engine=engine, confirm=confirm))

    solved(WARM)
    seconds, levels = timed(lambda: solved(cutoff))
    energy, states = float(levels.energies[0]), levels.hamiltonian.space.dimension
    return {"states": states, "stored": levels.stored, "seconds": seconds, "energy": energy, "products": levels.matvecs}


WARM = 3
"""Quanta of the run that compiles and loads the kernels before the clock starts."""


def eigsh_ground(cutoff: int) -> dict:
    from scipy.sparse.linalg import eigsh

    def solved(quanta: int):
        block = hamiltonian(quanta, full_group=True)
        _, matrix = block.hamiltonian.quspin(tuple(s.as_map() for s in block.symmetries))
        energies, _ = eigsh(matrix, k=1, which="SA", tol=0)
        return block.space.dimension, matrix.shape[0], float(energies[0])

    solved(WARM)
    seconds, (states, stored, energy) = timed(lambda: solved(cutoff))
    return {"states": states, "stored": stored, "seconds": seconds, "energy": energy, "products": None}


JOBS = {
    "tensor": lambda cutoff: tensor_product(cutoff, full_group=False),
    "tensor, full group": lambda cutoff: tensor_product(cutoff, full_group=True),
    "block": block_product,
    "CSR": csr_product,
    "respair, tensor": lambda cutoff: respair_ground(cutoff, "tensor"),
    "respair, tensor, unconfirmed": lambda cutoff: respair_ground(cutoff, "tensor", confirm=False),
    "respair, quspin": lambda cutoff: respair_ground(cutoff, "quspin"),
    "QuSpin, eigsh": eigsh_ground,
}


PRODUCT = (
    "product with H by",
    "stored amplitudes",
    "time (ms)",
    "ns per state of the sector",
    "held (MiB)",
    "peak memory (MiB)",
    "copy (ms)",
    "time / copy",
)


def block_table(quanta: tuple[int, ...]) -> None:
    header("total_quanta", *PRODUCT)
    for sites, cap in BLOCKS:
        if not quanta or cap in quanta:
            show_product(cap, f"tensor, full group, ring of {sites}", row_of(__file__, "block", sites, cap))


def product_table(quanta: tuple[int, ...]) -> None:
    header("max_quanta", *PRODUCT)
    for cutoff in quanta:
        plain, full, csr = (row_of(__file__, name, cutoff) for name in ("tensor", "tensor, full group", "CSR"))
        assert abs(plain["norm"] - csr["norm"]) < 1e-9 * csr["norm"], "the two matrices differ"
        times = csr.pop("seconds")
        for name, row in (("tensor", plain), ("tensor, full group", full)):
            show_product(cutoff, name, row)
        for name, seconds in times.items():
            show_product(cutoff, name, csr | {"seconds": seconds})
        fastest = min(times, key=times.get)
        csr["seconds"] = times[fastest]
        for name, row in (("tensor", plain), ("tensor, full group", full)):
            ratio = {key: f"{csr[key] / row[key]:.1f}" for key in ("stored", "seconds", "held", "memory")}
            cells = (ratio["stored"], ratio["seconds"], ratio["seconds"], ratio["held"], ratio["memory"], "", "")
            line((cutoff, f"{fastest} / {name}", *cells))


def show_product(cutoff: int, name: str, row: dict) -> None:
    cells = (
        f"{row['stored']:,}",
        f"{1e3 * row['seconds']:.3g}",
        f"{1e9 * row['seconds'] / row['states']:.2f}",
        f"{row['held'] / 2**20:.2f}",
        f"{row['memory']:.0f}",
        f"{1e3 * row['copy']:.3g}",
        f"{row['seconds'] / row['copy']:.1f}",
    )
    line((cutoff, name, *cells))


def ground_table(quanta: tuple[int, ...]) -> None:
    columns = ("states of the sector", "stored amplitudes", "products", "time (s)", "peak memory (MiB)", "E0")
    header("max_quanta", "method", *columns)
    names = ("respair, tensor", "respair, tensor, unconfirmed", "respair, quspin", "QuSpin, eigsh")
    for cutoff in quanta:
        rows = {name: row_of(__file__, name, cutoff) for name in names}
        ours = rows[names[0]]
        for name, row in rows.items():
            assert abs(row["energy"] - ours["energy"]) < 1e-8, "the energies differ"
            counts = (f"{row['states']:,}", f"{row['stored']:,}", row["products"] or "")
            line((cutoff, name, *counts, f"{row['seconds']:.2f}", f"{row['memory']:.0f}", f"{row['energy']:.9f}"))
        theirs = rows[names[-1]]
        for name in names[:-1]:
            ratios = [f"{theirs[key] / rows[name][key]:.1f}" for key in ("seconds", "memory")]
            line((cutoff, f"{names[-1]} / {name}", "", "", "", *ratios, ""))


TABLES = {"product": product_table, "block": block_table, "ground": ground_table}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="product, block, ground (default: all)")
    parser.add_argument("--quanta", nargs="+", type=int, help="max_quanta of the rows")
    chosen = parser.parse_args()
    unknown = set(chosen.tables) - set(TABLES)
    if unknown:
        parser.error(f"no table {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    describe("respair", "quspin", "scipy", "numba", "numpy")
    for name in chosen.tables or TABLES:
        TABLES[name](tuple(chosen.quanta or QUANTA[name]))
        print()


if __name__ == "__main__":
    serve(JOBS, main)
