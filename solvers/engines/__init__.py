"""Engines: ways to store the vectors of a block and to act with H on them, one file each.

Every file of this folder is imported, and every class of `Engine` in it is an entry of `ENGINES`.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from .base import BlockSize, DoesNotFit, Engine
from .dense import DenseEngine, block_basis, block_isometry
from .quspin import product_index
from .tensor import TensorEngine

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

ENGINES: dict[str, type[Engine]] = {each.name: each for each in sorted(Engine.__subclasses__(), key=lambda e: e.name)}
"""All engines by their names."""

__all__ = [
    "ENGINES",
    "BlockSize",
    "DenseEngine",
    "DoesNotFit",
    "Engine",
    "TensorEngine",
    "block_basis",
    "block_isometry",
    "product_index",
]
