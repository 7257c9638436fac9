"""Expectation values in a state: the kernels behind every observable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ..hamiltonians import Amplitudes, Block, Operator, PhononSpace, Space
from ..hamiltonians.operators import ChargeWord
from ..hamiltonians.phonons import find, word_matrix
from ..solvers import Eigenstates, State

DENSITY_MATRIX_UP_TO = 3000
"""Charge density matrices up to this size are formed once and reused."""
SAME_SHIFT = 1e-9
"""Displacements closer than this count as one."""
CHUNK = 1 << 24
"""Amplitudes handled at a time where work space is needed."""


Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def linear(
    average: Callable[Concatenate[State, Arguments], Value],
) -> Callable[Concatenate[State, Arguments], Value]:
    """Extend an average over the states of one block to mixtures over several: the sum over their parts."""

    @wraps(average)
    def total(state: State, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        first, *others = (average(part, *args, **kwargs) for part in state.parts)
        return sum(others, start=first)  # type: ignore[call-overload, no-any-return]  # values add up

    return total


@linear
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
    product = state.block.operator(state.block.symmetric(operator), state.amplitudes.dtype)
    return complex(sum(weight * np.vdot(phi, product.apply(phi)) for weight, phi in state.mixture))


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
    block = levels.block
    left, right = (levels.level(number).amplitudes[0] for number in (bra, ket))
    return complex(np.vdot(left, block.operator(block.symmetric(operator), right.dtype).apply(right)))


def row_weights(phi: Iterable[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the probability of each row of stored amplitudes, shape (rows,)."""
    return np.array([np.vdot(row, row).real for row in phi])


@linear
def configuration_weights(state: State) -> NDArray[np.float64]:
    """Return the probability of each charge configuration, shape (e,)."""
    parts = (weight * row_weights(phi) for weight, phi in state.mixture)
    return state.block.weights(sum(parts, np.zeros(state.block.shape[0])))


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
        small = len(self.space.charges) <= DENSITY_MATRIX_UP_TO and not self.space.is_dressed
        self._matrix = self._density_matrix() if small and state.block.orbits is None and not state.others else None
        self._known: dict[frozenset[tuple[ChargeWord, complex]], complex] = {}

    def _density_matrix(self) -> NDArray[Any]:
        terms = (w * (phi.conj() @ phi.T) for w, phi in self.state.mixture)
        return sum(terms, np.zeros((len(self.density),) * 2))

    def diagonal(self, values: NDArray[np.float64]) -> float:
        """Return the average of an operator that is diagonal in the configurations."""
        return float(values @ self.density)

    def operator(self, operator: Operator) -> complex:
        """Return the average of an operator without lattice part; operators that are equal by symmetry share it."""
        symmetric = operator if self.state.others else self.state.block.symmetric(operator)
        key = frozenset((charge, _rounded(value)) for (charge, _), value in symmetric.terms.items())
        if key not in self._known:
            self._known[key] = self._average(symmetric)
        return self._known[key]

    def _average(self, operator: Operator) -> complex:
        if self._matrix is None:
            return expectation(self.state, operator)
        value = 0.0 + 0.0j
        for factor in self.space.factorise(operator):
            entries = factor.charges.tocoo()
            value += np.sum(entries.data * self._matrix[entries.coords])
        return complex(value)


def _rounded(value: complex) -> complex:
    return complex(round(value.real, 14), round(value.imag, 14))


@linear
def displacement_profile(state: State) -> NDArray[np.float64]:
    """Return ``sum_pp' psi*[e,p] x_m[p,p'] psi[e,p']`` for each configuration e and mode m, shape (e, modes).

    Summed over e it is <x_m>; weighted with a charge it is a charge-lattice correlation.
    """
    space, block = state.hamiltonian.space, state.block
    modes = space.phonons.modes
    profile = np.zeros((block.shape[0], modes))
    for m in range(modes):
        raising = sp.csr_array(word_matrix(((m, 1, 0),), space.phonons))
        for weight, phi in state.mixture:
            profile[:, m] += weight * 2.0 * np.array([np.vdot(row, raising @ row).real for row in phi])
    density = configuration_weights(state)
    return np.asarray(block.mode_values(profile, odd=True) + 2.0 * density[:, None] * space.frame)


def mode_shifts(space: Space, mode: int) -> NDArray[np.float64]:
    """Return the displacements lambda of one oscillator that the configurations have, each once, ascending."""
    values = np.unique(space.frame[:, mode])
    return values[np.diff(values, prepend=-np.inf) > SAME_SHIFT]


@linear
def mode_density_matrix(state: State, mode: int, shift: float | None = None) -> NDArray[Any]:
    """Return the reduced density matrix of one oscillator, in the number states of its displaced frame.

    Parameters
    ----------
    state : State
        Pure or mixed.
    mode : int
        Oscillator.
    shift : float, optional
        Only the part of the configurations that displace it by so much; by default all, each in its own frame.

    Returns
    -------
    (n, n) float or complex
        ``rho[i, j] = sum psi[..i..] conj(psi[..j..])`` with everything else traced out; over all shifts the trace is
        one.
    """
    block, phonons, frame = state.block, state.hamiltonian.space.phonons, state.hamiltonian.space.frame[:, mode]
    size = int(phonons.occupations[:, mode].max()) + 1
    rho = np.zeros((size, size), dtype=state.amplitudes.dtype)
    mirror = np.where(np.arange(size) % 2, -1.0, 1.0)
    chosen = np.ones(len(frame), bool) if shift is None else np.abs(frame - shift) <= SAME_SHIFT
    for image, odd, share in _shares(block, mode, chosen):
        n, rest = _split(phonons, image)
        for weight, phi in state.mixture:
            part = weight * _traced(phi, share, n, rest)
            rho += mirror[:, None] * part * mirror if odd else part
    return rho


def _shares(block: Block, mode: int, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, bool, NDArray[np.float64]]]:
    """Yield modes, turned around or not, with the share of each row in the density matrix of `mode` that is theirs."""
    if block.orbits is None:
        yield mode, False, chosen.astype(float)
        return
    o = block.orbits
    images, turned = o.modes[o.element, mode], o.odd[o.element]
    for image, odd in sorted(set(zip(images.tolist(), turned.tolist(), strict=True))):
        here = (images == image) & (turned == odd) & chosen
        yield image, odd, np.bincount(o.row, here, len(o.sizes)) / o.sizes


def _split(phonons: PhononSpace, mode: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the quanta in a mode, and a number for what the other modes do, for each phonon state."""
    others = phonons.occupations.astype(np.int64)
    n = others[:, mode].copy()
    others[:, mode] = 0
    keys = phonons.key(others)
    return n, find(np.unique(keys), keys)


def _traced(phi: Amplitudes, share: NDArray[np.float64], n: NDArray[np.int64], rest: NDArray[np.int64]) -> NDArray[Any]:
    """Return ``sum share[row] phi[row, (rest, n)] conj(phi[row, (rest, n')])``, some rows at a time."""
    size, count = int(n.max()) + 1, int(rest.max()) + 1
    rho = np.zeros((size, size), dtype=phi.dtype)
    step = max(1, CHUNK // (size * count))
    for start in range(0, len(phi), step):
        part = phi[start : start + step] * np.sqrt(share[start : start + step, None])
        spread = np.zeros((len(part), count, size), dtype=phi.dtype)
        spread[:, rest, n] = part
        flat = spread.reshape(-1, size)
        rho += flat.T @ flat.conj()
    return rho
