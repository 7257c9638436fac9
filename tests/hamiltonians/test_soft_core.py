"""Soft-core local pairs: closed forms, blocks, engines, frames, averages, spectra, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from reference import full_hamiltonian, sector_indices

from respair.analysis import (
    STANDARD,
    basis_table,
    observables,
    probe,
    reduced_density_matrix,
    spectral_function,
    thermal_averages,
)
from respair.clusters import InvalidValue, chain, dimer, infinite_chain, ring, site
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    Space,
    boson,
    boson_number,
)
from respair.hamiltonians.algebra import canonical, commutator
from respair.hamiltonians.soft_core import expanded
from respair.hamiltonians.space.charges import charge_dimension
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.solvers.evolution.configuration import Configuration
from respair.studies import parse, records, run
from respair.studies.interfaces.terms import Terms


def pairs(**given):
    return Bosons(**{"max_occupation": 3, **given})


def lowest(model, charge, count=1):
    return ground_state(model, Sector(charge), count).energies


def test_one_site_has_the_levels_of_its_pairs():
    model = Model(site(), None, pairs(level=0.3, interaction=0.8))
    assert model.max_charge == 6
    found = [lowest(model, 2 * n)[0] for n in range(4)]
    assert found == pytest.approx([0.3 * n + 0.4 * n * (n - 1) for n in range(4)])


@pytest.mark.parametrize("u", [0.0, 0.7, -1.3])
def test_two_pairs_on_two_sites(u):
    """The Bose-Hubbard dimer: E = U/2 - sqrt(U^2/4 + 4 t^2)."""
    model = Model(dimer(), None, pairs(hopping=0.9, interaction=u, max_occupation=2))
    assert lowest(model, 4)[0] == pytest.approx(u / 2 - np.sqrt(u**2 / 4 + 4 * 0.9**2))


def test_free_pairs_are_in_the_lowest_wave():
    model = Model(ring(3), None, pairs(hopping=0.5))
    ground = ground_state(model, Sector(6))
    assert ground.energies[0] == pytest.approx(-3 * 2 * 0.5)
    found = observables(ground.ground, ["boson_density", "boson_correlation"])
    np.testing.assert_allclose(found["boson_density"].values, 1.0, atol=1e-9)
    np.testing.assert_allclose(found["boson_correlation"].values.real, 1.0, atol=1e-9)


def test_they_are_hard_core_pairs_where_they_repel_strongly():
    table = pairs(hopping=0.5, interaction=1e6, level=0.2)
    soft, hard = (Model(ring(4), Electrons(1.0), replace(table, exchange=0.4, **more)) for more in (
        {}, {"max_occupation": 1, "interaction": 0.0}))  # fmt: skip
    assert lowest(soft, 4)[0] == pytest.approx(lowest(hard, 4)[0], abs=1e-5)


def test_exchange_grows_with_the_pairs_that_are_there():
    """|2 electrons, n - 1 pairs> and |0, n>: v sqrt(n)."""
    model = Model(site(), Electrons(level=0.2), pairs(level=0.7, exchange=0.5, interaction=0.3))
    for n in (1, 2, 3):
        energy = [0.7 * k + 0.15 * k * (k - 1) for k in range(4)]
        matrix = [[0.4 + energy[n - 1], 0.5 * n**0.5], [0.5 * n**0.5, energy[n]]]
        assert lowest(model, 2 * n, 2) == pytest.approx(np.linalg.eigvalsh(matrix))


@pytest.mark.parametrize("frame", ["none", "mean", "lang-firsov"])
def test_a_lattice_that_pairs_push(frame):
    """n pairs gain n^2 alpha^2 omega0."""
    table = Phonons(0.8, boson_coupling=0.5, max_quanta=30, frame=frame)
    model = Model(site(), None, pairs(level=0.3, interaction=0.8), table)
    for n in range(4):
        expected = 0.3 * n + 0.4 * n * (n - 1) - 0.8 * 0.25 * n**2
        assert lowest(model, 2 * n)[0] == pytest.approx(expected, abs=1e-9)


LATTICE = Phonons(0.9, boson_coupling=0.4, electron_coupling=0.3, max_quanta=1, exchange_coupling=0.2)
BOTH = pairs(level=-0.3, exchange=0.4, hopping=0.2, repulsion=0.3, electron_repulsion=0.2, bond_exchange=0.1,
             interaction=0.7, max_occupation=2)  # fmt: skip
MODELS = {
    "pairs": (Model(ring(4), None, pairs(hopping=0.5, interaction=0.6, repulsion=0.2), flux=0.7), Sector(6)),
    "both": (Model(ring(3), Electrons(1.0, hubbard_u=1.0), BOTH, flux=0.4), Sector(5, 1)),
    "lattice": (Model(dimer(), Electrons(1.0), BOTH, replace(LATTICE, frame="mean")), Sector(4)),
    "some": (Model(chain(3), Electrons(1.0), replace(BOTH, on=[0, 2])), Sector(4)),
    "t-J": (Model(dimer(), Electrons(1.0, double_occupancy=False), replace(BOTH, exchange=0.0)), Sector(4)),
}


@pytest.mark.parametrize(
    "engine", ["tensor", *(pytest.param(name, marks=pytest.mark.long) for name in ("dense", "quspin"))]
)
@pytest.mark.parametrize("name", MODELS)
def test_levels_of_all_blocks_are_those_of_the_reference(name, engine):
    model, sector = MODELS[name]
    at = sector_indices(model, sector.charge, sector.spin_excess)
    expected = np.linalg.eigvalsh(full_hamiltonian(model)[at][:, at].toarray())[:6]
    found = levels_by_symmetry(model, sector, 6, Options(engine=engine))
    np.testing.assert_allclose(found.energies, expected, rtol=0, atol=1e-8)
    assert charge_dimension(model, sector) == len(Space(model, sector).charges)


def test_formulas_keep_the_algebra_of_bosons():
    """[b, b+] = 1 below the cap, and 1 - (M + 1) on it; b+ b counts."""
    model = Model(site(), None, pairs())
    down, number = expanded(boson(0), model), expanded(boson_number(0), model)
    found = commutator(down, down.dag)
    for n in range(4):
        matrix = Hamiltonian.of(model, Sector(2 * n)).matrix_of(found).toarray()
        assert matrix == pytest.approx(1.0 if n < 3 else -3.0)
        counted = Hamiltonian.of(model, Sector(2 * n)).matrix_of(canonical(down.dag * down) - number).toarray()
        assert counted == pytest.approx(0.0)


def test_one_site_at_a_temperature():
    model = Model(site(), None, pairs(level=-0.4, interaction=0.5))
    found = thermal_averages(model, [0.6], names=["boson_density"])
    weights = np.exp([-(-0.4 * n + 0.25 * n * (n - 1)) / 0.6 for n in range(4)])
    assert float(found["boson_density"].values.ravel()[0]) == pytest.approx(np.arange(4) @ weights / weights.sum())


@pytest.mark.long
def test_the_spectrum_of_a_pair_has_bosonic_weights():
    """Two pairs of at most three on a site: b+ with 3, b with 2; the moments meet their sum rules."""
    model = Model(site(), None, pairs(level=0.3, interaction=0.8))
    found = spectral_function(ground_state(model, Sector(4)), probe(model, "boson", site=0), [0.0])
    assert found["sum_rules"].values[0].real == pytest.approx(5.0)
    wide = Model(ring(3), None, pairs(hopping=0.4, interaction=0.8))
    assert spectral_function(ground_state(wide, Sector(4)), probe(wide, "boson", site=0), [0.0])["sum_rules"].size


def test_states_are_shown_with_their_numbers():
    model = Model(dimer(), None, pairs(hopping=0.4))
    table = basis_table(Space(model, Sector(6)))
    assert sorted(map(tuple, table["boson"].values.tolist())) == [(0, 3), (1, 2), (2, 1), (3, 0)]
    assert sorted(str(x) for x in table["label"].values) == ["..|.3", "..|12", "..|21", "..|3."]
    found = reduced_density_matrix(ground_state(model, Sector(6)).ground, [0])
    np.testing.assert_allclose(np.linalg.eigvalsh(found["density_matrix"].values), [1 / 8, 1 / 8, 3 / 8, 3 / 8])


def test_a_configuration_may_hold_several():
    model = Model(dimer(), None, pairs(max_occupation=2))
    assert not Configuration(bosons=(0, 0, 1)).problems(model)
    assert Configuration(bosons=(0, 0, 1)).bits(model) == 0b0111 << 4
    assert Configuration(bosons=(0, 0, 0)).problems(model)["bosons"][1].endswith("each 2 times at most")


def test_a_file():
    text = """schema = 1
