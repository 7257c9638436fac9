"""The electron-boson configurations of a sector."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from ..._core.display import counted, quantity
from ...clusters import Card, Shown
from ..model import Model


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
    """

    sites: int
    boson_sites: tuple[int, ...]
    states: NDArray[np.uint64]

    def card(self) -> Card:
        """Return how many configurations there are, and of what."""
        bosons = f", local pairs on {quantity(self.boson_sites)}" if self.boson_sites else ""
        return Card(f"{counted(len(self), 'charge configuration')} of {counted(self.sites, 'site')}{bosons}")

    @classmethod
    def of(cls, model: Model, charge: int, two_sz: int) -> ChargeBasis:
        """Enumerate the configurations of a sector; none is a valid answer."""
        sites, bosons = model.cluster.sites, len(model.boson_sites)
        states = configurations(sites, model.most_electrons, bosons, charge, two_sz)
        states.setflags(write=False)
        return cls(sites, model.boson_sites, states)

    @property
    def bits(self) -> int:
        """Number of bits of a configuration."""
        return 2 * self.sites + len(self.boson_sites)

    def __len__(self) -> int:
        return len(self.states)

    def occupation(self, bit: int) -> NDArray[np.float64]:
        """Return 0 or 1 for each configuration: the occupation of one bit."""
        return ((self.states >> np.uint64(bit)) & np.uint64(1)).astype(float)

    def electrons(self, site: int, spin: str) -> NDArray[np.float64]:
        """Return ``n_{site, spin}`` of each configuration."""
        return self.occupation(site + (0 if spin == "up" else self.sites))

    def bosons(self, site: int) -> NDArray[np.float64]:
        """Return ``b+ b`` of each configuration; zero on sites without a boson."""
        if site not in self.boson_sites:
            return np.zeros(len(self))
        return self.occupation(2 * self.sites + self.boson_sites.index(site))

    def index(self, states: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the position of each configuration in the basis, -1 where it is not there."""
        ascending = self.states[::-1]
        if not len(ascending):
            return np.full(len(states), -1, dtype=np.int64)
        place = np.minimum(np.searchsorted(ascending, states), len(ascending) - 1)
        return np.where(ascending[place] == states, len(ascending) - 1 - place, -1).astype(np.int64)

    def label(self, number: int) -> str:
        """Return a configuration as text, one symbol for each site.

        ``.`` empty, ``u`` up, ``d`` down, ``2`` both; after the bar ``B`` or ``.`` for each boson site.
        """
        state = int(self.states[number])
        symbols = ".ud2"
        electrons = "".join(symbols[(state >> i & 1) + 2 * (state >> (self.sites + i) & 1)] for i in range(self.sites))
        bosons = "".join("B" if state >> (2 * self.sites + b) & 1 else "." for b in range(len(self.boson_sites)))
        return f"{electrons}|{bosons}" if bosons else electrons


def _subsets(bits: int, ones: int) -> NDArray[np.uint64]:
    """All integers of `bits` bits with `ones` bits set."""
    if not 0 <= ones <= bits:
        return np.zeros(0, np.uint64)
    return np.array([sum(1 << i for i in places) for places in combinations(range(bits), ones)], np.uint64)


def configurations(sites: int, most_electrons: int, boson_sites: int, charge: int, two_sz: int) -> NDArray[np.uint64]:
    """Enumerate the configurations of N = charge and N_up - N_dn = two_sz, descending.

    Parameters
    ----------
    sites, boson_sites : int
        Number of sites, and of sites with a local pair.
    most_electrons : int
        How many electrons fit on a site: 2, 1, or 0 where the model has none.
    charge, two_sz : int
        Quantum numbers.

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
    blocks = []
    for pairs, up, dn in species_numbers(sites, most_electrons, boson_sites, charge, two_sz):
        ups, downs = _subsets(sites, up)[None, :], _subsets(sites, dn)[:, None]
        electron = ((downs << shift_dn) | ups)[(ups & downs == 0) | (most_electrons == 2)]
        boson = _subsets(boson_sites, pairs) << shift_b
        blocks.append((boson[:, None] | electron.reshape(1, -1)).ravel())
    return np.sort(np.concatenate(blocks))[::-1].copy() if blocks else np.zeros(0, np.uint64)


def species_numbers(
    sites: int, most_electrons: int, boson_sites: int, charge: int, two_sz: int
) -> list[tuple[int, int, int]]:
    """Return every (N_b, N_up, N_dn) that the quantum numbers allow."""
    found = []
    for pairs in range(boson_sites + 1):
        electrons = charge - 2 * pairs
        up, odd = divmod(electrons + two_sz, 2)
        dn = electrons - up
        most = sites if most_electrons else 0
        if not odd and 0 <= up <= most and 0 <= dn <= most and electrons <= most_electrons * sites:
            found.append((pairs, up, dn))
    return found


def charge_dimension(model: Model, charge: int, two_sz: int) -> int:
    """Return the number of configurations of a sector, without enumerating them."""
    sites, bosons = model.cluster.sites, len(model.boson_sites)
    numbers = species_numbers(sites, model.most_electrons, bosons, charge, two_sz)
    free = [sites - up if model.most_electrons == 1 else sites for _, up, _ in numbers]
    each = zip(numbers, free, strict=True)
    return sum(comb(bosons, pairs) * comb(sites, up) * comb(left, dn) for (pairs, up, dn), left in each)


def is_electrons_alone(model: Model) -> bool:
    """True where a model has neither local pairs nor modes, and spins up and down are placed independently."""
    return model.most_electrons == 2 and not model.boson_sites and not model.modes
