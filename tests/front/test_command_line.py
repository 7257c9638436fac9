"""The command line as a user meets it, in a process of its own where the process itself matters."""

import contextlib
import json
import os
import resource
import subprocess
import sys
from types import SimpleNamespace

import netCDF4
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from respair.cli.commands import app
from respair.studies.file.record import read_data

DIMER = """
schema = 1
name = "dimer"
cluster.kind = "dimer"
electrons = { hopping = 1.0, hubbard_u = 4.0 }
sector.charge = 2
ground_state.states = 2
"""
RING = """
schema = 1
cluster = { kind = "ring", sites = 3 }
electrons.hopping = 1.0
bosons = { level = -0.3, exchange = 0.6 }
sector = { charge = 2, momentum = 1 }
field.flux = 0.4
"""
SWEEP = (
    DIMER
    + """
[sweep]
"electrons.hubbard_u" = [0.0, 2.0, 4.0]
"electrons.hopping" = { start = 0.5, stop = 1.0, count = 2 }
"""
)
LONG = """
schema = 1
cluster = { kind = "ring", sites = 4 }
electrons.hopping = 1.0
bosons.exchange = 0.5
phonons = { frequency = 1.0, boson_coupling = 0.7, max_quanta = 4 }
sector.charge = 4
[sweep]
"bosons.level" = { start = -1.0, stop = 1.0, count = 600 }
"""


def respair(*arguments, cwd):
    """Run a command in this process."""
    with contextlib.chdir(cwd):
        done = CliRunner().invoke(app, list(map(str, arguments)))
    return SimpleNamespace(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)


def program(*arguments, cwd, **options):
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "respair", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False, **options)


@pytest.fixture
def folder(tmp_path):
    for name, text in {"dimer": DIMER, "ring": RING, "sweep": SWEEP, "long": LONG}.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


