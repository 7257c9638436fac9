"""Thermal sums over all blocks, whole and with each random vector left out: values and jackknife errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import t as student

from ...clusters import InvalidValue
from ..labelled import labelled
from ..observables.table import OBSERVABLES
from .block_files import KeptBlocks
from .block_sums import block_sums
from .block_terms import Averages, Contribution
from .blocks import plan
from .ensembles import ThermalSum

SKEWED = 0.75
"""Where one level counts, error bars are longer by this share, so that two of them hold in 95 % of all points."""
Replicates = NDArray[Any]
"""Shape (1 + samples, temperatures, ...): first the value from all random vectors, then with each left out."""
MARGIN = 1.3
"""More random vectors than an error bar, which is an estimate itself, asks for."""
MOST_SAMPLES = 100_000
SIGMAS = ((1, 0.841345), (2, 0.977250))
"""Shares of a normal distribution below one and two standard deviations."""


@dataclass(frozen=True)
class Totals:
    """Thermal sums over an ensemble.

    Attributes
    ----------
    temperatures : (t,) float
        T.
    lowest : Replicates
        Energy from which Boltzmann factors are counted: the lowest level, with the shift of mu in it.
    log_partition : Replicates
        ``ln sum exp(-(E - lowest) / T)``, with the shift of mu in E.
    energy, charge : Replicates
        Averages of E - lowest, and of N.
    energy_variance, charge_variance, spin_variance : Replicates
        Variances of E, N and S_z.
    shift : Replicates
        The chemical potential added to that in the Hamiltonian of a sector; a far one is all of it (`far_potential`).
    observables : mapping of str to Replicates
        Averages.
    """

    temperatures: NDArray[np.float64]
    lowest: Replicates = field(repr=False)
    log_partition: Replicates = field(repr=False)
    energy: Replicates = field(repr=False)
    charge: Replicates = field(repr=False)
    energy_variance: Replicates = field(repr=False)
    charge_variance: Replicates = field(repr=False)
    spin_variance: Replicates = field(repr=False)
    shift: Replicates = field(repr=False)
    observables: Mapping[str, Replicates] = field(repr=False)
    _reference: tuple[NDArray[np.float64], ...] = field(repr=False)

    def above(self, origin: float, charge: int) -> NDArray[np.float64]:
        """Return how far an energy of a charge, the shift of mu in it, lies above `lowest`; from all vectors."""
        start, filled, rest = self._reference
        return np.asarray((origin - start) - self.shift[0] * (charge - filled) - rest)

    @classmethod
    def of(
        cls,
        parts: Sequence[Contribution],
        temperatures: NDArray[np.float64],
        charge: float | None = None,
        shift: Replicates | None = None,
    ) -> Totals:
        """Add blocks up.

        Parameters
        ----------
        parts : sequence of Contribution
            One for each block; sampled ones all with the same number of random vectors.
        temperatures : (t,) float
            T.
        charge : float, optional
            Wanted <N>, for which the chemical potential is found at each temperature.
        shift : Replicates, optional
            What is added to the chemical potential at each temperature, in its place; with a row for each random vector
            left out where it was found with them.

        Raises
        ------
        ValueError
            If no chemical potential gives that charge.
        """
        count = max(len(part.partition) for part in parts)
        sectors = [part.member.sector for part in parts]
        n = np.array([0.0 if sector.parity else sector.charge for sector in sectors])[:, None, None]
        spin = np.array([0.5 * part.member.sector.spin_excess for part in parts])[:, None, None]
        one_sided = np.array([part.member.spin_copies == 1 for part in parts])[:, None, None]
        origin = np.array([part.origin for part in parts])[:, None, None]
        copies = np.array([part.member.copies for part in parts], dtype=float)[:, None, None]
        z, e1, e2 = (
            np.array([replicates_of(getattr(part, name), count) for part in parts])
            for name in ("partition", "energy", "energy_squared")
        )
        shift = np.zeros(z.shape[1:]) + (0.0 if shift is None else shift)
        if charge is not None:
            log_weight = np.log(copies * z) - (origin - origin.min()) / temperatures
            shift = _shifts(log_weight, n.ravel(), temperatures, charge)
        first = np.argmin(origin - shift * n, axis=0)[None]  # differences from it have all digits for any mu
        start, filled = (np.take_along_axis(x + np.zeros_like(shift), first, axis=0) for x in (origin, n))
        above = (origin - start) - shift * (n - filled)
        rest = np.min(above, axis=0)
        lowest, above = (start - shift * filled)[0] + rest, above - rest
        factor = copies * np.exp(-above / temperatures)
        total = np.sum(factor * z, axis=0)

        def average(values: NDArray[Any]) -> Replicates:
            inner = (1,) * (values.ndim - 3)
            mean: Replicates = np.sum(factor.reshape(*factor.shape, *inner) * values, axis=0)
            return np.asarray(mean / total.reshape(*total.shape, *inner))

        energy, mean_charge, mean_spin = average(e1 + above * z), average(n * z), average(spin * one_sided * z)
        beyond = above - energy
        observables = {}
        for name in set.intersection(*(set(part.sums) for part in parts)):  # blocks of former versions have fewer
            rows, odd = [], name in OBSERVABLES and OBSERVABLES[name].odd
            for part in parts:  # conjugate states conjugate an average, reversed spins S_z
                values, member = replicates_of(part.sums[name], count), part.member
                if odd and member.spin_copies > 1:
                    values = np.zeros_like(values)
                rows.append(values.real + 0j if member.copies > member.spin_copies else values)
            observables[name] = average(np.array(rows))
        return cls(
            temperatures,
            lowest,
            np.log(total),
            energy,
            mean_charge,
            average(e2 + 2 * beyond * e1 + beyond**2 * z),
            average((n - mean_charge) ** 2 * z),
            average(0.5 * sum((sign * spin - mean_spin) ** 2 for sign in (1, np.where(one_sided, 1, -1))) * z),
            shift,
            observables,
            (start[0, 0], filled[0, 0], rest[0]),
        )


def replicates_of(rows: NDArray[Any], count: int) -> Replicates:
    """Return the mean over all rows, and the means with each row left out; the same for all where there is one row."""
    if count == 1:
        return rows
    if len(rows) == 1:
        return np.repeat(rows, count + 1, axis=0)
    total = rows.sum(axis=0)
    return np.concatenate([total[None] / count, (total - rows) / (count - 1)])


def _shifts(
    log_weight: NDArray[np.float64], number: NDArray[np.float64], temperatures: NDArray[np.float64], charge: float
) -> NDArray[np.float64]:
    r"""Return the change of mu that gives a charge, for every replicate and temperature.

    ``<N>`` is flat in a gap. The logarithm of the odds of a larger against a smaller charge rises everywhere,

    .. math:: g(\mu) = \ln\sum_{N > n}(N - n) z_N e^{\mu N/T} - \ln\sum_{N < n}(n - N) z_N e^{\mu N/T},

    by no less per mu than the distance of the charges next to n, over T, so that its zero is bracketed.
    """
    distance = number - charge
    more, fewer = distance > 0, distance < 0
    if not (more.any() and fewer.any()):
        raise InvalidValue(
            f"the charge {charge:g} is out of reach; it must lie between {number.min():g} and {number.max():g}"
        )
    logs = log_weight + np.log(np.where(distance == 0, 1.0, np.abs(distance)))[:, None, None]
    nearest = distance[more].min() - distance[fewer].max()
    shift = np.zeros(log_weight.shape[1:])
    for place in np.ndindex(*shift.shape):
        up, down = logs[(more, *place)], logs[(fewer, *place)]

        def odds(x: float, up: NDArray[np.float64] = up, down: NDArray[np.float64] = down) -> float:
            return float(logsumexp(up + x * distance[more]) - logsumexp(down + x * distance[fewer]))

        ends = sorted((0.0, -1.0000001 * odds(0.0) / nearest))
        found = brentq(odds, *ends, xtol=1e-13, rtol=1e-14) if ends[0] < ends[1] else 0.0
        shift[place] = temperatures[place[-1]] * found
    return shift


def jackknife(
    replicates: Replicates, sigmas: Sequence[tuple[int, float]] = SIGMAS
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return value and error of a quantity; the error is zero where nothing was sampled.

    The spread of few vectors is itself uncertain. The error bar is longer by Student's distribution: the mean of the
    factors with which one and two bars (`sigmas`) cover as often as those of a normal distribution.

    Examples
    --------
    >>> value, error = jackknife(np.array([[2.0], [1.9], [2.1], [1.9], [2.1]]))  # of four vectors
    >>> value, error.round(4)
    (array([2.]), array([0.2468]))
    """
    value, others = replicates[0], replicates[1:]
    if not len(others):
        return value, np.zeros(value.shape)
    spread = np.abs(others - others.mean(axis=0)) ** 2
    few = np.mean([student.ppf(share, len(others) - 1) / n for n, share in sigmas])
    return value, np.asarray(few * np.sqrt((len(others) - 1) / len(others) * spread.sum(axis=0)))


