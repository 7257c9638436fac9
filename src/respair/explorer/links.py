"""State of the page in its address, which can be reloaded, stored or shared."""

from __future__ import annotations

import base64
import tomllib
import zlib
from html import escape
from urllib.parse import parse_qs

from ..hamiltonians import InvalidModel
from ..studies import toml_text
from .panels import FIRST, PANELS
from .screen import Screen

STATE, PANEL = "state", "panel"
LARGEST = 100_000
"""Largest model file in an address, in bytes."""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def query_of(screen: Screen, panel: str) -> str:
    """Return the query string of a screen; empty for models that cannot be written as a model file.

    Examples
    --------
    >>> from respair.explorer.presets import preset
    >>> screen, panel = screen_of(query_of(preset("Hubbard ring"), "flux"))
    >>> screen == preset("Hubbard ring"), panel
    (True, 'flux')
    """
    if screen.base is not None:
        return ""
    packed = zlib.compress(toml_text(screen.tables, screen.name).encode(), 9)
    return f"?{PANEL}={panel}&{STATE}={base64.urlsafe_b64encode(packed).decode()}"


def screen_of(query: str) -> tuple[Screen, str] | None:
    """Return the screen and the panel of an address; None without a valid screen."""
    given = parse_qs(query.lstrip("?"))
    try:
        packed = base64.urlsafe_b64decode(given[STATE][0])
        text = zlib.decompressobj().decompress(packed, LARGEST).decode()
        tables = tomllib.loads(text)
        screen = Screen({k: value for k, value in tables.items() if isinstance(value, dict)}, tables.get("name", ""))
        screen.study(PANELS[FIRST].asks)
    except (KeyError, ValueError, TypeError, zlib.error, InvalidModel):
        return None
    panel = given.get(PANEL, [""])[0]
    return screen, panel if panel in PANELS else FIRST


def placed(query: str) -> str:
    """Return HTML that writes a state to the address of a stand-alone page; it has no effect in notebooks."""
    change = (
        f"document.body.hasAttribute('data-voila') && history.replaceState(null, '', location.pathname + '{query}')"
    )
    return f'<img src="{PIXEL}" alt="" width="1" height="1" onload="{escape(change)}">' if query else ""
