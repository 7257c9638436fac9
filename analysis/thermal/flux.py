"""Response of a thermal state to a flux: free energy, persistent current, stiffness, thermal Drude weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, shown, taking
from ...clusters import Cluster, InvalidValue
from ...clusters.loops import no_loop
from ...hamiltonians import Model
from ...hamiltonians.flux import own_series
from ...hamiltonians.model import GENERIC
from ...solvers import Options
from ..labelled import check_numbers, labelled
from .block_files import KeptBlocks
from .block_sums import block_sums
from .blocks import plan
from .cutoff import with_cutoff_errors
from .ensembles import THERMAL_ARGUMENTS, Ensemble, Sampling, ThermalSum, in_words
from .flux_sums import DERIVATIVES, FluxSum
from .sums import Replicates, Totals, jackknife, settled, with_error

NO_DRUDE = (
    "not known where blocks are sampled, as random vectors do not resolve the slopes of single levels; all levels "
    'do (thermal.method = "exact", or a smaller sector), and the stiffness D_s is known either way'
)
"""Why a Drude weight is missing: its attribute ``missing``."""


@taking(**THERMAL_ARGUMENTS)
def thermal_flux_response(
    model: Model,
    values: Sequence[float] | Sequence[Sequence[float]],
    temperatures: Sequence[float],
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    options: Options | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> xr.Dataset:
    r"""Compute the free energy and its response to a flux through a ring, or a flux vector of a lattice.

    .. math:: I = -\frac{\partial F}{\partial\varphi},\qquad
              D_s = \pi L\,\frac{\partial^2 F}{\partial\varphi^2},\qquad
              D = \pi L \sum_n p_n \frac{\partial^2 E_n}{\partial\varphi^2},\qquad
              D_s = D - \frac{\pi L}{T}\,\mathrm{Var}_p\!\left(\frac{\partial E_n}{\partial\varphi}\right)

    with Omega in the place of F where the charge is free. D_s is the stiffness of thermodynamics, D the thermal Drude
    weight: different numbers. In blocks with all levels both are sums of second-order perturbation theory,

    .. math:: F'' = \langle H''\rangle - \sum_{mn} |H'_{mn}|^2 \frac{p_m - p_n}{E_n - E_m}
              + \frac{\langle H'\rangle^2}{T}

    with p_n / T for pairs of equal energy, which D leaves out. In sampled blocks F is followed with the same random
    vectors over five fluxes around each value, and D is not known: it comes out NaN, with the reason in its attribute
    ``missing``. On lattices both are tensors,

    .. math:: I_j = -\frac{\partial F}{\partial\varphi_j},\qquad
              D_{s,ab} = \frac{\pi}{N} \frac{\partial^2 F}{\partial A_a \partial A_b},\qquad
              \varphi_j = \mathbf A\cdot\mathbf T_j

    as in `flux_tensor`; those of crossed directions by polarisation.

    Parameters
    ----------
    model : Model
        A model on a ring or a lattice; its own flux is replaced.
    values : sequence of float, or of (fluxes,) float
        phi = 2 pi Phi / (hc/e); on lattices the phases phi_j once around each row of the supercell.
    temperatures : sequence of float
        T above zero.
    ensemble : Ensemble or str
        Which blocks are summed over; with a wanted density, mu is that of the model's own flux at each temperature,
        and D_s the response at fixed mu.
    sampling : Sampling, optional
        Exact or sampled.
    options : Options, optional
        Seed and memory limit.
    progress : function
        Called with the next block, in words.

    Returns
    -------
    xarray.Dataset
        ``free_energy`` (or ``grand_potential``), ``current``, ``stiffness`` D_s, ``drude`` D over ``temperature`` and
        ``phi``, and ``NAME_error`` by jackknife over the random vectors, combined with the error of the phonon cutoff,
        which is also given as ``NAME_cutoff_error``. On lattices over ``temperature`` and ``point``, currents also over
        ``row``, the tensors over ``axis`` and ``other_axis``; the fluxes are ``phi`` over (``point``, ``row``).

    Raises
    ------
    InvalidModel
        If temperatures or ensemble are wrong, or the sector fixes a quantum number that a flux breaks.
    ValueError
        If the cluster has no loop, or there are no values.

    References
    ----------
    W. Kohn, Phys. Rev. 133, A171 (1964); H. Castella, X. Zotos and P. Prelovsek, Phys. Rev. Lett. 74, 972 (1995).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Sector
    >>> kind = Ensemble("canonical", Sector(1))
    >>> data = thermal_flux_response(Model(ring(3), Electrons(hopping=1.0)), [0.0], [0.5], kind)
    >>> data.stiffness.values.round(6), data.drude.values.round(6)
    (array([[2.047902]]), array([[2.078897]]))
    """
    phi = fluxes_of(model, values)
    asked = ThermalSum.of(model, temperatures, ensemble, sampling, options, in_words(progress))
    return with_cutoff_errors(asked, lambda capped: capped_response(capped, phi))


def has_stiffness(cluster: Cluster) -> bool:
    """True for rings, and for lattices whose closed rows are known as vectors."""
    return cluster.has_loop and (cluster.is_ring or len(cluster.cell) == cluster.fluxes)


def fluxes_of(model: Model, values: Any) -> NDArray[np.float64]:
    """Return fluxes as an array, shape (points, fluxes).

    Raises
    ------
    InvalidValue
        If the cluster has no loop or no cell, or there is no flux or one with the wrong number of components.
    """
    cluster = model.cluster
    if not cluster.has_loop:
        raise InvalidValue(no_loop(cluster))
    if cluster.is_ring:
        return np.asarray(finite_numbers("values", values), float)[:, None]
    if not has_stiffness(cluster):
        raise InvalidValue("the stiffness needs the vectors by which the cluster is closed; give `cell` to custom(...)")
    phi = np.asarray(values, float)
    if phi.ndim != 2 or phi.shape[1:] != (cluster.fluxes,) or not len(phi) or not np.all(np.isfinite(phi)):
        example = [[0.0] * cluster.fluxes]
        raise InvalidValue(f"values is {shown(values)}; allowed: flux vectors of finite numbers, as {example}")
    return phi


def capped_response(asked: ThermalSum, phi: NDArray[np.float64]) -> xr.Dataset:
    """Return the response with a given cutoff at fluxes, shape (points, fluxes)."""
    cluster = asked.model.cluster
    name, f = ("grand_potential", "Omega") if asked.ensemble.is_grand else ("free_energy", "F")
    found = thermal_curvatures(asked, list(phi))
    coords: dict[str, NDArray[np.float64]] = {"temperature": asked.temperatures}
    table: dict[str, tuple[list[Replicates], list[str], str]]
    if cluster.is_ring:
        coords["phi"], over = phi[:, 0], ["phi"]
        unit, second = np.pi * cluster.loop_length, f"pi L d2{f}/dphi2"
        table = {
            name: ([each.potential for each in found], [], f),
            "current": ([-each.slopes[..., 0] for each in found], [], f"-d{f}/dphi"),
            "stiffness": ([unit * each.curvatures[..., 0, 0] for each in found], [], f"D_s = {second}"),
            "drude": ([unit * each.bendings[..., 0, 0] for each in found], [], "D = pi L sum_n p_n d2E_n/dphi2"),
        }
    else:
        over, axes = ["point"], ["axis", "other_axis"]
        unit, rows = np.pi / cluster.sites, np.array(cluster.cell)
        second = f"(pi / sites) d2{f} / dA_a dA_b"
        table = {
            name: ([each.potential for each in found], [], f),
            "current": ([-each.slopes for each in found], ["row"], f"-d{f}/dphi_j"),
            "stiffness": ([unit * rows.T @ each.curvatures @ rows for each in found], axes, f"D_s = {second}"),
            "drude": (
                [unit * rows.T @ each.bendings @ rows for each in found],
                axes,
                "D = (pi / sites) sum_n p_n d2E_n / dA_a dA_b",
            ),
        }
    variables: dict[str, xr.DataArray] = {}
    for key, (values, more, formula) in table.items():
        replicates = np.stack(values, axis=2)
        variables |= with_error(key, jackknife(replicates), ["temperature", *over, *more], formula, "energy", coords)
    data = xr.Dataset(variables)
    if not cluster.is_ring:
        data["phi"] = labelled("phi", phi, ["point", "row"], "phi_j")
    if np.any(np.isnan(data["drude"].values)):
        data["drude"].attrs["missing"] = NO_DRUDE
    check_numbers(data, (name for name in data.data_vars if not str(name).startswith("drude")))
    return data


@dataclass(frozen=True)
class Curvature:
    """A free energy and its derivatives with respect to the components of the flux, replicates over temperatures.

    Attributes
    ----------
    potential : (replicates, t) float
        F, or Omega.
    slopes : (replicates, t, fluxes) float
        ``dF / dphi_j``.
    curvatures, bendings : (replicates, t, fluxes, fluxes) float
        ``d2F / dphi_j dphi_k``, and ``sum_n p_n d2E_n / dphi_j dphi_k``.
    """

    potential: Replicates
    slopes: Replicates
    curvatures: Replicates
    bendings: Replicates

    def stiffness(self, model: Model) -> Replicates:
        """Return D_s of a ring; of a lattice the mean over the axes."""
        cluster = model.cluster
        if cluster.is_ring:
            return np.asarray(np.pi * cluster.loop_length * self.curvatures[..., 0, 0])
        rows = np.array(cluster.cell)
        tensor = np.pi / cluster.sites * rows.T @ self.curvatures @ rows
        return np.asarray(np.trace(tensor, axis1=-2, axis2=-1) / rows.shape[1])


def thermal_curvatures(asked: ThermalSum, fluxes: Sequence[NDArray[np.float64]]) -> list[Curvature]:
    """Return F and its derivatives at flux vectors."""
    own_series(asked.model)
    asked, shift = settled(asked)
    found, kept = zip(*(_curvature(asked, shift, flux) for flux in fluxes), strict=True)
    for blocks in kept:
        blocks.remove()
    return list(found)


def _curvature(asked: ThermalSum, shift: Replicates | None, flux: NDArray[np.float64]) -> tuple[Curvature, KeptBlocks]:
    model, t, number = asked.model, asked.temperatures, len(flux)
    threaded, what = replace(asked, model=replace(model, flux=tuple(flux.tolist()))), f"flux {_shown(flux)}"
    planned, _ = plan(threaded, what, replace(model, flux=GENERIC[:number]))
    parts, blocks = block_sums(threaded, FluxSum(t), planned, what)
    totals = Totals.of(parts, t, shift=shift)
    sums = (totals.observables[name].real for name in DERIVATIVES)
    slope, second, bending = (values.reshape(*values.shape[:2], -1) for values in sums)
    temperature = t[:, None]
    found = Curvature(
        totals.lowest - t * totals.log_partition,
        -temperature * slope[..., :number],
        _matrix(-temperature * (second - slope**2), number),
        _matrix(bending, number),
    )
    return found, blocks


def _shown(flux: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4g}" for value in flux)


def _matrix(along: Replicates, number: int) -> Replicates:
    """Return a quadratic form as a matrix, from its values on `directions_of` so many components."""
    found = np.zeros((*along.shape[:-1], number, number))
    for j in range(number):
        found[..., j, j] = along[..., j]
    for n, (j, k) in enumerate(combinations(range(number), 2), start=number):
        crossed = 0.5 * (along[..., n] - along[..., j] - along[..., k])
        found[..., j, k] = found[..., k, j] = crossed
    return found
