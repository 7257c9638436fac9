"""Minima of E_0 over flux vectors: free electrons and pairs on a fine grid of their own, evenness, fields, tasks."""

from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import coherence, flux_minimum, flux_tensor, half_flux_quantum
from respair.clusters import cubic, square, triangular
from respair.hamiltonians import Bosons, Electrons, Model, Sector
from respair.studies import parse, records, run

pytestmark = pytest.mark.long


def free_energy(model, count, phi, charge=1):
    h = np.zeros((model.cluster.sites,) * 2, complex)
    for bond in model.cluster.bonds:
        t = np.exp(1j * charge * (np.dot(bond.shares, phi) + 2 * np.pi * bond.phase))
        h[bond.end, bond.start] -= t
        h[bond.start, bond.end] -= t.conjugate()
    levels = np.linalg.eigvalsh(h)
    return sum(levels[: count - count // 2]) + sum(levels[: count // 2])


@pytest.mark.parametrize(
    ("cluster", "electrons", "number"),
    [(square(size=[3, 2]), 4, 0), (triangular(size=[3, 1]), 3, 0), (square(size=[2, 2]), 3, 1)],
    ids=str,
)
def test_the_minimum_of_free_electrons_is_that_of_a_fine_grid(cluster, electrons, number):
    model = Model(cluster, Electrons(1.0), magnetic_flux=number)
    found = flux_minimum(model, Sector(electrons, electrons % 2))
    grid = np.linspace(0, 2 * np.pi, 49)[:-1]
    fine = np.array([[free_energy(model, electrons, (a, b)) for b in grid] for a in grid])
    assert float(found.energy) <= fine.min() + 1e-9
    assert abs(free_energy(model, electrons, found.phi.values) - float(found.energy)) < 1e-9
    for phi, energy in zip(found.local_phi.values, found.local_energies.values, strict=True):
        ways = np.array([(1, 0), (-1, 0), (0, 1), (1, 1)])
        around = [free_energy(model, electrons, phi + 1e-3 * way) for way in ways]
        assert min(around) >= energy - 1e-10
    step = grid[1]
    lowest = fine <= fine.min() + 1e-9
    for a, b in np.argwhere(lowest):  # every lowest point of the grid is near a minimum that was found
        apart = np.angle(np.exp(1j * (found.local_phi.values - [grid[a], grid[b]])))
        equal = found.local_energies.values <= float(found.energy) + 1e-9
        flat = np.linalg.eigvalsh(found.stiffness.values)[0] < 1e-9
        assert flat or np.min(np.max(np.abs(apart[equal]), axis=1)) < 2 * step


def test_stiffness_at_the_minimum_is_that_of_the_tensor():
    model = Model(square(size=[3, 2]), Electrons(1.0, hubbard_u=2.0))
    found = flux_minimum(model, Sector(2, 0))
    there = flux_tensor(model, Sector(2, 0), [found.phi.values.tolist()])
    np.testing.assert_allclose(found.stiffness.values, there.stiffness.values[0], atol=1e-7)
    np.testing.assert_allclose(there.current.values[0], 0.0, atol=1e-6)
    assert np.linalg.eigvalsh(found.stiffness.values)[0] > -1e-9


def test_pairs_in_space_have_their_minima_at_zero_and_pi():
    model = Model(cubic(size=[2, 2, 1]), None, Bosons(hopping=1.0))
    found = flux_minimum(model, 2)
    corners = {tuple((phi / np.pi).round(6).tolist()) for phi in found.local_phi.values}
    assert {corner[:2] for corner in corners} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_row_two_sites_long_has_minima_at_both_ends():
    model = Model(square(size=[2, 1], periodic=[True, False]), None, Bosons(hopping=1.0))
    assert flux_minimum(model, 2).local_phi.values.round(9).tolist() == [0.0, round(np.pi, 9)]


def test_the_period_along_a_row_of_a_lattice():
    model = Model(square(size=[3, 1]), None, Bosons(hopping=1.0))
    found = half_flux_quantum(model, 2, direction=(1, 0))
    assert str(found.verdict.values) == "hc/2e"
    with pytest.raises(ValueError, match=r"a direction as \(1, 0\)"):
        half_flux_quantum(model, 2)


def test_coherence_of_a_lattice_is_measured_at_the_minimum():
    model = Model(triangular(size=[3, 1]), Electrons(1.0), Bosons(-0.5, exchange=0.5))
    everywhere = coherence(model, 2, search="circle")
    ends = coherence(model, 2)
    best = flux_minimum(model, 2)
    assert abs(float(everywhere.energy) - float(best.energy)) < 1e-9
    assert float(ends.energy) >= float(best.energy) - 1e-9
    threaded = replace(model, cluster=square(size=[2, 2]), magnetic_flux=1)
    found = coherence(threaded, 2)
    slopes = flux_tensor(threaded, 2, [found.phi.values.tolist()]).current.values
    np.testing.assert_allclose(slopes, 0.0, atol=1e-6)


def test_minima_of_a_model_file():
    text = (
        'schema = 1\ncluster = { kind = "square", size = [3, 1] }\nelectrons = { hopping = 1.0 }\n'
        "sector = { charge = 2, two_sz = 0 }\nflux = { values = [[0.0, 0.0]], minimum = true, criterion = true }\n"
    )
    result = run(parse(text, "minima.toml"))
    (record,) = records(result)
    found = record["flux"]["minimum"]
    assert len(found["phi"]) == 2
    assert found["energy"] <= record["flux"]["energies"][0] + 1e-12
    assert len(found["minima"]["phi"][0]) == 2


@pytest.mark.parametrize("cluster", [square(size=[3, 2]), triangular(size=[2, 2])], ids=lambda c: c.kind)
def test_the_period_is_found_where_the_flux_along_a_row_leaves_mirrors(cluster):
    model = Model(cluster, Electrons(1.0))
    found = half_flux_quantum(model, Sector(2, 0), direction=(1, 0))
    for phi, energy in zip(found.curve_phi.values, found.curve.values, strict=True):
        assert abs(free_energy(model, 2, (phi, 0.0)) - energy) < 1e-9
