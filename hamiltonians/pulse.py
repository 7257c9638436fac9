r"""Pulses of a uniform vector potential and their coupling to hops.

A hop of the charge q by the vector d acquires the phase factor ``exp(i q A(t) . d)``. With the steps s = q d . e along
the vector e of the pulse,

.. math:: H(t) = H + \sum_s \big[(\cos sA(t) - 1)\,C_s + \sin sA(t)\,S_s\big],\quad
          C_s = K_s + K_s^\dagger,\ S_s = i(K_s - K_s^\dagger)

where K_s contains the hops of the Hamiltonian without the pulse by the step s > 0, including phonon-assisted ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import real_number, shown
from ..clusters import Bond, Brief, Cluster, InvalidValue
from .conservation import needs_conserved
from .flux import GAIN, own_series, own_term
from .model import Model
from .operators import ChargeWord, LatticeWord, Operator
from .terms import TERMS

Word = tuple[ChargeWord, LatticeWord]
FAR = 9.5
"""Distance from the centre, in widths, beyond which the pulse (below 1e-19 of its amplitude) is neglected."""
SAME = 9
"""Decimals to which equal steps agree."""


@dataclass(frozen=True, repr=False)
class Pulse(Brief):
    r"""The vector potential of a pulse.

    .. math:: A(t) = A_0\,e^{-(t - t_0)^2 / 2 w^2} \cos(\omega (t - t_0))

    Attributes
    ----------
    amplitude : float
        A_0 [1 / bond length], times the charge e over hbar.
    frequency : float
        omega [energy].
    centre, width : float
        t_0 and w [1 / energy].
    direction : tuple of float or None
        The vector e that multiplies A(t), in the coordinates of the cluster; it is not normalised. By default the first
        coordinate; on rings the direction around the ring.

    Examples
    --------
    >>> pulse = Pulse(amplitude=0.4, frequency=2.0, centre=5.0, width=1.0)
    >>> float(pulse.vector_potential(5.0)), float(round(pulse.vector_potential(6.0), 6))
    (0.4, -0.100962)
    """

    amplitude: float
    frequency: float
    centre: float
    width: float
    direction: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("amplitude", "frequency", "centre", "width"):
            value = real_number(name, getattr(self, name), "a finite number", -1e100, 1e100)
            object.__setattr__(self, name, value)
        if not self.width > 0:
            raise InvalidValue(f"width = {self.width} is invalid; allowed: a number above 0, as 1.0")
        if self.direction is not None:
            given = np.atleast_1d(np.asarray(self.direction, float))
            if given.ndim != 1 or not np.all(np.isfinite(given)) or not np.any(given):
                raise InvalidValue(f"direction = {shown(self.direction)} is invalid; allowed: a list of finite "
                                   "numbers, not all 0, as [1, 0]")  # fmt: skip
            object.__setattr__(self, "direction", tuple(given.tolist()))

    def vector_potential(self, time: Any) -> Any:
        """Return A(t) at one or several times."""
        tau = np.asarray(time, float) - self.centre
        return self.amplitude * np.exp(-0.5 * (tau / self.width) ** 2) * np.cos(self.frequency * tau)

    @property
    def span(self) -> tuple[float, float]:
        """Time interval in which the vector potential is not zero."""
        return self.centre - FAR * self.width, self.centre + FAR * self.width

    def series(self, time: float, steps: Sequence[float], order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of ``exp(i s A(time + tau))`` in tau, shape (steps, order + 1)."""
        return _phases(self.wave(time, order), steps)

    def wave(self, time: float, order: int) -> NDArray[np.float64]:
        """Return the Taylor coefficients of ``A(time + tau)`` in tau, shape (order + 1,)."""
        tau = time - self.centre
        slope = -tau / self.width**2 + 1j * self.frequency
        wave = np.zeros(order + 1, complex)  # A is the real part
        wave[0] = self.amplitude * np.exp(-0.5 * (tau / self.width) ** 2 + 1j * self.frequency * tau)
        for n in range(order):
            wave[n + 1] = (slope * wave[n] - (wave[n - 1] / self.width**2 if n else 0.0)) / (n + 1)
        return wave.real.copy()


