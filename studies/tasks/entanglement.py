"""``[entanglement]``: entropy and spectrum between parts of the system in the ground level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Discriminator, Field, Tag

from ... import analysis
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...analysis.observables import entropy_error, mixing
from ...hamiltonians import Model, Problem, Sector
from ..execution.tables import columns, with_error
from ..file.json_values import entries
from ..file.values import Table, Whole, form
from .base import Task, key, multiplet_note, unfit

if TYPE_CHECKING:
    from ...analysis import Cut
    from .setting import Setting

NUMBERS = ("entropy", "entropy_errors", "number_entropy", "entanglement", "entropy_limit")
SPECTRA = ("spectrum", "charge", "two_sz")


class CutTable(Table):
    """A bipartition given as a table.

    Attributes
    ----------
    sites : list of int
        Sites on one side of the cut.
    modes : bool
        Whether the oscillators of these sites are on the same side.
    """

    sites: Annotated[list[int], Field(description="a list of site numbers")]
    modes: Annotated[bool, Field(description="true or false: whether the oscillators on the sites go with them")] = True


Chosen = str | Sequence[int] | CutTable


AnyCut = Annotated[
    Annotated[list[int], Tag("|list")]
    | Annotated[CutTable, Tag("|table")]
    | Annotated[Literal["lattice"], Tag("|word")],
    Discriminator(form),
]
CUTS = 'a list of cuts: "lattice", lists of site numbers, or tables { sites = [0], modes = false }'
Cuts = Annotated[list[AnyCut], Field(min_length=1, description=CUTS)]
Levels = Annotated[Whole, Field(ge=1, description="a whole number, 1 or more")]


@dataclass(frozen=True, repr=False)
class EntanglementTask(Task):
    """Entanglement between parts of the system.

    Attributes
    ----------
    cuts : tuple of cuts or None
        "lattice", or sites; None: the lattice, if there is one, and every site.
    levels : int
        Number of largest levels of each spectrum that are stored.
    """

    name: ClassVar[str] = "entanglement"
    solved_levels = 2
    figures = (("entanglement", "entanglement_spectrum", "plot_entanglement"),)
    swept = ("entanglement_entropy",)

    cuts: tuple[Chosen, ...] | None = key(Cuts, None)
    levels: int = key(Levels, 100)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield cuts that are not possible in the model."""
        yield from unfit("entanglement.cuts", values.get("cuts") or (), partial(_cut, model))

    def run(self, setting: Setting) -> xr.Dataset:
        """Compute the ground level and the entanglement of all cuts."""
        levels = setting.ground
        state, model = levels.ground, setting.model
        chosen = self.cuts or (*(["lattice"] if model.modes else []), *([i] for i in range(model.cluster.sites)))
        found = []
        for each in chosen:
            setting.reporter.step(f"entanglement of {_name(each)} with the rest")
            data = analysis.entanglement(state, _cut(model, each))
            error = entropy_error(mixing(levels), float(data["entropy_limit"]))
            bar = labelled("entropy_errors", error, [], "error bar: Audenaert's bound with the admixture to the state")
            found.append(data.isel(schmidt=slice(0, self.levels)).assign(entropy_errors=bar))
        about = {
            "cuts": labelled("cuts", np.array([_name(each) for each in chosen], dtype=str), ["cut"], "the parts"),
            "multiplicity": labelled("multiplicity", levels.multiplicity, [], "states in the ground level"),
        }
        together = xr.concat([_padded(data, found) for data in found], "cut", combine_attrs="override")
        return self.named(together.drop_vars("pure").assign(about))

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return the entropies."""
        return {"entanglement_entropy": "entanglement_entropy_errors"}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the numbers of all cuts, and their spectra without padding."""
        found = entries(data, cls.name, ("cuts", "multiplicity", *NUMBERS))
        found["pure"] = int(data["entanglement_multiplicity"]) == 1
        for name in SPECTRA:
            rows = data[f"entanglement_{name}"].values
            whole = int if name != "spectrum" else float
            found[name] = [[whole(value) for value in row[np.isfinite(row)]] for row in rows]
        return found

    @classmethod
    def summarized(cls, data: xr.Dataset) -> Iterator[tuple[str, str]]:
        """Yield the entropies of the first parts."""
        for i, name in enumerate(map(str, data["entanglement_cuts"].values[:3])):
            pair = (float(data[f"entanglement_{key}"].values[i]) for key in ("entropy", "entropy_errors"))
            yield f"S({name})", with_error(*pair)

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the entropies."""
        rows = []
        for i, name in enumerate(data["entanglement_cuts"].values.tolist()):
            values = {key: float(data[f"entanglement_{key}"].values[i]) for key in NUMBERS}
            error = values["entropy_errors"]
            keys = ("entropy", "number_entropy", "entanglement")
            rows.append([name, *(with_error(values[key], error) for key in keys), f"{values['entropy_limit']:.6g}"])
        yield columns("entanglement", ("part", "entropy", "of charge and spin", "of pure states", "at most"), rows)
        rest = ": the entropy of their even mixture is not entanglement; that of the pure states is an average over"
        yield from multiplet_note(int(data["entanglement_multiplicity"]), f"{rest} those found.")


def _cut(model: Model, chosen: Chosen) -> Cut:
    if isinstance(chosen, str):
        return analysis.lattice_cut(model)
    if isinstance(chosen, CutTable):
        return analysis.site_cut(model, chosen.sites, chosen.modes)
    return analysis.site_cut(model, chosen)


def _name(chosen: Chosen) -> str:
    if isinstance(chosen, str):
        return chosen
    sites, modes = (chosen.sites, chosen.modes) if isinstance(chosen, CutTable) else (chosen, True)
    return f"sites {', '.join(str(i) for i in sites)}{'' if modes else ' without modes'}"


def _padded(data: xr.Dataset, others: Sequence[xr.Dataset]) -> xr.Dataset:
    """Pad the spectra with NaN to the length of the longest."""
    data = data.assign({name: data[name].astype(float) for name in SPECTRA})
    missing = max(other.sizes["schmidt"] for other in others) - data.sizes["schmidt"]
    return data.pad(schmidt=(0, missing), constant_values=np.nan) if missing else data
