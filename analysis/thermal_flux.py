"""Response of a thermal state to a flux: free energy, persistent current, stiffness, thermal Drude weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..hamiltonians import Block, Hamiltonian, InvalidModel, Model, Problem, flux_derivative
from ..hamiltonians.parameters import show
from ..solvers import Options
from ..solvers.all_levels import AllLevels
from ..solvers.ground_state import DEGENERATE
from ..solvers.krylov import krylov
from ..solvers.members import Member
from .ensembles import Ensemble, Planned, Sampling, plan, thermal_problems
from .labelled import labelled
from .totals import Replicates, jackknife, replicates_of

STEP = 0.02
"""Distance of the fluxes between which random vectors are followed."""
STENCIL = ((-2, -1, 0, 1, 2), (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12), (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12))
"""Steps, and weights of the first and second derivative to fourth order."""


@dataclass(frozen=True)
class FluxSums:
    """What a block adds to Z and its derivatives with respect to the flux.

    Attributes
    ----------
    member : Member
        The block.
    origin : float
        Energy from which Boltzmann factors are counted.
    partition, slope, curvature : (samples, temperatures) float
        ``Z``, ``dZ/dphi``, ``d2Z/dphi2``; one row where all levels were computed.
    bending : (samples, temperatures) float
        ``sum_n exp(-(E_n - origin) / T) d2E_n/dphi2``; NaN for random vectors, which do not tell levels apart.
    """

    member: Member
    origin: float
    partition: NDArray[np.float64] = field(repr=False)
    slope: NDArray[np.float64] = field(repr=False)
    curvature: NDArray[np.float64] = field(repr=False)
    bending: NDArray[np.float64] = field(repr=False)


def thermal_flux_response(
    model: Model,
    values: Sequence[float],
    temperatures: Sequence[float],
    ensemble: Ensemble | str = "grand-canonical",
    sampling: Sampling | None = None,
    options: Options | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> xr.Dataset:
    r"""Compute the free energy and its response to a flux through a ring at temperatures.

    .. math:: I = -\frac{\partial F}{\partial\varphi},\qquad
              D_s = \pi L\,\frac{\partial^2 F}{\partial\varphi^2},\qquad
              D = \pi L \sum_n p_n \frac{\partial^2 E_n}{\partial\varphi^2},\qquad
              D_s = D - \frac{\pi L}{T}\,\mathrm{Var}_p\!\left(\frac{\partial E_n}{\partial\varphi}\right)

    with Omega in the place of F where the charge is free. D_s is the stiffness of thermodynamics, D the thermal Drude
    weight: different numbers. In blocks with all levels both are sums of second-order perturbation theory,

    .. math:: F'' = \langle H''\rangle - \sum_{mn} |H'_{mn}|^2 \frac{p_m - p_n}{E_n - E_m}
              + \frac{\langle H'\rangle^2}{T}

    with p_n / T for pairs of equal energy, which D leaves out. In sampled blocks F is followed with the same random
    vectors over five fluxes around each value, and D is not known.

    Parameters
    ----------
    model : Model
        A model on a ring; its own flux is replaced.
    values : sequence of float
        phi = 2 pi Phi / (hc/e).
    temperatures : sequence of float
        T above zero.
    ensemble : Ensemble or str
        Which blocks are summed over; without a wanted density.
    sampling : Sampling, optional
        Exact or sampled.
    options : Options, optional
        Seed and memory limit.
    progress : function
        Told which block comes next.

    Returns
    -------
    xarray.Dataset
        ``free_energy`` (or ``grand_potential``), ``current``, ``stiffness`` D_s, ``drude`` D over ``temperature`` and
        ``phi``, and ``NAME_error`` by jackknife over the random vectors.

    Raises
    ------
    InvalidModel
        If temperatures or ensemble are wrong, or the sector fixes a quantum number that a flux breaks.
    ValueError
        If the cluster has no loop.

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
    kind = Ensemble(ensemble) if isinstance(ensemble, str) else ensemble
    t, phi = (np.asarray(given, dtype=float) for given in (temperatures, values))
    return _dataset(phi, t, kind, flux_replicates(model, phi, t, kind, sampling, options, progress))


def flux_replicates(
    model: Model,
    phi: NDArray[np.float64],
    t: NDArray[np.float64],
    kind: Ensemble,
    sampling: Sampling | None = None,
    options: Options | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> list[Replicates]:
    """Return F, current, stiffness and Drude weight as replicates over temperatures and fluxes."""
    sampling, options = sampling or Sampling(), options or Options()
    if not model.cluster.has_loop:
        raise ValueError(f"a {model.cluster.kind} of {model.cluster.sites} sites has no loop for a flux")
    problems = list(thermal_problems(model, t.tolist(), kind, sampling, ()))
    if kind.density is not None:
        problems.append(Problem("thermal.density", show(kind.density), "allowed: a chemical potential, with a flux"))
    if problems:
        raise InvalidModel(problems)
    found = []
    for value in phi:
        threaded = replace(model, flux=float(value))
        planned, _ = plan(threaded, kind, sampling, t, options, replace(model, flux=1.0))
        parts = []
        for each in planned:
            progress(f"flux {value:.4g}: {each}")
            each.check_memory(sampling, options.memory_limit)
            parts.append(_exact(each, t) if each.exact else _sampled(each, t, sampling, options))
        found.append(_response(parts, t, model.cluster.loop_length))
    return [np.stack(rows, axis=-1) for rows in zip(*found, strict=True)]


def _exact(planned: Planned, t: NDArray[np.float64]) -> FluxSums:
    """Sum over all levels of a block."""
    levels = AllLevels.of(planned.block)
    model, energies = planned.block.space.model, levels.energies
    first, second = levels.elements(flux_derivative(model, 1)), levels.averages(flux_derivative(model, 2)).real
    squares, slopes = np.abs(first) ** 2, first.diagonal().real
    gap = np.abs(energies - energies[:, None])
    same = gap <= DEGENERATE * np.maximum(1.0, np.abs(energies))
    origin = float(energies[0])
    lower, divisor = np.minimum(energies, energies[:, None]) - origin, np.where(same, 1.0, gap)
    rows = []
    for temperature in t:
        w = np.exp(-(energies - origin) / temperature)
        spread = np.where(same, 1.0 / temperature, -np.expm1(-gap / temperature) / divisor)
        pairs = squares * np.exp(-lower / temperature) * spread
        z, bent = w.sum(), w @ second
        curvature = (pairs.sum() - bent) / temperature
        rows.append((z, -(w @ slopes) / temperature, curvature, bent - pairs[~same].sum()))
    z, slope, curvature, bending = np.array(rows).T[:, None]
    return FluxSums(planned.member, origin, z, slope, curvature, bending)


def _sampled(planned: Planned, t: NDArray[np.float64], sampling: Sampling, options: Options) -> FluxSums:
    """Follow random vectors over fluxes: Z of each, and the derivatives of its logarithm."""
    model = planned.block.space.model
    blocks = [_at(planned.block, replace(model, flux=model.flux + k * STEP)) for k in STENCIL[0]]
    origin, rows = np.nan, []
    for child in np.random.SeedSequence([options.seed, planned.number]).spawn(sampling.samples):
        real, imaginary = np.random.default_rng(child).standard_normal((2, blocks[0].energy.size))
        logs = []
        for block in blocks:
            start = (real + 1j * imaginary) / np.sqrt(2.0)
            block.energy.project(start)
            space = krylov(block.energy.dot, block.energy.project, start, min(sampling.steps, block.energy.dimension))
            origin = float(space.energies[0]) if np.isnan(origin) else origin
            weights = float(np.vdot(start, start).real) * space.starts**2
            above = (space.energies - space.energies[0]) / t[:, None]
            logs.append(np.log(np.exp(-above) @ weights) - (space.energies[0] - origin) / t)
        first, second = (np.array(w) @ np.array(logs) / STEP**power for power, w in enumerate(STENCIL[1:], start=1))
        z = np.exp(logs[2])
        rows.append((z, z * first, z * (second + first**2), np.full(z.shape, np.nan)))
    z, slope, curvature, bending = np.swapaxes(np.array(rows), 0, 1)
    return FluxSums(planned.member, origin, z, slope, curvature, bending)


def _at(block: Block, model: Model) -> Block:
    """Return the same block of the Hamiltonian with another flux."""
    plain = replace(block.sector, momentum=None, reflection=None, irrep=None)
    return Block.of(Hamiltonian.of(model, plain), block.sector)


def _response(parts: Sequence[FluxSums], t: NDArray[np.float64], length: int) -> tuple[Replicates, ...]:
    """Return F, current, stiffness and Drude weight: replicates over temperatures."""
    count = max(len(part.partition) for part in parts)
    lowest = min(part.origin for part in parts)
    total = 0.0
    for part in parts:
        rows = np.array([part.partition, part.slope, part.curvature, part.bending])
        factor = part.member.copies * np.exp(-(part.origin - lowest) / t)
        total = total + factor * np.array([replicates_of(row, count) for row in rows])
    z, slope, curvature, bending = np.asarray(total)
    stiffness = -t * (curvature / z - (slope / z) ** 2)
    return lowest - t * np.log(z), t * slope / z, np.pi * length * stiffness, np.pi * length * bending / z


def _dataset(
    phi: NDArray[np.float64], t: NDArray[np.float64], kind: Ensemble, found: Sequence[Replicates]
) -> xr.Dataset:
    potential = ("grand_potential", "Omega") if kind.is_grand else ("free_energy", "F")
    names = (potential[0], "current", "stiffness", "drude")
    f = potential[1]
    formulas = (f, f"-d{f}/dphi", f"D_s = pi L d2{f}/dphi2", "D = pi L sum_n p_n d2E_n/dphi2")
    return xr.Dataset(dict(_variables(names, formulas, found, {"temperature": t, "phi": phi})))


def _variables(
    names: Sequence[str],
    formulas: Sequence[str],
    found: Sequence[Replicates],
    coords: dict[str, NDArray[np.float64]],
) -> Iterator[tuple[str, xr.DataArray]]:
    for name, formula, replicates in zip(names, formulas, found, strict=True):
        value, error = jackknife(replicates)
        yield name, labelled(name, value, [*coords], formula, "energy", coords)
        yield f"{name}_error", labelled(f"{name}_error", error, [*coords], f"error bar of {name}", "energy", coords)
