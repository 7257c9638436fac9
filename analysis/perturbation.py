"""Perturbation theory about a ground level, its sums over states done by linear solves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..hamiltonians import Operator
from ..solvers import Eigenstates, solve

SPLIT = 1e-7
"""Slopes of degenerate levels that differ by more than this cross: the ground energy has a kink there."""


@dataclass(frozen=True)
class Perturbed:
    """The part of a ground level in one block, and what a perturbation with the symmetry of the block does to it.

    Attributes
    ----------
    levels : Eigenstates
        The block with its ground level.
    ground, moved : (m, amplitudes)
        States of the level, and the perturbation V acting on them, as rows.
    """

    levels: Eigenstates = field(repr=False)
    ground: NDArray[Any] = field(repr=False)
    moved: NDArray[Any] = field(repr=False)

    @classmethod
    def of(cls, levels: Eigenstates, perturbation: Operator) -> Perturbed:
        """Apply a perturbation to the ground level of a block."""
        multiplet = levels.amplitudes[: levels.multiplicity]
        return cls(levels, multiplet.reshape(len(multiplet), -1), acting(levels, perturbation))

    @property
    def slopes(self) -> NDArray[np.float64]:
        """First-order energies by degenerate perturbation theory, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.ground.conj() @ self.moved.T))

    @cached_property
    def pushed(self) -> NDArray[Any]:
        """Q V of the states, Q the projector off the level."""
        return np.asarray(self.moved - (self.moved @ self.ground.conj().T) @ self.ground)

    @cached_property
    def answer(self) -> NDArray[Any]:
        """``(H - E_0)^-1 Q V`` of the states: less their first-order change."""
        shape = (len(self.ground), *self.levels.block.shape)
        energy, multiplet = float(self.levels.energies[0]), self.levels.amplitudes[: len(self.ground)]
        return solve(self.levels.block, energy, self.pushed.reshape(shape), off=multiplet).reshape(self.ground.shape)

    def curvature(self, second: Operator) -> float:
        """Return the lowest second derivative of the energy of states with one slope; `second` is that of H."""
        bent = acting(self.levels, second)
        matrix = self.ground.conj() @ bent.T - 2 * self.pushed.conj() @ self.answer.T
        return float(np.linalg.eigvalsh(matrix)[0])

    def response(self, operator: Operator) -> float:
        """Return ``-2 Re <A (H - E_0)^-1 Q V>`` of an operator A, added up over the states."""
        symmetric = self.levels.block.symmetric(operator)
        return -2 * float(np.vdot(acting(self.levels, symmetric), self.answer).real)


def acting(levels: Eigenstates, operator: Operator) -> NDArray[Any]:
    """Return an operator with the symmetry of the block, acting on the states of the ground level, as rows."""
    multiplet = levels.amplitudes[: levels.multiplicity]
    product = levels.block.operator(operator, multiplet.dtype)
    return np.array([product.apply(phi) for phi in multiplet]).reshape(len(multiplet), -1)


def slopes_of(parts: Sequence[Perturbed]) -> NDArray[np.float64]:
    """Return the slopes of all states of a level that spreads over several blocks, ascending."""
    return np.sort(np.concatenate([part.slopes for part in parts]))


def is_smooth(slopes: NDArray[np.float64]) -> bool:
    """True where branches of these ascending slopes touch and do not cross."""
    return bool(slopes[-1] - slopes[0] <= SPLIT * max(1.0, abs(slopes[0])))
