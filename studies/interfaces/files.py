"""Export of a model to the files of other codes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from ..._core.places import file_name, folder_of
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from .fcidump import write_fcidump
from .library import library
from .openfermion import to_openfermion
from .quspin import to_quspin
from .qutip import to_qutip
from .tenpy import PACKAGE, to_tenpy

Writer = Callable[[Model, Sector, Path, str], list[Path]]
"""Function of a model, a sector, a folder and a name that returns the files written."""


def _fcidump(model: Model, sector: Sector, folder: Path, name: str) -> list[Path]:
    return write_fcidump(model, sector, folder / f"{name}-integrals")


def _quspin(model: Model, sector: Sector, folder: Path, name: str) -> list[Path]:
    path = folder / f"{name}-quspin.py"
    path.write_text(to_quspin(model, sector), encoding="utf-8")
    return [path]


def _openfermion(model: Model, sector: Sector, folder: Path, name: str) -> list[Path]:
    path = folder / f"{name}-openfermion.txt"
    parts = (f"({fermions})\n*\n({bosons})\n" for fermions, bosons in to_openfermion(model, sector))
    path.write_text("\n+\n".join(parts), encoding="utf-8")
    return [path]


def _qutip(model: Model, sector: Sector, folder: Path, name: str) -> list[Path]:
    operator = to_qutip(model, sector)
    library("qutip").qsave(operator, str(folder / f"{name}-qutip"))
    return [folder / f"{name}-qutip.qu"]


def _tenpy(model: Model, sector: Sector, folder: Path, name: str) -> list[Path]:
    path = folder / f"{name}-tenpy.h5"
    library("tenpy.tools.hdf5_io", PACKAGE).save({"H_MPO": to_tenpy(model, sector).H_MPO}, str(path))
    return [path]


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {"fcidump": _fcidump, "openfermion": _openfermion, "qutip": _qutip, "quspin": _quspin, "tenpy": _tenpy}
)
"""Writers by their names in ``--to``."""


def export(
    model: Model, sector: Sector | int, to: str, folder: str | os.PathLike[str] = ".", name: str = "model"
) -> list[Path]:
    """Write a model to the files of another code.

    Parameters
    ----------
    model : Model
        A model with a numerical phonon cutoff.
    sector : Sector or int
        N and S_z.
    to : str
        "fcidump" (with EBDUMP and BOSDUMP), "openfermion" (text), "qutip" (a saved Qobj), "quspin" (an executable
        script) or "tenpy" (the matrix-product operator in HDF5). For block2 see `to_block2`.
    folder : path
        Folder of the files.
    name : str
        Beginning of the file names, without a folder.

    Returns
    -------
    list of Path
        Paths of the files.

    Raises
    ------
    InvalidValue
        If the code is unknown or cannot represent the model.
    """
    if to not in WRITERS:
        more = "; block2 reads no file: call respair.studies.to_block2" if to == "block2" else ""
        raise InvalidValue(f"to = {to!r} is invalid; allowed: {', '.join(WRITERS)}{more}")
    name, target = file_name("name", name), folder_of("folder", folder)
    return WRITERS[to](model, sector if isinstance(sector, Sector) else Sector(sector), target, name)
