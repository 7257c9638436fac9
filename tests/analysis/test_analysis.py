"""Observables against identities: sum rules, Hellmann-Feynman, moments, frames, degenerate levels."""

from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import (
    charge_scan,
    condensate,
    displacement,
    displacement_distribution,
    displacement_squared,
    energy_part,
    expectation,
    flux_response,
    observables,
    transition,
)
from respair.analysis.observables.averages import Averages, lattice_moments, mode_density_matrix
from respair.analysis.observables.energy import PARTS
from respair.clusters import chain, custom, dimer, ligand_centre, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Model,
    Operator,
    Phonons,
    Sector,
    boson,
    boson_number,
    electron_number,
    pair,
    quanta,
)
from respair.hamiltonians import displacement as x_operator
from respair.hamiltonians.space.phonons import word_matrix
from respair.solvers import Options, ground_state

FULL = Model(
    custom([[0, 0], [1, 0], [0, 1.3]], [[0, 1], [1, 2]]),
    Electrons(hopping=[1.0, 0.7], level=[0.2, -0.1, 0.4], hubbard_u=0.8, repulsion=0.3),
    Bosons(level=[0.1, -0.4], exchange=[0.6, 0.5], hopping=0.2, on=[0, 1]),
    Phonons(0.9, on=[0, 1], boson_coupling=0.5, electron_coupling=0.2, bond_coupling=0.15, max_quanta=4),
    chemical_potential=0.15,
)
MODELS = {
    "everything": (FULL, Sector(3, 1)),
    "flux and a momentum": (
        Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5, 0.1), Phonons(1.0, boson_coupling=0.6, total_quanta=3), 0.7),
        Sector(2, 0, momentum=1),
    ),
    "ligand": (
        Model(ligand_centre(3), Electrons({"ring": 1.0, "centre": 0.4}), None,
              Phonons(1.0, on="ligand", electron_coupling=0.9, max_quanta=12)),
        Sector(3),
    ),
    "bond modes": (
        Model(chain(3), Electrons(1.0, 0.0, 2.0), None, Phonons(0.8, on="bonds", bond_coupling=0.3, max_quanta=6)),
        Sector(3, 1),
    ),
}  # fmt: skip


@pytest.fixture(params=MODELS, ids=lambda name: name)
def state(request):
    model, sector = MODELS[request.param]
    return ground_state(model, sector).ground


def test_charges_add_up(state):
    data = observables(state)
    total = data["electron_density"].sum() + 2 * data.get("boson_density", 0 * data["electron_density"]).sum()
    sector = state.hamiltonian.space.sector
    assert float(total) == pytest.approx(sector.charge, abs=1e-10)
    assert float(2 * data["spin_z"].sum()) == pytest.approx(sector.two_sz, abs=1e-10)


def test_every_labelled_observable_equals_the_expectation_of_its_formula(state):
    """The fast paths (configuration weights, density matrices) against the general one."""
    model, data = state.hamiltonian.space.model, observables(state)
    sites, modes = range(model.cluster.sites), range(len(model.modes))

    def b(i):
        return boson(i) if i in model.boson_sites else 0.0 * boson(0)

    def nb(i):
        return boson_number(i) if i in model.boson_sites else 0.0 * boson_number(0)

    formulas = {
        "electron_density": [electron_number(i) for i in sites],
        "double_occupancy": [electron_number(i, "up") * electron_number(i, "dn") for i in sites],
        "spin_z": [0.5 * (electron_number(i, "up") - electron_number(i, "dn")) for i in sites],
        "displacement": [x_operator(m) for m in modes],
        "quanta": [quanta(m) for m in modes],
        "pair_correlation": [[pair(i).dag * pair(j) for j in sites] for i in sites],
        "density_correlation": [[electron_number(i) * electron_number(j) for j in sites] for i in sites],
        "electron_lattice": [[electron_number(i) * x_operator(m) for m in modes] for i in sites],
    }
    if model.bosons is not None:
        formulas |= {
            "boson_density": [nb(i) for i in sites],
            "pair_exchange": [pair(i).dag * b(i) for i in sites],
            "boson_correlation": [[b(i).dag * b(j) for j in sites] for i in sites],
            "pair_boson_correlation": [[pair(i).dag * b(j) for j in sites] for i in sites],
            "boson_lattice": [[nb(i) * x_operator(m) for m in modes] for i in sites],
        }
    for name, operators in formulas.items():
        flat = [o for row in operators for o in (row if isinstance(row, list) else [row])]
        wanted = [expectation(state, o) for o in flat]
        np.testing.assert_allclose(data[name].values.ravel(), wanted, atol=1e-11, err_msg=name)


