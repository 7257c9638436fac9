"""Lattices: one-electron energies in closed form, all blocks together, both engines, flux vectors, spin flip."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respair.clusters import cubic, custom, honeycomb, kagome, lattice, momenta, ring, square, triangular
from respair.clusters.translations import as_numbers, wave_vectors
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector
from respair.hamiltonians.symmetry.group import group
from respair.hamiltonians.symmetry.quantum_numbers import sector_symmetries
from respair.solvers import ground_state, levels_by_symmetry, symmetry_sectors
from respair.solvers.engines.quspin import QuspinEngine
from respair.solvers.engines.tensor import TensorEngine

ROOT3 = np.sqrt(3)
OBLIQUE = [[1.0, 0.0], [0.5, ROOT3 / 2]]
GEOMETRY = {
    "square": (np.eye(2), [[0, 0]]),
    "triangular": (np.array(OBLIQUE), [[0, 0]]),
    "honeycomb": (ROOT3 * np.array(OBLIQUE), [[0, 0], [0, 1]]),
    "kagome": (2 * np.array(OBLIQUE), [[0, 0], *OBLIQUE]),
    "cubic": (np.eye(3), [[0, 0, 0]]),
}
KINDS = {"square": square, "triangular": triangular, "honeycomb": honeycomb, "kagome": kagome, "cubic": cubic}
SUPERCELLS = [
    ("square", [[2, 2], [-2, 2]]), ("square", [[4, 0], [0, 2]]), ("square", [[3, 1], [-1, 3]]),
    ("square", [[3, 0], [1, 2]]),
    ("triangular", [[3, 0], [0, 2]]), ("triangular", [[2, 1], [-1, 3]]), ("honeycomb", [[2, 0], [0, 2]]),
    ("honeycomb", [[1, 1], [-1, 2]]), ("kagome", [[2, 0], [0, 1]]), ("cubic", [[2, 0, 0], [0, 2, 0], [0, 0, 2]]),
    ("cubic", [[1, 1, 0], [0, 1, 1], [1, 0, 1]]), ("square", [[1, 0], [0, 3]]), ("square", [[1, 0], [0, 1]]),
]  # fmt: skip


def by_images(kind, supercell, sites, hoppings, potential):
    """One-electron matrix of all images: -t_s exp(i A . d) for every vector d of shell s that joins two sites."""
    vectors, basis = GEOMETRY[kind]
    frame = np.array(supercell) @ vectors
    reach = list(itertools.product(range(-7, 8), repeat=len(vectors)))
    copies = np.array(reach) @ frame
    apart = np.array([np.array(b) - np.array(a) for a in basis for b in basis])
    every = (np.array(reach) @ vectors)[:, None] + apart
    lengths = np.unique(np.linalg.norm(every, axis=-1).round(6))
    shells = lengths[lengths > 0][: len(hoppings)]
    h = np.zeros((len(sites), len(sites)), complex)
    for i, start in enumerate(sites):
        for j, end in enumerate(sites):
            if i == j:
                continue
            for d in end + copies - start:
                shell = np.flatnonzero(np.abs(np.linalg.norm(d) - shells) < 1e-6)
                if len(shell):
                    h[j, i] -= hoppings[shell[0]] * np.exp(1j * potential @ d)
    return h


@pytest.mark.sampled
@pytest.mark.parametrize(("kind", "supercell"), SUPERCELLS, ids=str)
@pytest.mark.parametrize("shells", [1, 3])
def test_one_electron_energies_are_those_of_all_images(kind, supercell, shells):
    cluster = KINDS[kind](supercell=supercell, shells=shells)
    frame = np.array(supercell) @ GEOMETRY[kind][0]
    flux = np.array([0.4, 1.1, -0.7])[: len(frame)]
    potential = np.linalg.solve(frame, flux)
    names = cluster.bond_classes
    further = [name for name in ("second", "third") if name in names]
    t = {name: {"second": 0.3, "third": -0.2}.get(name, 1.0) for name in names}
    wanted = by_images(kind, supercell, cluster.coordinates, [1.0, 0.3, -0.2][:shells], potential)
    if not cluster.bonds:
        return
    model = Model(cluster, Electrons(hopping=t), flux=flux if cluster.has_loop else 0.0)
    found = Hamiltonian.of(model, Sector(1)).matrix().toarray()
    np.testing.assert_allclose(np.linalg.eigvalsh(found), np.linalg.eigvalsh(wanted), atol=1e-12)
    assert len(further) <= shells - 1
    pairs = Model(cluster, None, Bosons(hopping=t), flux=flux if cluster.has_loop else 0.0)  # twice the phase
    wanted = by_images(kind, supercell, cluster.coordinates, [1.0, 0.3, -0.2][:shells], 2 * potential)
    found = Hamiltonian.of(pairs, Sector(2)).matrix().toarray()
    np.testing.assert_allclose(np.linalg.eigvalsh(found), np.linalg.eigvalsh(wanted), atol=1e-12)


def test_bonds_of_one_s_own_lead_to_the_nearest_image():
    places = [[0, 0], [1, 7], [-8, 2], [2, 2]]
    far = custom(places, [[0, 1], [0, 2], [1, 3], [2, 3]], cell=[[3, 0], [0, 3]])
    for bond in far.bonds:
        assert np.linalg.norm(far.vector(bond)) <= np.sqrt(2) * 1.5 + 1e-9
        around = np.array(bond.windings) - (np.array(places[bond.end]) - np.array(places[bond.start])) / 3
        np.testing.assert_allclose(around, np.round(around), atol=1e-9)
    with pytest.raises(ValueError, match="2 images of the same length"):
        custom([[0, 0], [1, 0]], [[0, 1]], cell=[[2, 0]])


def test_energies_of_a_band_are_those_at_the_momenta_of_the_cluster():
    cluster = square(supercell=[[3, 1], [-1, 3]])
    flux = (0.3, -0.8)
    potential = np.linalg.solve(np.array(cluster.cell), flux)
    model = Model(cluster, Electrons(hopping=1.0), flux=flux)
    for k, vector in zip(momenta(cluster), wave_vectors(cluster), strict=True):
        energy = ground_state(model, Sector(1, momentum=k)).energies[0]
        # T(r) psi = exp(-i k . r) psi: the amplitude goes with exp(+i k . r), the hop by d with exp(i A . d)
        assert energy == pytest.approx(-2 * np.sum(np.cos(vector - potential)), abs=1e-12)


@pytest.mark.long
def test_published_energies_of_the_hubbard_and_the_heisenberg_model():
    """G. Fano, F. Ortolani and A. Parola, Phys. Rev. B 42, 6877 (1990); eight sites are two spins 2, E = -6 J."""
    hubbard = Model(square(size=[4, 4]), Electrons(1.0, hubbard_u=4.0))
    found = ground_state(hubbard, Sector(10, 0, momentum=(0, 0), irrep="A1"))
    assert found.energies[0] == pytest.approx(-19.58094, abs=1e-5)
    assert found.stored < 19_079_424 / 120
    spins = Model(square(supercell=[[2, 2], [-2, 2]]), Electrons(0.0, hubbard_u=100.0, spin_exchange=1.0))
    assert ground_state(spins, Sector(8, 0)).energies[0] == pytest.approx(-6.0, abs=1e-10)


def test_classes_run_in_their_directions():
    directions = {"x": [1, 0], "y": [0, 1]}
    for kind, names in (("square", "xy"), ("triangular", "abc"), ("honeycomb", "abc"), ("kagome", "abc")):
        cluster = KINDS[kind](size=[2, 2] if kind in ("honeycomb", "kagome") else [3, 3])
        assert cluster.bond_classes == tuple(names)
        angle = {"a": 0, "b": 60, "c": 120} if kind != "honeycomb" else {"a": 90, "b": 210, "c": 330}
        angles = {name: np.radians(angle[name]) for name in names if name in angle}
        wanted = directions | {name: [np.cos(a), np.sin(a)] for name, a in angles.items()}
        for bond in cluster.bonds:
            np.testing.assert_allclose(cluster.vector(bond), wanted[bond.label], atol=1e-9)
    honey = honeycomb(size=[2, 2])
    assert all(bond.start % 2 == 0 and bond.end % 2 == 1 for bond in honey.bonds)


def models():
    phonons = Phonons(frequency=0.9, electron_coupling=0.4, total_quanta=2)
    on_bonds = Phonons(frequency=0.9, on="x", bond_coupling=0.3, total_quanta=2)
    ssh = Phonons(frequency=0.7, bond_coupling=0.2, total_quanta=2)
    tilted = square(supercell=[[1, 1], [-1, 2]])
    yield "electrons", Model(triangular(size=[3, 2]), Electrons(1.0, hubbard_u=3.0)), Sector(4, 0)
    pairs = Bosons(level=-0.3, exchange=0.7, hopping=0.2)
    yield "pairs", Model(square(size=[2, 2]), Electrons(1.0), pairs), Sector(4, 0)
    yield "flux", Model(tilted, Electrons(1.0), Bosons(exchange=0.7), flux=(0.5, -0.2)), Sector(3)
    yield "phonons", Model(tilted, Electrons(1.0), Bosons(exchange=0.7), phonons), Sector(2, 0)
    yield "modes on bonds", Model(square(size=[2, 2]), Electrons(1.0), None, on_bonds), Sector(2, 0)
    yield "displacements of sites", Model(square(size=[3, 1]), Electrons(1.0), None, ssh, flux=(0.3, 0.0)), Sector(2, 0)
    yield "honeycomb", Model(honeycomb(size=[2, 1]), Electrons(1.0, hubbard_u=1.0), Bosons(exchange=0.5)), Sector(3)
    dressed = replace(phonons, frame="lang-firsov")
    yield "dressed", Model(square(size=[2, 1]), Electrons(1.0), Bosons(exchange=0.7), dressed), Sector(2, 0)
    yield "second neighbours", Model(ring(4, shells=2), Electrons({"bond": 1.0, "second": 0.3}), flux=0.4), Sector(2, 0)
    loop = [[0, 1, "a", [0.25]], [1, 2, "b", [0.25]], [2, 3, "a", [0.25]], [3, 0, "b", [0.25]]]
    corners = [[0, 0], [1, 0], [1, 1], [0, 1]]
    yield "custom", Model(custom(corners, loop), Electrons({"a": 1.0, "b": 0.6}), flux=0.4), Sector(2, 0)
    pairs, still = Bosons(level=-0.3, exchange=0.7), Phonons(frequency=0.9, boson_coupling=0.4, total_quanta=1)
    yield "eight sites", Model(square(supercell=[[2, 2], [-2, 2]]), Electrons(1.0), pairs), Sector(2, 0)
    yield "eight sites, x and y", Model(square(size=[4, 2]), Electrons({"x": 1.0, "y": 0.6}), pairs), Sector(2, 0)
    yield "hexagons", Model(honeycomb(size=[2, 2]), Electrons(1.0), pairs), Sector(2, 0)
    yield "three hexagons", Model(honeycomb(supercell=[[1, 1], [-1, 2]]), Electrons(1.0), pairs, still), Sector(2, 0)
    yield "nine sites", Model(triangular(size=[3, 3]), Electrons(1.0, hubbard_u=2.0)), Sector(2, 0)
    yield "kagome", Model(kagome(size=[1, 1]), Electrons(1.0), pairs, still), Sector(2, 0)
    yield "cube", Model(cubic([2, 2, 2]), Electrons(1.0), pairs), Sector(2, 0)
    everywhere = Phonons(frequency=0.9, on="bonds", bond_coupling=0.3, total_quanta=1)
    yield "modes on all bonds", Model(square(size=[2, 2]), Electrons(1.0), None, everywhere), Sector(2, 0)
    yield "modes on bonds of a triangle", Model(triangular(size=[2, 1]), Electrons(1.0), None, everywhere), Sector(2, 0)
    yield "closed one way", Model(square(size=[3, 2], periodic=[True, False]), Electrons(1.0), flux=0.3), Sector(2, 0)


LARGE = ("three hexagons", "nine sites", "modes on all bonds", "eight sites")
CASES = {name: (model, sector) for name, model, sector in models()}


def levels_of(model, sector):
    return np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())


def by_quspin(block):
    return np.linalg.eigvalsh(QuspinEngine(block).matrix.toarray())


def by_tensor(block):
    """Eigenvalues of P H P on what the symmetry allows, P and H from the engine column by column."""
    engine = TensorEngine(block)
    projector = np.eye(engine.size, dtype=engine.dtype)
    for row in projector:
        engine.project(row)
    images = np.array([engine.product(row, np.empty_like(row)) for row in projector], engine.dtype)
    matrix = images.reshape(engine.size, engine.size).T
    above = 1e3 * (np.eye(engine.size) - projector.T)
    return np.linalg.eigvalsh(matrix + above)[: block.dimension]


@pytest.mark.sampled
@pytest.mark.parametrize("solved", [by_tensor, by_quspin], ids=["tensor", "quspin"])
@pytest.mark.parametrize("flips", [False, True], ids=["", "flip"])
@pytest.mark.parametrize("name", CASES)
def test_all_blocks_together_are_the_whole_sector(name, flips, solved):
    model, sector = CASES[name]
    if flips and sector.two_sz:
        pytest.skip("the flip needs S_z = 0")
    found = []
    for sign in (1, -1) if flips else (None,):
        for block in symmetry_sectors(model, replace(sector, spin_flip=sign)):
            assert block.momentum is not None or not momenta(model.cluster)[1:]
            found += solved(Block.of(Hamiltonian.of(model, sector), block)).tolist()
    np.testing.assert_allclose(np.sort(found), levels_of(model, sector), atol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize("name", [name for name in CASES if name not in LARGE])
def test_the_operations_of_a_block_act_as_a_group_and_commute_with_h(name):
    model, sector = CASES[name]
    flip = 1 if sector.two_sz == 0 else None
    for block in symmetry_sectors(model, replace(sector, spin_flip=flip))[:2]:
        _check_group(model, block)


def _check_group(model, block):
    h = Hamiltonian.of(model, block)
    elements = group(h.space, sector_symmetries(h.space, h.operator))
    assert len(elements) >= len(momenta(model.cluster)) * (2 if block.two_sz == 0 else 1)
    size = h.space.dimension
    states = np.arange(size)
    matrices = []
    for element in elements:
        image, sign = element.images(states)
        matrix = np.zeros((size, size), complex)
        matrix[image, states] = sign
        matrices.append(matrix)
    dense = h.matrix().toarray()
    for a, one in zip(elements, matrices, strict=True):
        assert np.abs(one @ dense - dense @ one).max() < 1e-12
        for b, other in zip(elements[:6], matrices[:6], strict=True):
            product = one @ other
            same = [c for c, third in enumerate(matrices) if np.abs(third - product).max() < 1e-12]
            assert any(abs(elements[c].character - a.character * b.character) < 1e-12 for c in same)


def test_levels_merged_over_blocks_carry_their_momenta():
    model, sector = CASES["pairs"]
    found = levels_by_symmetry(model, sector, states=12)
    np.testing.assert_allclose(found.energies, levels_of(model, sector)[:12], atol=1e-9)
    assert all(label.momentum in momenta(model.cluster) for label in found.labels)


@pytest.mark.parametrize("name", ["pairs", "phonons", "electrons"])
def test_the_spin_flip_is_the_parity_of_the_total_spin(name):
    model, sector = CASES[name]
    whole = levels_of(model, sector)
    higher = levels_of(model, Sector(sector.charge, 2))
    even = ground_state(model, replace(sector, spin_flip=1), "all").energies
    odd = ground_state(model, replace(sector, spin_flip=-1), "all").energies
    np.testing.assert_allclose(np.sort([*even, *odd]), whole, atol=1e-9)
    for energy in odd:  # S = 1, 3, ...: also at S_z = 1
        assert np.min(np.abs(higher - energy)) < 1e-9


def test_a_field_on_one_spin_breaks_the_flip():
    from respair.hamiltonians import electron_number

    def field(model):
        return 0.1 * electron_number(0, "up")

    model = Model(ring(3), Electrons(1.0), terms=(field,))
    with pytest.raises(InvalidModel, match=r"sector\.spin_flip: got 1; the model lacks this symmetry"):
        ground_state(model, Sector(2, 0, spin_flip=1))
    with pytest.raises(InvalidModel, match=r"sector\.spin_flip: got 1; allowed with two_sz = 0 only"):
        ground_state(model, Sector(2, 2, spin_flip=1))
    with pytest.raises(InvalidModel, match=r"sector\.spin_flip: got 0; allowed: 1 or -1"):
        ground_state(model, Sector(2, 0, spin_flip=0))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=4, max_size=4), st.floats(-3, 3), st.floats(-3, 3))
def test_a_flux_that_is_a_multiple_of_two_pi_can_be_gauged_away(entries, first, second):
    rows = np.array(entries).reshape(2, 2)
    if not 2 <= abs(round(np.linalg.det(rows))) <= 5:
        return
    cluster = triangular(supercell=rows.tolist())
    energies = []
    for shift in ((0.0, 0.0), (2 * np.pi, 0.0), (2 * np.pi, -4 * np.pi)):
        flux = (first + shift[0], second + shift[1])
        model = Model(cluster, Electrons(hopping=0.8, hubbard_u=1.0), Bosons(exchange=0.4, hopping=0.3), flux=flux)
        energies.append(levels_of(model, Sector(2, 0)))
    np.testing.assert_allclose(energies[1], energies[0], atol=1e-10)
    np.testing.assert_allclose(energies[2], energies[0], atol=1e-10)


def test_any_numbers_of_a_momentum_stand_for_the_same_block():
    cluster = square(supercell=[[2, 2], [-2, 2]])
    model = Model(cluster, Electrons(1.0))
    energies = [ground_state(model, Sector(1, momentum=m)).energies[0] for m in ([1, 1], [3, 3], (-1, 3), [5, 5])]
    assert len({as_numbers(k) for k in momenta(cluster)}) == 8
    np.testing.assert_allclose(energies, energies[0], atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: square(), "a square cluster needs either size or supercell, got neither; write size = [4, 2]"),
        (lambda: square(size=[2, 2], supercell=[[1, 0], [0, 2]]), "got both"),
        (lambda: square(size=[0, 2]), "every number of cells must be 1 or more"),
        (lambda: square(size=[5, 5]), "has 25 cells; allowed: 1 to 20"),
        (lambda: kagome(size=[3, 3]), "has 9 cells; allowed: 1 to 6"),
        (lambda: square(supercell=[[1, 2], [2, 4]]), "has 0 cells"),
        (lambda: square(size=[2.5, 2]), "give 2 whole numbers"),
        (lambda: square(size=[2, 2, 2]), "give 2 whole numbers"),
        (lambda: square(size=[4, 2], shells=9), "shells = 9 is out of range"),
        (lambda: square(size=[4, 2], periodic=[True]), "give 2 times true or false"),
        (lambda: lattice([[1, 0], [2, 0]], size=[2, 2]), "linearly independent vectors"),
        (lambda: lattice([[1, 0], [0, 1]], [[0, 0], [1, 0]], size=[2, 2]), "are the same site up to lattice vectors"),
        (lambda: lattice([[1, 0], [40, 1]], size=[2, 2]), "too oblique"),
    ],
)  # fmt: skip
def test_bad_lattices_are_refused(make, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[").replace("]", r"\]")):
        make()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flux": 0.3}, r"field.flux: got 0.3; allowed: a list of 2 numbers"),
        ({"flux": [0.3]}, r"a list of 2 finite numbers"),
        ({"flux": [0.3, float("nan")]}, r"a list of 2 finite numbers"),
    ],
)
def test_a_flux_has_a_number_for_each_direction(arguments, message):
    with pytest.raises(InvalidModel, match=message):
        Model(square(size=[2, 2]), Electrons(1.0), **arguments)
    with pytest.raises(InvalidModel, match=r"sector.momentum: got 1; allowed: a list of 2 whole numbers"):
        ground_state(Model(square(size=[2, 2]), Electrons(1.0)), Sector(1, momentum=1))


def test_a_block_of_a_lattice_is_as_small_as_it_should_be():
    model = Model(square(supercell=[[2, 2], [-2, 2]]), Electrons(1.0), Bosons(exchange=0.5))
    whole = Hamiltonian.of(model, Sector(8, 0))
    block = Block.of(whole, Sector(8, 0, momentum=(0, 0), spin_flip=1))
    assert whole.space.dimension > 14 * block.shape[0]
