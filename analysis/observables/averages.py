"""Expectation values in a state, from which all observables are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..._core.arguments import taking
from ..._core.threads import kernel_threads_for
from ...hamiltonians import Amplitudes, Block, Operator, PhononSpace, Space
from ...hamiltonians.arguments import an_operator
from ...hamiltonians.operators import ChargeWord, LatticeWord, Letter
from ...hamiltonians.space.numbering import Numbering
from ...hamiltonians.space.product import check_operator
from ...solvers import Eigenstates, State
from ...solvers.arguments import levels_of, state_of
from . import kernels
from .set_moments import set_moments

SAME_SHIFT = 1e-9
"""Displacements closer than this are equal."""
CHUNK = 1 << 24
"""Amplitudes processed at a time, which limits the work space."""


Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def linear(
    average: Callable[Concatenate[State, Arguments], Value],
) -> Callable[Concatenate[State, Arguments], Value]:
    """Extend an average in one block to mixtures over several blocks, by summing over their parts."""

    @wraps(average)
    def total(state: State, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Value:
        first, *others = (average(part, *args, **kwargs) for part in state.parts)
        return sum(others, start=first)  # type: ignore[call-overload, no-any-return]  # values add up

    return total


@taking(state=state_of, operator=an_operator)
@linear
def expectation(state: State, operator: Operator) -> complex:
    """Return the expectation value of an operator that conserves N and S_z.

    Parameters
    ----------
    state : State
        Pure or mixed.
    operator : Operator
        In terms of the physical phonons; its lattice factors are exact projections onto the truncated space.

    Returns
    -------
    complex
        The expectation value.

    Raises
    ------
    ValueError
        If the operator changes N or S_z, or acts on sites or species that do not exist.

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
    return _applied(state, state.block.symmetric(operator))


def _applied(state: State, symmetric: Operator) -> complex:
    """Return the average of an operator that has the symmetries of the block."""
    product = state.block.operator(symmetric, state.amplitudes.dtype)
    return complex(sum(weight * state.block.dot(phi, product.apply(phi)) for weight, phi in state.mixture))


