"""Temporary PIN codes: added to the device when their time window starts, and removed when it ends.

Devices have only weekly schedules or none, so Home Assistant keeps the window. Changes that were due while Home
Assistant or the device was unavailable follow as soon as both are available.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
import logging
from typing import Any
from uuid import uuid4

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.dt import utcnow

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.errors import request_refused, translated_error
from ..helpers.issues import async_report_left_behind
from ..helpers.storage import async_load_stored, parse_items
from ..model.functions import Code, Codes, Held
from ..model.parts import DoorId
from ..model.state import Missing
from ..systems.common.errors import CodeLeft, CommandFailed, ConnectionFailed, IntercomError, NotReached, NotSupported
from .loading import async_connected_features

_LOGGER = logging.getLogger(__name__)

_STORAGE_VERSION = 1
_TIMER = "temporary codes"
# Seconds until the first retry, doubled each time, and the longest delay.
_RETRY_DELAY = 60.0
_MAX_RETRY_DELAY = 3600.0
# Longest wait before the next check of the windows, in seconds: the system clock may be set in the meantime.
_MAX_CHECK_DELAY = 300.0


@dataclass(frozen=True, slots=True)
class TemporaryCode:
    """A code and its state on the device.

    Attributes:
        id: The id that actions use.
        code: The PIN and its window.
        others: The ids on the device before the code was first sent; None before that, and once ``held`` is known.
        held: The entry on the device; None until confirmed.
    """

    id: str
    code: Code
    others: frozenset[str] | None = None
    held: Held | None = None

    @property
    def tried(self) -> bool:
        """Whether the code was sent: the device may have it even without confirming that."""
        return self.others is not None or self.held is not None

    def ended(self) -> TemporaryCode:
        """Return the code with its window ended now."""
        return replace(self, code=replace(self.code, end=min(self.code.end, utcnow())))


def code_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the storage of the codes of an entry."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.codes", private=True, atomic_writes=True)


class TemporaryCodes:
    """The temporary codes of one device.

    Args:
        store: Stores the codes; there is no file without codes.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: Store[dict[str, Any]]) -> None:
        self._coordinator = coordinator
        self._store = store
        self._codes: dict[str, TemporaryCode] = {}
        self._lock = asyncio.Lock()
        self._failures = 0
        # Codes that the device rejects in their window.
        self._rejected: set[str] = set()

    @property
    def all(self) -> tuple[TemporaryCode, ...]:
        """The current and future codes, by their start."""
        return tuple(sorted(self._codes.values(), key=lambda known: known.code.start))

    async def async_load(self) -> None:
        """Read the stored codes, and apply due changes in the background."""
        coordinator = self._coordinator
        stored, lost = await async_load_stored(coordinator.hass, self._store, coordinator.name, _parse)
        self._codes = {known.id: known for known in stored}
        if lost:
            await self._async_save()
        if self._codes:
            self._coordinator.config_entry.async_create_background_task(
                self._coordinator.hass, self._async_apply_due(), f"{DOMAIN} temporary codes of {self._coordinator.name}"
            )

    async def async_add(
        self, name: str, pin: str, start: datetime | None, end: datetime, doors: tuple[DoorId, ...]
    ) -> TemporaryCode:
        """Store a code, and add it to the device if its window has started; without ``start`` it starts now.

        An unreachable device receives it later.
        """
        code = Code(name, pin, start or utcnow(), end, doors)
        if code.end <= max(code.start, utcnow()):
            raise request_refused("code_window")
        async with self._lock:
            if any(_collide(code, other.code) for other in self._codes.values()):
                raise request_refused("code_taken", device=self._coordinator.name)
            known = TemporaryCode(uuid4().hex, code)
            await self._async_store(known)
            try:
                await self._async_apply(known)
            except ConnectionFailed as err:
                self._record_failure(err)
            except IntercomError:
                await self._async_discard(self._codes[known.id])
                self._report_issues()
                with self._coordinator.translating():
                    raise
            self._schedule_next()
            return self._codes.get(known.id, known)

    async def async_remove(self, code_id: str) -> None:
        """Remove a code before the end of its window."""
        async with self._lock:
            if (known := self._codes.get(code_id)) is None:
                raise request_refused("no_such_code", device=self._coordinator.name)
            over = known.ended()
            await self._async_store(over)
            try:
                await self._async_apply(over)
            except IntercomError as err:
                self._record_failure(err)
                raise translated_error(HomeAssistantError, "code_not_removed", device=self._coordinator.name) from err
            finally:
                self._report_issues()
                self._schedule_next()

    async def async_retry(self) -> None:
        """Retry failed changes now: the user confirmed a fix."""
        if self._failures:
            await self._async_apply_due()

    async def _async_discard(self, known: TemporaryCode) -> None:
        """Discard a rejected code, after making sure that the device does not have it."""
        over = known.ended()
        try:
            await self._async_apply(over)
        except IntercomError as err:
            await self._async_store(over)
            self._record_failure(err)
            self._schedule_next()

    async def _async_apply_due(self) -> None:
        """Apply all due changes."""
        async with self._lock:
            failure: IntercomError | None = None
            for known in self.all:
                try:
                    await self._async_apply(known)
                except NotReached as err:
                    failure = err
                    break  # the device is unreachable, also for the other codes
                except ConnectionFailed as err:
                    failure = err
                except IntercomError as err:
                    failure = err
                    self._rejected.add(known.id)
                else:
                    self._rejected.discard(known.id)
            if failure is None:
                self._failures = 0
            else:
                self._record_failure(failure)
            self._report_issues()
            self._schedule_next()

    async def _async_apply(self, known: TemporaryCode) -> None:
        """Add one code to the device or remove it, depending on its window."""
        now = utcnow()
        if now >= known.code.end:
            if known.tried:
                await self._feature.remove(known.code, known.held, known.others)
            await self._async_delete(known.id)
        elif now >= known.code.start and known.held is None:
            try:
                held = await self._feature.add(known.code, known.others, partial(self._async_store_sent, known))
            except CodeLeft as err:
                await self._async_store(replace(known.ended(), others=None, held=Held(err.id, err.name)))
                raise
            await self._async_store(replace(known, others=None, held=held))

    async def _async_store_sent(self, known: TemporaryCode, others: frozenset[str]) -> None:
        """Store what identifies a code on the device before it is sent, so that it can always be removed."""
        await self._async_store(replace(known, others=others))

    @property
    def _feature(self) -> Codes:
        if (codes := self._coordinator.features.codes) is None:
            raise NotSupported("no codes")
        return codes

    def _report_issues(self) -> None:
        """Report each code that may still open doors after its window, or is rejected in its window, as an issue."""
        now = utcnow()
        self._rejected &= self._codes.keys()
        left = {
            Missing("code_left" if now >= known.code.end else "code_refused", known.code.name)
            for known in self._codes.values()
            if (known.tried and now >= known.code.end) or known.id in self._rejected
        }
        self._coordinator.device_issues.async_note("codes", frozenset(left))

    def _record_failure(self, err: IntercomError) -> None:
        if self._failures == 0:
            _LOGGER.warning(
                "%s: could not add or remove a temporary code, retrying: %s",
                self._coordinator.name,
                type(err).__name__,
            )
        self._failures += 1

    def _schedule_next(self) -> None:
        """Schedule the next check: at the next start or end of a window, or at the next retry."""
        if not self._codes:
            return
        now = utcnow()
        again = min(_RETRY_DELAY * 2.0 ** min(self._failures - 1, 10), _MAX_RETRY_DELAY) if self._failures else 0.0
        waits = (_wait(moment, now, again) for known in self._codes.values() for moment in _moments(known))
        self._coordinator.timers.async_do(min(*waits, _MAX_CHECK_DELAY), _TIMER, self._async_apply_due)

    async def _async_store(self, known: TemporaryCode) -> None:
        self._codes[known.id] = known
        await self._async_save()

    async def _async_delete(self, code_id: str) -> None:
        self._codes.pop(code_id, None)
        await self._async_save()

    async def _async_save(self) -> None:
        if self._codes:
            await self._store.async_save({"codes": [_as_json(known) for known in self._codes.values()]})
        else:
            await self._store.async_remove()


