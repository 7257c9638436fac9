"""The explorer as a local web page: Voila serves the notebook next to this file, to this machine only."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from . import VARIABLE, check_installed

HOST = "127.0.0.1"
NOTEBOOK = "explorer.ipynb"
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: ws: wss:"
"""Content security policy: nothing is loaded from other machines."""


def free_port() -> int:
    """Return an unused port of this machine."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def is_free(port: int) -> bool:
    """Return True if a port of this machine is unused."""
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind((HOST, port))
        except OSError:
            return False
    return True


def serve(file: Path | None, port: int, browser: bool, token: str) -> None:
    """Serve the explorer until Ctrl-C.

    Parameters
    ----------
    file : Path or None
        Valid model file of the initial screen.
    port : int
        Port on 127.0.0.1.
    browser : bool
        Open the page in the default browser.
    token : str
        Secret that a browser must send once, as ``?token=``, to exclude other users of this machine.

    Raises
    ------
    ExtraMissing
        If Voila is not installed.
    """
    check_installed()
    from traitlets.config import Config

    from .voila_app import LOOKED_AFTER, NEVER_SEEN, ExplorerServer

    if file is not None:
        os.environ[VARIABLE] = str(file.resolve())
    config = Config()
    config.Voila.update(
        {
            "ip": HOST,
            "port": port,
            "port_retries": 0,
            "open_browser": browser,
            "token": token,
            "log_level": "ERROR",
            "tornado_settings": {"headers": {"Content-Security-Policy": POLICY}},
        }
    )
    config.MappingKernelManager.update({"cull_idle_timeout": NEVER_SEEN, "cull_interval": LOOKED_AFTER})
    with (
        tempfile.TemporaryDirectory(prefix="respair-explorer-") as folder,
        as_file(files(__package__) / NOTEBOOK) as packed,
    ):
        notebook = Path(shutil.copy(packed, folder))
        ExplorerServer.launch_instance(argv=[str(notebook)], config=config)
