"""A magnetic field: equal flux through plaquettes, spectra in another gauge, magnetic translations, refusals."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from reference import full_hamiltonian, sector_indices
from scipy.integrate import solve_ivp

from respair.analysis import evolve, flux_tensor
from respair.clusters import cubic, custom, honeycomb, kagome, lattice, momenta, plaquette, ring, square, triangular
from respair.clusters.magnetic import frame, in_field, plaquette_area, through_frame, through_rows
from respair.clusters.translations import every, generators
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Pulse, Sector, hop
from respair.hamiltonians.parametric import with_parameter
from respair.solvers import Options, ground_state, levels_by_symmetry, symmetry_sectors

PLANES = [
    square(size=[4, 4]), square(supercell=[[2, 2], [-2, 2]]), square(supercell=[[3, 1], [-1, 3]]), square(size=[2, 2]),
    square(size=[3, 2], shells=2), triangular(size=[3, 3]), triangular(supercell=[[2, 1], [-1, 2]]),
    honeycomb(size=[2, 2]), kagome(size=[2, 2]), square(size=[5, 1]),
    lattice([[1.0, 0.2], [0.1, 1.3]], size=[3, 2]),
]  # fmt: skip


def one_electron(model):
    h = np.zeros((model.cluster.sites,) * 2, complex)
    for bond in model.cluster.bonds:
        phase = np.exp(1j * (2 * np.pi * bond.phase + np.dot(bond.shares, model.fluxes)))
        h[bond.end, bond.start] -= phase
        h[bond.start, bond.end] -= phase.conjugate()
    return h


def dense_levels(model, sector):
    """Levels of an independent construction, in the symmetric gauge."""
    kept = sector_indices(model, sector.charge, sector.two_sz)
    return np.linalg.eigvalsh(full_hamiltonian(model)[kept][:, kept].toarray())


def loops(cluster, longest):
    """Phase in turns, and area, of every closed walk of so many bonds that comes back to the same copy of its site."""
    out = [[] for _ in range(cluster.sites)]
    for bond in cluster.bonds:
        vector = np.pad(cluster.vector(bond), (0, 3 - len(cluster.vector(bond))))
        out[bond.start].append((bond.end, vector, bond.phase))
        out[bond.end].append((bond.start, -vector, -bond.phase))
    for first in range(cluster.sites):
        walks = [(first, np.zeros(3), np.zeros(3), 0.0)]
        for _ in range(longest):
            walks = [
                (end, place + step, area + np.cross(place, place + step) / 2, turns + phase)
                for at, place, area, turns in walks
                for end, step, phase in out[at]
            ]
            yield from ((t, area) for at, place, area, t in walks if at == first and np.linalg.norm(place) < 1e-9)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("cluster", PLANES, ids=lambda c: f"{c.kind}{c.sites}")
def test_every_loop_encloses_the_flux_of_its_area_over_the_edge_too(cluster, number):
    threaded = in_field(cluster, through_rows(cluster, [number]))
    density = number / np.linalg.det(np.array(cluster.cell))
    found = list(loops(threaded, 4 if cluster.sites < 12 else 3))
    defects = np.array([turns - density * area[2] for turns, area in found])
    assert len(found) > 0
    np.testing.assert_allclose(defects, np.round(defects), atol=1e-9)


@pytest.mark.parametrize("numbers", [[0, 0, 1], [1, 2, 0], [1, 1, 1]])
def test_a_field_in_space_goes_through_each_face(numbers):
    cluster = cubic(size=[3, 2, 2])
    threaded = in_field(cluster, through_rows(cluster, numbers))
    field = np.array(numbers) / [4.0, 6.0, 6.0]  # quanta through unit squares of the faces y z, z x, x y
    defects = np.array([turns - field @ area for turns, area in loops(threaded, 4)])
    np.testing.assert_allclose(defects, np.round(defects), atol=1e-9)


@pytest.mark.parametrize("number", [1, 2, 4, 8, 12])
def test_one_electron_on_the_torus_has_the_levels_of_hofstadter(number):
    """Harper's equation on 4 x 4: psi(x+1) + psi(x-1) + 2 cos(2 pi a x + k) psi(x), solved by itself where a fits."""
    model = Model(square(size=[4, 4]), Electrons(1.0), magnetic_flux=number)
    found = np.linalg.eigvalsh(one_electron(model))
    moments = [np.sum(found**n) for n in range(5)]
    alpha = number / 16
    # closed walks of 0 to 4 steps on 16 sites: 4 of two steps; of four, 28 that enclose nothing, 8 plaquettes, 4 round
    np.testing.assert_allclose(moments[:4], [16, 0, 64, 0], atol=1e-9)
    around = np.cos(2 * np.pi * alpha * 4 * np.arange(4)).sum() / 4  # rows of length 4 enclose the flux beside them
    assert abs(moments[4] - 16 * (28 + 8 * np.cos(2 * np.pi * alpha) + 4 * around)) < 1e-9
    if number == 8:
        k = np.pi / 2 * np.arange(4)
        bands = [s * 2 * np.hypot(np.cos(x), np.cos(y)) for x in k[:2] for y in k for s in (1, -1)]
        np.testing.assert_allclose(found, np.sort(bands), atol=1e-12)
    if number == 4:
        inner = np.sqrt(12.0 + 2 * np.cos(0.0) + 2 * np.cos(0.0))
        np.testing.assert_allclose(np.unique(found.round(9)), np.unique([*(s * np.sqrt(4 + r * inner)
                                   for s in (1, -1) for r in (1, -1))]), atol=1e-8)  # fmt: skip


