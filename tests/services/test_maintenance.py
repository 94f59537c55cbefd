"""Clock, restart, configuration, factory reset, settings, captures (HTTP API 5.1, 5.3, 5.13)."""

import asyncio
from pathlib import Path
import resource
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from tests.common import USERNAME, act, add_intercom, command, entity_id, refusal, state_of, until
from tests.simulators.two_n import Privilege, Simulator
from tests.simulators.two_n.config import Timing
from tests.simulators.two_n.config_file import SECRETS


@pytest.fixture
async def sim(sockets: None) -> Any:
    async with Simulator("verso", timing=Timing(config_apply=0.05, factory_reset=0.05, reboot=0.2)) as simulator:
        yield simulator


def drift(hass: HomeAssistant, entry: ConfigEntry) -> int:
    return int(float(state_of(hass, entry, "sensor", "clock_drift")))


# -- clock -------------------------------------------------------------------------------------------


async def test_the_clock_is_shown_and_set(hass: HomeAssistant, sim: Simulator) -> None:
    sim.system.automatic_time = False
    sim.advance_clock(90)
    entry = await add_intercom(hass, sim)
    assert 88 <= drift(hass, entry) <= 92
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "sync_clock"))
    assert abs(drift(hass, entry)) <= 1
    assert not sim.system.automatic_time


async def test_the_clock_of_older_firmware_is_set(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", firmware="2.38.0.1.1") as sim:
        sim.system.automatic_time = False
        sim.advance_clock(-3600)
        entry = await add_intercom(hass, sim)
        assert -3602 <= drift(hass, entry) <= -3598
        await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "sync_clock"))
        assert abs(drift(hass, entry)) <= 1
        assert any(request.path == "/api/system/time/set" and request.error_code is None for request in sim.requests)


async def test_a_clock_set_by_ntp_is_not_changed(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    state = hass.states.get(entity_id(hass, entry, "sensor", "clock_drift"))
    assert state is not None and state.attributes["automatic"] is True
    with pytest.raises(ServiceValidationError) as failed:
        await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "sync_clock"))
    assert failed.value.translation_key == "clock_automatic"
    assert sim.system.automatic_time


async def test_old_firmware_has_no_clock_and_last_call_entities(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        registry = er.async_get(hass)
        for platform, key in (("sensor", "clock_drift"), ("button", "sync_clock"), ("sensor", "last_call")):
            assert registry.async_get_entity_id(platform, "ip_intercom", f"{entry.unique_id}_{key}") is None


# -- restart, configuration, factory reset -----------------------------------------------------------


async def test_a_device_is_available_after_its_restart(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    before = sim.clock.uptime()
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "restart"))
    await until(lambda: sim.clock.uptime() < before)
    await until(lambda: state_of(hass, entry, "lock", "door_1_door") == "locked")
    assert sum(request.path == "/api/system/restart" for request in sim.requests) == 1


