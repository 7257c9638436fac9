"""Validation of the tables of a model file; problems state key, value and allowed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..._core.text import ALLOWED, has_controls
from ..._core.wording import did_you_mean, dotted, listed, meant_by
from ...hamiltonians import Problem
from ...hamiltonians.parameters import show
from ..tasks.observable_names import named
from .schema import CLUSTERS, MODEL_TABLES, TABLES, AxisTable, RefineTable
from .values import DISORDER_TAG, GRID_TAG, DisorderTable, Grid, Table, is_tag

SCHEMA = 1
TOP = ("schema", "name", "cluster", *TABLES, "sweep")
"""Keys at the top level of a model file."""
STAND_INS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "phonons": {"frequency": 1.0, "max_quanta": 0, "total_quanta": 0},
        "sector": {"charge": 0, "momentum": 0},
        "flux": {"values": [0.0]},
        "thermal": {"temperatures": [1.0]},
        "compare": {"approximations": ["lang-firsov"]},
        "spectrum": {"frequencies": [0.0]},
    }
)
"""Placeholders for invalid values without a suitable default, so that the other keys can be checked."""
WITHIN: Mapping[str, tuple[type[Table], str]] = MappingProxyType(
    {GRID_TAG: (Grid, "a grid of numbers"), DISORDER_TAG: (DisorderTable, "a table with disorder")}
)
"""Tables that represent a value, by tag: class and description."""
ITEMS = MappingProxyType({"number": "a finite number", "int_type": "a whole number", "string_type": "text in quotes"})
"""Allowed values of an item of a list or table, by the type of pydantic's error."""


@dataclass(frozen=True)
class Checked:
    """The checked keys of one table.

    Attributes
    ----------
    values : mapping
        All valid keys, and placeholders for invalid keys that are required.
    problems : tuple of Problem
        The problems of the table.
    wrong : frozenset of str
        Paths of invalid keys; for misspelt keys, the path that was probably meant.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    wrong: frozenset[str] = frozenset()


def check_tables(data: Mapping[str, object]) -> dict[str, Checked]:
    """Check every table of a file except the sweep; the key "" denotes the top level.

    A misspelt table counts as present and invalid under the name that was probably meant.
    """
    tables = {name: check_table(name, raw) for name, raw in data.items() if name == "cluster" or name in TABLES}
    unknown = {name for name in data if name not in TOP}
    meant = meant_by(unknown, TOP, taken=data)
    tables |= {name: _missing_table(name) for name in meant & {"cluster", *TABLES}}
    return {"": Checked({}, tuple(_top_problems(data)), frozenset(unknown)), **tables}


def control_problems(value: object, *place: str | int) -> Iterator[Problem]:
    """Yield keys and strings with control characters below a path of a file."""
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if isinstance(key, str) and has_controls(key):
            yield Problem(dotted(*place, key), "a key with control characters", ALLOWED)
        yield from control_problems(part, *place, key)
    if isinstance(value, str) and has_controls(value):
        yield Problem(dotted(*place), show(value), ALLOWED)


def _missing_table(name: str, *problems: Problem) -> Checked:
    return Checked(STAND_INS.get(name, {}), problems, frozenset({name}))


def _top_problems(data: Mapping[str, object]) -> Iterator[Problem]:
    schema = data.get("schema")
    if "schema" not in data:
        yield Problem("schema", "nothing", "add `schema = 1`")
    elif type(schema) is not int or schema != SCHEMA:
        yield Problem("schema", show(schema), f"allowed: {SCHEMA}")
    if not isinstance(data.get("name", ""), str):
        yield Problem("name", show(data["name"]), "allowed: text in quotes")
    for name, value in data.items():
        if name not in TOP:
            noun = "table" if isinstance(value, dict) else "key"
            hint = f"no such {noun}; {did_you_mean(name, TOP) or _elsewhere(name)}"
            yield Problem(dotted(name), show(value), f"{hint}allowed at the top level: {listed(TOP)}")


def _elsewhere(key: str) -> str:
    """Return a hint at tables of the model that contain a misplaced top-level key, or an empty string."""
    places = [f"{table}.{key}" for table in MODEL_TABLES if key in TABLES[table].model_fields]
    return f"did you mean {' or '.join(places)}? " if places else ""


def check_table(name: str, raw: object) -> Checked:
    """Check the keys of one table and the types of their values."""
    if not isinstance(raw, dict):
        return _missing_table(name, Problem(name, show(raw), f"{_elsewhere(name)}allowed: a table, [{name}]"))
    table = table_type(name, raw)
    if table is None:
        return Checked({}, (_kind_problem(raw),), frozenset({"cluster.kind"}))
    values, details = _validated(table, raw)
    if not details:
        return Checked(values)
    keys = table.model_fields
    meant = meant_by(raw.keys() - keys.keys(), keys, taken=raw)
    details = [detail for detail in details if detail["type"] != "missing" or detail["loc"][0] not in meant]
    wrong = {str(detail["loc"][0]) for detail in details} | meant
    stand_ins = {key: value for key, value in STAND_INS.get(name, {}).items() if key in wrong}
    good = {key: value for key, value in raw.items() if key not in wrong}
    values, _ = _validated(table, stand_ins | good)
    problems = tuple(_problem(detail, table, (name,), raw) for detail in details)
    return Checked(values, problems, frozenset(f"{name}.{key}" for key in wrong))


def check_axis(key: str, raw: object) -> Checked:
    """Check the value of one key of ``[sweep]``."""
    values, details = _validated(AxisTable, {"values": raw})
    return Checked(values, tuple(_problem(detail, AxisTable, ("sweep", key), {}, skip=1) for detail in details))


def check_refinement(raw: object) -> Checked:
    """Check the value of ``refine`` in ``[sweep]``."""
    if not isinstance(raw, dict):
        allowed = 'allowed: a table, as { quantity = "boson_density", points = 20 }'
        return Checked({}, (Problem("sweep.refine", show(raw), allowed),))
    values, details = _validated(RefineTable, raw)
    return Checked(values, tuple(_problem(detail, RefineTable, ("sweep", "refine"), raw) for detail in details))


def table_type(name: str, raw: Mapping[str, object]) -> type[Table] | None:
    """Return the class of a table; None for a ``[cluster]`` of unknown kind."""
    if name != "cluster":
        return TABLES[name]
    kind = raw.get("kind")
    return CLUSTERS.get(kind) if isinstance(kind, str) else None


def _kind_problem(raw: Mapping[str, object]) -> Problem:
    kind = raw.get("kind")
    hint = did_you_mean(kind, CLUSTERS) if isinstance(kind, str) else ""
    return Problem("cluster.kind", show(kind) if "kind" in raw else "nothing", f"{hint}allowed: {listed(CLUSTERS)}")


def _validated(table: type[Table], raw: Mapping[str, object]) -> tuple[dict[str, Any], list[ErrorDetails]]:
    """Return the checked values of the given keys, and pydantic's errors."""
    try:
        checked = table.model_validate(dict(raw))
    except ValidationError as error:
        return {}, error.errors(include_url=False, include_context=False)
    own = checked.model_extra or {}
    return {key: own[key] if key in own else getattr(checked, key) for key in raw}, []


