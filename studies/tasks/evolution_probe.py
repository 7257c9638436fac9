"""``[evolution.probe]``: time-resolved spectrum of a nonequilibrium state, measured with a probe pulse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

from ... import analysis
from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis import evolution as motion
from ...analysis.evolution.time_resolved import CUT, time_resolved_spectrum
from ...analysis.spectra import NAMES, probe_problems
from ...hamiltonians import Model, Problem
from ...solvers import Progress
from ..execution.tables import columns, decimals, number
from ..file.json_values import entries, plain
from ..file.values import Floats, Number, Table, Whole, one_of
from .evolution_tables import Times

if TYPE_CHECKING:
    from .setting import Setting

PREFIX = "evolution_probe_"
QUANTITIES = (
    "intensity", "addition", "removal", "addition_weight", "removal_weight", "errors", "initial_error", "duration",
    "step",
)  # fmt: skip
PROBES = tuple(name for name in NAMES if name != "current")


class ProbeTable(Table):
    """A Gaussian probe pulse and its operator.

    Attributes
    ----------
    operator : str
        Name of the operator, as in ``[spectrum]``.
    site : int, optional
        Site on which the operator acts; 0 by default if no momentum is given.
    momentum : int, optional
        Integer m of the momentum k = 2 pi m / L.
    spin : str, optional
        Spin of the added or removed electron; up by default.
    times : list of float, optional
        Centres of the pulses; the times of ``[evolution]`` by default.
    frequencies : list of float
        Frequencies omega of the spectrum.
    duration : float
        Standard deviation of the envelope in time.
    """

    operator: Annotated[str, AfterValidator(one_of(PROBES)), Field(description=listed(PROBES))] = "electron"
    site: Whole | None = None
    momentum: Whole | None = None
    spin: Annotated[str, AfterValidator(one_of(("up", "dn"))), Field(description='"up" or "dn"')] | None = None
    times: Times | None = None
    frequencies: Floats
    duration: Annotated[Number, Field(gt=0, description="a number above 0")]

    def problems(self, model: Model, values: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield the problems with the model and with the other keys of ``[evolution]``, `values`."""
        for problem in probe_problems(model, self.operator, self.site, self.momentum, self.spin):
            yield replace(problem, path=problem.path.replace("spectrum", "evolution.probe"))
        if motion.has_automatic_cutoff(model):
            allowed = "allowed with numbers for max_quanta or total_quanta alone"
            yield Problem("evolution.probe", "a table", allowed)
        if values.get("level"):
            yield Problem("evolution.probe", "a table", "leave it out; a spectrum begins with the ground level")
        first, reach = np.asarray(self.times or values["times"])[0], CUT * self.duration
        if {"initial", "state", "thermal", "kick"} & values.keys() and first < reach:
            allowed = (
                f"allowed: times from {reach:.6g} on, or a shorter duration; a pulse reaches {CUT} durations back, and "
                "the motion begins at 0"
            )
            yield Problem("evolution.probe.times", f"{first:.6g}", allowed)

    def spectrum(self, setting: Setting, progress: Progress, times: tuple[float, ...], **moves: Any) -> xr.Dataset:
        """Return the spectrum at each time; `moves` are the initial state and drive of `time_resolved_spectrum`."""
        place = {name: value for name in ("site", "momentum", "spin") if (value := getattr(self, name)) is not None}
        data = time_resolved_spectrum(
            setting.model,
            analysis.probe(setting.model, self.operator, **place),
            np.array(self.times or times),
            np.array(self.frequencies),
            self.duration,
            setting.block,
            options=replace(setting.solver, checkpoint=None),
            progress=progress,
            **moves,
        )
        names = {"time": "probe_time", "omega": "probe_omega"}
        return data.rename({**names, **{name: f"{PREFIX}{name}" for name in data.data_vars}})


ProbeValue = Annotated[
    ProbeTable, Field(description="a table { operator, site, momentum, spin, times, frequencies, duration }")
]


def probe_record(data: xr.Dataset) -> dict[str, object]:
    """Return the spectrum as lists over times and frequencies; empty without a probe."""
    if f"{PREFIX}intensity" not in data:
        return {}
    axes = {"times": plain(data["probe_time"]), "frequencies": plain(data["probe_omega"])}
    return {"probe": axes | entries(data, PREFIX.removesuffix("_"), QUANTITIES)}


def probe_table(data: xr.Dataset) -> rich_table.Table:
    """Return the weights, the maximum and the error bound at each time."""
    table = columns("probe", ("t", "weight added", "weight removed", "largest at omega", "intensity", "error bound"))
    for n, t in enumerate(data["probe_time"].values.tolist()):
        row = {name: data[f"{PREFIX}{name}"].values[n] for name in QUANTITIES[:6]}
        digits, top = decimals(float(row["errors"])), int(np.argmax(row["intensity"]))
        weights = (number(row[f"{part}_weight"], digits) for part in ("addition", "removal"))
        omega, height = data["probe_omega"].values[top], number(row["intensity"][top], digits)
        table.add_row(f"{t:.6g}", *weights, f"{omega:.6g}", height, f"{float(row['errors']):.1e}")
    return table
