"""Spatial symmetries acting on electrons, bosons and phonons together; blocks of one-dimensional representations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ..algebra import canonical
from ..operators import Operator
from ..space.charges import ChargeBasis
from ..space.phonons import PhononSpace, Shell
from ..space.product import Space
from ..vanishing import largest_element
from .operations import Symmetry, relabelled

SAME = 1e-12


def commutes(space: Space, operator: Operator, symmetry: Symmetry) -> bool:
    """True where a symmetry leaves H and the frame as they are: H is relabelled and compared term by term."""
    if symmetry.flips and space.sector.spin_excess:
        return False
    if space.sets is not None and (symmetry.odd or not space.sets.is_kept(symmetry.modes)):
        return False
    parts = space.frame_parts
    sites = np.array(symmetry.sites)
    moved = parts[np.ix_(np.concatenate([[0], 1 + sites, 1 + len(sites) + sites]), np.array(symmetry.modes, np.int64))]
    if np.any(np.abs(moved - (-parts if symmetry.odd else parts)) > SAME * np.maximum(1.0, np.abs(parts))):
        return False
    difference = canonical(operator, -relabelled(operator, space.model, symmetry))
    largest = max((abs(value) for value in difference.terms.values()), default=0.0)
    return not largest or largest_element(space, difference) <= SAME * largest


@dataclass(frozen=True)
class Move:
    """What a group element does to charge configurations.

    Attributes
    ----------
    sites, bosons : tuple of int
        Images of the sites and of the boson numbers.
    flips, about_x : bool
        Up and down are exchanged as well, by a turn about x or about y.
    """

    sites: tuple[int, ...]
    bosons: tuple[int, ...]
    flips: bool = False
    about_x: bool = False

    @classmethod
    def of(cls, symmetry: Symmetry) -> Move:
        """Return that of a symmetry."""
        return cls(symmetry.sites, symmetry.bosons, symmetry.flips, symmetry.flips and symmetry.about_x)

    @classmethod
    def none(cls, charges: ChargeBasis) -> Move:
        """Return the identity."""
        return cls(tuple(range(charges.sites)), tuple(range(len(charges.boson_sites))))

    def then(self, other: Move) -> Move:
        """Return the element that moves by `self` first and by `other` after it."""
        return Move(
            tuple(other.sites[i] for i in self.sites),
            tuple(other.bosons[b] for b in self.bosons),
            self.flips != other.flips,
            self.about_x != other.about_x,
        )

    def on(self, charges: ChargeBasis) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the image of each configuration and the sign from reordering its creators.

        The spin flip about y has none: of an even number of electrons, the signs of the operators and of their order
        cancel. About x there is a sign for each two up electrons more than down ones.
        """
        states, sites, levels = charges.states, charges.sites, charges.levels
        one = np.uint64(1)
        image = np.zeros_like(states)
        parity = np.zeros(len(states), np.int64)
        for offset in (0, sites):
            seen = np.zeros_like(states)
            for i, target in enumerate(self.sites):
                occupied = (states >> np.uint64(offset + i)) & one
                parity += np.where(occupied == one, np.bitwise_count(seen >> np.uint64(target)), 0)
                seen |= occupied << np.uint64(target)
            image |= seen << np.uint64(sites - offset if self.flips else offset)
        for b, target in enumerate(self.bosons):
            for k in range(levels):
                bit = (states >> np.uint64(2 * sites + levels * b + k)) & one
                image |= bit << np.uint64(2 * sites + levels * target + k)
        if self.about_x:
            up, down = (np.bitwise_count(spin).astype(np.int64) for spin in charges.spins)
            parity += (up - down) // 2
        return charges.index(image), _sign(parity)


