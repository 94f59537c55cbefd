"""Maintenance of a 2N: clock, settings, firmware, configuration."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
import logging
from time import time

from ...model.functions import Download, Payload
from ...model.parts import Clock, StagedFirmware
from ..common.errors import CommandFailed, ConnectionFailed, NotReached
from ..common.parse import is_set
from .client import TwoNDevice
from .client.system import DeviceTime

_LOGGER = logging.getLogger(__name__)

# Time that the device keeps a firmware file before it is applied (HTTP API 5.2.1).
STAGED_FOR = timedelta(minutes=5)


def clock_of(answer: DeviceTime) -> Clock:
    """Return the offset of the device's clock; half a second is added because the device reports whole seconds."""
    clock_set = is_set(datetime.fromtimestamp(answer.utc, UTC))
    return Clock(round(answer.utc + 0.5 - time()), answer.source, answer.automatic, clock_set)


class TwoNClocks:
    """The clock."""

    def __init__(self, device: TwoNDevice) -> None:
        self._system = device.system

    async def read(self) -> Clock:
        """Return the offset of the clock."""
        return clock_of(await self._system.time())

    async def set_time(self, time: datetime, *, keep_server: bool = False) -> None:
        """Set the clock to the whole second."""
        await self._system.set_time(int(time.timestamp()), keep_server=keep_server)


class TwoNSettings:
    """Name and SIP accounts."""

    def __init__(self, device: TwoNDevice) -> None:
        self._system = device.system
        self._phone = device.phone

    async def name(self) -> str | None:
        """Return the name of the device (firmware 2.50)."""
        return await self._system.device_name()

    async def set_name(self, name: str) -> None:
        """Set the name of the device (firmware 2.50)."""
        await self._system.set_device_name(name)

    async def sip_accounts(self) -> Sequence[Mapping[str, object]]:
        """Return the settings of the SIP accounts without passwords (firmware 2.43)."""
        return [
            {name: value for name, value in account.items() if "password" not in name.lower()}
            for account in await self._phone.config()
        ]

    async def set_sip_account(self, account: int, settings: Mapping[str, object]) -> None:
        """Set fields of a SIP account (firmware 2.43)."""
        await self._phone.set_config(account, settings)


class TwoNFirmware:
    """Firmware update in two steps: upload, then apply or reject."""

    expires = True

    def __init__(self, device: TwoNDevice) -> None:
        self._firmware = device.firmware
        self._system = device.system
        self._file: str | None = None

    async def stage(self, file: Payload) -> StagedFirmware:
        """Upload a file; a file uploaded before is discarded first, as the device would not respond."""
        if self._file is not None:
            await self._reject()
        answer = await self._firmware.upload(file.file, file.name, file.size, file.progress)
        self._file = answer.id
        return StagedFirmware(answer.version, answer.downgrade, answer.note, datetime.now(UTC) + STAGED_FOR)

    async def install(self) -> None:
        """Apply the staged file; the device restarts with it."""
        try:
            await self._firmware.apply(self._file or "")
        except NotReached:
            raise
        except ConnectionFailed as err:
            # The device may be installing the file or still keep it; the version after its restart shows which.
            _LOGGER.debug("No response to the command: %s", err)
            return
        except CommandFailed:
            self._file = None
            raise
        self._file = None

    @property
    def waits(self) -> bool:
        """Return whether the device is known to keep a file uploaded by this integration."""
        return self._file is not None

    async def discard(self) -> None:
        """Reject the staged file."""
        if self._file is not None:
            await self._reject()

    async def version(self) -> str | None:
        """Return the installed version."""
        return (await self._system.info()).firmware

    async def _reject(self) -> None:
        file, self._file = self._file, None
        try:
            await self._firmware.reject(file or "")
        except CommandFailed as err:
            _LOGGER.debug("The file was already removed: %s", err)


class TwoNMaintenance:
    """Restart, factory reset and configuration."""

    def __init__(self, device: TwoNDevice) -> None:
        self._system = device.system
        self._config = device.config

    async def restart(self) -> None:
        """Restart the device."""
        await self._system.restart()

    async def factory_reset(self) -> None:
        """Reset the device to factory defaults; takes about 15 seconds."""
        await self._config.factory_reset()

    def download_config(self) -> Download:
        """Open the configuration: an XML file with secrets."""
        return self._config.download()

    async def upload_config(self, file: Payload) -> None:
        """Replace the configuration; takes about 15 seconds."""
        await self._config.upload(file.file, file.name, file.size, file.progress)
