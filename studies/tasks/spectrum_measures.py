"""Quantities derived from spectra: quasi-particles, gaps, effective frequencies, transferred weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ... import analysis
from ..._core.lazy import xr
from ...analysis.labelled import labelled
from ...analysis.spectra import LEFT_OUT
from ..file.json_values import entries, plain, prefixed

GAP = ("gap", "centre", "depth_value", "peak_distance", "pseudogap")
FREQUENCY = ("static", "average", "softest", "softest_share", "elastic")
PARTICLE = ("energy", "z", "incoherent")
PARTS = ("addition", "removal")
MEASURES = (
    *(f"particle_{part}_{key}" for part in PARTS for key in PARTICLE),
    *(f"gap_{key}" for key in GAP),
    *(f"frequency_{key}" for key in FREQUENCY),
)
"""Names of the variables of the derived quantities."""
NO_LINES = "the operator annihilates the ground level"


def measures(data: xr.Dataset, charged: bool) -> xr.Dataset:
    """Return the quantities derived from a spectrum or map, of a charged operator or of a displacement."""
    if not charged:
        return prefixed("frequency", analysis.effective_frequency(data))
    particles, gap = analysis.quasi_particles(data), analysis.gap_measures(data)
    return xr.merge([prefixed("particle", particles), prefixed("gap", gap)])


def transfer(before: xr.Dataset, after: xr.Dataset, parameters: Mapping[str, float]) -> xr.Dataset:
    """Return the weight transferred between two parameter sets, with the parameters of the first as text."""
    words = ", ".join(f"{key} = {value:g}" for key, value in parameters.items())
    text = labelled("from", np.array(words), [], "parameters of the spectrum that is subtracted")
    return prefixed("transfer", analysis.weight_transfer(before, after).assign({"from": text}))


def measures_record(data: xr.Dataset) -> dict[str, object]:
    """Return quasi-particles, gap, effective frequency and transferred weight, as far as they are available."""
    found: dict[str, object] = {}
    if "spectrum_particle_addition_z" in data:
        found["quasi_particles"] = {part: _judged(data, f"spectrum_particle_{part}", PARTICLE) for part in PARTS}
        found["gap"] = _judged(data, "spectrum_gap", GAP)
    if "spectrum_frequency_static" in data:
        found["effective_frequency"] = _judged(data, "spectrum_frequency", FREQUENCY)
    if "spectrum_transfer_amount" in data:
        moved = entries(data, "spectrum_transfer", ("difference", "moved", "amount"))
        found["transfer"] = {"from": str(data["spectrum_transfer_from"].values), **moved}
    if not data.sizes["pole"]:
        found["no_lines"] = NO_LINES
    if np.any(np.isnan(data["spectrum_sum_rules"].values)):
        found["sum_rules_left_out"] = LEFT_OUT
    return found


def _judged(data: xr.Dataset, prefix: str, names: tuple[str, ...]) -> dict[str, object]:
    """Return numbers with their error bars, if any."""
    bars = {name: plain(data[f"{prefix}_{name}_error"]) for name in names if f"{prefix}_{name}_error" in data}
    return entries(data, prefix, names) | ({"errors": bars} if bars else {})


def measures_text(data: xr.Dataset) -> Iterator[str]:
    """Yield the derived quantities as sentences."""

    def of(name: str) -> float:
        return float(data[f"spectrum_{name}"])

    if not data.sizes["pole"]:
        yield f"The spectrum is empty: {NO_LINES}."
    if "spectrum_gap_gap" in data and np.isnan(of("gap_gap")):
        yield "No gap: no particle can be added, or none removed."
    elif "spectrum_gap_gap" in data:
        yield f"Gap {of('gap_gap'):.8g} about {of('gap_centre'):.8g}; pseudogap {of('gap_pseudogap'):.4g}."
    is_one = "spectrum_particle_addition_z" in data and not data["spectrum_particle_addition_z"].ndim
    if is_one and (there := [part for part in PARTS if np.isfinite(of(f"particle_{part}_energy"))]):
        shown = (f"{part} at {of(f'particle_{part}_energy'):.8g} with Z = {of(f'particle_{part}_z'):.6g}"
                 for part in there)  # fmt: skip
        yield f"Quasi-particles: {', '.join(shown)}."
    softened = data.get("spectrum_frequency_static")
    if softened is not None and not softened.ndim and np.isfinite(softened):
        lowest = f"{of('frequency_softest'):.8g} with {of('frequency_softest_share'):.4g} of the weight"
        yield f"Effective frequency {of('frequency_static'):.8g}; lowest line {lowest}."
    if "spectrum_transfer_amount" in data:
        amount = np.sum(data["spectrum_transfer_amount"].values)
        yield f"Weight transferred from {data['spectrum_transfer_from'].values}: {amount:.6g}."
    if np.any(np.isnan(data["spectrum_sum_rules"].values)):
        yield f"Some sum rules are omitted: {LEFT_OUT}."