@dataclass(frozen=True)
class Action:
    """A group element as a signed permutation of the product states ``e * phonon states + p``.

    Attributes
    ----------
    basis : ChargeBasis
        Charge configurations.
    move : Move
        What happens to them.
    phonons, phonon_sign : (phonon states,) int, float
        Image and sign of each phonon state.
    character : complex
        Representation of the element.
    modes : (modes,) int
        Image of each mode.
    odd : bool
        True where every displacement changes sign.
    """

    basis: ChargeBasis = field(repr=False)
    move: Move
    phonons: NDArray[np.int64]
    phonon_sign: NDArray[np.float64]
    character: complex
    modes: NDArray[np.int64]
    odd: bool

    def then(self, other: Action) -> Action:
        """Return the element that applies `self` first and `other` after it."""
        return Action(
            self.basis,
            self.move.then(other.move),
            other.phonons[self.phonons],
            self.phonon_sign * other.phonon_sign[self.phonons],
            self.character * other.character,
            other.modes[self.modes],
            self.odd != other.odd,
        )

    @cached_property
    def _moved(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self.move.on(self.basis)

    @property
    def charges(self) -> NDArray[np.int64]:
        """Image of each charge configuration."""
        return self._moved[0]

    @property
    def charge_sign(self) -> NDArray[np.float64]:
        """Fermi sign of each charge configuration."""
        return self._moved[1]

    def images(self, states: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the image and the sign of product states."""
        e, p = np.divmod(states, len(self.phonons))
        return self.charges[e] * len(self.phonons) + self.phonons[p], self.charge_sign[e] * self.phonon_sign[p]


def group(space: Space, symmetries: tuple[Symmetry, ...]) -> tuple[Action, ...]:
    """Return all products of powers of the generators (translations, then reflections)."""
    generators = []
    for symmetry in symmetries:
        modes = np.array(symmetry.modes, np.int64)
        phonons = permuted_phonons(space.phonons, modes, symmetry.odd)
        generators.append(Action(space.charges, Move.of(symmetry), *phonons, symmetry.character, modes, symmetry.odd))
    return generated(generators, symmetries)


def generated(generators: Sequence[Action], symmetries: Sequence[Symmetry]) -> tuple[Action, ...]:
    """Return all products of powers of some generators, the identity first; at least one is needed."""
    g = generators[0]
    phonons = np.arange(len(g.phonons)), np.ones(len(g.phonons))
    identity = Action(g.basis, Move.none(g.basis), *phonons, 1.0 + 0.0j, np.arange(len(g.modes)), False)
    powers = [
        tuple(accumulate(repeat(g, symmetry.period - 1), Action.then, initial=identity))
        for g, symmetry in zip(generators, symmetries, strict=True)
    ]
    return reduce(lambda left, right: tuple(a.then(b) for a in left for b in right), powers)


def permuted_phonons(
    states: PhononSpace | Shell, modes: NDArray[np.int64], odd: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the image and the sign of each phonon state when mode m goes to ``modes[m]``."""
    moved = np.zeros(states.occupations.shape, np.int64)
    moved[:, modes] = states.occupations
    parity: NDArray[np.int64] = np.asarray(np.sum(states.occupations, axis=1, dtype=np.int64) * int(odd))
    return states.index(moved), _sign(parity)


def _sign(parity: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(parity % 2, -1.0, 1.0)


def isometry(elements: tuple[Action, ...], representatives: NDArray[np.int64], size: int) -> sp.csr_array:
    """Return the columns ``P |r> / ||P |r>||`` of a block, P = (1/|G|) sum_g conj(character) U_g.

    Parameters
    ----------
    elements : tuple of Action
        The group.
    representatives : (n,) int
        One product state of each orbit; orbits that P annihilates are left out by `representatives_of`.
    size : int
        Number of product states.

    Returns
    -------
    csr_array, shape (size, n)
        An isometry B; ``B+ H B`` is the block. Real where all characters are.
    """
    columns = np.arange(len(representatives))
    rows, values = [], []
    for element in elements:
        image, sign = element.images(representatives)
        rows.append(image)
        values.append(np.conj(element.character) * sign)
    data = np.concatenate(values)
    if np.max(np.abs(data.imag), initial=0.0) < SAME:
        data = data.real
    entries = (data, (np.concatenate(rows), np.tile(columns, len(elements))))
    block = sp.csr_array(entries, shape=(size, len(representatives)))
    norms = np.sqrt(np.asarray(abs(block).power(2).sum(axis=0)).ravel())
    return sp.csr_array(block @ sp.diags_array(1.0 / norms))


def representatives_of(elements: tuple[Action, ...], size: int) -> NDArray[np.int64]:
    """Return the smallest product state of each orbit that the representation allows."""
    states = np.arange(size)
    smallest = np.ones(size, dtype=bool)
    stabiliser = np.zeros(size, dtype=complex)
    for element in elements:
        image, sign = element.images(states)
        smallest &= image >= states
        stabiliser += np.where(image == states, np.conj(element.character) * sign, 0.0)
    return np.flatnonzero(smallest & (np.abs(stabiliser) > 0.5))
