"""One and two particles on infinite lattices: an independent construction, closed forms, published numbers, limits."""

import numpy as np
import pytest
from infinite import Reference

from respair.clusters import infinite_chain, infinite_square, infinite_triangular, ring
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.hamiltonians.terms import energy_scale
from respair.solvers import Options, ground_state, infinite_levels
from respair.solvers.infinite.growth import Space, error_bars
from respair.solvers.infinite.levels import wave_vector_of
from respair.solvers.infinite.search import skeleton_of
from respair.solvers.infinite.tables import bloch

CHAIN, SQUARE = infinite_chain(), infinite_square()
RNG = np.random.default_rng(25)


def numbers(*names):
    return dict(zip(names, RNG.uniform(-1, 1, len(names)).round(3).tolist(), strict=True))


def polaron(t=1.0, omega=1.0, alpha=1.0, **more):
    return Model(CHAIN, Electrons(t), phonons=Phonons(omega, electron_coupling=alpha, **more))


def built(model, sector, first, times):
    """Return H of the package in the space of so many applications of H to one bare configuration."""
    skeleton, _ = skeleton_of(model, sector)
    tables = skeleton.tables(bloch(wave_vector_of(model, sector)))
    rows = np.zeros((1, 12), np.int32)
    rows[0, 0] = skeleton.states.index(first)
    space = Space.of(rows)
    for _ in range(times):
        new = [n for n, _, _ in space.beyond(tables, np.ones((len(space), 1), tables.move_value.dtype))]
        space = Space.of(np.concatenate([space.states, *new]))
    return space.matrix(tables).toarray()


def one_electron(dimension, on_bonds):
    g = numbers("electron_phonon", "second_phonon", "bond_coupling", "level", "phonon_hopping", "electron_quadratic")
    w, cluster = 1.3, CHAIN if dimension == 1 else SQUARE
    if on_bonds:
        g = {"bond_coupling": g["bond_coupling"], "bond_modes": 1}
        phonons = Phonons(w, on="bonds", bond_coupling=g["bond_coupling"])
        electrons = Electrons(1.0)
    else:
        g["phonon_hopping"] *= 0.3
        g["electron_quadratic"] = abs(g["electron_quadratic"])
        reach = {"distance": [g["electron_phonon"] / w, g["second_phonon"] / w]}
        quadratic = g["electron_quadratic"]
        phonons = Phonons(w, electron_coupling=reach, bond_coupling=g["bond_coupling"], hopping=g["phonon_hopping"],
                          electron_quadratic=quadratic)  # fmt: skip
        electrons = Electrons(1.0, level=g["level"])
    return Model(cluster, electrons, phonons=phonons), Reference(dimension, hopping=1.0, frequency=w, **g)


def two_particles(dimension):
    g = numbers("hubbard_u", "repulsion", "spin_exchange", "pair_hopping", "boson_level", "exchange", "boson_hopping",
                "electron_repulsion", "bond_exchange", "electron_phonon", "boson_phonon",
                "exchange_coupling")  # fmt: skip
    w = 1.3
    electrons = Electrons(1.0, **{k: g[k] for k in ("hubbard_u", "repulsion", "spin_exchange", "pair_hopping")})
    bosons = Bosons(g["boson_level"], g["exchange"], g["boson_hopping"], electron_repulsion=g["electron_repulsion"],
                    bond_exchange=g["bond_exchange"])  # fmt: skip
    phonons = Phonons(w, electron_coupling=g["electron_phonon"] / w, boson_coupling=g["boson_phonon"] / w,
                      exchange_coupling=g["exchange_coupling"])  # fmt: skip
    cluster = CHAIN if dimension == 1 else SQUARE
    return Model(cluster, electrons, bosons, phonons), Reference(dimension, hopping=1.0, frequency=w, **g)


def assert_same_spectrum(model, sector, reference, start, first, times):
    k = wave_vector_of(model, sector)
    _, h = reference.matrix(k, [start], times)
    mine = built(model, sector, first, times)
    assert mine.shape == h.shape
    assert len(h) > 15
    assert np.max(np.abs(mine - mine.conj().T)) < 1e-13
    assert np.linalg.eigvalsh(mine) == pytest.approx(np.linalg.eigvalsh(h), abs=1e-11)


