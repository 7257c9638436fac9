"""Soft, anharmonic and joined lattices, spins, pairs on bonds: blocks, engines, frames, and what is refused."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from reference import full_hamiltonian, sector_indices, sector_matrix

from respair.clusters import chain, dimer, ligand_centre, plaquette, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
)
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.studies import parse

ELECTRONS = Electrons(1.0, hubbard_u=0.7, repulsion=0.2, spin_exchange=0.6, pair_hopping=0.3, zeeman=0.25)
BOSONS = Bosons(-0.2, 0.5, 0.15, repulsion=0.4, electron_repulsion=0.3, bond_exchange=0.35)
LATTICE = Phonons(
    1.1, boson_coupling=0.4, electron_coupling=0.3, max_quanta=2, hopping=0.1, spring=0.07, quadratic=-0.2, cubic=0.05,
    quartic=0.04, electron_quadratic=0.06, boson_quadratic=-0.03, exchange_coupling=0.2,
)  # fmt: skip
SYMMETRIC = {
    "ring": (Model(ring(3), ELECTRONS, BOSONS, replace(LATTICE, max_quanta=None, total_quanta=2)), Sector(3, 1)),
    "flux": (Model(ring(3), ELECTRONS, BOSONS, replace(LATTICE, max_quanta=1), 0.9), Sector(2)),
    "dimer": (Model(dimer(), ELECTRONS, BOSONS, LATTICE), Sector(4)),
    "chain": (Model(chain(3), ELECTRONS, BOSONS, replace(LATTICE, max_quanta=1, frame="mean")), Sector(3, -1)),
    "plaquette": (Model(plaquette((2, 2)), ELECTRONS, None,
                        Phonons(1.0, max_quanta=1, spring=0.1, quadratic=0.2, quartic=0.1)), Sector(3, 1)),
    "optical": (Model(dimer(), ELECTRONS, BOSONS,
                      Phonons(1.0, bond_coupling=0.3, max_quanta=3, quartic=0.05, spring=0.1, hopping=-0.1)),
                Sector(3, 1)),
    "bonds": (Model(ring(3), ELECTRONS, BOSONS,
                    Phonons(1.0, "bonds", bond_coupling=0.3, max_quanta=1, quadratic=-0.1, cubic=0.1, quartic=0.1)),
              Sector(2)),
}  # fmt: skip


@lru_cache(16)
def levels_of_reference(model, sector, count=8):
    at = sector_indices(model, sector.charge, sector.spin_excess)
    return np.linalg.eigvalsh(full_hamiltonian(model)[at][:, at].toarray())[:count]


@pytest.mark.long
@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_levels_of_all_blocks_are_those_of_the_reference(name, engine):
    model, sector = SYMMETRIC[name]
    found = levels_by_symmetry(model, sector, 8, Options(engine=engine))
    assert len(set(map(str, found.labels))) > 1
    np.testing.assert_allclose(found.energies, levels_of_reference(model, sector), rtol=0, atol=1e-8)


def test_a_cubic_potential_takes_the_reflection_of_an_optical_lattice_away():
    """The reflection turns x_j - x_i around, and with it every displacement."""
    model, sector = SYMMETRIC["optical"]
    lopsided = replace(model, phonons=replace(model.phonons, cubic=0.05))
    block = replace(sector, reflection=1)
    assert len(ground_state(model, block).energies)
    with pytest.raises(InvalidModel, match="lacks this symmetry"):
        ground_state(lopsided, block)
    found = levels_by_symmetry(lopsided, sector, 4)
    np.testing.assert_allclose(found.energies, levels_of_reference(lopsided, sector, 4), rtol=0, atol=1e-8)


@pytest.mark.long
@pytest.mark.parametrize("frame", ["none", "mean", "lang-firsov", [0.7, -0.4]])
@pytest.mark.parametrize("sector", [Sector(2), pytest.param(Sector(3, 1), marks=pytest.mark.slow)])
def test_every_frame_has_the_levels_of_the_lattice_without_a_cutoff(frame, sector):
    table = replace(LATTICE, frame=frame, max_quanta=None, total_quanta=26)
    model = Model(dimer(), replace(ELECTRONS, zeeman=[0.1, 0.3]), BOSONS, table)
    large = replace(model, phonons=replace(table, frame="none", total_quanta=34))
    exact = ground_state(large, sector, 3)
    found = ground_state(model, sector, 3)
    np.testing.assert_allclose(found.energies, exact.energies, rtol=0, atol=3e-6)
    assert np.all(found.energies - exact.energies <= found.certificate.energy_errors + 1e-9)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_matrix_elements_in_a_frame_that_follows_the_charges(strength):
    """Of the dressed frame: those of the plain one between displaced number states, nothing cut in between."""
    table = replace(LATTICE, frame="lang-firsov", dressing=strength, max_quanta=2)
    model, sector = Model(site(), ELECTRONS, BOSONS, table), Sector(2)
    dressed = Hamiltonian.of(model, sector)
    whole = replace(model, phonons=replace(table, frame="none", dressing=None, max_quanta=90))
    plain = Hamiltonian.of(whole, sector)
    size = 91
    ladder = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    generator, columns = 1j * (ladder.T - ladder), np.zeros((plain.space.dimension, dressed.space.dimension))
    energies, states = np.linalg.eigh(generator)
    for e, shift in enumerate(dressed.space.frame[:, 0]):
        moved = ((states * np.exp(-1j * shift * energies)) @ states.conj().T).real
        columns[e * size : (e + 1) * size, 3 * e : 3 * e + 3] = moved[:, :3]
    expected = columns.T @ plain.matrix().toarray() @ columns
    np.testing.assert_allclose(dressed.matrix().toarray(), expected, rtol=0, atol=1e-9)


def test_powers_of_x_include_paths_over_states_beyond_the_cutoff():
    model = Model(site(), Electrons(), phonons=Phonons(1.0, quadratic=0.5, cubic=0.25, quartic=0.125, max_quanta=3))
    n = np.arange(12)
    x = np.diag(np.sqrt(n[1:]), 1) + np.diag(np.sqrt(n[1:]), -1)
    powers = 0.5 * x @ x + 0.25 * x @ x @ x + 0.125 * x @ x @ x @ x
    expected = (np.diag(n * 1.0) + powers)[:4, :4]
    np.testing.assert_allclose(Hamiltonian.of(model, Sector(0)).matrix().toarray(), expected, atol=1e-13)


def test_singlets_and_triplets_of_two_spins():
    model = Model(dimer(), Electrons(0.0, hubbard_u=50.0, spin_exchange=0.8, zeeman=0.3))
    assert ground_state(model, 2, 2).energies == pytest.approx([-0.6, 0.2])
    assert ground_state(model, Sector(2, 2)).energies == pytest.approx([0.2 - 0.3])
    assert ground_state(model, Sector(2, -2)).energies == pytest.approx([0.2 + 0.3])


def test_the_singlet_of_a_bond_turns_into_pairs_on_its_ends():
    """Two electrons on different sites and a pair: sqrt(2) times the exchange to each end."""
    model = Model(dimer(), Electrons(0.0), Bosons(bond_exchange=0.3))
    assert ground_state(model, 2).energies == pytest.approx([-0.3 * 2.0])


def test_a_d_wave_and_an_s_wave_have_opposite_signs_on_one_class():
    cluster = plaquette((2, 2))
    labels = sorted({bond.label for bond in cluster.bonds})
    for signs in ([0.4, 0.4], [0.4, -0.4]):
        table = dict(zip(labels, signs, strict=False)) if len(labels) > 1 else signs[0]
        model = Model(cluster, Electrons(1.0), Bosons(0.1, bond_exchange=table))
        space = Hamiltonian.of(model, Sector(2)).space
        ours = Hamiltonian.of(model, Sector(2)).matrix().toarray()
        np.testing.assert_allclose(ours, sector_matrix(model, space), atol=1e-12)


REFUSED = {
    "quartic": ({"quartic": -0.1}, r"phonons.quartic: got -0.1; allowed: 0 or more; below 0 the lattice has no lowest"),
    "cubic": ({"cubic": 0.2}, r"phonons.cubic: got 0.2; allowed: 0 where phonons.quartic is 0"),
    "one cubic": ({"cubic": 0.2, "quartic": [0.1, 0.0, 0.1]}, r"phonons.cubic"),
    "quadratic": ({"quadratic": -0.26}, r"phonons.quadratic: got -0.26; allowed: above -omega_0 / 4"),
    "electrons": ({"electron_quadratic": -0.13}, r"phonons.electron_quadratic: got -0.13; .* two electrons"),
    "pairs": ({"boson_quadratic": -0.26}, r"phonons.boson_quadratic: got -0.26"),
    "together": ({"electron_quadratic": -0.1, "boson_quadratic": -0.06}, r"phonons.boson_quadratic: got -0.06"),
    "springs": ({"spring": -0.1}, r"phonons.spring: got -0.1; it makes a normal mode unstable"),
    "hopping": ({"hopping": 0.6}, r"phonons.hopping: got 0.6; .* no lowest energy"),
    "hopping and walls": ({"hopping": 0.6, "quartic": 0.1}, r"phonons.hopping: got 0.6"),
    "hopping and softness": ({"hopping": 0.4, "quadratic": -0.2}, r"phonons.hopping: got 0.4; it makes a normal mode"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_lattice_without_a_lowest_energy_is_refused(name):
    couplings, message = REFUSED[name]
    with pytest.raises(InvalidModel, match=message):
        Model(ring(3), Electrons(1.0), Bosons(), Phonons(1.0, max_quanta=2, **couplings))


@pytest.mark.parametrize(
    "couplings",
    [
        {"quadratic": -0.24}, {"quadratic": -3.0, "quartic": 0.01}, {"cubic": 1.0, "quartic": 0.01}, {"hopping": 0.49},
        {"hopping": -0.9}, {"spring": -0.08}, {"electron_quadratic": -0.12}, {"spring": -3.0, "quartic": 0.1},
        {"quadratic": [-0.3, 0.1, 0.1], "spring": 1.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_lattice_with_a_lowest_energy_is_not(couplings):
    Model(ring(3), Electrons(1.0), Bosons(), Phonons(1.0, max_quanta=2, **couplings))


@pytest.mark.parametrize("key", ["hopping", "spring", "electron_quadratic", "boson_quadratic", "exchange_coupling"])
def test_couplings_of_modes_on_sites_are_refused_on_bonds(key):
    with pytest.raises(InvalidModel, match=rf"phonons.{key}: got 0.01; allowed: 0 here; it needs modes on sites"):
        Model(ring(3), Electrons(1.0), Bosons(), Phonons(1.0, "bonds", max_quanta=2, **{key: 0.01}))


def test_couplings_are_not_mixed_up_where_some_sites_carry_nothing():
    """Bosons and modes on the ligand alone: springs, phonon hops and repulsion find no second end."""
    bosons = Bosons(0.1, 0.3, 0.2, "ligand", repulsion=0.5, bond_exchange=0.4, electron_repulsion=0.2)
    model = Model(ligand_centre(2), ELECTRONS, bosons, replace(LATTICE, on="ligand"))
    hamiltonian = Hamiltonian.of(model, Sector(3, 1))
    expected = sector_matrix(model, hamiltonian.space)
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, atol=1e-12)


COMPLEX = {
    "python": Electrons(hopping={"ring": 1.0 + 0.4j}, hubbard_u=1.0),
    "file": Electrons(hopping={"ring": {"re": 1.0, "im": 0.4}}, hubbard_u=1.0),
    "list": Electrons(hopping=[1.0 + 0.4j] * 3, hubbard_u=1.0),
    "all": Electrons(hopping={"re": 1.0, "im": 0.4}, hubbard_u=1.0),
    "apart": Electrons(hopping=1.0, hopping_imaginary=0.4, hubbard_u=1.0),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_a_complex_hopping_is_a_flux(name):
    """t = |t| exp(i theta) on every bond of a ring of three."""
    cluster = ring(3)
    label = cluster.bonds[0].label
    table = COMPLEX[name]
    if isinstance(table.hopping, dict):
        table = replace(table, hopping={label: 1.0}, hopping_imaginary={label: 0.4})
    size, theta = abs(1 + 0.4j), np.angle(1 + 0.4j)
    threaded = Model(cluster, Electrons(size, hubbard_u=1.0), flux=3 * theta)
    found, expected = (levels_by_symmetry(m, 3, 6) for m in (Model(cluster, table), threaded))
    np.testing.assert_allclose(found.energies, expected.energies, atol=1e-10)


@pytest.mark.parametrize("flux", [0.0, 0.7])
def test_a_spin_orbit_coupling_is_a_flux_with_the_sign_of_the_spin(flux):
    model = Model(ring(3), Electrons(1.0, hubbard_u=2.0, spin_orbit=0.5), flux=flux)
    size, theta = abs(1 + 0.5j), np.angle(1 + 0.5j)
    for two_sz, shift in ((1, 3 * theta), (-1, -3 * theta)):
        alone = Model(ring(3), Electrons(size), flux=flux + shift)
        found, expected = (levels_by_symmetry(m, Sector(1, two_sz), 3).energies for m in (model, alone))
        np.testing.assert_allclose(found, expected, atol=1e-10)
    np.testing.assert_allclose(
        levels_by_symmetry(model, 3, 6).energies, levels_of_reference(model, Sector(3, 1), 6), atol=1e-9
    )


def test_an_imaginary_hopping_given_twice_is_refused():
    with pytest.raises(InvalidModel, match=r"hopping_imaginary: got 0.2; allowed: 0 where"):
        Electrons(hopping=1.0 + 0.1j, hopping_imaginary=0.2)


def test_a_model_file_has_complex_numbers():
    text = 'schema = 1\ncluster = { kind = "ring", sites = 3 }\nelectrons.hopping = { bond = { re = 1.0, im = 0.2 } }\n'
    label = ring(3).bonds[0].label
    model = parse(text.replace("bond", label) + "sector.charge = 1\n", "complex.toml").model
    assert model.couplings.electron_hopping.tolist() == [1.0] * 3
    assert model.couplings.electron_hopping_imaginary.tolist() == [0.2] * 3
