"""Pair density matrices against the whole Fock space, closed forms, bounds, and other ways to the same state."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_models import models_and_sectors
from reference import Fock, boson_sites, dagger, respair_order

from respair.analysis import (
    boson_correlation,
    condensate,
    condensate_against_size,
    natural_orbitals,
    pair_correlation,
    pair_densities,
    pair_density,
    pair_operators,
)
from respair.analysis.observables.averages import Averages
from respair.analysis.pairing.condensation import isolated_ground, mixing
from respair.analysis.pairing.density_matrices import FORMS, possible_forms
from respair.analysis.pairing.directions import d_form_factor, distances
from respair.clusters import chain, custom, dimer, ladder, plaquette, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector
from respair.solvers import Options, ground_state, levels_by_symmetry

MIXED = Model(ring(4), Electrons(1.0, 0.0, 0.4), Bosons(-0.4, 0.8, 0.1))
quick = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def whole_charges(state):
    """The charge density matrix on all configurations of the whole Fock space of the tests."""
    model, space = state.hamiltonian.space.model, state.hamiltonian.space
    fock = Fock(model)
    order, sign = respair_order(model, space)
    rho = 0.0
    for weight, psi in zip(state.weights, state.vectors, strict=True):
        whole = np.zeros(len(fock), complex)
        whole[order] = sign * psi.ravel()
        table = whole.reshape(fock.charge_one.shape[0], -1)
        rho = rho + weight * table @ table.conj().T
    return fock, rho


def pair_matrices(model, fock, factor):
    """Pair annihilators of each site from the formula of a form factor over bonds."""
    found = []
    for i in range(model.cluster.sites):
        total, shares = 0 * fock.charge_one, Counter()
        for bond, f in zip(model.cluster.bonds, factor, strict=True):
            if i in (bond.start, bond.end):
                shares[bond.end if i == bond.start else bond.start] += f
        for j, f in shares.items():
            total = total + f * (fock.c[i, "dn"] @ fock.c[j, "up"] + fock.c[j, "dn"] @ fock.c[i, "up"])
        norm = sum(2 * f * f for f in shares.values())
        found.append(total / np.sqrt(norm) if norm else total)
    return found


def averages_of(rho, operators):
    products = [[(dagger(a) @ b).tocoo() for b in operators] for a in operators]
    return np.array([[np.sum(rho.T[m.coords] * m.data) for m in row] for row in products])


@pytest.mark.long
@quick
@given(models_and_sectors(largest=80, electrons=True), st.data())
def test_matrices_of_random_models_are_those_of_the_whole_fock_space(drawn, data):
    model, sector = drawn
    state = ground_state(model, sector).ground
    fock, rho = whole_charges(state)
    bonds = len(model.cluster.bonds)
    local = [fock.c[i, "dn"] @ fock.c[i, "up"] for i in range(model.cluster.sites)]
    wanted = {"on-site": local}
    if model.bosons is not None:
        b = [fock.b[i] for i in boson_sites(model)]
        wanted |= {"boson": b, "combined": local + b}
    if bonds:
        factor = data.draw(st.lists(st.integers(-2, 2).map(float), min_size=bonds, max_size=bonds).filter(any))
        wanted |= {tuple(factor): pair_matrices(model, fock, factor), "s": pair_matrices(model, fock, [1.0] * bonds)}
    for form, operators in wanted.items():
        found = pair_density(state, form)
        np.testing.assert_allclose(found.matrix.values, averages_of(rho, operators), atol=1e-11)
        assert np.min(found.eigenvalues.values, initial=0.0) > -1e-11
        most = 0.5 * sector.charge * pair_operators(model, form).overlap
        assert np.max(found.eigenvalues.values, initial=0.0) <= most + 1e-11
        assert found.eigenvalues.values.sum() == pytest.approx(np.trace(found.matrix.values).real, abs=1e-11)


@quick
@given(models_and_sectors(largest=80, electrons=True))
@pytest.mark.long
def test_the_connected_part_takes_away_the_product_of_one_electron_averages(drawn):
    model, sector = drawn
    assume(model.cluster.bonds)
    state = ground_state(model, sector).ground
    fock, rho = whole_charges(state)
    sites = range(model.cluster.sites)
    up, dn = (averages_of(rho, [fock.c[i, spin] for i in sites]) for spin in ("up", "dn"))
    found = pair_density(state, "on-site")
    np.testing.assert_allclose(found.matrix.values - found.connected.values, up * dn, atol=1e-11)
    bond = pair_density(state, "bond")
    ends = list({frozenset(pair): pair for bond in model.cluster.bonds for pair in [(bond.start, bond.end)]}.values())
    for x, (i, j) in enumerate(ends):
        for y, (k, m) in enumerate(ends):
            product = up[j, m] * dn[i, k] + up[j, k] * dn[i, m] + up[i, m] * dn[j, k] + up[i, k] * dn[j, m]
            difference = bond.matrix.values[x, y] - bond.connected.values[x, y]
            assert difference == pytest.approx(0.5 * product, abs=1e-11)


@pytest.mark.parametrize("form", ["on-site", "bond", "s", "d"])
def test_free_electrons_have_no_connected_part(form):
    """A closed shell is one determinant, where Wick's theorem is exact."""
    state = ground_state(Model(plaquette([3, 2]), Electrons(1.0, 0.1)), 6).ground
    data = pair_density(state, form)
    np.testing.assert_allclose(data.connected.values, 0.0, atol=1e-12)
    np.testing.assert_allclose(data.connected_correlation.values, 0.0, atol=1e-12)
    assert float(np.trace(data.matrix.values)) > 0.1


