"""Spins that turn and pairs from a condensate: exact spectra, sums over states, and what is refused."""

from itertools import product

import numpy as np
import pytest
import scipy.linalg as la
from reference import Fock, dagger, full_hamiltonian, gives_up_charge, sector_indices

from respair import Bosons, Electrons, InvalidModel, Model, Phonons, Sector, dimer, ladder, ring, site, square, study
from respair.analysis import (
    Ensemble,
    charge_scan,
    coherence,
    entanglement,
    evolve,
    expectation,
    flux_response,
    greens_function,
    observables,
    optical_conductivity,
    probe,
    site_cut,
    spectral_function,
    thermal_averages,
    thermal_spectral_function,
)
from respair.hamiltonians import Hamiltonian, pair
from respair.hamiltonians.conservation import every_sector
from respair.solvers import Options, ground_state
from respair.studies import parse

TURNING = Electrons(1.0, hubbard_u=1.5, rashba=0.3, transverse_field=0.2, level=[0.1, -0.2, 0.3])
MIXED = Model(
    ring(3),
    Electrons(1.0, hubbard_u=1.5, rashba=0.3, transverse_field=0.2, pairing=0.4, bond_pairing=-0.1),
    Bosons(0.2, 0.5, pairing=0.2, on=[0]),
    chemical_potential=0.3,
)


def levels_of(model):
    matrices = [Hamiltonian.of(model, sector).matrix().toarray() for sector in every_sector(model)]
    return np.sort(np.concatenate([np.linalg.eigvalsh(matrix) for matrix in matrices]))


@pytest.mark.parametrize("cluster", [ring(3), ladder(2)])
def test_a_transverse_field_is_a_turned_one_along_z(cluster):
    bosons = Bosons(0.2, 0.3, on=[0])
    turned = Model(cluster, Electrons(1.0, hubbard_u=2.0, transverse_field=0.3, transverse_field_y=-0.4), bosons)
    along = Model(cluster, Electrons(1.0, hubbard_u=2.0, zeeman=0.5), bosons)
    np.testing.assert_allclose(levels_of(turned), levels_of(along), rtol=0, atol=1e-12)


def test_rashba_on_a_ring_is_a_twist_by_the_spin():
    """Spins turned from y to z: t and lambda make the phase atan(lambda / t), of opposite sign for both spins."""
    rashba = Model(ring(4), Electrons(1.0, hubbard_u=2.0, rashba=0.3), flux=0.7)
    twisted = Model(ring(4), Electrons(1.0, hubbard_u=2.0, spin_orbit=0.3), flux=0.7)
    np.testing.assert_allclose(levels_of(rashba), levels_of(twisted), rtol=0, atol=1e-12)
    size, phase = np.hypot(1.0, 0.3), np.arctan(0.3)
    momenta = 2 * np.pi * np.arange(4) / 4
    bands = [-2 * size * np.cos(momenta - 0.7 / 4 + sign * phase) for sign in (1, -1)]
    free = Model(ring(4), Electrons(1.0, rashba=0.3), flux=0.7)
    assert ground_state(free, 1).energies[0] == pytest.approx(np.min(bands), abs=1e-12)


def test_free_electrons_with_a_pairing_field_are_bogoliubov_and_de_gennes():
    electrons = Electrons([1.0, 0.7, 1.2, 0.4], [0.1, -0.2, 0.3, 0.0], pairing=[0.3, 0.5, -0.2, 0.4], bond_pairing=0.25)
    model = Model(ring(4), electrons, chemical_potential=0.2)
    h, d = np.diag([-0.1, -0.4, 0.1, -0.2]), np.diag([0.3, 0.5, -0.2, 0.4])
    for bond, t in zip(model.cluster.bonds, electrons.hopping, strict=True):
        for i, j in ((bond.start, bond.end), (bond.end, bond.start)):
            h[i, j] -= t
            d[i, j] += 0.25
    quasi = np.linalg.eigvalsh(np.block([[h, d], [d.T, -h.T]]))
    every = [np.trace(h) + quasi @ np.array(filled) for filled in product((0, 1), repeat=8)]
    np.testing.assert_allclose(levels_of(model), np.sort(every), rtol=0, atol=1e-12)
    found = ground_state(model, Sector(parity="even"))
    assert found.energies[0] == pytest.approx(np.trace(h) + quasi[quasi < 0].sum(), abs=1e-11)


