"""Storage of visitors: an index, and a folder with their pictures."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path
import re
import shutil
from tempfile import gettempprefix
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.storage import STORAGE_DIR, Store
from homeassistant.util import dt as dt_util
from homeassistant.util.file import write_utf8_file
from homeassistant.util.signal_type import SignalType

from ..const import (
    CONF_SHOW_NAMES,
    CONF_VISITOR_DAYS,
    CONF_VISITOR_STORAGE,
    DEFAULT_VISITOR_DAYS,
    DEFAULT_VISITOR_STORAGE,
    DOMAIN,
)
from ..helpers.storage import async_load_stored, parse_items
from ..model.parts import Bell, BellId, VisitOutcome
from ..model.visitors import Visitor, last_pictured, outdated, visitor_id

_LOGGER = logging.getLogger(__name__)

# Sent with the id of the entry whose visitors changed.
VISITORS_CHANGED: SignalType[str] = SignalType(f"{DOMAIN}_visitors")


def visitors_changed_at(entry_id: str) -> SignalType[()]:
    """Return the signal of one entry: with ``VISITORS_CHANGED``, the images of all entries would check each visitor."""
    return SignalType(f"{DOMAIN}_visitors_{entry_id}")


STORAGE_VERSION = 1
# Key of the rows. Earlier versions stored only the last picture of each image entity, by the key of the entity.
_ROWS = "visitors"
_CHECK_INTERVAL = timedelta(days=1)
_MIB = 1024 * 1024
_SUFFIX = ".jpg"
_ID = re.compile(r"[0-9a-f]{32}")
# Pictures in memory that could not be written: the last ones are still shown.
_MOST_UNWRITTEN = 8

# Keys of image entities of places.
_BELL_IMAGE = re.compile(r"bell_(.+)_last_visitor")

_TIMES = ("time", "taken")
_TEXTS = ("bell", "place", "event", "record", "name", "entrance")
_NUMBERS = ("session", "size")


def _index(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    return Store(
        hass,
        STORAGE_VERSION,
        f"{DOMAIN}.{entry_id}.visitors",
        private=True,
        atomic_writes=True,
        serialize_in_event_loop=False,
    )


def _folder(hass: HomeAssistant, entry_id: str) -> Path:
    return Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry_id}.pictures"))


async def async_remove_visitors(hass: HomeAssistant, entry_id: str) -> None:
    """Delete the visitors of a removed entry."""
    await _index(hass, entry_id).async_remove()
    await hass.async_add_executor_job(_remove_folder, _folder(hass, entry_id))


class VisitorStore:
    """The visitors of an entry and their pictures, within the limits in the options.

    Args:
        let_ring_pass: Waits until a ring that was just detected has been sent; the store does nothing before.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        let_ring_pass: Callable[[], Awaitable[None]],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._device = entry.title
        self._let_ring_pass = let_ring_pass
        self._names: bool = entry.options.get(CONF_SHOW_NAMES, True)
        self._days: int = entry.options.get(CONF_VISITOR_DAYS, DEFAULT_VISITOR_DAYS)
        self._most: int = entry.options.get(CONF_VISITOR_STORAGE, DEFAULT_VISITOR_STORAGE) * _MIB
        self._store = _index(hass, entry.entry_id)
        self._folder = _folder(hass, entry.entry_id)
        self._visitors: dict[str, Visitor] = {}
        self._unwritten: dict[str, bytes] = {}
        self._writes: set[asyncio.Future[None]] = set()
        self._is_notifying = False
        self._is_unsaved = False
        self._is_saving = False

    async def async_load(self, bells: Mapping[BellId, Bell]) -> None:
        """Read the index, without unreadable rows, and compare it with the pictures."""
        (visitors, last), lost = await async_load_stored(self._hass, self._store, self._device, _parse)
        named = [visitor for visitor in visitors if visitor.name is not None and not self._names]
        self._visitors = {visitor.id: visitor for visitor in visitors}
        self._visitors |= {visitor.id: replace(visitor, name=None) for visitor in named}
        for visitor, picture in last:
            bell = bells.get(visitor.bell or "")
            place = visitor.bell if bell is None else bell.place
            self._visitors[visitor.id] = replace(visitor, place=place)
            self._unwritten[visitor.id] = picture
        for visitor, picture in last:
            await self._async_write_picture(visitor.id, picture)
        try:
            self._async_compare(await self._hass.async_add_executor_job(_files, self._folder))
        except OSError as err:
            _LOGGER.warning("%s: could not read the pictures of visitors: %s", self._device, err)
        removed = await self._async_delete_outdated()
        if lost or last or removed or named:
            await self._async_save()
        self._entry.async_on_unload(async_track_time_interval(self._hass, self._async_check, _CHECK_INTERVAL))

    @callback
    def _async_compare(self, files: Mapping[str, tuple[float, int]]) -> None:
        """Drop pictures whose file is gone, and keep those of an index that was lost, or not stored in time."""
        for visitor in tuple(self._visitors.values()):
            if visitor.taken is not None and visitor.id not in files and visitor.id not in self._unwritten:
                self._visitors[visitor.id] = replace(visitor, taken=None, size=0)
        for name, (changed, size) in files.items():
            taken = datetime.fromtimestamp(changed, UTC)
            known = self._visitors.get(name, Visitor(name, taken))
            self._visitors[name] = replace(known, taken=known.taken or taken, size=size)

    def keeps(self, time: datetime) -> bool:
        """Return whether a visitor of this time is kept who is not the last one of an image."""
        return dt_util.utcnow() - time < timedelta(days=self._days)

    @property
    def newest_first(self) -> list[Visitor]:
        """Return the visitors."""
        return sorted(self._visitors.values(), key=lambda visitor: (visitor.time, visitor.id), reverse=True)

    def get(self, visitor: str) -> Visitor | None:
        """Return a visitor by id; None for an unknown one."""
        return self._visitors.get(visitor)

    def last(self, bell: BellId | None) -> Visitor | None:
        """Return the visitor that an image shows: that of a bell, or None for the image of the own device."""
        return last_pictured(self._visitors.values(), bell)

    @callback
    def async_put(self, visitor: Visitor) -> Visitor:
        """Add a visitor, or the outcome of a known one, and return the row."""
        known = self._visitors.get(visitor.id) or self._recorded(visitor.event)
        if known is not None:
            visitor = replace(
                visitor if known.event is None else known,  # a picture without a row is known by its time only
                id=known.id,
                late=known.late,
                outcome=visitor.outcome or known.outcome,
                session=visitor.session if visitor.session is not None else known.session,
                record=visitor.record or known.record,
                taken=known.taken,
                size=known.size,
            )
        if visitor != known:
            self._visitors[visitor.id] = visitor
            self._async_changed()
        return visitor

    def _recorded(self, event: str | None) -> Visitor | None:
        """Return the visitor whose outcome an event of the history reported before."""
        return next((known for known in self._visitors.values() if event is not None and known.record == event), None)

    async def async_put_picture(self, visitor: str, picture: bytes, taken: datetime) -> None:
        """Add the picture of a visitor."""
        if (known := self._visitors.get(visitor)) is None:
            return
        self._visitors[visitor] = replace(known, taken=taken, size=len(picture))
        self._unwritten[visitor] = picture
        self._async_changed()
        await self._async_write_picture(visitor, picture)
        if await self._async_delete_outdated():
            self._async_changed()

    async def _async_write_picture(self, visitor: str, picture: bytes) -> None:
        write = self._hass.async_add_executor_job(_write, self._folder, visitor, picture)
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        try:
            await write
        except (HomeAssistantError, OSError) as err:
            _LOGGER.warning("%s: could not store the picture of a visitor: %s", self._device, err)
            while len(self._unwritten) > _MOST_UNWRITTEN:
                self._unwritten.pop(next(iter(self._unwritten)))
            return
        self._unwritten.pop(visitor, None)

    async def async_picture(self, visitor: str) -> bytes | None:
        """Return the picture of a visitor; None without one."""
        known = self._visitors.get(visitor)
        if known is None or known.taken is None:
            return None
        if (unwritten := self._unwritten.get(visitor)) is not None:
            return unwritten
        return await self._hass.async_add_executor_job(_read, self._folder, visitor)

    async def async_forget(self, bell: BellId | None) -> None:
        """Delete the visitors of a removed image."""
        await self._async_delete(
            {visitor.id for visitor in self._visitors.values() if visitor.is_visit and visitor.image == bell}
        )
        await self._async_save()

    async def async_stop(self) -> None:
        """Store what is not stored yet, after the writes in progress."""
        if self._writes:
            await asyncio.wait(self._writes)
        for visitor, picture in tuple(self._unwritten.items()):
            await self._async_write_picture(visitor, picture)  # the disk was full, and may have space by now
        if self._is_unsaved or self._is_saving:
            await self._async_save()

    async def _async_delete_outdated(self) -> bool:
        """Delete the visitors beyond the limits, and return whether there were any."""
        return await self._async_delete(outdated(self._visitors.values(), dt_util.utcnow(), self._days, self._most))

    async def _async_delete(self, visitors: Collection[str]) -> bool:
        for visitor in visitors:
            self._visitors.pop(visitor, None)
            self._unwritten.pop(visitor, None)
        if visitors:
            await self._hass.async_add_executor_job(_delete, self._folder, tuple(visitors))
        return bool(visitors)

    async def _async_check(self, _: datetime) -> None:
        """Delete outdated visitors; the signal is always sent, as signed URLs expire."""
        await self._async_delete_outdated()
        self._async_changed()

    @callback
    def _async_changed(self) -> None:
        """Store the index, and send the signal, once a ring has passed."""
        self._is_unsaved = True
        if not self._is_notifying:
            self._is_notifying = True
            self._hass.async_create_background_task(self._async_notify(), f"{DOMAIN} visitors at {self._device}")

    async def _async_notify(self) -> None:
        await self._let_ring_pass()
        self._is_notifying = False
        async_dispatcher_send(self._hass, VISITORS_CHANGED, self._entry.entry_id)
        async_dispatcher_send(self._hass, visitors_changed_at(self._entry.entry_id))
        if self._is_saving or not self._is_unsaved:
            return
        self._is_saving = True
        try:
            while self._is_unsaved:
                await self._async_save()
        finally:
            self._is_saving = False

    async def _async_save(self) -> None:
        self._is_unsaved = False
        try:
            await self._store.async_save({_ROWS: [_row(visitor) for visitor in self._visitors.values()]})
        except (HomeAssistantError, OSError) as err:
            _LOGGER.warning("%s: could not store the visitors: %s", self._device, err)


