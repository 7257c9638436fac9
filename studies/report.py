"""Results as tables for a terminal: as many digits as the certificate supports, and no more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..solvers.estimate import estimate, format_bytes
from .model_file import Study, at_point, sweep_points
from .runner import Result, sectors_of

SITE_COLUMNS = {
    "electron_density": "<n>",
    "double_occupancy": "<n_up n_dn>",
    "boson_density": "<b+ b>",
    "pair_exchange": "<D+ b>",
    "spin_z": "<S^z>",
}
MODE_COLUMNS = {"displacement": "<x>", "displacement_squared": "<x^2>", "quanta": "<a+ a>"}
WIDEST = 400
PARTS = ("hopping_energy", "exchange_energy", "lattice_energy", "coupling_energy")


def with_error(value: float, error: float) -> str:
    """Return a value to the digits that its error bar supports, the error of the last one in brackets.

    Examples
    --------
    >>> with_error(-4.84252626123, 3.1e-8), with_error(-1.0, 0.0), with_error(2.31, 0.4)
    ('-4.84252626(4)', '-1.000000000000', '2.3(4)')
    """
    if not math.isfinite(value):
        return "-"
    if not math.isfinite(error):
        return f"{value:.6g}"
    if error < 5e-13:
        return f"{value:.12f}"
    digits = max(0, -math.floor(math.log10(error)))
    last = math.ceil(error * 10**digits - 1e-9)
    if last == 10:
        digits, last = max(0, digits - 1), 1 if digits else 10
    return f"{value:.{digits}f}({last})"


def show_result(result: Result, console: Console) -> None:
    """Print the tables of a result."""
    study = result.study
    console.print(Text(study.name, style="bold"))
    if study.sweep:
        _print(console, _sweep_table(result))
        return
    for table in _tables(study, result.points[0][1]):
        _print(console, table)


def _print(console: Console, table: Table | Text) -> None:
    """Print as wide as it needs: a long line is better than a number cut short."""
    wide = console.options.update(width=WIDEST)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    console.print(table)


def _tables(study: Study, data: xr.Dataset) -> Iterator[Table | Text]:
    yield Text(describe(study))
    if "energies" in data:
        yield _level_table(data)
        if (table := study.model.phonons) is not None and table.cutoff is not None:
            chosen = f"total_quanta = {int(data['total_quanta'])}: {int(data['dimension']):,} states"
            yield Text(f"The accuracy of {table.accuracy:.1e} needed {chosen}.")
        if int(data["multiplicity"]) > 1:
            yield Text(
                f"The ground level has {int(data['multiplicity'])} states; observables are averages over all of them."
            )
        yield from _observable_tables(data)
    if "charge_scan_energies" in data:
        yield _charge_table(data)
    if "flux_energies" in data:
        yield _flux_table(data)


def describe(study: Study) -> str:
    """Return cluster, sector and size in one line."""
    cluster = study.model.cluster
    parts = [f"{cluster.kind}: {cluster.sites} sites, {len(cluster.bonds)} bonds, {len(cluster.modes)} modes"]
    if study.sector is not None:
        s = study.sector
        labels = [f"N = {s.charge}", f"2 S_z = {s.two_sz}"]
        labels += [
            f"{key} = {getattr(s, key)}" for key in ("momentum", "reflection", "irrep") if getattr(s, key) is not None
        ]
        size = estimate(study.model, s)
        least = "at least " if study.model.phonons is not None and study.model.phonons.cutoff is not None else ""
        states = f"{least}{size.dimension:,} states ({size.charges:,} charge x {size.phonons:,} phonon)"
        parts.append(f"{', '.join(labels)}: {states}")
    return "; ".join(parts)


def _level_table(data: xr.Dataset) -> Table:
    table = Table(title="levels", title_justify="left")
    labels = data["labels"].values
    for heading in ("level", "energy", "above ground", "residual", "leak", "error bar"):
        table.add_column(heading, justify="right")
    if any(labels):
        table.add_column("block")
    energies, errors = data["energies"].values, data["energy_errors"].values
    for n, (energy, error) in enumerate(zip(energies, errors, strict=True)):
        gap = with_error(energy - energies[0], error + errors[0]) if n else ""
        row = (data[key].values[n] for key in ("residuals", "leaks"))
        block = [str(labels[n])] if any(labels) else []
        table.add_row(str(n), with_error(energy, error), gap, *(f"{x:.1e}" for x in row), f"{error:.1e}", *block)
    return table


def _observable_tables(data: xr.Dataset) -> Iterator[Table]:
    digits = decimals(float(data["energy_errors"].values[0]))
    for title, dim, names in (("sites", "site", SITE_COLUMNS), ("modes", "mode", MODE_COLUMNS)):
        columns = [name for name in names if name in data and data[name].size]
        if not columns:
            continue
        table = Table(title=title, title_justify="left")
        for heading in (dim, *(names[name] for name in columns)):
            table.add_column(heading, justify="right")
        for i in range(data.sizes[dim]):
            table.add_row(str(i), *(_number(data[name].values[i], digits) for name in columns))
        yield table
    rest = [(name, _number(data[name].item(), digits)) for name in PARTS if name in data]
    rest += [(str(n), _list(data[n].values, digits)) for n in data.data_vars if str(n).startswith("condensate_")]
    if rest:
        table = Table(title="energies and condensates", title_justify="left", show_header=False)
        for row in rest:
            table.add_row(*row)
        yield table


def _charge_table(data: xr.Dataset) -> Table:
    table = Table(title="charge scan", title_justify="left")
    for heading in ("N", "energy", "pair binding"):
        table.add_column(heading, justify="right")
    pairs = zip(data["charge_scan_binding"].values, data["charge_scan_binding_errors"].values, strict=True)
    binding = dict(zip(data["binding_charge"].values.tolist(), pairs, strict=True))
    energies = zip(data["charge_scan_energies"].values, data["charge_scan_energy_errors"].values, strict=True)
    for charge, (energy, error) in zip(data["charge"].values.tolist(), energies, strict=True):
        bound = with_error(*binding[charge]) if charge in binding else ""
        table.add_row(str(charge), with_error(energy, error), bound)
    return table


def _flux_table(data: xr.Dataset) -> Table:
    table = Table(title="flux", title_justify="left")
    for heading in ("phi", "energy", "current", "stiffness"):
        table.add_column(heading, justify="right")
    for i, phi in enumerate(data["phi"].values):
        energy, error = data["flux_energies"].values[i], float(data["flux_energy_errors"].values[i])
        slopes = (_number(data[f"flux_{k}"].values[i], decimals(error)) for k in ("current", "stiffness"))
        table.add_row(f"{phi:.6g}", with_error(energy, error), *slopes)
    return table


def _sweep_table(result: Result) -> Table:
    table = Table(title=f"{len(result.points)} points", title_justify="left")
    keys = [axis.key for axis in result.study.sweep]
    first = result.points[0][1]
    with_energy = "energies" in first
    scalars = [n for n in (*SITE_COLUMNS, *MODE_COLUMNS, *PARTS) if n in first and first[n].size]
    shown = scalars[: max(1, 6 - len(keys))]
    headings = [
        *(key.partition(".")[2] for key in keys),
        *(["energy", "gap"] if with_energy else []),
        *(_last(name, first) for name in shown),
    ]
    for heading in headings:
        table.add_column(heading, justify="right")
    for point, data in result.points:
        digits = decimals(float(data["energy_errors"].values[0])) if with_energy else 6
        row = [f"{value:.6g}" for value in point.values()]
        if with_energy:
            energies, errors = data["energies"].values, data["energy_errors"].values
            row.append(with_error(energies[0], errors[0]))
            row.append(with_error(energies[1] - energies[0], errors[0] + errors[1]) if len(energies) > 1 else "")
        table.add_row(*row, *(_number(np.atleast_1d(data[name].values)[-1], digits) for name in shown))
    return table


def _last(name: str, data: xr.Dataset) -> str:
    symbol = {**SITE_COLUMNS, **MODE_COLUMNS}.get(name, name)
    return f"{symbol}[{data[name].size - 1}]" if data[name].ndim else symbol


def show_estimate(study: Study, console: Console) -> None:
    """Print what the runs of a model file will need."""
    table = Table(title=study.name, title_justify="left")
    for heading in ("sector", "states", "charge x phonon", "engine", "memory", "time"):
        table.add_column(heading, justify="right")
    points = sweep_points(study)
    ends = points[:1] + points[-1:] if len(points) > 1 else points
    for model, sector, states in (item for point in ends for item in sectors_of(at_point(study, point))):
        need = estimate(model, sector, study.solver.engine, states)
        label = f"N = {sector.charge}, 2 S_z = {sector.two_sz}"
        size = f"{need.charges:,} x {need.phonons:,}"
        table.add_row(label, f"{need.dimension:,}", size, need.engine, format_bytes(need.memory), _time(need.seconds))
    _print(console, table)
    if study.flux is not None:
        console.print(f"{len(study.flux.values)} values of the flux, each like the sector of the file")
    if len(points) > 1:
        console.print(f"{len(points)} points of the sweep; the first and the last are shown")


def _time(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def decimals(error: float) -> int:
    """Return how many decimals of an average to show beside an energy with this error bar: from 2 to 8.

    Examples
    --------
    >>> decimals(5e-4), decimals(1e-12), decimals(0.3)
    (3, 8, 2)
    """
    return int(np.clip(math.floor(-math.log10(max(error, 1e-12))), 2, 8)) if math.isfinite(error) else 2


def _number(value: complex, digits: int) -> str:
    number = complex(value)
    if not np.isfinite(number):
        return "-"
    real, imaginary = round(number.real, digits) + 0.0, round(number.imag, digits)
    return f"{real:.{digits}f}{imaginary:+.{digits}f}i" if imaginary else f"{real:.{digits}f}"


def _list(values: NDArray[Any], digits: int) -> str:
    shown = ", ".join(_number(x, digits) for x in np.atleast_1d(values)[:6])
    return shown + (" ..." if values.size > 6 else "")
