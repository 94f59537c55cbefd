"""Files of actions: only in allowed directories, in chunks, written completely or not at all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
import errno
import os
from pathlib import Path
import re
import stat
import tempfile
from typing import IO

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..helpers.errors import request_refused
from ..model.functions import ByteStream, Download, Payload
from ..runtime import IntercomRuntime
from .base import Data, Fields

ATTR_FILENAME = "filename"
ATTR_OVERWRITE = "overwrite"

# Fields of the file that an action writes.
TARGET: Fields = {vol.Required(ATTR_FILENAME): cv.string, vol.Optional(ATTR_OVERWRITE, default=False): cv.boolean}

# Bytes per write to the disk, each of which is one job in the executor.
_WRITE_SIZE = 1024 * 1024
# Mode of images. Configurations and captures contain secrets and stay readable only for Home Assistant's user.
_READABLE = 0o644
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Longest path in an error message.
_SHOWN = 200
# Longest prefix of a temporary file name: with its random part it has to fit into 255 bytes.
_PREFIX = 40


@asynccontextmanager
async def payload(
    hass: HomeAssistant, path: str, progress: Callable[[int], None] | None = None
) -> AsyncIterator[Payload]:
    """Open a file for an upload."""
    file, size = await hass.async_add_executor_job(_open, hass, path)
    try:
        yield Payload(file, Path(path).name, size, progress)
    finally:
        await hass.async_add_executor_job(file.close)


async def read(hass: HomeAssistant, path: str, limit: int) -> bytes:
    """Return the content of a small file."""
    async with payload(hass, path) as source:
        if source.size > limit:
            raise request_refused("file_too_large", path=_shown(path), limit=str(limit // 1024))
        return await hass.async_add_executor_job(source.file.read, limit)


async def _save(hass: HomeAssistant, path: str, stream: ByteStream, overwrite: bool) -> int:
    """Write a stream to a file and return its size; on failure, an existing file stays unchanged."""
    async with _written(hass, path, overwrite) as write:
        size = 0
        pieces: list[bytes] = []
        buffered = 0
        async for chunk in stream.chunks():
            pieces.append(chunk)
            buffered += len(chunk)
            if buffered >= _WRITE_SIZE:
                await write(b"".join(pieces))
                size, buffered = size + buffered, 0
                pieces.clear()
        await write(b"".join(pieces))
        return size + buffered


async def async_save(runtime: IntercomRuntime, download: Download, data: Data) -> JsonObjectType:
    """Write a download to the file of an action (``TARGET``), and return its size in bytes."""
    path, overwrite = data[ATTR_FILENAME], data[ATTR_OVERWRITE]
    await check_writable(runtime.coordinator.hass, path, overwrite)
    with runtime.coordinator.translating():
        async with download as stream:
            return {"size": await _save(runtime.coordinator.hass, path, stream, overwrite)}


async def save_picture(hass: HomeAssistant, path: str, content: bytes, overwrite: bool) -> int:
    """Write an image that all users of the system may read, and return its size."""
    async with _written(hass, path, overwrite, _READABLE) as write:
        await write(content)
    return len(content)


async def check_writable(hass: HomeAssistant, path: str, overwrite: bool) -> None:
    """Reject a path before the content is requested from the device."""
    await hass.async_add_executor_job(_check_target, hass, path, overwrite)


@asynccontextmanager
async def _written(
    hass: HomeAssistant, path: str, overwrite: bool, mode: int | None = None
) -> AsyncGenerator[Callable[[bytes], asyncio.Future[int]]]:
    """Yield a function that writes to a temporary file, which is renamed once it is complete."""
    creating = hass.async_add_executor_job(_create, hass, path, overwrite)
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
    await hass.async_add_executor_job(_finish, file, path, overwrite, mode)


def _check(hass: HomeAssistant, path: str) -> None:
    """Reject impossible paths, and paths outside the allowed directories."""
    try:
        possible = not _CONTROL.search(path) and path.encode() and not _is_too_long(path)
        allowed = possible and hass.config.is_allowed_path(path)
    except (OSError, ValueError) as err:
        raise request_refused("file_name_impossible", path=_shown(path)) from err
    if not possible:
        raise request_refused("file_name_impossible", path=_shown(path))
    if not allowed:
        raise request_refused("path_not_allowed", path=_shown(path))


def _is_too_long(path: str) -> bool:
    """Return whether a path is too long for the system, or contains a loop of links."""
    try:
        Path(path).lstat()
    except OSError as err:
        return err.errno in {errno.ENAMETOOLONG, errno.ELOOP}
    return False


def _shown(path: str) -> str:
    """Return a path for an error message, with unprintable characters escaped."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path[:_SHOWN])
    return shown if len(path) <= _SHOWN else f"{shown}…"


