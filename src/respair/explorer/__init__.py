"""The explorer: an interactive page that shows the physics of a cluster while its couplings are varied."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..hamiltonians import Model
    from ..hamiltonians.conservation import sectors_of
    from ..studies import Plan

NEEDS = ("ipywidgets", "voila")
"""Packages of the extra ``explore``."""
QUERY = "QUERY_STRING"
"""Environment variable with the query string of the address of the page."""
VARIABLE = "RESPAIR_EXPLORE"
"""Environment variable with the path of the initial model file."""


class ExtraMissing(ImportError):  # noqa: N818 - named after its cause
    """Raised if packages are not installed; the message contains the command that installs them."""


def check_installed() -> None:
    """Raise `ExtraMissing` if a package of the extra is not installed."""
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise ExtraMissing(
            f"the explorer needs {' and '.join(missing)}, not installed here; pip install 'respair[explore]'"
        )


def app(file: str | os.PathLike[str] | Model | Plan | None = None) -> object:
    """Return the explorer as a widget, for the last line of a notebook cell.

    Parameters
    ----------
    file : path, Model or Plan, optional
        Initial model: a model file, by default that of `respair explore`; a model, also with user-defined terms; or a
        plan, as returned by `respair.study`.

    Returns
    -------
    ipywidgets.Widget
        The page.

    Raises
    ------
    ExtraMissing
        If ipywidgets or Voila are not installed.
    InvalidModel
        If the file is wrong; the message lists all problems.
    """
    check_installed()
    from ..hamiltonians import Model
    from ..studies import Plan, read, study
    from .links import screen_of
    from .page import Page
    from .presets import PRESETS, preset
    from .screen import Screen

    kept = screen_of(os.environ.get(QUERY, "")) if file is None else None
    given = file or (os.environ.get(VARIABLE) if kept is None else None)
    if isinstance(given, Model):
        given = study(given, sectors_of(given, given.max_charge // 2)[0])
    if given:
        return Page(Screen.of(given.study if isinstance(given, Plan) else read(given))).widget
    if kept is not None:
        screen, panel = kept
        return Page(screen, panel=panel).widget
    first = next(iter(PRESETS))
    return Page(preset(first), first).widget
