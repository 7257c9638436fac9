"""Symmetric blocks keep their states compactly; what is measured in them is what is measured in the whole sector."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from respair.analysis import expectation, flux_response, observables
from respair.analysis.observables.averages import mode_density_matrix
from respair.clusters import ring
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Model,
    Phonons,
    Sector,
    annihilate,
    boson,
    create,
    displacement,
    electron_number,
    pair,
    quanta,
)
from respair.hamiltonians.hamiltonian import apply_factors
from respair.solvers import Options, ground_state

PAIRS = Model(
    ring(4), Electrons(1.0, hubbard_u=0.7), Bosons(-0.3, 0.6, 0.2), Phonons(1.1, boson_coupling=0.8, max_quanta=1)
)
MODELS = {
    "boson-fermion": (PAIRS, Sector(4, 0)),
    "total cap": (replace(PAIRS, phonons=Phonons(0.9, boson_coupling=1.0, total_quanta=2)), Sector(4, 0)),
    "odd electrons": (replace(PAIRS, cluster=ring(3)), Sector(3, 1)),
    "flux": (replace(PAIRS, flux=0.7), Sector(4, 0)),
    "mean displacement": (
        replace(PAIRS, phonons=Phonons(1.0, boson_coupling=0.8, max_quanta=2, displacement="mean")),
        Sector(2, 0),
    ),
    "modes on bonds": (
        Model(ring(4), Electrons(1.0, hubbard_u=0.7), phonons=Phonons(1.0, "bonds", bond_coupling=0.3, max_quanta=1)),
        Sector(3, 1),
    ),
    "optical modes": (
        Model(ring(4), Electrons(1.0, repulsion=0.7), phonons=Phonons(1.0, bond_coupling=0.2, max_quanta=2)),
        Sector(2, 0),
    ),
}
SYMMETRIC = [
    (name, momentum, reflection)
    for name, (model, _) in MODELS.items()
    for momentum, reflection in ([(0, None), (1, None), (0, 1), (0, -1)] if not model.flux else [(0, None), (1, None)])
]


def formulas(model):
    """Yield operators that know nothing of the symmetry."""
    modes, bosons = len(model.modes), model.bosons is not None
    yield electron_number(0)
    yield create(1, "up") * annihilate(0, "up")
    yield pair(1).dag * pair(0)
    yield electron_number(0) * displacement(1)
    yield displacement(0) * displacement(modes - 1)
    yield quanta(1)
    if bosons:
        yield boson(1).dag * pair(0) * displacement(0)
        yield boson(2).dag * boson(0)


def by_hand(psi, space, operator):
    """<O> from all amplitudes and SciPy's sparse products."""
    factors = space.factorise(operator)
    lattice = tuple(sp.csr_array(space.lattice_matrix(factor.lattice).T) for factor in factors)
    return np.vdot(psi, apply_factors(factors, lattice, psi))


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ["dense", "quspin", "tensor"])
@pytest.mark.parametrize(("name", "momentum", "reflection"), SYMMETRIC)
def test_averages_from_stored_amplitudes_are_those_of_the_whole_state(name, momentum, reflection, engine):
    model, sector = MODELS[name]
    block = replace(sector, momentum=momentum, reflection=reflection)
    state = ground_state(model, block, 1, Options(engine=engine)).ground
    psi, space = state.vectors, state.hamiltonian.space
    assert np.einsum("kep,lep->kl", psi.conj(), psi) == pytest.approx(np.eye(len(psi)), abs=1e-9)
    for operator in formulas(model):
        whole = sum(w * by_hand(v, space, operator) for w, v in zip(state.weights, psi, strict=True))
        assert expectation(state, operator) == pytest.approx(whole, abs=1e-10)


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "momentum", "reflection"), SYMMETRIC)
def test_mode_density_matrices_are_partial_traces_of_the_whole_state(name, momentum, reflection):
    model, sector = MODELS[name]
    state = ground_state(model, replace(sector, momentum=momentum, reflection=reflection)).ground
    occupations = state.hamiltonian.space.phonons.occupations.astype(int)
    for mode in range(occupations.shape[1]):
        rho = mode_density_matrix(state, mode)
        others = np.delete(occupations, mode, axis=1)
        expected = np.zeros_like(rho)
        for weight, psi in zip(state.weights, state.vectors, strict=True):
            for p, n in enumerate(occupations[:, mode]):
                for q, m in enumerate(occupations[:, mode]):
                    if np.array_equal(others[p], others[q]):
                        expected[n, m] += weight * np.vdot(psi[:, q], psi[:, p])
        np.testing.assert_allclose(rho, expected, atol=1e-12)


@pytest.mark.parametrize("name", ["boson-fermion", "total cap", "mean displacement", "modes on bonds"])
def test_a_unique_ground_state_has_the_same_observables_with_and_without_its_quantum_numbers(name):
    model, sector = MODELS[name]
    whole = ground_state(model, sector, 1, Options(engine="quspin"))
    if whole.multiplicity > 1:
        pytest.skip("the ground level is degenerate")
    blocks = [ground_state(model, replace(sector, momentum=m), 1, Options(engine="tensor")) for m in range(4)]
    best = min(blocks, key=lambda levels: levels.energies[0])
    assert best.energies[0] == pytest.approx(whole.energies[0], abs=1e-10)
    assert best.certificate.leaks[0] == pytest.approx(whole.certificate.leaks[0], abs=1e-8)
    assert best.certificate.leak_energies[0] == pytest.approx(whole.certificate.leak_energies[0], abs=1e-6)
    ours, theirs = observables(best.ground), observables(whole.ground)
    for quantity in theirs.data_vars:
        np.testing.assert_allclose(ours[quantity].values, theirs[quantity].values, atol=1e-7, err_msg=str(quantity))


@pytest.mark.parametrize("phi", [0.3, 2.0])
def test_current_and_stiffness_agree_between_engines_and_blocks(phi):
    model, sector = PAIRS, Sector(4, 0)
    whole = flux_response(model, sector, [phi], Options(engine="quspin"))
    blocks = [flux_response(model, replace(sector, momentum=m), [phi], Options(engine="tensor")) for m in range(4)]
    best = min(blocks, key=lambda data: float(data.energies[0]))
    for name in ("energies", "current", "stiffness"):
        assert float(best[name][0]) == pytest.approx(float(whole[name][0]), abs=1e-7)
