"""``thermal.susceptibilities``: how static susceptibilities are recorded and shown."""

from __future__ import annotations

from collections.abc import Iterator

from ..._core.lazy import rich_table, xr
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import plain

PREFIX = "thermal_susceptibility_"


def susceptibility_names(data: xr.Dataset) -> list[str]:
    """Return the operators of a result."""
    names = (str(name).removeprefix(PREFIX) for name in data.data_vars if str(name).startswith(PREFIX))
    return [name for name in names if not name.endswith("_error")]


def susceptibility_record(data: xr.Dataset) -> dict[str, object]:
    """Return ``values`` and ``errors`` of each operator: lists over temperatures of lists over momenta or places."""
    found: dict[str, object] = {}
    for name in susceptibility_names(data):
        parts = {"values": "", "errors": "_error", "cutoff_errors": "_cutoff_error"}
        there = {key: f"{PREFIX}{name}{end}" for key, end in parts.items()}
        found[name] = {key: plain(data[place]) for key, place in there.items() if place in data}
    return found


def susceptibility_tables(data: xr.Dataset) -> Iterator[rich_table.Table]:
    """Yield a table for each operator, a row for each temperature."""
    for name in susceptibility_names(data):
        values, errors = (data[f"{PREFIX}{name}{end}"].values for end in ("", "_error"))
        label = "q" if "momentum" in str(data[f"{PREFIX}{name}"].dims[1]) else "place"
        headings = ("T", *(f"{label} {n}" for n in range(values.shape[1])))
        rows = (
            [
                f"{t:.6g}",
                *(with_error(*each) if each[1] else number(each[0], decimals(0.0)) for each in zip(*row, strict=True)),
            ]
            for t, row in zip(
                data["temperature"].values, zip(values.tolist(), errors.tolist(), strict=True), strict=True
            )
        )
        yield columns(f"static susceptibility of {name}", headings, rows)
