"""Lattices: flux tensors against differences of energies, twists, structure factors, p waves, spectra by momentum."""

import re
from dataclasses import replace

import numpy as np
import pytest

from respair.analysis import compare, observables, pair_density, probe, spectral_function, spectral_map
from respair.analysis.flux import flux_response, flux_tensor, twist_average
from respair.analysis.pairing.directions import d_form_factor
from respair.analysis.plots import draw_cluster, plot_structure_factor
from respair.clusters import cubic, custom, honeycomb, kagome, momenta, ring, square, triangular
from respair.clusters.translations import opposite, primitive_vectors, wave_vectors
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Phonons,
    Sector,
    flux_derivative,
)
from respair.hamiltonians.flux import hop
from respair.hamiltonians.hamiltonian import sparse_matrix
from respair.hamiltonians.operators import total
from respair.solvers import ground_state, levels_by_symmetry
from respair.studies import parse, records, run

FIVE = square(supercell=[[2, 1], [-1, 2]])
PAIRS = Bosons(level=-0.5, exchange=0.7, hopping=0.2)
THREADED = {
    "five sites": (Model(FIVE, Electrons(1.0, hubbard_u=1.0), PAIRS), Sector(2, 0), (0.4, -0.3)),
    "two wide": (Model(square(size=[3, 2]), Electrons({"x": 1.0, "y": 0.6}), PAIRS), Sector(3), (0.7, 0.2)),
    "triangular": (Model(triangular(size=[2, 2]), Electrons(1.0, hubbard_u=2.0), PAIRS), Sector(2, 0), (0.3, 0.5)),
    "honeycomb": (Model(honeycomb(size=[2, 1]), Electrons(1.0, hubbard_u=2.0)), Sector(2, 0), (0.3, 0.5)),
    "kagome": (Model(kagome(size=[1, 1]), Electrons(1.0, hubbard_u=2.0), PAIRS), Sector(2, 0), (0.6, -0.5)),
    "cube": (Model(cubic([2, 2, 2]), Electrons(1.0, hubbard_u=2.0)), Sector(2, 0), (0.6, -0.5, 0.3)),
    "phonons": (
        Model(square(size=[2, 2]), Electrons(1.0), None, Phonons(1.0, electron_coupling=0.5, total_quanta=3)),
        Sector(1), (0.5, 0.3),
    ),
    "given by hand": (
        Model(custom(FIVE.positions, [[b.start, b.end, b.label, b.windings] for b in FIVE.bonds], cell=FIVE.cell),
              Electrons(1.0, hubbard_u=1.0), PAIRS),
        Sector(2, 0), (0.4, -0.3),
    ),
}  # fmt: skip


def energy(model, sector, flux):
    h = Hamiltonian.of(replace(model, flux=tuple(flux)), sector).matrix().toarray()
    return float(np.linalg.eigvalsh(h)[0])


@pytest.mark.parametrize("name", THREADED)
def test_currents_and_stiffness_are_derivatives_of_the_ground_energy(name):
    model, sector, flux = THREADED[name]
    data = flux_tensor(model, sector, [flux])
    rows = np.array(model.cluster.cell)
    assert float(data.energies[0]) == pytest.approx(energy(model, sector, flux), abs=1e-10)
    step, eye = 1e-3, np.eye(len(flux))
    first = [energy(model, sector, flux + step * e) - energy(model, sector, flux - step * e) for e in eye]
    np.testing.assert_allclose(data.current.values[0], -np.array(first) / (2 * step), atol=1e-6)
    second = np.zeros((len(flux),) * 2)
    for i, a in enumerate(eye):
        for j, b in enumerate(eye):
            corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            values = [s * t * energy(model, sector, flux + step * (s * a + t * b)) for s, t in corners]
            second[i, j] = sum(values) / (4 * step**2)
    wanted = np.pi / model.cluster.sites * rows.T @ second @ rows
    np.testing.assert_allclose(data.stiffness.values[0], wanted, atol=2e-4)
    assert np.all(data.stiffness_errors.values >= 0)


def test_a_square_with_its_symmetry_has_an_isotropic_stiffness():
    model, sector, _ = THREADED["five sites"]
    tensor = flux_tensor(model, sector, [[0.0, 0.0]]).stiffness.values[0]
    np.testing.assert_allclose(tensor, tensor[0, 0] * np.eye(2), atol=1e-9)


def test_a_term_of_ones_own_has_its_part_in_the_tensor():
    cluster = square(size=[3, 3])

    def diagonal(model):
        right = [i - i % 3 + (i + 1) % 3 for i in range(9)]
        forward = total(hop(model, [i, right[i], (right[i] + 3) % 9]) for i in range(9))
        return -0.3 * (forward + forward.dag)

    flux = (0.4, 0.3)
    model = Model(cluster, Electrons(1.0), terms=(diagonal,))
    data = flux_tensor(model, Sector(1), [flux])
    step = 1e-3
    for j, e in enumerate(np.eye(2)):
        up, down = (energy(model, Sector(1), flux + s * step * e) for s in (1, -1))
        assert data.current.values[0, j] == pytest.approx(-(up - down) / (2 * step), abs=1e-6)


