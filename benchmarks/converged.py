"""Converged ground energies in optimal phonon states: error bars, time and memory, each model in a fresh process.

    python benchmarks/converged.py table            # ring of 4: amplitudes for errors of 1e-2 to 1e-8
    python benchmarks/converged.py products         # time of a product for each amplitude, against number states
    python benchmarks/converged.py 6                # ring of 6, N = 12: omega0 from 0.3 to 3, alpha to 2, to 1e-9
    python benchmarks/converged.py 8                # ring of 8, N = 16: three models to 1e-7 or 1e-6; 3 GiB
    python benchmarks/converged.py holstein         # Holstein-Hubbard ring of 6 at half filling, to 1e-7
    python benchmarks/converged.py one 6 1.0 1.0 1e-9     # sites, omega0, alpha, accuracy

Targets on two cores: 40 s and 1 GiB each for the ring of 6, 4 minutes and 3 GiB each for the ring of 8. A run whose
error bar exceeds the accuracy ends with an error. t = 1, Delta_B = 0.5, v = 0.8.
"""

import resource
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np

from respair.clusters import ring
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers import Options, ground_state
from respair.solvers.optimal_states import displaced_sets

RINGS = {
    6: ([(omega, alpha) for omega in (0.3, 1.0, 3.0) for alpha in (0.5, 1.0, 2.0)], 1e-9),
    8: ([(1.0, 1.0), (0.3, 1.0), (1.0, 2.0)], 1e-6),
}
SHARPER = {(8, 1.0, 1.0): 1e-7}
"""Accuracies of single models, by sites, omega0 and alpha."""
ERRORS = (1e-2, 1e-4, 1e-6, 1e-8)
PROTOTYPE = {
    (1.0, 1.0): (190, 570, 1330, 2660), (1.0, 1.5): (190, 570, 1330, 2660), (1.0, 2.0): (190, 570, 2660, 4788),
}  # fmt: skip
"""Amplitudes that a first implementation needed on the ring of 4, by omega0 and alpha."""
REACH = 1.1
"""The true error of optimal states in units of the second-order shift, about."""


def pairs(sites, omega, alpha, **caps):
    """Return a ring with local pairs, N = 2 per site, and its block."""
    phonons = Phonons(omega, boson_coupling=alpha, basis="optimal", **caps)
    model = Model(ring(sites), Electrons(1.0), Bosons(0.5, 0.8), phonons)
    return model, Sector(2 * sites, 0, momentum=0, reflection=1, spin_flip=1)


def holstein(omega, alpha, u, sites, **caps):
    """Return a Holstein-Hubbard ring at half filling, and its block."""
    phonons = Phonons(omega, electron_coupling=alpha, basis="optimal", **caps)
    model = Model(ring(sites), Electrons(1.0, hubbard_u=u), phonons=phonons)
    return model, Sector(sites, 0, momentum=0, reflection=1, spin_flip=1)


def measured(name, model, sector, accuracy):
    """Solve, and print energy, error bar, amplitudes, time and memory."""
    start = time.perf_counter(), time.process_time()
    levels = ground_state(model, sector, options=Options(tolerance=accuracy / 20))
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    cap, bar = levels.hamiltonian.space.phonons.total_quanta, levels.certificate.energy_errors[0]
    print(f"{name}  cap {cap}  {levels.stored:>11,}  {levels.energies[0]:.11f}  +- {bar:.1e}  "
          f"{wall:6.1f} s  {cpu:6.1f} s CPU  {memory:.2f} GiB", flush=True)  # fmt: skip


def table():
    """Print the amplitudes of a ring of 4 for some errors of E, and of E less what the second-order shift says."""
    for (omega, alpha), before in PROTOTYPE.items():
        exact = ground_state(*pairs(4, omega, alpha, cutoff="auto", accuracy=2e-10)).energies[0]
        needed = np.zeros((2, len(ERRORS)), int)
        for cap in range(1, 8):
            levels = ground_state(*pairs(4, omega, alpha, total_quanta=cap), options=Options(engine="tensor"))
            off = levels.energies[0] - exact
            shift = levels.certificate.shifts(levels.energies)[0]
            for n, error in enumerate(ERRORS):
                for kind, miss in enumerate((off, abs(off - REACH * shift))):
                    if not needed[kind, n] and miss < error:
                        needed[kind, n] = levels.stored
        print(f"omega0 {omega}, alpha {alpha}: {needed[0].tolist()}, with the shift {needed[1].tolist()}, before "
              f"{list(before)}, E = {exact:.10f}", flush=True)  # fmt: skip


def products():
    """Print the time of a product with H for each amplitude, in optimal and in number states of as many quanta."""
    for name, (model, sector), cap in (
        ("pairs, ring of 6", pairs(6, 1.0, 1.0, total_quanta=1), 6),
        ("electrons, ring of 6", holstein(0.5, 1.5, 4.0, 6, total_quanta=1), 8),
    ):
        sets = displaced_sets(model, sector)
        spent = []
        for phonons in ({"basis": sets}, {"basis": "number", "frame": "mean"}):
            table = replace(model.phonons, total_quanta=cap, **phonons)
            energy = Block.of(Hamiltonian.of(replace(model, phonons=table), sector)).energy
            v = np.random.default_rng(0).normal(size=energy.size)
            out = np.empty_like(v)
            energy.image(v, out)
            times = []
            for _ in range(20):
                start = time.process_time()
                energy.image(v, out)
                times.append(time.process_time() - start)
            spent.append(min(times) / energy.size * 1e9)
        print(f"{name}, {cap} quanta: {spent[0]:.1f} ns, in number states {spent[1]:.1f} ns", flush=True)


def main(what, *numbers):
    """Run the selected cases."""
    if what in ("table", "products"):
        {"table": table, "products": products}[what]()
    elif what == "one":
        sites, omega, alpha, accuracy = int(numbers[0]), *map(float, numbers[1:])
        caps = {"cutoff": "auto", "accuracy": accuracy}
        measured(f"ring of {sites}, omega0 = {omega}, alpha = {alpha}", *pairs(sites, omega, alpha, **caps), accuracy)
    elif what == "holstein":
        model = holstein(0.5, 1.5, 4.0, int(numbers[0]) if numbers else 6, cutoff="auto", accuracy=1e-7)
        measured("Holstein-Hubbard ring", *model, 1e-7)
    else:
        models, accuracy = RINGS[int(what)]
        for omega, alpha in models:
            own = SHARPER.get((int(what), omega, alpha), accuracy)
            subprocess.run([sys.executable, __file__, "one", what, *map(str, (omega, alpha, own))], check=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(*sys.argv[1:])