def test_run_prints_a_table_and_writes_netcdf(folder):
    done = program("run", "dimer.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "-0.828427124746" in done.stdout
    assert "wrote dimer.nc" in done.stderr
    with netCDF4.Dataset(folder / "dimer.nc") as file:  # another library reads it
        assert file.variables["energies"][0] == pytest.approx(2 - np.sqrt(8))
        assert "hubbard_u = 4.0" in file.model_file
        assert set(json.loads(file.versions)) == {"respair", "quspin", "numpy", "scipy", "python"}
        assert file.seed == 0
        assert file.variables["energies"].units == "energy"
        assert file.variables["electron_density"].formula == "<n_i>"


def test_json_is_one_object_a_line_and_nothing_else(folder):
    done = respair("run", "dimer.toml", "ring.toml", "--json", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["file"] == "dimer.toml"
    assert first["sector"] == {"charge": 2, "two_sz": 0, "dimension": 4, "stored": 2}
    assert first["ground_state"]["labels"][0] == {"irrep": "A1"}
    assert first["cluster"] == {"sites": 2, "bonds": 1, "modes": 0}
    assert second["sector"]["stored"] * 3 == second["sector"]["dimension"]
    off_diagonal = second["ground_state"]["observables"]["boson_correlation"][0][1]
    assert set(off_diagonal) == {"re", "im"}
    assert (folder / "out" / "ring.nc").exists()


def test_complex_results_survive_the_file(folder):
    respair("run", "ring.toml", cwd=folder)
    data = read_data(folder / "ring.nc")
    matrix = data["boson_correlation"].values
    assert np.iscomplexobj(matrix)
    np.testing.assert_allclose(matrix, matrix.conj().T, atol=1e-14)


def test_a_sweep_gives_one_dataset_and_one_json_line_a_point(folder):
    done = respair("run", "sweep.toml", "--json", cwd=folder)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 6
    assert lines[1]["point"] == {"electrons.hubbard_u": 0.0, "electrons.hopping": 1.0}
    with xr.open_dataset(folder / "sweep.nc", engine="h5netcdf") as data:
        u, t = data["electrons.hubbard_u"], data["electrons.hopping"]
        exact = 0.5 * (u - np.sqrt(u**2 + 16 * t**2))
        energies = data["energies"].isel(level=0).transpose("electrons.hubbard_u", "electrons.hopping")
        np.testing.assert_allclose(energies, exact, atol=1e-12)
        assert data["electron_density"].dims == ("electrons.hubbard_u", "electrons.hopping", "site")


def test_the_width_of_figures_needs_figures(folder):
    done = respair("run", "dimer.toml", "--columns", "1", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.strip() == "--columns: the width of figures; give --plot or --plot pdf as well"


def test_plots_and_drawing_are_pictures(folder):
    done = respair("run", "dimer.toml", "sweep.toml", "--plot", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert respair("draw", "ring.toml", cwd=folder).returncode == 0
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert "ring-cluster.png" in pictures
    assert "dimer-levels.png" in pictures
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in pictures)


def test_estimate_computes_nothing(folder):
    done = respair("estimate", "dimer.toml", "ring.toml", "sweep.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "dense" in done.stdout
    assert not list(folder.glob("*.nc"))


def test_check_says_correct(folder):
    done = respair("check", "dimer.toml", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "dimer.toml: correct\n")


def test_several_wrong_files_are_refused_together_and_nothing_is_written(folder):
    (folder / "bad.toml").write_text(DIMER.replace("hopping = 1.0", "hoping = 1.0") + "[solver]\ntolerance = -1\n")
    (folder / "worse.toml").write_text("schema = ")
    done = respair("run", "dimer.toml", "bad.toml", "worse.toml", "missing.toml", "--json", cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    for word in ("electrons.hoping", "solver.tolerance", "worse.toml", "missing.toml"):
        assert word in done.stderr
    assert not list(folder.glob("*.nc"))


def test_two_results_of_one_name_are_refused(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "dimer.toml").write_text(DIMER)
    done = respair("run", "dimer.toml", "sub/dimer.toml", cwd=folder)
    assert done.returncode == 2
    assert "both write dimer.nc" in done.stderr


def test_a_run_that_cannot_fit_is_refused_with_numbers_and_what_would_fit(folder):
    text = (
        LONG.replace("max_quanta = 4", "max_quanta = 15").split("[sweep]")[0] + "[solver]\nmemory_limit = '400 MiB'\n"
    )
    (folder / "big.toml").write_text(text)
    done = respair("run", "big.toml", cwd=folder)
    assert done.returncode == 2
    assert "6,946,816 states" in done.stderr
    assert "400.0 MiB" in done.stderr
    assert "would fit" in done.stderr
    assert not list(folder.glob("*.nc"))


def test_a_run_that_does_not_converge_says_so(folder):
    text = LONG.split("[sweep]")[0].replace("max_quanta = 4", "max_quanta = 2")
    text += "[solver]\nmax_matvecs = 10\nengine = 'quspin'\n"
    (folder / "hard.toml").write_text(text)
    done = respair("run", "hard.toml", cwd=folder)
    assert done.returncode == 1
    assert "did not converge: residual" in done.stderr
    assert not list(folder.glob("*.nc"))


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_help_comes_at_once(arguments, folder):
    """The time of the processor, warm, counts: other programs may be at work."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert program(*arguments, cwd=folder).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.5


def test_importing_the_package_loads_nothing_heavy(folder):
    code = "import sys, respair; print([m for m in ('quspin', 'scipy', 'matplotlib', 'xarray') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_computed(folder):
    (folder / "file").write_text("")
    done = respair("run", "dimer.toml", "--out", "file/below", cwd=folder)
    assert done.returncode == 2
    assert "--out: got file/below, which cannot be written to" in done.stderr
    assert done.stdout == ""


def test_a_picture_needs_a_folder(folder):
    (folder / "file").write_text("")
    done = respair("draw", "dimer.toml", "--out", "file", cwd=folder)
    assert done.returncode == 2
    assert done.stderr == "--out: got file, which cannot be written to (File exists); give another folder\n"


def test_a_full_disk_is_told_in_words(folder):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "respair", "check", "dimer.toml"]
        done = subprocess.run(command, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "stopped: No space left on device: standard output\n")


COMMANDS = (
    "check dimer.toml", pytest.param("run dimer.toml", marks=pytest.mark.slow), "run dimer.toml --json", "--help",
)  # fmt: skip
PLAIN = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "PYTHONPATH")}


def shell(line, cwd):
    """Run a line of the shell, "respair" in it, in an environment where Python keeps what it prints."""
    program = f'respair() {{ {sys.executable} -m respair "$@"; }}; set -o pipefail; {line}'
    command = ["bash", "-c", program]
    return subprocess.run(command, cwd=cwd, env=PLAIN, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.long
def test_output_that_cannot_be_written_is_told_in_one_line(command, folder):
    saved = "wrote dimer.nc\n" if "run" in command else ""
    full = shell(f"respair {command} > /dev/full", folder)
    assert (full.returncode, full.stderr) == (1, f"{saved}stopped: No space left on device: standard output\n")
    closed = shell(f"respair {command} >&-", folder)
    assert (closed.returncode, closed.stderr) == (
        1,
        "standard output is closed; send it to a file, or to /dev/null\n",
    )
    piped = shell(f"respair {command} | true", folder)
    assert (piped.returncode, piped.stderr) == (1, saved)


@pytest.mark.parametrize(
    "where", ["2> /dev/full", *(pytest.param(each, marks=pytest.mark.slow) for each in ("2>&-", "<&-"))]
)
@pytest.mark.long
def test_messages_that_nobody_hears_stop_nothing(where, folder):
    done = shell(f"respair run dimer.toml {where}", folder)
    assert done.returncode == 0
    assert "-0.828427124746" in done.stdout
    with xr.open_dataset(folder / "dimer.nc", engine="h5netcdf") as data:
        assert float(data["energies"][0]) == pytest.approx(2 - np.sqrt(8))


@pytest.mark.parametrize("encoding", ["cp1252", pytest.param("ascii", marks=pytest.mark.slow)])
@pytest.mark.long
def test_names_need_no_letters_that_the_terminal_has(encoding, folder):
    (folder / "greek.toml").write_text(DIMER.replace("dimer", "Δ_B → ∞: 𝜒 [/red] $x", 1), encoding="utf-8")
    for command in ("check", "estimate", "run --plot"):
        arguments = command.split()
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = program(*arguments, "greek.toml", cwd=folder, env=environment, encoding=encoding)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert "[/red] $x" in done.stdout or command == "check"
    with xr.open_dataset(folder / "greek.nc", engine="h5netcdf") as data:
        assert data.attrs["title"] == "Δ_B → ∞: 𝜒 [/red] $x"


def test_file_names_are_shown_without_control_characters(folder):
    name = b"a\x1b[31m\xff.toml"
    with open(os.path.join(os.fsencode(folder), name), "w") as file:
        file.write(DIMER.replace('name = "dimer"', ""))
    done = program("run", os.fsdecode(name), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert r"wrote a\x1b[31m\udcff.nc" in done.stderr
    with open(os.path.join(os.fsencode(folder), b"a\x1b[31m\xff.toml"), "w") as file:
        file.write("wrong")
    done = program("check", os.fsdecode(name), cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith(r"a\x1b[31m\udcff.toml: ")


def test_a_huge_cluster_is_refused_at_once(folder):
    text = LONG.split("[sweep]")[0].replace("sites = 4", "sites = 20").replace("charge = 4", "charge = 40")
    (folder / "huge.toml").write_text(text)
    done = respair("run", "huge.toml", cwd=folder)
    assert done.returncode == 2
    assert "20,836,827,035,351,596 charge configurations" in done.stderr


def test_folders_of_results_are_made(folder):
    done = respair("run", "dimer.toml", "--out", "new/deep", cwd=folder)
    assert done.returncode == 0
    assert (folder / "new" / "deep" / "dimer.nc").exists()


UNFINISHED = """
schema = 1
cluster = { kind = "ligand-centre", sites = 3 }
electrons = { hopping = { ring = 1.0, centre = 0.3 }, level = { ligand = 1.5 } }
phonons = { frequency = 1.0, electron_coupling = 1.3, max_quanta = 4 }
sector = { charge = 2, two_sz = 0 }
ground_state = { states = 2 }
resonance = { parameter = "phonons.electron_coupling", bracket = [0.1, 0.2], on = [3] }
"""


def test_tables_before_one_that_fails_are_shown_and_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "unfinished.toml"
    file.write_text(UNFINISHED)
    told = CliRunner().invoke(app, ["run", str(file)])
    assert told.exit_code == 1
    assert "levels" in told.stdout
    assert "move or widen the bracket" in told.stderr
    assert "kept the results of [ground_state] in" in told.stderr
    data = read_data(tmp_path / "unfinished.partial.nc")
    assert {"energies", "displacement", "displacement_error"} <= set(data.data_vars)
    told = CliRunner().invoke(app, ["run", str(file), "--json"])
    assert (told.exit_code, told.stdout) == (1, "")
