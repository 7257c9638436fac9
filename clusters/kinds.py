"""The kinds of clusters by their names in model files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isfunction
from types import MappingProxyType

from . import infinite, lattices, library
from .cluster import Cluster

KINDS: Mapping[str, Callable[..., Cluster]] = MappingProxyType(
    {
        name.replace("_", "-"): function
        for module in (library, lattices, infinite)
        for name, function in vars(module).items()
        if isfunction(function)
        and function.__module__ == module.__name__
        and function.__annotations__.get("return") == "Cluster"
        and not name.startswith("_")
        and "kind" not in function.__annotations__
    }
)
"""The public functions of `library`, `lattices` and `infinite` that return a `Cluster` of one kind, by its name."""
