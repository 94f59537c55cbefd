"""Triggers of automations: rings, visitors, access, calls, alarms, and messages."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.event import DOMAIN as EVENT_DOMAIN, DoorbellEventType
from homeassistant.const import ATTR_ENTITY_ID, CONF_OPTIONS, STATE_ON, STATE_UNAVAILABLE
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, State, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR,
    EntityTargetStateTriggerBase,
    EntityTriggerBase,
    NotTriggeredReasonReporter,
    StatelessEntityTriggerBase,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
import probatio as vol

from .binary_sensor import ATTR_LATE
from .entity import async_own_entities
from .event import DENIED, GRANTED, MESSAGES, RECEIVED, async_listen_late_events
from .model.parts import Alarm, CallOutcome, CallState, VisitOutcome

CONF_ALSO_LATE = "also_late"
CONF_ENTRANCE = "entrance"
CONF_METHOD = "method"
CONF_PERSON = "person"

_ALSO_LATE = {vol.Optional(CONF_ALSO_LATE, default=False): cv.boolean}
_TEXTS = vol.All(cv.ensure_list, [cv.string])


class _IntercomTrigger(EntityTriggerBase):
    """A trigger for entities of this integration with certain translation keys."""

    entity_keys: ClassVar[frozenset[str]]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the entities of this integration that the trigger is for."""
        return async_own_entities(self._hass, super().entity_filter(entities), self.entity_keys)


class _EventTrigger(_IntercomTrigger, StatelessEntityTriggerBase):
    """A trigger for types of an event entity; on request, also for late events.

    The variable ``trigger`` has ``event_type``, ``attributes``, and ``late`` beside the usual ones.
    """

    _domain_specs = {EVENT_DOMAIN: DomainSpec()}
    _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend({vol.Required(CONF_OPTIONS, default={}): _ALSO_LATE})
    event_types: ClassVar[frozenset[str]]
    # Whether ``matches`` has to know late events too, even if they do not fire the trigger.
    follows_late: ClassVar[bool] = False

    def matches(self, entity_id: str, event_type: str, attributes: Mapping[str, Any]) -> bool:
        """Return whether an event fires the trigger; called once for each event."""
        return event_type in self.event_types

    @override
    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        """Return whether the event that a state shows fires the trigger."""
        return self.matches(state.entity_id, state.attributes.get("event_type", ""), state.attributes)

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Attach the trigger to states, and to late events on request."""

        also_late: bool = self._options.get(CONF_ALSO_LATE, False)

        @callback
        def run_live(
            extra_trigger_payload: dict[str, Any], description: str, context: Context | None = None
        ) -> asyncio.Task[Any]:
            attributes = extra_trigger_payload["to_state"].attributes
            details = _details(attributes["event_type"], attributes)
            return run_action(extra_trigger_payload | details, description, context)

        @callback
        def run_late(entity_id: str, event_type: str, attributes: dict[str, object]) -> None:
            if entity_id in self._async_targets() and self.matches(entity_id, event_type, attributes) and also_late:
                details = _details(event_type, attributes, late=True)
                run_action({ATTR_ENTITY_ID: entity_id} | details, f"late event of {entity_id}")

        unsubscribe = await super().async_attach_runner(run_live, did_not_trigger)
        if not (also_late or self.follows_late):
            return unsubscribe
        unsubscribe_late = async_listen_late_events(self._hass, run_late)

        @callback
        def unsubscribe_both() -> None:
            unsubscribe()
            unsubscribe_late()

        return unsubscribe_both

    @callback
    def _async_targets(self) -> set[str]:
        """Return the ids of the entities that the trigger is for now."""
        selected = async_extract_referenced_entity_ids(
            self._hass, TargetSelection(self._target), primary_entities_only=self._primary_entities_only
        )
        return self.entity_filter(selected.referenced | selected.indirectly_referenced)


def _details(event_type: str, attributes: Mapping[str, Any], *, late: bool = False) -> dict[str, Any]:
    return {"event_type": event_type, "attributes": dict(attributes), "late": late}


class DoorbellRangTrigger(_EventTrigger):
    """A bell rang."""

    entity_keys = frozenset({"bell", "bell_button", "bell_named"})
    event_types = frozenset({DoorbellEventType.RING})


class VisitorMissedTrigger(_EventTrigger):
    """A visitor was neither answered nor let in."""

    entity_keys = frozenset({"visitor"})
    event_types = frozenset({VisitOutcome.MISSED})


class _AccessTrigger(_EventTrigger):
    """Access was granted or denied: to a person, by a method, at an entrance."""

    entity_keys = frozenset({"access"})
    _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend(
        {
            vol.Required(CONF_OPTIONS, default={}): {
                **_ALSO_LATE,
                vol.Optional(CONF_PERSON): _TEXTS,
                vol.Optional(CONF_METHOD): _TEXTS,
                vol.Optional(CONF_ENTRANCE): _TEXTS,
            }
        }
    )

    @override
    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._wanted = {
            attribute: {text.casefold() for text in texts}
            for attribute, option in (("name", CONF_PERSON), ("method", CONF_METHOD), ("entrance", CONF_ENTRANCE))
            if (texts := self._options.get(option))
        }

    @override
    def matches(self, entity_id: str, event_type: str, attributes: Mapping[str, Any]) -> bool:
        """Return whether the type and the options match."""
        return super().matches(entity_id, event_type, attributes) and all(
            str(attributes.get(attribute)).casefold() in texts for attribute, texts in self._wanted.items()
        )


class AccessGrantedTrigger(_AccessTrigger):
    """Access was granted."""

    event_types = frozenset({GRANTED})


class AccessDeniedTrigger(_AccessTrigger):
    """Access was denied."""

    event_types = frozenset({DENIED})


class _CallTrigger(_EventTrigger):
    """A change of a call."""

    entity_keys = frozenset({"call"})


class _CallStepTrigger(_CallTrigger):
    """A step of a call, once for each call; a call in ``past_types`` has taken it already."""

    past_types: ClassVar[frozenset[str]]
    follows_late = True  # a device counts its calls from one again, so the end of each one matters

    @override
    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._past: set[tuple[str, Any]] = set()

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Attach the trigger without the calls in progress."""
        for state in map(self._hass.states.get, self._async_targets()):
            if state is not None:
                self.matches(state.entity_id, state.attributes.get("event_type") or "", state.attributes)
        return await super().async_attach_runner(run_action, did_not_trigger)

    @override
    def matches(self, entity_id: str, event_type: str, attributes: Mapping[str, Any]) -> bool:
        """Return whether a call takes the step now."""
        call = entity_id, attributes.get("session")
        is_past = call in self._past
        if event_type == CallState.TERMINATED:
            self._past.discard(call)
        elif event_type in self.past_types:
            self._past.add(call)
        return not is_past and super().matches(entity_id, event_type, attributes)


