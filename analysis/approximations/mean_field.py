"""Mean-field theory of the boson-fermion model with uniform amplitudes: gap equations and Tc."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.optimize as so
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from ...hamiltonians import Model
from ..labelled import Row, dataset_of
from .base import Approximation, Condition, Where, temperature_of
from .conditions import knows, temperature_only
from .symmetries import one_electron_matrix, site_symmetries

TRIES = np.geomspace(1e-10, 0.5, 401)
"""Grid of amplitudes on which solutions of the gap equation are bracketed."""
HOTTEST, COLDEST = 10.0, 1e-7
"""Range of the search for Tc, in units of the couplings."""


def half_tanh(energy: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return ``tanh(E / 2T) / 2E``, with its limits at E = 0 and at T = 0 (infinite if both vanish)."""
    e = np.abs(np.asarray(energy, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        if temperature == 0:
            return np.asarray(np.where(e > 0, 0.5 / e, np.inf))
        x = e / (2 * temperature)
        return np.asarray(np.where(x > 1e-6, np.tanh(x) / (2 * e), (1 - x**2 / 3) / (4 * temperature)))


def occupation_cost(energy: NDArray[np.float64], temperature: float) -> float:
    """Return ``-T sum ln(1 + exp(-E/T))``; at T = 0 the sum of the negative energies."""
    if temperature == 0:
        return float(np.sum(np.minimum(energy, 0.0)))
    return -temperature * float(np.sum(np.logaddexp(0.0, -energy / temperature)))


def free_entropy(energy: NDArray[np.float64], temperature: float) -> float:
    """Return the entropy of free quasi-particles at T > 0, which is also that of two-level systems."""
    x = energy / temperature
    return float(np.sum(np.logaddexp(0.0, -x) + x * expit(-x)))


class UniformGap:
    r"""The gap equations of a cluster of equal sites.

    ``v (b+ D + D+ b) -> v [rho (D + D+) + chi (b + b+) - 2 rho chi]`` with rho = <b>, chi = <D>, D = c_dn c_up:

    .. math:: E_k = \sqrt{\xi_k^2 + v^2\rho^2},\quad \chi = -\frac{v\rho}{L}\sum_k\frac{\tanh(E_k/2T)}{2E_k},\quad
              \Gamma = \sqrt{(E_B/2)^2 + v^2\chi^2},\quad \rho = -\frac{v\chi}{2\Gamma}\tanh(\Gamma/T)

    with E_B = Delta_B - 2 mu, and the grand potential

    .. math:: \Omega = \sum_k(\xi_k - E_k) - 2T\sum_k\ln(1+e^{-E_k/T}) + L[E_B/2 - T\ln 2\cosh(\Gamma/T)]
              - 2Lv\rho\chi.

    Parameters
    ----------
    model : Model
        The boson-fermion model on equal sites.
    """

    def __init__(self, model: Model) -> None:
        c = model.couplings
        self.xi = np.asarray(np.linalg.eigvalsh(one_electron_matrix(model)), dtype=np.float64)
        self.sites = model.cluster.sites
        self.exchange = float(c.exchange[0])
        self.boson = float(c.boson_level[0]) - 2 * model.chemical_potential

    def energies(self, rho: float) -> NDArray[np.float64]:
        """Return E_k."""
        return np.asarray(np.hypot(self.xi, self.exchange * rho))

    def pair_amplitude(self, rho: float, t: float) -> float:
        """Return chi at given rho."""
        gap = self.exchange * rho
        return -gap * float(np.mean(half_tanh(self.energies(rho), t))) if gap else 0.0

    def half_splitting(self, chi: float) -> float:
        """Return Gamma."""
        return float(np.hypot(self.boson / 2, self.exchange * chi))

    def boson_amplitude(self, chi: float, t: float) -> float:
        """Return rho at given chi."""
        if chi == 0:
            return 0.0
        return -self.exchange * chi * 2 * float(half_tanh(np.array(2 * self.half_splitting(chi)), t))

    def defect(self, rho: float, t: float) -> float:
        """Return the defect of the self-consistency of rho."""
        return self.boson_amplitude(self.pair_amplitude(rho, t), t) - rho

    def solutions(self, t: float) -> list[float]:
        """Return every rho >= 0 that solves the equations: 0 and the ordered ones, ascending."""
        values = [self.defect(rho, t) for rho in TRIES]
        found = [0.0]
        for i in range(len(TRIES) - 1):
            if values[i] * values[i + 1] < 0:
                found.append(float(so.brentq(self.defect, TRIES[i], TRIES[i + 1], args=(t,), xtol=1e-15, rtol=1e-14)))
        return found

    def grand_potential(self, rho: float, t: float) -> float:
        """Return Omega of a solution."""
        chi = self.pair_amplitude(rho, t)
        e, gamma = self.energies(rho), self.half_splitting(chi)
        fermions = float(np.sum(self.xi - e)) + 2 * occupation_cost(e, t)
        bosons = self.boson / 2 - gamma + occupation_cost(np.array([2 * gamma]), t)
        return fermions + self.sites * (bosons - 2 * self.exchange * rho * chi)

    def entropy(self, rho: float, t: float) -> float:
        """Return S of a solution, T above zero."""
        gamma = self.half_splitting(self.pair_amplitude(rho, t))
        return 2 * free_entropy(self.energies(rho), t) + self.sites * free_entropy(np.array([2 * gamma]), t)

    def densities(self, rho: float, t: float) -> tuple[float, float]:
        """Return <n> and <b+b> of a site."""
        chi = self.pair_amplitude(rho, t)
        electron = 1 - 2 * float(np.mean(self.xi * finite(half_tanh(self.energies(rho), t))))
        return electron, 0.5 - self.boson * float(finite(half_tanh(np.array(2 * self.half_splitting(chi)), t)))

    def critical_temperature(self) -> float:
        r"""Return the largest T with ``1 = v^2 [(1/L) sum tanh(xi/2T)/(2 xi)] tanh(E_B/2T)/E_B``; 0 for none."""

        def excess(log_t: float) -> float:
            t = float(np.exp(log_t))
            pairs, bosons = np.mean(half_tanh(self.xi, t)), 2 * half_tanh(np.array(self.boson), t)
            return float(self.exchange**2 * pairs * bosons) - 1

        return largest_root(excess, max(abs(self.exchange), float(np.max(np.abs(self.xi))), abs(self.boson)))


def finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace infinities at E = T = 0 by zero, since their prefactors vanish."""
    return np.where(np.isfinite(values), values, 0.0)


def largest_root(excess: Callable[[float], float], scale: float) -> float:
    """Return the largest T at which a decreasing function of ln T vanishes; 0 for none."""
    if scale == 0:
        return 0.0
    grid = np.log(scale * np.geomspace(HOTTEST, COLDEST, 400))
    values = [excess(x) for x in grid]
    for hot, cold, above, below in zip(grid, grid[1:], values, values[1:], strict=False):
        if above <= 0 < below:
            return float(np.exp(so.brentq(excess, cold, hot, xtol=1e-14, rtol=1e-14)))
    return 0.0


def mean_field(model: Model, where: Where) -> xr.Dataset:
    """Mean-field theory with a uniform amplitude <b> = rho; see `UniformGap` for the equations.

    The solution of lowest grand potential is chosen, with rho > 0 (the phase is arbitrary). An ordered solution breaks
    charge conservation, which is not possible on a finite cluster. The grand potential is an upper bound (Gibbs and
    Bogoliubov), at T = 0 of the lowest energy over all charges, with mu contained in H.

    Parameters
    ----------
    model : Model
        Equal sites with electrons and local pairs; no U, V, boson hopping, flux or lattice.
    where : float
        T >= 0.

    Returns
    -------
    xarray.Dataset
        ``grand_potential`` (of the whole cluster), ``energy``, ``entropy`` (T > 0), ``charge``, ``electron_density``
        <n_i>, ``boson_density`` <b+b>, ``pair_exchange`` = chi rho (all per site), ``boson_amplitude`` = rho,
        ``pair_amplitude`` = chi, ``critical_temperature``; ``solutions`` (solution,), every rho found, with
        ``solution_grand_potential``, and ``chosen``, the number of the one with the lowest; ``broken_charge_symmetry``;
        ``residual``, the defect of the gap equation.

    References
    ----------
    J. Ranninger and S. Robaszkiewicz, Physica B 135, 468 (1985); R. Friedberg and T. D. Lee, Phys. Rev. B 40, 6745
    (1989).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Bosons, Electrons
    >>> model = Model(ring(4), Electrons(1.0), Bosons(-0.4, 1.0), chemical_potential=-0.1)
    >>> data = mean_field(model, 0.1)
    >>> round(float(data.boson_amplitude), 8), round(float(data.critical_temperature), 8)
    (0.4723154, 0.27519766)
    """
    t, gap, sites = temperature_of(where), UniformGap(model), model.cluster.sites
    solutions = gap.solutions(t)
    potentials = [gap.grand_potential(rho, t) for rho in solutions]
    rho = solutions[int(np.argmin(potentials))]
    chi, (electron, boson) = gap.pair_amplitude(rho, t), gap.densities(rho, t)
    per_site = {"electron_density": electron, "boson_density": boson, "pair_exchange": chi * rho}
    more = {
        "boson_amplitude": (rho, "", "rho = <b>"),
        "pair_amplitude": (chi, "", "chi = <c_dn c_up>"),
        "critical_temperature": (gap.critical_temperature(), "", "T_c of the mean field", "energy"),
        "broken_charge_symmetry": (rho > 0, "", "rho is not 0"),
        "residual": (abs(gap.defect(rho, t)), "", "defect of the gap equation"),
    }
    entropy = gap.entropy(rho, t) if t > 0 else 0.0
    everywhere = {name: np.full(sites, value) for name, value in per_site.items()}
    return mean_field_results(t, solutions, potentials, entropy, everywhere, more)


def mean_field_results(
    t: float,
    solutions: Sequence[float | NDArray[np.float64]],
    potentials: Sequence[float],
    entropy: float,
    per_site: Mapping[str, NDArray[np.float64]],
    more: Mapping[str, Row],
) -> xr.Dataset:
    """Return the results of a mean-field theory: all solutions, and averages of the one with the lowest Omega."""
    charge = float(np.sum(per_site["electron_density"] + 2 * per_site["boson_density"]))
    over = " ".join(("solution", "boson_site")[: np.array(solutions).ndim])
    table: dict[str, Row] = {
        "grand_potential": (min(potentials), "", "Omega", "energy"),
        "energy": (min(potentials) + t * entropy, "", "<H>, mu inside H", "energy"),
        "charge": (charge, "", "<N>, N = N_e + 2 N_b"),
        **more,
        "chosen": (int(np.argmin(potentials)), "", "number of the solution with the lowest Omega"),
        **{name: (values, "site", f"{name} of each site") for name, values in per_site.items()},
        "solutions": (np.array(solutions), over, "rho of each solution"),
        "solution_grand_potential": (np.array(potentials), "solution", "Omega of each solution", "energy"),
    }
    if t > 0:
        table["entropy"] = (entropy, "", "S of the quasi-particles")
    return dataset_of(table)


def boson_fermion(model: Model, where: Where) -> str | None:
    """Condition that the model has electrons and local pairs."""
    if model.electrons is None or model.bosons is None:
        return "it needs electrons and local pairs, and the model lacks one of them"
    return None


def every_site_alike(model: Model, where: Where) -> str | None:
    """Condition that each site has a local pair and all sites are equivalent by symmetry."""
    if model.electrons is None or model.bosons is None:
        return None
    everywhere, images = len(model.boson_sites) == model.cluster.sites, {p[0] for p in site_symmetries(model)}
    if everywhere and images == set(range(model.cluster.sites)):
        return None
    return "its amplitude is uniform, but the sites of the model differ; take mean-field-sites"


KNOWN = ("electrons.hopping", "electrons.level", "bosons.level", "bosons.exchange", "ensemble.chemical_potential")
ALONE = "because only the exchange is decoupled; other interactions would need averages of their own"
WHY = {
    "electrons.hubbard_u": ALONE,
    "electrons.repulsion": ALONE,
    "field.flux": "because its amplitudes are real and uniform, and a flux would wind their phase",
    "phonons": "because only the exchange is decoupled, and a lattice would need a separate average: use the charges "
    "of effective_model, which include the reduction of the exchange by the lattice",
}
CONDITIONS: tuple[Condition, ...] = (
    temperature_only, boson_fermion, knows(*KNOWN, "bosons.hopping", why=WHY),
)  # fmt: skip
"""Conditions of the mean-field theory with site-dependent amplitudes."""
UNIFORM: tuple[Condition, ...] = (
    temperature_only, boson_fermion, knows(*KNOWN, why={**WHY, "bosons.hopping": "which mean-field-sites includes"}),
    every_site_alike,
)  # fmt: skip
"""Conditions of the mean-field theory with a uniform amplitude."""
MEAN_FIELD = Approximation("mean-field", mean_field, UNIFORM, "upper", "v -> 0")
