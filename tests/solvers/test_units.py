"""The unit of energy is the user's: every number of a model times s gives energies times s, and the same states."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from independent import sector_matrix
from random_models import models, models_and_sectors, sectors_of

from respair._core.formatting import with_error
from respair.analysis import (
    Ensemble,
    flux_minimum,
    flux_response,
    observables,
    optical_conductivity,
    pair_densities,
    probe,
    spectral_function,
    thermal_averages,
    thermal_flux_response,
    thermal_spectral_function,
)
from respair.analysis.approximations import STANDARD
from respair.clusters import custom, dimer, infinite_chain, point_group, ring
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    Model,
    Phonons,
    Sector,
    annihilate,
    create,
    electron_number,
    parameter_derivative,
    with_parameter,
)
from respair.hamiltonians.parameters import COUPLINGS, SPECIES
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.studies import parse, records, run

SCALES = (1e-12, 1e-10, 3e-5, 7e3, 1e6, 1e8)
FEW = (1e-12, 1e6)
scales = st.sampled_from(SCALES)
quick = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def times(coupling, s):
    if isinstance(coupling, dict):
        return {key: times(value, s) for key, value in coupling.items()}
    return s * coupling if isinstance(coupling, float | int) else [times(value, s) for value in coupling]


def scaled(model, s):
    """The same model with every energy times s; alpha and displacements have no unit."""
    species = {}
    for name in SPECIES:
        if (table := getattr(model, name)) is not None:
            energies = [key for key, entry in COUPLINGS.items() if entry.species == name and entry.unit == "energy"]
            keys = [key.partition(".")[2] for key in energies]
            species[name] = replace(table, **{key: times(getattr(table, key), s) for key in keys})
    return replace(model, **species, chemical_potential=s * model.chemical_potential)


def size_of(energies):
    return max(1.0, float(np.max(np.abs(energies))))


@quick
@given(models_and_sectors(largest=300), scales)
@pytest.mark.long
def test_levels_their_labels_and_averages(model_and_sector, s):
    model, sector = model_and_sector
    one, other = (levels_by_symmetry(m, sector, 4) for m in (model, scaled(model, s)))
    np.testing.assert_allclose(other.energies / s, one.energies, rtol=0, atol=1e-11 * size_of(one.energies))
    assert other.multiplicity == one.multiplicity
    assert {levels.block.sector for levels in other.lowest} == {levels.block.sector for levels in one.lowest}
    for a, b in zip(observables(one.ground).values(), observables(other.ground).values(), strict=True):
        power = 1 if a.attrs["units"] == "energy" else 0
        largest = max(1.0, float(np.max(np.abs(a.values), initial=0.0)))
        np.testing.assert_allclose(b.values / s**power, a.values, rtol=0, atol=1e-7 * largest, err_msg=a.name)


LARGE = Model(ring(6), Electrons(1.0, 0.0, 3.0), Bosons(-0.4, 0.8))
WITH_LATTICE = Model(ring(3), Electrons(1.0), Bosons(0.2, 0.7), Phonons(0.9, boson_coupling=0.8, total_quanta=4))


@pytest.mark.parametrize("s", FEW)
@pytest.mark.parametrize("engine", ["quspin", "tensor"])
def test_lanczos_levels(engine, s):
    for model, sector in ((LARGE, Sector(4)), (WITH_LATTICE, Sector(3, 1))):
        one, other = (ground_state(m, sector, 3, Options(engine=engine)) for m in (model, scaled(model, s)))
        np.testing.assert_allclose(other.energies / s, one.energies, rtol=0, atol=1e-9)
        assert other.multiplicity == one.multiplicity
        assert np.max(other.certificate.residuals) <= 1e-9 * s
        np.testing.assert_allclose(other.certificate.leaks / s, one.certificate.leaks, rtol=0, atol=1e-7)


@quick
@given(models_and_sectors(largest=120, electrons=True), scales, st.sampled_from(["electron", "pair", "density"]))
@pytest.mark.long
def test_spectra(model_and_sector, s, name):
    model, sector = model_and_sector
    omega = np.array([-1.0, 0.3, 2.0])
    one, other = (
        spectral_function(ground_state(m, sector), probe(m, name), u * omega, 0.2 * u)
        for m, u in ((model, 1.0), (scaled(model, s), s))
    )
    largest = max(1.0, float(np.max(np.abs(one["values"]))))
    np.testing.assert_allclose(other["values"] * s, one["values"], rtol=0, atol=1e-6 * largest)
    powers = s ** np.arange(4.0)
    np.testing.assert_allclose(other["moments"] / powers, one["moments"], rtol=1e-6, atol=1e-6)
    assert other.sizes["pole"] == one.sizes["pole"]
    np.testing.assert_allclose(other["pole_frequencies"] / s, one["pole_frequencies"], rtol=0, atol=1e-7)


@quick
@given(models(), scales, st.data())
def test_thermal_averages(model, s, data):
    sector = data.draw(sectors_of(model, 200))
    names = ["electron_density"] if model.electrons else ["boson_density"]
    kind = ("canonical", sector)
    one, other = (
        thermal_averages(m, [0.3 * u, 2.0 * u], Ensemble(*kind), names=names)
        for m, u in ((model, 1.0), (scaled(model, s), s))
    )
    for name, power in (("energy", 1), ("entropy", 0), ("specific_heat", 0), (names[0], 0)):
        a, b = one[name].values, other[name].values / s**power
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-8 * size_of(a), err_msg=name)


RINGS = {
    "charges": (Model(ring(4), Electrons(1.0), Bosons(-0.4, 1.1)), Sector(4)),
    "pairs": (Model(ring(3), None, Bosons(0.2, 0.0, 1.0)), Sector(2)),
    "lattice": (WITH_LATTICE, Sector(2)),
}


@pytest.mark.long
@pytest.mark.parametrize("s", [pytest.param(s, marks=pytest.mark.slow) if s > 1 else s for s in FEW])
@pytest.mark.parametrize("name", RINGS)
def test_fluxes_and_conductivities(name, s):
    model, sector = RINGS[name]
    phis = [0.0, 0.6, np.pi]
    one, other = (flux_response(m, sector, phis) for m in (model, scaled(model, s)))
    for key in ("energies", "current", "stiffness"):
        np.testing.assert_allclose(other[key] / s, one[key], rtol=1e-7, atol=1e-7, err_msg=key)
    low, there = (flux_minimum(m, sector) for m in (model, scaled(model, s)))
    assert float(there["phi"]) == pytest.approx(float(low["phi"]), abs=1e-6)
    assert there.sizes == low.sizes
    states = (ground_state(replace(m, flux=0.6), sector) for m in (model, scaled(model, s)))
    one, other = (optical_conductivity(m, [0.5 * u, 2.0 * u], 0.2 * u) for m, u in zip(states, (1.0, s), strict=True))
    for key, power in (("drude", 1), ("fsum", 1), ("values", 0)):
        np.testing.assert_allclose(other[key] / s**power, one[key], rtol=1e-6, atol=1e-7, err_msg=key)
    assert other.sizes["pole"] == one.sizes["pole"]


@pytest.mark.parametrize("s", [pytest.param(s, marks=pytest.mark.slow) if s > 1 else s for s in FEW])
def test_thermal_spectra_and_fluxes(s):
    model = Model(ring(3), Electrons(1.0, 0.0, 2.0), chemical_potential=0.1)
    omega = np.array([-1.0, 0.4, 2.0])
    for name, power in (("electron", 1), ("current", 0)):
        one, other = (
            thermal_spectral_function(m, probe(m, name), [0.5 * u], u * omega, 0.2 * u)
            for m, u in ((model, 1.0), (scaled(model, s), s))
        )
        np.testing.assert_allclose(other["values"] * s**power, one["values"], rtol=1e-7, atol=1e-8)
    one, other = (thermal_flux_response(m, [0.7], [0.5 * u]) for m, u in ((model, 1.0), (scaled(model, s), s)))
    for key in ("current", "stiffness", "drude"):
        np.testing.assert_allclose(other[key] / s, one[key], rtol=1e-7, atol=1e-8, err_msg=key)


@pytest.mark.parametrize("s", [1e-10, 1e6])
def test_the_chemical_potential_of_a_density(s):
    model = Model(ring(3), Electrons(1.0, 0.0, 2.0))
    kind = Ensemble("grand-canonical", density=0.8)
    one, other = (thermal_averages(m, [0.3 * u], kind) for m, u in ((model, 1.0), (scaled(model, s), s)))
    shifts = (data["chemical_potential"].values for data in (one, other))
    np.testing.assert_allclose(next(shifts), next(shifts) / s, rtol=1e-9)


@pytest.mark.sampled
@pytest.mark.parametrize("s", [1e-10, 1e6])
@pytest.mark.parametrize("name", STANDARD)
def test_approximations(name, s):
    lattice = Phonons(0.8, electron_coupling=0.9, max_quanta=2)
    candidates = (
        (Model(dimer(), Electrons(1.0, 0.0, 1.5), phonons=lattice), Sector(2)),
        (Model(dimer(), Electrons(0.2, 0.0, -2.0)), Sector(2)),
        (Model(ring(3), Electrons(1.0), Bosons(-0.2, 0.9)), 0.1),
        (Model(dimer(), Electrons(1.0), phonons=lattice, chemical_potential=-0.6), 0.5),
        (Model(infinite_chain(), Electrons(1.0), phonons=Phonons(0.8, electron_coupling=0.5)), Sector(1, 1)),
    )
    model, where = next(each for each in candidates if STANDARD[name].reason(*each) is None)
    one = STANDARD[name](model, where)
    other = STANDARD[name](scaled(model, s), where if isinstance(where, Sector) else s * where)
    for key in ("energies", "grand_potential"):
        if key in one:
            np.testing.assert_allclose(other[key] / s, one[key], rtol=1e-7, atol=1e-8)
    for key in ("matsubara_greens_function", "pair_susceptibility"):
        if key in one:
            np.testing.assert_allclose(other[key] * s, one[key], rtol=1e-7, atol=1e-8)


def test_parameter_derivatives_beside_a_large_chemical_potential():
    model = Model(dimer(), Electrons(0.001, [0.0, 0.009]), chemical_potential=1e10)
    found = parameter_derivative(lambda u: with_parameter(model, "electrons.hubbard_u", u), 0.02)
    wanted = [electron_number(i, "up") * electron_number(i, "dn") for i in range(2)]
    assert found.terms.keys() == {word for each in wanted for word in each.terms}
    assert all(value == pytest.approx(1.0, abs=1e-10) for value in found.terms.values())
    levels = parameter_derivative(lambda e: replace(model, electrons=Electrons(0.001, [0.0, e])), 0.009)
    assert all(value == pytest.approx(1.0, abs=1e-10) for value in levels.terms.values())
    assert len(levels.terms) == 2


def neighbours(model):
    """Hermitian, but for the order of its letters."""
    return sum((0.1 * electron_number(i) * electron_number((i + 1) % 3) for i in range(3)), 0.0 * electron_number(0))


def test_a_term_beside_a_large_coupling_is_hermitian():
    model = Model(ring(3), Electrons(1.0, 0.0, 1e6), terms=(neighbours,))
    energies = ground_state(model, 3).energies
    assert energies[0] < 1.0


@pytest.mark.parametrize("s", [1e-12, 1.0])
def test_a_small_term_that_is_not_hermitian_is_refused(s):
    model = Model(ring(3), Electrons(s, 0.0, 1e6 * s), terms=(lambda m: s * create(0, "up") * annihilate(1, "up"),))
    with pytest.raises(ValueError, match="not Hermitian"):
        ground_state(model, 2)


CASES = {
    "beside a large U": ('hubbard_u = 1e6, level = [0.0, 5e-7]', 1, "", [0.0, 5e-7]),
    "beside a large mu": (
        "hopping = 0.001, level = [0.0, 0.009]", 1, "ensemble = { chemical_potential = 1e10 }\n",
        [0.0045 - np.hypot(0.001, 0.0045) - 1e10, 0.0045 + np.hypot(0.001, 0.0045) - 1e10],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_small_difference_of_two_sites_is_no_symmetry(name):
    electrons, charge, more, wanted = CASES[name]
    text = f"""
