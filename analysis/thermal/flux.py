"""Response of a thermal state to a flux: free energy, persistent current, stiffness, thermal Drude weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from ..._core.arguments import finite_numbers, taking
from ...clusters import InvalidValue
from ...clusters.loops import no_ring
from ...hamiltonians import Block, Model, flux_derivative
from ...hamiltonians.flux import own_series
from ...solvers import Options
from ...solvers.all_levels import AllLevels
from ...solvers.krylov.operator import Vector
from ...solvers.krylov.space import Krylov, krylov
from ..labelled import check_numbers
from .block_sums import block_sums
from .block_terms import Contribution, SumOverBlock, Terms, boltzmann
from .blocks import Blocks, Planned, most_steps, plan, seed_of
from .cutoff import with_cutoff_errors
from .ensembles import THERMAL_ARGUMENTS, Ensemble, Sampling, ThermalSum, in_words
from .sums import Replicates, Totals, jackknife, settled, with_error

STEP = 0.02
"""Distance of the fluxes between which random vectors are followed."""
STENCIL = ((-2, -1, 0, 1, 2), (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12), (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12))
"""Steps, and weights of the first and second derivative to fourth order."""
SETTLED = 1e-4
"""Derivatives of ln Z have settled if the last quarter of the Lanczos steps changes them by less, in units of one
plus the derivative."""
HERE = 2
"""Place of no step."""
NO_DRUDE = (
    "not known where blocks are sampled, as random vectors do not resolve the slopes of single levels; all levels "
    'do (thermal.method = "exact", or a smaller sector), and the stiffness D_s is known either way'
)
"""Why a Drude weight is missing: its attribute ``missing``."""


@dataclass(frozen=True)
class FluxSum:
    """What blocks add to Z and its derivatives with respect to the flux.

    In the sums are ``slope`` and ``curvature``, ``dZ/dphi`` and ``d2Z/dphi2``, and ``bending``,
    ``sum_n exp(-(E_n - origin) / T) d2E_n/dphi2``, which is NaN for random vectors: these do not resolve single levels.

    Attributes
    ----------
    temperatures : (t,) float
        T.
    """

    temperatures: NDArray[np.float64]

    @property
    def about(self) -> object:
        """What the sums depend on."""
        return "flux", self.temperatures.tolist()

    def on_blocks(self, asked: ThermalSum) -> SumOverBlock:
        """Return the function that sums over one block after the other."""
        model = asked.model
        (flux,) = model.fluxes
        threaded = [replace(model, flux=flux + step * STEP) for step in STENCIL[0]]
        blocks = [Blocks() for _ in threaded]

        def over(planned: Planned) -> Contribution:
            if planned.exact:
                return _exact(planned, blocks[HERE].of(planned), self.temperatures)
            around = [known.of(planned, other) for known, other in zip(blocks, threaded, strict=True)]
            return _sampled(planned, around, asked)

        return over


@taking(**THERMAL_ARGUMENTS, values=finite_numbers)
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
    vectors over five fluxes around each value, and D is not known: it comes out NaN, with the reason in its attribute
    ``missing``.

    Parameters
    ----------
    model : Model
        A model on a ring; its own flux is replaced.
    values : sequence of float
        phi = 2 pi Phi / (hc/e).
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
        which is also given as ``NAME_cutoff_error``.

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
    if not model.cluster.is_ring:
        raise InvalidValue(no_ring(model.cluster))
    phi = np.asarray(values, dtype=float)
    asked = ThermalSum.of(model, temperatures, ensemble, sampling, options, in_words(progress))
    return with_cutoff_errors(asked, lambda capped: capped_response(capped, phi))


def capped_response(asked: ThermalSum, phi: NDArray[np.float64]) -> xr.Dataset:
    """Return the response with a given cutoff."""
    name, f = ("grand_potential", "Omega") if asked.ensemble.is_grand else ("free_energy", "F")
    formulas = {
        name: f,
        "current": f"-d{f}/dphi",
        "stiffness": f"D_s = pi L d2{f}/dphi2",
        "drude": "D = pi L sum_n p_n d2E_n/dphi2",
    }
    coords = {"temperature": asked.temperatures, "phi": phi}
    variables: dict[str, xr.DataArray] = {}
    for (name, formula), replicates in zip(formulas.items(), flux_replicates(asked, phi), strict=True):
        variables |= with_error(name, jackknife(replicates), [*coords], formula, "energy", coords)
    data = xr.Dataset(variables)
    if np.any(np.isnan(data["drude"].values)):
        data["drude"].attrs["missing"] = NO_DRUDE
    check_numbers(data, (name for name in data.data_vars if not str(name).startswith("drude")))
    return data


def flux_replicates(asked: ThermalSum, phi: NDArray[np.float64]) -> list[Replicates]:
    """Return F, current, stiffness and Drude weight as replicates over temperatures and fluxes."""
    own_series(asked.model)
    model, t, length = asked.model, asked.temperatures, asked.model.cluster.loop_length
    asked, shift = settled(asked)
    found, kept = [], []
    for value in phi:
        threaded, what = replace(asked, model=replace(model, flux=float(value))), f"flux {value:.4g}"
        planned, _ = plan(threaded, what, replace(model, flux=1.0))
        parts, blocks = block_sums(threaded, FluxSum(t), planned, what)
        totals = Totals.of(parts, t, shift=shift)
        slope, curvature, bending = (totals.observables[name].real for name in DERIVATIVES)
        stiffness, drude = -np.pi * length * t * (curvature - slope**2), np.pi * length * bending
        found.append((totals.lowest - t * totals.log_partition, t * slope, stiffness, drude))
        kept.append(blocks)
    for blocks in kept:
        blocks.remove()
    return [np.stack(rows, axis=-1) for rows in zip(*found, strict=True)]


DERIVATIVES = ("slope", "curvature", "bending")


def _exact(planned: Planned, block: Block, t: NDArray[np.float64]) -> Contribution:
    """Sum over all levels of a block."""
    levels = AllLevels.of(block)
    model, energies = block.space.model, levels.energies
    first, second = levels.elements(flux_derivative(model, 1)), levels.averages(flux_derivative(model, 2)).real
    squares, slopes = np.abs(first) ** 2, first.diagonal().real
    gap = np.abs(energies - energies[:, None])
    same = gap <= block.hamiltonian.level_width
    above = energies - energies[0]
    lower, divisor = np.minimum(above, above[:, None]), np.where(same, 1.0, gap)
    factors, moments = boltzmann(energies, energies[0], t)
    rows = []
    for temperature, w in zip(t, factors, strict=True):
        spread = np.where(same, 1.0 / temperature, -np.expm1(-gap / temperature) / divisor)
        pairs, bent = squares * np.exp(-lower / temperature) * spread, w @ second
        rows.append((-(w @ slopes) / temperature, (pairs.sum() - bent) / temperature, bent - pairs[~same].sum()))
    return Contribution.of(planned, energies[0], (moments, dict(zip(DERIVATIVES, np.array(rows).T, strict=True))))


def _sampled(planned: Planned, blocks: Sequence[Block], asked: ThermalSum) -> Contribution:
    """Follow random vectors over fluxes: Z of each, and the derivatives of its logarithm.

    The first vector takes as many Lanczos steps as it needs for derivatives that the last quarter of them does not
    change; the others take as many.
    """
    t, steps, most = asked.temperatures, asked.sampling.steps, most_steps(blocks[HERE], asked)
    rows: list[Terms] = []
    origin = 0.0
    for child in seed_of(planned, asked).spawn(asked.sampling.samples):
        real, imaginary = np.random.default_rng(child).standard_normal((2, blocks[HERE].energy.size))
        start = (real + 1j * imaginary) / np.sqrt(2.0)
        spaces = _followed(blocks, start, steps)
        while not rows and not _settled(spaces, t, steps):
            if steps == most:
                raise ArithmeticError(
                    f"the response to the flux has not settled after {steps} Lanczos steps, and solver.memory_limit "
                    f"allows no more in a block of {planned.dimension:,} states; raise it, or take higher temperatures"
                )
            steps = min(most, 2 * steps)
            spaces = _followed(blocks, start, steps)
        norm, here = spaces[HERE]
        origin = origin if rows else float(here.energies[0])
        moments = boltzmann(here.energies, origin, t, norm * here.starts**2)[1]
        first, second = _slopes(spaces, t, steps)
        derivatives = (moments[0] * first, moments[0] * (second + first**2), np.full(t.shape, np.nan))
        rows.append((moments, dict(zip(DERIVATIVES, derivatives, strict=True))))
    return Contribution.of(planned, origin, (np.zeros(()), dict.fromkeys(DERIVATIVES, np.zeros(()))), rows)


Followed = tuple[float, Krylov]
"""The norm of a random vector, squared, after its projection onto the block of one flux, and its Krylov space."""


def _followed(blocks: Sequence[Block], start: Vector, steps: int) -> list[Followed]:
    spaces = []
    for energy in (block.energy for block in blocks):
        r = start.copy()
        energy.project(r)
        norm = float(np.vdot(r, r).real)
        spaces.append((norm, krylov(energy.dot, energy.project, r, min(steps, energy.dimension))))
    return spaces


def _slopes(spaces: Sequence[Followed], t: NDArray[np.float64], steps: int) -> tuple[NDArray[np.float64], ...]:
    """Return first and second derivative of ln Z with respect to the flux, from the first steps."""
    origin, logs = spaces[HERE][1].energies[0], []
    for norm, space in spaces:
        seen = space.first(steps)
        logs.append(logsumexp(-(seen.energies - origin) / t[:, None], axis=1, b=norm * seen.starts**2))
    return tuple(np.array(w) @ np.array(logs) / STEP**power for power, w in enumerate(STENCIL[1:], start=1))


def _settled(spaces: Sequence[Followed], t: NDArray[np.float64], steps: int) -> bool:
    """True where the last quarter of the steps changes no derivative."""
    if all(len(space) < steps for _, space in spaces):
        return True
    whole, fewer = np.array(_slopes(spaces, t, steps)), np.array(_slopes(spaces, t, steps - max(1, steps // 4)))
    return bool(np.all(np.abs(whole - fewer) <= SETTLED * (1.0 + np.abs(whole))))
