"""Finished blocks of a thermal sum, kept on disk one by one, so that the same command goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..hamiltonians import Model
from ..solvers import Options
from ..solvers.checkpoint import CheckpointError, Writer, fingerprint, read
from .contributions import Contribution
from .ensembles import Ensemble, Planned, Sampling

KEPT_FROM = 1.0
"""Seconds that a block must have taken to be kept, or `Options.checkpoint_interval` where that is shorter."""
SUFFIX = ".block"
ARRAYS = ("partition", "energy", "energy_squared")


@dataclass(frozen=True)
class KeptBlocks:
    """The folder beside a result with the blocks that are finished.

    Attributes
    ----------
    folder : Path or None
        Where; without it nothing is kept.
    about : str
        Fingerprint of the model and of everything that a block depends on.
    least : float
        Seconds that a block must have taken.
    """

    folder: Path | None
    about: str
    least: float

    @classmethod
    def of(
        cls,
        model: Model,
        kind: Ensemble,
        t: NDArray[np.float64],
        summed: Sequence[str],
        grid: NDArray[np.float64],
        sampling: Sampling,
        options: Options,
    ) -> KeptBlocks:
        """Return those of a calculation, beside the checkpoint that the options name."""
        path = None if options.checkpoint is None else Path(options.checkpoint)
        what = (model, kind, t.tolist(), tuple(summed), grid.tolist(), sampling, options.seed, options.tolerance)
        least = min(KEPT_FROM, options.checkpoint_interval)
        return cls(None if path is None else path.with_suffix(".blocks"), fingerprint(what), least)

    def find(self, planned: Planned) -> Contribution | None:
        """Return a block that is there whole; None where there is none, or it is damaged or of another calculation."""
        if self.folder is None:
            return None
        with suppress(FileNotFoundError, CheckpointError):
            state = read(self._file(planned), self._about(planned))
            block, sums = state["block"], state["sums"]
            z, energy, squared = (block[name] for name in ARRAYS)
            exact, origin = bool(block["exact"]), float(block["origin"])
            return Contribution(planned.member, planned.dimension, exact, origin, z, energy, squared, sums)
        return None

    def keep(self, planned: Planned, part: Contribution, seconds: float) -> None:
        """Write a finished block, whole or not at all, if it took its time."""
        if self.folder is None or seconds < self.least:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        writer = Writer(self._file(planned))
        block = {"exact": part.exact, "origin": part.origin, **{name: getattr(part, name) for name in ARRAYS}}
        try:
            writer.finish(self._about(planned), {"block": block, "sums": dict(part.sums)})
        except BaseException:
            writer.discard()
            raise

    def remove(self) -> None:
        """Remove the blocks of a sum that is complete."""
        if self.folder is not None and self.folder.is_dir():
            for file in self.folder.glob(f"{self.about[:16]}-*"):
                file.unlink(missing_ok=True)
            with suppress(OSError):  # blocks of another calculation may be there
                self.folder.rmdir()

    def _file(self, planned: Planned) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.about[:16]}-{planned.number}{SUFFIX}"

    def _about(self, planned: Planned) -> dict[str, str]:
        return {"thermal sum": self.about, "block": str(planned)}
