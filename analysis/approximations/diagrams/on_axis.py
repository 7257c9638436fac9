"""Electrons of a model on a Matsubara axis that extends beyond all energies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ....hamiltonians import Model, Sector
from ..base import Condition, Where
from ..symmetries import one_electron_matrix
from .axis import MOST, Axis, Matrices, frequencies_needed

Reach = Callable[[Model], float]
"""From a model to its largest energy."""


@dataclass(frozen=True)
class OnAxis:
    """Electrons of a model at a temperature.

    Attributes
    ----------
    model : Model
        The model.
    axis : Axis
        Matsubara frequencies.
    """

    model: Model
    axis: Axis

    @classmethod
    def of(cls, model: Model, temperature: float, reach: Reach) -> Self:
        """Return the electrons of a model with a suitable Matsubara axis."""
        return cls(model, Axis.reaching(temperature, reach(model)))

    @cached_property
    def bare(self) -> NDArray[np.complex128]:
        """The one-electron matrix."""
        return one_electron_matrix(self.model)

    def greens_function(self, h: NDArray[np.complex128], self_energy: Matrices) -> Matrices:
        """Return ``1 / (z - h - Sigma)``."""
        z = self.axis.fermions[:, None, None] * np.eye(len(h))
        return np.asarray(np.linalg.inv(z - h - self_energy))

    def density(self, g: Matrices, h: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the electron density of each site; h is the first moment of g."""
        return np.asarray(2 * np.diagonal(self.axis.occupied(g, h)).real)


def largest(model: Model, *others: Any) -> float:
    """Return the largest of the one-electron energies and of the elements of some arrays."""
    arrays = (np.linalg.eigvalsh(one_electron_matrix(model)), *others)
    return float(max(np.max(np.abs(each), initial=0.0) for each in arrays))


def warm_enough(reach: Reach) -> Condition:
    """Return the condition that the required number of Matsubara frequencies does not exceed the limit."""
    return partial(_too_cold, reach)


def _too_cold(reach: Reach, model: Model, where: Where) -> str | None:
    if isinstance(where, Sector) or not where > 0 or model.electrons is None:
        return None  # covered by other conditions
    needed = frequencies_needed(where, reach(model))
    if needed <= MOST:
        return None
    return f"it would need {needed:,.0f} Matsubara frequencies, at most {MOST:,} are possible: raise the temperature"
