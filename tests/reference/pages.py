"""The blocks of code that README and documentation show, and how each language is run."""

import contextlib
import doctest
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from matplotlib import pyplot as plt
from typer.testing import CliRunner

from respair.analysis import OBSERVABLES
from respair.cli.commands import app
from respair.studies import parse

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BUILT = {"generated", "tutorials"}
"""Folders that building the documentation makes."""
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if not BUILT & set(path.relative_to(ROOT).parts[:-1]))
NOT_RUN = ("pip ", "make ", "dask ", "jupyter ", "respair explore")
"""Beginnings of commands that are shown and not run: they install, or go on until they are stopped."""
OUTPUT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the page and line where it begins."""

    language: str
    text: str
    place: str


def blocks(page, language=None):
    """Return the fenced blocks of a page, in order; ``{code-cell}`` of a notebook in Markdown counts as Python."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in re.finditer(r"^```(\{code-cell\} )?([a-z0-9-]+)[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        line = text.count("\n", 0, fence.start()) + 2
        code = re.sub(r"\A(:[^\n]*\n)+", "", fence[3]) if fence[1] else fence[3]
        found.append(Block(fence[2], code, f"{page.relative_to(ROOT)}, line {line}"))
    return [block for block in found if language in (None, block.language)]


def run_page(page, folder, languages=None):
    """Run the blocks of a page in a folder; return the names that its Python leaves and what that prints."""
    names, printed, whole = {"__name__": "page"}, io.StringIO(), [""]
    run = {
        "python": lambda block: run_python(block, names),
        "toml": lambda block: whole.append(read_toml(block, folder, whole[-1])),
        "console": lambda block: run_console(block),
    }
    known = dict(OBSERVABLES)
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for block in blocks(page):
            if block.language in run and (languages is None or block.language in languages):
                run[block.language](block)
    for name in OBSERVABLES.keys() - known.keys():  # what a page adds is not there for other tests
        del OBSERVABLES[name]
    plt.close("all")
    return names, printed.getvalue()


def run_python(block, names):
    """Execute a block; one with prompts must print what it shows."""
    if not block.text.startswith(">>> "):
        exec(compile(block.text, block.place, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, block.place, block.place, 0)
    report = io.StringIO()
    failed, _ = doctest.DocTestRunner(optionflags=OUTPUT).run(test, out=report.write, clear_globs=False)
    names.update(test.globs)
    assert not failed, report.getvalue()


def read_toml(block, folder, whole):
    """Check a model file, kept under the name in its first line; tables alone go on from the whole file before them."""
    text = block.text if re.search(r"^schema *=", block.text, re.MULTILINE) else whole + block.text
    name = re.match(r"# ([\w-]+\.toml)\n", block.text)
    parse(text, str(folder / (name[1] if name else block.place.replace("/", "-"))))
    if name:
        (folder / name[1]).write_text(text, encoding="utf-8")
    return text


def run_console(block):
    """Run the commands after each ``$``; what follows one must be what it prints."""
    for command, shown in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE):
        if command.startswith(NOT_RUN):
            continue
        program, *arguments = shlex.split(command, comments=True)
        assert program == "respair", f"{block.place}: {command}"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{block.place}: {command}\n{done.output}"
        same = doctest.OutputChecker().check_output(shown, done.output, OUTPUT)
        assert same or not shown, f"{block.place}: {command}\n{done.output}"
