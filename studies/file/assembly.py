"""Assembly of a study from its tables, with the checks that involve several tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..._core.wording import listed
from ...clusters import KINDS, Cluster, custom
from ...hamiltonians import InvalidModel, Model, Problem, Sector, TermFunction
from ...hamiltonians.parameters import COUPLINGS, OLDER_NAMES, SPECIES, show
from ...hamiltonians.sector import resolved, sector_problems
from ...hamiltonians.symmetry.labels import block_problems
from ...hamiltonians.terms import energy_unit
from ...solvers import Options
from ..tasks.base import Task
from ..tasks.table import TASKS
from .kept_file import KEPT_STATE, KeptFile, kept_problems
from .schema import CLUSTERS
from .tables import tables_of
from .validation import STAND_INS, Checked, check_tables

KEPT = ("cluster", *SPECIES)
"""Tables that can be replaced by values of a base model."""
DEFAULT_TASK = "ground_state"
"""Task of a file with a sector and no task."""
HOSTS = MappingProxyType({"ligand-centre": "ligand"})
"""Default sites of the phonons by kind of cluster, if not all sites."""
CHARGES = ("sector.charge", "sector.two_sz", "charge_scan.charges")
PAIRED = tuple(key for key, entry in COUPLINGS.items() if "bosons" in entry.needs)
BROKEN = MappingProxyType({"charge": ("sector.charge", "sector.parity"), "spin": ("sector.two_sz",)})
"""Quantum numbers that cannot be checked while a coupling that breaks them is invalid."""
HIDES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bosons": (*CHARGES, *PAIRED),
        "bosons.on": (*CHARGES, *PAIRED, *(key for key, entry in COUPLINGS.items() if entry.place == "boson site")),
        "phonons.on": (
            *(key for key, entry in COUPLINGS.items() if entry.species == "phonons"),
            *(f"phonons.{key}" for key in ("frame", "displacement")),
        ),
        "sector.charge": ("sector.two_sz",),
        "sector.parity": ("sector.charge", "sector.two_sz"),
        **{key: BROKEN[entry.breaks] for key, entry in COUPLINGS.items() if entry.breaks},
    }
)
"""Keys that cannot be checked while another key, or a whole table, is invalid."""
NAMED_IN: Mapping[str, tuple[str, ...]] = MappingProxyType({"operators": ("spectrum.operator", "spectrum.cross")})
"""Keys that refer to an entry of a table and cannot be checked while any entry is invalid."""


Parts = tuple[Model, Sector | None, Options, tuple[Task, ...]]
"""Model, sector, solver options and tasks."""


class Draft:
    """The valid values of a file so far, and the problems of the others.

    An invalid key is dropped (or replaced by a placeholder) after it is reported, and the rest is checked again, so
    that a mistake neither hides another one nor is reported twice.
    """

    def __init__(self, tables: Mapping[str, Checked]) -> None:
        self.values: dict[str, dict[str, Any]] = {name: dict(table.values) for name, table in tables.items() if name}
        self.problems = [problem for table in tables.values() for problem in table.problems]
        self.wrong = {key for table in tables.values() for key in table.wrong}

    def __contains__(self, table: str) -> bool:
        return table in self.values or table in self.wrong

    def refuse(self, found: Sequence[Problem]) -> bool:
        """Record new problems and drop their keys; return whether there were any."""
        new = {problem: _key(problem.path) for problem in found if _key(problem.path) not in self.wrong}
        self.problems += [problem for problem, key in new.items() if not self._hidden(key)]
        for key in new.values():
            table, _, name = key.partition(".")
            self.wrong.add(key)
            stand_ins = STAND_INS.get(table, {})
            rest = {k: v for k, v in self.values.get(table, {}).items() if k != name}
            self.values[table] = rest | {k: v for k, v in stand_ins.items() if name in ("", k)}
        return bool(new)

    def _hidden(self, key: str) -> bool:
        named = any(key in NAMED_IN.get(at.partition(".")[0], ()) for at in self.wrong)
        return named or any(key == at or key.startswith(f"{at}.") or key in HIDES.get(at, ()) for at in self.wrong)


def _key(path: str) -> str:
    """Return "table.key" of a deeper path."""
    return ".".join(re.split(r"[.\[]", path)[:2])


def assemble(
    tables: Mapping[str, Any], name: str, base: Model | None = None, terms: tuple[TermFunction, ...] = ()
) -> tuple[Parts | None, list[Problem]]:
    """Check the tables and assemble the parts of a study.

    Parameters
    ----------
    tables : mapping
        Their values, as TOML has them.
    name : str
        Title of the model.
    base : Model, optional
        Model whose cluster and species are reused if the tables describe the same.
    terms : tuple of function
        User-defined terms of the Hamiltonian.

    Returns
    -------
    parts : (Model, Sector or None, Options, tuple of Task) or None
        None if there are any problems.
    problems : list of Problem
        All problems, including those of the tables.
    """
    draft = Draft(check_tables(tables))
    draft.refuse(list(_table_problems(draft)))
    own = {} if base is None else tables_of(base)
    kept = {key: getattr(base, key) for key, table in own.items() if key in KEPT and table == tables.get(key)}
    cluster, found = (kept.pop("cluster"), []) if "cluster" in kept else _cluster(draft)
    draft.refuse(found)
    model = sector = None
    while cluster is not None:
        model, sector, found = _model(draft, cluster, {"name": name, "terms": terms, **kept})
        if not draft.refuse(found):
            break
    if draft.problems or model is None:
        return None, draft.problems
    values = draft.values
    asked = {task: TASKS[task].completed(values[task], values) for task in TASKS if task in values}
    tasks = tuple(TASKS[task].of(keys, model) for task, keys in (asked or {DEFAULT_TASK: {}}).items())
    return (model, sector, Options(**values.get("solver", {}), starts=_kept(values)), tasks), []


def _kept(values: Mapping[str, Mapping[str, Any]]) -> KeptFile | None:
    """Return the file of saved levels referenced by the tables, if any."""
    return KeptFile(**values["kept"]) if "file" in values.get("kept", {}) else None


def _table_problems(draft: Draft) -> Iterator[Problem]:
    """Yield missing and superfluous tables, independent of the model."""
    if "cluster" not in draft:
        yield Problem("cluster", "nothing", f"add a [cluster] table with its kind: {listed(CLUSTERS)}")
    asked = [task for task in TASKS if task in draft]
    if "sector" not in draft:
        needing = next((task for task in asked if TASKS[task].requires_sector(draft.__contains__)), None)
        if needing:
            yield Problem("sector", "nothing", f"add a [sector] table with its charge; [{needing}] needs it")
        elif not asked:
            tasks = listed(f"[{task}]" for task in TASKS)
            yield Problem("ground_state", "nothing", f"the file has no task; add [sector], or any of {tasks}")
    yield from _phonon_problems(draft)
    for task in asked:
        yield from TASKS[task].table_problems(draft.values.get(task, {}), draft.__contains__)


def _phonon_problems(draft: Draft) -> Iterator[Problem]:
    phonons = draft.values.get("phonons", {})
    for old, new in OLDER_NAMES.items():
        if old in phonons and new in phonons:
            yield Problem(f"phonons.{old}", show(phonons[old]), f"leave it out: it is the older name of {new}")
    is_infinite = str(draft.values.get("cluster", {}).get("kind", "")).startswith("infinite-")
    if "accuracy" in phonons and "cutoff" not in phonons and not is_infinite and "phonons.cutoff" not in draft.wrong:
        yield Problem("phonons.accuracy", show(phonons["accuracy"]), 'allowed with cutoff = "auto"; leave it out')


def _cluster(draft: Draft) -> tuple[Cluster | None, list[Problem]]:
    values = dict(draft.values.get("cluster", {}))
    kind = values.pop("kind", None)
    if kind is None or any(f"cluster.{key}" in draft.wrong for key in CLUSTERS[kind].model_fields):
        return None, []
    try:
        return KINDS[kind](**values), []
    except ValueError as error:
        if kind == "custom":
            found = list(_custom_problems(**values))
            return None, found or [Problem("cluster.positions", show(values["positions"]), str(error))]
        return None, [Problem(f"cluster.{key}", show(value), str(error)) for key, value in values.items()]


def _custom_problems(
    positions: Sequence[list[float]],
    bonds: Sequence[list[object]] = (),
    classes: Sequence[str] | None = None,
    cell: Sequence[list[float]] | None = None,
) -> Iterator[Problem]:
    """Build the cluster step by step to find every invalid part."""
    for i, point in enumerate(positions):
        if (first := positions.index(point)) < i:
            allowed = f"allowed: a different position; positions[{first}] is the same"
            yield Problem(f"cluster.positions[{i}]", show(point), allowed)
    places = [[float(i), 0.0] for i in range(len(positions))]
    good: list[list[object]] = []
    for b, bond in enumerate(bonds):
        try:
            custom(places, [*good, bond])
            good.append(bond)
        except ValueError as error:
            yield Problem(f"cluster.bonds[{b}]", show(bond), str(error))
    try:
        custom(places, (), classes)
    except ValueError as error:
        yield Problem("cluster.classes", show(classes), str(error))
    for b in range(len(good) if cell is not None else 0):
        try:
            custom(positions, good[b : b + 1], None, cell)
        except ValueError as error:
            yield Problem(f"cluster.bonds[{b}]" if good[:b] else "cluster.cell", show(cell), str(error))
            return


def _accuracy_problem(values: Mapping[str, Mapping[str, Any]], model: Model) -> Problem | None:
    tolerance = values.get("solver", {}).get("tolerance", Options().tolerance)
    accuracy = values.get("phonons", {}).get("accuracy")
    if accuracy is None or model.cluster.is_infinite or not 0 < accuracy < tolerance:
        return None
    if accuracy >= (least := tolerance * energy_unit(model)):
        return None
    return Problem("phonons.accuracy", show(accuracy), f"allowed: {least:g} or more, which is solver.tolerance")


def _as_written(problem: Problem, values: Mapping[str, Mapping[str, Any]]) -> Problem:
    """Return a problem with the key used in the file, which may be an older name."""
    older = (old for old, new in OLDER_NAMES.items() if problem.path == f"phonons.{new}" and old in values["phonons"])
    return next((replace(problem, path=f"phonons.{old}") for old in older), problem)


def _model(
    draft: Draft, cluster: Cluster, more: Mapping[str, Any]
) -> tuple[Model | None, Sector | None, list[Problem]]:
    """Try to build the model and sector from the current values and `more` arguments; return the joint problems."""
    values = draft.values
    species: dict[str, Any] = {key: kind(**values[key]) for key, kind in SPECIES.items() if key in values}
    if "phonons" in values and "on" not in values["phonons"]:
        species["phonons"] = replace(species["phonons"], on=HOSTS.get(cluster.kind, "all"))
    try:
        model = Model(cluster, **{**species, **values.get("field", {}), **values.get("ensemble", {}), **more})
    except InvalidModel as error:
        return None, None, [_as_written(problem, values) for problem in error.problems]
    if problem := _accuracy_problem(values, model):
        return None, None, [problem]
    sector = Sector(**values["sector"]) if "sector" in values else None
    found = list(sector_problems(model, sector)) if sector else []
    found += block_problems(model, sector) if sector and not found else ()
    sector = sector and resolved(model, sector)
    right = None if found else sector
    if (kept := _kept(values)) is not None:
        moves = values.get("evolution", {}).get("initial") == KEPT_STATE
        found += kept_problems(kept, right, moves=moves)
    for task in (name for name in TASKS if name in values):
        if cluster.is_infinite and not TASKS[task].on_infinite_lattices:
            able = listed(f"[{name}]" for name in TASKS if TASKS[name].on_infinite_lattices)
            found.append(Problem(task, "a table", f"leave it out: infinite lattices have {able}"))
            continue
        found += TASKS[task].model_problems(TASKS[task].completed(values[task], values), model, right)
    return model, sector, found