schema = 1
cluster = {{ kind = "dimer" }}
electrons = {{ {electrons} }}
{more}sector = {{ charge = {charge} }}
ground_state = {{ states = 2 }}
"""
    record = records(run(parse(text, "dimer.toml")))[0]["ground_state"]
    np.testing.assert_allclose(record["energies"], wanted, rtol=4e-16, atol=1e-20)
    assert record["labels"] == [{}, {}]
    assert record["observables"]["multiplicity"] == 1


def test_tiny_units():
    """The dimer with t = 1, U = 4 and levels 0 and 2, times 1e-10: the singlets are the roots of a cubic equation."""
    levels = levels_by_symmetry(Model(dimer(), Electrons(1e-10, [0.0, 2e-10], 4e-10)), 2, 4)
    singlets = np.linalg.eigvalsh([[4.0, 0.0, -np.sqrt(2)], [0.0, 8.0, -np.sqrt(2)], [-np.sqrt(2), -np.sqrt(2), 2.0]])
    np.testing.assert_allclose(levels.energies * 1e10, np.sort([*singlets, 2.0]), atol=1e-12)
    assert levels.multiplicity == 1
    assert with_error(levels.energies[0], levels.certificate.energy_errors[0]).startswith("1.0376113918")
    assert with_error(levels.energies[0], levels.certificate.energy_errors[0]).endswith("e-10")


def test_a_large_u_leaves_the_small_levels_apart():
    """Superexchange 4 t^2 / U beside U = 1e6: singlet and triplet are two levels."""
    levels = levels_by_symmetry(Model(dimer(), Electrons(1.0, 0.0, 1e6)), 2, 2)
    assert levels.multiplicity == 1
    assert levels.energies[1] - levels.energies[0] == pytest.approx(4e-6, rel=1e-3)


@pytest.mark.parametrize("size", [1e-10, 1.0, 1e6])
def test_positions_have_any_unit(size):
    """A kite of any size has one mirror, and no fourfold axis."""
    kite = custom([[x * size, y * size] for x, y in ((1, 0), (0, 1), (-2, 0), (0, -1))])
    assert (point_group(kite).name, len(kite.symmetries)) == ("Cs", 2)


def test_quspin_blocks_whose_characters_are_real_are_real():
    square = custom([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    model = Model(square, Electrons(), Bosons(level=-1.0, exchange=-3.0))
    sector = Sector(10, 2, irrep="B1")
    one, other = (ground_state(model, sector, 3, Options(engine=engine)) for engine in ("quspin", "dense"))
    np.testing.assert_allclose(one.energies, other.energies, atol=1e-10)
    whole = Hamiltonian.of(model, Sector(10, 2))
    every = np.linalg.eigvalsh(sector_matrix(model, Sector(10, 2), whole.space))
    assert all(np.min(np.abs(every - energy)) < 1e-10 for energy in one.energies)


def test_models_with_other_terms_of_their_own_differ():
    one = Model(ring(3), Electrons(1.0), terms=(neighbours,))
    assert one == replace(one)
    assert one != replace(one, terms=())
    assert one != replace(one, terms=(lambda model: neighbours(model),))


@pytest.mark.parametrize("s", [1e-10, 1e6])
def test_pairs(s):
    one, other = (pair_densities(levels_by_symmetry(m, 4).ground) for m in (LARGE, scaled(LARGE, s)))
    for name in one.data_vars:
        np.testing.assert_allclose(np.abs(other[name]), np.abs(one[name]), atol=1e-6, err_msg=name)
