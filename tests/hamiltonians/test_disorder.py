"""Random levels: the numbers of a seed, what they do to a model, and what is refused."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from reference import sector_matrix

from respair.clusters import infinite_chain, ligand_centre, ring
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, InvalidModel, Model, Phonons, Sector, with_parameter
from respair.hamiltonians.disorder import landscape
from respair.solvers import ground_state, levels_by_symmetry
from respair.studies import parse

BOX = [-0.414350832856, -0.263189493404, 0.301274465206, 0.082162036064, -0.40587135776]
"""Of the seed 3."""


def test_the_numbers_of_a_seed_are_fixed():
    np.testing.assert_allclose(landscape(3, 5), BOX, rtol=0, atol=1e-11)
    np.testing.assert_allclose(landscape(3, 5), np.random.default_rng(3).random(5) - 0.5, rtol=0, atol=1e-12)
    normal = [NormalDist().inv_cdf(w + 0.5) for w in landscape(3, 5)]
    np.testing.assert_allclose(landscape(3, 5, "gaussian"), normal, rtol=0, atol=1e-10)


def test_a_site_has_the_same_number_on_every_cluster():
    assert landscape(7, 9)[:4].tolist() == landscape(7, 4).tolist()


@pytest.mark.parametrize(("kind", "variance"), [("box", 1 / 12), ("gaussian", 1.0)])
def test_the_moments_of_many_numbers(kind, variance):
    numbers = np.concatenate([landscape(seed, 20, kind) for seed in range(1000)])
    assert abs(numbers.mean()) < 4 * np.sqrt(variance / len(numbers))
    assert numbers.var() == pytest.approx(variance, rel=0.05)
    assert len(set(numbers.tolist())) == len(numbers)


def test_levels_are_means_with_numbers():
    cluster = ligand_centre(4)
    table = {"disorder": 2.0, "seed": 3, "mean": {"ligand": 1.5}}
    model = Model(cluster, Electrons(1.0, table), Bosons({**table, "mean": 0.25}, on=[1, 4]))
    ligand = [1.5 * (label == "ligand") for label in cluster.classes]
    np.testing.assert_allclose(model.couplings.electron_level, 2.0 * np.array(BOX) + ligand, atol=1e-10)
    np.testing.assert_allclose(model.couplings.boson_level, 2.0 * np.array(BOX)[[1, 4]] + 0.25, atol=1e-10)


@pytest.mark.parametrize("frame", ["none", "mean"])
def test_the_matrix_is_that_of_the_reference(frame):
    phonons = Phonons(0.8, electron_coupling=0.4, boson_coupling=[0.0, 0.0, 0.3], max_quanta=1, frame=frame)
    random = {"disorder": 1.5, "seed": 3}
    electrons, bosons = Electrons(1.0, random, 0.5, zeeman={"disorder": 0.8, "seed": 3}), Bosons(random, 0.3, on=[2])
    model = Model(ring(3), electrons, bosons, phonons, 0.3)
    hamiltonian = Hamiltonian.of(model, Sector(3, 1))
    levels = [1.5 * w for w in BOX[:3]]
    plain = replace(
        model,
        electrons=replace(electrons, level=levels, zeeman=[0.8 * w for w in BOX[:3]]),
        bosons=replace(bosons, level=levels[2:]),
    )
    expected = sector_matrix(plain, hamiltonian.space)
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, rtol=0, atol=1e-10)


def test_disorder_takes_the_symmetry_away():
    model = Model(ring(4), Electrons(1.0, {"disorder": 1.0, "seed": 3}))
    with pytest.raises(InvalidModel, match="lacks this symmetry"):
        ground_state(model, Sector(1, momentum=1))
    found = levels_by_symmetry(model, Sector(1, 1), 4)
    assert not any(label.labels for label in found.labels)
    matrix = np.diag(BOX[:4]) - np.roll(np.eye(4), 1, axis=0) - np.roll(np.eye(4), -1, axis=0)
    np.testing.assert_allclose(found.energies, np.linalg.eigvalsh(matrix), atol=1e-10)
    without = with_parameter(model, "electrons.level.disorder", 0.0)
    assert ground_state(without, Sector(1, momentum=1)).energies[0] == pytest.approx(0.0, abs=1e-10)


def test_the_level_moves_with_its_seed():
    model = Model(ring(3), Electrons(1.0, {"disorder": 1.0, "seed": 3}))
    other = with_parameter(model, "electrons.level.seed", 4)
    assert other.couplings.electron_level.tolist() == landscape(4, 3).tolist()


REFUSED = {
    "seed": ({"disorder": 1.0}, r"electrons.level: got .*; allowed for seed: a whole number from 0"),
    "half a seed": ({"disorder": 1.0, "seed": 0.5}, r"allowed for seed: a whole number from 0"),
    "width": ({"disorder": -1.0, "seed": 1}, r"allowed for disorder: a number from 0"),
    "kind": ({"disorder": 1.0, "seed": 1, "kind": "flat"}, r'allowed for kind: "box", "gaussian"'),
    "mean": ({"disorder": 1.0, "seed": 1, "mean": {"x": 1.0}}, r'mean: no site has the class "x"'),
    "key": (
        {"disorder": 1.0, "seed": 1, "width": 1.0},
        r'unknown key with disorder: "width"; allowed: disorder',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(name):
    value, message = REFUSED[name]
    with pytest.raises(InvalidModel, match=message):
        Model(ring(3), Electrons(1.0, value))


FILE = """schema = 1
cluster = { kind = "ring", sites = 3 }
sector.charge = 2
electrons = { hopping = 1.0, level = VALUE }
"""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{ disorder = 1.0 }", r"electrons.level.seed: got nothing; allowed: a whole number from 0"),
        ("{ disorder = -1.0, seed = 1 }", r"level.disorder: got -1.0; allowed: a finite number, 0 or more"),
        (
            '{ disorder = 1.0, seed = 1, kind = "flat" }',
            r'level.kind: got "flat"; allowed: "box" or "gaussian"',
        ),
        (
            "{ disorder = 1.0, seed = 1, width = 3 }",
            r"level.width: .*allowed in a table with disorder",
        ),
    ],
)
def test_files_are_answered_at_the_key(value, message):
    with pytest.raises(InvalidModel, match=message):
        parse(FILE.replace("VALUE", value), "disorder.toml")


def test_an_infinite_lattice_has_none():
    with pytest.raises(InvalidModel, match="allowed on infinite lattices: a number"):
        Model(infinite_chain(), Electrons(1.0, {"disorder": 1.0, "seed": 1}))
