"""Model files: what the contract promises about each table, key and default."""

import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest

from respair.clusters import chain, custom, dimer, ladder, ligand_centre, plaquette, ring, site
from respair.hamiltonians import Bosons, Electrons, InvalidModel, Model, Phonons, Sector
from respair.solvers import Options
from respair.studies import (
    OBSERVABLES,
    Axis,
    ChargeScanTask,
    FluxTask,
    GroundStateTask,
    at_point,
    parse,
    read,
    run,
    sweep_points,
)

CONTRACT = """
schema = 1
name = "ring with local pairs"      # optional

[cluster]
kind = "ring"              # site | dimer | chain | ring | ladder | plaquette | ligand-centre | custom
sites = 4                  # ligand-centre: number of metal sites; the ligand is the last site

[electrons]
hopping = 1.0              # t;  ligand-centre: { ring = 1.0, centre = 0.35 }
level = 0.0                # eps
hubbard_u = 0.0            # U
repulsion = 0.0            # V n_i n_j on bonds

[bosons]                   # hard-core local pairs; `on` as for phonons, default all sites
level = -0.4               # Delta_B
exchange = 0.8             # v:  v sum_i (b+_i c_{i dn} c_{i up} + h.c.)
hopping = 0.0              # t_b, carries exp(2 i phi/L)

[phonons]
frequency = 1.0            # omega0
on = "all"                 # all | a class name | list of sites: one mode each (ligand-centre defaults to its ligand)
boson_coupling = 1.0       # alpha:   -omega0 alpha   b+_i b_i (a_i + a+_i)
electron_coupling = 0.0    # alpha_F: -omega0 alpha_F n_i     (a_i + a+_i)      (Holstein g = alpha_F omega0)
bond_coupling = 0.0
max_quanta = 8             # per mode: phonon number <= max_quanta

[field]
flux = 0.0                 # phi = 2 pi Phi/(hc/e), total through the ring; each bond carries phi/L

[ensemble]
chemical_potential = 0.0   # mu; H contains -mu N_tot, N_tot = N_e + 2 N_b

[sector]
charge = 4                 # N_tot
two_sz = 0                 # N_up - N_dn

[solver]
engine = "auto"            # auto | dense | quspin | tensor | slepc
tolerance = 1e-10          # on the residual
seed = 0
memory_limit = "16 GiB"    # a run that needs more is refused before it starts

[ground_state]
states = 4                 # lowest levels of the sector, with multiplicity
observables = "all"        # or a list of the names below
displacement_grid = [-1.0, 0.0, 1.0]      # X at which P(X) is reported

[charge_scan]              # lowest energy for each N_tot, minimal |S_z|
charges = [0, 1, 2, 3, 4]

[flux]
values = [0.0, 0.5, 1.0]

[sweep]                    # any number of axes; the product is run
"phonons.boson_coupling" = { start = 0.0, stop = 2.0, count = 41 }
"""
NOTEBOOK_MODELS = sorted((Path(__file__).parents[2] / "notebooks" / "models").glob("*.toml"))


def study_of(body, cluster='kind = "ring"\nsites = 4', **tables):
    """Return the study of a small model: hopping electrons, unless `body` says otherwise."""
    rest = "\n".join(f"[{name}]\n{text}" for name, text in tables.items())
    sector = "" if "sector" in tables else "[sector]\ncharge = 2\n"
    return parse(f"schema = 1\n[cluster]\n{cluster}\n{body}\n{sector}{rest}", "small.toml")


