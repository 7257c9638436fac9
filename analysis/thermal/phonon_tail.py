"""The quanta that a phonon cutoff leaves out of free oscillators at temperature."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...hamiltonians import Model, Sector
from ...hamiltonians.conservation import frame_charge
from ...hamiltonians.space.frame import by_site, frame_parts
from ...hamiltonians.space.phonons import phonon_dimension
from .ensembles import Ensemble

POWERS = 3
"""Thermal numbers contain up to the second power of the quanta."""
SAFETY = 1.5
"""Factor between the largest cutoff error and its extrapolation."""
HELD = 0.5
"""Displacements of which a cap leaves out a larger share do not occur in its states."""
KNOWN = 1.05
"""The same factor where hardly anything is extrapolated."""
FAINTEST = 1e-280
LONGEST = 4000
"""Numbers of quanta in the tail of a mode."""


@dataclass(frozen=True)
class Caps:
    """The caps of a phonon space: on the quanta of each mode, of all modes together, or both."""

    max_quanta: int | None
    total_quanta: int | None

    @classmethod
    def of(cls, model: Model) -> Caps:
        """Return those of a model."""
        assert model.phonons is not None
        return cls(model.phonons.max_quanta, model.phonons.total_quanta)

    def on(self, model: Model) -> Model:
        """Return a model with these caps."""
        assert model.phonons is not None
        table = replace(model.phonons, cutoff=None, max_quanta=self.max_quanta, total_quanta=self.total_quanta)
        return replace(model, phonons=table)

    def scaled(self, largest: int) -> Caps:
        """Return caps in the same proportion, the largest of which is given."""
        most = max(cap for cap in (self.max_quanta, self.total_quanta) if cap is not None)
        new = [None if c is None else round(c * largest / most) if most else largest for c in vars(self).values()]
        return Caps(*new)

    @property
    def largest(self) -> int:
        """The larger one."""
        return max(cap for cap in (self.max_quanta, self.total_quanta) if cap is not None)

    def dimension(self, modes: int) -> int:
        """Return the number of phonon states."""
        return phonon_dimension(modes, self.max_quanta, self.total_quanta)

    def __str__(self) -> str:
        return ", ".join(f"{name} = {cap}" for name, cap in vars(self).items() if cap is not None)


@dataclass(frozen=True)
class Tail:
    """Probabilities of the quanta of free oscillators, displaced as the charges of a model may displace them.

    Attributes
    ----------
    modes : (modes, kinds, t, n) float
        Of each mode: first with all its displacements, each as likely as the others, then with each of them.
    total : (kinds, t, n) float
        Of all modes together.
    """

    modes: NDArray[np.float64] = field(repr=False)
    total: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, model: Model, kind: Ensemble, temperatures: NDArray[np.float64]) -> Tail:
        """Return those of a model."""
        places, frequency = list(displacements(model, kind)), model.couplings.frequency
        if not model.is_plain_lattice:
            frequency = np.minimum(frequency, model.lowest_frequency)
        furthest = np.array([at.max() for at in places])
        reach = np.max((furthest + 9) ** 2 + 45 * temperatures.max() / frequency)
        count, kinds = int(min(LONGEST, reach)), max(len(at) for at in places)
        modes = []
        for at, w in zip(places, frequency, strict=True):
            each = [displaced_thermal(x, w / temperatures, count) for x in at]
            modes.append([np.mean(each, axis=0), *each, *each[-1:] * (kinds - len(at))])
        total = np.array(modes[0])
        for mode in modes[1:]:
            for place in np.ndindex(*total.shape[:2]):
                total[place] = np.convolve(total[place], mode[place[0]][place[1]])[:count]
        return cls(np.array(modes), total)

    def beyond(self, caps: Caps, which: slice = slice(1)) -> NDArray[np.float64]:
        """Return S_k(c) for kinds of displacements, powers and temperatures."""
        found = np.zeros((*self.total[which].shape[:1], POWERS, self.total.shape[1]))
        if caps.total_quanta is not None:
            found += _beyond(self.total[which], caps.total_quanta)
        if caps.max_quanta is not None:
            found += sum(_beyond(mode[which], caps.max_quanta) for mode in self.modes)
        return found

    def factor(self, caps: Caps, low: Caps, high: Caps) -> NDArray[np.float64]:
        """Return by how much to multiply a difference between two caps to have what is beyond a third, shape (t,)."""
        here, below, above = (self.beyond(each, slice(None)) for each in (caps, low, high))
        between = below - above
        ratio = np.where(between > FAINTEST, here / np.maximum(between, FAINTEST), 1.0)
        held = (here[:, :1] <= HELD) | (np.arange(len(here)) == 0)[:, None, None]
        ratio = np.where(held, ratio, 0.0)
        left = np.where(held & (here > FAINTEST), above / np.maximum(here, FAINTEST), 0.0)
        return np.asarray((ratio * (KNOWN + (SAFETY - KNOWN) * np.clip(left, 0, 1))).max(axis=(0, 1)))


def _beyond(probabilities: NDArray[np.float64], cap: int) -> NDArray[np.float64]:
    tail = probabilities[..., cap + 1 :]
    n = np.arange(cap + 1, cap + 1 + tail.shape[-1]) + 1.0
    return np.stack([tail @ n**k for k in range(POWERS)], axis=-2)


def displaced_thermal(displacement: float, x: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    r"""Return the probabilities of 0, 1, ... quanta in a displaced oscillator at temperature.

    .. math:: p_n = \frac{\bar n^n}{(1 + \bar n)^{n+1}}\,e^{-\lambda^2/(1 + \bar n)}\,
              L_n\!\left(-\frac{\lambda^2}{\bar n(1 + \bar n)}\right),\quad \bar n = \frac{1}{e^{\omega_0/T} - 1}

    Parameters
    ----------
    displacement : float
        lambda, a = a' + lambda.
    x : (t,) float
        omega0 / T.
    count : int
        Largest number of quanta, plus one.

    Returns
    -------
    (t, count) float
        p_n.

    Examples
    --------
    >>> p = displaced_thermal(1.2, np.array([0.5]), 200)
    >>> p.sum().round(12), (p @ np.arange(200)).round(10) == np.round(1.2**2 + 1 / np.expm1(0.5), 10)
    (np.float64(1.0), array([ True]))
    """
    ratio = np.exp(-x)
    coherent = displacement**2 * (1.0 - ratio) ** 2
    found = np.zeros((len(x), count))
    found[:, 0] = (1.0 - ratio) * np.exp(-(displacement**2) * (1.0 - ratio))
    for n in range(count - 1):
        before = found[:, n - 1] if n else 0.0
        found[:, n + 1] = (((2 * n + 1) * ratio + coherent) * found[:, n] - n * ratio**2 * before) / (n + 1)
    return found


def displacements(model: Model, kind: Ensemble) -> Iterator[NDArray[np.float64]]:
    """Yield for each mode the displacements that charges on its site or bond may cause, from that of its frame."""
    couplings = model.couplings
    sector = kind.sector if kind.sector is not None and not kind.is_grand else Sector(model.max_charge // 2)
    parts = frame_parts(model, frame_charge(model, sector))
    uniform, sites = parts[0], [mode.index if mode.host == "site" else 0 for mode in model.modes]
    following = [part[sites, range(len(sites))] for part in by_site(parts)]
    each = np.array([couplings.electron_phonon, couplings.boson_phonon]) / couplings.frequency
    wide = not model.is_plain_lattice or model.couples_at_a_distance
    others = model.furthest / 2 if wide else np.zeros((len(sites), 0))
    bonds = np.abs(couplings.mode_bond) + np.max(np.abs(couplings.bond_phonon), initial=0.0)
    charges = list(itertools.product(range(3), range(model.most_bosons + 1)))
    for m, bond in enumerate(2 * bonds / couplings.frequency):
        (electron, boson), (e, b) = each[:, m], (part[m] for part in following)
        at = [n * (electron - e) + p * (boson - b) - uniform[m] for n, p in charges]
        turned = [2 * e - b * n for n in range(1, model.most_bosons + 1)]
        further = [
            x - lam for x in others[m].tolist() for lam in (uniform[m], uniform[m] + 2 * e + model.most_bosons * b)
        ]
        yield np.unique(np.round(np.abs([0.0, *at, e, *turned, bond, *further]), 9))
