"""The state of each oscillator for every charge next to it: what distributions of the lattice are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...solvers import State
from ..observables.averages import conditional_density_matrix
from .displacements import oscillator_functions

REACH = 7.0
"""An oscillator function h_n has died out this far beyond its turning point sqrt(2 n + 1)."""

CONDITIONS: Mapping[str, tuple[int, int]] = MappingProxyType({"charge": (1, 2), "electrons": (1, 0), "bosons": (0, 1)})
"""Local charges by name, as weights of n_i and b+_i b_i."""


@dataclass(frozen=True)
class LocalMode:
    """One oscillator, its state split by the charge of its host and by the frame in which its phonons are counted.

    Attributes
    ----------
    charges : (k,) int
        Charge on the site of the oscillator; on both ends of the bond for one on a bond.
    shifts : (k,) float
        Displacement of the frame: ``a = a' + shift``.
    densities : (k, n, n)
        Reduced density matrices in the phonons a'; their traces are the probabilities.
    """

    charges: NDArray[np.int64]
    shifts: NDArray[np.float64]
    densities: NDArray[Any]

    @property
    def size(self) -> int:
        """Number of phonon states n."""
        return int(self.densities.shape[1])

    def span(self) -> tuple[float, float]:
        """Return an interval of X outside which P(X) vanishes."""
        reach = np.sqrt(2.0 * self.size) + REACH
        middle = np.sqrt(2.0) * self.shifts
        return float(np.min(middle, initial=0.0) - reach), float(np.max(middle, initial=0.0) + reach)

    def distributions(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the contribution of each piece to P(X), shape (k, points)."""
        waves = [oscillator_functions(self.size, points - np.sqrt(2.0) * shift) for shift in self.shifts]
        parts = [np.einsum("ij,ix,jx->x", rho, h, h).real for rho, h in zip(self.densities, waves, strict=True)]
        return np.array(parts).reshape(-1, len(points))

    def slope(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return dP/dX, exactly."""
        total, n = np.zeros(len(points)), np.arange(self.size)[:, None]
        for rho, shift in zip(self.densities, self.shifts, strict=True):
            waves = oscillator_functions(self.size + 1, points - np.sqrt(2.0) * shift)
            below = np.vstack([np.zeros(len(points)), waves[: self.size - 1]])
            derivative = np.sqrt(n / 2.0) * below - np.sqrt((n + 1) / 2.0) * waves[1:]
            total += 2.0 * np.einsum("ij,ix,jx->x", rho, derivative, waves[: self.size]).real
        return total

    def moment(self, order: int, about: float = 0.0) -> float:
        """Return ``<(X - about)^order>``, the exact moment of P(X)."""
        room = self.size + order
        x = np.diag(np.sqrt(np.arange(1.0, room) / 2.0), 1)
        total = 0.0
        for rho, shift in zip(self.densities, self.shifts, strict=True):
            power = np.linalg.matrix_power(x + x.T + (np.sqrt(2.0) * shift - about) * np.eye(room), order)
            total += float(np.sum(rho * power[: self.size, : self.size]).real)
        return total

    def quanta(self) -> NDArray[np.float64]:
        """Return the probability of each number of undisplaced phonons, up to the number beyond which it vanishes."""
        return np.asarray(np.maximum(np.diag(self.density_matrix(0.0)).real, 0.0))

    def density_matrix(self, shift: float, charge: int | None = None) -> NDArray[Any]:
        r"""Return the reduced density matrix in the phonons of one frame, ``a = a' + shift``.

        The overlaps ``int h_n(X) h_m(X - sqrt(2) s) dX`` are sums over a grid: exact for functions that die out.

        Parameters
        ----------
        shift : float
            Displacement of the frame.
        charge : int, optional
            Only with this charge on the host.
        """
        own = np.flatnonzero(self.charges == charge) if charge is not None else np.arange(len(self.charges))
        away = self.shifts[own] - shift
        if not np.any(away):
            return np.asarray(self.densities[own].sum(axis=0))
        furthest = float(np.max(np.abs(away)))
        count = int(np.ceil((np.sqrt(self.size) + furthest + 3.0) ** 2))
        reach = np.sqrt(2.0 * count) + np.sqrt(2.0) * furthest + REACH
        points = np.linspace(-reach, reach, 32 * int(reach) + 200 + 8 * count)
        numbers = oscillator_functions(count, points) * (points[1] - points[0])
        total = np.zeros((count, count), dtype=self.densities.dtype)
        for step, rho in zip(away, self.densities[own], strict=True):
            overlap = numbers @ oscillator_functions(self.size, points - np.sqrt(2.0) * step).T
            total += overlap @ rho @ overlap.T
        return total


def local_modes(state: State, condition: str = "charge") -> tuple[LocalMode, ...]:
    """Return the state of each oscillator for each charge on its host.

    Parameters
    ----------
    state : State
        Pure or mixed.
    condition : str
        Which local charge: "charge" (n_i + 2 b+_i b_i), "electrons" or "bosons".

    Raises
    ------
    ValueError
        If the condition is unknown.
    """
    if condition not in CONDITIONS:
        raise InvalidValue(f"condition {condition!r} is unknown; allowed: {', '.join(CONDITIONS)}")
    space = state.hamiltonian.space
    basis, (electrons, bosons) = space.charges, CONDITIONS[condition]
    modes = []
    for m, host in enumerate(space.model.modes):
        charges = np.zeros(len(basis))
        for i in host.place(space.model.cluster.bonds):
            charges += electrons * (basis.electrons(i, "up") + basis.electrons(i, "dn")) + bosons * basis.bosons(i)
        labels = np.column_stack([charges, space.frame[:, m]])
        _, first, sort = np.unique(np.round(labels, 9), axis=0, return_index=True, return_inverse=True)
        parts = [conditional_density_matrix(state, m, sort.ravel() == k) for k in range(len(first))]
        modes.append(LocalMode(np.round(charges[first]).astype(int), labels[first, 1], np.array(parts)))
    return tuple(modes)
