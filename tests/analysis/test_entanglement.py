"""Entanglement against operator algebra on the whole Fock space, free electrons, closed forms, bounds, symmetries."""

from dataclasses import replace
from functools import reduce
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from random_models import models_and_sectors
from reference import SPINS, Fock, boson_sites, dagger, respair_order

from respair.analysis import Cut, expectation, lattice_cut, site_cut
from respair.analysis import entanglement as measure
from respair.clusters import chain, dimer, ligand_centre, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector, annihilate, create
from respair.solvers import Options, ground_state, levels_by_symmetry

RING = Model(ring(4), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=1.0, total_quanta=3))
quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def by_operators(state, sites, modes):
    """The reduced state from averages of |a><a'| = A+_a (empty part) A_a', A_a products of annihilators of the part."""
    model = state.hamiltonian.space.model
    fock = Fock(model)
    order, sign = respair_order(model, state.hamiltonian.space)
    letters = [(fock.c[i, spin], 1) for i in sites for spin in SPINS] if model.electrons is not None else []
    letters += [(fock.b[i], model.bosons.max_occupation) for i in sites if i in boson_sites(model)]
    absent = [fock.charge_one - dagger(a) @ a / n for a, most in letters for n in range(1, most + 1)]
    empty = reduce(lambda p, factor: p @ factor, absent, fock.charge_one)
    *_, count, levels = fock.sizes
    kept = [m for m in range(count) if m in modes]
    rest = [m for m in range(count) if m not in modes]
    rho = 0.0
    for weight, psi in zip(state.weights, state.vectors, strict=True):
        whole = np.zeros(len(fock), complex)
        whole[order] = sign * psi.ravel()
        table = whole.reshape(fock.charge_one.shape[0], -1)
        rows = []
        for chosen in product(*(range(most + 1) for _, most in letters)):
            several = [a / np.sqrt(k) for (a, _), n in zip(letters, chosen, strict=True) for k in range(1, n + 1)]
            word = reduce(lambda w, a: a @ w, several, fock.charge_one)
            image = (empty @ word @ table).reshape(-1, *(levels,) * count)
            image = image.transpose(*(1 + m for m in kept), 0, *(1 + m for m in rest))
            rows.append(image.reshape(levels ** len(kept), -1))
        vectors = np.concatenate(rows)
        rho = rho + weight * vectors @ vectors.conj().T
    return rho


def entropy(values):
    there = values[values > 1e-15]
    return -np.sum(there * np.log(there))


@quick
@given(models_and_sectors(largest=60), st.data())
def test_random_models_against_operators_on_the_whole_fock_space(drawn, data):
    model, sector = drawn
    sites = range(model.cluster.sites)
    part = data.draw(st.lists(st.sampled_from(sites), min_size=1, max_size=2, unique=True))
    with_modes = data.draw(st.booleans())
    state = ground_state(model, sector).ground
    cut = site_cut(model, part, with_modes)
    assume((max(Fock(model).sizes[3], 1)) ** len(cut.modes) * 8 ** len(part) <= 2000)
    found = measure(state, cut)
    wanted = np.linalg.eigvalsh(by_operators(state, part, cut.modes))[::-1]
    size = found.sizes["schmidt"]
    np.testing.assert_allclose(found.spectrum.values, wanted[:size], atol=1e-11)
    assert np.sum(wanted[size:]) == pytest.approx(0.0, abs=1e-11)
    assert float(found.entropy) == pytest.approx(entropy(wanted), abs=1e-9)
    assert -1e-12 <= float(found.entropy) <= float(found.entropy_limit) + 1e-12
    assert float(found.number_entropy) <= float(found.entropy) + 1e-11
    assert float(found.entanglement) <= float(found.entropy) + 1e-10


@pytest.mark.long
@quick
@given(models_and_sectors(largest=60, phonons=True))
def test_the_lattice_of_random_models(drawn):
    model, sector = drawn
    assume(model.modes)
    state = ground_state(model, sector).ground
    rho = sum(w * psi.T @ psi.conj() for w, psi in zip(state.weights, state.vectors, strict=True))
    wanted = np.linalg.eigvalsh(rho)[::-1]
    found = measure(state)
    np.testing.assert_allclose(found.spectrum.values, wanted[: found.sizes["schmidt"]], atol=1e-12)
    assert not found.charge.values.any()