@pytest.mark.parametrize("on_bonds", [False, True], ids=["sites", "bonds"])
@pytest.mark.parametrize("k", [0.0, 0.7, (0.4, -1.1)], ids=str)
def test_one_electron_has_the_hamiltonian_of_the_independent_construction(k, on_bonds):
    dimension = np.size(k)
    model, reference = one_electron(dimension, on_bonds)
    start = ((0, (0,) * dimension),), (), ()
    times = (4 if on_bonds else 2) if dimension == 1 else 3 if on_bonds else 2
    assert_same_spectrum(model, Sector(1, wave_vector=k), reference, start, ((0, 0),), times)


@pytest.mark.parametrize("two_sz", [0, 2, -2])
@pytest.mark.parametrize("k", [0.0, -2.3, (0.4, -1.1)], ids=str)
def test_two_particles_have_the_hamiltonian_of_the_independent_construction(k, two_sz):
    dimension = np.size(k)
    model, reference = two_particles(dimension)
    origin, next_one = (0,) * dimension, (1,) + (0,) * (dimension - 1)
    first = {0: (0, 1), 2: (0, 0), -2: (1, 1)}[two_sz]
    step = 0 if not two_sz else 1 if dimension == 1 else 1024
    start = ((first[0], origin), (first[1], next_one if two_sz else origin)), (), ()
    configuration = ((first[0], 0), (first[1], step))
    assert_same_spectrum(model, Sector(2, two_sz, wave_vector=k), reference, start, configuration, 4 - dimension)


def test_the_published_polaron_to_eleven_digits():
    levels = infinite_levels(polaron(), 1, accuracy=1e-11)
    assert levels.energies[0] == pytest.approx(-2.4696847239329, abs=1e-11)
    assert levels.energies[0] >= -2.4696847239330
    assert levels.certificate.energy_errors[0] < 1e-11
    assert len(levels.space) < 50_000


@pytest.mark.parametrize(
    ("omega", "alpha", "energy"), [(2.0, 0.5, -2.293150936206), (1.0, 0.5, -2.113082345957)], ids=["fast", "weak"]
)
def test_further_polarons(omega, alpha, energy):
    levels = infinite_levels(polaron(omega=omega, alpha=alpha), 1, accuracy=1e-9)
    assert levels.energies[0] == pytest.approx(energy, abs=1e-9)


def test_two_electrons_that_attract_form_the_exact_pair():
    for u, k in ((-4.0, 0.0), (-3.0, 1.1)):
        levels = infinite_levels(Model(CHAIN, Electrons(1.0, hubbard_u=u)), Sector(2, wave_vector=k), accuracy=1e-9)
        assert levels.energies[0] == pytest.approx(-np.hypot(u, 4 * np.cos(k / 2)), abs=1e-9)


@pytest.mark.parametrize(("u", "two_sz"), [(0.0, 0), (4.0, 0), (0.0, 2)])
def test_free_pairs_have_error_bars_that_reach_the_band_edge(u, two_sz):
    levels = infinite_levels(Model(CHAIN, Electrons(1.0, hubbard_u=u)), Sector(2, two_sz))
    off = levels.energies[0] + 4.0
    assert 0 < off < levels.certificate.energy_errors[0] < 0.02


def test_a_charge_at_rest_on_any_harmonic_lattice_has_its_classical_energy():
    w, g, q = 1.0, 0.7, np.arange(4096) * 2 * np.pi / 4096
    lattices = {"spring": 0.15, "hopping": 0.2, "quadratic": 0.3}
    stiff = {
        "spring": w / 4 + 0.15 * (2 - 2 * np.cos(q)),
        "hopping": w / 4 - 0.1 * np.cos(q),
        "quadratic": w / 4 + 0.3 + 0 * q,
    }
    for name, value in lattices.items():
        levels = infinite_levels(polaron(t=0.0, alpha=g, **{name: value}), 1, accuracy=1e-8)
        assert levels.energies[0] == pytest.approx(-(g**2) / 4 * np.mean(1 / stiff[name]), abs=1e-8), name


def test_a_quadratic_potential_is_another_frequency():
    w, c2, g = 1.0, 0.3, 0.8
    stiffer = np.sqrt(w * (w + 4 * c2))
    other = polaron(omega=stiffer, alpha=g * np.sqrt(w / stiffer) / stiffer)
    models, sector = (polaron(alpha=g, quadratic=c2), other), Sector(1, wave_vector=0.6)
    found, same = (infinite_levels(model, sector, accuracy=1e-8).energies for model in models)
    assert found == pytest.approx(same, abs=2e-8)


