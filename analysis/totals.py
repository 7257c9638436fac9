"""Thermal sums over all blocks, whole and with each random vector left out: values and jackknife errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..clusters import InvalidValue
from .contributions import Contribution

Replicates = NDArray[Any]
"""Shape (1 + samples, temperatures, ...): first the value from all random vectors, then with each left out."""
FURTHEST = 1e6
"""Chemical potentials are sought within this distance of that of the model, in units of max(T, 1)."""


@dataclass(frozen=True)
class Totals:
    """Thermal sums over an ensemble.

    Attributes
    ----------
    temperatures : (t,) float
        T.
    lowest : float
        Energy from which Boltzmann factors are counted.
    partition : Replicates
        ``sum exp(-(E - lowest) / T)``, with the shift of mu in E.
    energy, energy_squared, charge, charge_squared, spin_squared, shift : Replicates
        Averages of E - lowest, its square, N, N^2, S_z^2, and the chemical potential added to that of the model.
    observables : mapping of str to Replicates
        Averages.
    """

    temperatures: NDArray[np.float64]
    lowest: float
    partition: Replicates = field(repr=False)
    energy: Replicates = field(repr=False)
    energy_squared: Replicates = field(repr=False)
    charge: Replicates = field(repr=False)
    charge_squared: Replicates = field(repr=False)
    spin_squared: Replicates = field(repr=False)
    shift: Replicates = field(repr=False)
    observables: Mapping[str, Replicates] = field(repr=False)

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
        lowest = min(part.origin for part in parts)
        number = np.array([part.member.sector.charge for part in parts], dtype=float)
        origin = np.array([part.origin - lowest for part in parts])
        copies = np.array([part.member.copies for part in parts], dtype=float)
        z = np.array([replicates_of(part.partition, count) for part in parts])
        log_weight = np.log(copies)[:, None] - origin[:, None] / temperatures
        shift = np.zeros(z.shape[1:]) + (0.0 if shift is None else shift)
        if charge is not None:
            shift = _shifts(np.log(z) + log_weight[:, None], number, temperatures, charge)
        factor = np.exp(log_weight[:, None] + _largest_out(shift * number[:, None, None] / temperatures))
        total = np.sum(factor * z, axis=0)

        def average(values: NDArray[Any]) -> Replicates:
            inner = (1,) * (values.ndim - 3)
            mean: Replicates = np.sum(factor.reshape(*factor.shape, *inner) * values, axis=0)
            return np.asarray(mean / total.reshape(*total.shape, *inner))

        above = origin[:, None, None] - shift * number[:, None, None]
        e1 = np.array([replicates_of(part.energy, count) for part in parts])
        e2 = np.array([replicates_of(part.energy_squared, count) for part in parts])
        spin = np.array([(0.5 * part.member.sector.spin_excess) ** 2 for part in parts])
        n = number[:, None, None]
        scale = np.exp(np.max(shift * n / temperatures, axis=0))
        return cls(
            temperatures,
            lowest,
            total * scale,
            average(e1 + above * z),
            average(e2 + 2 * above * e1 + above**2 * z),
            average(n * z),
            average(n**2 * z),
            average(spin[:, None, None] * z),
            shift,
            _observables(parts, count, average),
        )


def _observables(
    parts: Sequence[Contribution], count: int, average: Callable[[NDArray[Any]], Replicates]
) -> dict[str, Replicates]:
    found = {}
    for name in parts[0].sums:
        found[name] = average(np.array([_with_copies(part, name, count) for part in parts]))
    return found


def _with_copies(part: Contribution, name: str, count: int) -> Replicates:
    """Return the mean over a block and its copies: conjugate states conjugate an average, a turned spin turns S_z."""
    values = replicates_of(part.sums[name], count)
    if name == "spin_z" and part.member.spin_copies > 1:
        return np.zeros_like(values)
    return values.real + 0j if part.member.copies > part.member.spin_copies else values


def replicates_of(rows: NDArray[Any], count: int) -> Replicates:
    """Return the mean over all rows, and the means with each row left out; the same for all where there is one row."""
    if count == 1:
        return rows
    if len(rows) == 1:
        return np.repeat(rows, count + 1, axis=0)
    total = rows.sum(axis=0)
    return np.concatenate([total[None] / count, (total - rows) / (count - 1)])


def _largest_out(exponents: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(exponents - np.max(exponents, axis=0))


def _shifts(
    log_weight: NDArray[np.float64], number: NDArray[np.float64], temperatures: NDArray[np.float64], charge: float
) -> NDArray[np.float64]:
    """Return the change of mu that gives a charge, for every replicate and temperature."""
    shift = np.zeros(log_weight.shape[1:])
    if not number.min() < charge < number.max():
        raise InvalidValue(
            f"the charge {charge:g} is out of reach; it must lie between {number.min():g} and {number.max():g}"
        )
    for place in np.ndindex(*shift.shape):
        logs, t = log_weight[(slice(None), *place)], temperatures[place[-1]]

        def excess(mu: float, logs: NDArray[np.float64] = logs, t: float = float(t)) -> float:
            exponents = logs + mu * number / t
            weights = np.exp(exponents - exponents.max())
            return float(weights @ number / weights.sum()) - charge

        reach = first = float(t) * (1.0 + float(np.ptp(logs[np.isfinite(logs)])))
        while not excess(-reach) < 0 < excess(reach):
            reach *= 2
            if reach > FURTHEST * first:
                raise InvalidValue(f"no chemical potential gives the charge {charge:g} at T = {t:g}")
        shift[place] = brentq(excess, -reach, reach, xtol=1e-13 * float(t), rtol=1e-14)
    return shift


def jackknife(replicates: Replicates) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return value and error of a quantity; the error is zero where nothing was sampled.

    Examples
    --------
    >>> jackknife(np.array([[2.0], [1.9], [2.1]]))  # of two vectors
    (array([2.]), array([0.1]))
    """
    value, others = replicates[0], replicates[1:]
    if not len(others):
        return value, np.zeros(value.shape)
    spread = np.abs(others - others.mean(axis=0)) ** 2
    return value, np.asarray(np.sqrt((len(others) - 1) / len(others) * spread.sum(axis=0)))
