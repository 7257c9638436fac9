"""Time to the ground state: respair against QuSpin's own `tensor_basis`, and the largest sector of the plain engine.

Model: boson-fermion ring of 4 sites with phonons, t = 1, Delta_B = 0.5, v = 0.8, omega0 = 1, alpha = 1, N = 8, S_z = 0.
Every row runs in a fresh process (imports excluded, JIT and caches warm after the first run) and reports wall time from
the model to the converged ground state with residual below 1e-10, and the peak memory of the whole process.

`tensor_basis` cannot fix N_e + 2 N_b. It is restricted to electron numbers with S_z = 0, with a chemical potential at
which N = 8 has the lowest energy; energies are compared and printed without -mu N.

Usage: python benchmarks/ground_state.py
"""

import json
import resource
import subprocess
import sys
import time

SITES, CHARGE = 4, 8
LEVEL, EXCHANGE, ALPHA = 0.5, 0.8, 1.0


def model(cutoff: int, mu: float = 0.0):
    from respair import Bosons, Electrons, Model, Phonons, ring

    phonons = Phonons(1.0, boson_coupling=ALPHA, max_quanta=cutoff)
    return Model(ring(SITES), Electrons(1.0), Bosons(LEVEL, EXCHANGE), phonons, chemical_potential=mu)


def balancing_mu(cutoff: int) -> float:
    """Return a chemical potential at which N = 8 is the ground sector."""
    from respair import ground_state

    below, above = (ground_state(model(cutoff), CHARGE + step).energies[0] for step in (-2, 2))
    return float(above - below) / 4


def respair_run(cutoff: int, mu: float, everything: bool, engine: str = "tensor", symmetric: bool = False) -> dict:
    from respair import Options, Sector, ground_state, observables

    start = time.perf_counter()
    sector = Sector(CHARGE, 0, momentum=0, reflection=1) if symmetric else Sector(CHARGE, 0)
    levels = ground_state(model(cutoff, mu), sector, 1, Options(engine=engine))
    if everything:
        observables(levels.ground)
    seconds = time.perf_counter() - start
    return {"states": levels.stored, "seconds": seconds, "energy": float(levels.energies[0]) + mu * CHARGE}


def tensor_run(cutoff: int, mu: float) -> dict:
    import numpy as np
    from quspin.basis import boson_basis_general, spinful_fermion_basis_general, tensor_basis
    from quspin.operators import hamiltonian

    start = time.perf_counter()
    sites = range(SITES)
    pairs, phonons = boson_basis_general(SITES, sps=2), boson_basis_general(SITES, sps=cutoff + 1)
    electrons = spinful_fermion_basis_general(SITES, Nf=[(n, n) for n in range(SITES + 1)])
    basis = tensor_basis(pairs, phonons, electrons)
    hops = [[-1.0, i, (i + 1) % SITES] for i in sites] + [[-1.0, (i + 1) % SITES, i] for i in sites]
    exchange = [[EXCHANGE, i, i, i] for i in sites]
    static = [
        ["||+-|", hops],
        ["|||+-", hops],
        ["+||-|-", [[-EXCHANGE, i, i, i] for i in sites]],
        ["-||+|+", exchange],
        ["n|||", [[LEVEL - 2 * mu, i] for i in sites]],
        ["||n|", [[-mu, i] for i in sites]],
        ["|||n", [[-mu, i] for i in sites]],
        ["|n||", [[1.0, i] for i in sites]],
        ["n|+||", [[-ALPHA, i, i] for i in sites]],
        ["n|-||", [[-ALPHA, i, i] for i in sites]],
    ]
    checks = {"check_herm": False, "check_symm": False, "check_pcon": False}
    matrix = hamiltonian(static, [], basis=basis, dtype=np.float64, **checks)
    energy, _ = matrix.eigsh(k=1, which="SA", tol=0)
    seconds = time.perf_counter() - start
    return {"states": int(basis.Ns), "seconds": seconds, "energy": float(energy[0]) + mu * CHARGE}


JOBS = {
    "respair, tensor": lambda cutoff, mu: respair_run(cutoff, mu, everything=False),
    "respair, tensor, all observables": lambda cutoff, mu: respair_run(cutoff, mu, everything=True),
    "respair, tensor, k = 0 even, all observables": lambda cutoff, mu: respair_run(cutoff, mu, True, symmetric=True),
    "respair, quspin, all observables": lambda cutoff, mu: respair_run(cutoff, mu, everything=True, engine="quspin"),
    "QuSpin tensor_basis": tensor_run,
}


def job(name: str, cutoff: int, mu: float) -> dict:
    """Run one row in a fresh process."""
    command = [sys.executable, __file__, name, str(cutoff), str(mu)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    print("| max_quanta | method | states | time (s) | peak memory (MiB) | E0 (N = 8, mu = 0) |")
    print("|---|---|---|---|---|---|")
    for cutoff in (3, 4, 5):
        mu = balancing_mu(cutoff)
        rows = {name: job(name, cutoff, mu) for name in ("respair, tensor", "QuSpin tensor_basis")}
        ours, theirs = rows.values()
        assert abs(ours["energy"] - theirs["energy"]) < 1e-7, "the two answers differ"
        for name, row in rows.items():
            show(cutoff, name, row)
        ratios = [theirs[key] / ours[key] for key in ("states", "seconds", "memory")]
        print(f"| {cutoff} | QuSpin / respair | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " | |")
    for name in JOBS:
        if name.endswith("all observables"):
            show(8, name, job(name, 8, 0.0))


def show(cutoff: int, name: str, row: dict) -> None:
    cells = (f"{row['states']:,}", f"{row['seconds']:.2f}", f"{row['memory']:.0f}", f"{row['energy']:.8f}")
    print(f"| {cutoff} | {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        result = JOBS[sys.argv[1]](int(sys.argv[2]), float(sys.argv[3]))
        result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
    else:
        main()
