"""How to solve: values that cannot be are refused together, limits hold, and many levels are given to LAPACK."""

from itertools import combinations

import numpy as np
import pytest

from respair import Electrons, Model, Options, Sector, chain, ground_state, ring
from respair.solvers import ConvergenceError, is_degenerate, levels_by_symmetry, lowest_levels
from respair.studies import parse, run

RING = Model(ring(6), Electrons(hopping=1.0, hubbard_u=4.0))
WRONG = {
    "tolerance": [-1.0, 0.0, float("nan"), 1e-16, 1.0, "small", None, True],
    "max_matvecs": [-5, 0, 2.5, "many"],
    "seed": [-1, 0.5],
    "memory_limit": [-1, "much", "16 GiX", float("nan")],
    "engine": ["lapack", 3],
    "confirm": [1, "yes"],
    "wanted_below": [float("nan"), "low"],
    "checkpoint_interval": [-1.0],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_cannot_be_is_named_with_what_is_allowed(name, value):
    with pytest.raises(ValueError, match=rf"^{name} = .*allowed: [^\n]+$"):
        Options(**{name: value})


def test_all_wrong_values_are_told_at_once():
    with pytest.raises(ValueError, match=r"tolerance = -1\.0 .*\nmax_matvecs = -5 "):
        Options(tolerance=-1.0, max_matvecs=-5, seed=3)


def test_what_is_clear_is_taken():
    options = Options(seed=np.int64(3), max_matvecs=1e3, memory_limit="2 GiB", tolerance=np.float64(1e-9))
    assert (options.seed, options.max_matvecs, options.memory_limit) == (3, 1000, 2 << 30)
    assert all(type(value) is int for value in (options.seed, options.max_matvecs))


@pytest.mark.parametrize("engine", ["tensor", "quspin"])
@pytest.mark.parametrize("most", [1, 5, 30])
@pytest.mark.parametrize("charge", [2, 6], ids=["36 states", "400 states"])
def test_the_limit_of_products_holds_in_small_sectors(engine, most, charge):
    model = Model(ring(6), Electrons(hopping=1.0, hubbard_u=4.0, level=[0.0, 0.1, 0.2, 0.3, 0.5, 0.8]))
    try:
        assert ground_state(model, charge, options=Options(engine=engine, max_matvecs=most)).matvecs <= most
    except ConvergenceError as error:
        products = int(str(error).split(" products")[0].split()[-1])
        assert products <= most


@pytest.mark.parametrize("stored", [1 << 24, 0], ids=["stored vectors", "two passes"])
def test_a_search_is_given_up_at_the_limit(stored):
    matrix, products = np.diag(np.linspace(0.0, 1.0, 1000)), 0

    def product(v, out):
        nonlocal products
        products += 1
        return np.matmul(matrix, v, out=out)

    for most in (1, 2, 7, 25):
        products = 0
        with pytest.raises(ConvergenceError, match=f"after {most if most > 1 else 0} products"):
            lowest_levels(product, 1000, float, 1, 1e-10, 0, most, is_degenerate, stored_bytes=stored)
        assert products <= most


def free_levels(one, up, dn):
    """Return the energies of electrons without interaction, ascending."""
    each = [[sum(chosen) for chosen in combinations(one, n)] for n in (up, dn)]
    return np.sort(np.add.outer(*each).ravel())


LEVELS = np.array([0.0, 0.3, -0.2, 0.5, 0.1, -0.4, 0.7, 0.2, -0.1, 0.6])
EXACT = free_levels(np.linalg.eigvalsh(np.diag(LEVELS) - np.eye(10, k=1) - np.eye(10, k=-1)), 2, 1)


@pytest.mark.parametrize("solve", [ground_state, levels_by_symmetry])
@pytest.mark.parametrize("engine", ["auto", "quspin"])
@pytest.mark.parametrize(("wanted", "count"), [(80, 80), ("all", 450)])
def test_many_of_all_levels_are_found_without_a_search(solve, engine, wanted, count):
    model = Model(chain(10), Electrons(hopping=1.0, level=LEVELS.tolist()))
    levels = solve(model, Sector(3, 1), wanted, Options(engine=engine))
    np.testing.assert_allclose(levels.energies, EXACT[:count], atol=1e-12)
    assert levels.matvecs == 0


def test_all_levels_of_a_ring_come_from_all_its_blocks():
    found = levels_by_symmetry(RING, 4, "all")
    whole = ground_state(RING, 4, "all")
    assert len(found.energies) == len(whole.energies) == 225
    np.testing.assert_allclose(found.energies, whole.energies, atol=1e-12)


def test_a_model_file_asks_for_all_levels():
    text = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0 }
sector = { charge = 2 }
ground_state = { states = "all", observables = ["electron_density"] }
"""
    energies = run(parse(text, "ring.toml")).data["energies"].values
    np.testing.assert_allclose(energies, free_levels([-2.0, 1.0, 1.0], 1, 1), atol=1e-12)
    with pytest.raises(ValueError, match='states: got "some"; allowed: a whole number from 1 to 1000, or "all"'):
        parse(text.replace('"all"', '"some"'), "ring.toml")


@pytest.mark.parametrize("states", [0, -1, 1.5, "some", None])
def test_a_number_of_levels_that_cannot_be_is_refused(states):
    for solve in (ground_state, levels_by_symmetry):
        with pytest.raises(ValueError, match=r'states = .*1 or more, or "all"'):
            solve(RING, 2, states)
