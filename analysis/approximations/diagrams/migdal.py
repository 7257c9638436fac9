r"""Electrons and phonons in low order: Born, self-consistent Born, and Migdal-Eliashberg.

.. math:: \Sigma_{ij}(\omega) = -2\frac{g_i^2}{\omega_0}\langle n_i\rangle\delta_{ij}
          - g_i g_j T\sum_{\omega'} D_{ij}(\omega - \omega')\,G_{ij}(\omega')

with :math:`g = \alpha_F\omega_0` and, without feedback on the lattice, :math:`D = -2\omega_0/(\nu^2 + \omega_0^2)`.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse.linalg as sla
import xarray as xr
from numpy.typing import NDArray

from ....hamiltonians import Model
from ...labelled import Row
from ..base import Approximation, Condition, Where, temperature_of
from ..conditions import ELECTRONS_THERE, LATTICE_THERE, knows, temperature_only
from .axis import Axis, Matrices
from .on_axis import OnAxis, largest, warm_enough
from .results import PAIR_SUSCEPTIBILITY, UNIFORM_PAIRS, dressed, positive_temperature

ROUNDS, MIXING, CONVERGED, SETTLED = 600, 0.5, 1e-11, 1e-6
"""Largest number of iterations, mixing, convergence threshold of G, and largest change of accepted results."""
GAP_FREQUENCIES = 192
"""Largest number of positive frequencies of the gap equation."""


def reach(model: Model) -> float:
    """Return the largest energy scale of electrons coupled to oscillators."""
    c = model.couplings
    shifts = 4 * c.electron_phonon**2 / np.where(c.frequency > 0, c.frequency, 1.0)
    return largest(model, c.frequency, shifts, c.electron_phonon)


class Electrons(OnAxis):
    """Electrons of a model with an oscillator on some sites."""

    @cached_property
    def coupling(self) -> NDArray[np.float64]:
        """Coupling of each mode to each site, (modes, sites): g on the site of the mode."""
        found = np.zeros((len(self.model.modes), self.model.cluster.sites))
        for m, mode in enumerate(self.model.modes):
            found[m, mode.index] = self.model.couplings.electron_phonon[m]
        return found

    @cached_property
    def phonons(self) -> NDArray[np.float64]:
        """The bare propagator of each mode, (frequencies, modes)."""
        w, nu = self.model.couplings.frequency, self.axis.bosons.imag[:, None]
        return np.asarray(-2 * w / (nu**2 + w**2))

    def between_sites(self, propagator: Matrices) -> Matrices:
        """Return the interaction between sites from a propagator of modes."""
        return np.asarray(np.einsum("mi,vmn,nj->vij", self.coupling, propagator, self.coupling, optimize=True))

    @cached_property
    def bare_interaction(self) -> Matrices:
        """The interaction mediated by bare phonons."""
        return self.between_sites((self.phonons[:, :, None] * np.eye(len(self.model.modes))).astype(complex))

    def softened(self, g: Matrices, h: NDArray[np.complex128]) -> tuple[Matrices, float]:
        """Return the interaction mediated by renormalised phonons, and the smallest relative stiffness.

        The lattice is unstable if that is not positive.
        """
        bubble = 2 * np.einsum("mi,vij,nj->vmn", self.coupling, self.axis.holes(g, h), self.coupling, optimize=True)
        inverse = (1 / self.phonons)[:, :, None] * np.eye(len(self.model.modes)) - bubble
        static, bare = -inverse[len(inverse) // 2], np.sqrt(2 / self.model.couplings.frequency)
        least = float(np.linalg.eigvalsh(0.5 * (static + static.conj().T) * np.outer(bare, bare))[0])
        return self.between_sites(np.linalg.inv(inverse)), least

    def mean_field(self, density: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the one-electron matrix for the lattice displaced by the mean charges."""
        static = self.bare_interaction[len(self.bare_interaction) // 2].real
        return np.asarray(self.bare + np.diag(static @ density))


def born(model: Model, where: Where) -> xr.Dataset:
    """Born approximation: second-order self-energy of free electrons in a lattice displaced by their mean charge.

    Parameters
    ----------
    model : Model
        Electrons with an oscillator on sites.
    where : float
        T above 0.

    Returns
    -------
    xarray.Dataset
        ``matsubara_greens_function`` (matsubara, site, site_), ``electron_density`` (site,), ``residual``.
    """
    own = Electrons.of(model, temperature_of(where), reach)
    g = own.axis.free(own.bare)
    h = own.mean_field(own.density(g, own.bare))
    g = own.greens_function(h, -own.axis.after(own.bare_interaction, own.axis.free(own.bare)))
    return dressed(own.axis, g, own.density(g, h), 0.0, {})


def self_consistent_born(model: Model, where: Where) -> xr.Dataset:
    """Self-consistent Born approximation: the sum of all non-crossing diagrams with bare phonons.

    Parameters, returns
        As for `born`.
    """
    own = Electrons.of(model, temperature_of(where), reach)
    g, h, residual, _ = _self_consistent(own, feedback=False)
    found = residual <= SETTLED
    density = own.density(g, h) if found else np.full(len(h), np.nan)
    return dressed(own.axis, g if found else np.full_like(g, np.nan), density, residual, {})


def migdal_eliashberg(model: Model, where: Where) -> xr.Dataset:
    r"""Migdal-Eliashberg theory of the normal state on a cluster, with the linearized gap equation.

    The phonon propagator is renormalised, ``D^-1 = D_0^-1 - g^2 P`` with ``P_ij = 2 T sum G_ij(w + v) G_ji(w)``. The
    gap equation for singlet pairs is

    .. math:: \lambda\,\phi_{ij}(\omega) = -g_i g_j T\sum_{\omega'} D_{ij}(\omega-\omega')
              \,[G(\omega')\,\phi(\omega')\,G^T(-\omega')]_{ij}

    and pairs condense if the largest eigenvalue exceeds 1.

    Parameters
    ----------
    model : Model
        Electrons with an oscillator on sites.
    where : float
        T above 0.

    Returns
    -------
    xarray.Dataset
        As for `born`, with ``gap_eigenvalue``; ``pair_susceptibility`` of uniform on-site pairs, NaN if they condense;
        ``phonon_stiffness``, the stiffness of the softest phonon relative to the bare one: if it is not positive, the
        lattice distorts and all other results are NaN.

    References
    ----------
    A. B. Migdal, Sov. Phys. JETP 7, 996 (1958); G. M. Eliashberg, Sov. Phys. JETP 11, 696 (1960); F. Marsiglio and
    J. P. Carbotte, in Superconductivity, Vol. 1 (Springer, 2008).
    """
    own = Electrons.of(model, temperature_of(where), reach)
    g, h, residual, interaction = _self_consistent(own, feedback=True)
    stiffness = own.softened(g, h)[1]
    if not stiffness > 0 or residual > SETTLED:
        blank: dict[str, Row] = {"gap_eigenvalue": (np.nan, "", "largest eigenvalue of the gap equation")}
        g = np.full_like(g, np.nan)
        density = np.full(len(h), np.nan)
    else:
        eigenvalue, susceptibility = gap_equation(own, g, interaction)
        blank = {
            "gap_eigenvalue": (eigenvalue, "", "largest eigenvalue of the gap equation"),
            PAIR_SUSCEPTIBILITY: (
                susceptibility if eigenvalue < 1 else np.nan, "", UNIFORM_PAIRS, "1/energy",
            ),
        }  # fmt: skip
        density = own.density(g, h)
    blank["phonon_stiffness"] = (stiffness, "", "least eigenvalue of D^-1 relative to D_0^-1, static")
    return dressed(own.axis, g, density, residual, blank)


def _self_consistent(own: Electrons, *, feedback: bool) -> tuple[Matrices, NDArray[np.complex128], float, Matrices]:
    """Iterate G and its self-energy; return G, its first moment, the last change, and the interaction."""
    density = own.density(own.axis.free(own.bare), own.bare)
    h = own.mean_field(density)
    g, interaction = own.axis.free(h), own.bare_interaction
    change = np.inf
    for _ in range(ROUNDS):
        if feedback:
            softened, stiffness = own.softened(g, h)
            if not stiffness > 0:
                return g, h, change, interaction
            interaction = softened
        h = own.mean_field(density)
        new = own.greens_function(h, -own.axis.after(interaction, g))
        change = float(np.max(np.abs(new - g)) / np.max(np.abs(g)))
        g = MIXING * new + (1 - MIXING) * g
        density = MIXING * own.density(new, h) + (1 - MIXING) * density
        if change < CONVERGED:
            break
    return g, h, change, interaction


def gap_equation(own: Electrons, g: Matrices, interaction: Matrices) -> tuple[float, float]:
    """Return the largest eigenvalue of the linearized gap equation, and the susceptibility of uniform on-site pairs."""
    kept = min(own.axis.count, GAP_FREQUENCIES)
    axis = Axis(own.axis.temperature, kept)
    here = slice(own.axis.count - kept, own.axis.count + kept)
    there = slice(2 * (own.axis.count - kept), 2 * (own.axis.count - kept) + 4 * kept - 1)
    g, interaction = g[here], interaction[there]
    back = np.swapaxes(g[::-1], 1, 2)

    def pairs(phi: Matrices) -> Matrices:
        return np.asarray(g @ phi @ back)

    def kernel(v: NDArray[np.complex128]) -> NDArray[np.complex128]:
        return -axis.after(interaction, pairs(v.reshape(g.shape))).ravel()

    operator = sla.LinearOperator((g.size, g.size), matvec=kernel, dtype=complex)
    start = np.ones(g.size, complex)
    largest = sla.eigs(operator, k=1, which="LR", v0=start, return_eigenvectors=False, tol=1e-9)
    source = np.broadcast_to(np.eye(g.shape[1], dtype=complex), g.shape).ravel()
    whole = sla.LinearOperator((g.size, g.size), matvec=lambda v: v - kernel(v), dtype=complex)
    vertex, info = sla.gmres(whole, source, rtol=1e-10, atol=0.0, restart=60)
    total = axis.temperature * np.trace(pairs(vertex.reshape(g.shape)).sum(axis=0)).real
    tail = g.shape[1] / (2 * np.pi**2 * axis.temperature * kept)
    return float(largest[0].real), float((total + tail) / g.shape[1]) if info == 0 else np.nan


KNOWN = (
    "electrons.hopping", "electrons.level", "ensemble.chemical_potential", "field.flux", "phonons.frequency",
    "phonons.electron_coupling",
)  # fmt: skip
WHY = {"electrons.hubbard_u": "for it is about phonons alone"}
CONDITIONS: tuple[Condition, ...] = (
    temperature_only, positive_temperature, ELECTRONS_THERE, LATTICE_THERE, knows(*KNOWN, why=WHY), warm_enough(reach),
)  # fmt: skip
BORN = Approximation("born", born, CONDITIONS, asymptotic="g -> 0")
SELF_CONSISTENT_BORN = Approximation("self-consistent-born", self_consistent_born, CONDITIONS, asymptotic="g -> 0")
MIGDAL_ELIASHBERG = Approximation("migdal-eliashberg", migdal_eliashberg, CONDITIONS, asymptotic="g -> 0")
