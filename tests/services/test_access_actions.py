"""Access actions: access points, elevator, license plates, the doorbell of an apartment (HTTP API 5.16 to 5.18)."""

from io import BytesIO
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import entity_registry as er
from PIL import Image
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from tests.common import USERNAME, act, add_intercom, capture_log_events, command, entity_id, refusal, state_of, until
from tests.simulators.two_n import Privilege, Simulator


def person_uuid(sim: Simulator, name: str = "Alice Gruberová") -> str:
    """Return the uuid of a person in the directory."""
    return str(next(entry["uuid"] for entry in sim.directory if entry["name"] == name))


# -- blocking ----------------------------------------------------------------------------------------


async def test_an_entrance_is_blocked_and_unblocked(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "switch", "access_point_entry") == "off"
    switch = entity_id(hass, entry, "switch", "access_point_entry")
    await act(hass, "switch.turn_on", entity_id=switch)
    await until(lambda: state_of(hass, entry, "switch", "access_point_entry") == "on")
    assert state_of(hass, entry, "switch", "access_point_exit") == "off"
    answer = await command(hass, entry, "grant_access", user=person_uuid(sim))
    assert answer == {"granted": False, "reason": "accessBlocked"}
    await act(hass, "switch.turn_off", entity_id=switch)
    await until(lambda: state_of(hass, entry, "switch", "access_point_entry") == "off")


async def test_an_account_without_access_control_gets_a_sensor(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.ACCESS_CONTROL)
    entry = await add_intercom(hass, sim)
    assert state_of(hass, entry, "binary_sensor", "access_point_entry") == "off"
    assert (
        er.async_get(hass).async_get_entity_id("switch", "ip_intercom", f"{entry.unique_id}_access_point_entry") is None
    )
    assert await refusal(hass, entry, "grant_access", user=person_uuid(sim)) == "no_access_points"


async def test_grant_access_at_a_disabled_access_point_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.disable_access_point(1)
    assert await refusal(hass, entry, "grant_access", user=person_uuid(sim), access_point="exit") == "command_failed"


# -- granting ----------------------------------------------------------------------------------------


