"""Temporary PIN codes: sent to the device when their time begins, and removed when it ends.

The device's own schedules are weekly, or not there at all: the window is kept here. What was meant
to happen while Home Assistant or the device was away happens as soon as both are there.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
import logging
from typing import Any
from uuid import uuid4

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util.dt import utcnow

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.errors import request_refused, translated_error
from ..model.functions import Code, Codes, Held
from ..model.parts import DoorId
from ..model.state import Missing
from ..systems.common.errors import CodeLeft, CommandFailed, ConnectionFailed, IntercomError, NotReached, NotSupported
from .loading import async_parting

_LOGGER = logging.getLogger(__name__)

_STORAGE_VERSION = 1
_WAKE = "temporary codes"
# Seconds after which a device that refused or was away is tried again: doubled each time, up to the second.
_AGAIN = 60.0
_AGAIN_AT_MOST = 3600.0
# Clocks are set: the next window is checked again after this many seconds at the latest.
_LOOK_AT_MOST = 300.0


@dataclass(frozen=True, slots=True)
class TemporaryCode:
    """A code and what has become of it.

    Attributes:
        id: What the actions call it.
        code: The PIN and its window.
        others: The IDs that the device had before the code was first sent; None before that, and once ``held`` is known.
        held: What the device holds; None until that is certain.
    """

    id: str
    code: Code
    others: frozenset[str] | None = None
    held: Held | None = None

    @property
    def tried(self) -> bool:
        """It was sent to the device, which may have it even if it did not say so."""
        return self.others is not None or self.held is not None

    def ended(self) -> TemporaryCode:
        """Return it with its time over."""
        return replace(self, code=replace(self.code, end=min(self.code.end, utcnow())))


def code_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where the codes of an entry are kept."""
    return Store(hass, _STORAGE_VERSION, f"{DOMAIN}.{entry_id}.codes", private=True, atomic_writes=True)


class TemporaryCodes:
    """The temporary codes of one device.

    Args:
        coordinator: The owner of the device.
        store: Where they are kept; without codes there is nothing in it.
    """

    def __init__(self, coordinator: IntercomCoordinator, store: Store[dict[str, Any]]) -> None:
        self._coordinator = coordinator
        self._store = store
        self._codes: dict[str, TemporaryCode] = {}
        self._turn = asyncio.Lock()
        self._failures = 0
        # Codes whose time has begun and that the device refuses.
        self._refused: set[str] = set()

    @property
    def all(self) -> tuple[TemporaryCode, ...]:
        """The codes that are not over, in the order in which they begin."""
        return tuple(sorted(self._codes.values(), key=lambda known: known.code.start))

    async def async_load(self) -> None:
        """Read what is kept, and do in the background what is due."""
        self._codes = {known.id: known for known in _stored(await self._store.async_load())}
        if self._codes:
            self._coordinator.config_entry.async_create_background_task(
                self._coordinator.hass, self._async_wake(), f"{DOMAIN} temporary codes of {self._coordinator.name}"
            )

    async def async_add(
        self, name: str, pin: str, start: datetime | None, end: datetime, doors: tuple[DoorId, ...]
    ) -> TemporaryCode:
        """Keep a code, and bring it to the device if its time has begun, as it has without ``start``.

        A device out of reach gets it later.
        """
        code = Code(name, pin, start or utcnow(), end, doors)
        if code.end <= max(code.start, utcnow()):
            raise request_refused("code_window")
        async with self._turn:
            if any(_collide(code, other.code) for other in self._codes.values()):
                raise request_refused("code_taken", device=self._coordinator.name)
            known = TemporaryCode(uuid4().hex, code)
            await self._async_keep(known)
            try:
                await self._async_settle(known)
            except ConnectionFailed as err:
                self._note_failure(err)
            except IntercomError:
                await self._async_undo(self._codes[known.id])
                self._show_left()
                with self._coordinator.translating():
                    raise
            self._wake_later()
            return self._codes.get(known.id, known)

    async def async_remove(self, code_id: str) -> None:
        """Take a code away before its time is over."""
        async with self._turn:
            if (known := self._codes.get(code_id)) is None:
                raise request_refused("no_such_code", device=self._coordinator.name)
            over = known.ended()
            await self._async_keep(over)
            try:
                await self._async_settle(over)
            except IntercomError as err:
                self._note_failure(err)
                raise translated_error(HomeAssistantError, "code_not_removed", device=self._coordinator.name) from err
            finally:
                self._show_left()
                self._wake_later()

    async def async_retry(self) -> None:
        """Do now what has failed: a person says that the device is well."""
        if self._failures:
            await self._async_wake()

    async def _async_undo(self, known: TemporaryCode) -> None:
        """Forget a refused code once it is certain that the device does not have it all the same."""
        over = known.ended()
        try:
            await self._async_settle(over)
        except IntercomError as err:
            await self._async_keep(over)
            self._note_failure(err)
            self._wake_later()

    async def _async_wake(self) -> None:
        """Do what is due."""
        async with self._turn:
            failure: IntercomError | None = None
            for known in self.all:
                try:
                    await self._async_settle(known)
                except NotReached as err:
                    failure = err
                    break  # it would not answer for the others either
                except ConnectionFailed as err:
                    failure = err
                except IntercomError as err:
                    failure = err
                    self._refused.add(known.id)
                else:
                    self._refused.discard(known.id)
            if failure is None:
                self._failures = 0
            else:
                self._note_failure(failure)
            self._show_left()
            self._wake_later()

    async def _async_settle(self, known: TemporaryCode) -> None:
        """Bring one code to the device or take it away, as its time demands."""
        now = utcnow()
        if now >= known.code.end:
            if known.tried:
                await self._feature.remove(known.code, known.held, known.others)
            await self._async_drop(known.id)
        elif now >= known.code.start and known.held is None:
            try:
                held = await self._feature.add(known.code, known.others, partial(self._async_note_sent, known))
            except CodeLeft as err:
                await self._async_keep(replace(known.ended(), others=None, held=Held(err.id, err.name)))
                raise
            await self._async_keep(replace(known, others=None, held=held))

    async def _async_note_sent(self, known: TemporaryCode, others: frozenset[str]) -> None:
        """Keep what is needed to find a code that is about to be sent: it must never be there unknown to us."""
        await self._async_keep(replace(known, others=others))

    @property
    def _feature(self) -> Codes:
        if (codes := self._coordinator.features.codes) is None:
            raise NotSupported("no codes")
        return codes

    def _show_left(self) -> None:
        """Have a repair for each code that may still open after its time, and for each that does not open in its time."""
        now = utcnow()
        self._refused &= self._codes.keys()
        left = {
            Missing("code_left" if now >= known.code.end else "code_refused", known.code.name)
            for known in self._codes.values()
            if (known.tried and now >= known.code.end) or known.id in self._refused
        }
        self._coordinator.device_issues.async_note("codes", frozenset(left))

    def _note_failure(self, err: IntercomError) -> None:
        if self._failures == 0:
            _LOGGER.warning(
                "%s: could not add or remove a temporary code, retrying: %s",
                self._coordinator.name,
                type(err).__name__,
            )
        self._failures += 1

    def _wake_later(self) -> None:
        """Come back when the next window begins or ends, or what failed may go well."""
        if not self._codes:
            return
        now = utcnow()
        again = min(_AGAIN * 2.0 ** min(self._failures - 1, 10), _AGAIN_AT_MOST) if self._failures else 0.0
        waits = (_wait(moment, now, again) for known in self._codes.values() for moment in _moments(known))
        self._coordinator.timers.async_do(min(*waits, _LOOK_AT_MOST), _WAKE, self._async_wake)

    async def _async_keep(self, known: TemporaryCode) -> None:
        self._codes[known.id] = known
        await self._async_save()

    async def _async_drop(self, code_id: str) -> None:
        self._codes.pop(code_id, None)
        await self._async_save()

    async def _async_save(self) -> None:
        if self._codes:
            await self._store.async_save({"codes": [_as_json(known) for known in self._codes.values()]})
        else:
            await self._store.async_remove()


