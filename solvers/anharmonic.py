r"""Wells of lattices with a potential of any form: minima of V(x) on the charges, with their zero-point energy.

A minimum of the lowest eigenvalue of V(x) lies below the levels near it by about ``sum Omega / 2`` with the frequencies
of small oscillations, and the lowest one of all is a lower bound of the ground energy; see `potential`. In every
minimum a coherent state is an upper bound.
"""

from __future__ import annotations

from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from .._core.lazy import optimize
from .potential import Potential
from .surface import Surface, Well

MOST_COMBINED = 8
"""Combinations of minima of single modes that are tried for one charge configuration."""
LARGE = 20_000
"""Sectors with more charge configurations try two of them."""
STEP = 1e-3
"""Step of x in second derivatives, and of the search away from a point of symmetry."""
SAME = 1e-3
"""Displacements closer than this are one minimum."""
MARGIN = 0.02
"""Share of the lowest frequency by which wells may lie lower than estimated."""


class AnharmonicWells:
    """The search for the wells of an anharmonic lattice.

    Parameters
    ----------
    surface : Surface
        Energies of coherent states.
    potential : Potential
        T and V.
    classical : Surface
        V on the charges, its displacements x.
    starts : int
        Charge configurations from which minima are sought.
    """

    def __init__(self, surface: Surface, potential: Potential, classical: Surface, starts: int) -> None:
        self.surface, self.potential, self.classical, self.starts = surface, potential, classical, starts
        self.wells: list[Well] = []
        self.floor = np.inf

    @property
    def margin(self) -> float:
        """A fiftieth of the lowest frequency of the masses alone."""
        return MARGIN * self._unit

    @property
    def _unit(self) -> float:
        """The lowest frequency of the masses alone, in which energies are compared."""
        return 4.0 * float(np.min(np.diag(self.potential.kinetic)))

    def _minimum(self, surface: Surface, start: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        unit = self._unit

        def value(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            energy, slope = surface.value(x)
            return energy / unit, slope / unit

        found = optimize.minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": 100})
        return np.asarray(found.x), float(found.fun) * unit

    def search(self) -> None:
        """Find the wells of single configurations, then the minima with all charges."""
        places: list[tuple[float, NDArray[np.float64]]] = []
        for e in self._configurations():
            alone, coherent = self.classical.only(e), self.surface.only(e)
            weights = np.zeros(self.surface.size)
            weights[e] = 1.0
            for start in islice(self._combinations(e), self._combined):
                x, energy = self._minimum(alone, start)
                if not any(_close(x, place) for _, place in places):
                    places.append((energy, x))
                self._add(coherent, x, energy + self._zero_point(alone, x), weights)
        places.sort(key=lambda place: place[0])
        middle = [np.zeros(self.classical.modes), np.full(self.classical.modes, STEP)]
        for start in (*middle, *(x for _, x in places[: 2 * self.starts])):
            x, energy = self._minimum(self.classical, start)
            self.floor = min(self.floor, energy)
            level = energy + self._zero_point(self.classical, x)
            self._add(self.surface, x, level)
            self._add(self.surface, 2.0 * self._minimum(self.surface, 0.5 * x)[0], level)
        self.wells.sort(key=lambda well: well.energy)

    def _add(
        self, surface: Surface, x: NDArray[np.float64], level: float, weights: NDArray[np.float64] | None = None
    ) -> None:
        """Add the coherent state at a place whose level is estimated, unless it is known."""
        energy, state = surface.ground(0.5 * x)
        own = np.abs(state) ** 2 if weights is None else weights
        for well in self.wells:
            if _close(2.0 * well.shift, x) and np.max(np.abs(well.weights - own)) < SAME:
                return
        self.wells.append(Well(0.5 * x, energy, 2.0 * max(0.0, energy - level) + self.margin, own))

    def _zero_point(self, surface: Surface, x: NDArray[np.float64]) -> float:
        """Return ``sum Omega / 2`` about a minimum."""
        steps = STEP * np.eye(len(x))
        rows = [(surface.value(x + step)[1] - surface.value(x - step)[1]) / (2 * STEP) for step in steps]
        curvature = np.array(rows)
        return 0.5 * float(np.sum(self.potential.frequencies(0.5 * (curvature + curvature.T))))

    def _configurations(self) -> list[int]:
        """Return the charge configurations whose own lattices lie lowest, one for each lattice."""
        lowest = self._one_by_one
        energies = lowest.sum(axis=1) + self._constant
        keys = np.round(np.column_stack([energies, lowest]) / self._unit, 9)
        order = np.lexsort((np.arange(len(energies)), energies))
        _, first = np.unique(keys[order], axis=0, return_index=True)
        return [int(e) for e in order[np.sort(first)][: self.starts]]

    @property
    def _combined(self) -> int:
        return MOST_COMBINED if self.surface.size <= LARGE else 2

    @property
    def _constant(self) -> NDArray[np.float64]:
        bare = self.classical.powers.sum(axis=1) == 0
        return np.asarray(self.classical.diagonals[bare].sum(axis=0))

    @property
    def _one_by_one(self) -> NDArray[np.float64]:
        """The lowest potential of each mode in each configuration, shape (configurations, modes)."""
        found = np.zeros((self.surface.size, self.surface.modes))
        for m in range(self.surface.modes):
            polynomials, group = np.unique(self._polynomials(m), axis=0, return_inverse=True)
            lowest = [min(np.polynomial.polynomial.polyval(_stationary(row), row)) for row in polynomials]
            found[:, m] = np.array(lowest)[group.ravel()]
        return found

    def _polynomials(self, mode: int) -> NDArray[np.float64]:
        """Return the coefficients of x^0, x^1, ... in the potential of one mode alone, a row for each configuration."""
        powers = self.classical.powers
        alone = (powers[:, mode] > 0) & (powers.sum(axis=1) == powers[:, mode])
        rows = np.zeros((self.surface.size, int(powers[:, mode].max(initial=0)) + 1))
        for power, diagonal in zip(powers[alone, mode], self.classical.diagonals[alone], strict=True):
            rows[:, power] += diagonal
        return rows

    def _combinations(self, configuration: int) -> list[NDArray[np.float64]]:
        """Return places where every mode is in a minimum of its own potential, the lowest first."""
        choices = []
        for m in range(self.surface.modes):
            row = self._polynomials(m)[configuration]
            places = _stationary(row)
            heights = np.polynomial.polynomial.polyval(places, row)
            choices.append(sorted(zip(heights.tolist(), places.tolist(), strict=True))[:2])
        every = islice(product(*choices), 4096)
        return [np.array([x for _, x in each]) for each in sorted(every, key=lambda each: sum(h for h, _ in each))]


def _stationary(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the minima of a polynomial of one displacement; zero where it has none."""
    polynomial = np.polynomial.Polynomial(row)
    slope = polynomial.deriv()
    roots = slope.roots() if np.any(row[1:]) else np.zeros(1)
    places = roots.real[np.abs(np.imag(roots)) < 1e-9 * (1.0 + np.abs(roots))]
    bent = places[slope.deriv()(places) > 0]
    return np.unique(np.round(bent, 9)) if len(bent) else np.zeros(1)


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.max(np.abs(one - other), initial=0.0) < SAME * (1.0 + np.max(np.abs(one), initial=0.0)))
