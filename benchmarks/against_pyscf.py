"""Holstein-Hubbard rings: respair against `pyscf.fci.direct_ep`.

Model: rings of L = 4 or 6 sites, N = L electrons, S_z = 0, t = 1, U = 2, omega0 = 1, g = 0.7 (``-g n_i x_i``), at most
`nphonon` quanta in each mode.

pyscf couples x_i to n_i - N/L with the sign +g, so that its energy E' is that of oscillators displaced by the mean
charge: E = E' - g^2 N^2 / (L omega0), for any cutoff, if respair counts phonons about the same displacement,
`Phonons(frame="mean")` (the sign of g is a choice of the sign of every x_i). Both then have the same truncated
space, and energies are compared with that formula; they must agree to 1e-6 times max(1, |E|).

Product: pyscf `contract_all` against `dot` of the tensor operator, shortest of repeated runs; in ns per state of the
whole sector, also for the full group: the block of the ground state (L = 4: k = pi, odd; L = 6: k = 0, even).

Ground state, at two accuracies. "pyscf" is `kernel(tol=1e-10)`, which leaves a residual |H psi - E psi| of about 1e-5;
it is compared with respair at `tolerance` 1e-5. "pyscf, tight" requests the highest accuracy of the Davidson solver
(`tol=1e-20`, `lindep=1e-28`, and `max_space=40`, which halves the number of products); it is compared with respair at
its default, 1e-10. The residuals reached are shown. pyscf does not check multiplicities; respair confirms that it
has the whole ground level, unless "unconfirmed" (`Options(confirm=False)`), and certifies it. "all blocks" determines
the block of the ground state, the lowest over all momenta and parities. Wall time from the model to the result,
imports excluded.

Each row runs in a fresh process with its kernels compiled before the clock starts; solutions are repeated up to three
times, until 10 s have gone, and the shortest time counts. Peak memory is that of the process, Python and libraries
included.

Usage: python benchmarks/against_pyscf.py [L:nphonon ...]
"""

import argparse
from functools import partial

from fresh import best_time, describe, header, line, row_of, serve, timed

LABELS = {4: {"momentum": 2, "reflection": -1}, 6: {"momentum": 0, "reflection": 1}}
"""The block of the ground state of each ring."""
HOPPING, HUBBARD_U, FREQUENCY, COUPLING = 1.0, 2.0, 1.0, 0.7
RINGS = ("4:6", "4:12", "6:3", "6:4")
LOOSE = 1e-5
"""Default residual of pyscf."""
WARM = 2
"""Quanta of the run that compiles and loads the kernels before the clock starts."""


def shift(sites: int) -> float:
    """Return E - E' of the displaced oscillators."""
    return -(COUPLING**2) * sites / FREQUENCY


def model(sites: int, cutoff: int):
    from respair import Electrons, Model, Phonons, ring

    phonons = Phonons(FREQUENCY, electron_coupling=COUPLING / FREQUENCY, max_quanta=cutoff, frame="mean")
    return Model(ring(sites), Electrons(HOPPING, hubbard_u=HUBBARD_U), None, phonons)


def respair_run(sites: int, cutoff: int, way: str, tolerance: float) -> dict:
    import numpy as np

    from respair import Options, Sector, ground_state
    from respair.hamiltonians import Block, Hamiltonian
    from respair.solvers import levels_by_symmetry

    in_block = way.startswith("full group")
    sector = Sector(sites, 0, **LABELS[sites]) if in_block else Sector(sites, 0)
    solve = levels_by_symmetry if way == "all blocks" else ground_state
    options = Options(engine="tensor", tolerance=tolerance, confirm="unconfirmed" not in way)
    solve(model(sites, WARM), sector, 1, options)
    seconds, levels = timed(lambda: solve(model(sites, cutoff), sector, 1, options))
    energy = Block.of(Hamiltonian.of(model(sites, cutoff), levels.labels[0])).energy
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


def pyscf_run(sites: int, cutoff: int, **accuracy: float) -> dict:
    import numpy as np
    from pyscf.fci import direct_ep

    half = (sites // 2, sites // 2)
    t = np.zeros((sites, sites))
    for i in range(sites):
        t[i, (i + 1) % sites] = t[(i + 1) % sites, i] = -HOPPING
    frequencies = FREQUENCY * np.eye(sites)
    products = 0

    def contract(*arguments):
        nonlocal products
        products += 1
        return contract_all(*arguments)

    contract_all, direct_ep.contract_all = direct_ep.contract_all, contract
    arguments = (t, HUBBARD_U, COUPLING, frequencies, sites, half, cutoff)
    direct_ep.kernel(*arguments[:-1], WARM, tol=1e-10)

    def solved():
        nonlocal products
        products = 0
        np.random.seed(0)  # noqa: NPY002 - pyscf draws its start vector from here
        return direct_ep.kernel(*arguments, max_cycle=1000, **accuracy)

    seconds, (energy, vector) = timed(solved)
    vector = vector.reshape(direct_ep.make_shape(sites, half, cutoff))
    image = contract_all(*arguments[:4], vector, sites, half, cutoff)
    return {
        "states": vector.size,
        "stored": vector.size,
        "product": best_time(lambda: contract_all(*arguments[:4], vector, sites, half, cutoff)),
        "products": products,
        "seconds": seconds,
        "energy": float(energy) + shift(sites),
        "residual": float(np.linalg.norm(image - energy * vector)),
    }


WAYS = ("whole sector", "all blocks", "full group", "full group, unconfirmed")
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


def compare(sites: int, cutoff: int) -> None:
    """Print the rows of one ring, and pyscf's time and memory over those of each row of the same accuracy."""
    rows = {name: row_of(__file__, name, sites, cutoff) for name in JOBS}
    theirs = rows["pyscf, tight"]
    for name, row in rows.items():
        difference = abs(row["energy"] - theirs["energy"])
        assert difference < 1e-6 * max(1.0, abs(row["energy"])), "the energies differ"
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
        line((sites, cutoff, name, *cells))
    for name, (_, tolerance) in OURS.items():
        rival = "pyscf" if tolerance == LOOSE else "pyscf, tight"
        ratio = {key: f"{rows[rival][key] / rows[name][key]:.1f}" for key in ("product", "seconds", "memory")}
        cells = ("", ratio["product"], ratio["product"], "", ratio["seconds"], "", ratio["memory"], "")
        line((sites, cutoff, f"{rival} / {name}", *cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rings", nargs="*", default=RINGS, help="sites and largest phonon number of a mode")
    chosen = parser.parse_args()
    describe("respair", "pyscf", "numba", "numpy")
    header(
        "L",
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
    for ring in chosen.rings:
        compare(*map(int, ring.split(":")))


if __name__ == "__main__":
    serve(JOBS, main)
