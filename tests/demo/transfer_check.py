"""What the check asserts of large files: a capture and a firmware go through Home Assistant by pieces."""

from pathlib import Path
from typing import Any

from tests.simulators.two_n.firmware import firmware_chunks

from .check import DOOR, FIRMWARE, Scene
from .checks import Checks
from .memory import Growth, peak_memory
from .stage import DOMAIN

MIB = 2**20
PCAP_SIZE = 64 * MIB
PCAP_MAGIC = b"\xd4\xc3\xb2\xa1"
FIRMWARE_SIZE = 30 * MIB
VERSION = "2.51.0.77.1"
# Of either way of a large file.
MEMORY = 20.0
# How often the integration loses the device: it restarts with its new firmware.
OUTAGES = 1
INSTALLED = 60.0


async def check_capture(checks: Checks, scene: Scene) -> None:
    """Check that a packet capture is saved to a file."""
    with checks(f"{PCAP_SIZE // MIB} MiB of network packets are saved by pieces") as details:
        file = scene.stage.files / "gate.pcap"
        await scene.simulator.do("set_pcap_size", size=PCAP_SIZE)
        with peak_memory(scene.stage.pid) as growth:
            response = await scene.home.ask(
                f"{DOMAIN}.capture_download", device_id=scene.stage.device_id, filename=str(file)
            )
        assert response == {"size": PCAP_SIZE} and file.stat().st_size == PCAP_SIZE, response
        with file.open("rb") as packets:
            assert packets.read(4) == PCAP_MAGIC, "the file is not a packet capture"
        _check_memory(growth)
        details.append(str(growth))
        file.unlink()


async def check_firmware(checks: Checks, scene: Scene) -> None:
    """Check that a firmware file is uploaded, shown, and installed."""
    home, update = scene.home, scene.entities[FIRMWARE]
    before = home.states[update]["attributes"]["installed_version"]
    with checks(
        f"a firmware of {FIRMWARE_SIZE // MIB} MiB is sent by pieces, and the update entity shows it"
    ) as details:
        file = write_firmware(scene.stage.files, VERSION)
        await scene.forget()
        with peak_memory(scene.stage.pid) as growth:
            response = await home.ask(f"{DOMAIN}.upload_firmware", device_id=scene.stage.device_id, filename=str(file))
        assert (response["version"], response["downgrade"]) == (VERSION, False), response
        upload = (await scene.simulator.state())["upload"]
        assert (upload["version"], upload["size"]) == (VERSION, FIRMWARE_SIZE), upload
        shown = (await home.wait_state(update, "on"))["attributes"]
        assert (shown["installed_version"], shown["latest_version"]) == (before, VERSION), shown
        notes = await home.command("update/release_notes", entity_id=update)
        assert "irreversible upon downgrade" in notes and "CZ:" not in notes, notes
        percentages = _heard(scene, "update_percentage")
        assert len(percentages) > 10 and percentages == sorted(percentages), f"progress was {percentages}"
        _check_memory(growth)
        details.extend((f"{len(percentages)} steps of progress", str(growth)))
    with checks(
        "update.install restarts the device into it; entity and device registry tell the new version"
    ) as details:
        await scene.forget()
        await home.act("update.install", update)
        shown = (await home.wait_state(update, "off"))["attributes"]
        assert {shown["installed_version"], shown["latest_version"]} == {VERSION} and not shown["in_progress"], shown
        assert True in _heard(scene, "in_progress"), "the progress of the update was not shown"
        assert (await scene.simulator.state())["firmware"] == VERSION
        assert len(await scene.requests("firmware/apply")) == 1
        devices = await home.command("config/device_registry/list")
        [device] = [device for device in devices if device["id"] == scene.stage.device_id]
        assert device["sw_version"] == VERSION, device["sw_version"]
        await home.wait_state(scene.entities[DOOR], "locked", INSTALLED)
        details.append(f"{before} to {VERSION}")
    with checks("events arrive after the installation"):
        await scene.simulator.do("emit", event="VirtualInput", port="after_the_firmware")
        await scene.wait_logged("VirtualInput", port="after_the_firmware")


def write_firmware(folder: Path, version: str, size: int = FIRMWARE_SIZE) -> Path:
    """Write a firmware of the simulator's own format; gives the file."""
    file = folder / f"verso-{version}.bin"
    with file.open("wb") as firmware:
        firmware.writelines(firmware_chunks("verso", version, size))
    return file


def _check_memory(growth: Growth) -> None:
    assert growth.mebibytes < MEMORY, f"{growth}, more than {MEMORY:g} MiB"


def _heard(scene: Scene, attribute: str) -> list[Any]:
    """Return the values of an attribute of the update entity in order."""
    found: list[Any] = []
    for heard in scene.home.changes.heard:
        change = heard.event["data"]
        if change["entity_id"] != scene.entities[FIRMWARE] or change["new_state"] is None:
            continue
        value = change["new_state"]["attributes"].get(attribute)
        if value is not None and value != (found[-1] if found else None):
            found.append(value)
    return found
