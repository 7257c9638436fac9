"""Shell completion as bash does it, with the script that the program gives out."""

import os
import subprocess
import sys
import typing

import pytest

from respair.cli.commands import app
from respair.cli.completion import anything, model_files

ASK = """
eval "$(respair --show-completion)"
COMP_WORDS=({words}) COMP_CWORD={last}
_respair_completion respair
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with the program on the path, and model files."""
    program = tmp_path / "bin" / "respair"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom respair.cli.commands import main\nmain()\n")
    program.chmod(0o755)
    for name in ("ring.toml", "rings/a.toml", "rings/deep/b.toml", "dimer.toml", "ring.nc", ".hidden/c.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("schema = 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bash(text, *options):
    done = subprocess.run(["bash", *options, "-c", text], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("respair es", ["estimate"]),
        ("respair run di", ["dimer.toml"]),
        ("respair run dimer.toml rings/", ["rings/a.toml"]),
        ("respair run --ret", ["--retry-failed"]),
        ("respair run --out ri", []),  # left to bash, which offers folders
    ],
)
def test_bash_completes_commands_options_and_model_files(home, words, offered):
    assert bash(ASK.format(words=words, last=len(words.split()) - 1)) == offered


def test_completion_is_installed_for_the_shell_that_runs(home):
    bash("respair --install-completion")
    loaded = bash("source ~/.bashrc; complete -p respair")
    assert loaded[:2] == ["complete", "-o"]
    assert "_respair_completion" in loaded


def test_the_nearest_model_files_are_offered(home):
    assert model_files("") == ["dimer.toml", "ring.toml"]
    assert model_files("ring") == ["ring.toml"]
    assert model_files("rings") == ["rings/a.toml"]
    assert model_files("rings/d") == ["rings/deep/b.toml"]
    assert model_files(".h") == [".hidden/c.toml"]
    assert model_files(str(home / "di")) == [str(home / "dimer.toml")]
    assert model_files("nowhere/") == model_files("ring.toml/") == model_files("x") == []


HEAVY = ("numpy", "scipy", "numba", "quspin", "matplotlib", "xarray", "IPython", "respair.studies")
LISTS = f"""
import sys
from respair.cli.commands import main
try:
    main()
except SystemExit:
    pass
print([module for module in {HEAVY} if module in sys.modules], file=sys.stderr)
"""


def test_completion_loads_nothing_heavy(home):
    program = home / "bin" / "respair"
    program.write_text(f"#!{sys.executable}\n{LISTS}")
    asked = {"_RESPAIR_COMPLETE": "complete_bash", "COMP_WORDS": "respair run di", "COMP_CWORD": "2"}
    done = subprocess.run(["respair"], env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("dimer.toml\n", "[]\n")


@pytest.mark.parametrize("command", ["", *(command.callback.__name__ for command in app.registered_commands)])
def test_help_loads_nothing_heavy(command):
    done = subprocess.run(
        [sys.executable, "-c", LISTS, *command.split(), "--help"], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[]\n"
    assert "Usage: " in done.stdout


def callbacks(program):
    """Yield the functions of all commands."""
    yield from (command.callback for command in program.registered_commands)
    for group in program.registered_groups:
        yield from callbacks(group.typer_instance)


def test_every_path_of_every_command_is_completed():
    """By model files, or by the shell; otherwise what is typed would be offered as the one completion."""
    hints = [
        hint for function in callbacks(app) for hint in typing.get_type_hints(function, include_extras=True).items()
    ]
    paths = [(name, hint) for name, hint in hints if name != "return" and "Path" in repr(typing.get_args(hint)[:1])]
    assert len(paths) >= 7
    for name, hint in paths:
        assert hint.__metadata__[0].autocompletion in (anything, model_files), name
