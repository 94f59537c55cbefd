"""Codes, cards and faces of an Akuvox: pushed without a name, then logged with one, reported once."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from ...model.parts import Access
from .client.logs import DoorMethod, DoorRecord
from .push import ACCESS_EVENT

# Seconds that a pushed credential waits for its record, which contains the user.
_RECORD_TIMEOUT = 6.0
# Seconds within which a late record is still matched to its credential.
_LATE_RECORD_TIMEOUT = 90.0
# Maximum number of waiting credentials, as a limit for floods.
_MAX_WAITING = 64

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
# Placeholders for an unknown name, in the languages seen so far.
_UNKNOWN_NAMES = frozenset({"", "unknown", "unknow", "desconhecido"})


def user_of(record: DoorRecord) -> str | None:
    """Return the user of a door log record, None if unknown to the device."""
    return None if (record.name or "").lower() in _UNKNOWN_NAMES else record.name


def is_access_attempt(record: DoorRecord) -> bool:
    """Return whether a record is of a user who requested access.

    A command of any HTTP client is not, nor is a record with neither user nor method.
    """
    if record.method is DoorMethod.HTTP:
        return False
    is_known = record.method is not DoorMethod.UNKNOWN or user_of(record) is not None or record.code is not None
    return is_known or record.granted is False


def access_of(event: str, when: datetime) -> Access:
    """Return the access decision of a pushed credential."""
    found = ACCESS_EVENT.fullmatch(event)
    assert found is not None, event  # other push messages are handled before
    return Access(when, granted=found[1] == "Valid", method=_PUSHED_METHODS[found[2]])


@dataclass(frozen=True, slots=True)
class Credential:
    """A pushed credential; ``deadline`` is the monotonic time to report it, or to forget it."""

    event: str
    access: Access
    deadline: float


class Credentials:
    """Credentials that wait for their record, and those that were reported without it."""

    def __init__(self) -> None:
        self._waiting: list[Credential] = []
        self._reported: list[Credential] = []

    @property
    def deadlines(self) -> Collection[float]:
        """Monotonic times at which the waiting credentials are reported."""
        return [credential.deadline for credential in self._waiting]

    def push(self, event: str, access: Access, now: float) -> None:
        """Add a credential that waits for its record, unless too many do."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting.append(Credential(event, access, now + _RECORD_TIMEOUT))

    def take_overdue(self, now: float) -> list[Credential]:
        """Return the credentials whose record did not arrive."""
        overdue = [credential for credential in self._waiting if credential.deadline <= now]
        self._waiting = [credential for credential in self._waiting if credential.deadline > now]
        reported = [
            *self._reported,
            *(replace(credential, deadline=now + _LATE_RECORD_TIMEOUT) for credential in overdue),
        ]
        self._reported = [credential for credential in reported if credential.deadline > now][-_MAX_WAITING:]
        return overdue

    def is_reported(self, granted: bool, method: str | None, now: float) -> bool:
        """Remove the credential of a record; return whether it was already reported."""
        self._reported = [credential for credential in self._reported if credential.deadline > now]
        for credential in self._reported:
            if credential.access.granted is granted and method in {None, credential.access.method}:
                self._reported.remove(credential)
                return True
        waiting = next((one for one in self._waiting if one.access.granted is granted), None)
        if waiting is not None:
            self._waiting.remove(waiting)
        return False
