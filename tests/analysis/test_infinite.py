"""What is read off particles on infinite lattices: identities, closed forms, limits."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from respair.analysis import (
    binding_boundary,
    compare,
    effective_mass,
    infinite_band,
    infinite_spectrum,
    pair_binding,
    phonon_cloud,
)
from respair.clusters import infinite_chain, infinite_square
from respair.hamiltonians import Electrons, InvalidModel, Model, Phonons, Sector, with_parameter
from respair.solvers import infinite_levels
from respair.studies import parse, records, run, show_estimate, show_result

CHAIN = infinite_chain()


def polaron(t=1.0, omega=1.0, alpha=1.0, **more):
    return Model(CHAIN, Electrons(t), phonons=Phonons(omega, electron_coupling=alpha, **more))


def energy(model, k=0.0, charge=1):
    return infinite_levels(model, Sector(charge, wave_vector=k), accuracy=1e-10).energies[0]


@pytest.fixture(scope="module")
def moving():
    return infinite_levels(polaron(), Sector(1, wave_vector=0.4), accuracy=1e-9)


@pytest.mark.long
def test_velocity_and_mass_are_the_derivatives_of_the_band(moving):
    h, found = 2e-3, effective_mass(moving)
    low, here, high = (energy(polaron(), 0.4 + s * h) for s in (-1, 0, 1))
    assert found.velocity.values == pytest.approx([(high - low) / (2 * h)], abs=1e-5)
    assert found.inverse_mass.values == pytest.approx(np.array([[(high - 2 * here + low) / h**2]]), abs=1e-3)
    assert found.bare_mass.values == pytest.approx([1 / (2 * np.cos(0.4))])
    assert 0 < found.mass_ratio_error < 1e-5


@pytest.mark.long
def test_the_cloud_obeys_hellmann_feynman_and_the_sum_rule(moving):
    found = phonon_cloud(moving)
    h = 1e-3
    slope = (energy(polaron(alpha=1 + h), 0.4) - energy(polaron(alpha=1 - h), 0.4)) / (2 * h)
    middle = len(found.cell) // 2
    assert found.place.values[middle] == pytest.approx(0)
    assert found.displacement_at.values[middle] == pytest.approx(-slope, abs=1e-5)  # omega0 = 1
    assert found.displacement_at.values.sum() == pytest.approx(2.0, abs=1e-3)  # 2 g / omega0
    assert found.quanta_at.values.sum() == pytest.approx(found.quanta.item(), abs=1e-12)
    assert 0 < found["weight"].item() < 1


def test_the_weight_of_the_bare_electron_is_the_first_line_of_its_spectrum():
    levels = infinite_levels(polaron(), 1, accuracy=1e-7)
    lines = infinite_spectrum(polaron(), 1, np.linspace(-4, 6, 41), broadening=0.2, max_states=4_000)
    lowest = lines.poles.values < levels.energies[0] + 0.2
    assert lines["weights"].values[lowest].sum() == pytest.approx(phonon_cloud(levels)["weight"].item(), abs=1e-5)
    moments = [np.sum(lines["weights"].values * lines.poles.values**n) for n in range(3)]
    assert moments == pytest.approx([1.0, -2.0, 4.0 + 1.0], abs=1e-10)  # 1, eps_k, eps_k^2 + g^2
    fewer = infinite_spectrum(polaron(), 1, lines.frequency.values, broadening=0.2, max_states=1_000)
    assert np.all(np.abs(fewer.spectrum - lines.spectrum) <= fewer.spectrum_error + 1e-3)


def test_pairs_of_the_attractive_chain_have_the_mass_and_the_size_of_the_closed_form():
    u = -4.0
    levels = infinite_levels(Model(CHAIN, Electrons(1.0, hubbard_u=u)), 2, accuracy=1e-11)
    energy_at_rest = -np.hypot(u, 4)
    # E(K) = -sqrt(U^2 + 16 cos^2(K/2)): E'' = 4 / sqrt(U^2 + 16)
    assert effective_mass(levels).mass.values == pytest.approx([-energy_at_rest / 4], abs=1e-6)
    assert effective_mass(levels).bare_mass.values == pytest.approx([1.0])
    found = phonon_cloud(levels)
    decay = (np.sqrt(u * u + 16) - abs(u)) / 4
    expected = decay ** (2 * np.abs(found.place.values.ravel()))
    assert found.pair_at.values == pytest.approx(expected / expected.sum(), abs=1e-6)
    shape = expected / expected.sum()
    assert found.pair_size.item() == pytest.approx(np.sqrt(np.sum(shape * found.place.values.ravel() ** 2)), abs=1e-5)


def test_binding_with_its_singlet_and_triplet():
    found = pair_binding(Model(CHAIN, Electrons(1.0, hubbard_u=-4.0)), accuracy=1e-8)
    assert found.binding.item() == pytest.approx(4 - np.sqrt(32), abs=1e-7)
    assert found.singlet < found.triplet
    assert found.condensation_temperature > 0
    apart = pair_binding(Model(CHAIN, Electrons(1.0, hubbard_u=4.0)), accuracy=1e-8)
    assert np.isnan(apart.pair_size.item())
    assert abs(apart.binding.item()) < apart.binding_error.item()


def test_small_bipolarons_bind_by_twice_the_polaron_shift_less_the_repulsion_and_the_bands_of_polarons():
    model = Model(CHAIN, Electrons(0.05, hubbard_u=0.5), phonons=Phonons(1.0, electron_coupling=1.0))
    found = pair_binding(model, accuracy=1e-3)
    assert found.binding.item() == pytest.approx(0.5 - 2.0 + 4 * 0.05 * np.exp(-1.0), abs=0.01)
    assert found.pair_size.item() < 0.2
    assert found.pair_mass.item() > 100


def test_the_boundary_of_binding_of_neighbours():
    """With U = infinity nearly, neighbours bind where -V > 2 t in the singlet channel."""
    model = Model(CHAIN, Electrons(1.0, hubbard_u=500.0, repulsion=-2.5))

    def model_of(repulsion):
        return with_parameter(model, "electrons.repulsion", repulsion)

    found = binding_boundary(model_of, (-3.0, -1.5), tolerance=0.05, accuracy=1e-3)
    assert found.boundary.item() == pytest.approx(-2.0, abs=0.3)


BINDING = """
schema = 1
cluster = { kind = "infinite-chain" }
electrons = { hopping = 1.0, hubbard_u = 10.0, repulsion = -2.0 }
phonons = { frequency = 1.0, electron_coupling = 0.0, accuracy = 1e-4 }
sector = { charge = 2, two_sz = 0 }
resonance = { parameter = "electrons.repulsion", bracket = [-3.0, -0.5], criterion = "binding" }
"""


@pytest.mark.long
def test_a_model_file_finds_the_boundary_of_binding():
    """Two electrons on a chain bind below V = -2 t U / (U + 4 t)."""
    (record,) = records(run(parse(BINDING, "binding.toml")))
    found = record["resonance"]
    assert abs(found["value"] + 2.0 * 10.0 / 14.0) <= found["error"] < 0.1
    assert len(found["evaluations"]["parameters"]) == len(found["evaluations"]["binding"])


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('criterion = "binding"', 'criterion = "gap"', "resonance.criterion"),
        ('criterion = "binding"', 'criterion = "binding", target = 1.0', "resonance.target"),
        ("charge = 2, two_sz = 0", "charge = 2, two_sz = 2", "sector.charge"),
        ("two_sz = 0", "two_sz = 0, wave_vector = 0.5", "sector.wave_vector"),
        ('kind = "infinite-chain"', 'kind = "chain", sites = 3', "resonance.criterion"),
    ],
)
def test_what_a_search_for_binding_does_not_take(old, new, path):
    text = BINDING.replace(old, new).replace(", accuracy = 1e-4", "" if "sites" not in new else ", max_quanta = 1")
    with pytest.raises(InvalidModel, match=path.replace(".", r"\.")):
        parse(text, "binding.toml")


def test_a_band_has_its_width():
    found = infinite_band(Model(CHAIN, Electrons(0.7)), [0.0, 1.0, np.pi])
    assert found.energies.values == pytest.approx([-1.4, -1.4 * np.cos(1.0), 1.4])
    assert found.bandwidth.item() == pytest.approx(2.8)
    assert found["weight"].values == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("t", "alpha", "k", "nearest", "within"),
    [
        (1.0, 0.05, 0.3, "weak-coupling", 1e-6),
        (0.02, 1.2, 0.9, "strong-coupling", 2e-5),
        (1.0, 1.0, 0.0, "momentum-average", 0.02),
    ],
)
def test_approximations_in_their_limits(t, alpha, k, nearest, within):
    data = compare(polaron(t, alpha=alpha), Sector(1, wave_vector=k))
    assert data.best_energies.item() == nearest
    assert data.absolute_error_energies.sel(approximation=nearest).item() < within
    assert data.energies.sel(approximation="lang-firsov-band").item() > data.exact_energies.item()


def test_lang_firsov_pairs_and_the_square_lattice():
    model = Model(CHAIN, Electrons(0.1, hubbard_u=1.0), phonons=Phonons(4.0, electron_coupling=0.8))
    data = compare(model, Sector(2), ["lang-firsov-band"])
    assert 0 < data.energies.values.ravel()[0] - data.exact_energies.item() < 5e-3
    square = Model(infinite_square(), Electrons(0.05), phonons=Phonons(1.0, electron_coupling=1.2, accuracy=1e-5))
    data = compare(square, Sector(1, wave_vector=(0.3, 0.9)), ["strong-coupling", "weak-coupling"])
    assert data.absolute_error_energies.values.ravel()[0] < 1e-4


def test_charges_that_cannot_move_have_no_mass_ratio():
    mass = effective_mass(infinite_levels(polaron(t=0.0), 1))
    assert np.isinf(mass.mass).all()
    assert np.isnan(mass.mass_ratio).all()


def test_the_spectrum_of_a_triplet_begins_from_neighbours():
    model = Model(CHAIN, Electrons(hopping=1.0, repulsion=-3.0))
    data = infinite_spectrum(model, Sector(2, 2), np.linspace(-12.0, 12.0, 2401), broadening=0.05)
    assert float(data.spectrum.integrate("frequency")) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("vectors", [[], None, "x", [np.nan], [[[0.0]]]])
def test_wave_vectors_of_a_band_are_finite_numbers(vectors):
    with pytest.raises(ValueError, match=r"wave_vectors = .*one or more finite numbers"):
        infinite_band(Model(CHAIN, Electrons(hopping=1.0)), vectors)


def test_finite_approximations_are_refused_on_infinite_lattices_and_the_other_way_round():
    with pytest.raises(ValueError, match="finite cluster"):
        compare(polaron(), Sector(1), ["lang-firsov"])


FILE = """
schema = 1
cluster = { kind = "infinite-chain" }
electrons = { hopping = 1.0 }
phonons = { frequency = 1.5, electron_coupling = 0.8, accuracy = 1e-7 }
sector = { charge = 1, wave_vector = 0.9 }
ground_state = { states = 1 }
compare = { approximations = ["weak-coupling", "momentum-average"] }
"""


def test_a_model_file_of_an_infinite_lattice():
    (record,) = records(run(parse(FILE, "polaron.toml")))
    assert record["ground_state"]["energies"] == pytest.approx([-1.9777824049189485], abs=1e-7)
    assert record["ground_state"]["energy_errors"][0] <= 1e-7
    assert record["sector"]["wave_vector"] == 0.9
    assert set(record["compare"]["approximations"]) == {"weak-coupling", "momentum-average"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ground_state = { states = 1 }", 'ground_state = { states = "all" }', "a number"),
        ("ground_state = { states = 1 }", 'ground_state = { observables = ["quanta"] }', "phonon_cloud"),
        ("ground_state = { states = 1 }", "flux = { values = [0.1] }", "infinite lattices have"),
        ("accuracy = 1e-7", "max_quanta = 3", "no caps"),
        ("wave_vector = 0.9", "momentum = 0", "wave_vector"),
        ("accuracy = 1e-7", 'basis = "optimal"', "an infinite lattice chooses its own states"),
        ("hopping = 1.0", f"hopping = 1.0, level = {[0.1] * 18 + [0.2]}", "electrons.level: .* lists by site"),
        ("hopping = 1.0", "hopping = 1.0, level = [0.1]", "electrons.level: .* lists by site"),
    ],
)
def test_keys_that_infinite_lattices_do_not_take(old, new, message):
    with pytest.raises(ValueError, match=message):
        parse(FILE.replace(old, new), "polaron.toml")


def test_lists_of_places_are_refused_without_the_size_of_the_window():
    for part in ("electron_coupling = [[0.1]]", "electron_coupling = 0.8, on = [0, 3]", "hopping = [0.1, 0.2]"):
        with pytest.raises(ValueError, match=r"all cells|every cell") as error:
            parse(FILE.replace("electron_coupling = 0.8", part), "polaron.toml")
        assert "19" not in str(error.value)


def text_of(show, what):
    console = Console(width=300, record=True, file=StringIO())
    show(what, console)
    return console.export_text()


def test_an_estimate_on_an_infinite_lattice_says_when_the_growth_ends():
    study = parse(FILE + "solver = { max_states = 20000 }\n", "polaron.toml")
    assert "20,000 states at most, 11.4 MiB" in text_of(show_estimate, study)
    assert "accuracy of 1.0e-07" in text_of(show_estimate, study)


def test_a_run_says_in_words_that_the_accuracy_was_not_reached():
    file = FILE[: FILE.index("compare")]
    reached, ended = (run(parse(file + more, "polaron.toml")) for more in ("", "solver = { max_states = 1000 }\n"))
    assert records(reached)[0]["ground_state"]["growth"] == {"accuracy": 1e-7, "reached": True, "ending": "accuracy"}
    assert records(ended)[0]["ground_state"]["growth"]["reached"] is False
    assert "not reached" not in text_of(show_result, reached)
    assert "1.0e-07 was not reached: the space ends at solver.max_states" in text_of(show_result, ended)