def jackknife_of_averages(replicates: Replicates, totals: Totals) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return value and error of a thermal average; the error is longer where few levels count."""
    value, error = jackknife(replicates)
    return value, error * few_levels(totals).reshape(-1, *(1,) * (error.ndim - 1))


def few_levels(totals: Totals) -> NDArray[np.float64]:
    r"""Return by which factor error bars are longer at each temperature because few levels count.

    .. math:: 1 + s\,e^{-S}

    with the entropy S and s = `SKEWED`. The share of a single level in random vectors follows a skewed distribution:
    vectors in which it is small agree too well with each other.
    """
    entropy = totals.log_partition[0] + totals.energy[0] / totals.temperatures
    return np.asarray(1.0 + SKEWED * np.exp(-np.maximum(entropy, 0.0)))


def with_error(
    name: str,
    found: tuple[NDArray[Any], NDArray[np.float64]],
    dims: Sequence[str],
    formula: str,
    units: str = "1",
    coords: Mapping[str, object] | None = None,
) -> dict[str, xr.DataArray]:
    """Return a value and its error bar as ``NAME`` and ``NAME_error``."""
    texts = {name: formula, f"{name}_error": f"error bar of {name}"}
    return {n: labelled(n, v, dims, text, units, coords) for v, (n, text) in zip(found, texts.items(), strict=True)}


@dataclass(frozen=True)
class Summed:
    """Thermal sums over an ensemble, and how they were made.

    Attributes
    ----------
    totals : Totals
        The sums.
    asked : ThermalSum
        With the number of random vectors that was taken.
    sampled : int
        Blocks that were summed over with them.
    skipped : float
        Bound on the share of the blocks that were left out.
    kept : KeptBlocks
        Blocks on disk.
    """

    totals: Totals
    asked: ThermalSum
    sampled: int
    skipped: float
    kept: KeptBlocks


def thermal_totals(
    asked: ThermalSum, names: tuple[str, ...] = (), grid: Sequence[float] | NDArray[np.float64] = (), what: str = ""
) -> Summed:
    """Return the sums of observables over all blocks, with as many random vectors as the wanted error takes.

    Parameters
    ----------
    asked : ThermalSum
        The sum.
    names : tuple of str
        Observables.
    grid : (n,) float
        X of P(X).
    what : str
        The quantity, for the progress.
    """
    summed = Averages(asked.temperatures, names, np.asarray(grid, float))
    planned, skipped = plan(asked, what, twins=summed.twins(asked))
    while True:
        parts, kept = block_sums(asked, summed, planned, what)
        totals = Totals.of(parts, asked.temperatures, asked.charge, np.full((1, 1), asked.potential))
        needed = _needed_samples(totals, asked)
        if needed <= asked.sampling.samples:
            return Summed(totals, asked, sum(not part.exact for part in parts), skipped, kept)
        kept.remove()
        asked = replace(asked, sampling=replace(asked.sampling, samples=needed))


def _needed_samples(totals: Totals, asked: ThermalSum) -> int:
    """Return how many random vectors the wanted error bar takes; errors fall with their square root."""
    error, sampling = float(np.max(jackknife_of_averages(totals.energy, totals)[1])), asked.sampling
    if sampling.target_error is None or error <= sampling.target_error:
        return sampling.samples
    needed = math.ceil(MARGIN * sampling.samples * (error / sampling.target_error) ** 2)
    if needed > MOST_SAMPLES:
        raise InvalidValue(
            f"target_error = {sampling.target_error:g} would take {needed:,} random vectors of each block, and at most "
            f"{MOST_SAMPLES:,} are taken; {sampling.samples} gave {error:.2g}"
        )
    return needed


def settled(asked: ThermalSum) -> tuple[ThermalSum, Replicates]:
    """Return a sum with the number of vectors that its error bar takes, and what is added to mu.

    Both are found by thermal averages, for spectra and the response to a flux. The shifts that leave a random vector
    out carry the uncertainty of mu over to the errors of these.
    """
    if asked.charge is None and asked.sampling.target_error is None:
        return asked, np.full((1, len(asked.temperatures)), asked.potential)
    found = thermal_totals(asked, what="chemical potential")
    found.kept.remove()
    sampling = replace(found.asked.sampling, target_error=None)
    return replace(asked, sampling=sampling), found.totals.shift
