"""Running a model file: from a `Study` to one labelled dataset."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..analysis import charge_scan, default_grid, flux_response, observables
from ..analysis.labelled import labelled
from ..hamiltonians import Model, Sector
from ..solvers import Eigenstates, LabelledLevels, ground_state, levels_by_symmetry, symmetry_sectors
from ..solvers.estimate import check_memory, choose_engine, estimate
from .model_file import Study, at_point, sweep_points


class Reporter(Protocol):
    """What is told about a run while it goes on."""

    def point(self, number: int, count: int, label: str) -> None:
        """Begin point `number` of `count`."""

    def step(self, what: str) -> None:
        """Tell what is being computed."""

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Tell how far the current level is."""


class Quiet:
    """A reporter that says nothing."""

    def point(self, number: int, count: int, label: str) -> None:
        """Say nothing."""

    def step(self, what: str) -> None:
        """Say nothing."""

    def lanczos(self, matvecs: int, energy: float, residual: float) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Result:
    """What a model file asked for.

    Attributes
    ----------
    study : Study
        The question.
    points : tuple of (mapping, xarray.Dataset)
        For each point of the sweep (one empty point without a sweep) its parameters and its data.
    """

    study: Study
    points: tuple[tuple[Mapping[str, object], xr.Dataset], ...] = field(repr=False)

    @property
    def data(self) -> xr.Dataset:
        """Everything in one dataset, the axes of the sweep as leading dimensions.

        A sweep over several axes that did not come to its end has the one dimension "point" instead.
        """
        if not self.study.sweep:
            return self.points[0][1]
        axes = self.study.sweep
        found = [data for _, data in self.points]
        if len(found) == math.prod(len(axis.values) for axis in axes):
            coords = {axis.key: (axis.key, np.asarray(axis.values)) for axis in axes}
            return _combined(_nest(found, [len(axis.values) for axis in axes]), list(coords), coords)
        coords = {axis.key: ("point", np.asarray([point[axis.key] for point, _ in self.points])) for axis in axes}
        partial = _combined(found, ["point"], coords)
        return partial.swap_dims(point=axes[0].key) if len(axes) == 1 else partial


def _combined(nested: list[Any], dims: list[str], coords: Mapping[str, Any]) -> xr.Dataset:
    combined: xr.Dataset = xr.combine_nested(
        nested, dims, join="outer", combine_attrs="override", compat="equals", data_vars="all", coords="minimal"
    )
    return combined.assign_coords(coords).transpose(*dims, ...)


def _nest(flat: list[xr.Dataset], shape: Sequence[int]) -> list[Any]:
    """Fold a flat list in C order into nested lists of the given shape."""
    if len(shape) == 1:
        return flat
    inner = len(flat) // shape[0]
    return [_nest(flat[i * inner : (i + 1) * inner], shape[1:]) for i in range(shape[0])]


def run(
    study: Study, reporter: Reporter | None = None, finished: Callable[[int, Result], None] | None = None
) -> Result:
    r"""Compute everything that a model file asks for, point by point.

    Parameters
    ----------
    study : Study
        A checked model file.
    reporter : Reporter, optional
        Told how the run goes on.
    finished : function, optional
        Called after each point with its number and the result so far.

    Returns
    -------
    Result
        One dataset for each point.

    Raises
    ------
    MemoryError
        Before anything is computed, if a point does not fit the memory limit.
    ConvergenceError
        If a level did not converge.

    Examples
    --------
    >>> from respair.studies import parse
    >>> text = 'schema = 1\ncluster.kind = "dimer"\nelectrons.hopping = 1.0\nsector.charge = 1'
    >>> round(float(run(parse(text, "dimer.toml")).data.energies[0]), 12)
    -1.0
    """
    reporter = reporter or Quiet()
    points = sweep_points(study)
    studies = [at_point(study, point) for point in points]
    for each in studies:
        check_fits(each)
    grid = _common_grid(study, [each.model for each in studies])
    done: list[tuple[Mapping[str, object], xr.Dataset]] = []
    for number, (point, each) in enumerate(zip(points, studies, strict=True)):
        reporter.point(number, len(points), ", ".join(f"{key} = {value:.6g}" for key, value in point.items()))
        done.append((MappingProxyType(dict(point)), _one(each, grid, reporter)))
        if finished is not None:
            finished(number, Result(study, tuple(done)))
    return Result(study, tuple(done))