cluster = { kind = "dimer" }
bosons = { hopping = 0.9, interaction = 0.7, max_occupation = 2 }
sector = { charge = 4 }
[sweep]
"bosons.interaction" = [0.7, 1.4]
"""
    found = [record["ground_state"]["energies"][0] for record in records(run(parse(text, "soft.toml")))]
    assert found == pytest.approx([u / 2 - np.sqrt(u**2 / 4 + 4 * 0.81) for u in (0.7, 1.4)])


REFUSED = {
    "none": ({"max_occupation": 0}, r"max_occupation: got 0; allowed: whole numbers from 1 to 16"),
    "half": ({"max_occupation": 1.5}, r"max_occupation: got 1.5; allowed: whole numbers"),
    "hard": ({"max_occupation": 1, "interaction": 0.5}, r"interaction: got 0.5; allowed: 0 with bosons.max_occ"),
    "bits": ({"max_occupation": 16}, r"max_occupation: got 16; allowed here: at most 13; configurations have 62 bits"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(name):
    given, message = REFUSED[name]
    with pytest.raises(InvalidModel, match=message):
        Model(ring(4 if name == "bits" else 3), Electrons(1.0), pairs(**given))


def test_what_does_not_suit_says_so():
    with pytest.raises(InvalidModel, match="allowed on infinite lattices: 1"):
        Model(infinite_chain(), None, pairs())
    with pytest.raises(InvalidModel, match="allowed: number where sites hold several local pairs"):
        Model(dimer(), None, pairs(), Phonons(1.0, boson_coupling=0.3, max_quanta=3, basis="optimal"))
    with pytest.raises(InvalidModel, match="it supports only hard-core pairs"):
        STANDARD["atomic-limit"](Model(dimer(), None, pairs(hopping=0.1)), Sector(2))
    with pytest.raises(InvalidValue, match="soft-core pairs are not supported in other codes"):
        Terms.of(Model(dimer(), None, pairs()), 2)
    with pytest.raises(InvalidModel, match=r"boson_quadratic: .* \(for each local pair that fits on the site\)"):
        Model(dimer(), None, pairs(), Phonons(1.0, boson_quadratic=-0.1, max_quanta=2))
