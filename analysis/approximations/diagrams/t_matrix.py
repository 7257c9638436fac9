r"""T-matrix approximation of the boson-fermion model: coupled self-energies of electrons and local pairs.

.. math:: \Sigma_{ij}(\omega) = v_i v_j T\sum_\nu B_{ij}(\nu)\,G_{ji}(\nu-\omega),\quad
          B^{-1} = B_0^{-1} + v_i v_j T\sum_\omega G_{ij}(\omega)\,G_{ij}(\nu-\omega)

with the propagator of hard-core pairs :math:`B_0 = \tanh(E_B/2T)/(i\nu - E_B)`, :math:`E_B = \Delta_B - 2\mu`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ....hamiltonians import Model
from ....hamiltonians.model import bond_phase
from ...labelled import Row
from ..base import Approximation, Condition, Where, temperature_of
from ..conditions import knows, temperature_only
from ..mean_field import boson_fermion
from .axis import Matrices, Occupations
from .migdal import CONVERGED, MIXING, ROUNDS, SETTLED
from .on_axis import OnAxis, largest, warm_enough
from .results import PAIR_SUSCEPTIBILITY, dressed, positive_temperature

RESONANT = 1e-8
"""Shift of local-pair levels that coincide with the chemical potential, in units of T."""


def reach(model: Model) -> float:
    """Return the largest energy of electrons and local pairs."""
    c = model.couplings
    return largest(model, c.boson_level - 2 * model.chemical_potential, c.exchange, 2 * c.boson_hopping)


class PairsAndElectrons(OnAxis):
    """Electrons and local pairs of a model."""

    @cached_property
    def exchange(self) -> NDArray[np.float64]:
        """v_i v_j between the sites that have local pairs."""
        v = self.model.couplings.exchange
        return np.asarray(np.outer(v, v))

    @cached_property
    def level(self) -> NDArray[np.float64]:
        """E_B of each local pair, slightly shifted at resonance."""
        e = self.model.couplings.boson_level - 2 * self.model.chemical_potential
        least = RESONANT * self.axis.temperature
        return np.asarray(np.where(np.abs(e) < least, least, e))

    @cached_property
    def contrast(self) -> NDArray[np.float64]:
        """1 - 2 <b+ b> of each bare local pair."""
        return np.asarray(np.tanh(self.level / (2 * self.axis.temperature)))

    @cached_property
    def moves(self) -> NDArray[np.complex128]:
        """The hopping of local pairs."""
        place = {site: n for n, site in enumerate(self.model.boson_sites)}
        found = np.zeros((len(place),) * 2, complex)
        for bond, t in zip(self.model.cluster.bonds, self.model.couplings.boson_hopping, strict=True):
            if t and bond.start in place and bond.end in place:
                a, b, phase = place[bond.start], place[bond.end], bond_phase(bond, self.model.flux, 2)
                found[b, a] -= t * phase
                found[a, b] -= t * phase.conjugate()
        return found

    @cached_property
    def bare_pairs(self) -> Matrices:
        """The bare propagator of local pairs, (frequencies, pairs, pairs)."""
        z = self.axis.bosons[:, None, None] * np.eye(len(self.level))
        return np.asarray(np.linalg.inv(z - self._dynamics) * self.contrast)

    @property
    def _dynamics(self) -> NDArray[np.complex128]:
        return np.asarray(np.diag(self.level) + self.contrast[:, None] * self.moves)

    def dressed_pairs(self, g: Matrices) -> tuple[Matrices, float]:
        """Return the dressed propagator of local pairs, and the smallest -B^-1 at zero frequency relative to B_0.

        Pairs condense if that is not positive.
        """
        place = np.array(self.model.boson_sites)
        at = np.ix_(np.arange(len(self.axis.bosons)), place, place)
        inverse = np.linalg.inv(self.bare_pairs)
        bare = -inverse[len(inverse) // 2]
        inverse = inverse + self.exchange * self.axis.pairs(g, self.bare)[at]
        static = -inverse[len(inverse) // 2]
        least, most = (np.linalg.eigvalsh(0.5 * (m + m.conj().T)) for m in (static, bare))
        return np.asarray(np.linalg.inv(inverse), complex), float(least[0] / np.max(np.abs(most)))

    def self_energy(self, pairs: Matrices, g: Matrices) -> Matrices:
        """Return the self-energy of electrons; the slowly decaying part is summed in closed form."""
        place = np.array(self.model.boson_sites)
        at = np.ix_(np.arange(len(self.axis.fermions)), place, place)
        found = np.zeros_like(g)
        free = self.axis.free(self.bare)
        for sign, boson, fermion in ((1.0, pairs, g), (-1.0, self.bare_pairs, free)):
            back = np.swapaxes(fermion, 1, 2)[::-1][at]
            found[at] += sign * self.axis.after(boson, np.ascontiguousarray(back))
        found[at] += self._closed(place)
        found[at] *= self.exchange
        return found

    def _closed(self, place: NDArray[np.int64]) -> Matrices:
        """Return ``T sum_v B_ij(v) G_ji(v - w)`` of bare pairs and free electrons."""
        levels, right = np.linalg.eig(self._dynamics)
        left = np.linalg.inv(right) * self.contrast
        energies, states = np.linalg.eigh(self.bare)
        filled = Occupations.of(energies, self.axis.temperature).filled
        own = states[place]
        bose = 0.5 / np.tanh(levels / (2 * self.axis.temperature)) - 0.5  # an exponential would overflow
        gaps = self.axis.fermions[:, None, None] + energies - levels[:, None]
        ratio = (bose[:, None] + filled) / gaps
        return np.asarray(np.einsum("ie,ej,ja,ia,wea->wij", right, left, own, own.conj(), ratio, optimize=True))


def t_matrix(model: Model, where: Where) -> xr.Dataset:
    """Self-consistent T-matrix (particle-particle ladder) of the boson-fermion model in the normal state.

    Parameters
    ----------
    model : Model
        Electrons and local pairs without other interactions.
    where : float
        T above 0.

    Returns
    -------
    xarray.Dataset
        ``matsubara_greens_function`` (matsubara, site, site_), ``electron_density`` (site,), ``pair_susceptibility`` of
        uniform electron pairs, ``residual``; ``thouless``, the smallest eigenvalue of B^-1 at zero frequency relative
        to B_0^-1: if it is not positive, pairs condense and all other results are NaN.

    References
    ----------
    J. Ranninger, J. M. Robin and M. Eschrig, Phys. Rev. Lett. 74, 4027 (1995); D. J. Thouless, Ann. Phys. 10, 553
    (1960).
    """
    own = PairsAndElectrons.of(model, temperature_of(where), reach)
    g, change, pairs, thouless = own.axis.free(own.bare), np.inf, own.bare_pairs, 1.0
    for _ in range(ROUNDS):
        pairs, thouless = own.dressed_pairs(g)
        if not thouless > 0:
            break
        new = own.greens_function(own.bare, own.self_energy(pairs, g))
        change = float(np.max(np.abs(new - g)) / np.max(np.abs(g)))
        g = MIXING * new + (1 - MIXING) * g
        if change < CONVERGED:
            break
    normal = thouless > 0 and change <= SETTLED
    density = own.density(g, own.bare)
    more: dict[str, Row] = {
        "thouless": (thouless, "", "least eigenvalue of B^-1 at zero frequency, relative to B_0^-1"),
        PAIR_SUSCEPTIBILITY: (
            _susceptibility(own, g) if normal else np.nan,
            "",
            "of (1/sqrt(L)) sum_i D_i",
            "1/energy",
        ),
    }
    if not normal:
        g, density = np.full_like(g, np.nan), np.full_like(density, np.nan)
    return dressed(own.axis, g, density, change, more)


def _susceptibility(own: PairsAndElectrons, g: Matrices) -> float:
    """Return the susceptibility of uniform electron pairs, enhanced by local pairs."""
    middle = len(own.axis.bosons) // 2
    bubble = own.axis.pairs(g, own.bare)[middle]
    v = np.zeros((len(own.bare), len(own.level)))
    v[list(own.model.boson_sites), np.arange(len(own.level))] = own.model.couplings.exchange
    attraction = -v @ own.bare_pairs[middle] @ v.T
    whole = np.linalg.solve(np.eye(len(bubble)) - bubble @ attraction, bubble)
    return float(np.mean(whole.sum(axis=1)).real)


KNOWN = (
    "electrons.hopping", "electrons.level", "ensemble.chemical_potential", "field.flux", "bosons.level",
    "bosons.exchange", "bosons.hopping",
)  # fmt: skip
CONDITIONS: tuple[Condition, ...] = (
    temperature_only, positive_temperature, boson_fermion, knows(*KNOWN), warm_enough(reach),
)  # fmt: skip
T_MATRIX = Approximation("t-matrix", t_matrix, CONDITIONS, asymptotic="v -> 0")
