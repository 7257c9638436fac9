"""Sweeps: axes over keys of the model file, their points, and the tables at a point."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from .._core.wording import did_you_mean, dotted, listed
from ..hamiltonians import Problem
from ..hamiltonians.parameters import show
from ..hamiltonians.values import part_of, with_part
from .definition import Axis, Refinement, overlaps
from .file.schema import TABLES
from .file.validation import check_axis, check_refinement, table_type

MAX_POINTS = 100_000
MAX_REPORTED = 10
SWEPT = ("cluster", *TABLES)
"""Tables whose keys can be swept."""
LINKED, REFINE, AVERAGE = "linked", "refine", "average"
SETTINGS = (LINKED, REFINE, AVERAGE)
"""Keys of ``[sweep]`` that are not axes."""
AS_LISTS: Mapping[str, str] = MappingProxyType({"thermal.temperatures": "temperature", "flux.values": "phi"})
"""Keys of lists that are swept one value at a time, with their dimension in the result of a point."""


def read_axes(data: Mapping[str, Any]) -> tuple[tuple[Axis, ...], list[Problem]]:
    """Return the axes of ``[sweep]`` and its problems; no axes if there are any problems.

    Three keys are not axes: ``linked``, lists of keys that vary together with the first one (with their own values if
    given, else with the same values); ``refine``, a table that adds `points` values to an `axis` (by default the first
    one) where a `quantity` changes fast; and ``average``, a list of axes whose values are realizations.
    """
    sweep = data.get("sweep", {})
    if not isinstance(sweep, dict):
        return (), [Problem("sweep", show(sweep), "allowed: a table, [sweep]")]
    single: dict[str, Axis] = {}
    problems = []
    for key, raw in sweep.items():
        if key in SETTINGS:
            continue
        if problem := key_problem(data, key, dotted("sweep", key)):
            problems.append(problem)
            continue
        checked = check_axis(key, raw)
        problems += checked.problems
        single[key] = Axis(key, checked.values.get("values", ()))
    if not problems:
        problems = [*_link(data, single, sweep.get(LINKED, [])), *_refine(sweep, single)]
    if not problems:
        problems = list(_average(single, sweep.get(AVERAGE, [])))
    if not problems:
        problems = [*overlaps(single.values()), *_doubled(single.values())]
    axes = tuple(single.values())
    count = math.prod(len(axis.values) for axis in axes)
    if count > MAX_POINTS:
        problems.append(Problem("sweep", f"{count} points", f"allowed: at most {MAX_POINTS} points in all"))
    return (() if problems else axes), problems


def _doubled(axes: Iterable[Axis]) -> Iterator[Problem]:
    """Yield the axes with repeated values."""
    for axis in axes:
        (first, *_), count = Counter(tuple(step.values()) for step in axis.steps).most_common(1)[0]
        if count > 1:
            yield Problem(dotted("sweep", axis.key), f"{show(first)} {count} times", "allowed: each value once")


def _link(data: Mapping[str, Any], single: dict[str, Axis], groups: object) -> list[Problem]:
    """Attach linked axes to the first of their group; return the problems."""
    path = f"sweep.{LINKED}"
    wanted = isinstance(groups, list) and all(
        isinstance(group, list) and len(group) > 1 and all(isinstance(key, str) for key in group) for group in groups
    )
    if not isinstance(groups, list) or not wanted:
        return [Problem(path, show(groups), 'allowed: a list of lists of two or more keys, as [["a.x", "b.y"]]')]
    taken: set[str] = set()
    for i, (first, *others) in enumerate(groups):
        place = f"{path}[{i}]"
        if twice := [key for n, key in enumerate((first, *others)) if key in taken or key in (first, *others)[:n]]:
            return [Problem(place, show(twice[0]), "allowed: each key in one place of one group")]
        if first not in single:
            return [Problem(place, show(first), "give the first key of a group its values in [sweep]")]
        if found := [problem for key in others if (problem := key_problem(data, key, place))]:
            return found
        below = [single.pop(key, replace(single[first], key=key)) for key in others]
        if uneven := [axis for axis in below if len(axis.values) != len(single[first].values)]:
            allowed = f"allowed: {len(single[first].values)} values, as many as {first} has"
            return [Problem(dotted("sweep", uneven[0].key), f"{len(uneven[0].values)} values", allowed)]
        single[first] = replace(single[first], linked=tuple(below))
        taken |= {first, *others}
    return []


def _refine(sweep: Mapping[str, Any], single: dict[str, Axis]) -> Sequence[Problem]:
    """Attach the refinement to its axis; return the problems."""
    if REFINE not in sweep:
        return ()
    checked = check_refinement(sweep[REFINE])
    if checked.problems:
        return checked.problems
    values = dict(checked.values)
    key = values.pop("axis", next(iter(single), ""))
    if key not in single or len(single[key].values) < 2:
        return [
            Problem(f"sweep.{REFINE}.axis", show(key), f"allowed: an axis with two or more values: {listed(single)}")
        ]
    raw = sweep[key]
    geometric = isinstance(raw, dict) and raw.get("spacing") == "log"
    single[key] = replace(single[key], refinement=Refinement(**values, geometric=geometric))
    return ()


def _average(single: dict[str, Axis], keys: object) -> Iterator[Problem]:
    """Mark the averaged axes; yield the problems."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        yield Problem(f"sweep.{AVERAGE}", show(keys), 'allowed: a list of axes, as ["electrons.level.seed"]')
        return
    for i, key in enumerate(keys):
        path = f"sweep.{AVERAGE}[{i}]"
        if key not in single:
            yield Problem(path, show(key), f"allowed: an axis of the sweep: {listed(single)}")
        elif len(single[key].values) < 2:
            yield Problem(path, show(key), "allowed: an axis with two or more values; one has no error")
        elif single[key].refinement is not None:
            yield Problem(path, show(key), "allowed: an axis that is not refined")
        else:
            single[key] = replace(single[key], averaged=True)


