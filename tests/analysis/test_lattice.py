"""The lattice against sums over amplitudes and over all states, derivatives of the energy, and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from amounts import cases
from hypothesis import HealthCheck, assume, given, settings
from random_models import models_and_sectors
from reference import shifts_of
from scipy.integrate import simpson

from respair.analysis import (
    boson_density,
    displacement,
    displacement_distribution,
    displacement_squared,
    electron_density,
    expectation,
    joint_distribution,
    lattice_correlation,
    lattice_response,
    lattice_shape,
    quanta,
    transition,
)
from respair.analysis.lattice.displacements import oscillator_functions
from respair.clusters import chain, dimer, ligand_centre, ring, site
from respair.hamiltonians import Bosons, Electrons, Model, Phonons, Sector, boson_number, electron_number
from respair.hamiltonians import displacement as x_operator
from respair.solvers import Options, ground_state, levels_by_symmetry

quick = settings(max_examples=cases(8), deadline=None, suppress_health_check=list(HealthCheck))
RING = Model(ring(3), Electrons(1.0), Bosons(-0.4, 0.8), Phonons(1.0, boson_coupling=1.0, total_quanta=4))


def local_charge(model, space, mode, condition):
    host = model.modes[mode]
    bond = model.cluster.bonds[host.index] if host.host == "bond" else None
    charges = space.charges
    total = np.zeros(len(charges))
    for i in [host.index] if bond is None else [bond.start, bond.end]:
        electrons = charges.electrons(i, "up") + charges.electrons(i, "dn")
        total += {"charge": electrons + 2 * charges.bosons(i), "electrons": electrons, "bosons": charges.bosons(i)}[
            condition
        ]
    return total


@quick
@given(models_and_sectors(largest=80, phonons=True))
def test_the_joint_distribution_is_a_sum_over_amplitudes(drawn):
    model, sector = drawn
    assume(model.modes)
    state = ground_state(model, sector).ground
    space, grid = state.hamiltonian.space, np.array([-1.7, -0.3, 0.0, 0.4, 2.1])
    for condition in ("charge", "electrons", "bosons"):
        found = joint_distribution(state, grid, condition)
        for m, shift in enumerate(shifts_of(model, sector.charge)):
            numbers = local_charge(model, space, m, condition)
            n = space.phonons.occupations.astype(int)
            others = np.delete(n, m, axis=1)
            _, rest = np.unique(others, axis=0, return_inverse=True) if others.shape[1] else (0, np.zeros(len(n), int))
            waves = oscillator_functions(int(n[:, m].max()) + 1, grid - np.sqrt(2) * shift)
            wanted = np.zeros((found.sizes["local_charge"], len(grid)))
            for weight, psi in zip(state.weights, state.vectors, strict=True):
                for e, row in enumerate(psi):
                    amplitude = np.zeros((int(rest.max()) + 1, len(grid)), complex)
                    np.add.at(amplitude, rest.ravel(), row[:, None] * waves[n[:, m]])
                    wanted[int(numbers[e])] += weight * np.sum(np.abs(amplitude) ** 2, axis=0)
            np.testing.assert_allclose(found.values[m], wanted, atol=1e-11)
        total = displacement_distribution(state, grid).values
        np.testing.assert_allclose(found.values.sum(axis=1), total, atol=1e-11)


@quick
@given(models_and_sectors(largest=80, phonons=True))
def test_moments_and_phonon_numbers_are_those_of_the_distribution(drawn):
    model, sector = drawn
    assume(model.modes)
    state = ground_state(model, sector).ground
    shape = lattice_shape(state)
    grid = np.linspace(-16, 16, 3201)
    density = displacement_distribution(state, grid).values
    for m in range(len(model.modes)):
        mean, variance = float(shape["mean"][m]), float(shape.variance[m])
        central = [simpson(density[m] * (grid - mean) ** k, x=grid) for k in range(5)]
        assert central[:3] == pytest.approx([1.0, 0.0, variance], abs=1e-9)
        assert float(shape.skewness[m]) == pytest.approx(central[3] / variance**1.5, abs=1e-8)
        assert float(shape.binder_ratio[m]) == pytest.approx(1 - central[4] / (3 * variance**2), abs=1e-8)
        inside = np.flatnonzero((density[m][1:-1] > density[m][:-2]) & (density[m][1:-1] > density[m][2:])) + 1
        peaks = shape.peak_position.values[m]
        peaks = peaks[np.isfinite(peaks)]
        assert len(peaks) == int(shape.maxima[m]) <= len(inside)
        assert all(np.min(np.abs(grid[inside] - x)) < 0.011 for x in peaks)
        np.testing.assert_allclose(
            displacement_distribution(state, peaks).values[m], shape.peak_height.values[m][: len(peaks)], atol=1e-12
        )
    np.testing.assert_allclose(np.sqrt(2) * shape["mean"], displacement(state), atol=1e-10)
    numbers = shape.quanta_distribution
    np.testing.assert_allclose(numbers.sum("phonons"), 1.0, atol=1e-9)
    np.testing.assert_allclose(numbers.values @ np.arange(numbers.sizes["phonons"]), quanta(state), atol=1e-7)


def test_the_variance_is_that_of_the_squared_displacement():
    """But for the last phonon state of the cutoff, which has no weight here."""
    model = Model(dimer(), Electrons(1.0), Bosons(-0.3, 0.5), Phonons(1.0, boson_coupling=0.8, max_quanta=24))
    state = ground_state(model, 2).ground
    shape = lattice_shape(state)
    wanted = displacement_squared(state).values - displacement(state).values ** 2
    np.testing.assert_allclose(2 * shape.variance, wanted, atol=1e-9)


def test_a_displaced_oscillator_is_poissonian_gaussian_and_has_one_maximum():
    alpha = 1.3
    model = Model(site(), None, Bosons(), Phonons(0.8, boson_coupling=alpha, max_quanta=45))
    for frame in ("none", [2 * alpha], [1.0]):
        moved = replace(model, phonons=replace(model.phonons, displacement=frame))
        shape = lattice_shape(ground_state(moved, 2).ground)
        n = np.arange(8)
        factorial = np.cumprod(np.maximum(n, 1)).astype(float)
        poisson = np.exp(-(alpha**2)) * alpha ** (2 * n) / factorial
        np.testing.assert_allclose(shape.quanta_distribution.values[0, :8], poisson, atol=1e-9)
        assert float(shape["mean"][0]) == pytest.approx(np.sqrt(2) * alpha, abs=1e-9)
        assert float(shape.variance[0]) == pytest.approx(0.5, abs=1e-9)
        assert [float(shape[key][0]) for key in ("skewness", "binder_ratio")] == pytest.approx([0, 0], abs=1e-8)
        assert int(shape.maxima[0]) == 1
        assert shape.peak_position.values[0] == pytest.approx([np.sqrt(2) * alpha], abs=1e-8)
        assert shape.peak_height.values[0] == pytest.approx([np.pi**-0.5], abs=1e-9)


def test_the_number_state_has_as_many_maxima_as_it_should():
    """h_n^2 has n + 1 maxima at known places for n = 1: X = +-1."""
    levels = ground_state(Model(site(), phonons=Phonons(1.0, max_quanta=6)), 0, states=4)
    for n in range(4):
        assert int(lattice_shape(levels.level(n)).maxima[0]) == n + 1
    assert lattice_shape(levels.level(1)).peak_position.values[0] == pytest.approx([-1.0, 1.0], abs=1e-10)
    assert lattice_shape(levels.level(3)).quanta_distribution.values[0] == pytest.approx(
        [0, 0, 0, 1, 0, 0, 0], abs=1e-10
    )


@pytest.mark.parametrize(("alpha", "maxima"), [(1.0, 1), (1.3, 1), (1.6, 2), (2.5, 2)])
def test_two_maxima_at_resonance_come_with_strong_coupling(alpha, maxima):
    """One site at Delta_B = alpha^2 omega0: symmetric about alpha / sqrt 2, bimodal from between 1.3 and 1.6."""
    model = Model(site(), Electrons(), Bosons(alpha**2, 0.3), Phonons(1.0, boson_coupling=alpha, max_quanta=50))
    shape = lattice_shape(ground_state(model, 2).ground)
    assert int(shape.maxima[0]) == maxima
    assert float(shape["mean"][0]) == pytest.approx(alpha / np.sqrt(2), abs=1e-8)
    assert float(shape.skewness[0]) == pytest.approx(0.0, abs=1e-7)
    peaks = shape.peak_position.values[0] - alpha / np.sqrt(2)
    assert peaks == pytest.approx(-peaks[::-1], abs=1e-7)
    assert 0 <= float(shape.binder_ratio[0]) < 2 / 3


def test_given_the_charge_the_lattice_of_the_resonance_is_one_peak():
    alpha = 2.5
    model = Model(site(), Electrons(), Bosons(alpha**2, 0.05), Phonons(1.0, boson_coupling=alpha, max_quanta=50))
    grid = np.linspace(-3, 7, 401)
    joint = joint_distribution(ground_state(model, 2).ground, grid, "bosons").values[0]
    assert grid[np.argmax(joint[0])] == pytest.approx(0.0, abs=0.06)
    assert grid[np.argmax(joint[1])] == pytest.approx(np.sqrt(2) * alpha, abs=0.06)


def test_correlations_are_connected():
    state = ground_state(RING, 4).ground
    found = lattice_correlation(state)
    x = displacement(state).values
    for i in range(3):
        for m in range(3):
            n, b = electron_number(i), boson_number(i)
            pairs = (("electron_lattice", n, electron_density), ("boson_lattice", b, boson_density))
            for name, number, density in pairs:
                wanted = expectation(state, number * x_operator(m)).real - float(density(state)[i]) * x[m]
                assert float(found[name][i, m]) == pytest.approx(wanted, abs=1e-11)
    np.testing.assert_allclose(found.electron_lattice.sum("site") + 2 * found.boson_lattice.sum("site"), 0, atol=1e-10)


@pytest.mark.parametrize("sector", [Sector(2), Sector(2, momentum=0)])
@pytest.mark.parametrize("engine", ["dense", "tensor"])
def test_symmetry_engine_and_frame_do_not_matter_for_the_shape(sector, engine):
    grid = np.linspace(-2, 4, 7)
    reference = ground_state(RING, 2).ground
    state = ground_state(RING, sector, options=Options(engine=engine)).ground
    np.testing.assert_allclose(joint_distribution(state, grid), joint_distribution(reference, grid), atol=1e-8)
    one, other = lattice_shape(state), lattice_shape(reference)
    for name in one.data_vars:
        np.testing.assert_allclose(one[name].values, other[name].values, atol=1e-6, err_msg=str(name))


def forced(model, forces):
    """The same model with -sum h_m x_m."""
    return replace(
        model, terms=(lambda m: sum((-h * x_operator(k) for k, h in enumerate(forces)), 0.0 * x_operator(0)),)
    )


RESPONDING = {
    "ring": (RING, Sector(2)),
    "complex": (replace(RING, flux=0.8), Sector(2)),
    "ligand": (
        Model(ligand_centre(3), Electrons({"ring": 1.0, "centre": 0.4}, {"metal": 0.0, "ligand": 0.5}), None,
              Phonons(1.0, on="ligand", electron_coupling=0.9, max_quanta=12)),
        Sector(2),
    ),
    "bond modes": (
        Model(chain(3), Electrons(1.0, [0.1, 0.0, -0.2], 2.0), None,
              Phonons(0.8, on="bonds", bond_coupling=0.3, max_quanta=5)),
        Sector(3, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["bond modes", *(pytest.param(n, marks=pytest.mark.slow) for n in ("ring", "complex", "ligand"))]
)
def test_susceptibility_is_the_curvature_of_the_energy_in_a_force(name):
    model, sector = RESPONDING[name]
    found = lattice_response(levels_by_symmetry(model, sector))
    h, modes = 0.01, len(model.modes)

    def energy(forces):
        return ground_state(forced(model, forces), sector).energies[0]

    unit = np.eye(modes)
    for m in range(min(modes, 2)):
        for k in range(m + 1):
            steps = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            far, near = (
                sum(a * b * energy(s * (a * unit[m] + b * unit[k])) for a, b in steps) / (4 * s * s) for s in (2 * h, h)
            )
            assert float(found.susceptibility[m, k]) == pytest.approx(-(4 * near - far) / 3, abs=2e-5)


@pytest.mark.parametrize("name", ["ligand", "bond modes"])
def test_susceptibility_is_the_sum_over_all_states(name):
    model, sector = RESPONDING[name]
    if name == "ligand":
        model = replace(model, phonons=replace(model.phonons, max_quanta=3))
    levels = ground_state(model, sector, states=2000, options=Options(engine="dense"))
    assert levels.multiplicity == 1
    found = lattice_response(levels)
    gaps = levels.energies[1:] - levels.energies[0]
    elements = np.array(
        [
            [transition(levels, x_operator(m), n) for n in range(1, len(levels.energies))]
            for m in range(len(model.modes))
        ]
    )
    chi = 2 * (elements.conj() / gaps) @ elements.T
    np.testing.assert_allclose(found.susceptibility, chi.real, atol=1e-8)
    np.testing.assert_allclose(found.fsum, np.abs(elements) ** 2 @ gaps, atol=1e-8)
    mean = (np.abs(elements) ** 2 @ gaps) / np.sum(np.abs(elements) ** 2, axis=1)
    np.testing.assert_allclose(found.mean_frequency, mean, atol=1e-8)
    assert np.all(found.softened_frequency <= found.mean_frequency + 1e-9) or name == "bond modes"


def test_the_f_sum_rule_holds_as_the_cutoff_grows():
    defects = []
    for cutoff in (4, 8, 16):
        model = Model(site(), Electrons(), Bosons(0.4, 0.5), Phonons(0.7, boson_coupling=0.6, max_quanta=cutoff))
        defects.append(float(lattice_response(ground_state(model, 2)).fsum_defect[0]))
    assert defects[0] > defects[1] > defects[2]
    assert defects[2] < 1e-9


def test_the_uniform_mode_of_a_holstein_ring_is_not_softened_and_the_others_are():
    """sum_i x_i couples to N: one collective frequency is omega0 exactly."""
    model = Model(ring(3), Electrons(1.0), None, Phonons(0.9, electron_coupling=0.5, total_quanta=14))
    found = lattice_response(levels_by_symmetry(model, 2))
    assert float(found.collective_frequencies[-1]) == pytest.approx(0.9, abs=1e-6)
    assert np.all(found.collective_frequencies[:-1] < 0.85)
    assert float(found.softest_mode.sum()) == pytest.approx(0.0, abs=1e-6)


def test_at_the_resonance_the_frequency_is_the_tunnel_splitting():
    """Two displaced wells: chi = 2 |<1|x|0>|^2 / gap with |<1|x|0>| = alpha, so Omega^2 = omega0 gap / alpha^2."""
    alpha, v = 2.5, 0.05
    model = Model(site(), Electrons(), Bosons(alpha**2, v), Phonons(1.0, boson_coupling=alpha, max_quanta=50))
    levels = ground_state(model, 2, states=2)
    gap = levels.energies[1] - levels.energies[0]
    assert float(lattice_response(levels).softened_frequency[0]) == pytest.approx(np.sqrt(gap) / alpha, rel=2e-2)


def test_frames_and_blocks_do_not_matter_for_the_response():
    phonons = Phonons(1.0, boson_coupling=0.6, electron_coupling=0.2, max_quanta=13)
    model = Model(dimer(), Electrons(1.0), Bosons(-0.3, 0.5), phonons)
    reference = lattice_response(ground_state(model, 2))
    moved = replace(model, phonons=replace(phonons, displacement=[0.5, 0.3]))
    dressed = replace(model, phonons=replace(phonons, displacement="lang-firsov"))
    for found in (levels_by_symmetry(model, 2), ground_state(moved, 2), ground_state(dressed, 2)):
        other = lattice_response(found)
        for name in reference.data_vars:
            np.testing.assert_allclose(other[name].values, reference[name].values, atol=1e-6, err_msg=str(name))


def test_a_degenerate_level_responds_in_first_order_and_says_so():
    model = Model(ring(3), Electrons(1.0, 0.0, 4.0), None, Phonons(1.0, electron_coupling=0.4, total_quanta=4))
    mixed, whole = levels_by_symmetry(model, Sector(3, 1)), ground_state(model, Sector(3, 1))
    assert mixed.multiplicity == whole.multiplicity == 2
    one, other = lattice_response(mixed), lattice_response(whole)
    np.testing.assert_allclose(one.susceptibility, other.susceptibility, atol=1e-7)
    np.testing.assert_allclose(one.first_order, other.first_order, atol=1e-7)
    assert np.all(one.first_order > 1e-3)
    np.testing.assert_allclose(one.susceptibility, np.roll(one.susceptibility, (1, 1), (0, 1)), atol=1e-7)


def test_a_lattice_that_cannot_move_is_infinitely_stiff():
    found = lattice_response(ground_state(Model(site(), Electrons(), None, Phonons(1.0, max_quanta=0)), 1))
    assert float(found.susceptibility[0, 0]) == 0.0
    assert np.isinf(found.softened_frequency[0])


def test_a_degenerate_level_without_phonons_does_not_respond():
    model = Model(ring(4), None, Bosons(-0.75), Phonons(0.5, boson_coupling=0.4, total_quanta=0))
    found = lattice_response(levels_by_symmetry(model, 4))
    np.testing.assert_allclose(found.susceptibility, 0.0, atol=1e-12)
    assert np.all(np.isinf(found.softened_frequency))


def test_what_is_not_there_is_refused():
    levels = ground_state(Model(dimer(), Electrons(1.0)), 1)
    with pytest.raises(ValueError, match="no phonon mode"):
        lattice_response(levels)
    with pytest.raises(ValueError, match="'spin' is unknown; allowed: charge, electrons, bosons"):
        joint_distribution(ground_state(RING, 2).ground, [0.0], "spin")
    with pytest.raises(MemoryError, match="memory_limit"):
        lattice_response(ground_state(RING, 2), Options(memory_limit=1000))
