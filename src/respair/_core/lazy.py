"""Libraries that take long to load: each is loaded when one of its names is first used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numba
    import rich.table as rich_table
    import scipy.linalg as la
    import scipy.sparse as sp
    import xarray as xr
else:

    class _Late(ModuleType):
        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self.__name__), name)

    la, numba, rich_table, sp, xr = map(_Late, ("scipy.linalg", "numba", "rich.table", "scipy.sparse", "xarray"))

__all__ = ["la", "numba", "rich_table", "sp", "xr"]
