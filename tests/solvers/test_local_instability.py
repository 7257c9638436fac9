"""Small models near a local lattice instability, each with the right value from a construction of its own."""

import numpy as np
import pytest
from calibration import exact_levels

from respair.analysis import resonance
from respair.clusters import custom, dimer, ligand_centre, site
from respair.hamiltonians import Electrons, Model, Phonons, Sector
from respair.solvers import levels_by_symmetry

AUTO = {"cutoff": "auto", "displacement": "auto"}


def ligand(coupling, **more):
    electrons = Electrons({"ring": 1.0, "centre": 0.1}, {"ligand": 8.0})
    return Model(ligand_centre(4), electrons, phonons=Phonons(1.0, "ligand", electron_coupling=coupling, **more))


def metal_and_ligand(**more):
    cluster = custom([[0, 0], [1, 0]], [[0, 1]], ["metal", "ligand"])
    phonons = Phonons(1.0, "ligand", electron_coupling=3.0, **more)
    return Model(cluster, Electrons(0.1, {"ligand": 16.0}), phonons=phonons)


@pytest.mark.parametrize("frame", ["none", "mean", "auto"])
def test_a_displaced_bipolaron_is_found(frame):
    model = metal_and_ligand(cutoff="auto", displacement=frame)
    found = levels_by_symmetry(model, Sector(2), 2)
    np.testing.assert_allclose(found.energies, exact_levels(model, Sector(2), 2), atol=1e-8)
    assert found.energies[0] == pytest.approx(-4.0010229, abs=1e-6)


def test_a_small_fixed_cap_that_misses_it_has_an_error_bar_that_says_so():
    found = levels_by_symmetry(metal_and_ligand(max_quanta=8), Sector(2), 2)
    exact = exact_levels(metal_and_ligand(max_quanta=8), Sector(2), 2)
    assert np.all(found.energies - exact <= found.certificate.energy_errors)
    assert found.certificate.energy_errors[0] > 3.9


@pytest.mark.parametrize("coupling", [2.2, 2.23, 2.24])
def test_levels_on_both_sides_of_a_resonance(coupling):
    model = ligand(coupling, **AUTO)
    found = levels_by_symmetry(model, Sector(2), 2)
    np.testing.assert_allclose(found.energies, exact_levels(model, Sector(2), 2), atol=1e-8)


@pytest.mark.slow
def test_the_resonance_is_found_where_the_gap_is_smallest():
    """alpha_c^2 = (2 eps + U + 4 t) / (4 omega0) is exact (physics of the ligand-centre cluster)."""
    found = resonance(lambda alpha: ligand(alpha, cutoff="auto"), 2, (2.2, 2.3), "gap")
    assert float(found["value"]) == pytest.approx(np.sqrt(5.0), abs=1e-6)


def test_all_levels_asked_for_come_back():
    model = Model(site(), Electrons(), phonons=Phonons(1.0, electron_coupling=1e-4, cutoff="auto"))
    found = levels_by_symmetry(model, Sector(1), 8)
    np.testing.assert_allclose(found.energies, np.arange(8) - 1e-8, atol=1e-9)


def test_quanta_of_a_mode_that_couples_to_nothing_are_levels_too():
    model = Model(dimer(), Electrons(10.0), phonons=Phonons(1.0, on=[0], cutoff="auto"))
    found = levels_by_symmetry(model, Sector(1), 8)
    np.testing.assert_allclose(found.energies, np.arange(8) - 10.0, atol=1e-9)


def test_a_cap_with_too_few_quanta_for_the_levels_has_error_bars_that_say_so():
    model = Model(dimer(), Electrons(10.0), phonons=Phonons(1.0, on=[0], max_quanta=4))
    found = levels_by_symmetry(model, Sector(1), 8)
    exact = np.arange(8) - 10.0
    assert np.all(found.energies - exact <= found.certificate.energy_errors + 1e-9)
