"""Holstein-Hubbard rings: respair against `pyscf.fci.direct_ep`.

Model: ring of 4 sites, 4 electrons, S_z = 0, t = 1, U = 2, omega0 = 1, g = 0.7 (``-g n_i x_i``), at most `nphonon`
quanta in each mode.

pyscf couples x_i to n_i - N/L with the sign +g, so that its energy E' is that of oscillators displaced by the mean
charge: E = E' - g^2 N^2 / (L omega0), whatever the cutoff, where respair counts phonons around the same displacement,
`Phonons(displacement="mean")` (the sign of g is a choice of the sign of every x_i). Both then have the same truncated
space of the same size, and energies are compared with that formula; they must agree to 1e-6 times max(1, |E|).

Product: pyscf `contract_all` against `dot` of the tensor operator, shortest of repeated runs; in ns per state of the
whole sector, also for the full group: the block of the ground state, k = pi and odd under reflection.

Ground state, at two accuracies. "pyscf" is `kernel(tol=1e-10)`, which leaves a residual |H psi - E psi| of about 1e-5;
it is compared with respair at `tolerance` 1e-5. "pyscf, tight" asks its Davidson solver for as much as it can give
(`tol=1e-20`, `lindep=1e-28`, and `max_space=40`, which saves it half of the products); it is compared with respair at
its default, 1e-10. The residuals reached are shown. pyscf does not look at multiplicities; respair makes sure that it
has the whole ground level, and certifies it. "all blocks" finds the block of the ground state itself, the lowest over
all momenta and parities. Wall time from the model to the answer, imports excluded.

Each row runs in a fresh process with its kernels compiled before the clock starts; solutions are repeated up to three
times, until 10 s have gone, and the shortest time counts. Peak memory is that of the process, Python and libraries
included.

Usage: python benchmarks/against_pyscf.py [--phonons N [N ...]]
"""

import argparse
from functools import partial

from fresh import best_time, describe, header, line, row_of, serve, timed

SITES, ELECTRONS = 4, 4
HOPPING, HUBBARD_U, FREQUENCY, COUPLING = 1.0, 2.0, 1.0, 0.7
PHONONS = (4, 5, 6)
LOOSE = 1e-5
"""Residual at which pyscf stops by itself."""
WARM = 2
"""Quanta of the run that compiles and loads the kernels before the clock starts."""
SHIFT = -(COUPLING**2) * ELECTRONS**2 / (SITES * FREQUENCY)
"""E - E' of the displaced oscillators."""


def model(cutoff: int):
    from respair import Electrons, Model, Phonons, ring

    phonons = Phonons(FREQUENCY, electron_coupling=COUPLING / FREQUENCY, max_quanta=cutoff, displacement="mean")
    return Model(ring(SITES), Electrons(HOPPING, hubbard_u=HUBBARD_U), None, phonons)


