"""Approximations: name, claim, conditions of validity, and a function with the interface of the exact solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import xarray as xr

from ..._core.text import ALLOWED, has_controls
from ...clusters import Card, InvalidValue, Shown
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.parameters import show

Where = Sector | float
"""The sector whose ground state is approximated, or the temperature of the grand-canonical ensemble (0 for T = 0)."""
Condition = Callable[[Model, Where], str | None]
"""Returns the reason why an approximation does not apply, or None."""
Bound = Literal["upper", "lower", "none"]
"""Kind of rigorous bound on the exact energy or grand potential."""
BOUNDED = ("energies", "grand_potential")
"""Quantities to which a claimed bound applies."""


@dataclass(frozen=True, repr=False)
class Approximation(Shown):
    """An approximation to be compared with exact results.

    Attributes
    ----------
    name : str
        Name in model files and figures.
    solve : function
        From a model and a `Sector`, or a temperature, to a labelled dataset with the variable names of the exact
        results: ``energies``, ``electron_density``, ``displacement``, ``grand_potential`` and so on, as far as they
        are defined; ``residual`` is the defect of self-consistency. Additional variables are allowed.
    conditions : tuple of function
        Each returns the reason why the approximation does not apply to a model, or None.
    bound : str
        "upper" or "lower": a rigorous bound on the ground-state energy of the sector or on the grand potential; "none".
    asymptotic : str
        The limit in which it becomes exact, as text.

    Examples
    --------
    A user-defined approximation takes a few lines and can be used in every comparison:

    >>> import numpy as np, xarray as xr
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model, Sector
    >>> def atoms(model, sector):
    ...     return xr.Dataset({"energies": ("level", [np.min(model.couplings.electron_level) * sector.charge])})
    >>> mine = Approximation("atoms", atoms, asymptotic="t -> 0")
    >>> mine(Model(dimer(), Electrons(0.1, level=0.5)), Sector(1)).energies.values
    array([0.5])
    """

    name: str
    solve: Callable[[Model, Where], xr.Dataset]
    conditions: tuple[Condition, ...] = ()
    bound: Bound = "none"
    asymptotic: str = ""

    def __post_init__(self) -> None:
        if has_controls(self.name) or "/" in self.name:
            raise InvalidValue(f"an approximation has the name {self.name!r}; {ALLOWED}, and without /")

    def card(self) -> Card:
        """Return its name and claim."""
        return Card(f"approximation {escape(self.name)}", [("claim", escape(self.claim))])

    @property
    def claim(self) -> str:
        """The claim as text."""
        parts = [f"{self.bound} bound"] if self.bound != "none" else []
        return "; ".join([*parts, *([f"exact as {self.asymptotic}"] if self.asymptotic else [])]) or "none"

    def reason(self, model: Model, where: Where) -> str | None:
        """Return all reasons why it does not apply; None if it does."""
        return reason(self.conditions, model, where)

    def __call__(self, model: Model, where: Where) -> xr.Dataset:
        """Return the approximate results.

        Raises
        ------
        InvalidModel
            With the reasons, if the approximation does not apply to the model.
        """
        refuse(self.name, self.conditions, model, where)
        return self.solve(model, where).assign_attrs(approximation=self.name, claim=self.claim)


def reason(conditions: Sequence[Condition], model: Model, where: Where) -> str | None:
    """Return all reasons why conditions are not met; None if they are."""
    found = [why for condition in conditions if (why := condition(model, where)) is not None]
    return "; ".join(found) or None


def refuse(name: str, conditions: Sequence[Condition], model: Model, where: Where) -> None:
    """Raise `InvalidModel` with the reasons if conditions are not met."""
    if (why := reason(conditions, model, where)) is not None:
        raise InvalidModel([Problem("approximation", show(name), f"does not apply: {why}")])


def sector_of(where: Where) -> Sector:
    """Return the sector; a temperature raises TypeError."""
    if not isinstance(where, Sector):
        raise TypeError(f"a Sector is needed, got the temperature {where!r}")
    return where


def temperature_of(where: Where) -> float:
    """Return the temperature; a sector raises TypeError."""
    if isinstance(where, Sector):
        raise TypeError(f"a temperature is needed, got {where!r}")
    return float(where)
