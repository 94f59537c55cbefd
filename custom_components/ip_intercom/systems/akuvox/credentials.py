"""Codes, cards, and faces of an Akuvox: pushed without a name, logged a moment later with one, reported once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from ...model.parts import Access
from .client.logs import DoorMethod, DoorRecord
from .push import ACCESS_EVENT

# A credential that was pushed waits so many seconds for its record, which knows whose it was.
_PATIENCE = 6.0
# A record that comes so many seconds later is still that of the credential.
_LATE = 90.0
# Limit for floods of the address.
_MANY = 64

_PUSHED_METHODS = {"Code": "code", "Card": "card", "Face": "face", "QR": "qr_code", "QRCode": "qr_code"}
RECORDED_METHODS = {
    DoorMethod.CARD: "card",
    DoorMethod.PIN: "code",
    DoorMethod.PUBLIC_CODE: "code",
    DoorMethod.FACE: "face",
    **{
        method: method.value
        for method in (
            DoorMethod.BLUETOOTH,
            DoorMethod.NFC,
            DoorMethod.QR_CODE,
            DoorMethod.FINGER,
            DoorMethod.DTMF,
            DoorMethod.CALL,
            DoorMethod.HTTP,
        )
    },
}
# What stands for a name where the device knows none, in the languages that were seen.
_NOBODY = frozenset({"", "unknown", "unknow", "desconhecido"})


def somebody(record: DoorRecord) -> str | None:
    """Return the person of a door log record, None for a person unknown to the device."""
    return None if (record.name or "").lower() in _NOBODY else record.name


def is_person(record: DoorRecord) -> bool:
    """Tell whether a record is of a person who wanted in.

    A command over HTTP, ours or another machine's, is none, and neither is one that names neither person nor method.
    """
    if record.method is DoorMethod.HTTP:
        return False
    is_known = record.method is not DoorMethod.UNKNOWN or somebody(record) is not None or record.code is not None
    return is_known or record.granted is False


def access_of(event: str, when: datetime) -> Access:
    """Return what a pushed credential tells by itself."""
    found = ACCESS_EVENT.fullmatch(event)
    assert found is not None, event  # all else that is understood has been looked for
    return Access(when, granted=found[1] == "Valid", method=_PUSHED_METHODS[found[2]])


@dataclass(frozen=True, slots=True)
class Credential:
    """One that was pushed; ``deadline`` is when to tell of it, or when to forget it, by the monotonic clock."""

    event: str
    access: Access
    deadline: float


class Credentials:
    """Those that wait for their record, and those that were told without it."""

    def __init__(self) -> None:
        self._waiting: list[Credential] = []
        self._told: list[Credential] = []

    @property
    def deadlines(self) -> Collection[float]:
        """When those that wait are to be told of."""
        return [credential.deadline for credential in self._waiting]

    def push(self, event: str, access: Access, now: float) -> None:
        """Let one wait for its record, unless too many do."""
        if len(self._waiting) < _MANY:
            self._waiting.append(Credential(event, access, now + _PATIENCE))

    def take_overdue(self, now: float) -> list[Credential]:
        """Return those whose record did not come."""
        overdue = [credential for credential in self._waiting if credential.deadline <= now]
        self._waiting = [credential for credential in self._waiting if credential.deadline > now]
        told = [*self._told, *(replace(credential, deadline=now + _LATE) for credential in overdue)]
        self._told = [credential for credential in told if credential.deadline > now][-_MANY:]
        return overdue

    def is_told(self, granted: bool, method: str | None, now: float) -> bool:
        """Remove a record's credential, and return whether it was already reported."""
        self._told = [credential for credential in self._told if credential.deadline > now]
        for credential in self._told:
            if credential.access.granted is granted and method in {None, credential.access.method}:
                self._told.remove(credential)
                return True
        waiting = next((one for one in self._waiting if one.access.granted is granted), None)
        if waiting is not None:
            self._waiting.remove(waiting)
        return False
