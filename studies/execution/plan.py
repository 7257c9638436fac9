"""Studies from Python: a model, or a model file, with a sweep; kept in a folder and gone on with where it was left."""

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
"""The name of a model file that was made of Python values."""


class Interrupted(Told, KeyboardInterrupt):
    """A study that was interrupted; the message says what is kept."""

    def __init__(self, known: int, count: int, folder: str | os.PathLike[str] | None) -> None:
        kept = "interrupted; nothing is kept: run(folder) keeps every finished point"
        if folder is not None:
            kept = f"interrupted: {known} of {counted(count, 'point')} are kept in {os.fsdecode(folder)}"
            kept += "; the same call goes on from there"
        super().__init__(kept)


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """A study that can be run.

    Attributes
    ----------
    study : Study
        What it asks for.
    """

    study: Study

    def card(self) -> Card:
        """Return the study, and how many points `run` will compute."""
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
        """Compute all points; show how far it is on a terminal and in notebooks.

        Parameters
        ----------
        folder : path, optional
            Where every finished point is kept: after an interrupt the same call goes on from there, and a point that
            fails keeps its error in the dataset. Without it nothing is kept, and the first failure is raised.
        workers : int
            Processes of this machine that share the work.
        scheduler : str, optional
            Address or file of a dask scheduler whose workers share it.
        retry_failed : bool
            Repeat the points that failed before.

        Returns
        -------
        xarray.Dataset
            Every variable of every task, with the axes of the sweep as leading dimensions; where axes are averaged
            over, the means and their standard errors as well (`averages`).

        Raises
        ------
        StudyError
            If another run is at work in the folder, or it is of another study.
        SchedulerError
            If the scheduler does not answer.
        MemoryError, ConvergenceError
            As `respair.run`.
        Interrupted
            A KeyboardInterrupt that says what is kept.
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
        The Hamiltonian, or a model file that says everything; then nothing else may be given.
    sector : Sector or int, optional
        The block that is solved, or N_tot.
    sweep : mapping, optional
        The table ``[sweep]``: axes by dotted path, ``linked``, ``refine``.
    plugins : sequence of path
        Python files with user-defined approximations for ``[compare]``; their code is run.
    **tables : mapping
        The other tables of a model file, as ``ground_state={"states": 2}``.

    Returns
    -------
    Plan
        Its method `run` gives the dataset.

    Raises
    ------
    InvalidModel
        With everything that is wrong.
    ValueError
        If a model file is given, and anything besides.

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
            raise InvalidValue(f"{os.fsdecode(model)} says everything: leave sector, sweep and tables out")
        return Plan(read(model, plugins))
    own = None if sector is None else resolved(model, a_sector("sector", sector))
    block = {} if own is None else {"sector": _sector_table(own, sweep or {})}
    asked = plain({**block, **tables, **({"sweep": sweep} if sweep else {})})
    whole = {"schema": 1, "name": model.name or "study", **tables_of(model), **asked}
    return Plan(studied(whole, FILE, plugins, base=model))


def _sector_table(sector: Sector, sweep: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a sector; with all S_z where a sweep gives S_z up and it was left out."""
    found = given(sector)
    if sector.parity is not None:
        del found["charge"]
    gives_up = any(key in COUPLINGS and COUPLINGS[key].breaks == "spin" for key in sweep)
    return found | ({"two_sz": "all"} if gives_up and isinstance(sector.two_sz, LeftOut) else {})