def _check_target(hass: HomeAssistant, path: str, overwrite: bool) -> None:
    _check(hass, path)
    target = Path(path)
    if target.is_dir():
        raise request_refused("file_unwritable", path=_shown(path), reason="a directory")
    if not target.parent.is_dir():
        raise request_refused("file_unwritable", path=_shown(path), reason="no such directory")
    if os.path.lexists(target):
        if not overwrite:
            raise request_refused("file_exists", path=_shown(path))
        if not (target.is_file() or target.is_symlink()):
            raise request_refused("file_unwritable", path=_shown(path), reason="not a file")
    if not os.access(target.parent, os.W_OK):
        raise request_refused("file_unwritable", path=_shown(path), reason="no permission for its directory")


def _open(hass: HomeAssistant, path: str) -> tuple[IO[bytes], int]:
    _check(hass, path)
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise request_refused("file_unreadable", path=_shown(path), reason="not a file")
        # Opened before reading its size: the file behind the name may change in between.
        file = Path(path).open("rb")
    except (OSError, ValueError) as err:
        raise request_refused("file_unreadable", path=_shown(path), reason=_reason(err)) from err
    return file, os.fstat(file.fileno()).st_size


def _create(hass: HomeAssistant, path: str, overwrite: bool) -> IO[bytes]:
    _check_target(hass, path, overwrite)
    target = Path(path)
    with _translating(path):
        return tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:_PREFIX]}.", delete=False)


def _write(file: IO[bytes], piece: bytes, path: str) -> int:
    with _translating(path):
        return file.write(piece)


def _discard(file: IO[bytes]) -> None:
    with suppress(OSError):  # the disk may be full
        file.close()
    with suppress(FileNotFoundError):
        Path(file.name).unlink()


def _finish(file: IO[bytes], path: str, overwrite: bool, mode: int | None) -> None:
    """Rename a complete file to its target."""
    written, target = Path(file.name), Path(path)
    try:
        with _translating(path):
            file.close()
            if mode is not None:
                with suppress(OSError):  # some file systems have no modes
                    written.chmod(mode)
            if overwrite:
                written.replace(target)
            else:
                _place(written, target)
    except ServiceValidationError:
        _discard(file)
        raise


def _place(written: Path, target: Path) -> None:
    """Rename a file without overwriting another one."""
    try:
        try:
            target.hardlink_to(written)
        except FileExistsError:
            raise
        except OSError:  # no hard links on this file system: create the target, then replace it
            target.touch(exist_ok=False)
            written.replace(target)
        else:
            written.unlink()
    except FileExistsError as err:
        raise request_refused("file_exists", path=_shown(str(target))) from err


@contextmanager
def _translating(path: str) -> Generator[None]:
    """Raise errors of the file system as translated errors."""
    try:
        yield
    except (OSError, ValueError) as err:
        raise request_refused("file_unwritable", path=_shown(path), reason=_reason(err)) from err


def _reason(err: OSError | ValueError) -> str:
    return (err.strerror if isinstance(err, OSError) else None) or type(err).__name__
