r"""User-defined terms as functions of the flux: hops with Peierls phases, and derivatives.

Gauge invariance fixes the form of every coefficient: a product of operators that changes the charge of site i by q_i
has the coefficient

.. math:: c(\phi) = \sum_n c_n e^{i w_n \phi},\quad w_n = \sum_i q_i \theta_i + n g,\quad n\ \text{whole},

with the potentials theta of the sites and g the largest fraction of the flux of which every loop encloses a multiple.
The finitely many c_n follow exactly from a discrete Fourier transform and give the derivatives. On lattices phi, w, n
and g have one component for each direction in which the cluster is closed.
"""

from __future__ import annotations

import cmath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .._core.arguments import shown
from ..clusters import InvalidValue
from ..clusters.loops import path_winding, potentials, smallest_share
from .magnetic_field import turned
from .model import Model, TermFunction
from .operators import ChargeWord, LatticeWord, Operator, annihilate, boson, create, pair, total, without_rounding
from .parameters import FINITE, LARGEST, InvalidModel, Problem

Word = tuple[ChargeWord, LatticeWord]
CARRIERS: Mapping[str, tuple[int, Callable[[int, int, str], Operator]]] = MappingProxyType(
    {
        "electron": (1, lambda end, start, spin: create(end, spin) * annihilate(start, spin)),
        "pair": (2, lambda end, start, spin: pair(end).dag * pair(start)),
        "boson": (2, lambda end, start, spin: boson(end).dag * boson(start)),
    }
)
"""Particles that can hop: charge, and operator of the hop."""
GAIN: Mapping[str, int] = MappingProxyType({"c+up": 1, "c+dn": 1, "cup": -1, "cdn": -1, "b+": 2, "b": -2})
"""Charge that a ladder operator adds to its site."""
SAMPLES = ((8, 16, 32, 64), (8, 16), (4, 8))
"""Numbers of sampled fluxes per period, increased until the series is complete; for one to three directions."""
BETWEEN = (0.2345, 0.6789)
"""Further fluxes, as fractions of the period, at which the series is verified."""
ROUNDING = 1e-12
"""Coefficients of a series below this times the largest are zero."""
DIFFERENT = 1e-10
"""Largest error of a coefficient as a sum of Peierls phases, relative to the sum of its parts."""


def path_phase(model: Model, path: Sequence[int], charge: int = 1) -> complex:
    """Return the Peierls factor ``exp(i charge theta)`` of a path of sites, theta the sum of the phases of its bonds.

    Raises
    ------
    ValueError
        If consecutive sites of the path share no bond.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> np.round(path_phase(Model(ring(4), flux=2 * np.pi), [0, 1, 2]), 12).real
    np.float64(-1.0)
    """
    winding = path_winding(model.cluster.bonds, path)
    if isinstance(winding, str):
        raise InvalidValue(
            f"path {list(path)}: {winding}; list every site of the path, as in [0, 1, 2]: the phase of a hop is the "
            "sum over the bonds along its path"
        )
    *shares, turns = winding
    return cmath.exp(1j * charge * float(np.dot(shares, model.fluxes))) * turned(charge * turns)


def hop(model: Model, path: Sequence[int], carrier: str = "electron", spin: str | None = None) -> Operator:
    r"""Return a hop from the first to the last site of a path, with the Peierls phase of the path.

    .. math:: e^{i\theta}\sum_\sigma c^+_{end\,\sigma} c_{start\,\sigma},\quad e^{2i\theta} D^+_{end} D_{start},\quad
              e^{2i\theta} b^+_{end} b_{start}

    Products of hops carry the product of their phase factors; add ``.dag`` for a Hermitian term.

    Parameters
    ----------
    model : Model
        The argument of the term.
    path : sequence of int
        Sites of the path; consecutive sites must share a bond.
    carrier : str
        "electron", "pair" (electron pair on a site, D = c_dn c_up), or "boson".
    spin : str, optional
        "up" or "dn", for electrons; both by default.

    Raises
    ------
    ValueError
        If the carrier is unknown, a spin is given for a carrier without spin, or consecutive sites share no bond.

    Examples
    --------
    Hopping between second neighbours, which contributes to current and stiffness:

    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, flux_derivative
    >>> def second_neighbours(model):
    ...     forward = total(hop(model, [i, (i + 1) % 6, (i + 2) % 6]) for i in range(6))
    ...     return -0.4 * (forward + forward.dag)
    >>> model = Model(ring(6), Electrons(hopping=1.0), terms=(second_neighbours,))
    >>> len(flux_derivative(model).terms)  # two spins, two directions, six bonds and six of the others
    48
    """
    if carrier not in CARRIERS:
        raise InvalidValue(f"carrier = {carrier!r} is unknown; allowed: {', '.join(CARRIERS)}")
    if spin is not None and carrier != "electron":
        raise InvalidValue(f"spin = {spin!r}: a {carrier} has no spin; leave it out")
    charge, formula = CARRIERS[carrier]
    spins = ("up", "dn") if spin is None and carrier == "electron" else (spin or "",)
    phase = path_phase(model, path, charge)
    return phase * total(formula(path[-1], path[0], each) for each in spins)


