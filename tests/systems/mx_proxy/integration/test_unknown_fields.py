"""Unknown fields of a conference are kept, because a change replaces the whole conference."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from tests.common import command
from tests.entity_states import entity_state
from tests.simulators.mx_proxy import LOGIN, Simulator

from .test_conferences import at, event_of, listed, plan, rows, send

# A field of servers that the manual does not have, and what a newer one may keep.
UNKNOWN: dict[str, Any] = {
    "description": "Bring the keys",
    "agenda": "1. Doors",
    "seats": 7,
    "recorded": True,
    "roomId": 43180377283715072001,
}


@pytest.fixture
async def conference(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> dict[str, Any]:
    """A conference with fields that the integration does not know."""
    sim.extensions[LOGIN].conferences.fields |= {name: type(value) for name, value in UNKNOWN.items()}
    planned = await plan(hass, entry, "Residents", at(timedelta(days=1)))
    row = rows(sim)[planned["id"]]
    row |= {**UNKNOWN, "ws": "Web", "wsType": "Meeting", "type": "Weekly"}
    await entry.runtime_data.coordinator.async_refresh()
    return row


@pytest.mark.parametrize("change", [{"name": "Moved"}, {"duration": {"minutes": 45}}, {"wait_for_owner": True}])
async def test_unknown_fields_survive_an_update_of_a_conference(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, conference: dict[str, Any], change: dict[str, Any]
) -> None:
    before = dict(conference)
    await command(hass, entry, "conference_update", conference=before["Id"], **change)
    edited: dict[str, dict[str, Any]] = {
        "name": {"name": "Moved"},
        "duration": {"duration": 45},
        "wait_for_owner": {"waitForOwner": True},
    }
    assert rows(sim)[before["Id"]] == before | edited[next(iter(change))]


@pytest.mark.parametrize(
    "odd",
    [
        {"accessId": "00471"},
        {"ownerId": "as text"},
        {"duration": "60"},
        {"waitForOwner": "true", "delOnOwnerLeave": 0},
        {"ws": None, "wsType": None},
        {"description": None},
        {"description": ["Bring", "the keys"]},
        {"type": 3},
    ],
)
async def test_known_fields_of_another_type_survive_an_update_of_a_conference(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, conference: dict[str, Any], odd: dict[str, Any]
) -> None:
    sim.extensions[LOGIN].conferences.fields |= dict.fromkeys(odd, object)
    conference |= {name: str(conference[name]) if name == "ownerId" else value for name, value in odd.items()}
    await entry.runtime_data.coordinator.async_refresh()
    before = dict(conference)
    await command(hass, entry, "conference_update", conference=before["Id"], name="Moved")
    assert rows(sim)[before["Id"]] == before | {"name": "Moved"}


async def test_unknown_fields_survive_a_move_in_the_calendar(
    hass: HomeAssistant,
    sim: Simulator,
    local_url: str,
    entry: ConfigEntry,
    conference: dict[str, Any],
    hass_ws_client: WebSocketGenerator,
) -> None:
    before, later = dict(conference), at(timedelta(days=2))
    update = {"type": "calendar/event/update", "uid": before["Id"]}
    await send(hass_ws_client, hass, entry, **update, event=event_of("Residents", later))
    assert rows(sim)[before["Id"]] == before | {"startDate": int(later.timestamp()), "duration": 60}


async def test_a_description_is_shown_and_changed_in_the_calendar(
    hass: HomeAssistant, sim: Simulator, local_url: str, entry: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    start = at(timedelta(days=1))
    event = {**event_of("Residents", start), "description": "Bring the keys"}
    await send(hass_ws_client, hass, entry, type="calendar/event/create", event=event)
    (row,) = rows(sim).values()
    assert row["description"] == "Bring the keys"
    assert entity_state(hass, entry, "calendar", "conferences").attributes["description"] == "Bring the keys"
    event["description"] = ""
    await send(hass_ws_client, hass, entry, type="calendar/event/update", uid=row["Id"], event=event)
    assert "description" not in rows(sim)[row["Id"]]
    (found,) = await listed(hass, entry, start, start + timedelta(hours=1))
    assert "description" not in found


@pytest.mark.parametrize("what", ["create", "update"])
async def test_a_location_of_a_conference_is_an_error(
    hass: HomeAssistant,
    sim: Simulator,
    local_url: str,
    entry: ConfigEntry,
    hass_ws_client: WebSocketGenerator,
    what: str,
) -> None:
    planned = await plan(hass, entry, "Residents", at(timedelta(days=1)))
    before = dict(rows(sim))
    uid = {"uid": planned["id"]} if what == "update" else {}
    event = {**event_of("Residents", at(timedelta(days=2))), "location": "The attic"}
    answer = await send(hass_ws_client, hass, entry, type=f"calendar/event/{what}", **uid, event=event)
    assert "has no location" in answer["error"]["message"]
    assert rows(sim) == before
