"""Unknown settings of a SmartYard are kept: its server changes only the sent ones (field notes 8)."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest

from tests.common import act, entity_id, until
from tests.simulators.smartyard import Simulator

MORE = {"quietHours": "22-7", "paperRing": "t"}


@pytest.mark.parametrize(
    ("platform", "key", "change", "sent"),
    [
        ("switch", "flat_51_cms", {}, {"CMS": "f"}),
        ("switch", "flat_51_voip", {}, {"VoIP": "f"}),
        ("select", "flat_51_white_rabbit", {"option": "5"}, {"whiteRabbit": "5"}),
    ],
)
async def test_unknown_fields_survive_an_update_of_an_apartment(
    hass: HomeAssistant,
    sim: Simulator,
    entry: ConfigEntry,
    platform: str,
    key: str,
    change: dict[str, Any],
    sent: dict[str, str],
) -> None:
    """The returned end of guest access must not be sent back: it is in another time zone."""
    flat = sim.town.flat(51)
    flat.more, until_when = dict(MORE), flat.auto_open
    sim.clear_requests()
    action = "select.select_option" if change else "switch.turn_off"
    await act(hass, action, entity_id=entity_id(hass, entry, platform, f"setting_{key}"), **change)
    bodies = [request.body or {} for request in sim.requests]
    assert [body["settings"] for body in bodies if "settings" in body] == [sent]
    assert (flat.more, flat.auto_open) == (MORE, until_when)


async def test_unknown_fields_survive_an_update_of_a_smartyard_account(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    devices = sim.people.devices
    for device in devices:
        device.more = dict(MORE)
    texts = [device.texts for device in devices]
    await act(hass, "switch.toggle", entity_id=entity_id(hass, entry, "switch", "setting_money_messages"))
    await until(lambda: not all(device.money for device in devices), "the setting")
    assert [(device.more, device.texts) for device in devices] == [(MORE, text) for text in texts]


async def test_unknown_fields_survive_guest_access_to_an_apartment(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    flat = sim.town.flat(51)
    flat.more = dict(MORE)
    before = (flat.cms, flat.white_rabbit, flat.log_disabled, flat.log_hidden)
    sim.clear_requests()
    for action in ("turn_on", "turn_off"):
        switch = entity_id(hass, entry, "switch", "setting_flat_51_open_for_guests")
        await act(hass, f"switch.{action}", entity_id=switch)
    bodies = [request.body or {} for request in sim.requests]
    sent = [body["settings"].keys() for body in bodies if "settings" in body]
    assert sent
    assert all(names == {"autoOpen"} for names in sent)
    assert (flat.more, flat.cms, flat.white_rabbit, flat.log_disabled, flat.log_hidden) == (MORE, *before)
