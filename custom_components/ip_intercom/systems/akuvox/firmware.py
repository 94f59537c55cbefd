"""Firmware of an Akuvox: prepared, sent, then installed by its MD5; what is in a file, only its name tells."""

import asyncio
from contextlib import suppress
import hashlib
import logging
import re
from typing import IO

from ...model.functions import Payload
from ...model.parts import StagedFirmware
from ..common.errors import CommandFailed, ConnectionFailed, IntercomError, InvalidRequest, NotReached
from .client import AkuvoxDevice

_LOGGER = logging.getLogger(__name__)

# Hardware, brand and two numbers, such as 29.30.10.128 (field notes 3).
_VERSION = re.compile(r"(?<!\d)\d+\.\d+\.\d+\.\d+(?!\d)")
_PIECE = 1024 * 1024


class AkuvoxFirmware:
    """``prepare``, ``upload`` and ``upgrade``; only a restart ends what ``prepare`` began."""

    expires = False

    def __init__(self, device: AkuvoxDevice) -> None:
        self._firmware = device.firmware
        self._system = device.system
        self._md5: str | None = None

    async def stage(self, file: Payload) -> StagedFirmware:
        """Send a file. It waits until it is installed or the device restarts."""
        running = await self.version()
        named = version_in(file.name)
        if named is not None and running is not None and hardware(named) != hardware(running):
            raise InvalidRequest(f"firmware {named} is for different hardware than {running}")
        md5 = await asyncio.to_thread(_md5, file.file)
        self._md5 = None  # a file that waits is overwritten
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
        """Return whether a file of ours waits at the device, as far as that is known."""
        return self._md5 is not None

    async def install(self) -> None:
        """Install the file; the device restarts with it."""
        try:
            await self._firmware.upgrade(self._md5)
        except NotReached:
            raise
        except ConnectionFailed as err:
            # It may be at it, or the file may wait still: the version that comes back tells.
            _LOGGER.debug("No response to the command: %s", err)
            return
        except CommandFailed:
            self._md5 = None
            raise
        self._md5 = None

    async def discard(self) -> None:
        """Restart the device: nothing else brings it out of waiting for the installation."""
        if self._md5 is not None:
            await self._system.reboot()
            self._md5 = None

    async def version(self) -> str | None:
        """Return the version that runs."""
        return (await self._firmware.status()).firmware


def version_in(name: str) -> str | None:
    """Return the version in the name of a file."""
    found = _VERSION.search(name)
    return None if found is None else found.group()


def hardware(version: str) -> str:
    """Return the hardware that a version is for: its first number."""
    return version.partition(".")[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _md5(file: IO[bytes]) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # the device's choice
    file.seek(0)
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
