"""What is true of these models before any number is known: symmetries, scaling, gauge, bounds, exact limits."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import models_and_sectors

from respair.analysis import observables
from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, Model, Phonons, Sector
from respair.solvers import Options, ground_state

often = settings(max_examples=cases(30), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def levels(model, sector, count=6, engine="auto"):
    return ground_state(model, sector, count, Options(engine=engine)).energies[:count]


def spectrum(model, sector):
    return np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())


NO_ENERGY = (
    "on", "max_quanta", "total_quanta", "frame", "dressing", "cutoff", "accuracy", "basis", "max_occupation",
    "double_occupancy",
)  # fmt: skip


def scaled(table, factor, skip=NO_ENERGY):
    def times(value):
        if isinstance(value, dict):
            return {key: times(v) for key, v in value.items()}
        return [times(v) for v in value] if isinstance(value, list) else factor * value

    return table and replace(table, **{k: times(v) for k, v in vars(table).items() if k not in skip})


@often
@given(models_and_sectors())
def test_energies_scale_with_the_couplings(case):
    """H(c t, c U, ..., c omega0) = c H; alpha and alpha_F are pure numbers, g is an energy."""
    model, sector = case
    phonons = scaled(model.phonons, 2.5, (*NO_ENERGY, "boson_coupling", "electron_coupling"))
    other = replace(
        model,
        electrons=scaled(model.electrons, 2.5),
        bosons=scaled(model.bosons, 2.5),
        phonons=phonons,
        chemical_potential=2.5 * model.chemical_potential,
    )
    np.testing.assert_allclose(spectrum(other, sector), 2.5 * spectrum(model, sector), atol=1e-9)


@often
@given(models_and_sectors(), st.floats(-3, 3))
def test_a_chemical_potential_shifts_a_sector_by_its_charge(case, mu):
    model, sector = case
    moved = replace(model, chemical_potential=model.chemical_potential + mu)
    expected = spectrum(model, sector) - mu * sector.charge
    np.testing.assert_allclose(spectrum(moved, sector), expected, atol=1e-9)


@often
@given(models_and_sectors())
def test_spin_up_and_down_are_alike(case):
    model, sector = case
    other = replace(sector, two_sz=-sector.two_sz)
    np.testing.assert_allclose(spectrum(model, other), spectrum(model, sector), atol=1e-9)


@often
@given(models_and_sectors())
def test_reversing_the_flux_reverses_time(case):
    model, sector = case
    np.testing.assert_allclose(spectrum(replace(model, flux=-model.flux), sector), spectrum(model, sector), atol=1e-9)


@often
@given(models_and_sectors())
def test_the_sign_of_the_exchange_is_a_gauge_of_the_bosons(case):
    model, sector = case
    if model.bosons is None:
        return
    exchange = scaled(Bosons(exchange=model.bosons.exchange), -1.0).exchange
    other = replace(model, bosons=replace(model.bosons, exchange=exchange))
    np.testing.assert_allclose(spectrum(other, sector), spectrum(model, sector), atol=1e-9)


@often
@given(models_and_sectors(phonons=True))
def test_the_sign_of_all_lattice_couplings_is_a_reflection_of_the_lattice(case):
    model, sector = case
    if model.phonons.frame not in ("none", "mean"):
        return
    p = scaled(model.phonons, -1.0, (*NO_ENERGY, "frequency"))
    np.testing.assert_allclose(spectrum(replace(model, phonons=p), sector), spectrum(model, sector), atol=1e-9)


@pytest.mark.parametrize("sites", [3, 4, 5])
@pytest.mark.parametrize("charge", [1, 2, 3, 4])
def test_the_flux_has_the_period_of_one_electron(sites, charge):
    model = Model(ring(sites), Electrons(1.0, hubbard_u=2.0), Bosons(-0.3, 0.6, 0.2), flux=0.37)
    expected = spectrum(model, Sector(charge))
    np.testing.assert_allclose(spectrum(replace(model, flux=0.37 + 2 * np.pi), Sector(charge)), expected, atol=1e-9)


@pytest.mark.parametrize("sites", [3, 4, 5])
def test_bosons_alone_have_half_the_period(sites):
    model = Model(ring(sites), bosons=Bosons(hopping=1.0), flux=0.37)
    expected = spectrum(model, Sector(4))
    np.testing.assert_allclose(spectrum(replace(model, flux=0.37 + np.pi), Sector(4)), expected, atol=1e-9)
    assert not np.allclose(spectrum(replace(model, flux=0.37 + np.pi / 2), Sector(4)), expected, atol=1e-3)


@pytest.mark.parametrize("cluster", [dimer(), chain(3), ring(4), ladder(2), plaquette()], ids=lambda c: c.kind)
@pytest.mark.parametrize("charge", [1, 2, 3])
def test_on_bipartite_clusters_the_sign_of_hopping_is_a_gauge(cluster, charge):
    pairs = Bosons(-0.3, 0.6)
    one, other = (Model(cluster, Electrons(t, hubbard_u=2.0), pairs) for t in (1.0, -1.0))
    np.testing.assert_allclose(spectrum(one, Sector(charge)), spectrum(other, Sector(charge)), atol=1e-9)


def test_on_a_triangle_it_is_not():
    one, other = (Model(ring(3), Electrons(t)) for t in (1.0, -1.0))
    assert levels(one, Sector(1), 1)[0] == pytest.approx(-2.0)
    assert levels(other, Sector(1), 1)[0] == pytest.approx(-1.0)


@pytest.mark.parametrize("charge", range(5))
def test_particles_and_holes_of_the_hubbard_model(charge):
    """E(2 L - N) = E(N) + U (L - N) on bipartite clusters."""
    model = Model(ring(4), Electrons(1.0, hubbard_u=3.0))
    expected = spectrum(model, Sector(charge)) + 3.0 * (4 - charge)
    np.testing.assert_allclose(spectrum(model, Sector(8 - charge)), expected, atol=1e-9)


@pytest.mark.parametrize("charge", range(7))
def test_particles_and_holes_of_the_boson_fermion_model(charge):
    """E(4 L - N; Delta_B) = E(N; -Delta_B) + L Delta_B for levels eps = 0 on bipartite clusters."""
    level, sites = 0.7, 4
    model = Model(ring(sites), Electrons(1.0), Bosons(level, 0.5))
    mirror = replace(model, bosons=Bosons(-level, 0.5))
    ours, theirs = levels(model, Sector(4 * sites - charge), 4), levels(mirror, Sector(charge), 4)
    np.testing.assert_allclose(ours, theirs + sites * level, atol=1e-8)


@pytest.mark.parametrize("frame", ["mean", [0.7, -0.4], [2.0, 2.0]])
@pytest.mark.parametrize(("charge", "coupling"), [(1, 0.6), (2, 0.4), (3, 0.3)])
def test_every_phonon_frame_has_the_same_limit(frame, charge, coupling):
    def energies(displacement):
        phonons = Phonons(1.0, electron_coupling=coupling, max_quanta=14, displacement=displacement)
        return levels(Model(dimer(), Electrons(1.0, hubbard_u=1.5), phonons=phonons), Sector(charge), 2)

    np.testing.assert_allclose(energies(frame), energies("none"), atol=2e-7)


def test_physical_averages_do_not_depend_on_the_frame():
    def measured(displacement):
        phonons = Phonons(0.9, boson_coupling=0.8, max_quanta=14, displacement=displacement)
        state = ground_state(Model(dimer(), Electrons(1.0), Bosons(-0.4, 0.7), phonons), 2).ground
        return observables(state, displacement_grid=np.linspace(-2, 4, 7))

    plain = measured("none")
    for frame in ("mean", [0.5, 0.1]):
        moved = measured(frame)
        for name in plain.data_vars:
            if name not in ("lattice_energy", "coupling_energy"):
                np.testing.assert_allclose(moved[name], plain[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("charge", [0, 1, 2])
def test_atomic_polarons(charge):
    """At t = 0 an electron density n gains omega0 (alpha_F n)^2."""
    omega, alpha = 0.8, 0.7
    phonons = Phonons(omega, electron_coupling=alpha, max_quanta=40)
    model = Model(site(), Electrons(level=0.3, hubbard_u=1.1), phonons=phonons)
    expected = 0.3 * charge + 1.1 * (charge == 2) - omega * (alpha * charge) ** 2
    found = levels(model, Sector(charge), 2)
    np.testing.assert_allclose(found, [expected, expected + omega], atol=1e-10)


def test_an_exchanging_site_without_lattice():
    """Two levels Delta_B and 2 eps + U, mixed by v."""
    model = Model(site(), Electrons(level=0.2, hubbard_u=0.5), Bosons(level=-0.3, exchange=0.4))
    np.testing.assert_allclose(spectrum(model, Sector(2)), np.linalg.eigvalsh([[0.9, 0.4], [0.4, -0.3]]), atol=1e-12)


@pytest.mark.parametrize("charge", [1, 2])
def test_the_uniform_mode_of_a_conserved_charge_decouples(charge):
    """With the mean displacement removed, one relative mode of the dimer is left, and few quanta are enough."""
    coupling = 1.2
    phonons = Phonons(1.0, electron_coupling=coupling, total_quanta=24, displacement="mean")
    dimer_energy = levels(Model(dimer(), Electrons(1.0, hubbard_u=2.0), phonons=phonons), Sector(charge), 1)[0]

    def relative(model):
        """One mode (x_0 - x_1) / sqrt2 that sees (n_0 - n_1) / sqrt2."""
        from respair.hamiltonians import displacement, electron_number, quanta

        difference = electron_number(0) - electron_number(1)
        return quanta(0) - quanta(0) + (-coupling / np.sqrt(2)) * (difference * displacement(0))

    one = Model(dimer(), Electrons(1.0, hubbard_u=2.0), phonons=Phonons(1.0, on=[0], max_quanta=30), terms=(relative,))
    expected = levels(one, Sector(charge), 1)[0] - coupling**2 * charge**2 / 2
    assert dimer_energy == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("sites", [3, 4, 5, 6])
@pytest.mark.parametrize("phi", [0.0, 0.9, np.pi])
def test_free_electrons_on_rings(sites, phi):
    """E = sum of -2 t cos(k - phi / L) over the lowest momenta of each spin."""
    bands = np.sort(-2 * np.cos((2 * np.pi * np.arange(sites) - phi) / sites))
    for up, dn in ((1, 0), (1, 1), (2, 1)):
        model = Model(ring(sites), Electrons(1.0), flux=phi)
        expected = bands[:up].sum() + bands[:dn].sum()
        assert levels(model, Sector(up + dn, up - dn), 1)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("sites", "pairs"), [(4, 1), (4, 2), (5, 2), (6, 3)])
def test_hard_core_bosons_are_free_fermions_with_a_twisted_ring(sites, pairs):
    shift = 0.0 if pairs % 2 else 0.5
    bands = np.sort(-2 * np.cos(2 * np.pi * (np.arange(sites) + shift) / sites))
    model = Model(ring(sites), bosons=Bosons(hopping=1.0))
    assert levels(model, Sector(2 * pairs), 1)[0] == pytest.approx(bands[:pairs].sum(), abs=1e-9)


@pytest.mark.parametrize("u", [-3.0, 0.0, 5.0])
def test_the_hubbard_dimer(u):
    model = Model(dimer(), Electrons(1.0, hubbard_u=u))
    expected = (u - np.sqrt(u * u + 16)) / 2
    assert levels(model, Sector(2), 1)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("alpha_shift", [-0.1, 0.0, 0.2])
def test_the_resonance_of_the_ligand_is_where_a_hidden_reflection_puts_it(alpha_shift):
    """At alpha_c the charge of the ligand is exactly one; beside it, it is not."""
    alpha = np.sqrt((2 * 1.5 + 4.0) / 4) + alpha_shift
    electrons = Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5})
    phonons = Phonons(1.0, "ligand", electron_coupling=alpha, max_quanta=40)
    state = ground_state(Model(ligand_centre(4), electrons, phonons=phonons), 2).ground
    density = float(observables(state, ["electron_density"])["electron_density"][4])
    assert (abs(density - 1) < 1e-9) == (alpha_shift == 0.0)


DERIVATIVES = {
    "electrons.hopping": ("hopping_energy", lambda m, e: e / m.electrons.hopping),
    "electrons.hubbard_u": ("double_occupancy", lambda m, e: e.sum()),
    "electrons.level": ("electron_density", lambda m, e: e.sum()),
    "bosons.level": ("boson_density", lambda m, e: e.sum()),
    "bosons.exchange": ("exchange_energy", lambda m, e: e / m.bosons.exchange),
    "phonons.boson_coupling": ("coupling_energy", lambda m, e: e / m.phonons.boson_coupling),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_hellmann_and_feynman(name):
    """dE/dc = <dH/dc>, also in the truncated space."""
    table, key = name.split(".")
    phonons = Phonons(0.9, boson_coupling=0.7, max_quanta=2)
    model = Model(ring(3), Electrons(1.0, 0.1, 1.3), Bosons(-0.4, 0.7), phonons)
    quantity, slope = DERIVATIVES[name]

    def at(step):
        values = getattr(model, table)
        return replace(model, **{table: replace(values, **{key: getattr(values, key) + step})})

    step = 1e-4
    ends = [levels(at(s), Sector(4), 1)[0] for s in (-step, step)]
    state = ground_state(model, 4).ground
    measured = slope(model, observables(state, [quantity])[quantity].values.real)
    assert float(measured) == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=2e-7)


@pytest.mark.parametrize("space", ["max_quanta", "total_quanta"])
def test_more_phonons_never_raise_the_energy(space):
    def energy(cap):
        phonons = Phonons(0.8, boson_coupling=1.0, electron_coupling=0.2, **{space: cap})
        return levels(Model(dimer(), Electrons(1.0), Bosons(-0.2, 0.6), phonons), Sector(2), 1)[0]

    found = [energy(cap) for cap in range(9)]
    assert np.all(np.diff(found) < 1e-12)


def test_densities_add_up_to_the_charges():
    phonons = Phonons(1.0, bond_coupling=0.2, max_quanta=1, on="bonds")
    cluster = custom([[0, 0], [1, 0], [0, 1]], [[0, 1], [1, 2]], ["metal", "metal", "ligand"])
    model = Model(cluster, Electrons(1.0, hubbard_u=1.0), Bosons(-0.3, 0.4), phonons)
    for sector in (Sector(3, 1), Sector(4, 0), Sector(5, 3)):
        data = observables(ground_state(model, sector).ground)
        total = float(data["electron_density"].sum() + 2 * data["boson_density"].sum())
        assert total == pytest.approx(sector.charge, abs=1e-10)
        assert float(data["spin_z"].sum()) == pytest.approx(sector.two_sz / 2, abs=1e-10)
        assert np.all(data["condensate_boson"] > -1e-12)
        assert np.all(data["condensate_combined"] > -1e-12)
        assert float(data["condensate_boson"].sum()) == pytest.approx(float(data["boson_density"].sum()), abs=1e-10)


def test_the_exchange_lowers_the_energy_and_pairs_lock_in_antiphase():
    model = Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.8))
    data = observables(ground_state(model, 4).ground, ["pair_exchange", "exchange_energy"])
    assert np.all(data["pair_exchange"].values.real < 0)
    assert float(data["exchange_energy"]) == pytest.approx(2 * 0.8 * float(data["pair_exchange"].sum().real), abs=1e-10)
