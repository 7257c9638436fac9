"""Several oscillators on a site or bond: values by branch, blocks, engines, frames, approximations, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from reference import full_hamiltonian, sector_indices

from respair.analysis import STANDARD, probe, spectral_function
from respair.clusters import dimer, infinite_chain, ligand_centre, ring, site, square
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, with_parameter
from respair.solvers import Options, ground_state, infinite_levels, levels_by_symmetry
from respair.studies import parse, records, run

TWO = Phonons(
    frequency={"soft": 0.5, "hard": 1.2}, on={"soft": "all", "hard": "all"}, boson_coupling={"soft": 0.3},
    electron_coupling={"soft": 0.4, "hard": {"distance": [0.3, 0.1]}}, total_quanta=2, hopping={"soft": 0.05},
    spring={"hard": 0.1}, quadratic={"hard": 0.1}, quartic=0.02, electron_quadratic={"soft": [0.05] * 2},
    exchange_coupling={"hard": 0.2},
)  # fmt: skip
ELECTRONS, BOSONS = Electrons(1.0, hubbard_u=0.7), Bosons(-0.2, 0.5)
MODELS = {
    "dimer": (Model(dimer(), ELECTRONS, BOSONS, TWO), Sector(2)),
    "bonds": (Model(ring(3), ELECTRONS, None,
                    Phonons({"a": 1.0, "b": 0.7}, {"a": "bonds", "b": "bonds"}, total_quanta=2,
                            bond_coupling={"a": 0.3, "b": [0.2] * 3})), Sector(3, 1)),
    "optical": (Model(dimer(), ELECTRONS, None, Phonons(1.0, ["all", "all"], total_quanta=4,
                                                        bond_coupling={"1": 0.3, "2": 0.1})), Sector(2)),
    "parts": (Model(ligand_centre(2), ELECTRONS, None,
                    Phonons({"a": 1.0, "b": {"ligand": 0.8}}, {"a": "all", "b": "ligand"}, total_quanta=2,
                            electron_coupling={"a": {"ligand": 0.5}, "b": 0.6})), Sector(3, 1)),
    "lattice": (Model(square(size=[2, 1]), ELECTRONS, None,
                      Phonons({"a": 1.0, "b": 0.8}, {"a": "all", "b": "all"}, total_quanta=2,
                              electron_coupling={"a": 0.5, "b": 0.2})), Sector(2)),
}  # fmt: skip


@pytest.mark.parametrize(
    "engine", ["tensor", *(pytest.param(name, marks=pytest.mark.long) for name in ("dense", "quspin"))]
)
@pytest.mark.parametrize("name", MODELS)
def test_levels_of_all_blocks_are_those_of_the_reference(name, engine):
    model, sector = MODELS[name]
    at = sector_indices(model, sector.charge, sector.spin_excess)
    expected = np.linalg.eigvalsh(full_hamiltonian(model)[at][:, at].toarray())[:6]
    found = levels_by_symmetry(model, sector, 6, Options(engine=engine))
    assert len(set(map(str, found.labels))) > 1
    np.testing.assert_allclose(found.energies, expected, rtol=0, atol=1e-8)


ALPHA = (0.6, 0.45)


def holstein(cluster, split, **caps):
    """One oscillator a site, or two of the same frequency with the same joint coupling."""
    if not split:
        return Model(cluster, Electrons(1.0), phonons=Phonons(1.0, electron_coupling=float(np.hypot(*ALPHA)), **caps))
    table = Phonons(1.0, {"a": "all", "b": "all"}, electron_coupling=dict(zip("ab", ALPHA, strict=True)), **caps)
    return Model(cluster, Electrons(1.0), phonons=table)


@pytest.mark.parametrize("frame", ["none", "mean", pytest.param("lang-firsov", marks=pytest.mark.slow)])
@pytest.mark.long
def test_equal_frequencies_turn_into_one_coupled_branch(frame):
    """x_a and x_b rotate into one oscillator with sqrt(alpha_a^2 + alpha_b^2) and a free one."""
    caps = {"total_quanta": 8 if frame == "lang-firsov" else 12}
    one, two = (ground_state(holstein(dimer(), s, frame=frame, **caps), Sector(1)) for s in (False, True))
    assert two.energies[0] == pytest.approx(one.energies[0], abs=1e-8)
    assert two.certificate.energy_errors[0] < 1e-4


@pytest.mark.long
def test_an_automatic_cutoff():
    exact = ground_state(holstein(dimer(), False, total_quanta=25), Sector(2)).energies[0]
    found = ground_state(holstein(dimer(), True, cutoff="auto", accuracy=1e-6), Sector(2))
    assert abs(found.energies[0] - exact) <= found.certificate.energy_errors[0] + 1e-9
    assert found.certificate.energy_errors[0] <= 1e-6


def test_the_infinite_chain():
    one, two = (infinite_levels(holstein(infinite_chain(), s, accuracy=1e-4), 1) for s in (False, True))
    bars = one.certificate.energy_errors[0] + two.certificate.energy_errors[0]
    assert abs(one.energies[0] - two.energies[0]) <= bars


@pytest.mark.parametrize("name", ["lang-firsov", "lang-firsov-variational", "adiabatic", "coherent-product"])
def test_approximations_turn_them_into_one_branch(name):
    one, two = (STANDARD[name](holstein(dimer(), s, total_quanta=8), Sector(1)).energies[0] for s in (False, True))
    assert float(two) == pytest.approx(float(one), abs=1e-8)


def test_the_atomic_limit_has_all_oscillators_of_a_site():
    model = holstein(dimer(), True, max_quanta=12)
    assert float(STANDARD["atomic-limit"](model, Sector(1)).energies[0]) == pytest.approx(-(0.6**2) - 0.45**2, abs=1e-6)


def test_the_independent_boson_has_both_lines_of_side_bands():
    """One electron on one site: -sum omega alpha^2, quanta alpha^2 in each branch, and X = sqrt(2) alpha."""
    table = Phonons(
        {"a": 0.5, "b": 1.2}, {"a": "all", "b": "all"}, electron_coupling={"a": 0.6, "b": 0.4}, max_quanta=16
    )
    model = Model(site(), Electrons(0.0), phonons=table)
    levels = ground_state(model, Sector(1, 1), 3)
    lowest = -0.5 * 0.36 - 1.2 * 0.16
    np.testing.assert_allclose(levels.energies, [lowest, lowest + 0.5, lowest + 1.0], atol=1e-8)
    lines = spectral_function(levels, probe(model, "displacement", site=1), [0.0, 2.0])
    assert np.min(np.abs(lines["pole_frequencies"].values - 1.2)) < 1e-6


def test_a_file_has_values_by_branch():
    text = """schema = 1
