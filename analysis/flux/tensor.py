"""Response of a lattice to a flux vector: energy, currents, stiffness tensor; averages over twists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..._core.arguments import taking
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector, flux_derivative
from ...hamiltonians.arguments import a_model, a_sector
from ...hamiltonians.flux import largest_winding, own_series
from ...solvers import LabelledLevels, Options, Progress, levels_by_symmetry, silent
from ...solvers.arguments import read_options
from ...solvers.blocks import blocks_at_any_flux
from ..labelled import dataset
from ..response.perturbation import Perturbed, is_smooth, slopes_of

ALIKE = 1e-8
"""Tensors of the states of a level are equal if they differ by less, relative to the coefficients of H''."""


@taking(model=a_model, sector=a_sector, options=read_options)
def flux_tensor(
    model: Model,
    sector: Sector | int,
    values: Sequence[Sequence[float]],
    options: Options | None = None,
    progress: Callable[[Sequence[float]], None] = lambda phi: None,
    search: Progress = silent,
    known: Callable[[xr.Dataset], None] | None = None,
) -> xr.Dataset:
    r"""Compute E_0, the persistent currents and the stiffness tensor of a lattice at flux vectors.

    .. math:: I_j = -\frac{\partial E_0}{\partial\varphi_j},\qquad
              D_{ab} = \frac{\pi}{N} \frac{\partial^2 E_0}{\partial A_a \partial A_b},\qquad
              \varphi_j = \mathbf A\cdot\mathbf T_j

    with the rows T_j of the supercell and N sites: a hop by the vector d has the phase factor ``exp(i A . d)``. The
    second derivatives follow from second-order perturbation theory, with a linear solve for each direction and pair of
    directions in the block of the ground state.

    Parameters
    ----------
    model : Model
        A model on a lattice; its flux is replaced.
    sector : Sector or int
        Quantum numbers; with a momentum, only that block is followed.
    values : sequence of (fluxes,) float
        phi_j, the phase once around each row T_j.
    options, progress, search, known
        As for `flux_response`.

    Returns
    -------
    xarray.Dataset
        ``energies``, ``multiplicity`` and ``blocks`` over ``point``, ``current`` over (``point``, ``row``) and
        ``stiffness`` over (``point``, ``axis``, ``other_axis``), with their error bars ``energy_errors``,
        ``current_errors``, ``stiffness_errors``; the fluxes as ``phi`` over (``point``, ``row``).
        NaN at level crossings, and if the states of a level have different tensors.

    Raises
    ------
    ValueError
        If the cluster is not closed, its cell is not known, or the flux dependence of a user-defined term is unknown.

    Examples
    --------
    One electron on a square lattice, for which D = pi / 8 times 2 t in each direction:

    >>> from respair.clusters import square
    >>> from respair.hamiltonians import Electrons, Model
    >>> cluster = square(supercell=[[2, 2], [-2, 2]])
    >>> data = flux_tensor(Model(cluster, Electrons(hopping=1.0)), 1, [[0.0, 0.0]])
    >>> (data.stiffness.values[0] * 8 / np.pi).round(9) + 0.0
    array([[2., 0.],
           [0., 2.]])
    """
    solved = Tensor(model, sector if isinstance(sector, Sector) else Sector(sector), options, search)
    rows: list[tuple[Any, ...]] = []
    points = [solved.point(value) for value in values]
    for n, phi in enumerate(points):
        progress(phi)
        rows.append(solved.at(phi))
        if known is not None and n + 1 < len(points):
            known(_response(points[: n + 1], rows))
    return _response(points, rows)


def _response(points: Sequence[Sequence[float]], rows: Sequence[tuple[Any, ...]]) -> xr.Dataset:
    *table, blocks = zip(*rows, strict=True)
    return dataset(
        *((n, np.array(v, dtype=float), ["point", *d], f, u) for (n, d, f, u), v in zip(SERIES, table, strict=True)),
        ("blocks", np.array(blocks, dtype=str), ["point"], "blocks of the ground level"),
        ("phi", np.array(points, dtype=float), ["point", "row"], "phi_j", "1"),
    )


SERIES = (
    ("energies", (), "E_0(phi)", "energy"),
    ("energy_errors", (), "error bar", "energy"),
    ("current", ("row",), "-dE_0/dphi_j", "energy"),
    ("current_errors", ("row",), "error bar", "energy"),
    ("stiffness", ("axis", "other_axis"), "(pi / sites) d2E_0 / dA_a dA_b", "energy length^2"),
    ("stiffness_errors", ("axis", "other_axis"), "error bar", "energy length^2"),
    ("multiplicity", (), "states in the ground level", "1"),
)
"""Names, dimensions beyond the points, formulas and units of the variables at each flux vector."""


class Tensor:
    """Ground levels and their derivatives on a lattice, as functions of the flux vector.

    Parameters
    ----------
    model, sector, options, search
        As for `flux_tensor`.
    """

    def __init__(self, model: Model, sector: Sector, options: Options | None, search: Progress) -> None:
        self.model, self.sector, self.options, self.search = model, sector, options, search
        cluster = model.cluster
        if not cluster.has_loop:
            raise InvalidValue(
                f"a {cluster.kind} of {cluster.sites} sites has no loop for a flux; take a closed lattice, as "
                "square([4, 2])"
            )
        if len(cluster.cell) != cluster.fluxes:
            raise InvalidValue(
                "the stiffness tensor needs the periods of the cluster; give `cell` to custom(...), or "
                "for rings use flux_response"
            )
        own_series(model)
        self.rows = np.array(cluster.cell)
        self.blocks = blocks_at_any_flux(model, sector)

    def point(self, value: Sequence[float]) -> tuple[float, ...]:
        """Return a flux vector after checking it."""
        number = self.model.cluster.fluxes
        if np.shape(value) != (number,) or not np.all(np.isfinite(value)):
            example = [0.0] * number
            raise InvalidValue(f"values: {value!r} must be a flux vector of {number} finite numbers, as {example}")
        return tuple(float(phi) for phi in value)

    def levels(self, phi: tuple[float, ...]) -> LabelledLevels:
        """Return the ground level at a flux vector."""
        threaded = replace(self.model, flux=phi)
        return levels_by_symmetry(threaded, self.sector, 1, self.options, self.search, self.blocks)

    def at(self, phi: tuple[float, ...]) -> tuple[Any, ...]:
        """Return the entries of `SERIES` and the blocks at a flux vector."""
        return self.answer(phi, self.levels(phi))

    def answer(self, phi: tuple[float, ...], found: LabelledLevels) -> tuple[Any, ...]:
        """Differentiate a known ground level; see `at`."""
        threaded = replace(self.model, flux=phi)
        number, axes = self.rows.shape
        unit: NDArray[np.float64] = np.eye(number)
        current, errors = np.full((2, number), np.nan)
        smooth = True
        for j in range(number):
            first = flux_derivative(threaded, along=[unit[j].tolist()])
            branches = [Perturbed.of(levels, first) for levels in found.lowest]
            slopes = slopes_of(branches)
            if is_smooth(slopes, branches[0].scale):
                current[j] = -float(np.mean(slopes))
            else:
                smooth = False
        tensor = tensor_errors = np.full((axes, axes), np.nan)
        if smooth:
            tensor, tensor_errors, slope_errors = self._stiffness(threaded, found)
            errors = np.abs(np.linalg.pinv(self.rows)).T @ slope_errors  # of d/dphi_j = sum_a (T^-1)_aj d/dA_a
        energy, error = float(found.energies[0]), float(found.certificate.energy_errors[0])
        blocks = " | ".join(levels.block.sector.label for levels in found.lowest)
        return energy, error, current, errors, tensor, tensor_errors, len(slopes), blocks

    def _stiffness(
        self, threaded: Model, found: LabelledLevels
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the stiffness tensor, its error bars, and the error bars of the slopes along the axes.

        Off-diagonal elements follow from the polarization identity, ``2 E_ab = E''(a + b) - E''(a) - E''(b)``.
        """
        axes = self.rows.shape[1]
        pairs = [(a, b) for a in range(axes) for b in range(a, axes)]
        parts = []
        for levels in found.lowest:
            bent, bars, slopes = np.zeros((axes, axes)), np.zeros((axes, axes)), np.zeros(axes)
            for a, b in pairs:
                along = self.rows[:, a] if a == b else self.rows[:, a] + self.rows[:, b]
                first, second = (flux_derivative(threaded, along=[along.tolist()] * order) for order in (1, 2))
                branch = Perturbed.of(levels, first)
                once, bars[a, b] = branch.errors(first, second, largest_winding(threaded, along.tolist()))
                bent[a, b] = branch.curvature(second)
                slopes[a] = once if a == b else slopes[a]
            for a, b in pairs:
                if a != b:
                    bent[a, b] = bent[b, a] = 0.5 * (bent[a, b] - bent[a, a] - bent[b, b])
                    bars[a, b] = bars[b, a] = 0.5 * (bars[a, b] + bars[a, a] + bars[b, b])
            parts.append((bent, bars, slopes))
        bent = parts[0][0]
        width = ALIKE * (1.0 + float(np.max(np.abs(bent))))
        alike = all(np.max(np.abs(other - bent)) < width for other, *_ in parts)
        single = alike and all(levels.multiplicity == 1 for levels in found.lowest)
        bars, slopes = (np.max([part[i] for part in parts], axis=0) for i in (1, 2))
        unit = np.pi / threaded.cluster.sites if single else np.nan
        return unit * bent, unit * bars, slopes


