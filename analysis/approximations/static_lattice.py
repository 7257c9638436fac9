"""Charges in a static lattice: the Born-Oppenheimer energy, its minima and curvatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.optimize as so
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ...hamiltonians import Model, Sector
from ...hamiltonians.branches import belongs, links_of
from ..labelled import dataset_of
from .base import Condition, refuse
from .charge_family import ChargeFamily, couplings_vector
from .charges import charge_model
from .conditions import (
    BRANCHES,
    CHARGES,
    DISTANT,
    ELECTRONS_OR_BOSONS,
    LATTICE,
    LATTICE_THERE,
    MOVING,
    STILL,
    knows,
    sector_only,
    whole_sector,
)
from .symmetries import mode_permutations

CONDITIONS: tuple[Condition, ...] = (
    sector_only, whole_sector, LATTICE_THERE, ELECTRONS_OR_BOSONS,
    knows(*CHARGES, *STILL, *MOVING, *LATTICE, "phonons.bond_coupling", DISTANT, BRANCHES),
)  # fmt: skip
"""Conditions of the static lattice."""
GRID = 121
"""Number of points in the scan of the energy surface of a single mode for minima."""
MOST_CONFIGURATIONS = 16
"""Number of inequivalent charge configurations whose displacements are used as starting points."""
RANDOM_STARTS = 6
SAME = 1e-5
"""Minima closer than this in every displacement are equal."""
STATIONARY = 1e-6
"""Largest gradient at a minimum, in units of the largest frequency."""
FLAT = 1e-6
"""Squared frequencies above minus this, in units of omega^2, count as zero (flat directions)."""


@dataclass(frozen=True)
class Minimum:
    """A minimum of the Born-Oppenheimer energy.

    Attributes
    ----------
    energy : float
        E_ad at the minimum [energy].
    displacement : (modes,) float
        x = <a + a+>.
    gradient : float
        Largest remaining |dE_ad/dx|.
    frequencies : (modes,) float
        Frequencies of the small oscillations about it, ascending [energy].
    """

    energy: float
    displacement: NDArray[np.float64] = field(repr=False)
    gradient: float
    frequencies: NDArray[np.float64] = field(repr=False)


class StaticLattice:
    r"""The charges of a sector, exactly, in a static lattice with displacements ``x_m``.

    .. math:: E_{ad}(x) = \sum_m \omega_m x_m^2/4 + E_{el}(x)

    with the lowest energy E_el of ``H_0 + sum_m x_m A_m``, where A_m is the operator multiplied by x_m in H. The
    gradient follows from the Hellmann-Feynman theorem.

    Parameters
    ----------
    model : Model
        A model with linearly coupled phonons; their cutoff is irrelevant.
    sector : Sector
        (N, S_z).
    """

    def __init__(self, model: Model, sector: Sector) -> None:
        refuse("static lattice", CONDITIONS, model, sector)
        self.model, self.sector = model, sector
        self.omega = model.couplings.frequency
        self.unit = float(np.max(self.omega))
        self._orders = mode_permutations(model)
        self._charges = ChargeFamily.of(model, sector)
        modes = len(self.omega)
        self._still = couplings_vector(model, static_couplings(model, np.zeros(modes)))
        self._slopes = np.array(
            [couplings_vector(model, static_couplings(model, unit)) - self._still for unit in np.eye(modes)]
        )

    def energy(self, x: ArrayLike) -> tuple[float, NDArray[np.float64]]:
        """Return E_ad(x) and its gradient, shape (modes,)."""
        at = np.asarray(x, dtype=float)
        energy, averages = self._charges.lowest(self._still + at @ self._slopes)
        return energy + float(self.omega @ at**2) / 4, self._slopes @ averages + self.omega * at / 2

    def energies(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return E_ad at several displacements, shape (n, modes)."""
        return np.asarray(self._charges.energies(self._still + points @ self._slopes) + points**2 @ self.omega / 4)

    def curvature(self, x: NDArray[np.float64], step: float = 4e-3) -> NDArray[np.float64]:
        """Return the Hessian of E_ad from central differences of fourth order of the gradient, shape (modes, modes)."""
        rows = []
        for unit in np.eye(len(x)):
            gradients = [self.energy(x + k * step * unit)[1] for k in (-2, -1, 1, 2)]
            rows.append(np.array([1.0, -8.0, 8.0, -1.0]) @ np.array(gradients) / (12 * step))
        return 0.5 * (np.array(rows) + np.array(rows).T)

    def frequencies(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        r"""Return the harmonic frequencies at a minimum, ascending.

        With ``omega P^2 / 2`` as kinetic energy and x = sqrt(2) X they are the roots of the eigenvalues of
        ``2 sqrt(omega_m) E''_{mn} sqrt(omega_n)``; NaN where E'' is negative, 0 where
        the surface is flat.
        """
        root = np.sqrt(2 * self.omega)
        squares = np.linalg.eigvalsh(root[:, None] * self.curvature(x) * root)
        flat = -FLAT * float(np.max(self.omega)) ** 2
        return np.sqrt(np.where(squares < flat, np.nan, np.maximum(squares, 0.0)))

    def starts(self) -> NDArray[np.float64]:
        """Return starting points of the search for minima, shape (n, modes).

        These are the equilibrium positions of the lowest charge configurations, zero, the centre of the box that
        contains every minimum (``x = -2 <A_m> / omega``), and random points in it; for one mode the local minima of a
        fine scan.
        """
        forces = [self._charges.matrix(slope) for slope in self._slopes]
        pulls = np.array([np.real(force.diagonal()) for force in forces])
        radii = np.array([np.asarray(abs(force).sum(axis=1)).ravel() for force in forces]) - np.abs(pulls)
        lowest = -2 * np.max(pulls + radii, axis=1) / self.omega  # bounds on the eigenvalues by Gershgorin circles
        highest = -2 * np.min(pulls - radii, axis=1) / self.omega
        if len(self.omega) == 1:
            grid = np.linspace(lowest[0], highest[0], GRID)
            return grid[local_minima(self.energies(grid[:, None]))][:, None]
        cost = np.real(self._charges.matrix(self._still).diagonal()) - np.sum(pulls**2 / self.omega[:, None], axis=0)
        order = np.argsort(cost, kind="stable")
        rest = np.unique(np.round((-2 * pulls / self.omega[:, None]).T[order], 12), axis=0, return_index=True)
        seen: dict[tuple[float, ...], NDArray[np.float64]] = {}
        for x in rest[0][np.argsort(rest[1])]:  # one of each set of symmetry-equivalent points
            seen.setdefault(max(tuple(image) for image in [x, *self._images(x)]), x)
        configurations = list(seen.values())[:MOST_CONFIGURATIONS]
        random = np.random.default_rng(0).uniform(lowest, highest, (RANDOM_STARTS, len(self.omega)))
        return np.vstack([*configurations, np.zeros(len(self.omega)), 0.5 * (lowest + highest), *random])

    def _images(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the displacements related by symmetries of the cluster."""
        return [x[order] for order in self._orders]

    def minima(self) -> tuple[Minimum, ...]:
        """Return the minima of E_ad in order of increasing x (of the first mode, then of the next).

        Minima related by symmetries of the cluster are included.

        Raises
        ------
        ArithmeticError
            If no search converged.
        """
        found: list[Minimum] = []
        for start in self.starts():
            x, _ = descend(self.energy, start, self.unit)
            if any(_same(x, other.displacement) for other in found):
                continue
            energy, gradient = self.energy(x)
            best = Minimum(energy, x, float(np.max(np.abs(gradient))), self.frequencies(x))
            if best.gradient > STATIONARY * self.unit or np.any(np.isnan(best.frequencies)):
                continue
            found.append(best)
            for image in self._images(x):
                energy, gradient = self.energy(image)
                slope = float(np.max(np.abs(gradient)))
                if slope <= STATIONARY * self.unit and not any(_same(image, other.displacement) for other in found):
                    found.append(replace(best, displacement=image, gradient=slope, energy=energy))
        if not found:
            raise ArithmeticError(f"no minimum of the static lattice was found from {len(self.starts())} starts")
        return tuple(sorted(found, key=lambda m: tuple(np.round(m.displacement, 6))))


def descend(
    energy: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]], start: NDArray[np.float64], unit: float
) -> tuple[NDArray[np.float64], float]:
    """Return the minimum reached by a gradient search, and the energy there."""

    def in_units(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = energy(x)
        return value / unit, gradient / unit

    best = so.minimize(in_units, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    return best.x, float(best.fun) * unit


def local_minima(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a mask of the local minima of a sequence, including its ends."""
    padded = np.concatenate([[np.inf], values, [np.inf]])
    return np.asarray((padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:]))


def _same(x: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(np.max(np.abs(x - other)) < SAME)


def static_model(model: Model, x: ArrayLike) -> Model:
    """Return the model of the charges in a static lattice with displacements x, without phonons.

    Levels are shifted by ``-omega0 alpha_F x`` and ``-omega0 alpha x``, the hopping becomes ``t + g x_b`` (modes on
    bonds) or ``t + g (x_j - x_i)`` (modes on sites); the elastic energy ``sum omega x^2 / 4`` is not included.

    Parameters
    ----------
    model : Model
        A model with phonons.
    x : (modes,) float
        <a + a+> of each mode.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(dimer(), Electrons(1.0), phonons=Phonons(2.0, electron_coupling=0.5, max_quanta=1))
    >>> static_model(model, [0.3, 0.0]).couplings.electron_level
    array([-0.3,  0. ])
    """
    return charge_model(model, static_couplings(model, np.asarray(x, dtype=float)))


def static_couplings(model: Model, x: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the couplings changed by `static_model`, which are linear functions of x."""
    c = model.couplings
    hopping, level, pair_level = (a.copy() for a in (c.electron_hopping, c.electron_level, c.boson_level))
    for m, mode in enumerate(model.modes):
        if mode.host == "bond":
            hopping[mode.index] += c.mode_bond[m] * x[m]
            continue
        level -= c.electron_phonon_by_site[m] * x[m]
        pair_level -= c.boson_phonon_by_site[m, list(model.boson_sites)] * x[m]
    for number, link in enumerate(links_of(model.modes, model.cluster.bonds)):
        at = {mode.index: x[m] for m, mode in enumerate(model.modes) if belongs(mode, link) and mode.host == "site"}
        stretch = at.get(link.end, 0.0) - at.get(link.start, 0.0)
        hopping[number % len(hopping)] += c.bond_phonon[number] * stretch
    return {"electron_hopping": hopping, "electron_level": level, "boson_level": pair_level}


def born_oppenheimer(model: Model, sector: Sector, displacements: ArrayLike) -> xr.Dataset:
    """Return the Born-Oppenheimer energy at given displacements of the lattice.

    Parameters
    ----------
    model : Model
        A model with phonons.
    sector : Sector
        (N, S_z).
    displacements : (n, modes) float, or (n,) for one mode
        x = <a + a+>.

    Returns
    -------
    xarray.Dataset
        ``adiabatic_energy`` (point,) and ``displacement`` (point, mode).

    Examples
    --------
    >>> from respair.clusters import site
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> model = Model(site(), Electrons(), phonons=Phonons(1.0, electron_coupling=0.5, max_quanta=1))
    >>> born_oppenheimer(model, Sector(1), [0.0, 1.0]).adiabatic_energy.values
    array([ 0.  , -0.25])
    """
    lattice = StaticLattice(model, sector)
    points = np.asarray(displacements, dtype=float).reshape(-1, len(model.modes))
    return dataset_of(
        {
            "adiabatic_energy": (lattice.energies(points), "point", "E_ad(x) = sum omega0 x^2 / 4 + E_el(x)", "energy"),
            "displacement": (points, "point mode", "x = <a + a+>"),
        }
    )
