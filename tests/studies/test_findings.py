"""The statements of docs/findings.md as inequalities with error bars, from the model files at a few points."""

import numpy as np
import pytest
from pages import ROOT

from respair.studies import parse, records, run

FILES = ROOT / "notebooks" / "findings"


def printed(name):
    """The numbers behind a figure of the page, by column."""
    with open(FILES / "data" / f"{name}.csv", encoding="utf-8") as file:
        return dict(zip(next(file).strip().split(","), np.loadtxt(file, delimiter=",").T, strict=True))


def found(name, **changes):
    """Records of a file whose lines that begin with a key are replaced."""
    lines = (FILES / name).read_text().splitlines()
    for key, value in changes.items():
        (at,) = (n for n, line in enumerate(lines) if line.lstrip('"').replace(".", "_").startswith(key))
        lines[at] = value
    return records(run(parse("\n".join(lines), name)))


@pytest.mark.long
def test_pairs_are_coherent_between_ligands_where_the_lattice_is_unstable():
    sweep = '"electrons.level.ligand" = [0.6, 1.2, 2.0]'
    below, at, above = (r["ground_state"] for r in found("1-instability.toml", electrons_level=sweep))
    coherence = [abs(complex(*np.ravel([g["observables"]["pair_correlation"][0][5]]))) for g in (below, at, above)]
    assert coherence[1] > 1.5 * max(coherence[0], coherence[2])
    assert below["observables"]["displacement"][0] > at["observables"]["displacement"][0] + 0.3
    assert at["observables"]["displacement"][0] > above["observables"]["displacement"][0] + 1.5
    assert below["energies"][1] - below["energies"][0] < 1e-3 < above["energies"][1] - above["energies"][0]
    assert max(g["energy_errors"][0] for g in (below, at, above)) < 1e-8
    shown = printed("1-instability")
    at_these = np.searchsorted(shown["level"], (0.6, 1.2, 2.0))
    np.testing.assert_allclose(shown["pair_correlation"][at_these], coherence, rtol=0, atol=1e-8)
    shifts = [g["observables"]["displacement"][0] for g in (below, at, above)]
    np.testing.assert_allclose(shown["displacement"][at_these], shifts, rtol=0, atol=1e-6)


@pytest.mark.long
def test_a_pair_tunnels_at_resonance_alone():
    motions = [r["evolution"] for r in found("2-tunnelling.toml")]
    most, bars = [], []
    for motion in motions:
        density = np.array(motion["observables"]["electron_density"])[:, 5]
        bar = np.array(motion["observable_errors"]["electron_density"])[:, 5]
        most.append(density.max())
        bars.append(bar[density.argmax()])
    below, at, above = most
    assert at - bars[1] > 0.8
    assert max(below + bars[0], above + bars[2]) < 0.5
    shown = [column.max() for name, column in printed("2-tunnelling").items() if name != "time"]
    assert np.all(np.abs(np.array(shown) - most) < bars)


def test_between_two_temperatures_pairs_have_no_coherence():
    weak, strong = (r["crossover"] for r in found("3-pseudogap.toml", bosons_exchange='"bosons.exchange" = [0.8, 3.2]'))
    for one in (weak, strong):
        high, low = one["T_star"]["pair_half"], one["T_phi"]["nelson_kosterlitz"]
        assert high["value"] - low["value"] > 3 * (high["error"] + low["error"])
    assert strong["T_star"]["pair_half"]["value"] > 2 * weak["T_star"]["pair_half"]["value"]
    assert strong["T_phi"]["nelson_kosterlitz"]["value"] < weak["T_phi"]["nelson_kosterlitz"]["value"]
    shown = printed("3-pseudogap")
    for estimator, role in (("pair_half", "T_star"), ("nelson_kosterlitz", "T_phi")):
        ends = [one[role][estimator]["value"] for one in (weak, strong)]
        assert np.all(np.abs(shown[estimator][[1, 3]] - ends) < 0.1 * shown[f"{estimator}_error"][[1, 3]])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("4-stiffness.toml", {}, marks=pytest.mark.long),
        ("4-stiffness.toml", {"supercell": "supercell = [[2, 1], [0, 2]]"}),
        pytest.param("5-lattice.toml", {}, marks=pytest.mark.long),
    ],
)
def test_the_amplitude_grows_while_the_stiffness_falls(name, changes):
    points = [r["coherence"] for r in found(name, **changes)]
    amplitude, stiffness = (np.array([p[key] for p in points]) for key in ("amplitude", "stiffness"))
    errors = np.array([p["stiffness_error"] for p in points])
    assert np.all(np.diff(amplitude) > 0)
    assert np.all(np.diff(stiffness) < -(errors[1:] + errors[:-1]))
    if not changes:
        shown = printed(name.removesuffix(".toml"))
        np.testing.assert_allclose(shown["amplitude"], amplitude, rtol=0, atol=1e-8)
        np.testing.assert_allclose(shown["stiffness"], stiffness, rtol=0, atol=1e-6)
