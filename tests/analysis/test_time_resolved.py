"""Spectra and conductivities of states that move, against lines at rest, free electrons and dense propagators."""

import numpy as np
import pytest
import scipy.linalg as la
from reference import sector_matrix

from respair.analysis import (
    Kick,
    evolve,
    optical_conductivity,
    probe,
    pump_probe_conductivity,
    spectral_function,
    thermal_state,
    time_resolved_spectrum,
)
from respair.clusters import dimer, ring, site, square
from respair.hamiltonians import Bosons, Electrons, Hamiltonian, Model, Phonons, Pulse, PulseTrain, Sector
from respair.hamiltonians.transitions import transitions
from respair.solvers import Configuration, Options, ground_state, levels_by_symmetry

PAIRS = Model(
    dimer(), Electrons(1.0, hubbard_u=2.0), Bosons(0.2, 0.6), Phonons(1.0, on=[0], boson_coupling=0.3, max_quanta=8)
)
OMEGA = np.linspace(-5.0, 7.0, 25)


def window(times, middle, duration):
    return np.exp(-0.5 * ((times - middle) / duration) ** 2) / np.sqrt(2 * np.pi**1.5 * duration)


@pytest.mark.parametrize("name", ["electron", "boson", "displacement"])
def test_without_a_pump_it_is_the_spectrum_as_wide_as_the_probe_is_short(name):
    duration = 0.4
    data = time_resolved_spectrum(PAIRS, name, [0.0], OMEGA, duration, 2, tolerance=1e-7)
    wide = {"broadening": np.sqrt(np.log(2)) / duration, "lineshape": "gaussian", "options": Options(engine="dense")}
    at_rest = spectral_function(ground_state(PAIRS, 2), name, OMEGA, **wide)
    for part in ("addition", "removal"):
        assert np.max(np.abs(data[part].values[0] - at_rest[part].values)) <= data.errors.values[0]
        assert data[f"{part}_weight"].values[0] == pytest.approx(float(at_rest[f"{part}_weight"]), abs=1e-6)
    assert data.errors.values[0] < (1e-2 if name == "displacement" else 1e-4)


@pytest.mark.long
def test_free_electrons_in_a_pulse_have_the_phase_of_their_energies():
    pulse, duration, momentum = Pulse(0.7, 1.3, 2.0, 0.8), 0.5, 1
    model = Model(ring(6), Electrons(hopping=1.0))
    seen = probe(model, "electron", momentum=momentum)
    data = time_resolved_spectrum(model, seen, [2.0], OMEGA, duration, 2, pulse=pulse, tolerance=1e-8)
    times, step = np.linspace(-2.0, 6.0, 8001, retstep=True)
    energies = -2.0 * np.cos(2 * np.pi * momentum / 6 - pulse.vector_potential(times))
    phase = np.concatenate([[0.0], np.cumsum(0.5 * step * (energies[1:] + energies[:-1]))])
    waves = window(times, 2.0, duration) * np.exp(1j * (OMEGA[:, None] * times - phase))
    np.testing.assert_allclose(data.addition.values[0], np.abs(step * waves.sum(axis=1)) ** 2, rtol=0, atol=1e-6)
    assert data.addition_weight.values[0] == pytest.approx(1.0, abs=1e-7)
    assert np.max(data.removal.values) < 1e-7


def test_after_a_quench_it_is_that_of_dense_propagators():
    model, duration, middle = PAIRS, 0.3, 2.5
    start = Configuration(up=[0], dn=[0], displacement=[0.4])
    data = time_resolved_spectrum(model, "electron", [middle], OMEGA, duration, 2, initial=start, tolerance=1e-7)
    first = evolve(model, [0.0], 2, initial=start, measure=lambda s, t: {"psi": s.vectors[0]}).psi.values.ravel()
    times, step = np.linspace(middle - 2.2, middle + 2.2, 120, retstep=True)
    block = ground_state(model, 2).block.whole
    levels, states = la.eigh(sector_matrix(model, block.space))
    moved = [states @ (np.exp(-1j * levels * t) * (states.conj().T @ first)) for t in times]
    seen = probe(model, "electron")
    for part, operator in (("addition", seen.addition), ("removal", seen.removal)):
        (one,) = transitions(block, operator)
        energies, own = la.eigh(sector_matrix(model, one.target.space))
        images = [own.conj().T @ one.apply(psi.reshape(block.shape)).ravel() for psi in moved]
        back = np.array([np.exp(1j * energies * t) * image for t, image in zip(times, images, strict=True)])
        sign = 1.0 if part == "addition" else -1.0
        waves = step * window(times, middle, duration) * np.exp(-1j * sign * OMEGA[:, None] * times)
        wanted = np.linalg.norm(waves @ back, axis=1) ** 2
        np.testing.assert_allclose(data[part].values[0], wanted, rtol=0, atol=1e-5)


