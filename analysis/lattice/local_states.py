"""The state of each oscillator for every charge next to it: what distributions of the lattice are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...clusters import InvalidValue
from ...hamiltonians import Space
from ...solvers import State
from ..observables.averages import CHUNK
from ..reduced_states.cuts import Cut, PhononCut
from .displacements import oscillator_functions

SAME_SHIFT = 1e-9
"""Displacements of the frame closer than this are one."""
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
        """Return an interval of X outside which nothing is left."""
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
        r"""Return the probability of each number of undisplaced phonons, to the number beyond which nothing is left.

        The overlaps ``int h_n(X) h_m(X - sqrt(2) s) dX`` are sums over a grid: exact for functions that die out.
        """
        furthest = float(np.max(np.abs(self.shifts), initial=0.0))
        count = self.size if furthest == 0.0 else int(np.ceil((np.sqrt(self.size) + furthest + 3.0) ** 2))
        low, high = self.span()
        edge = np.sqrt(2.0 * count) + REACH
        points = np.linspace(min(low, -edge), max(high, edge), 16 * int(edge + high - low) + 200 + 8 * count)
        physical = oscillator_functions(count, points) * (points[1] - points[0])
        total = np.zeros(count)
        for rho, shift in zip(self.densities, self.shifts, strict=True):
            overlap = physical @ oscillator_functions(self.size, points - np.sqrt(2.0) * shift).T
            total += np.einsum("na,ab,nb->n", overlap, rho, overlap).real
        return np.maximum(total, 0.0)


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
    electrons, bosons = CONDITIONS[condition]
    basis = space.charges
    charges = np.array(
        [
            electrons * (basis.electrons(i, "up") + basis.electrons(i, "dn")) + bosons * basis.bosons(i)
            for i in range(basis.sites)
        ]
    )
    labels = [_labels(space, charges, m) for m in range(space.phonons.modes)]
    sorts = [np.unique(np.round(label, 9), axis=0, return_inverse=True) for label in labels]
    cuts = [PhononCut.of(space.phonons, Cut((), (m,))) for m in range(space.phonons.modes)]
    kind = np.result_type(*(part.amplitudes for part in state.parts))
    found = [np.zeros((len(s), *(cut.sizes[0],) * 2), kind) for (s, _), cut in zip(sorts, cuts, strict=True)]
    step = max(1, CHUNK // (len(space.phonons) * max([1, *(cut.sizes[0] for cut in cuts)])))
    for part in state.parts:
        for weight, phi in part.mixture:
            for start in range(0, len(space.charges), step):
                here = np.arange(start, min(start + step, len(space.charges)))
                psi = part.block.amplitudes(phi, here)
                for total, cut, (_, sort) in zip(found, cuts, sorts, strict=True):
                    _add(total, weight, psi, cut, sort.ravel()[here])
    modes = []
    for label, (values, sort), densities in zip(labels, sorts, found, strict=True):
        first = np.array([int(np.argmax(sort.ravel() == k)) for k in range(len(values))], int)
        modes.append(LocalMode(np.round(label[first, 0]).astype(int), label[first, 1], densities))
    return tuple(modes)


def _labels(space: Space, charges: NDArray[np.float64], mode: int) -> NDArray[np.float64]:
    """Return local charge and frame of an oscillator in each configuration, shape (configurations, 2)."""
    host = space.model.modes[mode]
    bond = space.model.cluster.bonds[host.index] if host.host == "bond" else None
    sites = [host.index] if bond is None else [bond.start, bond.end]
    return np.column_stack([charges[sites].sum(axis=0), space.frame[:, mode]])


def _add(total: NDArray[Any], weight: float, psi: NDArray[Any], cut: PhononCut, sort: NDArray[np.int64]) -> None:
    """Add the reduced density matrices of some configurations to those of their sorts, in place."""
    spread = np.zeros((len(psi), *cut.sizes), psi.dtype)
    spread[:, cut.part, cut.rest] = psi
    for k in np.unique(sort).tolist():
        flat = spread[sort == k].transpose(1, 0, 2).reshape(cut.sizes[0], -1)
        total[k] += weight * flat @ flat.conj().T
