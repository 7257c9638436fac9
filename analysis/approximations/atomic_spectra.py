"""Electron lines of an isolated site with its lattice, and their thermal weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from ...clusters import InvalidValue
from ...hamiltonians import InvalidModel, Model, Problem
from ...hamiltonians.branches import share_places
from ...hamiltonians.parameters import show
from ...hamiltonians.terms import energy_scale
from ..labelled import dataset_of
from .atomic_limit import site_model

Line = tuple[float, float, bool]
"""Frequency, weight, and whether neither of the two states is a bonding or antibonding one."""
LEAST = 1e-16
"""Weights below this are omitted."""


def spectral_weights(model: Model, site: int, temperature: float) -> xr.Dataset:
    r"""Return the electron lines of an isolated site with their thermal weights.

    With e = eps - mu, d = Delta_B - 2 mu and the pair states ``|s> = u_s |up dn> + w_s |boson>`` of energy eps_s,
    s = +, -, and the eight states of a site,

    .. math:: A_\sigma(\omega) = (p_0+p_1)\,\delta(\omega-e) + (p_3+p_4)\,\delta(\omega-e-U)
              + \sum_s [u_s^2 (p_1+p_s)\,\delta(\omega-\epsilon_s+e) + w_s^2 (p_s+p_3)\,\delta(\omega-e-d+\epsilon_s)]

    p_0, p_1, p_3, p_4 the probabilities of the states with energy 0, e, e + d, 2e + U + d.

    With a lattice that follows the charges of the site, and without exchange, the transformation of Lang and Firsov
    is exact. A charge state has the energy ``e n + U n_up n_dn + d b - omega0 (alpha_F n + alpha b)^2``, and each line
    has side bands at ``+ m omega0`` with the weights ``p_i W_m + p_f W_-m`` of its lower and upper state,

    .. math:: W_m = e^{-\alpha_F^2(2N+1) + m\omega_0/2T} I_{|m|}\big(2\alpha_F^2\sqrt{N(N+1)}\big),\quad
              N = 1/(e^{\omega_0/T} - 1),

    the probability of a net emission of m phonons, the difference of Poisson variables with means ``alpha_F^2 (N+1)``
    and ``alpha_F^2 N``. There is no cutoff.

    For U = 0 and no lattice the lines fall together in three: the non-bonding one at e with the weight Z_N, bonding
    and antibonding ones at ``eps_-+ - e`` with ``(1 - u^2) Q`` and ``u^2 Q``, Q = 1 - Z_N,
    u^2 = (1 + (e - d/2)/r)/2, r = sqrt((d/2 - e)^2 + v^2). As T -> 0 with a pair as ground state Z_N vanishes: the
    pseudogap of the atomic limit.

    Parameters
    ----------
    model : Model
        A model with electrons; all hopping terms are ignored.
    site : int
        The site.
    temperature : float
        T above zero [energy].

    Returns
    -------
    xarray.Dataset
        ``frequency`` and ``weight`` (line,), ascending, equal frequencies joined; the weights add up to one;
        ``nonbonding_weight``, that of the lines at e (and e + U) with their side bands: the Z_N.

    Raises
    ------
    InvalidModel
        If there is both exchange and a coupled lattice, for which there is no closed form.
    ValueError
        If there is no such site, the model has no electrons, or the temperature is not above zero.

    References
    ----------
    T. Domanski, J. Ranninger and J.-M. Robin, Solid State Commun. 105, 473 (1998); G. D. Mahan, Many-Particle Physics,
    section 4.3.

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> data = spectral_weights(Model(dimer(), Electrons(0.1), Bosons(exchange=0.5)), 0, 0.05)
    >>> data.frequency.values, float(data.nonbonding_weight) < 1e-3
    (array([-0.5,  0. ,  0.5]), True)
    """
    if model.electrons is None or not 0 <= site < model.cluster.sites:
        raise InvalidValue(f"site {site} has no electrons; sites are 0 to {model.cluster.sites - 1}")
    if not temperature > 0:
        raise InvalidValue(f"temperature = {temperature:g}; allowed: above 0")
    if share_places([mode for mode in model.modes if mode.host == "site" and mode.index == site]):
        why = "there is no closed form with several oscillators; take [spectrum] with [thermal] of the site"
        raise InvalidModel([Problem("phonons.on", f"several modes on site {site}", why)])
    level = _Level.of(model, site)
    if level.exchange and (level.alpha or level.boson_alpha):
        why = "there is no closed form with exchange and a coupled lattice; take [spectrum] with [thermal] of the site"
        raise InvalidModel([Problem("bosons.exchange", show(level.exchange), why)])
    unit = energy_scale(model)
    found = list(level.pair_lines(temperature) if level.exchange else level.polaron_lines(temperature))
    frequencies, weights, nonbonding = (np.array(x) for x in zip(*found, strict=True))
    values, place = np.unique(np.round(frequencies / unit, 12) * unit, return_inverse=True)
    joined = np.bincount(place, weights)
    kept = joined >= LEAST
    return dataset_of(
        {
            "frequency": (values[kept] + 0.0, "line", "omega", "energy"),
            "weight": (joined[kept], "line", "weight of the line in A_sigma"),
            "nonbonding_weight": (float(weights @ nonbonding), "", "Z_N"),
        }
    )


@dataclass(frozen=True)
class _Level:
    """The couplings of a site: e, U, d (None without a local pair), v, omega0, and the displacements of its lattice."""

    electron: float
    repulsion: float
    boson: float | None
    exchange: float
    omega: float
    alpha: float
    boson_alpha: float

    @classmethod
    def of(cls, model: Model, site: int) -> _Level:
        alone, mu = site_model(model, site), model.chemical_potential
        c = alone.couplings

        def first(values: NDArray[np.float64], otherwise: float = 0.0) -> float:
            return float(values[0]) if len(values) else otherwise

        omega = first(c.frequency, 1.0)
        return cls(
            first(c.electron_level) - mu,
            first(c.hubbard_u),
            None if alone.bosons is None else first(c.boson_level) - 2 * mu,
            first(c.exchange),
            omega,
            first(c.electron_phonon) / omega,
            first(c.boson_phonon) / omega,
        )

    def pair_lines(self, temperature: float) -> Iterator[Line]:
        """Yield the lines with exchange and without a lattice."""
        e, u, d = self.electron, self.repulsion, self.boson or 0.0
        pair, vectors = np.linalg.eigh(np.array([[2 * e + u, self.exchange], [self.exchange, d]]))
        p0, p1, p1_dn, p3, p3_dn, p4, *p = _probabilities([0.0, e, e, e + d, e + d, 2 * e + u + d, *pair], temperature)
        yield from ((e, p0 + p1, True), (e + u, p3 + p4, True))
        for energy, p2, (electrons, boson) in zip(pair, p, vectors.T, strict=True):
            yield float(energy) - e, electrons**2 * (p1_dn + p2), False
            yield e + d - float(energy), boson**2 * (p2 + p3_dn), False

    def polaron_lines(self, temperature: float) -> Iterator[Line]:
        """Yield the lines without exchange, with the side bands of the lattice."""
        states = list(product((0, 1), (0, 1), (0, 1) if self.boson is not None else (0,)))
        energies = [self._energy(*state) for state in states]
        weight = dict(zip(states, _probabilities(energies, temperature), strict=True))
        emitted, bands = side_bands(self.alpha, self.omega, temperature)
        for (up, dn, b), below in weight.items():
            if up:
                continue
            line, above = self._energy(1, dn, b) - self._energy(0, dn, b), weight[1, dn, b]
            for m, one, other in zip(emitted.tolist(), below * bands, above * bands, strict=True):
                yield line + m * self.omega, one, dn == b
                yield line - m * self.omega, other, dn == b

    def _energy(self, up: int, dn: int, b: int) -> float:
        moved = self.alpha * (up + dn) + self.boson_alpha * b
        charges = self.electron * (up + dn) + self.repulsion * up * dn + (self.boson or 0.0) * b
        return charges - self.omega * moved**2


def _probabilities(energies: list[float], temperature: float) -> NDArray[np.float64]:
    weights = np.exp(-(np.array(energies) - min(energies)) / temperature)
    return np.asarray(weights / weights.sum())


def side_bands(alpha: float, omega: float, temperature: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return m and W_m for a sudden displacement by alpha of an oscillator in thermal equilibrium.

    Examples
    --------
    >>> m, weight = side_bands(0.5, 1.0, 0.02)
    >>> m[weight > 1e-3], weight[weight > 1e-3].round(4)
    (array([0, 1, 2, 3]), array([0.7788, 0.1947, 0.0243, 0.002 ]))
    """
    thermal = 1 / np.expm1(omega / temperature) if omega < 700 * temperature else 0.0
    emitted, absorbed = _poisson(alpha**2 * (thermal + 1)), _poisson(alpha**2 * thermal)
    m = np.arange(1 - len(absorbed), len(emitted))
    return m, np.convolve(emitted, absorbed[::-1])


def _poisson(mean: float) -> NDArray[np.float64]:
    n = np.arange(int(mean + 14 * np.sqrt(mean)) + 40)
    return np.asarray(np.exp(xlogy(n, mean) - mean - gammaln(n + 1)))
