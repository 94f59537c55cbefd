"""Files of actions: invalid paths are errors, and existing files are overwritten only on request."""

import errno
from itertools import product
import json
import os
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.services import files as action_files
from tests.common import act, command, entity_id, refusal
from tests.simulators.two_n import Simulator
from tests.users import described

WRITERS = {
    "archive_download", "capture_download", "capture_live", "download_config", "export_list", "history_picture",
    "plate_image", "snapshot", "voicemail_download",
}  # fmt: skip

# What follows the allowed directory, and the sentence.
IMPOSSIBLE = {
    "nul": ("/a\0b", "file_name_impossible"),
    "nul in a directory": ("/a\0b/c", "file_name_impossible"),
    "newline": ("/a\nb", "file_name_impossible"),
    "surrogate": ("/a\ud800b", "file_name_impossible"),
    "byte that is no text": ("/a\udcffb", "file_name_impossible"),
    "too long": ("/" + "a" * 256, "file_name_impossible"),
    "too long in bytes": ("/" + "ж" * 128, "file_name_impossible"),
    "too long as a whole": ("/a" * 3000, "file_name_impossible"),
    "directory above": ("/../x", "path_not_allowed"),
    "another directory": ("/../../etc/x", "path_not_allowed"),
}
UNWRITABLE = {
    "the directory itself": ("", "file_unwritable"),
    "with a dot": ("/.", "file_unwritable"),
    "no directory": ("/none/x", "path_not_allowed"),
    "a file as a directory": ("/there/x", "file_unwritable"),
    "a link in a circle": ("/circle", "file_exists"),
    "through a link in a circle": ("/circle/x", "file_name_impossible"),
    "there already": ("/there", "file_exists"),
    "a link to nowhere": ("/nowhere", "file_exists"),
    "a pipe": ("/pipe", "file_exists"),
}


@pytest.fixture
def special_files(files: Path) -> Path:
    """A directory with a file, a pipe and links in it."""
    (files / "there").write_bytes(b"old")
    (files / "circle").symlink_to(files / "circle")
    (files / "nowhere").symlink_to(files / "gone")
    os.mkfifo(files / "pipe")
    return files


def asked(sim: Simulator) -> int:
    return sum(request.path != "/api/log/pull" for request in sim.requests)


async def write(hass: HomeAssistant, entry: ConfigEntry, action: str, **data: Any) -> Any:
    if action == "snapshot":
        camera = entity_id(hass, entry, "camera", "camera_internal")
        return (await act(hass, f"{DOMAIN}.{action}", True, entity_id=camera, **data))[camera]
    return await command(hass, entry, action, **data)


def test_every_action_that_writes_asks_whether_to_overwrite() -> None:
    offered = {
        action for action, about in described().items() if {"filename", "overwrite"} <= set(about.get("fields") or {})
    }
    assert offered == WRITERS
    assert all(described()[action]["fields"]["overwrite"]["default"] is False for action in WRITERS)


async def test_an_impossible_file_name_is_an_error(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, special_files: Path
) -> None:
    before = sorted(special_files.iterdir())
    names = (IMPOSSIBLE | UNWRITABLE).items()
    for (name, (ending, key)), action in product(names, ("snapshot", "download_config", "capture_download")):
        requests = asked(sim)
        with pytest.raises(ServiceValidationError) as failed:
            await write(hass, entry, action, filename=f"{special_files}{ending}")
        allowed = {key, "file_unwritable"} if key == "path_not_allowed" else {key}
        assert failed.value.translation_key in allowed, (name, action)
        json.dumps(str(failed.value)).encode()
        str(failed.value).encode()
        assert "\0" not in str(failed.value), (name, action)
        assert asked(sim) == requests, f"the device got a request: {name}, {action}"
        assert sorted(special_files.iterdir()) == before, (name, action)
    assert (special_files / "there").read_bytes() == b"old"


async def test_an_unreadable_file_is_an_error(hass: HomeAssistant, entry: ConfigEntry, special_files: Path) -> None:
    names = [*IMPOSSIBLE, "the directory itself", "a file as a directory", "a pipe"]
    for name, action in product(names, ("upload_config", "upload_firmware", "recognize_plate")):
        ending, _ = (IMPOSSIBLE | UNWRITABLE)[name]
        more = {"plate": "X"} if action == "recognize_plate" else {}
        key = await refusal(hass, entry, action, filename=f"{special_files}{ending}", **more)
        assert key in {"file_name_impossible", "path_not_allowed", "file_unreadable"}, (name, action)


@pytest.mark.parametrize("action", ["snapshot", "download_config", "capture_download"])
async def test_a_file_is_overwritten_only_on_request(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, action: str
) -> None:
    target = files / "target"
    target.write_bytes(b"old")
    with pytest.raises(ServiceValidationError) as failed:
        await write(hass, entry, action, filename=str(target))
    assert failed.value.translation_key == "file_exists"
    assert target.read_bytes() == b"old"
    answer = await write(hass, entry, action, filename=str(target), overwrite=True)
    assert target.stat().st_size == answer["size"] != 3
    assert [path.name for path in files.iterdir()] == ["target"]


@pytest.mark.parametrize("links", [True, False])
async def test_a_file_created_during_the_write_is_not_overwritten(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """This holds on file systems without links, too."""
    target, finish = files / "target", action_files._finish
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", no_links)

    def late(*args: Any) -> None:
        target.write_bytes(b"of another")
        finish(*args)

    monkeypatch.setattr(action_files, "_finish", late)
    with pytest.raises(ServiceValidationError) as failed:
        await write(hass, entry, "download_config", filename=str(target))
    assert failed.value.translation_key == "file_exists"
    assert target.read_bytes() == b"of another"
    assert [path.name for path in files.iterdir()] == ["target"]


def no_links(self: Path, target: Path) -> None:
    raise OSError(errno.EPERM, "no links here")


async def test_a_file_is_written_without_hard_links(
    hass: HomeAssistant, entry: ConfigEntry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    answer = await write(hass, entry, "download_config", filename=f"{files}/target")
    assert (files / "target").stat().st_size == answer["size"]
    assert [path.name for path in files.iterdir()] == ["target"]


async def test_the_longest_name_is_written(hass: HomeAssistant, entry: ConfigEntry, files: Path) -> None:
    name = "ж" * 127
    await write(hass, entry, "download_config", filename=f"{files}/{name}")
    assert [path.name for path in files.iterdir()] == [name]


async def test_a_link_is_replaced_and_its_target_is_kept(
    hass: HomeAssistant, entry: ConfigEntry, special_files: Path
) -> None:
    await write(hass, entry, "download_config", filename=f"{special_files}/nowhere", overwrite=True)
    assert not (special_files / "gone").exists()
    assert (special_files / "nowhere").is_file()
    with pytest.raises(ServiceValidationError) as failed:
        await write(hass, entry, "download_config", filename=f"{special_files}/pipe", overwrite=True)
    assert failed.value.translation_key == "file_unwritable"
