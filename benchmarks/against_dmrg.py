"""Exact diagonalization and DMRG (block2): ground-state energy of electrons with phonons at equal accuracy.

Model: Holstein-Hubbard chains and rings at half filling, t = 1, U = 2, omega0 = 1, alpha_F = 0.7, with at most 2 or 3
quanta in each mode, phonons about the mean displacement. Both codes solve the same truncated model to an error below
1e-6: respair stops at a residual of 1e-4, whose square over the gap is below that, in the blocks of even spin flip,
both reflections, and on rings the momenta 0 and pi; block2 doubles its bond dimension until the energy changes by less
than a twentieth of 1e-6, with ten times the change as its error. Each bond dimension starts from a random state: states
grown from a bond dimension of 50 converged to an energy 1.3e-6 too high on the chain of 6. The energies must agree
within 1e-6. Each run is a separate process with one thread; the time is CPU time, which does not depend on other
programs on the machine.

Usage: python benchmarks/against_dmrg.py [chain:SITES:CAP ring:SITES:CAP ...]
Needs `pip install block2`.
"""

import argparse
import os
import tempfile
import time
from functools import partial

from fresh import describe, header, line, row_of, serve, timed

os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1", MKL_NUM_THREADS="1")
ACCURACY, RESIDUAL = 1e-6, 1e-4
CASES = ("chain:4:2", "ring:4:2", "chain:6:2", "ring:6:2", "chain:8:1", "chain:8:2")
BONDS = (50, 100, 200, 400, 800, 1600)


def model_of(kind: str, sites: int, cap: int):
    import respair as rp

    phonons = rp.Phonons(1.0, electron_coupling=0.7, max_quanta=cap, frame="mean")
    return rp.Model(getattr(rp, kind)(sites), rp.Electrons(1.0, hubbard_u=2.0), phonons=phonons)


def respair_run(kind: str, sites: int, cap: int) -> dict:
    """Return the lowest level of the likely blocks, without the searches that confirm multiplicities."""
    import respair as rp

    model = model_of(kind, sites, cap)
    rp.ground_state(model_of(kind, 4, 1), rp.Sector(4, 0, spin_flip=1), options=rp.Options(engine="tensor"))  # compiled
    options = rp.Options(engine="tensor", tolerance=RESIDUAL, confirm=False)
    blocks = [rp.Sector(sites, 0, spin_flip=1, reflection=r) for r in (1, -1)]
    if kind == "ring":
        momentum = 0 if sites % 4 == 2 else sites // 2
        blocks = [rp.Sector(sites, 0, spin_flip=1, momentum=m, reflection=r) for m in {0, momentum} for r in (1, -1)]

    def solved():
        found = [rp.ground_state(model, block, options=options) for block in blocks]
        return min(found, key=lambda levels: levels.energies[0])

    seconds, levels = timed(solved, clock=time.process_time)
    return {
        "size": f"{levels.hamiltonian.space.dimension:,} states",
        "kept": f"{levels.stored:,} amplitudes",
        "energy": float(levels.energies[0]),
        "error": float(levels.certificate.residuals[0]) ** 2,
        "seconds": seconds,
    }


def block2_run(kind: str, sites: int, cap: int) -> dict:
    """Run two-site DMRG with noise; the bond dimension is doubled until the energy converges."""
    import numpy as np

    from respair.studies import to_block2

    model = model_of(kind, sites, cap)

    def solved():
        with tempfile.TemporaryDirectory() as scratch:
            driver, mpo = to_block2(model, sites, scratch)
            driver.bw.b.Random.rand_seed(1)
            before = np.inf
            for bond in BONDS:
                ket = driver.get_random_mps(tag=f"KET{bond}", bond_dim=bond, nroots=1)
                noises = [1e-3] * 4 + [1e-5] * 4 + [0.0] * 4
                energy = float(np.real(driver.dmrg(mpo, ket, n_sweeps=12, bond_dims=[bond] * 12, noises=noises,
                                                   thrds=[1e-7] * 4 + [1e-10] * 8, tol=0.0, iprint=0)))  # fmt: skip
                if abs(before - energy) < ACCURACY / 20:
                    return energy, bond, 10 * abs(before - energy)
                before = energy
        raise SystemExit(f"bond dimension {BONDS[-1]} is not sufficient")

    seconds, (energy, bond, error) = timed(solved, clock=time.process_time)
    return {
        "size": f"{2 * sites} spaces", "kept": f"bond dimension {bond}", "energy": energy, "error": error,
        "seconds": seconds,
    }  # fmt: skip


JOBS = {"respair": respair_run, "block2": block2_run}


def compare(case: str) -> None:
    kind, sites, cap = case.split(":")
    rows = {name: row_of(__file__, name, kind, int(sites), int(cap)) for name in JOBS}
    apart = rows["respair"]["energy"] - rows["block2"]["energy"]
    assert abs(apart) < ACCURACY, f"the energies differ by {apart:.1e}"
    for name, row in rows.items():
        numbers = (f"{row['energy']:.7f}", f"{row['error']:.0e}", f"{row['seconds']:.2f}", f"{row['memory']:.0f}")
        line((kind, sites, cap, name, row["size"], row["kept"], *numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=CASES, help="kind, sites and largest phonon number of a mode")
    chosen = parser.parse_args()
    describe("respair", "block2", "numba", "numpy")
    header("cluster", "L", "cap", "code", "size", "kept", "E0", "error", "CPU time (s)", "peak memory (MiB)")
    for case in chosen.cases:
        compare(case)


if __name__ == "__main__":
    serve({name: partial(job) for name, job in JOBS.items()}, main)