@dataclass(frozen=True, repr=False)
class PulseTrain(Brief):
    """Sum of several pulses along one direction, such as pump and probe.

    Attributes
    ----------
    pulses : tuple of Pulse
        The pulses, all with the same direction.

    Examples
    --------
    >>> pump, probe = Pulse(0.4, 2.0, 5.0, 1.0), Pulse(0.1, 0.0, 8.0, 0.2)
    >>> float(PulseTrain((pump, probe)).vector_potential(8.0).round(6))
    0.104267
    """

    pulses: tuple[Pulse, ...]

    def __post_init__(self) -> None:
        given = tuple(self.pulses)
        object.__setattr__(self, "pulses", given)
        if not given or not all(isinstance(each, Pulse) for each in given):
            raise InvalidValue(f"pulses is {shown(self.pulses)}; give pulses, as (Pulse(0.4, 2.0, 5.0, 1.0),)")
        if other := next((each for each in given if each.direction != given[0].direction), None):
            raise InvalidValue(
                f"the directions {shown(given[0].direction)} and {shown(other.direction)} differ; allowed: pulses "
                "along one direction"
            )

    @property
    def direction(self) -> tuple[float, ...] | None:
        """The common direction of the pulses."""
        return self.pulses[0].direction

    def vector_potential(self, time: Any) -> Any:
        """Return A(t) at one or several times."""
        return np.sum([each.vector_potential(time) for each in self.pulses], axis=0)

    @property
    def span(self) -> tuple[float, float]:
        """Time interval in which the vector potential is not zero."""
        spans = [each.span for each in self.pulses]
        return min(begin for begin, _ in spans), max(end for _, end in spans)

    def series(self, time: float, steps: Sequence[float], order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of ``exp(i s A(time + tau))`` in tau, shape (steps, order + 1)."""
        waves = [each.wave(time, order) for each in self.pulses]
        return _phases(np.sum(waves, axis=0), steps)


def _phases(wave: NDArray[np.float64], steps: Sequence[float]) -> NDArray[np.complex128]:
    """Return the Taylor coefficients of ``exp(i s A)`` from those of A."""
    order = len(wave) - 1
    inner = 1j * np.arange(order + 1) * wave
    found = np.zeros((len(steps), order + 1), complex)
    for row, step in zip(found, steps, strict=True):
        row[0] = np.exp(1j * step * wave[0])
        for n in range(order):
            row[n + 1] = step * (inner[1 : n + 2] @ row[n::-1]) / (n + 1)
    return found


def hop_steps(model: Model, direction: Sequence[float] | None = None) -> tuple[tuple[float, Operator], ...]:
    """Return the hops K_s of a Hamiltonian by their steps s > 0 along a direction.

    On rings a step is +-1 for i -> i +- 1, times the charge; on other clusters it is the projection of the bond vector,
    through the cell boundary if the bond crosses it.

    Raises
    ------
    InvalidValue
        If the direction has more components than the positions of the sites.
    InvalidModel
        If a user-defined term moves charges around a closed cluster without the Peierls phase of its path.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons
    >>> [(step, len(hops.terms)) for step, hops in hop_steps(Model(ring(4), Electrons(1.0, pair_hopping=0.2)))]
    [(1.0, 8), (2.0, 4)]
    """
    needs_conserved(model, "pulses", "charge")
    along = direction_in(model.cluster, direction)
    found: defaultdict[float, defaultdict[Word, complex]] = defaultdict(lambda: defaultdict(complex))
    for step, word, value in (*_of_bonds(model, along), *_of_user(model, along)):
        if (rounded := round(step, SAME)) > 0:
            found[rounded][word] += value
    return tuple((step, Operator(words)) for step, words in sorted(found.items()))


def direction_in(cluster: Cluster, direction: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the vector of a pulse in the coordinates of a cluster; one number on rings.

    Raises
    ------
    InvalidValue
        If its dimension does not match that of the cluster.
    """
    size = 1 if cluster.kind == "ring" else cluster.coordinates.shape[1]
    given = [1.0] if direction is None else [*direction]
    if len(given) > size:
        allowed = "leave it out; the pulse goes round the ring" if cluster.kind == "ring" else f"at most {size} numbers"
        raise InvalidValue(f"direction = {shown(given)} does not fit a {cluster.kind}; allowed: {allowed}")
    return np.array([*given, *[0.0] * (size - len(given))], float)


def _of_bonds(model: Model, along: NDArray[np.float64]) -> Iterator[tuple[float, Word, complex]]:
    """Yield step, operator product and coefficient of the hops of the built-in terms."""
    for term in TERMS.values():
        if not term.hops:
            continue
        for bond, formula in term.parts(model):
            length = _length(model.cluster, bond, along)
            for word, value in formula.terms.items():
                yield _gain(word, bond.end) * length, word, value


def _length(cluster: Cluster, bond: Bond, along: NDArray[np.float64]) -> float:
    """Return the projection of a bond on the direction of a pulse."""
    if cluster.kind == "ring":
        return float(along[0]) * (round(bond.winding * cluster.sites) or (bond.end - bond.start) % cluster.sites)
    return float(cluster.vector(bond) @ along)


def _gain(word: Word, site: int) -> int:
    return sum(GAIN.get(symbol, 0) for symbol, at in word[0] if at == site)


def _of_user(model: Model, along: NDArray[np.float64]) -> Iterator[tuple[float, Word, complex]]:
    """Yield step, operator product and coefficient of the hops of user-defined terms.

    On closed clusters the steps follow from the flux dependence of a term, on open ones from the site positions.
    """
    if not model.terms:
        return
    cluster = model.cluster
    if cluster.kind == "ring" or cluster.cell:
        around = float(cluster.sites) * along if cluster.kind == "ring" else np.array(cluster.cell) @ along
        for series in own_series(model):
            for word, parts in series.parts.items():
                for winding, value in parts:
                    step = float(np.dot(winding, around))
                    yield step, word, complex(value * np.exp(1j * float(np.dot(winding, model.fluxes))))
        return
    places = cluster.coordinates @ along
    for number in range(len(model.terms)):
        for word, value in own_term(model, number).terms.items():
            yield sum(float(places[at]) * GAIN.get(symbol, 0) for symbol, at in word[0]), word, value
