"""Opening a door beside the API, for devices without relays in it (field notes 3 and 4; no section of the manual)."""

import re

from ...common.errors import (
    HighSecurity,
    InvalidRequest,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
    Overloaded,
    UnexpectedReply,
)
from ...common.parse import text
from .client import AkuvoxClient
from .envelope import error, retcode

OPEN_DOOR = "/fcgi/OpenDoor"
LEGACY = "/fcgi/do"
_ACTION = "OpenDoor"
_BAD_RELAY, _NOT_ENABLED, _NOT_SAFE = -2, -3, -4
# What devices answer whose firmware has only the other way.
_MOVED = b"please use new interface"
_VALUE = re.compile(rb"hcSingleResult[^>]*value='(-?\d+)'")


class Opening:
    """``/fcgi``: commands that are never sent twice."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client

    async def open_door(self, number: int | str) -> None:
        """Open a door with the login of the API.

        Args:
            number: 1 to 4 for A to D, ``SA`` and ``SB`` for the security relays.

        Raises:
            OpeningDisabled: *Open Relay via HTTP* is not ticked.
            HighSecurity: High Security Mode is on.
            InvalidRequest: There is no such relay.
            NotSupported: The device has no such way.
        """
        try:
            content = await self._client.command(OPEN_DOOR, {"action": _ACTION, "DoorNum": str(number)})
        except Overloaded as err:
            if err.retry_after is not None:
                raise
            # So says an R29 as long as it is not enabled.
            raise OpeningDisabled("opening over HTTP is not enabled") from err
        code = retcode(content)
        message = text(content.get("message"))
        if code is None:
            raise UnexpectedReply(f"{OPEN_DOOR} answered JSON that is not its own")
        if code == _NOT_ENABLED:
            raise OpeningDisabled(message or "Not Enable")
        if code == _NOT_SAFE:
            raise HighSecurity(message or "Not Safe")
        if code == _BAD_RELAY:
            raise InvalidRequest(message or "Bad relay number", "DoorNum")
        if code < 0:
            raise error(OPEN_DOOR, code, message, {})

    async def legacy(self, number: int | str, username: str, password: str) -> None:
        """Open a door with the login of *Open Relay via HTTP*, which goes out in the address.

        Args:
            number: As ``open_door``.
            username: Its user name.
            password: Its password.

        Raises:
            OpeningRefused: That login is wrong or not enabled, or there is no such relay: the device does not tell.
            NotSupported: The device has no such way.
        """
        params = {"action": _ACTION, "UserName": username, "Password": password, "DoorNum": str(number)}
        reply = await self._client.page(LEGACY, params)
        if _MOVED in reply.body.lower() or (value := _VALUE.search(reply.body)) is None:
            raise NotSupported(f"{LEGACY} opens no door")
        if int(value[1]) < 0:
            raise OpeningRefused("the device refused to open")
