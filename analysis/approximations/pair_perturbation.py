"""Bipolarons to second order in the hopping: effective hopping, repulsion and level shift of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammainc, gammaln

from ...hamiltonians import Bosons, Model, Operator, Sector, boson_number
from ...hamiltonians.operators import total
from ...solvers import levels_by_symmetry
from ..labelled import dataset_of
from ..observables.error_bars import isolated_ground
from ..observables.functions import boson_density
from .base import Approximation, Condition, Where, sector_of
from .conditions import BONDS_ARE_LEFT, ELECTRONS_THERE, knows, sector_only, whole_sector


@dataclass(frozen=True)
class Neighbours:
    """The term ``sum_<ij> w_ij n_i n_j`` of pairs."""

    strengths: tuple[float, ...]

    def __call__(self, model: Model) -> Operator:
        """Return the formula."""
        bonds = zip(model.cluster.bonds, self.strengths, strict=True)
        return total(w * (boson_number(b.start) * boson_number(b.end)) for b, w in bonds if w)


@dataclass(frozen=True)
class Bipolaron:
    """Couplings of a site, equal for all sites.

    Attributes
    ----------
    level, repulsion : float
        eps - mu and U [energy].
    omega : float
        omega0 (arbitrary without a lattice).
    alpha : float
        g / omega0.
    """

    level: float
    repulsion: float
    omega: float
    alpha: float

    @property
    def energy(self) -> float:
        """2 eps + U - 4 alpha^2 omega0: a pair on one site."""
        return 2 * self.level + self.repulsion - 4 * self.alpha**2 * self.omega

    @property
    def binding(self) -> float:
        """Delta = (2 alpha^2 omega0 - U) / omega0: the binding energy in units of omega0."""
        return (2 * self.alpha**2 * self.omega - self.repulsion) / self.omega

    @classmethod
    def of(cls, model: Model) -> Bipolaron:
        """Return the couplings of site 0."""
        c = model.couplings
        omega = float(c.frequency[0]) if len(model.modes) else 1.0
        alpha = float(c.electron_phonon[0]) / omega if len(model.modes) else 0.0
        return cls(float(c.electron_level[0]) - model.chemical_potential, float(c.hubbard_u[0]), omega, alpha)


def virtual_sums(alpha: float, binding: float) -> tuple[float, float]:
    r"""Return the two sums over the phonons of the virtual state, with y = 2 alpha^2.

    .. math:: s = e^{-y}\sum_n \frac{y^n}{n!\,(n+\Delta)},\qquad
              h = e^{-y}\sum_n \frac{(-y)^n}{n!\,(n+\Delta)} = e^{-y} y^{-\Delta}\,\gamma(\Delta, y)

    Examples
    --------
    >>> virtual_sums(0.0, 2.0)
    (0.5, 0.5)
    """
    y = 2 * alpha**2
    if y == 0:
        return 1 / binding, 1 / binding
    n = np.arange(int(y + 14 * np.sqrt(y)) + 60)
    shift = float(np.sum(np.exp(n * np.log(y) - gammaln(n + 1) - y) / (n + binding)))
    hop = float(np.exp(gammaln(binding) - binding * np.log(y) - y) * gammainc(binding, y))
    return shift, hop


def pair_model(model: Model) -> tuple[Model, Bipolaron]:
    r"""Return the effective model of the bipolarons as hard-core bosons.

    With every electron paired and s, h of `virtual_sums`, a bond with hopping t gives

    .. math:: t_b = \frac{2t^2}{\omega_0} h,\qquad S = -\frac{2t^2}{\omega_0} s,\qquad
              H = \sum_i E_2 n_i - \sum_{ij} t_b (b^\dagger_j b_i + h.c.) + \sum_{ij} S [n_i(1-n_j) + n_j(1-n_i)]

    A pair gains S from each empty neighbour, which amounts to a repulsion -2 S of neighbouring pairs; t_b has twice the
    Peierls phase of an electron. E_2 is the energy of one pair.
    """
    pair = Bipolaron.of(model)
    scale = 2 * model.couplings.electron_hopping**2 / pair.omega
    hopping, shift = scale * virtual_sums(pair.alpha, pair.binding)[1], bond_shifts(model, pair)
    level = np.full(model.cluster.sites, pair.energy)
    for bond, s in zip(model.cluster.bonds, shift, strict=True):
        level[[bond.start, bond.end]] += s
    bosons = Bosons(level=level.tolist(), hopping=hopping.tolist())
    repulsion = (Neighbours(tuple((-2 * shift).tolist())),)
    return Model(model.cluster, None, bosons, flux=model.flux, terms=repulsion, name=model.name), pair


def bond_shifts(model: Model, pair: Bipolaron) -> NDArray[np.float64]:
    """Return S of each bond, the energy gain of a pair from an empty neighbour, shape (bonds,) [energy]."""
    return -2 * model.couplings.electron_hopping**2 / pair.omega * virtual_sums(pair.alpha, pair.binding)[0]


def pair_perturbation(model: Model, where: Where) -> xr.Dataset:
    r"""Second-order perturbation theory in the hopping for electrons bound in on-site pairs.

    Degenerate perturbation theory in the space of pairs: one electron hops and returns, or the other one follows it; in
    the virtual state the lattices of both sites relax. The effective model, `pair_model`, is solved exactly; the error
    of its levels is of fourth order in t, of third order on clusters with triangles. Without a lattice it describes the
    attractive Hubbard model at large -U.

    Returns
    -------
    xarray.Dataset
        ``energies``, the whole pair multiplet of the sector up to 64 levels, ascending; ``pair_hopping`` (bond,), the
        t_b; ``shift`` (bond,), the S; ``pair_density`` and ``electron_density`` (site,) of the ground level to lowest
        order; ``residual``, that of the effective levels. For one pair on a dimer also ``energy_even`` and
        ``energy_odd``, ``E_2 + S -+ t_b``.

    References
    ----------
    A. S. Alexandrov and J. Ranninger, Phys. Rev. B 23, 1796 (1981).

    Examples
    --------
    >>> from respair.clusters import dimer
    >>> from respair.hamiltonians import Electrons, Phonons
    >>> lattice = Phonons(1.0, electron_coupling=1.2, max_quanta=1)
    >>> data = pair_perturbation(Model(dimer(), Electrons(0.05, hubbard_u=1.0), phonons=lattice), Sector(2))
    >>> round(float(data.energy_even), 9), round(float(data.pair_hopping[0]), 12)
    (-4.761235923, 2.9603318e-05)
    """
    sector = sector_of(where)
    pairs, one = pair_model(model)
    found = Sector(sector.charge, 0)
    levels = levels_by_symmetry(pairs, found, 64)
    density = boson_density(isolated_ground(pairs, found).ground).values
    c = pairs.couplings
    shift = bond_shifts(model, one)
    table: dict[str, tuple[Any, ...]] = {
        "energies": (levels.energies, "level", "levels of the effective pairs", "energy"),
        "pair_hopping": (c.boson_hopping, "bond", "t_b", "energy"),
        "shift": (shift, "bond", "S", "energy"),
        "pair_density": (density, "site", "pairs on a site"),
        "electron_density": (2 * density, "site", "<n_i>"),
        "residual": (float(np.max(levels.certificate.residuals)), "", "residual", "energy"),
    }
    if model.cluster.sites == 2 and sector.charge == 2 and len(c.boson_hopping):
        middle, hop = one.energy + float(shift[0]), float(c.boson_hopping[0])
        table["energy_even"] = (middle - hop, "", "E_2 + S - t_b", "energy")
        table["energy_odd"] = (middle + hop, "", "E_2 + S + t_b", "energy")
    return dataset_of(table)


ALIKE = 1e-12
"""Couplings that differ by less, relative to the largest of them, are equal."""


def equal_sites(model: Model, where: Where) -> str | None:
    """Condition that all sites have the same energy and lattice."""
    c = model.couplings
    full = model.phonons is None or len(model.modes) == model.cluster.sites or not np.any(c.electron_phonon)
    arrays = (c.electron_level, c.hubbard_u, c.electron_phonon, c.frequency)
    if full and all(np.ptp(values) <= ALIKE * np.max(np.abs(values)) for values in arrays if values.size):
        return None
    return "pairs must have the same energy on every site: equal levels, U, omega0 and g, and a mode on each site"


def single_bonds(model: Model, where: Where) -> str | None:
    """Condition that no two sites share several bonds, whose hops would interfere."""
    if model.cluster.doubled and np.any(model.couplings.electron_hopping):
        return "two sites share several bonds, but it treats each bond independently"
    return None


def bound_pairs(model: Model, where: Where) -> str | None:
    """Condition that all electrons are paired, and pairs are bound."""
    if model.electrons is None or equal_sites(model, where) is not None:
        return None
    if (binding := Bipolaron.of(model).binding) <= 0:
        pair = Bipolaron.of(model)
        return f"pairs are not bound: U - 2 g^2/omega0 = {-binding * pair.omega:g}, and must be below 0"
    if isinstance(where, Sector) and (where.charge % 2 or where.two_sz):
        return "all electrons must be paired: an even charge and two_sz = 0"
    return None


CONDITIONS: tuple[Condition, ...] = (
    sector_only, whole_sector, ELECTRONS_THERE,
    knows("electrons.hopping", "electrons.level", "electrons.hubbard_u", "phonons.frequency",
          "phonons.electron_coupling", "field.flux", "ensemble.chemical_potential", why=BONDS_ARE_LEFT),
    equal_sites, single_bonds, bound_pairs,
)  # fmt: skip
BIPOLARON = Approximation(
    "bipolaron-perturbation", pair_perturbation, CONDITIONS, asymptotic="t -> 0, with an error of fourth order"
)
