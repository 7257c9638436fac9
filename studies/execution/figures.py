"""The figures that suit a result, drawn to files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...analysis.plots.comparisons import comparison_figures
from ...analysis.plots.crossover import plot_crossovers
from ...analysis.plots.states import plot_map, plot_sweep, save, slices
from .runner import Result

SWEPT = (
    "energies",
    "electron_density",
    "boson_density",
    "pair_exchange",
    "displacement",
    "quanta",
    "coherence_amplitude",
    "coherence_stiffness",
    "lattice_softened_frequency",
    "entanglement_entropy",
    "resonance_value",
)
"""What is drawn against the axis of a sweep, or over two of them."""


def save_figures(result: Result, stem: Path) -> Iterator[Path]:
    """Draw the figures that suit a result and yield the files written, ``stem-NAME.png``."""
    data, axes = result.data, [axis.key for axis in result.study.sweep]
    if axes and all(axis in data.dims and data.sizes[axis] > 1 for axis in axes):
        for name in (n for n in SWEPT if n in data and data[n].size):
            drawn = plot_sweep(data, axes[0], name) if len(axes) == 1 else plot_map(data, axes, name)
            yield save(drawn, stem.with_name(f"{stem.name}-{name}.png"))
        if "crossover_value" in data:
            for words, suffix, chosen in slices(data, axes[1:]):
                ax = plot_crossovers(chosen, axes[0])
                ax.set_title(words, fontsize=8)
                yield save(ax, stem.with_name(f"{stem.name}-crossovers{suffix}.png"))
        for title, ax in comparison_figures(data, axes):
            yield save(ax, stem.with_name(f"{stem.name}-{title}.png"))
        return
    for task in result.study.tasks:
        for title, needed, plot in task.figures:
            if needed in data and data[needed].size:
                yield save(plot(data), stem.with_name(f"{stem.name}-{title}.png"))
