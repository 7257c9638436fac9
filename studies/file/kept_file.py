"""``[kept]``: saved levels from which searches and time evolutions of a run start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ... import solvers
from ...clusters import InvalidValue
from ...hamiltonians import InvalidModel, Model, Problem, Sector
from ...hamiltonians.parameters import show
from ...hamiltonians.terms import energy_unit

if TYPE_CHECKING:
    from ...hamiltonians import Amplitudes, Block
    from ...solvers import Eigenstates, LabelledLevels, Options, State

    Levels = Eigenstates | LabelledLevels | State
KEPT_STATE = "kept"
"""Value of ``evolution.initial`` for the state in the file."""
MOST_FILES = 4
"""Number of files whose levels are cached in memory."""


@dataclass(frozen=True)
class KeptFile:
    """Saved levels, from which every search starts, and time evolutions with ``evolution.initial = "kept"``.

    Attributes
    ----------
    file : str
        Path of the file, which is read by `respair.load`, relative to the folder of the model file.
    at : mapping of str to float
        A point of a sweep, such as ``{ "bosons.exchange" = 0.2 }``.
    level : int or None
        The initial level of a time evolution; None: the ground level, averaged over its states.
    digest : str
        SHA-256 of the file.
    """

    file: str
    at: Mapping[str, float] = field(default_factory=dict)
    level: int | None = None
    digest: str = ""

    @property
    def levels(self) -> Levels:
        """The levels in the file.

        Raises
        ------
        InvalidValue
            If the file cannot be read, is damaged, or has changed since it was checked.
        """
        return _loaded(self.file, self.digest, tuple(sorted(self.at.items())))

    @property
    def state(self) -> State:
        """The initial state of a time evolution."""
        levels = self.levels
        if isinstance(levels, solvers.State):
            return levels
        return levels.ground if self.level is None else levels.level(self.level)

    def __call__(self, block: Block) -> list[Amplitudes]:
        """Return the levels with the quantum numbers of a block, as starting vectors of a search."""
        levels = self.levels
        return [] if isinstance(levels, solvers.State) else list(solvers.starting_from(levels)(block))

    def ground_of(self, model: Model, sector: Sector, options: Options) -> Eigenstates | LabelledLevels | None:
        """Return the levels if they are sufficiently exact levels of the model and sector with one above the ground."""
        levels = self.levels
        if isinstance(levels, solvers.State):
            return None
        space = levels.hamiltonian.space
        own = levels.block.sector if isinstance(levels, solvers.Eigenstates) else space.sector
        if own != sector or replace(space.model, name=model.name) != model:
            return None
        whole = len(levels.energies) > levels.multiplicity or len(levels.energies) == space.dimension
        exact = max(levels.certificate.residuals) <= options.tolerance * energy_unit(model)
        return levels if whole and exact else None


def with_kept_file(tables: Mapping[str, Any], folder: str) -> Mapping[str, Any]:
    """Return the tables with the full path of ``kept.file`` and its digest.

    Raises
    ------
    InvalidModel
        If there is no such file.
    """
    table = tables.get("kept")
    if not isinstance(table, dict) or not isinstance(table.get("file"), str):
        return tables
    path = os.path.abspath(os.path.join(folder, table["file"]))
    try:
        digest = _digest(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        allowed = f"allowed: a file that levels.save(...) or keep_states = true wrote; {path}: {reason}"
        raise InvalidModel([Problem("kept.file", show(table["file"]), allowed)]) from None
    return {**tables, "kept": {**table, "file": path, "digest": digest}}


def kept_problems(kept: KeptFile, sector: Sector | None, *, moves: bool) -> Iterator[Problem]:
    """Yield the problems of a file, its point, its level, or its charges as the initial state of an evolution."""
    try:
        levels = kept.levels
    except InvalidValue as error:
        yield Problem("kept.file", show(kept.file), str(error))
        return
    count = 1 if isinstance(levels, solvers.State) else len(levels.energies)
    if kept.level is not None and not 0 <= kept.level < count:
        yield Problem("kept.level", show(kept.level), f"allowed: 0 to {count - 1}, the levels in the file")
    found = levels.hamiltonian.space.sector
    if moves and sector is not None and (found.charge, found.spin_excess) != (sector.charge, sector.spin_excess):
        has = f"charge = {found.charge} and two_sz = {found.spin_excess}"
        yield Problem("sector.charge", show(sector.charge), f"allowed: {has}, those of the kept state")


@lru_cache(MOST_FILES)
def _loaded(file: str, digest: str, at: tuple[tuple[str, float], ...]) -> Levels:
    if digest and _digest(file) != digest:
        raise InvalidValue(f"{file}: has changed since the model file was read; run it again")
    return solvers.load(file, dict(at))


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
