"""A(k, omega) of a boson-fermion ring with phonons: time and memory, and comparison with QuSpin.

Model: ring, t = 1, Delta_B = 0.5, v = 0.8, omega0 = 1, alpha = 1, S_z = 0, total_quanta phonons in all modes; 1000
frequencies from -8 to 8, Lorentzian half width 0.1, electrons added and removed.

`map`: A(k, omega) for all momenta by `spectral_map`, from the model to the curves, imports excluded.

`quspin`: the same curves for one momentum by continued fractions (by default respair uses exact poles for blocks of up
to 1200 states), and by QuSpin alone: one `user_basis` without spatial symmetry for each of the
three charges, CSR matrices, `scipy.sparse.linalg.eigsh` for the (nondegenerate) ground state, c_k applied explicitly
between the two state tables, and `lanczos_full` with as many steps as the continued fraction of respair, without
reorthogonalisation or error bound. The curves must agree to 1e-6.

Each row runs in a fresh process with its kernels compiled before the clock starts; for `quspin`, both codes
have first run with one quantum less. Peak memory is that of the process.

Usage: python benchmarks/spectra.py [map] [quspin] [--sites L] [--charge N] [--quanta Q]; the large case is 6, 12, 8.
"""

import argparse
import time

from fresh import describe, header, line, row_of, serve

LEVEL, EXCHANGE, ALPHA, ETA = 0.5, 0.8, 1.0, 0.1


def model(sites: int, quanta: int):
    from respair import Bosons, Electrons, Model, Phonons, ring

    phonons = Phonons(1.0, boson_coupling=ALPHA, total_quanta=quanta)
    return Model(ring(sites), Electrons(1.0), Bosons(LEVEL, EXCHANGE), phonons)


def frequencies():
    import numpy as np

    return np.linspace(-8.0, 8.0, 1000)


def solved_map(sites: int, charge: int, quanta: int) -> dict:
    from respair import Options, spectral_map
    from respair.solvers import levels_by_symmetry

    options = Options(memory_limit=64 << 30)
    started = time.perf_counter()
    levels = levels_by_symmetry(model(sites, quanta), charge, options=options)
    ground = time.perf_counter()
    data = spectral_map(levels, "electron", frequencies(), ETA, options=options)
    ended = time.perf_counter()
    return {
        "states": levels.hamiltonian.space.dimension,
        "stored": levels.stored,
        "ground": ground - started,
        "map": ended - ground,
        "steps": int(data.steps.max()),
        "error": float(data.error.max()),
        "defect": float(abs(data.moments - data.sum_rules).isel(order=1).max()),
    }


def warm_map(sites: int, charge: int, quanta: int) -> dict:
    solved_map(3, 2, 1)
    return solved_map(sites, charge, quanta)


def by_hand(sites: int, charge: int, quanta: int) -> dict:
    """Compute one momentum with QuSpin alone and with respair, each with its time."""
    import numpy as np
    import scipy.sparse.linalg as spla
    from quspin.tools.lanczos import lanczos_full

    from respair import Hamiltonian, Options, Sector, probe, spectral_function
    from respair.solvers import levels_by_symmetry

    fraction = Options(engine="tensor")
    chosen, omega = model(sites, quanta), frequencies()

    def solved(cutoff: int):
        levels = levels_by_symmetry(model(sites, cutoff), charge, options=fraction)
        return spectral_function(levels, probe(chosen, "electron", momentum=0), omega, ETA, options=fraction)

    def solved_by_quspin(cutoff: int, steps: int):
        basis, matrix = Hamiltonian.of(model(sites, cutoff), Sector(charge, 0)).quspin()
        (energy,), vector = spla.eigsh(matrix, k=1, which="SA", tol=0)
        curve, states = np.zeros(len(omega)), basis.states.copy()
        for change, sign in ((1, 1.0), (-1, -1.0)):
            target, other = Hamiltonian.of(model(sites, cutoff), Sector(charge + change, change)).quspin()
            start = moved(states, vector[:, 0], target.states.copy(), sites, change > 0)
            norm = np.linalg.norm(start)
            values, vectors, _ = lanczos_full(other, start / norm, min(steps, len(start) - 1))
            lines = sign * (values - energy)
            curve += norm**2 * (ETA / np.pi / ((omega[:, None] - lines) ** 2 + ETA**2)) @ vectors[0] ** 2
        return curve, len(states)

    solved_by_quspin(quanta - 1, int(solved(quanta - 1).steps))
    started = time.perf_counter()
    data = solved(quanta)
    ours, steps = time.perf_counter() - started, int(data.steps)

    started = time.perf_counter()
    curve, states = solved_by_quspin(quanta, steps)
    theirs = time.perf_counter() - started
    return {
        "states": states,
        "ours": ours,
        "theirs": theirs,
        "steps": steps,
        "difference": float(np.max(np.abs(curve - data["values"].values))),
    }


def moved(states, psi, target, sites: int, adds: bool):
    """Apply c+_k or c_k of up electrons, k = 0, between QuSpin's descending state tables; sites are bits 0 to L - 1."""
    import numpy as np

    out = np.zeros(len(target), psi.dtype)
    ascending, one = target[::-1], np.uint64(1)
    for site in range(sites):
        bit = np.uint64(site)
        alive = ((states >> bit) & one) == np.uint64(0 if adds else 1)
        below = np.bitwise_count(states[alive] & ((one << bit) - one))
        place = len(target) - 1 - np.searchsorted(ascending, states[alive] ^ (one << bit))
        out[place] += np.where(below % 2, -1.0, 1.0) * psi[alive] / np.sqrt(sites)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="map, quspin (default: both)")
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--charge", type=int, default=4)
    parser.add_argument("--quanta", type=int, default=8, help="total_quanta")
    chosen = parser.parse_args()
    numbers = (chosen.sites, chosen.charge, chosen.quanta)
    describe("respair", "quspin", "scipy", "numba", "numpy")
    if "map" in (chosen.tables or TABLES):
        header("states", "stored", "ground (s)", "map (s)", "steps", "error", "sum rule of M1", "peak memory (MiB)")
        row = row_of(__file__, "map", *numbers)
        times = (f"{row[key]:.1f}" for key in ("ground", "map"))
        sizes = (f"{row[key]:,}" for key in ("states", "stored"))
        line((*sizes, *times, row["steps"], f"{row['error']:.0e}", f"{row['defect']:.0e}", f"{row['memory']:.0f}"))
        print()
    if "quspin" in (chosen.tables or TABLES):
        header("states", "respair (s)", "QuSpin (s)", "steps", "difference", "peak memory (MiB)")
        row = row_of(__file__, "quspin", *numbers)
        assert row["difference"] < 1e-6, "the curves differ"
        times = (f"{row[key]:.2f}" for key in ("ours", "theirs"))
        line((f"{row['states']:,}", *times, row["steps"], f"{row['difference']:.0e}", f"{row['memory']:.0f}"))


TABLES = {"map": warm_map, "quspin": by_hand}

if __name__ == "__main__":
    serve(TABLES, main)
