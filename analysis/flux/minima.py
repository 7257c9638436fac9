"""Minima of E_0 as a function of the flux, and the hc/2e criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from ..._core.arguments import taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.flux import own_series
from ...hamiltonians.terms import level_width
from ...solvers import Options, Progress, silent
from ...solvers.arguments import read_options
from ..labelled import dataset
from ..response.perturbation import is_smooth
from .response import FluxLevel, FluxLine
from .surface import FluxSurface, lowest_of

POINTS = 32
"""Number of fluxes of the initial grid on the whole circle."""
MOST_POINTS = 64
EQUAL = 0.1
"""Energies closer than this, in widths of levels, are equal."""
ROUNDING = 1e-3
"""Smallest error bar of energies, in widths of levels."""
SETTLED = 1e-8
"""Harmonics are converged if halving the grid changes them by less than this fraction of the larger one."""
VERDICTS = {
    "hc/2e": "E(pi/2) lies above both E(0) and E(pi), or below both, and the second harmonic of E_0(phi) is larger",
    "hc/2e emerging": "E(pi/2) lies above both E(0) and E(pi), but the first harmonic of E_0(phi) is larger",
    "hc/e": "E(pi/2) lies between E(0) and E(pi), or below both while the first harmonic of E_0(phi) is larger",
    "odd": "the charge is odd: even without pairing, the optimal fluxes of up and down electrons differ by hc/2e",
    "undecided": "E(pi/2) differs from E(0) or E(pi) by less than the error bars",
}
"""Definitions of the verdicts on the flux period; the flux is phi = 2 pi Phi / (hc/e), so that hc/2e is pi."""


@taking(model=a_model, sector=a_sector, options=read_options)
def flux_minimum(
    model: Model,
    sector: Sector | int,
    options: Options | None = None,
    progress: Callable[[Any], None] = lambda phi: None,
    search: Progress = silent,
) -> xr.Dataset:
    r"""Find the flux phi* in [0, 2 pi) of lowest ground-state energy, and the stiffness there.

    E_0 and its slope (by the Hellmann-Feynman theorem) are computed on a grid, and the roots of the slope are found
    between neighbours where it changes from negative to positive. E_0 is the lower envelope of smooth branches, so that
    no minimum lies at a kink. With time reversal E_0(phi) = E_0(-phi), and half of the circle is sufficient.

    On lattices phi is a vector: from every local minimum of a grid (8 fluxes along each of two rows, 4 of three) the
    energy is minimized along the slopes, followed by Newton steps with the second derivatives; saddle points are left
    along their lowest direction.

    Parameters
    ----------
    model, sector, options, progress, search
        As for `flux_response`; the sector must not fix a momentum, since E_0 of one momentum is not periodic.

    Returns
    -------
    xarray.Dataset
        ``phi``, ``energy`` and ``stiffness`` with ``energy_error`` and ``stiffness_error`` at phi*, the smallest flux
        of equal energy; all minima as ``local_energies`` with ``local_errors`` over ``local_phi``, ascending. On
        lattices ``phi`` over ``row``, ``stiffness`` the tensor of `flux_tensor`, and ``local_phi`` over (``minimum``,
        ``row``), ordered by energy.

    Raises
    ------
    ValueError
        If the cluster has no loop, or the sector fixes a spatial quantum number.

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> found = flux_minimum(Model(ring(4), Electrons(hopping=1.0)), 4)  # 4n electrons: closed shells at pi
    >>> round(float(found.phi) / 3.141592653589793, 12), round(float(found.energy), 6)
    (1.0, -5.656854)
    """
    if model.cluster.fluxes > 1:
        sector = sector if isinstance(sector, Sector) else Sector(sector)
        return lowest_of(FluxSurface(model, sector, options, progress, search))
    return minimum_of(FluxCurve(FluxLine(model, sector, options, progress, search)))


@taking(model=a_model, sector=a_sector, options=read_options)
def half_flux_quantum(
    model: Model,
    sector: Sector | int,
    options: Options | None = None,
    progress: Callable[[float], None] = lambda phi: None,
    search: Progress = silent,
    direction: Sequence[float] = (1.0,),
) -> xr.Dataset:
    r"""Compare E_0(0), E_0(pi/2) and E_0(pi), and the first two harmonics of E_0(phi).

    .. math:: a_n = \frac{1}{\pi}\int_0^{2\pi} E_0(\varphi) \cos(n\varphi)\, d\varphi

    The integrals are sums over equidistant fluxes, whose number is doubled until both harmonics are converged, or up to
    64; the last change is their error. Pairing shifts the period towards hc/2e; the definitions are in `VERDICTS`.
    Pairs with the usual sign of hopping have minima at 0 and pi; with the opposite sign, rings with an odd number of
    sites have them at pi/2 and 3 pi/2.

    Parameters
    ----------
    model, sector, options, progress, search
        As for `flux_minimum`.
    direction : sequence of float, optional
        On lattices: the flux vector is phi times this, (1, 0) along the first of two rows.

    Returns
    -------
    xarray.Dataset
        ``E0``, ``E_half_pi`` and ``E_pi``; ``harmonics`` a_1 and a_2 (their absolute values if E_0 is not even) with
        ``harmonic_errors``; ``ratio`` \|a_2 / a_1\|, infinite if a_1 vanishes; ``verdict`` and ``definition`` as
        text; the sampled ``curve`` over ``curve_phi``.

    References
    ----------
    N. Byers and C. N. Yang, Phys. Rev. Lett. 7, 46 (1961).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Model
    >>> found = half_flux_quantum(Model(ring(3), None, Bosons(hopping=1.0)), 2)  # pairs and nothing else
    >>> str(found.verdict.values), float(found.ratio)
    ('hc/2e', inf)
    """
    along = tuple(float(part) for part in direction)
    return criterion_of(FluxCurve(FluxLine(model, sector, options, progress, search, along)))


@dataclass(frozen=True)
class FluxCurve:
    """E_0(phi) along a line of fluxes, with cached results.

    Parameters
    ----------
    line : FluxLine
        The line of fluxes.
    """

    line: FluxLine
    known: dict[float, FluxLevel] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        sector = self.line.sector
        if isinstance(sector, Sector) and sector.has_symmetry:
            raise InvalidValue(f"E_0 of a sector with {sector.label} is not periodic in the flux; leave it out")

    @property
    def is_even(self) -> bool:
        """True if E_0(phi) = E_0(-phi): the Hamiltonian is real without the flux."""
        return self.line.model.is_real and all(series.is_even for series in own_series(self.line.model))

    @cached_property
    def width(self) -> float:
        """Levels closer than this are degenerate."""
        return level_width(self.line.model)

    def level(self, phi: float) -> FluxLevel:
        """Return the ground level at a flux from 0 to 2 pi."""
        if phi not in self.known:
            self.known[phi] = self.line.level(phi, only_at_rest=True)
        return self.known[phi]

    def grid(self, points: int) -> NDArray[np.float64]:
        """Return equidistant fluxes on the circle, or on half of it, ends included, if that is sufficient."""
        return 2 * np.pi * np.arange(points // 2 + 1 if self.is_even else points + 1) / points

    def circle(self, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return equidistant fluxes on the circle and E_0 there."""
        half = np.array([self.level(phi).energy for phi in self.grid(points).tolist()])
        energies = np.concatenate([half, half[-2:0:-1]]) if self.is_even else half[:-1]
        return 2 * np.pi * np.arange(points) / points, energies

    def minima(self) -> list[FluxLevel]:
        """Return all minima in [0, 2 pi), by flux; the first of the lowest points if E_0 is constant."""
        points = [self.level(phi) for phi in self.grid(POINTS).tolist()]
        found = [level.phi for level in points if level.rests and level.curvature > level.flat]
        for start, end in pairwise(points):
            step = 1e-3 * (end.phi - start.phi)  # away from points of zero slope
            found += self._inside(start.phi + step * start.rests, end.phi - step * end.rests)
        found += [2 * np.pi - phi for phi in found if self.is_even and 0 < phi < np.pi]
        levels = [self._mirrored(phi) for phi in sorted(found) if phi < 2 * np.pi - 1e-9]
        if levels:
            return levels
        lowest = min(level.energy for level in points)
        return [next(level for level in points if level.energy <= lowest + EQUAL * self.width)]

    def _mirrored(self, phi: float) -> FluxLevel:
        """Return the level at a flux that may lie on the mirrored half of the circle."""
        if phi <= np.pi or not self.is_even:
            return self.level(phi)
        image = min(self.known.values(), key=lambda level: abs(level.phi + phi - 2 * np.pi))
        return replace(image, phi=phi, slopes=-image.slopes[::-1])

    def _inside(self, start: float, end: float) -> Iterator[float]:
        """Yield minima between two fluxes of nonzero slope."""
        low, high = self.level(start), self.level(end)
        if not (low.slopes[0] < -low.flat and high.slopes[-1] > high.flat) or end - start < 1e-9:
            return
        at = float(brentq(lambda phi: float(np.mean(self.level(phi).slopes)), start, end, xtol=1e-13))
        here = self.level(at)
        if is_smooth(here.slopes, here.scale) and abs(here.slope) <= 10 * here.flat:
            yield at
            return
        yield from self._inside(start, at - 1e-7)  # a kink: the slope jumps from positive to negative
        yield from self._inside(at + 1e-7, end)


