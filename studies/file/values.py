"""Pydantic types of the values in model files: numbers, couplings, grids, sizes, names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from ..._core.wording import did_you_mean, listed
from ...hamiltonians.parameters import FINITE, LARGEST
from ...solvers.options import bytes_of

LEFT_OUT: Any = None
"""Marks an optional key, whose default is that of the object described by the table."""
MAX_COUNT = 100_000
GRID_TAG = "|grid"
DISORDER_TAG = "|disorder"
MAX_INTEGER = 2**63 - 1


class Table(BaseModel):
    """Base class of tables of model files: no unknown keys, no conversion between types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def is_tag(part: object) -> bool:
    """True for the part of an error's location that pydantic adds to distinguish alternatives."""
    return isinstance(part, str) and part.startswith("|")


def form(value: object) -> str:
    """Return the tag of a value: table, list, or other."""
    return "|table" if isinstance(value, dict) else "|list" if isinstance(value, list) else "|word"


def _list_or_grid(value: object) -> str:
    return GRID_TAG if isinstance(value, dict) else "|list"


def _number(value: object) -> int | float:
    """Return a finite number unchanged; reject bool, strings, NaN, infinities and numbers that are too large."""
    try:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise PydanticCustomError("number", "not a finite number")
    except OverflowError:
        raise PydanticCustomError("number", "not a finite number") from None
    if abs(value) > LARGEST:
        raise PydanticCustomError("refused", f"allowed: {FINITE}")
    return value


def _bond(value: object) -> list[object]:
    if isinstance(value, list):
        kinds = [type(item) for item in value]
        if kinds in ([int, int], [int, int, str]) or (kinds == [int, int, str, list] and all(map(_is_real, value[3]))):
            return value
    raise PydanticCustomError("bond", "not a bond")


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def one_of(allowed: tuple[str, ...], unavailable: tuple[str, ...] = (), hint: str = "") -> Callable[[str], str]:
    """Return a validator of names with suggestions, allowed names, and names not yet available."""

    def check(value: str) -> str:
        if value in allowed:
            return value
        close = "not available yet; " if value in unavailable else did_you_mean(value, allowed)
        raise PydanticCustomError("refused", f"{close}allowed: {listed(allowed)}{hint}")

    return check


class Grid(Table):
    """Grid of numbers from `start` to `stop`, inclusive.

    Attributes
    ----------
    spacing : str
        Equal differences, or equal ratios for "log".
    start : float
        First number.
    stop : float
        Last number.
    count : int
        Number of values; integers are kept if the step is an integer.
    """

    spacing: Annotated[Literal["linear", "log"], Field(description='"linear" or "log"')] = "linear"
    start: Annotated[float, PlainValidator(_number), Field(description="a finite number")]
    stop: Annotated[float, PlainValidator(_number), Field(description="a finite number")]
    count: Annotated[int, Field(ge=1, le=MAX_COUNT, description=f"a whole number from 1 to {MAX_COUNT}")]

    @field_validator("start", "stop")
    @classmethod
    def _in_reach(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("spacing") == "log" and value <= 0:
            raise PydanticCustomError("refused", 'allowed: above 0 with spacing = "log"')
        if not math.isfinite(float(value) - float(info.data.get("start", 0))):
            raise PydanticCustomError("refused", "allowed: a finite distance from start")
        return value

    def expanded(self) -> tuple[float, ...]:
        """Return the numbers; integers if `start`, `stop` and the step are integers."""
        if self.spacing == "log":
            return tuple(np.geomspace(self.start, self.stop, self.count).tolist())
        if isinstance(self.start, int) and isinstance(self.stop, int):
            step, rest = divmod(self.stop - self.start, max(1, self.count - 1))
            if self.count == 1 or rest == 0:
                return tuple(self.start + i * step for i in range(self.count))
        return tuple(np.linspace(float(self.start), float(self.stop), self.count).tolist())


def _number_or_word(value: object) -> str:
    return "|word" if isinstance(value, str) else "|number"


def _vectors_or_numbers(value: object) -> str:
    return "|table" if isinstance(value, list) and value and isinstance(value[0], list) else "|word"


def _floats(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


Number = Annotated[float, PlainValidator(_number), AfterValidator(float), Field(description="a finite number")]
Whole = Annotated[int, Field(description="a whole number")]
Switch = Annotated[bool, Field(description="true or false")]
Numbers = Annotated[list[Number], AfterValidator(tuple)]
Coupling = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, Number], Tag("|table")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(description="a finite number, a table of numbers by class name, or a list of numbers"),
]
NumberOrComplex = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, Number], Tag("|table")], Discriminator(form)
]
ComplexCoupling = Annotated[
    Annotated[Number, Tag("|word")]
    | Annotated[dict[str, NumberOrComplex], Tag("|table")]
    | Annotated[list[NumberOrComplex], AfterValidator(tuple), Tag("|list")],
    Discriminator(form),
    Field(
        description="a finite number, a table of numbers by class name, or a list of numbers; "
        "{ re = 1.0, im = 0.2 } in place of any number"
    ),
]
Seed = Annotated[int, Field(ge=0, le=MAX_INTEGER, description=f"a whole number from 0 to {MAX_INTEGER}")]


