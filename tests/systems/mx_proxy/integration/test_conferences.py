"""Conferences: the calendar, and the actions."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from tests.common import act, command, entity_id, refusal, state_of, until
from tests.entity_states import entity_state, wait_for_state
from tests.simulators.mx_proxy import LOGIN, Simulator

CODE = 47281964
ANNA, BEN = 43884851900310701, 43884851900310803


def at(offset: timedelta) -> datetime:
    """Return the full minute at the given distance from now."""
    return (dt_util.now() + offset).replace(second=0, microsecond=0)


def rows(sim: Simulator) -> dict[str, dict[str, Any]]:
    """Return the conferences as the exchange has them."""
    return sim.extensions[LOGIN].conferences.rows


async def plan(hass: HomeAssistant, entry: ConfigEntry, name: str, start: datetime, minutes: int = 30) -> Any:
    """Plan a conference with an action."""
    data = {"name": name, "start": start.isoformat(), "duration": {"minutes": minutes}, "access_code": CODE}
    return await command(hass, entry, "conference_create", **data)


async def listed(hass: HomeAssistant, entry: ConfigEntry, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the events of the calendar in a period."""
    calendar = entity_id(hass, entry, "calendar", "conferences")
    answer = await act(
        hass, "calendar.get_events", response=True, entity_id=calendar, start_date_time=start, end_date_time=end
    )
    events: list[dict[str, Any]] = answer[calendar]["events"]
    return events


async def test_the_calendar_shows_the_current_and_the_next_conference(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "calendar", "conferences") == "off"
    assert "message" not in entity_state(hass, entry, "calendar", "conferences").attributes
    await plan(hass, entry, "Tomorrow", at(timedelta(days=1)))
    state = entity_state(hass, entry, "calendar", "conferences")
    assert (state.state, state.attributes["message"]) == ("off", "Tomorrow")
    await plan(hass, entry, "Now", at(timedelta(minutes=-5)))
    await plan(hass, entry, "Over", at(timedelta(hours=-5)))
    state = entity_state(hass, entry, "calendar", "conferences")
    assert (state.state, state.attributes["message"]) == ("on", "Now")
    assert str(CODE) not in str(state.attributes)


async def test_the_calendar_returns_the_conferences_of_a_time(hass: HomeAssistant, entry: ConfigEntry) -> None:
    noon = at(timedelta(days=3))
    for name, hours in (("First", 0), ("Second", 2), ("Third", 4)):
        await plan(hass, entry, name, noon + timedelta(hours=hours))
    found = await listed(hass, entry, noon + timedelta(minutes=29), noon + timedelta(hours=4))
    assert [event["summary"] for event in found] == ["First", "Second"]
    assert found[0]["start"] == noon.isoformat()
    assert found[0]["end"] == (noon + timedelta(minutes=30)).isoformat()
    assert str(CODE) not in str(found)


