"""Functions of a device on request, beside doors, calls, and images: the features that actions use.

Small protocols, as in ``features``. All methods raise ``IntercomError`` of ``systems.common.errors``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Protocol

from .parts import AccessPointId, CallRecord, Clock, DisplayId, DoorId, PlaceId, SettingId, StagedFirmware


@dataclass(frozen=True, slots=True)
class Payload:
    """A file to send: open and seekable, read by pieces. ``progress`` hears how many bytes are sent."""

    file: IO[bytes]
    name: str
    size: int
    progress: Callable[[int], None] | None = None


class ByteStream(Protocol):
    """An answer that is handed on as it comes, not held."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes."""


type Download = AbstractAsyncContextManager[ByteStream]


class CallLog(Protocol):
    """The device's own log of calls."""

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first: all, or at most so many where that costs less."""

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """An entry of the device's log of who came in: never with the code or card itself.

    ``method`` is a neutral word such as ``card``, ``picture`` an address on the device.
    """

    id: str
    time: datetime | None
    granted: bool | None
    name: str | None = None
    method: str | None = None
    door: str | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A PIN that opens doors for a while, and a name that tells it from others.

    The device need not know of the window: the caller that adds it removes it again. Without ``doors``
    it opens what a PIN opens by itself.
    """

    name: str
    pin: str = field(repr=False)
    start: datetime
    end: datetime
    doors: tuple[DoorId, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What a device holds of a code: its ID of it, and the name as the device writes it."""

    id: str
    name: str | None


type Remember = Callable[[frozenset[str]], Awaitable[None]]


class Codes(Protocol):
    """PINs that are given to a person for a while."""

    async def add(self, code: Code, others: frozenset[str] | None, remember: Remember) -> Held:
        """Let a PIN in and return what the device holds; one that is there already is no error.

        ``others`` are the IDs that the device had before the code was first sent, None if it never was: then
        ``remember`` gets them, before it is.
        """

    async def remove(self, code: Code, held: Held | None, others: frozenset[str] | None) -> None:
        """Take a PIN away and see that it is gone; another's entry is left alone, one that is gone is no error."""


class Displays(Protocol):
    """Displays that images can be sent to."""

    async def show_image(
        self, display: DisplayId, image: bytes, content_type: str, duration: float | None = None
    ) -> None:
        """Show an image of the display's size for so many seconds, or for None until it is cleared."""


class AccessPoints(Protocol):
    """Ways in and out, on which people are let in or refused."""

    async def is_blocked(self, access_point: AccessPointId) -> bool | None:
        """Return whether an access point refuses everyone now; None where the device does not tell."""

    async def block(self, access_point: AccessPointId, blocked: bool) -> None:
        """Deny access to all people, or end that."""


class Clocks(Protocol):
    """The device's clock."""

    async def read(self) -> Clock:
        """Return how far the clock is off."""

    async def set_time(self, time: datetime, *, keep_server: bool = False) -> None:
        """Set the clock; with ``keep_server`` the device goes on asking its time server where that is possible."""


class Settings(Protocol):
    """Settings of the device that are worth an action."""

    async def name(self) -> str | None:
        """Return the name of the device."""

    async def set_name(self, name: str) -> None:
        """Name the device."""

    async def sip_accounts(self) -> Sequence[Mapping[str, object]]:
        """Return how the SIP accounts are set up, without passwords, in the device's own words."""

    async def set_sip_account(self, account: int, settings: Mapping[str, object]) -> None:
        """Set the given fields of a SIP account."""


class FirmwareControl(Protocol):
    """Changing the firmware: a file is staged, looked at, and installed or discarded."""

    async def stage(self, file: Payload) -> StagedFirmware:
        """Send a file; the device says what is in it."""

    @property
    def waits(self) -> bool:
        """Whether a file is staged, as far as that is known."""

    @property
    def expires(self) -> bool:
        """Whether the device discards a staged file by itself after a while."""

    async def install(self) -> None:
        """Install the staged file; the device restarts."""

    async def discard(self) -> None:
        """Discard the staged file; a device that knows no other way restarts."""

    async def version(self) -> str | None:
        """Return the version that runs now."""


class Maintenance(Protocol):
    """What keeps a device going, and what ends it."""

    async def restart(self) -> None:
        """Restart the device."""

    async def factory_reset(self) -> None:
        """Set the device back to what it was when it was new; accounts and directory are gone."""

    def download_config(self) -> Download:
        """Open the device's whole configuration."""

    async def upload_config(self, file: Payload) -> None:
        """Replace the device's configuration."""


class CaptureStats(Protocol):
    """How a live capture goes."""

    @property
    def running(self) -> bool:
        """Whether one goes on."""

    @property
    def bytes_sent(self) -> int:
        """How many bytes it has so far."""

    @property
    def packets_sent(self) -> int | None:
        """How many packets it has so far; None where the device does not count them."""


class Capture(Protocol):
    """Recording of network packets, for who looks for a fault."""

    def download(self) -> Download:
        """Open what was recorded, as pcap."""

    def live(self, duration: int | None) -> Download:
        """Record from now on, for so many seconds or until stopped."""

    async def stop_live(self) -> None:
        """End a live recording."""

    async def stats(self) -> CaptureStats:
        """Return how a live recording goes."""

    async def restart(self) -> None:
        """Discard the recording and start a new one."""

    async def stop(self) -> None:
        """Stop recording."""


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


class Messages(Protocol):
    """Messages of the operator."""

    async def send_test(self, text: str) -> None:
        """Have the system write to us, to see whether its messages arrive."""