class CallStartedTrigger(_CallStepTrigger):
    """A call started."""

    event_types = frozenset({CallState.CONNECTING, CallState.RINGING})
    past_types = event_types | {CallState.CONNECTED, CallState.HELD}


class CallAnsweredTrigger(_CallStepTrigger):
    """A call was answered."""

    event_types = frozenset({CallState.CONNECTED})
    past_types = event_types | {CallState.HELD}


class CallEndedTrigger(_CallTrigger):
    """A call ended, answered or not."""

    event_types = frozenset({CallState.TERMINATED})


class CallMissedTrigger(_CallTrigger):
    """A call ended without an answer; a phone system reports that itself."""

    event_types = frozenset({CallOutcome.MISSED})

    @override
    def matches(self, entity_id: str, event_type: str, attributes: Mapping[str, Any]) -> bool:
        """Return whether the call was missed."""
        state = self._hass.states.get(entity_id)
        if state is not None and CallOutcome.MISSED in state.attributes.get("event_types", ()):
            return super().matches(entity_id, event_type, attributes)
        return event_type == CallState.TERMINATED and attributes.get("answered") is False


class MessageReceivedTrigger(_EventTrigger):
    """A message was received."""

    entity_keys = frozenset({"message"})
    event_types = frozenset(MESSAGES)


class VoicemailReceivedTrigger(_EventTrigger):
    """A voicemail was received."""

    entity_keys = frozenset({"voicemail"})
    event_types = frozenset({RECEIVED})


class _AlarmTrigger(_IntercomTrigger, EntityTargetStateTriggerBase):
    """An alarm began, and lasts as long as requested."""

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}
    _schema = ENTITY_STATE_TRIGGER_SCHEMA_WITH_BEHAVIOR.extend({vol.Required(CONF_OPTIONS, default={}): _ALSO_LATE})
    # An alarm is unknown until the device reports it for the first time.
    _excluded_from_states = frozenset({STATE_UNAVAILABLE})
    _to_states = {STATE_ON}

    @override
    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        """Return whether the alarm is on, and did not begin while the device was away."""
        is_wanted = bool(self._options.get(CONF_ALSO_LATE)) or not state.attributes.get(ATTR_LATE)
        return is_wanted and super().is_valid_state(state, report_not_triggered)


def _alarm_trigger(alarm: Alarm) -> type[_AlarmTrigger]:
    """Return the trigger of an alarm."""
    return type(f"{alarm.name}Trigger", (_AlarmTrigger,), {"entity_keys": frozenset({alarm.value})})


TRIGGERS: dict[str, type[Trigger]] = {
    "doorbell_rang": DoorbellRangTrigger,
    "visitor_missed": VisitorMissedTrigger,
    "access_granted": AccessGrantedTrigger,
    "access_denied": AccessDeniedTrigger,
    "call_started": CallStartedTrigger,
    "call_answered": CallAnsweredTrigger,
    "call_ended": CallEndedTrigger,
    "call_missed": CallMissedTrigger,
    "message_received": MessageReceivedTrigger,
    "voicemail_received": VoicemailReceivedTrigger,
    "door_forced": _alarm_trigger(Alarm.DOOR_FORCED),
    "door_held_open": _alarm_trigger(Alarm.DOOR_HELD_OPEN),
    "tampered": _alarm_trigger(Alarm.TAMPER),
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers by key."""
    return TRIGGERS