@dataclass(frozen=True)
class FluxSeries:
    """A term as a sum of Peierls phases.

    Attributes
    ----------
    parts : mapping
        Winding w and coefficient of each Fourier component of each product of operators.
    """

    parts: Mapping[Word, tuple[tuple[tuple[float, ...], complex], ...]]

    def derivative(self, fluxes: Sequence[float], along: Sequence[Sequence[float]] = ()) -> Operator:
        """Return the derivative of the term along directions of the flux; the term itself without directions."""

        def part(w: Sequence[float], c: complex) -> complex:
            slopes = prod(1j * float(np.dot(w, direction)) for direction in along)
            return complex(c * slopes * cmath.exp(1j * float(np.dot(w, fluxes))))

        return Operator({word: sum(part(w, c) for w, c in parts) for word, parts in self.parts.items()})

    @property
    def is_even(self) -> bool:
        """True if the term at the flux -phi is the complex conjugate of the term at phi."""
        return not any(np.imag(c) for parts in self.parts.values() for _, c in parts)


def own_term(model: Model, number: int) -> Operator:
    """Return a user-defined term of a model as a formula.

    Raises
    ------
    InvalidModel
        If the function does not return an operator, or coefficients are not finite or too large.
    """
    formula = _formula(model, model.terms[number], f"terms[{number}]")
    for word, value in formula.terms.items():
        if not abs(value) <= LARGEST:
            got = repr(Operator({word: value}))
            raise InvalidModel([Problem(f"terms[{number}]", got, f"allowed: coefficients that are {FINITE}")])
    return formula


def _formula(model: Model, term: TermFunction, path: str) -> Operator:
    formula = term(model)
    if not isinstance(formula, Operator):
        name = getattr(term, "__name__", type(term).__name__)
        cure = "a sum of products such as electron_number(0) * electron_number(1)"
        raise InvalidModel([Problem(path, shown(formula), f"allowed: {name} must return an Operator, {cure}")])
    return formula


def flux_series(model: Model, number: int) -> FluxSeries:
    """Return the Fourier series in the flux of a user-defined term.

    Raises
    ------
    InvalidModel
        If the term moves charges between sites and its flux dependence violates gauge invariance.
    """
    term = model.terms[number]
    own_term(model, number)
    if problem := next(_flux_independent(model, term, f"terms[{number}]"), None):
        raise InvalidModel([problem])
    cluster = model.cluster
    share = np.array(smallest_share(cluster.sites, cluster.bonds))
    theta = potentials(cluster.sites, cluster.bonds)
    period = 2 * np.pi / share
    between = [(point, _term_at(model, term, point)) for point in (period * x for x in BETWEEN)]
    wrong: Word | None = None
    for count in SAMPLES[len(share) - 1]:
        steps = np.stack(np.meshgrid(*[np.arange(count) / count] * len(share), indexing="ij"), axis=-1)
        grid = period * steps
        samples = [_term_at(model, term, point) for point in grid.reshape(-1, len(share))]
        series = _fourier(samples, grid, share, theta)
        wrong = next((word for at in between if (word := _differing(series, *at)) is not None), None)
        if wrong is None:
            return series
    got = repr(Operator({wrong: 1.0})) if wrong is not None else ""
    raise InvalidModel([Problem(f"terms[{number}]", got, f"its coefficient is not a sum of Peierls phases; {CURE}")])