def test_an_anharmonic_lattice_at_rest():
    size, w, g, c3, c4 = 120, 1.0, 0.6, 0.05, 0.1
    a = np.diag(np.sqrt(np.arange(1.0, size + 8)), 1)
    x = a + a.T
    powers = [np.linalg.matrix_power(x, n)[:size, :size] for n in (1, 2, 3, 4)]
    bare = w * np.diag(np.arange(size)) + c3 * powers[2] + c4 * powers[3]
    exact = np.linalg.eigvalsh(bare - g * powers[0])[0] - np.linalg.eigvalsh(bare)[0]
    found = infinite_levels(polaron(t=0.0, alpha=g, cubic=c3, quartic=c4), 1, accuracy=1e-9)
    assert found.energies[0] == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("k", [0.9, pytest.param(2.5, marks=pytest.mark.slow)])
def test_wave_vectors_are_periodic_and_even(k):
    model = Model(CHAIN, Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.5, bond_coupling=0.2))
    energies = [
        infinite_levels(model, Sector(1, wave_vector=q), accuracy=1e-4).energies[0] for q in (k, -k, k + 2 * np.pi)
    ]
    assert np.ptp(energies) < 1e-9


def test_the_square_and_the_triangular_lattice_have_their_bare_bands():
    for cluster, exact in ((SQUARE, -2 * (np.cos(0.3) + np.cos(0.8))), (infinite_triangular(), None)):
        k = np.array([0.3, 0.8])
        if exact is None:
            exact = -2 * sum(np.cos(k @ d) for d in ([1, 0], [0.5, 3**0.5 / 2], [-0.5, 3**0.5 / 2]))
        found = infinite_levels(Model(cluster, Electrons(1.0)), Sector(1, wave_vector=tuple(k)))
        assert found.energies[0] == pytest.approx(exact, abs=1e-12)


def test_rings_converge_to_the_infinite_chain():
    t, w, alpha = 0.5, 2.0, 0.7
    exact = infinite_levels(polaron(t, w, alpha), 1, accuracy=1e-9).energies[0]
    off = []
    for sites in (4, 6):
        lattice = Phonons(w, electron_coupling=alpha, total_quanta=6, frame="mean")
        off.append(abs(ground_state(Model(ring(sites), Electrons(t), phonons=lattice), 1).energies[0] - exact))
    assert off[1] < 0.3 * off[0] < 1e-2


def test_bosons_without_electrons_move_as_a_band():
    model = Model(CHAIN, bosons=Bosons(level=0.5, hopping=0.3), phonons=Phonons(1.0, boson_coupling=0.0))
    assert infinite_levels(model, Sector(2, wave_vector=0.4)).energies[0] == pytest.approx(0.5 - 0.6 * np.cos(0.4))


@pytest.mark.long
def test_error_bars_hold_along_the_growth():
    cases = [
        (polaron(omega=0.6, alpha=1.0), Sector(1)),
        (Model(CHAIN, Electrons(1.0, hubbard_u=1.0), phonons=Phonons(1.5, electron_coupling=0.9)), Sector(2)),
        (Model(CHAIN, Electrons(1.0), phonons=Phonons(1.0, on="bonds", bond_coupling=0.4)), Sector(1, wave_vector=0.5)),
        (Model(SQUARE, Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.9)), Sector(1)),
    ]
    for model, sector in cases:
        levels = infinite_levels(model, sector, accuracy=1e-6, options=Options(max_states=6_000))
        last, bar = levels.energies[0], levels.certificate.energy_errors[0]
        for n, stage in enumerate(levels.stages):
            found = error_bars(list(levels.stages[: n + 1]), 1.0)[0]
            if stage.states > 100 and found > 3 * bar:
                assert stage.energies[0] >= last - 1e-10
                assert stage.energies[0] - last <= found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("t", "u", "omega", "alpha", "g"),
    [(0.3, 1.0, 1.5, 1.4, 0.0), (1.0, 1.0, 2.0, 1.3, 0.0), (0.22, -1.6, 3.6, 1.33, 0.435)],
)
def test_error_bars_of_pairs_hold_from_the_first_step_on(t, u, omega, alpha, g):
    """Strong coupling, in spaces that are far too small at first."""
    phonons = Phonons(omega, electron_coupling=alpha, bond_coupling=g)
    model = Model(CHAIN, Electrons(t, hubbard_u=u), phonons=phonons)
    levels = infinite_levels(model, 2, accuracy=1e-6, options=Options(max_states=20_000))
    for n, stage in enumerate(levels.stages):
        bar = error_bars(list(levels.stages[: n + 1]), energy_scale(model))[0]
        if bar > 10 * levels.certificate.energy_errors[0]:
            assert stage.energies[0] - levels.energies[0] <= bar


