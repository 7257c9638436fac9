"""Fields that turn spins, and pairs from a condensate: elements, levels, sums, and what is refused."""

import numpy as np
import pytest
from amounts import cases
from hypothesis import HealthCheck, event, given, settings
from random_models import mixed_models_and_sectors
from reference import respair_order, sector_indices, sector_matrix

from respair.hamiltonians import Hamiltonian
from respair.hamiltonians.kernels.tensor import TensorHamiltonian
from respair.solvers import Options, levels_by_symmetry
from respair.solvers.engines import product_index

ROUNDING = 1e-12
often = settings(max_examples=cases(60), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def bound(matrix):
    return ROUNDING * max(1.0, float(np.max(np.abs(matrix), initial=0.0)))


@pytest.mark.long
@often
@given(mixed_models_and_sectors())
def test_every_form_is_the_reference_element_by_element(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    order, _ = respair_order(model, hamiltonian.space)
    labels = (sector.parity or sector.charge, sector.two_sz)
    np.testing.assert_array_equal(np.sort(order), sector_indices(model, *labels))
    expected = sector_matrix(model, hamiltonian.space)
    event(f"gives up {sorted(model.broken)}, phonons: {model.phonons is not None}, flux: {np.any(model.flux)}")
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, rtol=0, atol=bound(expected))
    random = np.random.default_rng(1)
    psi = random.standard_normal(len(expected)) + 1j * random.standard_normal(len(expected))
    image = expected @ psi
    np.testing.assert_allclose(TensorHamiltonian(hamiltonian).dot(psi), image, rtol=0, atol=10 * bound(image))


@pytest.mark.long
@settings(often, max_examples=cases(15))
@given(mixed_models_and_sectors(largest=200))
def test_one_quspin_basis_gives_the_reference(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    basis, matrix = hamiltonian.quspin()
    number = product_index(hamiltonian, basis.states)
    expected = sector_matrix(model, hamiltonian.space)[np.ix_(number, number)]
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=0, atol=bound(expected))


@pytest.mark.long
@settings(often, max_examples=cases(30))
@given(mixed_models_and_sectors(largest=300))
def test_levels_of_all_blocks_are_those_of_the_reference(case):
    model, sector = case
    hamiltonian = Hamiltonian.of(model, sector)
    expected = np.linalg.eigvalsh(sector_matrix(model, hamiltonian.space))[:6]
    for engine in ("dense", "tensor"):
        found = levels_by_symmetry(model, sector, min(6, len(expected)), Options(engine=engine))
        np.testing.assert_allclose(found.energies, expected, rtol=0, atol=1e-8)
