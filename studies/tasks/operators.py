"""``[operators]``: averages of user-defined operators in the ground level, written as formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, ConfigDict, PlainValidator
from pydantic_core import PydanticCustomError

from ... import analysis
from ..._core.lazy import rich_table, xr
from ...analysis.labelled import labelled
from ...clusters import InvalidValue
from ...hamiltonians import Model, Problem, Sector, operator
from ...hamiltonians.conservation import every_sector
from ...hamiltonians.parameters import show
from ...hamiltonians.sector import resolved
from ...hamiltonians.space.product import check_operator
from ...hamiltonians.transitions import charge_change
from ..execution.tables import columns, decimals, number, with_error
from ..file.json_values import plain
from ..file.values import Table
from .base import Task, multiplet_note

ERROR = "_error"
EXAMPLE = '"c+up_0 cup_1 + h.c."'
NAME = re.compile(r"[A-Za-z]\w{0,60}", re.ASCII)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise PydanticCustomError("refused", f"allowed: a formula in quotes, as {EXAMPLE}")


def _formula(value: str) -> str:
    try:
        operator(value)
    except InvalidValue as error:
        raise PydanticCustomError("refused", "{why}", {"why": str(error)}) from None
    return value


Formula = Annotated[str, PlainValidator(_text), AfterValidator(_formula)]


class OperatorsTable(Table):
    """[operators]: arbitrary names, each with a formula."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Formula]


@dataclass(frozen=True, repr=False)
class OperatorsTask(Task):
    """Averages of user-defined operators in the ground level: each key is a name, each value a formula in quotes.

    The formulas, such as ``bond = "c+up_0 cup_1 + h.c."``, are those of `respair.operator`. Operators that conserve N
    and S_z are averaged; others must be used by ``[spectrum]``.

    Attributes
    ----------
    formulas : mapping of str to str
        Formulas by name.
    probed : tuple of str
        Names used by a spectrum.
    """

    name: ClassVar[str] = "operators"
    solved_levels = 1

    formulas: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    probed: tuple[str, ...] = ()

    @classmethod
    @cache
    def table(cls) -> type[Table]:
        """Return the schema of the table, which allows any names."""
        return OperatorsTable

    @classmethod
    def of(cls, values: Mapping[str, Any], model: Model) -> Self:
        """Create the task; operators that change N or S_z have no average."""
        kept = {name: text for name, text in values["formulas"].items() if _keeps_sector(model, text)}
        return cls(MappingProxyType(kept), tuple(values["probed"]))

    @classmethod
    def completed(cls, values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the formulas, and the names used by a spectrum."""
        spectrum = tables.get("spectrum", {})
        return {"formulas": dict(values), "probed": [spectrum.get(key) for key in ("operator", "cross")]}

    @classmethod
    def table_problems(cls, values: Mapping[str, Any], has: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield names that are not valid for variables."""
        for name, text in values.items():
            if not NAME.fullmatch(name) or name.endswith(ERROR):
                allowed = f"allowed: names of letters, digits and _, a letter first, that do not end with {ERROR}"
                yield Problem(f"operators.{name}", show(text), allowed)

    @classmethod
    def model_problems(cls, values: Mapping[str, Any], model: Model, sector: Sector | None) -> Iterator[Problem]:
        """Yield formulas that change N or S_z without being used by a spectrum, or do not fit the model."""
        for name, text in values["formulas"].items():
            try:
                if name in values["probed"]:
                    charge_change(model, operator(text))
                else:
                    check_operator(model, operator(text), resolved(model, sector or every_sector(model)[0]))
            except InvalidValue as error:
                yield Problem(f"operators.{name}", show(text), str(error))

    def run(self, setting: Any) -> xr.Dataset:
        """Compute all averages in the ground level."""
        ground = setting.ground.ground
        setting.reporter.step("operators")
        found = {name: analysis.expectation(ground, operator(text)) for name, text in self.formulas.items()}
        data = {name: labelled(name, np.array(value), [], f"<{self.formulas[name]}>") for name, value in found.items()}
        data["multiplicity"] = labelled("multiplicity", setting.ground.multiplicity, [], "states in the ground level")
        return self.named(xr.Dataset(data))

    def judged(self, data: xr.Dataset) -> Mapping[str, str]:
        """Return all averages."""
        return {f"operators_{name}": f"operators_{name}{ERROR}" for name in self.formulas}

    @classmethod
    def record(cls, data: xr.Dataset) -> dict[str, object]:
        """Return the averages by name, and their error bars."""
        own = _own(data)
        bars = {name.removesuffix(ERROR): plain(array) for name, array in own.items() if name.endswith(ERROR)}
        values = {name: plain(array) for name, array in own.items() if not name.endswith(ERROR)}
        values.pop("multiplicity", None)
        return {"values": values, "errors": bars}

    @classmethod
    def tables(cls, data: xr.Dataset) -> Iterator[rich_table.Table | str]:
        """Yield the averages with their error bars."""
        own = _own(data)
        rows = []
        for name, array in own.items():
            if name.endswith(ERROR) or name == "multiplicity":
                continue
            bar, value = own.get(f"{name}{ERROR}"), complex(array.values)
            error = 0.0 if bar is None else float(bar)
            shown = with_error(value.real, error) if error > 0 and not value.imag else number(value, decimals(error))
            rows.append((name, str(array.attrs.get("formula", ""))[1:-1], shown))
        if rows:
            yield columns("operators", ("name", "formula", "average"), rows)
        yield from multiplet_note(int(own["multiplicity"]), "; these are averages over all of them.")


def _keeps_sector(model: Model, text: str) -> bool:
    return charge_change(model, operator(text)) == (0, 0)


def _own(data: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the variables of the task by their names without prefix."""
    return {str(n).removeprefix("operators_"): data[n] for n in data.data_vars if str(n).startswith("operators_")}
