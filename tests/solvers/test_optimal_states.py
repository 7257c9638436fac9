"""Optimal oscillator states: leaks, the search for the states, error bars, and what comes out."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from calibration import CONVERGED, exact_levels, random_case
from oscillator_sets import EVERYTHING, RING, in_basis, random_sets

from respair import analysis
from respair.clusters import dimer, ring, site
from respair.hamiltonians import Block, Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector
from respair.solvers import Options, estimate, ground_state, levels_by_symmetry
from respair.solvers.set_leak import SetLeak
from respair.studies import parse, run
from respair.studies.file.record import records

LEAKING = {
    "pairs": (replace(RING, phonons=replace(RING.phonons, electron_coupling=0.0)), Sector(3, 1, momentum=1), "bosons"),
    "electrons": (RING, Sector(2, 0, momentum=2), "both"),
    "flux": (replace(RING, flux=0.7), Sector(2, 0), "electrons"),
    "everything": (EVERYTHING, Sector(3, 1), "electrons"),
    "one mode": (Model(site(), Electrons(), Bosons(0.1, 0.5), Phonons(1.0, boson_coupling=1.0, max_quanta=3)),
                 Sector(2), "bosons"),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", LEAKING)
def test_the_leak_is_that_of_the_full_oscillator(name):
    """``||Q H psi||`` against H in the space of all states of the sets, and E_Q of the next shell."""
    model, sector, follows = LEAKING[name]
    alike = len(model.modes) == 4
    sets = random_sets(model, follows, size=6, alike=alike)
    hamiltonian = Hamiltonian.of(in_basis(model, sets, max_quanta=None, total_quanta=2), sector)
    block = Block.of(hamiltonian)
    random = np.random.default_rng(1)
    phi = random.normal(size=block.shape).astype(block.energy.dtype)
    block.energy.project(phi.reshape(-1))
    big = Hamiltonian.of(in_basis(model, sets, max_quanta=5, total_quanta=4 if len(model.modes) == 4 else None), sector)
    psi, inside = block.expand(phi), big.space.phonons.index(hamiltonian.space.phonons.occupations)
    wide = np.zeros(big.space.shape, psi.dtype)
    wide[:, inside] = psi
    image = big.apply(wide)
    image[:, inside] = 0.0
    leak, energy = SetLeak(block).leak(phi)
    near = np.linalg.norm(image)
    assert leak > 0
    if len(model.modes) < 4:
        assert near <= leak * (1 + 1e-12)
        assert leak <= 2.0 * near
    else:
        assert near <= leak * (1 + 1e-12)
    chosen = big.space.phonons.occupations.sum(axis=1) == 3
    next_to = np.where(chosen, image, 0.0)
    expected = np.vdot(next_to, big.apply(next_to)).real / np.vdot(next_to, next_to).real
    np.testing.assert_allclose(energy, expected, rtol=1e-10)


TABLE = ring(4), Electrons(1.0), Bosons(0.5, 0.8)
ONE = Sector(8, 0, momentum=0, reflection=1, spin_flip=1)


def optimal(alpha, cap, omega=1.0):
    return Model(*TABLE, Phonons(omega, boson_coupling=alpha, total_quanta=cap, basis="optimal"))


@pytest.mark.parametrize(
    ("alpha", "exact", "errors"),
    [(1.0, -6.21806518390, (1e-2, 1e-4, 2.1e-6, 4e-8)), (2.0, -14.66078457952, (1e-2, 1.2e-4, 5e-6, 3e-7))],
)
def test_few_states_suffice(alpha, exact, errors):
    """A ring of 4 against its levels in number states, with the 153, 570, 1330 and 2660 amplitudes of caps 1 to 4."""
    for cap, most in enumerate(errors, 1):
        levels = ground_state(optimal(alpha, cap), ONE)
        error = levels.energies[0] - exact
        assert -1e-9 < error < most
        assert error <= levels.certificate.energy_errors[0] + 1e-10
        assert levels.stored <= (190, 570, 1330, 2660)[cap - 1]


SMALL = Model(
    dimer(),
    Electrons(1.0, hubbard_u=1.0),
    Bosons(0.1, 0.6),
    Phonons(0.8, boson_coupling=0.9, max_quanta=22, frame="mean"),
)


def in_optimal(model, **caps):
    return replace(model, phonons=replace(model.phonons, frame="none", basis="optimal", max_quanta=None, **caps))


@pytest.fixture(scope="module")
def both():
    """Levels of a dimer in many number states, and in few optimal ones."""
    return ground_state(SMALL, 2, 2), ground_state(in_optimal(SMALL, total_quanta=9), 2, 2)


def test_every_engine_finds_the_same(both):
    for engine in ("dense", "quspin", "tensor"):
        levels = ground_state(in_optimal(SMALL, total_quanta=9), 2, 2, Options(engine=engine))
        np.testing.assert_allclose(levels.energies, both[0].energies, rtol=0, atol=1e-10)


MEASURED = {
    "observables": lambda levels: analysis.observables(levels.ground),
    "distribution": lambda levels: analysis.displacement_distribution(levels.ground).to_dataset(),
    "shape": lambda levels: analysis.lattice_shape(levels.ground).drop_vars("quanta_distribution"),
    "joint": lambda levels: analysis.joint_distribution(levels.ground).to_dataset(),
    "natural": lambda levels: analysis.natural_phonons(levels.ground)[["occupation"]],
    "lattice cut": lambda levels: analysis.entanglement(levels.ground, analysis.lattice_cut(SMALL))[["entropy"]],
    "site": lambda levels: analysis.entanglement(levels.ground, analysis.site_cut(SMALL, [0]))[["entropy"]],
    "charges": lambda levels: analysis.entanglement(
        levels.ground, analysis.site_cut(SMALL, [0], with_modes=False))[["entropy"]],
    "response": lambda levels: analysis.lattice_response(levels)[["susceptibility", "softened_frequency"]],
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_what_follows_from_a_state(both, name):
    expected, found = map(MEASURED[name], both)
    for key, values in expected.data_vars.items():
        np.testing.assert_allclose(found[key].values, values.values, rtol=0, atol=1e-8, err_msg=str(key))


@pytest.mark.parametrize("name", ["electron", "pair", "boson", "displacement", "density"])
def test_spectra(both, name):
    frequencies = np.linspace(-4.0, 4.0, 21)
    expected, found = (
        analysis.spectral_function(levels, analysis.probe(SMALL, name, 0), frequencies, 0.2) for levels in both
    )
    np.testing.assert_allclose(found["values"], expected["values"], rtol=0, atol=2e-5)


@pytest.mark.slow
def test_flux_and_stiffness():
    model = replace(SMALL, cluster=ring(3), phonons=replace(SMALL.phonons, on=[0], max_quanta=20))
    expected = analysis.flux_response(model, 2, [0.3])
    found = analysis.flux_response(in_optimal(model, total_quanta=9), 2, [0.3])
    for key in ("energies", "current"):
        np.testing.assert_allclose(found[key].values, expected[key].values, rtol=0, atol=1e-8)


@pytest.mark.long
def test_error_bars_hold_on_random_models():
    """Error bars of low caps cover the distance to levels without any cutoff, from soft to stiff lattices."""
    compared = 0
    for seed in range(cases(60)):
        case = random_case(seed)
        if case.model.cluster.modes[0].host != "site":
            continue
        cap = int(np.random.default_rng(seed).integers(1, 6))
        phonons = replace(case.model.phonons, frame="none", dressing=None, basis="optimal")
        model = replace(case.model, phonons=replace(phonons, max_quanta=None, total_quanta=cap))
        exact = exact_levels(case.model, case.sector, case.states)
        levels = ground_state(model, case.sector, case.states)
        error = levels.energies - exact[: len(levels.energies)]
        assert np.all(error > -CONVERGED)
        assert np.all(error <= levels.certificate.energy_errors + CONVERGED), (seed, error)
        compared += len(error)
    assert compared > 20


def test_an_accuracy_finds_the_cap():
    model = in_optimal(SMALL, total_quanta=None, cutoff="auto", accuracy=1e-9)
    levels = levels_by_symmetry(model, 2, 2)
    assert np.max(levels.certificate.energy_errors) <= 1e-9
    expected = levels_by_symmetry(SMALL, 2, 2).energies
    np.testing.assert_allclose(levels.energies, expected, rtol=0, atol=1e-9)


@pytest.mark.long
def test_model_files_say_what_was_chosen():
    text = """
        schema = 1
        cluster = { kind = "ring", sites = 3 }
        electrons = { hopping = 1.0 }
        bosons = { level = 0.2, exchange = 0.5 }
        phonons = { frequency = 1.0, boson_coupling = 1.0, basis = "optimal", cutoff = "auto", accuracy = 1e-6 }
        sector = { charge = 3, two_sz = 1 }
        ground_state = { observables = ["boson_density"] }
    """
    (record,) = records(run(parse(text, "optimal.toml")))
    found = record["ground_state"]
    assert max(found["energy_errors"]) <= 1e-6
    basis = found["cutoff"]["basis"]
    assert basis["follows"] == "bosons"
    assert basis["mode_classes"] == [0, 0, 0]
    density = found["observables"]["boson_density"][0]
    assert sum(basis["natural_occupations"]["bosons = 1"][0]) == pytest.approx(density, abs=1e-3)


def test_estimates_know_the_cap_about():
    """The forecast cap of an accuracy against the one that is found."""
    need = estimate(Model(*TABLE, Phonons(1.0, boson_coupling=1.0, basis="optimal", cutoff="auto", accuracy=1e-6)), ONE)
    assert need.phonons in (35, 70, 126)
    assert estimate(optimal(1.0, 4), ONE).phonons == 70


REFUSED = {
    "phonons.basis: got \"best\"": lambda: replace(SMALL, phonons=replace(SMALL.phonons, basis="best")),
    "modes on sites": lambda: Model(
        dimer(), Electrons(1.0), phonons=Phonons(1.0, on="bonds", bond_coupling=0.2, max_quanta=2, basis="optimal")),
    "find the displacements themselves": lambda: replace(
        SMALL, phonons=replace(SMALL.phonons, frame="lang-firsov", basis="optimal")),
    "ground_state finds them itself": lambda: Hamiltonian.of(in_optimal(SMALL, total_quanta=2), 2),
    "optimal states represent low levels": lambda: analysis.thermal_averages(
        in_optimal(SMALL, total_quanta=2), [1.0]),
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_refusals(message):
    with pytest.raises(InvalidModel, match=message):
        REFUSED[message]()


def test_complex_states_leak_with_both_parts_out_of_a_real_hamiltonian():
    model, sector, follows = LEAKING["everything"]
    block = Block.of(Hamiltonian.of(in_basis(model, random_sets(model, follows, size=6), total_quanta=2), sector))
    assert not np.iscomplexobj(np.zeros(0, block.energy.dtype))
    real, imaginary = np.random.default_rng(2).normal(size=(2, *block.shape))
    whole, *parts = (SetLeak(block).leak(phi)[0] for phi in (real + 1j * imaginary, real, imaginary))
    assert whole == pytest.approx(np.hypot(*parts), rel=1e-12)


@pytest.mark.parametrize("coupling", [{"boson_coupling": 0.8}, {"electron_coupling": 0.5, "electron_quadratic": 0.08}])
def test_the_spectrum_of_pairs_is_that_of_number_states(coupling):
    """A pair on an empty site leaves entries of its matrix that cancel."""
    model = Model(site(), Electrons(), Bosons(0.3, 0.8), Phonons(1.0, max_quanta=8, **coupling))
    found = []
    for basis, cap in (("optimal", 8), ("number", 24)):
        levels = ground_state(replace(model, phonons=replace(model.phonons, basis=basis, max_quanta=cap)), Sector(1, 1))
        found.append(analysis.spectral_function(levels, analysis.probe(model, "boson", 0), [0.0, 1.0], 0.3))
        pair = analysis.spectral_function(levels, analysis.probe(model, "pair", 0), [0.0, 1.0], 0.3)
        assert np.all(np.isfinite(pair["values"].values))
    np.testing.assert_allclose(found[0]["values"], found[1]["values"], atol=5e-3)


def test_squeezed_states_hold_what_charges_stiffen():
    """States of the oscillator that the local charge displaces and stiffens: few of them do what many phonons do."""
    lattice = Phonons(1.0, electron_coupling=0.5, quadratic=0.8, electron_quadratic=0.3, total_quanta=26, frame="mean")
    model = Model(dimer(), Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    exact = ground_state(model, 2).energies[0]
    few = {"total_quanta": 4, "frame": "none"}
    squeezed = ground_state(replace(model, phonons=replace(lattice, basis="squeezed", **few)), 2)
    number = ground_state(replace(model, phonons=replace(lattice, **few)), 2)
    off = squeezed.energies[0] - exact
    assert -1e-9 <= off <= squeezed.certificate.energy_errors[0]
    assert off < 1e-3 * (number.energies[0] - exact)
    automatic = replace(lattice, total_quanta=None, cutoff="auto", accuracy=1e-6, basis="squeezed", frame="none")
    found = ground_state(replace(model, phonons=automatic), 2)
    assert abs(found.energies[0] - exact) <= found.certificate.energy_errors[0] <= 1e-6
    assert "squeezed phonon states" in str(replace(model, phonons=automatic))
