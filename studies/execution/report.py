"""Results as tables for a terminal, with the digits that the certificates support."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..._core.ranks import rank_count
from ...solvers.caps import size_in_words
from ...solvers.costs import format_bytes, format_seconds
from ...solvers.estimate_cutoff import estimate, estimate_run
from ...solvers.infinite.levels import accuracy_of, most_states
from ..definition import Study
from ..file.reading import at_point, sweep_points
from ..tasks.ground_state import measured_number
from ..tasks.observable_names import measured_over
from .averages import ERROR, MEAN, NUMBER, averaged_axes, averages
from .point import has_failed
from .runner import Result
from .tables import columns, decimals, short_names, with_error

WIDEST = 400
MOST_SHOWN = 6
"""Largest number of swept keys and averages in a table of a sweep."""


def show_result(result: Result, console: Console) -> None:
    """Print the tables of a result."""
    study = result.study
    console.print(Text(study.name, style="bold"))
    if study.sweep:
        print_wide(console, sweep_table(result))
        if result.averages:
            print_wide(console, _average_table(result))
        points = [(point, data) for point, data in result.points if not has_failed(data)]
        for task in study.tasks:
            for shown in task.sweep_tables(points):
                print_wide(console, shown)
        return
    for table in _tables(study, result.points[0][1]):
        print_wide(console, table)


def print_wide(console: Console, table: Table | str) -> None:
    """Print a table without truncation; only the title of a table without rows."""
    if isinstance(table, Table) and not table.row_count:
        table = f"{table.title}: none"
    wide = console.options.update(width=WIDEST)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    console.print(table)


def _tables(study: Study, data: xr.Dataset) -> Iterator[Table | str]:
    yield describe(study)
    yield from (f"cluster: {remark}" for remark in study.model.cluster.remarks)
    yield from task_tables(study, data)


def task_tables(study: Study, data: xr.Dataset) -> Iterator[Table | str]:
    """Yield the tables of all tasks of a point, with the sites of each bond and the branches of modes."""
    bonds = [f"{i}: {bond.start}-{bond.end}" for i, bond in enumerate(study.model.cluster.bonds)]
    if data.sizes.get("bond") == len(bonds):
        data = data.assign_coords(bond=bonds)
    modes = [f"{m}: {mode.branch} {mode.index}" for m, mode in enumerate(study.model.modes) if mode.branch]
    if modes and data.sizes.get("mode") == len(modes):
        data = data.assign_coords(mode=modes)
    for task in study.tasks:
        yield from task.tables(data)


def describe(study: Study) -> str:
    """Return cluster, sector and size in one line."""
    parts = [study.model.cluster.size]
    if study.sector is not None:
        s = study.sector
        parts.append(f"{s.title}: {size_in_words(study.model, s)}")
    return "; ".join(parts)


def sweep_table(result: Result) -> Table | str:
    """Return the numbers of each point, or only the number of points if other tables contain all numbers."""
    failed = f", {result.failed} failed" if result.failed else ""
    keys = list(result.points[0][0])
    first = next((data for _, data in result.points if not has_failed(data)), result.points[0][1])
    with_energy = "energies" in first
    places: tuple[tuple[str, ...], ...] = (("site",), ("bond",), ("mode",), ())
    symbols = {name: symbol for dims in places for name, symbol in measured_over(first, *dims).items()}
    shown = list(symbols)[: max(1, MOST_SHOWN - len(keys))]
    with_gap = with_energy and any(data.sizes.get("level", 0) > 1 for _, data in result.points)
    summary = [heading for task in result.study.tasks for heading, _ in task.summarized(first)]
    headings = [
        *(["energy"] if with_energy else []),
        *(["gap"] if with_gap else []),
        *(f"{symbols[n]}[{first[n].size - 1}]" if first[n].ndim else symbols[n] for n in shown),
        *summary,
    ]
    title = f"{len(result.points)} points{failed}"
    if not headings and not result.failed:
        return title
    headings = [*short_names(keys), *headings]
    rows = []
    for point, data in result.points:
        rows.append(row := [f"{value:.6g}" for value in point.values()])
        if has_failed(data):
            row.append("failed")
            continue
        digits = decimals(float(data["energy_errors"].values[0])) if with_energy else 6
        if with_energy:
            energies, errors = data["energies"].values, data["energy_errors"].values
            row.append(with_error(energies[0], errors[0]))
            if with_gap:
                above = len(energies) > 1
                row.append(with_error(energies[1] - energies[0], errors[0] + errors[1]) if above else "-")
        row += [_at_place(data, name, first[name].shape, digits) for name in shown]
        own = dict(cell for task in result.study.tasks for cell in task.summarized(data))
        row += [own.get(heading, "-") for heading in summary]
    return columns(title, headings, rows)


def _at_place(data: xr.Dataset, name: str, shape: tuple[int, ...], digits: int) -> str:
    """Return an observable at the last element of a shape; a dash for a cluster without that element."""
    place = shape[0] - 1 if shape else ()
    array = data.get(name)
    there = array is not None and array.ndim == len(shape) and (not shape or array.size >= shape[0])
    return measured_number(data, name, place, digits) if there else "-"


def _average_table(result: Result) -> Table:
    """Return the means over realizations, with standard errors in parentheses."""
    data, over = result.data, averaged_axes(result.study)
    keys = [each for axis in result.study.sweep if not axis.averaged for each in (axis, *axis.linked)]
    first = next(found for _, found in result.points if not has_failed(found))
    places: tuple[tuple[str, ...], ...] = (("site",), ("bond",), ("mode",), ())
    symbols = {name: symbol for dims in places for name, symbol in measured_over(first, *dims).items()}
    chosen: dict[str, xr.DataArray] = {}
    if "energies" in data:
        chosen["energy"] = data["energies"].isel(level=0)
        if data.sizes["level"] > 1:
            chosen["gap"] = data["energies"].isel(level=1) - chosen["energy"]
    for name in list(symbols)[: max(1, MOST_SHOWN - len(keys))]:
        last = dict.fromkeys(first[name].dims, -1)
        chosen[f"{symbols[name]}[{first[name].size - 1}]" if last else symbols[name]] = data[name].isel(last)
    chosen |= {
        name.replace("_", " "): data[name] for task in result.study.tasks for name in task.summary if name in data
    }
    status = {"status": data["status"]} if "status" in data else {}
    found = averages(xr.Dataset({**chosen, **status}), over)
    left = [axis for axis in result.study.sweep if not axis.averaged]
    rows = []
    for place in np.ndindex(*(data.sizes[axis.key] for axis in left)):
        at = dict(zip((axis.key for axis in left), place, strict=True))
        here = found.isel(at)
        row = [f"{data[each.key].isel(at, missing_dims='ignore').item():.6g}" for each in keys]
        row += [with_error(float(np.real(here[f"{name}{MEAN}"])), float(here[f"{name}{ERROR}"])) for name in chosen]
        rows.append([*row, str(int(here[NUMBER]))])
    headings = [*short_names([each.key for each in keys]), *chosen, NUMBER]
    return columns(f"averages over {', '.join(over)}; standard errors in brackets", headings, rows)


def failures(result: Result, most: int = 10) -> Iterator[str]:
    """Yield the first few failed points with their errors."""
    failed = [(point, str(data["error"].values)) for point, data in result.points if has_failed(data)]
    for point, error in failed[:most]:
        yield f"failed at {', '.join(f'{key} = {value:.6g}' for key, value in point.items())}: {error}"
    if len(failed) > most:
        yield f"{len(failed) - most} more points failed"
    if failed:
        yield "--retry-failed repeats them"


def show_estimate(study: Study, console: Console) -> None:
    """Print the requirements of a model file."""
    points = sweep_points(study)
    ends = points[:1] + points[-1:] if len(points) > 1 else points
    rows, several = [], rank_count() > 1
    for model, sector, states in (item for point in ends for item in at_point(study, point).solves()):
        need = (estimate if sector.has_symmetry else estimate_run)(model, sector, study.solver.engine, states)
        label, size = sector.plain.title, f"{need.charges:,} x {need.phonons:,}"
        cost = need.engine, format_bytes(need.memory), format_seconds(need.seconds)
        network = (format_bytes(need.sent),) if several else ()
        rows.append((label, f"{need.dimension:,}", size, *cost, *network))
    if rows:
        headings = ["sector", "states", "charge x phonon", "engine", "memory", "time"]
        if several:
            headings[4:] = [f"memory of each of {rank_count()} ranks", "time", "sent by each, a product"]
        print_wide(console, columns(study.name, headings, rows))
    if study.model.cluster.is_infinite:
        most, memory = most_states(study.solver)
        console.print(
            f"{study.name}: a space that grows to {most:,} states at most, {format_bytes(memory)}; the growth ends "
            f"when the error bars are below the accuracy of {accuracy_of(study.model):.1e}"
        )
    for task in study.tasks:
        for words in filter(None, (task.repeats, task.forecast(study.model, study.sector))):
            console.print(words)
    if len(points) > 1:
        console.print(f"{len(points)} points of the sweep; the first and the last are shown")
