"""The state of the page in its address: reloading loses nothing, and the address can be kept or sent."""

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
"""Bytes of the model file of an address."""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def query_of(screen: Screen, panel: str) -> str:
    """Return the part of an address that holds a screen; empty for models that no model file describes.

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
    """Return the screen and the panel that an address holds; None if it holds none, or one that is not correct."""
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
    """Return HTML that puts a state into the address of a page of its own; in notebooks it does nothing."""
    change = (
        f"document.body.hasAttribute('data-voila') && history.replaceState(null, '', location.pathname + '{query}')"
    )
    return f'<img src="{PIXEL}" alt="" width="1" height="1" onload="{escape(change)}">' if query else ""
