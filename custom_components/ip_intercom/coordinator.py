"""The owner of one device's state: reads it, folds events into it, tells who listens."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .api.errors import AuthenticationFailed, IntercomError
from .const import CONF_CONTROLS, DOMAIN, EVENT_LOG
from .events import DirectoryChanged, Event, reduce
from .exceptions import sentence, translated
from .facets import Delivery, System
from .model import BellId, Control, Description, SessionId, State, merge, with_bell
from .refusals import Refusals
from .rings import Ring, RingMemory, detect

_LOGGER = logging.getLogger(__name__)

type IntercomConfigEntry = ConfigEntry[IntercomCoordinator]

# Events tell of changes at once; the poll finds what they missed. Without events it is all there is.
POLL_BESIDE_EVENTS = timedelta(minutes=5)
POLL_ALONE = timedelta(seconds=30)

# A command whose effect no event has told of after this many seconds is looked up.
_EFFECT_DELAY = 2.0
# How often to look while a door that was released for a moment is still released.
_EFFECT_LOOKS = 15
_DIRECTORY_COOLDOWN = 3.0
_SAVE_DELAY = 5.0
# One poll in so many also looks whether the account's privileges have changed.
_POLLS_PER_PROBE = 12

STORAGE_VERSION = 1


def cursor_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return where an entry keeps how far its events were read."""
    return Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}")