def test_example_of_the_contract():
    study = parse(CONTRACT, "folder/ring.toml")
    assert study.model == Model(
        ring(4),
        Electrons(hopping=1.0),
        Bosons(level=-0.4, exchange=0.8),
        Phonons(frequency=1.0, boson_coupling=1.0, max_quanta=8),
        name="ring with local pairs",
    )
    assert study.sector == Sector(charge=4, two_sz=0)
    assert study.solver == Options("auto", 1e-10, 0, 16 * 2**30)
    assert study.ground_state == GroundStateTask(4, None, (-1.0, 0.0, 1.0))
    assert study.charge_scan == ChargeScanTask((0, 1, 2, 3, 4))
    assert study.flux == FluxTask((0.0, 0.5, 1.0))
    assert study.sweep == (Axis("phonons.boson_coupling", tuple(np.linspace(0.0, 2.0, 41).tolist())),)
    assert (study.file, study.name, study.text) == ("folder/ring.toml", "ring with local pairs", CONTRACT)


def test_smallest_file_takes_all_defaults():
    study = parse('schema = 1\ncluster.kind = "site"\nelectrons.hubbard_u = 4\nsector.charge = 1', "atom.toml")
    assert study.name == study.model.name == "atom"
    assert study.model == Model(site(), Electrons(hubbard_u=4.0), name="atom")
    assert study.sector == Sector(1, 1)
    assert study.solver == Options("auto", 1e-10, 0, 16 * 2**30, 20_000)
    assert study.ground_state == GroundStateTask(1, None, None)
    assert (study.charge_scan, study.flux, study.sweep) == (None, None, ())


@pytest.mark.parametrize(
    ("body", "cluster"),
    [
        ('kind = "site"', site()),
        ('kind = "site"\nsites = 1', site()),
        ('kind = "dimer"', dimer()),
        ('kind = "dimer"\nsites = 2', dimer()),
        ('kind = "chain"\nsites = 3', chain(3)),
        ('kind = "ring"\nsites = 5', ring(5)),
        ('kind = "ladder"\nrungs = 2', ladder(2)),
        ('kind = "plaquette"', plaquette()),
        ('kind = "plaquette"\nsize = [3, 2]', plaquette((3, 2))),
        ('kind = "ligand-centre"', ligand_centre(4)),
        ('kind = "ligand-centre"\nsites = 3', ligand_centre(3)),
        ('kind = "custom"\npositions = [[0, 0], [1.5, 0]]', custom([[0, 0], [1.5, 0]])),
        (
            'kind = "custom"\npositions = [[0, 0], [1, 0], [1, 1]]\nbonds = [[0, 1], [1, 2, "weak"]]\n'
            'classes = ["metal", "metal", "ligand"]',
            custom([[0, 0], [1, 0], [1, 1]], [[0, 1], [1, 2, "weak"]], ["metal", "metal", "ligand"]),
        ),
    ],
)
def test_each_kind_of_cluster(body, cluster):
    assert study_of("[electrons]", cluster=body).model.cluster == cluster


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1.5", [1.5, 1.5, 1.5, 1.5, 1.5]),
        ("2", [2.0, 2.0, 2.0, 2.0, 2.0]),
        ("{ ligand = 1.5 }", [0.0, 0.0, 0.0, 0.0, 1.5]),
        ("{ metal = -1, ligand = 1.5 }", [-1.0, -1.0, -1.0, -1.0, 1.5]),
        ("{}", [0.0, 0.0, 0.0, 0.0, 0.0]),
        ("[0.1, 0.2, 0.3, 0.4, 1]", [0.1, 0.2, 0.3, 0.4, 1.0]),
    ],
    ids=["number", "whole number", "table of one class", "table of both classes", "empty table", "list"],
)
def test_couplings_are_numbers_tables_or_lists(written, values):
    study = study_of(f"[electrons]\nlevel = {written}", cluster='kind = "ligand-centre"')
    assert study.model.couplings.electron_level.tolist() == values


