"""``[spectrum]`` together with ``[thermal]``: what is recorded and shown of the spectrum of a thermal state."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..._core.lazy import rich_table, xr
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import entries, line_list, missing, plain

RULES = ("sum_rules", "sum_rule_defects", "sum_rule_errors", "balance", "balance_defect")
WEIGHTS = ("addition_weight", "removal_weight")
ERRORS = ("values", "moments", "zero_frequency", "pseudogap", *WEIGHTS, "chemical_potential")
CURRENT = ("drude", "fsum", "fsum_defect")


def thermal_spectrum_record(data: xr.Dataset) -> dict[str, object]:
    """Return the curves and numbers as lists over temperatures; omega is measured from the chemical potential.

    ``poles`` are [frequency, weight] pairs where there is one temperature, and a list of such lists where there are
    more; they are left out where there are too many lines.
    """
    there = [name for name in (*RULES, *CURRENT) if f"spectrum_{name}" in data]
    found = {
        "frequencies": plain(data["omega"]),
        **entries(data, "spectrum", ("values", "moments", *there)),
        "weights": {part: plain(data[f"spectrum_{part}_weight"]) for part in ("addition", "removal")},
        **entries(data, "spectrum", ("zero_frequency", "pseudogap", "broadening", "chemical_potential")),
        **entries(data, "spectrum", ("skipped_share",)),
        "errors": {name: plain(data[f"spectrum_{name}_error"]) for name in ERRORS},
    }
    if "spectrum_values_cutoff_error" in data:
        found["cutoff_errors"] = {name: plain(data[f"spectrum_{name}_cutoff_error"]) for name in ERRORS}
    if "spectrum_drude" in data:
        found |= missing(data["spectrum_drude"], "drude_missing")
    if "spectrum_pole_weights" in data:
        at, weights = data["spectrum_pole_frequencies"].values, data["spectrum_pole_weights"].values
        pairs = zip(np.broadcast_to(at, weights.shape), weights, strict=True)
        poles = [line_list(*pair) for pair in pairs]
        found["poles"] = poles[0] if len(poles) == 1 else poles
    return found


def thermal_spectrum_tables(data: xr.Dataset) -> Iterator[rich_table.Table | str]:
    """Yield for each temperature A(0), the pseudogap, moments and how well the sum rules are met."""
    with_rules = "spectrum_sum_rules" in data
    headings = ("T", "A(0, T)", "A(0) / A(0) hot", "M0", "M1", *(("worst defect",) if with_rules else ("Drude",)))
    table = columns("spectrum at temperature", headings)
    for i, t in enumerate(data["temperature"].values):
        moments = (_cell(data, "moments", i, n) for n in (0, 1))
        if with_rules:
            last = f"{np.nanmax(np.abs(data['spectrum_sum_rule_defects'].values[i])):.1e}"
        else:
            last = number(float(data["spectrum_drude"].values[i]), decimals(0.0))
        table.add_row(f"{t:.6g}", _cell(data, "zero_frequency", i), _cell(data, "pseudogap", i), *moments, last)
    yield table
    if not with_rules:
        yield from (f"Drude weight: {why}." for why in missing(data["spectrum_drude"], "").values())
    if with_rules:
        yield "Defects: moments less thermal averages of commutators. Pseudogap: A(0, T) / A(0, highest T)."


def _cell(data: xr.Dataset, name: str, *place: int) -> str:
    value, error = (data[f"spectrum_{name}{end}"].values[place].item() for end in ("", "_error"))
    if error and not isinstance(value, complex):
        return with_error(value, error)
    return number(value, decimals(error))