@pytest.mark.parametrize("cluster", [square(size=[3, 2]), square(supercell=[[2, 1], [-1, 2]]), triangular(size=[2, 3])])
def test_a_quantum_more_through_every_plaquette_changes_nothing(cluster):
    loops_in_all = 2 * cluster.sites if cluster.kind == "triangular" else cluster.sites
    model = Model(cluster, Electrons(1.0), magnetic_flux=1)
    more = replace(model, magnetic_flux=1 + loops_in_all)
    grid = np.linspace(0, 2 * np.pi, 5)
    lowest = [min(np.linalg.eigvalsh(one_electron(replace(each, flux=phi)))[0] for phi in itertools.product(grid, grid))
              for each in (model, more)]  # fmt: skip
    assert abs(lowest[0] - lowest[1]) < 1e-9
    reversed_ = replace(model, magnetic_flux=-1, flux=(-0.3, -0.8))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(one_electron(reversed_)),
        np.linalg.eigvalsh(one_electron(replace(model, flux=(0.3, 0.8)))), atol=1e-12,
    )  # fmt: skip


SMALL = [square(size=[2, 2]), square(size=[3, 1]), triangular(size=[2, 2]), square(supercell=[[1, 1], [-1, 2]]),
         lattice([[1.0, 0.0], [0.2, 1.0]], [[0, 0], [0.4, 0.5]], size=[1, 2])]  # fmt: skip


@st.composite
def models(draw):
    cluster = draw(st.sampled_from(SMALL))
    strength = st.floats(-1.0, 1.0).map(lambda x: round(x, 3))
    electrons = Electrons(1.0, hubbard_u=draw(strength), spin_exchange=draw(strength), pair_hopping=draw(strength))
    bosons = Bosons(draw(strength), draw(strength), draw(strength), bond_exchange=draw(strength))
    phonons = None
    if draw(st.booleans()) and cluster.sites < 4:
        on = draw(st.sampled_from(["all", "bonds"]))
        phonons = Phonons(1.0, on=on, bond_coupling=draw(strength), total_quanta=1)
    flux = tuple(draw(st.floats(-3, 3)) for _ in range(2))
    return Model(cluster, electrons, bosons, phonons, flux, magnetic_flux=draw(st.integers(-3, 3)))


@pytest.mark.long
@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(models(), st.integers(1, 4))
def test_all_blocks_together_have_the_levels_of_another_gauge(model, charge):
    sector = Sector(charge, charge % 2)
    expected = dense_levels(model, sector)
    found = levels_by_symmetry(model, sector, "all").energies
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(("cluster", "number", "left"), [
    (square(size=[4, 4]), 4, 4), (square(size=[4, 4]), 8, 8), (square(size=[4, 4]), 1, 1),
    (square(supercell=[[2, 2], [-2, 2]]), 4, 4), (square(supercell=[[3, 1], [-1, 3]]), 5, 5),
    (square(size=[4, 4]), 16, 16), (triangular(size=[3, 3]), 9, 9), (honeycomb(size=[2, 2]), 4, 4),
    (kagome(size=[2, 2]), 2, 2),
])  # fmt: skip
def test_as_many_translations_commute_as_magnetic_cells_fit(cluster, number, left):
    """With p / q quanta through a primitive cell, q cells make a magnetic cell."""
    model = Model(cluster, Electrons(1.0), magnetic_flux=number)
    assert len(momenta(model.cluster)) == left
    h = one_electron(model)
    for turn in generators(model.cluster):
        moved = h[np.ix_(turn.sites, turn.sites)]
        np.testing.assert_allclose(moved, h, atol=1e-12)
    assert f"{left} of {len(every(cluster))} translations" in "".join(model.cluster.remarks) or number == 16


