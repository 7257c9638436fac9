"""What the command line loads: nothing heavy for help, a check or a refusal."""

import subprocess
import sys
from pathlib import Path

import pytest

from respair.cli import app

MODELS = Path(__file__).resolve().parents[2] / "notebooks" / "models"


HEAVY = ("numpy", "scipy", "numba", "quspin", "matplotlib", "xarray", "IPython", "pandas", "respair.studies.file")
LISTS = f"""
import sys
from respair.cli.commands import main
try:
    main()
except SystemExit:
    pass
print([module for module in {HEAVY} if module in sys.modules], file=sys.stderr)
"""


CHECKED = ("scipy", "numba", "quspin", "matplotlib", "xarray", "IPython", "pandas", "rich.table")


@pytest.mark.parametrize("command", ["", *(command.callback.__name__ for command in app.registered_commands)])
def test_help_loads_nothing_heavy(command):
    done = subprocess.run(
        [sys.executable, "-c", LISTS, *command.split(), "--help"], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
    assert "Usage: " in done.stdout


@pytest.mark.parametrize("name", ["holstein-hubbard-dimer", "boson-fermion-ring", "resonating-bipolaron", "nothing"])
def test_a_check_and_a_refusal_load_nothing_heavy(name):
    code = LISTS.replace(repr(HEAVY), repr(CHECKED))
    program = [sys.executable, "-c", code, "check", MODELS / f"{name}.toml"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert ("correct" in done.stdout) == (name != "nothing")