@pytest.mark.parametrize(
    ("sites", "pairs", "wanted"),
    [(4, 1, 1.0), (4, 2, 3 / 4 + np.sqrt(1 / 2)), (5, 4, 8 / 5), (4, 4, 1.0), (3, 2, 4 / 3)],
)
def test_hard_core_pairs_on_a_ring(sites, pairs, wanted):
    """One pair, two on four sites by hand, one hole: 2 (L - 1) / L, a full ring."""
    state = ground_state(Model(ring(sites), None, Bosons(hopping=1.0)), 2 * pairs).ground
    data = pair_density(state, "boson")
    assert float(data.eigenvalues[0]) == pytest.approx(wanted, abs=1e-12)
    np.testing.assert_allclose(data.connected.values, data.matrix.values, atol=0)
    np.testing.assert_allclose(np.diag(data.phase_correlation.values), 1.0, atol=1e-12)
    if pairs < sites:
        np.testing.assert_allclose(data.orbitals.values[0], sites**-0.5, atol=1e-10)


def test_one_site_shares_its_pair_between_boson_and_electrons():
    state = ground_state(Model(site(), Electrons(), Bosons(0.3, 0.7)), 2).ground
    data = pair_density(state, "combined")
    assert data.eigenvalues.values == pytest.approx([1.0, 0.0], abs=1e-12)
    assert float(data.fraction) == pytest.approx(1.0, abs=1e-12)
    angle = 0.5 * np.arctan2(2 * 0.7, 0.3)
    assert np.abs(data.orbitals.values[0]) == pytest.approx(np.abs([np.cos(angle), np.sin(angle)]), abs=1e-10)


def test_two_electrons_on_a_dimer_are_a_bond_pair_and_a_pair_on_the_sites():
    """Hubbard dimer: cos |bond singlet> + sin |(20 + 02) / sqrt 2>, tan(2 theta) = 4 t / U."""
    t, u = 0.8, 3.0
    state = ground_state(Model(dimer(), Electrons(t, 0.0, u)), 2).ground
    theta = 0.5 * np.arctan2(4 * t, u)
    bond, local = pair_density(state, "bond"), pair_density(state, "on-site")
    assert float(bond.eigenvalues[0]) == pytest.approx(np.cos(theta) ** 2, abs=1e-12)
    np.testing.assert_allclose(local.eigenvalues.values, [np.sin(theta) ** 2, 0.0], atol=1e-12)
    np.testing.assert_allclose(local.orbitals.values[0], [np.sqrt(0.5)] * 2, atol=1e-10)
    np.testing.assert_allclose(local.correlation.values, [np.sin(theta) ** 2 / 2] * 2, atol=1e-12)


