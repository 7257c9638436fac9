"""Pages of the API reference, generated from the public names of the rooms."""

import ast
import inspect
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from pages import discard, keep

import respair.analysis

ROOMS = ("clusters", "hamiltonians", "solvers", "analysis", "studies")
INNER = {
    "analysis": ("analysis.approximations",),
    "studies": ("studies.dataset",),
}
"""Subpackages with separate public names."""


def write(folder):
    """Write a page for each room and subpackage, for the top-level namespace and for the figures."""
    found = rooms()
    discard(folder, "*.rst", {f"{name}.rst" for name in (*found, "respair", "figures")})
    discard(folder / "generated", "*.rst", {f"{room}.{name}.rst" for room in found for name in public_names(room)})
    for module in found:
        keep(folder / f"{module}.rst", _room_page(module))
    keep(folder / "respair.rst", _front_page(found))
    keep(folder / "figures.rst", _figures_page())


def rooms():
    """Return the packages with public names, in order of imports."""
    packages = (name for room in ROOMS for name in (room, *INNER.get(room, ())))
    return [f"respair.{name}" for name in packages]


def public_names(module):
    """Return the public names of a package, except those listed by its parent."""
    room = import_module(module)
    outer, _, _ = module.rpartition(".")
    shared = import_module(outer).__all__ if outer != "respair" else ()
    return [name for name in room.__all__ if name not in shared]


def _room_page(module):
    room = import_module(module)
    names = public_names(module)
    functions = [name for name in names if inspect.isfunction(getattr(room, name))]
    classes = [name for name in names if inspect.isclass(getattr(room, name))]
    constants = [name for name in names if name not in (*functions, *classes)]
    lines = [module, "=" * len(module), "", room.__doc__.partition("\n\n")[0], "", f".. currentmodule:: {module}", ""]
    for heading, listed in (("Functions", functions), ("Classes", classes)):
        if listed:
            lines += [
                heading,
                "-" * len(heading),
                "",
                ".. autosummary::",
                "   :toctree: generated",
                "   :nosignatures:",
            ]
            lines += ["", *(f"   {name}" for name in listed), ""]
    if constants:
        heading = "Constants and types"
        lines += [heading, "-" * len(heading), ""]
        for name in constants:
            lines += [f".. py:data:: {name}", f"   :module: {module}", ""]
            lines += [f"   {line}" for line in documented(room, name).splitlines()] + [""]
    return "\n".join(lines) + "\n"


def documented(room, name):
    """Return the docstring below the assignment of a constant, in any module of the package."""
    for path in sorted(Path(room.__file__).parent.rglob("*.py")):
        module = ".".join((room.__name__, *path.relative_to(Path(room.__file__).parent).with_suffix("").parts))
        if getattr(sys.modules.get(module), name, None) is not getattr(room, name):
            continue
        for here, after in pairwise(ast.parse(path.read_text(encoding="utf-8")).body):
            targets = getattr(here, "targets", [getattr(here, "target", None)])
            if any(getattr(target, "id", None) == name for target in targets) and isinstance(after, ast.Expr):
                return inspect.cleandoc(ast.literal_eval(after.value))
    raise LookupError(f"{room.__name__}.{name} has no docstring below its assignment")


def _front_page(found):
    lines = ["Top-level names", "===============", "", "Names in the namespace ``respair``:", ""]
    lines += [".. list-table::", "   :widths: 30 70", ""]
    for name in respair.__all__:
        thing = getattr(respair, name)
        room = next(room for room in found if name in import_module(room).__all__)
        summary = inspect.cleandoc(thing.__doc__).partition("\n")[0]
        lines += [f"   * - :py:obj:`~{room}.{name}`", f"     - {summary}"]
    return "\n".join(lines) + "\n"


def _figures_page():
    lines = ["Figures", "=======", "", "Functions that take a dataset and axes, and return the axes.", ""]
    for path in sorted((Path(respair.analysis.__file__).parent / "plots").glob("[!_]*.py")):
        module = f"respair.analysis.plots.{path.stem}"
        lines += [module, "-" * len(module), "", f".. automodule:: {module}", ""]
    return "\n".join(lines) + "\n"
