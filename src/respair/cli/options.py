"""Options with an optional value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import typer
import typer.core

FORMATS = ("png", "pdf", "svg")
PLOT = "--plot"
Plot = Annotated[
    Literal["png", "pdf", "svg"] | None,
    typer.Option(PLOT, help="Draw figures next to the results, as PNG if no format follows.", show_default=False),
]
Columns = Annotated[
    int | None,
    typer.Option(min=1, max=2, help="With --plot: the width of 1 or 2 printed columns.", show_default=False),
]


class PlotsAsAsked(typer.core.TyperCommand):
    """A command whose option ``--plot`` has an optional format and may be followed by a model file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments after completing ``--plot`` with its default format."""
        return super().parse_args(ctx, list(with_formats(args)))


def with_formats(args: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, with a format after every ``--plot``."""
    rest = iter(args)
    for word in rest:
        if word != PLOT:
            yield word
            if word == "--":
                yield from rest
            continue
        following = next(rest, None)
        yield PLOT
        yield following if following in FORMATS else FORMATS[0]
        if following not in (None, *FORMATS):
            yield from with_formats([following, *rest])