def test_every_key_of_the_model_reaches_it():
    model = study_of(
        "[electrons]\nhopping = 1\nlevel = 2\nhubbard_u = 3\nrepulsion = 4\n"
        "[bosons]\nlevel = 5\nexchange = 6\nhopping = 7\non = [0, 2]\n"
        "[phonons]\nfrequency = 8\non = [0, 2]\nboson_coupling = 9\nelectron_coupling = 10\nbond_coupling = 11\n"
        "max_quanta = 2\ntotal_quanta = 3\ndisplacement = [0.5, 1]",
        field="flux = 0.25",
        ensemble="chemical_potential = -1",
    ).model
    assert model == Model(
        ring(4),
        Electrons(1.0, 2.0, 3.0, 4.0),
        Bosons(5.0, 6.0, 7.0, (0, 2)),
        Phonons(8.0, (0, 2), 9.0, 10.0, 11.0, 2, 3, (0.5, 1.0)),
        flux=0.25,
        chemical_potential=-1.0,
        name="small",
    )


@pytest.mark.parametrize(
    ("kind", "on", "hosts"),
    [
        ('"ring"\nsites = 3', "", [("site", 0), ("site", 1), ("site", 2)]),
        ('"ring"\nsites = 3', 'on = "bonds"', [("bond", 0), ("bond", 1), ("bond", 2)]),
        ('"ring"\nsites = 3', "on = [2, 0]", [("site", 2), ("site", 0)]),
        ('"ligand-centre"\nsites = 2', "", [("site", 2)]),
        ('"ligand-centre"\nsites = 2', 'on = "all"', [("site", 0), ("site", 1), ("site", 2)]),
        ('"ligand-centre"\nsites = 2', 'on = "metal"', [("site", 0), ("site", 1)]),
        ('"ligand-centre"\nsites = 2', 'on = "centre"', [("bond", 1), ("bond", 2)]),
    ],
    ids=["default", "bonds", "list", "default of the ligand-centre", "all", "class of sites", "class of bonds"],
)
def test_phonons_sit_where_the_file_says(kind, on, hosts):
    study = study_of(f"[electrons]\n[phonons]\nfrequency = 1.0\nmax_quanta = 1\n{on}", cluster=f"kind = {kind}")
    assert [(mode.host, mode.index) for mode in study.model.modes] == hosts


@pytest.mark.parametrize(
    ("written", "sector"),
    [
        ("charge = 3", Sector(3, 1)),
        ("charge = 4", Sector(4, 0)),
        ("charge = 4\ntwo_sz = -2", Sector(4, -2)),
        ("charge = 2\nmomentum = 3", Sector(2, 0, 3)),
        ("charge = 2\nmomentum = 2\nreflection = -1", Sector(2, 0, 2, -1)),
    ],
)
def test_sector(written, sector):
    assert study_of("[electrons]\nhopping = 1.0", sector=written).sector == sector


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ('"16 GiB"', 16 * 2**30),
        ('"500 MiB"', 500 * 2**20),
        ('"1 KiB"', 1024),
        ('"2 GB"', 2 * 10**9),
        ('"1.5 gib"', 3 * 2**29),
        ('"3TB"', 3 * 10**12),
        ('"1e9 B"', 10**9),
        ("123456", 123456),
    ],
)
def test_memory_has_units(written, size):
    assert study_of("[electrons]", solver=f"memory_limit = {written}").solver.memory_limit == size


def test_solver_keys():
    written = 'engine = "dense"\ntolerance = 1e-6\nseed = 7\nmax_matvecs = 50'
    assert study_of("[electrons]", solver=written).solver == Options("dense", 1e-6, 7, 16 * 2**30, 50)


def test_whole_numbers_serve_as_floats():
    study = study_of("[electrons]\nhopping = 1", flux="values = [0, 1]")
    assert isinstance(study.model.electrons.hopping, float)
    assert all(isinstance(value, float) for value in study.flux.values)


def test_names_of_the_observables():
    assert OBSERVABLES == (
        "electron_density",
        "double_occupancy",
        "boson_density",
        "pair_exchange",
        "spin_z",
        "spin_x",
        "spin_y",
        "pair_amplitude",
        "boson_amplitude",
        "displacement",
        "displacement_squared",
        "quanta",
        "pair_correlation",
        "boson_correlation",
        "pair_boson_correlation",
        "density_correlation",
        "spin_correlation",
        "electron_lattice",
        "boson_lattice",
        "displacement_correlation",
        "condensate",
        "structure_factor",
        "displacement_distribution",
        "hopping_energy",
        "exchange_energy",
        "lattice_energy",
        "coupling_energy",
    )


