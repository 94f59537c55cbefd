"""TCP keepalive to detect a lost peer, such as a device without power, during a request."""

import socket
from typing import override

from aiohttp import ClientRequest, ClientResponse, hdrs
from aiohttp.connector import Connection

from .http import UPLOAD_STALL

# Seconds of silence before the first keepalive probe, and between probes.
IDLE = 4
INTERVAL = 2
# Seconds without an acknowledgment after which the connection is lost.
LOST = 10
# Not every platform has all of them.
_KEEP_IDLE: int | None = getattr(socket, "TCP_KEEPIDLE", None)
_KEEP_INTERVAL: int | None = getattr(socket, "TCP_KEEPINTVL", None)
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class KeepAliveRequest(ClientRequest):
    """A request whose connection is monitored by TCP keepalive (``request_class`` of a session).

    Without it, a long poll to a device without power would wait for a minute. The probes also keep the connection alive
    in firewalls.
    """

    @override
    async def send(self, conn: Connection) -> ClientResponse:
        sock = None if conn.transport is None else conn.transport.get_extra_info("socket")
        if sock is not None:
            # A device may stop reading an upload while it writes to flash.
            uploads = self.headers.get(hdrs.CONTENT_TYPE, "").startswith("multipart/")
            lost = max(LOST, UPLOAD_STALL) if uploads else LOST
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((_KEEP_IDLE, IDLE), (_KEEP_INTERVAL, INTERVAL), (_USER_TIMEOUT, int(lost * 1000))):
                if option is not None:
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)
        return await super().send(conn)
