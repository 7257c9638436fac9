"""Figures of a result, written to files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from textwrap import fill

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...analysis import plots
from ...hamiltonians.parameters import COUPLINGS, nonzero
from ..definition import Study
from .averages import means
from .runner import Result

FORMATS = ("png", "pdf", "svg")
"""Formats of figures."""
LETTERS = 17
"""Letters of a title per inch."""


def save_figures(result: Result, stem: Path, kind: str = "png", columns: int | None = None) -> Iterator[Path]:
    """Draw the figures of a result and yield the files written, ``stem-NAME.png``.

    Parameters
    ----------
    result : Result
        The result.
    stem : Path
        Beginning of the file names.
    kind : str
        "png", "pdf" or "svg".
    columns : int, optional
        Draw at the width of 1 or 2 columns of a printed page, without titles.
    """
    fixed = fixed_values(result.study)
    for name, drawn in _figures(result):
        if columns is None:
            entitle(drawn, fixed)
        else:
            plots.print_size(drawn, columns)
        yield plots.save(drawn, stem.with_name(f"{stem.name}-{name}.{kind}"))


def _figures(result: Result) -> Iterator[tuple[str, Axes | Figure]]:
    data, axes = result.data, [axis.key for axis in result.study.sweep]
    left = [axis.key for axis in result.study.sweep if not axis.averaged]
    if left and result.averages:
        data, axes = means(result.averages), left
    if not set(axes) <= set(data.dims):
        return  # an incomplete sweep over several axes
    single = [axis for axis in axes if data.sizes[axis] == 1]
    data, axes = data.isel(dict.fromkeys(single, 0)), [axis for axis in axes if axis not in single]
    for task in result.study.tasks:
        if not axes:
            for title, needed, plot in task.figures:
                if needed in data and data[needed].size:
                    function = getattr(plots, plot)
                    more = (result.study.model.cluster,) if "cluster" in signature(function).parameters else ()
                    yield title, function(data, *more)
            continue
        for name in task.swept_names(data):
            if data[name].size and set(axes) <= set(data[name].dims):
                yield name, _swept(data, axes, name)
    if axes and "crossover_value" in data:
        for words, suffix, chosen in plots.slices(data, axes[1:]):
            ax = plots.plot_crossovers(chosen, axes[0])
            ax.set_title(words, fontsize=8)
            yield f"crossovers{suffix}", ax
    if axes:
        yield from plots.comparison_figures(data, axes)


def _swept(data: xr.Dataset, axes: list[str], name: str) -> Axes | Figure:
    """Plot a quantity over the axes of a sweep as curves, one for each value of an axis, or maps."""
    if plots.inner_dim(data, name):
        return plots.plot_family(data, axes, name)
    return plots.plot_sweep(data, axes[0], name) if len(axes) == 1 else plots.plot_map(data, axes, name)


def fixed_values(study: Study) -> str:
    """Return name, cluster, sector and fixed couplings of a study, for a title."""
    swept = {key for axis in study.sweep for each in (axis, *axis.linked) for key in (each.key, _whole(each.key))}
    words = [plots.literal(study.name)]
    if not any(key.startswith("cluster.") for key in swept):
        words.append(plots.literal(study.model.cluster.size.partition(",")[0]))
    if study.sector is not None and "sector.charge" not in swept:
        charge = f"$N = {study.sector.charge}$" if study.sector.parity is None else f"{study.sector.parity} $N$"
        words.append(charge)
    for key, entry in COUPLINGS.items():
        species = getattr(study.model, entry.species)
        value = None if species is None else getattr(species, key.partition(".")[2])
        if key not in swept and nonzero(value):
            words.append(
                f"${entry.symbol} = {value:g}$" if isinstance(value, int | float) else _by_class(entry.symbol, value)
            )
    if study.model.flux and isinstance(study.model.flux, int | float) and "field.flux" not in swept:
        words.append(rf"$\varphi = {study.model.flux:.4g}$")
    return ", ".join(words)


def _whole(key: str) -> str:
    """Return the key of the whole coupling of a swept key."""
    return ".".join(key.split(".")[:2])


def _by_class(symbol: str, value: object) -> str:
    if isinstance(value, Mapping) and len(value) <= 3 and all(isinstance(v, int | float) for v in value.values()):
        return ", ".join(rf"${symbol}$ ({plots.literal(str(name))}) $= {v:g}$" for name, v in value.items())
    return f"${symbol}$ by place"


def entitle(drawn: Axes | Figure, fixed: str) -> None:
    """Add the fixed parameters as a small title above a figure."""
    figure = drawn.get_figure() if isinstance(drawn, Axes) else drawn
    assert isinstance(figure, Figure)
    lines = fill(fixed, round(LETTERS * figure.get_figwidth()), break_long_words=False)
    figure.suptitle(lines, fontsize=7, color="0.35")