@pytest.mark.parametrize("cut", [[0], [1, 2], [0, 3], [0, 1, 2]])
def test_both_sides_of_a_cut_have_the_same_spectrum(cut):
    state = ground_state(RING, 4).ground
    one, other = (measure(state, sites) for sites in (cut, [i for i in range(4) if i not in cut]))
    np.testing.assert_allclose(one.spectrum.values[:30], other.spectrum.values[:30], atol=1e-12)
    assert sorted(4 - one.charge.values[:9]) == sorted(other.charge.values[:9])
    assert float(one.entropy) == pytest.approx(float(one.entanglement), abs=0)
    charges = Cut((0, 1, 2, 3), ())
    assert float(measure(state, charges).entropy) == pytest.approx(float(measure(state).entropy), abs=1e-12)


@pytest.mark.parametrize("sector", [Sector(4, momentum=0), Sector(4, momentum=0, reflection=1), Sector(4)])
@pytest.mark.parametrize("engine", ["quspin", "tensor"])
def test_symmetry_and_engine_do_not_matter(sector, engine):
    reference = ground_state(RING, 4).ground
    state = ground_state(RING, sector, options=Options(engine=engine)).ground
    for cut in ("lattice", [0], [0, 1], site_cut(RING, [1], with_modes=False)):
        for name in ("entropy", "number_entropy", "entanglement"):
            one, other = (float(measure(s, cut)[name]) for s in (reference, state))
            assert one == pytest.approx(other, abs=1e-8)


def test_pieces_of_any_size_give_the_same(monkeypatch):
    state = ground_state(RING, Sector(4, momentum=0)).ground
    whole = [float(measure(state, cut).entropy) for cut in ("lattice", [0, 1])]
    monkeypatch.setattr("respair.analysis.reduced_states.cuts.CHUNK", 1)
    assert [float(measure(state, cut).entropy) for cut in ("lattice", [0, 1])] == pytest.approx(whole, abs=1e-12)


def test_a_displaced_frame_is_a_rotation_of_one_side():
    def entropies(frame):
        phonons = Phonons(1.0, boson_coupling=0.8, max_quanta=14, displacement=frame)
        state = ground_state(Model(dimer(), Electrons(1.0), Bosons(0.1, 0.5), phonons), 2).ground
        return [float(measure(state, cut).entropy) for cut in ("lattice", [0])]

    assert entropies([0.5, -0.1]) == pytest.approx(entropies("none"), abs=1e-7)


@pytest.mark.parametrize("sites", [[0], [0, 1, 2], [0, 3]])
def test_free_electrons_follow_from_their_one_electron_averages(sites):
    """Peschel: S = -sum [z ln z + (1 - z) ln(1 - z)] over the eigenvalues of <c+_i c_j> on the part, for each spin."""
    state = ground_state(Model(ring(6), Electrons(1.0)), 6).ground
    hops = [[expectation(state, create(i, "up") * annihilate(j, "up")).real for j in sites] for i in sites]
    occupied = np.linalg.eigvalsh(np.array(hops))
    wanted = 2 * sum(entropy(np.array([z, 1 - z])) for z in occupied)
    assert float(measure(state, sites).entropy) == pytest.approx(wanted, abs=1e-9)


def test_the_hubbard_dimer():
    """cos |singlet on the bond> + sin |(20 + 02) / sqrt 2>: levels cos^2/2 twice and sin^2/2 twice."""
    t, u = 1.0, 4.0
    theta = 0.5 * np.arctan2(4 * t, u)
    found = measure(ground_state(Model(dimer(), Electrons(t, 0.0, u)), 2).ground, [0])
    levels = np.repeat([np.cos(theta) ** 2 / 2, np.sin(theta) ** 2 / 2], 2)
    np.testing.assert_allclose(found.spectrum.values, levels, atol=1e-12)
    assert found.charge.values.tolist()[:2] == [1, 1]
    assert sorted(found.two_sz.values.tolist()[:2]) == [-1, 1]


def test_product_states_are_not_entangled():
    still = Model(
        chain(3), Electrons(0.0, [-1.0, -3.0, 0.5], 1.0), None, Phonons(1.0, electron_coupling=0.7, max_quanta=9)
    )
    state = ground_state(still, 2).ground
    for cut in ("lattice", [0], [1, 2]):
        assert float(measure(state, cut).entropy) == pytest.approx(0.0, abs=1e-9)
    assert float(measure(state, [0, 1, 2]).entropy) == pytest.approx(0.0, abs=1e-9)


def test_at_the_resonance_of_a_strongly_coupled_pair_the_lattice_is_one_bit():
    """One site, Delta_B = alpha^2 omega0: boson and pair are equally likely, their lattices hardly overlap."""
    alpha = 2.4
    phonons = Phonons(1.0, boson_coupling=alpha, max_quanta=40)
    found = measure(ground_state(Model(site(), Electrons(), Bosons(alpha**2, 0.002), phonons), 2).ground)
    overlap = np.exp(-(alpha**2) / 2)
    wanted = entropy(np.array([1 + overlap, 1 - overlap]) / 2)
    assert float(found.entropy) == pytest.approx(wanted, abs=1e-3)
    assert found.sizes["schmidt"] == 2