def test_derivatives_of_the_hamiltonian_are_those_of_its_matrix():
    model, sector, flux = THREADED["two wide"]
    threaded = replace(model, flux=flux)
    h = Hamiltonian.of(threaded, sector)
    along = [[1.0, 0.5], [0.0, 2.0]]

    def matrix(shift):
        return Hamiltonian.of(replace(model, flux=tuple(np.array(flux) + shift)), sector).matrix().toarray()

    step = 1e-3
    moved = {(s, t): matrix(step * (s * np.array(along[0]) + t * np.array(along[1]))) for s in (1, -1) for t in (1, -1)}
    wanted = (moved[1, 1] - moved[1, -1] - moved[-1, 1] + moved[-1, -1]) / (4 * step**2)
    second = flux_derivative(threaded, along=along)
    np.testing.assert_allclose(sparse_matrix(h.space, second).toarray(), wanted, atol=1e-5)
    with pytest.raises(ValueError, match=r"must have 2 numbers"):
        flux_derivative(threaded, 1)


def test_where_the_ground_level_is_degenerate_no_tensor_is_claimed():
    model = Model(square(size=[3, 3]), Electrons(1.0))
    data = flux_tensor(model, Sector(3, 1), [[0.0, 0.0]])
    assert int(data.multiplicity[0]) > 1
    assert np.all(np.isnan(data.stiffness.values))


def test_twists_average_the_energies():
    model, sector, _ = THREADED["five sites"]
    data = twist_average(model, sector, [2, 3])
    fluxes = [(2 * np.pi * (i + 0.5) / 2, 2 * np.pi * (j + 0.5) / 3) for i in range(2) for j in range(3)]
    wanted = [energy(model, sector, flux) for flux in fluxes]
    np.testing.assert_allclose(data.energies.values, wanted, atol=1e-10)
    assert float(data.energy) == pytest.approx(np.mean(wanted))
    with pytest.raises(ValueError, match="give 2 whole numbers"):
        twist_average(model, sector, [2])


def test_rings_and_lattices_refuse_each_others_flux():
    with pytest.raises(ValueError, match="flux_tensor"):
        flux_response(THREADED["five sites"][0], 2, [0.1])
    with pytest.raises(ValueError, match="needs the periods of the cluster"):
        flux_tensor(Model(ring(4), Electrons(1.0)), 2, [[0.1]])
    with pytest.raises(ValueError, match="must be a flux vector of 2 finite numbers"):
        flux_tensor(THREADED["five sites"][0], 2, [[0.1]])


def test_structure_factors_are_sums_over_all_pairs():
    phonons = Phonons(1.0, electron_coupling=0.5, max_quanta=1)
    model = Model(square(supercell=[[1, 1], [-1, 2]]), Electrons(1.0, hubbard_u=1.0), PAIRS, phonons)
    state = ground_state(model, Sector(2, 0)).ground
    data = observables(state)
    at = model.cluster.coordinates
    for part, matrix in (("density", "density_correlation"), ("spin", "spin_correlation"), ("pair", "pair_correlation"),
                         ("boson", "boson_correlation"), ("displacement", "displacement_correlation")):  # fmt: skip
        found = data[f"structure_factor_{part}"].values
        for q, value in zip(wave_vectors(model.cluster), found, strict=True):
            phases = np.exp(-1j * at @ q)
            wanted = phases @ data[matrix].values @ phases.conj() / len(at)
            assert value == pytest.approx(wanted.real, abs=1e-12)
        assert found.sum() == pytest.approx(np.trace(data[matrix].values).real)
    assert data.structure_factor_density.values[0] == pytest.approx(
        np.sum(data.density_correlation.values).real / len(at)
    )
    ax = plot_structure_factor(data, model, "density")
    assert len(ax.collections) == 1
    np.testing.assert_allclose(data.q_y.values, wave_vectors(model.cluster)[:, 1])
    with pytest.raises(ValueError, match="structure factor 'charge': allowed are those in the data: density"):
        plot_structure_factor(data, model, "charge")


def test_structure_factors_change_from_zone_to_zone_where_cells_hold_several_sites():
    model = Model(honeycomb(size=[2, 1]), Electrons(0.0, spin_exchange=1.0))
    model = replace(model, electrons=replace(model.electrons, hubbard_u=20.0))
    data = observables(ground_state(model, Sector(4, 0)).ground)
    first = data.structure_factor_spin.values
    assert first[0] == pytest.approx(0.0, abs=1e-10)  # total spin 0
    colours = plot_structure_factor(data, model, "spin").collections[0].get_array()
    assert np.max(colours) > 2 * np.max(first)  # the peak of the Neel order
    there = data.drop_vars("spin_correlation")
    assert len(plot_structure_factor(there, model, "spin").collections[0].get_offsets()) == len(first)


