"""A polaron or a bipolaron on an infinite lattice: Lang-Firsov, weak and strong coupling, momentum average."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from ...hamiltonians import Model, Sector
from ...solvers import infinite_levels
from ...solvers.infinite.formula import bare_hops, cell_formula
from ...solvers.infinite.levels import wave_vector_of
from ..labelled import dataset_of
from .base import Approximation, Condition, Where, sector_of
from .conditions import LATTICE_THERE, knows, sector_only

GRID = {1: 4096, 2: 192}
"""Number of wave vectors along each direction in integrals over the Brillouin zone."""
DEEPEST = 400
"""Largest depth of the continued fraction of the momentum average."""
HOLSTEIN = ("electrons.hopping", "electrons.level", "phonons.frequency", "phonons.electron_coupling")


def infinite_only(model: Model, where: Where) -> str | None:
    """Condition for approximations on infinite lattices."""
    return None if model.cluster.is_infinite else "it describes an infinite lattice"


def finite_only(model: Model, where: Where) -> str | None:
    """Condition for approximations on finite clusters."""
    return "it describes a finite cluster" if model.cluster.is_infinite else None


def one_electron(model: Model, where: Where) -> str | None:
    """Condition for approximations of one electron."""
    return None if isinstance(where, Sector) and where.charge == 1 else "it describes one electron; take charge = 1"


BAND: tuple[Condition, ...] = (infinite_only, sector_only, one_electron, LATTICE_THERE, knows(*HOLSTEIN))
PAIRS: tuple[Condition, ...] = (
    infinite_only, sector_only, LATTICE_THERE,
    knows(*HOLSTEIN, "electrons.hubbard_u", "electrons.repulsion", "electrons.spin_exchange"),
)  # fmt: skip


def lang_firsov_band(model: Model, where: Where) -> xr.Dataset:
    r"""Lang-Firsov approximation on the infinite lattice, an upper bound.

    .. math:: t \to t\,e^{-\alpha^2},\quad \varepsilon \to \varepsilon - g^2/\omega_0,\quad U \to U - 2g^2/\omega_0

    with g = alpha omega0; the renormalised charges are solved exactly at the wave vector of the sector.

    Returns
    -------
    xarray.Dataset
        ``energies``.

    References
    ----------
    I. G. Lang and Y. A. Firsov, Sov. Phys. JETP 16, 1301 (1963).
    """
    g, omega = _coupling(model)
    c, electrons = model.couplings, model.electrons
    assert electrons is not None
    narrow = float(np.exp(-((g / omega) ** 2)))
    hopping = {bond.label: narrow * t for bond, t in zip(model.cluster.bonds, c.electron_hopping.tolist(), strict=True)}
    dressed = replace(
        electrons,
        hopping=hopping,
        level=float(c.electron_level[0]) - g**2 / omega,
        hubbard_u=float(c.hubbard_u[0]) - 2 * g**2 / omega,
    )
    found = infinite_levels(replace(model, electrons=dressed, phonons=None), sector_of(where))
    return _energy(float(found.energies[0]))


def weak_coupling(model: Model, where: Where) -> xr.Dataset:
    r"""Second-order perturbation theory in the electron-phonon coupling.

    .. math:: E(k) = \varepsilon_k - g^2 \int \frac{dq}{(2\pi)^d} \frac{1}{\varepsilon_q + \omega_0 - \varepsilon_k}

    NaN if the bare electron can emit a phonon.

    Returns
    -------
    xarray.Dataset
        ``energies``.
    """
    g, omega = _coupling(model)
    bare, zone = _bands(model, sector_of(where))
    above = zone + omega - bare
    return _energy(bare - g**2 * float(np.mean(1 / above)) if np.min(above) > 0 else np.nan)


def strong_coupling(model: Model, where: Where) -> xr.Dataset:
    r"""Second-order perturbation theory in the hopping of the small polaron, :math:`f(x) = \sum_n x^n / (n\, n!)`.

    .. math::
        E(k) = -\frac{g^2}{\omega_0} + e^{-\alpha^2} \varepsilon_k - \frac{e^{-2\alpha^2}}{\omega_0} \Big[
        f(2\alpha^2) \sum_d |t_d|^2 + f(\alpha^2) \sum_{d + d' \ne 0} t_d t_{d'} e^{-ik(d + d')} \Big]

    Returns
    -------
    xarray.Dataset
        ``energies``.

    References
    ----------
    F. Marsiglio, Physica C 244, 21 (1995).
    """
    g, omega = _coupling(model)
    a2, k = (g / omega) ** 2, wave_vector_of(model, sector_of(where))
    hops = bare_hops(cell_formula(model), ("c+up", "cup"))
    vectors, values = np.array([d for d, _ in hops]), np.array([t for _, t in hops])
    both = vectors[:, None] + vectors[None]
    there = np.linalg.norm(both, axis=-1) > 1e-9
    pairs = np.sum((values[:, None] * values[None] * np.exp(-1j * both @ k))[there]).real
    first = float(model.couplings.electron_level[0]) - g**2 / omega
    second = _series(2 * a2) * np.sum(np.abs(values) ** 2) + _series(a2) * pairs
    band = np.sum(values * np.exp(-1j * vectors @ k)).real
    return _energy(first + np.exp(-a2) * band - np.exp(-2 * a2) / omega * second)


def momentum_average(model: Model, where: Where) -> xr.Dataset:
    r"""Momentum-average approximation MA(0): propagators in the self-energy are replaced by their momentum average.

    .. math::
        E = \varepsilon_k + \Sigma(E),\quad \Sigma(E) = g A_1(E),\quad
        A_n = \frac{n g\, \bar g_0(E - n\omega_0)}{1 - g\, \bar g_0(E - n\omega_0) A_{n+1}}

    Returns
    -------
    xarray.Dataset
        ``energies``.

    References
    ----------
    M. Berciu, Phys. Rev. Lett. 97, 036402 (2006).
    """
    g, omega = _coupling(model)
    bare, zone = _bands(model, sector_of(where))

    def shifted(energy: float) -> float:
        a = 0.0
        for n in range(DEEPEST, 0, -1):
            free = g * float(np.mean(1 / (energy - n * omega - zone)))
            a = n * free / (1 - free * a)
        return bare + g * a - energy

    # below the bare band shifted by one phonon the continued fraction has no pole of the free particle
    high = min(bare, float(np.min(zone)) + omega * (1 - 1e-9))
    low = float(np.min(zone)) - g**2 / omega - omega
    return _energy(_lowest_root(shifted, low, high))


def _lowest_root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the lowest root between two points, at which the function decreases."""
    grid = np.linspace(low, high, 64)
    values = np.array([function(x) for x in grid])
    (down,) = np.nonzero((values[:-1] >= 0) & (values[1:] < 0))
    return float(brentq(function, grid[down[0]], grid[down[0] + 1], xtol=1e-13 * (high - low))) if len(down) else np.nan


def _coupling(model: Model) -> tuple[float, float]:
    """Return g = omega0 alpha and omega0."""
    c = model.couplings
    return float(c.electron_phonon[0]), float(c.frequency[0])


def _bands(model: Model, sector: Sector) -> tuple[float, NDArray[np.float64]]:
    """Return the bare energy at the wave vector, and those in the Brillouin zone."""
    formula = cell_formula(model)
    k, level = wave_vector_of(model, sector), float(model.couplings.electron_level[0])
    reciprocal = 2 * np.pi * np.linalg.inv(formula.vectors).T
    size = GRID[formula.dimension]
    zone = np.stack(np.meshgrid(*[np.arange(size) / size] * formula.dimension, indexing="ij"), -1) @ reciprocal
    hops = bare_hops(formula, ("c+up", "cup"))

    def band(q: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(level + sum((t * np.exp(-1j * q @ d)).real for d, t in hops))

    return float(band(k)), band(zone).ravel()


def _series(x: float) -> float:
    """Return ``sum_n x^n / (n n!)``."""
    total, term, n = 0.0, 1.0, 0
    while n < 3 or term / n > 1e-17 * total:
        n += 1
        term *= x / n
        total += term / n
        if not term:
            break
    return total


def _energy(value: float) -> xr.Dataset:
    return dataset_of({"energies": (np.array([value]), "level", "lowest energy", "energy")})


LANG_FIRSOV_BAND = Approximation(
    "lang-firsov-band", lang_firsov_band, PAIRS, "upper", "omega0 -> infinity at fixed alpha, and t -> 0"
)
WEAK_COUPLING = Approximation("weak-coupling", weak_coupling, BAND, asymptotic="g -> 0")
STRONG_COUPLING = Approximation("strong-coupling", strong_coupling, BAND, asymptotic="t -> 0")
MOMENTUM_AVERAGE = Approximation("momentum-average", momentum_average, BAND, asymptotic="g -> 0 at k = 0, and t -> 0")
