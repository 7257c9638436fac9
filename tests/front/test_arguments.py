"""Wrong types in Python: what is clear is taken, anything else is named in one sentence with what to write."""

import pickle

import numpy as np
import pytest

from respair import (
    Bosons,
    Electrons,
    Ensemble,
    Hamiltonian,
    Model,
    Options,
    Phonons,
    Sampling,
    Sector,
    charge_scan,
    compare,
    custom,
    entanglement,
    estimate,
    expectation,
    fidelity_susceptibility,
    flux_response,
    ground_state,
    observables,
    optical_conductivity,
    pair_densities,
    plaquette,
    probe,
    read,
    read_dataset,
    reduced_density_matrix,
    ring,
    run,
    spectral_function,
    spectral_map,
    study,
    thermal_averages,
    thermal_flux_response,
    thermal_spectral_function,
    transition,
    with_parameter,
)  # fmt: skip
from respair.analysis import displacement_distribution, joint_distribution
from respair.clusters import Told
from respair.hamiltonians import electron_number
from respair.studies import parse

MODEL = Model(ring(3), Electrons(1.0, hubbard_u=2.0), Bosons(-0.3, 0.5))
LEVELS = ground_state(MODEL, 2)
PHONONS = Phonons(1.0, max_quanta=2)
N = electron_number(0)
LATTICE = ground_state(Model(ring(3), Electrons(1.0), phonons=PHONONS), 1)
NAN = float("nan")


def with_term(term):
    return ground_state(Model(ring(3), Electrons(1.0), terms=term), 2)


