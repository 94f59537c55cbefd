"""Configuration as keys and text values, and as a file (Api config)."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import IO

from ...common.errors import InvalidRequest, NotSupported, UnexpectedReply
from ...common.http import Stream
from ...common.messages import Upload
from ...common.parse import Fields
from .client import AkuvoxClient
from .protocol import (
    CONFIG_EXPORT,
    CONFIG_GET,
    CONFIG_IMPORT,
    CONFIG_RESET_FACTORY,
    CONFIG_SET,
    CONFIG_SET_ONE,
    GET,
    AnyCase,
    Endpoint,
    by,
)

# Form field of all uploads except firmware.
FIELD = "config"
_MAX_CONFIG = 64 * 1024 * 1024


class Config:
    """``/api/config``; the values include passwords and codes."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client
        self._one_by_one = False

    async def get(self, *, items: Iterable[str] = (), sections: Iterable[str] = ()) -> dict[str, str]:
        """Return values by key; keys that the device does not have are left out (Api config get).

        Args:
            items: Keys to read.
            sections: Sections to read instead, such as ``Config.DoorSetting.RELAY``; with neither, all values are read.

        Raises:
            UnexpectedReply: None of the values is readable.
            ValueError: Both are given.
        """
        wanted, within = list(items), list(sections)
        if wanted and within:
            raise ValueError("keys or sections, not both")
        data = {"item": wanted} if wanted else {"filter": within} if within else None
        try:
            return settings(CONFIG_GET, await self._client.call(CONFIG_GET, data))
        except InvalidRequest, NotSupported:
            if data is None:
                raise
        # Lists require POST; a device that rejects the method or its content is asked for all values.
        everything = settings(CONFIG_GET, await self._client.call(by(GET, CONFIG_GET)))
        sections_of_keys = tuple(f"{section}." for section in within)
        return {key: value for key, value in everything.items() if key in wanted or key.startswith(sections_of_keys)}

    async def set(self, values: Mapping[str, str]) -> None:
        """Change values (Api config set).

        Devices silently ignore unknown keys, and URLs with unknown variables: read the values back to be sure.

        Raises:
            InvalidRequest: The device rejects a value.
        """
        if not values:
            return
        if not self._one_by_one:
            try:
                await self._client.call(CONFIG_SET, values)
            except NotSupported:
                self._one_by_one = True
            else:
                return
        for key, value in values.items():
            await self._client.call(CONFIG_SET_ONE, {key: value})

    @asynccontextmanager
    async def export(self) -> AsyncIterator[Stream]:
        """Open the complete configuration, a file that only devices can read (Api config export)."""
        async with self._client.download(CONFIG_EXPORT, max_bytes=_MAX_CONFIG) as stream:
            yield stream

    async def import_(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the configuration with an exported file; the device restarts (Api config import).

        Raises:
            CommandFailed: Not a configuration of a device.
        """
        await send_file(self._client, CONFIG_IMPORT, file, filename, size, progress)

    async def reset_factory(self) -> None:
        """Reset to factory settings and restart; the API rejects all requests afterwards (Api config reset_factory)."""
        await self._client.call(CONFIG_RESET_FACTORY)


class Section:
    """Part of the configuration with its own functions (Api relay, Api input, Api publiccode, Api sip)."""

    def __init__(self, client: AkuvoxClient, get: Endpoint, set_: Endpoint) -> None:
        self._client = client
        self._get = get
        self._set = set_

    async def get(self) -> dict[str, str]:
        """Return the values by key; the available keys differ among devices."""
        return settings(self._get, await self._client.call(self._get))

    async def set(self, values: Mapping[str, str]) -> None:
        """Change values.

        Raises:
            InvalidRequest: The device rejects a value.
        """
        await self._client.call(self._set, values)


def settings(endpoint: Endpoint, data: Fields) -> dict[str, str]:
    """Return all values as text by key.

    Raises:
        UnexpectedReply: None of the values is readable.
    """
    values = AnyCase({key: str(value) for key, value in data.items() if isinstance(value, str | int | float)})
    if data and not values:
        raise UnexpectedReply(f"{endpoint.path} returned unreadable values")
    return values


async def send_file(
    client: AkuvoxClient,
    endpoint: Endpoint,
    file: IO[bytes],
    filename: str,
    size: int,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Send a file to an ``import`` function."""
    upload = Upload(FIELD, filename, "application/octet-stream", file, size, progress)
    await client.upload(endpoint, upload)
