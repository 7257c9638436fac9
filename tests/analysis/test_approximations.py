"""Approximations against their closed forms, the oracles, their own limits, and the bounds that they claim."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from oracle_cases import CASES as EVERY_CASE

from respair.analysis import thermal_averages
from respair.analysis.approximations import (
    STANDARD,
    Dressing,
    born_oppenheimer,
    effective_model,
    lang_firsov_variational,
    pair_model,
    spectral_weights,
    static_model,
)
from respair.clusters import chain, dimer, ligand_centre, plaquette, ring, site
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import ground_state

CASES = {case["family"]: case for case in EVERY_CASE}
A = {name.replace("-", "_"): each for name, each in STANDARD.items()}


def close(case, got):
    for key, want in case["value"].items():
        np.testing.assert_allclose(got[key], want, rtol=0, atol=case["tolerance"], err_msg=key)


def energy(name, model, sector):
    return float(A[name](model, sector).energies[0])


def exact(model, sector):
    levels = ground_state(model, sector)
    return float(levels.energies[0])


def holstein_dimer(p, quanta=1, frame="none"):
    lattice = Phonons(p["omega0"], electron_coupling=p["g"] / p["omega0"], max_quanta=quanta, displacement=frame)
    return Model(dimer(), Electrons(p["t"], hubbard_u=p["U"]), phonons=lattice)


def test_oracle_of_the_mean_field():
    case = CASES["approx_mean_field"]
    p = case["params"]
    model = Model(ring(p["L"]), Electrons(p["t"]), Bosons(p["Delta_B"], p["v"]), chemical_potential=p["mu"])
    for name in ("mean_field", "mean_field_sites"):
        data = A[name](model, p["T"])
        scalar = {"Tc": data.critical_temperature, "Omega": data.grand_potential}
        local = {"rho": data.boson_amplitude, "chi": data.pair_amplitude}
        local |= {"nF": data.electron_density, "nB": data.boson_density}
        close(case, {k: float(np.mean(v)) for k, v in (scalar | local).items()})
        assert float(data.residual) < 1e-9
        assert bool(data.broken_charge_symmetry)


def test_oracle_of_lang_and_firsov():
    case = CASES["approx_lang_firsov"]
    got = {"E_LF_standard": "lang_firsov", "E_LF_var": "lang_firsov_variational"}
    model = holstein_dimer(case["params"], 30, "mean")
    close(case, {k: energy(name, model, Sector(1)) for k, name in got.items()} | {"E_exact": exact(model, Sector(1))})


def test_oracle_of_the_adiabatic_lattice():
    case = CASES["approx_adiabatic"]
    p = case["params"]
    electrons = Electrons({"ring": p["t"], "centre": p["tp"]}, {"ligand": p["eps_P"]}, {"ligand": p["U_P"]})
    model = Model(ligand_centre(4), electrons, phonons=Phonons(p["omega0"], "ligand", 0.0, p["alpha"], max_quanta=1))
    data = A["coherent_product"](model, Sector(2))
    surface = born_oppenheimer(model, Sector(2), [0.0, 1.0, 2.0, 4.0]).adiabatic_energy.values
    close(case, {"minima": data.minima.values, "n_minima": int(data.n_minima), "E_at": surface})
    assert float(data.energies[0]) == pytest.approx(min(data.minima.values), abs=1e-12)


def test_oracle_of_the_bipolarons():
    case = CASES["approx_perturbation"]
    data = A["bipolaron_perturbation"](holstein_dimer(case["params"]), Sector(2))
    got = {"E_even": data.energy_even, "E_odd": data.energy_odd, "t_b": data.pair_hopping[0], "shift": data["shift"][0]}
    close(case, {k: float(v) for k, v in got.items()})
    np.testing.assert_allclose(data.energies, sorted([got["E_even"], got["E_odd"]]), rtol=0, atol=1e-12)


# --- rates --------------------------------------------------------------------------------------------------------


def falls(errors, factor, slack=0.15):
    """Errors fall by `factor` from one to the next, up to higher orders."""
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert np.all(np.abs(ratios[-1] / factor - 1) < slack), ratios


@pytest.mark.parametrize("species", ["bosons", "electrons"])
def test_the_error_of_the_anti_adiabatic_model_falls_as_one_over_omega(species):
    errors = []
    for omega in (20.0, 40.0, 80.0):
        alpha, bound = 0.6, 0.36 * omega
        if species == "bosons":
            bosons = Bosons(-0.3 + bound, 0.7)
            model = Model(dimer(), Electrons(1.0), bosons, Phonons(omega, "all", alpha, max_quanta=8))
        else:
            e = Electrons(1.0, bound, -1.0 + 2 * bound)
            model = Model(dimer(), e, phonons=Phonons(omega, "all", 0.0, alpha, max_quanta=14, displacement="mean"))
        errors.append(energy("anti_adiabatic", model, Sector(2)) - exact(model, Sector(2)))
    falls(errors, 2.0)


def test_the_error_of_the_bipolarons_falls_as_t_to_the_fourth():
    errors = []
    for t in (0.2, 0.1, 0.05):
        model = holstein_dimer({"t": t, "U": 0.5, "g": 0.9, "omega0": 1.0}, 22, "mean")
        levels = ground_state(model, Sector(2), states=2).energies
        errors.append(np.max(np.abs(levels - A["bipolaron_perturbation"](model, Sector(2)).energies.values[:2])))
    falls(errors, 16.0)


@pytest.mark.parametrize(
    ("cluster", "charge", "flux", "factor"),
    [(ring(4), 4, 0.7, 16.0), (plaquette((2, 2)), 4, 0.0, 16.0), (chain(3), 4, 0.0, 16.0), (ring(3), 2, 0.3, 8.0)],
)
def test_pairs_without_a_lattice_are_those_of_the_attractive_hubbard_model(cluster, charge, flux, factor):
    """An electron of a broken pair can go round a triangle: there the error is of third order."""
    errors = []
    for t in (0.1, 0.05):
        model = Model(cluster, Electrons(t, 0.2, -4.0), flux=flux, chemical_potential=0.1)
        levels = A["bipolaron_perturbation"](model, Sector(charge)).energies.values
        errors.append(np.max(np.abs(ground_state(model, charge, states=len(levels)).energies - levels)))
    falls(errors, factor)


@pytest.mark.parametrize(("name", "factor"), [("adiabatic", 4.0), ("coherent_product", 2.0), ("adiabatic_bound", 2.0)])
def test_the_error_of_a_slow_lattice_falls_with_omega(name, factor):
    """As omega0^2 with the harmonic correction, as the zero-point energy without it."""
    errors = []
    for omega in (0.2, 0.1, 0.05):
        lattice = Phonons(omega, [0], 0.0, np.sqrt(0.3 / omega), max_quanta=60)
        model = Model(dimer(), Electrons(1.0), phonons=lattice)
        errors.append(abs(energy(name, model, Sector(1)) - exact(model, Sector(1))))
    falls(errors, factor)


@pytest.mark.parametrize("name", ["lang_firsov_variational", "lang_firsov_squeezed"])
def test_the_error_of_the_variational_transformations_falls_as_one_over_omega(name):
    errors = []
    for omega in (20.0, 40.0, 80.0):
        bosons = Bosons(-0.3 + 0.36 * omega, 0.7)
        model = Model(dimer(), Electrons(1.0), bosons, Phonons(omega, "all", 0.6, max_quanta=8))
        errors.append(energy(name, model, Sector(2)) - exact(model, Sector(2)))
    falls(errors, 2.0)


def test_the_error_of_the_atomic_limit_of_a_sector_falls_as_t_squared():
    errors = []
    for t in (0.1, 0.05):
        model = Model(dimer(), Electrons(t, [0.3, 0.1], 0.5), Bosons(-0.2, 0.8))
        errors.append(energy("atomic_limit", model, Sector(4)) - exact(model, Sector(4)))
    falls(errors, 4.0)


def test_the_error_of_the_atomic_limit_falls_as_t_squared():
    errors = []
    for t in (0.1, 0.05):
        model = Model(dimer(), Electrons(t, 0.3, 0.5), Bosons(-0.2, 0.8), Phonons(1.0, "all", 0.5, max_quanta=3))
        omega = thermal_averages(model, [0.5]).grand_potential.values[0]
        errors.append(float(A["atomic_limit"](model, 0.5).grand_potential) - omega)
    falls(errors, 4.0)


@pytest.mark.parametrize("name", ["mean_field", "mean_field_sites"])
def test_the_error_of_the_mean_field_falls_as_v_squared(name):
    errors = []
    for v in (0.1, 0.05):
        model = Model(ring(3), Electrons(1.0), Bosons(0.4, v), chemical_potential=-0.1)
        omega = thermal_averages(model, [0.5]).grand_potential.values[0]
        errors.append(float(A[name](model, 0.5).grand_potential) - omega)
    falls(errors, 4.0)


# --- exact in their own limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lang_firsov", "lang_firsov_variational", "lang_firsov_squeezed", "anti_adiabatic"])
def test_lang_and_firsov_are_exact_without_hopping_and_exchange(name):
    lattice = Phonons(1.0, "all", 0.7, 0.5, max_quanta=40)
    model = Model(dimer(), Electrons(0.0, [0.1, -0.2], 0.4), Bosons(-0.3, 0.0), lattice)
    for sector in (Sector(2), Sector(3)):
        data = A[name](model, sector)
        assert float(data.energies[0]) == pytest.approx(exact(model, sector), abs=1e-9)
    np.testing.assert_allclose(
        data.displacement, 2 * (0.5 * data.electron_density + 0.7 * data.boson_density), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("name", ["coherent_product", "adiabatic"])
def test_a_static_lattice_is_exact_without_hopping(name):
    model = Model(dimer(), Electrons(0.0, [0.1, -0.2], 0.4), phonons=Phonons(1.0, "all", 0.0, 0.5, max_quanta=30))
    assert energy(name, model, Sector(1)) == pytest.approx(exact(model, Sector(1)), abs=1e-9)


def test_a_bond_mode_without_anything_else_is_a_displaced_oscillator():
    """Dimer, one electron: E = -t - g^2 / omega0 exactly, for hopping and lattice share their eigenstates."""
    model = Model(dimer(), Electrons(1.0), phonons=Phonons(0.8, "bonds", bond_coupling=0.3, max_quanta=1))
    data = A["coherent_product"](model, Sector(1))
    assert float(data.energies[0]) == pytest.approx(-1 - 0.09 / 0.8, abs=1e-10)
    assert float(data.displacement[0]) == pytest.approx(2 * 0.3 / 0.8, abs=1e-7)
    assert energy("adiabatic", model, Sector(1)) == pytest.approx(-1 - 0.09 / 0.8, abs=1e-8)


@pytest.mark.long
def test_the_atomic_limit_is_exact_without_hopping():
    lattice = Phonons(1.0, "all", 0.5, 0.2, max_quanta=3)
    model = Model(dimer(), Electrons(0.0, [0.3, -0.1], 0.5), Bosons([0.1, -0.2], 0.8), lattice, chemical_potential=0.1)
    for sector in (Sector(2), Sector(3), Sector(4, 2)):
        assert energy("atomic_limit", model, sector) == pytest.approx(exact(model, sector), abs=1e-10)
    names = ["electron_density", "boson_density", "pair_exchange", "double_occupancy"]
    whole, alone = thermal_averages(model, [0.4], names=names).isel(temperature=0), A["atomic_limit"](model, 0.4)
    for name in (*names, "grand_potential", "energy", "entropy", "specific_heat", "charge", "charge_variance"):
        np.testing.assert_allclose(alone[name], np.real(whole[name]), rtol=0, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("t", [0.0, 0.3])
@pytest.mark.parametrize("name", ["mean_field", "mean_field_sites"])
def test_the_mean_field_is_exact_without_exchange(name, t):
    model = Model(ring(3), Electrons(1.0), Bosons(0.4, 0.0), chemical_potential=0.25)
    data = A[name](model, t)
    if t:
        best = float(thermal_averages(model, [t], names=[]).grand_potential[0])
    else:
        best = min(exact(model, Sector(n)) for n in range(13))
    assert float(data.grand_potential) == pytest.approx(best, abs=1e-10)
    assert float(data.critical_temperature) == 0.0
    assert not bool(data.broken_charge_symmetry)


def test_bipolarons_are_exact_without_hopping():
    model = holstein_dimer({"t": 0.0, "U": 0.5, "g": 0.9, "omega0": 1.0}, 24, "mean")
    found = A["bipolaron_perturbation"](model, Sector(2)).energies.values
    np.testing.assert_allclose(found, ground_state(model, Sector(2), states=2).energies, rtol=0, atol=1e-9)


@pytest.mark.parametrize("u", [0.0, 0.7])
def test_thermal_lines_of_a_site_against_all_its_matrix_elements(u):
    """A_up(omega) = sum_mn (p_m + p_n) |<m| c_up |n>|^2 from eight dense states."""
    e, d, v, mu, t = 0.3, -0.5, 0.6, 0.1, 0.25
    data = spectral_weights(Model(site(), Electrons(0.0, e, u), Bosons(d, v), chemical_potential=mu), 0, t)
    lower, one = np.array([[0.0, 1.0], [0.0, 0.0]]), np.eye(2)
    up, dn = np.kron(np.kron(lower, one), one), np.kron(np.kron(np.diag([1.0, -1.0]), lower), one)
    b = np.kron(np.eye(4), lower)
    n_up, n_dn, n_b = up.T @ up, dn.T @ dn, b.T @ b
    h = (e - mu) * (n_up + n_dn) + u * n_up @ n_dn + (d - 2 * mu) * n_b + v * (b.T @ dn @ up + (b.T @ dn @ up).T)
    levels, psi = np.linalg.eigh(h)
    p = np.exp(-levels / t) / np.sum(np.exp(-levels / t))
    weights = (p[:, None] + p) * (psi.T @ up @ psi) ** 2
    frequencies = levels[None, :] - levels[:, None]
    for frequency, weight in zip(data.frequency.values, data.weight.values, strict=True):
        assert weight == pytest.approx(np.sum(weights[np.abs(frequencies - frequency) < 1e-9]), abs=1e-12)
    assert float(data.weight.sum()) == pytest.approx(1.0, abs=1e-12)


def test_effective_models_are_what_the_formulas_say():
    model = Model(ring(4), Electrons(1.0), Bosons(0.5, 0.8, 0.1), Phonons(2.0, "all", 1.0, max_quanta=1))
    c = effective_model(model)[0].couplings
    np.testing.assert_allclose(c.exchange, 0.8 * np.exp(-0.5))
    np.testing.assert_allclose(c.boson_level, 0.5 - 2.0)
    np.testing.assert_allclose(c.boson_hopping, 0.1 * np.exp(-1.0))
    np.testing.assert_allclose(c.electron_hopping, 1.0)
    pairs, _ = pair_model(Model(ring(4), Electrons(0.1, 0.0, -4.0)))
    np.testing.assert_allclose(pairs.couplings.boson_hopping, 2 * 0.01 / 4)
    np.testing.assert_allclose(pairs.couplings.boson_level, -4.0 - 2 * 2 * 0.01 / 4)


def test_the_averaged_transformation_is_the_energy_of_an_explicit_state():
    """<psi| <0| U+ H U |0> |psi> with dense matrices on one site: electrons, a local pair, a squeezed lattice."""
    omega, alpha, alpha_f, v, n = 1.0, 0.8, 0.3, 0.7, 60
    lattice = Phonons(omega, "all", alpha, alpha_f, max_quanta=1)
    model = Model(site(), Electrons(0.0, 0.2, 0.4), Bosons(-0.1, v), lattice)
    f, fb, r = 0.25, 0.6, 0.2
    effective, constant = effective_model(model, Dressing(np.array([f]), np.array([fb]), np.array([r])))
    from scipy.linalg import expm

    a = np.diag(np.sqrt(np.arange(1.0, n)), 1)
    squeezed = expm(0.5 * r * (a.T @ a.T - a @ a))[:, 0]  # <P^2> = exp(-2 r) / 2
    states = [expm(q * (a.T - a)) @ squeezed for q in (2 * f, fb)]
    charge = np.array([2 * 0.2 + 0.4, -0.1])
    force = np.array([-2 * omega * alpha_f, -omega * alpha])
    h = np.diag([s @ (omega * a.T @ a + g * (a + a.T)) @ s for s, g in zip(states, force, strict=True)])
    h = h + np.diag(charge) + v * (states[0] @ states[1]) * np.array([[0.0, 1.0], [1.0, 0.0]])
    assert ground_state(effective, 2).energies[0] + constant == pytest.approx(np.linalg.eigvalsh(h)[0], abs=1e-9)


def test_one_value_for_all_classes_of_modes_lies_between():
    electrons = Electrons({"ring": 1.0, "centre": 0.6}, {"ligand": 0.5})
    lattice = Phonons(1.0, "all", 0.0, {"metal": 0.3, "ligand": 1.1}, max_quanta=1)
    model = Model(ligand_centre(3), electrons, phonons=lattice)
    standard, free = energy("lang_firsov", model, Sector(1)), energy("lang_firsov_variational", model, Sector(1))
    one = lang_firsov_variational(model, Sector(1), one_value=True)
    assert one.sizes["parameter"] == 1
    assert free < float(one.energies[0]) < standard


def test_static_models_are_what_the_surface_says():
    lattice = Phonons([0.7, 0.9], [0, 2], [0.3, -0.4], [0.2, 0.5], [0.1, -0.2], max_quanta=1)
    model = Model(chain(3), Electrons(1.0, 0.1, 0.3), Bosons(0.2, 0.6, 0.1), lattice)
    x = np.array([0.4, -0.7])
    elastic = float(model.couplings.frequency @ x**2) / 4
    surface = born_oppenheimer(model, Sector(3), [x]).adiabatic_energy.values[0]
    assert surface == pytest.approx(exact(static_model(model, x), Sector(3)) + elastic, abs=1e-10)


def test_minima_that_symmetry_makes_equal_are_all_found_and_marked():
    """A charge-density wave on a ring of four at half filling: two ways, and the flat lattice between them."""
    model = Model(ring(4), Electrons(1.0, 0.0, 0.5), phonons=Phonons(0.5, "all", 0.0, 1.2, total_quanta=1))
    data = A["coherent_product"](model, Sector(4))
    assert bool(data.broken_symmetry)
    lowest = data.minima.values <= data.minima.values.min() + 1e-9
    waves = data.minima_displacement.values[lowest]
    assert len(waves) == 2
    np.testing.assert_allclose(waves[0], waves[1][[1, 2, 3, 0]], rtol=0, atol=1e-6)
    np.testing.assert_allclose(data.displacement, 2 * 1.2 * data.electron_density, rtol=0, atol=1e-6)
    assert float(data.residual) < 1e-6


@pytest.mark.parametrize(
    ("model", "sector"),
    [
        (Model(site(), Electrons(0.0, 0.3), phonons=Phonons(1.0, "all", 0.0, 0.5, max_quanta=20)), Sector(1)),
        (Model(dimer(), None, Bosons(0.2, 0.0, 0.4), Phonons(0.7, "all", 0.5, max_quanta=16)), Sector(2)),
        (Model(dimer(), Electrons(0.5), phonons=Phonons(1.0, "all", 0.0, 0.5, max_quanta=12)), Sector(0)),
        (Model(chain(3), Electrons(0.5, 0.1, 0.3), phonons=Phonons(1.0, [1], 0.0, 0.5, max_quanta=16)), Sector(3, 3)),
    ],
    ids=["one site", "local pairs alone", "no charge", "one state"],
)
def test_small_and_empty_sectors_are_bracketed(model, sector):
    best = exact(model, sector)
    for name in ("lang_firsov", "lang_firsov_variational", "coherent_product", "atomic_limit"):
        assert energy(name, model, sector) >= best - 1e-9, name
    assert energy("adiabatic_bound", model, sector) <= best + 1e-9


def test_another_frame_of_the_phonons_changes_no_approximation():
    lattice = Phonons(1.0, "all", 0.0, 0.8, max_quanta=4)
    frames = [replace(lattice, displacement=frame) for frame in ("none", "mean", [0.3, -0.2])]
    models = [Model(dimer(), Electrons(1.0, 0.0, 0.4), phonons=frame) for frame in frames]
    for name in ("lang_firsov_variational", "adiabatic"):
        np.testing.assert_allclose(np.diff([energy(name, model, Sector(2)) for model in models]), 0.0, atol=1e-12)


# --- bounds -------------------------------------------------------------------------------------------------------

strengths = st.integers(-8, 8).map(lambda n: n / 8)
positive = st.integers(3, 12).map(lambda n: n / 8)


@st.composite
def moving(draw):
    cluster = draw(st.sampled_from([dimer(), dimer(), chain(3), ring(3)]))
    on = draw(st.sampled_from([[0], [1], "bonds"] if cluster.sites == 2 else [[0], [1]]))
    pairs = draw(st.booleans())
    bond = draw(strengths) / 2 if on == "bonds" else 0.0
    couplings = (0.0, 0.0) if on == "bonds" else (draw(strengths) if pairs else 0.0, draw(strengths))
    electrons = Electrons(draw(strengths), draw(strengths), draw(strengths), draw(strengths))
    bosons = Bosons(draw(strengths), draw(strengths), draw(strengths)) if pairs else None
    flux = draw(strengths) if cluster.has_loop else 0.0
    model = Model(cluster, electrons, bosons, Phonons(draw(positive), on, *couplings, bond, max_quanta=40), flux)
    return model, Sector(draw(st.integers(1, 2)))


@settings(max_examples=cases(12), deadline=None)
@given(moving())
def test_claimed_bounds_of_ground_energies_hold(case):
    model, sector = case
    levels = ground_state(model, sector)
    assume(levels.certificate.energy_errors[0] < 1e-8)
    best = float(levels.energies[0])
    tested = 0
    for each in STANDARD.values():
        if each.bound == "none" or each.reason(model, sector):
            continue
        data, tested = each(model, sector), tested + 1
        assert (float(data.energies[0]) - best) * (1 if each.bound == "upper" else -1) > -1e-7, each.name
    assert tested >= 2
    if STANDARD["lang-firsov"].reason(model, sector) is None:
        freer = [energy(f"lang_firsov{kind}", model, sector) for kind in ("_squeezed", "_variational", "")]
        assert np.all(np.diff(freer) >= -1e-9)


@st.composite
def resonant(draw):
    cluster = draw(st.sampled_from([dimer(), chain(3), ring(3), site()]))
    electrons = Electrons(draw(strengths), draw(strengths))
    bosons = Bosons(draw(strengths), draw(strengths), draw(st.sampled_from([0.0, 0.25, -0.5])))
    return Model(cluster, electrons, bosons, chemical_potential=draw(strengths)), draw(positive) / 2


SINGULAR = Model(dimer(), Electrons(0.125, -0.125), Bosons(0.0, 0.625))
"""At T = 0.25 the equations of the mean field of each site have a singular Jacobian."""


@settings(max_examples=cases(15), deadline=None)
@given(resonant())
@example((SINGULAR, 0.25))
def test_claimed_bounds_of_grand_potentials_hold(case):
    model, t = case
    omega = thermal_averages(model, [t]).grand_potential.values[0]
    for name in ("mean_field", "mean_field_sites", "atomic_limit"):
        if STANDARD[name.replace("_", "-")].reason(model, t) is None:
            assert float(A[name](model, t).grand_potential) >= omega - 1e-9, name


@pytest.mark.parametrize("t", [0.0, 0.05, 0.4])
def test_both_mean_fields_agree_on_equal_sites(t):
    model = Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.9), chemical_potential=-0.1)
    one, each = A["mean_field"](model, t), A["mean_field_sites"](model, t)
    assert float(each.grand_potential) <= float(one.grand_potential) + 1e-10
    for name in ("grand_potential", "critical_temperature", "charge", "energy", *(("entropy",) if t else ())):
        assert float(each[name]) == pytest.approx(float(one[name]), abs=1e-8)
    np.testing.assert_allclose(each.boson_amplitude, float(one.boson_amplitude), rtol=0, atol=1e-8)


def test_the_mean_field_is_stationary_and_its_derivatives_are_its_averages():
    """d Omega / d mu = -<N>, d Omega / d v = 2 L chi rho, and S = -d Omega / d T."""
    model, t, h = Model(ring(3), Electrons(1.0), Bosons(0.2, 0.9), chemical_potential=0.1), 0.1, 1e-4
    data = A["mean_field"](model, t)

    def omega(m, t=t):
        return float(A["mean_field"](m, t).grand_potential)

    more, less = (replace(model, chemical_potential=0.1 + s * h) for s in (1, -1))
    assert (omega(less) - omega(more)) / (2 * h) == pytest.approx(float(data.charge), abs=1e-6)
    more, less = (replace(model, bosons=Bosons(0.2, 0.9 + s * h)) for s in (1, -1))
    slope = 2 * float(data.pair_exchange.sum())
    assert (omega(more) - omega(less)) / (2 * h) == pytest.approx(slope, abs=1e-6)
    assert (omega(model, t - h) - omega(model, t + h)) / (2 * h) == pytest.approx(float(data.entropy), abs=1e-6)


def test_the_mean_field_vanishes_at_its_critical_temperature():
    model = Model(chain(3), Electrons(1.0), Bosons([0.2, -0.1, 0.4], 0.9), chemical_potential=0.1)
    tc = float(A["mean_field_sites"](model, 0.1).critical_temperature)
    below, above = (A["mean_field_sites"](model, tc * factor) for factor in (0.99, 1.01))
    assert 0.01 < float(np.max(np.abs(below.boson_amplitude))) < 0.2
    assert float(np.max(np.abs(above.boson_amplitude))) == 0.0


# --- what does not apply ------------------------------------------------------------------------------------------

BARE = Model(ring(3), Electrons(1.0), Bosons(0.0, 0.5))
LATTICE = Model(ring(3), Electrons(1.0), Bosons(0.0, 0.5), Phonons(1.0, "all", 0.5, max_quanta=1))
BONDS = Model(ring(3), Electrons(1.0), None, Phonons(1.0, "bonds", bond_coupling=0.5, max_quanta=1))


@pytest.mark.parametrize(
    ("name", "model", "where", "why"),
    [
        ("mean_field", BARE, Sector(2), "give a temperature"),
        ("mean_field", LATTICE, 0.1, "use the charges of effective_model"),
        ("mean_field", BONDS, 0.1, "lacks one of them"),
        ("mean_field", replace(BARE, flux=0.3), 0.1, "a flux would wind their phase; set field.flux to 0"),
        ("mean_field_sites", LATTICE, 0.1, "a lattice would need a separate average"),
        (
            "mean_field",
            Model(ring(3), Electrons(1.0, 0.0, 2.0), Bosons(0.0, 0.5)),
            0.1,
            "it does not include electrons.hubbard_u, because",
        ),
        (
            "mean_field_sites",
            Model(ring(3), Electrons(1.0, repulsion=0.1), Bosons()),
            0.1,
            "set electrons.repulsion to 0",
        ),
        ("mean_field", Model(ring(3), Electrons(1.0), Bosons(0, 0.5, 0.1)), 0.1, "which mean-field-sites includes"),
        ("mean_field", replace(BARE, terms=(lambda m: 0.0 * hop(),)), 0.1, "user-defined terms"),
        ("mean_field", Model(chain(3), Electrons(1.0), Bosons(0.0, 0.5)), 0.1, "take mean-field-sites"),
        ("mean_field_sites", BARE, -0.1, "must be 0 or more"),
        ("lang_firsov", BARE, Sector(2), "no phonons"),
        ("lang_firsov", BONDS, Sector(2), "bond_coupling"),
        ("lang_firsov", LATTICE, 0.1, "omit the temperature"),
        ("adiabatic", LATTICE, Sector(2, momentum=0), "leave momentum out of the sector"),
        ("coherent_product", replace(LATTICE, terms=(lambda m: 0.0 * hop(),)), Sector(2), "user-defined terms"),
        ("bipolaron_perturbation", LATTICE, Sector(2), "leave [bosons] out"),
        ("bipolaron_perturbation", Model(dimer(), Electrons(1.0, 0.0, 1.0)), Sector(2), "not bound"),
        ("bipolaron_perturbation", Model(dimer(), Electrons(1.0, 0.0, -1.0)), Sector(1), "must be paired"),
        ("bipolaron_perturbation", Model(dimer(), Electrons(1.0, [0, 1], -1.0)), Sector(2), "same energy"),
        ("atomic_limit", BONDS, Sector(2), "modes are on bonds"),
        ("atomic_limit", BARE, 0.0, "must be above 0"),
    ],
)
def test_an_approximation_that_does_not_apply_says_why(name, model, where, why):
    assert why in A[name].reason(model, where)
    with pytest.raises(InvalidModel, match="does not apply"):
        A[name](model, where)


@pytest.mark.parametrize("name", STANDARD)
def test_a_coupling_that_an_approximation_does_not_list_is_refused(name, monkeypatch):
    """Also one that is added to the package later: each names what it knows, not what it lacks."""
    there = Model.active.fget
    monkeypatch.setattr(Model, "active", property(lambda model: (*there(model), "electrons.later")))
    for model, where in ((BARE, 0.1), (LATTICE, Sector(2)), (Model(dimer(), Electrons(1.0, 0.0, -1.0)), Sector(2))):
        assert "electrons.later to 0" in STANDARD[name].reason(model, where)


@pytest.mark.parametrize("name", STANDARD)
def test_terms_of_the_users_own_are_refused(name):
    for model in (BARE, LATTICE):
        own = replace(model, terms=(lambda m: 0.0 * hop(),))
        assert "user-defined terms" in STANDARD[name].reason(own, Sector(2))


def hop():
    from respair.hamiltonians import electron_number

    return electron_number(0)