def test_the_parts_of_the_energy_and_the_levels_make_the_whole(state):
    model = state.hamiltonian.space.model
    data = observables(state)
    c = model.couplings
    parts = sum(float(energy_part(state, name)) for name in PARTS)
    parts += float(c.electron_level @ data["electron_density"].values)
    parts += float(c.hubbard_u @ data["double_occupancy"].values)
    for bond, v in zip(model.cluster.bonds, c.repulsion, strict=True):
        parts += v * float(data["density_correlation"].values[bond.start, bond.end])
    if model.bosons is not None:
        parts += float(c.boson_level @ data["boson_density"].values[list(model.boson_sites)])
    parts -= model.chemical_potential * state.hamiltonian.space.sector.charge
    energy = sum(
        w * np.vdot(v, state.hamiltonian.apply(v)).real for w, v in zip(state.weights, state.vectors, strict=True)
    )
    assert parts == pytest.approx(energy, abs=1e-10)


def test_distribution_has_the_norm_and_the_moments_of_the_displacement(state):
    grid = np.linspace(-14, 14, 4001)
    density = displacement_distribution(state, grid).values
    step = grid[1] - grid[0]
    np.testing.assert_allclose(density.sum(axis=1) * step, 1.0, atol=1e-10)
    np.testing.assert_allclose((density @ grid) * step * np.sqrt(2), displacement(state).values, atol=1e-9)
    assert np.min(density) > -1e-12
    for m in range(len(density)):
        rho = mode_density_matrix(state, m)
        assert np.trace(rho).real == pytest.approx(1.0, abs=1e-12)
        assert np.min(np.linalg.eigvalsh(rho)) > -1e-12


def test_second_moment_differs_from_the_square_of_the_truncated_matrix_by_the_last_state_only(state):
    space = state.hamiltonian.space
    if not space.phonons.is_product:
        pytest.skip("the formula below is for caps per mode")
    grid = np.linspace(-14, 14, 4001)
    moment = displacement_distribution(state, grid).values @ grid**2 * (grid[1] - grid[0]) * 2
    last = np.array([mode_density_matrix(state, m)[-1, -1].real for m in range(space.phonons.modes)])
    missing = (space.phonons.max_quanta + 1) * last
    np.testing.assert_allclose(displacement_squared(state).values + missing, moment, atol=1e-8)


@pytest.mark.parametrize("name", ["pair_exchange", "boson_density", "electron_density", "double_occupancy"])
def test_hellmann_feynman(name):
    """dE/dv = 2 sum <D+ b>, dE/dDelta_B = sum <b+ b>, dE/deps = N_e, dE/dU = sum <n_up n_dn>."""
    step = 1e-4

    def energy(change):
        parts = {
            "pair_exchange": {"bosons": replace(FULL.bosons, exchange=[0.6 + change, 0.5 + change])},
            "boson_density": {"bosons": replace(FULL.bosons, level=[0.1 + change, -0.4 + change])},
            "electron_density": {
                "electrons": replace(FULL.electrons, level=[0.2 + change, change - 0.1, 0.4 + change])
            },
            "double_occupancy": {"electrons": replace(FULL.electrons, hubbard_u=0.8 + change)},
        }
        return ground_state(replace(FULL, **parts[name]), Sector(3, 1)).energies[0]

    slope = (8 * (energy(step) - energy(-step)) - (energy(2 * step) - energy(-2 * step))) / (12 * step)
    factor = 2.0 if name == "pair_exchange" else 1.0
    value = factor * float(observables(ground_state(FULL, Sector(3, 1)).ground)[name].sum())
    assert value == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("frame", ["mean", [0.7, -0.4]], ids=["mean", "list"])
def test_observables_do_not_depend_on_the_phonon_frame(frame):
    phonons = Phonons(1.0, boson_coupling=0.5, electron_coupling=0.3, max_quanta=18)
    model = Model(dimer(), Electrons(1.0, [0.1, -0.2]), Bosons(-0.3, 0.5), phonons)
    moved = replace(model, phonons=replace(phonons, displacement=frame))
    plain, other = (observables(ground_state(m, 2).ground, None, [0.0, 0.8, 2.0]) for m in (model, moved))
    for name in plain:
        np.testing.assert_allclose(other[name].values, plain[name].values, atol=1e-7, err_msg=str(name))


