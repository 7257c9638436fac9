"""The Lanczos driver on matrices made to break it."""

import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from amounts import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from quspin.tools.lanczos import lanczos_full
from scipy.sparse.linalg import eigsh

from respair.clusters import dimer, ring
from respair.hamiltonians import Electrons, Model, Phonons, Sector
from respair.solvers import ConvergenceError, ground_state, is_degenerate, levels_by_symmetry, lowest_levels
from respair.solvers.engines.quspin import QuspinEngine
from respair.solvers.krylov.eigenpairs import lowest_eigenpairs, lowest_of
from respair.solvers.krylov.operator import FunctionOperator
from respair.solvers.krylov.recursion import Tridiagonal, lanczos_vectors
from respair.solvers.krylov.search import Limits, Memory

RANDOM = np.random.default_rng(5)


def rotated(levels, dtype=float):
    """Return a Hermitian matrix with the given eigenvalues and no structure."""
    size = len(levels)
    noise = RANDOM.standard_normal((size, size))
    if dtype is complex:
        noise = noise + 1j * RANDOM.standard_normal((size, size))
    basis, _ = np.linalg.qr(noise)
    return (basis * np.asarray(levels)) @ basis.conj().T


STORED, TWO_PASSES = 1 << 24, 0


def solve(matrix, count, tolerance=1e-10, max_matvecs=20_000, seed=0, stored_bytes=STORED, confirm=True, **how):
    def product(v, out):
        return np.matmul(matrix, v, out=out)

    dtype = np.complex128 if np.iscomplexobj(matrix) else np.float64
    search = {"tolerance": tolerance, "seed": seed, "max_matvecs": max_matvecs, "stored_bytes": stored_bytes}
    search |= {"confirm": confirm, **how}
    return lowest_levels(product, len(matrix), dtype, count, degenerate=is_degenerate, **search)


SPECTRA = {
    "separate levels": np.linspace(-3, 40, 500),
    "three-fold ground level": np.r_[[-1.0] * 3, np.linspace(0, 9, 497)],
    "three-fold excited level": np.r_[-2.0, [-1.0] * 3, np.linspace(0, 9, 496)],
    "levels that are exactly zero": np.r_[-1.0, [0.0] * 4, np.linspace(0.5, 9, 495)],
    "all levels positive": np.r_[[3.0] * 2, np.linspace(4, 30, 498)],
    "two distinct levels": np.r_[[-1.0] * 5, [2.0] * 495],
    "nearly degenerate": np.r_[-1.0, -1.0 + 1e-6, np.linspace(0, 5, 498)],
    "wide spectrum": np.r_[-1.0, -0.999, np.geomspace(1, 1e3, 498)],
    "very wide spectrum": np.r_[-1.0, -0.999, np.geomspace(1, 1e5, 498)],
}
CASES = [
    (name, way) for way in (STORED, TWO_PASSES) for name in SPECTRA if (name, way) != ("very wide spectrum", TWO_PASSES)
]


@pytest.mark.sampled
@pytest.mark.parametrize("dtype", [float, complex], ids=["real", "complex"])
@pytest.mark.parametrize(("name", "stored"), CASES)
def test_levels_and_multiplicities_are_those_of_the_matrix(name, dtype, stored):
    levels = np.sort(SPECTRA[name])
    matrix = rotated(levels, dtype)
    found = solve(matrix, 5, stored_bytes=stored, max_matvecs=50_000)
    np.testing.assert_allclose(found.energies[:5], levels[:5], atol=2e-9 * max(1, abs(levels[-1])))
    residual = matrix @ found.vectors - found.vectors * found.energies
    assert np.max(np.linalg.norm(residual, axis=0)) < 1e-9 * max(1.0, abs(levels[-1]) / 100)
    overlap = found.vectors.conj().T @ found.vectors
    np.testing.assert_allclose(overlap, np.eye(len(overlap)), atol=1e-9)


@pytest.mark.parametrize("stored", [STORED, TWO_PASSES], ids=["stored", "two passes"])
def test_the_whole_ground_level_is_found_when_one_level_is_asked_for(stored):
    found = solve(rotated(SPECTRA["three-fold ground level"]), 1, stored_bytes=stored)
    assert sum(is_degenerate(found.energies[0], e) for e in found.energies) == 3


@pytest.mark.parametrize("matrix", [np.zeros((50, 50)), 3.0 * np.eye(50)], ids=["zero", "identity"])
def test_a_multiple_of_the_identity_is_exhausted(matrix):
    found = solve(matrix, 1)
    np.testing.assert_allclose(found.energies, np.full(50, matrix[0, 0]), atol=1e-12)


@pytest.mark.parametrize("stored", [STORED, TWO_PASSES], ids=["stored", "two passes"])
def test_an_exhausted_krylov_space_does_not_trap_the_search(stored):
    matrix = np.diag(np.r_[0.0, np.repeat(np.arange(1.0, 6.0), 100)])
    found = solve(matrix, 3, stored_bytes=stored)
    np.testing.assert_allclose(found.energies[:3], [0.0, 1.0, 1.0], atol=1e-9)


