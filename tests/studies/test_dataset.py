"""Datasets for publication: whole or not there, the numbers of the study, and every kind of damage recognised."""

import csv
import hashlib
import json
import os
import re
import resource
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from amounts import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same import assert_same
from typer.testing import CliRunner

import respair
from respair.cli.commands import app
from respair.hamiltonians import TERMS
from respair.solvers import ConvergenceError
from respair.studies import (
    DatasetError,
    FailedPointsError,
    build_dataset,
    parse,
    read_data,
    read_dataset,
    run,
    verify_dataset,
)
from respair.studies.dataset import WORDING, build, deviations
from respair.studies.dataset.formulas import hamiltonian_lines
from respair.studies.dataset.integrity import write_manifest
from respair.studies.dataset.tables import csv_tables
from respair.studies.execution import point, runner

SITE = """
schema = 1
name = "One site"
cluster.kind = "site"
electrons.level = 0.0
bosons = { level = 0.3, exchange = 0.5 }
phonons = { frequency = 1.0, boson_coupling = 0.7, max_quanta = 3 }
sector.charge = 2
[ground_state]
states = 2
displacement_grid = [0.0, 0.7]
observables = ["boson_density", "displacement_distribution"]
[sweep]
"bosons.level" = [-0.5, 0.0]
"phonons.boson_coupling" = [0.0, 0.8]
"""
RING = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons.hopping = 1.0
bosons = { level = 0.1, exchange = 0.5 }
field.flux = 0.4
sector = { charge = 2, momentum = 1 }
flux.values = [0.1]
[sweep]
"electrons.hubbard_u" = [0.0, 1.0]
"bosons.level" = [0.1, 0.3]
linked = [["electrons.hubbard_u", "electrons.level"]]
"""
SIZES = """
schema = 1
cluster = { kind = "chain", sites = 2 }
electrons.hopping = 1.0
sector.charge = 2
pairing.form_factors = ["on-site"]
thermal = { ensemble = "sector", temperatures = [0.5], observables = ["electron_density"] }
[sweep]
"cluster.sites" = [2, 3]
"thermal.temperatures" = [0.2, 0.5]
"""
ONCE = "schema = 1\ncluster.kind = 'dimer'\nelectrons = { hopping = 1.0, hubbard_u = 2.0 }\nsector.charge = 2\n"
FINER = SITE.replace('"phonons.boson_coupling" = [0.0, 0.8]', 'refine = { quantity = "boson_density", points = 2 }')


def invoke(*arguments):
    return CliRunner().invoke(app, ["dataset", *map(str, arguments)])


def model_file(folder, text, name="site"):
    file = folder / f"{name}.toml"
    file.write_text(text)
    return file


def forged(folder):
    """Give every file, and the manifest, its sum again."""
    manifest = json.loads((folder / "manifest.json").read_text())
    about = {key: value for key, value in manifest.items() if key not in ("format", "schema", "files", "sha256")}
    write_manifest(folder, about)


def forge_number(folder, variable, place, change):
    """Change a number in data and tables, as somebody would who knows how; every sum is right again."""
    file = folder / "data" / "site.nc"
    data = xr.load_dataset(file, engine="h5netcdf")
    values = data[variable].values.copy()
    values[place] += change
    data[variable] = (data[variable].dims, values, data[variable].attrs)
    data.to_netcdf(file, engine="h5netcdf")
    for name, text in csv_tables(read_data(file), ["bosons.level", "phonons.boson_coupling"], "site"):
        (folder / "tables" / name).write_text(text)
    forged(folder)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    file = model_file(folder, SITE)
    return build_dataset([file], folder / "dataset", "A site", "CC-BY-4.0", ["A. Author"]).folder


@pytest.fixture
def copy(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "copy"))


def test_a_dataset_has_the_numbers_of_its_study_and_all_that_is_needed_to_cite_them(original):
    dataset = read_dataset(original)
    assert_same(dataset["site"].data.drop_attrs(), run(parse(SITE, "site.toml")).data.drop_attrs())
    about = dataset.about
    assert (about["title"], about["licence"], about["authors"]) == ("A site", "CC-BY-4.0", ["A. Author"])
    assert about["versions"].keys() >= {"respair", "numpy", "quspin", "python"}
    assert about["hardware"]["cores"] == os.cpu_count()
    told = about["studies"]["site"]
    assert (told["points"], told["seed"], told["versions"]) == (4, 0, [respair.__version__])
    assert told["certificates"]["energy_error"] == pytest.approx(float(dataset["site"].data["energy_errors"].max()))
    assert (original / "models" / "site.toml").read_text() == SITE
    assert not list(original.parent.glob(".*"))


def test_the_tables_hold_every_number_to_the_last_bit(original):
    data = read_dataset(original)["site"].data
    found = {}
    for path in (original / "tables").iterdir():
        with path.open() as file:
            for row in csv.DictReader(file):
                place = {key: row[key] for key in row if key in data.dims}
                found |= {(name, *place.values()): value for name, value in row.items() if name not in place}
    for name, array in data.data_vars.items():
        for index in np.ndindex(array.shape):
            coords = [data[d].values[i] if d in data.coords else i for d, i in zip(array.dims, index, strict=True)]
            value = array.values[index]
            text = found[(name, *map(str, coords))]
            assert text == value if isinstance(value, str) else float(text) == value


def test_the_readme_names_every_column_and_the_hamiltonian(original):
    text = (original / "README.md").read_text()
    for path in (original / "tables").iterdir():
        assert f"`tables/{path.name}`" in text
        with path.open() as file:
            assert all(f"`{column}`" in text for column in next(csv.reader(file)))
    assert r"\Delta_{B,i} b^\dagger_i b_i" in text
    assert "two electrons on a site turn into a local pair and back: bosons.exchange = 0.5" in text
    assert "phonons.boson_coupling swept (2 values, 0 to 0.8)" in text
    assert "hopping" not in text.split("## `site`")[1].split("###")[0]
    assert "Licence: CC-BY-4.0" in text
    assert "| `energies` | energy | `E_n` |" in text


def test_every_term_of_the_model_file_has_words_and_a_formula():
    assert WORDING.keys() == TERMS.keys()
    text = RING.replace("field.flux", "ensemble.chemical_potential = 0.2\nelectrons.repulsion = 0.1\nfield.flux")
    lines = list(hamiltonian_lines(parse(text.replace("linked", "# linked"), "ring.toml")))
    assert lines[0].count("t_{ij}") == lines[0].count(r"\mu") == lines[0].count("V_{ij}") == 1
    assert [re.search(r": (\w+\.\w+)", line)[1] for line in lines[2:]] == [
        "electrons.hopping", "electrons.hubbard_u", "electrons.repulsion", "bosons.level", "bosons.exchange",
        "ensemble.chemical_potential",
    ]  # fmt: skip


@pytest.mark.long
def test_a_sound_dataset_is_verified_point_by_point(original):
    done = invoke("verify", original, "--all")
    assert done.exit_code == 0, done.output
    assert "site: 4 points recomputed" in done.stdout
    assert "is sound" in done.stdout
    drawn = [verify_dataset(original, 2, seed).recomputed for seed in (0, 0, 1, 2, 3)]
    points = [[tuple(each.point.values()) for each in found] for found in drawn]
    assert points[0] == points[1]
    assert len({tuple(found) for found in points}) > 1
    chosen = verify_dataset(original, at={"bosons.level": -0.5})
    assert [each.point["phonons.boson_coupling"] for each in chosen.recomputed] == [0.0, 0.8]
    assert verify_dataset(original, 0).recomputed == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "bosons.level=7"], "no point has these values; allowed: bosons.level: -0.5, 0"),
        (["--at", "bosons.hopping=7"], "no study sweeps bosons.hopping; allowed: bosons.level, phonons.boson_coupling"),
        (["--at", "bosons.level"], "allowed: KEY=VALUE with a number"),
        (["--study", "ring"], "'ring' is not a study of"),
    ],
    ids=["no such point", "no such key", "no value", "no such study"],
)
def test_points_that_are_not_there_are_refused_with_those_that_are(original, arguments, message):
    refused = invoke("verify", original, *arguments)
    assert refused.exit_code == 2
    assert message in refused.stderr


@settings(max_examples=cases(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0, 30), place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
def test_a_changed_byte_anywhere_is_recognised(original, tmp_path_factory, which, place, change, cut):
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("damaged") / "dataset"))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    file = files[which % len(files)]
    content = bytearray(file.read_bytes())
    at = int(place * len(content))
    content[at] ^= change
    file.write_bytes(content[:at] if cut else content)
    harmless = file.name == "manifest.json" and _same_json(file, original / "manifest.json")
    done = invoke("verify", folder, "--points", 0)
    assert done.exit_code in ((0,) if harmless else (1, 2)), done.output
    if not harmless:
        assert file.name in done.stderr
        with pytest.raises(DatasetError, match=re.escape(file.name)):
            read_dataset(folder)
    shutil.rmtree(folder)


def _same_json(first, second):
    """White space is not content."""
    try:
        return json.loads(first.read_bytes()) == json.loads(second.read_bytes())
    except ValueError:
        return False


def test_missing_and_additional_files_are_named(copy):
    (copy / "tables" / "site.csv").unlink()
    (copy / "notes.txt").write_text("mine")
    (copy / "data" / "other").mkdir()
    (copy / "data" / "other" / "more.nc").write_bytes(b"")
    done = invoke("verify", copy)
    assert done.exit_code == 1
    assert "tables/site.csv is missing" in done.stderr
    assert "notes.txt does not belong to the dataset" in done.stderr
    assert "data/other/more.nc does not belong to the dataset" in done.stderr
    assert "computed again" not in done.stdout


def test_an_edited_number_is_recognised_by_its_sum_and_without_it_by_data_and_tables(copy):
    table = copy / "tables" / "site-level.csv"
    lines = table.read_text().splitlines(keepends=True)
    lines[3] = re.sub(r"(-?\d+\.\d{5})\d", r"\g<1>0", lines[3], count=1)
    assert "".join(lines) != table.read_text()
    table.write_text("".join(lines))
    assert "tables/site-level.csv was changed" in invoke("verify", copy).stderr
    forged(copy)
    done = invoke("verify", copy, "--points", 0)
    assert done.exit_code == 1
    assert done.stderr == "tables/site-level.csv does not agree with data/site.nc, from line 4 on\n"


@pytest.mark.parametrize(
    ("variable", "change"),
    [("energies", 0.2), ("boson_density", 1e-6),
     *(pytest.param(*each, marks=pytest.mark.slow)
       for each in [("displacement_distribution", 1e-6), ("energy_errors", -0.12), ("dimension", 1)])],
)  # fmt: skip
def test_a_number_that_is_edited_everywhere_is_recognised_by_computing_it_again(copy, variable, change):
    place = (1, 1, 0) if variable != "dimension" else (1, 1)
    forge_number(copy, variable, place, change)
    assert verify_dataset(copy, 0).sound
    found = verify_dataset(copy, None)
    assert len(found.problems) == 1
    assert f"site at bosons.level = 0, phonons.boson_coupling = 0.8: {variable} is published as" in found.problems[0]
    assert verify_dataset(copy, at={"bosons.level": -0.5}).sound


def test_what_the_certificate_allows_is_no_error(copy):
    data = read_dataset(copy)["site"].data
    bar = float(data["energy_errors"].values[1, 1, 0])
    assert bar > 1e-3
    forge_number(copy, "energies", (1, 1, 0), 1.5 * bar)
    assert verify_dataset(copy, None).sound
    forge_number(copy, "energies", (1, 1, 0), bar)
    assert not verify_dataset(copy, None).sound


def test_another_model_file_is_recognised_even_with_its_sum(copy):
    model = copy / "models" / "site.toml"
    model.write_text(SITE.replace("exchange = 0.5", "exchange = 0.6"))
    assert "models/site.toml was changed" in invoke("verify", copy).stderr
    forged(copy)
    done = invoke("verify", copy)
    assert done.exit_code == 1
    assert "data/site.nc is not of the model file models/site.toml" in done.stderr


def test_a_wrong_manifest_is_recognised(copy):
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"seed": 0', '"seed": 1'))
    done = invoke("verify", copy)
    assert done.exit_code == 1
    assert "manifest.json was changed: its own SHA-256" in done.stderr
    for changed, message in (
        (text.replace('"schema": 1', '"schema": 2'), "has schema 2; this version of respair reads 1"),
        (text.replace('"licence"', '"license"'), "is damaged: it has no licence"),
        (text[:-20], "is damaged: it is not JSON"),
        ("[]", "has no format"),
    ):
        manifest.write_text(changed)
        done = invoke("verify", copy)
        assert done.exit_code == 2
        assert message in done.stderr
    manifest.unlink()
    assert "has lost its manifest" in invoke("verify", copy).stderr


def test_folders_that_are_no_datasets_are_told_from_damaged_ones(tmp_path, original):
    file = model_file(tmp_path, SITE)
    assert CliRunner().invoke(app, ["run", str(file), "--out", str(tmp_path)]).exit_code == 0
    done = invoke("verify", tmp_path / "site.study")
    assert done.exit_code == 2
    assert "it keeps the points of a study" in done.stderr
    assert "is not a folder" in invoke("verify", file).stderr
    assert "is not a dataset" in invoke("verify", tmp_path).stderr


@pytest.mark.long
@pytest.mark.parametrize(("text", "points"), [(RING, 4), (SIZES, 4), (ONCE, 1), (FINER, 4)], ids=["a", "b", "c", "d"])
def test_every_kind_of_study_can_be_published_and_verified(tmp_path, text, points):
    """Complex numbers and linked keys; sizes and single temperatures; no sweep; a refinement."""
    dataset = build_dataset([model_file(tmp_path, text)], tmp_path / "dataset")
    found = verify_dataset(tmp_path / "dataset", None)
    assert found.problems == ()
    assert len(found.recomputed) == len(dataset["site"].points) == points
    assert max(each.worst.ratio for each in found.recomputed) < 0.1


@pytest.mark.long
def test_several_studies_make_one_dataset_from_the_command_line(tmp_path):
    files = [model_file(tmp_path, SITE), model_file(tmp_path, ONCE, "dimer")]
    out = tmp_path / "both"
    done = invoke("build", *files, "--out", out, "--title", "Two", "--workers", 2, "--author", "A", "--author", "B")
    assert done.exit_code == 0, done.output
    assert "no licence was given" in done.stderr
    dataset = read_dataset(out)
    assert list(dataset.studies) == ["site", "dimer"]
    assert dataset.about["authors"] == ["A", "B"]
    assert_same(dataset["site"].data.drop_attrs(), run(parse(SITE, "site.toml")).data.drop_attrs())
    done = invoke("verify", out, "--study", "dimer")
    assert done.stdout.startswith("dimer: 1 point recomputed")
    with pytest.raises(KeyError, match="allowed: site, dimer"):
        dataset["ring"]


def test_nothing_is_written_over_and_nothing_is_made_of_bad_input(tmp_path, original):
    file = model_file(tmp_path, SITE)
    done = invoke("build", file, "--out", original)
    assert done.exit_code == 2
    assert "is there already" in done.stderr
    (tmp_path / "other").mkdir()
    twin = model_file(tmp_path / "other", SITE)
    assert "have one name" in invoke("build", file, twin, "--out", tmp_path / "d").stderr
    model_file(tmp_path, SITE.replace("exchange", "exchnge"))
    assert invoke("build", file, "--out", tmp_path / "d").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "site.toml"]
    with pytest.raises(DatasetError, match="no model file was given"):
        build_dataset([], tmp_path / "d")


def test_an_interrupted_build_leaves_nothing_and_goes_on(tmp_path, monkeypatch):
    file, compute, calls = model_file(tmp_path, SITE), runner.compute_or_fail, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr(runner, "compute_or_fail", interrupted)
    done = invoke("build", file, "--out", tmp_path / "d")
    assert done.exit_code == 130
    assert "repeat the command to continue" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.studies", "site.toml"]
    assert invoke("build", file, "--out", tmp_path / "d").exit_code == 0
    assert len(calls) == 3 + 2
    assert verify_dataset(tmp_path / "d").sound


def test_a_build_that_is_killed_while_it_writes_leaves_nothing_that_looks_whole(tmp_path, monkeypatch):
    file = model_file(tmp_path, ONCE)
    build_dataset([file], tmp_path / "first")
    for step in ("write_manifest", "_sync"):
        child = os.fork()
        if child == 0:
            monkeypatch.setattr(build, step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            build_dataset([file], tmp_path / "d", studies=tmp_path / "first.studies")
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert not (tmp_path / "d").exists()
    build_dataset([file], tmp_path / "d", studies=tmp_path / "first.studies")
    assert verify_dataset(tmp_path / "d").sound
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "first", "first.studies", "site.toml"]


def test_a_full_disk_leaves_nothing_and_the_points_are_safe(tmp_path):
    """A limit on the size of files stands for the full disk: NetCDF files are larger than the records of points."""
    file = model_file(tmp_path, ONCE)
    build_dataset([file], tmp_path / "first")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
        with pytest.raises(OSError):  # noqa: PT011
            build_dataset([file], tmp_path / "d", studies=tmp_path / "first.studies")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "first.studies", "site.toml"]
    assert build_dataset([file], tmp_path / "d", studies=tmp_path / "first.studies").folder == tmp_path / "d"


def test_nothing_is_published_while_points_have_failed(tmp_path, monkeypatch):
    file, compute = model_file(tmp_path, SITE), point.compute

    def failing(study, *rest, **options):
        if study.model.bosons.level == 0.0:
            raise ConvergenceError(1e-3, -1.0, 1e-10, 10)
        return compute(study, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(point, "compute", failing)
        done = invoke("build", file, "--out", tmp_path / "d")
    assert done.exit_code == 1
    assert "site: failed at bosons.level = 0, phonons.boson_coupling = 0.8: ConvergenceError" in done.stderr
    with pytest.raises(FailedPointsError):
        build_dataset([file], tmp_path / "d")
    assert not (tmp_path / "d").exists()
    assert invoke("build", file, "--out", tmp_path / "d", "--retry-failed").exit_code == 0


def test_an_approximation_is_evaluated_at_every_point(original):
    site = read_dataset(original)["site"]
    exact = site.evaluate(lambda model, sector: respair.ground_state(model, sector).energies[0])
    assert exact.dims == ("bosons.level", "phonons.boson_coupling")
    xr.testing.assert_allclose(exact, site.data["energies"].isel(level=0, drop=True), atol=1e-12)


@given(shift=st.floats(0.0, 5.0), size=st.floats(1e-6, 1.0))
def test_numbers_are_compared_within_the_sum_of_both_error_bars(shift, size):
    def numbers(value):
        return xr.Dataset({"energies": ("level", [value]), "energy_errors": ("level", [size])})

    found = {each.variable: each for each in deviations(numbers(-1.0), numbers(-1.0 + shift * size))}
    assert found["energies"].ratio == pytest.approx(shift / 2, rel=1e-4, abs=1e-4)
    assert found["energy_errors"].ratio == 0


def test_numbers_that_are_missing_are_compared_as_well():
    full = xr.Dataset({"x": ("site", [1.0, np.nan]), "labels": ("level", ["A1", ""]), "wall_time": 3.0})
    assert all(each.ratio == 0 for each in deviations(full, full.isel(site=slice(1)).assign(wall_time=4.0)))
    for other in ({"x": ("site", [1.0, 0.0])}, {"x": ("site", [np.nan, np.nan])}, {"labels": ("level", ["A2", ""])}):
        assert max(each.ratio for each in deviations(full, full.assign(other))) == np.inf
    assert max(each.ratio for each in deviations(full, full.drop_vars("x"))) == np.inf
    bars = xr.Dataset({"flux_energy_error": 1e-3, "leak": 1e-3, "error": ""})
    assert not any(each.ratio for each in deviations(bars, bars.assign(error="another disk")))
    for name in ("flux_energy_error", "leak"):
        assert [each.variable for each in deviations(bars, bars.assign({name: 1.0})) if each.ratio > 1] == [name]


def test_crate_and_dictionary_describe_every_file_and_variable(original):
    crate = json.loads((original / "ro-crate-metadata.json").read_text())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = {each["@id"]: each for each in crate["@graph"]}
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    files = {path.relative_to(original).as_posix() for path in original.rglob("*") if path.is_file()}
    parts = {each["@id"] for each in graph["./"]["hasPart"]}
    assert parts == files - {"ro-crate-metadata.json", "manifest.json"}
    for name in parts:
        assert graph[name]["sha256"] == hashlib.sha256((original / name).read_bytes()).hexdigest()
    rows = list(csv.DictReader((original / "data-dictionary.csv").read_text().splitlines()))
    dataset = read_dataset(original)
    for name, study in dataset.studies.items():
        assert {row["variable"] for row in rows if row["study"] == name} == set(map(str, study.data.variables))
    assert {row["units"] for row in rows if row["variable"] == "energies"} == {"energy"}