async def test_grant_access_opens_the_door_for_a_known_user(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    events = capture_log_events(hass)
    assert await command(hass, entry, "grant_access", user=person_uuid(sim)) == {"granted": True, "reason": None}
    await until(lambda: any(event.data["type"] == "ApiAccessRequested" for event in events))
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") in {"unlocked", "open"})
    assert sum(request.path == "/api/accesspoint/grantaccess" for request in sim.requests) == 1


async def test_grant_access_denies_an_unknown_user(hass: HomeAssistant, entry: ConfigEntry) -> None:
    stranger = "00000000-1111-2222-3333-444444444444"
    answer = await command(hass, entry, "grant_access", user=stranger)
    assert answer == {"granted": False, "reason": "invalidCredential"}
    assert await refusal(hass, entry, "grant_access", user="nobody") == "invalid_request"


async def test_elevator_access_is_granted_and_public_floors_are_shown(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("access_unit") as sim:
        entry = await add_intercom(hass, sim)
        user = person_uuid(sim)
        sim.directory.find(lambda found: found["uuid"] == user)["access"]["liftFloors"] = "F=2,4"  # type: ignore[index]
        await command(hass, entry, "grant_lift_access", user=user, duration=60)
        assert set(sim.lift.floors) == {2, 4}
        stranger = "00000000-1111-2222-3333-444444444444"
        assert await refusal(hass, entry, "grant_lift_access", user=stranger) == "invalid_request"
        sim.lift_public_floors([1, 4])
        await until(lambda: hass.states.get("sensor.back_door_public_elevator_floors") is not None)
        assert state_of(hass, entry, "sensor", "public_floors") == "1, 4"


async def test_elevator_access_without_an_elevator_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert await refusal(hass, entry, "grant_lift_access", user=person_uuid(sim)) == "not_supported"


# -- license plates -----------------------------------------------------------------------------------


@pytest.fixture
def photo(files: Path) -> Path:
    path = files / "plate.jpg"
    buffer = BytesIO()
    Image.new("RGB", (64, 32), "white").save(buffer, "JPEG")
    path.write_bytes(buffer.getvalue())
    return path


async def test_a_recognized_plate_opens_and_has_a_picture(
    hass: HomeAssistant, sockets: None, files: Path, photo: Path
) -> None:
    async with Simulator("access_unit") as sim:
        if "lpr" in sim.lacks:
            pytest.skip("another model has it")
        await _drive_in(hass, sim, files, photo)


async def test_a_door_station_recognizes_plates(hass: HomeAssistant, sockets: None, files: Path, photo: Path) -> None:
    for model in ("verso3", "verso", "access_unit", "indoor", "vario"):
        async with Simulator(model) as sim:
            if "lpr" not in sim.lacks and sim.model.since(2, 40):
                await _drive_in(hass, sim, files, photo)
                return
    pytest.fail("no model recognizes plates")


async def _drive_in(hass: HomeAssistant, sim: Simulator, files: Path, photo: Path) -> None:
    entry = await add_intercom(hass, sim)
    events = capture_log_events(hass)
    answer = await command(
        hass, entry, "recognize_plate", plate="1A2 3456", filename=str(photo), arrival=3, direction="outgoing"
    )
    await until(lambda: any(event.data["type"] == "LicensePlateRecognized" for event in events))
    assert "1A2" not in str([event.data for event in events])
    sighting = sim.license_plates.sightings[0]
    assert (sighting.plate, sighting.ap, sighting.lpr_id, sighting.direction) == ("1A2 3456", 0, 3, 3)
    # The same recognition again is no second car.
    await command(hass, entry, "recognize_plate", plate="1A2 3456", event=answer["event"])
    assert len(sim.license_plates.sightings) == 1
    copy = files / "copy.jpg"
    await command(hass, entry, "plate_image", plate="1A2 3456", filename=str(copy))
    assert copy.read_bytes() == photo.read_bytes()
    assert await refusal(hass, entry, "plate_image", plate="UNKNOWN", filename=str(copy), overwrite=True) == "no_data"
    photo.write_bytes(bytes(300 * 1024))
    assert await refusal(hass, entry, "recognize_plate", plate="X1", filename=str(photo)) == "file_too_large"


# -- the bell of a flat, automation, mail, loudspeaker -----------------------------------------------


async def test_an_indoor_unit_rings_its_doorbell(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("indoor", firmware="3.3.1.82.4") as sim:
        entry = await add_intercom(hass, sim)
        await command(hass, entry, "ring_doorbell")
        assert sim.doorbell.rings == 1


async def test_a_door_station_cannot_ring_a_doorbell(hass: HomeAssistant, entry: ConfigEntry) -> None:
    assert await refusal(hass, entry, "ring_doorbell") == "not_supported"


@pytest.mark.parametrize("model", ["verso", "verso3"])
async def test_an_automation_of_the_device_is_triggered(hass: HomeAssistant, sockets: None, model: str) -> None:
    async with Simulator(model) as sim:
        entry = await add_intercom(hass, sim)
        await command(hass, entry, "trigger_automation", trigger="openGate", parameters={"who": "Anna & Co", "n": 3})
        assert [(fired.trigger, dict(fired.params)) for fired in sim.automation.activations] == [
            ("openGate", {"who": "Anna & Co", "n": "3"})
        ]
        assert await refusal(hass, entry, "trigger_automation", trigger="unknown") == "invalid_request"


async def test_an_email_is_sent_with_pictures(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    body = "Přišel balík. " * 500
    await command(hass, entry, "send_email", to="a@b.cz", subject="Balík", body=body, pictures=2, time_span=5)
    (mail,) = sim.email.outbox
    assert (mail.to, mail.subject, mail.body, mail.pictures, mail.time_span) == ("a@b.cz", "Balík", body, 2, 5)
    assert await refusal(hass, entry, "send_email", to="nobody", subject="x") == "invalid_request"


@pytest.mark.parametrize("result", ["passed", "failed"])
async def test_loudspeaker_and_microphone_are_tested(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, result: str
) -> None:
    sim.set_audio_result(result)
    assert await command(hass, entry, "test_audio") == {"result": result}
    state = hass.states.get(entity_id(hass, entry, "event", "audio_test"))
    assert state is not None and state.attributes["event_type"] == result


async def test_an_audio_test_without_a_result_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.services._TEST_PATIENCE", 0.1)
    assert await refusal(hass, entry, "test_audio") == "no_test_result"


# -- the call log ------------------------------------------------------------------------------------


async def test_calls_are_listed_and_deleted(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert state_of(hass, entry, "sensor", "last_call") == "unknown"
    for peer in ("sip:2229@192.168.1.30", "sip:100@pbx"):
        sim.terminate(sim.incoming_call(peer))
    calls = (await command(hass, entry, "call_log_query"))["calls"]
    assert [call["type"] for call in calls] == ["missed", "missed"]
    assert all(call["time"].endswith("+00:00") for call in calls)
    await until(lambda: state_of(hass, entry, "sensor", "last_call") != "unknown")
    state = hass.states.get(entity_id(hass, entry, "sensor", "last_call"))
    assert state is not None and state.attributes["type"] == "missed"
    assert await command(hass, entry, "call_log_delete", records=[calls[0]["id"]]) == {"left": 1}
    assert await refusal(hass, entry, "call_log_delete", records=["999"]) == "invalid_request"
    assert await command(hass, entry, "call_log_delete", all=True) == {"left": 0}
    assert state_of(hass, entry, "sensor", "last_call") == "unknown"


async def test_an_access_unit_has_no_call_log(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("access_unit") as sim:
        entry = await add_intercom(hass, sim)
        assert await refusal(hass, entry, "call_log_query") == "no_call_log"


# -- who may -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [{"entities": True}, {"entities": {"domains": {"lock": {"control": True}}}}])
async def test_a_user_who_may_open_the_lock_may_grant_access(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, policy: dict[str, Any]
) -> None:
    user = MockUser(is_owner=False).add_to_hass(hass)
    user.mock_policy(policy)
    data = {"device_id": entry.runtime_data.coordinator.device_id, "user": person_uuid(sim)}
    await hass.services.async_call("ip_intercom", "grant_access", data, blocking=True, context=Context(user_id=user.id))
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") in {"unlocked", "open"})


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("grant_access", {"user": "x"}),
        ("grant_lift_access", {"user": "x"}),
        ("recognize_plate", {"plate": "1A2"}),
        ("trigger_automation", {"trigger": "openGate"}),
    ],
)
async def test_a_read_only_user_may_open_nothing(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, action: str, data: dict[str, Any]
) -> None:
    user = MockUser(is_owner=False).add_to_hass(hass)
    user.mock_policy({"entities": {"all": {"read": True}}})
    sim.clear_requests()
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            "ip_intercom",
            action,
            {"device_id": entry.runtime_data.coordinator.device_id, **data},
            blocking=True,
            context=Context(user_id=user.id),
        )
    assert not [request for request in sim.requests if request.path != "/api/log/pull"]
