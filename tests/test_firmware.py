"""Firmware: a file is uploaded and checked, then installed, skipped, or expired (HTTP API 5.2)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.components.update import DATA_COMPONENT, DOMAIN as UPDATE
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.ip_intercom.services import maintenance as firmware_actions
from custom_components.ip_intercom.systems.two_n import maintenance
from custom_components.ip_intercom.update import note_in
from tests.common import PASSWORD, USERNAME, act, add_intercom, command, entity_id, refusal, state_of, until
from tests.simulators.two_n import Account, Privilege, Simulator
from tests.simulators.two_n.config import Timing
from tests.simulators.two_n.firmware import NOTE, Upload, make_firmware

NOW, NEXT, OLD = "2.50.0.76.2", "2.51.0.77.1", "2.49.0.70.0"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the polling intervals."""
    monkeypatch.setattr(firmware_actions, "_CHECK_INTERVAL", 0.05)


@pytest.fixture
def timing() -> Timing:
    return Timing(firmware_apply=0.05, reboot=0.2)


@pytest.fixture
async def sim(sockets: None, timing: Timing) -> Any:
    async with Simulator("verso", timing=timing) as simulator:
        yield simulator


def firmware(files: Path, version: str = NEXT, package: str = "verso", size: int = 4096) -> str:
    path = files / f"{version}.bin"
    path.write_bytes(make_firmware(package, version, size))
    return str(path)


def waiting(sim: Simulator) -> str | None:
    """Return the version of the uploaded file on the device."""
    return None if sim.firmware.upload is None else sim.firmware.upload.version


def update(hass: HomeAssistant, entry: ConfigEntry) -> State:
    state = hass.states.get(entity_id(hass, entry, UPDATE, "firmware"))
    assert state is not None
    return state


async def test_no_update_is_offered_at_setup(hass: HomeAssistant, entry: ConfigEntry) -> None:
    state = update(hass, entry)
    assert state.state == "off"
    assert state.attributes["installed_version"] == state.attributes["latest_version"] == NOW


async def test_a_firmware_file_is_uploaded_shown_and_installed(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path, hass_ws_client: WebSocketGenerator
) -> None:
    sent = await command(hass, entry, "upload_firmware", filename=firmware(files))
    assert (sent["version"], sent["downgrade"], sent["note"]) == (NEXT, False, NOTE)
    state = update(hass, entry)
    assert state.state == "on"
    assert (state.attributes["latest_version"], state.attributes["downgrade"]) == (NEXT, False)
    assert state.attributes["expires"].isoformat() == sent["expires"]
    assert state_of(hass, entry, "sensor", "firmware_expires") == sent["expires"].partition(".")[0] + "+00:00"
    assert state.attributes["release_summary"].startswith("Some changes associated")
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "update/release_notes", "entity_id": state.entity_id})
    assert "Access cards" in (await client.receive_json())["result"]

    busy: list[str] = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is not None and new.attributes.get("in_progress") and new.attributes["installed_version"] == NOW:
            busy.append(new.state)

    async_track_state_change_event(hass, [state.entity_id], look)
    await act(hass, "update.install", entity_id=state.entity_id)
    assert set(busy) == {"on"}, "it is not up to date yet"
    state = update(hass, entry)
    assert (state.state, state.attributes["installed_version"], state.attributes["in_progress"]) == ("off", NEXT, False)
    assert state_of(hass, entry, "sensor", "firmware_expires") == "unknown"
    device = dr.async_get(hass).async_get(entry.runtime_data.coordinator.device_id)
    assert isinstance(device, dr.DeviceEntry) and device.sw_version == NEXT
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    # One upload and one application: nothing of it happens twice.
    paths = [
        request.path
        for request in sim.requests
        if (request.error_code is None and request.query) or request.method == "PUT"
    ]
    assert paths.count("/api/firmware/apply") == 1
    assert [request.status for request in sim.requests if request.path == "/api/firmware"] == [200]


async def test_an_older_version_can_be_installed_too(hass: HomeAssistant, entry: ConfigEntry, files: Path) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files, OLD))
    state = update(hass, entry)
    assert (state.state, state.attributes["latest_version"], state.attributes["downgrade"]) == ("on", OLD, True)
    await act(hass, "update.install", entity_id=state.entity_id)
    assert update(hass, entry).attributes["installed_version"] == OLD