def test_two_close_levels_far_from_all_others_are_told_apart():
    model = Model(
        dimer(),
        Electrons(1.0, hubbard_u=4.392602150960211),
        phonons=Phonons(1.4844042086988851, electron_coupling=2.450209307908974, total_quanta=44),
    )
    whole = ground_state(model, 2, 4).relative
    blocks = levels_by_symmetry(model, 2, 4).relative
    assert whole == pytest.approx(blocks[:4], abs=1e-9)


def test_levels_come_from_the_whole_spectrum_where_lapack_gives_up(monkeypatch):
    matrix = rotated(np.arange(12.0))
    whole = scipy.linalg.eigh

    def gives_up(a, subset_by_index=None, **how):
        if subset_by_index is not None:
            raise np.linalg.LinAlgError("Internal Error.")
        return whole(a, **how)

    monkeypatch.setattr(scipy.linalg, "eigh", gives_up)
    found = lowest_of(matrix, 3, is_degenerate)
    assert_allclose(found.energies, [0.0, 1.0, 2.0], atol=1e-12)
    assert_allclose(matrix @ found.vectors, found.vectors * found.energies, atol=1e-12)


def test_one_dimensional_problem():
    found = solve(np.array([[2.5]]), 1)
    assert found.energies == pytest.approx([2.5])


@pytest.mark.long
def test_an_enormous_ground_level_is_refused_with_a_cure():
    with pytest.raises(ArithmeticError, match="fix momentum"):
        solve(np.zeros((600, 600)), 1)


@pytest.mark.parametrize("stored", [STORED, TWO_PASSES], ids=["stored", "two passes"])
def test_giving_up_tells_the_residual_and_the_cure(stored):
    matrix = rotated(np.geomspace(1e-6, 1, 500))
    with pytest.raises(ConvergenceError, match=r"residual .* raise options.max_matvecs") as failure:
        solve(matrix, 1, tolerance=1e-12, max_matvecs=10, stored_bytes=stored)
    assert failure.value.residual > 1e-12


def test_the_same_seed_gives_the_same_numbers():
    matrix = rotated(SPECTRA["separate levels"])
    first, second = solve(matrix, 2, seed=3), solve(matrix, 2, seed=3)
    np.testing.assert_array_equal(first.vectors, second.vectors)


@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 60) | st.integers(401, 440),
    complex_entries=st.booleans(),
    stored=st.sampled_from([STORED, TWO_PASSES]),
)
@settings(max_examples=cases(30), deadline=None, derandomize=True)
def test_random_matrices_with_random_degeneracies(seed, size, complex_entries, stored):
    random = np.random.default_rng(seed)
    levels = np.sort(random.integers(-4, 5, size) + 0.0)
    noise = random.standard_normal((size, size)) + 1j * complex_entries * random.standard_normal((size, size))
    basis, _ = np.linalg.qr(noise if complex_entries else noise.real)
    found = solve((basis * levels) @ basis.conj().T, min(4, size), stored_bytes=stored)
    np.testing.assert_allclose(found.energies[: min(4, size)], levels[: min(4, size)], atol=1e-8)


def test_a_search_that_is_not_confirmed_finds_the_lowest_level_with_fewer_products():
    matrix = np.diag(np.r_[-2.0, np.linspace(-1.0, 5.0, 900)])
    sure, quick = (solve(matrix, 1, confirm=confirm) for confirm in (True, False))
    assert quick.energies[0] == pytest.approx(sure.energies[0], abs=1e-12) == -2.0
    assert quick.matvecs < 0.7 * sure.matvecs


class Matrix(FunctionOperator):
    """A dense matrix, with one of the two recursions."""

    def __init__(self, matrix, by_quspin=False):
        super().__init__(lambda v, out: np.matmul(matrix, v, out=out), len(matrix), matrix.dtype)
        if by_quspin:
            self.step = lambda *steps: QuspinEngine.step(self, *steps)


def told(operator, start, most, known=None):
    """Return the first Lanczos vectors and the tridiagonal matrix."""
    matrix = Tridiagonal() if known is None else known
    vectors = [q.copy() for q in itertools.islice(lanczos_vectors(operator, start.copy(), matrix), most)]
    return np.array(vectors), matrix


def unit_vector(size, dtype):
    start = RANDOM.standard_normal(size).astype(dtype)
    return start / np.linalg.norm(start)


@pytest.mark.parametrize("dtype", [float, complex], ids=["real", "complex"])
def test_both_recursions_give_the_tridiagonal_matrix_of_quspin(dtype):
    matrix, start = rotated(np.linspace(-3, 8, 300), dtype), unit_vector(300, dtype)
    _, _, basis = lanczos_full(matrix, start, 20)
    basis = basis.reshape(20, -1)
    projected = basis.conj() @ matrix @ basis.T
    for by_quspin in (False, True):
        vectors, found = told(Matrix(matrix, by_quspin), start, 20)
        np.testing.assert_allclose(found.diagonal, np.diag(projected).real[:19], atol=1e-10)
        np.testing.assert_allclose(found.coupling, np.diag(projected, 1).real, atol=1e-10)
        np.testing.assert_allclose(vectors, basis, atol=1e-10)


