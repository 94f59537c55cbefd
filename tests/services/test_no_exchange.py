"""Actions of phone systems, called for a door station."""

from contextlib import suppress
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import probatio as vol

from tests.common import command, entity_id, refusal

LACKING: list[tuple[str, dict[str, Any], str]] = [
    ("answer", {"device": "desk"}, "no_call_control"),
    ("transfer", {"to": "3108"}, "no_call_control"),
    ("hold", {}, "no_call_control"),
    ("resume", {}, "no_call_control"),
    ("make_call", {"to": "3108"}, "no_call_control"),
    ("call_info", {}, "no_call_control"),
    ("assign_device", {"device": "desk"}, "no_call_control"),
    ("set_call_mode", {"mode": "local"}, "no_call_modes"),
    ("contacts_query", {}, "no_phone_book"),
    ("services_query", {}, "no_phone_book"),
    ("voicemail_query", {}, "no_voicemails"),
    ("voicemail_update", {"voicemail": "82", "read": True}, "no_voicemails"),
    ("voicemail_delete", {"voicemail": "82"}, "no_voicemails"),
    ("voicemail_download", {"voicemail": "82", "filename": "/media/a.wav"}, "no_voicemails"),
    ("conference_query", {}, "no_conferences"),
    ("conference_invitation", {"conference": "1"}, "no_conferences"),
    ("conference_create", {"name": "a", "start": "2026-12-01 10:00", "duration": 1800}, "no_conferences"),
    ("conference_update", {"conference": "1", "name": "b"}, "no_conferences"),
    ("conference_delete", {"conference": "1"}, "no_conferences"),
    ("conference_join", {"conference": "1"}, "no_conferences"),
    ("conference_from_call", {"session": 1}, "no_conferences"),
    ("push_token_add", {"kind": "fcm", "topic": "a", "token": "b"}, "no_push_tokens"),
    ("push_token_remove", {"kind": "fcm", "topic": "a", "token": "b"}, "no_push_tokens"),
]
INVALID: list[tuple[str, dict[str, Any]]] = [
    ("answer", {"timeout": 10}),
    ("answer", {"device": "desk", "timeout": 0}),
    ("transfer", {"to": ""}),
    ("set_call_mode", {"mode": "elsewhere"}),
    ("set_call_mode", {"mode": "remote", "ring_delay": 3600}),
    ("voicemail_update", {"voicemail": "82"}),
    ("conference_update", {"conference": "1"}),
    ("conference_create", {"name": "a", "start": "2026-12-01 10:00", "duration": 0}),
    ("push_token_add", {"kind": "sms", "topic": "a", "token": "b"}),
]


async def test_each_unsupported_action_is_an_error_that_says_why(hass: HomeAssistant, entry: ConfigEntry) -> None:
    told = [await refusal(hass, entry, action, **data) for action, data, _ in LACKING]
    assert told == [sentence for _, _, sentence in LACKING]


async def test_a_door_intercom_has_no_exchange_entities(hass: HomeAssistant, entry: ConfigEntry) -> None:
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert entities
    assert not {entity.domain for entity in entities} & {"calendar", "select"}
    assert "calendar" not in hass.config.components
    keys = {entity.unique_id.removeprefix(f"{entry.unique_id}_") for entity in entities}
    assert not keys & {"clear_missed_calls", "extension", "missed_calls", "voicemail", "voicemails"}
    for platform, key, attribute in (("sensor", "call_state", "options"), ("event", "call", "event_types")):
        state = hass.states.get(entity_id(hass, entry, platform, key))
        assert state is not None
        assert not {"held", "missed"} & set(state.attributes[attribute])


async def test_invalid_action_data_is_rejected(hass: HomeAssistant, entry: ConfigEntry) -> None:
    accepted = []
    for action, data in INVALID:
        with suppress(vol.Invalid):
            await command(hass, entry, action, **data)
            accepted.append((action, data))
    assert accepted == []
