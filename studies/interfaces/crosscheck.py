"""Comparison of the ground-state energies of one model from all installed codes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..._core.arguments import real_number, taking
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...clusters import InvalidValue
from ...hamiltonians import Model, Sector
from ...hamiltonians.arguments import a_model, a_sector
from ...solvers import Eigenstates, Options, ground_state
from ...solvers.arguments import read_options
from ..execution.tables import columns, with_error
from .codes import CODES
from .measure import measured
from .terms import Terms

LIMIT = 600.0
"""Time limit per code, in seconds."""
FLOOR = 1e-9
"""Smallest significant difference, in units of the largest coefficient or the energy."""
MIB = 1 << 20
DIGITS = 1e-9
"""Smallest absolute precision to which energies are shown."""


def silent(what: str) -> None:
    """Report nothing."""


def _names(name: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    chosen = tuple([value] if isinstance(value, str) else value)
    if unknown := [each for each in chosen if each not in CODES]:
        raise InvalidValue(f"{name} = {unknown[0]!r} is unknown; allowed: {', '.join(CODES)}")
    return chosen


@taking(model=a_model, sector=a_sector, codes=_names, options=read_options)
def crosscheck(
    model: Model,
    sector: Sector | int,
    codes: Sequence[str] | None = None,
    *,
    options: Options | None = None,
    limit: float = LIMIT,
    progress: Callable[[str], None] = silent,
) -> xr.Dataset:
    """Compute the lowest energy of a sector with this package and with every other installed code.

    All codes diagonalise the same truncated model: phonons about displacements that do not depend on the charges, with
    the phonon cutoff of the model. The first row is the original model, whose frame may depend on the charges; its
    difference from the truncated model is compared with the error bars of both. Each code runs in a separate process.
    Momentum and other spatial quantum numbers are omitted from the sector, since few codes support them.

    Parameters
    ----------
    model : Model
        A finite cluster.
    sector : Sector or int
        N and S_z; a number stands for ``Sector(charge)``.
    codes : sequence of str, optional
        Names from ``respair.studies.interfaces.codes.CODES``; by default all installed codes.
    options : Options, optional
        Solver options for the original model.
    limit : float
        Time limit per code, in seconds.
    progress : function
        Called with the name of the next calculation.

    Returns
    -------
    xarray.Dataset
        Over ``code``: ``energy``; ``error``, its error bar with respect to the truncated model; ``difference`` from the
        energy of the same truncated model in this package; ``agrees``, 1 if the difference is within the errors of
        both, 0 if not, -1 without an energy; ``seconds``, ``memory`` (peak of the process in bytes), ``version`` and
        ``note``, the reason if a code cannot represent the model.

    Raises
    ------
    InvalidModel
        If the sector does not exist.
    InvalidValue
        If the lattice is infinite or a code is unknown.
    """
    limit = real_number("limit", limit, "a number of seconds above 0", 1e-3)
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    plain = sector.plain
    progress("respair, the original model")
    given = ground_state(model, plain, options=options)
    if not len(given.energies):
        raise InvalidValue(f"the sector {plain.title} has no states")
    model = _in_static_frame(given.hamiltonian.space.model, plain)
    chosen = codes or tuple(name for name, code in CODES.items() if code.version)
    known: dict[str, Eigenstates] = {}

    def reference(name: str) -> Eigenstates:
        """Return the lowest level, from this package, of the truncated model in the frame of a code."""
        terms = CODES[name].terms(model, plain)
        frame = repr(terms.model.phonons.frame) if terms.model.phonons is not None else ""
        if frame not in known:
            known[frame] = ground_state(terms.model, plain)
        return known[frame]

    rows = [_original_row(given, reference("tensor"))]
    for name in chosen:
        code = CODES[name]
        progress(code.title)
        answer = measured(name, model, plain, limit) if code.version else {"note": "not installed"}
        level = reference(name)
        if level is not reference("tensor") and "energy" in answer:
            note = f"phonons in the frame {code.frame!r}; compared with respair in this frame"
            answer = {**answer, "note": note}
        rows.append(_row(code.title, code.version, answer, level))
    return _dataset(rows)


def _in_static_frame(model: Model, sector: Sector) -> Model:
    """Return the model in a phonon frame that does not depend on the charges."""
    return Terms.of(model, sector).model


Row = dict[str, Any]


def _original_row(given: Eigenstates, truncated: Eigenstates) -> Row:
    bars = [float(levels.certificate.energy_errors[0]) for levels in (given, truncated)]
    difference = float(given.energies[0] - truncated.energies[0])
    within = abs(difference) <= sum(bars) + FLOOR * _unit(given)
    note = "error includes the phonon cutoff" if given.hamiltonian.space.model.modes else ""
    row = {"code": "respair as given", "version": CODES["tensor"].version, "note": note}
    numbers = {"energy": float(given.energies[0]), "error": bars[0], "difference": difference}
    return row | numbers | {"agrees": int(within), "seconds": math.nan, "memory": math.nan}


def _row(title: str, version: str, answer: Any, level: Eigenstates) -> Row:
    row: Row = {"code": title, "version": version, "note": answer.get("note", "")}
    numbers = {name: float(answer.get(name, math.nan)) for name in ("energy", "error", "seconds", "memory")}
    difference = numbers["energy"] - float(level.energies[0])
    allowed = numbers["error"] + float(level.certificate.residuals[0]) + FLOOR * _unit(level)
    agrees = -1 if math.isnan(difference) else int(abs(difference) <= allowed)
    return row | numbers | {"difference": difference, "agrees": agrees}


def _unit(levels: Eigenstates) -> float:
    return max(levels.hamiltonian.scale, abs(float(levels.energies[0])))


def _dataset(rows: Sequence[Row]) -> xr.Dataset:
    about = {
        "energy": ("lowest energy of the sector", "energy"),
        "error": ("error bar with respect to the truncated model", "energy"),
        "difference": ("difference from the energy of the same truncated model in respair", "energy"),
        "agrees": ("1 within the errors, 0 outside, -1 no energy", "1"),
        "seconds": ("wall time", "s"),
        "memory": ("peak memory of the process", "bytes"),
        "version": ("version of the code", "1"),
        "note": ("reason if the model cannot be represented", "1"),
    }
    coords = {"code": np.array([row["code"] for row in rows], dtype=str)}
    found = {}
    for name, (formula, units) in about.items():
        values = np.array([row[name] for row in rows])
        found[name] = labelled(name, values, ["code"], formula, units, coords)
    return xr.Dataset(found)


def crosscheck_tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield the table of a crosscheck, and the codes that cannot solve the model."""
    table = columns("crosscheck", ("code", "energy", "difference", "agrees", "s", "MiB"))
    for column in table.columns:
        column.no_wrap = True
    words = {1: "yes", 0: "NO", -1: "-"}
    for n, code in enumerate(data["code"].values.tolist()):
        row = {name: data[name].values[n].item() for name in map(str, data.data_vars)}
        energy = "-" if math.isnan(row["energy"]) else with_error(row["energy"], max(row["error"], DIGITS))
        difference = "-" if math.isnan(row["difference"]) else f"{row['difference']:.1e}"
        seconds = "" if math.isnan(row["seconds"]) else f"{row['seconds']:.2f}"
        memory = "" if math.isnan(row["memory"]) else f"{row['memory'] / MIB:.0f}"
        table.add_row(f"{code} {row['version']}", energy, difference, words[row["agrees"]], seconds, memory)
    yield table
    for code, note in zip(data["code"].values.tolist(), data["note"].values.tolist(), strict=True):
        if note:
            yield f"{code}: {note}"
    solved = int(np.sum(data["agrees"].values >= 0)) - 1
    wrong = int(np.sum(data["agrees"].values == 0))
    verdict = "all within the error bars" if not wrong else f"{wrong} outside the error bars"
    yield f"{solved} codes and engines found the ground energy: {verdict}."