@pytest.mark.parametrize("table", ["ground_state", "thermal"])
def test_observables_of_other_clusters_are_refused_before_anything_runs(table):
    text = (
        "schema = 1\ncluster = { kind = 'ring', sites = 3 }\nelectrons = { hopping = 1.0 }\nsector = { charge = 1 }\n"
    )
    text += f"{table} = {{ observables = ['structure_factor'] }}\n".replace(
        " }\n", ", temperatures = [1.0] }\n" if table == "thermal" else " }\n"
    )
    with pytest.raises(ValueError, match="it needs a lattice that is closed"):
        parse(text, "x.toml")


def test_form_factors_follow_the_directions_of_the_bonds():
    assert d_form_factor(square(size=[2, 2])).tolist() == [1.0, -1.0] * 4
    np.testing.assert_allclose(d_form_factor(triangular(size=[3, 2]))[:3], [1.0, -0.5, -0.5])


def test_two_electrons_of_one_p_wave_are_its_pairs():
    cluster = square(size=[3, 3])
    # on a lattice of one direction of motion, the lowest triplet of two electrons is odd along it
    model = Model(cluster, Electrons({"x": 1.0, "y": 0.0}, repulsion={"x": -3.0}))
    odd = ground_state(model, Sector(2, 0, spin_flip=-1)).ground  # S = 1
    even = ground_state(model, Sector(2, 0, spin_flip=1)).ground
    assert pair_density(odd, "p-x").eigenvalues.values[0] > 0.05
    assert np.max(np.abs(pair_density(odd, "s").eigenvalues.values)) < 1e-12
    assert np.max(np.abs(pair_density(even, "p-x").eigenvalues.values)) < 1e-12
    weights = pair_density(odd, "p-x").structure_factor.values
    assert weights.sum() == pytest.approx(np.trace(pair_density(odd, "p-x").matrix.values).real)
    with pytest.raises(ValueError, match="closed lattice"):
        pair_density(ground_state(Model(ring(4), Electrons(1.0)), 2).ground, "p-x")


def test_the_spectral_map_of_a_band_is_the_band():
    model = Model(FIVE, Electrons(1.0))
    data = spectral_map(levels_by_symmetry(model, 0), "electron", [0.0])
    band = -2 * np.sum(np.cos(wave_vectors(FIVE)), axis=1)
    np.testing.assert_allclose(data.moments.sel(order=1).values, band, atol=1e-12)
    assert data.momenta.values.tolist() == [list(k) for k in momenta(FIVE)]
    np.testing.assert_allclose(data.k.values, wave_vectors(FIVE))


def test_clusters_are_drawn_with_their_images():
    for cluster in (square(size=[4, 2]), cubic([2, 2, 2]), honeycomb(size=[2, 2]), ring(4, shells=2)):
        ax = draw_cluster(cluster.with_modes("all"))
        assert ax.get_title().startswith(cluster.kind)
        assert ("doubled" in ax.get_title()) == bool(cluster.doubled)
        assert cluster.drawing.startswith("<svg")


def test_primitive_vectors_are_those_of_the_lattice():
    np.testing.assert_allclose(primitive_vectors(triangular(size=[2, 3])), [[1, 0], [0.5, np.sqrt(3) / 2]], atol=1e-9)
    assert len(primitive_vectors(cubic([2, 2, 1]))) == 3


def flat(value, path=""):
    """Yield the numbers of a record with their paths."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}")
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from flat(item, f"{path}.{n}")
    elif isinstance(value, float):
        yield path, value


BF = """electrons = {{ hopping = {t}, hubbard_u = 1.0 }}
bosons = {{ level = -0.4, exchange = 0.6, hopping = {b} }}
"""
FOLDED = {
    "ground": BF + """sector = {{ charge = 4, two_sz = 0 }}
phonons = {{ frequency = 1.0, boson_coupling = 0.4, total_quanta = 2 }}
[ground_state]
[pairing]
[spectrum]
operator = "density"
frequencies = [0.0, 1.0]
""",
    "approximations": """electrons = {{ hopping = {t}, hubbard_u = 1.0 }}
phonons = {{ frequency = 1.0, electron_coupling = 0.8, total_quanta = 3 }}
sector = {{ charge = 2, two_sz = 0 }}
[compare]
approximations = ["lang-firsov", "adiabatic", "coherent-product", "lang-firsov-variational"]
""",
    "thermal": BF + """[thermal]
