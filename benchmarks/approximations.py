"""Time of a comparison map of the ligand-centre cluster over omega0 / t and alpha: exact and four approximations.

Prints the time of the whole map and per point, and the number of points at which each approximation is the best.

Usage: python benchmarks/approximations.py [POINTS ALONG AN AXIS, 40 by default]
"""

import sys
import time

import numpy as np

NAMES = ("lang-firsov", "lang-firsov-variational", "adiabatic", "adiabatic-bound")


def ligand(omega0, alpha):
    from respair import Electrons, Model, Phonons, ligand_centre

    electrons = Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5})
    return Model(ligand_centre(4), electrons, phonons=Phonons(omega0, "ligand", 0.0, alpha, max_quanta=40))


def main(points: int = 40) -> None:
    from respair import Sector, compare, comparison_map

    compare(ligand(1.0, 1.0), Sector(2), NAMES, quantities=["energies"])  # compiles the kernels
    axes = {"omega0": np.geomspace(0.25, 4.0, points).tolist(), "alpha": np.linspace(0.1, 1.4, points).tolist()}
    started = time.perf_counter()
    data = comparison_map(ligand, axes, Sector(2), NAMES, quantities=["energies"])
    seconds = time.perf_counter() - started
    print(f"{points} x {points} points: {seconds:.1f} s, {1000 * seconds / points**2:.0f} ms a point")
    names, counts = np.unique(data.best_energies.values, return_counts=True)
    for name, count in zip(names, counts, strict=True):
        print(f"{name:26s} nearest at {count} points")
    for name in NAMES:
        within = data.within_energies.sel(approximation=name).values
        print(f"{name:26s} within 1% at {np.sum(within <= 0.01)}, 5% at {np.sum(within <= 0.05)} points")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
