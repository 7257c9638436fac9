"""The electron-boson configurations of a sector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..._core.display import counted, quantity
from ...clusters import Card, Shown
from ..model import Model
from ..sector import Sector, charges_of, spins_of
from ..soft_core import letter_of

IN_A_BUCKET = 16
"""Configurations with the same high bits, about, among which one is looked for."""


@dataclass(frozen=True, repr=False)
class ChargeBasis(Shown):
    """All configurations of electrons and local pairs with given N = N_e + 2 N_b and N_up - N_dn.

    A configuration is one integer. Bit ``i`` is an up electron on site i, bit ``sites + i`` a down electron, and bit
    ``2 sites + b`` the boson of the b-th boson site; the Fock state is
    ``c+_up,0 ... c+_up,L-1 c+_dn,0 ... c+_dn,L-1 |0>`` with the creators of the empty modes left out.

    Attributes
    ----------
    sites : int
        Number of sites L.
    boson_sites : tuple of int
        Sites with a local pair.
    states : (dim,) uint64
        Configurations, descending (QuSpin's order), read-only.
    levels : int
        Local pairs that fit on a site: then bit ``2 sites + levels b + k`` says that the b-th boson site has more than
        k of them.
    """

    sites: int
    boson_sites: tuple[int, ...]
    states: NDArray[np.uint64]
    levels: int = 1

    def card(self) -> Card:
        """Return how many configurations there are, and of what."""
        bosons = f", local pairs on {quantity(self.boson_sites)}" if self.boson_sites else ""
        return Card(f"{counted(len(self), 'charge configuration')} of {counted(self.sites, 'site')}{bosons}")

    @classmethod
    def of(cls, model: Model, sector: Sector) -> ChargeBasis:
        """Enumerate the configurations of a sector; none is a valid answer."""
        sites, bosons = model.cluster.sites, len(model.boson_sites)
        parts = [
            configurations(sites, model.most_electrons, bosons, charge, spin, model.most_bosons)
            for charge in charges_of(model, sector)
            for spin in spins_of(model, sector, charge)
        ]
        states = parts[0] if len(parts) == 1 else np.sort(np.concatenate([np.zeros(0, np.uint64), *parts]))[::-1].copy()
        states.setflags(write=False)
        return cls(sites, model.boson_sites, states, model.most_bosons)

    @property
    def bits(self) -> int:
        """Number of bits of a configuration."""
        return 2 * self.sites + self.levels * len(self.boson_sites)

    @property
    def boson_letters(self) -> tuple[int, ...]:
        """The indices of the letters of the bits of bosons: sites, or their levels where a site holds several."""
        if self.levels == 1:
            return self.boson_sites
        return tuple(letter_of(site, k, self.sites) for site in self.boson_sites for k in range(self.levels))

    def boson_bits(self, site: int) -> range:
        """Return the bits of a boson site."""
        first = 2 * self.sites + self.levels * self.boson_sites.index(site)
        return range(first, first + self.levels)

    def __len__(self) -> int:
        return len(self.states)

    @property
    def spins(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The bits of up and of down electrons of each configuration."""
        spin = np.uint64((1 << self.sites) - 1)
        return self.states & spin, (self.states >> np.uint64(self.sites)) & spin

    def occupation(self, bit: int) -> NDArray[np.float64]:
        """Return 0 or 1 for each configuration: the occupation of one bit."""
        return ((self.states >> np.uint64(bit)) & np.uint64(1)).astype(float)

    def electrons(self, site: int, spin: str) -> NDArray[np.float64]:
        """Return ``n_{site, spin}`` of each configuration."""
        return self.occupation(site + (0 if spin == "up" else self.sites))

    def bosons(self, site: int) -> NDArray[np.float64]:
        """Return ``b+ b`` of each configuration; zero on sites without a boson."""
        bits = self.boson_bits(site) if site in self.boson_sites else ()
        return np.asarray(sum(map(self.occupation, bits), np.zeros(len(self))))

    def index(self, states: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the position of each configuration in the basis, -1 where it is not there."""
        ascending = self.states[::-1]
        if not len(ascending):
            return np.full(len(states), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(ascending, states), len(ascending) - 1)
        return np.where(ascending[place] == states, len(ascending) - 1 - place, -1).astype(np.int64)

    @cached_property
    def buckets(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], np.uint64]:
        """What compiled kernels need to find a configuration among few: see `kernels.configurations`."""
        states = self.states.view()
        states.setflags(write=False)
        wanted = (len(states) // IN_A_BUCKET).bit_length()
        shift = max(0, int(states[0]).bit_length() - wanted) if len(states) else 0
        edges = np.arange((int(states[0]) >> shift) + 1 if len(states) else 0, dtype=np.uint64) << np.uint64(shift)
        first = len(states) - np.searchsorted(states[::-1], edges)
        return states, np.append(first, 0), np.uint64(shift)

    def label(self, number: int) -> str:
        """Return a configuration as text, one symbol for each site.

        ``.`` empty, ``u`` up, ``d`` down, ``2`` both; after the bar ``B`` or ``.`` for each boson site, their number
        where it holds several.
        """
        state = int(self.states[number])
        symbols = ".ud2"
        electrons = "".join(symbols[(state >> i & 1) + 2 * (state >> (self.sites + i) & 1)] for i in range(self.sites))
        counts = [sum(state >> bit & 1 for bit in self.boson_bits(site)) for site in self.boson_sites]
        bosons = "".join("." if not n else "B" if self.levels == 1 else f"{n:x}" for n in counts)
        return f"{electrons}|{bosons}" if bosons else electrons


def _subsets(bits: int, ones: int) -> NDArray[np.uint64]:
    """All integers of `bits` bits with `ones` bits set."""
    if not 0 <= ones <= bits:
        return np.zeros(0, np.uint64)
    return np.array([sum(1 << i for i in places) for places in combinations(range(bits), ones)], np.uint64)


def _fillings(sites: int, levels: int, number: int) -> NDArray[np.uint64]:
    """All integers of so many groups of bits, each filled from below, with `number` bits set."""
    if levels == 1:
        return _subsets(sites, number)
    found = {0: np.zeros(1, np.uint64)}
    for group in range(sites):
        grown: dict[int, list[NDArray[np.uint64]]] = {}
        for before, states in found.items():
            for n in range(min(levels, number - before) + 1):
                grown.setdefault(before + n, []).append(states | np.uint64(((1 << n) - 1) << (group * levels)))
        found = {total: np.concatenate(parts) for total, parts in grown.items()}
    return found.get(number, np.zeros(0, np.uint64))


def _fillings_count(sites: int, levels: int, number: int) -> int:
    """Return how many integers `_fillings` gives."""
    if levels == 1:
        return comb(sites, number)
    counts = np.array([1], object)
    for _ in range(sites):
        counts = np.convolve(counts, np.ones(levels + 1, object))
    return int(counts[number]) if number < len(counts) else 0


def configurations(
    sites: int, most_electrons: int, boson_sites: int, charge: int, two_sz: int, levels: int = 1
) -> NDArray[np.uint64]:
    """Enumerate the configurations of N = charge and N_up - N_dn = two_sz, descending.

    Parameters
    ----------
    sites, boson_sites : int
        Number of sites, and of sites with a local pair.
    most_electrons : int
        How many electrons fit on a site: 2, 1, or 0 where the model has none.
    charge, two_sz : int
        Quantum numbers.
    levels : int
        How many local pairs fit on a site.

    Returns
    -------
    (dim,) uint64
        See `ChargeBasis` for the bits.

    Examples
    --------
    >>> configurations(1, 2, 1, 2, 0), configurations(2, 1, 0, 2, 0)  # one boson or two electrons; no double occupancy
    (array([4, 3], dtype=uint64), array([9, 6], dtype=uint64))
    """
    shift_dn, shift_b = np.uint64(sites), np.uint64(2 * sites)
    electrons, bosons = [], []
    for pairs, up, dn in species_numbers(sites, most_electrons, boson_sites, charge, two_sz, levels):
        ups, downs = _subsets(sites, up)[None, :], _subsets(sites, dn)[:, None]
        together = ((downs << shift_dn) | ups)[(ups & downs == 0) | (most_electrons == 2)]
        electrons.append(np.sort(together.ravel())[::-1])
        bosons.append(_fillings(boson_sites, levels, pairs) << shift_b)
    if not bosons:
        return np.zeros(0, np.uint64)
    order = np.argsort(np.concatenate(bosons))[::-1]  # the bosons have the highest bits
    numbers = np.repeat([len(own) for own in electrons], [len(own) for own in bosons])
    begin = np.empty(len(order), np.int64)
    begin[order] = np.cumsum(numbers[order]) - numbers[order]
    states = np.empty(int(numbers.sum()), np.uint64)
    parts = np.split(begin, np.cumsum([len(own) for own in bosons])[:-1])
    for electron, boson, starts in zip(electrons, bosons, parts, strict=True):
        states[starts[:, None] + np.arange(len(electron))] = boson[:, None] | electron
    return states


def species_numbers(
    sites: int, most_electrons: int, boson_sites: int, charge: int, two_sz: int, levels: int = 1
) -> list[tuple[int, int, int]]:
    """Return every (N_b, N_up, N_dn) that the quantum numbers allow."""
    found = []
    for pairs in range(levels * boson_sites + 1):
        electrons = charge - 2 * pairs
        up, odd = divmod(electrons + two_sz, 2)
        dn = electrons - up
        most = sites if most_electrons else 0
        if not odd and 0 <= up <= most and 0 <= dn <= most and electrons <= most_electrons * sites:
            found.append((pairs, up, dn))
    return found


def charge_dimension(model: Model, sector: Sector) -> int:
    """Return the number of configurations of a sector, without enumerating them."""
    sites, bosons = model.cluster.sites, len(model.boson_sites)
    levels = model.most_bosons
    numbers = [
        found
        for charge in charges_of(model, sector)
        for spin in spins_of(model, sector, charge)
        for found in species_numbers(sites, model.most_electrons, bosons, charge, spin, levels)
    ]
    free = [sites - up if model.most_electrons == 1 else sites for _, up, _ in numbers]
    every = [_fillings_count(bosons, levels, pairs) for pairs, *_ in numbers]
    return sum(
        count * comb(sites, up) * comb(left, dn) for count, (_, up, dn), left in zip(every, numbers, free, strict=True)
    )


def is_electrons_alone(model: Model, sector: Sector) -> bool:
    """True where a sector has neither local pairs nor modes, and as many electrons of each spin in every state."""
    is_mixed = sector.has_all_spins or sector.parity is not None
    return model.most_electrons == 2 and not model.boson_sites and not model.modes and not is_mixed