def test_several_levels_are_orthogonal_and_ascend():
    model = Model(CHAIN, Electrons(1.0, hubbard_u=-4.0), Bosons(level=-4.0, exchange=0.5))
    levels = infinite_levels(model, 2, states=2, accuracy=1e-8)
    assert np.all(np.diff(levels.energies) > 0)
    assert levels.vectors.conj().T @ levels.vectors == pytest.approx(np.eye(2), abs=1e-8)


def test_the_lower_bound_of_temple_holds():
    exact = -2.4696847239329
    levels = infinite_levels(polaron(), 1, states=2, accuracy=1e-5, options=Options(max_states=3000))
    assert exact - 1e-3 < levels.lower_bound < exact < levels.energies[0]
    with pytest.raises(ValueError, match="states=2"):
        _ = infinite_levels(polaron(), 1, accuracy=1e-2).lower_bound


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sector": Sector(3)}, "sector.charge"),
        ({"sector": Sector(2, 1)}, "sector.two_sz"),
        ({"sector": Sector(1, momentum=0)}, "wave_vector"),
        ({"sector": Sector(1, wave_vector=(0.1, 0.2))}, "a finite number"),
        ({"electrons": Electrons(1.0, level=[float(i) for i in range(19)])}, "electrons.level.*lists by site"),
        ({"phonons": Phonons(1.0, spring=0.1, quartic=0.1)}, "anharmonic and joined"),
    ],
)
def test_what_an_infinite_lattice_cannot_have_is_refused(change, message):
    given = {"electrons": Electrons(1.0), "phonons": Phonons(1.0, electron_coupling=0.5), **change}
    sector = given.pop("sector", Sector(1))
    with pytest.raises(ValueError, match=message):
        infinite_levels(Model(CHAIN, **given), sector)


def test_caps_and_finite_solvers_are_refused():
    with pytest.raises(InvalidModel, match="no caps"):
        Model(CHAIN, Electrons(1.0), phonons=Phonons(1.0, max_quanta=3))
    with pytest.raises(InvalidModel, match="infinite_levels"):
        ground_state(polaron(), Sector(1))
    with pytest.raises(InvalidModel, match=r"sector\.momentum"):
        ground_state(Model(ring(4), Electrons(1.0)), Sector(1, wave_vector=0.3))


@pytest.mark.long
def test_distances_of_two_particles_grow_until_the_accuracy():
    """A pair in the plane that is wider than the first distances, where 1/U is a mean over relative wave vectors."""
    u, t = -3.0, 1.0
    levels = infinite_levels(Model(SQUARE, Electrons(t, hubbard_u=u)), Sector(2), accuracy=1e-3)
    k = np.pi * (2 * np.arange(2048) + 1) / 2048  # 1 / U is the mean of 1 / (E + 4 t (cos k_x + cos k_y))
    low, high = -30.0, -8.0 * t - 1e-9
    for _ in range(60):
        middle = 0.5 * (low + high)
        root = np.sqrt((middle + 4 * t * np.cos(k)) ** 2 - (4 * t) ** 2)
        low, high = (middle, high) if np.mean(-1 / root) > 1 / u else (low, middle)
    assert levels.ending == "accuracy"
    assert 0 <= levels.energies[0] - low <= levels.certificate.energy_errors[0] <= 1e-3


