"""Finite temperature: the whole grand-canonical ensemble by random vectors; one sector against QuSpin's own routine.

Model: boson-fermion ring, t = 1, Delta_B = 0, v = 0.8, mu = 0. 40 temperatures from 0.05 to 5, logarithmic.

`ensemble`: all (N, S_z) sectors of a ring in its symmetry blocks, with local pair amplitude and pair density
matrices, by `--workers` worker processes. Wall time and peak memory (of all processes) against the
number of random vectors of each block, and the largest error bars over the temperatures of the grand potential, of <H>
and of the pair amplitude; for up to 4 sites also the largest distance of <H> from the exact value, in units of its
error bar. Blocks of up to 32 states are always exact.

`quspin`: <H> in the sector N = sites, S_z = 0 or 1/2, of a ring of `--sector-sites`, with the same number of vectors
and Lanczos steps: respair in the blocks of the symmetries with the two lowest levels of each exact, in one process, and
QuSpin's `lanczos_full` with `FTLM_static_iteration` on the CSR matrix of the whole sector, energies shifted by the
lowest Ritz value of the first vector. Wall time, peak memory, and for up to 6 sites the largest and root mean square
distance of <H> from the exact value.

Each row runs in a fresh process; imports do not count, compilation of kernels and the start of workers do.

Usage: python benchmarks/thermal.py [ensemble] [quspin] [--sites N] [--sector-sites N] [--samples N [N ...]] [--steps N]
    [--workers N]
"""

import argparse

from fresh import describe, header, line, row_of, serve, timed

SAMPLES = (4, 16)
COLDEST, HOTTEST, COUNT = 0.05, 5.0, 40
SECTOR_SITES, KNOWN_UP_TO = 6, 6


def temperatures():
    import numpy as np

    return np.geomspace(COLDEST, HOTTEST, COUNT)


def model(sites: int):
    from respair import Bosons, Electrons, Model, ring

    return Model(ring(sites), Electrons(1.0), Bosons(0.0, 0.8))


def averages(sites: int, kind: object, sampling: object, names: tuple[str, ...], workers: int = 1):
    from respair import Options, thermal_averages
    from respair.studies import Workers

    with Workers(workers) as pool:
        options = Options(pool=pool if workers > 1 else None)
        return thermal_averages(model(sites), temperatures(), kind, sampling, names, options)


def ensemble(sites: int, samples: int, steps: int, workers: int) -> dict:
    import resource

    import numpy as np

    from respair import Ensemble, Sampling

    names = ("pair_exchange", "condensate")
    how = Sampling("ftlm", samples, steps)
    seconds, data = timed(lambda: averages(sites, Ensemble(), how, names, workers), runs=1)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    found = {
        "seconds": seconds,
        "blocks": int(data.sampled_blocks),
        "beside": workers * largest if workers > 1 else 0.0,
    }
    for name in ("grand_potential", "energy", "pair_exchange"):
        found[name] = float(np.max(data[f"{name}_error"]))
    if sites <= 4:
        exact = averages(sites, Ensemble(), Sampling("exact"), ())
        error = data.energy_error.values + 1e-9
        found["pull"] = float(np.max(np.abs(data.energy.values - exact.energy.values) / error))
    return found


def sector(sites: int):
    from respair import Ensemble, Sector

    return Ensemble("sector", Sector(sites, sites % 2))


def distances(found: object, sites: int) -> dict:
    """Return the distance of <H> from the exact value."""
    import numpy as np

    from respair import Sampling

    if sites > KNOWN_UP_TO:
        return {"largest": None, "rms": None}
    exact = averages(sites, sector(sites), Sampling("exact"), ())
    off = np.abs(np.asarray(found) - exact.energy.values)
    return {"largest": float(off.max()), "rms": float(np.sqrt(np.mean(off**2)))}


def ours(sites: int, samples: int, steps: int) -> dict:
    from respair import Sampling

    seconds, data = timed(lambda: averages(sites, sector(sites), Sampling("ftlm", samples, steps), ()), runs=1)
    return {"seconds": seconds, **distances(data.energy.values, sites)}


class Product:
    """A CSR matrix with the interface of QuSpin's recursion."""

    def __init__(self, matrix: object) -> None:
        self.matrix, self.dtype = matrix, matrix.dtype

    def dot(self, v, out=None):
        """Return the product, in `out` if given."""
        image = self.matrix @ v
        if out is None:
            return image
        out[:] = image
        return out


def theirs(sites: int, samples: int, steps: int) -> dict:
    from respair import Hamiltonian

    def run():
        matrix = Hamiltonian.of(model(sites), sector(sites).sector).quspin()[1]
        return by_quspin(Product(matrix), samples, steps)

    seconds, energies = timed(run, runs=1)
    return {"seconds": seconds, **distances(energies, sites)}


def by_quspin(product: Product, samples: int, steps: int):
    """Return <H> at all temperatures by QuSpin's finite-temperature Lanczos method."""
    import numpy as np
    from quspin.tools.lanczos import FTLM_static_iteration, lanczos_full

    random, beta, lowest = np.random.default_rng(0), 1.0 / temperatures(), None
    total = weight = 0.0
    for _ in range(samples):
        start = random.standard_normal(product.matrix.shape[0])
        energies, vectors, lanczos = lanczos_full(product, start / np.linalg.norm(start), steps)
        lowest = energies[0] if lowest is None else lowest
        found, one = FTLM_static_iteration({"H": product}, energies - lowest, vectors, lanczos, beta=beta)
        total, weight = total + found["H"], weight + one
    return np.real(total / weight)


def print_ensemble(asked: argparse.Namespace) -> None:
    sites = asked.sites
    print(f"\nRing of {sites}, all sectors, {COUNT} temperatures, {asked.workers} workers\n")
    header("vectors", "sampled blocks", "time", "peak memory", "Omega", "<H>", "pair amplitude", "worst pull")
    for count in asked.samples:
        row = row_of(__file__, "ensemble", sites, count, asked.steps, asked.workers)
        errors = (f"{row[name]:.1e}" for name in ("grand_potential", "energy", "pair_exchange"))
        pull = f"{row['pull']:.1f}" if "pull" in row else "--"
        line(
            [count, row["blocks"], f"{row['seconds']:.1f} s", f"{row['memory'] + row['beside']:.0f} MiB", *errors, pull]
        )


def print_quspin(asked: argparse.Namespace) -> None:
    sites = asked.sector_sites
    print(f"\nRing of {sites}, N = {sites}, one S_z, {COUNT} temperatures: distance of <H> from the exact value\n")
    header("", "vectors", "time", "peak memory", "largest", "rms")
    for count in asked.samples:
        for name, job in (("respair", "ours"), ("QuSpin", "theirs")):
            row = row_of(__file__, job, sites, count, asked.steps)
            off = ("--" if row[key] is None else f"{row[key]:.1e}" for key in ("largest", "rms"))
            line([name, count, f"{row['seconds']:.1f} s", f"{row['memory']:.0f} MiB", *off])


PARTS = {"ensemble": print_ensemble, "quspin": print_quspin}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="ensemble, quspin")
    parser.add_argument("--sites", type=int, default=8)
    parser.add_argument("--sector-sites", type=int, default=SECTOR_SITES)
    parser.add_argument("--samples", type=int, nargs="+", default=list(SAMPLES))
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    describe("quspin", "numpy", "scipy", "numba")
    for part in asked.parts or PARTS:
        PARTS[part](asked)


if __name__ == "__main__":
    serve({"ensemble": ensemble, "ours": ours, "theirs": theirs}, main)
