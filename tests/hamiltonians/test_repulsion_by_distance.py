"""Repulsion between all pairs of sites by shells of their distance."""

from dataclasses import replace

import numpy as np
import pytest
from reference import full_hamiltonian, sector_indices, sector_matrix

from respair.analysis.approximations.static_lattice import static_model
from respair.analysis.approximations.table import STANDARD
from respair.clusters import chain, custom, infinite_chain, kagome, ligand_centre, ring, site, square, triangular
from respair.hamiltonians import (
    Bosons,
    Electrons,
    Hamiltonian,
    InvalidModel,
    Model,
    Phonons,
    Sector,
    hamiltonian_operator,
    with_parameter,
)
from respair.hamiltonians.algebra import canonical
from respair.hamiltonians.distances import resolve_apart
from respair.solvers import Options, ground_state, levels_by_symmetry
from respair.solvers.infinite.formula import cell_formula
from respair.studies import parse, records, run

FAR = {"distance": [1.0, 0.5]}
SHELLS = {
    "chain": (chain(4), [3, 2, 1]),
    "ring": (ring(6), [6, 6, 3]),
    "square": (square(size=[4, 2]), [12, 8, 4, 4]),
    "tilted": (square(supercell=[[2, 2], [-2, 2]]), [16, 8, 4]),
    "triangular": (triangular(size=[2, 2]), [6]),
    "kagome": (kagome(size=[1, 1]), [3]),
    "ligand": (ligand_centre(4), [4, 4, 2]),
}


def pairs_by_shell(cluster, shells):
    """How many pairs of sites each shell has."""
    strengths = np.eye(shells)
    return [int(np.triu(resolve_apart({"distance": row.tolist()}, cluster, False)[0]).sum()) for row in strengths]


@pytest.mark.parametrize("name", SHELLS)
def test_each_pair_of_sites_is_in_one_shell_and_counts_once(name):
    cluster, expected = SHELLS[name]
    assert pairs_by_shell(cluster, len(expected)) == expected
    assert sum(expected) == cluster.sites * (cluster.sites - 1) // 2


def test_a_custom_cluster_is_closed_by_its_cell():
    places, bonds = [[x, 0] for x in range(4)], [[0, 1, "bond"], [1, 2, "bond"], [2, 3, "bond"], [3, 0, "bond", [1.0]]]
    assert pairs_by_shell(custom(places, bonds, cell=[[4, 0]]), 2) == [4, 2]
    with pytest.raises(InvalidModel, match=r"this cluster is closed by windings, .*; give cluster.cell"):
        Model(custom(places, bonds), Electrons(repulsion={"distance": [1.0]}))
    assert pairs_by_shell(custom(places, bonds[:3]), 3) == [3, 2, 1]


def test_nearest_sites_are_the_bonds_of_a_ring():
    bonds, shells = (hamiltonian_operator(Model(ring(5), Electrons(repulsion=v))) for v in (0.7, {"distance": [0.7]}))
    assert not canonical(bonds, -shells).terms


@pytest.mark.parametrize(
    "engine", ["tensor", *(pytest.param(name, marks=pytest.mark.long) for name in ("dense", "quspin"))]
)
def test_levels_of_all_blocks_are_those_of_the_reference(engine):
    phonons = Phonons(1.0, electron_coupling=0.4, max_quanta=1, frame="mean")
    bosons = Bosons(0.1, 0.4, on="all", repulsion={"distance": [0.3]}, electron_repulsion={"distance": [0.6, -0.2]})
    model = Model(ring(3), Electrons(1.0, repulsion={"distance": [0.8]}), bosons, phonons, 0.4)
    at = sector_indices(model, 3, 1)
    expected = np.linalg.eigvalsh(full_hamiltonian(model)[at][:, at].toarray())[:6]
    found = levels_by_symmetry(model, Sector(3, 1), 6, Options(engine=engine))
    np.testing.assert_allclose(found.energies, expected, rtol=0, atol=1e-8)