CURE = "build it with hop(model, path), which carries the phase of its path, or path_phase(model, path, charge)"
"""Remedy in the messages on invalid terms."""


def _term_at(model: Model, term: TermFunction, fluxes: NDArray[np.float64]) -> Operator:
    return _formula(replace(model, flux=tuple(fluxes.tolist())), term, "terms")


def _flux_independent(model: Model, term: TermFunction, path: str) -> Iterator[Problem]:
    """Yield a problem for each flux-independent hop between sites, found by a flux that is NaN."""
    marked = copy(model)
    unknown = (float("nan"),) * model.cluster.fluxes
    object.__setattr__(marked, "flux", unknown if len(unknown) > 1 else unknown[0])
    with np.errstate(invalid="ignore"):
        terms = term(marked).terms
    for word, value in terms.items():
        if any(_charge_changes(word).values()) and not cmath.isnan(value):  # otherwise all site charges are conserved
            allowed = f"a hop must depend on the flux; {CURE}"
            yield Problem(path, f"{Operator({word: value})}, the same at any flux", allowed)


def _charge_changes(word: Word) -> Mapping[int, int]:
    """Return the change of charge of each site under a product of operators."""
    gains: defaultdict[int, int] = defaultdict(int)
    for symbol, site in word[0]:
        gains[site] += GAIN.get(symbol, 0)
    return gains


def _fourier(
    samples: Sequence[Operator],
    grid: NDArray[np.float64],
    share: NDArray[np.float64],
    theta: Sequence[Sequence[float]],
) -> FluxSeries:
    """Return the Fourier series of a term from samples on a grid of fluxes, shape (count, ..., fluxes)."""
    counts = grid.shape[:-1]
    numbers = np.stack(np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in counts), indexing="ij"), axis=-1)
    parts = {}
    for word in dict.fromkeys(word for sample in samples for word in sample.terms):
        base = sum(
            (charge * np.array(theta[site]) for site, charge in _charge_changes(word).items()), np.zeros(len(share))
        )
        values = np.array([sample.terms.get(word, 0.0) for sample in samples]).reshape(counts)
        least = ROUNDING * float(np.max(np.abs(values)))
        found = np.fft.fftn(values * np.exp(-1j * grid @ base)) / values.size
        windings = (base + share * numbers).reshape(-1, len(share)).tolist()
        pairs = ((w, without_rounding(c, least)) for w, c in zip(windings, found.ravel().tolist(), strict=True))
        parts[word] = tuple((tuple(w), c) for w, c in pairs if c)
    return FluxSeries(MappingProxyType(parts))


def _differing(series: FluxSeries, fluxes: NDArray[np.float64], there: Operator) -> Word | None:
    """Return a product of operators whose coefficient differs from that of the series; None if there is none."""
    defects = (series.derivative(fluxes.tolist()) - there).terms
    sizes = {word: sum(abs(c) for _, c in parts) for word, parts in series.parts.items()}
    return next((word for word, defect in defects.items() if abs(defect) > DIFFERENT * sizes.get(word, 0.0)), None)


def own_series(model: Model) -> tuple[FluxSeries, ...]:
    """Return the Fourier series in the flux of all user-defined terms.

    Raises
    ------
    InvalidModel
        If a term moves charges between sites and its flux dependence violates gauge invariance.
    """
    return tuple(flux_series(model, number) for number in range(len(model.terms)))


def largest_winding(model: Model, along: Sequence[float] = (1.0,)) -> float:
    """Return the largest fraction of the flux carried by a single hop of the Hamiltonian, bonds in the even gauge.

    For several fluxes, the projection on the direction `along`.
    """
    shares = (w for series in own_series(model) for parts in series.parts.values() for w, _ in parts)
    own = [abs(float(np.dot(share, along))) for share in shares]
    if model.cluster.fluxes == 1:
        return max([1.0 / model.cluster.loop_length, *own])
    return max([abs(float(np.dot(bond.shares, along))) for bond in model.cluster.bonds] + own)