def key_problem(data: Mapping[str, Any], key: str, path: str) -> Problem | None:
    """Return the problem of the key of an axis, reported at `path`; None if it is valid."""
    table, _, rest = key.partition(".")
    name, _, item = rest.partition(".")
    if table not in SWEPT or not name:
        paths = (f"{name}.{each}" for name, keys in TABLES.items() for each in keys.model_fields)
        hint = did_you_mean(key, paths) if name else ""
        return Problem(path, show(key), f'{hint}allowed: a path in quotes, "table.key", with one of {listed(SWEPT)}')
    raw = data.get(table)
    if not isinstance(raw, dict):
        return Problem(path, show(key), f"add a [{table}] table; a sweep runs over keys of existing tables")
    known = table_type(table, raw)
    if known is None:
        return None
    fields = known.model_fields
    if name not in fields:
        hint = f"no such key; {did_you_mean(name, fields)}"
        return Problem(path, show(key), f"{hint}allowed in [{table}]: {listed(fields)}")
    given = raw.get(name)
    adds = isinstance(given, dict) and not any(item.startswith(f"{each}.") for each in given)
    if item and not adds and part_of(given, item) is None:
        allowed = f"is a table in the file, or has a list with the place {show(item)}"
        return Problem(path, show(key), f"allowed only where {table}.{name} {allowed}")
    if "/" in item:
        allowed = "give the class a name without /: results name their axes by these keys, and files take no / there"
        return Problem(path, show(key), allowed)
    return None


def points_of(axes: Sequence[Axis]) -> Iterator[dict[str, float]]:
    """Yield every combination of values, the last axis fastest; one empty point without axes."""
    for steps in itertools.product(*(axis.steps for axis in axes)):
        yield {key: value for step in steps for key, value in step.items()}


def overridden(data: Mapping[str, Any], point: Mapping[str, object]) -> dict[str, Any]:
    """Return a copy of the tables with the values of a point and without the sweep."""
    tables = {name: value for name, value in data.items() if name != "sweep"}
    for key, value in point.items():
        table, name, *item = key.split(".", 2)
        tables[table] = dict(tables[table])
        plain = [value] if key in AS_LISTS else value
        tables[table][name] = with_part(tables[table][name], item[0], value) if item else plain
    return tables


def point_problems(
    axes: Sequence[Axis], problems_at: Callable[[Mapping[str, float]], Sequence[Problem]], known: Sequence[Problem]
) -> list[Problem]:
    """Check every point of a sweep.

    Parameters
    ----------
    axes : sequence of Axis
        The sweep.
    problems_at : function
        From a point to the problems of the file at that point.
    known : sequence of Problem
        Problems that do not depend on the point; they are not repeated.

    Returns
    -------
    list of Problem
        Each problem once, with the first affected point and the number of others; only the first few if there are many.
    """
    found: dict[tuple[str, str], list[tuple[Problem, dict[str, float]]]] = {}
    anyway = set(known)
    for point in points_of(axes):
        for problem in problems_at(point):
            if problem not in anyway:
                found.setdefault((problem.path, problem.allowed), []).append((problem, point))
    reported = [_at_point(*cases[0], others=len(cases) - 1) for cases in found.values()]
    if len(reported) > MAX_REPORTED:
        rest = Problem("sweep", f"{len(reported) - MAX_REPORTED} more problems", "correct the first ones to see these")
        return [*reported[:MAX_REPORTED], rest]
    return reported


def _at_point(problem: Problem, point: Mapping[str, float], others: int) -> Problem:
    """Return a problem at a point of the sweep, reported at the axis that varies the key if there is one."""
    where = ", ".join(f"{key} = {value:.6g}" for key, value in point.items())
    more = f" and {others} more point{'s' if others > 1 else ''}" if others else ""
    axis = next((key for key in point if _same_place(key, problem.path)), None)
    path = dotted("sweep", axis) if axis else problem.path
    return Problem(path, problem.got, f"{problem.allowed} (at {where}{more})")


def _same_place(key: str, path: str) -> bool:
    short, long = sorted((key, path), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))
