"""Protocols of the features behind actions, other than doors, calls, and images.

All methods raise ``IntercomError`` of ``systems.common.errors``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import IO, Protocol

from .parts import AccessPointId, CallRecord, Clock, DisplayId, DoorId, PlaceId, SettingId, StagedFirmware


@dataclass(frozen=True, slots=True)
class Payload:
    """A file to send: open and seekable. ``progress`` receives the number of bytes sent so far."""

    file: IO[bytes]
    name: str
    size: int
    progress: Callable[[int], None] | None = None


class ByteStream(Protocol):
    """A response that is passed on in chunks, not kept in memory."""

    def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes."""


type Download = AbstractAsyncContextManager[ByteStream]


class CallLog(Protocol):
    """The device's own log of calls."""

    async def query(self, limit: int | None = None) -> tuple[CallRecord, ...]:
        """Return the calls, newest first: all, or at most ``limit`` if that is cheaper."""

    async def delete(self, record: str | None) -> None:
        """Delete one record, or all for None."""


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """An entry of the device's access log, without the code or the card number.

    ``method`` is a neutral word such as ``card``; ``picture`` is an address on the device.
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
    """A named PIN that opens doors in a time window.

    The caller adds and removes it; the device does not need the window. Without ``doors``, it opens the default doors
    of a PIN.
    """

    name: str
    pin: str = field(repr=False)
    start: datetime
    end: datetime
    doors: tuple[DoorId, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The entry of a code on a device: its id and the name as the device stores it."""

    id: str
    name: str | None


type Remember = Callable[[frozenset[str]], Awaitable[None]]


class Codes(Protocol):
    """Temporary PINs."""

    async def add(self, code: Code, others: frozenset[str] | None, remember: Remember) -> Held:
        """Add a PIN and return its entry; an existing entry is no error.

        ``others`` are the ids on the device before the code was first sent. None if it was never sent: then
        ``remember`` receives them before the code is sent.
        """

    async def remove(self, code: Code, held: Held | None, others: frozenset[str] | None) -> None:
        """Remove a PIN and verify that; other entries stay, and a missing entry is no error."""


class Displays(Protocol):
    """Displays that images can be sent to."""

    async def show_image(
        self, display: DisplayId, image: bytes, content_type: str, duration: float | None = None
    ) -> None:
        """Show an image of the display's size for a duration in seconds; None until it is cleared."""


class AccessPoints(Protocol):
    """Access points, which grant or deny access."""

    async def is_blocked(self, access_point: AccessPointId) -> bool | None:
        """Return whether an access point is blocked now; None if the device does not report it."""

    async def block(self, access_point: AccessPointId, blocked: bool) -> None:
        """Block or unblock an access point; a blocked one denies all access."""


class Clocks(Protocol):
    """The device's clock."""

    async def read(self) -> Clock:
        """Return the clock with its drift."""

    async def set_time(self, time: datetime, *, keep_server: bool = False) -> None:
        """Set the clock; with ``keep_server``, the device keeps its time server if possible."""


class LocalClock(Protocol):
    """A clock that writes local times, and whose time zone the device does not report.

    Attributes:
        home_zone: Returns the time zone to assume until records show it; None is that of the process, which may be UTC,
            as in a container.
    """

    home_zone: Callable[[], tzinfo | None]


class Settings(Protocol):
    """Settings of the device that have actions."""

    async def name(self) -> str | None:
        """Return the name of the device."""

    async def set_name(self, name: str) -> None:
        """Set the name of the device."""

    async def sip_accounts(self) -> Sequence[Mapping[str, object]]:
        """Return the settings of the SIP accounts with the device's names, without passwords."""

    async def set_sip_account(self, account: int, settings: Mapping[str, object]) -> None:
        """Set the given fields of a SIP account."""


class FirmwareControl(Protocol):
    """Firmware updates: a file is staged, checked, and installed or discarded."""

    async def stage(self, file: Payload) -> StagedFirmware:
        """Send a file, and return what the device reports about it."""

    @property
    def waits(self) -> bool:
        """Whether a file is staged, as far as known."""

    @property
    def expires(self) -> bool:
        """Whether the device discards a staged file after some time."""

    async def install(self) -> None:
        """Install the staged file; the device restarts."""

    async def discard(self) -> None:
        """Discard the staged file; some devices restart for that."""

    async def version(self) -> str | None:
        """Return the running version."""


class Maintenance(Protocol):
    """Restart, factory reset, and configuration files."""

    async def restart(self) -> None:
        """Restart the device."""

    async def factory_reset(self) -> None:
        """Reset the device to factory defaults; this deletes accounts and the directory."""

    def download_config(self) -> Download:
        """Open the complete configuration of the device."""

    async def upload_config(self, file: Payload) -> None:
        """Replace the device's configuration."""


class CaptureStats(Protocol):
    """The progress of a live capture."""

    @property
    def running(self) -> bool:
        """Whether a capture is running."""

    @property
    def bytes_sent(self) -> int:
        """The number of captured bytes."""

    @property
    def packets_sent(self) -> int | None:
        """The number of captured packets; None if the device does not count them."""


class Capture(Protocol):
    """Network captures for troubleshooting."""

    def download(self) -> Download:
        """Open the recorded capture, as pcap."""

    def live(self, duration: int | None) -> Download:
        """Open a live capture, for a duration in seconds or until stopped."""

    async def stop_live(self) -> None:
        """End a live capture."""

    async def stats(self) -> CaptureStats:
        """Return the progress of a live capture."""

    async def restart(self) -> None:
        """Discard the recorded capture and start a new one."""

    async def stop(self) -> None:
        """Stop recording."""


class Visitors(Protocol):
    """Pictures of visitors, available for a few minutes."""

    async def picture(self, name: str, *, live: bool = True) -> bytes:
        """Return the JPEG of ``ButtonPressed.picture``; ``live`` allows one of now if none was taken at the ring."""


class RecordPictures(Protocol):
    """Pictures of the records of the history or access log."""

    async def picture(self, record: str, /) -> bytes:
        """Return the picture of ``AccessDecided.picture`` or ``VisitRecorded.id``."""


class AccountSettings(Protocol):
    """User settings at the system."""

    async def set(self, setting: SettingId, value: bool | str) -> None:
        """Turn a setting on or off, or select one of its options."""


class FlatCodes(Protocol):
    """The door codes of apartments."""

    async def renew(self, flat: PlaceId) -> str:
        """Generate a new code, which replaces the previous one, and return it."""


class Messages(Protocol):
    """Messages of the operator."""

    async def send_test(self, text: str) -> None:
        """Have the system send a test message to this account."""
