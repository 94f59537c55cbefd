"""Pure functions that map Akuvox responses to the neutral model."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import time

from ...model.parts import Clock, Identity, Line, LineId, Port, PortId
from ..common.parse import is_set
from .client.phone import SipAccount
from .client.system import SystemInfo, SystemStatus
from .wiring import Input

MANUFACTURER = "Akuvox"


def identity_of(info: SystemInfo, location: str | None, host: str | None) -> Identity:
    """Return the identity of the device; ``location`` has priority as its name, since a user entered it."""
    return Identity(
        id=info.mac or "",
        mac=info.mac,
        serial=None,
        manufacturer=MANUFACTURER,
        model=info.model,
        name=location or info.model or host or MANUFACTURER,
        firmware=info.firmware,
        hardware=info.hardware,
    )


def lines_of(accounts: tuple[SipAccount, ...]) -> Mapping[LineId, Line]:
    """Return the SIP accounts."""
    return {
        str(account.account): Line(
            id=str(account.account),
            number=account.user,
            registered=account.registered if account.enabled else None,
            enabled=bool(account.enabled),
        )
        for account in accounts
    }


def ports_of(levels: Mapping[str, int], inputs: Mapping[str, Input]) -> Mapping[PortId, Port]:
    """Return the enabled inputs; an input is on if its pin has the trigger level."""
    return {
        known.port: Port(known.port, output=False, on=levels[letter] == known.level if letter in levels else None)
        for letter, known in inputs.items()
    }


def clock_of(status: SystemStatus) -> Clock | None:
    """Return the offset of the device's clock; half a second is added because the device reports whole seconds."""
    if status.time is None:
        return None
    return Clock(round(status.time + 0.5 - time()), set=is_set(datetime.fromtimestamp(status.time, UTC)))
