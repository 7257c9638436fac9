"""Maps over momenta and sites, what is read off spectra, correction vectors, model files with maps, figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from respair.analysis import (
    correction_vectors,
    effective_frequency,
    gap_measures,
    optical_conductivity,
    probe,
    quasi_particles,
    spectral_function,
    spectral_map,
    weight_transfer,
)
from respair.analysis.plots.spectra import plot_lines, plot_spectral_map, plot_spectrum
from respair.analysis.spectra.sum_rules import moments_from_commutators
from respair.cli.commands import app
from respair.clusters import chain, dimer, ligand_centre, ring, site
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import ground_state, levels_by_symmetry

OMEGA = np.linspace(-6.0, 6.0, 121)
RING = Model(ring(4), Electrons(1.0, hubbard_u=0.5), Bosons(-0.4, 0.7))


@pytest.mark.parametrize("charge", [3, 4])
def test_a_map_holds_the_spectrum_of_every_momentum(charge):
    levels = levels_by_symmetry(RING, charge)
    data = spectral_map(levels, "electron", OMEGA, 0.2)
    for momentum in range(4):
        one = spectral_function(levels, probe(RING, "electron", momentum=momentum), OMEGA, 0.2)
        np.testing.assert_allclose(data["values"].sel(momentum=momentum), one["values"], atol=1e-10)
    local = spectral_map(levels, "electron", OMEGA, 0.2, over="site")
    np.testing.assert_allclose(local["values"].mean("site"), data["values"].mean("momentum"), atol=1e-10)
    assert data["values"].attrs["units"] == "1/energy"


def test_a_map_of_a_level_with_one_momentum_is_not_even():
    levels = ground_state(RING, Sector(3, momentum=1))
    data = spectral_map(levels, "electron", OMEGA, 0.2)
    for momentum in (1, 3):
        one = spectral_function(levels, probe(RING, "electron", momentum=momentum), OMEGA, 0.2)
        np.testing.assert_allclose(data["values"].sel(momentum=momentum), one["values"], atol=1e-10)
    assert np.max(np.abs(data["values"].sel(momentum=1) - data["values"].sel(momentum=3))) > 0.01


def test_a_cross_spectrum_of_bonds_and_sites_has_the_phase_of_its_momentum():
    """A bond lies half a step from its site: reflection changes the phase, and -k is not k."""
    lattice = Phonons(1.0, "bonds", bond_coupling=0.3, total_quanta=1)
    model = Model(ring(3), Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    levels = levels_by_symmetry(model, 2)
    data = spectral_map(levels, "displacement", [0.0, 1.0], 0.2, cross="density")
    for m in range(3):
        seen = [probe(model, name, momentum=m) for name in ("displacement", "density")]
        one = spectral_function(levels, seen[0], [0.0, 1.0], 0.2, cross=seen[1])
        np.testing.assert_allclose(data["values"].sel(momentum=m), one["values"], atol=1e-12)
    assert np.max(np.abs(data["values"].sel(momentum=1).imag)) > 1e-4
    real, imaginary = plot_spectral_map(data), plot_spectral_map(data, part="imag")
    assert real.collections[0].get_cmap().name == "magma_r"
    assert plot_spectral_map(data * -1).collections[0].get_cmap().name == "RdBu_r"
    drawn = imaginary.collections[0].get_array().reshape(2, 3)
    np.testing.assert_allclose(drawn, data["values"].imag.transpose("omega", "momentum").values[:, [2, 0, 1]])
    both = plot_spectrum(data)  # a complex map has a panel for each part
    assert [ax.get_title() for ax in both.figure.axes[:2]] == ["real part", "imaginary part"]
    curve = plot_spectrum(spectral_function(levels, probe(model, "displacement", 0), [0.0, 1.0], 0.2, cross=seen[1]))
    assert [text.get_text() for text in curve.get_legend().get_texts()] == ["real part", "imaginary part"]


def test_the_cross_structure_factor_of_charge_and_lattice_shows_which_leads():
    lattice = Phonons(0.8, electron_coupling=0.5, total_quanta=3)
    model = Model(ring(3), Electrons(1.0, hubbard_u=1.0), phonons=lattice)
    levels = levels_by_symmetry(model, 2)
    charge, motion, cross = (
        spectral_map(levels, name, OMEGA, 0.2, cross=other)
        for name, other in (("density", None), ("displacement", None), ("displacement", "density"))
    )
    bound = np.sqrt(charge.addition_weight * motion.addition_weight)
    assert np.all(np.abs(cross.moments.sel(order=0)) <= bound + 1e-12)
    assert float(cross["values"].sel(momentum=0, omega=0, method="nearest")) > 0
    np.testing.assert_allclose(cross.moments.sel(order=1), 0.0, atol=1e-9)  # [n, H] and x commute in the average


def test_quasi_particles_and_the_gap_of_a_ring_of_local_pairs():
    levels = levels_by_symmetry(RING, 4)
    data = spectral_map(levels, "electron", OMEGA, 0.2)
    particles, gaps = quasi_particles(data), gap_measures(data)
    energies = [levels_by_symmetry(RING, n).energies[0] for n in (3, 4, 5)]
    assert float(gaps.gap) == pytest.approx(energies[0] + energies[2] - 2 * energies[1], abs=1e-9)
    total = particles.addition_z + particles.addition_incoherent
    np.testing.assert_allclose(total, data.addition_weight, atol=1e-12)
    assert 0 < float(gaps.pseudogap) <= 1
    free = spectral_map(levels_by_symmetry(Model(ring(4), Electrons(1.0)), 2), "electron", OMEGA, 0.2)
    z = quasi_particles(free)
    np.testing.assert_allclose(z.addition_z + z.removal_z, 1.0, atol=1e-12)


def test_weight_that_is_moved_is_conserved():
    curves = [
        spectral_function(levels_by_symmetry(model, 4), probe(model, "electron", 0), np.linspace(-90, 90, 6001), 0.2)
        for model in (RING, replace(RING, bosons=Bosons(-0.4, 1.4)))
    ]
    moved = weight_transfer(*curves)
    assert abs(float(moved.moved[-1])) < 1e-3 < float(moved.amount) < 1
    with pytest.raises(ValueError, match="different frequencies"):
        weight_transfer(curves[0], curves[1].isel(omega=slice(0, 5)))


def test_the_lattice_softens_at_the_resonance():
    alpha = float(np.sqrt(7) / 2)
    lattice = Phonons(1.0, on="ligand", electron_coupling=alpha, max_quanta=30)
    model = Model(ligand_centre(4), Electrons({"ring": 1.0, "centre": 0.35}, {"ligand": 1.5}), phonons=lattice)
    levels = levels_by_symmetry(model, 2)
    found = effective_frequency(spectral_function(levels, probe(model, "displacement", 4), OMEGA))
    assert float(found.softest) == pytest.approx(0.0857, abs=1e-4)
    assert float(found.softest) < float(found.static) < float(found.average) < 1.0
    assert float(found.softest_share) > 0.8
    bare = Model(site(), Electrons(), phonons=Phonons(0.7, max_quanta=3))
    alone = effective_frequency(spectral_function(ground_state(bare, 0), probe(bare, "displacement"), OMEGA))
    assert float(alone.static) == pytest.approx(0.7, abs=1e-12)
    model = Model(dimer(), Electrons(1.0))
    frozen = effective_frequency(spectral_function(ground_state(model, 4), probe(model, "density"), OMEGA))
    assert np.isnan(frozen.static)
    assert float(frozen.elastic) == pytest.approx(4.0)


@pytest.mark.parametrize("name", ["electron", "density"])
def test_correction_vectors_give_the_same_spectrum(name):
    model = Model(
        ring(3), Electrons(1.0, hubbard_u=0.5), Bosons(-0.4, 0.7), Phonons(1.0, boson_coupling=0.6, max_quanta=1)
    )
    levels = levels_by_symmetry(model, 3)
    seen, omega = probe(model, name, momentum=1), [-1.0, 0.3, 2.0]
    vectors = correction_vectors(levels, seen, omega, 0.2)
    lines = spectral_function(levels, seen, omega, 0.2)
    for part in ("values", "addition", "removal"):
        np.testing.assert_allclose(vectors[part], lines[part], atol=1e-8)


def test_maps_that_cannot_be_are_refused():
    levels = ground_state(Model(chain(3), Electrons(1.0)), 2)
    with pytest.raises(InvalidModel, match="has no translation"):
        spectral_map(levels, "electron", OMEGA)
    with pytest.raises(ValueError, match="allowed"):
        spectral_map(levels, "electron", OMEGA, over="bond")


def test_figures_of_spectra():
    levels = levels_by_symmetry(RING, 4)
    data = spectral_map(levels, "electron", OMEGA, 0.2)
    assert plot_spectral_map(data).get_xlabel() == r"$k / \pi$"
    assert plot_spectrum(data).get_ylabel() == r"$\omega$"
    assert plot_spectral_map(spectral_map(levels, "electron", OMEGA, over="site")).get_xlabel() == "site"
    ax = plot_spectrum(spectral_function(levels, probe(RING, "pair"), OMEGA), label="pairs")
    assert plot_spectrum(optical_conductivity(levels, OMEGA), ax).get_ylabel().startswith(r"$\sigma")
    assert plot_lines(data, "momentum").get_xlabel() == "momentum"


def test_a_model_file_gives_a_map_of_all_momenta_and_a_sweep_of_spectra(tmp_path):
    text = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0 }
bosons = { level = -0.3, exchange = 0.6 }
sector = { charge = 2 }
[spectrum]
momentum = "all"
frequencies = [-2.0, 0.0, 1.0]
broadening = 0.15
[sweep]
"bosons.exchange" = [0.6, 0.9]
"""
    (tmp_path / "map.toml").write_text(text)
    done = CliRunner().invoke(app, ["run", str(tmp_path / "map.toml"), "--json", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    first, second = (json.loads(line)["spectrum"] for line in done.stdout.splitlines())
    assert first["momenta"] == [0, 1, 2]
    assert np.array(first["values"]).shape == (3, 3)
    assert first["moments"][1][:2] == pytest.approx([1.0, 1.0])
    assert first["weights"][0]["removal"] == pytest.approx(0.9912195848969936, abs=1e-9)
    assert [sum(w for _, w in poles) for poles in second["poles"]] == pytest.approx([1.0] * 3, abs=1e-9)
    assert first["quasi_particles"]["removal"]["z"][0] == pytest.approx(0.98961, abs=1e-2)
    assert first["gap"]["gap"] > 0
    shown = CliRunner().invoke(app, ["run", str(tmp_path / "map.toml"), "--out", str(tmp_path), "--plot"])
    assert shown.exit_code == 0, shown.stderr
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace('"all"', '"every"'))
    assert '"every"; allowed: a whole number, or "all"' in CliRunner().invoke(app, ["check", str(wrong)]).stderr


def test_a_full_cluster_has_no_gap_and_says_so(tmp_path):
    file = tmp_path / "full.toml"
    file.write_text(
        'schema = 1\ncluster = { kind = "dimer" }\nelectrons.hopping = 1.0\nsector.charge = 4\n'
        "spectrum.frequencies = [0.0]\n"
    )
    shown = CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)]).output
    assert "no particle can be added" in shown
    assert "Quasi-particles: removal at 1" in shown
    assert "nan" not in shown