def test_on_a_lattice_with_doubled_bonds_each_pair_counts_once():
    model = Model(square(size=[2, 2]), Electrons([0.5] * 8, repulsion=FAR), Bosons(repulsion=FAR, on=[0, 3]))
    hamiltonian = Hamiltonian.of(model, Sector(4))
    expected = sector_matrix(model, hamiltonian.space)
    np.testing.assert_allclose(hamiltonian.matrix().toarray(), expected, rtol=0, atol=1e-12)
    assert len(levels_by_symmetry(model, Sector(2), 2).labels) == 2


def test_the_infinite_chain_takes_it():
    """Shells of distance are the classes of bonds of a lattice whose bonds are shells."""
    shells = infinite_chain(shells=2)
    first, second = shells.bond_classes
    hop = {first: 1.0}
    by_class = Model(shells, Electrons(hop, hubbard_u=4.0, repulsion={first: -3.0, second: -1.0}))
    apart = Model(shells, Electrons(hop, hubbard_u=4.0, repulsion={"distance": [-3.0, -1.0]}))
    assert cell_formula(by_class) == cell_formula(apart)


def test_approximations_keep_it_or_refuse_it():
    model = Model(ring(4), Electrons(1.0, repulsion=FAR), phonons=Phonons(1.0, electron_coupling=0.5, max_quanta=2))
    assert static_model(model, [0.1] * 4).electrons.repulsion == FAR
    known = {name: STANDARD[name].reason(model, Sector(2)) for name in ("adiabatic", "lang-firsov", "atomic-limit")}
    assert known["adiabatic"] is None
    assert known["lang-firsov"] is None
    assert "electrons.repulsion" in known["atomic-limit"]
    pairs = Model(ring(4), Electrons(1.0), Bosons(electron_repulsion={"distance": [0.3, 0.1]}))
    assert "couples different sites" in STANDARD["atomic-limit"].reason(pairs, Sector(2))


def test_numbers_of_lists_are_parameters():
    model = Model(ring(4), Electrons(1.0, level=[0.0, 0.1, 0.2, 0.3], repulsion=FAR))
    assert with_parameter(model, "electrons.repulsion.distance.1", 0.2).electrons.repulsion == {"distance": [1.0, 0.2]}
    assert with_parameter(model, "electrons.level.3", 0.9).electrons.level == [0.0, 0.1, 0.2, 0.9]
    for key in ("electrons.repulsion.distance.2", "electrons.level.4", "electrons.level.x", "electrons.hopping.0"):
        with pytest.raises(InvalidModel, match="allowed only if"):
            with_parameter(model, key, 0.1)


FILE = """schema = 1
cluster = { kind = "ring", sites = 4 }
electrons = { hopping = 1.0, repulsion = { distance = [1.0, 0.5] } }
sector = { charge = 4 }
[sweep]
"electrons.repulsion.distance.1" = [0.0, 0.5]
"""


def test_a_sweep_runs_over_a_shell():
    found = [record["ground_state"]["energies"][0] for record in records(run(parse(FILE, "far.toml")))]
    model = Model(ring(4), Electrons(1.0, repulsion=FAR))
    near = replace(model, electrons=replace(model.electrons, repulsion=1.0))
    expected = [ground_state(m, Sector(4)).energies[0] for m in (near, model)]
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1.0, 0.5, 0.2], r"at most 2 numbers; this cluster has 2 shells of distance: 1, 1.41421"),
        ([], r"with finite numbers, one or more"),
        ([float("nan")], r"with finite numbers, one or more"),
    ],
)
def test_what_a_cluster_cannot_give_is_refused(given, message):
    with pytest.raises(InvalidModel, match=rf"electrons.repulsion: got .*{message}"):
        Model(ring(4), Electrons(repulsion={"distance": given}))


def test_one_site_has_no_shells():
    with pytest.raises(InvalidModel, match="allowed: a number; this cluster has no second site"):
        Model(site(), Electrons(repulsion={"distance": [1.0]}))


def test_sweeps_name_the_places_that_there_are():
    with pytest.raises(InvalidModel, match="has a list with the place"):
        parse(FILE.replace("distance.1", "distance.2"), "far.toml")
