"""Restart, configuration as a file, factory reset, packets."""

import asyncio
from pathlib import Path

import pytest

from custom_components.ip_intercom.systems.akuvox import maintenance
from tests.common import act, entity_id, until
from tests.simulators.akuvox.config_keys import LOCATION

from .conftest import Add, Intercom


async def test_the_restart_button_restarts_the_device(intercom: Intercom) -> None:
    before = intercom.sim.clock.uptime()
    await act(intercom.hass, "button.press", entity_id=entity_id(intercom.hass, intercom.entry, "button", "restart"))
    await until(lambda: intercom.sim.clock.uptime() < before)


async def test_the_configuration_is_downloaded_and_uploaded(intercom: Intercom, files: Path) -> None:
    path = files / "config.tgz"
    assert await intercom.do("download_config", filename=str(path)) == {"size": path.stat().st_size}
    intercom.sim.configure(LOCATION, "Elsewhere")
    before = intercom.sim.clock.uptime()
    await intercom.do("upload_config", filename=str(path))
    assert intercom.sim.config[LOCATION] == "Front Door"
    await until(lambda: intercom.sim.clock.uptime() < before)


async def test_an_invalid_configuration_file_is_an_error(intercom: Intercom, files: Path) -> None:
    (files / "config.tgz").write_text("nonsense")
    assert await intercom.refuses("upload_config", filename=f"{files}/config.tgz") == "command_failed"


async def test_a_factory_reset_needs_the_device_name_as_confirmation(intercom: Intercom) -> None:
    intercom.sim.configure(LOCATION, "Gate")
    assert await intercom.refuses("factory_reset", confirmation="yes") == "confirmation_wrong"
    assert intercom.sim.config[LOCATION] == "Gate"
    await intercom.do("factory_reset", confirmation=intercom.entry.runtime_data.coordinator.description.identity.name)
    assert intercom.sim.config[LOCATION] == "Front Door"


async def test_packets_are_recorded_and_saved(intercom: Intercom, files: Path) -> None:
    assert await intercom.do("capture_stats") == {"running": False, "bytes": 0, "packets": None}
    assert await intercom.refuses("capture_stop") == "command_failed"
    await intercom.do("capture_restart")
    await intercom.do("capture_restart")  # what was recorded is forgotten
    assert (await intercom.do("capture_stats"))["running"] is True
    await intercom.do("capture_stop")
    assert (await intercom.do("capture_stats"))["running"] is False
    answer = await intercom.do("capture_download", filename=f"{files}/door.pcap")
    assert answer["size"] == (files / "door.pcap").stat().st_size >= 24


@pytest.mark.parametrize("seconds", [20, 180])
async def test_a_live_packet_capture_ends_after_its_duration(intercom: Intercom, files: Path, seconds: int) -> None:
    answer = await intercom.do("capture_live", filename=f"{files}/door.pcap", duration=seconds)
    # Of its own time, not ours.
    assert 24 < answer["size"] <= 1_048_576
    assert (await intercom.do("capture_stats"))["running"] is False


async def test_a_capture_longer_than_the_device_allows_is_stopped(
    add: Add, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intercom = await add()
    times = iter([0.0, 100.0, 200.0, 300.0])
    monkeypatch.setattr(maintenance, "monotonic", lambda: next(times))
    await intercom.do("capture_live", filename=f"{files}/door.pcap", duration=250)
    assert list(times) == []
    assert (await intercom.do("capture_stats"))["running"] is False
    assert (files / "door.pcap").stat().st_size >= 24


async def test_capture_live_stop_ends_a_live_packet_capture(add: Add, files: Path) -> None:
    intercom = await add()
    recording = asyncio.create_task(intercom.do("capture_live", filename=f"{files}/door.pcap", duration=180))
    await until(lambda: intercom.sim.capture.size is not None)
    await intercom.do("capture_live_stop")
    assert (await recording)["size"] == (files / "door.pcap").stat().st_size
    await intercom.do("capture_live_stop")  # there is none any more


async def test_canceling_the_action_stops_the_capture(add: Add, files: Path) -> None:
    intercom = await add()
    recording = asyncio.create_task(intercom.do("capture_live", filename=f"{files}/door.pcap", duration=180))
    await until(lambda: intercom.sim.capture.size is not None)
    recording.cancel()
    await asyncio.wait([recording])
    assert (await intercom.do("capture_stats"))["running"] is False
    assert not (files / "door.pcap").exists()