@pytest.mark.long
def test_engines_agree_on_a_dressed_model_and_the_label_of_each_level():
    phonons = Phonons(1.0, boson_coupling=0.4, bond_coupling=0.2, max_quanta=1, total_quanta=2)
    model = Model(square(size=[2, 2]), Electrons(1.0), Bosons(-0.3, 0.5, 0.2), phonons, (0.4, 0.9), magnetic_flux=2)
    sector = Sector(3, 1)
    expected = dense_levels(model, sector)
    blocks = symmetry_sectors(model, sector)
    assert len(blocks) == 2
    for engine in ("dense", "quspin", "tensor"):
        found = [ground_state(model, block, options=Options(engine=engine)).energies[0] for block in blocks]
        assert abs(min(found) - expected[0]) < 1e-9
        assert all(np.min(np.abs(expected - energy)) < 1e-9 for energy in found)


def test_pairs_have_twice_the_phase():
    cluster = square(size=[3, 3])
    pairs = Model(cluster, None, Bosons(hopping=1.0), magnetic_flux=1)
    electrons = Model(cluster, Electrons(1.0), magnetic_flux=2)
    found = ground_state(pairs, 2, "all").energies
    np.testing.assert_allclose(found, np.linalg.eigvalsh(one_electron(electrons)), atol=1e-9)


@pytest.mark.long
def test_currents_are_the_slopes_of_the_energy_in_a_field():
    model = Model(square(size=[3, 2]), Electrons(1.0, hubbard_u=3.0), magnetic_flux=1)
    here, step = np.array([0.3, 0.7]), 1e-4
    data = flux_tensor(model, Sector(3, 1), [here.tolist()])
    for j, unit in enumerate(np.eye(2)):
        ends = [ground_state(replace(model, flux=tuple(here + s * step * unit)), Sector(3, 1)).energies[0]
                for s in (1, -1)]  # fmt: skip
        assert abs(data.current.values[0, j] + (ends[0] - ends[1]) / (2 * step)) < 1e-6


def test_open_clusters_take_any_flux_and_keep_their_rotations():
    model = Model(plaquette([3, 3]), Electrons(1.0), magnetic_flux={"plaquette": 0.23})
    defects = np.array([turns - 0.23 * area[2] for turns, area in loops(model.cluster, 4)])
    np.testing.assert_allclose(defects, 0.0, atol=1e-12)
    blocks = symmetry_sectors(model, Sector(1))
    assert [block.irrep for block in blocks] == ["A", "B", "E+", "E-"]
    found = levels_by_symmetry(model, Sector(1), "all").energies
    np.testing.assert_allclose(found, np.linalg.eigvalsh(one_electron(model)), atol=1e-10)
    tube = Model(square(size=[4, 3], periodic=[True, False]), Electrons(1.0), magnetic_flux={"plaquette": 0.23})
    defects = np.array([turns - 0.23 * area[2] for turns, area in loops(tube.cluster, 4)])
    np.testing.assert_allclose(defects, np.round(defects), atol=1e-12)
    assert len(momenta(tube.cluster)) == 4


def test_terms_of_ones_own_have_the_phase_of_their_path():
    def diagonal(model):
        forward = hop(model, [0, 1, 4])
        return -0.3 * (forward + forward.dag)

    model = Model(square(size=[3, 3]), Electrons(1.0), magnetic_flux=1, terms=(diagonal,))
    between = {(b.start, b.end): 2 * np.pi * b.phase for b in model.cluster.bonds}
    h = one_electron(model)
    h[4, 0] -= 0.3 * np.exp(1j * (between[0, 1] + between[1, 4]))
    h[0, 4] = h[4, 0].conjugate()
    np.testing.assert_allclose(np.linalg.eigvalsh(h)[0], ground_state(model, 1).energies[0], atol=1e-10)
    flux_tensor(model, 1, [[0.1, 0.2]])  # the term says how it depends on the flux


def test_a_field_is_taken_away_again_and_swept():
    model = Model(square(size=[4, 2]), Electrons(1.0), magnetic_flux=2)
    assert replace(model, magnetic_flux=0).cluster == square(size=[4, 2])
    assert with_parameter(model, "field.magnetic_flux", 4.0).magnetic_flux == 4
    same = with_parameter(model, "field.magnetic_flux.plaquette", 0.5)
    assert [bond.phase for bond in same.cluster.bonds] == [
        bond.phase for bond in replace(model, magnetic_flux=4).cluster.bonds
    ]
    assert not model.is_real
    assert replace(model, magnetic_flux=8).is_real or replace(model, magnetic_flux=4).is_real