def test_observables_are_listed_once_each():
    study = study_of("[electrons]", ground_state='observables = ["spin_z", "condensate", "spin_z"]')
    assert study.ground_state.observables == ("spin_z", "condensate")


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("[0.5, 0, 2]", (0.5, 0.0, 2.0)),
        ("{ start = 0.0, stop = 1.0, count = 5 }", (0.0, 0.25, 0.5, 0.75, 1.0)),
        ("{ start = 1, stop = -1, count = 3 }", (1.0, 0.0, -1.0)),
        ("{ start = 3.0, stop = 9.0, count = 1 }", (3.0,)),
        ('{ start = 0.01, stop = 1.0, count = 3, spacing = "log" }', (0.01, 0.1, 1.0)),
    ],
    ids=["list", "grid", "falling grid", "grid of one", "logarithmic grid"],
)
def test_grids(written, values):
    study = study_of(
        "[electrons]\n[phonons]\nfrequency = 1.0\nmax_quanta = 1",
        ground_state=f"displacement_grid = {written}",
        flux=f"values = {written}",
        field="flux = 0.0",
        sweep=f'"field.flux" = {written}',
    )
    assert study.flux.values == study.ground_state.displacement_grid == study.sweep[0].values
    assert np.allclose(study.flux.values, values, rtol=1e-15)
    assert study.flux.values[0] == values[0]
    assert study.flux.values[-1] == values[-1]


@pytest.mark.parametrize(
    ("tables", "tasks"),
    [
        ({}, {"ground_state"}),
        ({"ground_state": ""}, {"ground_state"}),
        ({"charge_scan": ""}, {"charge_scan"}),
        ({"flux": "values = [0.1]"}, {"flux"}),
        ({"flux": "values = [0.1]", "ground_state": "", "charge_scan": ""}, {"flux", "ground_state", "charge_scan"}),
    ],
    ids=["none asked for", "ground state", "charge scan", "flux", "all"],
)
def test_tasks_are_those_of_the_file(tables, tasks):
    study = study_of("[electrons]\nhopping = 1.0", **tables)
    assert {name for name in ("ground_state", "charge_scan", "flux") if getattr(study, name) is not None} == tasks


def test_charge_scan_needs_no_sector():
    study = parse('schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\n[charge_scan]', "dimer.toml")
    assert study.sector is None
    assert study.ground_state is None
    assert study.charge_scan == ChargeScanTask((0, 1, 2, 3, 4))


def test_charge_scan_of_pairs_alone_takes_even_charges():
    study = parse('schema = 1\ncluster.kind = "dimer"\nbosons.hopping = 1.0\n[charge_scan]', "pairs.toml")
    assert study.charge_scan == ChargeScanTask((0, 2, 4))


def test_sweep_runs_over_the_product_of_its_axes_in_order():
    study = parse(CONTRACT + '"bosons.level" = [-1, 0.5]\n"sector.charge" = { start = 2, stop = 6, count = 3 }', "x")
    assert [axis.key for axis in study.sweep] == ["phonons.boson_coupling", "bosons.level", "sector.charge"]
    points = sweep_points(study)
    assert points == tuple(
        {"phonons.boson_coupling": a, "bosons.level": b, "sector.charge": c}
        for a, b, c in itertools.product(np.linspace(0.0, 2.0, 41), (-1, 0.5), (2, 4, 6))
    )
    each = at_point(study, points[-1])
    assert each.sweep == ()
    assert (each.model.phonons.boson_coupling, each.model.bosons.level, each.sector.charge) == (2.0, 0.5, 6)
    assert (each.name, each.file, each.text) == (study.name, study.file, study.text)


