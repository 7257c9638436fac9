"""Reading and checking of studies from a model file, its text, or tables of values."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..._core.arguments import of_kind, taking
from ..._core.errors import about_model_files
from ..._core.text import printable
from ...analysis import approximations
from ...hamiltonians import InvalidModel, Model, Problem, TermFunction
from ...hamiltonians.parameters import show
from ..definition import Axis, Study, overlaps
from ..sweep import key_problem, overridden, point_problems, points_of, read_axes
from .assembly import assemble
from .kept_file import with_kept_file
from .tables import plain
from .validation import control_problems

__all__ = ["Axis", "Study", "at_point", "parse", "read", "studied", "sweep_points"]
Plugins = Sequence[str | os.PathLike[str]]


@about_model_files
@taking(path=of_kind((str, os.PathLike), "write the path of a model file in quotes"))
def read(path: str | os.PathLike[str], plugins: Plugins = ()) -> Study:
    """Read and check a model file.

    Parameters
    ----------
    path : str or path
        The TOML file.
    plugins : sequence of path
        Python files with user-defined approximations; their code is run.

    Returns
    -------
    Study
        The study.

    Raises
    ------
    InvalidModel
        With all problems of the file, or the reason why it cannot be read.
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


@about_model_files
def parse(text: str, file: str, plugins: Plugins = (), terms: Sequence[TermFunction] = ()) -> Study:
    r"""Check the text of a model file.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Origin of the text, stored in the result; default name of the study.
    plugins : sequence of path
        Python files with user-defined approximations; their code is run. Model files cannot specify them.
    terms : sequence of function
        Further, user-defined terms of the Hamiltonian.

    Returns
    -------
    Study
        The study; every point of its sweep is checked as well.

    Raises
    ------
    InvalidModel
        With all problems, in the order of the file.

    Examples
    --------
    >>> lines = ["schema = 1", "cluster.kind = 'dimer'", "electrons.hopping = 1.0", "sector.charge = 1"]
    >>> study = parse("\n".join(lines), "dimer.toml")
    >>> study.name, study.sector.charge, study.ground_state.states
    ('dimer', 1, 1)
    """
    return studied(_toml(text), file, plugins, terms=terms, source=text)


@about_model_files
def studied(
    tables: Mapping[str, Any],
    file: str,
    plugins: Plugins = (),
    *,
    base: Model | None = None,
    terms: Sequence[TermFunction] = (),
    source: str | None = None,
) -> Study:
    """Check the tables of a study.

    Parameters
    ----------
    tables : mapping
        Their values, as TOML has them.
    file, plugins, terms
        As for `parse`.
    base : Model, optional
        The model described by the tables; parts that tables cannot express, and unchanged parts, are taken from it.
    source : str, optional
        The text of the model file; generated from the tables by default.

    Raises
    ------
    InvalidModel
        With all problems, in the order of the tables.
    """
    if wrong := list(control_problems(tables)):
        raise InvalidModel(wrong)
    data = with_kept_file(_with_plugins(tables, plugins), str(Path(file).parent))
    first = partial(_evaluated, file=file, source=source, base=base, terms=base.terms if base else tuple(terms))
    study, problems = first(data)
    axes, found = read_axes(data)
    if axes:
        found = point_problems(axes, lambda point: first(overridden(data, point))[1], problems)
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
        Values by dotted path, such as ``{"phonons.boson_coupling": 0.5}``; any keys of the tables, swept or not.

    Returns
    -------
    Study
        The study with these values and without a sweep.

    Raises
    ------
    InvalidModel
        If a key is not in the file, or the model is invalid with these values.
    """
    problems = [problem for key in point if (problem := key_problem(study.tables, key, key))]
    if problems := problems or overlaps([Axis(key, ()) for key in point]):
        raise InvalidModel(problems)
    tables = overridden(study.tables, plain(point))
    found, problems = _evaluated(tables, study.file, study._source, study._base, study.model.terms)
    if found is None:
        raise InvalidModel(problems)
    return found


def sweep_points(study: Study) -> tuple[dict[str, float], ...]:
    """Return all points of the sweep of a study, the last axis fastest; one empty point without a sweep."""
    return tuple(points_of(study.sweep))


def _evaluated(
    tables: Mapping[str, Any], file: str, source: str | None, base: Model | None, terms: tuple[TermFunction, ...]
) -> tuple[Study | None, list[Problem]]:
    """Check everything except the sweep."""
    title = tables.get("name")
    name = title if isinstance(title, str) and title else printable(Path(file).stem)
    parts, problems = assemble(tables, name, base, terms)
    if parts is None:
        return None, problems
    return Study(file, name, *parts, sweep=(), tables=tables, _source=source, _base=base), []


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


def _with_plugins(data: Mapping[str, Any], plugins: Plugins) -> Mapping[str, Any]:
    """Return the tables with the files of user-defined approximations and their digests in ``[compare]``."""
    table = data.get("compare")
    if isinstance(table, dict) and "plugins" in table:
        allowed = "leave it out: a model file runs no code; name the file on the command line, --plugin FILE"
        raise InvalidModel([Problem("compare.plugins", show(table["plugins"]), allowed)])
    if not isinstance(table, dict) or not plugins:
        return data
    found: dict[str, str] = {}
    for path in map(os.fsdecode, plugins):
        try:
            found[os.path.abspath(path)] = approximations.fingerprint(path)
            approximations.registry_of(found)
        except approximations.PluginError as error:
            raise InvalidModel([Problem("--plugin", f'"{path}"', str(error))]) from None
    return {**data, "compare": {**table, "plugins": found}}


def _syntax_problem(text: str, message: str) -> Problem:
    """Return tomllib's message, "... (at line 3, column 5)", as a problem at that line."""
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
