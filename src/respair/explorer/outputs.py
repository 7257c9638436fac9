"""Downloads of the page: the model file, the data as NetCDF and CSV, and an equivalent Python program."""

from __future__ import annotations

import csv
import io
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..studies import write
from .engine import Answer

SPECIES: Mapping[str, str] = {"electrons": "Electrons", "bosons": "Bosons", "phonons": "Phonons"}
COLUMNS = ("quantity", "unit", "place", "value", "imaginary")


def model_file(answer: Answer) -> str:
    """Return the model file for `respair run`."""
    return answer.study.text


def netcdf(answer: Answer) -> bytes:
    """Return the bytes of the NetCDF file that `respair run` would write."""
    with tempfile.TemporaryDirectory() as folder:
        return write(answer.result, Path(folder) / "explorer.nc").read_bytes()


def comma_separated(data: xr.Dataset) -> str:
    """Return a dataset as CSV, one number per line.

    Examples
    --------
    >>> print(comma_separated(xr.Dataset({"energies": ("level", [-1.0, 0.5], {"units": "energy"})})), end="")
    quantity,unit,place,value,imaginary
    energies,energy,level=0,-1.0,
    energies,energy,level=1,0.5,
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for name, array in data.data_vars.items():
        table.writerows(_rows(str(name), array))
    return out.getvalue()


def _rows(name: str, array: xr.DataArray) -> Iterator[tuple[object, ...]]:
    places = [
        [f"{dim}={value}" for value in (array[dim].values.tolist() if dim in array.coords else range(size))]
        for dim, size in array.sizes.items()
    ]
    unit = array.attrs.get("units", "")
    for place, value in zip(itertools.product(*places), array.values.ravel().tolist(), strict=True):
        real, imaginary = (value.real, value.imag) if isinstance(value, complex) else (value, "")
        yield name, unit, " ".join(place), real, imaginary


def python_lines(answer: Answer) -> str:
    """Return a Python program that computes the results on the screen.

    Examples
    --------
    >>> from respair.explorer.engine import Engine
    >>> from respair.explorer.presets import preset
    >>> from respair.studies import Quiet
    >>> answer = Engine().answer(preset("Pseudogap ring"), "pairs", Quiet(), lambda part: None)
    >>> print(python_lines(answer), end="")
    from respair import Bosons, Electrons, Model, Sector, ring, study
    <BLANKLINE>
    model = Model(
        ring(sites=4),
        electrons=Electrons(hopping=1.0),
        bosons=Bosons(level=0.0, exchange=0.8),
        name='Pseudogap ring',
    )
    data = study(model, Sector(charge=8, two_sz=0), pairing={}, solver={'tolerance': 1e-08}).run()
    print(data)
    """
    tables = answer.screen.tables
    cluster = dict(tables["cluster"])
    kind = str(cluster.pop("kind")).replace("-", "_")
    if kind in ("site", "dimer"):
        cluster.pop("sites", None)
    there = [name for name in SPECIES if name in tables]
    model = answer.study.model
    on = {"phonons": {"on": _where(model.phonons.on)}} if model.phonons is not None else {}
    parts = [
        _call(kind, cluster),
        *(f"{name}={_call(SPECIES[name], {**tables[name], **on.get(name, {})})}" for name in there),
        *(
            f"{key}={getattr(model, key)!r}"
            for key in ("flux", "magnetic_flux", "chemical_potential")
            if getattr(model, key)
        ),
        f"name={answer.study.name!r}",
        *(["terms=terms"] if model.terms else []),
    ]
    names_asked = [task.name for task in answer.study.tasks]
    written = answer.screen.asked(names_asked)
    asked = {name: written[name] for name in names_asked}
    asked |= {"sweep": tables["sweep"]} if answer.swept else {}
    settings = ", ".join(
        f"{name}={table!r}" for name, table in {**asked, "solver": tables.get("solver")}.items() if table is not None
    )
    names = sorted([*(SPECIES[name] for name in there), "Model", "Sector", kind, "study"], key=_order)
    block = _call("Sector", tables["sector"])
    return "\n".join(
        [
            f"from respair import {', '.join(names)}",
            "",
            "model = Model(",
            *(f"    {part}," for part in parts),
            ")",
            f"data = study(model, {block}, {settings}).run()",
            "print(data)",
            "",
        ]
    )


def _order(name: str) -> tuple[bool, str]:
    return name[0].islower(), name


def _call(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _where(on: Any) -> Any:
    return on if isinstance(on, str) else [int(i) for i in np.atleast_1d(on)]
