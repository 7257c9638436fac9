"""The tables of a model file, a class each: which keys they have and which values these take."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..._core.lazy import LateTable
from ..._core.wording import listed
from ...clusters import MAX_SITES
from ...solvers.costs import ENGINE_NAMES
from ..tasks.table import TASKS
from .values import (
    LEFT_OUT,
    MAX_INTEGER,
    Bond,
    Bytes,
    Coupling,
    Exact,
    Number,
    NumberOrWord,
    Point,
    Table,
    Whole,
    WordOrNumbers,
    WordOrSites,
    one_of,
)

MAX_REFINED = 10_000
UNAVAILABLE_ENGINES = ("slepc",)
ENGINES = tuple(name for name in ENGINE_NAMES if name not in UNAVAILABLE_ENGINES)
"""Engines that ``solver.engine`` takes."""


class SiteTable(Table):
    """Keys of ``[cluster]`` with ``kind = "site"``.

    Attributes
    ----------
    sites : int
        One, which may be written.
    """

    kind: str
    sites: Annotated[int, Field(ge=1, le=1, description="1, or leave it out")] = LEFT_OUT


class DimerTable(Table):
    """Keys of ``[cluster]`` with ``kind = "dimer"``.

    Attributes
    ----------
    sites : int
        Two, which may be written.
    """

    kind: str
    sites: Annotated[int, Field(ge=2, le=2, description="2, or leave it out")] = LEFT_OUT


class LineTable(Table):
    """Keys of ``[cluster]`` with ``kind = "chain"`` or ``"ring"``.

    Attributes
    ----------
    sites : int
        Number of sites.
    """

    kind: str
    sites: Annotated[int, Field(description="the number of sites, a whole number")]


class LadderTable(Table):
    """Keys of ``[cluster]`` with ``kind = "ladder"``.

    Attributes
    ----------
    rungs : int
        Number of rungs, two sites each.
    """

    kind: str
    rungs: Annotated[int, Field(description="the number of rungs, a whole number")]


class PlaquetteTable(Table):
    """Keys of ``[cluster]`` with ``kind = "plaquette"``.

    Attributes
    ----------
    size : list of int
        Columns and rows; [2, 2] where it is left out.
    """

    kind: str
    size: Annotated[list[int], Field(description="two whole numbers, columns and rows, as in [2, 2]")] = LEFT_OUT


class LigandCentreTable(Table):
    """Keys of ``[cluster]`` with ``kind = "ligand-centre"``.

    Attributes
    ----------
    sites : int
        Number of metal sites, 4 where it is left out; the ligand is one more.
    """

    kind: str
    sites: Annotated[int, Field(description="the number of metal sites, a whole number")] = LEFT_OUT


class CustomTable(Table):
    """Keys of ``[cluster]`` with ``kind = "custom"``.

    Attributes
    ----------
    positions : list of list of float
        A point of the plane for each site.
    bonds : list of list
        Site numbers of both ends, and a class name where couplings differ between bonds.
    classes : list of str
        A class name for each site, by which couplings can be given; "site" for all where it is left out.
    """

    kind: str
    positions: Annotated[
        list[Point], Field(min_length=1, max_length=MAX_SITES, description=f"a list of 1 to {MAX_SITES} points [x, y]")
    ]
    bonds: Annotated[
        list[Bond], Field(description='a list of bonds [i, j] or [i, j, "class"] between two site numbers')
    ] = LEFT_OUT
    classes: Annotated[list[str], Field(description="a list of class names, one for each site")] = LEFT_OUT


CLUSTERS: Mapping[str, type[Table]] = MappingProxyType(
    {
        "site": SiteTable,
        "dimer": DimerTable,
        "chain": LineTable,
        "ring": LineTable,
        "ladder": LadderTable,
        "plaquette": PlaquetteTable,
        "ligand-centre": LigandCentreTable,
        "custom": CustomTable,
    }
)
"""The keys of ``[cluster]`` by its kind."""


class ElectronsTable(Table):
    """Keys of ``[electrons]``."""

    hopping: Coupling = LEFT_OUT
    level: Coupling = LEFT_OUT
    hubbard_u: Coupling = LEFT_OUT
    repulsion: Coupling = LEFT_OUT


class BosonsTable(Table):
    """Keys of ``[bosons]``."""

    level: Coupling = LEFT_OUT
    exchange: Coupling = LEFT_OUT
    hopping: Coupling = LEFT_OUT
    on: Annotated[WordOrSites, Field(description='"all", a class name, or a list of site numbers')] = LEFT_OUT


class PhononsTable(Table):
    """Keys of ``[phonons]``."""

    frequency: Coupling
    on: Annotated[WordOrSites, Field(description='"all", "bonds", a class name, or a list of site numbers')] = LEFT_OUT
    boson_coupling: Coupling = LEFT_OUT
    electron_coupling: Coupling = LEFT_OUT
    bond_coupling: Coupling = LEFT_OUT
    max_quanta: Whole = LEFT_OUT
    total_quanta: Whole = LEFT_OUT
    cutoff: Annotated[Literal["auto"], Field(description='"auto"')] = LEFT_OUT
    accuracy: Annotated[Number, Field(gt=0, description="a number above 0")] = LEFT_OUT
    displacement: Annotated[
        WordOrNumbers, Field(description='"none", "mean", "lang-firsov", or a list of numbers, one for each mode')
    ] = LEFT_OUT
    dressing: Annotated[NumberOrWord, Field(description='a number from 0 to 1, or "optimal"')] = LEFT_OUT


class FieldTable(Table):
    """Keys of ``[field]``."""

    flux: Number = LEFT_OUT


class EnsembleTable(Table):
    """Keys of ``[ensemble]``."""

    chemical_potential: Number = LEFT_OUT


class SectorTable(Table):
    """Keys of ``[sector]``."""

    charge: Whole
    two_sz: Whole = LEFT_OUT
    momentum: Whole = LEFT_OUT
    reflection: Annotated[int, Field(description="1 or -1")] = LEFT_OUT
    irrep: Annotated[str, Field(description='a representation of the point group, as "A1"')] = LEFT_OUT


class SolverTable(Table):
    """Keys of ``[solver]``."""

    engine: Annotated[str, AfterValidator(one_of(ENGINES, UNAVAILABLE_ENGINES)), Field(description=listed(ENGINES))] = (
        LEFT_OUT
    )
    tolerance: Annotated[Number, Field(ge=1e-14, le=1e-2, description="a number from 1e-14 to 1e-2")] = LEFT_OUT
    seed: Annotated[int, Field(ge=0, le=MAX_INTEGER, description=f"a whole number from 0 to {MAX_INTEGER}")] = LEFT_OUT
    memory_limit: Bytes = LEFT_OUT
    max_matvecs: Annotated[int, Field(ge=1, le=MAX_INTEGER, description="a whole number, 1 or more")] = LEFT_OUT
    checkpoint_interval: Annotated[Number, Field(ge=0.0, description="a number of seconds, 0 or more")] = LEFT_OUT


class AxisTable(Table):
    """The value of one key of ``[sweep]``.

    Attributes
    ----------
    values : list of float
        Values that the key takes, one after the other; several keys make all combinations, the last one fastest.
    """

    values: Exact


class RefineTable(Table):
    """Keys of ``refine`` in ``[sweep]``.

    Attributes
    ----------
    quantity : str
        Variable of the result whose changes are followed.
    points : int
        How many values are added.
    axis : str
        Key of the axis that gets them; the first one where it is left out.
    """

    quantity: Annotated[str, Field(min_length=1, description='a variable of the result, as "boson_density"')]
    points: Annotated[int, Field(ge=1, le=MAX_REFINED, description=f"a whole number from 1 to {MAX_REFINED}")]
    axis: Annotated[str, Field(description="the key of an axis, in quotes")] = LEFT_OUT


MODEL_TABLES: Mapping[str, type[Table]] = MappingProxyType(
    {
        "electrons": ElectronsTable,
        "bosons": BosonsTable,
        "phonons": PhononsTable,
        "field": FieldTable,
        "ensemble": EnsembleTable,
        "sector": SectorTable,
        "solver": SolverTable,
    }
)
"""The keys of the tables that describe the model and how it is solved."""


def _table(name: str) -> type[Table]:
    return MODEL_TABLES[name] if name in MODEL_TABLES else TASKS[name].table()


TABLES: Mapping[str, type[Table]] = LateTable((*MODEL_TABLES, *TASKS), _table)
"""The keys of every other table; ``[sweep]`` has the user's own."""