@taking(model=a_model, sector=a_sector, options=read_options)
def twist_average(
    model: Model,
    sector: Sector | int,
    counts: Sequence[int],
    options: Options | None = None,
    progress: Callable[[Sequence[float]], None] = lambda phi: None,
    search: Progress = silent,
) -> xr.Dataset:
    r"""Average E_0 over twists: fluxes ``phi_j = 2 pi (n_j + 1/2) / N_j`` for n_j = 0 to N_j - 1.

    Parameters
    ----------
    model, sector, options, progress, search
        As for `flux_tensor`; rings are allowed as well.
    counts : sequence of int
        N_j for each direction in which the cluster is closed.

    Returns
    -------
    xarray.Dataset
        ``energy``, its ``energy_error``, and ``spread``, the standard deviation over the twists [energy]; ``energies``
        over ``twist``, with the fluxes as ``twists`` over (``twist``, ``row``).

    Raises
    ------
    ValueError
        If the cluster has no loop, or the counts do not fit.

    References
    ----------
    D. Poilblanc, Phys. Rev. B 44, 9562 (1991).

    Examples
    --------
    >>> from respair.clusters import ring
    >>> from respair.hamiltonians import Electrons, Model
    >>> model = Model(ring(4), Electrons(hopping=1.0))
    >>> data = twist_average(model, 1, [16])  # the mean of the lowest fourth of the band -2 cos k
    >>> round(float(data.energy), 2), round(float(-2 * np.sin(np.pi / 4) / (np.pi / 4)), 2)
    (-1.8, -1.8)
    """
    cluster = model.cluster
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    if not cluster.has_loop:
        raise InvalidValue(f"a {cluster.kind} of {cluster.sites} sites has no loop for a flux; take a closed cluster")
    whole = [isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1 for n in counts]
    if len(whole) != cluster.fluxes or not all(whole):
        raise InvalidValue(
            f"average = {list(counts)}: give {cluster.fluxes} whole numbers, 1 or more: twists in each direction"
        )
    blocks = blocks_at_any_flux(model, sector)
    points = [tuple(2 * np.pi * (n + 0.5) / N for n, N in zip(at, counts, strict=True))
              for at in product(*map(range, counts))]  # fmt: skip
    energies, errors = [], []
    for phi in points:
        progress(phi)
        found = levels_by_symmetry(replace(model, flux=phi), sector, 1, options, search, blocks)
        energies.append(float(found.energies[0]))
        errors.append(float(found.certificate.energy_errors[0]))
    return dataset(
        ("energy", float(np.mean(energies)), [], "mean of E_0 over the twists", "energy"),
        ("energy_error", float(np.mean(errors)), [], "error bar", "energy"),
        ("spread", float(np.std(energies)), [], "standard deviation of E_0 over the twists", "energy"),
        ("energies", np.array(energies), ["twist"], "E_0(phi)", "energy"),
        ("twists", np.array(points), ["twist", "row"], "phi_j", "1"),
    )