def _table_below(table: type[Table], key: str) -> type[Table] | None:
    """Return the table that is the value of a key, if it is one."""
    kind = table.model_fields[key].annotation if key in table.model_fields else None
    return kind if isinstance(kind, type) and issubclass(kind, Table) else None


def _problem(
    detail: ErrorDetails, table: type[Table], place: Sequence[str], raw: Mapping[str, object], skip: int = 0
) -> Problem:
    """Convert one of pydantic's errors to a problem; the first `skip` parts of its location are internal."""
    inner = [part for part in detail["loc"] if not is_tag(part)]
    path = dotted(*place, *inner[skip:])
    last = str(inner[-1])
    within = next((tag for tag in WITHIN if tag in detail["loc"][:-1]), None)
    if within:
        (table, owner), inner = WITHIN[within], [*detail["loc"][detail["loc"].index(within) + 1 :]]
    else:
        owner = f'a cluster of kind "{raw["kind"]}"' if place[0] == "cluster" else f"[{place[0]}]"
        while len(inner) > 1 and (below := _table_below(table, str(inner[0]))) is not None:
            table, owner, inner = below, dotted(place[0], inner[0]), inner[1:]
    if detail["type"] == "extra_forbidden":
        keys = [key for key, field in table.model_fields.items() if not field.exclude]
        return Problem(
            path, show(detail["input"]), f"no such key; {did_you_mean(last, keys)}allowed in {owner}: {listed(keys)}"
        )
    if detail["type"] == "refused":
        return Problem(path, show(detail["input"]), detail["msg"])
    allowed = named(table.model_fields[str(inner[0])].description)
    if len(inner) > 1:
        allowed = ITEMS.get(detail["type"], allowed)
    return Problem(path, "nothing" if detail["type"] == "missing" else show(detail["input"]), f"allowed: {allowed}")
