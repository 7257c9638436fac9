"""Results as text tables: CSV for spreadsheets and data frames, columns with blank lines for gnuplot."""

from __future__ import annotations

import csv
import io
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...analysis.coordinates import OLDER, with_coordinates, with_newer_names
from ..execution.folder import write_bytes

ENDINGS: Mapping[str, str] = MappingProxyType({"csv": "csv", "gnuplot": "dat"})
"""Endings of the files by format."""
MOST_COMPONENTS = 3
"""Coordinates with more components than this are omitted."""


@dataclass(frozen=True)
class TextTable:
    """All variables over the same dimensions.

    Attributes
    ----------
    dims : tuple of str
        Dimensions of the variables; the last one varies fastest.
    shape : tuple of int
        Sizes of the dimensions.
    columns : mapping of str to array
        Coordinates first; every column is flat.
    units : mapping of str to str
        Units by the names of the columns.
    measured : tuple of str
        Columns that are not coordinates.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]
    measured: tuple[str, ...]

    @property
    def name(self) -> str:
        """Suffix of the name of its file."""
        return "".join(f"-{dim}" for dim in self.dims)

    def rows(self) -> Iterator[tuple[tuple[int, ...], list[Any]]]:
        """Yield index and values of each row, without rows that have no numbers."""
        known = np.any([~_missing(self.columns[name]) for name in self.measured], axis=0)
        for n, place in enumerate(np.ndindex(*self.shape)):
            if known[n]:
                yield place, [column[n].item() for column in self.columns.values()]

    def csv(self) -> str:
        """Return the table as CSV with a header line."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(row for _, row in self.rows())
        return text.getvalue()

    def gnuplot(self) -> str:
        """Return columns with a comment line of their numbers, names and units.

        A blank line ends each curve, as ``splot`` requires for surfaces; two blank lines separate the values of the
        dimensions before the last two, as required for ``index``.
        """
        named = (f"{n}:{name} [{self.units[name]}]" for n, name in enumerate(self.columns, 1))
        lines, before = ["# " + "  ".join(named)], None
        for place, row in self.rows():
            if before is not None and len(place) > 1 and place[:-1] != before[:-1]:
                lines += [""] * (2 if place[:-2] != before[:-2] else 1)
            before = place
            lines.append("\t".join(_word(value) for value in row))
        return "\n".join(lines) + "\n"


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of missing numbers and empty strings."""
    return (
        np.isnan(values)
        if values.dtype.kind == "f"
        else values == ""
        if values.dtype.kind == "U"
        else np.zeros(values.shape, bool)
    )


def _word(value: object) -> str:
    return '"{}"'.format(value.replace('"', "'")) if isinstance(value, str) else repr(value)


def text_tables(data: xr.Dataset) -> Iterator[TextTable]:
    """Yield the variables of a result as tables, one for each set of dimensions.

    Complex numbers give two columns, ``NAME_re`` and ``NAME_im``. Momenta are ordered by k, from -pi to pi.
    """
    data = with_coordinates(with_newer_names(data))
    if "k" in data.coords and data["k"].ndim == 1 and "momentum" in data.dims:
        zone = np.pi - np.mod(np.pi - data["k"].values, 2 * np.pi)  # older files count from 0 to 2 pi
        data = data.assign_coords(k=("momentum", zone, data["k"].attrs)).sortby("k")
    groups: dict[tuple[str, ...], list[Hashable]] = {}
    for name, array in data.data_vars.items():
        if array.size and not OLDER.fullmatch(str(name)):
            groups.setdefault(tuple(map(str, array.dims)), []).append(name)
    for dims, names in groups.items():
        shape = tuple(data.sizes[dim] for dim in dims)
        measured = [part for name in names for part in _parts(data, name)]
        every = [*_coordinates(data, dims), *measured]
        columns = {name: np.broadcast_to(values, shape).ravel() for name, values, _ in every}
        units = {name: unit for name, _, unit in every}
        yield TextTable(dims, shape, columns, units, tuple(name for name, *_ in measured))


def _coordinates(data: xr.Dataset, dims: Sequence[str]) -> Iterator[tuple[str, NDArray[Any], str]]:
    """Yield the coordinates of some dimensions as arrays over all of them, k before the index of a momentum."""
    for n, dim in enumerate(dims):
        after = (1,) * (len(dims) - n - 1)
        more = [name for name, axis in data.coords.items() if axis.dims[:1] == (dim,) and name != dim]
        for name in (*more, dim):
            axis = data.coords[name]
            unit = str(axis.attrs.get("units", "1"))
            if axis.ndim == 1:
                yield str(name), axis.values.reshape(-1, *after), unit
            elif axis.shape[1] <= MOST_COMPONENTS:
                for i, part in enumerate(axis.values.T):
                    yield f"{name}_{i}", part.reshape(-1, *after), unit


def _parts(data: xr.Dataset, name: Hashable) -> Iterator[tuple[str, NDArray[Any], str]]:
    """Yield a variable, or its real and imaginary parts."""
    values, unit = data[name].values, str(data[name].attrs.get("units", "1"))
    if np.iscomplexobj(values):
        yield f"{name}_re", values.real, unit
        yield f"{name}_im", values.imag, unit
    else:
        yield str(name), values, unit


def write_text(data: xr.Dataset, stem: Path, kind: str) -> Iterator[Path]:
    """Write a result as text tables and yield the files written, ``stem-DIMENSIONS.csv`` or ``.dat``.

    Parameters
    ----------
    data : xarray.Dataset
        As `respair.studies.read_data` returns it.
    stem : Path
        Beginning of the names; scalars are written to ``stem.csv``.
    kind : str
        "csv" or "gnuplot".
    """
    for table in text_tables(data):
        target = stem.with_name(f"{stem.name}{table.name}.{ENDINGS[kind]}")
        text = table.csv() if kind == "csv" else table.gnuplot()
        write_bytes(target, text.encode())
        yield target