def test_a_pairing_field_on_one_local_pair():
    model = Model(site(), None, Bosons(level=0.7, pairing=0.4), chemical_potential=0.1)
    np.testing.assert_allclose(levels_of(model), 0.25 + np.hypot(0.25, 0.4) * np.array([-1, 1]), atol=1e-15)
    state = ground_state(model, Sector(parity="even")).ground
    assert observables(state, ["boson_amplitude"]).boson_amplitude.values[0] == pytest.approx(
        -0.2 / np.hypot(0.25, 0.4)
    )


def test_weak_fields_lead_to_the_levels_without_them():
    plain = Model(ring(3), Electrons(1.0, hubbard_u=1.5), Bosons(0.2, 0.5), chemical_potential=0.3)
    for sector in (Sector(4, "all"), Sector(parity="even", two_sz="all"), Sector(parity="odd")):
        weak = {"pairing": 1e-9} if sector.parity else {"rashba": 1e-9}
        turns = {"transverse_field": 1e-9} if sector.has_all_spins else {}
        near = Model(ring(3), Electrons(1.0, hubbard_u=1.5, **weak, **turns), Bosons(0.2, 0.5), chemical_potential=0.3)
        ends = [ground_state(model, sector, 4).energies for model in (plain, near)]
        np.testing.assert_allclose(*ends, rtol=0, atol=1e-7)


@pytest.fixture(scope="module")
def whole():
    """Levels and states of `MIXED` on the whole Fock space."""
    energies, states = np.linalg.eigh(full_hamiltonian(MIXED).toarray())
    return Fock(MIXED), energies, states


@pytest.mark.parametrize("temperature", [0.15, 1.0])
def test_thermal_sums_are_traces_over_the_whole_space(whole, temperature):
    fock, energies, states = whole
    weights = np.exp(-(energies - energies[0]) / temperature)
    total = weights.sum()
    data = thermal_averages(
        MIXED, [temperature], names=["spin_x", "spin_y", "pair_amplitude", "boson_amplitude", "electron_density"]
    )
    assert float(data.grand_potential[0]) == pytest.approx(energies[0] - temperature * np.log(total), abs=1e-10)
    d = fock.c[0, "dn"] @ fock.c[0, "up"]
    wanted = {"spin_x": fock.spin(0, "x"), "spin_y": fock.spin(1, "y"), "pair_amplitude": d,
              "boson_amplitude": fock.b[0], "electron_density": fock.n(0)}  # fmt: skip
    for name, operator in wanted.items():
        trace = np.einsum("ik,ij,jk,k", states.conj(), operator.toarray(), states, weights) / total
        place = 1 if name == "spin_y" else 0
        assert complex(data[name][0, place]) == pytest.approx(trace, abs=1e-10), name
    assert not {"charge", "compressibility", "spin_susceptibility"} & set(data)


@pytest.mark.parametrize("name", ["electron", "pair", "density"])
def test_spectra_are_sums_over_all_states(whole, name):
    fock, energies, states = whole
    even = sector_indices(MIXED, "even", "all")
    lowest = min(np.linalg.eigvalsh(full_hamiltonian(MIXED)[even][:, even].toarray()))
    ground = states[:, np.argmin(np.abs(energies - lowest))]
    up, dn = fock.c[0, "up"], fock.c[0, "dn"]
    operator = {"electron": dagger(up), "pair": dagger(dn @ up), "density": fock.n(0)}[name]
    levels = ground_state(MIXED, Sector(parity="even"))
    data = spectral_function(levels, probe(MIXED, name, site=0), [0.0], 0.1)
    added = np.abs(states.conj().T @ (operator @ ground)) ** 2
    moments = [np.sum(added * (energies - lowest) ** n) for n in range(4)]
    if name != "density":
        taken = np.abs(states.conj().T @ (dagger(operator) @ ground)) ** 2
        sign = 1 if name == "electron" else -1
        moments = [m + sign * np.sum(taken * (lowest - energies) ** n) for n, m in enumerate(moments)]
    else:
        mean = np.vdot(ground, operator @ ground).real ** 2
        if float(data.moments[0]) == pytest.approx(moments[0] - mean, abs=1e-9):
            moments[0] -= mean
    if name != "pair":
        np.testing.assert_allclose(data.moments.values, moments, rtol=0, atol=1e-8)
    np.testing.assert_allclose(data.moments.values, data.sum_rules.values, rtol=0, atol=1e-8)