async def async_remove_codes(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Remove all codes of a removed entry from its device and from the storage."""
    store = code_store(hass, entry.entry_id)
    stored, _ = await async_load_stored(hass, store, entry.title, _parse)
    left = {known.id: known for known in stored if known.tried}
    failure: IntercomError | None = None
    if left:
        try:
            async with async_connected_features(hass, entry) as features:
                if features.codes is None:
                    raise NotSupported("no codes")
                for known in tuple(left.values()):
                    try:
                        await features.codes.remove(known.code, known.held, known.others)
                    except CommandFailed as err:
                        failure = err  # other codes may still be removable
                    else:
                        del left[known.id]
        except IntercomError as err:
            failure = err
    if left:
        names = ", ".join(known.code.name for known in left.values())
        _LOGGER.warning(
            "%s: could not remove temporary codes, delete them on the device, they still open: %s (%s)",
            entry.title,
            names,
            type(failure).__name__,
        )
        async_report_left_behind(hass, entry.entry_id, entry.title, "codes_left_behind", names)
    await store.async_remove()


async def async_resend_codes(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Mark all codes that have not ended as not sent: a new unit replaces the one that had them."""
    store = code_store(hass, entry.entry_id)
    stored, _ = await async_load_stored(hass, store, entry.title, _parse)
    codes = [replace(known, others=None, held=None) for known in stored]
    left = [known for known in codes if utcnow() < known.code.end]
    if left:
        await store.async_save({"codes": [_as_json(known) for known in left]})
    else:
        await store.async_remove()


def _moments(known: TemporaryCode) -> Iterable[datetime]:
    """Return the times at which a code has to be added or removed."""
    if known.held is None:
        yield known.code.start
    yield known.code.end


def _wait(moment: datetime, now: datetime, again: float) -> float:
    """Return the seconds until a time; ``again`` for a time in the past."""
    return (moment - now).total_seconds() if moment > now else again


def _collide(code: Code, other: Code) -> bool:
    return code.pin == other.pin and code.start < other.end and other.start < code.end


def _as_json(known: TemporaryCode) -> dict[str, Any]:
    code = known.code
    return {
        "id": known.id,
        "name": code.name,
        "pin": code.pin,
        "start": code.start.isoformat(),
        "end": code.end.isoformat(),
        "doors": list(code.doors),
        "others": None if known.others is None else sorted(known.others),
        "known_as": None if known.held is None else known.held.id,
        "known_name": None if known.held is None else known.held.name,
    }


def _parse(content: Mapping[str, Any], errors: list[Exception]) -> list[TemporaryCode]:
    return parse_items(content.get("codes", []), _parse_code, errors)


def _parse_code(item: Mapping[str, Any]) -> TemporaryCode:
    start, end = (dt_util.as_utc(datetime.fromisoformat(item[part])) for part in ("start", "end"))
    name, pin, doors, number = item["name"], item["pin"], item["doors"], item["id"]
    # An earlier version stored that a code was sent, but not the other ids on the device.
    others = item.get("others", [] if item.get("tried") else None)
    known_as, known_name = item["known_as"], item.get("known_name", name)
    texts = (name, pin, number, *doors, *(others or ()), known_as or "", known_name or "")
    lists = (doors, [] if others is None else others)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(found, list) for found in lists):
        raise ValueError("a stored code has a value of an unexpected type")
    held = None if known_as is None else Held(known_as, known_name)
    code = Code(name, pin, start, end, tuple(doors))
    return TemporaryCode(number, code, None if others is None else frozenset(others), held)