type _Content = tuple[list[Visitor], list[tuple[Visitor, bytes]]]


def _row(visitor: Visitor) -> dict[str, Any]:
    """Return a visitor as JSON, without empty values."""
    values = {
        "id": visitor.id,
        **{key: value.isoformat() for key in _TIMES if (value := getattr(visitor, key)) is not None},
        **{key: getattr(visitor, key) for key in (*_TEXTS, *_NUMBERS, "outcome", "granted")},
        "late": visitor.late or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _parse(content: Mapping[str, Any], errors: list[Exception]) -> _Content:
    return (
        parse_items(content.get(_ROWS, []), _parse_row, errors),
        parse_items((item for item in content.items() if item[0] != _ROWS), _parse_last, errors),
    )


def _parse_row(row: Mapping[str, Any]) -> Visitor:
    values: dict[str, Any] = {key: _typed(row.get(key), str) for key in _TEXTS}
    values |= {key: _typed(row[key], int) for key in _NUMBERS if key in row}
    outcome, taken = row.get("outcome"), row.get("taken")
    return Visitor(
        _checked_id(row["id"]),
        _time(row["time"]),
        outcome=None if outcome is None else VisitOutcome(outcome),
        late=_typed(row.get("late"), bool) or False,
        taken=None if taken is None else _time(taken),
        granted=_typed(row.get("granted"), bool),
        **values,
    )


def _parse_last(item: tuple[str, Any]) -> tuple[Visitor, bytes]:
    """Return the visitor and the picture of an image entity."""
    key, (stored, content) = item
    taken, picture = _time(stored), b64decode(content, validate=True)
    found = _BELL_IMAGE.fullmatch(key)
    return Visitor(visitor_id(key), taken, None if found is None else found[1], taken=taken, size=len(picture)), picture


def _checked_id(value: object) -> str:
    """Return the id of a visitor, which is the name of a file."""
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise ValueError("a stored id is invalid")
    return value


def _time(value: str) -> datetime:
    return dt_util.as_utc(datetime.fromisoformat(value))


def _typed[T](value: Any, kind: type[T]) -> T | None:
    if value is not None and type(value) is not kind:
        raise TypeError(f"a stored {kind.__name__} is a {type(value).__name__}")
    return value


def _path(folder: Path, visitor: str) -> Path:
    return folder / f"{visitor}{_SUFFIX}"


def _files(folder: Path) -> dict[str, tuple[float, int]]:
    """Return the time and the size of each picture, and delete what a kill or a power cut left of others."""
    found: dict[str, tuple[float, int]] = {}
    for path in tuple(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(gettempprefix()) or (path.suffix == _SUFFIX and path.stat().st_size == 0):
            path.unlink(missing_ok=True)
        elif path.suffix == _SUFFIX and _ID.fullmatch(path.stem) and path.is_file():
            status = path.stat()
            found[path.stem] = status.st_mtime, status.st_size
    return found


def _write(folder: Path, visitor: str, picture: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Replaces the file as a whole, but does not wait for the disk, which takes seconds on some SD cards.
    write_utf8_file(str(_path(folder, visitor)), picture, private=True, mode="wb")


def _read(folder: Path, visitor: str) -> bytes | None:
    try:
        return _path(folder, visitor).read_bytes()
    except OSError as err:
        _LOGGER.warning("Could not read the picture of a visitor: %s", err)
        return None


def _remove_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _delete(folder: Path, visitors: Iterable[str]) -> None:
    for visitor in visitors:
        with suppress(OSError):
            _path(folder, visitor).unlink(missing_ok=True)
