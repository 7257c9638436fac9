"""The explorer as a local web page: Voila serves the notebook that is packed beside this file, to this machine only."""

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
"""Nothing is loaded from other machines."""


def free_port() -> int:
    """Return a port of this machine that nobody listens to."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether nobody listens to a port of this machine."""
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
        A correct model file to begin with.
    port : int
        Where on 127.0.0.1.
    browser : bool
        Open the page in the browser of the desktop.
    token : str
        What a browser must show once, in ``?token=``; other users of this machine do not know it.

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