class IntercomCoordinator(DataUpdateCoordinator[State]):
    """State, events and commands of one intercom.

    Attributes:
        system: The adapter. Its facets carry out commands; send them through ``async_command``.
        description: What the device is and has.
        device_id: Its id in the device registry.
        follower: The task that follows its events, once Home Assistant runs.
    """

    config_entry: IntercomConfigEntry

    def __init__(
        self, hass: HomeAssistant, entry: IntercomConfigEntry, system: System, store: Store[dict[str, Any]]
    ) -> None:
        """Own the state of the device behind ``system``."""
        super().__init__(
            hass, _LOGGER, config_entry=entry, name=entry.title, update_interval=POLL_ALONE, always_update=False
        )
        self.system = system
        self.description: Description
        self.device_id = ""
        self.follower: asyncio.Task[None] | None = None
        self._store = store
        self._cursor: Mapping[str, object] | None = None
        self._state = State()
        self._described = False
        self._peers: Mapping[str, BellId] = {}
        self._rings = RingMemory()
        self._unheard: dict[BellId, Ring] = {}
        self._ring_listeners: dict[BellId | None, list[Callable[[Ring], None]]] = {}
        self._event_listeners: list[Callable[[Event, State], None]] = []
        self._during_read: list[Event] | None = None
        self._events_seen = 0
        self._effect_look: CALLBACK_TYPE | None = None
        self._polls = 0
        self._refusals = Refusals()
        self._directory_changed = Debouncer(
            hass,
            _LOGGER,
            cooldown=_DIRECTORY_COOLDOWN,
            immediate=False,
            function=self._async_refresh_bells,
            background=True,
        )

    # -- reading ---------------------------------------------------------------------------------

    @override
    async def _async_setup(self) -> None:
        controls = self.config_entry.data.get(CONF_CONTROLS)
        known = None if controls is None else frozenset(Control(control) for control in controls)
        try:
            description = await self._refusals.confirmed(lambda: self.system.connect(known))
        except AuthenticationFailed as err:
            raise self._auth_failed(err) from err
        except IntercomError as err:
            raise self._update_failed(err) from err
        identity = description.identity
        unique_id = self.config_entry.unique_id
        if unique_id not in identity.names:
            # Its address may have been given to another: no door of a stranger is opened.
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="another_device",
                translation_placeholders={"device": self.name, "model": identity.model or identity.manufacturer},
            )
        # The id stays what it was, though newer firmware may tell a better one.
        self.description = replace(description, identity=replace(identity, id=unique_id))
        self._peers = self.description.peers
        self._state = self.description.state
        self.update_interval = POLL_BESIDE_EVENTS if self.description.pushes else POLL_ALONE

    @override
    async def _async_update_data(self) -> State:
        if not self._described:
            self._described = True  # connecting has read the state already
            return self._state
        self._during_read = []
        try:
            reading = await self.system.read()
            await self._async_probe_now_and_then()
        except AuthenticationFailed as err:
            if self._refusals.count():
                raise self._auth_failed(err) from err
            return self._state
        except IntercomError as err:
            raise self._update_failed(err) from err
        else:
            self._refusals.clear()
            state = merge(self._state, reading)
            for event in self._during_read:
                state = reduce(state, event)  # news from after the device answered
            self._state = state
            return state
        finally:
            self._during_read = None

    async def _async_probe_now_and_then(self) -> None:
        """Look whether the account may command more or less than before; if so, set up anew."""
        self._polls += 1
        if self._polls % _POLLS_PER_PROBE != 0:
            return
        controls = await self.system.probe_controls()
        if controls != self.description.controls:
            data = {**self.config_entry.data, CONF_CONTROLS: sorted(map(str, controls))}
            self.hass.config_entries.async_update_entry(self.config_entry, data=data)
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    async def _async_refresh_bells(self) -> None:
        try:
            bells = await self.system.read_bells()
        except IntercomError as err:
            _LOGGER.debug("%s: the directory could not be read: %s", self.name, err)
            return
        if bells is None:
            return
        self._peers = bells.peers
        # A button that rang stays, whoever has it now.
        self._async_publish(replace(self._state, bells={**self._state.bells, **bells.bells}))

    def _update_failed(self, err: IntercomError) -> UpdateFailed:
        _, key, placeholders = sentence(err)
        return UpdateFailed(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={"device": self.name} | placeholders,
        )

    def _auth_failed(self, err: AuthenticationFailed) -> ConfigEntryAuthFailed:
        _, key, placeholders = sentence(err)
        return ConfigEntryAuthFailed(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders={"device": self.name} | placeholders,
        )

    # -- events ----------------------------------------------------------------------------------

    async def async_deliver(self, delivery: Delivery) -> None:
        """Take in events: each goes to the bus, its ring to the bells, all of them into the state."""
        self._refusals.clear()
        state = self._state
        for event in delivery.events:
            state = self._async_take(event, state)
        self._cursor = delivery.cursor
        if delivery.events:
            self._store.async_delay_save(self._stored, _SAVE_DELAY)
        if delivery.missed or not self.last_update_success:
            self._state = state
            await self.async_refresh()
        else:
            self._async_publish(state)

    @callback
    def _async_take(self, event: Event, state: State) -> State:
        self._events_seen += 1
        if self._during_read is not None:
            self._during_read.append(event)
        state = reduce(state, event)
        self._rings, ring = detect(self._rings, event, state.bells, self._peers)
        if ring is not None:
            state = with_bell(state, ring.bell)
            self._async_ring(ring)  # before all else: somebody waits
        self.hass.bus.async_fire(EVENT_LOG, self._bus_data(event))
        for listener in tuple(self._event_listeners):
            listener(event, state)
        if any(isinstance(fact, DirectoryChanged) for fact in event.facts):
            self._directory_changed.async_schedule_call()
        return state

    def _bus_data(self, event: Event) -> dict[str, object]:
        return {
            "device_id": self.device_id,
            "type": event.type,
            "time": event.time.isoformat(),
            "late": event.late,
            "sequence": event.sequence,
            "data": dict(event.data),
        }

    @callback
    def _async_ring(self, ring: Ring) -> None:
        listeners = self._ring_listeners.get(ring.bell.id)
        if not listeners:
            self._unheard[ring.bell.id] = ring  # its entity is being made because of this ring
        for listener in (*(listeners or ()), *self._ring_listeners.get(None, ())):
            listener(ring)

    @callback
    def _async_publish(self, state: State) -> None:
        self._state = state
        if state != self.data:
            # Not async_set_updated_data: that would put off the safety net with every event.
            self.data = state
            self.async_update_listeners()

    @callback
    def async_listen_ring(self, bell: BellId | None, listener: Callable[[Ring], None]) -> CALLBACK_TYPE:
        """Call ``listener`` for each ring of a bell, of all for None; also for one that nobody heard yet."""
        listeners = self._ring_listeners.setdefault(bell, [])
        listeners.append(listener)
        if bell is not None and (unheard := self._unheard.pop(bell, None)) is not None:
            listener(unheard)
        return lambda: listeners.remove(listener)

    @callback
    def async_listen_events(self, listener: Callable[[Event, State], None]) -> CALLBACK_TYPE:
        """Call ``listener`` for each event and the state after it, in order, late ones included."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    @override
    async def async_shutdown(self) -> None:
        """Stop polling and looking."""
        await super().async_shutdown()
        self._directory_changed.async_shutdown()
        if self._effect_look is not None:
            self._effect_look()

    # -- connection ------------------------------------------------------------------------------

    @callback
    def async_lost(self, err: IntercomError) -> None:
        """Note that the device is out of reach; the first time makes the log line."""
        self.async_set_update_error(self._update_failed(err))

    @callback
    def async_refused(self) -> bool:
        """Note that user name and password were refused; return True once that is beyond doubt."""
        if not self._refusals.count():
            return False
        self.async_set_update_error(self._auth_failed(AuthenticationFailed()))
        self.config_entry.async_start_reauth(self.hass)
        return True

    async def async_let_go(self) -> None:
        """Stop following events, write down how far they were read, and give back what the device holds."""
        if self.follower is not None:
            self.follower.cancel()
        if self._cursor is not None:
            await self._store.async_save(self._stored())
        await self.system.close()

    def _stored(self) -> dict[str, Any]:
        return {"cursor": self._cursor}

    # -- commands --------------------------------------------------------------------------------

    @contextmanager
    def translating(self) -> Generator[None]:
        """Turn what goes wrong with the device into a ``HomeAssistantError`` with a sentence."""
        try:
            yield
        except IntercomError as err:
            raise translated(err, self.name) from err

    async def async_command[T](self, command: Coroutine[Any, Any, T]) -> T:
        """Carry out a command of a facet.

        Raises:
            HomeAssistantError: What went wrong, as a sentence.
        """
        with self.translating():
            return await command

    async def async_effective_command(
        self, command: Coroutine[Any, Any, None], settled: Callable[[State], bool] = lambda _: True
    ) -> None:
        """Carry out a command that changes the state, and look where no event tells of its effect.

        Args:
            command: The command of a facet.
            settled: Returns whether a state is not about to change by itself again.
        """
        seen = self._events_seen
        await self.async_command(command)
        self._async_look_for_effect(seen, settled, _EFFECT_LOOKS)

    @callback
    def _async_look_for_effect(self, seen: int, settled: Callable[[State], bool], looks: int) -> None:
        async def look(_: datetime) -> None:
            if self._events_seen != seen:
                return
            await self.async_refresh()
            if looks > 1 and not settled(self.data):
                self._async_look_for_effect(seen, settled, looks - 1)

        unsubscribe = async_call_later(self.hass, _EFFECT_DELAY, look)
        self._effect_look, previous = unsubscribe, self._effect_look
        if previous is not None:
            previous()

    async def async_dial(self, number: str | None, users: list[str]) -> SessionId:
        """Call somebody; this call rings no bell."""
        assert self.system.calls is not None
        self._rings = replace(self._rings, dialling=True)
        try:
            session = await self.async_command(self.system.calls.dial(number, users))
            self._rings = self._rings.quiet(session)
        finally:
            self._rings = replace(self._rings, dialling=False)
        return session