@pytest.mark.parametrize(
    ("cluster", "given", "message"),
    [
        (square(size=[4, 2]), 1.5, "whole numbers of flux quanta through the cell"),
        (square(size=[4, 2]), {"plaquette": 0.3}, "which has 2.4 of them here; plaquette = 0.25 makes it 2"),
        (square(size=[4, 2]), [1, 2], "one number in the plane"),
        (cubic(size=[2, 2, 1]), 1, "a list of three"),
        (square(size=[4, 2]), {"cell": 1}, "or { plaquette = ... }"),
        (square(size=[4, 2]), float("nan"), "a whole number of flux quanta"),
        (square(size=[4, 2], periodic=[True, False]), 1, "{ plaquette = ... } where the cluster is open"),
        (ring(4), 1, "take field.flux, the flux through the ring"),
        (lattice([[1.0]], size=[4]), 1, "lies on a line"),
        (custom([[0, 0], [1, 0]], [[0, 1]]), {"plaquette": 0.1}, "no loop of 3 to 6 bonds"),
    ],
)
def test_fields_that_do_not_fit_are_refused(cluster, given, message):
    with pytest.raises(InvalidModel) as error:
        Model(cluster, Electrons(1.0), magnetic_flux=given)
    assert "field.magnetic_flux" in str(error.value)
    assert message in str(error.value)


def test_momenta_and_reflections_that_a_field_takes_away_are_refused():
    model = Model(square(size=[4, 2]), Electrons(1.0), magnetic_flux=1)
    with pytest.raises(InvalidModel, match=r"sector\.irrep"):
        ground_state(model, Sector(1, momentum=(0, 0), irrep="A1"))
    threaded = Model(plaquette([2, 2]), Electrons(1.0), magnetic_flux={"plaquette": 0.1})
    with pytest.raises(InvalidModel, match=r"irrep"):
        ground_state(threaded, Sector(1, irrep="A1"))


def test_areas_and_frames():
    assert plaquette_area(square(size=[3, 3], shells=2)) == 1.0
    assert plaquette_area(honeycomb(size=[2, 2])) == pytest.approx(1.5 * np.sqrt(3))
    assert plaquette_area(triangular(size=[3, 3])) == pytest.approx(np.sqrt(3) / 4)
    assert plaquette_area(square(size=[5, 1])) == 0.0
    cluster = square(size=[3, 2], periodic=[False, True])
    vectors, opened = frame(cluster)
    assert opened == 1
    assert abs(through_frame(cluster, [0.5])[0, 1] - 0.5 * np.linalg.det(vectors)) < 1e-12


@pytest.mark.long
def test_a_pulse_moves_an_electron_in_a_field():
    model = Model(square(size=[3, 2]), Electrons(1.0), flux=(0.3, 0.1), magnetic_flux=1)
    pulse = Pulse(amplitude=0.5, frequency=1.5, centre=1.0, width=0.6, direction=[1, 0])
    times = [0.0, 0.8, 2.0]

    def h(time):
        matrix = np.zeros((6, 6), complex)
        for bond in model.cluster.bonds:
            along = float(pulse.vector_potential(time)) * model.cluster.vector(bond)[0]
            matrix[bond.end, bond.start] -= np.exp(
                1j * (2 * np.pi * bond.phase + np.dot(bond.shares, model.fluxes) + along)
            )
        return matrix + matrix.conj().T

    first = np.linalg.eigh(one_electron(model))[1][:, 0]
    moved = solve_ivp(lambda t, y: -1j * h(t) @ y, (0.0, 2.0), first, t_eval=times, rtol=1e-11, atol=1e-12).y.T
    wanted = [np.vdot(psi, h(t) @ psi).real for t, psi in zip(times, moved, strict=True)]
    found = evolve(model, times, Sector(1), pulse=pulse)
    np.testing.assert_allclose(found.energy.values, wanted, atol=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_any_field_through_open_plaquettes_is_taken_as_it_is(seed):
    through = float(np.random.default_rng(seed).uniform(-1.5, 1.5))
    cluster = Model(
        square(size=[3, 2], periodic=[False, False]), Electrons(1.0), magnetic_flux={"plaquette": through}
    ).cluster
    places = cluster.coordinates - cluster.coordinates.mean(axis=0)
    for bond in cluster.bonds:
        (x, y), (u, v) = places[bond.start], places[bond.end]
        apart = bond.phase - through * (x * v - y * u) / 2
        assert abs(apart - round(apart)) < 1e-14
