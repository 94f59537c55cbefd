"""Maintenance of an Akuvox: restart, configuration, packet captures, settings, firmware."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import hashlib
import logging
import re
from time import monotonic
from typing import IO

from ...model.functions import ByteStream, Download, Payload
from ...model.parts import StagedFirmware
from ..common.errors import (
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    InvalidRequest,
    NotReached,
    NotSupported,
    Rejected,
)
from .client import AkuvoxDevice
from .privacy import is_secret_key

# Maximum duration of a timed capture in seconds (Api pcap start).
_MAX_TIMED = 180
_POLL_INTERVAL = 1.0


class AkuvoxMaintenance:
    """Restart, factory reset and configuration."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._system = device.system
        self._config = device.config

    async def restart(self) -> None:
        """Restart the device."""
        await self._system.reboot()

    async def factory_reset(self) -> None:
        """Reset the device; its API then rejects all requests until it is configured on the web page."""
        await self._config.reset_factory()

    def download_config(self) -> Download:
        """Open the configuration, which the device encrypts."""
        return self._config.export()

    async def upload_config(self, file: Payload) -> None:
        """Replace the configuration; the device restarts."""
        await self._config.import_(file.file, file.name, file.size, file.progress)


@dataclass(frozen=True, slots=True)
class CaptureStats:
    """Progress of a capture in captured bytes; the device does not count packets."""

    running: bool
    bytes_sent: int
    packets_sent: int | None = None


class AkuvoxCapture:
    """Packet captures, which the device stores in memory before they are downloaded."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._capture = device.capture

    def download(self) -> Download:
        """Open the captured packets."""
        return self._capture.export()

    @asynccontextmanager
    async def live(self, duration: int | None) -> AsyncIterator[ByteStream]:
        """Capture for ``duration`` seconds or until the memory is full or the capture is stopped, then open it."""
        timed = duration is not None and duration <= _MAX_TIMED
        deadline = None if timed or duration is None else monotonic() + duration
        started = True
        try:
            try:
                await self._capture.start(seconds=duration if timed else None)
            except CommandFailed:
                started = False  # a capture of another client continues
                raise
            while (await self._capture.status()).running:
                if deadline is not None and monotonic() >= deadline:
                    await self._capture.stop()
                    break
                await asyncio.sleep(_POLL_INTERVAL)
        except BaseException:
            if started:  # also after a cancellation: the device may have started the capture
                with suppress(IntercomError):
                    await self._capture.stop()
            raise
        async with self._capture.export() as stream:
            yield stream

    async def stop_live(self) -> None:
        """Stop a capture; the caller that waits for it gets the captured packets."""
        with suppress(CommandFailed):  # no capture is running
            await self._capture.stop()

    async def stats(self) -> CaptureStats:
        """Return the progress of the capture."""
        status = await self._capture.status()
        return CaptureStats(status.running, status.size)

    async def restart(self) -> None:
        """Discard the capture and start a new one, until it is stopped or full."""
        await self.stop_live()
        await self._capture.start()

    async def stop(self) -> None:
        """Stop the capture."""
        await self._capture.stop()


# Name of the device on its web page.
LOCATION = "Config.DoorSetting.DEVICENODE.Location"
_ACCOUNT = "Config.Account"


class AkuvoxSettings:
    """Name and SIP accounts."""

    def __init__(self, device: AkuvoxDevice) -> None:
        self._config = device.config
        self._sip = device.sip

    async def name(self) -> str | None:
        """Return the name on the web page of the device."""
        return (await self._config.get(items=[LOCATION])).get(LOCATION) or None

    async def set_name(self, name: str) -> None:
        """Set the name of the device."""
        await _set_existing(await self._config.get(items=[LOCATION]), {LOCATION: name}, self._config.set)
        if await self.name() != name:
            raise Rejected("a different name was stored")

    async def sip_accounts(self) -> Sequence[Mapping[str, object]]:
        """Return the values of each account by key suffix, such as ``GENERAL.UserName`` (Api sip get)."""
        accounts: dict[int, dict[str, object]] = {}
        for key, value in (await self._sip.get()).items():
            number, _, name = key.removeprefix(_ACCOUNT).partition(".")
            if number.isdecimal() and name and not is_secret_key(key):
                accounts.setdefault(int(number), {"account": int(number)})[name] = value
        return [accounts[number] for number in sorted(accounts)]

    async def set_sip_account(self, account: int, settings: Mapping[str, object]) -> None:
        """Set values of an account by key suffix (Api sip set)."""
        values = {f"{_ACCOUNT}{account}.{name}": str(value) for name, value in settings.items()}
        await _set_existing(await self._sip.get(), values, self._sip.set)
        now = await self._sip.get()
        if unchanged := [key for key, value in values.items() if now.get(key) != value]:
            raise Rejected(f"not accepted: {', '.join(unchanged)}")


async def _set_existing(
    current: Mapping[str, str], values: Mapping[str, str], write: Callable[[Mapping[str, str]], Awaitable[None]]
) -> None:
    if unknown := values.keys() - current.keys():
        raise NotSupported(f"no {', '.join(sorted(unknown))}")
    await write(values)


_LOGGER = logging.getLogger(__name__)

# Hardware, brand and two more numbers, such as 29.30.10.128 (field notes 3).
_VERSION = re.compile(r"(?<!\d)\d+\.\d+\.\d+\.\d+(?!\d)")
_CHUNK = 1024 * 1024


class AkuvoxFirmware:
    """Firmware update by ``prepare``, ``upload`` and ``upgrade``; only a restart leaves the upgrade mode."""

    expires = False

    def __init__(self, device: AkuvoxDevice) -> None:
        self._firmware = device.firmware
        self._system = device.system
        self._md5: str | None = None

    async def stage(self, file: Payload) -> StagedFirmware:
        """Upload a file, which the device keeps until it is installed or the device restarts."""
        running = await self.version()
        named = version_in(file.name)
        if named is not None and running is not None and hardware(named) != hardware(running):
            raise InvalidRequest(f"firmware {named} is for different hardware than {running}")
        md5 = await asyncio.to_thread(_md5, file.file)
        self._md5 = None  # a previously uploaded file is overwritten
        await self._firmware.prepare()
        try:
            await self._firmware.upload(file.file, file.name, file.size, file.progress)
        except IntercomError:
            with suppress(IntercomError):
                await self._system.reboot()
            raise
        self._md5 = md5
        older = named is not None and running is not None and _numbers(named) < _numbers(running)
        return StagedFirmware(named or file.name, older, None, None, certain=False)

    @property
    def waits(self) -> bool:
        """Return whether the device is known to keep a file uploaded by this integration."""
        return self._md5 is not None

    async def install(self) -> None:
        """Install the file; the device restarts."""
        try:
            await self._firmware.upgrade(self._md5)
        except NotReached:
            raise
        except ConnectionFailed as err:
            # The device may be installing the file or still keep it; the version after its restart shows which.
            _LOGGER.debug("No response to the command: %s", err)
            return
        except CommandFailed:
            self._md5 = None
            raise
        self._md5 = None

    async def discard(self) -> None:
        """Restart the device, as it does not leave the upgrade mode otherwise."""
        if self._md5 is not None:
            await self._system.reboot()
            self._md5 = None

    async def version(self) -> str | None:
        """Return the installed version."""
        return (await self._firmware.status()).firmware


def version_in(name: str) -> str | None:
    """Return the version in a file name."""
    found = _VERSION.search(name)
    return None if found is None else found.group()


def hardware(version: str) -> str:
    """Return the hardware of a version, which is its first number."""
    return version.partition(".")[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _md5(file: IO[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # required by the device
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
