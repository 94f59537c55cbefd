"""Switches, which drive door strikes and the like (HTTP API 5.4)."""

from dataclasses import dataclass
from enum import StrEnum

from ...common.parse import fields, flag, integer, text
from .client import TwoNClient
from .endpoints import SWITCH_CAPS, SWITCH_CTRL, SWITCH_STATUS


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
    enabled: bool
    bistable: bool
    on_duration: int | None
    type: str | None


@dataclass(frozen=True, slots=True)
class SwitchStatus:
    """State of a switch (HTTP API 5.4.2).

    A locked switch stays off and a held one on; locked prevails. ``hold_timeout`` is the number
    of seconds until the hold ends by itself. None where the firmware does not tell.
    """

    switch: int
    active: bool
    locked: bool | None
    held: bool | None
    hold_timeout: int | None


class Switch:
    """``/api/switch``."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def caps(self) -> tuple[SwitchCaps, ...]:
        """Return the settings of every switch (HTTP API 5.4.1)."""
        return await self._client.rows(SWITCH_CAPS, "switches", _caps)

    async def status(self) -> tuple[SwitchStatus, ...]:
        """Return the state of every switch (HTTP API 5.4.2)."""
        return await self._client.rows(SWITCH_STATUS, "switches", _status)

    async def ctrl(self, switch: int, action: SwitchAction, timeout: int | None = None) -> None:
        """Command a switch (HTTP API 5.4.3).

        Args:
            switch: Number of the switch, from 1.
            action: What to do.
            timeout: Seconds (1 to 86400) after which ``hold`` ends by itself.

        Raises:
            CommandFailed: Disabled, or locked and asked to turn on.
        """
        params = {"switch": str(switch), "action": action.value}
        if timeout is not None:
            params["timeout"] = str(timeout)
        await self._client.call(SWITCH_CTRL, params)


def _caps(row: object) -> SwitchCaps | None:
    item = fields(row)
    if (number := integer(item.get("switch"))) is None:
        return None
    return SwitchCaps(
        switch=number,
        enabled=flag(item.get("enabled")) is not False,
        bistable=text(item.get("mode")) == "bistable",
        on_duration=integer(item.get("switchOnDuration")),
        type=text(item.get("type")),
    )


def _status(row: object) -> SwitchStatus | None:
    item = fields(row)
    number, active = integer(item.get("switch")), flag(item.get("active"))
    if number is None or active is None:
        return None
    return SwitchStatus(
        switch=number,
        active=active,
        locked=flag(item.get("locked")),
        held=flag(item.get("held")),
        hold_timeout=integer(item.get("holdTimeout")),
    )