def sectors_of(study: Study) -> list[tuple[Model, Sector, int]]:
    """Return every (model, sector, number of levels) that a study without a sweep will solve."""
    found: list[tuple[Model, Sector, int]] = []
    if study.sector is not None:
        found.append((study.model, study.sector, study.ground_state.states if study.ground_state else 1))
    if study.charge_scan is not None:
        electrons = study.model.electrons is not None
        found += [(study.model, Sector(n), 1) for n in study.charge_scan.charges if electrons or n % 2 == 0]
    return found


def check_fits(study: Study) -> None:
    """Raise MemoryError if any part of a study does not fit its memory limit."""
    for model, sector, states in sectors_of(study):
        try:
            _check_fits(study, model, sector, states)
        except MemoryError:
            blocks = symmetry_sectors(model, sector) if sector == study.sector else (sector,)
            if len(blocks) == 1:
                raise
            for block in blocks:
                _check_fits(study, model, block, states)


def _check_fits(study: Study, model: Model, sector: Sector, states: int) -> None:
    engine = choose_engine(model, sector, study.solver.engine)
    check_memory(model, sector, engine, states, study.solver.memory_limit)


def _labels(levels: Eigenstates | LabelledLevels) -> NDArray[np.str_]:
    """Return the spatial quantum numbers of each level as text, as in ``momentum = 0, reflection = 1``."""
    texts = [", ".join(f"{name} = {value}" for name, value in sector.labels.items()) for sector in levels.labels]
    return np.array(texts, dtype=str)


def _common_grid(study: Study, models: Sequence[Model]) -> NDArray[np.float64]:
    """Return one grid of X for all points of a sweep."""
    task = study.ground_state
    if task is not None and task.displacement_grid is not None:
        return np.array(task.displacement_grid)
    grids = [default_grid(model) for model in models]
    return np.linspace(min(g[0] for g in grids), max(g[-1] for g in grids), 201)


def _one(study: Study, grid: NDArray[np.float64], reporter: Reporter) -> xr.Dataset:
    """Compute one point: the tables that the file has, each under its own names."""
    parts: list[xr.Dataset] = []
    if study.sector is not None and study.ground_state is not None:
        parts.append(_ground_state(study, study.sector, grid, reporter))
    if study.charge_scan is not None:
        scan = charge_scan(study.model, study.charge_scan.charges, study.solver, lambda n: reporter.step(f"charge {n}"))
        parts.append(scan.rename({name: f"charge_scan_{name}" for name in scan.data_vars}))
    if study.sector is not None and study.flux is not None:
        response = flux_response(
            study.model, study.sector, study.flux.values, study.solver, lambda x: reporter.step(f"flux {x:.4g}")
        )
        parts.append(response.rename({name: f"flux_{name}" for name in response.data_vars}))
    return xr.merge(parts, join="outer", compat="override", combine_attrs="override")


def _ground_state(study: Study, sector: Sector, grid: NDArray[np.float64], reporter: Reporter) -> xr.Dataset:
    task = study.ground_state
    assert task is not None
    reporter.step(f"ground state of {estimate(study.model, sector).dimension:,} states")
    solve = ground_state if sector.has_symmetry else levels_by_symmetry
    levels = solve(study.model, sector, task.states, study.solver, reporter.lanczos)
    reporter.step("observables")
    measured = observables(levels.ground, task.observables, grid)
    return xr.merge([_levels(levels), measured], combine_attrs="override")


def _levels(levels: Eigenstates | LabelledLevels) -> xr.Dataset:
    c, phonons = levels.certificate, levels.hamiltonian.space.phonons
    dims = ["level"]
    return xr.Dataset(
        {
            "energies": labelled("energies", levels.energies, dims, "E_n", "energy"),
            "residuals": labelled("residuals", c.residuals, dims, "||H psi - E psi||", "energy"),
            "leaks": labelled("leaks", c.leaks, dims, "||Q H psi||, Q beyond the phonon cutoff", "energy"),
            "energy_errors": labelled(
                "energy_errors", c.energy_errors, dims, "3 leak^2 / (E_Q - E) + residual", "energy"
            ),
            "energy_bounds": labelled("energy_bounds", c.bounds, dims, "sqrt(residual^2 + leak^2)", "energy"),
            "labels": labelled("labels", _labels(levels), dims, "spatial quantum numbers"),
            "multiplicity": labelled("multiplicity", levels.multiplicity, [], "states in the ground level"),
            "dimension": labelled("dimension", levels.hamiltonian.space.dimension, [], "states of the sector"),
            "stored": labelled("stored", levels.stored, [], "amplitudes kept after symmetry"),
            "max_quanta": labelled("max_quanta", phonons.max_quanta, [], "most phonons in a mode"),
            "total_quanta": labelled("total_quanta", phonons.total_quanta, [], "most phonons in all modes"),
        }
    )
