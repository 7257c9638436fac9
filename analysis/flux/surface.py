"""Minima of E_0 of a lattice as a function of the flux vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize

from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector, flux_derivative
from ...hamiltonians.flux import own_series
from ...hamiltonians.terms import far_potential, level_width
from ...solvers import LabelledLevels, Options, Progress, levels_by_symmetry, silent
from ...solvers.blocks import blocks_at_any_flux
from ...solvers.by_symmetry import over_blocks
from ...solvers.caps import is_automatic, is_optimal
from ..labelled import dataset
from ..response.perturbation import Perturbed, is_smooth, slopes_of
from .tensor import Tensor

POINTS = {1: 32, 2: 8, 3: 4}
"""Number of fluxes of the initial grid along each row, by the number of rows."""
EQUAL = 0.1
"""Energies closer than this, in widths of levels, are equal."""
FLAT = 1e-8
"""Slopes and curvatures below this times the sum of all coefficients of dH/dphi count as zero."""
ASIDE = 0.02
"""Distance from a level crossing or saddle point at which the descent starts, in steps of the grid."""
SAME_PLACE = 1e-5
"""Fluxes closer than this are equal."""
NEWTON = 4
"""Largest number of Newton steps for a minimum."""
Vector = tuple[float, ...]


@dataclass(frozen=True)
class Place:
    """The ground level at one flux vector.

    Attributes
    ----------
    phi : tuple of float
        The flux vector.
    energy, error : float
        E_0 and its error bar.
    slopes : (fluxes,) float
        dE_0/dphi_j; NaN where levels cross.
    scale : float
        Largest over the rows of the sum of the absolute values of the coefficients of dH/dphi [energy].
    """

    phi: Vector
    energy: float
    error: float
    slopes: NDArray[np.float64]
    scale: float

    @property
    def is_smooth(self) -> bool:
        """True if no levels cross."""
        return not np.any(np.isnan(self.slopes))

    @property
    def rests(self) -> bool:
        """True if all slopes are zero."""
        return self.is_smooth and bool(np.max(np.abs(self.slopes)) <= FLAT * self.scale)


@dataclass(frozen=True)
class FluxSurface:
    """E_0 of a lattice as a function of the flux vector, with cached results.

    Parameters
    ----------
    model, sector, options, progress, search
        As for `flux_tensor`; the sector must not fix a momentum, since E_0 of one momentum is not periodic.
    """

    model: Model
    sector: Sector
    options: Options | None = None
    progress: Callable[[Sequence[float]], None] = lambda phi: None
    search: Progress = silent
    known: dict[Vector, Place] = field(default_factory=dict, repr=False)
    last: dict[Vector, LabelledLevels] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        cluster = self.model.cluster
        if not cluster.has_loop:
            whole = f"a {cluster.kind} of {cluster.sites} sites"
            raise InvalidValue(f"{whole} has no loop for a flux; take a closed lattice")
        if self.sector.has_symmetry:
            raise InvalidValue(f"E_0 of a sector with {self.sector.label} is not periodic in the flux; leave it out")
        own_series(self.model)

    @property
    def fluxes(self) -> int:
        """Number of components of the flux vector."""
        return self.model.cluster.fluxes

    @cached_property
    def blocks(self) -> tuple[Sector, ...]:
        """The symmetry blocks of the Hamiltonian at any flux."""
        return blocks_at_any_flux(self.model, self.sector)

    @cached_property
    def is_even(self) -> bool:
        """True if E_0(phi) = E_0(-phi): the Hamiltonian is real without the flux."""
        return self.model.is_real and all(series.is_even for series in own_series(self.model))

    @cached_property
    def width(self) -> float:
        """Levels closer than this are degenerate."""
        return level_width(self.model)

    def at(self, phi: Sequence[float] | NDArray[np.float64]) -> Place:
        """Return the ground level at a flux vector."""
        key = tuple(float(x) for x in phi)
        if key not in self.known:
            self.progress(key)
            threaded, levels = replace(self.model, flux=key), self.levels(key)
            slopes, scales = np.full(self.fluxes, np.nan), [self.width / FLAT]  # dH/dphi of doubled bonds may vanish
            for j, unit in enumerate(np.eye(self.fluxes).tolist()):
                branches = [Perturbed.of(each, flux_derivative(threaded, along=[unit])) for each in levels.lowest]
                found, scale = slopes_of(branches), branches[0].scale
                scales.append(scale)
                slopes[j] = float(np.mean(found)) if is_smooth(found, scale) else np.nan
            error = float(levels.certificate.energy_errors[0])
            self.known[key] = Place(key, float(levels.energies[0]), error, slopes, max(scales))
        return self.known[key]

    def levels(self, phi: Vector) -> LabelledLevels:
        """Return the ground level at a flux vector; only the last states are cached."""
        if phi not in self.last:
            self.last.clear()
            solve = self._searched if self._is_plain else self.barred
            self.last[phi] = solve(phi)
        return self.last[phi]

    @cached_property
    def _is_plain(self) -> bool:
        """True if cutoff, frame and basis do not depend on the flux."""
        return not (is_automatic(self.model) or is_optimal(self.model) or far_potential(self.model))

    def _searched(self, phi: Vector) -> LabelledLevels:
        threaded, options = replace(self.model, flux=phi), self.options or Options()
        return over_blocks(threaded, self.sector, 1, options, self.search, self.blocks)

    def barred(self, phi: Vector) -> LabelledLevels:
        """Return the ground level at a flux vector with its error bar."""
        threaded = replace(self.model, flux=phi)
        return levels_by_symmetry(threaded, self.sector, 1, self.options, self.search, self.blocks)

    def bent(self, place: Place) -> NDArray[np.float64]:
        """Return d2E_0 / dphi_j dphi_k of the lowest branch at a smooth point."""
        threaded, count, levels = replace(self.model, flux=place.phi), self.fluxes, self.levels(place.phi)

        def along(direction: NDArray[np.float64]) -> float:
            first, second = (flux_derivative(threaded, along=[direction.tolist()] * order) for order in (1, 2))
            return min(Perturbed.of(each, first).curvature(second) for each in levels.lowest)

        unit: NDArray[np.float64] = np.eye(count)
        found = np.diag([along(e) for e in unit])
        for j, k in zip(*np.triu_indices(count, 1), strict=True):
            found[j, k] = found[k, j] = 0.5 * (along(unit[j] + unit[k]) - found[j, j] - found[k, k])
        return np.asarray(found)

    def is_minimum(self, place: Place) -> bool:
        """True if all slopes are zero and no second derivative is negative."""
        return place.rests and bool(np.linalg.eigvalsh(self.bent(place))[0] >= -FLAT * place.scale)

    def minima(self) -> list[Place]:
        """Return all minima found from a grid, by energy; one point if E_0 is constant."""
        found: list[Place] = []
        for start in self._lowest_of_the_grid():
            for place in self._descended(start):
                self._add(found, place)
                if self.is_even:
                    self._add(found, self._mirrored(place))
        return sorted(found, key=lambda place: (round(place.energy / self.width), place.phi))

    def _add(self, found: list[Place], place: Place) -> None:
        inside = tuple(float(x) for x in np.mod(np.round(place.phi, 12), 2 * np.pi))
        apart = (np.array(inside) - np.array(other.phi) for other in found)
        if not any(np.max(np.abs(np.angle(np.exp(1j * each)))) < SAME_PLACE for each in apart):
            found.append(replace(place, phi=inside))

    def _mirrored(self, place: Place) -> Place:
        """Return the point at the opposite flux, which has the same energy."""
        return replace(place, phi=tuple(-x for x in place.phi), slopes=-place.slopes)

    def _lowest_of_the_grid(self) -> Iterator[Place]:
        """Yield the local minima of the grid, one point of each plateau."""
        count = POINTS[self.fluxes]
        energies = np.zeros((count,) * self.fluxes)
        for at in np.ndindex(energies.shape):
            opposite = tuple(-n % count for n in at)
            known = self.is_even and opposite < at
            energies[at] = energies[opposite] if known else self._point(at).energy
        steps = [step for step in product((-1, 0, 1), repeat=self.fluxes) if any(step)]
        done: set[tuple[int, ...]] = set()
        for at in sorted(np.ndindex(energies.shape), key=lambda at: float(energies[at])):
            around = [tuple((n + s) % count for n, s in zip(at, step, strict=True)) for step in steps]
            lowest = all(energies[at] <= energies[other] + EQUAL * self.width for other in around)
            opposite = tuple(-n % count for n in at)
            if lowest and at not in done and not (self.is_even and opposite in done):
                yield self._point(at if not self.is_even or at <= opposite else opposite)
            if lowest:
                flat = {other for other in around if abs(energies[other] - energies[at]) <= EQUAL * self.width}
                done |= {at} | flat

    def _point(self, at: Sequence[int]) -> Place:
        return self.at([2 * np.pi * n / POINTS[self.fluxes] for n in at])

    def _descended(self, start: Place) -> Iterator[Place]:
        """Yield the minima reached from a point of the grid: the point itself, or the ends of the descent from it."""
        if start.rests:
            values, vectors = np.linalg.eigh(self.bent(start))
            if values[0] >= -FLAT * start.scale:
                yield start
                return
            ways = [vectors[:, 0], -vectors[:, 0]]
        elif start.is_smooth:
            ways = [np.zeros(self.fluxes)]
        else:
            ways = [sign * unit for unit in np.eye(self.fluxes) for sign in (1.0, -1.0)]
        step = ASIDE * 2 * np.pi / POINTS[self.fluxes]
        for way in ways[:1] if start.rests and self.is_even else ways:
            place = self._below(np.array(start.phi) + step * way)
            if place is not None:
                yield place

    def _below(self, start: NDArray[np.float64]) -> Place | None:
        """Return the minimum reached by descent; None if it ends at a level crossing or saddle point."""

        def function(phi: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            place = self.at(phi)
            return place.energy, np.nan_to_num(place.slopes)

        found = minimize(function, start, jac=True, method="BFGS", options={"gtol": 1e-6 * self.at(start).scale})
        place = self.at(found.x)
        for _ in range(NEWTON):
            if place.rests or not place.is_smooth:
                break
            bent = self.bent(place)
            place = self.at(np.array(place.phi) - np.linalg.pinv(bent, rcond=1e-9, hermitian=True) @ place.slopes)
        if not place.is_smooth or np.max(np.abs(place.slopes)) > 10 * FLAT * place.scale:
            return None
        return place if np.linalg.eigvalsh(self.bent(place))[0] >= -FLAT * place.scale else None


def _with_bar(surface: FluxSurface, place: Place) -> Place:
    found = surface.barred(place.phi)
    return replace(place, energy=float(found.energies[0]), error=float(found.certificate.energy_errors[0]))


def lowest_of(surface: FluxSurface) -> xr.Dataset:
    """Return the result of `flux_minimum` on a lattice."""
    minima = [_with_bar(surface, place) for place in surface.minima()]
    lowest = min(place.energy for place in minima)
    best = next(place for place in minima if place.energy <= lowest + max(EQUAL * surface.width, place.error))
    tensor = Tensor(surface.model, surface.sector, surface.options, surface.search)
    stiffness, bars = tensor.answer(best.phi, surface.barred(best.phi))[4:6]
    axes = ["axis", "other_axis"]
    formula = "(pi / sites) d2E_0 / dA_a dA_b at phi*"
    return dataset(
        ("phi", np.array(best.phi), ["row"], "phi* = argmin E_0(phi)"),
        ("energy", best.energy, [], "E_0(phi*)", "energy"),
        ("energy_error", best.error, [], "error bar", "energy"),
        ("stiffness", stiffness, axes, formula, "energy length^2"),
        ("stiffness_error", bars, axes, "error bar", "energy length^2"),
        ("local_energies", np.array([place.energy for place in minima]), ["minimum"], "E_0 at its minima", "energy"),
        ("local_errors", np.array([place.error for place in minima]), ["minimum"], "error bar", "energy"),
        ("local_phi", np.array([place.phi for place in minima]), ["minimum", "row"], "minima of E_0(phi)"),
    )
