"""Flux at temperature: against finite differences of dense free energies, the ground state, and sampled blocks."""

from dataclasses import replace

import numpy as np
import pytest
from reference import Fock, full_hamiltonian

from respair import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, chain, ring
from respair.analysis.flux.response import flux_response
from respair.analysis.thermal.averages import thermal_averages
from respair.analysis.thermal.ensembles import Ensemble, Sampling
from respair.analysis.thermal.flux import thermal_flux_response
from respair.studies import parse, records, run

RING = Model(ring(4), Electrons(hopping=1.0), Bosons(level=-0.3, exchange=0.8, hopping=0.2), chemical_potential=0.1)
LATTICE = Model(ring(3), Electrons(1.0), Bosons(-0.3, 0.6), Phonons(0.9, boson_coupling=0.8, total_quanta=1))
BARE = replace(LATTICE, phonons=None)
PEIERLS = Model(ring(3), Electrons(1.0), phonons=Phonons(0.9, bond_coupling=0.3, on="bonds", total_quanta=1))
DERIVATIVES = np.array([[1, -8, 0, 8, -1], [-1, 16, -30, 16, -1]]) / 12


def dense_potential(model, t, charge):
    """-T ln Z over the whole Fock space, or over one charge of it."""
    inside = np.flatnonzero(Fock(model).allowed & ((charge is None) | (Fock(model).charges[0] == charge)))
    energies = np.linalg.eigvalsh(full_hamiltonian(model)[inside][:, inside].toarray())
    return energies[0] - t * np.log(np.sum(np.exp(-(energies - energies[0]) / t)))


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("model", "charge"), [(BARE, None), (PEIERLS, None), (LATTICE, 3)], ids=["grand", "Peierls", "lattice"]
)
@pytest.mark.parametrize("phi", [0.0, 0.7, np.pi])
def test_current_and_stiffness_are_derivatives_of_the_dense_free_energy(model, charge, phi):
    t, h = 0.3, 0.02
    kind = Ensemble() if charge is None else Ensemble("canonical", Sector(charge))
    data = thermal_flux_response(model, [phi], [t], kind).isel(temperature=0, phi=0)
    values = [dense_potential(replace(model, flux=phi + k * h), t, charge) for k in (-2, -1, 0, 1, 2)]
    first, second = DERIVATIVES @ values / np.array([h, h**2])
    assert float(data["grand_potential" if charge is None else "free_energy"]) == pytest.approx(values[2], abs=1e-11)
    assert float(data.current) == pytest.approx(-first, abs=1e-6)
    assert float(data.stiffness) == pytest.approx(np.pi * 3 * second, abs=1e-5)


def test_cold_rings_respond_as_their_ground_level_does():
    phis = [0.4, 1.3]
    cold = thermal_flux_response(RING, phis, [2e-3], Ensemble("canonical", Sector(2))).isel(temperature=0)
    ground = flux_response(RING, 2, phis)
    np.testing.assert_allclose(cold.free_energy, ground.energies, atol=1e-9)
    for name in ("current", "stiffness"):
        np.testing.assert_allclose(cold[name], ground[name], atol=1e-7)
    np.testing.assert_allclose(cold.drude, ground.stiffness, atol=1e-7)


def test_stiffness_and_drude_weight_differ_by_the_variance_of_the_slopes():
    """One electron on a ring: E_m = -2 cos((2 pi m + phi) / L), so every sum is in closed form."""
    phi, t, sites = 0.5, 0.4, 5
    k = (2 * np.pi * np.arange(sites) + phi) / sites
    levels, slopes, bent = -2 * np.cos(k), 2 * np.sin(k) / sites, 2 * np.cos(k) / sites**2
    p = np.exp(-levels / t) / np.sum(np.exp(-levels / t))
    model, kind = Model(ring(sites), Electrons(1.0)), Ensemble("canonical", Sector(1))
    data = thermal_flux_response(model, [phi], [t], kind).isel(temperature=0, phi=0)
    drude = np.pi * sites * p @ bent
    assert float(data.drude) == pytest.approx(drude, abs=1e-12)
    variance = p @ slopes**2 - (p @ slopes) ** 2
    assert float(data.stiffness) == pytest.approx(drude - np.pi * sites * variance / t, abs=1e-12)
    assert float(data.current) == pytest.approx(-(p @ slopes), abs=1e-12)


def test_degenerate_levels_are_summed_right():
    """Free electrons at phi = 0: levels of equal energy move apart, and whole sectors show them all together."""
    model, kind = Model(ring(4), Electrons(1.0)), Ensemble("sector", Sector(2))
    at = thermal_flux_response(model, [0.0], [0.3], kind).isel(temperature=0, phi=0)
    near = thermal_flux_response(model, [1e-4, 2e-4], [0.3], kind).isel(temperature=0)
    for name in ("free_energy", "stiffness", "drude"):
        np.testing.assert_allclose(near[name], float(at[name]), atol=1e-5)


