"""The Lang-Firsov frame: the same physics as without a frame, matrix by matrix, and certificates that hold in it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
import scipy.sparse as sp
from independent import boson_sites, fock, full_hamiltonian, in_order_of, kron, sector_states, spread
from oracle_cases import CASES, answers, files
from typer.testing import CliRunner

from respair.analysis import (
    Cut,
    entanglement,
    expectation,
    joint_distribution,
    lattice_response,
    lattice_shape,
    observables,
    site_cut,
    thermal_averages,
)
from respair.analysis.observables.averages import mode_density_matrix, mode_shifts
from respair.cli.commands import app
from respair.clusters import chain, dimer, ligand_centre, plaquette, ring, site
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    boson,
    create,
    displacement,
    electron_number,
    flux_derivative,
    pair,
    quanta,
)
from respair.hamiltonians.space.displacement_matrices import Dressed, displacement_elements
from respair.hamiltonians.space.phonons import PhononSpace, Shell, word_matrix
from respair.hamiltonians.space.product import Space
from respair.solvers import Certifier, Options, ground_state, levels_by_symmetry

DENSE = Options(engine="dense")
EVERYTHING = Model(
    dimer(),
    Electrons(1.0, [0.1, -0.2], 0.5, 0.2),
    Bosons([-0.2, 0.3], 0.6, 0.1),
    Phonons([0.9, 1.1], boson_coupling=[0.8, 0.5], electron_coupling=0.3, bond_coupling=0.15, max_quanta=2),
    chemical_potential=0.1,
)
PAIRS = (Electrons(1.0), Bosons(-0.3, 0.6))
MODELS = {
    "everything": (EVERYTHING, Sector(3, 1)),
    "both caps": (
        replace(EVERYTHING, phonons=replace(EVERYTHING.phonons, max_quanta=2, total_quanta=3)), Sector(4)),
    "total cap": (
        replace(EVERYTHING, phonons=replace(EVERYTHING.phonons, max_quanta=None, total_quanta=2)), Sector(2)),
    "one site": (Model(site(), *PAIRS, Phonons(0.7, boson_coupling=1.3, electron_coupling=-0.2, max_quanta=5)),
                 Sector(2)),
    "flux": (Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5, 0.2),
                   Phonons(1.0, on=[1], boson_coupling=0.9, electron_coupling=0.4, max_quanta=3), 0.8), Sector(3, 1)),
    "bonds": (Model(dimer(), Electrons(1.0, 0.0, 1.0), None,
                    Phonons(0.8, on="bonds", bond_coupling=0.4, max_quanta=4)), Sector(2)),
    "ligand": (Model(ligand_centre(2), Electrons({"ring": 1.0, "centre": 0.4}, {"ligand": 0.5}), None,
                     Phonons(1.0, on="ligand", electron_coupling=1.1, max_quanta=4)), Sector(3, -1)),
    "no vacancy": (Model(site(), Electrons(), Bosons(0.2, 0.3), Phonons(1.0, boson_coupling=1.0, max_quanta=3)),
                   Sector(4)),
    "pairs that hop": (Model(chain(3), None, Bosons([0.0, 0.2, -0.1], 0.0, 0.5),
                             Phonons(1.0, on=[0, 2], boson_coupling=0.9, max_quanta=2)), Sector(2)),
}  # fmt: skip


def framed(model, frame="lang-firsov", dressing=None, **caps):
    """The model in another frame, with other caps."""
    return replace(model, phonons=replace(model.phonons, displacement=frame, dressing=dressing, **caps))


def spread_frame(model, sector, space):
    """lambda_m(e) from the plain numbers of the model and the bits of the configurations."""
    p, modes, sites = model.phonons, model.cluster.modes, model.cluster.sites
    if modes[0].host == "bond":
        return np.zeros((len(space.charges), len(modes)))
    labels, carriers = [mode.label for mode in modes], boson_sites(model)
    electron, pairs = spread(p.electron_coupling, labels), spread(p.boson_coupling, labels)
    most = (2 * sites if model.electrons else 0) + 2 * len(carriers)
    f = 1.0 if p.dressing is None else p.dressing
    rows = []
    for state in map(int, space.charges.states):
        row = []
        for m, mode in enumerate(modes):
            own = electron[m] * ((state >> mode.index & 1) + (state >> (sites + mode.index) & 1))
            if mode.index in carriers:
                own += pairs[m] * (state >> (2 * sites + carriers.index(mode.index)) & 1)
            mean = (2 * electron[m] + pairs[m]) * sector.charge / most
            row.append(mean + f * (own - mean))
        rows.append(row)
    return np.array(rows)


def rotation(model, sector, space, cap):
    """Columns ``|e> (x) prod_m exp(lambda_m(e) (a+ - a)) |n_m>`` in number states up to `cap` in each mode."""
    ladder = np.diag(np.sqrt(np.arange(1.0, cap + 1)), 1)
    blocks = []
    for shifts in spread_frame(model, sector, space):
        moved = [la.expm(s * (ladder.T - ladder)) for s in shifts]
        states = [kron(*(u[:, [n]] for u, n in zip(moved, row, strict=True))) for row in space.phonons.occupations]
        blocks.append(sp.hstack(states))
    return sp.block_diag(blocks, format="csr")


def large(model):
    modes = len(model.modes)
    return framed(model, "none", max_quanta=60 if modes == 1 else 32, total_quanta=None)


@pytest.mark.sampled
@pytest.mark.parametrize("dressing", [None, 0.6])
@pytest.mark.parametrize("name", MODELS)
def test_the_matrix_is_that_of_the_infinite_space_rotated(name, dressing):
    """H from Kronecker products in a far larger space, rotated by matrix exponentials, element by element."""
    model, sector = MODELS[name]
    model = framed(model, dressing=dressing)
    hamiltonian = Hamiltonian.of(model, sector)
    space, big = hamiltonian.space, large(model)
    f = fock(big)
    order = in_order_of(Space(big, sector), big, f, sector_states(big, f, sector.charge, sector.two_sz))
    h = sp.csr_array(full_hamiltonian(big, f, sector.charge))[order][:, order]
    columns = rotation(model, sector, space, big.phonons.max_quanta)
    expected = (columns.T @ h @ columns).toarray()
    ours = hamiltonian.matrix().toarray()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours, ours.conj().T, rtol=0, atol=1e-13)
    psi = np.random.default_rng(0).normal(size=space.shape)
    np.testing.assert_allclose(hamiltonian.apply(psi).ravel(), ours @ psi.ravel(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(Block.of(hamiltonian).energy.dot(psi.ravel()), ours @ psi.ravel(), rtol=0, atol=1e-12)


def operators(model):
    """Operators with charges that move, lattice letters of either kind, and both."""
    modes = len(model.modes)
    yield quanta(0) * quanta(modes - 1)
    yield displacement(0) * displacement(modes - 1)
    if model.electrons is not None:
        yield create(0, "up") * create(0, "dn") * pair(0) * displacement(0)
        yield electron_number(0) * displacement(0) * displacement(0) * displacement(0)
    if model.boson_sites and model.electrons is not None:
        swap = boson(0).dag * pair(0) * displacement(0) * quanta(modes - 1)
        yield (0.3 + 0.7j) * swap
    yield flux_derivative(model, 1)


@pytest.mark.parametrize("name", ["everything", "both caps", "flux", "pairs that hop"])
def test_any_operator_is_the_same_operator_rotated(name):
    model, sector = MODELS[name]
    model = framed(model)
    space, big = Space(model, sector), Space(large(model), sector)
    columns = rotation(model, sector, space, big.model.phonons.max_quanta)

    def matrix(of, operator):
        parts = of.factorise(operator)
        zero = sp.csr_array((of.dimension,) * 2)
        return sum((sp.kron(f.charges, of.lattice_matrix(f.lattice), format="csr") for f in parts), zero)

    for operator in operators(model):
        expected = (columns.T @ matrix(big, operator) @ columns).toarray()
        np.testing.assert_allclose(matrix(space, operator).toarray(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("beta", [0.0, 0.3, -1.4, 4.0, -9.0])
def test_displacement_elements_are_those_of_a_far_larger_matrix(beta):
    ladder = np.diag(np.sqrt(np.arange(1.0, 400)), 1)
    expected = la.expm(beta * (ladder.T - ladder))[:40, :25]
    np.testing.assert_allclose(displacement_elements(beta, 40, 25), expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(displacement_elements(-beta, 25, 40).T, displacement_elements(beta, 40, 25), atol=1e-300)
    whole = displacement_elements(beta, 400, 25)
    np.testing.assert_allclose(whole.T @ whole, np.eye(25), rtol=0, atol=1e-13)


@pytest.mark.parametrize("caps", [(3, None), (None, 3), (2, 3), (0, None)], ids=str)
def test_displacements_of_several_modes_are_exact_projections(caps):
    space = PhononSpace.capped(3, *caps)
    word = Dressed(((0, 1, 0), (1, 0, 1)), ((0, 0.7), (2, -1.2)))
    ladder = np.diag(np.sqrt(np.arange(1.0, 40)), 1)
    first = la.expm(0.7 * (ladder.T - ladder)) @ ladder.T
    third = la.expm(-1.2 * (ladder.T - ladder))
    n = space.occupations.astype(int)
    to, start = n[:, None], n[None, :]
    expected = first[to[..., 0], start[..., 0]] * ladder[to[..., 1], start[..., 1]] * third[to[..., 2], start[..., 2]]
    np.testing.assert_allclose(word_matrix(word, space).toarray(), expected, rtol=0, atol=1e-13)


CONVERGED = {
    "everything": (framed(EVERYTHING, max_quanta=14), 18, Sector(3, 1)),
    "everything, even": (framed(EVERYTHING, max_quanta=None, total_quanta=18), 18, Sector(4)),
    "three with flux and a momentum": (
        Model(ring(3), Electrons(1.0, 0.0, 0.5), Bosons(-0.2, 0.5, 0.1),
              Phonons(1.5, boson_coupling=0.4, electron_coupling=0.2, total_quanta=9), 0.7), 10,
        Sector(2, 0, momentum=1)),
    "reflection": (
        Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5), Phonons(1.2, boson_coupling=0.7, total_quanta=13)), 13,
        Sector(3, 1, momentum=0, reflection=-1)),
    "degenerate": (
        Model(ring(3), Electrons(1.0, 0.0, 2.0), None, Phonons(1.5, electron_coupling=0.4, total_quanta=12)), 12,
        Sector(1, 1)),
    "ligand, point group": (
        Model(ligand_centre(4), Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}), None,
              Phonons(1.0, on="ligand", electron_coupling=1.3, max_quanta=30)), 40, Sector(2, 0, irrep="A1")),
    "bonds, reflection": (
        Model(chain(3), Electrons(1.0, 0.0, 1.0), None, Phonons(0.9, on="bonds", bond_coupling=0.3, total_quanta=14)),
        14, Sector(3, 1)),
    "plaquette": (
        Model(plaquette((2, 2)), Electrons(1.0), None,
              Phonons(1.5, on=[0, 1, 2, 3], electron_coupling=0.4, total_quanta=8)), 9, Sector(1, 1, irrep="A1")),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", CONVERGED)
def test_energies_and_all_observables_do_not_depend_on_the_frame(name):
    model, cap, sector = CONVERGED[name]
    key = "max_quanta" if model.phonons.max_quanta is not None else "total_quanta"
    grid = [-0.5, 0.6, 1.4]
    plain = ground_state(framed(model, "none", **{key: cap}), sector, 3)
    dressed = ground_state(framed(model), sector, 3)
    errors = plain.certificate.energy_errors + dressed.certificate.energy_errors
    np.testing.assert_array_less(np.abs(plain.energies - dressed.energies), errors + 1e-10)
    assert errors[0] < 1e-6
    assert dressed.multiplicity == plain.multiplicity
    expected, found = observables(plain.ground, None, grid), observables(dressed.ground, None, grid)
    assert set(expected) == set(found)
    tolerance = 3 * np.sqrt(errors[0]) + 1e-8
    for quantity in expected:
        np.testing.assert_allclose(found[quantity], expected[quantity], rtol=0, atol=tolerance, err_msg=str(quantity))


MEASURED = ("hopping_energy", "coupling_energy", "quanta", "electron_lattice", "displacement_distribution")


@pytest.mark.parametrize("name", ["everything", "three with flux and a momentum", "reflection", "ligand, point group"])
def test_all_engines_agree_in_this_frame(name):
    model, _, sector = CONVERGED[name]
    model = framed(model, dressing=0.8, total_quanta=4, max_quanta=3)
    levels = [ground_state(model, sector, 3, Options(engine=engine)) for engine in ("dense", "quspin", "tensor")]
    expected = observables(levels[0].ground, MEASURED, [0.3])
    for other in levels[1:]:
        np.testing.assert_allclose(other.energies, levels[0].energies, rtol=0, atol=1e-10)
        np.testing.assert_allclose(other.certificate.leaks, levels[0].certificate.leaks, rtol=0, atol=1e-7)
        measured = observables(other.ground, MEASURED, [0.3])
        for quantity, values in expected.items():
            np.testing.assert_allclose(measured[quantity], values, rtol=0, atol=1e-7)


@pytest.mark.long
def test_blocks_of_all_symmetries_hold_the_spectrum_of_the_sector():
    model = Model(ring(3), *PAIRS, Phonons(1.0, boson_coupling=1.2, total_quanta=2, displacement="lang-firsov"))
    whole = ground_state(model, 4, 40, DENSE).energies
    np.testing.assert_allclose(levels_by_symmetry(model, 4, 40).energies, whole, rtol=0, atol=1e-9)


def test_a_symmetry_of_the_charges_alone_is_none_of_the_frame():
    uneven = Model(ring(3), *PAIRS, Phonons(1.0, boson_coupling=[0.5, 0.5, 0.4], max_quanta=1))
    with pytest.raises(InvalidModel, match="lacks this symmetry"):
        ground_state(framed(uneven), Sector(2, momentum=0))


def test_a_density_matrix_falls_apart_into_those_of_each_displacement():
    model, _, sector = CONVERGED["reflection"]
    state = ground_state(framed(model), sector).ground
    values = mode_shifts(state.hamiltonian.space, 1)
    np.testing.assert_allclose(values, [0.0, 0.7], atol=1e-12)
    parts = [mode_density_matrix(state, 1, shift) for shift in values]
    np.testing.assert_allclose(sum(parts), mode_density_matrix(state, 1), atol=1e-13)
    density = float(observables(state, ["boson_density"])["boson_density"][1])
    assert np.trace(parts[1]).real == pytest.approx(density, abs=1e-12)
    assert float(expectation(state, quanta(1)).real) == pytest.approx(float(observables(state)["quanta"][1]), abs=1e-10)


def test_parts_are_as_entangled_in_every_frame():
    model, sector = CONVERGED["everything"][0], Sector(3, 1)
    plain, dressed = (ground_state(framed(model, frame), sector).ground for frame in ("none", "lang-firsov"))
    for cut in ([1], "lattice", site_cut(model, [0], with_modes=False)):
        expected, found = (entanglement(state, cut) for state in (plain, dressed))
        assert float(found["entropy"]) == pytest.approx(float(expected["entropy"]), abs=1e-6)
        np.testing.assert_allclose(found["spectrum"][:8], expected["spectrum"][:8], rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"only together with all others; take phonons.frame"):
        entanglement(dressed, Cut((0,), (1,)))


def test_the_shape_of_the_lattice_does_not_depend_on_the_frame():
    model, sector = CONVERGED["everything"][0], Sector(3, 1)
    plain, dressed = (ground_state(framed(model, frame), sector) for frame in ("none", "lang-firsov"))
    expected, found = lattice_shape(plain.ground), lattice_shape(dressed.ground)
    for name in ("mean", "variance", "binder_ratio", "maxima"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-5, err_msg=name)
    numbers = (data["quanta_distribution"].values[:, :12] for data in (found, expected))
    np.testing.assert_allclose(*numbers, rtol=0, atol=1e-6)
    both = [joint_distribution(levels.ground, [0.0, 0.7]) for levels in (plain, dressed)]
    np.testing.assert_allclose(both[1], both[0], rtol=0, atol=1e-6)
    softened = [lattice_response(levels)["softened_frequency"] for levels in (plain, dressed)]
    np.testing.assert_allclose(softened[1], softened[0], rtol=0, atol=1e-6)


def test_thermal_averages_do_not_depend_on_the_frame():
    phonons = Phonons(1.0, boson_coupling=0.9, electron_coupling=0.2, max_quanta=24)
    model = Model(site(), *PAIRS, phonons)
    names = ("pair_exchange", "quanta", "boson_lattice", "displacement_distribution", "coupling_energy")
    each = [
        thermal_averages(framed(model, frame), [0.2, 0.5], names=names, displacement_grid=[0.0, 1.0])
        for frame in ("none", "lang-firsov")
    ]
    for name in each[0].data_vars:
        if name not in ("dimension", "cutoff_probability"):
            np.testing.assert_allclose(each[1][name], each[0][name], rtol=0, atol=1e-6, err_msg=str(name))
    with pytest.raises(InvalidModel, match=r"phonons.dressing: got \"optimal\"; thermal states need a number"):
        thermal_averages(framed(model, dressing="optimal"), [0.2], names=names)


def test_the_anti_adiabatic_exchange_is_read_off_without_a_single_phonon():
    """v exp(-alpha^2/2) between the levels 2 eps and Delta_B - alpha^2 omega0, exactly."""
    alpha, v, level, omega = 1.7, 0.6, 0.4, 0.9
    model = Model(site(), Electrons(level=0.2), Bosons(level, v), Phonons(omega, boson_coupling=alpha, max_quanta=0))
    h = Hamiltonian.of(framed(model), Sector(2)).matrix().toarray()
    np.testing.assert_allclose(np.sort(np.diag(h)), np.sort([level - alpha**2 * omega, 0.4]), rtol=0, atol=1e-15)
    assert h[0, 1] == pytest.approx(v * np.exp(-(alpha**2) / 2), rel=1e-14)


def test_a_polaron_hops_with_both_overlaps():
    """t exp(-alpha^2): the lattice relaxes on both sites."""
    model = Model(dimer(), Electrons(1.3), None, Phonons(0.8, electron_coupling=1.1, max_quanta=0))
    h = Hamiltonian.of(framed(model), Sector(1, 1)).matrix().toarray()
    expected = [[-(1.1**2) * 0.8, -1.3 * np.exp(-(1.1**2))], [-1.3 * np.exp(-(1.1**2)), -(1.1**2) * 0.8]]
    np.testing.assert_allclose(h, expected, rtol=1e-14)


def test_without_motion_the_frame_is_the_solution():
    model = Model(site(), None, Bosons(0.3), Phonons(0.8, boson_coupling=3.0, max_quanta=0))
    levels = ground_state(framed(model), 2)
    assert levels.energies[0] == pytest.approx(0.3 - 9 * 0.8, abs=1e-13)
    assert levels.certificate.bounds[0] < 1e-13
    assert float(observables(levels.ground)["quanta"][0]) == pytest.approx(9.0, abs=1e-12)


@pytest.mark.parametrize("frame", ["none", "mean", "lang-firsov"])
def test_the_uniform_mode_follows_the_charge_in_every_frame(frame):
    """<sum_i x_i> = 2 g N / omega0, exact where the frame takes the uniform mode out, and the same energy."""
    coupling, charge = 0.7, 3
    model = Model(dimer(), Electrons(1.0, hubbard_u=1.0), None, Phonons(1.1, electron_coupling=coupling, max_quanta=22))
    levels = ground_state(framed(model, frame), Sector(charge, 1))
    total = float(observables(levels.ground)["displacement"].sum())
    assert total == pytest.approx(2 * coupling * charge, abs={"none": 1e-6}.get(frame, 1e-10))
    best = ground_state(framed(model, "mean", max_quanta=None, total_quanta=30), Sector(charge, 1)).energies[0]
    assert levels.energies[0] == pytest.approx(best, abs=1e-9)


def test_no_dressing_is_the_mean_frame():
    model, sector = CONVERGED["everything"][0], Sector(3, 1)
    undressed, mean = (
        Hamiltonian.of(framed(model, *how, max_quanta=2), sector).matrix() for how in (("lang-firsov", 0.0), ("mean",))
    )
    assert abs(undressed - mean).max() < 1e-14


def random_model(seed):
    """A small model with random couplings, a sector, a poor cutoff and one that is converged."""
    random = np.random.default_rng(seed)
    cluster, modes = [(site(), 1), (dimer(), 2), (dimer(), 1), (chain(3), 1)][seed % 4]
    phonons = Phonons(
        random.uniform(0.4, 2.0),
        on="all" if modes == cluster.sites else [0],
        boson_coupling=random.uniform(-1.3, 1.3),
        electron_coupling=random.uniform(-0.6, 0.6),
        bond_coupling=random.uniform(-0.2, 0.2),
        max_quanta=1,
    )
    electrons = Electrons(random.uniform(0, 1.5), random.uniform(-1, 1), random.uniform(-1, 3))
    model = Model(cluster, electrons, Bosons(random.uniform(-1, 1), random.uniform(-1, 1)), phonons)
    charge = int(random.integers(1, 2 * cluster.sites))
    return model, Sector(charge), int(random.integers(0, 4)), 40 if modes == 1 else 22


@pytest.fixture(scope="module")
def trials():
    """Return (error, error bar, bound) of ground energies at poor cutoffs in frames of random strength."""
    rows = []
    for seed in range(36):
        model, sector, poor, rich = random_model(seed)
        strength = [1.0, 0.75, 0.4][seed % 3]
        rough = ground_state(framed(model, dressing=strength, max_quanta=poor), sector, 1, DENSE)
        fine = ground_state(framed(model, "mean", max_quanta=rich), sector, 1)
        assert fine.certificate.energy_errors[0] < 1e-7
        c = rough.certificate
        rows.append((rough.energies[0] - fine.energies[0], c.energy_errors[0], c.bounds[0]))
    return np.array(rows)


@pytest.mark.long
def test_every_dressing_gives_an_upper_bound(trials):
    assert np.all(trials[:, 0] > -1e-9)


def test_an_exact_level_lies_within_the_rigorous_bound(trials):
    assert np.all(trials[:, 0] <= trials[:, 2] + 1e-9)


def test_the_error_bar_covers_at_least_95_percent(trials):
    assert np.mean(np.abs(trials[:, 0]) <= trials[:, 1] + 1e-9) >= 0.95


def test_the_error_bar_is_no_wild_exaggeration(trials):
    seen = trials[:, 0] > 1e-9
    assert np.median(trials[seen, 1] / trials[seen, 0]) < 5


@pytest.mark.parametrize("caps", [(3, None), (None, 3), (2, 3)], ids=["per mode", "total", "both"])
def test_the_leak_is_all_of_H_psi_beyond_the_space(caps):
    """||H psi||^2 in the infinite space, from H in a larger one that is rotated back, less what stays inside."""
    model, sector = framed(EVERYTHING, max_quanta=caps[0], total_quanta=caps[1]), Sector(3, 1)
    levels = ground_state(model, sector, 1, DENSE)
    space, big = levels.hamiltonian.space, Space(large(model), sector)
    physical = rotation(model, sector, space, big.model.phonons.max_quanta) @ levels.vectors[0].ravel()
    h = Hamiltonian.of(big.model, sector).matrix()
    moved = h @ physical
    inside = levels.hamiltonian.matrix() @ levels.vectors[0].ravel()
    leak = np.sqrt(np.linalg.norm(moved) ** 2 - np.linalg.norm(inside) ** 2)
    assert levels.certificate.leaks[0] == pytest.approx(leak, rel=1e-9)
    columns = rotation(model, sector, space, big.model.phonons.max_quanta)
    outside = moved - columns @ (columns.T @ moved)
    energy = np.vdot(outside, h @ outside) / leak**2
    assert levels.certificate.leak_energies[0] == pytest.approx(energy, rel=1e-2)


@pytest.mark.parametrize("caps", [(3, None), (None, 4), (2, 3)], ids=str)
@pytest.mark.parametrize("jump", [((0, 0.4),), ((1, -2.0),), ((0, 1.5), (1, -1.5))], ids=str)
def test_a_shell_leaves_out_less_than_1e_15_of_the_norm(caps, jump):
    """What is inside and in the shell adds up to one, and the shell beyond is below 1e-30 in square."""
    space = PhononSpace.capped(3, *caps)
    word = Dressed(((0, 1, 0),), jump)
    shell = Shell.beyond(space, iter([word]))
    kept = sum(np.sum(matrix.toarray() ** 2, axis=0) for matrix in (word_matrix(word, space), shell.outward(word)))
    norms = space.occupations[:, 0] + 1.0
    np.testing.assert_allclose(kept, norms, rtol=1e-12)
    rows = [displacement_elements(beta, 250, 8) ** 2 for _, beta in jump]
    top = int(shell.occupations.sum(axis=1).max())
    for occupations in space.occupations.astype(int):
        start = occupations + np.eye(3, dtype=int)[0]
        own = [r[:, start[mode]] for r, (mode, _) in zip(rows, jump, strict=True)]
        together = own[0] if len(own) == 1 else np.convolve(own[0], own[1])
        still = sum(n for mode, n in enumerate(start) if mode not in [m for m, _ in jump])
        assert np.sum(together[top + 1 - still :]) < 1e-30


def test_several_levels_are_certified_in_pieces(monkeypatch):
    model, sector = framed(EVERYTHING, max_quanta=3), Sector(3, 1)
    levels = ground_state(model, sector, 3)
    monkeypatch.setattr("respair.solvers.certificate.AT_A_TIME", 1000)
    again = Certifier(levels.block).certify(levels.energies, levels.amplitudes)
    np.testing.assert_allclose(again.leaks, levels.certificate.leaks, rtol=1e-12)
    np.testing.assert_allclose(again.leak_energies, levels.certificate.leak_energies, rtol=1e-12)


HOLSTEIN = Model(dimer(), Electrons(1.0, hubbard_u=2.0), None, Phonons(1.0, electron_coupling=0.9, max_quanta=3))


@pytest.mark.long
@pytest.mark.parametrize(
    "model", [HOLSTEIN, pytest.param(EVERYTHING, marks=pytest.mark.slow)], ids=["Holstein", "everything"]
)
def test_the_best_dressing_is_no_worse_than_none_or_all(model):
    best = ground_state(framed(model, dressing="optimal"), 2)
    f = best.hamiltonian.space.model.phonons.dressing
    assert 0.0 <= f <= 1.0
    for other in (0.0, 1.0, max(0.0, f - 0.02), min(1.0, f + 0.02)):
        assert best.energies[0] <= ground_state(framed(model, dressing=other), 2).energies[0] + 1e-12


@pytest.mark.parametrize(
    ("dressing", "solve"),
    [
        (None, ground_state),
        pytest.param("optimal", ground_state, marks=pytest.mark.slow),
        pytest.param("optimal", levels_by_symmetry, marks=pytest.mark.slow),
    ],
)
def test_an_automatic_cutoff_takes_this_frame_and_the_best_dressing(dressing, solve):
    exact = ground_state(framed(HOLSTEIN, "mean", max_quanta=26), 2).energies[0]
    levels = solve(framed(HOLSTEIN, dressing=dressing, max_quanta=None, cutoff="auto", accuracy=1e-6), 2)
    assert levels.certificate.energy_errors[0] <= 1e-6
    assert abs(levels.energies[0] - exact) <= levels.certificate.energy_errors[0] + 1e-10


def test_a_hamiltonian_needs_a_number_for_the_dressing():
    with pytest.raises(InvalidModel, match=r"phonons.dressing: got \"optimal\"; .*ground_state finds"):
        Hamiltonian.of(framed(HOLSTEIN, dressing="optimal"), Sector(2))


def test_quspin_alone_cannot_hold_a_displacement():
    with pytest.raises(ValueError, match=r"no displacement operators; .*Hamiltonian.matrix"):
        Hamiltonian.of(framed(HOLSTEIN), Sector(2)).quspin()


WRONG = {
    "a dressing of another frame": (("mean", 0.5), "phonons.dressing: got 0.5; leave it out"),
    "a dressing of no frame": (("none", "optimal"), "phonons.dressing: got \"optimal\"; leave it out"),
    "more than all": (("lang-firsov", 1.5), "got 1.5; allowed: numbers from 0 to 1"),
    "less than none": (("lang-firsov", -0.1), "numbers from 0 to 1"),
    "another word": (("lang-firsov", "best"), 'or "optimal"'),
    "not a number": (("lang-firsov", float("nan")), "numbers from 0 to 1"),
    "another frame": (("lang", None), '"none", "mean", "lang-firsov", "auto", or a list'),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_contradictions_are_refused(name):
    how, message = WRONG[name]
    with pytest.raises(InvalidModel, match=message):
        framed(HOLSTEIN, *how)


SMALLER = {
    "bfm_phonon_L1": (1.0, "max_quanta = 30"),
    "ligand_cluster": (1.0, "max_quanta = 34"),
    "holstein_hubbard_converged": (0.5, "total_quanta = 28\ndressing = 0.5"),
}
"""Dressing and caps that are enough in this frame; the plain one takes 60, 60 and, on each of two sites, 46 quanta."""
ORACLES = [case for case in CASES if case["family"] in SMALLER]


@pytest.mark.sampled
@pytest.mark.parametrize("case", ORACLES, ids=[case["id"] for case in ORACLES])
def test_exact_values_from_independent_codes_with_far_fewer_states(case, tmp_path):
    dressing, caps = SMALLER[case["family"]]
    texts = files(case)
    for key, text in texts.items():
        plain = next(line for line in text.splitlines() if line.startswith("max_quanta"))
        (tmp_path / f"{key}.toml").write_text(text.replace(plain, f'{caps}\ndisplacement = "lang-firsov"'))
    paths = [str(tmp_path / f"{key}.toml") for key in texts]
    done = CliRunner().invoke(app, ["run", *paths, "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    found = dict(zip(texts, map(json.loads, done.stdout.splitlines()), strict=True))
    assert found["case"]["ground_state"]["dressing"] == dressing
    for quantity, got, want in answers(case, found):
        np.testing.assert_allclose(got, want, rtol=0, atol=case["tolerance"], err_msg=f"{case['id']}: {quantity}")


@pytest.mark.slow
def test_a_model_file_takes_the_frame_and_says_what_it_chose(tmp_path):
    file = tmp_path / "frame.toml"
    text = """
schema = 1
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.8, displacement = "lang-firsov", dressing = "optimal", MORE }
sector = { charge = 2, irrep = "A1" }
ground_state = {}
"""
    file.write_text(text.replace("MORE", 'cutoff = "auto", accuracy = 1e-4'))
    done = CliRunner().invoke(app, ["run", str(file), "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)["ground_state"]
    assert 0.0 < record["dressing"] < 1.0
    assert record["energy_errors"][0] <= 1e-4
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)]).stdout
    assert f"with dressing = {record['dressing']:.6g}" in shown
    file.write_text(text.replace("MORE", "max_quanta = 2").replace('"optimal"', "[1.0]"))
    refused = CliRunner().invoke(app, ["check", str(file)])
    assert refused.exit_code == 2
    assert "phonons.dressing" in refused.stderr
    assert 'a number from 0 to 1, or "optimal"' in refused.stderr
    file.write_text(text.replace("MORE", "max_quanta = 2") + "entanglement = {}\n")
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0
