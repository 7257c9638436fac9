"""Response to a magnetic flux through a ring: energy, persistent current, stiffness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import finite_numbers, taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector, flux_derivative
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.flux import largest_winding, own_series
from ...hamiltonians.terms import level_width
from ...solvers import LabelledLevels, Options, Progress, levels_by_symmetry, silent
from ...solvers.arguments import read_options
from ...solvers.blocks import blocks_at_any_flux
from ..labelled import dataset
from ..observables.error_bars import isolated_ground
from ..response.perturbation import Perturbed, is_smooth, slopes_of

FLAT = 1e-8
"""Slopes and curvatures below this times the sum of all coefficients of dH/dphi count as zero."""


@taking(model=a_model, sector=a_sector, values=finite_numbers, options=read_options)
def flux_response(
    model: Model,
    sector: Sector | int,
    values: Sequence[float],
    options: Options | None = None,
    progress: Callable[[float], None] = lambda phi: None,
    search: Progress = silent,
    known: Callable[[xr.Dataset], None] | None = None,
) -> xr.Dataset:
    r"""Compute E_0, the persistent current and the stiffness at each flux.

    .. math:: I = -\langle H'\rangle,\quad D = \pi L\, E_0'',\quad
              E_0'' = \langle H''\rangle - 2\langle H' Q\,(H - E_0)^{-1} Q H'\rangle

    Primes denote derivatives with respect to phi, Q projects onto the complement of the ground level, and L is the
    number of bonds around the flux (`Cluster.loop_length`). The inverse is a linear solve in the block of the ground
    state, without sums over excited states. If the model has the translations of the ring, each momentum is solved
    separately and E_0 is the lowest energy, so that no level crossing is missed.

    Parameters
    ----------
    model : Model
        A model on a ring; its flux is replaced.
    sector : Sector or int
        Quantum numbers; with a momentum, only that block is followed.
    values : sequence of float
        phi = 2 pi Phi / (hc/e).
    options : Options, optional
        Options of the solver.
    progress : function
        Called with each flux before it is solved.
    search : Progress
        Called with the progress of each search.
    known : function, optional
        Called after each flux but the last with the result for the fluxes solved so far.

    Returns
    -------
    xarray.Dataset
        Over ``phi``: ``energies``, ``current`` and ``stiffness`` with error bars ``energy_errors``,
        ``current_errors`` and ``stiffness_errors`` (from residual and cutoff, see `Perturbed.errors`),
        ``multiplicity`` and ``blocks`` (as text, the momenta of the ground level). At level crossings, where E_0 has a
        kink, current and stiffness are NaN.

    Raises
    ------
    ValueError
        If the cluster has no loop, or (`InvalidModel`) the sector fixes a quantum number that a flux breaks, or the
        flux dependence of a user-defined term is unknown.

    References
    ----------
    W. Kohn, Phys. Rev. 133, A171 (1964).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model, Sector
    >>> data = flux_response(Model(ring(4), Electrons(hopping=1.0)), Sector(1), [0.4])  # E = -2 cos(phi / 4)
    >>> data.current.values.round(8), data.stiffness.values.round(8)
    (array([-0.04991671]), array([1.56294889]))
    >>> data.blocks.values.tolist()
    ['momentum = 0']
    """
    line = FluxLine(model, sector, options, progress, search)
    rows: list[tuple[Any, ...]] = []
    for phi in values:
        level = line.level(phi)
        derivatives = (-level.slope, level.slope_error, line.stiffness(level), line.stiffness_error(level))
        rows.append((level.energy, level.error, *derivatives, level.multiplicity, level.blocks))
        if known is not None and len(rows) < len(values):
            known(_response(values[: len(rows)], rows))
    return _response(values, rows)


def _response(values: Sequence[float], rows: Sequence[tuple[Any, ...]]) -> xr.Dataset:
    *table, blocks = zip(*rows, strict=True) if rows else [()] * 8
    return dataset(
        *((n, np.array(v, dtype=float), ["phi"], f, u) for (n, f, u), v in zip(SERIES, table, strict=True)),
        ("blocks", np.array(blocks, dtype=str), ["phi"], "blocks of the ground level"),
        coords={"phi": np.asarray(values, dtype=float)},
    )


SERIES = (
    ("energies", "E_0(phi)", "energy"),
    ("energy_errors", "error bar", "energy"),
    ("current", "-dE_0/dphi", "energy"),
    ("current_errors", "error bar", "energy"),
    ("stiffness", "pi L d2E_0/dphi2", "energy"),
    ("stiffness_errors", "error bar", "energy"),
    ("multiplicity", "states in the ground level", "1"),
)
"""Names, formulas and units of the variables at each flux."""


@dataclass(frozen=True)
class FluxLevel:
    """The ground level at one flux.

    Attributes
    ----------
    phi, energy, error : float
        The flux, E_0 and its error bar.
    slopes : (multiplicity,) float
        dE/dphi of the branches that meet in the level, ascending; the largest applies just below phi, the smallest
        just above.
    curvature : float
        d2E_0/dphi2 of the lowest branch; NaN at a kink, or if not computed.
    blocks : str
        The blocks that contain the level.
    scale : float
        Sum of the absolute values of the coefficients of dH/dphi [energy].
    slope_error, curvature_error : float
        Error bars; NaN at a kink, or if not computed.
    """

    phi: float
    energy: float
    error: float
    slopes: NDArray[np.float64]
    curvature: float
    blocks: str
    scale: float
    slope_error: float = np.nan
    curvature_error: float = np.nan

    @property
    def multiplicity(self) -> int:
        """Number of states in the level."""
        return len(self.slopes)

    @property
    def slope(self) -> float:
        """dE_0/dphi; NaN at a kink."""
        return float(np.mean(self.slopes)) if is_smooth(self.slopes, self.scale) else np.nan

    @property
    def flat(self) -> float:
        """Largest slope that counts as zero."""
        return FLAT * self.scale

    @property
    def rests(self) -> bool:
        """True if the slope is zero."""
        return bool(np.max(np.abs(self.slopes)) <= self.flat)


@dataclass(frozen=True)
class FluxLine:
    """E_0 and its derivatives along a line of fluxes of a model.

    Parameters
    ----------
    model, sector, options, progress, search
        As for `flux_response`.
    direction : tuple of float, optional
        On lattices the direction of the flux vector, phi times this.
    """

    model: Model
    sector: Sector | int
    options: Options | None = None
    progress: Callable[[float], None] = lambda phi: None
    search: Progress = silent
    direction: tuple[float, ...] = (1.0,)

    @cached_property
    def blocks(self) -> tuple[Sector, ...]:
        """The symmetry blocks of the Hamiltonian and its derivatives at any flux."""
        sector = self.sector if isinstance(self.sector, Sector) else Sector(self.sector)
        return blocks_at_any_flux(self.model, sector)

    def threaded(self, phi: float) -> Model:
        """Return the model with the flux phi along the line."""
        return replace(self.model, flux=tuple(float(phi) * share for share in self.direction))

    def __post_init__(self) -> None:
        cluster = self.model.cluster
        if not cluster.has_loop:
            raise InvalidValue(
                f"a {cluster.kind} of {cluster.sites} sites has no loop for a flux; take a ring of 3 or more"
            )
        if len(self.direction) != cluster.fluxes:
            raise InvalidValue(
                f"a flux through this {cluster.kind} has {cluster.fluxes} components; take flux_tensor for currents "
                "and stiffness, a direction as (1, 0), or a model file with [flux]"
            )
        own_series(self.model)

    def level(self, phi: float, only_at_rest: bool = False) -> FluxLevel:
        """Solve at one flux, with curvature and error bars; with `only_at_rest` the curvature only at zero slope."""
        self.progress(phi)
        model = self.threaded(phi)
        found = levels_by_symmetry(model, self.sector, 1, self.options, self.search, self.blocks)
        return self.answer(phi, found, only_at_rest)

    def isolated(self, phi: float) -> LabelledLevels:
        """Return the complete ground multiplet at one flux, and one level above it."""
        self.progress(phi)
        model = self.threaded(phi)
        levels = isolated_ground(model, self.sector, self.options, self.search, self.blocks)
        assert isinstance(levels, LabelledLevels)
        return levels

    def answer(self, phi: float, found: LabelledLevels, only_at_rest: bool = False) -> FluxLevel:
        """Differentiate a known ground level; see `level` for `only_at_rest`."""
        model = self.threaded(phi)
        first, second = (flux_derivative(model, along=[self.direction] * order) for order in (1, 2))
        branches = [Perturbed.of(levels, first) for levels in found.lowest]
        slopes = slopes_of(branches)
        energy, error = float(found.energies[0]), float(found.certificate.energy_errors[0])
        blocks = " | ".join(levels.block.sector.label for levels in found.lowest)
        scale = max(branches[0].scale, level_width(model) / FLAT)  # dH/dphi of doubled bonds may vanish
        level = FluxLevel(float(phi), energy, error, slopes, np.nan, blocks, scale)
        if not is_smooth(slopes, level.scale) or (only_at_rest and not level.rests):
            return level
        level = replace(level, curvature=min(branch.curvature(second) for branch in branches))
        if only_at_rest:
            return level
        share = largest_winding(self.model, self.direction)  # of the phonon-assisted part
        errors = np.max([branch.errors(first, second, share) for branch in branches], axis=0)
        return replace(level, slope_error=float(errors[0]), curvature_error=float(errors[1]))

    def stiffness(self, level: FluxLevel) -> float:
        """Return ``pi L d2E_0/dphi2``; NaN at a kink."""
        return float(np.pi * self.model.cluster.loop_length * level.curvature)

    def stiffness_error(self, level: FluxLevel) -> float:
        """Return the error bar of the stiffness; NaN at a kink."""
        return float(np.pi * self.model.cluster.loop_length * level.curvature_error)