def test_weights_add_up_to_one_in_pulses_and_mixtures():
    model = Model(ring(3), Electrons(1.0, hubbard_u=3.0))
    state = thermal_state(Model(dimer(), Electrons(1.0, hubbard_u=2.0)), 1, 0.6)
    cases = [
        (model, 2, None, Pulse(0.5, 2.0, 1.0, 0.3)),
        (state.hamiltonian.space.model, None, state, None),
    ]
    for each, sector, initial, pulse in cases:
        how = {"initial": initial, "pulse": pulse, "tolerance": 1e-6}
        data = time_resolved_spectrum(each, "electron", [0.5, 1.0], [0.0], 0.15, sector, **how)
        total = data.addition_weight.values + data.removal_weight.values
        np.testing.assert_allclose(total, 1.0, rtol=0, atol=3e-5)


def test_without_a_pump_the_conductivity_is_that_at_rest():
    model, eta = Model(ring(4), Electrons(1.0, hubbard_u=4.0)), 1.0
    data = pump_probe_conductivity(model, OMEGA, 0.0, 4, broadening=eta)
    lines = optical_conductivity(levels_by_symmetry(model, 4), [0.0])
    wanted = float(lines.drude) * eta / np.pi / (OMEGA**2 + eta**2)
    for omega, weight in zip(lines.pole_frequencies.values, lines.pole_weights.values, strict=True):
        for sign in (1, -1):
            wanted = wanted + weight * eta / np.pi / ((OMEGA - sign * omega) ** 2 + eta**2)
    off = np.abs(data.conductivity.values.real - wanted)
    assert np.all(off <= data.conductivity_error.values)
    assert np.max(data.conductivity_error.values) < 1e-4


def test_free_electrons_in_a_pump_answer_with_their_bent_band():
    """delta j = -sum_k n_k e''(k - A) A_probe: momenta stay."""
    model, pump, middle, eta = Model(ring(5), Electrons(1.0)), Pulse(0.8, 1.0, 1.0, 0.6), 1.2, 0.8
    data = pump_probe_conductivity(model, [0.0, 1.0, 2.0], middle, 2, pulse=pump, broadening=eta)
    width = float(data.width)
    times, step = np.linspace(middle - 8 * width, middle + 8 * width, 20001, retstep=True)
    seen = np.exp(-0.5 * ((times - middle) / width) ** 2)
    z = np.array([0.0, 1.0, 2.0]) + 1j * eta
    waves = seen * np.exp(1j * z[:, None] * (times - middle))
    added = -2 * 2.0 * np.cos(pump.vector_potential(times))
    wanted = (waves * added).sum(axis=1) * step / (1j * z * 5 * waves.sum(axis=1) * step)
    np.testing.assert_allclose(data.conductivity.values, wanted, rtol=0, atol=2e-5)


def test_trains_of_pulses_add_up():
    one, other = Pulse(0.3, 2.0, 1.0, 0.5), Pulse(0.1, 0.0, 1.5, 0.2)
    train = PulseTrain((one, other))
    wave = train.series(1.1, [1.0, 2.0], 12)
    taus = np.array([0.0, 0.02])
    wanted = np.exp(1j * np.array([[1.0], [2.0]]) * train.vector_potential(1.1 + taus))
    np.testing.assert_allclose(wave @ taus ** np.arange(13)[:, None], wanted, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="differ"):
        PulseTrain((one, Pulse(0.3, 2.0, 1.0, 0.5, (0.0, 1.0))))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: time_resolved_spectrum(PAIRS, "boson", [1.0], [0.0], 1.0, 2, kick=Kick("density", 0.1)), "from 6.2"),
        (lambda: time_resolved_spectrum(PAIRS, "electron", [1.0], [0.0], 0.0, 2), "duration"),
        (lambda: time_resolved_spectrum(PAIRS, "electron", [1.0], [0.0], 1.0, 2, step=-1.0), "step"),
        (lambda: time_resolved_spectrum(PAIRS, "electrons", [1.0], [0.0], 1.0, 2), "electron"),
        (
            lambda: time_resolved_spectrum(
                PAIRS, "electron", [0.0], [0.0], 1.0, 2, options=Options(memory_limit=1 << 17)
            ),
            "memory",
        ),
        (lambda: pump_probe_conductivity(PAIRS, [1.0], 0.0, 2, kick=Kick("density", 0.1)), "before the quench or kick"),
        (lambda: pump_probe_conductivity(PAIRS, [1.0], 0.0, 2, broadening=0.0), "broadening"),
        (
            lambda: pump_probe_conductivity(
                Model(square(size=[2, 2]), Electrons(1.0)), [1.0], 0.0, 2,
                pulse=Pulse(0.1, 1.0, 0.0, 1.0, (0.0, 1.0)), direction=[1.0, 0.0],
            ),
            "the same direction",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_is_allowed(call, words):
    with pytest.raises((ValueError, MemoryError), match=words):
        call()


def test_a_cluster_without_hops_conducts_nothing():
    data = pump_probe_conductivity(Model(site(), Electrons()), [1.0], 0.0, 1, broadening=1.0)
    assert np.all(data.conductivity.values == 0.0)


def test_the_sector_of_the_result_may_be_full():
    """No electron can be added where all places are taken."""
    data = time_resolved_spectrum(Model(dimer(), Electrons(1.0)), "electron", [0.0], [0.0], 0.5, Sector(4))
    assert data.addition_weight.values[0] == 0.0
    assert data.removal_weight.values[0] == pytest.approx(1.0)
    assert Hamiltonian.of(Model(dimer(), Electrons(1.0)), Sector(4)).space.dimension == 1
