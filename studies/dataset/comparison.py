"""How far numbers that were computed again may be from the published ones: as far as their certificates allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

ROUNDING = 1e-11
"""Relative, of numbers that have an error bar: sums are added up in another order on another machine."""
AVERAGES = 1e-9
"""Relative, of numbers that have none."""
WIDE_ERRORS = 9.0
"""Error bars are themselves known to an order of magnitude."""
UNKNOWN_GAP = 1e-3
"""The distance to the next level where a study does not give it."""
ERRORS = ("error", "errors", "bounds", "leaks", "leak", "admixture", "defect", "defects")
"""Endings of what is an error bar itself."""
CUTOFF = "error bar of "
"""So begin the formulas of error bars that are what the cutoff does, the same each time."""
FREE = ("wall_time", "version", "engine", "stored", "error")
"""What is another one each time or in each version."""
NOISE = ("residual", "residuals", "orbitals")
"""Endings of what is noise, or free up to a phase."""


@dataclass(frozen=True)
class Deviation:
    """One variable of a point, computed again.

    Attributes
    ----------
    variable : str
        Its name.
    published, again : float or str
        Where it deviates most.
    ratio : float
        ``|again - published|`` over what is allowed; 1 or less is right, infinity for another text or shape.
    allowed : float
        The largest deviation that the certificates allow there.
    """

    variable: str
    published: float | str
    again: float | str
    ratio: float
    allowed: float

    def __str__(self) -> str:
        if not self.allowed:
            return f"{self.variable} is published as {self.published!r} and comes out as {self.again!r}"
        return f"{self.variable} is published as {self.published!r} and comes out as {self.again!r}, which is " + (
            f"{self.ratio:.3g} times as far off as its certificate allows ({self.allowed:.1e})"
        )


def deviations(published: xr.Dataset, again: xr.Dataset, unit: float = 1.0) -> Iterator[Deviation]:
    """Yield how far every published variable of a point is off; a later version may compute more.

    Allowed is the sum of both error bars where a variable has them (``energies`` has ``energy_errors``); else, for an
    average in a state, the admixture of other states (residual over gap, or what the task itself gives) times the
    largest value; and rounding errors always, of energies relative to the `unit` of the model where values are smaller.

    Examples
    --------
    >>> kept = xr.Dataset({"energies": ("level", [-1.0]), "energy_errors": ("level", [1e-6])})
    >>> [(d.variable, d.ratio < 1) for d in deviations(kept, kept.assign(energies=("level", [-1.000001])))]
    [('energies', True), ('energy_errors', True)]
    """
    for name in sorted(map(str, published.data_vars)):
        if name in FREE or _ends(name, NOISE):
            continue
        if name not in again:
            yield Deviation(name, "there", "missing", np.inf, 0.0)
            continue
        yield _deviation(name, published, again, unit)


def _deviation(name: str, published: xr.Dataset, again: xr.Dataset, unit: float) -> Deviation:
    old, new = published[name], again[name]
    if old.dims != new.dims or any(old.sizes[dim] < new.sizes[dim] for dim in new.dims):
        return Deviation(name, str(dict(old.sizes)), str(dict(new.sizes)), np.inf, 0.0)
    before, after = old.values, _padded(new.values, old.shape, old.dtype)
    if before.dtype.kind in "USb":
        other = before != after
        if not other.any():
            return Deviation(name, "", "", 0.0, 0.0)
        return Deviation(name, str(before[other][0]), str(after[other][0]), np.inf, 0.0)
    limit = np.broadcast_to(_allowed(name, published, again, unit), before.shape)
    with np.errstate(invalid="ignore"):
        distance = np.where(np.isnan(before) & np.isnan(after) | (before == after), 0.0, np.abs(after - before))
        ratio = np.where(distance == 0, 0.0, np.where(np.isnan(distance), np.inf, distance / limit)).ravel()
    if not ratio.size:
        return Deviation(name, "", "", 0.0, 0.0)
    k = int(np.argmax(ratio))
    first, second = (values.ravel()[k].item() for values in (before, after))
    return Deviation(name, first, second, float(ratio[k]), float(limit.ravel()[k]))


def _padded(values: NDArray[np.generic], shape: tuple[int, ...], kind: np.dtype[np.generic]) -> NDArray[np.generic]:
    """Fill up a shorter array as sweeps do."""
    if values.shape == shape:
        return values
    whole: NDArray[np.generic] = np.full(shape, "" if kind.kind == "U" else np.nan, dtype=kind)
    whole[tuple(slice(size) for size in values.shape)] = values
    return whole


def _allowed(name: str, published: xr.Dataset, again: xr.Dataset, unit: float) -> NDArray[np.float64]:
    """Return how far a variable may be off, for each of its numbers."""
    values: NDArray[np.float64] = np.abs(np.asarray(published[name].values))
    floor = unit if published[name].attrs.get("units") == "energy" else 1.0
    largest = max(floor, float(np.max(values[np.isfinite(values)], initial=0.0)))
    if _ends(name, ERRORS):
        least = np.minimum(values, np.abs(_padded_like(name, again, published)))
        return np.asarray(WIDE_ERRORS * least + AVERAGES * largest)
    if bar := _error_of(name, published):
        both = np.abs(published[bar].values) + np.abs(_padded_like(bar, again, published))
        missing = values.ndim - both.ndim
        wide = both.reshape(both.shape + (1,) * missing) if missing > 0 else both
        return np.asarray(np.nan_to_num(wide, nan=0.0) + ROUNDING * largest)
    mixed = sum(_admixture(name, data) for data in (published, again))
    return np.asarray((2 * mixed + AVERAGES) * largest)


def _padded_like(name: str, again: xr.Dataset, published: xr.Dataset) -> NDArray[np.float64]:
    return np.asarray(_padded(again[name].values, published[name].shape, published[name].dtype), dtype=float)


def _error_of(name: str, data: xr.Dataset) -> str:
    """Return the name of the error bar of a variable; nothing if it has none."""
    single = f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
    bars = (bar for one in (name, single) for bar in (f"{one}_errors", f"{one}_error") if bar in data)
    return next((bar for bar in bars if not str(data[bar].attrs.get("formula", "")).startswith(CUTOFF)), "")


def _admixture(name: str, data: xr.Dataset) -> float:
    """Return the admixture of other states to the ground level, as far as a point gives it."""
    own = f"{name.partition('_')[0]}_admixture"
    if own in data:
        return float(data[own])
    residual = np.nan_to_num(float(data["residual"]) if "residual" in data else 0.0)
    gap = UNKNOWN_GAP
    if "energies" in data and "multiplicity" in data:
        energies = data["energies"].values
        above = energies[int(data["multiplicity"]) :]
        gap = float(above[0] - energies[0]) if above.size and above[0] > energies[0] else UNKNOWN_GAP
    return min(1.0, float(residual) / gap)


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    return any(name == ending or name.endswith(f"_{ending}") for ending in endings)
