"""Where motions begin: levels by number, and thermal states from random vectors beside those from all levels."""

import numpy as np
import pytest

from respair.analysis import Thermal, evolve
from respair.analysis.evolution import thermal_start
from respair.clusters import dimer, ring
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import Options, levels_by_symmetry

PAIRS = Model(dimer(), Electrons(1.0, hubbard_u=2.0), Bosons(0.3, 0.6), Phonons(1.0, boson_coupling=0.3, max_quanta=8))


def test_a_level_stays_what_it_is():
    levels = levels_by_symmetry(PAIRS, 2, 4)
    for number in (1, 3):
        data = evolve(PAIRS, [0.0, 2.0], 2, level=number, observables=[], tolerance=1e-4)
        assert data.energy.values == pytest.approx(levels.energies[number], abs=1e-7)
        assert np.all(np.abs(data.return_probability.values - 1.0) <= 2.0 * data.errors.values)
        assert float(data.initial_error) > 0.0


def test_a_degenerate_level_moves_as_its_even_mixture():
    """The first excited level of one electron on a ring is that of k and -k."""
    data = evolve(Model(ring(4), Electrons(1.0)), [0.0, 1.5], 1, level=2, initial={"electrons.hopping": 0.7})
    assert int(data.multiplicity) == 2
    np.testing.assert_allclose(data.energy.values, 0.0, atol=1e-10)
    np.testing.assert_allclose(data.electron_density.values, 0.25, atol=1e-10)


@pytest.mark.long
@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
def test_random_vectors_give_thermal_motions_within_their_error_bars(temperature, monkeypatch):
    start = Thermal(temperature, 12, {"bosons.exchange": 0.0})
    how = {"initial": start, "observables": ["boson_density", "displacement"]}
    times = [0.0, 1.0, 2.0]
    sampled = evolve(PAIRS, times, 2, tolerance=1e-2, options=Options(seed=3), **how)
    assert int(sampled.random_vectors) == 12
    monkeypatch.setattr(thermal_start, "EXACT_UP_TO", 1000)
    exact = evolve(PAIRS, times, 2, tolerance=1e-2, **how)
    for name in ("boson_density", "displacement", "energy"):
        off, bar = np.abs(sampled[name] - exact[name]).values, sampled[f"{name}_error"].values
        assert np.all(off <= bar + 1e-9)
        if name == "energy":
            assert np.max(bar) < 0.3 * temperature


def test_cold_states_carry_no_noise():
    data = evolve(PAIRS, [0.0, 1.0], 2, initial=Thermal(0.02, 2), observables=["boson_density"], tolerance=1e-3)
    ground = evolve(PAIRS, [0.0, 1.0], 2, observables=["boson_density"], tolerance=1e-3)
    np.testing.assert_allclose(data.boson_density.values, ground.boson_density.values, atol=1e-8)
    assert np.max(data.energy_error.values) < 1e-8


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Thermal(0.0), "above 0"),
        (lambda: Thermal(0.1, 1), "samples"),
        (lambda: evolve(PAIRS, [0.0], 2, level=-1), "level"),
        (lambda: evolve(Model(dimer(), Electrons(1.0)), [0.0], 1, level=5), "levels 0 to 1"),
        (lambda: evolve(PAIRS, [0.0], 2, level=1, initial=Thermal(0.1)), "leave it out"),
        (lambda: evolve(PAIRS, [0.0], Sector(2), initial=Thermal(0.1), observables=["condensate"]), "random vectors"),
    ],
)
def test_what_cannot_be_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_thermal_state_takes_numbers_for_the_caps():
    automatic = Model(dimer(), Electrons(1.0), phonons=Phonons(1.0, electron_coupling=0.3, cutoff="auto"))
    with pytest.raises(InvalidModel, match="max_quanta"):
        evolve(automatic, [0.0], 1, initial=Thermal(0.1))
