"""HTML elements of the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape

from rich.table import Table
from rich.text import Text

from ..hamiltonians import Problem
from ..studies.execution.report import failures, sweep_table, task_tables
from .comparison import changes, differences
from .engine import Answer
from .outputs import comma_separated, model_file, netcdf, python_lines
from .panels import PANELS
from .sweep_figures import GOES

FIGURES = ("svg", "pdf", "png")
TYPES = {
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "png": "image/png",
    "toml": "application/toml",
    "nc": "application/x-netcdf",
    "csv": "text/csv",
    "py": "text/x-python",
}

GO = (
    f"const place = event.target.closest('[id^={GOES}_]'), field = document.querySelector('.respair-go input'); "
    f"if (place && field) {{ field.value = place.id.slice({len(GOES) + 1}) + ' ' + Date.now(); "
    "field.dispatchEvent(new Event('change', {bubbles: true})); }"
)
"""Script that passes a clicked point of a figure, and the time, to the page."""


def figure(title: str, svg: str, below: str = "") -> str:
    """Return a figure with its title, also as label for screen readers, and the HTML below it."""
    label = escape(title)
    return (
        f'<figure><figcaption>{label}</figcaption><div role="img" aria-label="{label}" '
        f'onclick="{escape(GO)}">{svg}</div>{below}</figure>'
    )


def problem(found: Problem) -> str:
    """Return the message on a wrong value, shown next to its control."""
    return f'<span role="alert"><b>✗</b> got {escape(found.got)}; {escape(found.allowed)}</span>'


def message(text: str, wrong: bool = False) -> str:
    """Return a message line of the page."""
    sign = '<b aria-hidden="true">✗</b> ' if wrong else ""
    return f'<span role="{"alert" if wrong else "status"}">{sign}{escape(text)}</span>' if text else ""


def _figures(answer: Answer, panel: str) -> str:
    """Return links to each figure of a panel, as SVG, PDF and PNG."""
    lines = []
    for number, drawing in enumerate(PANELS[panel].drawings):
        if drawing.suits(answer.data):
            files = ((kind, drawing.saved(answer.data, answer.study.model, kind)) for kind in FIGURES)
            links = " ".join(
                _link(f"explorer-{panel}-{number}.{kind}", kind.upper(), TYPES[kind], c) for kind, c in files
            )
            lines.append(f"<p>{escape(drawing.title)}: {links}</p>")
    return "".join(lines)


def _link(name: str, words: str, kind: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    return f'<a class="respair-link" download="{name}" href="data:{kind};base64,{data}">{words}</a>'


def numbers(answer: Answer, pinned: Answer | None = None) -> str:
    """Return the tables printed by `respair run`, with as many digits as the error bars support.

    The differences from a pinned answer come first, then the sums over the cluster.
    """
    found = answer.swept
    tables = [*task_tables(answer.study, answer.data)] if found is None else [sweep_table(found), *failures(found)]
    if pinned is not None:
        words = "; ".join(changes(answer.screen, pinned.screen))
        tables = [f"Pinned, in grey: {words or 'the same model'}.", differences(answer, pinned), *tables]
    return "".join(map(_table, [*sums(answer), *tables]))


def sums(answer: Answer) -> Iterator[str]:
    """Yield the total charges of the cluster, which sum to N."""
    data = answer.data
    if answer.swept or ("electron_density" not in data and "boson_density" not in data):
        return
    electrons, pairs = (float(data[n].sum()) if n in data else 0.0 for n in ("electron_density", "boson_density"))
    yield f"Sums: {electrons:.6g} electrons and {pairs:.6g} local pairs, N = {electrons + 2 * pairs:.6g}."


def _table(each: Table | str) -> str:
    if isinstance(each, str):
        return f"<p>{escape(each)}</p>"
    caption = f"<caption>{escape(str(each.title))}</caption>" if each.title else ""
    head = "".join(f'<th scope="col">{_plain(column.header)}</th>' for column in each.columns)
    rows = zip(*(column.cells for column in each.columns), strict=True)
    body = "".join(f"<tr>{''.join(f'<td>{_plain(cell)}</td>' for cell in row)}</tr>" for row in rows)
    header = f"<thead><tr>{head}</tr></thead>" if each.show_header else ""
    return f'<div class="respair-wide"><table>{caption}{header}<tbody>{body}</tbody></table></div>'


def _plain(cell: object) -> str:
    return escape(cell.plain if isinstance(cell, Text) else str(cell))


def downloads(answer: Answer, panel: str) -> str:
    """Return links to the files and figures of a panel, and the Python program with a button to copy it."""
    lines = python_lines(answer)
    files = {
        "toml": model_file(answer).encode(),
        "nc": netcdf(answer),
        "csv": comma_separated(answer.data).encode(),
        "py": lines.encode(),
    }
    names = {"toml": "Model file (TOML)", "nc": "Data (NetCDF)", "csv": "Data (CSV)", "py": "Program (Python)"}
    links = " ".join(_link(f"explorer.{kind}", names[kind], TYPES[kind], content) for kind, content in files.items())
    copy = (
        "const t = this.parentElement.querySelector('textarea'); t.select(); "
        "(navigator.clipboard ? navigator.clipboard.writeText(t.value) : Promise.reject())"
        ".catch(() => document.execCommand('copy')).then(() => {this.textContent = 'Copied'})"
    )
    rows = lines.count("\n") + 1
    return (
        f"<p>{links}</p>{_figures(answer, panel)}<p><code>respair run explorer.toml</code> computes the same results, "
        f'and so does this program:</p><div><button class="respair-link" onclick="{escape(copy)}">Copy</button>'
        f'<textarea readonly rows="{rows}" aria-label="Python">{escape(lines)}</textarea></div>'
    )
