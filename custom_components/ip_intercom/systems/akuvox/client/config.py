"""The configuration: keys and values, all of them text, and as a file (Api config)."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import IO

from ...common.errors import InvalidRequest, NotSupported, UnexpectedReply
from ...common.http import Stream
from ...common.parse import Fields
from ...common.upload import Upload
from .client import AkuvoxClient
from .endpoints import (
    CONFIG_EXPORT,
    CONFIG_GET,
    CONFIG_IMPORT,
    CONFIG_RESET_FACTORY,
    CONFIG_SET,
    CONFIG_SET_ONE,
    GET,
    Endpoint,
    by,
)

# The field of a form that every file but a firmware goes in.
FIELD = "config"
_MAX_CONFIG = 64 * 1024 * 1024


class Config:
    """``/api/config``. Passwords and codes are among the values."""

    def __init__(self, client: AkuvoxClient) -> None:
        self._client = client
        self._one_by_one = False

    async def get(self, *, items: Iterable[str] = (), sections: Iterable[str] = ()) -> dict[str, str]:
        """Return values by their key; those that the device does not have are left out (Api config get).

        Args:
            items: Keys to ask for.
            sections: Sections to ask for instead, such as ``Config.DoorSetting.RELAY``; with neither, all there is.

        Raises:
            UnexpectedReply: None of the values can be read.
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
        # Lists need POST; a device that refuses it, or what is in it, is asked for everything.
        everything = settings(CONFIG_GET, await self._client.call(by(GET, CONFIG_GET)))
        sections_of_keys = tuple(f"{section}." for section in within)
        return {key: value for key, value in everything.items() if key in wanted or key.startswith(sections_of_keys)}

    async def set(self, values: Mapping[str, str]) -> None:
        """Change values (Api config set).

        Devices leave out keys that they do not know, and addresses with a variable that they do not know, without a
        word: read back to be sure.

        Raises:
            InvalidRequest: A value that the device refuses.
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
        """Open the complete configuration, a file that only a device can read (Api config export)."""
        async with self._client.download(CONFIG_EXPORT, max_bytes=_MAX_CONFIG) as stream:
            yield stream

    async def import_(
        self, file: IO[bytes], filename: str, size: int, progress: Callable[[int], None] | None = None
    ) -> None:
        """Replace the configuration by a file that was exported; the device restarts (Api config import).

        Raises:
            CommandFailed: No configuration of a device.
        """
        await send_file(self._client, CONFIG_IMPORT, file, filename, size, progress)

    async def reset_factory(self) -> None:
        """Reset to factory settings and restart; the API rejects all requests afterwards (Api config reset_factory)."""
        await self._client.call(CONFIG_RESET_FACTORY)


class Section:
    """A part of the configuration that has functions of its own (Api relay, Api input, Api publiccode, Api sip)."""

    def __init__(self, client: AkuvoxClient, get: Endpoint, set_: Endpoint) -> None:
        self._client = client
        self._get = get
        self._set = set_

    async def get(self) -> dict[str, str]:
        """Return the values by their key; which keys there are differs among devices."""
        return settings(self._get, await self._client.call(self._get))

    async def set(self, values: Mapping[str, str]) -> None:
        """Change values.

        Raises:
            InvalidRequest: A value that the device refuses.
        """
        await self._client.call(self._set, values)


def settings(endpoint: Endpoint, data: Fields) -> dict[str, str]:
    """Return values by their key, all of them as text.

    Raises:
        UnexpectedReply: None of them can be read.
    """
    values = {key: str(value) for key, value in data.items() if isinstance(value, str | int | float)}
    if data and not values:
        raise UnexpectedReply(f"{endpoint.path} answered values that cannot be read")
    return values


async def send_file(
    client: AkuvoxClient,
    endpoint: Endpoint,
    file: IO[bytes],
    filename: str,
    size: int,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Send a file to one of the ``import`` functions."""
    upload = Upload(FIELD, filename, "application/octet-stream", file, size, progress)
    await client.upload(endpoint, upload)
