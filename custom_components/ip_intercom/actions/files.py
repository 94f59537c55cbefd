"""Files of actions: only inside the directories that Home Assistant allows, by pieces, whole or not at all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
import os
from pathlib import Path
import stat
import tempfile
from typing import IO

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError

from ..exceptions import refused
from ..functions import ByteStream, Payload

# Written to disk in pieces of this size: one trip to the executor each.
_PIECE = 1024 * 1024
# Configurations and packets hold secrets: they stay with Home Assistant's own user.
_READABLE = 0o644


@asynccontextmanager
async def payload(
    hass: HomeAssistant, path: str, progress: Callable[[int], None] | None = None
) -> AsyncIterator[Payload]:
    """Open a file to send.

    Raises:
        ServiceValidationError: The file is not there, cannot be read, or lies outside the allowed directories.
    """
    file, size = await hass.async_add_executor_job(_open, hass, path)
    try:
        yield Payload(file, Path(path).name, size, progress)
    finally:
        await hass.async_add_executor_job(file.close)


async def read(hass: HomeAssistant, path: str, limit: int) -> bytes:
    """Return a small file.

    Raises:
        ServiceValidationError: As ``payload``; also where it is larger than ``limit`` bytes.
    """
    async with payload(hass, path) as source:
        if source.size > limit:
            raise refused("file_too_large", path=path, limit=str(limit // 1024))
        return await hass.async_add_executor_job(source.file.read)


async def save(hass: HomeAssistant, path: str, stream: ByteStream) -> int:
    """Write a stream to a file and return its size; on failure, there is no file and an old one stays.

    Raises:
        ServiceValidationError: The file cannot be written, or lies outside the allowed directories.
    """
    async with _written(hass, path) as write:
        size = 0
        pieces: list[bytes] = []
        held = 0
        async for chunk in stream.chunks():
            pieces.append(chunk)
            held += len(chunk)
            if held >= _PIECE:
                await write(b"".join(pieces))
                size, held = size + held, 0
                pieces.clear()
        await write(b"".join(pieces))
        return size + held


async def save_picture(hass: HomeAssistant, path: str, content: bytes) -> int:
    """Write a picture, which others may read too, and return its size.

    Raises:
        ServiceValidationError: As ``save``.
    """
    async with _written(hass, path) as write:
        await write(content)
    await hass.async_add_executor_job(Path(path).chmod, _READABLE)
    return len(content)


async def check_writable(hass: HomeAssistant, path: str) -> None:
    """Refuse a path early, before the device is asked for what shall go there.

    Raises:
        ServiceValidationError: It lies outside the allowed directories, or cannot be written to.
    """
    await hass.async_add_executor_job(_check_target, hass, path)


@asynccontextmanager
async def _written(hass: HomeAssistant, path: str) -> AsyncGenerator[Callable[[bytes], asyncio.Future[int]]]:
    """Give a function that writes; the file appears under its name once all is there."""
    creating = hass.async_add_executor_job(_create, hass, path)
    try:
        file = await asyncio.shield(creating)
    except asyncio.CancelledError:
        await hass.async_add_executor_job(_discard, await creating)
        raise
    try:
        yield lambda piece: hass.async_add_executor_job(_write, file, piece, path)
    except BaseException:
        await asyncio.shield(hass.async_add_executor_job(_discard, file))
        raise
    await hass.async_add_executor_job(_finish, file, path)


def _check(hass: HomeAssistant, path: str) -> None:
    if not hass.config.is_allowed_path(path):
        raise refused("path_not_allowed", path=path)


def _check_target(hass: HomeAssistant, path: str) -> None:
    _check(hass, path)
    target = Path(path)
    if target.is_dir():
        raise refused("file_unwritable", path=path, reason="a directory")
    if not target.parent.is_dir():
        raise refused("file_unwritable", path=path, reason="no such directory")
    if not os.access(target.parent, os.W_OK):
        raise refused("file_unwritable", path=path, reason="no permission for its directory")


def _open(hass: HomeAssistant, path: str) -> tuple[IO[bytes], int]:
    _check(hass, path)
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise refused("file_unreadable", path=path, reason="not a file")
        # Opened before it is measured: what the name stands for may change in between.
        file = Path(path).open("rb")
    except OSError as err:
        raise refused("file_unreadable", path=path, reason=err.strerror or type(err).__name__) from err
    return file, os.fstat(file.fileno()).st_size


def _create(hass: HomeAssistant, path: str) -> IO[bytes]:
    _check_target(hass, path)
    target = Path(path)
    with _telling(path):
        return tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False)


def _write(file: IO[bytes], piece: bytes, path: str) -> int:
    with _telling(path):
        return file.write(piece)


def _discard(file: IO[bytes]) -> None:
    with suppress(OSError):  # the disk may be full, still
        file.close()
    with suppress(FileNotFoundError):
        Path(file.name).unlink()


def _finish(file: IO[bytes], path: str) -> None:
    try:
        with _telling(path):
            file.close()
            Path(file.name).replace(path)
    except ServiceValidationError:
        _discard(file)
        raise


@contextmanager
def _telling(path: str) -> Generator[None]:
    """Say why a file cannot be written."""
    try:
        yield
    except OSError as err:
        raise refused("file_unwritable", path=path, reason=err.strerror or type(err).__name__) from err
