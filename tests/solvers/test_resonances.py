"""Automatic cutoffs across resonances of charges on a lattice that they displace, against dense constructions."""

from dataclasses import replace

import numpy as np
import pytest
from calibration import exact_levels

from respair.analysis import resonance
from respair.clusters import custom, dimer, ligand_centre
from respair.hamiltonians import Electrons, Model, Phonons, Sector
from respair.solvers import levels_by_symmetry

ROUNDING = 2e-9
CROSSING = 2.23606798
METAL_AND_LIGAND = custom([[0, 0], [1, 0]], [[0, 1]], ["metal", "ligand"])


def across_a_resonance(seed):
    """Return a model with an automatic cutoff, charges that cost about what the lattice gains, sector and levels."""
    random = np.random.default_rng([16, seed])
    hopping = float(np.exp(random.uniform(np.log(0.05), 0.0)))
    omega, alpha = float(np.exp(random.uniform(np.log(0.2), np.log(2.0)))), float(random.uniform(0.3, 3.0))
    charge = int(random.integers(1, 4))
    gain = omega * alpha**2 * float(random.choice([1.0, 2.0]))  # of one electron, and each of two
    near = gain + float(random.normal()) * hopping
    phonons = Phonons(omega, electron_coupling=alpha, cutoff="auto", accuracy=1e-6)
    on_ligand, kind = replace(phonons, on="ligand"), seed % 3
    if kind == 0:
        model = Model(METAL_AND_LIGAND, Electrons(hopping, {"ligand": near}), phonons=on_ligand)
    elif kind == 1:
        hops = {"ring": float(random.uniform(0.2, 1.2)), "centre": hopping}
        model = Model(ligand_centre(int(random.integers(2, 5))), Electrons(hops, {"ligand": near}), phonons=on_ligand)
    else:
        model = Model(dimer(), Electrons(hopping, hubbard_u=near), phonons=phonons)
    return model, Sector(charge, charge % 2), int(random.integers(1, 5))


def check(seeds):
    for seed in seeds:
        model, sector, states = across_a_resonance(seed)
        found = levels_by_symmetry(model, sector, states)
        bars, errors = found.certificate.energy_errors, found.energies - exact_levels(model, sector, states)
        assert len(bars) == states, seed
        assert np.all(errors > -ROUNDING), seed
        assert np.all(errors <= bars + ROUNDING), (seed, errors, bars)
        assert np.all(bars <= model.phonons.accuracy), seed
        caps = {"cutoff": None, "max_quanta": int((2 * 3.0 + 4) ** 2) if len(model.modes) == 1 else 60, "frame": "none"}
        if seed % 4 == 0 and len(model.modes) == 1:
            plain = levels_by_symmetry(replace(model, phonons=replace(model.phonons, **caps)), sector, states)
            apart = np.diff(plain.energies, prepend=-np.inf, append=np.inf) > 1e-5
            alone = apart[:-1] & apart[1:]
            alone[-1] = False  # others may have the same energy
            assert [str(a) for a, one in zip(found.labels, alone, strict=True) if one] == [
                str(a) for a, one in zip(plain.labels, alone, strict=True) if one
            ], seed


def test_the_bipolaron_on_a_ligand_is_found():
    phonons = Phonons(1.0, "ligand", electron_coupling=3.0, cutoff="auto")
    model = Model(METAL_AND_LIGAND, Electrons(0.1, {"ligand": 16.0}), phonons=phonons)
    assert levels_by_symmetry(model, 2).energies[0] == pytest.approx(exact_levels(model, Sector(2), 1)[0], abs=1e-6)


@pytest.mark.long
def test_levels_across_resonances_lie_within_their_error_bars():
    check(range(6))


@pytest.mark.slow
def test_levels_across_many_resonances_lie_within_their_error_bars():
    check(range(40))


@pytest.mark.slow
def test_a_bipolaron_and_two_free_electrons_cross_where_both_cost_the_same():
    """2 (level - alpha^2) = -4 on four metal sites: alpha = 2.236, but for what the weak hopping moves."""
    hops, level = {"ring": 1.0, "centre": 0.1}, {"ligand": 8.0}

    def model_of(alpha):
        phonons = Phonons(1.0, "ligand", electron_coupling=alpha, cutoff="auto", accuracy=1e-6)
        return Model(ligand_centre(4), Electrons(hops, level), phonons=phonons)

    found = resonance(model_of, Sector(2), [2.0, 2.5], "gap")
    assert abs(float(found["value"]) - CROSSING) <= float(found["error"]) + 1e-8
