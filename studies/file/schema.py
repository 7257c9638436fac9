"""Schema of model files: one class for each table, with its keys and allowed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from inspect import signature
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, Field, create_model

from ..._core.lazy import LateTable
from ..._core.wording import listed
from ...clusters import KINDS, MAX_SITES, Cluster
from ...hamiltonians import parameters
from ...hamiltonians.magnetic_field import MagneticFlux
from ...hamiltonians.model import Flux
from ...hamiltonians.parameters import OLDER_NAMES, SPECIES, Branches, Where
from ...solvers.engines.table import ENGINE_NAMES
from ..tasks.table import TASKS
from . import values
from .values import (
    LEFT_OUT,
    MAX_INTEGER,
    Bond,
    Bytes,
    ComplexCoupling,
    Coupling,
    DisorderCoupling,
    DistanceCoupling,
    Exact,
    ModeCoupling,
    Number,
    NumberOrList,
    NumberOrWord,
    Point,
    Reach,
    Seed,
    Table,
    Whole,
    WholeOrAll,
    WholeOrList,
    WordOrNumbers,
    WordOrSites,
    one_of,
)

MAX_REFINED = 10_000
UNAVAILABLE_ENGINES = ("slepc",)
ENGINES = tuple(name for name in ENGINE_NAMES if name not in UNAVAILABLE_ENGINES)
"""Values of ``solver.engine``."""


NONE: Mapping[str, str] = MappingProxyType({})
HINTS: Mapping[Any, Any] = MappingProxyType(
    {
        parameters.Coupling: Coupling,
        parameters.Reach: Reach,
        parameters.DistanceCoupling: DistanceCoupling,
        parameters.DisorderCoupling: DisorderCoupling,
        parameters.ComplexCoupling: ComplexCoupling,
        parameters.ModeCoupling: ModeCoupling,
        Where: WordOrSites,
        Branches: values.Branches,
        int: int,
        bool: bool,
        int | None: Whole,
        float: Number,
        str | Sequence[float]: WordOrNumbers,
        float | str | None: NumberOrWord,
        Sequence[int]: list[int],
        Sequence[int] | None: list[int],
        Sequence[bool] | None: list[bool],
        Sequence[Sequence[int]] | None: list[list[int]],
        Sequence[Sequence[float]]: Annotated[list[Point], Field(min_length=1, max_length=MAX_SITES)],
        Sequence[Sequence[float]] | None: list[Point],
        Flux: NumberOrList,
        MagneticFlux: values.Magnetic,
        Sequence[Sequence[object]]: list[Bond],
        Sequence[str] | None: list[str],
        str: str,
    }
)
"""Types of values in model files for the types of dataclass fields and function arguments."""


def _table(name: str, keys: Mapping[str, tuple[Any, str, bool]], older: Mapping[str, str] = NONE) -> type[Table]:
    """Return the class of a table from its keys, each with its Python type, allowed values, and whether it is required.

    Older names of keys are accepted but not listed: their fields have ``exclude``.
    """
    made: dict[str, Any] = {}
    for key, (hint, allowed, needed) in keys.items():
        kind, literal = HINTS.get(hint), next((x for x in (hint, *get_args(hint)) if get_origin(x) is Literal), None)
        if literal is not None:
            only, *others = get_args(literal)
            is_number = isinstance(only, int) and not others
            kind = Annotated[int, Field(ge=only, le=only)] if is_number else literal
        made[key] = (Annotated[kind, Field(description=allowed)] if allowed else kind, ... if needed else LEFT_OUT)
    for old, new in older.items():
        made[old] = (Annotated[made[new][0], Field(exclude=True)], LEFT_OUT)
    return create_model(name, __base__=Table, **made)


def _of_species(kind: type) -> type[Table]:
    """Return the class of the table of a species, from the fields of its dataclass and their older names."""
    hints, own = get_type_hints(kind), fields(kind)
    keys = {f.name: (hints[f.name], f.metadata.get("allowed", ""), f.default is MISSING) for f in own}
    return _table(f"{kind.__name__}Table", keys, {old: new for old, new in OLDER_NAMES.items() if new in keys})


def _of_kind(function: Callable[..., Cluster]) -> type[Table]:
    """Return the class of the table of a kind of cluster, from the arguments of its function."""
    hints = get_type_hints(function, include_extras=True)
    keys: dict[str, tuple[Any, str, bool]] = {"kind": (str, "", True)}
    for name, parameter in signature(function).parameters.items():
        hint, about = get_args(hints[name])
        keys[name] = (hint, about.allowed, parameter.default is parameter.empty)
    return _table(f"{function.__name__}_table", keys)


CLUSTERS: Mapping[str, type[Table]] = MappingProxyType({kind: _of_kind(function) for kind, function in KINDS.items()})
"""The keys of ``[cluster]`` by its kind."""


class SectorTable(Table):
    """Keys of ``[sector]``."""

    charge: Whole = LEFT_OUT
    two_sz: WholeOrAll = LEFT_OUT
    momentum: WholeOrList = LEFT_OUT
    reflection: Annotated[int, Field(description="1 or -1")] = LEFT_OUT
    irrep: Annotated[str, Field(description='a representation of the point group, as "A1"')] = LEFT_OUT
    spin_flip: Annotated[int, Field(description="1 or -1")] = LEFT_OUT
    wave_vector: NumberOrList = LEFT_OUT
    parity: Annotated[str, Field(description='"even" or "odd", instead of charge')] = LEFT_OUT


class SolverTable(Table):
    """Keys of ``[solver]``."""

    engine: Annotated[str, AfterValidator(one_of(ENGINES, UNAVAILABLE_ENGINES)), Field(description=listed(ENGINES))] = (
        LEFT_OUT
    )
    tolerance: Annotated[Number, Field(ge=1e-14, le=1e-2, description="a number from 1e-14 to 1e-2")] = LEFT_OUT
    seed: Seed = LEFT_OUT
    memory_limit: Bytes = LEFT_OUT
    max_matvecs: Annotated[int, Field(ge=1, le=MAX_INTEGER, description="a whole number, 1 or more")] = LEFT_OUT
    max_states: Annotated[int, Field(ge=1, le=MAX_INTEGER, description="a whole number, 1 or more")] = LEFT_OUT
    checkpoint_interval: Annotated[Number, Field(ge=0.0, description="a number of seconds, 0 or more")] = LEFT_OUT


class KeptTable(Table):
    """Keys of ``[kept]``."""

    file: Annotated[str, Field(min_length=1, description='the path of a file, as "levels.nc"')]
    at: Annotated[dict[str, Number], Field(description="a table of numbers by the keys of a sweep")] = LEFT_OUT
    level: Annotated[int, Field(ge=0, le=MAX_INTEGER, description="a whole number, 0 or more")] = LEFT_OUT
    digest: Annotated[str, Field(exclude=True)] = LEFT_OUT


class AxisTable(Table):
    """The value of one key of ``[sweep]``.

    Attributes
    ----------
    values : list of float
        Values of the key; several keys give all combinations, the last one fastest.
    """

    values: Exact


class RefineTable(Table):
    """Keys of ``refine`` in ``[sweep]``.

    Attributes
    ----------
    quantity : str
        Variable of the result whose changes determine the refinement.
    points : int
        Number of values to add.
    axis : str
        Key of the axis to refine; by default the first one.
    """

    quantity: Annotated[str, Field(min_length=1, description='a variable of the result, as "boson_density"')]
    points: Annotated[int, Field(ge=1, le=MAX_REFINED, description=f"a whole number from 1 to {MAX_REFINED}")]
    axis: Annotated[str, Field(description="the key of an axis, in quotes")] = LEFT_OUT


MODEL_TABLES: Mapping[str, type[Table]] = MappingProxyType(
    {
        **{species: _of_species(kind) for species, kind in SPECIES.items()},
        "field": _table("field", {"flux": (Flux, "", False), "magnetic_flux": (MagneticFlux, "", False)}),
        "ensemble": _table("ensemble", {"chemical_potential": (float, "", False)}),
        "sector": SectorTable,
        "solver": SolverTable,
        "kept": KeptTable,
    }
)
"""Classes of the tables that describe the model and the solver."""


def _of_name(name: str) -> type[Table]:
    return MODEL_TABLES[name] if name in MODEL_TABLES else TASKS[name].table()


TABLES: Mapping[str, type[Table]] = LateTable((*MODEL_TABLES, *TASKS), _of_name)
"""Classes of all tables by name, except ``[sweep]``, whose keys are paths."""
