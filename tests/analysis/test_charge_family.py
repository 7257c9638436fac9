"""Charges as a function of their couplings: the matrices made once against those of every model."""

import numpy as np
import pytest

from respair.analysis.approximations import Dressing
from respair.analysis.approximations.charge_family import ChargeFamily, couplings_vector
from respair.analysis.approximations.lang_firsov import effective_couplings, effective_model
from respair.analysis.approximations.variational_lang_firsov import Energy, Parameters
from respair.clusters import chain, ligand_centre, ring, site
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, Model, Phonons, Sector

random = np.random.default_rng(5)


def species(cluster, kinds):
    some = random.normal(size=8)
    electrons = Electrons(some[0], random.normal(size=cluster.sites).tolist(), some[1], some[2])
    bosons = Bosons(some[3], some[4] if "e" in kinds else 0.0, some[5], on=[0])
    return electrons if "e" in kinds else None, bosons if "b" in kinds else None


@pytest.mark.parametrize("kinds", ["e", "b", "eb"])
@pytest.mark.parametrize(("cluster", "flux"), [(ring(4), 0.7), (chain(3), 0.0), (ligand_centre(3), 0.0), (site(), 0.0)])
def test_the_matrix_is_that_of_the_model(cluster, flux, kinds):
    model = Model(cluster, *species(cluster, kinds), flux=flux, chemical_potential=0.3)
    for charge in range(0 if "e" in kinds else 2, min(3, model.max_charge) + 1, 1 if "e" in kinds else 2):
        sector = Sector(charge)
        family, vector = ChargeFamily.of(model, sector), couplings_vector(model)
        expected = Hamiltonian.of(model, sector).matrix().toarray()
        np.testing.assert_allclose(family.matrix(vector), expected, rtol=0, atol=1e-14)
        energy, averages = family.lowest(vector)
        assert energy == pytest.approx(np.linalg.eigvalsh(expected)[0], abs=1e-13)
        assert averages @ vector == pytest.approx(energy, abs=1e-13)  # H is linear in its couplings
        assert family.energies(vector[None])[0] == pytest.approx(energy, abs=1e-13)


@pytest.mark.parametrize("size", [(100, 600), (0, 600), (0, 0)], ids=["one by one and at once", "LAPACK", "Lanczos"])
def test_small_and_large_sectors_are_treated_alike(size, monkeypatch):
    model = Model(ring(4), Electrons(1.0, 0.1, 3.0), Bosons(-0.4, 0.7))
    monkeypatch.setattr("respair.analysis.approximations.charge_family.SMALL", size[0])
    monkeypatch.setattr("respair.analysis.approximations.charge_family.DENSE_UP_TO", size[1])
    family, vector = ChargeFamily.of(model, Sector(4)), couplings_vector(model)
    lowest = np.linalg.eigvalsh(Hamiltonian.of(model, Sector(4)).matrix().toarray())[0]
    assert family.lowest(vector)[0] == pytest.approx(lowest, abs=1e-10)
    assert family.energies(np.array([vector, 2 * vector])) == pytest.approx([lowest, 2 * lowest], abs=1e-9)


def test_small_sectors_are_kept_and_large_ones_are_not(monkeypatch):
    weak, strong = (Model(ring(3), Electrons(1.0, hubbard_u=u)) for u in (0.0, 4.0))
    assert ChargeFamily.of(weak, Sector(2)) is ChargeFamily.of(strong, Sector(2))
    monkeypatch.setattr("respair.analysis.approximations.charge_family.REMEMBERED_UP_TO", 5)
    assert ChargeFamily.of(weak, Sector(2)) is not ChargeFamily.of(strong, Sector(2))


def test_effective_couplings_are_those_of_the_effective_model():
    lattice = Phonons(1.2, [0, 2], [0.5, -0.3], [0.2, 0.6], max_quanta=1)
    model = Model(chain(3), Electrons(1.0, 0.1, 0.4), Bosons(0.2, 0.7, 0.3), lattice)
    dressing = Dressing(np.array([0.3, 0.5]), np.array([0.4, -0.1]), np.array([0.1, 0.2]))
    family, (changed, contact, constant) = ChargeFamily.of(model, Sector(3)), effective_couplings(model, dressing)
    effective, same = effective_model(model, dressing)
    matrix = family.matrix(couplings_vector(model, changed, contact))
    np.testing.assert_allclose(matrix, Hamiltonian.of(effective, Sector(3)).matrix().toarray(), rtol=0, atol=1e-14)
    assert constant == same


def test_the_slope_of_the_variational_energy_is_exact():
    lattice = Phonons(0.9, "all", 0.0, {"metal": 0.3, "ligand": 1.1}, max_quanta=1)
    model = Model(ligand_centre(3), Electrons({"ring": 1.0, "centre": 0.6}, {"ligand": 0.5}), phonons=lattice)
    energy, at, h = Energy(Parameters(model, squeezed=True), Sector(2)), np.array([0.7, 0.9, 0.1, 0.2]), 1e-5
    differences = [(energy(at + step)[0] - energy(at - step)[0]) / (2 * h) for step in h * np.eye(4)]
    np.testing.assert_allclose(energy(at)[1], differences, rtol=0, atol=1e-8)
