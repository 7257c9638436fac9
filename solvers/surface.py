"""The charges of a sector in a classical lattice, and what a minimum of their energy is."""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .._core.lazy import la, splinalg
from ..hamiltonians.operators import ChargeWord, LatticeWord, Operator
from ..hamiltonians.space.product import Space

DENSE_UP_TO = 150
"""Larger charge matrices go to Lanczos."""
STEP = 1e-3
"""Step of lambda in the second derivatives of the adiabatic energy."""


@dataclass(frozen=True)
class Well:
    """A product of a charge state and a displaced lattice.

    Attributes
    ----------
    shift : (modes,) float
        lambda, with <a> = lambda and <x> = 2 lambda.
    energy : float
        <H>; no lower than the ground energy of the sector.
    reach : float
        How far below <H> fluctuations may bring the level: twice what they take off in the harmonic approximation,
        ``sum (omega0 - Omega) / 2``, and a fiftieth of the lowest frequency.
    weights : (configurations,) float
        Probabilities of the charge configurations.
    """

    shift: NDArray[np.float64]
    energy: float
    reach: float
    weights: NDArray[np.float64]


class Surface:
    """The charges of a sector in a classical lattice.

    Parameters
    ----------
    space : Space
        The sector; its caps and frame do not matter.
    operator : Operator
        The Hamiltonian as a formula.
    """

    def __init__(self, space: Space, operator: Operator) -> None:
        by_lattice: defaultdict[LatticeWord, dict[ChargeWord, complex]] = defaultdict(dict)
        for (charge, lattice), value in operator.terms.items():
            by_lattice[lattice][charge] = value
        self.modes, self.size = len(space.model.modes), space.shape[0]
        self.words = tuple(by_lattice)
        self.powers = np.zeros((len(self.words), self.modes), np.int64)
        most = max((len(word) for word in self.words), default=0)
        self._places, self._powers = np.zeros((2, len(self.words), most), np.int64)
        for n, word in enumerate(self.words):
            for k, (mode, up, low) in enumerate(word):
                self.powers[n, mode] = self._powers[n, k] = up + low
                self._places[n, k] = mode
        self.matrices = [
            space.charge_matrix(words, np.complex128 if any(np.imag(v) for v in words.values()) else np.float64)
            for words in by_lattice.values()
        ]
        self._last: NDArray[Any] | None = None

    @cached_property
    def _stack(self) -> NDArray[Any]:
        return np.array([matrix.toarray() for matrix in self.matrices])

    @cached_property
    def _hops(self) -> NDArray[np.bool_]:
        """Which charge matrices are not diagonal."""
        return np.array([abs(m - sp.diags_array(m.diagonal().real)).sum() > 0 for m in self.matrices], bool)

    def ground(self, shift: NDArray[np.float64]) -> tuple[float, NDArray[Any]]:
        """Return the lowest eigenvalue of ``H(lambda)`` and its state."""
        values = self._monomials(shift)
        if self.size <= DENSE_UP_TO:
            energies, states = la.eigh(np.tensordot(values, self._stack, 1), subset_by_index=[0, 0])
            return float(energies[0]), states[:, 0]
        still = np.where(self._hops, 0.0, values) @ self.diagonals
        moving = (v * m for v, m, hops in zip(values, self.matrices, self._hops, strict=True) if hops)
        return self._lowest(sp.csr_array(sum(moving, sp.csr_array(sp.diags_array(still)))))

    def _lowest(self, matrix: sp.csr_array) -> tuple[float, NDArray[Any]]:
        start = self._last
        if start is None or (np.iscomplexobj(start) and not np.iscomplexobj(matrix.data)):
            start = np.random.default_rng(0).standard_normal(self.size)
        energies, states = splinalg.eigsh(matrix, 1, which="SA", v0=start, tol=1e-7)
        self._last = states[:, 0]
        return float(energies[0]), states[:, 0]

    def gradient(self, shift: NDArray[np.float64], state: NDArray[Any]) -> NDArray[np.float64]:
        """Return ``d <H(lambda)> / d lambda`` in a charge state, which is that of the eigenvalue in its eigenstate."""
        means = self.diagonals @ np.abs(state) ** 2
        for n in np.flatnonzero(self._hops).tolist():
            means[n] = np.vdot(state, self.matrices[n] @ state).real
        slope = np.zeros(self.modes)
        for k, power in enumerate(self._powers.T):
            lowered = self._powers.copy()
            lowered[:, k] = np.maximum(power - 1, 0)
            np.add.at(slope, self._places[:, k], means * power * np.prod(shift[self._places] ** lowered, axis=1))
        return slope

    def _monomials(self, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the lattice word of each charge matrix at displacements, shape (..., words)."""
        return np.asarray(np.prod(shifts[..., self._places] ** self._powers, axis=-1))

    def value(self, shift: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the adiabatic energy and its gradient."""
        energy, state = self.ground(shift)
        return energy, self.gradient(shift, state)

    @cached_property
    def diagonals(self) -> NDArray[np.float64]:
        """Of the charge matrix of each word, shape (words, configurations)."""
        return np.array([matrix.diagonal().real for matrix in self.matrices]).reshape(len(self.words), self.size)

    def only(self, configuration: int) -> Surface:
        """Return the surface of one charge configuration, with no hops to others."""
        alone = copy(self)
        for kept in ("_stack", "_hops", "diagonals", "harmonic"):
            vars(alone).pop(kept, None)
        alone.size = 1
        alone.matrices = [sp.csr_array([[value]]) for value in self.diagonals[:, configuration].tolist()]
        return alone

    @cached_property
    def harmonic(self) -> tuple[NDArray[np.float64], sp.csr_array, list[sp.csr_array]] | None:
        """omega0, A and the O_m of ``A + sum omega a+a - sum x_m O_m``; None where H is not of this form."""
        omega, bare = np.zeros(self.modes), sp.csr_array((self.size,) * 2)
        coupled = [sp.csr_array((self.size,) * 2) for _ in range(self.modes)]
        one = sp.eye_array(self.size, format="csr")
        for word, matrix in zip(self.words, self.matrices, strict=True):
            match word:
                case ():
                    bare = bare + matrix
                case ((m, 1, 1),) if abs(matrix - matrix[0, 0] * one).max() == 0:
                    omega[m] += matrix[0, 0].real
                case ((m, 0, 1),):
                    coupled[m] = coupled[m] - matrix
                case ((m, 1, 0),):
                    pass  # the adjoint of the one before
                case _:
                    return None
        return (omega, sp.csr_array(bare), coupled) if np.all(omega > 0) else None

    def floor(self, minimum: float) -> float:
        r"""Return the better of two lower bounds of the ground energy.

        ``omega a+a - x O >= -O^2 / omega`` gives the lowest eigenvalue of ``A - sum O_m^2 / omega_m``; since the
        kinetic energy of the lattice is not negative, the lowest adiabatic minimum less ``sum omega / 2`` is another.
        """
        if self.harmonic is None:
            return -np.inf
        omega, bare, coupled = self.harmonic
        matrix = bare
        for w, part in zip(omega, coupled, strict=True):
            matrix = matrix - part @ part / w
        matrix = sp.csr_array(0.5 * (matrix + matrix.conj().T))
        square = la.eigvalsh(matrix.toarray())[0] if self.size <= DENSE_UP_TO else self._lowest(matrix)[0]
        return max(float(square), minimum - 0.5 * float(np.sum(omega)))

    def configurations(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the best displacement of each charge configuration on its own, and its energy."""
        diagonals = self.diagonals
        shifts = np.zeros((self.size, self.modes))
        linear = self.powers.sum(axis=1) == 1
        for m in range(self.modes):
            stiffness = diagonals[np.flatnonzero((self.powers[:, m] == 2) & (self.powers.sum(axis=1) == 2))].sum(axis=0)
            force = diagonals[np.flatnonzero(linear & (self.powers[:, m] == 1))].sum(axis=0)
            soft = stiffness > 0
            shifts[:, m] = np.where(soft, -0.5 * force / np.where(soft, stiffness, 1.0), 0.0)
        return shifts, np.sum(self._monomials(shifts) * diagonals.T, axis=1)

    @property
    def margin(self) -> float:
        """A fiftieth of the lowest frequency."""
        return 0.02 * float(np.min(self.harmonic[0])) if self.harmonic is not None else 0.0

    def softening(self, shift: NDArray[np.float64]) -> float:
        """Return ``sum (omega0 - Omega) / 2`` with the frequencies of small oscillations about a minimum."""
        if self.harmonic is None or self.modes == 0:
            return 0.0
        omega = self.harmonic[0]
        curvature = np.zeros((self.modes, self.modes))
        for m in range(self.modes):
            step = STEP * np.eye(self.modes)[m]
            curvature[m] = (self.value(shift + step)[1] - self.value(shift - step)[1]) / (2 * STEP)
        dynamical = 0.25 * (curvature + curvature.T) * np.sqrt(np.outer(omega, omega))
        return float(0.5 * (np.sum(omega) - np.sum(np.sqrt(np.maximum(la.eigvalsh(dynamical), 0.0)))))
