"""respair: exact diagonalization of resonant pairing on small clusters of electrons, local pairs and phonons.

Energies are in the user's unit, hbar = k_B = 1. Names are loaded when they are first used.
"""

from __future__ import annotations

import os
from importlib import import_module

import lazy_loader

# Waiting OpenMP threads would otherwise spin, up to ten times slower on shared cores. The variable is read once, when
# the first library with OpenMP is loaded; a value set by the user is kept.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_load, _, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module(".studies.file.versions", __name__).version_of("respair")
    if name not in __all__:
        raise AttributeError(f"module 'respair' has no attribute {name!r}")
    return _load(name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", "analysis", "clusters", "hamiltonians", "solvers", "studies"])
