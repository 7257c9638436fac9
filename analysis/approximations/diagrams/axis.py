"""Functions on the Matsubara axis: products, sums and their tails.

Sums run over finitely many frequencies. The slowly decaying part is summed in closed form for free electrons; the error
is at most of third order in the inverse of the last frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import expit

Matrices = NDArray[np.complex128]
"""(frequencies, sites, sites)"""
FEWEST, MOST = 192, 4096
REACH = 12.0
"""Largest frequency in units of the largest energy."""
ROUNDING = 1e-9
"""Energies closer than this, relative to the largest, are equal."""


def frequencies_needed(temperature: float, scale: float) -> float:
    """Return the number of positive frequencies needed to extend well beyond an energy."""
    return float(np.ceil(REACH * scale / (2 * np.pi * temperature)))


@dataclass(frozen=True)
class Occupations:
    """Fermi functions.

    Attributes
    ----------
    energies, filled : (n,) float
        e and f(e).
    slope : (n,) float
        -f'(e), above 0.
    """

    energies: NDArray[np.float64]
    filled: NDArray[np.float64]
    slope: NDArray[np.float64]

    @classmethod
    def of(cls, energies: NDArray[np.float64], temperature: float) -> Occupations:
        """Return the occupations of levels at a temperature."""
        filled = expit(-energies / temperature)
        return cls(energies, filled, filled * expit(energies / temperature) / temperature)


@dataclass(frozen=True)
class Axis:
    r"""Fermion frequencies ``(2 n + 1) pi T`` with n from -count to count - 1.

    Attributes
    ----------
    temperature : float
        T above 0 [energy].
    count : int
        Positive frequencies.
    """

    temperature: float
    count: int

    @classmethod
    def reaching(cls, temperature: float, scale: float) -> Axis:
        """Return an axis that extends well beyond an energy."""
        return cls(temperature, int(np.clip(frequencies_needed(temperature, scale), FEWEST, MOST)))

    @cached_property
    def fermions(self) -> NDArray[np.complex128]:
        """The frequencies, times i."""
        n = np.arange(-self.count, self.count)
        return np.asarray(1j * np.pi * self.temperature * (2 * n + 1), complex)

    @cached_property
    def bosons(self) -> NDArray[np.complex128]:
        """All differences of two of them, times i."""
        m = np.arange(1 - 2 * self.count, 2 * self.count)
        return np.asarray(2j * np.pi * self.temperature * m, complex)

    def free(self, h: NDArray[np.complex128]) -> Matrices:
        """Return ``1 / (z - h)``."""
        return np.asarray(np.linalg.inv(self.fermions[:, None, None] * np.eye(len(h)) - h))

    def after(self, boson: Matrices, fermion: Matrices) -> Matrices:
        r"""Return ``T sum_w' B(w - w') G(w')``, entry by entry."""
        return np.asarray(self.temperature * fftconvolve(boson, fermion, mode="valid", axes=0))

    def occupied(self, g: Matrices, h: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return ``<c+_j c_i>`` of one spin; h is the first moment of g, with which its tail is summed."""
        energies, states = np.linalg.eigh(h)
        occupied = (states * expit(-energies / self.temperature)) @ states.conj().T
        return np.asarray(occupied + self.temperature * (g - self.free(h)).sum(axis=0))

    def pairs(self, g: Matrices, h: NDArray[np.complex128]) -> Matrices:
        r"""Return ``T sum_w G_ij(w) G_ij(v - w)`` at the differences of frequencies, for two electrons."""
        own, free = (fftconvolve(each, each, axes=0) for each in (g, self.free(h)))
        f, states = self._occupations(h)
        weights = states[:, None, :] * states[None].conj()
        sums = f.energies[:, None] + f.energies - self.bosons[:, None, None]
        moving = np.abs(sums) > ROUNDING * (self.temperature + np.max(np.abs(f.energies)))
        ratio = np.where(moving, (1 - f.filled[:, None] - f.filled) / np.where(moving, sums, 1), f.slope[:, None])
        closed = np.einsum("ija,ijb,vab->vij", weights, weights, ratio, optimize=True)
        return np.asarray(closed + self.temperature * (own - free))

    def holes(self, g: Matrices, h: NDArray[np.complex128]) -> Matrices:
        r"""Return ``T sum_w G_ij(w + v) G_ji(w)`` at the differences of frequencies, for an electron and a hole."""
        own, free = (fftconvolve(each, np.swapaxes(each, 1, 2)[::-1], axes=0) for each in (g, self.free(h)))
        f, states = self._occupations(h)
        weights = states[:, None, :] * states[None].conj()
        gaps = f.energies[:, None] - f.energies - self.bosons[:, None, None]
        moving = np.abs(gaps) > ROUNDING * (self.temperature + np.max(np.abs(f.energies)))
        ratio = np.where(moving, (f.filled[:, None] - f.filled) / np.where(moving, gaps, 1), -f.slope[:, None])
        closed = np.einsum("ija,jib,vab->vij", weights, weights, ratio, optimize=True)
        return np.asarray(closed + self.temperature * (own - free))

    def _occupations(self, h: NDArray[np.complex128]) -> tuple[Occupations, NDArray[np.complex128]]:
        energies, states = np.linalg.eigh(h)
        return Occupations.of(energies, self.temperature), states
