"""A published dataset in Python: its numbers, and the models and sectors that they belong to."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ..._core.arguments import of_kind, taking
from ...clusters import InvalidValue
from ...hamiltonians import InvalidModel, Model, Sector, TermFunction
from ..definition import Study
from ..execution.folder import fingerprint
from ..file.reading import at_point, parse
from ..file.record import read_data
from .integrity import DATA, MANIFEST, MODELS, DatasetError, damage, read_manifest
from .plugins import Plugins, needed

NO_TERMS: Mapping[str, Sequence[TermFunction]] = MappingProxyType({})


@dataclass(frozen=True)
class PublishedStudy:
    """One study of a dataset.

    Attributes
    ----------
    study : Study
        Its model file.
    data : xarray.Dataset
        Its numbers, with the axes of the sweep as leading dimensions; units and formulas in the attributes.
    """

    study: Study
    data: xr.Dataset = field(repr=False)

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the sweep."""
        return tuple(axis.key for axis in self.study.sweep)

    @property
    def points(self) -> tuple[dict[str, Any], ...]:
        """What stands at each swept key, point by point, linked keys included; one empty point without a sweep."""
        return tuple(self._point(places) for places in self._places())

    def _places(self) -> Iterator[dict[str, int]]:
        sizes = (range(self.data.sizes[axis]) for axis in self.axes)
        yield from (dict(zip(self.axes, places, strict=True)) for places in itertools.product(*sizes))

    def _point(self, places: Mapping[str, int]) -> dict[str, Any]:
        keys = [(each.key, axis.key) for axis in self.study.sweep for each in (axis, *axis.linked)]
        return {key: self.data[key].values[places[axis]].item() for key, axis in keys}

    def at(self, number: int) -> xr.Dataset:
        """Return the numbers of one point, by its number in `points`."""
        places = next(itertools.islice(self._places(), number, None))
        return self.data.isel(places, drop=True)

    def evaluate(self, function: Callable[[Model, Sector], ArrayLike]) -> xr.DataArray:
        """Return the values of a function at every point, to be held against the numbers of the dataset.

        Parameters
        ----------
        function : function
            From the model and the sector of a point to a number; an approximation to the energy, for example.

        Returns
        -------
        xarray.DataArray
            With the axes of the sweep as dimensions.

        Raises
        ------
        ValueError
            If the study has no sector.
        """
        values = []
        for point in self.points:
            here = at_point(self.study, point)
            if here.sector is None:
                raise InvalidValue(f"{self.study.name} has no sector; loop over `points` and use `at_point`")
            values.append(np.asarray(function(here.model, here.sector)).item())
        shape = [self.data.sizes[axis] for axis in self.axes]
        coords = {axis: self.data[axis] for axis in self.axes}
        return xr.DataArray(np.reshape(values, shape), dims=self.axes, coords=coords)


@dataclass(frozen=True)
class PublishedDataset:
    """A dataset as `build_dataset` makes it.

    Attributes
    ----------
    folder : Path
        Where it is.
    about : mapping
        The manifest: title, licence, versions, hardware, certificates, sums.
    studies : mapping
        Each study by the name of its model file.
    """

    folder: Path
    about: Mapping[str, Any] = field(repr=False)
    studies: Mapping[str, PublishedStudy] = field(repr=False)

    def __getitem__(self, name: str) -> PublishedStudy:
        """Return a study by the name of its model file."""
        if name not in self.studies:
            raise KeyError(f"{name!r} is not a study of this dataset; allowed: {', '.join(self.studies)}")
        return self.studies[name]


@taking(folder=of_kind((str, os.PathLike), "write the path of a folder in quotes"))
def read_dataset(
    folder: str | os.PathLike[str], plugins: Plugins = (), *, terms: Mapping[str, Sequence[TermFunction]] = NO_TERMS
) -> PublishedDataset:
    """Read a dataset; every file of it must be as its manifest says.

    Parameters
    ----------
    folder : path
        As `build_dataset` made it.
    plugins : sequence of path
        The files with approximations of the authors' own that it was made with; their code is run.
    terms : mapping
        By the name of the study, the terms of the authors' own that its Hamiltonian has.

    Returns
    -------
    PublishedDataset
        Its studies by name, with models and numbers.

    Raises
    ------
    DatasetError
        If it is not a dataset, or a damaged one, or was made with `plugins` or `terms` that are not given.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if wrong := list(damage(path, manifest)):
        raise DatasetError("\n".join([f"{path} is damaged:", *wrong]))
    return PublishedDataset(path, MappingProxyType(manifest), published_studies(path, manifest, plugins, terms))


def published_studies(
    folder: Path,
    manifest: Mapping[str, Any],
    plugins: Plugins = (),
    terms: Mapping[str, Sequence[TermFunction]] = NO_TERMS,
) -> Mapping[str, PublishedStudy]:
    """Return the studies of a dataset.

    Raises
    ------
    DatasetError
        If a model file or a data file cannot be read, or they do not belong together, or `terms` are not those that
        it was made with.
    """
    files, found = needed(folder, manifest, plugins), {}
    for name, about in manifest["studies"].items():
        given = tuple(terms.get(name, ()))
        if len(given) != (count := about.get("terms", 0)):
            allowed = f'terms={{"{name}": (function, ...)}}'
            raise DatasetError(f"the Hamiltonian of {name} has {count} terms of its authors' own; {allowed} gives them")
        found[name] = _study(folder, name, files[name], given)
        if given and fingerprint(found[name].study) != about["fingerprint"]:
            raise DatasetError(f"the terms that are given for {name} are not those of the dataset")
    return MappingProxyType(found)


def _study(folder: Path, name: str, plugins: Plugins, terms: tuple[TermFunction, ...]) -> PublishedStudy:
    model, numbers = f"{MODELS}/{name}.toml", f"{DATA}/{name}.nc"
    try:
        text = (folder / model).read_bytes().decode()
        study, data = parse(text, f"{name}.toml", plugins, terms), read_data(folder / numbers)
    except InvalidModel as error:
        raise DatasetError(f"{model} is not a model file of this version: {error}") from None
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DatasetError(f"{model} or {numbers}, which {MANIFEST} names, cannot be read: {error}") from None
    if data.attrs.get("model_file") != text:
        raise DatasetError(f"{numbers} is not of the model file {model}")
    keys = [each.key for axis in study.sweep for each in (axis, *axis.linked)]
    if lacking := [key for key in keys if key not in data.coords]:
        raise DatasetError(f"{numbers} lacks axes of {model}: {', '.join(lacking)}")
    return PublishedStudy(study, data)
