"""Figures for print: column widths, font sizes, and panel letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from ..._core.errors import InvalidValue

STYLE = Path(__file__).with_name("print.mplstyle")
"""The style file, for ``matplotlib.style.use(STYLE)``."""
CENTIMETRE = 1 / 2.54
COLUMNS = MappingProxyType({1: 8.6 * CENTIMETRE, 2: 17.8 * CENTIMETRE})
"""Widths of one and of two columns in inches."""


def _width(columns: int) -> float:
    if columns not in COLUMNS:
        raise InvalidValue(f"columns = {columns!r}: allowed are 1 (8.6 cm wide) and 2 (17.8 cm wide)")
    return COLUMNS[columns]


@contextmanager
def print_style(columns: int = 1, height: float | None = None) -> Iterator[None]:
    """Context manager for figures in the style and at the width of printed columns.

    Parameters
    ----------
    columns : int
        1 (8.6 cm) or 2 (17.8 cm).
    height : float, optional
        Height in cm; by default 0.7 of the width of one column.

    Raises
    ------
    InvalidValue
        For another number of columns.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with print_style(columns=2):
    ...     [round(2.54 * size, 1) for size in mpl.rcParams["figure.figsize"]]
    [17.8, 6.0]
    """
    width, up = _width(columns), 0.7 * COLUMNS[1] if height is None else height * CENTIMETRE
    with mpl.rc_context({"figure.figsize": (width, up)}, fname=STYLE):
        mpl.rcParams["figure.figsize"] = (width, up)
        yield


def print_size(drawn: Axes | Figure, columns: int = 1, height: float | None = None) -> Figure:
    """Resize a figure to the width of one or two columns, with the fonts and lines of the style file.

    Parameters
    ----------
    drawn : matplotlib.axes.Axes or matplotlib.figure.Figure
        The axes or figure returned by a plot function, or any other figure.
    columns : int
        1 (8.6 cm) or 2 (17.8 cm).
    height : float, optional
        Height in cm; by default the aspect ratio is kept for one column, and the height for two.

    Returns
    -------
    matplotlib.figure.Figure
        The figure itself. `save` writes it with embedded fonts.

    Raises
    ------
    InvalidValue
        For another number of columns.

    Examples
    --------
    >>> figure = print_size(Figure(figsize=(5.2, 3.6)), columns=1)
    >>> (2.54 * figure.get_size_inches()).round(1)
    array([8.6, 6. ])
    """
    figure = drawn if isinstance(drawn, Figure) else drawn.get_figure()
    assert isinstance(figure, Figure)
    style = mpl.rc_params_from_file(STYLE, use_default_template=False)
    (width, up), wanted = figure.get_size_inches(), _width(columns)
    scale = wanted / width
    figure.set_size_inches(wanted, up * min(scale, 1.0) if height is None else height * CENTIMETRE)
    own = {text for ax in figure.axes for text in _named_texts(ax, style)}
    for text in figure.findobj(Text):
        if text not in own:
            text.set_fontsize(min(text.get_fontsize(), style["font.size"]))
    for ax in figure.axes:
        _fewer_ticks(ax)
    for points in figure.findobj(PathCollection):
        points.set_sizes(points.get_sizes() * min(scale, 1.0) ** 2)
    for line in figure.findobj(Line2D):
        line.set_markersize(min(line.get_markersize(), style["lines.markersize"]))
        line.set_linewidth(min(line.get_linewidth(), style["lines.linewidth"]))
    return figure


def _fewer_ticks(ax: Axes) -> None:
    """Let Matplotlib choose the number of ticks for the new size."""
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(locator := axis.get_major_locator(), MaxNLocator):
            locator.set_params(nbins="auto")


def _named_texts(ax: Axes, style: Any) -> Iterator[Text]:
    """Set the font sizes of titles, labels, ticks and legend of axes; yield these texts."""
    ax.tick_params("x", which="both", labelsize=style["xtick.labelsize"])
    ax.tick_params("y", which="both", labelsize=style["ytick.labelsize"])
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_fontsize(style["axes.labelsize"])
        yield axis.label
    for spine in ax.spines.values():
        spine.set_linewidth(style["axes.linewidth"])
    for title in (ax.title, *ax.findobj(Annotation)):
        title.set_fontsize(min(title.get_fontsize(), style["axes.titlesize"]))
        yield title
    if (legend := ax.get_legend()) is not None:
        for text in (*legend.get_texts(), legend.get_title()):
            text.set_fontsize(style["legend.fontsize"])
            yield text


def panel_letters(axes: Sequence[Axes], first: str = "a") -> list[Text]:
    """Label panels by (a), (b), ... at the upper left corners, outside of the frame.

    Parameters
    ----------
    axes : sequence of matplotlib.axes.Axes
        Panels in the order of the letters.
    first : str
        The first letter.

    Returns
    -------
    list of matplotlib.text.Text
        The letters.

    Examples
    --------
    >>> [text.get_text() for text in panel_letters(Figure().subplots(1, 3))]
    ['(a)', '(b)', '(c)']
    """
    letters = []
    for number, ax in enumerate(axes):
        figure = ax.get_figure()
        assert figure is not None
        above = ScaledTranslation(0.0, 3 / 72, figure.dpi_scale_trans)
        letter = f"({chr(ord(first) + number)})"
        where: Any = {"transform": ax.transAxes + above, "ha": "left", "va": "bottom"}
        letters.append(ax.text(0.0, 1.0, letter, fontsize=8, fontweight="bold", **where))
    return letters