@taking(levels=levels_of, operator=an_operator)
def transition(levels: Eigenstates, operator: Operator, bra: int, ket: int = 0) -> complex:
    """Return the matrix element ``<bra| O |ket>`` between two computed levels.

    Parameters
    ----------
    levels : Eigenstates
        Levels of one sector.
    operator : Operator
        In terms of the physical phonons; it must conserve N and S_z.
    bra, ket : int
        Indices of the levels. Within a degenerate level the choice of states is arbitrary.

    Returns
    -------
    complex
        The matrix element. Its phase is arbitrary; its absolute square is the weight of a spectral line.

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
    return block.dot(left, block.operator(block.symmetric(operator), right.dtype).apply(right))


def row_overlaps(phi: Amplitudes, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[Any]:
    """Return ``sum_p conj(phi[left[k], p]) phi[right[k], p]`` of stored amplitudes, shape (k,)."""
    out = np.zeros(len(left), phi.dtype)
    with kernel_threads_for(len(left) * phi.shape[1]):
        kernels.overlaps(out, np.ascontiguousarray(phi), left, right)
    return out


@linear
def configuration_weights(state: State) -> NDArray[np.float64]:
    """Return the probability of each charge configuration, shape (e,)."""
    rows = np.arange(state.block.shape[0])
    parts = (weight * row_overlaps(phi, rows, rows).real for weight, phi in state.mixture)
    return state.block.weights(sum(parts, np.zeros(len(rows))))


class Averages:
    """Averages of many operators in one state, with shared intermediate results.

    Averages of occupation numbers, of products of two of them, and of occupation numbers times displacements or phonon
    numbers follow from the probabilities of the charge configurations and the lattice moments in them. Products of
    charge operators are summed one by one and cached. All other operators are applied to the state.

    Parameters
    ----------
    state : State
        Pure or mixed.
    grid : sequence of float, optional
        Grid of X for distributions of the lattice.
    """

    def __init__(self, state: State, grid: Sequence[float] | NDArray[np.float64] | None = None) -> None:
        self.state = state
        self.grid = grid
        self.space = state.hamiltonian.space
        block = state.block
        self._by_words = not (self.space.is_dressed or block.orbits is not None or block.share or state.others)
        self._known: dict[object, complex] = {}

    @cached_property
    def _bits(self) -> dict[Letter, int]:
        """Bit positions of a configuration by their number operators."""
        charges, spins = self.space.charges, ("nup", "ndn") if self.space.model.electrons is not None else ()
        bits = {(symbol, i): s * charges.sites + i for s, symbol in enumerate(spins) for i in range(charges.sites)}
        return bits | {("nb", i): 2 * charges.sites + b for b, i in enumerate(charges.boson_letters)}

    @cached_property
    def density(self) -> NDArray[np.float64]:
        """The probability of each charge configuration, shape (e,)."""
        return configuration_weights(self.state)

    @cached_property
    def lattice(self) -> NDArray[np.float64]:
        """Moments <x>, <a+ a>, <x^2> by charge configuration and mode, shape (3, e, modes): see `lattice_moments`."""
        return lattice_moments(self.state)

    def _numbers(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield slices of configurations with occupation numbers, shape (bits + 1, configurations), the last row 1."""
        states, bits = self.space.charges.states, np.arange(self.space.charges.bits, dtype=np.uint64)[:, None]
        step = max(1, CHUNK // (len(bits) + 1))
        for start in range(0, len(states), step):
            here = slice(start, start + step)
            numbers = np.ones((len(bits) + 1, len(states[here])))
            numbers[:-1] = (states[here] >> bits) & np.uint64(1)
            yield here, numbers

    @cached_property
    def _number_means(self) -> NDArray[np.float64]:
        """<n_a>, shape (bits + 1,)."""
        return sum((n @ self.density[here] for here, n in self._numbers()), np.zeros(self.space.charges.bits + 1))

    @cached_property
    def _number_products(self) -> NDArray[np.float64]:
        """<n_a n_b>, shape (bits + 1, bits + 1)."""
        parts = ((n * self.density[here]) @ n.T for here, n in self._numbers())
        return sum(parts, np.zeros((self.space.charges.bits + 1,) * 2))

    @cached_property
    def _number_moments(self) -> NDArray[np.float64]:
        """<n_a x_m> and <n_a a+_m a_m>, shape (2, bits + 1, modes)."""
        parts = (n @ self.lattice[:2, here] for here, n in self._numbers())
        return sum(parts, np.zeros((2, self.space.charges.bits + 1, self.lattice.shape[2])))

    def operator(self, operator: Operator, alone: bool = False) -> complex:
        """Return the average of an operator; `alone` if no other operator contains its products."""
        average, rest = 0.0 + 0.0j, {}
        for word, value in operator.terms.items():
            found = self._from_numbers(*word, value, operator)
            if found is None:
                rest[word] = value
            else:
                average += value * found
        if not rest:
            return average
        if self._by_words and not alone and not any(lattice for _, lattice in rest):
            check_operator(self.space.model, operator, self.space.sector)
            return average + sum(value * self._word(charge) for (charge, _), value in rest.items())
        average += self._product(Operator(rest))
        return complex(average.real) if operator_key(operator) == operator_key(operator.dag) else average

    def _from_numbers(self, charge: ChargeWord, lattice: LatticeWord, value: complex, of: Operator) -> float | None:
        """Return the average of a product from the moments; n a and n a+ with equal coefficients each give n x / 2."""
        places = [self._bits.get(letter, -1) for letter in charge]
        if -1 in places or len(places) + len(lattice) > 2 or len(lattice) > 1:
            return None
        if not lattice:
            one, *other = [*places, -1][:2]
            return float(self._number_products[one, other[0]] if len(places) > 1 else self._number_means[one])
        ((mode, up, low),) = lattice
        if not 0 <= mode < self.space.phonons.modes:
            return None
        if up == low == 1:
            return float(self._number_moments[1, [*places, -1][0], mode])
        if up + low == 1 and of.terms.get((charge, ((mode, low, up),))) == value:
            return 0.5 * float(self._number_moments[0, [*places, -1][0], mode])
        return None

    def _product(self, operator: Operator) -> complex:
        """Return the average of an operator by applying it to the state, once for all operators equal by symmetry."""
        several = bool(self.state.others)
        symmetric = operator if several else self.state.block.symmetric(operator)
        key = operator_key(symmetric)
        if key not in self._known:
            self._known[key] = expectation(self.state, symmetric) if several else _applied(self.state, symmetric)
            self._known.setdefault(operator_key(symmetric.dag), self._known[key].conjugate())
        return self._known[key]

    def _word(self, word: ChargeWord) -> complex:
        """Return the average of a product of charge operators."""
        if word not in self._known:
            value, row, column = self.space.word_entries(word)
            parts = (weight * (value @ row_overlaps(phi, row, column)) for weight, phi in self.state.mixture)
            self._known[word] = complex(sum(parts))
            ((adjoint, _),) = Operator({(word, ()): 1.0}).dag.terms
            self._known.setdefault(adjoint, self._known[word].conjugate())
        return self._known[word]


def operator_key(operator: Operator) -> object:
    """Return a hashable key of a formula, equal for equal formulas up to rounding."""
    rounded = ((word, round(value.real, 14), round(value.imag, 14)) for word, value in operator.terms.items())
    return frozenset(rounded)


@linear
def lattice_moments(state: State) -> NDArray[np.float64]:
    r"""Return the contribution of each charge configuration to the averages of each oscillator.

    .. math:: \langle\psi_e|x_m|\psi_e\rangle,\quad \langle\psi_e|a^\dagger_m a_m|\psi_e\rangle,\quad
              \langle\psi_e|x_m^2|\psi_e\rangle = \|x_m\psi_e\|^2

    with ``psi_e = psi[e, :]`` and x = a + a+. The square is taken within the truncated space, for optimal states in the
    complete space of the oscillator. The sum over e gives the averages; the first one weighted with a charge is a
    charge-lattice correlation.

    Returns
    -------
    (3, e, modes) float
        In zero-point units.
    """
    space, block = state.hamiltonian.space, state.block
    modes = space.phonons.modes
    rows = np.zeros((3, block.shape[0], modes)) if space.sets is None else set_moments(state)
    for m in range(modes if space.sets is None else 0):
        ladder = _ladder(space.phonons, m)
        for weight, phi in state.mixture:
            part = np.empty((3, len(phi)))
            with kernel_threads_for(phi.size):
                kernels.moments(part, np.ascontiguousarray(phi), *ladder)
            rows[:, :, m] += weight * part
    mean, quanta, square = (block.mode_values(part, odd) for part, odd in zip(rows, (True, False, False), strict=True))
    density, shift = configuration_weights(state)[:, None], space.frame
    # with a = a' + s: x = x' + 2 s, a+ a = a'+ a' + s x' + s^2, x^2 = x'^2 + 4 s x' + 4 s^2
    return np.stack(
        [
            mean + 2.0 * shift * density,
            quanta + shift * mean + shift**2 * density,
            square + 4.0 * shift * mean + 4.0 * shift**2 * density,
        ]
    )


def _ladder(phonons: PhononSpace, mode: int) -> tuple[NDArray[Any], ...]:
    """Return the quanta of a mode in each phonon state, the neighbouring states, and their matrix elements of ``x``."""
    above = phonons.occupations.astype(np.int64)
    number = above[:, mode].copy()
    above[:, mode] += 1
    upper = phonons.index(above)
    inside = np.flatnonzero(upper >= 0)
    lower = np.zeros_like(upper)
    lower[upper[inside]] = inside
    up_weight = np.where(upper >= 0, np.sqrt(number + 1.0), 0.0)
    return number, lower, np.maximum(upper, 0), np.sqrt(number), up_weight


def mode_shifts(space: Space, mode: int) -> NDArray[np.float64]:
    """Return the distinct displacements lambda of one oscillator in the configurations, ascending."""
    values = np.unique(space.frame[:, mode])
    return values[np.diff(values, prepend=-np.inf) > SAME_SHIFT]


def mode_density_matrix(state: State, mode: int, shift: float | None = None) -> NDArray[Any]:
    """Return the reduced density matrix of one oscillator in the number states of its displaced frame.

    Parameters
    ----------
    state : State
        Pure or mixed.
    mode : int
        Oscillator.
    shift : float, optional
        Restrict to the configurations with this displacement; by default all, each in its own frame.

    Returns
    -------
    (n, n) float or complex
        ``rho[i, j] = sum psi[..i..] conj(psi[..j..])``, all other degrees of freedom traced out; the traces of all
        shifts add up to one.
    """
    frame = state.hamiltonian.space.frame[:, mode]
    chosen = np.ones(len(frame), bool) if shift is None else np.abs(frame - shift) <= SAME_SHIFT
    return conditional_density_matrix(state, mode, chosen)


@linear
def conditional_density_matrix(state: State, mode: int, chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the contribution of chosen charge configurations to the density matrix of one oscillator, (n, n).

    The basis is that of number states about the displacement of the frame.
    """
    space = state.hamiltonian.space
    if (sets := space.sets) is None:
        return _density_matrix(state, mode, chosen)
    labels, total = space.set_labels[:, mode], np.zeros((sets.size,) * 2, state.amplitudes.dtype)
    for q in np.unique(labels[chosen]).tolist():
        rho = _density_matrix(state, mode, chosen & (labels == q))
        own = sets.states[sets.classes[mode], q, : len(rho)]
        total = total + own.T @ rho @ own
    return total


def _density_matrix(state: State, mode: int, chosen: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the contribution in the basis of the phonon space."""
    phonons = state.hamiltonian.space.phonons
    size = int(phonons.occupations[:, mode].max()) + 1
    rho = np.zeros((size, size), dtype=state.amplitudes.dtype)
    mirror = np.where(np.arange(size) % 2, -1.0, 1.0)
    for image, odd, share in _shares(state.block, mode, chosen):
        rest = phonons.occupations.astype(np.int64)
        n = rest[:, image].copy()
        rest[:, image] = 0
        others, rows = Numbering.of(rest)[1], np.flatnonzero(share)
        count = int(others.max()) + 1
        step = max(1, CHUNK // (size * count))
        part = np.zeros_like(rho)
        for weight, phi in state.mixture:
            for start in range(0, len(rows), step):
                here = rows[start : start + step]
                spread = np.zeros((len(here), count, size), dtype=phi.dtype)
                spread[:, others, n] = phi[here] * np.sqrt(share[here, None])
                flat = spread.reshape(-1, size)
                part += weight * (flat.T @ flat.conj())
        rho += mirror[:, None] * part * mirror if odd else part
    return np.asarray(state.block.total(rho))


def _shares(block: Block, mode: int, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, bool, NDArray[np.float64]]]:
    """Yield modes equivalent to `mode`, whether reflected, and the weight of each row in their density matrix."""
    if block.orbits is None:
        yield mode, False, block.own(chosen.astype(float))
        return
    o = block.orbits
    images, turned = o.modes[o.element, mode], o.odd[o.element]
    for image, odd in sorted(set(zip(images.tolist(), turned.tolist(), strict=True))):
        here = (images == image) & (turned == odd) & chosen
        yield image, odd, block.own(np.bincount(o.row, here, len(o.sizes)) / o.sizes)
