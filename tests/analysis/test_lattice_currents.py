"""Currents and stiffness of lattices at T = 0 and T > 0, against dense matrices whose vector potential changes."""

import io
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
from reference import full_hamiltonian, sector_indices
from rich.console import Console

from respair.analysis import (
    Ensemble,
    Sampling,
    coherence,
    crossover_temperatures,
    flux_tensor,
    optical_conductivity,
    probe,
    thermal_flux_response,
    thermal_spectral_function,
)
from respair.clusters import chain, custom, square, triangular
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.hamiltonians.currents import current_axis
from respair.solvers import ground_state
from respair.studies import parse, records, run, save_figures, show_result

PLANE = Model(square(supercell=[[2, 1], [0, 2]]), Electrons(1.0, hubbard_u=1.5), flux=(0.4, -0.7))
SKEWED = Model(triangular(supercell=[[2, 0], [1, 2]]), Electrons({"a": 1.0, "b": 0.6, "c": -0.3}), flux=(0.3, 0.9))
PAIRS = Model(square(supercell=[[1, 1], [-1, 2]]), Electrons(1.0), Bosons(-0.2, 0.7), flux=(0.3, 0.5))
LATTICE = Model(square(size=[2, 2]), None, Bosons(hopping=0.5),
                Phonons(1.0, boson_coupling=0.4, total_quanta=2), flux=(0.3, 0.0))  # fmt: skip
STEP = 2e-3
T = [0.4, 1.5]


def dense(model, sector):
    """H of a sector."""
    inside = sector_indices(model, sector.charge, sector.spin_excess)
    return full_hamiltonian(model)[inside][:, inside].toarray()


def in_potential(model, sector, vector):
    """H of a sector with the further vector potential A."""
    shifted = np.array(model.fluxes) + np.array(model.cluster.cell) @ np.asarray(vector, float)
    return dense(replace(model, flux=tuple(shifted.tolist())), sector)


def derivatives(value, axes=2):
    """First and second derivatives of a function of A at 0, by differences."""
    unit = STEP * np.eye(axes)
    first = [(8 * (value(e) - value(-e)) - value(2 * e) + value(-2 * e)) / (12 * STEP) for e in unit]
    second = np.array([[
        (value(a + b) - value(a - b) - value(b - a) + value(-a - b)) / (4 * STEP**2) for b in unit] for a in unit
    ])  # fmt: skip
    return np.array(first), second


@pytest.mark.parametrize(("model", "charge"), [(PLANE, 2), (SKEWED, 3), (PAIRS, 3), (LATTICE, 2)])
def test_thermal_currents_and_stiffness_are_derivatives_of_the_dense_free_energy(model, charge):
    sector = Sector(charge, charge % 2)
    data = thermal_flux_response(model, [model.fluxes], T, Ensemble("sector", sector)).isel(point=0)
    rows, sites = np.array(model.cluster.cell), model.cluster.sites
    known = {}
    for n, t in enumerate(T):

        def free_energy(vector, t=t):
            key = tuple(np.round(vector, 12))
            if key not in known:
                known[key] = la.eigvalsh(in_potential(model, sector, vector))
            energies = known[key]
            return energies[0] - t * np.log(np.sum(np.exp(-(energies - energies[0]) / t)))

        slope, bent = derivatives(free_energy)
        assert data.free_energy.values[n] == pytest.approx(free_energy(np.zeros(2)), abs=1e-10)
        assert rows.T @ data.current.values[n] == pytest.approx(-slope, abs=1e-7)
        assert data.stiffness.values[n] == pytest.approx(np.pi / sites * bent, abs=2e-4)


