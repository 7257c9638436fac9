"""Studies from Python: a model or a model file with a sweep, optionally saved in a folder and continued."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from rich.console import Console

from ..._core.arguments import instance, shown, whole_number
from ..._core.display import counted
from ...clusters import Card, InvalidType, InvalidValue, Shown, Told
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_sector
from ...hamiltonians.parameters import COUPLINGS
from ...hamiltonians.sector import LeftOut, resolved
from ..definition import Study
from ..file.reading import read, studied, sweep_points
from ..file.tables import given, plain, tables_of
from .folder import opened
from .notebook import watching
from .pools import pool_of
from .runner import Result, run

FILE = "study.toml"
"""Name of the model file of a study defined in Python."""


class Interrupted(Told, KeyboardInterrupt):
    """A study was interrupted; the message states what is saved."""

    def __init__(self, known: int, count: int, folder: str | os.PathLike[str] | None) -> None:
        kept = "interrupted; nothing is saved: run(folder) saves every finished point"
        if folder is not None:
            kept = f"interrupted: {known} of {counted(count, 'point')} are saved in {os.fsdecode(folder)}"
            kept += "; repeat the call to continue"
        super().__init__(kept)


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """A study that can be run.

    Attributes
    ----------
    study : Study
        Model, sector, tasks and sweep.
    """

    study: Study

    def card(self) -> Card:
        """Return a summary of the study and the number of points."""
        count = counted(len(sweep_points(self.study)), "point")
        drawing = self.study.model.cluster.drawing
        return Card(f"study {self.study.title}", self.study.rows, note=f"run() computes {count}", picture=drawing)

    def run(
        self,
        folder: str | os.PathLike[str] | None = None,
        workers: int = 1,
        scheduler: str | None = None,
        retry_failed: bool = False,
    ) -> xr.Dataset:
        """Compute all points and show the progress on a terminal or in a notebook.

        Parameters
        ----------
        folder : path, optional
            Folder in which every finished point is saved: after an interrupt, repeat the call to continue. The error of
            a failed point is recorded in the dataset. Without a folder nothing is saved, and the first error is raised.
        workers : int
            Number of worker processes on this machine.
        scheduler : str, optional
            Address or file of a dask scheduler whose workers share the work.
        retry_failed : bool
            Whether to repeat failed points.

        Returns
        -------
        xarray.Dataset
            Every variable of every task, with the axes of the sweep as leading dimensions; for averaged axes also the
            means and their standard errors (`averages`).

        Raises
        ------
        StudyError
            If another run uses the folder, or it belongs to another study.
        SchedulerError
            If the scheduler does not answer.
        MemoryError, ConvergenceError
            As `respair.run`.
        Interrupted
            A KeyboardInterrupt whose message states what is saved.
        """
        workers = whole_number("workers", workers, 1)
        console = Console(stderr=True, markup=False, emoji=False)
        checkpoint = None if folder is None else Path(folder) / "search.checkpoint"
        with ExitStack() as stack:
            keeping = opened(Path(folder), self.study, retry_failed, console.print) if folder is not None else None
            kept = stack.enter_context(keeping) if keeping else None
            pool = stack.enter_context(pool_of(workers, scheduler))
            reporter = stack.enter_context(watching())
            known: tuple[object, ...] = ()

            def finished(number: int, result: Result) -> None:
                nonlocal known
                known = result.points

            try:
                result = run(self.study, reporter, finished, checkpoint, kept, pool)
                return result.data.assign(result.averages.data_vars)
            except KeyboardInterrupt:
                raise Interrupted(len(known), len(sweep_points(self.study)), folder) from None


def study(
    model: Model | str | os.PathLike[str],
    sector: Sector | int | None = None,
    sweep: Mapping[str, object] | None = None,
    plugins: Sequence[str | os.PathLike[str]] = (),
    **tables: Mapping[str, object],
) -> Plan:
    """Return a study of a model, or of a model file.

    Parameters
    ----------
    model : Model or path
        The Hamiltonian, or a complete model file; then no other argument except `plugins` is allowed.
    sector : Sector or int, optional
        The sector, or the charge N.
    sweep : mapping, optional
        The table ``[sweep]``: axes by dotted path, ``linked``, ``refine``.
    plugins : sequence of path
        Python files with user-defined approximations for ``[compare]``; their code is run.
    **tables : mapping
        Other tables of a model file, such as ``ground_state={"states": 2}``.

    Returns
    -------
    Plan
        The study; its method `run` returns the dataset.

    Raises
    ------
    InvalidModel
        With all problems.
    ValueError
        If a model file is given together with other tables.

    Examples
    --------
    >>> from respair import Bosons, Electrons, Model, site
    >>> model = Model(site(), Electrons(), Bosons(exchange=0.5))
    >>> data = study(model, 2, sweep={"bosons.level": [0.0, 1.0]}).run()
    >>> data["energies"].values[:, 0].round(6).tolist()
    [-0.5, -0.207107]
    """
    instance("model", model, (Model, str, os.PathLike), "write Model(...), or the path of a model file")
    for name, table in {**tables, **({} if sweep is None else {"sweep": sweep})}.items():
        if not isinstance(table, Mapping) or not all(isinstance(key, str) for key in table):
            raise InvalidType(f'{name} is {shown(table)}, and must be a table, as {{"key": value}} with keys in quotes')
    if not isinstance(model, Model):
        if sector is not None or sweep is not None or tables:
            raise InvalidValue(f"{os.fsdecode(model)} is a complete study: leave sector, sweep and tables out")
        return Plan(read(model, plugins))
    own = None if sector is None else resolved(model, a_sector("sector", sector))
    block = {} if own is None else {"sector": _sector_table(own, sweep or {})}
    asked = plain({**block, **tables, **({"sweep": sweep} if sweep else {})})
    whole = {"schema": 1, "name": model.name or "study", **tables_of(model), **asked}
    return Plan(studied(whole, FILE, plugins, base=model))


def _sector_table(sector: Sector, sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a sector, with all S_z if it was not given and a sweep breaks its conservation."""
    found = given(sector)
    if sector.parity is not None:
        del found["charge"]
    gives_up = any(key in COUPLINGS and COUPLINGS[key].breaks == "spin" for key in sweep)
    return found | ({"two_sz": "all"} if gives_up and isinstance(sector.two_sz, LeftOut) else {})
