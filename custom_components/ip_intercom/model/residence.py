"""Functions of an apartment account beside its doors and cameras: features as in ``functions``.

All methods raise ``IntercomError`` of ``systems.common.errors``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from .functions import AccessRecord, Download
from .parts import BellId, CameraId, PlaceId, SettingId


class Visitors(Protocol):
    """Pictures of visitors that are there for a few minutes only."""

    async def picture(self, name: str) -> bytes:
        """Return the JPEG that ``ButtonPressed.picture`` names."""


class AccountSettings(Protocol):
    """What people set at the system."""

    async def set(self, setting: SettingId, value: bool | str) -> None:
        """Turn a setting on or off, or choose one of its options."""


class FlatCodes(Protocol):
    """The codes that open the doors of a flat."""

    async def renew(self, flat: PlaceId) -> str:
        """Have another code made, and return it; the one before opens nothing any more."""

    async def let_guests_in(self, flat: PlaceId, until: datetime | None) -> None:
        """Open the doors for visitors at a flat until then; None ends it."""


class History(Protocol):
    """Who came to a flat, as the system writes it down."""

    async def query(self, flat: PlaceId, day: date) -> tuple[AccessRecord, ...]:
        """Return the records of a day, newest first."""

    async def days(self, flat: PlaceId) -> Mapping[date, int]:
        """Return the days that there are records of, and how many."""

    async def picture(self, record: str) -> bytes:
        """Return the JPEG of a record."""


class Messages(Protocol):
    """Messages of the operator."""

    async def unread(self) -> int:
        """Return how many were not read yet."""

    async def mark_read(self, message: str | None) -> None:
        """Mark a message as read, all for None."""

    async def mark_delivered(self, message: str) -> bool:
        """Tell that a message has arrived; False where the system does not want to know."""

    async def send_test(self, text: str) -> None:
        """Have the system write to us, to see whether its messages arrive."""


@dataclass(frozen=True, slots=True)
class SipAccount:
    """What a SIP phone needs to take a call, or to make one; the password opens doors."""

    server: str
    port: int
    transport: str
    extension: str = field(repr=False)
    password: str = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)


class SipAccounts(Protocol):
    """Phones that may take calls."""

    async def visitor(self, bells: Collection[BellId]) -> SipAccount:
        """Return the account that takes the latest call at one of these bells, while it is good."""

    async def support(self) -> SipAccount:
        """Return the account by which the operator's support is called."""


@dataclass(frozen=True, slots=True)
class Watch:
    """An event of a flat that a user wants to be notified of immediately."""

    id: str
    flat: PlaceId
    event: str
    detail: str | None = None
    comment: str | None = None


class Watches(Protocol):
    """Events that the system tells of by a message of their own."""

    async def query(self) -> tuple[Watch, ...]:
        """Return what is watched."""

    async def add(self, flat: PlaceId, event: str, detail: str | None, comment: str | None) -> None:
        """Watch for an event, such as a key that is used."""

    async def remove(self, watch: str) -> None:
        """Watch for it no more."""


class Archive(Protocol):
    """Recordings of cameras."""

    @property
    def recordings(self) -> Mapping[str, bool]:
        """Those that were asked for lately, and whether each is ready."""

    async def ranges(self, camera: CameraId) -> tuple[tuple[datetime, datetime], ...]:
        """Return from when to when there are recordings."""

    async def prepare(self, camera: CameraId, start: datetime, end: datetime) -> str:
        """Have a recording made ready, which takes a while, and return its id."""

    def download(self, recording: str) -> Download:
        """Open a recording that is ready."""