temperatures = [0.3, 2.0]
""",
    "mean field": """electrons = {{ hopping = {t} }}
bosons = {{ level = -0.4, exchange = 0.6 }}
[compare]
temperature = 0.5
approximations = ["mean-field", "mean-field-sites"]
""",
}  # fmt: skip
UNORDERED = re.compile(r"pairing\.bond\.(matrix|connected|orbitals|phase)|orbitals|error|defect|residual|stored")
"""What depends on the order of bonds or on a choice among degenerate vectors, and what is rounding."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in ("ground", "thermal") else n for n in FOLDED]
)
def test_two_bonds_between_neighbours_are_one_of_twice_the_strength(name):
    found = []
    for cluster, factor in (("square", 1.0), ("plaquette", 2.0)):
        body = FOLDED[name].format(t=factor, b=0.2 * factor)
        text = f'schema = 1\ncluster = {{ kind = "{cluster}", size = [2, 2] }}\n{body}'
        (record,) = records(run(parse(text, "model.toml")))
        found.append({path: value for path, value in flat(record) if not UNORDERED.search(path)})
    shared = found[0].keys() & found[1].keys()
    assert len(shared) > 20
    for path in shared:
        assert found[0][path] == pytest.approx(found[1][path], abs=1e-7, rel=1e-6), path


def test_the_perturbation_theory_of_pairs_refuses_doubled_bonds():
    model = Model(square(size=[2, 2]), Electrons(hopping=1.0, hubbard_u=-20.0))
    with pytest.raises(ValueError, match="two sites share several bonds"):
        compare(model, Sector(4, 0), ["bipolaron-perturbation"])


@pytest.mark.parametrize("name", ["electron", *(pytest.param(n, marks=pytest.mark.slow) for n in ("density", "boson"))])
def test_the_spectra_of_k_and_minus_k_differ_in_a_flux(name):
    cluster = square(supercell=[[2, 2], [-2, 2]])  # two translations generate all
    model = Model(cluster, Electrons(1.0, hubbard_u=1.0), PAIRS, flux=(0.9, -0.4))
    levels = levels_by_symmetry(model, Sector(2, 0))
    values = spectral_map(levels, name, [0.3], broadening=0.2)["values"].values[:, 0]
    for n, k in enumerate(momenta(cluster)):
        alone = spectral_function(levels, probe(model, name, momentum=k), [0.3], broadening=0.2)
        assert values[n] == pytest.approx(float(alone["values"].values[0]), abs=1e-9)
    other = [momenta(cluster).index(opposite(cluster, k)) for k in momenta(cluster)]
    assert np.max(np.abs(values - values[other])) > 1e-4


@pytest.mark.parametrize("size", [[1, 4], [2, 4], [3, 3], [4, 1]])
@pytest.mark.parametrize("kind", [triangular, honeycomb])
def test_bonds_of_lattices_that_are_open_along_a_row_have_their_length(kind, size):
    cluster = kind(size=size, periodic=[True, False]) if kind is triangular or size[0] * size[1] < 10 else None
    if cluster is None:
        return
    lengths = [np.linalg.norm(cluster.vector(bond)) for bond in cluster.bonds]
    np.testing.assert_allclose(lengths, 1.0, atol=1e-9)
    if cluster.has_loop:
        one, other = (Model(cluster, Electrons(1.0), flux=phi) for phi in (0.4, 0.4 + 2 * np.pi))
        found = [np.linalg.eigvalsh(Hamiltonian.of(m, Sector(1)).matrix().toarray()) for m in (one, other)]
        np.testing.assert_allclose(found[0], found[1], atol=1e-12)


def test_sums_of_couplings_that_differ_by_rounding_are_equal_modes():
    """Couplings by distance are summed over sites in another order for each mode."""
    phonons = Phonons(1.275, electron_coupling={"distance": [0.413, 0.052]}, quartic=0.003, total_quanta=2)
    model = Model(square(size=[2, 2]), Electrons(0.644, hubbard_u=1.191), PAIRS, phonons)
    found = ground_state(model, Sector(3, 1, momentum=(1, 1)))
    assert np.all(np.isfinite(found.certificate.energy_errors))
    assert found.energies[0] == pytest.approx(min(levels_by_symmetry(model, Sector(3, 1), 12).energies), abs=2.0)


def test_a_flux_vector_and_temperatures_share_a_model_file():
    text = """schema = 1
cluster = { kind = "square", size = [2, 2] }
electrons = { hopping = 1.0 }
sector = { charge = 1 }
flux = { values = [[0.4, 0.1]] }
thermal = { temperatures = [0.5], ensemble = "canonical" }
"""
    (record,) = records(run(parse(text, "model.toml")))
    assert len(record["flux"]["current"][0]) == 2
    assert np.shape(record["thermal"]["flux"]["stiffness"]) == (1, 1, 2, 2)
