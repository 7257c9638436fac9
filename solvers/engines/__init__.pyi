"""Engines: ways to store the vectors of a block and to act with H on them, one file each."""

from .base import Engine
from .dense import DenseEngine, block_basis, block_isometry
from .quspin import product_index
from .table import ENGINES
from .tensor import TensorEngine

__all__ = [
    "ENGINES",
    "DenseEngine",
    "Engine",
    "TensorEngine",
    "block_basis",
    "block_isometry",
    "product_index",
]
