"""Sum rules and detailed balance of a thermal spectrum, and their allowed defects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ...hamiltonians import Block
from ...hamiltonians.algebra import canonical
from ...hamiltonians.terms import energy_scale
from ...hamiltonians.transitions import charge_change
from ..spectra.excitations import size_of, weight_near_cutoff
from ..spectra.sum_rules import allowed_defects
from .block_files import KeptBlocks
from .block_terms import Contribution
from .ensembles import ThermalSum
from .spectral_lines import UNSETTLED, SpectrumSum
from .sums import Replicates, Totals

SIGMAS = 8.0
"""Statistical errors by which a sampled moment may miss its sum rule."""
EXACT_DEFECT = 1e-9
FELT = 2
"""The moment that feels the cutoff as much as the energies of a sector do."""


@dataclass(frozen=True)
class ThermalLines:
    """The lines of a thermal spectrum, summed over all blocks."""

    asked: ThermalSum
    wanted: SpectrumSum
    block: Block
    totals: Totals
    parts: Sequence[Contribution]
    skipped: float
    kept: KeptBlocks

    @property
    def names(self) -> tuple[str, ...]:
        """The parts that the spectrum has."""
        return tuple(name for name, *_ in self.wanted.parts)

    @property
    def is_exact(self) -> bool:
        """True where no block was sampled."""
        return all(part.exact for part in self.parts)

    def unsettled(self, name: str, *parts: str) -> NDArray[np.float64]:
        """Return by how much the last Lanczos steps have changed a curve of all parts, or of some."""
        changes = [self[f"{part}_{name}{UNSETTLED}"][0] for part in parts or self.names]
        return np.asarray(np.abs(sum(changes)), float)

    def __getitem__(self, name: str) -> Replicates:
        """Return a sum; lines lie from the chemical potential of each replicate, to first order in its change."""
        sums, charge = self.totals.observables, charge_change(self.asked.model, self.wanted.probe.addition)[0]
        found, by = sums[name], charge * (self.totals.shift - self.totals.shift[0])
        if f"{name}_slope" in sums:
            more = (1,) * (found.ndim - by.ndim)
            found = np.asarray(found + by.reshape(*by.shape, *more) * sums[f"{name}_slope"])
        elif name.endswith(("moments", "averages")):
            lower = np.roll(found, 1, axis=-1)  # the highest order comes round and is multiplied by zero
            found = np.asarray(found - by[..., None] * np.arange(found.shape[-1]) * lower)
        return found.real if self.wanted.is_real else found

    def both(self, name: str) -> Replicates:
        """Return addition and removal together."""
        return np.asarray(sum(self[f"{part}_{name}"] for part in self.names))


def detailed_balance(found: ThermalLines) -> tuple[Replicates, Replicates]:
    """Return one half of the spectrum as detailed balance gives it from the other, and as it is; NaN without one."""
    if "removal" in found.names and found.asked.ensemble.is_grand:
        return found.both("below"), found["removal_moments"][..., 0]
    if "removal" in found.names or any(canonical(each - each.dag).terms for each in found.wanted.additions):
        nothing = np.full(found.both("zero").shape, np.nan)
        return nothing, nothing
    return found.both("balance").conj(), found.both("negative")


def allowed_misses(found: ThermalLines, errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each moment may miss its sum rule: roundings, the cutoff, statistical errors."""
    rows, least = [], max(energy_scale(found.asked.model), _steepest(found.block))
    size = max(size_of(each) for each in found.wanted.additions)
    for (weight, spread, most), phonons in zip(_sizes(found), found["phonons"][0].real, strict=True):
        there = np.maximum(phonons, 0.0)
        near = np.sum([weight_near_cutoff(found.block, there, each) for each in found.wanted.additions], axis=0)
        quanta = 1 + 4 * int(found.block.space.phonons.occupations.max(initial=0))
        scale = 4 * float(np.sqrt(spread / weight)) if weight > 0 else least
        rows.append(allowed_defects(float(most), near * (1 + most) * quanta, scale, 0.0, least, size))
    return np.asarray(rows) + SIGMAS * errors


def _steepest(block: Block) -> float:
    """Return the energy by which steep potentials lead beyond the cutoff: products of more than two quanta."""
    top = 1.0 + int(block.space.phonons.occupations.max(initial=0))
    words = ((abs(value), lattice) for (_, lattice), value in block.hamiltonian.operator.terms.items())
    steep = (
        value * top ** (sum(up + down for _, up, down in lattice) / 2)
        for value, lattice in words
        if sum(up for _, up, _ in lattice) > 2
    )
    return float(sum(steep))


def _sizes(found: ThermalLines) -> NDArray[np.float64]:
    """Return at each temperature weight and second moment of all lines without their signs, and a bound on both."""
    if found.wanted.cross is None:
        moments = found.both("moments")[0]
        return np.stack([moments[:, 0], moments[:, 2], moments[:, 0]], axis=-1)
    sizes = found.both("sizes")[0].real
    return np.concatenate([sizes, found["extent"][0].real], axis=-1)


def check_rules(data: xr.Dataset, found: ThermalLines) -> None:
    """Raise ArithmeticError if a sum rule, or detailed balance in exact sums, is missed."""
    if "sum_rules" not in data:
        return
    defects, allowed = np.abs(data["sum_rule_defects"].values), data["sum_rule_errors"].values
    for i, n in np.argwhere(defects > allowed):
        t, got, want = (a.item() for a in (data["temperature"][i], data["moments"][i, n], data["sum_rules"][i, n]))
        raise ArithmeticError(
            f"moment {n} of the spectrum of {found.wanted.probe.name} at T = {t:g} is {got:.12g} and its sum rule "
            f"{want:.12g}; they may differ by {allowed[i, n]:.1e}: take more samples, or report this model"
        )
    defects = np.abs(data["balance_defect"].values)
    phonons, change = found.asked.model.phonons, charge_change(found.asked.model, found.wanted.probe.addition)[0]
    # a probe that changes the charge may lead to oscillators that are cut off about another displacement
    frames_differ = phonons is not None and phonons.displacement == "mean" and change != 0
    room = allowed[:, FELT if frames_differ else 0]
    size = max(size_of(each) for each in found.wanted.additions)
    if found.is_exact and np.any(defects > room + EXACT_DEFECT * np.maximum(size, _sizes(found)[:, -1])):
        raise ArithmeticError(f"the spectrum misses detailed balance by {np.max(defects):.1e}; report this model")