def minimum_of(curve: FluxCurve) -> xr.Dataset:
    """Return the result of `flux_minimum` for a curve with cached points."""
    minima = curve.minima()
    lowest = min(level.energy for level in minima)
    best = next(level for level in minima if level.energy <= lowest + max(EQUAL * curve.width, level.error))
    line = curve.line
    there = line.level(best.phi)
    energies, errors = (np.array([getattr(level, name) for level in minima]) for name in ("energy", "error"))
    return dataset(
        ("phi", best.phi, [], "phi* = argmin E_0(phi)"),
        ("energy", best.energy, [], "E_0(phi*)", "energy"),
        ("energy_error", best.error, [], "error bar", "energy"),
        ("stiffness", line.stiffness(there), [], "pi L d2E_0/dphi2 at phi*", "energy"),
        ("stiffness_error", line.stiffness_error(there), [], "error bar", "energy"),
        ("local_energies", energies, ["local_phi"], "E_0 at its minima", "energy"),
        ("local_errors", errors, ["local_phi"], "error bar", "energy"),
        coords={"local_phi": np.array([level.phi for level in minima])},
    )


def criterion_of(curve: FluxCurve) -> xr.Dataset:
    """Return the result of `half_flux_quantum` for a curve with cached points."""
    corners = [curve.level(phi) for phi in (0.0, np.pi / 2, np.pi)]
    noise = max(ROUNDING * curve.width, *(level.error for level in corners))
    points, harmonics = POINTS, _harmonics(*curve.circle(POINTS))
    change = np.abs(harmonics - _harmonics(*curve.circle(POINTS // 2)))
    while np.max(change) > SETTLED * np.max(np.abs(harmonics)) + noise and points < MOST_POINTS:
        points, before = 2 * points, harmonics
        harmonics = _harmonics(*curve.circle(points))
        change = np.abs(harmonics - before)
    size = np.abs(harmonics)
    sampled = np.array(sorted((phi, level.energy) for phi, level in curve.known.items())).T
    sector = curve.line.sector
    charge = sector.charge if isinstance(sector, Sector) else sector
    verdict = "odd" if charge % 2 else _verdict(corners, size, noise)
    return dataset(
        *(
            (name, level.energy, [], f"E_0({at})", "energy")
            for name, at, level in zip(("E0", "E_half_pi", "E_pi"), ("0", "pi/2", "pi"), corners, strict=True)
        ),
        ("error", noise, [], "largest error bar of these energies", "energy"),
        ("harmonics", harmonics.real if curve.is_even else size, ["harmonic"], "a_n", "energy"),
        ("harmonic_errors", change, ["harmonic"], "change with half of the grid", "energy"),
        ("ratio", size[1] / size[0] if size[0] > noise else np.inf, [], "|a_2 / a_1|"),
        ("verdict", np.array(verdict), [], VERDICTS[verdict]),
        ("definition", np.array(VERDICTS[verdict]), [], "what the verdict means"),
        ("curve", sampled[1], ["curve_phi"], "E_0(phi)", "energy"),
        coords={"harmonic": [1, 2], "curve_phi": sampled[0]},
    )


def _harmonics(phi: NDArray[np.float64], energies: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return a_1 and a_2, complex if the energy is not even in the flux."""
    return 2 * np.array([np.mean(energies * np.exp(1j * n * phi)) for n in (1, 2)])


def _verdict(corners: list[FluxLevel], size: NDArray[np.float64], noise: float) -> str:
    start, middle, end = (level.energy for level in corners)
    rises = middle - start, middle - end
    if min(abs(rise) for rise in rises) <= 2 * noise:
        return "undecided"
    if rises[0] * rises[1] > 0 and size[1] > size[0]:
        return "hc/2e"
    return "hc/2e emerging" if min(rises) > 0 else "hc/e"
