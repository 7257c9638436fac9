"""Finished blocks of a thermal sum, kept on disk one by one, so that the same command goes on from there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..._core.ranks import current_ranks
from ...hamiltonians import hamiltonian_operator
from ...solvers.checkpoint import CheckpointError, Writer, fingerprint, read
from .block_terms import Contribution
from .blocks import Planned
from .ensembles import ThermalSum

KEPT_FROM = 1.0
"""Seconds that a block must have taken to be kept, or `Options.checkpoint_interval` where that is shorter."""
SUFFIX = ".block"
ARRAYS = ("partition", "energy", "energy_squared")


def folder_of(checkpoint: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of the blocks that belong to a checkpoint."""
    return None if checkpoint is None else Path(checkpoint).with_suffix(".blocks")


@dataclass(frozen=True)
class KeptBlocks:
    """The folder of finished blocks, next to a result.

    Attributes
    ----------
    folder : Path or None
        Where; without it nothing is kept.
    about : str
        Fingerprint of the model and of everything that a block depends on.
    least : float
        Seconds that a block must have taken.
    staying : bool
        `remove` leaves them.
    """

    folder: Path | None
    about: str
    least: float
    staying: bool = False

    @classmethod
    def of(cls, about: object, asked: ThermalSum) -> KeptBlocks:
        """Return those of a sum over `about`, next to the checkpoint that its options name."""
        model, options = asked.model, asked.options
        formula = sorted(map(repr, hamiltonian_operator(model).terms.items()))
        how: tuple[object, ...] = (asked.ensemble, asked.sampling, options.seed, options.tolerance)
        how += () if asked.within is None else (asked.within.phonons,)
        key = fingerprint((about, formula, replace(model, terms=()), *how))
        least = min(KEPT_FROM, options.checkpoint_interval)
        folder = None if current_ranks() else folder_of(options.checkpoint)  # several processes keep searches only
        return cls(folder, key, least, options.keep_blocks)

    def find(self, planned: Planned) -> Contribution | None:
        """Return a block that is there whole; None where there is none, or it is damaged or of another calculation."""
        if self.folder is None:
            return None
        with suppress(FileNotFoundError, CheckpointError):
            state = read(self._file(planned), self._about(planned))
            block, sums = state["block"], state["sums"]
            z, energy, squared = (block[name] for name in ARRAYS)
            exact, origin = bool(block["exact"]), float(block["origin"])
            lines = {name: (at["at"], at["weights"]) for name, at in state["lines"].items()}
            return Contribution(planned.member, exact, origin, z, energy, squared, sums, lines)
        return None

    def keep(self, planned: Planned, part: Contribution, seconds: float) -> None:
        """Write a finished block, whole or not at all, if it took its time."""
        if self.folder is None or seconds < self.least:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        writer = Writer(self._file(planned))
        block = {"exact": part.exact, "origin": part.origin, **{name: getattr(part, name) for name in ARRAYS}}
        try:
            lines = {name: {"at": at, "weights": weights} for name, (at, weights) in part.lines.items()}
            writer.finish(self._about(planned), {"block": block, "sums": dict(part.sums), "lines": lines})
        except BaseException:
            writer.discard()
            raise

    def remove(self) -> None:
        """Remove the blocks of a sum that is complete."""
        if self.folder is not None and self.folder.is_dir() and not self.staying:
            for file in self.folder.glob(f"{self.about[:16]}-*"):
                file.unlink(missing_ok=True)
            with suppress(OSError):  # blocks of another calculation may be there
                self.folder.rmdir()

    def _file(self, planned: Planned) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.about[:16]}-{planned.number}{SUFFIX}"

    def _about(self, planned: Planned) -> dict[str, str]:
        return {"thermal sum": self.about, "block": str(planned)}


def remove_blocks(checkpoint: str | os.PathLike[str] | None) -> None:
    """Remove all blocks that belong to a checkpoint, whatever they were for, once its result is complete."""
    folder = folder_of(checkpoint)
    if folder is not None and not current_ranks() and folder.is_dir():
        shutil.rmtree(folder)
