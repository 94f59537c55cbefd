"""Actions of apartment accounts, called for an intercom."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest

from tests.common import act, refusal

NIGHT = {"start": "2026-11-21 01:00:00", "end": "2026-11-21 02:00:00"}
LACKING: list[tuple[str, dict[str, Any], str]] = [
    ("mark_read", {}, "no_messages"),
    ("mark_delivered", {"message": "17"}, "no_messages"),
    ("sip_account", {}, "no_sip_accounts"),
    ("history_query", {}, "no_history"),
    ("history_picture", {"record": "17", "filename": "/media/visitor.jpg"}, "no_history"),
    ("watches", {}, "no_watches"),
    ("watch_add", {"event": "key", "detail": "17"}, "no_watches"),
    ("watch_remove", {"watch": "17"}, "no_watches"),
    ("archive_ranges", {}, "no_archive"),
    ("archive_prepare", NIGHT, "no_archive"),
    ("archive_download", {"recording": "17", "filename": "/media/night.mp4"}, "no_archive"),
    ("let_guests_in", {"duration": {"minutes": 5}}, "no_flat_codes"),
    ("get_door_code", {}, "no_flat_codes"),
    ("renew_door_code", {}, "no_flat_codes"),
]


async def test_each_unsupported_action_is_an_error_that_says_why(hass: HomeAssistant, entry: ConfigEntry) -> None:
    told = [await refusal(hass, entry, action, **data) for action, data, _ in LACKING]
    assert told == [sentence for _, _, sentence in LACKING]


async def test_an_intercom_is_one_device(hass: HomeAssistant, entry: ConfigEntry) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.id == entry.runtime_data.coordinator.device_id
    await entry.runtime_data.coordinator.async_describe()
    assert dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id) == [device]


async def test_the_sip_account_action_requires_a_response(hass: HomeAssistant, entry: ConfigEntry) -> None:
    with pytest.raises(ServiceValidationError):
        await act(hass, "ip_intercom.sip_account", device_id=entry.runtime_data.coordinator.device_id)