def respair_run(cutoff: int, way: str, tolerance: float) -> dict:
    import numpy as np

    from respair import Options, Sector, ground_state
    from respair.hamiltonians import Block, Hamiltonian
    from respair.solvers import levels_by_symmetry

    full = Sector(ELECTRONS, 0, momentum=SITES // 2, reflection=-1)
    sector = full if way == "full group" else Sector(ELECTRONS, 0)
    solve = levels_by_symmetry if way == "all blocks" else ground_state
    options = Options(engine="tensor", tolerance=tolerance)
    solve(model(WARM), sector, 1, options)
    seconds, levels = timed(lambda: solve(model(cutoff), sector, 1, options))
    energy = Block.of(Hamiltonian.of(model(cutoff), levels.labels[0])).energy
    v, out = np.random.default_rng(0).normal(size=energy.size), np.zeros(energy.size)
    energy.project(v)
    return {
        "states": levels.hamiltonian.space.dimension,
        "stored": levels.stored,
        "product": best_time(lambda: energy.dot(v, out)),
        "products": levels.matvecs,
        "seconds": seconds,
        "energy": float(levels.energies[0]),
        "residual": float(levels.certificate.residuals[0]),
    }


def pyscf_run(cutoff: int, **accuracy: float) -> dict:
    import numpy as np
    from pyscf.fci import direct_ep

    half = (ELECTRONS // 2, ELECTRONS // 2)
    t = np.zeros((SITES, SITES))
    for i in range(SITES):
        t[i, (i + 1) % SITES] = t[(i + 1) % SITES, i] = -HOPPING
    frequencies = FREQUENCY * np.eye(SITES)
    products = 0

    def contract(*arguments):
        nonlocal products
        products += 1
        return contract_all(*arguments)

    contract_all, direct_ep.contract_all = direct_ep.contract_all, contract
    arguments = (t, HUBBARD_U, COUPLING, frequencies, SITES, half, cutoff)
    direct_ep.kernel(*arguments[:-1], WARM, tol=1e-10)

    def solved():
        nonlocal products
        products = 0
        np.random.seed(0)  # noqa: NPY002 - pyscf draws its start vector from here
        return direct_ep.kernel(*arguments, max_cycle=1000, **accuracy)

    seconds, (energy, vector) = timed(solved)
    vector = vector.reshape(direct_ep.make_shape(SITES, half, cutoff))
    image = contract_all(*arguments[:4], vector, SITES, half, cutoff)
    return {
        "states": vector.size,
        "stored": vector.size,
        "product": best_time(lambda: contract_all(*arguments[:4], vector, SITES, half, cutoff)),
        "products": products,
        "seconds": seconds,
        "energy": float(energy) + SHIFT,
        "residual": float(np.linalg.norm(image - energy * vector)),
    }


WAYS = ("whole sector", "full group", "all blocks")
OURS = {
    f"respair, {way}{', loose' if tolerance == LOOSE else ''}": (way, tolerance)
    for tolerance in (LOOSE, 1e-10)
    for way in WAYS
}
THEIRS = {
    "pyscf": {"tol": 1e-10},
    "pyscf, tight": {"tol": 1e-20, "lindep": 1e-28, "max_space": 40},
}
JOBS = {name: partial(respair_run, way=way, tolerance=tolerance) for name, (way, tolerance) in OURS.items()} | {
    name: partial(pyscf_run, **accuracy) for name, accuracy in THEIRS.items()
}


def compare(cutoff: int) -> None:
    """Print the rows of one cutoff, and pyscf's time and memory over those of each row of the same accuracy."""
    rows = {name: row_of(__file__, name, cutoff) for name in JOBS}
    theirs = rows["pyscf, tight"]
    for name, row in rows.items():
        difference = abs(row["energy"] - theirs["energy"])
        assert difference < 1e-6 * max(1.0, abs(row["energy"])), "the answers differ"
        assert row["states"] == theirs["states"], "the spaces differ"
        cells = (
            f"{row['stored']:,}",
            f"{1e3 * row['product']:.3g}",
            f"{1e9 * row['product'] / row['states']:.2f}",
            row["products"],
            f"{row['seconds']:.3f}",
            f"{row['residual']:.0e}",
            f"{row['memory']:.0f}",
            f"{row['energy']:.9f}",
        )
        line((cutoff, name, *cells))
    for name, (_, tolerance) in OURS.items():
        rival = "pyscf" if tolerance == LOOSE else "pyscf, tight"
        ratio = {key: f"{rows[rival][key] / rows[name][key]:.1f}" for key in ("product", "seconds", "memory")}
        cells = ("", ratio["product"], ratio["product"], "", ratio["seconds"], "", ratio["memory"], "")
        line((cutoff, f"{rival} / {name}", *cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phonons", nargs="+", type=int, default=PHONONS, help="largest phonon number of a mode")
    chosen = parser.parse_args()
    describe("respair", "pyscf", "numba", "numpy")
    header(
        "nphonon",
        "method",
        "stored amplitudes",
        "product (ms)",
        "ns per state of the sector",
        "products",
        "ground state (s)",
        "residual",
        "peak memory (MiB)",
        "E0",
    )
    for cutoff in chosen.phonons:
        compare(cutoff)


if __name__ == "__main__":
    serve(JOBS, main)
