"""Levels and states as labelled arrays that a file holds: amplitudes as one list, everything else as text beside it."""

from __future__ import annotations

import hashlib
import json
import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import xr
from .._core.places import file_of
from ..clusters import Shown
from ..hamiltonians.json_form import to_json_form

if TYPE_CHECKING:
    from ..hamiltonians import Amplitudes, Block, Hamiltonian

VERSION = 1
ABOUT, VALUES = "kept_levels", "kept_amplitudes"
"""Names of the variables of a file: what the amplitudes are, and these."""


class Packer:
    """Amplitudes that are written one after the other."""

    def __init__(self) -> None:
        self._arrays: list[Amplitudes] = []
        self._size = 0

    def put(self, amplitudes: Amplitudes) -> dict[str, Any]:
        """Take amplitudes; return where they stand."""
        place = {"offset": self._size, "shape": list(amplitudes.shape)}
        self._arrays.append(amplitudes)
        self._size += amplitudes.size
        return place

    @property
    def values(self) -> NDArray[Any]:
        """All of them as one list."""
        kind = np.result_type(np.float64, *(array.dtype for array in self._arrays))
        return np.concatenate([np.zeros(0, kind), *(array.ravel() for array in self._arrays)], dtype=kind)


class Keepable(Shown):
    """Levels or a state, which a file can hold."""

    @abstractmethod
    def kept(self, packer: Packer) -> dict[str, Any]:
        """Return what they are, as JSON has it, and give their amplitudes to a packer."""

    @property
    @abstractmethod
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian of the sector."""

    @property
    def _summary(self) -> Mapping[str, tuple[Any, str]]:
        """Arrays over levels that a file shows to other programs, with their formulas."""
        return {}

    def to_dataset(self) -> xr.Dataset:
        """Return them as labelled arrays, which `respair.load` reads back from a file."""
        packer, space = Packer(), self.hamiltonian.space
        about: dict[str, Any] = {"version": VERSION, **self.kept(packer)}
        about |= {"model": to_json_form(space.model), "whole_sector": to_json_form(space.sector)}
        about["mean_charge"] = space.mean_charge
        values = packer.values
        about |= {"amplitudes": len(values), "real": not np.iscomplexobj(values)}
        about["digest"] = digest_of(about, values)
        own = {"formula": "stored amplitudes of all levels, one after the other", "units": "1"}
        rows: dict[str, Any] = {
            ABOUT: ((), np.array(json.dumps(about)), {"formula": "model, sector and numbers of the levels"}),
            VALUES: (("kept_amplitude",), values, own),
        }
        for name, (array, formula) in self._summary.items():
            units = "1" if name == "labels" else "energy"
            rows[name] = (("level",), np.asarray(array), {"formula": formula, "units": units})
        return xr.Dataset(rows)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write them to a NetCDF file, whole or not at all; `respair.load` reads it back.

        Parameters
        ----------
        path : str or path
            The file; one that is there is replaced.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        InvalidValue
            If it is a folder, or in a folder that does not exist.
        """
        target = file_of("path", path)
        partial = target.with_name(f"{target.name}.partial")
        data = self.to_dataset().assign_attrs(
            title=self.hamiltonian.space.model.name or "levels",
            source="respair",
            conventions="hbar = k_B = 1; x = a + a+; amplitudes over (state, stored row, phonon state)",
        )
        values = data[VALUES].values
        if np.iscomplexobj(values):
            parts = xr.DataArray(np.stack([values.real, values.imag], axis=-1), dims=("kept_amplitude", "complex"))
            data = data.assign({VALUES: parts.assign_attrs(data[VALUES].attrs)}).assign_coords(complex=["re", "im"])
        try:
            data.to_netcdf(partial, engine="h5netcdf")
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        return target


def kept_block(block: Block) -> dict[str, Any]:
    """Return the quantum numbers of a block as JSON has them."""
    return {"sector": to_json_form(block.sector), "symmetries": to_json_form(block.symmetries)}


def digest_of(about: Mapping[str, Any], values: NDArray[Any]) -> str:
    """Return the SHA-256 of what a file holds, but for itself."""
    said = json.dumps({key: item for key, item in about.items() if key != "digest"}, sort_keys=True)
    found = hashlib.sha256(said.encode())
    found.update(np.ascontiguousarray(values).data.cast("B") if values.size else b"")
    return found.hexdigest()
