"""Studies from Python: a model, or a model file, with a sweep; kept in a folder and gone on with where it was left."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console

from ..._core.arguments import instance, shown, whole_number
from ..._core.display import counted
from ...clusters import Card, Cluster, InvalidType, InvalidValue, Shown, Told
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_sector
from ..definition import Study
from ..file.reading import parse, read, sweep_points
from ..file.writing import toml_text
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
            Every variable of every task, with the axes of the sweep as leading dimensions.

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
                return run(self.study, reporter, finished, checkpoint, kept, pool).data
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
        Python files with approximations of the user's own for ``[compare]``; their code is run.
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
        If the model has terms or a cluster that no model file can describe.

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
    block = None if sector is None else a_sector("sector", sector)
    given = {"sector": _given(block)} if block else {}
    wanted = {**_tables(model), **given, **tables, **({"sweep": sweep} if sweep else {})}
    found = parse(toml_text(wanted, model.name or "study"), FILE, plugins)
    if model.terms or not _same(found.model, model):
        raise InvalidValue(
            "this model has terms or a cluster that no model file can describe; loop over `ground_state`"
        )
    return Plan(found)


def _tables(model: Model) -> dict[str, Mapping[str, Any]]:
    """Return the tables of a model file that describe a model."""
    species = {"electrons": model.electrons, "bosons": model.bosons, "phonons": model.phonons}
    there = {name: _given(value) for name, value in species.items() if value is not None}
    fields_of = {"field": {"flux": model.flux}, "ensemble": {"chemical_potential": model.chemical_potential}}
    return {"cluster": {"kind": model.cluster.kind, **_shape(model.cluster)}, **there, **fields_of}


def _shape(cluster: Cluster) -> Mapping[str, Any]:
    """Return the other keys of ``[cluster]``."""
    columns, rows = (int(max(place)) + 1 for place in zip(*cluster.positions, strict=True))
    bonds = [[bond.start, bond.end, bond.label] for bond in cluster.bonds]
    shapes: Mapping[str, Mapping[str, Any]] = {
        "chain": {"sites": cluster.sites},
        "ring": {"sites": cluster.sites},
        "ladder": {"rungs": cluster.sites // 2},
        "plaquette": {"size": [columns, rows]},
        "ligand-centre": {"sites": cluster.sites - 1},
        "custom": {"positions": cluster.positions, "bonds": bonds, "classes": cluster.classes},
    }
    return shapes.get(cluster.kind, {})


def _given(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not left at their defaults, and where things sit."""
    found = {each.name: (getattr(value, each.name), each.default) for each in fields(value)}
    return {
        name: now
        for name, (now, default) in found.items()
        if now is not None and (default is MISSING or name == "on" or not _equal(now, default))
    }


def _equal(now: Any, default: object) -> bool:
    return isinstance(now, int | float | str) and now == default


def _same(first: Model, second: Model) -> bool:
    pairs = [(getattr(first, name), getattr(second, name)) for name in ("cluster", "flux", "chemical_potential")]
    arrays = vars(first.couplings), vars(second.couplings)
    return all(a == b for a, b in pairs) and all(
        np.array_equal(value, arrays[1][key]) for key, value in arrays[0].items()
    )
