"""Particles on infinite lattices: accuracy of the energy against states and time, as a Markdown table.

Each row is a stage of the growth: states of the variational space, the distance of its energy from that of the last
stage, its error bar, and the seconds since the start. Result: the error decreases as a power of the number of states,
faster for a smaller phonon cloud, and the error bar stays above it.

Usage: python benchmarks/infinite.py [--accuracy 1e-11] [--max-states 500000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from respair.clusters import infinite_chain, infinite_square
from respair.hamiltonians import Electrons, Model, Phonons, Sector
from respair.hamiltonians.terms import energy_scale
from respair.solvers import Options, infinite_levels
from respair.solvers.infinite.growth import error_bars

CASES: Mapping[str, tuple[Model, Sector]] = {
    "polaron, t = omega0 = g = 1": (
        Model(infinite_chain(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.0)), Sector(1),
    ),
    "bipolaron, omega0 = 2, g = 1.5, U = 0": (
        Model(infinite_chain(), Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.75)), Sector(2),
    ),
    "polaron on the square lattice, t = omega0 = g = 1": (
        Model(infinite_square(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=1.0)), Sector(1),
    ),
    "polaron of bond phonons, omega0 = 1, g = 0.5": (
        Model(infinite_chain(), Electrons(1.0), phonons=Phonons(1.0, on="bonds", bond_coupling=0.5)), Sector(1),
    ),
}  # fmt: skip
FEWEST = 200
"""Smallest number of states of the stages shown."""


def table(name: str, model: Model, sector: Sector, accuracy: float, options: Options) -> None:
    """Print the stages of one case."""
    seconds: list[float] = []
    start = time.perf_counter()

    def progress(states: int, energy: float, bar: float) -> None:
        seconds.append(time.perf_counter() - start)

    levels = infinite_levels(model, sector, accuracy=accuracy, options=options, progress=progress)
    scale = energy_scale(model)
    print(f"\n{name}: E = {levels.energies[0]:.13f} +- {levels.certificate.energy_errors[0]:.0e}\n")
    print("| states | error | error bar | seconds |\n|---|---|---|---|")
    for n, stage in enumerate(levels.stages):
        if stage.states >= FEWEST:
            bar = error_bars(list(levels.stages[: n + 1]), scale)[0]
            off = stage.energies[0] - levels.energies[0]
            print(f"| {stage.states:,} | {off:.1e} | {bar:.1e} | {seconds[n]:.2f} |")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", type=float, default=1e-11)
    parser.add_argument("--max-states", type=int, default=500_000)
    given = parser.parse_args()
    small = Model(infinite_chain(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=0.2))
    infinite_levels(small, 1, accuracy=1e-4)  # compiles the kernels
    for name, (model, sector) in CASES.items():
        table(name, model, sector, given.accuracy, Options(max_states=given.max_states))


if __name__ == "__main__":
    main()
