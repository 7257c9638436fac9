"""Spectra against sums over all states, sum rules, other engines and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from formulas import AllStates, curve
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from independent import fock
from strategies import models_and_sectors

from respair.analysis import (
    expectation,
    flux_response,
    gap_measures,
    observables,
    optical_conductivity,
    probe,
    quasi_particles,
    spectral_function,
)
from respair.analysis.spectra.excitations import LINESHAPES
from respair.analysis.spectra.probes import KINDS, Probe
from respair.analysis.spectra.sum_rules import moment_formulas, moments_from_commutators
from respair.clusters import chain, dimer, ligand_centre, plaquette, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    annihilate,
    boson,
    boson_number,
    create,
    electron_number,
    pair,
)
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.solvers.krylov import resolvents as lines
from respair.studies import check_fits, parse, records, run, write

OMEGA = np.linspace(-5.0, 5.0, 41)
ETA = 0.2
LATTICE = Phonons(0.9, boson_coupling=0.7, electron_coupling=0.3, total_quanta=2)
RING = Model(ring(3), Electrons(1.0, hubbard_u=0.4), Bosons(-0.3, 0.6, 0.2), LATTICE)
SOFT = Model(ligand_centre(4), Electrons(1.0), phonons=Phonons(1.0, "ligand", electron_coupling=0.3, max_quanta=1))
BARE = Model(ring(4), Electrons(1.0, hubbard_u=0.5), Bosons(-0.4, 0.7, 0.3))


def dense_curve(states, seen, cross=None):
    """A(omega) by sums over all states of the Fock space."""
    other = seen if cross is None else cross
    total = curve(*states.lines(seen.addition, left=other.addition), OMEGA, ETA)
    if seen.removal is not None:
        total = total + curve(*states.lines(other.removal, -1, left=seen.removal), OMEGA, ETA)
    return total


def probes_of(model):
    """Every operator that a model has, on its first and last place."""
    found = []
    for name, kind in KINDS.items():
        places = sorted(kind.places(model)) if not kind.needs or getattr(model, kind.needs) is not None else []
        found += [probe(model, name, place) for place in sorted({places[0], places[-1]})] if places else []
    return found


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_spectra_of_random_models_are_sums_over_all_states(data):
    model, sector = data.draw(models_and_sectors())
    assume(len(fock(model).kept) <= 300)
    levels, states = ground_state(model, sector), AllStates(model, sector)
    for seen in data.draw(st.lists(st.sampled_from(probes_of(model)), min_size=1, max_size=2)):
        spectrum = spectral_function(levels, seen, OMEGA, ETA)
        np.testing.assert_allclose(spectrum["values"], dense_curve(states, seen), atol=1e-8)


@pytest.mark.parametrize(("charge", "flux"), [(2, 0.0), (3, 0.0), (3, 0.6)])
def test_spectra_with_a_momentum_are_sums_over_all_states(charge, flux):
    """Odd charges, degenerate ground levels over several momenta, complex blocks."""
    model = replace(BARE, cluster=ring(3), flux=flux)
    levels, states = levels_by_symmetry(model, charge), AllStates(model, Sector(charge))
    for name in ("electron", "pair", "boson", "bond_pair", "density", "spin", "charge"):
        seen = probe(model, name, momentum=1, spin="dn" if name == "electron" else None)
        spectrum = spectral_function(levels, seen, OMEGA, ETA)
        np.testing.assert_allclose(spectrum["values"], dense_curve(states, seen), atol=1e-9)
        assert np.all(spectrum["values"].values >= 0)


@pytest.mark.parametrize("place", [{"site": 1}, {"momentum": 1}], ids=["site", "momentum"])
def test_lattice_spectra_are_sums_over_all_states(place):
    model = Model(ring(3), bosons=Bosons(-0.3, hopping=0.6), phonons=replace(LATTICE, electron_coupling=0.0))
    levels, states = levels_by_symmetry(model, 2), AllStates(model, Sector(2))
    for name in ("displacement", "lattice_momentum", "boson", "boson_density"):
        seen = probe(model, name, **place)
        spectrum = spectral_function(levels, seen, OMEGA, ETA)
        np.testing.assert_allclose(spectrum["values"], dense_curve(states, seen), atol=1e-9)


@pytest.mark.parametrize(
    ("cluster", "charge"), [(plaquette([2, 2]), 3), (ligand_centre(3), 2), (chain(3), 3), (dimer(), 1), (site(), 1)]
)
def test_the_symmetry_reduction_changes_nothing(cluster, charge):
    model = Model(cluster, Electrons(1.0, hubbard_u=1.5), Bosons(-0.2, 0.4))
    for name in ("electron", "boson", "density"):
        seen = probe(model, name, 0)
        whole, reduced = (
            spectral_function(solve(model, charge), seen, OMEGA, ETA) for solve in (ground_state, levels_by_symmetry)
        )
        np.testing.assert_allclose(reduced["values"], whole["values"], atol=1e-9)
        np.testing.assert_allclose(reduced["moments"], whole["moments"], atol=1e-8)


@pytest.mark.parametrize("flux", [0.0, 0.4])
def test_all_engines_agree(flux):
    model, sector = replace(RING, flux=flux, phonons=replace(LATTICE, total_quanta=3)), Sector(3)
    levels = levels_by_symmetry(model, sector)
    seen = probe(model, "electron", 0)
    exact, *others = (
        spectral_function(levels, seen, OMEGA, ETA, options=Options(engine)) for engine in ("dense", "tensor", "quspin")
    )
    assert int(exact.steps) == 0
    for other in others:
        assert 0 < int(other.steps) < 400
        assert float(other.error) < 1e-8
        np.testing.assert_allclose(other["values"], exact["values"], rtol=0, atol=float(other.error) + 1e-12)
        np.testing.assert_allclose(other["moments"], exact["moments"], atol=1e-9)


@pytest.mark.parametrize("vectors", [0, 40, 10_000])
def test_the_memory_for_lanczos_vectors_changes_nothing(vectors, monkeypatch):
    """All kept and mended where they drift, dropped on the way, or none kept."""
    model = replace(BARE, cluster=chain(4))
    levels, seen = ground_state(model, 4), probe(model, "electron", 0)
    size = Hamiltonian.of(model, Sector(3, -1)).space.dimension
    monkeypatch.setattr(lines, "STORED_BYTES", 8 * size * vectors)
    exact, found = (spectral_function(levels, seen, OMEGA, 0.02, options=Options(e)) for e in ("dense", "tensor"))
    assert int(found.steps) > 60
    np.testing.assert_allclose(found["values"], exact["values"], rtol=0, atol=float(found.error) + 1e-11)
    np.testing.assert_allclose(found["moments"], exact["moments"], atol=1e-10)


@pytest.mark.parametrize("names", [("electron", "electron"), ("boson", "pair"), ("density", "charge")])
def test_moments_are_the_averages_of_their_formulas(names):
    """Overlaps of two images of the level against the averages of products of words."""
    model = replace(BARE, cluster=ring(3), flux=0.6)
    level = ground_state(model, 3).ground
    left, right = (probe(model, name, momentum=1) for name in names)
    formulas = zip(range(3), moment_formulas(model, level.hamiltonian.operator, left, right), strict=False)
    wanted = [expectation(level, formula) for _, formula in formulas]
    np.testing.assert_allclose(moments_from_commutators(level, left, right, 3), wanted, atol=1e-11)


def test_a_cross_spectrum_has_the_sign_of_its_lines():
    model = Model(dimer(), Electrons(1.0, level=[0.0, 0.4]), phonons=Phonons(0.8, electron_coupling=0.6, max_quanta=6))
    density, lattice = probe(model, "density", 0), probe(model, "displacement", 0)
    levels, states = ground_state(model, 1), AllStates(model, Sector(1))
    for engine in ("dense", "tensor"):
        cross = spectral_function(levels, lattice, OMEGA, ETA, options=Options(engine), cross=density)
        np.testing.assert_allclose(cross["values"], dense_curve(states, lattice, density).real, atol=1e-9)
    assert np.min(cross.pole_weights) < 0 < np.max(cross.pole_weights)


def test_a_cross_spectrum_of_pairs_and_bosons_is_that_of_the_sums():
    """The anomalous weights <b|n><n|D+> of charged operators, addition and removal."""
    model = Model(ring(3), Electrons(1.0), Bosons(-0.3, 0.8))
    levels = levels_by_symmetry(model, 2)
    local, electron = probe(model, "boson", 0), probe(model, "pair", 0)
    both = Probe("both", local.addition + electron.addition, boson(0) + pair(0))
    parts = [spectral_function(levels, p, OMEGA, ETA)["values"].values for p in (both, local, electron)]
    cross = spectral_function(levels, electron, OMEGA, ETA, cross=local)["values"].values
    np.testing.assert_allclose(2 * cross, parts[0] - parts[1] - parts[2], atol=1e-10)
    assert np.max(np.abs(cross)) > 0.05


@pytest.mark.parametrize("lineshape", LINESHAPES)
def test_the_weight_of_an_electron_is_one_with_either_line_shape(lineshape):
    omega = np.linspace(-400.0, 400.0, 40001)
    spectrum = spectral_function(
        levels_by_symmetry(BARE, 3), probe(BARE, "electron", momentum=1), omega, ETA, lineshape
    )
    assert float(spectrum.moments[0]) == pytest.approx(1.0, abs=1e-12)
    assert np.trapezoid(spectrum["values"], omega) == pytest.approx(
        1.0, abs=1e-3 if lineshape == "lorentzian" else 1e-9
    )
    assert float(spectrum.removal_weight + spectrum.addition_weight) == pytest.approx(1.0, abs=1e-12)


def test_a_line_has_half_its_height_at_the_broadening():
    model = Model(site(), Electrons(level=0.3))
    for lineshape in LINESHAPES:
        spectrum = spectral_function(ground_state(model, 0), probe(model, "electron"), [0.3, 0.5], 0.2, lineshape)
        assert float(spectrum["values"][1] / spectrum["values"][0]) == pytest.approx(0.5, abs=1e-12)


def test_the_removal_of_all_momenta_is_the_density():
    model = replace(BARE, cluster=ring(3))
    levels = levels_by_symmetry(model, 3)
    removed = [
        float(spectral_function(levels, probe(model, "electron", momentum=m), [0.0]).removal_weight) for m in range(3)
    ]
    local = spectral_function(levels, probe(model, "electron", 2), [0.0])
    assert np.mean(removed) == pytest.approx(float(local.removal_weight), abs=1e-12)


def test_moments_of_the_boson_fermion_ring_are_the_known_ones():
    """M1 = eps - mu, M2 = (eps - mu)^2 + 2 t^2 + v^2 <n_dn (1 - n_b) + (1 - n_dn) n_b> on a site without U."""
    model = Model(ring(4), Electrons(1.0, level=0.2), Bosons(-0.4, 0.7), chemical_potential=0.1)
    levels = levels_by_symmetry(model, 4)
    spectrum = spectral_function(levels, probe(model, "electron", 0), [0.0])
    n, b = electron_number(0, "dn"), boson_number(0)
    mixed = expectation(levels.ground, n + b - 2.0 * (n * b)).real
    np.testing.assert_allclose(spectrum.moments[:3], [1.0, 0.1, 0.01 + 2.0 + 0.49 * mixed], atol=1e-10)


def test_the_lattice_obeys_its_f_sum_rule():
    """sum |<n|x|0>|^2 (E_n - E_0) = omega0."""
    model = Model(dimer(), Electrons(1.0), phonons=Phonons(0.7, electron_coupling=0.8, max_quanta=20))
    spectrum = spectral_function(levels_by_symmetry(model, 2), probe(model, "displacement", 1), [0.0])
    assert float(spectrum.moments[1]) == pytest.approx(0.7, abs=1e-9)


def test_the_independent_boson_has_poisson_side_bands():
    alpha = 0.8
    model = Model(site(), Electrons(level=0.3), phonons=Phonons(1.0, electron_coupling=alpha, max_quanta=40))
    spectrum = spectral_function(ground_state(model, 0), probe(model, "electron"), [0.0])
    m = np.arange(6)
    poisson = np.exp(-(alpha**2)) * alpha ** (2 * m) / [1, 1, 2, 6, 24, 120]
    np.testing.assert_allclose(spectrum.pole_frequencies[:6], 0.3 - alpha**2 + m, atol=1e-9)
    np.testing.assert_allclose(spectrum.pole_weights[:6], poisson, atol=1e-12)


def test_the_atomic_limit_has_three_poles():
    """At t = 0 and T = 0 an electron and its site: bonding and antibonding lines, and the bare one."""
    model = Model(site(), Electrons(), Bosons(0.0, 0.5))
    levels = ground_state(model, 2)
    spectrum = spectral_function(levels, probe(model, "electron"), [0.0])
    np.testing.assert_allclose(spectrum.pole_frequencies, [-0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(spectrum.pole_weights, [0.5, 0.5], atol=1e-12)


def test_real_and_imaginary_parts_of_the_resolvent_belong_together():
    """Kramers and Kronig: the curve on the real axis gives the resolvent anywhere above it."""
    spectrum = spectral_function(
        levels_by_symmetry(BARE, 2), probe(BARE, "electron", 0), np.linspace(-600, 600, 120001), ETA
    )
    z = 0.4 + 0.5j
    found = np.trapezoid(spectrum["values"] / (z - spectrum.omega), spectrum.omega)
    want = np.sum(spectrum.pole_weights.values / (z + 1j * ETA - spectrum.pole_frequencies.values))
    assert complex(found) == pytest.approx(complex(want), abs=2e-6)


def test_a_state_that_is_no_eigenstate_breaks_the_sum_rules():
    levels = ground_state(RING, 2)
    wrong = np.random.default_rng(1).normal(size=levels.amplitudes.shape)
    broken = replace(levels, amplitudes=wrong / np.linalg.norm(wrong))
    with pytest.raises(ArithmeticError, match="sum rule"):
        spectral_function(broken, probe(RING, "electron", 0), OMEGA, ETA)
    with pytest.raises(ArithmeticError, match="sum rule"):
        optical_conductivity(broken, OMEGA, ETA)


@pytest.mark.parametrize("displacement", ["none", "mean", [0.4, 0.4], "lang-firsov"])
def test_the_phonon_frame_changes_nothing_but_the_cutoff(displacement):
    lattice = Phonons(1.0, electron_coupling=0.5, max_quanta=14, displacement=displacement)
    model = Model(dimer(), Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    spectrum = spectral_function(ground_state(model, 2), probe(model, "electron", 0), OMEGA, ETA)
    plain = replace(model, phonons=replace(lattice, displacement="none", max_quanta=22))
    wanted = spectral_function(ground_state(plain, 2), probe(plain, "electron", 0), OMEGA, ETA)
    np.testing.assert_allclose(spectrum["values"], wanted["values"], atol=1e-6)
    assert np.all(np.abs(spectrum.moments - spectrum.sum_rules) <= spectrum.sum_rule_errors)


@pytest.mark.parametrize("flux", [0.0, 0.5])
def test_the_drude_weight_is_the_stiffness(flux):
    model = replace(RING, flux=flux, phonons=replace(LATTICE, bond_coupling=0.15, total_quanta=1))
    levels = levels_by_symmetry(model, Sector(2))
    data = optical_conductivity(levels, OMEGA, ETA)
    stiffness = float(flux_response(model, 2, [flux]).stiffness[0])
    assert float(data.drude) == pytest.approx(stiffness, abs=1e-7)
    assert float(data.fsum_defect) == pytest.approx(0.0, abs=1e-9)
    whole = optical_conductivity(ground_state(model, 2), OMEGA, ETA, options=Options("tensor"))
    np.testing.assert_allclose(whole["values"], data["values"], atol=1e-7)


def test_a_current_that_the_ground_level_carries_alone_leaves_nothing_to_solve_for():
    model = Model(ring(3), bosons=Bosons(hopping=0.6), flux=-0.125)
    data = optical_conductivity(ground_state(model, 2), OMEGA, ETA)
    stiffness = float(flux_response(model, 2, [-0.125]).stiffness[0])
    assert float(data.drude) == pytest.approx(stiffness, abs=1e-9)
    assert len(data.pole) == 0


def test_pairs_that_hop_carry_four_times_the_weight():
    model = Model(ring(4), bosons=Bosons(hopping=0.6))
    data = optical_conductivity(levels_by_symmetry(model, 2), OMEGA, ETA)
    assert float(data.drude) == pytest.approx(np.pi / 4 * 4 * 2 * 0.6, abs=1e-10)
    assert len(data.pole) == 0


@pytest.mark.parametrize(
    ("model", "place", "message"),
    [
        (Model(chain(3), Electrons(1.0)), {"name": "current"}, "carries no current"),
        (Model(chain(3), Electrons(1.0)), {"name": "electron", "momentum": 1}, "has no translation"),
        (BARE, {"name": "electron", "momentum": 4}, "allowed: 0 to 3"),
        (BARE, {"name": "electron", "site": 4}, "0, 1, 2, 3"),
        (BARE, {"name": "electron", "site": 0, "momentum": 0}, "either site or momentum"),
        (BARE, {"name": "displacement"}, "give the model phonons"),
        (BARE, {"name": "hole"}, "allowed: electron"),
        (BARE, {"name": "electron", "spin": "left"}, "up"),
        (BARE, {"name": "pair", "spin": "up"}, "only the operator electron takes a spin"),
        (SOFT, {"name": "displacement", "site": 3}, "a site or bond with a mode: 4"),
        (Model(site(), Electrons()), {"name": "bond_pair"}, "it has no bond"),
        (Model(ring(3), bosons=Bosons(on=[1])), {"name": "boson"}, "^site: got 0; allowed: a site .*: 1"),
        (BARE, {"name": "current", "site": 0}, "the current is that of the whole ring"),
        (Model(ring(3), Electrons(), Bosons(on=[1])), {"name": "boson", "momentum": 0}, "not every one"),
    ],
)
def test_probes_that_are_not_there_are_refused(model, place, message):
    with pytest.raises(InvalidModel, match=message):
        probe(model, **place)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequencies": []}, "one or more finite numbers"),
        ({"frequencies": [np.nan]}, "finite numbers"),
        ({"broadening": 0.0}, "above 0"),
        ({"lineshape": "box"}, "lorentzian, gaussian"),
    ],
)
def test_curves_that_cannot_be_are_refused(change, message):
    levels = ground_state(Model(dimer(), Electrons(1.0)), 2)
    arguments = {"frequencies": [0.0], "broadening": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        spectral_function(levels, probe(levels.hamiltonian.space.model, "electron"), **arguments)


def test_an_operator_of_the_users_own_may_not_mix_charges():
    model = Model(dimer(), Electrons(1.0))
    mixed = Probe("mixed", create(0, "up") + annihilate(0, "up"))
    with pytest.raises(ValueError, match="every product must cause the same change"):
        spectral_function(ground_state(model, 1), mixed, OMEGA)


def test_a_cross_spectrum_needs_probes_of_one_charge():
    model = Model(dimer(), Electrons(1.0), Bosons())
    with pytest.raises(ValueError, match="a cross spectrum needs the same"):
        spectral_function(ground_state(model, 2), probe(model, "electron"), OMEGA, cross=probe(model, "boson"))


def test_a_full_cluster_takes_no_electron():
    model = Model(dimer(), Electrons(1.0))
    spectrum = spectral_function(ground_state(model, 4), probe(model, "electron"), OMEGA)
    assert float(spectrum.addition_weight) == 0.0
    assert float(spectrum.removal_weight) == pytest.approx(1.0)


@pytest.mark.parametrize("engine", ["tensor", "quspin"])
@pytest.mark.parametrize("name", ["electron", "density"])
def test_a_first_look_is_within_its_tolerance_and_takes_fewer_steps(engine, name):
    levels, seen = ground_state(RING, Sector(3, 1)), probe(RING, name)
    rough, fine = (
        spectral_function(levels, seen, OMEGA, ETA, options=Options(engine=engine), tolerance=tolerance)
        for tolerance in (1e-2, 1e-10)
    )
    assert int(rough["steps"]) < int(fine["steps"])
    weight = float(fine["addition_weight"] + fine["removal_weight"])
    missed = np.max(np.abs(rough["values"] - fine["values"]).values)
    assert 1e-12 < missed <= 2 * 1e-2 * weight / ETA / np.pi
    assert missed <= 2 * float(rough["error"]) + 1e-12
    np.testing.assert_allclose(rough["moments"], fine["moments"], atol=1e-8)


def test_a_tolerance_of_zero_is_refused():
    with pytest.raises(ValueError, match="tolerance = 0"):
        spectral_function(ground_state(BARE, 2), probe(BARE, "electron"), OMEGA, ETA, tolerance=0.0)


def test_a_frame_without_dressing_gives_the_spectrum_of_the_mean_frame():
    phonons = Phonons([0.25, 1.0], electron_coupling=0.375, total_quanta=3, displacement="mean")
    mean = Model(chain(2), Electrons(2.0, level=1.875), Bosons(hopping=0.875), phonons)
    undressed = replace(mean, phonons=replace(phonons, displacement="lang-firsov", dressing=0))
    found = []
    for model in (mean, undressed):
        levels = ground_state(model, Sector(7, 1))
        data = spectral_function(levels, probe(model, "pair"), OMEGA, ETA)
        measured = observables(levels.ground)
        n, both = (float(measured[name][0]) for name in ("electron_density", "double_occupancy"))
        np.testing.assert_allclose(data.moments[0], 1.0 - n + 2.0 * both, atol=1e-13)  # <[D, D+]> + 2 <D+ D>
        found.append(data)
    np.testing.assert_allclose(found[1]["values"], found[0]["values"], atol=1e-12)


def test_each_state_of_a_nearly_degenerate_level_has_its_own_energy():
    """Lines within an even mixture come in pairs at opposite frequencies with equal weights, so that M_1 = 0."""
    electrons = Electrons(-1.0416576057647006e-11, -0.33)
    model = Model(ligand_centre(2), electrons, Bosons(hopping=-0.3030158496), chemical_potential=2.0)
    levels = ground_state(model, Sector(4))
    assert levels.multiplicity == 9
    data = spectral_function(levels, probe(model, "density", 2), [0.0])
    assert abs(float(data.moments[1])) < 1e-13
    places, weights = data.pole_frequencies.values, data.pole_weights.values
    np.testing.assert_allclose(places, -places[::-1], atol=1e-14)
    np.testing.assert_allclose(weights, weights[::-1], atol=1e-12)


POLARISED = Model(dimer(), Electrons(1.0)), Sector(2, 2)


def test_an_operator_that_leads_nowhere_has_an_empty_spectrum(tmp_path):
    model, sector = POLARISED
    data = spectral_function(ground_state(model, sector), probe(model, "pair"), OMEGA)
    assert data.sizes["pole"] == 0
    assert not np.any(data["values"])
    assert not np.any(data["moments"])
    particles = quasi_particles(data)
    assert np.isnan(particles.addition_energy)
    assert particles.addition_z == 0.0
    assert np.isnan(gap_measures(data).gap)
    text = """
schema = 1
cluster = { kind = "dimer" }
electrons = { hopping = 1.0 }
sector = { charge = 2, two_sz = 2 }
spectrum = { operator = "pair", frequencies = [0.0] }
"""
    result = run(parse(text, "empty.toml"))
    (record,) = records(result)
    assert record["spectrum"]["poles"] == []
    assert "annihilates the ground level" in record["spectrum"]["no_lines"]
    assert write(result, tmp_path / "empty.nc").exists()


def test_memory_for_the_sectors_of_a_spectrum_is_known_before_the_run():
    text = """
schema = 1
cluster = { kind = "chain", sites = 8 }
electrons = { hopping = 1.0, level = [0.1, 0.2, 0.4, 0.3, 0.6, 0.5, 0.9, 0.0] }
sector = { charge = 7 }
spectrum = { operator = "electron", spin = "dn", frequencies = [0.0] }
solver = { engine = "dense", memory_limit = "900 MiB" }
"""
    check_fits(parse(text.replace('"electron", spin = "dn"', '"density"'), "chain.toml"))
    with pytest.raises(MemoryError, match="4,900 states"):
        check_fits(parse(text, "chain.toml"))