def test_study_without_sweep_is_its_only_point():
    study = study_of("[electrons]\nhopping = 1.0")
    assert sweep_points(study) == ({},)
    assert at_point(study, {}) == study


def test_sweep_reaches_inside_a_table_by_class():
    study = study_of(
        "[electrons]\nhopping = { ring = 1.0, centre = 0.35 }",
        cluster='kind = "ligand-centre"',
        sweep='"electrons.hopping.centre" = [0.1, 0.2]',
    )
    hoppings = [at_point(study, point).model.electrons.hopping for point in sweep_points(study)]
    assert hoppings == [{"ring": 1.0, "centre": 0.1}, {"ring": 1.0, "centre": 0.2}]
    assert study.model.electrons.hopping == {"ring": 1.0, "centre": 0.35}


def test_sweep_over_the_size_of_the_cluster():
    study = study_of("[electrons]\nhopping = 1.0", charge_scan="", sweep='"cluster.sites" = [1, 2, 3]')
    scans = [at_point(study, point).charge_scan.charges for point in sweep_points(study)]
    assert scans == [tuple(range(2 * sites + 1)) for sites in (1, 2, 3)]


def test_point_takes_any_key_and_numpy_numbers():
    study = parse(CONTRACT, "ring.toml")
    each = at_point(study, {"sector.charge": np.int64(6), "field.flux": np.float64(0.5), "solver.engine": "dense"})
    assert (each.sector, each.model.flux, each.solver.engine) == (Sector(6), 0.5, "dense")


def test_point_of_a_point_keeps_both():
    each = at_point(parse(CONTRACT, "ring.toml"), {"field.flux": 0.5})
    assert at_point(each, {"sector.charge": 6}).model.flux == 0.5


def test_point_that_cannot_be_is_refused():
    study = parse(CONTRACT, "ring.toml")
    with pytest.raises(InvalidModel, match=r"sector.charge: got 99; .*from 0 to 16"):
        at_point(study, {"sector.charge": 99})
    with pytest.raises(InvalidModel, match=r"sector.spin: .*no such key"):
        at_point(study, {"sector.spin": 0})
    with pytest.raises(InvalidModel, match=r"phonon.frequency: .*did you mean phonons.frequency"):
        at_point(study, {"phonon.frequency": 2.0})


def test_studies_can_be_sent_to_workers():
    study = parse(CONTRACT, "ring.toml")
    copy = pickle.loads(pickle.dumps(study))
    assert copy == study
    assert at_point(copy, {"bosons.level": 3.0}).model.bosons.level == 3.0


def test_file_and_text_give_the_same_study(tmp_path):
    file = tmp_path / "ring.toml"
    file.write_text(CONTRACT, encoding="utf-8")
    assert read(file) == read(str(file)) == parse(CONTRACT, str(file))


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_files_of_other_editors_are_read(tmp_path, ending, mark):
    file = tmp_path / "μ.toml"
    file.write_bytes(mark + CONTRACT.replace("ring with", "Δ with").replace("\n", ending).encode())
    assert read(file).name == "Δ with local pairs"


@pytest.mark.parametrize("file", NOTEBOOK_MODELS, ids=lambda file: file.stem)
def test_models_of_the_notebooks_are_correct(file):
    assert read(file).text == file.read_text(encoding="utf-8")


def test_a_sweep_over_sizes_is_filled_up():
    text = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons.hopping = 1.0
sector.charge = 2
ground_state.states = 1
[sweep]
"cluster.sites" = [1, 3]
"ground_state.states" = [1, 3]
"""
    data = run(parse(text, "sizes.toml")).data
    np.testing.assert_allclose(data["energies"].values[:, 1], [[0, np.nan, np.nan], [-4, -1, -1]], atol=1e-12)
    np.testing.assert_allclose(data["electron_density"].values[0, 0], [2, np.nan, np.nan])
    assert data["labels"].values[0, 1].tolist() == ["", "", ""]
    assert data["electron_density"].dims == ("cluster.sites", "ground_state.states", "site")
