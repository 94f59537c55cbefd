"""Talk at an Akuvox by a direct SIP call: the stream of its camera, the call, and the obstacles."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
import logging
from typing import Any
from unittest.mock import AsyncMock

from homeassistant.components.camera import CameraEntityFeature, async_get_stream_source
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.ip_intercom.model.parts import CameraId
from custom_components.ip_intercom.model.talk import TalkStatus
from custom_components.ip_intercom.systems.common.talk import DirectTalk
from custom_components.ip_intercom.talk.errors import CallFailed
from custom_components.ip_intercom.talk.line import Line
from custom_components.ip_intercom.talk.sip_agent import SipAgent
from tests.common import act, entity_id, state_of, until
from tests.simulators.akuvox import Simulator
from tests.simulators.common.rtsp import FILM, RtspCamera
from tests.talk.door import Door
from tests.talk.go2rtc import Go2rtc
from tests.talk.peer import UdpLine
from tests.talk.sounds import file_server, tone

from .conftest import Start, add

# Channels of the RTSP connection.
VIDEO, SOUND = 0, 2

ACCOUNT: dict[str, Any] = {"stream_username": "admin", "stream_password": "s3cr/t@:"}


@pytest.fixture
async def door(sockets: None) -> AsyncGenerator[Door]:
    async with Door() as door:
        yield door


@pytest.fixture
async def camera(sockets: None, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[RtspCamera]:
    """The RTSP server of the device."""
    async with RtspCamera() as camera:
        monkeypatch.setitem(ACCOUNT, "stream_port", camera.port)
        yield camera


@pytest.fixture
async def sounds(sockets: None) -> AsyncGenerator[Callable[..., str]]:
    async with file_server() as add:
        yield add


@pytest.fixture
async def sim(quick_device: Start) -> Simulator:
    return await quick_device()


async def talk(hass: HomeAssistant, sim: Simulator, door: Door, state: str = "sip_direct", **options: Any) -> Any:
    """Add the device with talk, and return its entry once talk was checked."""
    entry = await add(hass, sim, **ACCOUNT, talk=True, sip_port=door.port, **options)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == state, state)
    return entry


async def source_of(hass: HomeAssistant, entry: ConfigEntry) -> str:
    source = await async_get_stream_source(hass, entity_id(hass, entry, "camera", "camera_main"))
    assert source is not None
    return source


def features(hass: HomeAssistant, entry: ConfigEntry, key: str) -> CameraEntityFeature:
    state = hass.states.get(entity_id(hass, entry, "camera", key))
    assert state is not None
    return CameraEntityFeature(state.attributes["supported_features"])


async def test_watching_the_camera_starts_no_call(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await talk(hass, sim, door)
    source = await source_of(hass, entry)
    assert source.startswith("rtsp://127.0.0.1:") and ACCOUNT["stream_password"] not in source
    assert await source_of(hass, entry) == source
    async with Go2rtc(source) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(VIDEO), "the video")
    assert door.invites == 0


async def test_the_microphone_calls_the_door(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await talk(hass, sim, door)
    line = entry.runtime_data.coordinator.features.talk.line
    rung = state_of(hass, entry, "event", "bell_call")
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.watch()
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: line.state == "talking", "the call")
        said = [bytes([number]) * 160 for number in range(2, 22)]
        for payload in said:
            await browser.say(payload)
            await asyncio.sleep(0.02)
        await until(lambda: said[-1] in door.listen(), "the microphone")
        assert [payload for payload in door.heard if payload in said] == said
        assert door.invites == 1
        while b"\x2a" * 160 not in [packet[12:] for packet in browser.heard.get(SOUND, ())]:
            door.say(b"\x2a" * 160)
            await asyncio.sleep(0.02)
    await until(lambda: door.call is None, "the end of the call")
    assert state_of(hass, entry, "event", "bell_call") == rung


async def test_a_door_that_hangs_up_ends_the_call(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await talk(hass, sim, door)
    line = entry.runtime_data.coordinator.features.talk.line
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: line.state == "talking", "the call")
        door.hang_up()
        await until(lambda: line.state == "idle", "the end")
        await until(lambda: browser.heard.get(VIDEO), "the video goes on")


async def test_the_video_continues_after_a_rejected_call(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    door.refusal = "486 Busy Here"
    entry = await talk(hass, sim, door)
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.invites == 1, "the call")
        seen = len(browser.heard.get(VIDEO, ()))
        await until(lambda: len(browser.heard.get(VIDEO, ())) > seen, "the video goes on")


def failure_of(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return what the sensor shows about the last call that failed."""
    state = hass.states.get(entity_id(hass, entry, "sensor", "talk"))
    assert state is not None and state.state == "sip_direct"
    assert ("call_failure" in state.attributes) is ("call_failure_time" in state.attributes)
    failure: str | None = state.attributes.get("call_failure")
    return failure


