"""Electrons that never share a site: exact limits of the t-J model, blocks, engines, sum rules, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from reference import full_hamiltonian, sector_indices

from respair.analysis import (
    STANDARD,
    observables,
    probe,
    reduced_density_matrix,
    spectral_function,
    thermal_averages,
)
from respair.clusters import InvalidValue, chain, dimer, infinite_chain, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    Space,
    create,
    electron_number,
    hamiltonian_operator,
)
from respair.hamiltonians.algebra import commutator, without_double_occupancy
from respair.hamiltonians.space.charges import charge_dimension
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.solvers.evolution.configuration import Configuration
from respair.studies import parse, records, run
from respair.studies.interfaces.terms import Terms

J = 0.4
T_J = Electrons(1.0, repulsion=-J / 4, spin_exchange=J, double_occupancy=False)
"""``-t sum c+c + J sum (S.S - n n / 4)``."""


def levels(cluster, charge, two_sz=None, electrons=T_J, count=12):
    return levels_by_symmetry(Model(cluster, electrons), Sector(charge, two_sz), count).energies


def test_two_sites():
    assert levels(dimer(), 2) == pytest.approx([-J, 0.0])
    assert levels(dimer(), 1) == pytest.approx([-1.0, 1.0])
    assert Model(dimer(), T_J).max_charge == 2


@pytest.mark.parametrize("two_sz", [1, 3])
def test_a_hole_in_a_ring_of_four_turns_the_spins(two_sz):
    """At J = 0 each turn of the hole shifts three spins by one: a flux of 2 pi p / 3 for their wave number p."""
    found = levels(ring(4), 3, two_sz, Electrons(1.0, double_occupancy=False))
    waves = range(3) if two_sz == 1 else [0]
    expected = [2 * np.cos((2 * np.pi * n + 2 * np.pi * p / 3) / 4) for n in range(4) for p in waves]
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-10)


def test_without_holes_it_is_the_heisenberg_model():
    assert levels(ring(4), 4, count=1)[0] == pytest.approx(-2 * J - J)
    spins = Electrons(spin_exchange=1.0, double_occupancy=False)
    assert levels(ring(6), 6, electrons=spins, count=1)[0] == pytest.approx(-(1 + np.sqrt(13)) / 2 - 0.5, abs=1e-9)


def test_it_is_the_hubbard_model_at_large_u():
    u = 60.0
    hubbard = ground_state(Model(dimer(), Electrons(1.0, hubbard_u=u)), 2).energies[0]
    spins = 4 / u
    table = Electrons(1.0, repulsion=-spins / 4, spin_exchange=spins, double_occupancy=False)
    assert levels(dimer(), 2, electrons=table, count=1)[0] == pytest.approx(hubbard, abs=20 / u**3)


LATTICE = Phonons(0.9, electron_coupling=0.5, boson_coupling=0.2, max_quanta=2)
WITH_PAIRS = Bosons(-0.3, hopping=0.1, bond_exchange=0.4, electron_repulsion=0.2)
MODELS = {
    "flux": (Model(ring(4), T_J, flux=0.7), Sector(3, 1)),
    "pairs": (Model(ring(3), T_J, WITH_PAIRS, flux=0.4), Sector(4)),
    "lattice": (Model(dimer(), T_J, WITH_PAIRS, LATTICE), Sector(3, 1)),
    "mean": (Model(chain(3), T_J, None, replace(LATTICE, boson_coupling=0.0, frame="mean")), Sector(2)),
    "optical": (Model(dimer(), T_J, None, Phonons(1.0, bond_coupling=0.3, max_quanta=3)), Sector(2)),
}


@pytest.mark.parametrize(
    "engine", ["tensor", *(pytest.param(name, marks=pytest.mark.long) for name in ("dense", "quspin"))]
)
@pytest.mark.parametrize("name", MODELS)
def test_levels_of_all_blocks_are_those_of_the_reference(name, engine):
    model, sector = MODELS[name]
    at = sector_indices(model, sector.charge, sector.spin_excess)
    expected = np.linalg.eigvalsh(full_hamiltonian(model)[at][:, at].toarray())[:6]
    found = levels_by_symmetry(model, sector, 6, Options(engine=engine))
    np.testing.assert_allclose(found.energies, expected, rtol=0, atol=1e-8)
    assert charge_dimension(model, sector) == len(Space(model, sector).charges)


@pytest.mark.parametrize("frame", ["none", "mean", "lang-firsov"])
def test_every_frame_has_the_same_levels(frame):
    table = replace(LATTICE, boson_coupling=0.0, max_quanta=None, total_quanta=14, frame=frame)
    model = Model(dimer(), T_J, None, table)
    exact = ground_state(replace(model, phonons=replace(table, frame="none", total_quanta=24)), 1).energies[0]
    assert ground_state(model, 1).energies[0] == pytest.approx(exact, abs=1e-7)


def test_no_state_has_two_electrons_on_a_site():
    ground = ground_state(Model(ring(4), T_J), Sector(3, 1)).ground
    found = observables(ground, ["double_occupancy", "electron_density"])
    assert np.all(found["double_occupancy"].values == 0)
    assert found["electron_density"].values == pytest.approx([0.75] * 4)


def test_commutators_of_projected_operators_are_those_of_the_matrices():
    model = Model(chain(3), T_J)
    h = without_double_occupancy(hamiltonian_operator(model))
    density = without_double_occupancy(electron_number(0))
    hamiltonian = Hamiltonian.of(model, Sector(2))
    left, right = hamiltonian.matrix().toarray(), hamiltonian.matrix_of(density).toarray()
    np.testing.assert_allclose(hamiltonian.matrix_of(h).toarray(), left, atol=1e-13)
    ours = hamiltonian.matrix_of(commutator(h, density)).toarray()
    np.testing.assert_allclose(ours, left @ right - right @ left, atol=1e-13)
    assert not without_double_occupancy(create(0, "up") * create(0, "dn")).terms


def test_the_spectral_weight_of_a_spin_is_that_of_empty_sites_and_its_own():
    """M_0 = <1 - n_dn> for electrons with spin up; all moments meet their sum rules, or an error is raised."""
    model = Model(ring(4), T_J)
    found = spectral_function(ground_state(model, Sector(2)), probe(model, "electron", site=0, spin="up"), [0.0])
    assert found["sum_rules"].values[0].real == pytest.approx(1 - 0.25)
    assert found["moments"].values[0].real == pytest.approx(1 - 0.25)


def test_one_site_at_a_temperature():
    found = thermal_averages(Model(site(), replace(T_J, level=-0.3)), [0.5], names=["electron_density"])
    weight = 2 * np.exp(0.3 / 0.5)
    assert float(found["electron_density"].values.ravel()[0]) == pytest.approx(weight / (1 + weight))


REFUSED = {
    "hubbard_u": {"electrons": replace(T_J, hubbard_u=1.0)},
    "pair_hopping": {"electrons": replace(T_J, pair_hopping=1.0)},
    "exchange": {"bosons": Bosons(exchange=0.2)},
    "exchange_coupling": {"bosons": Bosons(), "phonons": replace(LATTICE, exchange_coupling=0.1)},
}


@pytest.mark.parametrize("name", REFUSED)
def test_couplings_of_two_electrons_on_a_site_are_refused(name):
    with pytest.raises(InvalidModel, match=rf"{name}: got .*; allowed: 0 with electrons.double_occupancy = false"):
        replace(Model(dimer(), T_J), **REFUSED[name])


def test_what_does_not_suit_says_so():
    with pytest.raises(InvalidModel, match="allowed on infinite lattices: true"):
        Model(infinite_chain(), T_J)
    with pytest.raises(InvalidModel, match=r"double_occupancy: got 1; allowed: True or False"):
        Model(dimer(), replace(T_J, double_occupancy=1))
    with pytest.raises(InvalidModel, match="it requires double occupancy"):
        STANDARD["adiabatic"](Model(dimer(), T_J, None, replace(LATTICE, boson_coupling=0.0)), Sector(1))
    with pytest.raises(InvalidModel, match=r"sector.charge: got 3; allowed: whole numbers from 0 to 2"):
        ground_state(Model(dimer(), T_J), 3)
    with pytest.raises(InvalidModel, match="allowed with charge = 6: -2, 0, 2"):
        ground_state(Model(dimer(), T_J, Bosons()), Sector(6, 4))
    with pytest.raises(InvalidValue, match="are not supported in other codes"):
        Terms.of(Model(dimer(), T_J), 1)
    problems = Configuration(up=(0,), dn=(0,)).problems(Model(dimer(), T_J))
    assert problems == {"dn": ([0], "allowed: sites without an up electron; none has two electrons here")}


def test_a_file():
    text = """schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, spin_exchange = 0.4, repulsion = -0.1, double_occupancy = false }
sector = { charge = 3 }
[thermal]
temperatures = [0.5]
[charge_scan]
"""
    (record,) = records(run(parse(text, "t-j.toml")))
    scan = record["charge_scan"]
    assert scan["charges"] == [0, 1, 2, 3, 4]
    assert scan["energies"][3] == pytest.approx(levels(ring(4), 3)[0])
    with pytest.raises(InvalidModel, match=r"electrons.double_occupancy: got 0; allowed: true or false"):
        parse(text.replace("= false", "= 0"), "t-j.toml")


def test_a_part_of_the_sites_is_a_part_of_the_states_but_one_spin_is_not():
    state = ground_state(Model(chain(3), T_J), Sector(2)).ground
    found = reduced_density_matrix(state, [0])
    weights = np.linalg.eigvalsh(np.asarray(found["density_matrix"].values))
    assert np.sum(weights) == pytest.approx(1.0)
    assert len(weights) == 3
    with pytest.raises(InvalidValue, match="cannot be separated from the others"):
        reduced_density_matrix(state, [0], spins=["up"])
