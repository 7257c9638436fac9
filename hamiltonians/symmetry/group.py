"""Spatial symmetries acting on electrons, bosons and phonons together; blocks of one-dimensional representations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from ..._core.lazy import sp
from ...clusters import Cluster, Permutation, order, point_group
from ..algebra import canonical
from ..model import Model
from ..operators import ChargeWord, LatticeWord, Operator
from ..parameters import InvalidModel, Problem
from ..sector import Sector
from ..space.charges import ChargeBasis
from ..space.phonons import PhononSpace, Shell
from ..space.product import Space
from ..space.quspin_maps import SymmetryMap
from ..vanishing import largest_element

SAME = 1e-12


@dataclass(frozen=True)
class Symmetry:
    """A site permutation with what it does to bosons, modes and phonon signs, and its quantum number.

    Attributes
    ----------
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

    sites: Permutation
    bosons: tuple[int, ...]
    modes: tuple[int, ...]
    odd: bool
    period: int
    block: int

    @property
    def character(self) -> complex:
        """``exp(-2 pi i m / period)``."""
        return complex(np.exp(-2j * np.pi * self.block / self.period))

    def as_map(self) -> SymmetryMap:
        """Return the same as a QuSpin map, whose quantum numbers count the other way round."""
        return SymmetryMap(self.sites, self.bosons, self.modes, self.odd, self.period, -self.block % self.period)


def sector_symmetries(space: Space, operator: Operator, sector: Sector | None = None) -> tuple[Symmetry, ...]:
    """Return the generators behind the spatial quantum numbers of a sector, checked against the Hamiltonian.

    Parameters
    ----------
    space : Space
        The states of the (N, S_z) sector.
    operator : Operator
        The Hamiltonian.
    sector : Sector, optional
        The quantum numbers; those of the space by default.

    Raises
    ------
    InvalidModel
        If the Hamiltonian does not have the symmetry.
    """
    sector, cluster = sector or space.sector, space.model.cluster
    found = []
    for name, sites, block in _wanted(sector, cluster):
        if block is None or sites is None or order(sites) == 1:
            continue
        symmetry = _of_permutation(space.model, sites, block)
        if symmetry is None or not commutes(space, operator, symmetry):
            cure = "leave it out, or make the couplings equal on equivalent sites, bonds and modes"
            value = str(getattr(sector, name))
            raise InvalidModel([Problem(f"sector.{name}", value, f"the model lacks this symmetry; {cure}")])
        found.append(symmetry)
    if sector.reflection == -1 and cluster.reflection is not None and order(cluster.reflection) == 1:
        raise InvalidModel([Problem("sector.reflection", "-1", "allowed: 1; every state of this cluster is even")])
    return tuple(found)


def _wanted(sector: Sector, cluster: Cluster) -> Iterator[tuple[str, Permutation | None, int | None]]:
    """Yield the key, the site permutation and the block of each quantum number; no block where it is left out."""
    yield "momentum", cluster.translation, sector.momentum
    yield "reflection", cluster.reflection, None if sector.reflection is None else (1 - sector.reflection) // 2
    if sector.irrep is not None:
        points = point_group(cluster)
        turned, mirrored = points.irreps[sector.irrep]
        yield "irrep", points.rotation, turned
        yield "irrep", points.mirror, mirrored


def _of_permutation(model: Model, sites: Permutation, block: int) -> Symmetry | None:
    """Extend a site permutation to bosons and modes; None where it moves one to a place without one.

    It is odd where it turns the optical SSH coupling ``x_j - x_i`` around on every bond that has it.
    """
    bond_at = {frozenset((bond.start, bond.end)): b for b, bond in enumerate(model.cluster.bonds)}
    hosts = {(mode.host, mode.index): m for m, mode in enumerate(model.modes)}
    bosons = {site: b for b, site in enumerate(model.boson_sites)}
    images = []
    for mode in model.modes:
        if mode.host == "site":
            image = sites[mode.index]
        else:
            bond = model.cluster.bonds[mode.index]
            image = bond_at.get(frozenset((sites[bond.start], sites[bond.end])), -1)
        images.append(hosts.get((mode.host, image), -1))
    moved = tuple(bosons.get(sites[site], -1) for site in model.boson_sites)
    if -1 in images or -1 in moved:
        return None
    forward = {(bond.start, bond.end) for bond in model.cluster.bonds}
    coupled = [bond for bond, g in zip(model.cluster.bonds, model.couplings.bond_phonon, strict=True) if g]
    reverses = bool(coupled) and all((sites[bond.end], sites[bond.start]) in forward for bond in coupled)
    return Symmetry(sites, moved, tuple(images), reverses, order(sites), block)


def commutes(space: Space, operator: Operator, symmetry: Symmetry) -> bool:
    """True where a symmetry leaves H and the frame as they are: H is relabelled and compared term by term."""
    parts = space.frame_parts
    sites = np.array(symmetry.sites)
    moved = parts[np.ix_(np.concatenate([[0], 1 + sites, 1 + len(sites) + sites]), np.array(symmetry.modes, np.int64))]
    if np.any(np.abs(moved - (-parts if symmetry.odd else parts)) > SAME * np.maximum(1.0, np.abs(parts))):
        return False
    difference = canonical(operator, -relabelled(operator, space.model, symmetry))
    largest = max((abs(value) for value in difference.terms.values()), default=0.0)
    return not largest or largest_element(space, difference) <= SAME * largest


def relabelled(operator: Operator, model: Model, symmetry: Symmetry) -> Operator:
    """Return ``U O U+`` for a symmetry U: every index moved, every odd phonon letter with its sign."""

    def charge(word: ChargeWord) -> ChargeWord:
        return tuple((symbol, symmetry.sites[index]) for symbol, index in word)

    def lattice(word: LatticeWord) -> tuple[LatticeWord, float]:
        image = tuple(sorted((symmetry.modes[mode], up, low) for mode, up, low in word))
        quanta = sum(up + low for _, up, low in word)
        return image, -1.0 if symmetry.odd and quanta % 2 else 1.0

    terms: defaultdict[tuple[ChargeWord, LatticeWord], complex] = defaultdict(complex)
    for (charge_word, lattice_word), value in operator.terms.items():
        image, sign = lattice(lattice_word)
        terms[charge(charge_word), image] += sign * value
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
    """Return the image of each charge configuration and the sign from reordering its creators."""
    states, sites = charges.states, charges.sites
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
