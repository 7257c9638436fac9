"""Options of the solvers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from .._core.arguments import instance, real_number, shown, whole_number
from ..clusters import Brief, InvalidValue
from .engines.table import engine_name
from .work import Pool


@dataclass(frozen=True, repr=False)
class Options(Brief):
    """Options of the solvers.

    Attributes
    ----------
    engine : str
        "auto", or the name of an engine: "dense", "quspin" or "tensor".
    tolerance : float
        Largest residual of a level, from 1e-14 to 1e-2 [energy]; relative to the largest coupling where that is below 1
        (`energy_unit`).
    seed : int
        Seed of the random start vectors, 0 or more.
    memory_limit : int or str
        Bytes that the run may take, a number or as in "16 GiB", which it is unless given.
    max_matvecs : int
        Products with H after which a search is given up, 1 or more; matrices that are written out take none.
    max_states : int
        States at most of the space in which particles on an infinite lattice are solved.
    confirm : bool
        Confirm, by one more search, that no state of the ground level and no lower level is missing. Without it a
        degenerate level may come back incomplete, as from most Lanczos solvers, and averages with it.
    wanted_below : float
        Levels that are sure to lie above this energy are not computed.
    checkpoint : path, optional
        File in which a long Lanczos search is saved: the same call continues from it. It is removed at the end.
    checkpoint_interval : float
        Seconds between two checkpoints; shorter searches write nothing.
    keep_blocks : bool
        Blocks of thermal sums that are finished stay on disk after the sum, for the caller to remove.
    pool : Pool, optional
        Processes that compute the blocks of thermal sums.
    optimal : bool
        Optimal phonon states may be taken where a model leaves both frame and cutoff to the solver and number states
        cost much more.
    starts : function, optional
        From a block to stored amplitudes near its lowest levels, from which their searches begin.
    built : Hamiltonian, optional
        That of the same model in other caps, of which parts may serve again.
    leaks : bool
        Compute what leads out of the caps on phonons: without it error bars hold the residuals only.

    Raises
    ------
    ValueError
        With every invalid value.

    Examples
    --------
    >>> Options(tolerance=1e-8, memory_limit="2 GiB").memory_limit
    2147483648
    """

    engine: str = "auto"
    tolerance: float = 1e-10
    seed: int = 0
    memory_limit: int = 16 << 30
    max_matvecs: int = 20_000
    max_states: int = 500_000
    confirm: bool = True
    wanted_below: float = np.inf
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_interval: float = 60.0
    keep_blocks: bool = False
    optimal: bool = False
    pool: Pool | None = field(default=None, repr=False, compare=False)
    starts: Callable[[Any], Sequence[Any]] | None = field(default=None, repr=False, compare=False)
    built: Any = field(default=None, repr=False, compare=False)
    leaks: bool = field(default=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        wrong = []
        for name, checked in CHECKS.items():
            try:
                object.__setattr__(self, name, checked(name, getattr(self, name)))
            except InvalidValue as error:
                wrong.append(str(error))
        if wrong:
            raise InvalidValue("\n".join(wrong))


def read_options(name: str, value: Any) -> Options | None:
    """Return options, made of a dictionary where one is given; raise an error for anything else."""
    if value is None or isinstance(value, Options):
        return value
    if isinstance(value, Mapping) and value.keys() <= {each.name for each in fields(Options)}:
        return Options(**value)
    return instance(name, value, Options, "write Options(engine=..., tolerance=...)")


def bytes_of(size: object) -> object:
    """Return a size such as "16 GiB" as a number of bytes; anything else is returned unchanged.

    Examples
    --------
    >>> bytes_of("1.5 KiB"), bytes_of("2 GB"), bytes_of("much")
    (1536, 2000000000, 'much')
    """
    form = r"(\d+\.?\d*(?:e[+-]?\d+)?) *([a-z]+)"
    found = re.fullmatch(form, size.strip().lower(), re.ASCII) if isinstance(size, str) else None
    if found is None or found[2] not in UNITS:
        return size
    try:
        return int(float(found[1]) * UNITS[found[2]])
    except OverflowError:
        return size


def _memory(name: str, value: object) -> int:
    try:
        return whole_number(name, bytes_of(value))
    except InvalidValue as error:
        raise InvalidValue(f'{error}, or a size such as "16 GiB"') from None


def _path(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str | os.PathLike):
        return value
    raise InvalidValue(f'{name} = {shown(value)} is invalid; allowed: the path of a file, as "ring.checkpoint"')


def _pool(name: str, value: Any) -> Any:
    if value is None or callable(getattr(value, "compute", None)):
        return value
    raise InvalidValue(
        f"{name} = {shown(value)} is invalid; allowed: a pool of processes, as workers in `with "
        "respair.studies.Workers(2) as workers`; leave it out to compute in this process"
    )


def _switch(name: str, value: object) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InvalidValue(f"{name} = {shown(value)} is invalid; allowed: True or False")


TOLERANCES = 1e-14, 1e-2
"""Smallest and largest tolerance; smaller ones are not reached in double precision."""
UNITS: Mapping[str, int] = MappingProxyType(
    {"b": 1}
    | {f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", start=1)}
    | {f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", start=1)}
)
"""Bytes in each unit of memory, in small letters."""
CHECKS: Mapping[str, Callable[[str, Any], object]] = MappingProxyType(
    {
        "engine": engine_name,
        "tolerance": lambda name, value: real_number(name, value, "a number from 1e-14 to 1e-2", *TOLERANCES),
        "seed": lambda name, value: whole_number(name, value),
        "memory_limit": _memory,
        "max_matvecs": lambda name, value: whole_number(name, value, 1),
        "max_states": lambda name, value: whole_number(name, value, 1),
        "confirm": _switch,
        "wanted_below": lambda name, value: real_number(name, value, "an energy"),
        "checkpoint": _path,
        "checkpoint_interval": lambda name, value: real_number(name, value, "a number of seconds, 0 or more", 0.0),
        "keep_blocks": _switch,
        "pool": _pool,
        "starts": lambda name, value: value,
    }
)
"""For each option, the function that converts its value or raises an error."""
