"""Displays: messages drawn as pictures, files, texts and the language (HTTP API 5.9)."""

from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from PIL import Image
import pytest

from custom_components.ip_intercom.const import DOMAIN
from custom_components.ip_intercom.media.render import draw_message
from tests.common import USERNAME, act, add_intercom, command, entity_id, refusal, state_of, until
from tests.simulators.two_n import Privilege, Simulator
from tests.simulators.two_n.video import make_video


@pytest.fixture
async def sim(sockets: None) -> AsyncGenerator[Simulator]:
    """A device with displays."""
    async with Simulator("verso3") as simulator:
        yield simulator


def display(sim: Simulator) -> str:
    return next(iter(sim.displays.all))


def shown(sim: Simulator) -> Any:
    """Return what is to be seen on the display."""
    return next(iter(sim.displays.shown[display(sim)].values()), None)


def message(sim: Simulator) -> str | None:
    return None if sim.messages.current is None else sim.messages.current.text


def picture(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


async def test_a_message_is_drawn_in_the_size_of_the_display(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    notifier = entity_id(hass, entry, "notify", f"display_{display(sim)}")
    assert hass.states.get(notifier) is not None
    await act(hass, "notify.send_message", entity_id=notifier, message="Přijdu hned", title="Pozor")
    spec = sim.displays.all[display(sim)]
    assert shown(sim).data == draw_message(spec.width, spec.height, "Přijdu hned", "Pozor")
    assert picture(shown(sim).data).size == (spec.width, spec.height)
    assert shown(sim).duration == 60
    assert state_of(hass, entry, "notify", f"display_{display(sim)}") != "unknown"


@pytest.mark.parametrize(("seconds", "kept"), [(5, 5.0), (0, None)])
async def test_a_message_is_shown_for_its_duration(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, seconds: int, kept: float | None
) -> None:
    answer = await command(hass, entry, "show_message", message="Ξεσκεπάζω", duration=seconds)
    assert answer == {"display": display(sim)}
    assert shown(sim).duration == kept
    await command(hass, entry, "clear_display", display=display(sim))
    assert shown(sim) is None


async def test_show_image_shows_a_valid_file(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path
) -> None:
    spec = sim.displays.all[display(sim)]
    path = files / "hello.png"
    Image.new("RGB", (spec.width, spec.height), "red").save(path)
    await command(hass, entry, "show_image", filename=str(path))
    assert shown(sim).data == path.read_bytes()
    Image.new("RGB", (10, 10)).save(path)
    assert await refusal(hass, entry, "show_image", filename=str(path)) == "invalid_request"
    path.write_text("no picture")
    assert await refusal(hass, entry, "show_image", filename=str(path)) == "no_image"
    assert await refusal(hass, entry, "show_image", filename="/etc/hostname") == "path_not_allowed"
    path.write_bytes(b"\xff\xd8" + bytes(5 * 2**20))
    assert await refusal(hass, entry, "show_image", filename=str(path)) == "file_too_large"


async def test_show_video_shows_a_file(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, files: Path) -> None:
    path = files / "hello.mp4"
    path.write_bytes(make_video(320, 214, 2.0))
    assert await command(hass, entry, "show_video", filename=str(path), repeat=3) == {"display": display(sim)}
    assert (shown(sim).kind, shown(sim).data, shown(sim).repeat) == ("video", path.read_bytes(), 3)


async def test_show_video_rejects_a_file_that_is_no_video(hass: HomeAssistant, entry: ConfigEntry, files: Path) -> None:
    path = files / "hello.mp4"
    path.write_bytes(b"no video")
    assert await refusal(hass, entry, "show_video", filename=str(path), repeat=2) == "invalid_request"


async def test_an_unknown_display_is_an_error(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    assert await refusal(hass, entry, "show_message", message="Hi", display="cellar") == "which_display"


async def test_an_account_without_display_privilege_has_no_display(hass: HomeAssistant, sim: Simulator) -> None:
    sim.revoke(USERNAME, Privilege.DISPLAY_CONTROL)
    entry = await add_intercom(hass, sim)
    assert not [
        e for e in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id) if e.domain == "notify"
    ]
    assert await refusal(hass, entry, "show_message", message="Hi") == "no_display"


async def test_an_old_display_shows_notifications(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("vario") as sim:
        entry = await add_intercom(hass, sim)
        if not sim.displays.all:
            pytest.skip("this one has none")
        await command(hass, entry, "show_message", message="Съешь ещё", duration=0)
        assert picture(shown(sim).data).size == (320, 240)
        assert hass.states.get(entity_id(hass, entry, "notify", "display_internal")) is not None


async def test_an_answering_unit_shows_texts_and_changes_its_language(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("indoor", firmware="2.50.0.76.2") as sim:
        entry = await add_intercom(hass, sim)
        await command(hass, entry, "show_text", text="Pošta je tu", duration=60)
        assert message(sim) == "Pošta je tu"
        await command(hass, entry, "show_text")
        assert message(sim) is None
        answer = await command(hass, entry, "display_language")
        assert answer["language"] in answer["languages"]
        other = next(language for language in answer["languages"] if language != answer["language"])
        assert (await command(hass, entry, "display_language", language=other))["language"] == other
        assert await refusal(hass, entry, "display_language", language="tlh") == "invalid_request"


async def test_old_firmware_has_no_texts(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("verso3", firmware="2.38.0.1.1") as sim:
        entry = await add_intercom(hass, sim)
        assert await refusal(hass, entry, "show_text", text="Hi") == "not_supported"


async def test_a_display_that_is_plugged_in_gets_its_notifier(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    registry = er.async_get(hass)

    def notifiers() -> int:
        entries = er.async_entries_for_config_entry(registry, entry.entry_id)
        return len([e for e in entries if e.domain == "notify" and e.platform == DOMAIN])

    before = notifiers()
    sim.plug_module("ext7", "display")
    await until(lambda: notifiers() == before + 1)
    await act(hass, "notify.send_message", entity_id=entity_id(hass, entry, "notify", "display_ext7"), message="Hi")
    assert sim.displays.shown["ext7"]
    sim.unplug_module("ext7")
    await until(lambda: notifiers() == before)
