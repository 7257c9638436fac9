"""Output of results: JSON records and NetCDF files with provenance."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from ..._core.text import printable
from ...analysis.coordinates import with_coordinates, with_newer_names
from ...clusters import Cluster, momenta
from ...clusters.magnetic import without_field
from ...clusters.translations import as_numbers, wave_vectors
from ...hamiltonians.branches import branches_of
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.product import dimensions
from ...solvers.caps import capped
from ..definition import Study
from ..execution.averages import average_records
from ..execution.folder import write_bytes
from ..execution.point import FAILED, has_failed
from ..execution.runner import Result
from .reading import at_point
from .versions import versions

SCHEMA = 1


def records(result: Result) -> list[dict[str, object]]:
    """Return the JSON objects of a result: one, or one for each point of a sweep.

    If axes of the sweep are averaged, the averages follow, with ``average`` in place of tables.
    """
    found = [_record(result.study, point, data) for point, data in result.points]
    if result.averages:
        found += [{**_head(result.study), **each} for each in average_records(result.data, result.study)]
    return found


def _head(study: Study) -> dict[str, object]:
    return {"file": study.file, "schema": SCHEMA, "name": study.name}


def _record(study: Study, point: Mapping[str, object], data: xr.Dataset) -> dict[str, object]:
    each = at_point(study, point)
    cluster = each.model.cluster
    record = _head(study)
    if study.sweep:
        record["point"] = dict(point)
    record["versions"] = versions()
    if has_failed(data):
        return record | {"status": FAILED, "error": str(data["error"].values)}
    record["cluster"] = {
        "sites": cluster.sites,
        "bonds": len(cluster.bonds),
        "modes": len(cluster.modes),
        **(
            {"mode_list": [[m.branch, m.host, m.index] for m in each.model.modes]}
            if branches_of(each.model.modes)
            else {}
        ),
        **(_closed(cluster) if cluster.cell else {}),
    }
    if cluster.is_infinite:
        record["cluster"] = {"kind": cluster.kind}
    if each.sector is not None:
        record["sector"] = _sector(each, data)
    record |= {task.name: task.record(data) for task in each.tasks}
    return record


def _closed(cluster: Cluster) -> dict[str, object]:
    """Return cell, bonds with windings, momenta and remarks of a closed lattice."""
    whole = without_field(cluster)
    return {
        "cell": [list(row) for row in cluster.cell],
        "bond_list": [[bond.start, bond.end, bond.label, list(bond.shares)] for bond in cluster.bonds],
        "momenta": [list(as_numbers(k)) for k in momenta(whole)],
        "wave_vectors": wave_vectors(whole).tolist(),
        **(_in_field(cluster) if whole is not cluster else {}),
        "doubled": [list(pair) for pair in cluster.doubled],
        "left_out": cluster.left_out,
    }


def _in_field(cluster: Cluster) -> dict[str, object]:
    """Return the phase of each bond in turns, and the momenta of the magnetic translations."""
    return {
        "phases": [bond.phase for bond in cluster.bonds],
        "magnetic_momenta": [list(as_numbers(k)) for k in momenta(cluster)],
    }


def _sector(study: Study, data: xr.Dataset) -> dict[str, object]:
    sector = study.sector
    assert sector is not None
    dimension = int(data["dimension"]) if "dimension" in data else math.prod(dimensions(capped(study.model), sector))
    stored = int(data["stored"]) if "stored" in data else dimension
    spin = resolved(study.model, sector).two_sz
    found: dict[str, object] = {"charge": sector.charge} if sector.parity is None else {"parity": sector.parity}
    found |= {"two_sz": spin}
    found |= {name: list(value) if isinstance(value, tuple) else value for name, value in sector.labels.items()}
    if sector.wave_vector is not None:
        found["wave_vector"] = list(sector.wave_vector) if isinstance(sector.wave_vector, tuple) else sector.wave_vector
    return found | {"dimension": dimension, "stored": stored}


def to_json(record: Mapping[str, object]) -> str:
    """Return a record as one line of strict JSON."""
    return json.dumps(record, allow_nan=False, separators=(",", ":"))


def write(result: Result, path: str | os.PathLike[str], means: bool = True) -> Path:
    """Write a result atomically as NetCDF4, complex numbers as a trailing axis (re, im).

    The attributes contain the text of the model file, the software versions and the seed. With `means`, the averages
    requested by the sweep are included.

    Returns
    -------
    Path
        Path of the file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    study = result.study
    whole = result.data.assign(result.averages.data_vars) if means else result.data
    data = _real(whole).assign_attrs(
        title=study.name,
        model_file=study.text,
        source=printable(study.file),
        versions=json.dumps(versions()),
        seed=study.solver.seed,
        schema=SCHEMA,
        conventions="hbar = k_B = 1; energies in the unit of the model file; x = a + a+ = sqrt(2) X; no zero-point "
        "energy; mu inside H; complex numbers as a trailing axis (re, im)",
    )
    # built in memory first, because the HDF5 library crashes if the disk is full
    content = data.to_netcdf(engine="h5netcdf", encoding={str(name): {} for name in data.data_vars})
    write_bytes(target, content)
    return target


def read_data(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a result file, with complex numbers restored and older names of variables replaced."""
    with xr.open_dataset(path, engine="h5netcdf") as file:
        data = file.load()
    pairs = [name for name, array in data.data_vars.items() if "complex" in array.dims]
    joined = {name: data[name].sel(complex="re") + 1j * data[name].sel(complex="im") for name in pairs}
    for name in pairs:
        joined[name].attrs = data[name].attrs
    whole = data.assign({name: array.drop_vars("complex", errors="ignore") for name, array in joined.items()})
    return with_coordinates(with_newer_names(whole))


def _real(data: xr.Dataset) -> xr.Dataset:
    names = [name for name, array in data.data_vars.items() if np.iscomplexobj(array.values)]
    split = {}
    for name in names:
        array = data[name]
        values = np.stack([array.values.real, array.values.imag], axis=-1)
        split[name] = xr.DataArray(values, dims=(*array.dims, "complex"), attrs=array.attrs)
    if not split:
        return data
    return data.assign(split).assign_coords(complex=["re", "im"])
