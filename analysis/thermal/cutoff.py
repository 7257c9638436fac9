r"""Errors of thermal numbers by the phonon cutoff: sums with other caps, extrapolated by tails of free oscillators.

A quantity y depends on the cap c through the states beyond it. Their weight in free oscillators, displaced by any
charge that a mode may feel, gives the shape of that dependence:

.. math:: y(\infty) - y(c) \approx \bigl[y(c_2) - y(c_1)\bigr]\,\frac{S_k(c)}{S_k(c_1) - S_k(c_2)},\qquad
          S_k(c) = \sum_{n > c} (n + 1)^k\,p_n(T)

with k the powers of quanta that thermal numbers contain; the largest fraction counts. Where a cap c_2 beyond which
nothing is left is affordable, it is one and the error is known.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model
from ...solvers.caps import CutoffError
from .ensembles import EXACT_UP_TO, Ensemble, ThermalSum
from .estimate import SECONDS_PER_BLOCK, ThermalEstimate, estimate_thermal
from .phonon_tail import FAINTEST, Caps, Tail

SETTLED = 0.01
"""A larger cap that leaves out only this share of the tail shows nearly the whole error of a cap."""
CONTRAST = 0.3
"""The share of a tail that must lie between two caps, so that their difference shows the error of the lower one."""
SECONDS = 0.5
"""Time that sums with other caps may take, or that of the sum itself where this is longer."""
VALLEY, WIDTHS = 0.5, 3.0
"""Error bars in a valley of a curve are at least this share of its lower rim, rims of spectra within so many widths."""
FAR = 1e-4
"""Share of its largest value that the error of a spectrum has at least anywhere."""
FIRST = 4
"""Cap on all quanta with which a sampled sum begins: the tails of free oscillators would begin far too high."""
FEWER = 2, 3
"""Quanta by which a sampled sum is repeated with lower caps: much less work, and clear differences."""
MOST_QUANTA = 400
WITHOUT = ("cutoff_probability",)
"""Quantities that vanish for large caps."""

Compute = Callable[[ThermalSum], xr.Dataset]
"""From a sum whose model has numbers for its caps to thermal numbers with ``NAME_error``."""


@dataclass(frozen=True)
class Ladder:
    """The caps with which a thermal sum may be repeated.

    Attributes
    ----------
    asked : ThermalSum
        The sum, whose model has numbers for its caps.
    tail : Tail
        Of its oscillators.
    need : ThermalEstimate
        Of the sum over all levels.
    """

    asked: ThermalSum
    tail: Tail
    need: ThermalEstimate

    @classmethod
    def of(cls, asked: ThermalSum, tail: Tail | None = None) -> Ladder:
        """Return that of a sum whose model has numbers for its caps."""
        model, kind = asked.model, asked.ensemble
        need = estimate_thermal(model, kind, replace(asked.sampling, method="exact"))
        return cls(asked, tail or Tail.of(model, kind, asked.temperatures), need)

    @property
    def caps(self) -> Caps:
        """Those of the model."""
        return Caps.of(self.asked.model)

    def fits(self, caps: Caps, seconds: float) -> bool:
        """True where a sum over all levels with other caps takes no longer than `seconds`."""
        modes = len(self.asked.model.modes)
        larger = caps.dimension(modes) / self.caps.dimension(modes)
        small = self.asked.sampling.method == "exact" or self.need.largest * larger <= EXACT_UP_TO
        start = SECONDS_PER_BLOCK * self.need.blocks
        return small and start + (self.need.seconds - start) * max(larger, larger**3) <= max(seconds, 2 * start)

    def with_caps(self, caps: Caps, asked: ThermalSum) -> ThermalSum:
        """Return a sum with other caps; lower ones take parts of the random vectors of the model."""
        model = self.asked.model
        return replace(asked, model=caps.on(model), within=model if caps.largest < self.caps.largest else None)

    def others(self, sampled: bool) -> tuple[tuple[Caps, Caps], ...]:
        """Return pairs of caps, the lower one first, whose differences show the cutoff error of those of the model."""
        seconds = SECONDS if sampled else max(SECONDS, self.need.seconds)
        above = self._above(seconds)
        if above is not None:
            return ((self.caps, above),)
        top = self.caps
        while sampled and top.largest and not self.fits(top, seconds):
            top = top.scaled(top.largest - 1)
        if 2 * top.largest < self.caps.largest > 1:  # too far below: random vectors of fewer quanta tell more
            return tuple((self.caps.scaled(each), self.caps) for each in fewer(self.caps.largest))
        if not top.largest:  # no quantum to spare
            return ((self.caps, self.caps.scaled(self.caps.largest + 1)),)
        low = self._below(top)
        lower = dict.fromkeys([low, top.scaled(max(0, low.largest - 1)), top.scaled(low.largest // 2)])
        return tuple((each, top) for each in lower if each != top)

    def _above(self, seconds: float) -> Caps | None:
        """Return the least cap that shows nearly all, or the largest affordable one if it shows much."""
        here, best = self.tail.beyond(self.caps), None
        for largest in _steps(self.caps.largest):
            caps = self.caps.scaled(largest)
            if not self.fits(caps, seconds):
                break
            left = self.tail.beyond(caps)
            if np.all(left <= (1 - CONTRAST) * here + FAINTEST):
                best = caps
            if np.all(left <= SETTLED * here + FAINTEST):
                break
        return best

    def _below(self, top: Caps) -> Caps:
        """Return the largest lower cap with a clearly larger tail, or half of the cap."""
        here = self.tail.beyond(top)
        for largest in range(top.largest - 1, top.largest // 2, -1):
            caps = top.scaled(largest)
            if np.all(self.tail.beyond(caps) * (1 - CONTRAST) >= here):
                return caps
        return top.scaled(top.largest // 2)


def _steps(largest: int) -> Iterator[int]:
    while largest < MOST_QUANTA:
        largest = max(largest + 1, round(1.1 * largest))
        yield largest


def with_cutoff_errors(asked: ThermalSum, compute: Compute) -> xr.Dataset:
    """Compute thermal numbers whose error bars hold against the model without a phonon cutoff.

    Parameters
    ----------
    asked : ThermalSum
        Its model has caps, or ``cutoff = "auto"``: then total_quanta rises until every error bar is below the accuracy.
        Sums with other caps run over all levels where they can.
    compute : function
        See `Compute`.

    Returns
    -------
    xarray.Dataset
        With ``NAME_cutoff_error`` beside ``NAME_error``, which contains it.

    Raises
    ------
    CutoffError
        If no affordable cap reaches the accuracy.
    """
    model, sampling = asked.model, asked.sampling
    if not model.modes or model.phonons is None:
        return compute(asked)
    exact = replace(asked, sampling=replace(sampling, method="exact", target_error=None))
    if model.phonons.cutoff is not None:
        return _settled(asked, exact, model.phonons.accuracy, compute)
    sampled = bool(estimate_thermal(model, asked.ensemble, sampling).sampled)
    ladder = Ladder.of(asked)
    pairs = ladder.others(sampled)
    seconds = 4 * max(SECONDS, ladder.need.seconds)
    nested = any(high == ladder.caps and not ladder.fits(low, seconds) for low, high in pairs)
    again = dict.fromkeys(caps for pair in pairs for caps in pair)
    if nested or not sampled:
        del again[ladder.caps]
    known = {c: compute(ladder.with_caps(c, exact if ladder.fits(c, seconds) else asked)) for c in again}
    data = compute(asked)
    known.setdefault(ladder.caps, data)
    return widened(data, [(known[a], known[b], ladder.tail.factor(ladder.caps, a, b)) for a, b in pairs])


Pair = tuple[xr.Dataset, xr.Dataset, NDArray[np.float64]]
"""Thermal numbers with a lower and a higher cap, and the factor of their difference at each temperature."""


def widened(data: xr.Dataset, pairs: Sequence[Pair]) -> xr.Dataset:
    """Return thermal numbers with the error of their cutoff, the largest estimate from pairs of other caps."""
    new = {}
    for name, error in _errors(data, pairs):
        sampled = data[f"{name}_error"]
        what = {
            "formula": f"part of the error bar of {name} that comes from the cutoff",
            "units": sampled.attrs["units"],
        }
        new[f"{name}_error"] = ((sampled**2 + error**2) ** 0.5).assign_attrs(sampled.attrs)
        new[f"{name}_cutoff_error"] = error.assign_attrs(what)
    return data.assign(new)


def _errors(data: xr.Dataset, pairs: Sequence[Pair]) -> Iterator[tuple[str, xr.DataArray]]:
    for name in (str(name) for name in data.data_vars if f"{name}_error" in data and name not in WITHOUT):
        rows = []
        for low, high, factor in pairs:
            difference = abs(high[name].drop_vars(high[name].coords) - low[name].drop_vars(low[name].coords))
            over = xr.DataArray(factor, dims=["temperature"])
            times = over if "temperature" in difference.dims else float(factor.max())
            rows.append((difference * times).transpose(*data[name].dims).values)
        error = np.max(rows, axis=0)
        error = np.where(np.isnan(error), np.abs(data[name].values), error)  # missing with another cap
        for axis, dim in enumerate(data[name].dims):
            if dim in ("temperature", "omega"):
                reach = np.inf if dim == "temperature" else WIDTHS * float(data["broadening"])
                error = np.maximum(error, filled(data[dim].values, error, axis, reach))
            if dim == "omega":  # lines that the cutoff leaves out may stand where there are no others
                error = np.maximum(error, FAR * np.max(error, axis=axis, keepdims=True))
        yield name, data[name].copy(data=error).rename(f"{name}_cutoff_error")


def filled(points: NDArray[np.float64], error: NDArray[np.float64], axis: int, reach: float) -> NDArray[np.float64]:
    """Return a share of an error where it has a valley, up to the lower one of its two rims; elsewhere less than it.

    A difference that changes sign along a curve is small there by chance, the error is not.

    Parameters
    ----------
    points : (n,) float
        Along the axis, in any order.
    error : (..., n, ...) float
        Not negative.
    axis : int
        That of the points.
    reach : float
        Distance up to which rims are looked for.

    Examples
    --------
    >>> filled(np.arange(5.0), np.array([1.0, 4.0, 0.0, 8.0, 9.0]), 0, np.inf)
    array([0.5, 2. , 2. , 4. , 4.5])
    """
    order = np.argsort(points, kind="stable")
    places, values = points[order], np.moveaxis(error, axis, 0)[order]
    first, last = np.searchsorted(places, places - reach), np.searchsorted(places, places + reach, side="right")
    rims = [
        np.minimum(values[a : n + 1].max(axis=0), values[n:b].max(axis=0))
        for n, (a, b) in enumerate(zip(first, last, strict=True))
    ]
    found = np.empty_like(values)
    found[order] = VALLEY * np.array(rims).reshape(values.shape)
    return np.asarray(np.moveaxis(found, 0, axis))


def _settled(asked: ThermalSum, exact: ThermalSum, wanted: float, compute: Compute) -> xr.Dataset:
    """Raise the cap on all quanta until every thermal number has settled."""
    model = asked.model
    tail = Tail.of(model, asked.ensemble, asked.temperatures)
    lower = caps = Caps(None, likely_cap(tail, 0.1))
    ladder = Ladder.of(replace(asked, model=caps.on(model)), tail)
    error = np.inf

    def refusal(cap: int, reason: str) -> CutoffError:
        so_far = f"; before that the largest error bar was {error:.1e}" if np.isfinite(error) else ""
        return CutoffError(
            f"phonons.accuracy = {wanted:.1e} takes about total_quanta = {cap} here, and {reason}{so_far}; ask for "
            "less accuracy or lower temperatures, or give max_quanta or total_quanta, with error bars that contain "
            "what they leave out"
        )

    def with_cap(one: ThermalSum, cap: Caps) -> xr.Dataset:
        try:
            return compute(replace(one, model=cap.on(model)))
        except MemoryError as refused:
            raise refusal(cap.largest, str(refused)) from None

    if not ladder.fits(caps, np.inf):
        if asked.sampling.method == "exact":
            largest = f"{caps} takes blocks of {ladder.need.largest:,} states already, of which all levels are too many"
            raise refusal(likely_cap(tail, wanted), largest)
        return _sampled(asked, tail, wanted, with_cap, refusal)
    low = high = compute(replace(exact, model=caps.on(model)))
    while True:
        here, beyond = tail.beyond(caps), itertools.count(caps.largest + 1)
        next_cap = next(n for n in beyond if np.all(tail.beyond(Caps(None, n)) <= 0.1 * here) or n > MOST_QUANTA)
        larger = Caps(None, max(caps.largest + 2, next_cap))
        if not ladder.fits(larger, np.inf) or larger.largest > MOST_QUANTA:
            break
        lower, caps, low = caps, larger, high
        high = with_cap(exact, caps)
        pairs = [(low, high, tail.factor(caps, lower, caps))]
        error = _largest(high, pairs)
        if error <= wanted:
            return widened(high, pairs).assign(total_quanta=caps.largest)
    found = (Caps(None, n) for n in range(caps.largest, MOST_QUANTA + 1))
    final = next((c for c in found if _largest(high, [(low, high, tail.factor(c, lower, caps))]) <= wanted), None)
    if final is None or asked.sampling.method == "exact" or low is high:
        raise refusal(caps.largest, f"all levels of the blocks are too many beyond {caps}")
    data = with_cap(asked, final)
    return widened(data, [(low, high, tail.factor(final, lower, caps))]).assign(total_quanta=final.largest)


def _sampled(
    asked: ThermalSum,
    tail: Tail,
    wanted: float,
    with_cap: Callable[[ThermalSum, Caps], xr.Dataset],
    refusal: Callable[[int, str], CutoffError],
) -> xr.Dataset:
    """Raise the cap on all quanta of a sum with random vectors until the cutoff of every number has settled."""
    caps = Caps(None, FIRST)
    while True:
        high = with_cap(asked, caps)
        others = [Caps(None, each) for each in fewer(caps.largest)]
        inside = replace(asked, within=caps.on(asked.model))
        low = {other: with_cap(inside, other) for other in others}

        pairs = partial(_pairs, low, high, tail, caps)
        if _largest(high, pairs(caps)) <= wanted:
            return widened(high, pairs(caps)).assign(total_quanta=caps.largest)
        further = (Caps(None, n) for n in range(caps.largest + 1, MOST_QUANTA + 1))
        found = next((each for each in further if _largest(high, pairs(each)) <= wanted), None)
        if found is None:
            raise refusal(MOST_QUANTA, f"{MOST_QUANTA} quanta are too few")
        caps = Caps(None, min(found.largest, caps.largest + FEWER[0]))


def _pairs(low: Mapping[Caps, xr.Dataset], high: xr.Dataset, tail: Tail, caps: Caps, here: Caps) -> list[Pair]:
    """Return what some lower caps tell about a cap `here`, from their differences to that of `high`."""
    return [(data, high, tail.factor(here, other, caps)) for other, data in low.items()]


def fewer(largest: int) -> tuple[int, ...]:
    """Return lower caps with which a sampled sum is repeated."""
    return tuple(dict.fromkeys(max(0, largest - few) for few in FEWER))


def likely_caps(model: Model, kind: Ensemble, temperatures: Sequence[float]) -> Model:
    """Return a model with the caps that free oscillators need in the place of ``cutoff = "auto"``, others as it is."""
    if model.phonons is None or model.phonons.cutoff is None or not model.modes:
        return model
    tail = Tail.of(model, kind, np.asarray(temperatures, float))
    return Caps(None, likely_cap(tail, model.phonons.accuracy)).on(model)


def likely_cap(tail: Tail, share: float) -> int:
    """Return the cap on all quanta beyond which less than a share of the quanta of free oscillators lies."""
    return next(n for n in itertools.count(1) if np.all(tail.beyond(Caps(None, n))[0, 1] <= share) or n >= MOST_QUANTA)


def _largest(data: xr.Dataset, pairs: Sequence[Pair]) -> float:
    known = (error.values[~np.isnan(error.values)] for _, error in _errors(data, pairs))  # some ensembles lack some
    return max(float(np.max(error, initial=0.0)) for error in known)
