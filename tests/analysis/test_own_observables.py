"""Own entries of the table of observables: right at T = 0, at T > 0, exact and sampled, and in sweeps."""

import io
import re

import numpy as np
import pytest
import xarray as xr
from independent import fock, full_hamiltonian
from rich.console import Console

from respair.analysis import (
    OBSERVABLES,
    Derived,
    Ensemble,
    Formula,
    Observable,
    Sampling,
    expectation,
    observables,
    thermal_averages,
)
from respair.analysis.observables.averages import Averages
from respair.analysis.plots import plot_sweep
from respair.clusters import ring
from respair.hamiltonians import (
    Bosons,
    Electrons,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    annihilate,
    create,
    displacement,
    electron_number,
    phonon,
    quanta,
)
from respair.hamiltonians.operators import total
from respair.solvers import ground_state, levels_by_symmetry
from respair.studies import parse, read_data, records, run, write
from respair.studies.execution.report import show_result

LATTICE = Phonons(0.8, electron_coupling=0.5, total_quanta=3)
MODEL = Model(ring(3), Electrons(1.0, hubbard_u=0.6), phonons=LATTICE, chemical_potential=0.2)
TEMPERATURES = [0.4, 1.5]


def assisted_hops(model):
    """Hops of up electrons that carry the lattice with them, and squares of it: no Hermitian operators."""
    hops = [create(b.start, "up") * annihilate(b.end, "up") * phonon(b.start) for b in model.cluster.bonds]
    return np.array(hops, dtype=object)


def spin_currents(model):
    """Currents of up electrons alone: turned around by time reversal, different for up and down."""
    found = []
    for bond in model.cluster.bonds:
        hop = create(bond.end, "up") * annihilate(bond.start, "up") * (2.0 + displacement(bond.start))
        found.append(1j * (hop - hop.dag) + 0.3 * electron_number(bond.start, "up"))
    return np.array(found, dtype=object)


def dressed_charge(state, averages):
    operators = (electron_number(i) * quanta(i) for i in range(3))
    return xr.DataArray([averages.operator(o).real for o in operators], dims="site", attrs={"units": "energy"})


def fluctuation(state, averages):
    mean = averages.operator(electron_number(0) * displacement(0)).real
    return xr.DataArray(mean**2)


OWN = {
    "assisted_hops": Observable(needs=("electrons", "phonons"), formula=Formula(("bond",), assisted_hops)),
    "spin_currents": Observable(needs=("electrons", "phonons"), formula=Formula(("bond",), spin_currents)),
    "dressed_charge": Observable(dressed_charge, ("electrons", "phonons")),
}


@pytest.fixture
def own(monkeypatch):
    for name, entry in OWN.items():
        monkeypatch.setitem(OBSERVABLES, name, entry)


def dense(model):
    """Return H and the three observables on the whole Fock space, without the package's operators."""
    f = fock(model)
    hop = {s: [f.c[j, s].conj().T @ f.c[i, s] for i, j in ((0, 1), (1, 2), (2, 0))] for s in ("up", "dn")}
    x = [a + a.conj().T for a in f.a]
    up = [h.conj().T @ f.a[i] for i, h in enumerate(hop["up"])]
    currents = [1j * (h - h.conj().T) @ (2.0 * f.one + x[i]) + 0.3 * f.n(i, "up") for i, h in enumerate(hop["up"])]
    charges = [f.n(i) @ f.a[i].conj().T @ f.a[i] for i in range(3)]
    return f, {"assisted_hops": up, "spin_currents": currents, "dressed_charge": charges}


@pytest.fixture(scope="module")
def exact():
    """Thermal averages from all eigenvectors of the whole space."""
    f, operators = dense(MODEL)
    h = full_hamiltonian(MODEL, f, 0)
    kept = f.kept
    energies, vectors = np.linalg.eigh(h[kept][:, kept].toarray())
    found = {}
    for name, each in operators.items():
        values = [np.sum(vectors.conj() * (o[kept][:, kept] @ vectors), axis=0) for o in each]
        weights = np.exp(-(energies - energies[0]) / np.array(TEMPERATURES)[:, None])
        found[name] = (weights / weights.sum(axis=1, keepdims=True)) @ np.array(values).T
    return found


@pytest.mark.long
def test_thermal_averages_are_those_of_all_states(own, exact):
    data = thermal_averages(MODEL, TEMPERATURES, names=list(OWN), sampling=Sampling("exact"))
    for name, wanted in exact.items():
        np.testing.assert_allclose(data[name], wanted, atol=1e-11)
        np.testing.assert_allclose(data[f"{name}_error"], data[f"{name}_cutoff_error"], atol=1e-12)
    assert data["dressed_charge"].attrs["units"] == "energy"
    assert np.max(np.abs(exact["assisted_hops"])) > 0.01


