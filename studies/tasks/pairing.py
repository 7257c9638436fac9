"""``[pairing]``: pair density matrices in the ground level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag

from ... import analysis
from ..._core.lazy import rich_table, xr
from ..._core.wording import listed
from ...analysis.labelled import labelled
from ...analysis.observables import mixing
from ...analysis.pairing import FORMS, Form, form_names, possible_forms
from ...hamiltonians import Model, Problem, Sector
from ...hamiltonians.conservation import largest_charge
from ..execution.tables import columns, with_error
from ..file.json_values import plain
from ..file.values import Numbers, form, one_of
from .base import Task, key, missing_tables, multiplet_note, unfit

if TYPE_CHECKING:
    from ...solvers import State
    from .setting import Setting

QUANTITIES = (
    "eigenvalues", "eigenvalue_error", "fraction", "matrix", "matrix_error", "connected", "connected_eigenvalues",
    "orbitals", "phase_correlation", "distance", "correlation", "connected_correlation",
)  # fmt: skip
"""Variables of each form in the record, if available."""


AnyForm = Annotated[
    Annotated[Numbers, Tag("|list")] | Annotated[str, AfterValidator(one_of(tuple(FORMS))), Tag("|word")],
    Discriminator(form),
]
ALLOWED = f"a list of one or more of {listed(FORMS)}, or lists of numbers, one for each bond"
Forms = Annotated[list[AnyForm], Field(min_length=1, description=ALLOWED)]


@dataclass(frozen=True, repr=False)
class PairingTask(Task):
    """Pair density matrices, natural orbitals and correlations.

    Attributes
    ----------
    form_factors : tuple of forms or None
        Forms of pairs, by name or one number for each bond; None: all available ones.
    """

    name: ClassVar[str] = "pairing"
    solved_levels = 2
    figures = (("pairing", "pairing_forms", "plot_pairing"),)

    form_factors: tuple[Form, ...] | None = key(Forms, None)

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield forms of absent species."""
        for i, chosen in enumerate(values.get("form_factors") or ()):
            needs = FORMS[chosen][1] if isinstance(chosen, str) else ("electrons",)
            yield from missing_tables(f"pairing.form_factors[{i}]", chosen, needs, has)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield forms that are not possible on the cluster."""
        forms = values.get("form_factors") or ()
        yield from unfit("pairing.form_factors", forms, partial(analysis.pair_operators, model))

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the ground level and its pair density matrices."""
        levels = setting.ground
        setting.reporter.step("pair density matrices")
        model = levels.hamiltonian.space.model
        admixture, errors = mixing(levels), {}
        for name, chosen in zip(form_names(forms := self._forms(model)), forms, strict=True):
            most = 0.5 * largest_charge(model, setting.block) * analysis.pair_operators(model, chosen).overlap
            errors[f"{name}_eigenvalue_error"] = labelled(
                f"{name}_eigenvalue_error", most * admixture, [], "largest possible eigenvalue times the admixture"
            )
        count = labelled("multiplicity", levels.multiplicity, [], "states in the ground level")
        return self.measured(levels.ground).merge(self.named(xr.Dataset({**errors, "multiplicity": count})))

    def measured(self, state: State) -> xr.Dataset:
        """Return the results without error bars."""
        forms = self._forms(state.hamiltonian.space.model)
        names = labelled("forms", np.array(form_names(forms), dtype=str), ["form"], "names of the pairs")
        return self.named(analysis.pair_densities(state, forms).assign(forms=names))

    def _forms(self, model: Model) -> tuple[Form, ...]:
        return possible_forms(model) if self.form_factors is None else self.form_factors

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the eigenvalues and matrices."""
        names = data["pairing_forms"].values.tolist()
        largest = {f"pairing_{name}_eigenvalues": f"pairing_{name}_eigenvalue_error" for name in names}
        return largest | {f"pairing_{name}_matrix": f"pairing_{name}_matrix_error" for name in names}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the results of each form by its name."""
        found: dict[str, object] = {"multiplicity": int(data["pairing_multiplicity"])}
        for name in data["pairing_forms"].values.tolist():
            keys = {"distance": f"{name}_distance"}
            places = {key: keys.get(key, f"pairing_{name}_{key}") for key in QUANTITIES}
            found[name] = {key: plain(data[place]) for key, place in places.items() if place in data}
        return found

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the largest eigenvalue of each form."""
        for name in map(str, data["pairing_forms"].values):
            bar = float(data[f"pairing_{name}_eigenvalue_error"])
            yield f"lambda {name}", with_error(float(data[f"pairing_{name}_eigenvalues"].values[0]), bar)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the condensates of all forms."""
        headings = ("pairs", "largest eigenvalue", "condensate fraction", "connected", "number", "at most distance")
        table = columns("pairing", headings)
        for name in data["pairing_forms"].values.tolist():
            of = {key: data[f"pairing_{name}_{key}"].values for key in ("eigenvalues", "connected_eigenvalues")}
            error = float(data[f"pairing_{name}_eigenvalue_error"])
            far = data.get(f"pairing_{name}_correlation")
            number = float(np.sum(of["eigenvalues"]))
            cells = [with_error(float(values[0]), error) for values in of.values()]
            fraction = with_error(float(data[f"pairing_{name}_fraction"]), error / number if number > 0 else np.nan)
            tail = "-" if far is None else with_error(float(far.values[-1]), error)
            table.add_row(name, cells[0], fraction, cells[1], with_error(number, error), tail)
        yield table
        rest = "; pair density matrices are averages over all of them."
        yield from multiplet_note(int(data["pairing_multiplicity"]), rest)
