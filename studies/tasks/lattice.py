"""``[lattice]``: displacement distributions, charge-lattice correlations and response in the ground level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from ... import analysis
from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis import CONDITIONS
from ...analysis.labelled import labelled
from ...analysis.observables import mixing
from ...hamiltonians import Model, Problem, Sector
from ..execution.tables import columns, decimals, number, numbers, with_error
from ..file.json_values import entries, plain
from ..file.values import Switch, one_of
from .base import Solved, Task, key, missing_tables, multiplet_note

if TYPE_CHECKING:
    from .setting import Setting

SHAPE = ("mean", "variance", "skewness", "binder_ratio", "maxima", "peak_position", "peak_height")
RESPONSE = (
    "susceptibility", "susceptibility_errors", "softened_frequency", "mean_frequency", "collective_frequencies",
    "softest_mode", "fsum", "fsum_defect", "first_order", "response_energy",
)  # fmt: skip


Condition = Annotated[str, AfterValidator(one_of(tuple(CONDITIONS))), Field(description=listed(CONDITIONS))]
NATURAL = 6
"""Natural phonon states for each local charge."""
FIRST_ORDER = 1e-6
"""Differences of <x> within the ground level above this are reported."""


@dataclass(frozen=True, repr=False)
class LatticeTask(Task):
    """Distributions, correlations and response of the lattice.

    Attributes
    ----------
    condition : str
        Local charge of the joint distribution and of the natural phonon states: "charge", "electrons" or "bosons".
    susceptibility : bool
        Whether to compute the static response, with one linear solve per mode in the whole sector.
    """

    name: ClassVar[str] = "lattice"
    solved_levels = 2
    figures = (
        ("lattice-shape", "lattice_joint", "plot_lattice"),
        ("natural-phonons", "lattice_natural_occupation", "plot_natural_phonons"),
    )
    swept = ("lattice_softened_frequency",)

    condition: str = key(Condition, "charge")
    susceptibility: bool = key(Switch, True)

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield missing phonons or charges."""
        yield from missing_tables("lattice", None, ["phonons"], has)
        if (species := values.get("condition")) in ("electrons", "bosons"):
            yield from missing_tables("lattice.condition", species, [species], has)

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector with the two lowest levels; for the response also without symmetry."""
        whole = sector is not None and self.susceptibility and sector.has_symmetry
        return [*super().solves(model, sector), *([(model, _whole(sector), 2)] if sector and whole else [])]

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the ground level and evaluate the quantities in it."""
        levels = setting.ground
        setting.reporter.step("shape of the lattice")
        state = levels.ground
        correlations = {f"{name}_connected": array for name, array in analysis.lattice_correlation(state).items()}
        about = {
            "joint": analysis.joint_distribution(state, setting.grid, self.condition),
            "condition": labelled("condition", np.array(self.condition), [], "local charge of the joint distribution"),
            "multiplicity": labelled("multiplicity", levels.multiplicity, [], "states in the ground level"),
            "admixture": labelled("admixture", mixing(levels), [], "largest admixture of other states"),
        }
        natural = analysis.natural_phonons(state, NATURAL, self.condition, setting.grid)
        natural = natural.reindex(local_charge=np.arange(about["joint"].sizes["local_charge"])).rename(
            natural="natural_state"
        )
        about["natural_occupation"] = natural["occupation"].fillna(0.0)
        about["natural_function"] = natural["function"]
        data = analysis.lattice_shape(state).assign({**correlations, **about})
        return self.named(data.assign(self._response(setting)) if self.susceptibility else data)

    def _response(self, setting: Setting) -> xr.Dataset:
        """Return the response of the lowest level of the whole sector, since forces break the symmetry."""
        levels, sector = setting.ground, setting.block
        if sector.has_symmetry:
            setting.reporter.step("ground level over all symmetry blocks")
            levels = setting.ground_of(setting.model, _whole(sector))
        setting.reporter.step("response of the lattice")
        data = analysis.lattice_response(levels, options=setting.solver, progress=setting.reporter.lanczos)
        share = 2 * mixing(levels) + data["fsum_defect"].values / setting.model.couplings.frequency
        chi = np.diag(data["susceptibility"].values)
        error = labelled(
            "susceptibility_errors", chi * share, ["mode"], "chi_mm (2 admixture + f-sum defect / omega)", "1/energy"
        )
        energy = labelled("response_energy", levels.energies[0], [], "E_0 of the level that responds", "energy")
        return data.assign(susceptibility_errors=error, response_energy=energy)

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return moments, distributions and response."""
        names = (
            "mean", "variance", "binder_ratio", "quanta_distribution", "softened_frequency", "susceptibility",
            "natural_occupation",
        )  # fmt: skip
        return {f"lattice_{name}": f"lattice_{name}_error" for name in names}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return distributions, moments, correlations and response."""
        found = entries(data, cls.name, ("multiplicity", "admixture", *SHAPE))
        joint = data["lattice_joint"]
        found["quanta_distribution"] = plain(data["lattice_quanta_distribution"])
        found["joint"] = {
            "condition": str(data["lattice_condition"].values),
            "n": plain(data["local_charge"]),
            "X": plain(data["X"]),
            "P": plain(joint.transpose("mode", "local_charge", "X")),
        }
        found["natural_phonons"] = {
            "occupation": plain(data["lattice_natural_occupation"]),
            "function": plain(data["lattice_natural_function"]),
        }
        optional = (*(f"{s}_lattice_connected" for s in ("electron", "boson")), *RESPONSE)
        found |= entries(data, cls.name, (name for name in optional if f"lattice_{name}" in data))
        bars = [str(n).removeprefix("lattice_") for n in data.data_vars if str(n).startswith("lattice_")]
        errors = entries(data, cls.name, (name for name in bars if name.endswith("_error")))
        return found | {"errors": {name.removesuffix("_error"): value for name, value in errors.items()}}

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield mean displacement and softened frequency of the first mode."""
        digits = decimals(float(data["lattice_admixture"]))
        yield "<X>[0]", number(data["lattice_mean"].values[0], digits)
        if "lattice_softened_frequency" in data:
            yield "softened[0]", number(data["lattice_softened_frequency"].values[0], digits)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the shape and the response of each mode."""
        digits = decimals(float(data["lattice_admixture"]))
        responds = "lattice_susceptibility" in data
        headings = ("mode", "<X>", "variance", "Binder ratio", "maxima of P(X) at")
        table = columns("lattice", (*headings, *(("susceptibility", "softened frequency") if responds else ())))
        for m in range(data.sizes["mode"]):
            row = {name: data[f"lattice_{name}"].values[m] for name in SHAPE}
            peaks = row["peak_position"][np.isfinite(row["peak_position"])]
            cells = [number(row[name], digits) for name in ("mean", "variance", "binder_ratio")]
            cells.append(numbers(peaks, min(digits, 4)))
            if responds:
                chi = float(data["lattice_susceptibility"].values[m, m])
                names = ("susceptibility_errors", "softened_frequency")
                error, frequency = (float(data[f"lattice_{name}"].values[m]) for name in names)
                half = 0.5 * frequency * error / chi if chi else np.nan
                cells += [with_error(chi, error), with_error(frequency, half)]
            table.add_row(str(data["mode"].values[m]), *cells)
        yield table
        yield _natural_table(data)
        rest = "; the results of the lattice are averages over all of them."
        yield from multiplet_note(int(data["lattice_multiplicity"]), rest)
        if responds and np.max(data["lattice_first_order"].values, initial=0.0) > FIRST_ORDER:
            yield "A force splits the ground level in first order: the susceptibility is only its second-order part."


def _natural_table(data: xr.Dataset) -> rich_table.Table:
    """Return the occupations of the natural phonon states of each mode, for the charges that occur."""
    occupations, bars = data["lattice_natural_occupation"], data.get("lattice_natural_occupation_error")
    charge = str(data["lattice_condition"].values)
    table = columns("natural phonon states", ("mode", charge, *(f"occupation {n}" for n in range(NATURAL))))
    for m, mode in enumerate(data["mode"].values):
        for n, weights in enumerate(occupations.values[m]):
            errors = np.zeros(NATURAL) if bars is None else bars.values[m, n]
            if np.any(weights > errors):
                cells = (with_error(w, e) if e > 0.0 else f"{w:.3g}" for w, e in zip(weights, errors, strict=True))
                table.add_row(str(mode), str(n), *cells)
    return table


def _whole(sector: Sector) -> Sector:
    return replace(sector, momentum=None, reflection=None, irrep=None)
