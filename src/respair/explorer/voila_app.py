"""Voila as the explorer needs it: the kernel of a page ends with it."""

from __future__ import annotations

from typing import Any

from jupyter_core.utils import ensure_async
from tornado.ioloop import IOLoop
from tornado.web import HTTPError
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

RECONNECTS = 10
"""Seconds in which a page that lost its connection may come back."""
NEVER_SEEN, LOOKED_AFTER = 60, 20
"""Seconds after which a kernel ends whose page was left before it was there, and between two looks."""


class Shutdown(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Ends the kernel of a page that is left.

    Voila's page asks for this with a token that its server never gave it; that the page is of this server, by its
    origin, takes the place of the token.
    """

    def check_xsrf_cookie(self) -> None:
        """Refuse pages of other servers."""
        if not self.check_origin():
            raise HTTPError(403)


class Channels(VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """The connection of a page to its kernel, which ends after it: a tab that is closed at once asks for nothing."""

    def on_close(self) -> None:
        """End the kernel if nobody comes back."""
        super().on_close()
        IOLoop.current().call_later(RECONNECTS, self._end_left)

    async def _end_left(self) -> None:
        manager, kernel = self.kernel_manager, self.kernel_id
        if kernel in manager and not manager.kernel_model(kernel)["connections"]:
            await ensure_async(manager.shutdown_kernel(kernel))


class ExplorerServer(Voila):  # type: ignore[misc]
    """Voila with `Shutdown` and `Channels`."""

    def init_handlers(self) -> list[Any]:
        """Put the own handlers in front of Voila's."""
        root = self.server_url.rstrip("/")
        own = [
            (rf"{root}/voila/api/shutdown/(.*)", Shutdown),
            (rf"{root}/api/kernels/(?P<kernel_id>[\w-]+)/channels", Channels),
        ]
        return [*own, *super().init_handlers()]
