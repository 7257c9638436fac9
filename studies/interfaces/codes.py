"""Table of the codes that compute ground-state energies: external codes and the engines of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from ...hamiltonians import Model, Sector
from ...solvers import Options, ground_state
from ...solvers.costs import check_memory
from .library import version_of
from .terms import Terms


@dataclass(frozen=True)
class Code:
    """A code that computes ground-state energies, and its interface.

    Attributes
    ----------
    title : str
        Name shown in tables.
    package : str
        Name of the package for pip; empty for engines of this package.
    module : str
        Module of this folder with the interface; for engines, the name of the engine.
    """

    title: str
    package: str
    module: str

    @property
    def is_own(self) -> bool:
        """True for engines of this package."""
        return not self.package

    @property
    def version(self) -> str:
        """Installed version; empty if the package is not installed."""
        return version_of(self.package or "respair")

    @property
    def frame(self) -> str | None:
        """Phonon frame required by the code; None if any frame independent of the charges is accepted."""
        return None if self.is_own else getattr(self._interface, "FRAME", None)

    @property
    def _interface(self) -> Any:
        return import_module(f".{self.module}", __package__)

    def terms(self, model: Model, sector: Sector | int) -> Terms:
        """Return the terms of a model in the frame required by the code."""
        if model.phonons is not None and self.frame is not None:
            model = replace(model, phonons=replace(model.phonons, frame=self.frame, dressing=None, basis="number"))
        return Terms.of(model, sector)

    def why_not(self, terms: Terms) -> str:
        """Return why the code cannot represent or solve a model; empty if it can."""
        if not self.is_own:
            found: str = self._interface.why_not(terms)
            return found
        try:
            check_memory(terms.model, terms.sector, self.module, 1, Options().memory_limit)
        except MemoryError as error:
            return str(error)
        return ""

    def energy(self, terms: Terms) -> tuple[float, float]:
        """Return the lowest energy of the sector, and its error bar with respect to the truncated model."""
        if self.is_own:
            levels = ground_state(terms.model, terms.sector, options=Options(engine=self.module))
            return float(levels.energies[0]), float(levels.certificate.residuals[0])
        solve: Callable[[Terms], tuple[float, float]] = self._interface.energy
        return solve(terms)


CODES: Mapping[str, Code] = MappingProxyType(
    {
        "dense": Code("respair dense", "", "dense"),
        "tensor": Code("respair tensor", "", "tensor"),
        "quspin-engine": Code("respair quspin", "", "quspin"),
        "quspin": Code("QuSpin", "quspin", "quspin"),
        "qutip": Code("QuTiP", "qutip", "qutip"),
        "openfermion": Code("OpenFermion", "openfermion", "openfermion"),
        "pyscf": Code("PySCF", "pyscf", "pyscf"),
        "tenpy": Code("TeNPy", "physics-tenpy", "tenpy"),
        "block2": Code("block2", "block2", "block2"),
    }
)
"""Codes by their names in ``--codes``."""