@pytest.mark.long
def test_random_vectors_follow_the_free_energy_within_their_errors():
    kind, t = Ensemble("canonical", Sector(6)), [0.1, 0.3, 1.0]
    exact = thermal_flux_response(RING, [0.0, 1.0], t, kind)
    sampled = thermal_flux_response(RING, [0.0, 1.0], t, kind, Sampling("ftlm", samples=12, steps=40))
    for name in ("free_energy", "current", "stiffness"):
        error = sampled[f"{name}_error"].values
        assert np.all(np.abs(sampled[name] - exact[name]) < 5 * error + 1e-7)
    assert np.max(sampled.stiffness_error) > 1e-4
    assert np.all(np.isnan(sampled.drude))
    assert "slopes of single levels" in sampled.drude.attrs["missing"]
    assert "missing" not in exact.drude.attrs
    np.testing.assert_array_equal(exact.stiffness_error, 0.0)
    direct = thermal_averages(replace(RING, flux=1.0), t, kind)
    np.testing.assert_allclose(exact.free_energy.sel(phi=1.0), direct.free_energy, atol=1e-12)


@pytest.mark.long
def test_a_wanted_density_fixes_mu_at_the_flux_of_the_model():
    t, phis = [0.2, 0.9], [0.0, 1.1]
    found = thermal_flux_response(BARE, phis, t, Ensemble(density=1.5))
    averages = thermal_averages(BARE, t, Ensemble(density=1.5))
    np.testing.assert_allclose(found.grand_potential[:, 0], averages.grand_potential, atol=1e-11)
    for i, temperature in enumerate(t):
        there = replace(BARE, chemical_potential=float(averages.chemical_potential[i]))
        direct = thermal_flux_response(there, phis, [temperature]).isel(temperature=0)
        for name in ("grand_potential", "current", "stiffness", "drude"):
            np.testing.assert_allclose(found[name][i], direct[name], atol=1e-9, err_msg=name)


def test_a_model_file_has_lists_over_temperatures_of_lists_over_fluxes():
    text = """
        schema = 1
        cluster = { kind = "ring", sites = 3 }
        electrons.hopping = 1.0
        bosons = { level = -0.3, exchange = 0.8, hopping = 0.2 }
        sector.charge = 2
        flux.values = [0.0, 1.0, 2.0]
        thermal = { ensemble = "canonical", temperatures = [0.3, 1.0], observables = [] }
    """
    flux = records(run(parse(text, "ring.toml")))[0]["thermal"]["flux"]
    direct = thermal_flux_response(
        replace(RING, cluster=ring(3), chemical_potential=0.0),
        [0.0, 1.0, 2.0],
        [0.3, 1.0],
        Ensemble("canonical", Sector(2)),
    )
    assert flux["phi"] == [0.0, 1.0, 2.0]
    for name in ("free_energy", "current", "stiffness", "drude"):
        np.testing.assert_allclose(flux[name], direct[name], atol=1e-12)
        assert not np.any(flux["errors"][name])


@pytest.mark.parametrize("asked", ["flux.values = [0.3]", 'spectrum = { operator = "current", frequencies = [1.0] }'])
def test_a_missing_drude_weight_comes_with_its_reason(asked):
    text = f"""
        schema = 1
        cluster = {{ kind = "ring", sites = 4 }}
        electrons.hopping = 1.0
        bosons = {{ level = -0.3, exchange = 0.8 }}
        sector = {{ charge = 5, two_sz = 1, momentum = 1 }}
        {asked}
        thermal = {{ ensemble = "sector", temperatures = [1.0], method = "METHOD", samples = 2, observables = [] }}
    """
    for method, there in (("ftlm", False), ("exact", True)):
        record = records(run(parse(text.replace("METHOD", method), "ring.toml")))[0]
        found = record["thermal"]["flux"] if "flux" in asked else record["spectrum"]
        assert ("drude_missing" in found) != there
        assert np.all(np.array(found["drude"], dtype=float) == np.array(found["drude"], dtype=float)) == there


def test_what_has_no_flux_is_refused():
    with pytest.raises(ValueError, match="give at least one"):
        thermal_flux_response(RING, [], [1.0])
    with pytest.raises(ValueError, match="no loop"):
        thermal_flux_response(Model(chain(3), Electrons(1.0)), [0.1], [1.0])
    with pytest.raises(InvalidModel, match=r"ensemble.density"):
        thermal_flux_response(RING, [0.1], [1.0], Ensemble(density=9.0))
    with pytest.raises(InvalidModel, match=r"^temperatures"):
        thermal_flux_response(RING, [0.1], [])


def test_too_few_lanczos_steps_are_added_to():
    few, many = (
        thermal_flux_response(
            RING, [0.4], [0.1, 2.0], Ensemble("sector", Sector(3, 1)), Sampling("ftlm", samples=3, steps=steps)
        )
        for steps in (2, 150)
    )
    for name in ("free_energy", "current", "stiffness"):
        np.testing.assert_allclose(few[name], many[name], atol=2e-6, err_msg=name)
