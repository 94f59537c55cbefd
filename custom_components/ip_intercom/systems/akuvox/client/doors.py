"""Relays, inputs, public codes, and door commands outside the API (Api relay, Api input, Api publiccode)."""

from collections.abc import Mapping
from enum import IntEnum
import re

from ...common.errors import (
    CommandFailed,
    HighSecurity,
    InvalidRequest,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
    Overloaded,
    UnexpectedReply,
)
from ...common.parse import Fields, integer, text
from .client import AkuvoxClient, Functions
from .config import Section
from .protocol import (
    INPUT_GET,
    INPUT_SET,
    INPUT_STATUS,
    LIST,
    PUBLICCODE_GET,
    PUBLICCODE_SET,
    RELAY_GET,
    RELAY_SET,
    RELAY_STATUS,
    RELAY_TRIG,
    Endpoint,
    error,
    is_moved,
    retcode,
)

OPEN_DOOR = "/fcgi/OpenDoor"
LEGACY = "/fcgi/do"
_ACTION = "OpenDoor"
_BAD_RELAY = -2
_MEANINGS: Mapping[int, type[CommandFailed]] = {-3: OpeningDisabled, -4: HighSecurity}
_VALUE = re.compile(rb"hcSingleResult[^>]*value='(-?\d+)'")
_RELAY, _DOOR, _INPUT = "Relay", "Door", "Input"


class Mode(IntEnum):
    """How a triggered relay closes: automatically after the delay, or only on a second command."""

    AUTO = 0
    MANUAL = 1


class Relay(Section):
    """``/api/relay``; the keys of ``get`` and ``set`` differ among devices."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, RELAY_GET, RELAY_SET)

    async def status(self) -> Mapping[str, int]:
        """Return the levels by letter or number, such as ``{"A": 0}``; 1 is open unless wired normally closed.

        A094 and A095 use the keys Relay1 and Door1; other keys are returned without the word Relay.

        Raises:
            UnexpectedReply: None of the levels is readable.
        """
        return _levels(RELAY_STATUS, await self._client.call(RELAY_STATUS), _DOOR, _RELAY)

    async def trig(self, num: int, *, mode: Mode | int = Mode.AUTO, level: int = 0, delay: int = 0) -> None:
        """Trigger a relay; never sent twice (Api relay trig).

        Args:
            num: 1 to 4 for A to D, 11 and 12 for the security relays A and B.
            mode: Whether the relay closes automatically.
            level: 0 for normally open wiring, 1 for normally closed; the wrong one closes the relay.
            delay: Seconds until the relay closes, 0 to 65535; 0 uses the device's setting.

        Raises:
            InvalidRequest: The relay does not exist.
        """
        await self._client.call(RELAY_TRIG, {"mode": int(mode), "num": num, "level": level, "delay": delay})


class Input(Section):
    """``/api/input``; the keys of ``get`` and ``set`` differ among devices."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, INPUT_GET, INPUT_SET)

    async def status(self) -> Mapping[str, int]:
        """Return the levels of the inputs by letter, such as ``{"A": 1}``; 0 is a closed contact (Api input status).

        Raises:
            UnexpectedReply: None of the levels is readable.
        """
        return _levels(INPUT_STATUS, await self._client.call(INPUT_STATUS), _INPUT)


class PublicCode(Section):
    """``/api/publiccode``: codes that are valid for all users; ``get`` returns them."""

    def __init__(self, client: AkuvoxClient) -> None:
        super().__init__(client, PUBLICCODE_GET, PUBLICCODE_SET)


def _levels(endpoint: Endpoint, data: Fields, *prefixes: str) -> dict[str, int]:
    named = [
        (name[len(prefix) :].upper() if len(name) == len(prefix) + 1 else name[len(prefix) :], data[name])
        for prefix in prefixes
        for name in data
        if name.lower().startswith(prefix.lower())
    ]
    levels = {name: level for name, value in named if (level := integer(value)) is not None}
    if (named and not levels) or LIST in data:
        raise UnexpectedReply(f"{endpoint.path} returned unreadable levels")
    return levels


class Opening(Functions):
    """``/fcgi``: door commands that are never sent twice."""

    async def open_door(self, number: int | str) -> None:
        """Open a door with the API account.

        Args:
            number: 1 to 4 for A to D, ``SA`` and ``SB`` for the security relays.

        Raises:
            OpeningDisabled: *Open Relay via HTTP* is disabled.
            HighSecurity: High Security Mode is enabled.
            InvalidRequest: The relay does not exist.
            NotSupported: The device does not have this command.
        """
        try:
            content = await self._client.command(OPEN_DOOR, {"action": _ACTION, "DoorNum": str(number)})
        except Overloaded as err:
            if err.retry_after is not None:
                raise
            # Response of an R29 while opening over HTTP is disabled.
            raise OpeningDisabled("opening over HTTP is not enabled") from err
        code = retcode(content)
        message = text(content.get("message"))
        if code is None:
            raise UnexpectedReply(f"{OPEN_DOOR} returned unexpected JSON")
        if code in _MEANINGS:
            raise _MEANINGS[code](message or "opening over HTTP is off")
        if code == _BAD_RELAY:
            raise InvalidRequest(message or "Bad relay number", "DoorNum")
        if code < 0:
            raise error(OPEN_DOOR, code, message, {})

    async def legacy(self, number: int | str, username: str, password: str) -> None:
        """Open a door with the account of *Open Relay via HTTP*, which is part of the URL.

        Args:
            number: As ``open_door``.

        Raises:
            OpeningRefused: The account is wrong or disabled, or the relay does not exist (same response).
            NotSupported: The device does not have this command.
        """
        params = {"action": _ACTION, "UserName": username, "Password": password, "DoorNum": str(number)}
        reply = await self._client.page(LEGACY, params)
        if is_moved(reply.body) or (value := _VALUE.search(reply.body)) is None:
            raise NotSupported(f"{LEGACY} does not open doors")
        if int(value[1]) < 0:
            raise OpeningRefused("the device refused to open")