async def async_take_away(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take all codes of an entry that is removed from its device, and forget them."""
    store = code_store(hass, entry.entry_id)
    left = {known.id: known for known in _stored(await store.async_load()) if known.tried}
    failure: IntercomError | None = None
    if left:
        try:
            async with async_parting(hass, entry) as features:
                if features.codes is None:
                    raise NotSupported("no codes")
                for known in tuple(left.values()):
                    try:
                        await features.codes.remove(known.code, known.held, known.others)
                    except CommandFailed as err:
                        failure = err  # the others may be taken away all the same
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
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"codes_left_{entry.entry_id}_removed",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key="codes_left_behind",
            translation_placeholders={"device": entry.title, "name": names},
        )
    await store.async_remove()


async def async_bring_anew(hass: HomeAssistant, entry_id: str) -> None:
    """Have all codes that are not over brought to a unit that replaces the one that had them."""
    store = code_store(hass, entry_id)
    codes = [replace(known, others=None, held=None) for known in _stored(await store.async_load())]
    left = [known for known in codes if utcnow() < known.code.end]
    if left:
        await store.async_save({"codes": [_as_json(known) for known in left]})
    else:
        await store.async_remove()


def _moments(known: TemporaryCode) -> Iterable[datetime]:
    """Return when something is to be done about a code."""
    if known.held is None:
        yield known.code.start
    yield known.code.end


def _wait(moment: datetime, now: datetime, again: float) -> float:
    """Return the seconds to a moment; one that is past is tried ``again`` after so many."""
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


def _stored(content: dict[str, Any] | None) -> Iterable[TemporaryCode]:
    for item in (content or {}).get("codes", []):
        start, end = (datetime.fromisoformat(item[part]) for part in ("start", "end"))
        code = Code(item["name"], item["pin"], start, end, tuple(item["doors"]))
        # An earlier version noted that a code was sent, and not what else the device had.
        others = item.get("others", [] if item.get("tried") else None)
        known_as = item["known_as"]
        held = None if known_as is None else Held(known_as, item.get("known_name", code.name))
        yield TemporaryCode(item["id"], code, None if others is None else frozenset(others), held)
