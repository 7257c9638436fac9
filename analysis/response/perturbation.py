"""Perturbation theory of a ground level, with linear solves instead of sums over states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Block, Operator
from ...solvers import Eigenstates, solve
from ...solvers.certificate import SAFETY, Certifier

SPLIT = 1e-7
"""Degenerate levels cross if their slopes differ by more than this, relative to the sum of coefficients of V."""
SOLVED = 1e-11
"""Relative residual of the linear solves."""
ROUNDING = 16 * float(np.finfo(float).eps)
"""Q V of a state is rounding if it is smaller than this times the sum of the coefficients of V."""


@dataclass(frozen=True)
class Perturbed:
    """The part of a ground level in one block, with a perturbation V that has the symmetry of the block.

    Attributes
    ----------
    levels : Eigenstates
        The block with its ground level.
    ground, moved : (m, amplitudes)
        States of the level, and the perturbation V acting on them, as rows.
    scale : float
        Sum of the absolute values of the coefficients of V.
    """

    levels: Eigenstates = field(repr=False)
    ground: NDArray[Any] = field(repr=False)
    moved: NDArray[Any] = field(repr=False)
    scale: float

    @classmethod
    def of(cls, levels: Eigenstates, perturbation: Operator) -> Perturbed:
        """Apply a perturbation to the ground level of a block."""
        multiplet = levels.amplitudes[: levels.multiplicity]
        scale = sum(abs(value) for value in perturbation.terms.values())
        return cls(levels, multiplet.reshape(len(multiplet), multiplet[0].size), acting(levels, perturbation), scale)

    @property
    def block(self) -> Block:
        """The block."""
        return self.levels.block

    @property
    def slopes(self) -> NDArray[np.float64]:
        """First-order energies by degenerate perturbation theory, ascending."""
        return np.asarray(np.linalg.eigvalsh(self.block.overlaps(self.ground, self.moved)))

    @cached_property
    def pushed(self) -> NDArray[Any]:
        """Q V of the states, Q the projector onto the complement of the level; zero at rounding level."""
        off = np.asarray(self.moved - self.block.overlaps(self.ground, self.moved).T @ self.ground)
        return off if self.block.norm(off) > ROUNDING * self.scale else np.zeros_like(off)

    @cached_property
    def answer(self) -> NDArray[Any]:
        """``(H - E_0)^-1 Q V`` of the states: minus their first-order change."""
        return self.divided(self.moved if self.block.norm(self.pushed) > 0 else self.pushed)

    def divided(self, right: NDArray[Any]) -> NDArray[Any]:
        """Return ``(H - E_0)^-1 Q`` applied to vectors, given as rows."""
        shape = (-1, *self.levels.block.shape)
        energy, multiplet = float(self.levels.relative[0]), self.levels.amplitudes[: len(self.ground)]
        return solve(self.levels.block, energy, right.reshape(shape), multiplet, SOLVED).reshape(right.shape)

    def curvature(self, second: Operator) -> float:
        """Return the lowest second derivative of the energy of states with equal slopes; `second` is that of H."""
        bent = acting(self.levels, second)
        overlaps = self.block.overlaps
        matrix = overlaps(self.ground, bent) - 2 * overlaps(self.pushed, self.answer)
        return float(np.linalg.eigvalsh(matrix)[0])

    def errors(self, first: Operator, second: Operator, share: float) -> tuple[float, float]:
        r"""Return error bars of slope and curvature, for a level whose states all have the same slope.

        To second order the exact energy is ``E_0 - \|v\|^2 / (E_Q - E_0)`` with v = Q H psi beyond the cutoff. The
        error bars are its first two derivatives, with ``psi' = -(H - E_0)^-1 Q H' psi`` and ``psi''`` from one more
        linear solve, times six as in the certificate, plus the residual times ``2 \|psi'\|`` and ``2 \|psi''\|``.

        Parameters
        ----------
        first, second : Operator
            H' and H''.
        share : float
            Ratio of the parts of H' and H that leave the truncated space; its square is used for H''.
        """
        dtype, slope = self.ground.dtype, float(np.mean(self.slopes))
        turned = applied(self.levels, first, self.answer) - slope * self.answer
        bent = 2 * turned - applied(self.levels, second, self.ground.astype(dtype))
        change, bend = self.answer, self.divided(bent)
        residual = float(np.max(self.levels.certificate.residuals)) + SOLVED * self.block.norm(self.pushed)
        once, twice = (2 * residual * self.block.norm(v) for v in (change, bend))
        leak, beyond = (float(getattr(self.levels.certificate, name)[0]) for name in ("leaks", "leak_energies"))
        if leak > 0:
            certifier = Certifier(self.levels.block)
            d0, d1, d2 = (_leak(certifier, v) for v in (self.ground, change, bend))
            v1, v2 = d1 + share * d0, d2 + 2 * share * d1 + share**2 * d0
            half = 0.5 * (beyond - float(self.levels.energies[0]))
            distance = float(np.hypot(half, leak)) + half
            once += 2 * SAFETY * d0 * v1 / distance
            twice += 2 * SAFETY * (v1**2 + d0 * v2) / distance
        return once, twice

    def sensitivity(self, perturbation: Operator) -> float:
        r"""Return a bound on the change of ``\|(H - E_0)^-1 Q V\|^2`` per admixture to the states.

        To first order in the admixture d it is ``2 Re <(H - E_0)^-2 Q V|(V - <V>)|d>``.
        """
        again = self.divided(self.answer)
        moved = applied(self.levels, perturbation, again) - float(np.mean(self.slopes)) * again
        return 2 * sum(map(self.block.norm, moved))

    def response(self, operator: Operator) -> float:
        """Return ``-2 Re <A (H - E_0)^-1 Q V>`` of an operator A, summed over the states."""
        symmetric = self.levels.block.symmetric(operator)
        return -2 * self.block.dot(acting(self.levels, symmetric), self.answer).real

    def response_sensitivity(self, operator: Operator, perturbation: Operator) -> float:
        r"""Return a bound on the change of `response` per admixture to the states.

        To first order in the admixture d it is ``2 Re <d|(A - <A>) (H - E_0)^-1 Q V + (V - <V>) (H - E_0)^-1 Q A>``.
        """
        symmetric = self.levels.block.symmetric(operator)
        own = acting(self.levels, symmetric)
        again, mean = self.divided(own), self.block.dot(self.ground, own).real / len(own)
        moved = applied(self.levels, symmetric, self.answer) - mean * self.answer
        moved = moved + applied(self.levels, perturbation, again) - float(np.mean(self.slopes)) * again
        return 2 * sum(map(self.block.norm, moved))


def acting(levels: Eigenstates, operator: Operator) -> NDArray[Any]:
    """Apply an operator with the symmetry of the block to the states of the ground level; return rows."""
    return applied(levels, operator, levels.amplitudes[: levels.multiplicity])


def applied(levels: Eigenstates, operator: Operator, vectors: NDArray[Any]) -> NDArray[Any]:
    """Apply an operator with the symmetry of the block to vectors given as rows."""
    product = levels.block.operator(operator, vectors.dtype)
    images = [product.apply(phi) for phi in vectors.reshape(-1, *levels.block.shape)]
    return np.array(images).reshape(len(images), levels.block.shape[0] * levels.block.shape[1])


def _leak(certifier: Certifier, vectors: NDArray[Any]) -> float:
    """Return ``||Q H v||`` beyond the cutoff, for all vectors together."""
    return float(np.linalg.norm([certifier.leak(v)[0] for v in vectors.reshape(-1, *certifier.block.shape)]))


def slopes_of(parts: Sequence[Perturbed]) -> NDArray[np.float64]:
    """Return the slopes of all states of a level in several blocks, ascending."""
    return np.sort(np.concatenate([part.slopes for part in parts]))


def is_smooth(slopes: NDArray[np.float64], scale: float) -> bool:
    """True if branches with these ascending slopes touch without crossing; `scale` is that of `Perturbed`."""
    return bool(slopes[-1] - slopes[0] <= SPLIT * scale)