def test_independent_boson_limit():
    """Without exchange the lattice shifts by <x> = 2 alpha and its phonons are Poissonian."""
    model = Model(site(), None, Bosons(level=0.3), Phonons(0.8, boson_coupling=1.1, max_quanta=40))
    levels = ground_state(model, 2)
    data = observables(levels.ground)
    assert levels.energies[0] == pytest.approx(0.3 - 1.1**2 * 0.8, abs=1e-12)
    assert float(data["displacement"][0]) == pytest.approx(2.2, abs=1e-10)
    assert float(data["quanta"][0]) == pytest.approx(1.1**2, abs=1e-10)
    peak = displacement_distribution(levels.ground, [np.sqrt(2) * 1.1]).values
    assert peak[0, 0] == pytest.approx(np.pi**-0.5, abs=1e-10)


def test_a_degenerate_ground_level_is_averaged_and_keeps_the_symmetry():
    """Three electrons on a triangle with t > 0: the two momentum states together are uniform, each alone as well,
    but real combinations of them are not.
    """
    model = Model(ring(3), Electrons(1.0, 0.0, 4.0))
    for engine in ("dense", "quspin"):
        levels = ground_state(model, Sector(3, 1), options=Options(engine=engine))
        assert levels.multiplicity == 2
        density = observables(levels.ground)["electron_density"].values
        np.testing.assert_allclose(density, 1.0, atol=1e-10)
        matrix = observables(levels.ground)["density_correlation"].values
        np.testing.assert_allclose(matrix, np.roll(matrix, (1, 1), (0, 1)), atol=1e-10)


def test_condensate_eigenvalues_have_the_trace_of_the_densities(state):
    data = observables(state)
    for name, density in (("electron_pair", "double_occupancy"), ("boson", "boson_density")):
        if f"condensate_{name}" in data:
            assert float(data[f"condensate_{name}"].sum()) == pytest.approx(float(data[density].sum()), abs=1e-11)
            values = data[f"condensate_{name}"].values
            assert np.all(np.diff(values) <= 1e-12)
            assert np.min(values) > -1e-11


def test_hard_core_bosons_condense_like_free_fermions_allow():
    """One boson on a ring of L with hopping: all of it in k = 0."""
    levels = ground_state(Model(ring(5), None, Bosons(hopping=1.0)), 2)
    np.testing.assert_allclose(condensate(levels.ground)["boson"].values, [1, 0, 0, 0, 0], atol=1e-10)


def test_words_products_and_blocks_give_the_same_averages(monkeypatch, state):
    """Word by word, as operators on the whole sector, and as symmetric operators on the rows of a block."""
    here = observables(state)
    assert Averages(state)._by_words is (state.block.orbits is None)
    whole = replace(state, block=state.block.whole, amplitudes=state.vectors)
    by_words = observables(whole)
    monkeypatch.setattr(Averages, "_word", lambda self, word: expectation(self.state, Operator({(word, ()): 1.0})))
    by_products = observables(whole)
    for name in by_words:
        np.testing.assert_allclose(by_words[name].values, by_products[name].values, atol=1e-12)
        np.testing.assert_allclose(by_words[name].values, here[name].values, atol=1e-12)


def test_moments_of_the_lattice_are_those_of_matrices_on_the_whole_sector(state):
    """<x>, <a+ a> and <x^2> of each configuration from matrices, in the physical lattice, without any kernel."""
    space, found = state.hamiltonian.space, lattice_moments(state)
    one = np.eye(len(space.phonons))
    for m in range(space.phonons.modes):
        raising = word_matrix(((m, 1, 0),), space.phonons).toarray()
        number = np.diag(space.phonons.occupations[:, m].astype(float))
        for e, shift in enumerate(space.frame[:, m]):
            rows = np.sqrt(state.weights)[:, None] * state.vectors[:, e]
            x = raising + raising.T + 2 * shift * one
            physical = number + shift * (raising + raising.T) + shift**2 * one
            wanted = [np.einsum("kp,pq,kq", rows.conj(), a, rows).real for a in (x, physical, x @ x)]
            np.testing.assert_allclose(found[:, e, m], wanted, rtol=0, atol=1e-12)