def test_d_pairs_live_on_a_strongly_repelling_plaquette():
    """Four electrons on a plaquette change sign under a quarter turn; two pairs of s form do not."""
    state = ground_state(Model(plaquette(), Electrons(1.0, 0.0, 8.0)), 4).ground
    s, d = (pair_density(state, form) for form in ("s", "d"))
    assert float(d.connected_correlation[-1]) > abs(float(s.connected_correlation[-1])) + 0.05


@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize("sector", [Sector(4), Sector(4, momentum=0), Sector(4, momentum=0, reflection=1)])
def test_engine_and_symmetry_do_not_matter(engine, sector):
    reference = pair_densities(levels_by_symmetry(MIXED, 4).ground)
    data = pair_densities(ground_state(MIXED, sector, options=Options(engine=engine)).ground)
    assert set(data) == set(reference)
    for name in data.data_vars:
        np.testing.assert_allclose(data[name].values, reference[name].values, atol=1e-8, err_msg=str(name))


def test_the_frame_of_the_phonons_does_not_matter():
    def data(frame):
        phonons = Phonons(1.0, boson_coupling=0.6, electron_coupling=0.2, max_quanta=14, displacement=frame)
        return pair_densities(ground_state(Model(dimer(), Electrons(1.0), Bosons(-0.3, 0.5), phonons), 2).ground)

    plain, moved = data("none"), data([0.6, -0.2])
    for name in plain.data_vars:
        np.testing.assert_allclose(moved[name].values, plain[name].values, atol=1e-8, err_msg=str(name))


def test_a_degenerate_level_over_two_blocks_is_averaged():
    model = Model(ring(3), Electrons(1.0, 0.0, 4.0), Bosons(2.0, 0.3))
    mixed, whole = levels_by_symmetry(model, Sector(3, 1)), ground_state(model, Sector(3, 1))
    assert mixed.multiplicity == whole.multiplicity == 2
    for form in ("on-site", "bond", "combined"):
        one, other = (pair_density(levels.ground, form) for levels in (mixed, whole))
        np.testing.assert_allclose(one.matrix.values, other.matrix.values, atol=1e-9)
        np.testing.assert_allclose(one.connected.values, other.connected.values, atol=1e-9)
        np.testing.assert_allclose(one.orbitals.values, other.orbitals.values, atol=1e-6)


def test_named_forms_agree_with_the_observables_of_the_ground_state():
    state = ground_state(MIXED, 4).ground
    averages = Averages(state)
    np.testing.assert_allclose(pair_density(state, "boson").matrix, boson_correlation(state), atol=1e-14)
    np.testing.assert_allclose(pair_density(state, "on-site").matrix, pair_correlation(state), atol=1e-14)
    values = pair_density(state, "combined", averages).eigenvalues.values
    np.testing.assert_allclose(values, condensate(state)["combined"].values, atol=1e-13)


def test_flux_makes_the_matrix_complex_and_hermitian():
    state = ground_state(Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5), flux=0.9), Sector(3, 1)).ground
    data = pair_density(state, "combined")
    rho, orbitals = data.matrix.values, data.orbitals.values
    assert np.max(np.abs(rho.imag)) > 1e-3
    np.testing.assert_allclose(rho, rho.conj().T, atol=1e-14)
    np.testing.assert_allclose((orbitals.conj().T * data.eigenvalues.values) @ orbitals, rho, atol=1e-12)
    largest = np.argmax(np.abs(orbitals) > np.max(np.abs(orbitals), axis=1, keepdims=True) - 1e-7, axis=1)
    assert np.all(orbitals[np.arange(6), largest].real > 0)


@quick
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_natural_orbitals_depend_on_the_matrix_alone(size, seed):
    """Any rotation within a degenerate eigenvalue gives the same orbitals."""
    random = np.random.default_rng(seed)
    values = np.sort(random.integers(0, 3, size))[::-1].astype(float)
    basis, _ = np.linalg.qr(random.normal(size=(size, size)) + 1j * random.normal(size=(size, size)))
    matrix = (basis.conj() * values) @ basis.T
    found, orbitals = natural_orbitals(matrix)
    np.testing.assert_allclose(found, values, atol=1e-12)
    np.testing.assert_allclose(orbitals @ orbitals.conj().T, np.eye(size), atol=1e-10)
    np.testing.assert_allclose((orbitals.conj().T * found) @ orbitals, matrix, atol=1e-10)
    noise = 1e-13 * random.normal(size=(size, size))
    _, again = natural_orbitals(matrix + noise + noise.T)
    np.testing.assert_allclose(np.abs(again), np.abs(orbitals), atol=1e-4)