@pytest.mark.parametrize("dtype", [float, complex], ids=["real", "complex"])
def test_a_second_pass_with_known_coefficients_repeats_the_vectors(dtype):
    operator, start = Matrix(rotated(np.linspace(-3, 8, 300), dtype)), unit_vector(300, dtype)
    vectors, matrix = told(operator, start, 40)
    again, _ = told(operator, start, 40, matrix)
    np.testing.assert_allclose(again, vectors, atol=1e-9)
    assert len(matrix.diagonal) == len(matrix.coupling) == 39


@pytest.mark.parametrize("by_quspin", [False, True], ids=["ours", "QuSpin's"])
def test_a_recursion_that_begins_in_the_middle_is_the_same_one_to_the_last_digit(by_quspin):
    operator, start = Matrix(rotated(np.linspace(-3, 8, 300)), by_quspin), unit_vector(300, float)
    vectors, matrix = told(operator, start, 30)
    rest = Tridiagonal(matrix.diagonal[:12], matrix.coupling[:12])
    later = lanczos_vectors(operator, vectors[12].copy(), rest, begin=12, previous=vectors[11].copy())
    np.testing.assert_array_equal([q.copy() for q in itertools.islice(later, 18)], vectors[12:])
    assert (rest.diagonal, rest.coupling) == (matrix.diagonal, matrix.coupling)


def test_a_vector_may_be_changed_before_the_next_one_is_asked_for():
    levels = np.linspace(-3, 8, 300)
    operator, matrix = Matrix(np.diag(levels)), Tridiagonal()
    vectors = lanczos_vectors(operator, unit_vector(300, float), matrix)
    next(vectors)
    other = next(vectors)
    other[:] = unit_vector(300, float)
    expected = other @ (levels * other)
    next(vectors)
    assert matrix.diagonal[1] == pytest.approx(expected, abs=1e-12)


def test_the_recursions_agree_on_vectors_long_enough_for_all_cores():
    size = 200_000
    levels = np.linspace(-1, 5, size)
    ours = FunctionOperator(lambda v, out: np.multiply(levels, v, out=out), size, np.dtype(float))

    class ByQuspin(FunctionOperator):
        step = QuspinEngine.step

    other = ByQuspin(lambda v, out: np.multiply(levels, v, out=out), size, np.dtype(float))
    start = unit_vector(size, float)
    (_, one), (_, two) = (told(operator, start, 30) for operator in (ours, other))
    np.testing.assert_allclose(one.diagonal, two.diagonal, atol=1e-11)
    np.testing.assert_allclose(one.coupling, two.coupling, atol=1e-11)


@pytest.mark.parametrize("dtype", [float, complex], ids=["real", "complex"])
@pytest.mark.parametrize("kept", [0, 160_000], ids=["none kept", "some kept"])
@pytest.mark.parametrize("by_quspin", [False, True], ids=["ours", "QuSpin's"])
def test_two_passes_by_either_recursion(by_quspin, kept, dtype):
    levels = np.sort(SPECTRA["three-fold ground level"])
    matrix = rotated(levels, dtype)
    limits = Limits(4, 1e-10, 0, 20_000, is_degenerate)
    found = lowest_eigenpairs(Matrix(matrix, by_quspin), limits, Memory(TWO_PASSES, kept))
    np.testing.assert_allclose(found.energies[:4], levels[:4], atol=1e-9)
    residual = matrix @ found.vectors - found.vectors * found.energies
    assert np.max(np.linalg.norm(residual, axis=0)) < 1e-9


def test_a_long_search_stays_in_its_block_where_lower_levels_lie_outside():
    """Full filling: one configuration, whose stabiliser is the whole group, and three displaced oscillators."""
    quanta = 28
    cap = [n for n in itertools.product(range(quanta + 1), repeat=3) if sum(n) <= quanta]
    at = {n: i for i, n in enumerate(cap)}
    energy = sp.diags_array([float(sum(n)) for n in cap]).tolil()
    for n, i in at.items():
        for mode in range(3):
            raised = (*n[:mode], n[mode] + 1, *n[mode + 1 :])
            if raised in at:
                energy[i, at[raised]] = energy[at[raised], i] = -2.0 * np.sqrt(n[mode] + 1)
    turn = sp.csr_array((np.ones(len(cap)), ([at[n[-1:] + n[:-1]] for n in cap], list(at.values()))))
    wave = np.exp(2j * np.pi / 3)
    block = (sp.eye_array(len(cap)) + wave * turn + wave**2 * turn @ turn) / 3
    exact = eigsh(energy.tocsr() + 100.0 * (sp.eye_array(len(cap)) - block), k=3, which="SA")[0]

    phonons = Phonons(1.0, electron_coupling=1.0, total_quanta=quanta)
    model = Model(ring(3), Electrons(1.0), phonons=phonons)
    found = ground_state(model, Sector(6, 0, momentum=1), states=3).energies
    assert_allclose(found, np.sort(exact), atol=1e-8)
