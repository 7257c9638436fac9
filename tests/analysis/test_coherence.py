"""Amplitude against phase: limits, identities, and the two ways in which pairs lose their common phase."""

from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import (
    amplitude_and_phase,
    charge_scan,
    coherence,
    condensate,
    flux_minimum,
    pair_exchange,
    pair_rings,
)
from respair.clusters import chain, ring
from respair.hamiltonians import Bosons, Electrons, Model, Sector
from respair.solvers import ground_state


@pytest.mark.long
def test_the_parts_are_those_of_the_other_functions_at_the_best_flux():
    model = Model(ring(4), Electrons(1.0), Bosons(-0.3, 0.8))
    found = coherence(model, 4)
    best = flux_minimum(model, 4)
    assert float(found.phi) == pytest.approx(float(best.phi), abs=1e-9)
    assert float(found.stiffness) == pytest.approx(float(best.stiffness), abs=1e-7)
    levels = ground_state(replace(model, flux=float(found.phi)), 4, states=2)
    assert float(found.energy) == pytest.approx(levels.energies[0], abs=1e-10)
    assert float(found.gap) == pytest.approx(levels.energies[1] - levels.energies[0], abs=1e-8)
    assert float(found.amplitude) == pytest.approx(-pair_exchange(levels.ground).values.real.mean(), abs=1e-8)
    assert float(found.eigenvalue) == pytest.approx(float(condensate(levels.ground)["combined"][0]), abs=1e-8)
    assert coherence(model, 4, search="circle").stiffness.item() == pytest.approx(found.stiffness.item(), abs=1e-7)


def test_free_pairs_have_no_gap_but_that_of_the_ring():
    """Hard-core pairs on four sites: E = -2 (1 pair), -2 sqrt 2 (2), -2 (3), each at its better flux."""
    found = coherence(Model(ring(4), None, Bosons(hopping=1.0)), 4)
    assert float(found.energy) == pytest.approx(-2 * np.sqrt(2), abs=1e-10)
    assert float(found.pair_gap) == pytest.approx(-4 + 4 * np.sqrt(2), abs=1e-9)
    assert np.isnan(found.amplitude)
    assert float(found.eigenvalue) == pytest.approx(3 / 4 + np.sqrt(1 / 2), abs=1e-9)


def test_the_pair_gap_is_that_of_the_charge_scan_where_the_best_flux_is_zero():
    model = Model(ring(3), None, Bosons(hopping=1.0, level=0.4))
    gap = charge_scan(model, [0, 2, 4])
    energies = dict(zip(gap["charge"].values.tolist(), gap["energies"].values.tolist(), strict=True))
    wanted = energies[0] + energies[4] - 2 * energies[2]
    assert float(coherence(model, 2).pair_gap) == pytest.approx(wanted, abs=1e-9)


def test_strong_exchange_makes_an_insulator_of_pairs():
    """One pair a site: the amplitude goes to 1/2, the stiffness to zero, the pair gap opens linearly in v."""
    data = amplitude_and_phase(pair_rings({"exchange": [1.0, 3.0, 8.0]}, filling=2.0))
    assert np.all(np.diff(data.amplitude) > 0)
    assert np.all(np.diff(data.stiffness) < 0)
    assert np.all(np.diff(data.pair_gap) > 0)
    assert float(data.amplitude[-1]) == pytest.approx(0.5, abs=0.02)
    far = amplitude_and_phase(pair_rings({"exchange": [40.0]}, filling=2.0))
    assert float(far.pair_gap[0]) / 40 == pytest.approx(2.0, abs=0.1)


@pytest.mark.long
def test_strong_coupling_to_the_lattice_localises_the_pairs():
    """At fixed Delta_B the pairs sink into their lattice: more of them, on heavier feet."""
    data = amplitude_and_phase(pair_rings({"coupling": [0.0, 1.0, 1.8]}, sites=3, filling=2 / 3, quanta=7))
    assert np.all(np.diff(data.paired) > 0)
    assert np.all(np.diff(data.stiffness) < 0)
    assert np.all(data.admixture < 0.1)
    assert data["coupling"].values.tolist() == [0.0, 1.0, 1.8]


def test_rings_of_several_sizes_in_one_result():
    data = amplitude_and_phase(pair_rings({"sites": [3, 4], "level": [-1.0, 0.5]}, filling=2.0, exchange=0.5))
    assert data["sites"].values.tolist() == [3, 3, 4, 4]
    assert data.sizes["point"] == 4
    assert np.all(data.energy_error < 1e-8)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="no loop"):
        coherence(Model(chain(4), Electrons(1.0)), 2)
    with pytest.raises(ValueError, match="not periodic"):
        coherence(Model(ring(4), Electrons(1.0)), Sector(2, momentum=0))
    with pytest.raises(ValueError, match="allowed: ends, circle"):
        coherence(Model(ring(4), Electrons(1.0)), 2, search="all")
    with pytest.raises(ValueError, match="unknown parameters"):
        list(pair_rings({"v": [1.0]}))
    with pytest.raises(ValueError, match="whole number"):
        list(pair_rings({"filling": [0.9]}))
    with pytest.raises(ValueError, match="got none"):
        amplitude_and_phase([])