class DisorderTable(Table):
    """Disorder: a random number for each site, added to a mean.

    Attributes
    ----------
    disorder : float
        W [energy]: the numbers are uniform from -W/2 to W/2 ("box"), or have the standard deviation W ("gaussian").
    seed : int
        Seed of the landscape; the numbers are the same on every machine and cluster and for all species.
    kind : str
        The distribution.
    mean : float, table or list
        The mean values.
    """

    disorder: Annotated[Number, Field(ge=0.0, description="a finite number, 0 or more")]
    seed: Seed
    kind: Annotated[Literal["box", "gaussian"], Field(description='"box" or "gaussian"')] = "box"
    mean: Coupling = 0.0

    def given(self) -> dict[str, Any]:
        """Return the given keys with their values."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def _form_or_words(value: object) -> str:
    return "|words" if isinstance(value, list) and value and isinstance(value[0], str) else form(value)


def _form_or_disorder(value: object) -> str:
    return DISORDER_TAG if isinstance(value, dict) and "disorder" in value else form(value)


DisorderCoupling = Annotated[
    Annotated[Number, Tag("|word")]
    | Annotated[dict[str, Number], Tag("|table")]
    | Annotated[Numbers, Tag("|list")]
    | Annotated[DisorderTable, AfterValidator(DisorderTable.given), Tag(DISORDER_TAG)],
    Discriminator(_form_or_disorder),
    Field(
        description="a finite number, a table of numbers by class name, a list of numbers, "
        "or { disorder = 1.0, seed = 3 }"
    ),
]
Shells = Annotated[Numbers, Tag("|list")]
Row = Annotated[Numbers, Tag("|list")]
Rows = Annotated[
    list[Annotated[Annotated[Number, Tag("|word")] | Row, Discriminator(form)]], AfterValidator(tuple), Tag("|list")
]
ReachOfBranch = Annotated[
    Annotated[Number, Tag("|word")]
    | Annotated[dict[str, Annotated[Annotated[Number, Tag("|word")] | Shells, Discriminator(form)]], Tag("|table")]
    | Rows,
    Discriminator(form),
]
Reach = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, ReachOfBranch], Tag("|table")] | Rows,
    Discriminator(form),
    Field(
        description="a finite number, a table of numbers by class name, a list of numbers, a list of lists of numbers, "
        "{ distance = [...] }, or a table of these by the names of branches"
    ),
]
"""A coupling that may extend to other sites; its form is checked when it is expanded."""
Branch = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, Number], Tag("|table")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
]
ModeCoupling = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, Branch], Tag("|table")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(
        description="a finite number, a table of numbers by class name, a list of numbers, or a table of these by the "
        "names of branches"
    ),
]
Magnetic = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[dict[str, Branch], Tag("|table")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(
        description="a whole number of flux quanta through the cell (in space a list of three), or { plaquette = 0.25 }"
    ),
]
DistanceCoupling = Annotated[
    Annotated[Number, Tag("|word")]
    | Annotated[dict[str, Annotated[Annotated[Number, Tag("|word")] | Shells, Discriminator(form)]], Tag("|table")]
    | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(description="a finite number, a table of numbers by class name, a list of numbers, or { distance = [...] }"),
]
WordOrSites = Annotated[
    Annotated[list[int], AfterValidator(tuple), Tag("|list")] | Annotated[str, Tag("|word")], Discriminator(form)
]
Words = Annotated[list[str], AfterValidator(tuple), Tag("|words")]
Sites = Annotated[list[int], AfterValidator(tuple), Tag("|list")]
Branches = Annotated[
    Sites | Words | Annotated[str, Tag("|word")] | Annotated[dict[str, WordOrSites], Tag("|table")],
    Discriminator(_form_or_words),
]
WordOrNumbers = Annotated[Annotated[Numbers, Tag("|list")] | Annotated[str, Tag("|word")], Discriminator(form)]
NumberOrWord = Annotated[
    Annotated[Number, Tag("|number")] | Annotated[str, Tag("|word")], Discriminator(_number_or_word)
]
Exact = Annotated[
    Annotated[list[Annotated[float, PlainValidator(_number)]], Field(min_length=1), AfterValidator(tuple), Tag("|list")]
    | Annotated[Grid, AfterValidator(Grid.expanded), Tag(GRID_TAG)],
    Discriminator(_list_or_grid),
    Field(description="a list of one or more numbers, or { start, stop, count }"),
]
"""A list or a grid in which integers are kept, as some keys require them."""
Floats = Annotated[Exact, AfterValidator(_floats)]
Vectors = Annotated[list[Annotated[list[Number], Field(min_length=1, max_length=3), AfterValidator(tuple)]],
                    AfterValidator(tuple)]  # fmt: skip
Fluxes = Annotated[
    Annotated[Floats, Tag("|word")] | Annotated[Vectors, Tag("|table")],
    Discriminator(_vectors_or_numbers),
    Field(description="a list of one or more numbers, or { start, stop, count }; on lattices a list of lists"),
]
"""Fluxes, or flux vectors."""
NumberOrList = Annotated[
    Annotated[Number, Tag("|word")] | Annotated[Numbers, Tag("|list")],
    Discriminator(form),
    Field(description="a finite number, or a list of numbers on lattices"),
]


def _whole_or_all(value: object) -> object:
    if value == "all" or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("whole_or_all", "neither a whole number nor all")


WholeOrAll = Annotated[object, PlainValidator(_whole_or_all), Field(description='a whole number, or "all"')]
WholeOrList = Annotated[
    Annotated[Whole, Tag("|word")] | Annotated[list[int], AfterValidator(tuple), Tag("|list")],
    Discriminator(form),
    Field(description="a whole number, or a list of whole numbers on lattices"),
]
Counts = Annotated[
    list[Annotated[int, Field(ge=1, le=MAX_COUNT)]],
    AfterValidator(tuple),
    Field(description="a list of whole numbers, 1 or more, one for each direction"),
]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
Point = Annotated[list[Number], Field(min_length=1, max_length=3)]
Bond = Annotated[list[object], PlainValidator(_bond)]
Bytes = Annotated[
    int,
    BeforeValidator(bytes_of),
    Field(ge=1, le=MAX_INTEGER, description='a size such as "16 GiB", "500 MiB" or "2 GB", or a whole number of bytes'),
]
