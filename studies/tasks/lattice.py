"""``[lattice]``: the shape of the lattice in the ground level, how it follows the charges, and how soft it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field
from rich.table import Table as TextTable
from rich.text import Text

from ..._core.wording import listed
from ...analysis import CONDITIONS, joint_distribution, lattice_correlation, lattice_response, lattice_shape
from ...analysis.labelled import labelled
from ...analysis.observables.error_bars import isolated_ground, mixing
from ...analysis.plots.indicators import plot_lattice
from ...hamiltonians import Model, Problem, Sector
from ..execution.tables import columns, decimals, number, numbers, with_error
from ..file.json_values import entries, plain
from ..file.values import LEFT_OUT, Table, one_of
from .base import Figure, Setting, Solved, Task

SHAPE = ("mean", "variance", "skewness", "binder_ratio", "maxima", "peak_position", "peak_height")
RESPONSE = (
    "susceptibility", "susceptibility_errors", "softened_frequency", "mean_frequency", "collective_frequencies",
    "softest_mode", "fsum", "fsum_defect", "first_order", "response_energy",
)  # fmt: skip


class LatticeTable(Table):
    """Keys of ``[lattice]``."""

    condition: Annotated[str, AfterValidator(one_of(tuple(CONDITIONS))), Field(description=listed(CONDITIONS))] = (
        LEFT_OUT
    )
    susceptibility: Annotated[bool, Field(description="true or false")] = LEFT_OUT


@dataclass(frozen=True, repr=False)
class LatticeTask(Task):
    """Distributions, correlations and response of the lattice.

    Attributes
    ----------
    condition : str
        Local charge of the joint distribution: "charge", "electrons" or "bosons".
    susceptibility : bool
        Whether the static response is computed too: a linear solve a mode in the whole sector.
    """

    name: ClassVar[str] = "lattice"
    table: ClassVar[type[Table]] = LatticeTable
    figures: ClassVar[tuple[Figure, ...]] = (("lattice-shape", "lattice_joint", plot_lattice),)

    condition: str = "charge"
    susceptibility: bool = True

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield a lattice, or a charge, that is not there."""
        if not has("phonons"):
            yield Problem("lattice", "a table", "leave it out, or add [phonons]")
        species = values.get("condition")
        if species in ("electrons", "bosons") and not has(species):
            yield Problem("lattice.condition", f'"{species}"', f"leave it out, or add [{species}]")

    def solves(self, model: Model, sector: Sector | None) -> list[Solved]:
        """Return the sector with the ground level and the next one; for the response without its symmetry."""
        if sector is None:
            return []
        whole = [(model, _whole(sector), 2)] if self.susceptibility and sector.has_symmetry else []
        return [(model, sector, 2), *whole]

    def run(self, setting: Setting) -> xr.Dataset:
        """Solve and measure."""
        levels, step = setting.ground, setting.reporter.step
        step("shape of the lattice")
        state = levels.ground
        shape = lattice_shape(state)
        joint = joint_distribution(state, setting.grid, self.condition)
        correlations = {f"{name}_connected": array for name, array in lattice_correlation(state).items()}
        about = {
            "joint": joint,
            "condition": labelled("condition", np.array(self.condition), [], "local charge of the joint distribution"),
            "multiplicity": labelled("multiplicity", levels.multiplicity, [], "states in the ground level"),
            "admixture": labelled("admixture", mixing(levels), [], "largest admixture of other states"),
        }
        data = shape.assign({**correlations, **about})
        return self.named(data.assign(self._response(setting)) if self.susceptibility else data)

    def _response(self, setting: Setting) -> xr.Dataset:
        """Return the response of the lowest level of the whole sector; forces break the symmetry."""
        levels, sector = setting.ground, setting.block
        if sector.has_symmetry:
            setting.reporter.step("ground level over all symmetry blocks")
            levels = isolated_ground(setting.model, _whole(sector), setting.solver, setting.reporter.lanczos)
        setting.reporter.step("response of the lattice")
        data = lattice_response(levels, setting.solver, setting.reporter.lanczos)
        share = 2 * mixing(levels) + data["fsum_defect"].values / setting.model.couplings.frequency
        chi = np.diag(data["susceptibility"].values)
        error = labelled(
            "susceptibility_errors", chi * share, ["mode"], "chi_mm (2 admixture + f-sum defect / omega)", "1/energy"
        )
        energy = labelled("response_energy", levels.energies[0], [], "E_0 of the level that responds", "energy")
        return data.assign(susceptibility_errors=error, response_energy=energy)

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return moments, distributions and response."""
        names = ("mean", "variance", "binder_ratio", "quanta_distribution", "softened_frequency", "susceptibility")
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
        optional = (*(f"{s}_lattice_connected" for s in ("electron", "boson")), *RESPONSE)
        found |= entries(data, cls.name, (name for name in optional if f"lattice_{name}" in data))
        bars = [str(n).removeprefix("lattice_") for n in data.data_vars if str(n).startswith("lattice_")]
        errors = entries(data, cls.name, (name for name in bars if name.endswith("_error")))
        return found | {"errors": {name.removesuffix("_error"): value for name, value in errors.items()}}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[TextTable | Text]:
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
                chi, error, frequency = (
                    float(data[f"lattice_{name}"].values[place])
                    for name, place in (
                        ("susceptibility", (m, m)),
                        ("susceptibility_errors", m),
                        ("softened_frequency", m),
                    )
                )
                half = 0.5 * frequency * error / chi if chi else np.nan
                cells += [with_error(chi, error), with_error(frequency, half)]
            table.add_row(str(m), *cells)
        yield table
        if (count := int(data["lattice_multiplicity"])) > 1:
            yield Text(
                f"The ground level has {count} states; what is shown of the lattice are averages over all of them."
            )
        if responds and np.max(data["lattice_first_order"].values, initial=0.0) > FIRST_ORDER:
            yield Text(
                "A force splits the ground level in first order: the susceptibility is only its second-order part."
            )


FIRST_ORDER = 1e-6
"""Differences of <x> within the ground level above this are told."""


def _whole(sector: Sector) -> Sector:
    return replace(sector, momentum=None, reflection=None, irrep=None)
