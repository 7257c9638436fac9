"""What values say about themselves in a terminal and in a notebook."""

import dataclasses
import importlib
import inspect
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from amounts import cases
from hypothesis import given, settings
from strategies import models

import respair
from respair import analysis, clusters, hamiltonians, solvers, studies
from respair._core.display import Card, plain, quantity
from respair.hamiltonians.operators import total
from respair.solvers.checkpoint import fingerprint

MODEL = respair.Model(
    respair.ligand_centre(3),
    respair.Electrons({"ring": 1.0, "centre": 0.35}, hubbard_u=4.0),
    respair.Bosons(-0.4, 0.8),
    respair.Phonons(1.0, on="ligand", boson_coupling=1.25, total_quanta=6),
    name="cation & ligand",
)
TEXT = """
schema = 1
name = "dimer"
cluster.kind = "dimer"
electrons.hopping = 1.0
sector.charge = 2
ground_state.states = 2
[sweep]
"electrons.hubbard_u" = { start = 0.0, stop = 8.0, count = 33 }
"""
ROOMS = ("clusters", "hamiltonians", "solvers", "analysis", "analysis.approximations", "studies")


@pytest.fixture(scope="module")
def levels():
    return respair.ground_state(MODEL, 2, states=2)


@pytest.fixture(scope="module")
def values(levels):
    """Values of the public classes, by their names."""
    H, study = levels.hamiltonian, studies.parse(TEXT, "dimer.toml")
    labelled = solvers.levels_by_symmetry(respair.Model(respair.ring(3), respair.Electrons(1.0)), 1, 3)
    approximation = next(iter(analysis.approximations.STANDARD.values()))
    found = [
        *(MODEL, MODEL.cluster, MODEL.cluster.bonds[0], MODEL.cluster.modes[0], clusters.point_group(MODEL.cluster)),
        *(MODEL.electrons, MODEL.bosons, MODEL.phonons, MODEL.couplings, respair.Sector(2), hamiltonians.boson(0)),
        *(H, H.space, H.space.charges, H.space.phonons, H.factors[0], levels.block, levels, levels.ground),
        *(levels.certificate, solvers.Certifier(levels.block), labelled, respair.estimate(MODEL, respair.Sector(2))),
        *(solvers.Levels(np.zeros(1), np.ones((3, 1)), 4), respair.Options(), respair.Ensemble(), respair.Sampling()),
        *(approximation, analysis.lattice_cut(MODEL), analysis.pair_operators(MODEL, "boson")),
        *(study, study.sweep[0], *study.tasks, studies.run(study), respair.study(MODEL, 2), studies.Workers(2)),
        *(hamiltonians.Problem("a.b", "1", "allowed: 2"), respair.probe(MODEL, "pair", site=0)),
    ]
    return {type(value).__name__: value for value in found}


def test_every_public_value_is_short_and_says_nothing_of_addresses(values):
    for name, value in values.items():
        lines = repr(value).splitlines()
        assert 1 <= len(lines) <= 18, name
        assert max(map(len, lines)) <= 260, name
        assert " at 0x" not in repr(value), name


