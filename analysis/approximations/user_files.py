"""User-defined approximations from Python files, which are compared like the standard ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, MappingProxyType

from .base import Approximation
from .table import STANDARD


class PluginError(ValueError):
    """A plugin file without valid approximations; the message states the reason."""


def fingerprint(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    PluginError
        If it cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, ValueError) as error:
        raise PluginError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def own_approximations(path: str | os.PathLike[str]) -> Mapping[str, Approximation]:
    """Run a Python file and return all global `Approximation` objects by their names.

    Parameters
    ----------
    path : str or path
        The file. Its code is run; use only trusted files.

    Raises
    ------
    PluginError
        If the file cannot be read or fails, or contains no approximation, repeated names, or a standard name.

    Examples
    --------
    A file with these lines defines one approximation, ``atoms``::

        import numpy as np
        import xarray as xr
        from respair import Approximation

        def atoms(model, sector):
            return xr.Dataset({"energies": ("level", [np.min(model.couplings.electron_level) * sector.charge])})

        ATOMS = Approximation("atoms", atoms, asymptotic="t -> 0")
    """
    return _loaded(os.path.abspath(path), fingerprint(path))


class _FromSource(SourceFileLoader):
    """Source loader without bytecode caching, so that the current file is run."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


@lru_cache
def _loaded(path: str, digest: str) -> Mapping[str, Approximation]:
    if not path.endswith(".py"):
        raise PluginError("is not a Python file; its name must end with .py")
    loader = _FromSource(f"respair_own_{digest[:16]}", path)
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    try:
        loader.exec_module(module)
    except Exception as error:  # any exception of the user's code
        raise PluginError(f"fails: {type(error).__name__}: {error}") from error
    there = {id(value): value for value in vars(module).values() if isinstance(value, Approximation)}
    own = [each for each in there.values() if STANDARD.get(each.name) is not each]
    names = [each.name for each in own]
    if not own:
        raise PluginError("contains no approximation; define a global respair.Approximation")
    for name in names:
        if name in STANDARD:
            raise PluginError(f"defines an approximation {name}, which is a standard one; give it another name")
        if names.count(name) > 1:
            raise PluginError(f"defines several approximations {name}; give them different names")
    return MappingProxyType({each.name: each for each in own})


def registry_of(plugins: Mapping[str, str]) -> Mapping[str, Approximation]:
    """Return the standard approximations and those of plugin files.

    Parameters
    ----------
    plugins : mapping of str to str
        The SHA-256 of each file by its path.

    Raises
    ------
    PluginError
        As for `own_approximations`, or if a file has changed, or two files define approximations of the same name.
    """
    found = dict(STANDARD)
    for path, digest in plugins.items():
        if fingerprint(path) != digest:
            raise PluginError(f"{path} has changed since this run began")
        own = own_approximations(path)
        if twice := own.keys() & found.keys():
            raise PluginError(f"{path} and another file both define {', '.join(sorted(twice))}")
        found |= own
    return MappingProxyType(found)