@pytest.mark.parametrize(
    ("refusal", "failure"),
    [
        ("486 Busy Here", "busy"),
        ("603 Decline", "declined"),
        ("480 Temporarily Unavailable", "not_available"),
        ("404 Not Found", "not_available"),
        ("488 Not Acceptable Here", "no_codec"),
        ("403 Forbidden", "refused"),
        ("180 Ringing", "no_answer"),
    ],
)
async def test_the_sensor_shows_why_a_call_failed(
    hass: HomeAssistant,
    sim: Simulator,
    door: Door,
    camera: RtspCamera,
    refusal: str,
    failure: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The failure is logged once, and the recovery once."""
    caplog.set_level(logging.INFO, "custom_components.ip_intercom")
    entry = await talk(hass, sim, door)
    assert failure_of(hass, entry) is None
    door.refusal = refusal
    line = entry.runtime_data.coordinator.features.talk.line

    def said() -> list[tuple[str, str]]:
        return [(entry.levelname, entry.message) for entry in caplog.records if "call to the door" in entry.message]

    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        for number in range(3):
            before, calls = line.error, door.invites
            while line.error is before:
                await browser.say(b"\x01" * 160, ssrc=number)
                await asyncio.sleep(0.5)
            assert failure_of(hass, entry) == failure
            assert door.invites > calls
        assert [level for level, _ in said()] == ["WARNING"]
        assert said()[0][1].endswith(f": {failure.replace('_', ' ')}")
        door.refusal = None
        await until(lambda: line.state == "idle", "the end of the attempt")
        while door.call is None:
            await browser.say(b"\x01" * 160, ssrc=9)
            await asyncio.sleep(0.5)
        await until(lambda: failure_of(hass, entry) is None, "the success")
        assert [level for level, _ in said()] == ["WARNING", "INFO"]


async def test_closing_the_microphone_before_the_answer_is_no_failure(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await talk(hass, sim, door)
    door.refusal = "180 Ringing"
    line = entry.runtime_data.coordinator.features.talk.line
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: line.state == "dialing", "the attempt")
    await until(lambda: line.state == "idle", "the end")
    assert failure_of(hass, entry) is None


async def test_a_sip_agent_that_cannot_start_is_a_failure(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await talk(hass, sim, door)
    system_talk = entry.runtime_data.coordinator.features.talk
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await system_talk._agent.stop()
        monkeypatch.setattr(system_talk, "_agent", None)
        monkeypatch.setattr(SipAgent, "start", AsyncMock(side_effect=CallFailed("no port", "not_started")))
        await browser.say(b"\x01" * 160)
        await until(lambda: failure_of(hass, entry) == "not_started", "the failure")


async def test_an_unload_ends_the_call(hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera) -> None:
    entry = await talk(hass, sim, door)
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.call is not None, "the call")
        assert await hass.config_entries.async_unload(entry.entry_id)
        await until(lambda: door.call is None, "the end of the call")


async def test_the_video_is_made_of_snapshots_without_an_rtsp_account(
    hass: HomeAssistant, sim: Simulator, door: Door
) -> None:
    sim.configure("Config.DoorSetting.RTSP.MJPEGAuthorization", "0")
    entry = await add(hass, sim, stream_username="", talk=True, sip_port=door.port)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    # Home Assistant offers to talk only at a camera with a stream; the other camera has none.
    assert features(hass, entry, "camera_main") == CameraEntityFeature.STREAM
    assert features(hass, entry, "camera_sub") == CameraEntityFeature(0)
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.watch()
        await until(lambda: len(browser.heard.get(VIDEO, ())) > 2, "the video")
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.call is not None, "the call")


@pytest.mark.parametrize("fault", ["off", "login", "ends"])
async def test_the_video_is_made_of_snapshots_while_rtsp_fails(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, fault: str
) -> None:
    sim.configure("Config.DoorSetting.RTSP.MJPEGAuthorization", "0")
    camera.ways.login = "digest"
    if fault == "login":
        camera.users = {"admin": "changed"}
    elif fault == "off":
        await camera.stop()
    entry = await talk(hass, sim, door)
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.watch()
        if fault == "ends":
            await until(lambda: _shown(browser) == {True}, "the stream")
            await camera.stop()
        await until(lambda: _shown(browser) == {False}, "the snapshots")
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.call is not None, "the call")
        await until(lambda: _shown(browser) == {False}, "the snapshots")
        if fault == "login":
            camera.users = {"admin": ACCOUNT["stream_password"]}
        else:
            await camera.start()
        await until(lambda: _shown(browser) == {True}, "the stream")
        await asyncio.sleep(5)
        assert _shown(browser) == {True}


def _shown(browser: Go2rtc) -> set[bool]:
    """Return whether the last packets of the video are of the stream."""
    film = {unit for picture in FILM for unit in picture}
    return {packet[12:] in film for packet in browser.heard.get(VIDEO, ())[-12:]}


async def test_a_camera_without_rtsp_has_no_stream_once_sip_fails(hass: HomeAssistant, sim: Simulator) -> None:
    async with Door() as door:
        entry = await add(hass, sim, stream_username="", talk=True, sip_port=door.port)
        await until(lambda: features(hass, entry, "camera_main") == CameraEntityFeature.STREAM, "the stream")
    with pytest.raises(HomeAssistantError, match="SIP"):
        await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "check_talk"))
    assert features(hass, entry, "camera_main") == CameraEntityFeature(0)


def address_of(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the address for the button of the device."""
    state = hass.states.get(entity_id(hass, entry, "sensor", "talk"))
    assert state is not None
    address: str = state.attributes["call_address"]
    return address


@pytest.fixture
async def ringing(hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera) -> Any:
    """The entry of a device whose visitor calls Home Assistant."""
    entry = await talk(hass, sim, door)
    sim.press()
    door.call_home(address_of(hass, entry))
    await until(lambda: door.rings, "the ringing")
    await until(lambda: state_of(hass, entry, "binary_sensor", "ringing") == "on", "the ring")
    return entry


async def test_the_sip_address_for_the_button_survives_a_reload(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await talk(hass, sim, door)
    address = address_of(hass, entry)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "sip_direct", "talk")
    assert address_of(hass, entry) == address


async def test_a_check_in_progress_ends_with_the_entry(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check would open the port again, which the reloaded entry needs."""
    entry = await talk(hass, sim, door)
    monitor, line = entry.runtime_data.talk, entry.runtime_data.coordinator.features.talk
    closed = asyncio.Event()
    check, close = DirectTalk.check, DirectTalk.close

    async def check_late(direct: DirectTalk) -> Mapping[CameraId, TalkStatus]:
        await closed.wait()
        return await check(direct)

    async def close_slowly(direct: DirectTalk) -> None:
        await close(direct)
        closed.set()
        await asyncio.sleep(0.1)

    monkeypatch.setattr(DirectTalk, "check", check_late)
    monkeypatch.setattr(DirectTalk, "close", close_slowly)
    monitor.async_check_soon()
    await asyncio.sleep(0.01)
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert line.address is None
    await close(line)


async def test_the_button_answers_a_visitor(hass: HomeAssistant, door: Door, ringing: Any) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, ringing, "button", "answer"))
    await until(lambda: door.call is not None, "the answer")
    async with Go2rtc(await source_of(hass, ringing)) as browser:
        await browser.talk()
        while b"\x11" * 160 not in door.listen():
            await browser.say(b"\x11" * 160)
            await asyncio.sleep(0.02)
    assert door.invites == 0


async def test_the_next_visitor_can_be_answered_after_a_device_restarts_in_a_call(
    hass: HomeAssistant, door: Door, ringing: Any
) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, ringing, "button", "answer"))
    await until(lambda: door.call is not None, "the answer")
    door.restart()
    await until(lambda: talk_line(ringing).state == "idle", "the end of the call")
    rings = door.rings
    door.call_home(address_of(hass, ringing))
    await until(lambda: door.rings > rings, "the next visitor")
    await act(hass, "button.press", entity_id=entity_id(hass, ringing, "button", "answer"))
    await until(lambda: door.call is not None, "the answer")


async def test_the_microphone_answers_a_visitor(hass: HomeAssistant, door: Door, ringing: Any) -> None:
    async with Go2rtc(await source_of(hass, ringing)) as browser:
        await browser.watch()
        assert door.call is None
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.call is not None, "the answer")
    await until(lambda: door.call is None, "the end of the call")
    assert door.invites == 0


async def test_a_visitor_who_left_cannot_be_answered(hass: HomeAssistant, door: Door, ringing: Any) -> None:
    door.give_up()
    await until(lambda: door.refused == 487, "the end of the ringing")
    with pytest.raises(HomeAssistantError):
        await act(hass, "button.press", entity_id=entity_id(hass, ringing, "button", "answer"))


async def test_diagnostics_show_the_talk_status(
    hass: HomeAssistant, door: Door, ringing: Any, hass_client: ClientSessionGenerator
) -> None:
    async def talk_state() -> Any:
        diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, ringing)
        assert not any(word in str(diagnostics["talk"]) for word in ("127.0.0.1", str(door.port), "admin", "sip:"))
        return diagnostics["talk"]["cameras"]["main"], diagnostics["talk"]["ignored"]

    line = {"route": "sip_direct", "reason": None, "ready": True, "registered": None, "failure": None}
    assert await talk_state() == (line | {"line": "idle", "ringing": True}, 0)
    await act(hass, "button.press", entity_id=entity_id(hass, ringing, "button", "answer"))
    await until(lambda: door.call is not None, "the answer")
    assert await talk_state() == (line | {"line": "talking", "ringing": False}, 0)
    stranger = await UdpLine().open("127.0.0.2")
    host, _, port = address_of(hass, ringing).partition("@")[2].partition(":")
    stranger.put(b"OPTIONS sip:x SIP/2.0\r\n\r\n", (host, int(port)))
    door.hang_up()
    await until(lambda: talk_line(ringing).state == "idle", "the end of the call")
    stranger.close()
    door.refusal = "486 Busy Here"
    async with Go2rtc(await source_of(hass, ringing)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: door.invites, "the call")
        await until(lambda: talk_line(ringing).state == "idle", "the refusal")
    assert await talk_state() == (line | {"line": "idle", "ringing": False, "failure": "busy"}, 1)


def talk_line(entry: Any) -> Line:
    line: Line = entry.runtime_data.coordinator.features.talk.line
    return line


async def test_a_second_visitor_is_busy(hass: HomeAssistant, door: Door, ringing: Any) -> None:
    async with Door() as other:
        other.call_home(address_of(hass, ringing))
        await until(lambda: other.refused == 486, "the refusal")
    assert door.refused is None


async def announce(hass: HomeAssistant, entry: ConfigEntry, media: str) -> None:
    await act(
        hass, "media_player.play_media", entity_id=entity_id(hass, entry, "media_player", "speaker_main"),
        media_content_id=media, media_content_type="music", announce=True,
    )  # fmt: skip


async def test_an_announcement_is_played_in_its_own_call(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, sounds: Callable[..., str]
) -> None:
    entry = await talk(hass, sim, door)
    await announce(hass, entry, sounds(tone(0.5)))
    assert state_of(hass, entry, "media_player", "speaker_main") == "playing"
    await until(lambda: state_of(hass, entry, "media_player", "speaker_main") == "idle", "the end")
    await until(lambda: door.call is None, "the end of the call")
    assert door.invites == 1
    assert len(b"".join(door.listen())) == 8000 // 2


@pytest.mark.parametrize("door_is", ["refusing", "in a call"])
async def test_an_announcement_to_a_busy_door_is_an_error(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, sounds: Callable[..., str], door_is: str
) -> None:
    entry = await talk(hass, sim, door)
    if door_is == "refusing":
        door.refusal = "486 Busy Here"
        with pytest.raises(HomeAssistantError, match="call to the door failed"):
            await announce(hass, entry, sounds(tone(0.5)))
        return
    line = entry.runtime_data.coordinator.features.talk.line
    async with Go2rtc(await source_of(hass, entry)) as browser:
        await browser.talk()
        await browser.say(b"\x01" * 160)
        await until(lambda: line.state == "talking", "the call")
        with pytest.raises(HomeAssistantError, match="in a call already"):
            await announce(hass, entry, sounds(tone(0.5)))


async def test_a_door_that_hangs_up_ends_the_announcement(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera, sounds: Callable[..., str]
) -> None:
    entry = await talk(hass, sim, door)
    await announce(hass, entry, sounds(tone(30)))
    door.hang_up()
    await until(lambda: state_of(hass, entry, "media_player", "speaker_main") == "idle", "the end")


async def test_talk_with_a_device_without_sip_is_unavailable(
    hass: HomeAssistant, sim: Simulator, camera: RtspCamera
) -> None:
    async with Door() as door:
        pass
    entry = await talk(hass, sim, door, "sip_closed")
    address = await async_get_stream_source(hass, entity_id(hass, entry, "camera", "camera_main"))
    assert address is not None and f":{camera.port}/" in address
    with pytest.raises(HomeAssistantError, match="SIP"):
        await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "check_talk"))


async def test_talk_is_not_offered_without_the_option(
    hass: HomeAssistant, sim: Simulator, door: Door, camera: RtspCamera
) -> None:
    entry = await add(hass, sim, **ACCOUNT, sip_port=door.port)
    assert entry.runtime_data.coordinator.features.talk is None
    assert f":{camera.port}/" in await source_of(hass, entry)
    assert door.invites == 0