def test_thermal_stiffness_becomes_that_of_the_ground_level():
    cold = thermal_flux_response(PLANE, [PLANE.fluxes], [5e-3], Ensemble("sector", Sector(2))).isel(point=0)
    ground = flux_tensor(PLANE, 2, [PLANE.fluxes]).isel(point=0)
    for name in ("stiffness", "current"):
        assert cold[name].values[0] == pytest.approx(ground[name].values, abs=1e-7)
    assert cold.drude.values[0] == pytest.approx(ground.stiffness.values, abs=1e-7)


@pytest.mark.long
def test_random_vectors_give_the_thermal_tensor():
    model, kind = replace(PAIRS, cluster=square(size=[3, 2])), Ensemble("sector", Sector(4))
    exact = thermal_flux_response(model, [PAIRS.fluxes], T, kind)
    sampled = thermal_flux_response(model, [PAIRS.fluxes], T, kind, Sampling("ftlm", samples=8, steps=40))
    for name in ("free_energy", "current", "stiffness"):
        error = sampled[f"{name}_error"].values
        assert np.all(error > 0)
        assert np.all(np.abs(sampled[name].values - exact[name].values) < 4 * error)
    assert np.isnan(sampled.drude).all()
    assert "random vectors" in sampled.drude.attrs["missing"]


@pytest.mark.sampled
@pytest.mark.parametrize(("model", "charge"), [(PLANE, 2), (SKEWED, 3), (PAIRS, 2)])
@pytest.mark.parametrize("direction", [None, (0.0, 1.0), (1.0, -2.0)])
def test_the_conductivity_of_a_lattice_is_that_of_dense_matrices(model, charge, direction):
    sector = Sector(charge, charge % 2)
    unit = np.array([1.0, 0.0] if direction is None else direction)
    unit = unit / la.norm(unit)
    along = [in_potential(model, sector, x * STEP * unit) for x in (-2, -1, 0, 1, 2)]
    current = (8 * (along[3] - along[1]) - along[4] + along[0]) / (12 * STEP)
    energies, vectors = la.eigh(along[2])
    assert energies[1] - energies[0] > 1e-3
    elements = np.abs(vectors.conj().T @ current @ vectors[:, 0]) ** 2
    above = energies[1:] - energies[0]
    weights = np.pi / model.cluster.sites * elements[1:] / above
    data = optical_conductivity(ground_state(model, sector), [0.5], direction=direction)
    assert data.moments.values[:2] == pytest.approx([weights.sum(), weights @ above], abs=1e-7)
    tensor = flux_tensor(model, sector, [model.fluxes]).stiffness.values[0]
    assert float(data.drude) == pytest.approx(unit @ tensor @ unit, abs=1e-8)
    assert abs(float(data.fsum_defect)) < 1e-8


def test_thermal_conductivity_has_the_drude_weight_of_the_tensor():
    kind = Ensemble("sector", Sector(2))
    current = probe(PAIRS, "current", direction=[1.0, 1.0])
    data = thermal_spectral_function(PAIRS, current, T, [0.5, 1.0], ensemble=kind)
    tensor = thermal_flux_response(PAIRS, [PAIRS.fluxes], T, kind).drude.values[:, 0]
    assert data.drude.values == pytest.approx(tensor.sum(axis=(1, 2)) / 2, abs=1e-10)
    assert np.abs(data.fsum_defect).max() < 1e-8


def test_coherence_of_a_lattice_at_its_best_corner():
    found = coherence(PAIRS, 4)
    corners = [(a, b) for a in (0.0, np.pi) for b in (0.0, np.pi)]
    energies = [la.eigvalsh(dense(replace(PAIRS, flux=phi), Sector(4)))[0] for phi in corners]
    best = int(np.argmin(np.round(energies, 10)))
    assert tuple(found.phi.values) == corners[best]
    assert float(found.energy) == pytest.approx(energies[best], abs=1e-10)
    tensor = flux_tensor(PAIRS, 4, [corners[best]]).stiffness.values[0]
    assert float(found.stiffness) == pytest.approx(np.trace(tensor) / 2, abs=1e-9)


