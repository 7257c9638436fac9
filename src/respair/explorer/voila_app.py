"""Voila for the explorer: the kernel of a page ends with the page."""

from __future__ import annotations

from typing import Any

from jupyter_core.utils import ensure_async
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

RECONNECTS = 10
"""Time in seconds for a page to restore a lost connection."""
NEVER_SEEN, LOOKED_AFTER = 60, 20
"""Age in seconds at which the kernel of a page that never connected ends, and time between two checks."""


class Shutdown(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends the kernel of a closed page.

    Voila's page sends this request with a token unknown to the server; the origin of the page is checked in place of
    the token.
    """

    def check_xsrf_cookie(self) -> None:
        """Reject pages of other servers."""
        if not self.check_origin():
            raise HTTPError(403)


class Channels(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """Connection of a page to its kernel; its loss ends the kernel, even if the closed tab sent no request."""

    def on_close(self) -> None:
        """End the kernel unless the page reconnects."""
        super().on_close()
        IOLoop.current().call_later(RECONNECTS, self._end_left)

    async def _end_left(self) -> None:
        manager, kernel = self.kernel_manager, self.kernel_id
        if kernel in manager and not manager.kernel_model(kernel)["connections"]:
            await ensure_async(manager.shutdown_kernel(kernel))


class ExplorerServer(Voila):  # type: ignore[misc]
    """Voila with `Shutdown` and `Channels`."""

    def init_handlers(self) -> list[Any]:
        """Put these handlers before those of Voila."""
        root = self.server_url.rstrip("/")
        own = [
            (rf"{root}/voila/api/shutdown/(.*)", Shutdown),
            (rf"{root}/api/kernels/(?P<kernel_id>[\w-]+)/channels", Channels),
        ]
        return [*own, *super().init_handlers()]