def test_motion_and_cuts_are_those_of_dense_states(whole):
    fock, *_ = whole
    even = sector_indices(MIXED, "even", "all")
    h = full_hamiltonian(MIXED)[even][:, even].toarray()
    start = Model(ring(3), Electrons(1.0, pairing=0.4), MIXED.bosons, chemical_potential=0.3)
    first = np.linalg.eigh(full_hamiltonian(start)[even][:, even].toarray())[1][:, 0]
    moved = la.expm(-0.8j * h) @ first
    data = evolve(MIXED, [0.0, 0.8], Sector(parity="even"), initial=start, tolerance=1e-9)
    assert float(data.return_probability[1]) == pytest.approx(abs(np.vdot(first, moved)) ** 2, abs=1e-8)
    ground = np.zeros(len(fock), complex)
    ground[even] = np.linalg.eigh(h)[1][:, 0]
    part = ground.reshape(4, 16, 2).transpose(0, 2, 1).reshape(8, 16)  # electrons and local pair of site 0 first
    weights = np.linalg.svd(part, compute_uv=False) ** 2
    weights = weights[weights > 1e-14]
    state = ground_state(MIXED, Sector(parity="even")).ground
    found = entanglement(state, site_cut(MIXED, [0]))
    assert float(found.entropy) == pytest.approx(-np.sum(weights * np.log(weights)), abs=1e-9)


def test_green_functions_are_sums_over_all_states(whole):
    fock, energies, states = whole
    levels = ground_state(MIXED, Sector(parity="odd"))
    z = 0.3 + 0.2j
    found = greens_function(levels, [z], sites=[0, 1])
    odd = sector_indices(MIXED, "odd", "all")
    ground = np.zeros((len(fock), levels.multiplicity), complex)
    values, own = np.linalg.eigh(full_hamiltonian(MIXED)[odd][:, odd].toarray())
    ground[odd] = own[:, : levels.multiplicity]
    c = [fock.c[i, "up"] for i in (0, 1)]
    made = [states.conj().T @ (dagger(op) @ ground) for op in c]
    taken = [states.conj().T @ (op @ ground) for op in c]
    apart = (energies - values[0])[:, None]
    expected = [
        [np.sum(made[i].conj() * made[j] / (z - apart) + taken[j].conj() * taken[i] / (z + apart)) for j in (0, 1)]
        for i in (0, 1)
    ]
    name = next(n for n, array in found.data_vars.items() if array.ndim == 3)
    np.testing.assert_allclose(found[name].values[0], np.array(expected) / levels.multiplicity, rtol=0, atol=1e-8)


def test_a_field_gives_currents_and_their_derivatives():
    phonons = Phonons(1.0, electron_coupling=0.3, total_quanta=1)
    model = Model(ring(3), TURNING, phonons=phonons)
    found = flux_response(model, 2, [0.7])
    step = 1e-4
    e = [ground_state(Model(ring(3), TURNING, phonons=phonons, flux=0.7 + d), 2).energies[0] for d in (-step, 0, step)]
    assert float(found.current[0]) == pytest.approx((e[0] - e[2]) / (2 * step), abs=1e-6)
    data = optical_conductivity(ground_state(model, 2), [0.5], 0.1)
    assert abs(float(data.fsum_defect)) < 1e-8


