"""Lazy loading of slow libraries: each is imported when one of its names is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numba
    import rich.table as rich_table
    import scipy.linalg as la
    import scipy.optimize as optimize
    import scipy.sparse as sp
    import scipy.sparse.linalg as splinalg
    import scipy.special as special
    import xarray as xr

    from . import threads
else:

    class _Late(ModuleType):
        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module(self.__name__), name)
            setattr(self, name, value)
            return value

    la, numba, rich_table, sp, xr = map(_Late, ("scipy.linalg", "numba", "rich.table", "scipy.sparse", "xarray"))
    optimize, special, splinalg = map(_Late, ("scipy.optimize", "scipy.special", "scipy.sparse.linalg"))
    threads = _Late(f"{__package__}.threads")

__all__ = ["LateTable", "la", "numba", "optimize", "rich_table", "sp", "special", "splinalg", "threads", "xr"]
Value = TypeVar("Value")


class LateTable(Mapping[str, Value]):
    """A mapping with known names whose values are loaded on first use.

    Parameters
    ----------
    names : sequence of str
        The names, in their order.
    load : function
        From a name to its value.
    """

    def __init__(self, names: Sequence[str], load: Callable[[str], Value]) -> None:
        self._names, self._load = tuple(names), load

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