def test_every_public_class_says_what_it_is():
    """None has the repr of a bare object, but those that are never values: protocols, bases and reporters."""
    bare = {"NotebookReporter", "Pool", "Progress", "Quiet", "Reporter", "TerminalReporter", "Told", "Watcher"}
    for room in ROOMS:
        module = importlib.import_module(f"respair.{room}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and value.__repr__ is object.__repr__:
                assert name in bare, name


def test_html_is_well_formed_and_needs_no_network(values):
    shown = {name: value._repr_html_() for name, value in values.items() if hasattr(value, "_repr_html_")}
    assert {"Cluster", "Model", "Sector", "Hamiltonian", "Eigenstates", "Study", "Plan", "Result"} <= shown.keys()
    for name, html in shown.items():
        ET.fromstring(f"<body>{html.replace('&minus;', '-').replace('&hellip;', '...')}</body>")
        for outside in ("<script", "<link", "<img", "href=", "src=", "url("):
            assert outside not in html, name
        assert html.count("http") == html.count('xmlns="http://www.w3.org/2000/svg"'), name


def test_a_model_is_its_hamiltonian_in_formulas_with_its_numbers():
    assert repr(MODEL).splitlines() == [
        "cation & ligand: ligand-centre: 4 sites, 6 bonds, 1 mode",
        "  H =  − Σ_⟨ij⟩σ t_ij (c†_jσ c_iσ + h.c.)  t = 1 (ring), 0.35 (centre)",
        "       + U Σ_i n_i↑ n_i↓                   U = 4",
        "       + Δ_B Σ_i b†_i b_i                  Δ_B = −0.4",
        "       + v Σ_i (b†_i c_i↓ c_i↑ + h.c.)     v = 0.8",
        "       + ω_0 Σ_m a†_m a_m                  ω_0 = 1",
        "       − ω_0 α Σ_m b†_m b_m x_m            α = 1.25",
        "                                           x = a + a†; phonons: at most 6 in all",
    ]
    html = MODEL._repr_html_()
    assert "Δ<sub>B</sub> Σ<sub>i</sub> b†<sub>i</sub> b<sub>i</sub>" in html
    assert "cation &amp; ligand" in html
    assert html.count("<circle") == 4 + 1 + 2 + 1  # sites, mode, and the legend
    assert repr(respair.Model(respair.site())) == "site: 1 site\n  H =  0"


def test_a_flux_is_seen_in_the_hops_and_modes_on_bonds_in_the_coupling():
    phonons = respair.Phonons(1.0, on="bonds", bond_coupling=0.3, cutoff="auto")
    text = repr(respair.Model(respair.ring(3), respair.Electrons(1.0), None, phonons, flux=0.25))
    assert "− t Σ_⟨ij⟩σ (e^iθ c†_jσ c_iσ + h.c.)" in text
    assert "− g Σ_⟨ij⟩σ x_ij (e^iθ c†_jσ c_iσ + h.c.)" in text
    assert "φ = 0.25" in text
    assert "error below 1e-08" in text


def test_a_hamiltonian_tells_its_sector_with_the_dimension(levels):
    H = levels.hamiltonian
    assert repr(H).startswith(f"Hamiltonian of N = 2, 2 S_z = 0: {H.space.dimension} states (20 charge × 7 phonon)\n")
    assert repr(H).endswith("real, 3 products of a charge and a lattice matrix")


def test_levels_have_the_digits_that_their_error_bars_support(levels):
    lines = repr(levels).splitlines()
    assert lines[0] == "2 levels of N = 2, 2 S_z = 0: 140 states (20 charge × 7 phonon)"
    for line, energy, error in zip(lines[2:4], levels.energies, levels.certificate.energy_errors, strict=True):
        assert line.split()[1] == studies.with_error(energy, error)
    assert lines[-1].startswith("engine dense, 140 amplitudes stored")


def test_settings_show_only_what_is_not_left_at_its_default():
    assert repr(respair.Electrons(1.0)) == "Electrons(hopping=1.0)"
    assert repr(respair.Sector(3)) == "Sector(charge=3, two_sz=1)"
    assert repr(respair.Options(engine="tensor")) == "Options(engine='tensor')"
    for value in (respair.Electrons([0.1, 0.2], level={"a": 1.0}), respair.Phonons(1.0, max_quanta=2)):
        assert eval(repr(value), vars(respair) | {type(value).__name__: type(value)}) == value


def test_settings_of_a_species_are_formulas_in_a_notebook():
    html = MODEL.phonons._repr_html_()
    assert "<b>phonons</b>" in html
    assert "− ω<sub>0</sub> α Σ<sub>m</sub> b†<sub>m</sub> b<sub>m</sub> x<sub>m</sub>" in html
    assert "α = 1.25" in html
    assert "Σ<sub>⟨ij⟩σ</sub> t<sub>ij</sub>" in MODEL.electrons._repr_html_()
    assert "<tr>" not in respair.Bosons(on=[0, 1])._repr_html_()


@settings(max_examples=cases(40), deadline=None)
@given(model=models())
def test_every_model_can_be_shown(model):
    text = repr(model)
    ET.fromstring(f"<body>{model._repr_html_().replace('&minus;', '-').replace('&hellip;', '...')}</body>")
    assert len(text.splitlines()) <= 16
    there = {name for name, values in vars(model.couplings).items() if values.any()}
    marks = {"hubbard_u": "n_i↑ n_i↓", "exchange": "c_i↓ c_i↑", "frequency": "a†_m a_m", "repulsion": "n_i n_j"}
    assert {name for name, mark in marks.items() if mark in text} == there & marks.keys()


def test_names_of_the_user_cannot_break_a_page():
    model = respair.Model(respair.custom([[0, 0], [1, 0]], [[0, 1, "<b>"]], ["<i>", "&"]), name="<script>x</script>")
    html = model._repr_html_()
    assert "<script" not in html
    assert "<script>x</script>" in repr(model)
    assert "<b>" not in html.removeprefix(html[: html.index("<b>") + 3])  # one: of the title
    ET.fromstring(html)


def test_long_cards_are_cut_and_counted():
    card = Card("many", [(str(n), "x") for n in range(30)])
    assert len(card.text.splitlines()) == 16
    assert card.text.endswith("… and 16 more")
    assert quantity(np.arange(20.0)).endswith(", 7, &hellip;]")
    assert plain(quantity([])) == "[]"
    assert "and 4 more terms" in repr(total(hamiltonians.boson(n) for n in range(20)))
    assert repr(studies.Axis("a.b", tuple(np.linspace(0, 1, 41)))) == "a.b\n  41 values from 0 to 1"


def test_a_formula_of_operators_has_its_indices_below():
    operator = hamiltonians.create(1, "up") * hamiltonians.annihilate(0, "dn") * hamiltonians.phonon(2)
    assert operator._repr_html_() == "+1 c†<sub>1↑</sub> c<sub>0↓</sub> a<sub>2</sub>"
    squared = hamiltonians.phonon(0).dag * hamiltonians.phonon(0).dag * hamiltonians.boson_number(3)
    assert squared._repr_html_() == "+1 nb<sub>3</sub> a†<sub>0</sub><sup>2</sup>"


def test_a_fingerprint_tells_numbers_apart_that_are_shown_alike():
    near = dataclasses.replace(MODEL, chemical_potential=1e-13)
    assert fingerprint(near) != fingerprint(MODEL)
    assert fingerprint(dataclasses.replace(MODEL)) == fingerprint(MODEL)
    first, second = (respair.Electrons(np.array([1.0, x])) for x in (0.5, 0.5 + 1e-14))
    assert fingerprint(first) != fingerprint(second)
    assert repr(first) == "Electrons(hopping=[1.0, 0.5])"