REFUSED = {
    "charge_scan": (lambda model: charge_scan(model), "pairing.*conserved charge N"),
    "coherence": (lambda model: coherence(model, Sector(parity="even")), "pairing.*conserved charge N"),
    "canonical": (
        lambda model: thermal_averages(model, [0.5], Ensemble("canonical", Sector(parity="even"))),
        "pairing.*conserved charge N",
    ),
    "density": (lambda model: thermal_averages(model, [0.5], Ensemble(density=0.5)), "pairing.*conserved charge N"),
    "current": (
        lambda model: optical_conductivity(ground_state(model, Sector(parity="even")), [0.5], 0.1),
        "pairing.*conserved charge N",
    ),
    "flux": (lambda model: flux_response(model, Sector(parity="even"), [0.5]), "phase of its own"),
    "charge": (lambda model: ground_state(model, 2), 'parity = "even" or "odd"'),
    "nothing": (lambda model: ground_state(model, Sector()), 'parity = "even" or "odd"'),
    "spin": (lambda model: ground_state(model, Sector(parity="even", two_sz=0)), "breaks S_z"),
    "spin gap": (lambda model: charge_scan(Model(ring(3), TURNING), spin=True), "conserved S_z"),
    "momentum": (lambda model: ground_state(Model(ring(3), TURNING), Sector(2, momentum=0)), "lacks this symmetry"),
    "odd flip": (lambda model: ground_state(model, Sector(parity="odd", spin_flip=1)), "even charge"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_a_conserved_quantity_is_refused_in_words(name):
    call, words = REFUSED[name]
    with pytest.raises(InvalidModel, match=words):
        call(MIXED)


@pytest.mark.parametrize("engine", ["dense", "tensor"])
@pytest.mark.parametrize(("field", "more"), [("transverse_field", {}), ("transverse_field_y", {"rashba": 0.3})])
def test_a_turn_of_all_spins_makes_smaller_blocks(engine, field, more):
    electrons = Electrons(1.0, hubbard_u=2.0, level=[0.1, 0.0, 0.3], **{field: 0.25}, **more)
    for sector, pairing in ((Sector(2), 0.0), (Sector(parity="even"), 0.2)):
        model = Model(ring(3), Electrons(**{**vars(electrons), "pairing": pairing}), Bosons(0.2, 0.4, on=[1]))
        whole = np.linalg.eigvalsh(Hamiltonian.of(model, sector).matrix().toarray())[:6]
        blocks = [
            ground_state(model, Sector(**{**given(sector), "spin_flip": flip}), 6, Options(engine=engine))
            for flip in (1, -1)
        ]
        found = np.sort(np.concatenate([levels.energies for levels in blocks]))[:6]
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-9)
        assert sum(levels.block.dimension for levels in blocks) == Hamiltonian.of(model, sector).space.dimension


def given(sector):
    return {"charge": sector.charge} if sector.parity is None else {"parity": sector.parity}


def test_a_sweep_from_zero_keeps_its_sector():
    data = study(Model(dimer(), Electrons(1.0)), 2, sweep={"electrons.transverse_field": [0.0, 0.2]}).run()
    assert data["energies"].values[0, 0] == pytest.approx(-2.0)
    model = Model(dimer(), Electrons(1.0, pairing=0.1))
    data = study(model, Sector(parity="even"), sweep={"electrons.pairing": [0.0, 0.2]}).run()
    assert data["energies"].values[0, 0] == pytest.approx(-2.0)


FILE = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, %s }
sector = { %s }
"""


def test_model_files_have_all_spins_and_parities():
    turned = parse(FILE % ("rashba = 0.2", "charge = 2"), "a.toml")
    assert Hamiltonian.of(turned.model, turned.sector).space.dimension == 15
    even = parse(FILE % ("pairing = 0.2", 'parity = "even", two_sz = 0'), "a.toml")
    assert Hamiltonian.of(even.model, even.sector).space.dimension == 20
    with pytest.raises(InvalidModel, match=r"electrons\.rashba breaks S_z"):
        parse(FILE % ("rashba = 0.2", "charge = 2, two_sz = 0"), "a.toml")
    with pytest.raises(InvalidModel, match='got 2; allowed: parity = "even" or "odd"'):
        parse(FILE % ("pairing = 0.2", "charge = 2"), "a.toml")
    with pytest.raises(InvalidModel, match="phase of its own"):
        parse(FILE % ("pairing = 0.2", 'parity = "even"') + "field.flux = 0.3\n", "a.toml")


def test_pairs_from_a_condensate_have_an_average():
    state = ground_state(MIXED, Sector(parity="even")).ground
    assert expectation(state, pair(0)) == pytest.approx(
        complex(observables(state, ["pair_amplitude"]).pair_amplitude[0]), abs=1e-12
    )
    assert gives_up_charge(MIXED)
    thermal = thermal_spectral_function(MIXED, probe(MIXED, "electron", site=0), [0.5], [0.0], 0.1)
    assert float(thermal.moments[0, 0]) == pytest.approx(1.0, abs=1e-9)


def test_pairing_fields_are_refused_in_magnetic_fields():
    with pytest.raises(InvalidModel, match=r"electrons\.bond_pairing.*magnetic flux"):
        Model(square(size=[2, 2]), Electrons(1.0, bond_pairing=0.2), magnetic_flux=1)
