"""Event entities: rings, visitors, access, calls, voicemails, messages. Late events only reach triggers."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import override

from homeassistant.components.event import (
    ButtonEventType,
    DoorbellEventType,
    EventDeviceClass,
    EventEntity,
    EventEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect, async_dispatcher_send
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util.signal_type import SignalType

from .const import DOMAIN
from .entity import LastEventEntity, async_add_as_found
from .helpers.devices import bell_label
from .model.events import (
    AccessDecided,
    CallChanged,
    CallLogged,
    Event,
    Fact,
    MessageReceived,
    Occurred,
    Restarted,
    VoicemailReceived,
)
from .model.parts import Bell, CallState, Direction, Occurrence, PlaceId, SessionId, VisitOutcome
from .model.ring_detector import Ring
from .model.state import State
from .model.visitors import Visit, visitor_id
from .runtime import IntercomConfigEntry, IntercomRuntime

PARALLEL_UPDATES = 0

GRANTED = "granted"
DENIED = "denied"
RECEIVED = "received"

# Event id, type, and attributes of a late event.
_LATE_EVENT: SignalType[str, str, dict[str, object]] = SignalType(f"{DOMAIN}_late_event")
type LateEventListener = Callable[[str, str, dict[str, object]], None]

# Optional attributes of a ring.
_RING_DETAILS = ("caller", "flat")
# Attributes of a message, including those that mark it as read.
_MESSAGE_DETAILS = ("id", "action", "title", "text", "ext", "badge", "record", "recording", "prepared")
OTHER_MESSAGE = "other"
MESSAGES = (
    "inbox",
    "chat",
    "new_address",
    "pay_success",
    "pay_error",
    "video_ready",
    "ext",
    "money",
    "paranoid",
    OTHER_MESSAGE,
)


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add an event entity for each bell, and for accesses and calls if the device reports them."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], EventEntity]]:
        found: dict[str, Callable[[], EventEntity]] = {
            f"bell_{bell.id}": partial(BellEvent, runtime, bell) for bell in state.bells.values()
        }
        if runtime.coordinator.description.visitors and state.bells:
            found |= {
                _visitor_key(place): partial(VisitorEvent, runtime, place)
                for place in {bell.place for bell in state.bells.values()}
            }
        found |= {
            occurrence: partial(OccurrenceEvent, runtime, occurrence)
            for occurrence in runtime.coordinator.description.occurrences
        }
        if runtime.coordinator.description.reports_access:
            found["access"] = partial(AccessEvent, runtime, "access")
        if runtime.coordinator.description.has_phone:
            found["call"] = partial(CallEvent, runtime, "call")
        if runtime.coordinator.features.voicemails is not None:
            found["voicemail"] = partial(VoicemailEvent, runtime, "voicemail")
        if runtime.coordinator.description.messages:
            found["message"] = partial(MessageEvent, runtime, "message")
        return found

    async_add_as_found(Platform.EVENT, entry, async_add_entities, find)


@callback
def async_listen_late_events(hass: HomeAssistant, listener: LateEventListener) -> CALLBACK_TYPE:
    """Call ``listener`` with the entity id, type, and attributes of each late event, which changes no state."""
    return async_dispatcher_connect(hass, _LATE_EVENT, listener)


class IntercomEvent(LastEventEntity, EventEntity):
    """An event entity."""

    @callback
    def async_announce(self, event_type: str, details: Mapping[str, object], *, late: bool = False) -> None:
        """Trigger an event; a late one only reaches triggers that listen to late events."""
        if late:
            async_dispatcher_send(self.hass, _LATE_EVENT, self.entity_id, event_type, dict(details))
            return
        self._trigger_event(event_type, dict(details))
        self.async_write_ha_state()


class BellEvent(IntercomEvent):
    """Rings of one bell."""

    _attr_device_class = EventDeviceClass.DOORBELL
    _attr_event_types = [DoorbellEventType.RING]
    _unrecorded_attributes = frozenset(_RING_DETAILS)

    def __init__(self, runtime: IntercomRuntime, bell: Bell) -> None:
        super().__init__(runtime, f"bell_{bell.id}", bell.place)
        self._bell = bell
        self._named: tuple[str | None, bool] | None = None
        self._async_name()

    @callback
    def _async_name(self) -> None:
        label, is_named = bell_label(self._bell, self.coordinator.data.bells.values()), self._bell.name is not None
        if self._named == (label, is_named):
            return  # Home Assistant needs a while for a new name, and a ring waits for it
        self._named = label, is_named
        if label is None:
            self.async_rename("bell")
        elif is_named:
            self.async_rename("bell_named", name=label)
        else:
            self.async_rename("bell_button", button=label)

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.runtime.events.rings.async_listen(self._bell.id, self._async_rang)
        yield self.runtime.events.rings.async_listen_late(self._async_rang_late)

    @callback
    def _async_rang_late(self, ring: Ring) -> None:
        if ring.bell.id == self._bell.id:
            self._async_rang(ring)

    @callback
    def _async_rang(self, ring: Ring) -> None:
        self._bell = self.coordinator.data.bells.get(self._bell.id, self._bell)
        self._async_name()  # the directory may have a different name by now
        attributes = {"button": ring.button or ring.bell.button, "session": ring.session}
        details = {key: ring.details[key] for key in _RING_DETAILS if key in ring.details}
        self.async_announce(DoorbellEventType.RING, attributes | details, late=ring.late)


def _visitor_key(place: PlaceId | None) -> str:
    return "visitor" if place is None else f"{place}_visitor"


class VisitorEvent(IntercomEvent):
    """What became of visitors: answered, let in, or missed."""

    _attr_event_types = [*VisitOutcome]
    _attr_translation_key = "visitor"

    def __init__(self, runtime: IntercomRuntime, place: PlaceId | None) -> None:
        super().__init__(runtime, _visitor_key(place), place)
        self._place = place

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.runtime.visits.async_listen(self._async_visited)

    @callback
    def _async_visited(self, visit: Visit) -> None:
        if visit.outcome is None or visit.ring.bell.place != self._place:
            return
        ring = visit.ring
        label = bell_label(ring.bell, self.coordinator.data.bells.values())
        # The time of the row is right even if the clock of the device is wrong.
        row = self.runtime.visitors.get(visitor_id(visit.id))
        rang = ring.time if row is None else row.time
        self.async_announce(visit.outcome, {"bell": label, "rang": rang.isoformat()}, late=ring.late)


@dataclass(frozen=True, kw_only=True)
class OccurrenceDescription(EventEntityDescription):
    """A momentary event with its event types; the first one is the default."""

    words: tuple[str, ...]


class FactEvent(IntercomEvent):
    """An event entity for one kind of fact."""

    def __init__(self, runtime: IntercomRuntime, key: str) -> None:
        super().__init__(runtime, key)
        self._attr_translation_key = key

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        yield self.runtime.events.async_listen_events(self._async_happened)

    @callback
    def _async_happened(self, event: Event, state: State) -> None:
        for fact in event.facts:
            mapped = self.map_fact(fact, state)
            if mapped is not None:
                self.async_announce(*mapped, late=event.late)

    @abstractmethod
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        """Return the event type and the attributes for a fact; None for other facts."""


class AccessEvent(FactEvent):
    """Granted and denied access."""

    _attr_event_types = [GRANTED, DENIED]
    _unrecorded_attributes = frozenset({"name"})

    @override
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        if not isinstance(fact, AccessDecided):
            return None
        access = fact.access
        details = {"name": access.name, "method": access.method, "reason": access.reason, "entrance": access.entrance}
        return GRANTED if access.granted else DENIED, details


OCCURRENCES: Mapping[Occurrence, OccurrenceDescription] = {
    Occurrence.AUDIO_TEST: OccurrenceDescription(
        key="audio_test",
        words=("passed", "failed"),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Occurrence.EXIT_BUTTON: OccurrenceDescription(
        key="exit_button", words=(ButtonEventType.PRESS_START,), device_class=EventDeviceClass.BUTTON
    ),
    Occurrence.LOGIN_BLOCKED: OccurrenceDescription(
        key="login_blocked",
        words=("blocked",),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    Occurrence.SILENT_ALARM: OccurrenceDescription(
        key="silent_alarm", words=("triggered",), entity_registry_enabled_default=False
    ),
    Occurrence.TONE: OccurrenceDescription(
        key="tone", words=("entered", "sent"), entity_registry_enabled_default=False
    ),
    Occurrence.TOUCH: OccurrenceDescription(key="touch", words=("touched",)),
}


class OccurrenceEvent(FactEvent):
    """Momentary events of one kind."""

    entity_description: OccurrenceDescription
    _unrecorded_attributes = frozenset({"address", "name"})

    def __init__(self, runtime: IntercomRuntime, occurrence: Occurrence) -> None:
        super().__init__(runtime, occurrence)
        self.entity_description = OCCURRENCES[occurrence]
        self._attr_event_types = list(self.entity_description.words)
        self._occurrence = occurrence

    @override
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        if not isinstance(fact, Occurred) or fact.occurrence is not self._occurrence:
            return None
        word = fact.word or self._attr_event_types[0]
        return (word, fact.details) if word in self._attr_event_types else None


@dataclass(frozen=True, slots=True)
class _Step:
    """The last reported step of a call."""

    state: CallState
    answered: bool
    direction: Direction | None
    peer: str | None

    def details(self, session: SessionId, reason: str | None) -> dict[str, object]:
        """Return the attributes of the step."""
        return {
            "answered": self.answered,
            "direction": self.direction,
            "peer": self.peer,
            "reason": reason,
            "session": session,
        }


def _is_answered(state: CallState) -> bool:
    return state in (CallState.CONNECTED, CallState.HELD)


class CallEvent(FactEvent):
    """State changes of whole calls, and their outcomes from the call log."""

    _unrecorded_attributes = frozenset({"name", "number", "peer"})

    def __init__(self, runtime: IntercomRuntime, key: str) -> None:
        super().__init__(runtime, key)
        held = runtime.coordinator.features.call_control is not None
        steps = (step for step in CallState if held or step is not CallState.HELD)
        self._attr_event_types = [*steps, *sorted(runtime.coordinator.description.outcomes)]
        # The last step of each call in progress, by session. One from before this entity was set up has no event.
        self._steps: dict[SessionId, _Step] = {
            session: _Step(call.state, _is_answered(call.state), call.direction, call.peer)
            for session, call in runtime.coordinator.data.calls.items()
        }

    @callback
    @override
    def _async_happened(self, event: Event, state: State) -> None:
        if any(isinstance(fact, Restarted) for fact in event.facts):
            # The device does not report the end of these calls, and counts its sessions from one again.
            steps, self._steps = self._steps, {}
            for session, step in steps.items():
                ended = replace(step, state=CallState.TERMINATED)
                self.async_announce(ended.state, ended.details(session, None), late=event.late)
        super()._async_happened(event, state)

    @override
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        match fact:
            case CallChanged():
                return self._step(fact, state)
            case CallLogged() if fact.outcome in self._attr_event_types:
                record = fact.record
                details = {"id": record.id, "name": record.name, "number": record.number, "duration": record.duration}
                return fact.outcome, details
        return None

    def _step(self, fact: CallChanged, state: State) -> tuple[str, Mapping[str, object]] | None:
        call, last = state.calls.get(fact.session), self._steps.get(fact.session)
        now = CallState.TERMINATED if call is None else call.state
        if (CallState.TERMINATED if last is None else last.state) is now:
            return None
        step = _Step(
            now,
            # Whether an answer came before; the end of a call without one is a missed call.
            now is CallState.CONNECTED or (last is not None and last.answered),
            fact.direction if call is None else call.direction,
            fact.peer if call is None else call.peer,
        )
        self._steps = {session: last for session, last in self._steps.items() if session in state.calls}
        if call is not None:
            self._steps[fact.session] = step
        return now, step.details(fact.session, fact.reason)


class VoicemailEvent(FactEvent):
    """Received voicemails."""

    _attr_event_types = [RECEIVED]
    _unrecorded_attributes = frozenset({"name", "number"})

    @override
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        if not isinstance(fact, VoicemailReceived):
            return None
        voicemail = fact.voicemail
        details = {
            "id": voicemail.id,
            "number": voicemail.number,
            "name": voicemail.name,
            "duration": voicemail.duration,
            "received": voicemail.received.isoformat(),
        }
        return RECEIVED, details


class MessageEvent(FactEvent):
    """Received messages."""

    _attr_event_types = list(MESSAGES)
    _unrecorded_attributes = frozenset(_MESSAGE_DETAILS)

    @override
    def map_fact(self, fact: Fact, state: State) -> tuple[str, Mapping[str, object]] | None:
        if not isinstance(fact, MessageReceived):
            return None
        details = {key: fact.details[key] for key in _MESSAGE_DETAILS if key in fact.details}
        return fact.kind if fact.kind in MESSAGES else OTHER_MESSAGE, details
