"""Expectation values in a state: the kernels behind every observable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Operator, Space
from ..hamiltonians.hamiltonian import apply_factors
from ..hamiltonians.operators import ChargeWord
from ..hamiltonians.phonons import find, word_matrix
from ..solvers import Eigenstates, State

DENSITY_MATRIX_UP_TO = 3000
"""Charge density matrices up to this size are formed once and reused."""
CHUNK = 1 << 24
"""Amplitudes handled at a time where work space is needed."""


def expectation(state: State, operator: Operator) -> complex:
    """Return ``<O>`` of any operator that keeps N and S_z.

    Parameters
    ----------
    state : State
        Pure or mixed.
    operator : Operator
        In the physical phonons; its lattice factors are exact projections on the truncated space.

    Returns
    -------
    complex
        The expectation value.

    Raises
    ------
    ValueError
        If the operator changes N or S_z, or names what the model does not have.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model, create, annihilate
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 2)
    >>> hop = create(0, "up") * annihilate(1, "up")
    >>> round(expectation(levels.ground, hop).real, 12)
    0.5
    """
    space = state.hamiltonian.space
    parts = (w * np.vdot(psi, _applied(space, operator, psi)) for w, psi in state.mixture)
    return complex(sum(parts))


def transition(levels: Eigenstates, operator: Operator, bra: int, ket: int = 0) -> complex:
    """Return the matrix element ``<bra| O |ket>`` between two computed levels.

    Parameters
    ----------
    levels : Eigenstates
        Levels of one sector.
    operator : Operator
        In the physical phonons; it must keep N and S_z.
    bra, ket : int
        Numbers of the levels. Within a degenerate level the choice of states is arbitrary.

    Returns
    -------
    complex
        The matrix element; its phase is arbitrary, its square is the weight of a spectral line.

    Raises
    ------
    IndexError
        If a level was not computed.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Model, electron_number
    >>> from respair.solvers import ground_state
    >>> levels = ground_state(Model(dimer(), Electrons(hopping=1.0)), 1, states=2)
    >>> round(abs(transition(levels, electron_number(0), 1)) ** 2, 12)
    0.25
    """
    left, right = (levels.level(number).vectors[0] for number in (bra, ket))
    return complex(np.vdot(left, _applied(levels.hamiltonian.space, operator, right)))


def _applied(space: Space, operator: Operator, psi: NDArray[Any]) -> NDArray[Any]:
    """Return ``O psi`` for amplitudes ``psi[e, p]``."""
    factors = space.factorise(operator)
    return apply_factors(factors, tuple(sp.csr_array(space.lattice_matrix(f.lattice).T) for f in factors), psi)


def configuration_weights(state: State) -> NDArray[np.float64]:
    """Return the probability of each charge configuration, shape (e,)."""
    parts = (weight * np.einsum("ep,ep->e", psi.conj(), psi).real for weight, psi in state.mixture)
    return np.asarray(sum(parts, np.zeros(state.vectors.shape[1])))


class ChargeAverages:
    """Averages of many charge operators in one state, with the work they share done once.

    Parameters
    ----------
    state : State
        Pure or mixed.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.space = state.hamiltonian.space
        self.density = configuration_weights(state)
        small = len(self.space.charges) <= DENSITY_MATRIX_UP_TO
        self._matrix = self._density_matrix() if small else None

    def _density_matrix(self) -> NDArray[Any]:
        terms = (w * (psi.conj() @ psi.T) for w, psi in self.state.mixture)
        return sum(terms, np.zeros((len(self.density),) * 2))

    def diagonal(self, values: NDArray[np.float64]) -> float:
        """Return the average of an operator that is diagonal in the configurations."""
        return float(values @ self.density)

    def words(self, words: Mapping[ChargeWord, complex]) -> complex:
        """Return the average of a sum of charge words."""
        is_real = all(np.imag(value) == 0 for value in words.values())
        matrix = self.space.charge_matrix(words, np.float64 if is_real else np.complex128).tocoo()
        row, column = matrix.coords
        if self._matrix is not None:
            return complex(np.sum(matrix.data * self._matrix[row, column]))
        value = 0.0 + 0.0j
        for weight, psi in self.state.mixture:
            value += weight * _matrix_element(row, column, matrix.data, psi)
        return value

    def operator(self, operator: Operator) -> complex:
        """Return the average of an operator without lattice part."""
        return self.words({charge: value for (charge, _), value in operator.terms.items()})


def _matrix_element(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    values: NDArray[Any],
    psi: NDArray[Any],
) -> complex:
    """``sum_k values[k] <psi[row[k]] | psi[column[k]]>`` in chunks of rows."""
    step = max(1, CHUNK // psi.shape[1])
    parts = (slice(i, i + step) for i in range(0, len(row), step))
    return complex(sum(np.einsum("k,kp,kp->", values[s], psi[row[s]].conj(), psi[column[s]]) for s in parts))


def displacement_profile(state: State) -> NDArray[np.float64]:
    """Return ``sum_pp' psi*[e,p] x_m[p,p'] psi[e,p']`` for each configuration e and mode m, shape (e, modes).

    Summed over e it is <x_m>; weighted with a charge it is a charge-lattice correlation.
    """
    space = state.hamiltonian.space
    modes = space.phonons.modes
    profile = np.zeros((len(space.charges), modes))
    for m in range(modes):
        raising = sp.csr_array(word_matrix(((m, 1, 0),), space.phonons).T)
        for weight, psi in state.mixture:
            profile[:, m] += weight * 2.0 * np.einsum("ep,ep->e", psi.conj(), psi @ raising).real
    shift = np.array([2.0 * space.shifts.get(m, 0.0) for m in range(modes)])
    density = configuration_weights(state)
    return np.asarray(profile + density[:, None] * shift)


def mode_density_matrix(state: State, mode: int) -> NDArray[Any]:
    """Return the reduced density matrix of one oscillator, in the number states of its displaced frame.

    Parameters
    ----------
    state : State
        Pure or mixed.
    mode : int
        Oscillator.

    Returns
    -------
    (n, n) float or complex
        ``rho[i, j] = sum psi[..i..] conj(psi[..j..])`` with everything else traced out; trace one.
    """
    space = state.hamiltonian.space
    occupations = space.phonons.occupations.astype(np.int64)
    n = occupations[:, mode]
    others = occupations.copy()
    others[:, mode] = 0
    keys = space.phonons.key(others)
    rest = find(np.unique(keys), keys)
    size, count = int(n.max()) + 1, int(rest.max()) + 1
    rho = np.zeros((size, size), dtype=state.vectors.dtype)
    step = max(1, CHUNK // (size * count))
    for weight, psi in state.mixture:
        for start in range(0, psi.shape[0], step):
            part = psi[start : start + step]
            spread = np.zeros((len(part), count, size), dtype=psi.dtype)
            spread[:, rest, n] = part
            flat = spread.reshape(-1, size)
            rho += weight * (flat.T @ flat.conj())
    return rho