@pytest.mark.long
def test_a_model_file_gives_what_is_read_off_spectra(tmp_path):
    head = (
        'schema = 1\ncluster = { kind = "ring", sites = 3 }\nelectrons = { hopping = 1.0 }\nsector = { charge = 2 }\n'
    )
    rows = "frequencies = { start = -9.0, stop = 9.0, count = 181 }\nbroadening = 0.1\n"
    before = '"electrons.hubbard_u" = 1.0\n'
    softened = 'phonons = { frequency = 0.8, bond_coupling = 0.3, on = "bonds", total_quanta = 2 }\n[spectrum]\n' + rows
    texts = {
        "electron": f'{head}[spectrum]\nspin = "dn"\n{rows}[spectrum.transfer_from]\n{before}',
        "lattice": f'{head}{softened}operator = "displacement"\nmomentum = "all"\n',
        "cross": f'{head}{softened}operator = "displacement"\nmomentum = "all"\ncross = "density"\n',
    }
    paths = [tmp_path / f"{name}.toml" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    command = ["run", *map(str, paths), "--out", str(tmp_path)]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.stderr
    electron, lattice, cross = (json.loads(line)["spectrum"] for line in done.stdout.splitlines())
    removal = electron["quasi_particles"]["removal"]
    assert removal.pop("errors") == pytest.approx({"energy": 0.0, "z": 0.0, "incoherent": 0.0}, abs=1e-12)
    assert removal == pytest.approx({"energy": -2.0, "z": 1 / 3, "incoherent": 0.0})
    assert electron["gap"]["gap"] == pytest.approx(3.0)
    levels = [ground_state(Model(ring(3), Electrons(1.0, hubbard_u=u)), 2) for u in (1.0, 0.0)]
    omega = np.linspace(-9.0, 9.0, 181)
    spectra = [
        spectral_function(level, probe(level.hamiltonian.space.model, "electron", 0), omega, 0.1) for level in levels
    ]
    assert electron["transfer"]["from"] == "electrons.hubbard_u = 1"
    assert electron["transfer"]["amount"] == pytest.approx(float(weight_transfer(*spectra).amount), abs=1e-9)
    assert [0.9 < f < 1.2 for f in lattice["effective_frequency"]["static"]] == [True] * 3
    assert cross["values"][1][0]["im"] != 0
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.stderr
    assert "Z = 0.333333" in shown.stdout
    assert "Weight transferred from electrons.hubbard_u = 1" in shown.stdout


def test_a_spectrum_that_misses_its_sum_rules_is_an_error_and_writes_nothing(tmp_path, monkeypatch):
    text = 'schema = 1\ncluster = { kind = "site" }\nelectrons = {}\nsector = { charge = 1, two_sz = 1 }\n'
    (tmp_path / "site.toml").write_text(text + "spectrum = { frequencies = [0.0] }\n")
    command = ["run", str(tmp_path / "site.toml"), "--json", "--out", str(tmp_path)]
    true = moments_from_commutators
    wrong = "respair.analysis.spectra.functions.moments_from_commutators"
    monkeypatch.setattr(wrong, lambda *given: true(*given) + 1e-6)
    done = CliRunner().invoke(app, command)
    assert done.exit_code != 0
    assert done.stdout == ""
    assert "its sum rule 1.000001" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["site.toml"]
