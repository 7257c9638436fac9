"""Table of observables, generated from `OBSERVABLES`."""

from pages import keep

from respair.analysis import OBSERVABLES

OVER = {(): "the cluster", ("site",): "each site", ("mode",): "each mode"}
"""Names of dimensions."""
MEASURED = {"displacement_squared": ("mode",), "displacement_distribution": ("mode", "X")}
"""Dimensions of observables without a formula."""


def write(folder):
    """Write the table as part of a page."""
    keep(folder / "observables.md", "\n".join(_lines()))


def _lines():
    yield "| name | average of | for | requires |"
    yield "|---|---|---|---|"
    for name, entry in OBSERVABLES.items():
        of = f"`{entry.text}`" if entry.text else f"computed from {', '.join(f'`{n}`' for n in entry.derived.names)}"
        yield f"| `{name}` | {of} | {_over(name, entry)} | {', '.join(entry.needs)} |"
    yield ""


def _over(name, entry):
    if entry.derived is not None:
        return "natural orbitals"
    dims = entry.formula.dims if entry.formula else MEASURED[name]
    return OVER.get(dims) or " and ".join(dim.rstrip("_") for dim in dims)
