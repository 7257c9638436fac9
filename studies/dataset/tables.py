"""Datasets as tables of text: one CSV file for all variables that have the same dimensions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

POINT = "point"
"""The first column of a study without a sweep."""


def column_groups(data: xr.Dataset, axes: Sequence[str]) -> dict[tuple[str, ...], xr.Dataset]:
    """Return the variables of a dataset by the dimensions that they have beside the axes of the sweep.

    Coordinates that are not dimensions become variables; complex numbers become two, ending in ``_re`` and ``_im``.

    Examples
    --------
    >>> data = xr.Dataset({"energy": ("v", [1.0, 2.0]), "levels": (("v", "level"), [[1.0], [2.0]])}, {"v": [0.1, 0.2]})
    >>> [(dims, list(group)) for dims, group in column_groups(data, ["v"]).items()]
    [((), ['energy']), (('level',), ['levels'])]
    """
    plain = data.reset_coords()
    names: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, array in plain.data_vars.items():
        names[tuple(str(dim) for dim in array.dims if dim not in axes)].append(str(name))
    return {dims: xr.merge([_real(plain[name]) for name in found]) for dims, found in sorted(names.items())}


def _real(array: xr.DataArray) -> xr.Dataset:
    if not np.iscomplexobj(array.values):
        return array.to_dataset()
    parts = {"re": array.real, "im": array.imag}
    return xr.Dataset({f"{array.name}_{key}": part.assign_attrs(array.attrs) for key, part in parts.items()})


def table_name(stem: str, dims: Sequence[str]) -> str:
    """Return the name of the table of one group.

    Examples
    --------
    >>> table_name("ring", ()), table_name("ring", ("site", "site_"))
    ('ring.csv', 'ring-site-site_.csv')
    """
    return "-".join([stem, *dims]) + ".csv"


def csv_tables(data: xr.Dataset, axes: Sequence[str], stem: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of each table.

    A row is one point and one place along the other dimensions, named in the first columns; numbers have as many digits
    as give them back exactly; rows in which nothing is (a site that smaller clusters lack) are left out.
    """
    for dims, group in column_groups(data, axes).items():
        rows = [dim for dim in (*axes, *dims) if dim in group.dims]
        whole = group if rows else group.expand_dims({POINT: [0]})
        if not all(whole.sizes.values()):
            continue
        frame = whole.to_dataframe(dim_order=rows or [POINT]).dropna(how="all")
        yield table_name(stem, dims), frame.to_csv(lineterminator="\n")
