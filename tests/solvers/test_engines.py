"""All engines give the same numbers, a new one of these tests included; sums over vectors are left to the engine."""

import numpy as np
import pytest
import scipy.sparse as sp

from respair import Bosons, Electrons, Model, Options, Phonons, Sector, estimate, ring
from respair.analysis import probe, spectral_function
from respair.hamiltonians import Block, Hamiltonian
from respair.solvers import DoesNotFit, ground_state, levels_by_symmetry, solve
from respair.solvers.engines import ENGINES, DenseEngine, Engine
from respair.solvers.krylov import eigenpairs
from respair.solvers.krylov.operator import TINY
from respair.solvers.krylov.sampling import samples


class Toy(Engine):
    """A dense matrix in a basis of its own: shuffled states, each amplitude times a number.

    Products of vectors divide by these numbers. A sum over entries that does not go through the engine is wrong.
    """

    name = "toy"

    def __init__(self, block):
        super().__init__(block)
        dense = DenseEngine(block)
        self.size, random = dense.size, np.random.default_rng(5)
        place = random.permutation(self.size)
        self.factors = random.uniform(0.5, 2.0, self.size)
        columns = sp.csr_array(sp.eye_array(self.size)) if dense.basis is None else dense.basis
        self.basis = sp.csr_array(columns[:, place])
        self.matrix = self.factors[:, None] * dense.matrix[np.ix_(place, place)] / self.factors
        self.dtype = self.matrix.dtype

    @classmethod
    def needs(cls, size):
        return 8.0 * size.stored**2, 1e-9 * size.stored**2 * size.products

    @classmethod
    def check(cls, model):
        if model.cluster.sites > 6:
            raise DoesNotFit("a toy has six sites at most")

    def product(self, v, out):
        out[:] = self.matrix @ v
        return out

    def vector(self, phi):
        return self.factors * super().vector(phi)

    def amplitudes(self, columns):
        return super().amplitudes(columns / self.factors[:, None])

    def overlaps(self, rows, v):
        return rows.conj() @ (v / self.factors**2)

    def norm(self, v):
        return float(np.linalg.norm(v / self.factors))

    def random(self, generator):
        return self.factors * super().random(generator)

    def three_terms(self, before, now, image, a, b, c):
        before[:] = c * (image - a * now - b * before)
        return self.norm(before)


@pytest.fixture
def toy(monkeypatch):
    load = ENGINES._load
    monkeypatch.setattr(ENGINES, "_names", (*ENGINES, "toy"))
    monkeypatch.setattr(ENGINES, "_load", lambda name: Toy if name == "toy" else load(name))
    monkeypatch.setattr(eigenpairs, "SMALL", 20)


MODEL = Model(ring(4), Electrons(1.0, 0.1, 0.5), Bosons(0.3, 0.7), Phonons(1.0, boson_coupling=0.8, total_quanta=3))
SECTORS = [Sector(4, 0, momentum=0, reflection=1), Sector(3, 1, momentum=1)]
ALL = ("dense", "quspin", "tensor", "toy")


def test_every_engine_is_a_file_of_the_folder():
    assert list(ENGINES) == ["dense", "distributed", "quspin", "tensor"]
    assert all(ENGINES[name].__module__.endswith(f".engines.{name}") for name in ENGINES)


@pytest.mark.parametrize("sector", SECTORS, ids=["real", "complex"])
@pytest.mark.parametrize("stored_bytes", [1 << 22, 0], ids=["stored vectors", "two passes"])
def test_all_engines_find_the_same_levels(toy, sector, stored_bytes, monkeypatch):
    monkeypatch.setattr("respair.solvers.engines.base.STORED_BYTES", stored_bytes)
    exact, *others = (ground_state(MODEL, sector, 3, Options(engine=engine)) for engine in ALL)
    for found in others:
        np.testing.assert_allclose(found.energies, exact.energies, rtol=0, atol=1e-10)
        assert np.max(found.certificate.residuals) < 1e-9
        overlaps = np.einsum("krp,krp->k", exact.amplitudes.conj(), found.amplitudes)
        np.testing.assert_allclose(np.abs(overlaps), 1.0, atol=1e-8)
    assert others[-1].engine == "toy"
    assert others[-1].matvecs > 0