async def test_the_configuration_is_downloaded_and_uploaded(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backup = files / "backup.xml"
    answer = await command(hass, entry, "download_config", filename=str(backup))
    text = backup.read_text()
    assert answer == {"size": len(text.encode())}
    assert text.startswith("<?xml") and text.rstrip().endswith("</DeviceDatabase>")
    assert all(secret in text for secret in SECRETS.values())
    backup.write_text(text.replace("<DeviceName>Front Gate<", "<DeviceName>Back Gate<"))
    await command(hass, entry, "upload_config", filename=str(backup))
    await until(lambda: sim.model.info["deviceName"] == "Back Gate")
    # ConfigurationChanged reports it: the device has its new name without a reload.
    await until(lambda: entry.runtime_data.coordinator.description.identity.name == "Back Gate")
    # Nothing of the file appears anywhere else.
    assert not any(secret in caplog.text for secret in sim.config_file.secrets if len(secret) > 4)


@pytest.mark.parametrize("content", ["<broken", "<Other/>", ""])
async def test_an_invalid_configuration_file_is_an_error(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, content: str
) -> None:
    (files / "wrong.xml").write_text(content)
    assert await refusal(hass, entry, "upload_config", filename=f"{files}/wrong.xml") == "invalid_request"


async def test_a_failed_download_keeps_the_old_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    backup = files / "backup.xml"
    backup.write_text("the old one")
    sim.garbage("config", "html")  # the login page (field notes 3.3)
    assert await refusal(hass, entry, "download_config", filename=str(backup), overwrite=True) == "unexpected_reply"
    sim.heal()
    sim.set_pcap_size(200 * 2**20)
    task = asyncio.ensure_future(command(hass, entry, "capture_download", filename=str(backup), overwrite=True))
    await until(lambda: len(list(files.iterdir())) == 2)
    sim.reset_connections()
    with pytest.raises(HomeAssistantError) as failed:
        await task
    assert failed.value.translation_key == "cannot_connect"
    assert backup.read_text() == "the old one"
    assert list(files.iterdir()) == [backup]


@pytest.mark.parametrize("size", [2000, 3 * 2**20])
async def test_a_full_disk_is_an_error_and_keeps_the_old_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path, size: int
) -> None:
    sim.set_pcap_size(size)
    path = files / "packets.pcap"
    path.write_text("the old one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        assert await refusal(hass, entry, "capture_download", filename=str(path), overwrite=True) == "file_unwritable"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "the old one"
    assert list(files.iterdir()) == [path]


async def test_the_error_says_why_a_file_cannot_be_written(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def why(path: Path) -> str:
        with pytest.raises(ServiceValidationError) as failed:
            await command(hass, entry, "download_config", filename=str(path))
        return str((failed.value.translation_placeholders or {})["reason"])

    assert await why(files) == "a directory"
    monkeypatch.setattr("os.access", lambda *_: False)
    assert await why(files / "backup.xml") == "no permission for its directory"


async def test_files_outside_the_allowed_directories_are_errors(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    sim.clear_requests()
    for action in ("download_config", "capture_download"):
        assert await refusal(hass, entry, action, filename="/etc/backup.xml") == "path_not_allowed"
        assert await refusal(hass, entry, action, filename=f"{files}/none/backup.xml") in {
            "path_not_allowed",
            "file_unwritable",
        }
    # The device was not even asked.
    assert not [request for request in sim.requests if request.path in {"/api/config", "/api/pcap"}]


async def test_a_factory_reset_needs_the_device_name_as_confirmation(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    assert await refusal(hass, entry, "factory_reset", confirmation="yes") == "confirmation_wrong"
    assert not [request for request in sim.requests if request.path == "/api/config/factoryreset"]
    await command(hass, entry, "factory_reset", confirmation="Front Gate")
    await until(lambda: not sim.accounts)


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("factory_reset", {"confirmation": "Front Gate"}),
        ("upload_config", {"filename": "/x"}),
        ("download_config", {"filename": "/x"}),
        ("upload_firmware", {"filename": "/x"}),
        ("capture_download", {"filename": "/x"}),
        ("set_mobile_keys", {"location": "x"}),
        ("call_log_delete", {"all": True}),
    ],
)
async def test_dangerous_actions_are_for_administrators(
    hass: HomeAssistant, entry: ConfigEntry, action: str, data: dict[str, Any]
) -> None:
    user = MockUser(is_owner=False).add_to_hass(hass)
    data["device_id"] = entry.runtime_data.coordinator.device_id
    with pytest.raises(Unauthorized):
        await hass.services.async_call("ip_intercom", action, data, blocking=True, context=Context(user_id=user.id))


async def test_an_account_without_system_privilege_cannot_maintain(
    hass: HomeAssistant, sim: Simulator, files: Path
) -> None:
    sim.revoke(USERNAME, Privilege.SYSTEM_CONTROL)
    entry = await add_intercom(hass, sim)
    assert await refusal(hass, entry, "download_config", filename=f"{files}/x") == "no_maintenance"
    assert await refusal(hass, entry, "capture_stats") == "permission_denied"
    assert await refusal(hass, entry, "get_holidays") == "permission_denied"
    assert entry.state is ConfigEntryState.LOADED


# -- settings ----------------------------------------------------------------------------------------


async def test_the_name_of_the_device(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await command(hass, entry, "device_name") == {"name": "Front Gate"}
    assert await command(hass, entry, "device_name", name="Portão") == {"name": "Portão"}
    await until(lambda: entry.runtime_data.coordinator.description.identity.name == "Portão")
    assert await refusal(hass, entry, "device_name", name="x" * 100) == "invalid_request"


async def test_time_zone_returns_and_sets_the_time_zone(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    answer = await command(hass, entry, "time_zone")
    assert (answer["zone"], answer["automatic"]) == ("Europe/Prague", True)
    assert "Europe/London" in answer["zones"]
    answer = await command(hass, entry, "time_zone", zone="Europe/London")
    assert (answer["zone"], answer["automatic"], answer["custom"]) == ("Europe/London", False, None)
    answer = await command(hass, entry, "time_zone", custom="UTC-08:00")
    assert (answer["zone"], answer["custom"]) == (None, "UTC-08:00")
    assert (await command(hass, entry, "time_zone", automatic=True))["automatic"] is True
    assert await refusal(hass, entry, "time_zone", zone="Moon/Crater") == "invalid_request"


async def test_set_holidays_stores_valid_dates(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await command(hass, entry, "get_holidays") == {"dates": ["01/01", "24/12", "01/04/2018"]}
    await command(hass, entry, "set_holidays", dates=["06/12", "17/11/2026"])
    assert sim.holidays.dates == ["06/12", "17/11/2026"]
    assert await refusal(hass, entry, "set_holidays", dates=["31/02"]) == "invalid_request"


async def test_mobile_keys_are_set_and_never_returned(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    key = sim.mobile_key.keys[0]["key"]
    answer = await command(hass, entry, "get_mobile_keys")
    assert (answer["location"], answer["keys"], answer["compatible"]) == ("54-2201-0017", 1, False)
    assert answer["made"][0].startswith("2020-12-15")
    await command(hass, entry, "set_mobile_keys", location="Home", keys=[key, key], compatible=True)
    assert (sim.mobile_key.location, len([slot for slot in sim.mobile_key.keys if slot])) == ("Home", 2)
    assert sim.mobile_key.compatible
    answer = await command(hass, entry, "get_mobile_keys")
    assert (answer["keys"], answer["compatible"]) == (2, True)
    assert key not in str(answer)


async def test_older_firmware_has_no_mobile_key_compatibility(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso", firmware="2.38.0.1.1") as sim:
        entry = await add_intercom(hass, sim)
        assert (await command(hass, entry, "get_mobile_keys"))["compatible"] is None
        assert await refusal(hass, entry, "set_mobile_keys", compatible=True) == "not_supported"


async def test_sip_accounts_are_returned_without_passwords(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso3") as sim:
        entry = await add_intercom(hass, sim)
        answer = await command(hass, entry, "sip_accounts")
        assert [account["account"] for account in answer["accounts"]] == [1, 2, 3, 4]
        assert "password" not in str(answer).lower()
        wanted = {"displayName": "Dveře", "password": "sip-secret"}
        answer = await command(hass, entry, "sip_accounts", account=1, settings=wanted)
        assert answer["accounts"][0]["displayName"] == "Dveře"
        assert sim.sip.all[1].password == "sip-secret"
        assert "sip-secret" not in str(answer)
        assert await refusal(hass, entry, "sip_accounts", account=9, settings={"displayName": "x"}) == "invalid_request"


# -- captures ----------------------------------------------------------------------------------------


async def test_a_packet_capture_is_saved_to_a_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    sim.set_pcap_size(3 * 2**20)
    path = files / "door.pcap"
    assert await command(hass, entry, "capture_download", filename=str(path)) == {"size": 3 * 2**20}
    assert path.stat().st_size == 3 * 2**20
    assert path.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1"
    await command(hass, entry, "capture_stop")
    assert not sim.capture.recording
    await command(hass, entry, "capture_restart")
    assert sim.capture.recording


async def test_a_live_packet_capture_is_saved_to_a_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    path = files / "live.pcap"
    assert await command(hass, entry, "capture_stats") == {"running": False, "bytes": 0, "packets": 0}
    task = asyncio.ensure_future(command(hass, entry, "capture_live", filename=str(path), duration=60))
    await until(lambda: sim.capture.live is not None and sim.capture.live.packets_sent > 8)
    stats = await command(hass, entry, "capture_stats")
    assert stats["running"] and stats["bytes"] > 24 and stats["packets"] > 0
    # The device does one at a time, and everything else meanwhile.
    assert await refusal(hass, entry, "capture_live", filename=f"{files}/other.pcap", duration=5) == "command_failed"
    await act(hass, "lock.open", entity_id=entity_id(hass, entry, "lock", "door_1_door"))
    await command(hass, entry, "capture_live_stop")
    assert (await task)["size"] == path.stat().st_size > 24
    assert not (files / "other.pcap").exists()


async def test_a_live_capture_ends_after_its_duration(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    path = files / "live.pcap"
    answer = await command(hass, entry, "capture_live", filename=str(path), duration=1)
    assert answer["size"] == path.stat().st_size > 24