@pytest.mark.parametrize("accuracy", [1e-3, 1e-5])
def test_reported_error_bars_obey_the_accuracy(accuracy):
    model = Model(CHAIN, Electrons(1.0, hubbard_u=-2.0), phonons=Phonons(2.0, electron_coupling=0.3))
    seen = []
    levels = infinite_levels(
        model, Sector(2, wave_vector=0.7), accuracy=accuracy, progress=lambda n, e, bar: seen.append(bar)
    )
    assert levels.ending == "accuracy"
    assert not levels.remark
    assert levels.certificate.energy_errors[0] == seen[-1] <= accuracy


def test_a_space_that_ends_before_the_accuracy_says_so():
    levels = infinite_levels(polaron(), 1, accuracy=1e-9, options=Options(max_states=1000))
    assert levels.ending == "max_states"
    assert "solver.max_states" in levels.remark
    assert levels.certificate.energy_errors[0] > 1e-9


@pytest.mark.parametrize(("two_sz", "states", "u", "k"), [(2, 1, 0.0, 0.0), (0, 2, -2.0, 0.7)])
def test_levels_of_unbound_pairs_end_in_a_continuum(two_sz, states, u, k):
    model = Model(CHAIN, Electrons(0.8, hubbard_u=u), phonons=Phonons(2.2, electron_coupling=0.3))
    levels = infinite_levels(model, Sector(2, two_sz, wave_vector=k), states, accuracy=1e-3)
    half = infinite_levels(model, Sector(1, wave_vector=k / 2), accuracy=1e-6).energies[0]
    assert levels.ending == "continuum"
    assert "continuum" in levels.remark
    assert 0 < levels.energies[-1] - 2 * half <= levels.certificate.energy_errors[-1]
    assert len(levels.space) < 20_000
    assert np.all(levels.certificate.energy_errors[: states - 1] < 1e-3)


def test_a_bare_band_has_its_zeros():
    for k in (0.5 * np.pi, 0.4 - 0.5 * np.pi - 0.4, -0.5 * np.pi):
        assert abs(infinite_levels(Model(CHAIN, Electrons(1.0)), Sector(1, wave_vector=k)).energies[0]) < 1e-15


def test_one_particle_that_can_emit_a_phonon_ends_at_the_continuum():
    """At the top of its band a fast electron and a phonon of their own have less energy than any bound state."""
    phonons = Phonons(2.5, "bonds", bond_coupling=0.3)
    model = Model(infinite_chain(), Electrons(-0.7), phonons=phonons)
    fast = infinite_levels(model, Sector(1, 1, wave_vector=0.0), accuracy=1e-6)
    slow = infinite_levels(model, Sector(1, 1, wave_vector=np.pi))
    threshold = float(slow.energies[0]) + 2.5
    assert fast.ending == "continuum"
    assert fast.energies[0] - fast.certificate.energy_errors[0] <= threshold <= fast.energies[0]


@pytest.mark.long
@pytest.mark.parametrize("lattice", [infinite_chain, infinite_square, infinite_triangular])
@pytest.mark.parametrize("hopping", [0.0, 1e-6, pytest.param(1e-3, marks=pytest.mark.long)])
def test_pairs_that_the_lattice_binds_are_found_from_any_hopping(lattice, hopping):
    """Two electrons on one site have U - 4 alpha^2 omega0, two apart -2 alpha^2 omega0; bare ones do not show it."""
    for u, wanted in ((1.0, -3.0), (0.1, -3.9), (3.0, -2.0)):
        model = Model(lattice(), Electrons(hopping, hubbard_u=u), phonons=Phonons(1.0, electron_coupling=1.0))
        found = infinite_levels(model, Sector(2), accuracy=1e-4)
        assert found.energies[0] == pytest.approx(wanted, abs=max(2e-4, 1e-2 * (hopping > 1e-4)))


@pytest.mark.parametrize("accuracy", [1e-2, 1e-3, 1e-5])
def test_a_heavy_local_pair_lies_below_separate_electrons(accuracy):
    """Its level less alpha^2 omega0 is an upper bound; the bare pair lies far above the electrons."""
    model = Model(infinite_chain(), Electrons(1.0), Bosons(2.0, exchange=0.1), Phonons(1.0, boson_coupling=2.5))
    found = infinite_levels(model, Sector(2), accuracy=accuracy)
    assert found.energies[0] <= 2.0 - 2.5**2 + 1e-6
    assert found.energies[0] == pytest.approx(-4.2510776, abs=float(found.certificate.energy_errors[0]) + 1e-6)
