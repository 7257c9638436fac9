"""One model through every code that is installed, and what their ground energies differ by."""

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
"""Seconds that a code may take."""
FLOOR = 1e-9
"""Least difference that counts, in units of the largest coefficient or the energy."""
MIB = 1 << 20
DIGITS = 1e-9
"""Energies are shown to no more than this."""


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
    """Find the lowest energy of a sector by this package and by every other code that is installed.

    All codes diagonalise one truncated model: phonons about displacements that are the same for all charges, with the
    caps of the model. The model as it is given, whose frame may follow the charges, comes first; its difference from
    the truncated one is compared with the error bars of both. Each code runs in a process of its own. Momentum and
    other spatial quantum numbers are left out of the sector, as few codes know them.

    Parameters
    ----------
    model : Model
        A finite cluster.
    sector : Sector or int
        N and S_z; a number stands for ``Sector(charge)``.
    codes : sequence of str, optional
        Of those in ``respair.studies.interfaces.codes.CODES``; all that are installed by default.
    options : Options, optional
        How the model is solved as it is given.
    limit : float
        Seconds after which a code is stopped.
    progress : function
        Called with what comes next.

    Returns
    -------
    xarray.Dataset
        Over ``code``: ``energy``; ``error``, how far it may be from the energy of the truncated model;
        ``difference`` from this package's energy of the same truncated model; ``agrees``, 1 where that is within the
        errors of both, 0 where it is not, -1 where there is no energy; ``seconds``, ``memory`` (bytes, the peak of the
        process), ``version`` and ``note``: what a code cannot express, and why.

    Raises
    ------
    InvalidModel
        If the sector does not exist.
    InvalidValue
        If the lattice is infinite, or a code unknown.
    """
    limit = real_number("limit", limit, "a number of seconds above 0", 1e-3)
    sector = sector if isinstance(sector, Sector) else Sector(sector)
    plain = sector.plain
    progress("respair, the model as it is given")
    given = ground_state(model, plain, options=options)
    if not len(given.energies):
        raise InvalidValue(f"the sector {plain.title} has no states")
    model = _in_static_frame(given.hamiltonian.space.model, plain)
    chosen = codes or tuple(name for name, code in CODES.items() if code.version)
    known: dict[str, Eigenstates] = {}

    def reference(name: str) -> Eigenstates:
        """Return this package's level of the truncated model that a code solves."""
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
    """Return the model that codes without a frame that follows the charges have."""
    return Terms.of(model, sector).model


Row = dict[str, Any]


def _original_row(given: Eigenstates, truncated: Eigenstates) -> Row:
    bars = [float(levels.certificate.energy_errors[0]) for levels in (given, truncated)]
    difference = float(given.energies[0] - truncated.energies[0])
    within = abs(difference) <= sum(bars) + FLOOR * _unit(given)
    note = "error: the phonon cutoff as well" if given.hamiltonian.space.model.modes else ""
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
        "error": ("how far it may be from that of the truncated model", "energy"),
        "difference": ("from respair's energy of the same truncated model", "energy"),
        "agrees": ("1 within the errors, 0 not, -1 no energy", "1"),
        "seconds": ("time of the calculation", "s"),
        "memory": ("peak of the process", "bytes"),
        "version": ("of the code", "1"),
        "note": ("what it cannot express, and why", "1"),
    }
    coords = {"code": np.array([row["code"] for row in rows], dtype=str)}
    found = {}
    for name, (formula, units) in about.items():
        values = np.array([row[name] for row in rows])
        found[name] = labelled(name, values, ["code"], formula, units, coords)
    return xr.Dataset(found)


def crosscheck_tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield the table of a crosscheck, and what codes cannot do."""
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
