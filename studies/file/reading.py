"""Model files: from a TOML file, or its text, to a checked study."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.arguments import of_kind, taking
from ..._core.text import printable
from ...analysis.approximations import PluginError, fingerprint, registry_of
from ...hamiltonians import InvalidModel, Problem
from ...hamiltonians.parameters import show
from ..definition import Axis, Study, overlaps
from ..sweep import key_problem, overridden, point_problems, points_of, read_axes
from .assembly import assemble
from .validation import check_tables, control_problems

__all__ = [
    "Axis",
    "Study",
    "at_point",
    "parse",
    "read",
    "sweep_points",
]


@taking(path=of_kind((str, os.PathLike), "write the path of a model file in quotes"))
def read(path: str | os.PathLike[str], plugins: Sequence[str | os.PathLike[str]] = ()) -> Study:
    """Read and check a model file.

    Parameters
    ----------
    path : str or path
        The TOML file.
    plugins : sequence of path
        Python files with approximations of the user's own; their code is run.

    Returns
    -------
    Study
        What the file asks for.

    Raises
    ------
    InvalidModel
        With everything that is wrong with the file, or why it cannot be read.
    """
    file = os.fsdecode(path)
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        allowed = f"not a text file in UTF-8 (byte {error.start}); allowed: a model file in TOML"
        raise InvalidModel([Problem("file", f'"{file}"', allowed)]) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidModel([Problem("file", f'"{file}"', f"cannot be read: {reason}")]) from None
    except ValueError as error:
        raise InvalidModel([Problem("file", f'"{file}"', f"cannot be read: {error}")]) from None
    return parse(text, file, plugins)


def parse(text: str, file: str, plugins: Sequence[str | os.PathLike[str]] = ()) -> Study:
    r"""Check the text of a model file.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Where it is from: kept for the record, and the name of a study that has no other.
    plugins : sequence of path
        Python files with approximations of the user's own; their code is run. A model file cannot name any itself.

    Returns
    -------
    Study
        What the text asks for; every point of its sweep is checked as well.

    Raises
    ------
    InvalidModel
        With everything that is wrong, in the order of the file.

    Examples
    --------
    >>> lines = ["schema = 1", "cluster.kind = 'dimer'", "electrons.hopping = 1.0", "sector.charge = 1"]
    >>> study = parse("\n".join(lines), "dimer.toml")
    >>> study.name, study.sector.charge, study.ground_state.states
    ('dimer', 1, 1)
    """
    data = _toml(text)
    if wrong := list(control_problems(data)):
        raise InvalidModel(wrong)
    data = _with_plugins(data, plugins)
    study, problems = _evaluate(data, file, text)
    axes, found = read_axes(data)
    if axes:
        found = point_problems(axes, lambda point: _evaluate(overridden(data, point), file, text)[1], problems)
    if study is None or found:
        raise InvalidModel(_in_file_order([*problems, *found], data))
    return replace(study, sweep=axes)


def at_point(study: Study, point: Mapping[str, object]) -> Study:
    """Return a study at one point of its sweep.

    Parameters
    ----------
    study : Study
        A checked model file.
    point : mapping
        Values by dotted path, as in ``{"phonons.boson_coupling": 0.5}``; any keys of the file's tables, swept or not.

    Returns
    -------
    Study
        The same with these values in place and without a sweep.

    Raises
    ------
    InvalidModel
        If a key is none of the file's, or the model is wrong with these values.
    """
    wrong = [problem for key in point if (problem := key_problem(study._data, key, key))]
    wrong = wrong or overlaps([Axis(key, ()) for key in point])
    if wrong:
        raise InvalidModel(wrong)
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in point.items()}
    return evaluated(overridden(study._data, plain), study.file, study.text)


def evaluated(data: Mapping[str, Any], file: str, text: str) -> Study:
    """Return the study of a file's tables without a sweep; raise InvalidModel if anything is wrong with them."""
    found, problems = _evaluate(data, file, text)
    if found is None:
        raise InvalidModel(problems)
    return found


def sweep_points(study: Study) -> tuple[dict[str, float], ...]:
    """Return every point of a study's sweep, the last axis fastest; one empty point without a sweep."""
    return tuple(points_of(study.sweep))


def _evaluate(data: Mapping[str, Any], file: str, text: str) -> tuple[Study | None, list[Problem]]:
    """Check everything but the sweep."""
    title = data.get("name")
    name = title if isinstance(title, str) and title else printable(Path(file).stem)
    parts, problems = assemble(check_tables(data), name)
    if parts is None:
        return None, problems
    p = parts
    return Study(file, name, p.model, p.sector, p.solver, p.tasks, sweep=(), text=text, _data=data), []


def _toml(text: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise InvalidModel([Problem("file", "tables nested too deeply", "allowed: a model file in TOML")]) from None
    except ValueError as error:
        raise InvalidModel([_syntax_problem(text, str(error))]) from None
    if not data:
        raise InvalidModel([Problem("file", "nothing", "an empty file; begin with `schema = 1` and a [cluster] table")])
    return data


def _with_plugins(data: dict[str, Any], plugins: Sequence[str | os.PathLike[str]]) -> dict[str, Any]:
    """Return the tables with the user's files of approximations, and their digests, in ``[compare]``."""
    table = data.get("compare")
    if isinstance(table, dict) and "plugins" in table:
        allowed = "leave it out: a model file runs no code; name the file on the command line, --plugin FILE"
        raise InvalidModel([Problem("compare.plugins", show(table["plugins"]), allowed)])
    if not isinstance(table, dict) or not plugins:
        return data
    found: dict[str, str] = {}
    for path in map(os.fsdecode, plugins):
        try:
            found[os.path.abspath(path)] = fingerprint(path)
            registry_of(found)
        except PluginError as error:
            raise InvalidModel([Problem("--plugin", f'"{path}"', str(error))]) from None
    return {**data, "compare": {**table, "plugins": found}}


def _syntax_problem(text: str, message: str) -> Problem:
    """Put tomllib's message, "... (at line 3, column 5)", into a problem at that place."""
    found = re.fullmatch(r"(.*) \(at (line (\d+), column \d+|end of document)\)", message, re.DOTALL)
    if found is None:
        return Problem("file", "text that is not TOML", message)
    lines = text.split("\n")
    line = lines[int(found[3]) - 1 if found[3] else -1].strip()
    return Problem(found[2], show(line if line.isprintable() else repr(line)), f"not TOML: {found[1]}")


def _in_file_order(problems: Sequence[Problem], data: Mapping[str, Any]) -> list[Problem]:
    order = list(data)

    def place(problem: Problem) -> int:
        table = re.match(r"[A-Za-z0-9_-]*", problem.path)
        name = table[0] if table else ""
        return order.index(name) if name in order else len(order)

    return sorted(problems, key=place)