FLUX_MODELS = {
    "boson-fermion": (Model(ring(4), Electrons(1.0), Bosons(-0.5, 0.7, 0.15)), Sector(2)),
    "odd electrons": (Model(ring(3), Electrons(1.0, 0.0, 2.0)), Sector(3, 1)),
    "with phonons": (
        Model(ring(3), Electrons(1.0), Bosons(0.2, 0.7), Phonons(0.9, boson_coupling=1.0, max_quanta=2)),
        Sector(2),
    ),
    "Peierls coupling": (
        Model(ring(3), Electrons(1.0), None, Phonons(1.0, bond_coupling=0.3, total_quanta=3)),
        Sector(2),
    ),
    "bond modes in a momentum block": (
        Model(ring(3), Electrons(1.0), None, Phonons(1.0, on="bonds", bond_coupling=0.3, total_quanta=3)),
        Sector(1, momentum=0),
    ),
}


@pytest.mark.parametrize("name", FLUX_MODELS)
def test_current_and_stiffness_are_the_derivatives_of_the_energy(name):
    model, sector = FLUX_MODELS[name]
    phi, h = 0.6, 0.02
    data = flux_response(model, sector, phi + h * np.arange(-3, 4))
    energies = data["energies"].values
    slope = np.array([-1, 9, -45, 0, 45, -9, 1]) @ energies / (60 * h)
    curvature = np.array([2, -27, 270, -490, 270, -27, 2]) @ energies / (180 * h**2)
    assert float(data["current"][3]) == pytest.approx(-slope, abs=1e-8)
    assert float(data["stiffness"][3]) == pytest.approx(np.pi * model.cluster.sites * curvature, abs=1e-6)


def test_free_electrons_in_a_flux():
    data = flux_response(Model(ring(5), Electrons(1.0)), Sector(2), [0.0, 0.7])
    np.testing.assert_allclose(data["energies"], -4 * np.cos(np.array([0.0, 0.7]) / 5), atol=1e-12)
    np.testing.assert_allclose(data["stiffness"], np.pi * 5 * 4 * np.cos(np.array([0.0, 0.7]) / 5) / 25, atol=1e-10)


def test_a_level_crossing_has_no_slope():
    data = flux_response(Model(ring(4), Electrons(1.0)), Sector(1), [np.pi])
    assert np.isnan(data["current"][0])
    assert np.isnan(data["stiffness"][0])
    assert float(data["multiplicity"][0]) == 2


def test_flux_needs_a_loop():
    with pytest.raises(ValueError, match="no loop"):
        flux_response(Model(dimer(), Electrons(1.0)), Sector(1), [0.1])


def test_charge_scan_skips_what_is_not_there():
    data = charge_scan(Model(dimer(), None, Bosons(level=-1.0, hopping=0.5)))
    assert data["charge"].values.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(data["energies"].values, [0.0, np.nan, -1.5, np.nan, -2.0], atol=1e-12)


def test_attractive_pairs_bind_and_repelling_ones_do_not():
    bound, free = (charge_scan(Model(dimer(), Electrons(1.0, 0.0, u)), [0, 1, 2]) for u in (-6.0, 6.0))
    assert float(bound["binding"][0]) < 0 <= float(free["binding"][0])


def test_transition_weights_obey_the_f_sum_rule():
    """sum_n |<n|x|0>|^2 (E_n - E_0) = omega0, exactly but for the cutoff."""
    model = Model(site(), Electrons(), Bosons(0.4, 0.5), Phonons(0.7, boson_coupling=0.6, max_quanta=30))
    levels = ground_state(model, 2, states=62, options=Options(engine="dense"))
    weights = [abs(transition(levels, x_operator(0), n)) ** 2 for n in range(62)]
    assert np.dot(weights, levels.energies - levels.energies[0]) == pytest.approx(0.7, abs=1e-9)


def test_an_observable_of_an_absent_species_is_refused():
    levels = ground_state(Model(dimer(), Electrons(1.0)), 1)
    with pytest.raises(ValueError, match=r"boson_density.*electron_density"):
        observables(levels.ground, ["boson_density"])
    with pytest.raises(ValueError, match="no boson"):
        expectation(levels.ground, boson_number(0))
    with pytest.raises(ValueError, match="changes"):
        expectation(levels.ground, pair(0))