@pytest.mark.long
def test_sampled_averages_are_so_within_their_errors(own, exact):
    data = thermal_averages(MODEL, TEMPERATURES, names=list(OWN), sampling=Sampling("ftlm", samples=12, steps=40))
    assert int(data["sampled_blocks"]) > 0
    for name, wanted in exact.items():
        error = np.sqrt(data[f"{name}_error"].values ** 2 - data[f"{name}_cutoff_error"].values ** 2)
        assert np.all(np.abs(data[name].values - wanted) <= 5 * error + 1e-9)
        assert 0 < np.max(error) < 0.1


@pytest.mark.parametrize("frame", ["none", "mean", "lang-firsov"])
@pytest.mark.parametrize("solve", [ground_state, levels_by_symmetry])
def test_averages_in_the_ground_state_keep_their_lattice_factors(own, solve, frame):
    """One path goes by words, one by blocks, one by mixtures over blocks."""
    phonons = Phonons(0.8, electron_coupling=0.5, boson_coupling=0.4, total_quanta=3, displacement=frame)
    model = Model(ring(3), Electrons(1.0, hubbard_u=0.6), Bosons(-0.3, 0.7), phonons)
    for charge in (2, 3):
        state = solve(model, charge).ground
        found, averages = observables(state, list(OWN)), Averages(state)
        for name in ("assisted_hops", "spin_currents"):
            formula = OWN[name].formula.operators(model)
            np.testing.assert_allclose(found[name], [expectation(state, o) for o in formula], atol=1e-12)
        charges = [expectation(state, electron_number(i) * quanta(i)).real for i in range(3)]
        np.testing.assert_allclose(found["dressed_charge"], charges, atol=1e-12)
        both = [averages.operator(electron_number(0) * factor) for factor in (1.0, displacement(0), quanta(0))]
        assert len({complex(np.round(value, 6)) for value in both}) == 3


TEXT = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 0.6 }
bosons = { level = -0.3, exchange = 0.7 }
phonons = { frequency = 0.8, electron_coupling = 0.5, boson_coupling = 0.4, total_quanta = 1 }
sector = { charge = 2 }
ground_state = { observables = ["dressed_charge", "spin_currents"] }
thermal = { temperatures = [0.4], ensemble = "canonical", observables = ["dressed_charge", "spin_currents"] }
[sweep]
"phonons.electron_coupling" = [0.0, 0.9]
"""


@pytest.mark.long
def test_model_files_and_sweeps_know_them(own):
    result = run(parse(TEXT, "own.toml"))
    for record, (point, _) in zip(records(result), result.points, strict=True):
        model = Model(ring(3), Electrons(1.0, hubbard_u=0.6), Bosons(-0.3, 0.7),
                      Phonons(0.8, electron_coupling=point["phonons.electron_coupling"], boson_coupling=0.4,
                              total_quanta=1))  # fmt: skip
        ground = levels_by_symmetry(model, Sector(2)).ground
        charges = [expectation(ground, electron_number(i) * quanta(i)).real for i in range(3)]
        np.testing.assert_allclose(record["ground_state"]["observables"]["dressed_charge"], charges, atol=1e-10)
        (warm,) = record["thermal"]["observables"]["dressed_charge"]
        assert not np.allclose(warm, charges, atol=1e-6)
        assert len(record["thermal"]["observables"]["spin_currents"][0]) == 3
    assert result.data["dressed_charge"].dims == ("phonons.electron_coupling", "site")


def test_what_is_no_average_is_refused_before_anything_is_summed(own, monkeypatch):
    monkeypatch.setitem(OBSERVABLES, "fluctuation", Observable(fluctuation, ("electrons", "phonons")))
    told = []
    with pytest.raises(InvalidModel, match=r'got "fluctuation"; leave it out: in a mixture it is not the mean'):
        thermal_averages(MODEL, [1.0], names=["fluctuation"], progress=lambda *word: told.append(word))
    assert not told
    state = ground_state(MODEL, 2).ground
    mean = expectation(state, electron_number(0) * displacement(0)).real
    np.testing.assert_allclose(observables(state, ["fluctuation"])["fluctuation"], mean**2, atol=1e-12)


def orders(found):
    """What is made of averages: their squares, and their sum."""
    hops = found["bond_order"]
    return {"squared": (np.abs(hops) ** 2, ("bond",), "|<A_b>|^2"), "sum": (hops.sum(axis=-1).real, (), "sum <A_b>")}


ENTRIES = {
    "bond_order": Observable(
        needs=("electrons",),
        formula=Formula.over("bond", of=lambda m, b: create(m.cluster.bonds[b].end, "up")
                             * annihilate(m.cluster.bonds[b].start, "up")),
        text="<c+_j c_i>",
    ),
    "charge_of_first": Observable(
        needs=("electrons",), formula=Formula.over(of=lambda m: electron_number(0)), symbol="<n_0>"
    ),
    "pressed": Observable(
        needs=("electrons", "phonons"),
        formula=Formula.over("site", of=lambda m, i: electron_number(i) * displacement(i)), symbol="<n x>",
    ),
    "orders": Observable(derived=Derived(("bond_order",), orders)),
}  # fmt: skip
EVERYWHERE = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons = { hopping = 1.0, hubbard_u = 0.6 }
phonons = { frequency = 0.8, electron_coupling = 0.5, total_quanta = 2 }
sector = { charge = 2 }
ground_state = { observables = ["bond_order", "charge_of_first", "pressed", "orders"] }
thermal = { temperatures = [0.4], ensemble = "canonical", observables = ["charge_of_first", "pressed", "orders"] }
[sweep]
"phonons.electron_coupling" = [0.1, 0.9]
"""


