"""The figures that suit a result, drawn to files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...analysis import plots
from .averages import means
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
    left = [axis.key for axis in result.study.sweep if not axis.averaged]
    if left and result.averages:
        data, axes = means(result.averages), left
    if axes and all(axis in data.dims and data.sizes[axis] > 1 for axis in axes):
        for name in (n for n in SWEPT if n in data and data[n].size):
            drawn = plots.plot_sweep(data, axes[0], name) if len(axes) == 1 else plots.plot_map(data, axes, name)
            yield plots.save(drawn, stem.with_name(f"{stem.name}-{name}.png"))
        if "crossover_value" in data:
            for words, suffix, chosen in plots.slices(data, axes[1:]):
                ax = plots.plot_crossovers(chosen, axes[0])
                ax.set_title(words, fontsize=8)
                yield plots.save(ax, stem.with_name(f"{stem.name}-crossovers{suffix}.png"))
        for title, ax in plots.comparison_figures(data, axes):
            yield plots.save(ax, stem.with_name(f"{stem.name}-{title}.png"))
        return
    for task in result.study.tasks:
        for title, needed, plot in task.figures:
            if needed in data and data[needed].size:
                yield plots.save(getattr(plots, plot)(data), stem.with_name(f"{stem.name}-{title}.png"))
