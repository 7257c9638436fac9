"""Spatial symmetries acting on electrons, bosons and phonons together; blocks of one-dimensional representations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, repeat
from math import prod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ...clusters import Bond, Permutation, order
from ..algebra import canonical
from ..model import Model
from ..operators import ChargeWord, LatticeWord, Operator
from ..space.charges import ChargeBasis
from ..space.phonons import PhononSpace, Shell
from ..space.product import Space
from ..space.quspin_maps import SymmetryMap
from ..vanishing import largest_element

SAME = 1e-12
SPIN_FLIP = "spin_flip"
FLIPPED: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "c+up": ("c+dn", 1.0), "cup": ("cdn", 1.0), "nup": ("ndn", 1.0),
        "c+dn": ("c+up", -1.0), "cdn": ("cup", -1.0), "ndn": ("nup", 1.0),
    }
)  # fmt: skip
"""What the spin flip makes of a letter, and its sign."""


@dataclass(frozen=True)
class Symmetry:
    """A site permutation with what it does to bosons, modes and phonon signs, and its quantum number.

    Or the spin flip ``c_up -> c_dn, c_dn -> -c_up``, which leaves all of these alone.

    Attributes
    ----------
    name : str
        The quantum number of sectors that it stands for: "momentum", "reflection", "irrep" or "spin_flip".
    sites : tuple of int
        Site ``i`` goes to ``sites[i]``.
    bosons, modes : tuple of int
        Images of the boson numbers and of the modes.
    odd : bool
        True where every displacement changes sign too: a reflection turns x_j - x_i around.
    period : int
        Order of the permutation.
    block : int
        m of the eigenvalue ``exp(-2 pi i m / period)``.
    """

    name: str
    sites: Permutation
    bosons: tuple[int, ...]
    modes: tuple[int, ...]
    odd: bool
    period: int
    block: int

    @property
    def flips(self) -> bool:
        """True for the spin flip."""
        return self.name == SPIN_FLIP

    @property
    def character(self) -> complex:
        """``exp(-2 pi i m / period)``."""
        return complex(np.exp(-2j * np.pi * self.block / self.period))

    def as_map(self) -> SymmetryMap:
        """Return the same as a QuSpin map, whose quantum numbers count the other way round."""
        block = -self.block % self.period
        return SymmetryMap(self.sites, self.bosons, self.modes, self.odd, self.period, block, self.flips)


def of_permutation(
    model: Model, name: str, sites: Permutation, block: int, turn: NDArray[np.float64] | None = None
) -> Symmetry | None:
    """Extend a site permutation to bosons and modes; None where it moves one to a place without one.

    It is odd where it turns the optical SSH coupling ``x_j - x_i`` around on every bond that has it.

    Parameters
    ----------
    model : Model
        What it acts on.
    name : str
        Its quantum number.
    sites : tuple of int
        Images of the sites.
    block : int
        m of its eigenvalue.
    turn : (fluxes, fluxes) float, optional
        What it does to the windings of bonds, which distinguishes those between two sites; by default it keeps them,
        or turns all around.
    """
    bonds, hosts = model.cluster.bonds, {(mode.host, mode.index): m for m, mode in enumerate(model.modes)}
    bosons = {site: b for b, site in enumerate(model.boson_sites)}
    moved_bonds = _moved_bonds(bonds, sites, turn) if any(mode.host == "bond" for mode in model.modes) else {}
    images = []
    for mode in model.modes:
        image = sites[mode.index] if mode.host == "site" else moved_bonds.get(mode.index, -1)
        images.append(hosts.get((mode.host, image), -1))
    moved = tuple(bosons.get(sites[site], -1) for site in model.boson_sites)
    if -1 in images or -1 in moved or len(set(images)) < len(images):
        return None
    forward = {(bond.start, bond.end) for bond in bonds}
    coupled = [bond for bond, g in zip(bonds, model.couplings.bond_phonon, strict=True) if g]
    reverses = bool(coupled) and all((sites[bond.end], sites[bond.start]) in forward for bond in coupled)
    return Symmetry(name, sites, moved, tuple(images), reverses, order(sites), block)


def _moved_bonds(bonds: Sequence[Bond], sites: Permutation, turn: NDArray[np.float64] | None) -> dict[int, int]:
    """Return the image of each bond; of several between two sites, the one with the turned windings."""
    between: defaultdict[tuple[int, int], list[tuple[int, NDArray[np.float64]]]] = defaultdict(list)
    for b, bond in enumerate(bonds):
        between[bond.start, bond.end].append((b, np.array(bond.shares)))
        between[bond.end, bond.start].append((b, -np.array(bond.shares)))
    identity = np.eye(max((len(bond.shares) for bond in bonds), default=1))
    for matrix in (identity, -identity) if turn is None else (turn,):
        found = {}
        for b, bond in enumerate(bonds):
            images = between.get((sites[bond.start], sites[bond.end]), [])
            wanted = matrix @ np.array(bond.shares)
            alike = [image for image, shares in images if np.allclose(shares, wanted, atol=1e-6)] or [
                image for image, _ in images if len(images) == 1
            ]
            found.update({b: alike[0]} if alike else {})
        if len(set(found.values())) == len(bonds):
            return found
    return {}


def spin_flip(model: Model, block: int) -> Symmetry:
    """Return the exchange of up and down, a rotation of all spins by pi: the sign of its eigenvalue is (-1)^S."""
    sites, bosons, modes = model.cluster.sites, len(model.boson_sites), len(model.modes)
    still = tuple(range(sites)), tuple(range(bosons)), tuple(range(modes))
    return Symmetry(SPIN_FLIP, *still, False, 2, block)


def commutes(space: Space, operator: Operator, symmetry: Symmetry) -> bool:
    """True where a symmetry leaves H and the frame as they are: H is relabelled and compared term by term."""
    if symmetry.flips and space.sector.spin_excess:
        return False
    parts = space.frame_parts
    moved = parts[:, list(symmetry.modes)]
    if np.any(np.abs(moved - (-parts if symmetry.odd else parts)) > SAME * np.maximum(1.0, np.abs(parts))):
        return False
    difference = canonical(operator, -relabelled(operator, space.model, symmetry))
    largest = max((abs(value) for value in difference.terms.values()), default=0.0)
    return not largest or largest_element(space, difference) <= SAME * largest


def relabelled(operator: Operator, model: Model, symmetry: Symmetry) -> Operator:
    """Return ``U O U+`` for a symmetry U: every index moved, every odd phonon letter with its sign."""

    def charge(word: ChargeWord) -> tuple[ChargeWord, float]:
        if not symmetry.flips:
            return tuple((symbol, symmetry.sites[index]) for symbol, index in word), 1.0
        letters = [FLIPPED.get(symbol, (symbol, 1.0)) for symbol, _ in word]
        return tuple((symbol, index) for (symbol, _), (_, index) in zip(letters, word, strict=True)), prod(
            sign for _, sign in letters
        )

    def lattice(word: LatticeWord) -> tuple[LatticeWord, float]:
        image = tuple(sorted((symmetry.modes[mode], up, low) for mode, up, low in word))
        quanta = sum(up + low for _, up, low in word)
        return image, -1.0 if symmetry.odd and quanta % 2 else 1.0

    terms: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
    for (charge_word, lattice_word), value in operator.terms.items():
        image, sign = lattice(lattice_word)
        letters, flipped = charge(charge_word)
        terms[letters, image] += flipped * sign * value
    return Operator(terms)


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

    The spin flip has none: of as many up as down electrons, the signs of the operators and of their order cancel.
    """
    states, sites = charges.states, charges.sites
    if symmetry.flips:
        spin = np.uint64((1 << sites) - 1)
        down, rest = (states >> np.uint64(sites)) & spin, states & ~np.uint64((1 << 2 * sites) - 1)
        return charges.index(rest | ((states & spin) << np.uint64(sites)) | down), np.ones(len(states))
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
    for b, target in enumerate(symmetry.bosons):
        image |= ((states >> np.uint64(2 * sites + b)) & one) << np.uint64(2 * sites + target)
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
