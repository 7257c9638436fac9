"""Momentum and reflection: blocks add up to the sector, labels mean what they say, engines agree, refusals."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from respair.hamiltonians import (
    Block,
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    annihilate,
    boson,
    boson_number,
    create,
    displacement,
    electron_number,
    pair,
)
from respair.hamiltonians.symmetry.group import group
from respair.hamiltonians.symmetry.quantum_numbers import sector_symmetries
from respair.solvers import Options, block_isometry, ground_state

EVERYTHING = Electrons(hopping=1.0, level=0.1, hubbard_u=0.7, repulsion=0.3)
PAIRS = Bosons(level=-0.3, exchange=0.6, hopping=0.2)
HOLSTEIN = Phonons(0.8, electron_coupling=0.6, total_quanta=2)
POLARONS = Phonons(0.9, boson_coupling=0.7, electron_coupling=-0.3, max_quanta=1, total_quanta=2)
PEIERLS = Phonons(0.7, on="bonds", bond_coupling=0.4, total_quanta=2)
OPTICAL = Phonons(0.7, bond_coupling=0.35, max_quanta=2, total_quanta=3)
RINGS = {
    "boson-fermion 2": (Model(ring(2), EVERYTHING, PAIRS), Sector(2)),
    "boson-fermion 3": (Model(ring(3), EVERYTHING, PAIRS), Sector(3, 1)),
    "boson-fermion 4": (Model(ring(4), EVERYTHING, PAIRS), Sector(4)),
    "boson-fermion 4, triplet": (Model(ring(4), EVERYTHING, PAIRS), Sector(4, -2)),
    "boson-fermion 5": (Model(ring(5), EVERYTHING, PAIRS), Sector(3)),
    "boson-fermion 6": (Model(ring(6), EVERYTHING, PAIRS), Sector(3, -1)),
    "hard-core bosons 6": (Model(ring(6), None, Bosons(0.2, 0.0, 0.5)), Sector(6)),
    "Holstein 2": (Model(ring(2), EVERYTHING, None, replace(HOLSTEIN, total_quanta=5)), Sector(2)),
    "Holstein 3": (Model(ring(3), EVERYTHING, None, HOLSTEIN), Sector(2)),
    "Holstein 4": (Model(ring(4), EVERYTHING, None, HOLSTEIN), Sector(1)),
    "Holstein 3, displaced": (Model(ring(3), EVERYTHING, None, replace(HOLSTEIN, displacement="mean")), Sector(3)),
    "polarons 3": (Model(ring(3), EVERYTHING, PAIRS, POLARONS), Sector(3)),
    "polarons 4": (Model(ring(4), EVERYTHING, PAIRS, POLARONS), Sector(2)),
    "Peierls 2": (Model(ring(2), EVERYTHING, None, replace(PEIERLS, total_quanta=6)), Sector(2)),
    "Peierls 3": (Model(ring(3), EVERYTHING, PAIRS, PEIERLS), Sector(2)),
    "Peierls 4": (Model(ring(4), EVERYTHING, None, PEIERLS), Sector(2)),
    "optical 2": (Model(ring(2), EVERYTHING, None, OPTICAL), Sector(1)),
    "optical 3": (Model(ring(3), EVERYTHING, PAIRS, OPTICAL), Sector(2)),
    "optical 4": (Model(ring(4), EVERYTHING, None, OPTICAL), Sector(2)),
    "optical 5": (Model(ring(5), EVERYTHING, None, replace(OPTICAL, total_quanta=1)), Sector(3)),
}
THREADED = {
    f"{name}, flux": (replace(RINGS[name][0], flux=0.9), RINGS[name][1])
    for name in ("boson-fermion 3", "boson-fermion 5", "hard-core bosons 6", "Holstein 3", "polarons 3", "Peierls 3",
                 "optical 3", "optical 4")
}  # fmt: skip
MIRRORS = {
    "dimer": (Model(dimer(), EVERYTHING, PAIRS, POLARONS), Sector(2)),
    "optical dimer": (Model(dimer(), EVERYTHING, None, replace(OPTICAL, total_quanta=None, max_quanta=4)), Sector(2)),
    "chain 3": (Model(chain(3), EVERYTHING, PAIRS, POLARONS), Sector(3)),
    "optical chain 3": (Model(chain(3), EVERYTHING, None, OPTICAL), Sector(3)),
    "optical chain 4": (Model(chain(4), EVERYTHING, None, replace(OPTICAL, total_quanta=1)), Sector(2)),
    "Peierls chain 4": (Model(chain(4), EVERYTHING, None, PEIERLS), Sector(2)),
    "ladder": (Model(ladder(2), Electrons({"leg": 1.0, "rung": 0.6}, hubbard_u=2.0), PAIRS), Sector(3)),
    "plaquette": (Model(plaquette([3, 2]), EVERYTHING, PAIRS), Sector(2)),
    "ligand-centre": (
        Model(ligand_centre(4), Electrons({"ring": 1.0, "centre": 0.4}, {"ligand": 1.5}), None,
              Phonons(1.0, on="ligand", electron_coupling=0.9, max_quanta=3)),
        Sector(2),
    ),
    "chain 4, couplings that mirror": (
        Model(chain(4), Electrons([1.0, 0.5, 1.0], [0.1, 0.2, 0.2, 0.1]), Bosons(0.3, [0.5, 0.5], on=[3, 0])),
        Sector(2),
    ),
}  # fmt: skip
ENGINES = ("dense", "quspin", "tensor")


def cases(models, slow=()):
    marks = dict.fromkeys(slow, pytest.mark.slow)
    each = [pytest.param(*case, id=name, marks=marks.get(name, ())) for name, case in models.items()]
    return pytest.mark.parametrize(("model", "sector"), each)


def levels(model, sector, engine="dense", states=None, **fixed):
    block = replace(sector, **fixed)
    wanted = Hamiltonian.of(model, block).space.dimension if states is None else states
    return ground_state(model, block, wanted, Options(engine=engine))


def spectrum(model, sector, **fixed):
    return levels(model, sector, **fixed).energies


def dimension(model, sector, **fixed):
    hamiltonian = Hamiltonian.of(model, replace(sector, **fixed))
    isometry = block_isometry(hamiltonian)
    return hamiltonian.space.dimension if isometry is None else isometry.shape[1]


def union(*spectra):
    return np.sort(np.concatenate(spectra))


def momenta(model):
    return range(model.cluster.sites)


def real_momenta(model):
    return [m for m in momenta(model) if 2 * m % model.cluster.sites == 0]


def blocks_of(model, sector):
    """All finest blocks of a ring, without flux."""
    for m in momenta(model):
        for parity in (1, -1) if m in real_momenta(model) and model.cluster.sites > 2 and not model.flux else (None,):
            yield replace(sector, momentum=m, reflection=parity)


def unitary(hamiltonian, element):
    """The matrix of a group element on the product states of a sector."""
    size = hamiltonian.space.dimension
    image, sign = element.images(np.arange(size))
    return sp.csr_array((sign, (image, np.arange(size))), shape=(size, size))


def translation(hamiltonian):
    model = hamiltonian.space.model
    at_rest = Hamiltonian.of(model, replace(hamiltonian.space.sector, momentum=0, reflection=None))
    return unitary(hamiltonian, group(at_rest.space, sector_symmetries(at_rest.space, at_rest.operator))[1])


@pytest.mark.sampled
@cases(RINGS | THREADED)
def test_the_momenta_together_give_the_spectrum_of_the_sector(model, sector):
    parts = [spectrum(model, sector, momentum=m) for m in momenta(model)]
    np.testing.assert_allclose(union(*parts), spectrum(model, sector), rtol=0, atol=1e-10)


@pytest.mark.sampled
@cases(RINGS)
def test_both_reflections_together_give_the_momentum(model, sector):
    for m in real_momenta(model):
        even, odd = (
            (spectrum(model, sector, momentum=m, reflection=parity) for parity in (1, -1))
            if (model.cluster.sites > 2)
            else (spectrum(model, sector, momentum=m, reflection=1), np.zeros(0))
        )
        np.testing.assert_allclose(union(even, odd), spectrum(model, sector, momentum=m), rtol=0, atol=1e-10)


@cases(RINGS)
def test_opposite_momenta_have_the_same_spectrum_without_a_flux(model, sector):
    for m in range(1, (model.cluster.sites + 1) // 2):
        there, back = (spectrum(model, sector, momentum=k % model.cluster.sites) for k in (m, -m))
        np.testing.assert_allclose(there, back, rtol=0, atol=1e-10)


@cases(THREADED)
def test_reversing_flux_and_momentum_keeps_the_spectrum(model, sector):
    back = replace(model, flux=-model.flux)
    for m in momenta(model):
        mirrored = spectrum(back, sector, momentum=-m % model.cluster.sites)
        np.testing.assert_allclose(spectrum(model, sector, momentum=m), mirrored, rtol=0, atol=1e-10)


@cases(MIRRORS)
def test_both_reflections_together_give_the_sector(model, sector):
    even, odd = (spectrum(model, sector, reflection=parity) for parity in (1, -1))
    assert len(even) > 0
    assert len(odd) > 0
    np.testing.assert_allclose(union(even, odd), spectrum(model, sector), rtol=0, atol=1e-10)


@cases(RINGS | THREADED)
def test_dimensions_of_blocks_add_up(model, sector):
    blocks = [Hamiltonian.of(model, block) for block in blocks_of(model, sector)]
    isometries = [block_isometry(h) for h in blocks]
    size = blocks[0].space.dimension
    assert sum(b.shape[1] for b in isometries) == size
    whole = sp.hstack(isometries).toarray()
    np.testing.assert_allclose(whole.conj().T @ whole, np.eye(size), atol=1e-12)


@cases(RINGS | THREADED)
def test_blocks_do_not_mix(model, sector):
    matrix = Hamiltonian.of(model, sector).matrix()
    columns = [block_isometry(Hamiltonian.of(model, block)) for block in blocks_of(model, sector)]
    for left, right in itertools.combinations(columns, 2):
        assert np.max(np.abs((left.conj().T @ matrix @ right).toarray()), initial=0.0) < 1e-12


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ENGINES)
@cases(RINGS | THREADED)
def test_states_of_a_momentum_are_eigenvectors_of_the_translation(model, sector, engine):
    for m in momenta(model):
        found = levels(model, sector, engine, 4, momentum=m)
        shift = translation(found.hamiltonian)
        for psi in found.vectors:
            assert np.linalg.norm(psi) == pytest.approx(1.0, abs=1e-12)
            turned = np.exp(-2j * np.pi * m / model.cluster.sites) * psi.ravel()
            np.testing.assert_allclose(shift @ psi.ravel(), turned, rtol=0, atol=1e-9)
        assert np.all(found.certificate.residuals < 1e-8)


@pytest.mark.sampled
@pytest.mark.parametrize("engine", ENGINES)
@cases(MIRRORS)
def test_states_of_a_reflection_are_even_or_odd(model, sector, engine):
    for parity in (1, -1):
        found = levels(model, sector, engine, 4, reflection=parity)
        space = found.hamiltonian.space
        mirror = unitary(found.hamiltonian, group(space, sector_symmetries(space, found.hamiltonian.operator))[1])
        for psi in found.vectors:
            np.testing.assert_allclose(mirror @ psi.ravel(), parity * psi.ravel(), rtol=0, atol=1e-9)
        assert np.all(found.certificate.residuals < 1e-8)


def agree(model, block, states):
    reference = levels(model, block, "dense", states)
    for engine in ENGINES[1:]:
        found = levels(model, block, engine, states)
        np.testing.assert_allclose(found.energies, reference.energies, rtol=0, atol=1e-10, err_msg=f"{engine}, {block}")
        assert found.multiplicity == reference.multiplicity


@pytest.mark.long
@cases(
    RINGS | THREADED,
    slow=("optical 3", "optical 3, flux", "optical 4", "optical 4, flux", "Holstein 4", "polarons 4", "Peierls 4"),
)
def test_engines_agree_in_every_block_of_a_ring(model, sector):
    for block in blocks_of(model, sector):
        agree(model, block, 6)


@pytest.mark.sampled
@cases(MIRRORS)
def test_engines_agree_in_both_reflections(model, sector):
    for parity in (1, -1):
        agree(model, replace(sector, reflection=parity), 6)


@pytest.mark.parametrize(
    ("phonons", "flux", "momentum", "reflection"),
    [
        (POLARONS, 0.0, 0, 1),
        (POLARONS, 0.0, 2, -1),
        (POLARONS, 0.0, 1, None),
        (replace(OPTICAL, total_quanta=2), 0.4, 3, None),
        (replace(OPTICAL, total_quanta=2), 0.0, 0, -1),
        (PEIERLS, 0.0, 2, 1),
    ],
    ids=["even at rest", "odd at pi", "complex", "flux", "optical, odd", "Peierls at pi"],
)
def test_engines_agree_where_lanczos_is_needed(phonons, flux, momentum, reflection):
    model = Model(ring(4), EVERYTHING, PAIRS, phonons, flux)
    block = Sector(4, 0, momentum, reflection)
    assert dimension(model, block) > 0
    agree(model, block, 3)


def one_particle(sites, phase, half=0):
    """Momentum number and energy of one particle with hopping 1, c+_{i+1} c_i carrying exp(i phase)."""
    return [(n, -2.0 * np.cos(2 * np.pi * (n + half / 2) / sites - phase)) for n in range(sites)]


@pytest.mark.parametrize("flux", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("sites", [3, 4, 5, 6])
def test_one_electron_has_the_band_energy_of_its_momentum(sites, flux):
    model = Model(ring(sites), Electrons(1.0), flux=flux)
    for m, energy in one_particle(sites, flux / sites):
        assert spectrum(model, Sector(1), momentum=m) == pytest.approx([energy], abs=1e-12)
        assert spectrum(model, Sector(1, -1), momentum=m) == pytest.approx([energy], abs=1e-12)


@pytest.mark.parametrize("flux", [0.0, 1.1])
@pytest.mark.parametrize(("sites", "up", "dn"), [(3, 2, 1), (4, 2, 0), (4, 2, 2), (5, 2, 1), (6, 3, 0), (6, 2, 1)])
def test_free_electrons_fill_bands_whose_momenta_add_up(sites, up, dn, flux):
    band = one_particle(sites, flux / sites)
    expected = {m: [] for m in range(sites)}
    for filled in itertools.product(itertools.combinations(band, up), itertools.combinations(band, dn)):
        taken = [*filled[0], *filled[1]]
        expected[sum(n for n, _ in taken) % sites].append(sum(energy for _, energy in taken))
    model, sector = Model(ring(sites), Electrons(1.0), flux=flux), Sector(up + dn, up - dn)
    for m, energies in expected.items():
        np.testing.assert_allclose(spectrum(model, sector, momentum=m), np.sort(energies), rtol=0, atol=1e-12)


@pytest.mark.parametrize("flux", [0.0, 0.9])
@pytest.mark.parametrize(("sites", "pairs"), [(3, 1), (4, 2), (5, 2), (5, 3), (6, 2), (6, 3)])
def test_hard_core_bosons_are_free_fermions_with_twice_the_phase(sites, pairs, flux):
    """Jordan-Wigner: an even number of them closes the ring with a minus sign."""
    half = (pairs + 1) % 2
    expected = {m: [] for m in range(sites)}
    for filled in itertools.combinations(one_particle(sites, 2 * flux / sites, half), pairs):
        momentum = sum(n for n, _ in filled) + half * pairs // 2
        expected[momentum % sites].append(sum(energy for _, energy in filled))
    model = Model(ring(sites), None, Bosons(hopping=1.0), flux=flux)
    for m, energies in expected.items():
        np.testing.assert_allclose(
            spectrum(model, Sector(2 * pairs), momentum=m), np.sort(energies), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("phonons", [HOLSTEIN, PEIERLS, OPTICAL], ids=["Holstein", "Peierls", "optical"])
def test_each_momentum_has_one_phonon_of_its_own(phonons):
    model = Model(ring(5), Electrons(1.0), None, replace(phonons, max_quanta=1, total_quanta=1))
    omega = phonons.frequency
    for m in range(5):
        expected = [0.0, omega] if m == 0 else [omega]
        np.testing.assert_allclose(spectrum(model, Sector(0), momentum=m), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("phonons", "parity"), [(HOLSTEIN, 1), (PEIERLS, 1), (OPTICAL, -1)], ids=["Holstein", "Peierls", "optical"]
)
def test_a_reflection_turns_displacements_along_the_ring_around(phonons, parity):
    model = Model(ring(4), Electrons(1.0), None, replace(phonons, max_quanta=1, total_quanta=1))
    omega = phonons.frequency
    same = spectrum(model, Sector(0), momentum=0, reflection=parity)
    np.testing.assert_allclose(same, [0.0, omega] if parity == 1 else [omega], atol=1e-14)
    other = spectrum(model, Sector(0), momentum=0, reflection=-parity)
    np.testing.assert_allclose(other, [] if parity == 1 else [0.0], atol=1e-14)


@pytest.mark.parametrize(
    ("model", "sector"), [RINGS[n] for n in ("polarons 3", "Peierls 3", "optical 3", "boson-fermion 6")], ids=str
)
def test_the_translation_moves_every_operator_by_one_site(model, sector):
    hamiltonian = Hamiltonian.of(model, sector)
    shift = translation(hamiltonian)
    sites = model.cluster.sites

    def formulas(i):
        j = (i + 1) % sites
        yield electron_number(i, "up")
        yield create(j, "up") * annihilate(i, "up")
        yield create(j, "dn") * annihilate(i, "dn")
        if model.bosons:
            yield boson_number(i)
            yield boson(i).dag * pair(i)
            yield boson(j).dag * boson(i)
        if model.phonons:
            yield displacement(i) * displacement(j)

    def matrix(operator):
        zero = sp.csr_array((hamiltonian.space.dimension,) * 2)
        parts = hamiltonian.space.factorise(operator)
        return sum((sp.kron(f.charges, hamiltonian.space.lattice_matrix(f.lattice)) for f in parts), zero)

    for i in range(sites):
        for here, there in zip(formulas(i), formulas((i + 1) % sites), strict=True):
            moved = shift @ matrix(here) @ shift.T - matrix(there)
            assert np.max(np.abs(moved.toarray())) < 1e-12
    power = sp.eye_array(hamiltonian.space.dimension)
    for _ in range(sites):
        power = shift @ power
    assert np.max(np.abs((power - sp.eye_array(hamiltonian.space.dimension)).toarray())) == 0


@pytest.mark.parametrize("name", ["boson-fermion 4", "boson-fermion 5", "boson-fermion 4, triplet"])
def test_signs_of_the_translation_come_from_sorting_the_creators(name):
    model, sector = RINGS[name]
    hamiltonian = Hamiltonian.of(model, sector)
    charges, sites = hamiltonian.space.charges, model.cluster.sites
    shift = translation(hamiltonian).tocoo()
    for image, start, sign in zip(shift.row, shift.col, shift.data, strict=True):
        bits = [b for b in range(charges.bits) if int(charges.states[start]) >> b & 1]
        targets = [(b + 1) % sites + b // sites * sites for b in bits]
        fermions = [b for b in targets if b < 2 * sites]
        inversions = sum(a > b for a, b in itertools.combinations(fermions, 2))
        assert int(charges.states[image]) == sum(1 << b for b in targets)
        assert sign == (-1) ** inversions


@pytest.mark.parametrize("engine", ENGINES)
def test_a_full_band_is_at_rest_and_leaves_the_other_blocks_empty(engine):
    model = Model(ring(3), Electrons(1.0, 0.2, 0.5, 0.1))
    energy = 6 * 0.2 + 3 * 0.5 + 3 * 4 * 0.1
    full = levels(model, Sector(6), engine, 3, momentum=0)
    assert full.energies == pytest.approx([energy], abs=1e-12)
    assert full.multiplicity == 1
    for m in (1, 2):
        empty = levels(model, Sector(6), engine, 3, momentum=m)
        assert (len(empty.energies), len(empty.vectors), empty.multiplicity) == (0, 0, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("sites", "momentum"), [(3, 0), (4, 2), (5, 0), (6, 3)])
def test_polarised_electrons_that_fill_the_band_have_the_sum_of_its_momenta(sites, momentum, engine):
    model = Model(ring(sites), Electrons(1.0, repulsion=0.4))
    for m in range(sites):
        found = levels(model, Sector(sites, sites), engine, 2, momentum=m)
        assert found.energies == pytest.approx([0.4 * sites] if m == momentum else [], abs=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reflection", [1, -1])
def test_blocks_of_one_state(reflection, engine):
    """Two electrons in one level each: the singlet is even, the triplet odd."""
    model = Model(dimer(), Electrons(1.0))
    triplet = levels(model, Sector(2, 2), engine, 2, reflection=reflection)
    assert triplet.energies == pytest.approx([0.0] if reflection == -1 else [], abs=1e-12)
    one = levels(model, Sector(1), engine, 2, reflection=reflection)
    assert one.energies == pytest.approx([-1.0 * reflection], abs=1e-12)


def test_one_site_has_trivial_symmetries():
    model = Model(site(), Electrons(), Bosons(0.5, 0.2))
    expected = spectrum(model, Sector(2))
    np.testing.assert_allclose(spectrum(model, Sector(2), momentum=0, reflection=1), expected, atol=1e-12)


INHOMOGENEOUS = Electrons(hopping=1.0, level=[0.0, 0.0, 0.1, 0.0])
CHAIN = Model(chain(3), Electrons(1.0))
RING = Model(ring(4), Electrons(1.0))
FLUX = replace(RING, flux=0.3)
ONE_SITE_TERM = replace(RING, terms=(lambda model: 0.1 * electron_number(0),))
ONE_BOSON = Model(ring(4), Electrons(1.0), Bosons(0.1, 0.2, on=[0]))
SOFT = Phonons([1.0, 1.0, 0.9], electron_coupling=0.5, max_quanta=2)
PUSHED = Phonons(1.0, max_quanta=2, displacement=[0.1, 0.0, 0.0])
ALONE = Phonons(1.0, on=[0], electron_coupling=0.5, max_quanta=2)
BOTH = replace(OPTICAL, electron_coupling=0.3)
# model, momentum, reflection, which of the two is wrong, what the message says
REFUSED = {
    "momentum on a chain": (CHAIN, 0, None, "momentum", "leave it out; a chain has no translation"),
    "momentum on a dimer": (Model(dimer(), Electrons(1.0)), 1, None, "momentum", "a dimer has no translation"),
    "momentum on a plaquette": (Model(plaquette(), Electrons(1.0)), 1, None, "momentum", "a plaquette has no"),
    "momentum too large": (RING, 4, None, "momentum", "allowed: 0 to 3"),
    "momentum below zero": (RING, -1, None, "momentum", "allowed: 0 to 3"),
    "momentum not whole": (RING, 0.5, None, "momentum", "allowed: 0 to 3"),
    "reflection of neither parity": (RING, 0, 0, "reflection", "allowed: 1 or -1"),
    "reflection away from k = 0, pi": (RING, 1, 1, "reflection", "only with momentum 0 or pi (m = 0 or L/2)"),
    "reflection away from k = 0 of an odd ring": (
        Model(ring(5), Electrons(1.0)), 2, 1, "reflection", "only with momentum 0 or pi"),
    "reflection of a ring without momentum": (RING, None, -1, "reflection", "only with momentum 0 or pi"),
    "reflection with flux": (FLUX, 0, 1, "reflection", "leave it out; a flux breaks the reflection"),
    "reflection of a custom cluster": (
        Model(custom([[0, 0], [1, 0]], [[0, 1]]), Electrons(1.0)), None, 1, "reflection", "a custom has no named"),
    "odd states of one site": (Model(site(), Electrons()), None, -1, "reflection", "every state of this cluster is"),
    "momentum with levels that differ": (
        Model(ring(4), INHOMOGENEOUS), 0, None, "momentum", "make the couplings equal on equivalent sites"),
    "momentum with hops that differ a little": (
        Model(ring(4), Electrons([1.0, 1.0, 1.0, 1.0 + 1e-6])), 2, None, "momentum", "make the couplings equal"),
    "momentum with a boson on one site": (ONE_BOSON, 1, None, "momentum", "the model lacks this symmetry"),
    "momentum with a mode on one site": (Model(ring(4), Electrons(1.0), None, ALONE), 1, None, "momentum", "lacks"),
    "momentum with one mode softer": (Model(ring(3), Electrons(1.0), None, SOFT), 1, None, "momentum", "lacks"),
    "momentum with one mode displaced": (Model(ring(3), Electrons(1.0), None, PUSHED), 1, None, "momentum", "lacks"),
    "momentum with a term on one site": (ONE_SITE_TERM, 0, None, "momentum", "lacks"),
    "reflection with levels that differ": (
        Model(chain(4), INHOMOGENEOUS), None, 1, "reflection", "make the couplings equal on equivalent sites"),
    "reflection with even and odd couplings to the same modes": (
        Model(chain(3), Electrons(1.0), None, BOTH), None, 1, "reflection", "the model lacks this symmetry"),
    "odd reflection in a frame of equal displacements": (
        Model(ring(3), Electrons(1.0), None, replace(OPTICAL, displacement=[0.2] * 3)), 0, 1, "reflection", "lacks"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "momentum", "reflection", "wrong", "message"), REFUSED.values(), ids=REFUSED)
def test_a_quantum_number_that_is_not_there_is_refused(model, momentum, reflection, wrong, message):
    for engine in ENGINES:
        with pytest.raises(InvalidModel) as refusal:
            ground_state(model, Sector(1, None, momentum, reflection), 1, Options(engine=engine))
        (problem,) = refusal.value.problems
        assert problem.path == f"sector.{wrong}"
        assert problem.got == str(momentum if wrong == "momentum" else reflection)
        assert message in problem.allowed


@pytest.mark.parametrize("sites", [3, 4])
def test_terms_with_the_symmetry_of_the_ring_are_welcome(sites):
    def third_neighbours(model):
        hops = [create((i + 2) % sites, s) * annihilate(i, s) for i in range(sites) for s in ("up", "dn")]
        lattice = [0.1 * displacement(i) * displacement((i + 1) % sites) for i in range(sites)]
        return -0.3 * sum((h + h.dag for h in hops), 0.0 * hops[0]) + sum(lattice, 0.0 * lattice[0])

    model = replace(Model(ring(sites), EVERYTHING, None, HOLSTEIN), terms=(third_neighbours,))
    parts = [spectrum(model, Sector(2), momentum=m) for m in range(sites)]
    np.testing.assert_allclose(union(*parts), spectrum(model, Sector(2)), rtol=0, atol=1e-10)


def test_a_term_of_three_particles_that_breaks_the_symmetry_is_seen():
    """Terms of the package show on one and two particles; those of the user may not."""

    def three(model):
        return 0.3 * electron_number(0) * electron_number(1, "up") * electron_number(2, "up")

    model = Model(ring(4), Electrons(hopping=1.0), terms=(three,))
    with pytest.raises(InvalidModel, match=r"sector\.momentum: got 0; the model lacks this symmetry"):
        Block.of(Hamiltonian.of(model, Sector(4, momentum=0)))
    assert Block.of(Hamiltonian.of(replace(model, terms=()), Sector(4, momentum=0))).symmetries
