"""Coverage of thermal error bars: random vectors and the phonon cutoff together, against larger caps and all levels."""

from dataclasses import replace

import numpy as np
import pytest

from respair import Bosons, Electrons, Model, Phonons, Sector, chain, dimer, ligand_centre, ring
from respair.analysis.thermal import cutoff as thermal_cutoff
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.ensembles import Ensemble, Sampling

NAMES = ("quanta", "displacement", "displacement_squared", "electron_density", "double_occupancy")
SHAPES = (dimer(), chain(3), ring(3), ligand_centre(3))


def drawn(random):
    """A small model with few quanta, temperatures, its ensemble, and the same model with many quanta."""
    cluster = SHAPES[random.integers(len(SHAPES))]
    frequency = float(np.exp(random.uniform(np.log(0.3), np.log(2))))
    t = np.sort(frequency * np.exp(random.uniform(np.log(0.1), np.log(1.2), 3)))
    electrons = Electrons(float(random.uniform(0.3, 1.5)), hubbard_u=float(random.uniform(-2, 6)))
    has_bosons = cluster.sites == 3 and bool(random.integers(2))
    bosons = Bosons(float(random.uniform(-1, 1)), float(random.uniform(0.1, 1))) if has_bosons else None
    coupling = {"boson_coupling" if has_bosons else "electron_coupling": float(random.uniform(0.1, 1.2))}
    quanta, modes = int(random.integers(4, 9)), "all" if cluster.sites == 2 else [0]
    phonons = Phonons(frequency, on=modes, total_quanta=quanta, **coupling)
    model = Model(cluster, electrons, bosons, phonons)
    kind = Ensemble(str(random.choice(["canonical", "sector"])), Sector(int(random.integers(2, 4))))
    return model, t.tolist(), kind, replace(model, phonons=replace(phonons, total_quanta=quanta + 12))


def pulls(seeds):
    """Errors over error bars of all numbers that random vectors or the cutoff change."""
    found = []
    for seed in seeds:
        model, t, kind, large = drawn(np.random.default_rng(seed))
        data = thermal_averages(model, t, kind, Sampling("ftlm", samples=12, steps=20), NAMES)
        right = thermal_averages(large, t, kind, Sampling("exact"), NAMES, cutoff_errors=False)
        if not int(data.sampled_blocks):
            continue
        for name in (n for n in data.data_vars if f"{n}_error" in data and n != "cutoff_probability"):
            off = np.abs(data[name] - right[name]).values
            seen = off > np.maximum(1e-8, 1e-7 * np.abs(right[name].values))
            found.append((off[seen] / data[f"{name}_error"].values[seen]).ravel())
    return found


def covered(found, bars):
    """The share of points within some error bars, the mean over models and quantities."""
    return float(np.mean([np.mean(each <= bars) for each in found if len(each)]))
