"""Levels and states from a file: read, checked against the model that is in the file, and ready for use."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import instance
from .._core.lazy import xr
from ..clusters import InvalidValue
from ..hamiltonians import Amplitudes, Block, Hamiltonian, Model, Sector
from ..hamiltonians.json_form import from_json_form
from ..hamiltonians.parameters import InvalidModel
from ..hamiltonians.symmetry.group import commutes
from ..hamiltonians.symmetry.operations import Symmetry
from .certificate import Certificate
from .kept import ABOUT, VALUES, VERSION, digest_of
from .results import Eigenstates, LabelledLevels, State

ORTHONORMAL = 1e-8
"""Largest error of scalar products of the states of a file."""
ENERGY = 1e-7
"""Largest distance of an energy from that of its state, in units of the couplings, besides the residual."""


def load(path: str | os.PathLike[str], at: Mapping[str, float] | None = None) -> Eigenstates | LabelledLevels | State:
    """Read levels or a state from a file that ``save`` wrote, or that a model file with ``keep_states`` left.

    The file is checked like any other input: its checksum, the model, the quantum numbers, and that the states are
    orthonormal and have their energies.

    Parameters
    ----------
    path : str or path
        The NetCDF file.
    at : mapping, optional
        The point of a sweep, as ``{"phonons.boson_coupling": 0.5}``.

    Raises
    ------
    InvalidValue
        If the file cannot be read, has no levels, is damaged, or does not have the point.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load(levels.save(pathlib.Path(folder) / "dimer.nc"))
    >>> bool(again.energies[0] == levels.energies[0]), bool(np.all(again.amplitudes == levels.amplitudes))
    (True, True)
    """
    instance("path", path, (str, os.PathLike), 'write the path of a file, as "levels.nc"')
    name = os.fsdecode(path)
    if not os.path.isfile(path):
        raise InvalidValue(f"{name}: there is no such file; give one that levels.save(...) wrote")
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            about, values = _chosen(name, file, at or {})
    except OSError as error:
        reason = error.strerror if error.errno and len(error.args) > 1 else "not a NetCDF file"
        raise InvalidValue(f"{name}: cannot be read ({reason}); give a file that levels.save(...) wrote") from None
    except InvalidValue:
        raise
    except Exception as error:  # what HDF5 raises for a damaged file has no class of its own
        raise InvalidValue(f"{name}: is damaged ({error}); write it anew") from None
    try:
        return _read(json.loads(about), values)
    except (InvalidValue, InvalidModel) as error:
        raise InvalidValue(f"{name}: {error}") from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InvalidValue(f"{name}: what stands for the levels is wrong ({error}); write the file anew") from None


def _chosen(name: str, file: xr.Dataset, at: Mapping[str, float]) -> tuple[str, NDArray[Any]]:
    """Return what the levels of a point are, and their amplitudes."""
    if ABOUT not in file or VALUES not in file:
        raise InvalidValue(
            f"{name}: holds no states; write them with levels.save(...), or with keep_states = true in [ground_state]"
        )
    axes = [str(dim) for dim in file[ABOUT].dims]
    swept = [key for key in map(str, file.coords) if file[key].dims and file[key].dims[0] in axes]
    if unknown := sorted(set(at) - set(swept)):
        raise InvalidValue(f"{name}: at = {unknown[0]!r} is not swept; allowed: {', '.join(swept) or 'nothing'}")
    found = file
    for key, value in at.items():
        (dim,) = found[key].dims or (None,)
        if dim is None:
            continue
        there = np.asarray(found[key].values, float)
        close = np.flatnonzero(np.abs(there - value) <= 1e-9 * max(1.0, abs(value)))
        if not len(close):
            raise InvalidValue(f"{name}: {key} = {value!r} was not computed; there are {there.tolist()}")
        found = found.isel({dim: close if dim == "point" else int(close[0])})
        if dim == "point" and len(close) == 1:
            found = found.isel(point=0)
    if left := [str(dim) for dim in found[ABOUT].dims]:
        example = {key: float(np.asarray(file[key].values).ravel()[0]) for key in swept[: len(axes)]}
        raise InvalidValue(f"{name}: holds many points ({', '.join(left)}); choose one: load(path, at={example})")
    about, values = str(found[ABOUT].values), np.asarray(found[VALUES].values)
    if not about:
        raise InvalidValue(f"{name}: this point failed and has no states")
    if "complex" in found[VALUES].dims:
        values = np.ascontiguousarray(values).view(np.complex128)[..., 0]
    return about, values


def _read(about: Mapping[str, Any], values: NDArray[Any]) -> Eigenstates | LabelledLevels | State:
    if about.get("version") != VERSION:
        raise InvalidValue(f"has version {about.get('version')!r}; this respair reads version {VERSION}")
    count = int(about["amplitudes"])
    whole = np.ascontiguousarray(values[:count])  # points of a sweep are filled up to one length
    if about["real"] and np.iscomplexobj(whole):
        whole = np.ascontiguousarray(whole.real)
    if digest_of(about, whole) != about["digest"]:
        raise InvalidValue("is damaged: its checksum is another one; write it anew")
    model, sector = from_json_form(about["model"]), from_json_form(about["whole_sector"])
    instance("model", model, Model, "write the file anew")
    instance("sector", sector, Sector, "write the file anew")
    reader = _Reader(Hamiltonian.of(model, sector, about["mean_charge"]), whole)
    match about["kind"]:
        case "levels":
            return reader.levels(about)
        case "labelled levels":
            return reader.labelled(about)
        case "state":
            return reader.state(about)
    raise InvalidValue(f"holds {about['kind']!r}; allowed: levels, labelled levels, state")


class _Reader:
    """What a file says about blocks of one Hamiltonian, made into levels and states."""

    def __init__(self, hamiltonian: Hamiltonian, values: NDArray[Any]) -> None:
        self.hamiltonian, self.values = hamiltonian, values

    def block(self, about: Mapping[str, Any]) -> Block:
        """Return a block whose symmetries the Hamiltonian has."""
        sector, symmetries = from_json_form(about["sector"]), from_json_form(about["symmetries"])
        space = self.hamiltonian.space
        for symmetry in symmetries:
            instance("symmetry", symmetry, Symmetry, "write the file anew")
            if not commutes(space, self.hamiltonian.operator, symmetry):
                raise InvalidValue(f"the model in the file lacks the symmetry {symmetry.name} of its states")
        return Block(self.hamiltonian, instance("sector", sector, Sector, "write the file anew"), symmetries)

    def amplitudes(self, block: Block, place: Mapping[str, Any]) -> Amplitudes:
        """Return the orthonormal amplitudes that stand at a place, read-only."""
        shape, offset = tuple(place["shape"]), int(place["offset"])
        if len(shape) != 3 or shape[1:] != block.shape or offset + int(np.prod(shape)) > len(self.values):
            raise InvalidValue(f"amplitudes of shape {shape} do not belong to a block of shape {block.shape}")
        found = self.values[offset : offset + int(np.prod(shape))].reshape(shape)
        flat = found.reshape(len(found), -1)
        if np.max(np.abs(flat.conj() @ flat.T - np.eye(len(flat))), initial=0.0) > ORTHONORMAL:
            raise InvalidValue("the states in the file are not orthonormal")
        found.setflags(write=False)
        return found

    def levels(self, about: Mapping[str, Any]) -> Eigenstates:
        """Return the levels of a block."""
        block = self.block(about)
        amplitudes = self.amplitudes(block, about["place"])
        energies, bare = _array(about["energies"]), None if about["bare"] is None else _array(about["bare"])
        numbers = (int(about["multiplicity"]), str(about["engine"]), int(about["stored"]), int(about["matvecs"]))
        found = Eigenstates(block, energies, _certificate(about), amplitudes, *numbers, bare)
        self.check_energies(found)
        return found

    def check_energies(self, levels: Eigenstates) -> None:
        """Raise an error if a state does not have its energy."""
        pairs = zip(levels.relative, levels.certificate.residuals, levels.amplitudes, strict=False)
        for n, (energy, residual, phi) in enumerate(pairs):
            mean = float(np.vdot(phi, levels.block.energy.apply(np.ascontiguousarray(phi))).real)
            if not abs(mean - energy) <= ENERGY * max(levels.hamiltonian.scale, abs(energy)) + residual:
                raise InvalidValue(f"level {n} has the energy {energy!r}, and its state has {mean!r}")

    def labelled(self, about: Mapping[str, Any]) -> LabelledLevels:
        """Return the levels of several blocks."""
        energies, bare = _array(about["energies"]), None if about["bare"] is None else _array(about["bare"])
        blocks = tuple(self.levels(each) for each in about["blocks"])
        labels, numbers = from_json_form(about["labels"]), (int(about["multiplicity"]), int(about["matvecs"]))
        return LabelledLevels(energies, _certificate(about), labels, numbers[0], blocks, numbers[1], bare)

    def state(self, about: Mapping[str, Any]) -> State:
        """Return a state."""
        block = self.block(about)
        amplitudes, weights = self.amplitudes(block, about["place"]), _array(about["weights"])
        if len(weights) != len(amplitudes) or np.any(weights < 0):
            raise InvalidValue("the weights in the file do not belong to its states")
        return State(block, amplitudes, weights, tuple(self.state(each) for each in about["others"]))


def _array(values: Any) -> NDArray[np.float64]:
    found = np.array(values, float)
    found.setflags(write=False)
    return found


def _certificate(about: Mapping[str, Any]) -> Certificate:
    return Certificate(**{name: _array(values) for name, values in about["certificate"].items()})