async def test_a_conference_is_planned_in_the_calendar(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    start = at(timedelta(days=1))
    calendar = entity_id(hass, entry, "calendar", "conferences")
    await act(
        hass,
        "calendar.create_event",
        entity_id=calendar,
        summary="Kick-off",
        start_date_time=start,
        end_date_time=start + timedelta(minutes=45),
    )
    (row,) = rows(sim).values()
    assert (row["name"], row["startDate"], row["duration"]) == ("Kick-off", start.timestamp(), 45)
    assert row["ownerId"] == ANNA
    assert row["accessId"] > 0, "an access code is needed to dial in"
    assert entity_state(hass, entry, "calendar", "conferences").attributes["message"] == "Kick-off"


async def test_a_conference_may_last_whole_days(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    await act(
        hass,
        "calendar.create_event",
        entity_id=entity_id(hass, entry, "calendar", "conferences"),
        summary="Retreat",
        start_date="2027-02-01",
        end_date="2027-02-03",
    )
    (row,) = rows(sim).values()
    assert row["startDate"] == datetime.fromisoformat("2027-02-01T00:00:00+01:00").timestamp()
    assert row["duration"] == 2 * 24 * 60


async def send(hass_ws_client: WebSocketGenerator, hass: HomeAssistant, entry: ConfigEntry, **message: Any) -> Any:
    """Send a websocket command as the calendar page does."""
    client = await hass_ws_client(hass)
    calendar = entity_id(hass, entry, "calendar", "conferences")
    await client.send_json_auto_id({"entity_id": calendar, **message})
    return await client.receive_json()


def event_of(name: str, start: datetime) -> dict[str, str]:
    return {"summary": name, "dtstart": start.isoformat(), "dtend": (start + timedelta(hours=1)).isoformat()}


async def test_a_conference_is_moved_and_called_off(
    hass: HomeAssistant, sim: Simulator, local_url: str, entry: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    planned = await plan(hass, entry, "Weekly", at(timedelta(days=1)))
    later = at(timedelta(days=2))
    moved = await send(
        hass_ws_client, hass, entry, type="calendar/event/update", uid=planned["id"], event=event_of("Moved", later)
    )
    assert moved["success"], moved
    row = rows(sim)[planned["id"]]
    assert (row["name"], row["startDate"], row["duration"]) == ("Moved", later.timestamp(), 60)
    assert (row["accessId"], row["type"], row["ws"]) == (CODE, "Once", "None"), "the other fields stay"
    assert entity_state(hass, entry, "calendar", "conferences").attributes["message"] == "Moved"
    gone = await send(hass_ws_client, hass, entry, type="calendar/event/delete", uid=planned["id"])
    assert gone["success"], gone
    assert not rows(sim)
    assert "message" not in entity_state(hass, entry, "calendar", "conferences").attributes


async def test_unsupported_calendar_changes_are_errors(
    hass: HomeAssistant, sim: Simulator, local_url: str, entry: ConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    start = at(timedelta(days=1))
    foreign = sim.extensions[LOGIN].conferences.create(
        {"ownerId": BEN, "name": "Ben's", "accessId": CODE, "startDate": int(start.timestamp()), "duration": 30}
    )["Id"]
    again = {**event_of("Daily", start), "rrule": "FREQ=DAILY"}
    told = [
        (await send(hass_ws_client, hass, entry, **message))["error"]["message"]
        for message in (
            {"type": "calendar/event/create", "event": again},
            {"type": "calendar/event/delete", "uid": foreign},
            {"type": "calendar/event/update", "uid": foreign, "event": event_of("Mine", start)},
            {"type": "calendar/event/delete", "uid": "99"},
        )
    ]
    assert [sentence.split(".")[0] for sentence in told] == [
        "Conferences cannot repeat",
        *["Ben's belongs to a different owner: only the owner can change or cancel it"] * 2,
        "MX 63107 extension 3107 has no conference with this ID",
    ]
    assert [row["name"] for row in rows(sim).values()] == ["Ben's"]


async def test_a_conference_planned_by_another_user_appears(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    start = at(timedelta(days=1))
    sim.extensions[LOGIN].conferences.create({"name": "Board", "startDate": int(start.timestamp()), "duration": 30})
    await entry.runtime_data.coordinator.async_refresh()
    assert entity_state(hass, entry, "calendar", "conferences").attributes["message"] == "Board"


async def test_a_conference_with_a_lost_response_appears(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.lose_reply("conference_create")
    data = {"name": "Lost", "start": at(timedelta(days=1)).isoformat(), "duration": {"minutes": 30}}
    assert await refusal(hass, entry, "conference_create", **data) == "unconfirmed"
    await until(lambda: "message" in entity_state(hass, entry, "calendar", "conferences").attributes, "the conference")
    assert len(rows(sim)) == 1


async def test_access_codes_are_returned_only_by_actions(
    hass: HomeAssistant,
    sim: Simulator,
    local_url: str,
    entry: ConfigEntry,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = at(timedelta(days=1))
    planned = await plan(hass, entry, "Weekly", start, 90)
    assert planned == {
        "id": "1",
        "name": "Weekly",
        "start": dt_util.as_utc(start).isoformat(),
        "duration": 90,
        "own": True,
        "wait_for_owner": False,
        "ends_with_owner": False,
        "description": "",
        "access_code": CODE,
    }
    assert (await command(hass, entry, "conference_query"))["conferences"] == [planned]
    changed = await command(hass, entry, "conference_update", conference="1", wait_for_owner=True, ends_with_owner=True)
    assert changed == {key: value for key, value in planned.items() if key != "access_code"} | {
        "wait_for_owner": True,
        "ends_with_owner": True,
    }
    assert rows(sim)["1"]["waitForOwner"] and rows(sim)["1"]["delOnOwnerLeave"]
    await command(hass, entry, "conference_update", conference="1", access_code=11112222, start=start, duration=600)
    assert (rows(sim)["1"]["accessId"], rows(sim)["1"]["duration"]) == (11112222, 10)
    assert "11112222" not in str(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    assert "11112222" not in "".join(str(state.as_dict()) for state in hass.states.async_all())
    await command(hass, entry, "conference_delete", conference="1")
    assert not rows(sim)
    assert await refusal(hass, entry, "conference_delete", conference="1") == "no_such_conference"


async def test_an_invitation_is_returned(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await hass.config.async_set_time_zone("Europe/Berlin")
    await plan(hass, entry, "Budget", datetime.fromisoformat("2027-02-01T14:30:00+01:00"), 90)
    assert await command(hass, entry, "conference_invitation", conference="1") == {
        "subject": "Conference Call: 2027-02-01 @ 14:30 - Budget",
        "body": f"Please join my conference call\n\nSubject: Budget\n\nInternal participants call 3900-{CODE}",
        "meeting": f"View the web conference at: http://<insert your domain name here>/join?id={CODE}",
        "extension": "3900",
        "number": None,
    }


async def test_conference_join_joins_with_a_valid_access_code(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    await plan(hass, entry, "Weekly", at(timedelta(minutes=-1)))
    await command(hass, entry, "conference_join", conference="1")
    await command(hass, entry, "conference_join", conference="1", access_code=CODE)
    assert sim.extensions[LOGIN].conferences.joined == ["1", "1"]
    assert await refusal(hass, entry, "conference_join", conference="1", access_code=1) == "command_failed"


async def test_a_conference_of_a_call(hass: HomeAssistant, sim: Simulator, pushed: ConfigEntry) -> None:
    assert await refusal(hass, pushed, "conference_from_call") == "no_fitting_call"
    first = sim.dial("3190")
    sim.pick_up(first)
    await wait_for_state(hass, pushed, "sensor", "call_state", "connected")
    answer = await command(hass, pushed, "conference_from_call")
    assert answer == {"session": first, "owner_session": first}
    second = sim.dial("3108")
    await until(lambda: second in pushed.runtime_data.coordinator.data.calls)
    assert await refusal(hass, pushed, "conference_from_call") == "which_call"
    answer = await command(hass, pushed, "conference_from_call", session=second, owner_session=first)
    assert answer == {"session": second, "owner_session": first}
    asked = [request.path for request in sim.requests if request.function == "conference_from_call"]
    assert asked == [f"/calls/{first}/conference", f"/calls/{second}/conference"]