WRONG = {
    "phonons in the place of electrons": (lambda: Model(ring(3), PHONONS), r"electrons is .* write phonons=Phonons"),
    "a number for a cluster": (lambda: Model(4, Electrons()), r"cluster is 4, and must be a Cluster: write ring"),
    "a class for a species": (lambda: Model(ring(3), Electrons), r"electrons is the class Electrons.*=Electrons\("),
    "a table for a species": (lambda: Model(ring(3), {"hopping": 1.0}), r"must be an Electrons"),
    "an operator for a term": (lambda: Model(ring(3), Electrons(), terms=(N,)), "functions from the model"),
    "a cluster for a model": (lambda: ground_state(ring(3), 2), "model is a Cluster, and must be a Model"),
    "nothing for a sector": (lambda: ground_state(MODEL, None), r"sector is None, .* Sector\(charge=4"),
    "a word for options": (lambda: ground_state(MODEL, 2, 1, "dense"), "options is 'dense'.* write Options"),
    "a word for a level": (lambda: LEVELS.level("x"), "level 'x' was not computed; there are levels 0 to 0"),
    "no levels": (lambda: estimate(MODEL, 4, states=0), "states = 0 is invalid"),
    "a model for a state": (lambda: observables(MODEL), r"state is a Model, .*ground_state\(model, 4\)\.ground"),
    "a number for a name": (lambda: observables(LEVELS, [3]), "names is .* a list of names"),
    "a word for an operator": (lambda: expectation(LEVELS, "n"), "in the formula \"n\", character 1: allowed: n_0"),
    "a state for levels": (lambda: transition(LEVELS.ground, N, 0), "levels is a State.* the levels of a sector"),
    "an operator for a probe": (lambda: spectral_function(LEVELS, N, [0.0]), r"write probe\(model"),
    "a word for frequencies": (lambda: spectral_function(LEVELS, "electron", "all"), "a list of numbers"),
    "a word for a width": (lambda: spectral_function(LEVELS, "electron", [0.0], "x"), "broadening = 'x' is invalid"),
    "a model for levels": (lambda: optical_conductivity(MODEL, [0.5]), "levels is a Model"),
    "a word for temperatures": (lambda: thermal_averages(MODEL, "hot"), "temperatures is 'hot'.* a list of numbers"),
    "a sector for an ensemble": (lambda: thermal_averages(MODEL, [1.0], Sector(2)), r'Ensemble\("canonical"'),
    "a cold temperature": (lambda: thermal_averages(MODEL, [-1.0]), r"^temperatures: got \[-1.0\]"),
    "an ensemble without a sector": (lambda: thermal_averages(MODEL, [1.0], Ensemble("sector")), r"^ensemble.sector"),
    "one random vector": (lambda: thermal_averages(MODEL, [1.0], sampling=Sampling(samples=1)), r"^sampling.samples"),
    "an unknown observable": (lambda: thermal_averages(MODEL, [1.0], names=["heat"]), r"^names\[0\]: got"),
    "an unknown probe": (lambda: spectral_function(LEVELS, "photon", [0.0]), r"^name: got .photon.; allowed: electron"),
    "a probe without its species": (lambda: probe(MODEL, "displacement"), "give the model phonons"),
    "too little memory": (lambda: ground_state(MODEL, 2, 1, Options(memory_limit=9)), "options.memory_limit is 9 B"),
    "half a random vector": (lambda: thermal_averages(MODEL, [1.0], sampling=Sampling(samples=2.5)), "2 or more"),
    "levels for a model": (lambda: probe(LEVELS, "electron"), "model is an Eigenstates"),
    "a word for fluxes": (lambda: flux_response(MODEL, 2, "x"), "values is 'x'"),
    "a word for a place": (lambda: compare(MODEL, "x"), "where is 'x'"),
    "a model for a function": (lambda: fidelity_susceptibility(MODEL, 0.1, 2), "a function from a number to a model"),
    "a number for a key": (lambda: with_parameter(MODEL, 3, 1.0), "key is 3, and must be a str"),
    "one number for a size": (lambda: plaquette(2), "must be columns and rows"),
    "a number for positions": (lambda: custom(3), "positions = 3 must be a list"),
    "a number for a bond": (lambda: custom([[0, 0], [1, 0]], [3]), r"bonds\[0\] = 3 must be a bond"),
    "a number for places": (lambda: Model(ring(3), Electrons(), Bosons(on=3)), "bosons.on: got 3; .*a list of site"),
    "a number for a frame": (
        lambda: Model(ring(3), Electrons(), phonons=Phonons(1.0, max_quanta=1, displacement=3)), "phonons.frame: got 3",
    ),
    "a word in a formula": (lambda: N + "x", "neither an operator nor a number"),
    "nothing in a formula": (lambda: N * None, "neither an operator nor a number"),
    "a number for a file": (lambda: read(3), "path is 3"),
    "a model for a study": (lambda: run(MODEL), r"study is a Model.* study\(model"),
    "a list for a sweep": (lambda: study(MODEL, 2, sweep=[1]), "sweep is .* must be a table"),
    "a word for workers": (lambda: study(MODEL, 2).run(workers="x"), "workers = 'x' is invalid"),
    "a coupling without limits": (lambda: Model(ring(3), Electrons(1e308)), r"hopping: got 1e\+308; .* at most 1e\+50"),
    "a list with such a one": (lambda: Model(ring(2), Electrons(level=[0, 1e51])), "electrons.level: .* at most 1e"),
    "a table with such a one": (lambda: Model(ring(3), None, Bosons({"site": -1e60})), "a table of .* at most 1e"),
    "such a chemical potential": (lambda: Model(ring(3), Electrons(), chemical_potential=1e99), "potential: got 1e"),
    "a term that is a number": (lambda: with_term(lambda m: 3), r"terms\[0\]: got 3; .* must return an Operator"),
    "a term that is nothing": (lambda: with_term(lambda m: None), r"terms\[0\]: got None; .* must return an Operator"),
    "a term that is no number": (lambda: with_term(lambda m: NAN * N), r"terms\[0\]: got .*nan.* a finite number"),
    "a term without limits": (lambda: with_term(lambda m: 1e200 * N), r"terms\[0\]: got \+1e\+200 .* at most 1e"),
    "a number for a pool": (lambda: Options(pool=3), "pool = 3 is invalid; allowed: a pool of processes"),
    "a number for a checkpoint": (lambda: Options(checkpoint=5), "checkpoint = 5 is invalid; allowed: the path"),
    "no flux": (lambda: flux_response(MODEL, 2, []), r"values is \[\]: give at least one"),
    "a flux that is no number": (lambda: flux_response(MODEL, 2, [0.1, NAN]), r"values\[1\] = nan is invalid"),
    "no flux at a temperature": (lambda: thermal_flux_response(MODEL, [], [1.0]), "give at least one"),
    "a width without limits": (lambda: spectral_function(LEVELS, "electron", [0.0], 1e300), r"from 1e-50 to 1e\+50"),
    "no width": (lambda: spectral_function(LEVELS, "electron", [0.0], 1e-300), r"from 1e-50 to 1e\+50"),
    "a frequency without limits": (lambda: spectral_function(LEVELS, "electron", [1e200]), "frequencies must be"),
    "a place that is no number": (
        lambda: displacement_distribution(LATTICE.ground, [0.0, NAN]), r"grid\[1\] = nan is invalid; allowed: finite",
    ),
    "places in a table": (lambda: joint_distribution(LATTICE.ground, [[0.0]]), "grid is .* a plain list"),
    "a charge for a temperature": (lambda: compare(MODEL, 2), r"where = 2 may be .* Sector\(charge=2\), or 2\.0"),
    "a number for a folder": (lambda: read_dataset(3), "folder is 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_sentence(name):
    call, message = WRONG[name]
    with pytest.raises((TypeError, ValueError, IndexError, MemoryError), match=message) as failure:
        call()
    assert isinstance(failure.value, Told)
    assert "\n" not in str(failure.value)


def test_errors_of_model_files_name_their_keys_and_survive_another_process():
    text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\nthermal.temperatures = [-1.0]'
    with pytest.raises(ValueError, match=r"thermal\.temperatures: got") as of_file:
        parse(text, "dimer.toml")
    with pytest.raises(ValueError, match=r"^temperatures: got") as of_call:
        thermal_averages(MODEL, [-1.0])
    for error in (of_file.value, of_call.value):
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
        assert again.problems == error.problems


SAME = {
    "levels for their ground state": (lambda: observables(LEVELS), lambda: observables(LEVELS.ground)),
    "one name": (
        lambda: observables(LEVELS.ground, "spin_z"), lambda: observables(LEVELS.ground, ["spin_z"]),
    ),
    "one temperature": (lambda: thermal_averages(MODEL, 1.0), lambda: thermal_averages(MODEL, [1.0])),
    "a charge for a sector": (
        lambda: thermal_averages(MODEL, [1.0], Ensemble("canonical", 2)),
        lambda: thermal_averages(MODEL, [1.0], Ensemble("canonical", Sector(2))),
    ),
    "a method for a sampling": (
        lambda: thermal_averages(MODEL, [1.0], sampling="exact"),
        lambda: thermal_averages(MODEL, [1.0], sampling=Sampling("exact")),
    ),
    "the name of a probe": (
        lambda: spectral_function(LEVELS, "electron", 0.0),
        lambda: spectral_function(LEVELS, probe(MODEL, "electron"), [0.0]),
    ),
    "a probe for its name": (
        lambda: spectral_map(LEVELS, probe(MODEL, "electron"), [0.0]), lambda: spectral_map(LEVELS, "electron", [0.0]),
    ),
    "the name of a thermal probe": (
        lambda: thermal_spectral_function(MODEL, "electron", 1.0, 0.0),
        lambda: thermal_spectral_function(MODEL, probe(MODEL, "electron"), [1.0], [0.0]),
    ),
    "one flux": (lambda: flux_response(MODEL, 2, 0.3), lambda: flux_response(MODEL, Sector(2), [0.3])),
    "one flux at one temperature": (
        lambda: thermal_flux_response(MODEL, 0.3, 1.0), lambda: thermal_flux_response(MODEL, [0.3], [1.0]),
    ),
    "one charge": (lambda: charge_scan(MODEL, 4), lambda: charge_scan(MODEL, [4])),
    "levels for pair densities": (lambda: pair_densities(LEVELS), lambda: pair_densities(LEVELS.ground)),
    "levels for an entropy": (lambda: entanglement(LEVELS, [0]), lambda: entanglement(LEVELS.ground, [0])),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_is_clear_gives_the_same_numbers(name):
    short, full = (call() for call in SAME[name])
    assert list(short.data_vars) == list(full.data_vars)
    for variable in short.data_vars:
        np.testing.assert_array_equal(short[variable], full[variable])


def test_numbers_of_other_kinds_are_numbers():
    for sector in (np.int64(2), 2.0, Sector(2)):
        assert estimate(MODEL, sector).dimension == LEVELS.hamiltonian.space.dimension
        assert ground_state(MODEL, sector, np.int64(1), {"tolerance": 1e-9}).energies == LEVELS.energies
    assert Hamiltonian.of(MODEL, 2).space.sector == Sector(2)
    assert Options(seed=2.0).seed == 2
    assert ground_state(MODEL, np.array(2)).energies == LEVELS.energies
    assert Sector(np.array(2)) == Sector(2)
    one, number = np.array(1.0), np.array(0.3)
    assert Electrons(one) == Electrons(1.0)
    assert hash(Electrons(one)) == hash(Electrons(1.0))
    assert Phonons(one, max_quanta=np.array(2)) == Phonons(1.0, max_quanta=2)
    arrays = Model(ring(3), Electrons(one, level=[one, number, 2.0]), flux=number, chemical_potential=number)
    assert arrays.couplings.electron_level.tolist() == [1.0, 0.3, 2.0]
    assert type(arrays.flux) is type(arrays.chemical_potential) is float
    assert float(spectral_function(LEVELS, "electron", one, number).broadening) == 0.3
    assert expectation(LEVELS, 3).real == pytest.approx(3.0)
    assert Model(ring(3), Electrons(), terms=lambda model: 0.0 * N).terms


def test_a_call_with_too_many_positions_says_how_it_is_written():
    with pytest.raises(TypeError, match=r"reduced_density_matrix\(state, sites=\(\), modes=\(\), \*, spins="):
        reduced_density_matrix(None, [0], [0], ["up"])
