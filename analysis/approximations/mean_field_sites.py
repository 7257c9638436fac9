"""Mean-field theory of the boson-fermion model with site-dependent amplitudes."""

from __future__ import annotations

import numpy as np
import scipy.optimize as so
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Model
from .base import Approximation, Where, temperature_of
from .mean_field import CONDITIONS, finite, free_entropy, half_tanh, largest_root, mean_field_results, occupation_cost
from .symmetries import one_electron_matrix, site_symmetries

SAME = 1e-6
CLOSE = 1e-9
"""Sums of two energies below this times the largest coupling are zero."""
RANDOM_STARTS = 6
SETTLE = 60
"""Number of fixed-point iterations before the root search."""


class SiteGap:
    r"""The self-consistent equations with rho_i = <b_i> and chi_i = <c_dn c_up> on each site.

    The electrons have the Bogoliubov-de Gennes matrix ``[[h, Delta], [Delta, -h]]``, Delta_i = v_i rho_i, and
    ``chi_i = sum_n u_n(i) w_n(i) f(E_n)`` over all its eigenpairs; the local pair of a site lies in the field
    ``F_i = v_i chi_i - sum_j t_b,ij rho_j`` and has ``rho_i = -(F_i / 2 Gamma_i) tanh(Gamma_i / T)``,
    Gamma_i = sqrt((E_B,i/2)^2 + F_i^2). The grand potential is

    .. math:: \Omega = \mathrm{tr}\,h - T\sum_n\ln(1+e^{-E_n/T}) + \sum_i[E_{B,i}/2 - T\ln 2\cosh(\Gamma_i/T)]
              - 2\sum_i v_i\rho_i\chi_i + 2\sum_{ij} t_{b,ij}\rho_i\rho_j.

    Parameters
    ----------
    model : Model
        The boson-fermion model on any cluster.
    temperature : float
        T >= 0.
    """

    def __init__(self, model: Model, temperature: float) -> None:
        c = model.couplings
        self.t, self.on = temperature, np.array(model.boson_sites)
        self.h = one_electron_matrix(model).real
        self.exchange = c.exchange
        self.boson = c.boson_level - 2 * model.chemical_potential
        hops = np.zeros_like(self.h)
        for bond, t in zip(model.cluster.bonds, c.boson_hopping, strict=True):
            hops[bond.start, bond.end] = hops[bond.end, bond.start] = t
        self.hops = hops[np.ix_(self.on, self.on)]

    def electrons(self, rho: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the eigenvalues (2 L,) and eigenvectors (2 L, 2 L) of Bogoliubov and de Gennes."""
        gap = np.zeros(len(self.h))
        gap[self.on] = self.exchange * rho
        found = np.linalg.eigh(np.block([[self.h, np.diag(gap)], [np.diag(gap), -self.h]]))
        return found[0], found[1]

    def averages(self, rho: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return chi_i of the boson sites and <n_i> of all sites."""
        energies, vectors = self.electrons(rho)
        fermi = 0.5 - np.sign(energies) * np.abs(energies) * finite(half_tanh(energies, self.t))
        u, w = vectors[: len(self.h)], vectors[len(self.h) :]
        return ((u * w) @ fermi)[self.on], 2 * (u**2) @ fermi

    def field(self, rho: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return F_i and Gamma_i at given amplitudes."""
        field = self.exchange * self.averages(rho)[0] - self.hops @ rho
        return field, np.hypot(self.boson / 2, field)

    def image(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the new amplitudes of a self-consistency step."""
        field, gamma = self.field(rho)
        return np.asarray(-2 * field * finite(half_tanh(2 * gamma, self.t)))

    def grand_potential(self, rho: NDArray[np.float64]) -> float:
        """Return Omega of a solution."""
        field, gamma = self.field(rho)
        electrons = float(np.trace(self.h)) + occupation_cost(self.electrons(rho)[0], self.t)
        bosons = float(np.sum(self.boson / 2 - gamma)) + occupation_cost(2 * gamma, self.t)
        return electrons + bosons - 2 * float(field @ rho) - float(rho @ self.hops @ rho)

    def entropy(self, rho: NDArray[np.float64]) -> float:
        """Return S of a solution, T above zero."""
        return free_entropy(np.concatenate([self.electrons(rho)[0], 2 * self.field(rho)[1]]), self.t)

    def boson_density(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return <b+b> of the boson sites."""
        return np.asarray(0.5 - self.boson * finite(half_tanh(2 * self.field(rho)[1], self.t)))

    def solutions(self) -> list[NDArray[np.float64]]:
        """Return every solution found from uniform, staggered, single-site and random amplitudes, and zero."""
        n = len(self.on)
        signs = np.where(np.arange(n) % 2, -1.0, 1.0)
        random = np.random.default_rng(0).uniform(-0.5, 0.5, (RANDOM_STARTS, n))
        found = [np.zeros(n)]
        for start in [np.full(n, 0.4), np.full(n, 0.02), 0.4 * signs, *(0.4 * np.eye(n)), *random]:
            rho = start
            for _ in range(SETTLE):
                rho = 0.5 * (rho + self.image(rho))
            rho = self._polished(rho)
            rho = rho * (np.sign(rho[np.argmax(np.abs(rho) > SAME)]) or 1.0)
            converged = np.max(np.abs(self.image(rho) - rho)) < 1e-9
            if converged and not any(np.max(np.abs(rho - other)) < SAME for other in found):
                found.append(rho)
        return found

    def _polished(self, rho: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a nearby solution; `rho` itself if MINPACK fails because the Jacobian is singular."""

        def defect(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return self.image(x) - x if np.all(np.isfinite(x)) else x

        found = np.asarray(so.root(defect, rho, method="hybr", options={"xtol": 1e-14}).x)
        return found if np.all(np.isfinite(found)) else rho


def site_critical_temperature(model: Model) -> float:
    r"""Return the largest T at which the normal state becomes unstable; 0 for none.

    To first order ``rho = M rho`` with ``M = -B (v chi' - t_b)``, B_i = tanh(E_B/2T)/E_B and
    ``chi'_ij = -v_j sum_ab phi_a(i) phi_b(i) phi_a(j) phi_b(j) [1 - f(xi_a) - f(xi_b)]/(xi_a + xi_b)``:
    at T_c the largest eigenvalue of M is one.
    """
    gap = SiteGap(model, 0.0)
    xi, phi = np.linalg.eigh(gap.h)
    pairs = np.einsum("ia,ib->iab", phi, phi)[gap.on]
    scale = max(float(np.max(np.abs(a), initial=0.0)) for a in (gap.exchange, xi, gap.boson, gap.hops))

    def excess(log_t: float) -> float:
        t = float(np.exp(log_t))
        total, half = xi[:, None] + xi, np.tanh(xi / (2 * t))
        with np.errstate(divide="ignore", invalid="ignore"):
            kernel = (half[:, None] + half) / (2 * total)
        close = np.abs(total) < CLOSE * scale
        kernel[close] = (1 - np.broadcast_to(half**2, total.shape)[close]) / (4 * t)
        response = np.einsum("iab,jab,ab->ij", pairs, pairs, kernel) * gap.exchange[:, None] * gap.exchange
        weight = 2 * half_tanh(gap.boson, t)
        root = np.sqrt(weight)
        return float(np.linalg.eigvalsh(root[:, None] * (response + gap.hops) * root)[-1]) - 1

    return largest_root(excess, scale)


def mean_field_sites(model: Model, where: Where) -> xr.Dataset:
    """Mean-field theory with site-dependent amplitudes; see `SiteGap` for the equations.

    The solution of lowest grand potential is chosen; its first nonzero amplitude is made
    positive. Broken symmetries are reported: charge conservation if an amplitude is nonzero, cluster symmetry if
    equivalent sites differ. The grand potential is an upper bound (Gibbs and Bogoliubov).

    Parameters
    ----------
    model : Model
        Electrons and local pairs on any cluster, including boson hopping; no U, V, flux or lattice.
    where : float
        T >= 0.

    Returns
    -------
    xarray.Dataset
        ``grand_potential``, ``energy``, ``entropy`` (T > 0), ``charge``; per site ``electron_density``,
        ``boson_density``, ``pair_exchange``, ``boson_amplitude``, ``pair_amplitude`` (zero on sites without a boson);
        ``critical_temperature``; ``solutions`` (solution, boson_site) with ``solution_grand_potential``, and
        ``chosen``, the index of the chosen one; ``broken_charge_symmetry``, ``broken_cluster_symmetry``; ``residual``.

    Examples
    --------
    >>> from respair.clusters import chain
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> data = mean_field_sites(Model(chain(3), Electrons(1.0), Bosons(0.0, 1.0)), 0.05)
    >>> data.boson_amplitude.values.round(4), bool(data.broken_cluster_symmetry)
    (array([0.5   , 0.4987, 0.5   ]), False)
    """
    gap, sites = SiteGap(model, temperature_of(where)), model.cluster.sites
    solutions = gap.solutions()
    potentials = [gap.grand_potential(rho) for rho in solutions]
    rho = solutions[int(np.argmin(potentials))]
    chi, electron = gap.averages(rho)
    local = {"boson_density": gap.boson_density(rho), "pair_exchange": chi * rho}
    local |= {"boson_amplitude": rho, "pair_amplitude": chi}
    per_site = {name: np.zeros(sites) for name in local} | {"electron_density": electron}
    for name, values in local.items():
        per_site[name][gap.on] = values
    lopsided = any(
        np.max(np.abs(values[list(p)] - values)) > SAME
        for p in site_symmetries(model)
        for values in (np.abs(per_site["boson_amplitude"]), electron)
    )
    more = {
        "critical_temperature": (site_critical_temperature(model), "", "T_c of the mean field", "energy"),
        "broken_charge_symmetry": (bool(np.max(np.abs(rho)) > SAME), "", "an amplitude is not 0"),
        "broken_cluster_symmetry": (lopsided, "", "equal sites differ"),
        "residual": (float(np.max(np.abs(gap.image(rho) - rho))), "", "defect of the amplitudes"),
    }
    entropy = gap.entropy(rho) if gap.t > 0 else 0.0
    return mean_field_results(gap.t, solutions, potentials, entropy, per_site, more)


MEAN_FIELD_SITES = Approximation("mean-field-sites", mean_field_sites, CONDITIONS, "upper", "v -> 0")