def test_all_engines_draw_the_same_lines(toy):
    levels, seen, omega = levels_by_symmetry(MODEL, 3), probe(MODEL, "electron", 0), np.linspace(-4, 4, 21)
    exact, *others = (spectral_function(levels, seen, omega, 0.3, options=Options(engine=e)) for e in ALL)
    for found in others:
        assert int(found.steps) > 0
        np.testing.assert_allclose(found["values"], exact["values"], rtol=0, atol=float(found.error) + 1e-11)


@pytest.mark.parametrize("sector", SECTORS, ids=["real", "complex"])
def test_samples_of_all_engines_have_the_same_thermal_sums(toy, sector):
    """At high temperature, and with the lowest levels apart: random vectors differ from engine to engine."""
    block = Block.of(Hamiltonian.of(MODEL, sector))
    levels = np.linalg.eigvalsh(DenseEngine(block).matrix)
    known = ground_state(MODEL, sector, 2, Options(engine="dense")).amplitudes
    rest = np.exp(-(levels[len(known) :] - levels[0]) / 3.0)
    for engine in ALL:
        found = [*samples(block, 40, 60, np.random.SeedSequence(3), known, engine)]
        sums = [float(sample.weights @ np.exp(-(sample.energies - levels[0]) / 3.0)) for sample in found]
        error = np.std(sums) / np.sqrt(len(sums))
        assert abs(np.mean(sums) - rest.sum()) < 5 * error
        state = found[0].thermal_states(np.array([3.0]), levels[0])[0]
        assert np.vdot(state, state).real == pytest.approx(sums[0], rel=1e-10)
        assert np.max(np.abs(np.tensordot(known.conj(), state, 2))) < 1e-9
        assert found[0].grown(80).energies[0] == pytest.approx(levels[len(known)], abs=1e-3)


@pytest.mark.parametrize("z", [-9.0, 0.3 + 0.2j])
def test_all_engines_solve_the_same_linear_equation(toy, z):
    found = ground_state(MODEL, SECTORS[1])
    block, b = found.block, np.random.default_rng(0).standard_normal((2, *found.block.shape))
    b = np.array([block.compress(block.expand(found.amplitudes[0]))] * 2) + 0.0 * b
    exact, *others = (solve(block, z, b, engine=engine) for engine in ALL)
    for y in others:
        np.testing.assert_allclose(y, exact, atol=1e-8)


def test_a_new_engine_is_known_everywhere(toy):
    need = estimate(MODEL, SECTORS[0], "toy")
    assert (need.engine, need.seconds > 0.01) == ("toy", True)
    assert Options(engine="toy").engine == "toy"
    with pytest.raises(ValueError, match=r"allowed: auto, dense, distributed, quspin, tensor, toy$"):
        Options(engine="lapack")
    with pytest.raises(MemoryError, match="six sites at most"):
        ground_state(Model(ring(7), Electrons(1.0)), 1, options=Options(engine="toy"))


@pytest.mark.parametrize("name", ["tensor", "quspin"])
def test_the_vector_operations_are_those_of_the_euclidean_space(name):
    engine = ENGINES[name](Block.of(Hamiltonian.of(MODEL, SECTORS[1])))
    u, v = (engine.random(np.random.default_rng(seed)) for seed in (1, 2))
    assert engine.dot(u, v) == pytest.approx(np.vdot(u, v))
    assert engine.norm(u) == pytest.approx(np.linalg.norm(u))
    image, before = engine.product(u, np.empty_like(u)), v.copy()
    norm = engine.three_terms(before, u, image, 0.3, 0.2, 0.5)
    np.testing.assert_allclose(before, 0.5 * (image - 0.3 * u - 0.2 * v), atol=1e-12)
    assert norm == pytest.approx(np.linalg.norm(before))
    assert norm > TINY
    phi = engine.amplitudes(u[:, None])
    engine.project(u)
    np.testing.assert_allclose(engine.amplitudes(engine.vector(phi[0])[:, None]), phi, atol=1e-12)
