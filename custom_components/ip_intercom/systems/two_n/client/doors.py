"""Switches, ports, access points, elevators, license plates and automation (HTTP API 5.4 to 5.19)."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Annotated
from zlib import crc32

from ...common.decode import Key, decode, decode_reply
from ...common.errors import InvalidRequest, NotSupported, UnexpectedReply
from ...common.parse import fields, flag, integer, text
from .client import Functions
from .protocol import (
    ACCESS_BLOCKING_CTRL,
    ACCESS_BLOCKING_STATUS,
    ACCESS_GRANT,
    AUTOMATION_TRIGGER,
    AUTOMATION_TRIGGER_BY_PATH,
    IO_CAPS,
    IO_CTRL,
    IO_DOORBELL,
    IO_STATUS,
    LIFT_GRANT,
    LPR_IMAGE,
    LPR_LICENSEPLATE,
    SWITCH_CAPS,
    SWITCH_CTRL,
    SWITCH_STATUS,
)

_MAX_IMAGE = 1024 * 1024


class SwitchAction(StrEnum):
    """Commands of a switch (HTTP API 5.4.3)."""

    ON = "on"
    OFF = "off"
    TRIGGER = "trigger"
    LOCK = "lock"
    UNLOCK = "unlock"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class SwitchCaps:
    """Settings of a switch (HTTP API 5.4.1); ``on_duration`` in seconds, monostable switches only."""

    switch: int
    enabled: bool = True
    bistable: Annotated[bool, Key("mode", convert=lambda mode: text(mode) == "bistable")] = False
    on_duration: Annotated[int | None, Key("switchOnDuration")] = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class SwitchStatus:
    """State of a switch (HTTP API 5.4.2).

    A locked switch stays off and a held one on; the lock prevails. ``hold_timeout`` is the number of
    seconds until the hold ends. None if the firmware does not report the value.
    """

    switch: int
    active: bool
    locked: bool | None
    held: bool | None
    hold_timeout: int | None


class Switch(Functions):
    """``/api/switch``."""

    async def caps(self) -> tuple[SwitchCaps, ...]:
        """Return the settings of every switch (HTTP API 5.4.1)."""
        return await self._client.rows(SWITCH_CAPS, "switches", partial(decode, SwitchCaps))

    async def status(self) -> tuple[SwitchStatus, ...]:
        """Return the state of every switch (HTTP API 5.4.2)."""
        return await self._client.rows(SWITCH_STATUS, "switches", partial(decode, SwitchStatus))

    async def ctrl(self, switch: int, action: SwitchAction, timeout: int | None = None) -> None:
        """Command a switch (HTTP API 5.4.3).

        Args:
            switch: Number of the switch, from 1.
            timeout: Seconds (1 to 86400) after which ``hold`` ends by itself.

        Raises:
            CommandFailed: The switch is disabled, or locked and cannot turn on.
        """
        params = {"switch": str(switch), "action": action.value}
        if timeout is not None:
            params["timeout"] = str(timeout)
        await self._client.call(SWITCH_CTRL, params)


class Io(Functions):
    """``/api/io``."""

    async def caps(self) -> Mapping[str, bool]:
        """Return the ports by name: True for an output, False for an input (HTTP API 5.5.1)."""
        return dict(await self._client.rows(IO_CAPS, "ports", _kind))

    async def status(self) -> Mapping[str, bool]:
        """Return the state of the ports by name (HTTP API 5.5.2)."""
        return dict(await self._client.rows(IO_STATUS, "ports", _state, tolerant=True))

    async def ctrl(self, port: str, on: bool) -> None:
        """Set an output (HTTP API 5.5.3).

        Raises:
            InvalidRequest: The port is an input or does not exist.
        """
        await self._client.call(IO_CTRL, {"port": port, "action": "on" if on else "off"})

    async def doorbell(self) -> None:
        """Ring the doorbell of an indoor unit; firmware 3.3 and newer."""
        await self._client.call(IO_DOORBELL, {})


def _kind(row: object) -> tuple[str, bool] | None:
    port, kind = text(fields(row).get("port")), text(fields(row).get("type"))
    return None if port is None or kind is None else (port, kind == "output")


def _state(row: object) -> tuple[str, bool] | None:
    port, state = text(fields(row).get("port")), flag(fields(row).get("state"))
    return None if port is None or state is None else (port, state)


@dataclass(frozen=True, slots=True)
class Grant:
    """Result of an access request; reasons are ``invalidAp``, ``invalidCredential`` or ``accessBlocked``."""

    # A success without details is a grant: a denial has a reason.
    granted: Annotated[bool, Key("accessGranted")] = True
    reason: str | None = None


class AccessPoints(Functions):
    """``/api/accesspoint``; 0 is the entry and 1 the exit."""

    async def blocked(self) -> Mapping[int, bool]:
        """Return whether each access point is blocked, by number (HTTP API 5.17.2)."""
        return dict(await self._client.rows(ACCESS_BLOCKING_STATUS, "accessPoints", _blocked))

    async def block(self, point: int, blocked: bool) -> None:
        """Block or unblock an access point (HTTP API 5.17.1).

        Raises:
            Rejected: The access point is out of service.
        """
        await self._client.call(ACCESS_BLOCKING_CTRL, {"id": str(point), "action": "on" if blocked else "off"})

    async def grant(self, point: int, user: str) -> Grant:
        """Grant access to a user of the directory by the user's access rules (HTTP API 5.17.3).

        Args:
            point: 0 for entry, 1 for exit.
            user: uuid of the entry.

        Raises:
            Rejected: The access point is out of service.
        """
        result = await self._client.call(ACCESS_GRANT, {"id": str(point), "user": user})
        return decode_reply(Grant, result, ACCESS_GRANT.path)


def _blocked(row: object) -> tuple[int, bool] | None:
    number, blocked = integer(fields(row).get("id")), flag(fields(row).get("blocked"))
    return None if number is None or blocked is None else (number, blocked)


class Lift(Functions):
    """``/api/lift``; needs *Access Control – Control*."""

    async def grant(self, user: str, duration: int | None = None) -> None:
        """Unlock the floors of a user for 1 to 600 seconds, by default as configured (HTTP API 5.18.1).

        Raises:
            InvalidRequest: The directory has no such entry.
        """
        # The manual's table names the parameter uuid, its example and the error name it user.
        params = {"user": user, "uuid": user}
        if duration is not None:
            params["duration"] = str(duration)
        await self._client.call(LIFT_GRANT, params)


class Lpr(Functions):
    """``/api/lpr``."""

    async def recognize(
        self,
        uuid: str,
        point: int,
        plate: str,
        image: bytes | None = None,
        arrival: int | None = None,
        direction: int | None = None,
    ) -> None:
        """Report a recognized license plate, on which the device grants or denies access (HTTP API 5.16.1).

        Args:
            uuid: ID of the recognition; the device ignores a repetition of the last ten.
            point: 0 for entry, 1 for exit.
            image: JPEG of up to 256 KiB.
            arrival: The ``lprID`` of firmware 2.40 and newer, which requires it: the same number for all recognitions
                of one arrival of a car. None derives it from ``uuid``.
            direction: 0 unknown, 1 in or out, 2 in, 3 out; firmware 2.40 and newer.

        Raises:
            InvalidRequest: The device rejects a value.
        """
        body: dict[str, object] = {
            "lprUuid": uuid,
            "accessPoint": point,
            "plateText": plate,
            "lprID": crc32(uuid.encode()) & 0x7FFFFFFF if arrival is None else arrival,
        }
        if image is not None:
            body["plateImage"] = b64encode(image).decode()
        if direction is not None:
            body["lprDir"] = direction
        await self._client.call(LPR_LICENSEPLATE, body=body)

    async def image(self, plate: str) -> bytes:
        """Return the JPEG of a recognized plate, of the last five (HTTP API 5.16.2).

        Raises:
            NoData: The device has no image of the plate.
        """
        reply = await self._client.fetch(LPR_IMAGE, {"plateText": plate}, max_bytes=_MAX_IMAGE)
        if not reply.body.startswith(b"\xff\xd8"):
            raise UnexpectedReply("the image of the plate is not a JPEG")
        return reply.body


class Automation(Functions):
    """``/api/automation``; needs *Access to Automation*."""

    async def trigger(self, trigger: str, params: Mapping[str, str]) -> None:
        """Fire an ``HttpTrigger`` with custom parameters (HTTP API 5.19.1).

        2N OS (firmware 3) expects the trigger in the path.

        Raises:
            InvalidRequest: The trigger does not exist.
        """
        try:
            await self._client.call(AUTOMATION_TRIGGER, {**params, "triggerId": trigger})
        except NotSupported:
            if "/" in trigger or trigger in {"", ".", ".."}:
                # The path would be that of another function.
                raise InvalidRequest("not a valid trigger name", "triggerId") from None
            path = AUTOMATION_TRIGGER_BY_PATH.path.format(triggerId=trigger)
            await self._client.call(replace(AUTOMATION_TRIGGER_BY_PATH, path=path), params)