async def test_a_skipped_version_is_discarded(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    assert waiting(sim) is not None
    await act(hass, "update.skip", entity_id=update(hass, entry).entity_id)
    await until(lambda: waiting(sim) is None)
    await until(lambda: update(hass, entry).attributes["latest_version"] == NOW)
    # The same version may be sent again, and is news again.
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    assert update(hass, entry).state == "on"
    await command(hass, entry, "discard_firmware")
    assert update(hass, entry).state == "off"
    assert waiting(sim) is None


async def test_a_renamed_update_entity_can_be_skipped(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    er.async_get(hass).async_update_entity(update(hass, entry).entity_id, new_entity_id="update.other")
    await hass.async_block_till_done()
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    await act(hass, "update.skip", entity_id="update.other")
    await until(lambda: sim.firmware.upload is None)


async def test_an_update_entity_with_a_new_id_can_be_skipped(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    """Newer versions of Home Assistant keep the entity and call its method."""
    entity_id = update(hass, entry).entity_id
    entity: Any = hass.data[DATA_COMPONENT].get_entity(entity_id)
    entity.entity_id = "update.other"
    entity.async_entity_id_changed(entity_id)
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    await entity.async_skip()
    await until(lambda: sim.firmware.upload is None)


async def test_a_device_adds_no_listener_of_all_states(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    """Each change of any state would ask the listeners of all devices."""
    before = hass.bus.async_listeners()[EVENT_STATE_CHANGED]
    identity = {"macAddr": "7C-1E-B3-00-00-77", "serialNumber": "50-0000-0077"}
    async with Simulator("verso", accounts=[Account(USERNAME, PASSWORD)], identity=identity) as other:
        await add_intercom(hass, other)
        assert hass.bus.async_listeners()[EVENT_STATE_CHANGED] == before


async def test_an_uploaded_file_that_is_not_installed_expires(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "STAGED_FOR", timedelta(seconds=0.2))
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    assert update(hass, entry).state == "on"
    await until(lambda: update(hass, entry).state == "off")
    with pytest.raises(HomeAssistantError):
        await act(hass, "update.install", entity_id=update(hass, entry).entity_id)


async def test_a_second_upload_replaces_the_first(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    for version in (NEXT, "2.52.0.1.1"):
        await command(hass, entry, "upload_firmware", filename=firmware(files, version))
        assert update(hass, entry).attributes["latest_version"] == version
    assert sim.firmware.upload is not None and sim.firmware.upload.version == "2.52.0.1.1"


async def test_an_upload_of_another_client_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.firmware.upload = Upload("0a1b2c3d", NEXT, False, 4096, "")
    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.client.client.UPLOAD_TIMEOUT", 0.5)
    assert await refusal(hass, entry, "upload_firmware", filename=firmware(files)) == "file_waiting"
    assert update(hass, entry).attributes["in_progress"] is False


async def test_a_reload_discards_the_uploaded_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    await hass.config_entries.async_reload(entry.entry_id)
    assert waiting(sim) is None
    assert update(hass, entry).state == "off"
    assert (await command(hass, entry, "upload_firmware", filename=firmware(files)))["version"] == NEXT


async def test_an_upload_during_an_upload_leaves_the_first_one(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    path = firmware(files, size=8 * 2**20)
    first = asyncio.create_task(command(hass, entry, "upload_firmware", filename=path))
    await until(lambda: update(hass, entry).attributes["in_progress"])
    with pytest.raises(HomeAssistantError) as failed:
        await command(hass, entry, "upload_firmware", filename=path)
    assert failed.value.translation_key == "firmware_busy"
    await first
    assert waiting(sim) == NEXT and update(hass, entry).state == "on"


async def test_installing_a_file_lost_in_a_reboot_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    await sim.reboot(0.05)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    with pytest.raises(HomeAssistantError, match="new firmware not found"):
        await act(hass, "update.install", entity_id=update(hass, entry).entity_id)
    await until(lambda: update(hass, entry).state == "off")


async def test_an_installation_without_effect_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    monkeypatch.setattr(sim.firmware, "boot", lambda: None)  # the file was broken after all
    with pytest.raises(HomeAssistantError) as failed:
        await act(hass, "update.install", entity_id=update(hass, entry).entity_id)
    assert failed.value.translation_key == "firmware_not_installed"
    assert update(hass, entry).attributes["installed_version"] == NOW


async def test_progress_is_shown_while_a_large_file_is_sent(
    hass: HomeAssistant, entry: ConfigEntry, files: Path
) -> None:
    seen: list[int] = []

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and (percentage := state.attributes.get("update_percentage")) is not None:
            seen.append(percentage)

    async_track_state_change_event(hass, [update(hass, entry).entity_id], look)
    await command(hass, entry, "upload_firmware", filename=firmware(files, size=6 * 2**20))
    await hass.async_block_till_done()
    assert len(set(seen)) > 5 and seen == sorted(seen) and seen[-1] == 100
    assert update(hass, entry).attributes["update_percentage"] is None


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (make_firmware("another", NEXT), "invalid_request"),
        (b"no firmware at all", "invalid_request"),
        (make_firmware("verso", "1.0.0.0.1"), "file_too_old"),
    ],
)
async def test_a_rejected_firmware_file_is_an_error(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, content: bytes, key: str
) -> None:
    path = files / "wrong.bin"
    path.write_bytes(content)
    assert await refusal(hass, entry, "upload_firmware", filename=str(path)) == key
    assert (update(hass, entry).state, update(hass, entry).attributes["in_progress"]) == ("off", False)


async def test_an_unreadable_or_disallowed_file_is_an_error(
    hass: HomeAssistant, entry: ConfigEntry, files: Path
) -> None:
    assert await refusal(hass, entry, "upload_firmware", filename="/etc/passwd") == "path_not_allowed"
    assert await refusal(hass, entry, "upload_firmware", filename=f"{files}/../x.bin") == "path_not_allowed"
    assert await refusal(hass, entry, "upload_firmware", filename=f"{files}/none.bin") == "file_unreadable"
    assert await refusal(hass, entry, "upload_firmware", filename=str(files)) == "file_unreadable"


async def test_a_second_upload_is_rejected_as_busy(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    sim.delay(0.3, "firmware")
    first = hass.async_create_task(command(hass, entry, "upload_firmware", filename=firmware(files)))
    await until(lambda: update(hass, entry).attributes["in_progress"])
    assert await refusal(hass, entry, "upload_firmware", filename=firmware(files)) == "firmware_busy"
    assert (await first)["version"] == NEXT


async def test_an_account_without_privilege_has_no_update_entity(
    hass: HomeAssistant, sim: Simulator, files: Path
) -> None:
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    entry = await add_intercom(hass, sim)
    assert er.async_get(hass).async_get_entity_id(UPDATE, "ip_intercom", f"{entry.unique_id}_firmware") is None
    assert await refusal(hass, entry, "upload_firmware", filename=firmware(files)) == "no_firmware"


async def test_a_canceled_upload_ends_the_progress(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    sim.delay(5, "firmware")
    task = asyncio.ensure_future(command(hass, entry, "upload_firmware", filename=firmware(files)))
    await until(lambda: update(hass, entry).attributes["in_progress"])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert update(hass, entry).attributes["in_progress"] is False


@pytest.mark.parametrize(
    ("language", "begin"),
    [("en", "Some changes"), ("cs", "Některé změny"), ("ru", "Некоторые изменения"), ("de-CH", "Some changes")],
)
def test_the_release_note_uses_the_language_of_home_assistant(language: str, begin: str) -> None:
    note = note_in(language, NOTE)
    assert note is not None and note.startswith(begin)
    assert "VER=" not in note


@pytest.mark.parametrize(
    ("note", "shown"), [(None, None), ("Be careful.", "Be careful."), ("CZ:\nPozor", "CZ:\nPozor")]
)
def test_a_note_without_languages_is_shown_unchanged(note: str | None, shown: str | None) -> None:
    assert note_in("de", note) == shown


async def test_a_file_truncated_during_the_upload_is_an_error(
    hass: HomeAssistant, entry: ConfigEntry, files: Path
) -> None:
    path = Path(firmware(files, size=8 * 2**20))

    @callback
    def truncate(event: Event[EventStateChangedData]) -> None:
        path.write_bytes(b"")

    async_track_state_change_event(hass, [update(hass, entry).entity_id], truncate)
    assert await refusal(hass, entry, "upload_firmware", filename=str(path)) == "file_broken"
    assert update(hass, entry).attributes["in_progress"] is False


async def test_an_uploaded_file_can_be_installed_after_an_outage(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    await command(hass, entry, "upload_firmware", filename=firmware(files))
    sim.lose_connection()
    install = hass.async_create_task(act(hass, "update.install", entity_id=update(hass, entry).entity_id))
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "unavailable")
    await sim.restore_connection()
    with pytest.raises(HomeAssistantError):
        await install
    await until(lambda: update(hass, entry).state == "on")
    await act(hass, "update.install", entity_id=update(hass, entry).entity_id)
    assert update(hass, entry).attributes["installed_version"] == NEXT