def test_crossovers_of_a_lattice_follow_its_mean_stiffness():
    t = np.geomspace(0.05, 3.0, 7)
    kind = Ensemble("sector", Sector(2))
    found = crossover_temperatures(PAIRS, t, ensemble=kind)
    tensor = thermal_flux_response(PAIRS, [tuple(found.flux.values)], t, kind).stiffness.values[:, 0]
    assert found.stiffness.values == pytest.approx(np.trace(tensor, axis1=1, axis2=2) / 2, abs=1e-10)
    assert list(found.estimator.values)[-1] == "nelson_kosterlitz"


def test_the_universal_jump_is_where_the_stiffness_meets_the_temperature():
    model = Model(PLANE.cluster, Electrons(0.1), Bosons(-3.0, 0.2, hopping=1.0))
    found = crossover_temperatures(model, np.geomspace(0.1, 4.0, 8), ensemble=Ensemble("sector", Sector(4)))
    at = float(found.crossover.sel(estimator="nelson_kosterlitz"))
    there = thermal_flux_response(model, [tuple(found.flux.values)], [at], Ensemble("sector", Sector(4)))
    assert np.trace(there.stiffness.values[0, 0]) / 2 / 8 == pytest.approx(at, rel=0.02)


FILE = """
schema = 1
cluster = { kind = "square", size = [2, 2] }
electrons = { hopping = 1.0, hubbard_u = 2.0 }
sector = { charge = 2 }
flux = { values = [[0.5, 0.2]] }
"""


def test_model_files(tmp_path):
    grid = "{ start = 0.1, stop = 2.0, count = 6 }"
    warm = f'{FILE}thermal = {{ temperatures = {grid}, ensemble = "sector" }}\ncoherence = {{}}\ncrossover = {{}}'
    pairs = "hubbard_u = 2.0 }\nbosons = { exchange = 0.5 }"
    result = run(parse(warm.replace("hubbard_u = 2.0 }", pairs), "plane.toml"))
    (record,) = records(result)
    assert np.shape(record["thermal"]["flux"]["stiffness"]) == (6, 1, 2, 2)
    assert np.shape(record["coherence"]["phi"]) == np.shape(record["crossover"]["flux"]) == (2,)
    assert "nelson_kosterlitz" in record["crossover"]["T_phi"]
    console = Console(file=io.StringIO(), width=200)
    show_result(result, console)
    assert "rho_s" in console.file.getvalue()
    assert len(list(save_figures(result, tmp_path / "plane"))) == 4
    asked = '\nspectrum = { operator = "current", direction = [0, 1], frequencies = [1.0] }'
    (record,) = records(run(parse(FILE + asked, "plane.toml")))
    assert abs(record["spectrum"]["fsum_defect"]) < 1e-8


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('spectrum = { operator = "current", direction = [0, 0], frequencies = [1.0] }', r"direction.*not all 0"),
        ('spectrum = { operator = "current", direction = [1], frequencies = [1.0] }', r"direction.*2 finite numbers"),
        ('spectrum = { operator = "electron", direction = [1, 0], frequencies = [1.0] }', r"direction.*leave it out"),
    ],
)
def test_what_a_lattice_refuses(lines, message):
    with pytest.raises(InvalidModel, match=message):
        parse(FILE + lines, "plane.toml")


def test_what_carries_no_current():
    with pytest.raises(ValueError, match="carries no current"):
        current_axis(chain(3))
    with pytest.raises(ValueError, match="flux vectors of finite numbers"):
        thermal_flux_response(PLANE, [0.3], T)
    loops = custom([[0, 0], [1, 0]], [[0, 1, "x", [0.0, 0.0]], [1, 0, "x", [1.0, 0.0]], [0, 1, "y", [0.0, 1.0]]])
    with pytest.raises(ValueError, match="give `cell` to custom"):
        thermal_flux_response(Model(loops, Electrons(1.0)), [[0.0, 0.0]], T)
