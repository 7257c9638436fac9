"""The table of codes that can find a ground energy: other codes, and the engines of this package."""

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
    """A code, and how it is asked for a ground energy.

    Attributes
    ----------
    title : str
        What it is called.
    package : str
        Its name for pip; empty for engines of this package.
    module : str
        File of this folder with its interface; for engines the name of the engine.
    """

    title: str
    package: str
    module: str

    @property
    def is_own(self) -> bool:
        """True for the engines of this package."""
        return not self.package

    @property
    def version(self) -> str:
        """Its version; empty where it is not installed."""
        return version_of(self.package or "respair")

    @property
    def frame(self) -> str | None:
        """The phonon frame that it needs; None if it takes any that is the same for all charges."""
        return None if self.is_own else getattr(self._interface, "FRAME", None)

    @property
    def _interface(self) -> Any:
        return import_module(f".{self.module}", __package__)

    def terms(self, model: Model, sector: Sector | int) -> Terms:
        """Return the terms of a model in the frame that it needs."""
        if model.phonons is not None and self.frame is not None:
            model = replace(model, phonons=replace(model.phonons, frame=self.frame, dressing=None, basis="number"))
        return Terms.of(model, sector)

    def why_not(self, terms: Terms) -> str:
        """Return why it cannot express or solve a model; empty where it can."""
        if not self.is_own:
            found: str = self._interface.why_not(terms)
            return found
        try:
            check_memory(terms.model, terms.sector, self.module, 1, Options().memory_limit)
        except MemoryError as error:
            return str(error)
        return ""

    def energy(self, terms: Terms) -> tuple[float, float]:
        """Return the lowest energy of the sector, and how far it may be from that of the truncated model."""
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
"""By the name that ``--codes`` takes."""