def test_form_factors_and_distances_of_clusters():
    assert d_form_factor(ladder(2)).tolist() == [np.sign(x) for x in d_form_factor(ladder(2))]
    np.testing.assert_allclose(d_form_factor(ring(6)), [1, -0.5, -0.5, 1, -0.5, -0.5], atol=1e-12)
    np.testing.assert_allclose(distances(ring(8), ring(8).coordinates)[3], [3, 2, 1, 0, 1, 2, 3, 4])
    middle = pair_operators(Model(ring(5), Electrons(1.0)), "bond").positions
    np.testing.assert_allclose(distances(ring(5), middle)[0], [0, 1, 2, 2, 1])
    np.testing.assert_allclose(distances(chain(3), chain(3).coordinates)[0], [0, 1, 2])
    assert possible_forms(Model(chain(3), Electrons(1.0))) == ("on-site", "bond", "s")
    assert possible_forms(MIXED) == tuple(form for form in FORMS if not form.startswith("p-"))


def test_every_pair_operator_creates_one_normalised_pair():
    model = Model(plaquette([3, 2]), Electrons(1.0), Bosons())
    for form in [*possible_forms(model), [1.0, 2.0, 0.5, -1.0, 0.0, 3.0, 1.0]]:
        pairs = pair_operators(model, form)
        norms = np.sum(pairs.electrons**2, axis=(1, 2)) + np.sum(pairs.bosons**2, axis=1)
        np.testing.assert_allclose(norms, 1.0, atol=1e-14)
        assert (
            pairs.overlap == pytest.approx(1.0) if form in ("boson", "on-site", "combined", "bond") else pairs.overlap
        )


def test_the_largest_eigenvalue_grows_with_the_ring_and_has_an_error_bar():
    rings = [(Model(ring(size), None, Bosons(hopping=1.0)), size) for size in (4, 6, 8)]
    data = condensate_against_size(rings, "boson")
    assert np.all(np.diff(data.eigenvalue) > 0.3)
    assert np.all(data.eigenvalue_errors < 1e-8)
    np.testing.assert_allclose(data.trace, [2, 3, 4], atol=1e-12)


@pytest.mark.parametrize("cutoff", [3, 4, 6])
def test_error_bars_cover_what_the_phonon_cutoff_changes(cutoff):
    def at(quanta):
        phonons = Phonons(1.0, boson_coupling=1.1, max_quanta=quanta)
        return [(Model(dimer(), Electrons(1.0), Bosons(-0.3, 0.5), phonons), 2)]

    rough, exact = (condensate_against_size(at(quanta), "combined") for quanta in (cutoff, 22))
    assert abs((rough.eigenvalue - exact.eigenvalue).item()) <= rough.eigenvalue_errors.item()
    assert exact.eigenvalue_errors.item() < 1e-6


def test_a_sector_of_one_state_is_exact_and_a_degenerate_one_finds_its_gap():
    assert mixing(isolated_ground(Model(site(), Electrons()), 2)) == 0.0
    levels = isolated_ground(Model(ring(3), Electrons(1.0, 0.0, 4.0)), Sector(3, 1))
    assert len(levels.energies) > levels.multiplicity == 2
    assert mixing(levels) < 1e-8


@pytest.mark.parametrize(
    ("model", "form", "message"),
    [
        (MIXED, "p", r"'p' is not a kind of pair; allowed: boson, on-site"),
        (MIXED, [1.0, 2.0], r"shape \(2,\) does not fit; this cluster has 4 bonds"),
        (MIXED, [0.0] * 4, "not all zero"),
        (MIXED, [np.nan, 1.0, 1.0, 1.0], "finite"),
        (Model(ring(4), None, Bosons()), "s", "need electrons"),
        (Model(chain(4), Electrons(1.0)), "combined", "need bosons"),
        (Model(chain(4), Electrons(1.0)), "d", "one direction only"),
        (Model(site(), Electrons()), "bond", "need a bond"),
    ],
)
def test_impossible_forms_are_refused(model, form, message):
    with pytest.raises(ValueError, match=message):
        pair_operators(model, form)


