"""Oscillator states that follow the charges: the same physics as in number states, matrix by matrix."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg as la
import scipy.sparse as sp
from formulas import matrix_of
from independent import fock, in_order_of, kron, sector_states
from oscillator_sets import EVERYTHING, RING, in_basis, random_sets

from respair.clusters import chain, dimer, ring, site
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    boson,
    create,
    displacement,
    electron_number,
    hamiltonian_operator,
    pair,
    quanta,
)
from respair.hamiltonians.hamiltonian import sparse_matrix
from respair.hamiltonians.space.oscillator_sets import LABELS
from respair.hamiltonians.space.product import Space
from respair.hamiltonians.symmetry.points import points_of

PAIRS = (Electrons(1.0), Bosons(-0.3, 0.6))
MODELS = {
    "everything": (EVERYTHING, Sector(3, 1)),
    "one site": (Model(site(), *PAIRS, Phonons(0.7, boson_coupling=1.3, electron_coupling=-0.2, max_quanta=5)),
                 Sector(2)),
    "flux": (Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.5, 0.2),
                   Phonons(1.0, on=[1], boson_coupling=0.9, electron_coupling=0.4, max_quanta=3), 0.8), Sector(3, 1)),
    "no vacancy": (Model(site(), Electrons(), Bosons(0.2, 0.3), Phonons(1.0, boson_coupling=1.0, max_quanta=3)),
                   Sector(4)),
    "pairs that hop": (Model(chain(3), None, Bosons([0.0, 0.2, -0.1], 0.0, 0.5),
                             Phonons(1.0, on=[0, 2], boson_coupling=0.9, max_quanta=2)), Sector(2)),
    "far": (Model(dimer(), *PAIRS, Phonons(1.0, electron_coupling={"distance": [0.5, 0.2]}, total_quanta=3)),
            Sector(2)),
}  # fmt: skip


def label(model, space, state, mode, follows):
    """The charge label of a mode, from the bits of a configuration."""
    i, sites = model.cluster.modes[mode].index, model.cluster.sites
    electrons = (state >> i & 1) + (state >> (sites + i) & 1)
    carriers = list(model.boson_sites)
    bosons = (state >> (2 * sites + carriers.index(i))) & 1 if i in carriers else 0
    return {"bosons": bosons, "electrons": electrons, "both": 2 * electrons + bosons}[follows]


def rotation(model, space, sets, cap):
    """Columns ``|e> (x) prod_m exp(s (a+ - a)) sum_k U^q_nk |k>`` in number states up to `cap` in each mode."""
    ladder = np.diag(np.sqrt(np.arange(1.0, cap + 1)), 1)
    blocks = []
    for state in map(int, space.charges.states):
        sets_of_e = []
        for m in range(len(model.modes)):
            c = sets.classes[m]
            moved = la.expm(sets.shifts[c] * (ladder.T - ladder))[:, : sets.size]
            sets_of_e.append(moved @ sets.states[c][label(model, space, state, m, sets.follows)].T)
        columns = [kron(*(u[:, [n]] for u, n in zip(sets_of_e, row, strict=True))) for row in space.phonons.occupations]
        blocks.append(sp.hstack(columns))
    return sp.block_diag(blocks, format="csr")


@pytest.mark.sampled
@pytest.mark.parametrize("follows", LABELS)
@pytest.mark.parametrize("name", MODELS)
def test_the_matrix_is_that_of_the_full_oscillator_projected(name, follows):
    """H from Kronecker products in far more number states, projected onto the chosen ones, element by element."""
    model, sector = MODELS[name]
    sets = random_sets(model, follows)
    cap = 40 if len(model.modes) == 1 else 24
    big = replace(model, phonons=replace(model.phonons, max_quanta=cap, total_quanta=None))
    model = in_basis(model, sets)
    hamiltonian = Hamiltonian.of(model, sector)
    space = hamiltonian.space
    f = fock(big)
    order = in_order_of(Space(big, sector), big, f, sector_states(big, f, sector.charge, sector.two_sz))
    h = sp.csr_array(matrix_of(hamiltonian_operator(big), f))[order][:, order]
    columns = rotation(model, space, sets, cap)
    expected = (columns.T @ h @ columns).toarray()
    ours = hamiltonian.matrix().toarray()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11)
    psi = np.random.default_rng(0).normal(size=space.shape)
    np.testing.assert_allclose(hamiltonian.apply(psi).ravel(), ours @ psi.ravel(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(Block.of(hamiltonian).energy.dot(psi.ravel()), ours @ psi.ravel(), rtol=0, atol=1e-12)


SYMMETRIC = {
    "complex momentum": (RING, Sector(3, 1, momentum=1)),
    "reflection": (RING, Sector(4, 0, momentum=2, reflection=-1)),
    "spin flip": (RING, Sector(4, 0, momentum=0, reflection=1, spin_flip=1)),
    "flux": (replace(RING, flux=0.7), Sector(4, 0, momentum=3)),
    "point group": (replace(RING, cluster=chain(3)), Sector(4, 0, irrep="odd")),
    "phonons that hop": (
        replace(RING, phonons=replace(RING.phonons, hopping=0.1, quartic=0.02)),
        Sector(2, 0, momentum=2, reflection=1)),
}  # fmt: skip


@pytest.mark.parametrize("follows", LABELS)
@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetry_blocks(name, follows):
    """What is stored for one block acts as the whole matrix does."""
    model, sector = SYMMETRIC[name]
    if name == "point group":
        sector = replace(sector, irrep=list(points_of(model).irreps)[-1])
    alike = name != "point group"
    sets = random_sets(model, follows, alike=True)
    if not alike:
        sets = replace(random_sets(model, follows), classes=(0, 1, 0))
    hamiltonian = Hamiltonian.of(in_basis(model, sets), sector)
    block = Block.of(hamiltonian)
    assert block.orbits is not None
    random = np.random.default_rng(1)
    v = random.normal(size=block.shape).astype(block.energy.dtype)
    v = v + 1j * random.normal(size=block.shape) if np.iscomplexobj(v) else v
    block.energy.project(v.reshape(-1))
    ours = block.expand(block.energy.dot(v.ravel()).reshape(block.shape))
    whole = hamiltonian.matrix() @ block.expand(v).ravel()
    np.testing.assert_allclose(ours.ravel(), whole, rtol=0, atol=1e-12)


def test_operators_of_all_kinds():
    """Observables act on stored amplitudes as their matrices do, and those are projections of the full oscillator."""
    sets = random_sets(RING, "both", alike=True, costs=(0, 1, 1, 2, 2))
    hamiltonian = Hamiltonian.of(in_basis(RING, sets), Sector(4, 0))
    space, block = hamiltonian.space, Block.of(hamiltonian)
    assert len(space.phonons) == space.phonons.size
    psi = np.random.default_rng(2).normal(size=block.shape)
    exchange = boson(1).dag * pair(1)
    for operator in (
        displacement(0) * displacement(2),
        quanta(1) * quanta(1),
        (exchange + exchange.dag) * displacement(1) * displacement(0),
        create(0, "up").dag * create(1, "up") * boson(0).dag * pair(0) * displacement(3),
        electron_number(0) * displacement(1) * displacement(2) * displacement(3),
    ):
        operator = operator + operator.dag
        ours = block.operator(operator, psi.dtype).apply(psi)
        np.testing.assert_allclose(ours.ravel(), sparse_matrix(space, operator) @ psi.ravel(), rtol=0, atol=1e-11)


def test_sets_that_the_symmetry_does_not_keep_are_refused():
    sets = replace(random_sets(RING, "bosons"), classes=(0, 1, 2, 3))
    with pytest.raises(InvalidModel, match="lacks this symmetry"):
        Block.of(Hamiltonian.of(in_basis(RING, sets), Sector(4, 0, momentum=0)))
