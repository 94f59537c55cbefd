"""Firmware: the file name contains the version, and only a restart removes an uploaded file."""

from pathlib import Path
from typing import Any

from homeassistant.core import State
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.ip_intercom.services import maintenance as firmware_actions
from tests.common import act, entity_id, until
from tests.simulators.akuvox.system import make_firmware

from .conftest import Add, Intercom

OLD, NEXT = "101.30.10.221", "101.30.10.300"


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware_actions, "_CHECK_INTERVAL", 0.05)


def update(intercom: Intercom) -> State:
    state = intercom.hass.states.get(entity_id(intercom.hass, intercom.entry, "update", "firmware"))
    assert state is not None
    return state


async def upload(intercom: Intercom, files: Path, name: str, version: str = NEXT, model: str = "A02") -> Any:
    (files / name).write_bytes(make_firmware(model, version, 300_000))
    return await intercom.do("upload_firmware", filename=f"{files}/{name}")


async def test_a_firmware_file_is_uploaded_and_installed(intercom: Intercom, files: Path) -> None:
    assert (update(intercom).state, update(intercom).attributes["installed_version"]) == ("off", OLD)
    answer = await upload(intercom, files, f"A02_{NEXT}.zip")
    assert answer == {"version": NEXT, "downgrade": False, "note": None, "expires": None, "certain": False}
    assert (update(intercom).state, update(intercom).attributes["latest_version"]) == ("on", NEXT)
    assert intercom.sim.firmware.silent
    await act(intercom.hass, "update.install", entity_id=update(intercom).entity_id)
    assert intercom.sim.firmware.version == NEXT
    await until(lambda: update(intercom).attributes["installed_version"] == NEXT)
    assert update(intercom).state == "off"


async def test_the_version_in_the_file_name_is_not_trusted(intercom: Intercom, files: Path) -> None:
    """The installation succeeded if the device restarts with another version."""
    answer = await upload(intercom, files, "new.zip")
    assert answer["version"] == "new.zip"
    await act(intercom.hass, "update.install", entity_id=update(intercom).entity_id)
    await until(lambda: update(intercom).attributes["installed_version"] == NEXT)
    answer = await upload(intercom, files, "101.30.10.999.zip", "101.30.10.400")
    await act(intercom.hass, "update.install", entity_id=update(intercom).entity_id)
    await until(lambda: update(intercom).attributes["installed_version"] == "101.30.10.400")


async def test_an_older_firmware_file_is_a_downgrade(intercom: Intercom, files: Path) -> None:
    assert (await upload(intercom, files, "101.30.9.999.zip", "101.30.9.999"))["downgrade"] is True


async def test_firmware_that_is_not_installed_is_an_error(
    add: Add, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Away for longer than a request may be put off: it has to be seen to be away.
    intercom = await add(speed=20)
    await upload(intercom, files, f"A02_{NEXT}.zip")
    monkeypatch.setattr(type(intercom.sim.firmware), "boot", lambda _: None)  # the file was broken after all
    with pytest.raises(HomeAssistantError) as failed:
        await act(intercom.hass, "update.install", entity_id=update(intercom).entity_id)
    assert failed.value.translation_key == "firmware_not_installed"


async def test_a_file_for_other_hardware_is_not_even_sent(intercom: Intercom, files: Path) -> None:
    (files / "29.30.10.500.zip").write_bytes(make_firmware("A02", NEXT))
    assert await intercom.refuses("upload_firmware", filename=f"{files}/29.30.10.500.zip") == "invalid_request"
    assert not intercom.sim.firmware.prepared


async def test_a_rejected_file_restarts_the_device_without_update(intercom: Intercom, files: Path) -> None:
    (files / "new.zip").write_bytes(make_firmware("R29C", NEXT))
    before = intercom.sim.clock.uptime()
    assert await intercom.refuses("upload_firmware", filename=f"{files}/new.zip") == "command_failed"
    await until(lambda: intercom.sim.clock.uptime() < before)
    assert not intercom.sim.firmware.prepared
    assert (update(intercom).state, update(intercom).attributes["in_progress"]) == ("off", False)


async def test_discarding_a_file_restarts_the_device(intercom: Intercom, files: Path) -> None:
    await upload(intercom, files, f"A02_{NEXT}.zip")
    assert intercom.sim.firmware.prepared
    await intercom.do("discard_firmware")
    assert update(intercom).state == "off"
    await until(lambda: not intercom.sim.firmware.prepared)
    intercom.sim.clear_requests()
    await intercom.do("discard_firmware")
    assert not intercom.asked("system/reboot")