@pytest.mark.long
def test_one_entry_is_all_that_an_observable_takes(monkeypatch, tmp_path):
    """T = 0, T > 0 by levels and by random vectors, records, tables, figures, files and sweeps follow from it."""
    for name, entry in ENTRIES.items():
        monkeypatch.setitem(OBSERVABLES, name, entry)
    study = parse(EVERYWHERE, "own.toml")
    result = run(study)
    for (point, data), record in zip(result.points, records(result), strict=True):
        phonons = Phonons(0.8, electron_coupling=point["phonons.electron_coupling"], total_quanta=2)
        model = Model(ring(3), Electrons(1.0, hubbard_u=0.6), phonons=phonons)
        state = levels_by_symmetry(model, 2).ground
        for name in ("bond_order", "charge_of_first", "pressed"):
            operators = ENTRIES[name].formula.operators(model)
            wanted = np.array([expectation(state, o) for o in operators.ravel()]).reshape(operators.shape)
            np.testing.assert_allclose(data[name], wanted, atol=1e-11)
        assert (data["bond_order"].dims, data["bond_order"].attrs["formula"]) == (("bond",), "<c+_j c_i>")
        squared = np.abs(data["bond_order"].values) ** 2
        np.testing.assert_allclose(record["ground_state"]["observables"]["orders"]["squared"], squared, atol=1e-14)
        kind = Ensemble("canonical", Sector(2))
        for sampling in (Sampling("exact"), Sampling("ftlm", samples=2, steps=12)):
            warm = thermal_averages(model, [0.4], kind, sampling, names=list(ENTRIES))
            np.testing.assert_allclose(warm["orders_sum"], warm["bond_order"].sum("bond"), atol=1e-12)
            assert "orders_squared_error" in warm
        np.testing.assert_allclose(record["thermal"]["observables"]["charge_of_first"], [2 / 3], atol=1e-10)
    write(result, tmp_path / "own.nc")
    kept = read_data(tmp_path / "own.nc")["orders_squared"]
    np.testing.assert_allclose(kept, result.data["orders_squared"], atol=1e-15)
    assert result.data["orders_squared"].dims == ("phonons.electron_coupling", "bond")
    (curve,) = plot_sweep(result.data, "phonons.electron_coupling", "pressed").containers
    assert curve.get_label() == "sites 0 to 2"
    shown = io.StringIO()
    show_result(result, Console(file=shown, width=200))
    assert "<n x>[2]" in shown.getvalue()
    assert "<n_0>" in shown.getvalue()


def test_tables_of_bonds_name_the_sites_that_each_joins(monkeypatch):
    monkeypatch.setitem(OBSERVABLES, "bond_order", ENTRIES["bond_order"])
    text = 'schema = 1\ncluster = { kind = "ring", sites = 3 }\nelectrons.hopping = 1.0\nsector.charge = 2\n'
    result = run(parse(text + 'ground_state.observables = ["bond_order"]', "ring.toml"))
    show_result(result, Console(file=(shown := io.StringIO()), width=200))
    assert re.findall(r"\d: \d-\d", shown.getvalue()) == ["0: 0-1", "1: 1-2", "2: 2-0"]
    assert result.data.bond.values.tolist() == [0, 1, 2]  # in results they are numbers


def test_an_entry_without_a_way_to_be_measured_is_refused():
    with pytest.raises(ValueError, match="an observable needs a definition"):
        Observable(needs=("electrons",))


def test_totals_of_formulas_are_formulas():
    model = Model(ring(3), Electrons(1.0))
    state = ground_state(model, 2).ground
    kinetic = Formula((), lambda m: np.array(total(assisted_free(m)), dtype=object))
    np.testing.assert_allclose(Averages(state).operator(kinetic.operators(model).item()).real, -4.0, atol=1e-12)


def assisted_free(model):
    for bond in model.cluster.bonds:
        for spin in ("up", "dn"):
            hop = create(bond.start, spin) * annihilate(bond.end, spin)
            yield -1.0 * (hop + hop.dag)


def test_wrong_entries_name_what_is_allowed():
    with pytest.raises(ValueError, match=r".bonds. is not a dimension of a formula; allowed: site, bond, mode"):
        Formula.over("bonds", of=lambda model, i: electron_number(i))
    with pytest.raises(ValueError, match="'electron' is unknown; allowed: electrons, bosons, phonons"):
        Observable(needs=("electron",), formula=Formula.over("site", of=lambda model, i: electron_number(i)))
    number = Formula.over("site", of=lambda model, i: 1.0)
    with pytest.raises(TypeError, match=r"the operator at \(0,\) is 1.0, and must be an Operator"):
        number.operators(Model(ring(3), Electrons(1.0)))