def test_empty_sectors_of_pairs_have_no_fraction():
    data = pair_density(ground_state(Model(dimer(), Electrons(1.0)), 1).ground)
    assert np.isnan(data.fraction)
    assert np.all(np.isnan(data.phase_correlation.values))
    lonely = custom([[0, 0], [1, 0], [5, 5]], [[0, 1]])
    assert not pair_operators(Model(lonely, Electrons(1.0)), "s").electrons[2].any()


def closed(first, second):
    """A square lattice with two periods, as custom, with the direction of each bond: 1 along x, -1 along y."""
    cell = np.array([first, second])
    inside = [
        (x, y) for y in range(-5, 6) for x in range(-5, 9)
        if all(-1e-9 < share < 1 - 1e-9 for share in np.linalg.solve(cell.T, (x, y)))
    ]  # fmt: skip
    bonds = {}
    for (i, (x, y)), (step, along) in product(enumerate(inside), (((1, 0), 1), ((0, 1), -1))):
        for j, there in enumerate(inside):
            shares = np.linalg.solve(cell.T, np.array((x, y)) + step - there)
            if np.allclose(shares, shares.round()):
                bonds.setdefault(frozenset((i, j)), ([i, j], along))
    pairs, along = zip(*bonds.values(), strict=True)
    return custom([list(map(float, place)) for place in inside], list(pairs)), np.array(along)


@pytest.mark.parametrize(
    "cell", [([4, 0], [0, 2]), ([4, 0], [0, 4]), ([2, 2], [-2, 2]), ([3, 1], [-1, 3]), ([4, 0], [1, 3])]
)
def test_bonds_over_the_edge_of_periodic_clusters_have_the_direction_of_their_shortest_copy(cell):
    cluster, along = closed(*cell)
    np.testing.assert_array_equal(d_form_factor(cluster), along * along[0])
    copies = [np.array(n) @ np.array(cell) for n in product(range(-3, 4), repeat=2)]
    places = cluster.coordinates
    wanted = [[min(np.linalg.norm(b - a + v) for v in copies) for b in places] for a in places]
    np.testing.assert_allclose(distances(cluster, places), wanted, atol=1e-9)


def test_pairs_of_d_wave_on_a_tilted_cluster_are_those_of_the_plain_form_factor():
    cluster, along = closed([3, 1], [-1, 3])
    state = ground_state(Model(cluster, Electrons(1.0, hubbard_u=4.0)), 2).ground
    given = pair_density(state, list(map(float, along)))
    for name in ("matrix", "eigenvalues"):
        np.testing.assert_allclose(pair_density(state, "d")[name], given[name], atol=1e-12)


def test_bonds_without_a_clear_direction_are_refused():
    """A knight's move on an open patch, and a periodic cluster without one of its bonds."""
    patch = plaquette([3, 3])
    pairs = [[bond.start, bond.end] for bond in patch.bonds]
    cluster, _ = closed([3, 1], [-1, 3])
    broken = [[bond.start, bond.end] for b, bond in enumerate(cluster.bonds) if b != 5]
    for positions, bonds in ((patch.positions, [*pairs, [0, 5]]), (cluster.positions, broken)):
        with pytest.raises(ValueError, match="has no clear direction"):
            d_form_factor(custom(positions, bonds))


def test_open_clusters_keep_the_directions_of_the_plane():
    square = custom([[0, 0], [1, 0], [0, 1.3], [1, 1.3]], [[0, 1], [2, 3], [0, 2], [1, 3]])
    assert d_form_factor(square).tolist() == [1, 1, -1, -1]
    crossed = custom([[0, 0], [1, 0], [0, 1], [1, 1]], [[0, 1], [2, 3], [0, 2], [1, 3], [0, 3, "second"]])
    np.testing.assert_allclose(d_form_factor(crossed), [1, 1, -1, -1, 0], atol=1e-12)
