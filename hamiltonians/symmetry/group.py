"""Spatial symmetries acting on electrons, bosons and phonons together; blocks of one-dimensional representations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
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
class Action:
    """A group element as a signed permutation of the product states ``e * phonon states + p``.

    Attributes
    ----------
    charges, charge_sign : (charge configurations,) int, float
        Image and Fermi sign of each configuration.
    phonons, phonon_sign : (phonon states,) int, float
        Image and sign of each phonon state.
    character : complex
        Representation of the element.
    modes : (modes,) int
        Image of each mode.
    odd : bool
        True where every displacement changes sign.
    """

    charges: NDArray[np.int64]
    charge_sign: NDArray[np.float64]
    phonons: NDArray[np.int64]
    phonon_sign: NDArray[np.float64]
    character: complex
    modes: NDArray[np.int64]
    odd: bool

    def then(self, other: Action) -> Action:
        """Return the element that applies `self` first and `other` after it."""
        return Action(
            other.charges[self.charges],
            self.charge_sign * other.charge_sign[self.charges],
            other.phonons[self.phonons],
            self.phonon_sign * other.phonon_sign[self.phonons],
            self.character * other.character,
            other.modes[self.modes],
            self.odd != other.odd,
        )

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
        charges = permuted_charges(space.charges, symmetry)
        generators.append(Action(*charges, *phonons, symmetry.character, modes, symmetry.odd))
    return generated(generators, symmetries)


def generated(generators: Sequence[Action], symmetries: Sequence[Symmetry]) -> tuple[Action, ...]:
    """Return all products of powers of some generators, the identity first; at least one is needed."""
    g = generators[0]
    start = np.arange(len(g.charges)), np.ones(len(g.charges)), np.arange(len(g.phonons)), np.ones(len(g.phonons))
    identity = Action(*start, 1.0 + 0.0j, np.arange(len(g.modes)), False)
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


def permuted_charges(charges: ChargeBasis, symmetry: Symmetry) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the image of each charge configuration and the sign from reordering its creators.

    The spin flip about y has none: of an even number of electrons, the signs of the operators and of their order
    cancel. About x there is a sign for each two up electrons more than down ones.
    """
    states, sites = charges.states, charges.sites
    if symmetry.flips:
        spin = np.uint64((1 << sites) - 1)
        down, rest = (states >> np.uint64(sites)) & spin, states & ~np.uint64((1 << 2 * sites) - 1)
        excess = np.bitwise_count(states & spin).astype(np.int64) - np.bitwise_count(down)
        signs = _sign(excess // 2) if symmetry.about_x else np.ones(len(states))
        return charges.index(rest | ((states & spin) << np.uint64(sites)) | down), signs
    one = np.uint64(1)
    image = np.zeros_like(states)
    parity = np.zeros(len(states), np.int64)
    for offset in (0, sites):
        seen = np.zeros_like(states)
        for i, target in enumerate(symmetry.sites):
            occupied = (states >> np.uint64(offset + i)) & one
            parity += np.where(occupied == one, np.bitwise_count(seen >> np.uint64(target)), 0)
            seen |= occupied << np.uint64(target)
        image |= seen << np.uint64(offset)
    levels = charges.levels
    for b, target in enumerate(symmetry.bosons):
        for k in range(levels):
            bit = (states >> np.uint64(2 * sites + levels * b + k)) & one
            image |= bit << np.uint64(2 * sites + levels * target + k)
    return charges.index(image), _sign(parity)


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