def test_a_degenerate_level_is_flagged_and_mixes_more_than_its_states():
    model = Model(ring(3), Electrons(1.0, 0.0, 4.0))
    for levels in (ground_state(model, Sector(3, 1)), levels_by_symmetry(model, Sector(3, 1))):
        found = measure(levels.ground, [0])
        assert not bool(found.pure)
        assert float(found.entropy) > float(found.entanglement) - 1e-12 > 0
        everything = measure(levels.ground, [0, 1, 2])
        assert float(everything.entropy) == pytest.approx(np.log(2), abs=1e-10)
        assert float(everything.entanglement) == pytest.approx(0.0, abs=1e-10)
    assert bool(measure(levels.blocks[0].level(0), [0]).pure)


def test_the_ligand_and_its_oscillator():
    model = Model(
        ligand_centre(3),
        Electrons({"ring": 1.0, "centre": 0.4}),
        None,
        Phonons(1.0, on="ligand", electron_coupling=0.9, max_quanta=10),
    )
    assert site_cut(model, [3]).modes == lattice_cut(model).modes == (0,)
    state = ground_state(model, 2).ground
    assert float(measure(state, [3]).entropy) == pytest.approx(float(measure(state, [0, 1, 2]).entropy), abs=1e-12)


def test_modes_on_bonds_go_with_both_ends():
    model = Model(chain(3), Electrons(1.0), None, Phonons(1.0, on="bonds", bond_coupling=0.3, max_quanta=2))
    assert site_cut(model, [0]).modes == ()
    assert site_cut(model, [1, 0]) == Cut((0, 1), (0,))


def test_empty_and_one_dimensional_sectors():
    assert float(measure(ground_state(Model(dimer(), Electrons(1.0)), 0).ground, [0]).entropy) == 0.0
    assert float(measure(ground_state(Model(site(), None, Bosons()), 2).ground, [0]).entropy) == 0.0


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("charges", "is not a cut"),
        ("lattice", "no phonon mode"),
        ([], "not a set of sites"),
        ([0, 0], "each once"),
        ([4], "0 to 3"),
    ],
)
def test_impossible_cuts_are_refused(cut, message):
    state = ground_state(Model(ring(4), Electrons(1.0)), 1).ground
    with pytest.raises(ValueError, match=message):
        measure(state, cut)


def test_a_cut_too_large_is_refused_with_numbers(monkeypatch):
    monkeypatch.setattr("respair.analysis.reduced_states.schmidt.LARGEST", 5)
    with pytest.raises(MemoryError, match="at most 5"):
        measure(ground_state(RING, 4).ground, [0, 1])


@pytest.mark.parametrize("sector", [Sector(2), Sector(2, reflection=1)], ids=["whole", "even"])
def test_the_lang_firsov_frame_does_not_matter(sector):
    """There the lattice of each charge has its own zero: the cuts that tear them apart need all the overlaps."""
    plain = Phonons(1.0, boson_coupling=0.9, electron_coupling=0.3, max_quanta=14)
    model = Model(dimer(), Electrons(1.0), Bosons(0.5, 0.6), plain)
    dressed = replace(model, phonons=replace(plain, displacement="lang-firsov"))
    one, other = (ground_state(m, sector).ground for m in (model, dressed))
    for cut in ("lattice", [0], site_cut(model, [0], with_modes=False), Cut((0, 1), ())):
        found = [measure(state, cut) for state in (one, other)]
        assert float(found[1].entropy) == pytest.approx(float(found[0].entropy), abs=1e-6)
        assert float(found[1].number_entropy) == pytest.approx(float(found[0].number_entropy), abs=1e-6)
    with pytest.raises(ValueError, match=r"(?i)frame|lang-firsov"):
        measure(other, Cut((0,), (1,)))


def test_degenerate_levels_in_the_lang_firsov_frame():
    phonons = Phonons(1.0, electron_coupling=0.5, max_quanta=7)
    model = Model(ring(3), Electrons(1.0, 0.0, 4.0), None, phonons)
    dressed = replace(model, phonons=replace(phonons, max_quanta=6, displacement="lang-firsov"))
    one, other = (measure(levels_by_symmetry(m, Sector(3, 1)).ground) for m in (model, dressed))
    assert not bool(other.pure)
    assert float(other.entropy) == pytest.approx(float(one.entropy), abs=1e-3)
    assert float(other.entanglement) == pytest.approx(float(one.entanglement), abs=1e-3)
