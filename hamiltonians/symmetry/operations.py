"""Symmetry operations: what each does to sites, bosons, modes, spins and formulas, and its quantum number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm, prod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...clusters import Bond, Permutation, order
from ...clusters.cluster import ADDED
from ..branches import links_of
from ..model import Model
from ..operators import ChargeWord, LatticeWord, Operator
from ..space.quspin_maps import SymmetryMap

SPIN_FLIP = "spin_flip"
FLIPPED: Mapping[str, tuple[str, complex]] = MappingProxyType(
    {
        "c+up": ("c+dn", 1.0), "cup": ("cdn", 1.0), "nup": ("ndn", 1.0),
        "c+dn": ("c+up", -1.0), "cdn": ("cup", -1.0), "ndn": ("nup", 1.0),
    }
)  # fmt: skip
"""What the spin flip makes of a letter, and its sign."""
FLIPPED_ABOUT_X: Mapping[str, tuple[str, complex]] = MappingProxyType(
    {
        "c+up": ("c+dn", -1j), "cup": ("cdn", 1j), "nup": ("ndn", 1.0),
        "c+dn": ("c+up", -1j), "cdn": ("cup", 1j), "ndn": ("nup", 1.0),
    }
)  # fmt: skip
"""The same for a turn about x."""


@dataclass(frozen=True)
class Symmetry:
    """A site permutation with what it does to bosons, modes and phonon signs, and its quantum number.

    Or the spin flip, which leaves all of these alone: the turn of all spins by pi about y, ``c_up -> c_dn, c_dn ->
    -c_up``, or about x, ``c_up -> i c_dn, c_dn -> i c_up``.

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
        How many times make the identity on sites, modes and their signs.
    block : int
        m of the eigenvalue ``exp(-2 pi i m / period)``.
    about_x : bool
        The spin flip is the turn about x.
    """

    name: str
    sites: Permutation
    bosons: tuple[int, ...]
    modes: tuple[int, ...]
    odd: bool
    period: int
    block: int
    about_x: bool = field(default=False, metadata=ADDED)

    @property
    def flips(self) -> bool:
        """True for the spin flip."""
        return self.name == SPIN_FLIP

    @property
    def character(self) -> complex:
        """``exp(-2 pi i m / period)``."""
        return complex(np.exp(-2j * np.pi * self.block / self.period))

    def as_map(self, levels: int = 1) -> SymmetryMap:
        """Return the same as a QuSpin map, whose quantum numbers count the other way round; bosons have `levels`."""
        block = -self.block % self.period
        bosons = tuple(levels * b + k for b in self.bosons for k in range(levels))
        return SymmetryMap(self.sites, bosons, self.modes, self.odd, self.period, block, self.flips, self.about_x)


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
    bonds, hosts = model.cluster.bonds, {(mode.branch, mode.host, mode.index): m for m, mode in enumerate(model.modes)}
    bosons = {site: b for b, site in enumerate(model.boson_sites)}
    moved_bonds = _moved_bonds(bonds, sites, turn) if any(mode.host == "bond" for mode in model.modes) else {}
    images = []
    for mode in model.modes:
        image = sites[mode.index] if mode.host == "site" else moved_bonds.get(mode.index, -1)
        images.append(hosts.get((mode.branch, mode.host, image), -1))
    moved = tuple(bosons.get(sites[site], -1) for site in model.boson_sites)
    if -1 in images or -1 in moved or len(set(images)) < len(images):
        return None
    links = links_of(model.modes, bonds)
    coupled = [bond for bond, g in zip(links, model.couplings.bond_phonon, strict=True) if g]
    reverses = bool(coupled) and _turns_around(model, sites, coupled, turn)
    period = lcm(order(sites), order(tuple(images)), 2 if reverses and model.modes else 1)
    return Symmetry(name, sites, moved, tuple(images), reverses, period, block)


def _turns_around(model: Model, sites: Permutation, coupled: Sequence[Bond], turn: NDArray[np.float64] | None) -> bool:
    """True where every bond of some goes to one with the opposite sense; windings tell doubles apart."""
    bonds = model.cluster.bonds
    if not model.cluster.doubled:
        forward = {(bond.start, bond.end) for bond in bonds}
        return all((sites[bond.end], sites[bond.start]) in forward for bond in coupled)
    known = {(bond.start, bond.end, _rounded(bond.shares)) for bond in bonds}
    identity = np.eye(model.cluster.fluxes)
    for matrix in (identity, -identity) if turn is None else (turn,):
        images = [(sites[b.start], sites[b.end], matrix @ np.array(b.shares)) for b in coupled]
        if all((start, end, _rounded(shares)) in known for start, end, shares in images):
            return False
        if all((end, start, _rounded(-shares)) in known for start, end, shares in images):
            return True
    return False


def _rounded(shares: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((np.asarray(shares, float).round(6) + 0.0).tolist())


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
    """Return the exchange of up and down, a rotation of all spins by pi: the sign of its eigenvalue is (-1)^S.

    It is about y, or about x where couplings leave that axis alone only.
    """
    sites, bosons, modes = model.cluster.sites, len(model.boson_sites), len(model.modes)
    still = tuple(range(sites)), tuple(range(bosons)), tuple(range(modes))
    return Symmetry(SPIN_FLIP, *still, False, 2, block, _turns_about_x(model))


def _turns_about_x(model: Model) -> bool:
    c, bonds = model.couplings, model.cluster.bonds
    across = any(r and model.cluster.direction(b)[1] for b, r in zip(bonds, c.electron_rashba, strict=True))
    return (across or bool(np.any(c.electron_transverse_field))) and not np.any(c.electron_transverse_field_y)


def relabelled(operator: Operator, model: Model, symmetry: Symmetry) -> Operator:
    """Return ``U O U+`` for a symmetry U: every index moved, every odd phonon letter with its sign."""
    flipped_letters = FLIPPED_ABOUT_X if symmetry.about_x else FLIPPED

    def charge(word: ChargeWord) -> tuple[ChargeWord, complex]:
        if not symmetry.flips:
            n = len(symmetry.sites)  # levels of soft-core bosons have indices n, n + 1, ...
            return tuple((symbol, index // n * n + symmetry.sites[index % n]) for symbol, index in word), 1.0
        letters = [flipped_letters.get(symbol, (symbol, 1.0)) for symbol, _ in word]
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
