"""The table of engines: each file of this folder with an engine is an entry, and is loaded when the engine is used."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..._core.arguments import shown
from ..._core.lazy import LateTable
from ..._core.ranks import current_ranks
from ...clusters import InvalidValue

if TYPE_CHECKING:
    from ...hamiltonians import Block
    from .base import Engine


def _load(name: str) -> type[Engine]:
    there = [each for each in vars(import_module(f"{__package__}.{name}")).values() if isinstance(each, type)]
    engines: Iterator[type[Engine]] = (each for each in there if getattr(each, "name", None) == name)
    return next(engines)


_FILES = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
ENGINES: LateTable[type[Engine]] = LateTable(sorted({*_FILES} - {"base", "table"}), _load)
"""All engines by their names, which are those of their files."""
ENGINE_NAMES = ("auto", *ENGINES)


def engine_class(name: str) -> type[Engine]:
    """Return an engine, by name; several processes take that of distributed vectors in the place of "tensor"."""
    return ENGINES["distributed" if name == "tensor" and current_ranks() else name]


def engine_of(block: Block, name: str) -> Engine:
    """Return a block as an engine handles it; "auto" stands for "tensor"."""
    return engine_class("tensor" if name == "auto" else name)(block)


def engine_name(name: str, value: object) -> str:
    """Return the name of an engine, or "auto".

    Raises
    ------
    InvalidValue
        If there is no engine of that name.
    """
    if value == "auto" or (isinstance(value, str) and value in ENGINES):
        return str(value)
    raise InvalidValue(f"{name} = {shown(value)} is not available; allowed: auto, {', '.join(ENGINES)}")