cluster = { kind = "ring", sites = 3 }
electrons.hopping = 1.0
sector.charge = 1
[phonons]
on = { soft = "all", hard = [0, 2] }
frequency = { soft = 0.5, hard = [1.0, 1.5] }
electron_coupling = { soft = { distance = [0.5, 0.1] }, hard = 0.2 }
total_quanta = 2
[sweep]
"phonons.electron_coupling.hard" = [0.2, 0.4]
"""
    study = parse(text, "branches.toml")
    couplings = study.model.couplings
    assert couplings.frequency.tolist() == [0.5, 0.5, 0.5, 1.0, 1.5]
    np.testing.assert_allclose(couplings.electron_phonon, [0.25, 0.25, 0.25, 0.2, 0.3])
    first, second = records(run(study))
    other = ground_state(with_parameter(study.model, "phonons.electron_coupling.hard", 0.4), Sector(1))
    assert second["ground_state"]["energies"][0] == pytest.approx(other.energies[0], abs=1e-9)
    assert first["cluster"]["mode_list"][3] == ["hard", "site", 0]


REFUSED = {
    "class": ({"on": {"site": "all"}}, r"a branch of modes cannot be called 'site'"),
    "hosts": ({"on": {"a": "all", "b": "bonds"}}, r"some branches are on sites and some on bonds"),
    "nothing": ({"on": {"a": "all", "b": []}}, r"b = \[\] selects no site"),
    "twice": ({"on": [0, 0]}, r"lists a site twice; .*several modes on a site are br"),
    "name": (
        {"on": ["all", "all"], "electron_coupling": {"1": 0.1, "3": 0.1}},
        r'no branch of modes is called "3"; al',
    ),
    "inside": ({"on": ["all", "all"], "electron_coupling": {"1": [0.1]}}, r"1: allowed: one number for each mode, 3"),
    "optimal": (
        {"on": ["all", "all"], "basis": "optimal"},
        r"phonons.basis: .*allowed: number where a site has several",
    ),
    "frequency": ({"on": ["all", "all"], "frequency": {"1": 1.0}}, r"phonons.frequency: .* above 0 for every mode"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(name):
    changes, message = REFUSED[name]
    with pytest.raises(InvalidModel, match=message):
        Model(ring(3), Electrons(1.0), phonons=Phonons(**{"frequency": 1.0, "max_quanta": 1} | changes))


def test_what_needs_one_oscillator_a_site_says_so():
    model = holstein(infinite_chain(), True)
    with pytest.raises(InvalidModel, match="it allows one oscillator per site"):
        STANDARD["lang-firsov-band"](model, Sector(1))


def test_a_reflection_that_turns_one_branch_alone_is_not_used():
    table = Phonons(
        1.0, {"a": "all", "b": "all"}, bond_coupling={"a": 0.3}, electron_coupling={"b": 0.3}, total_quanta=2
    )
    model = Model(dimer(), Electrons(1.0), phonons=table)
    with pytest.raises(InvalidModel, match="lacks this symmetry"):
        ground_state(model, Sector(1, reflection=1))
    assert ground_state(replace(model, phonons=replace(table, electron_coupling=0.0)), Sector(1, reflection=1))
