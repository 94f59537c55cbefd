"""The camera of a SmartYard with talk: its stream, its microphone, and its speaker."""

import asyncio
import logging
from typing import Any

from homeassistant.components.camera import get_camera_from_entity_id
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from custom_components.ip_intercom.systems.common.errors import NoTalk
from tests.common import act, entity_id, refusal, state_of, until
from tests.simulators.smartyard import Simulator
from tests.simulators.smartyard.telephony import Telephony
from tests.talk.go2rtc import Go2rtc
from tests.talk.sounds import file_server, tone as sound_of

from .talking import CAMERA, OURS, call_state, calls_of, has_button, idle, press, rings, source_of


async def test_the_microphone_answers_the_ring_and_ends_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the video")
        await browser.talk()
        assert account.state == "ringing"  # to watch is not to answer
        for _ in range(30):
            await browser.say(b"\x11" * 160)
            await asyncio.sleep(0.02)
        await until(lambda: account.listen().heard, "the microphone")
        assert account.state == "talking"
        assert call_state(hass, talking) == "connected"
    await until(lambda: account.state == "ended", "the end")
    await idle(hass, talking, account)


async def test_a_microphone_without_a_visitor_starts_no_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, OURS)
    account = await rings(sim)
    source = await source_of(hass, talking)
    sim.walk_away(account.ring.hash)
    await idle(hass, talking, account)
    assert not has_button(hass, talking)
    async with Go2rtc(source) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
        await until(lambda: "a SmartYard door cannot be called" in caplog.text, "the reason")
    state = hass.states.get(entity_id(hass, talking, "sensor", "talk"))
    assert state is not None
    assert state.attributes["call_failure"] == "no_visitor"
    assert state.attributes["call_failure_door"] == talking.runtime_data.coordinator.data.places["door_21_0"].name
    assert await refusal(hass, talking, "dial", number="21") == "not_supported"


async def test_the_camera_changes_its_stream_only_during_a_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    usual = await source_of(hass, talking)
    assert usual.startswith("http://")
    assert not has_button(hass, talking)
    assert state_of(hass, talking, "sensor", "talk") == "sip_account"
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    assert not has_button(hass, talking, "camera_intercom_22")
    own = await source_of(hass, talking)
    assert own.startswith("rtsp://127.0.0.1:")
    assert own == await source_of(hass, talking)
    sim.walk_away(account.ring.hash)
    await until(lambda: not has_button(hass, talking), "the end of the ring")
    assert (await source_of(hass, talking)).split("?")[0] == usual.split("?")[0]


async def test_the_stream_shows_the_video_of_the_call(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.offers_video = True
    account = await rings(sim)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the live pictures of the ring")
        assert [request.function for request in sim.requests if request.function == "/call/live/{hash}"]
        await press(hass, talking, "answer")
        assert account.remote_video
        picture = b"\x65" + b"\x88" * 40
        account.show(b"\x67\x42\xc0\x1f")
        account.show(picture)
        await until(lambda: any(packet.endswith(picture) for packet in browser.heard[0]), "the video of the call")
        await asyncio.sleep(1)
        asked = len(sim.requests)
        await asyncio.sleep(1)
        assert not [request for request in sim.requests[asked:] if request.function == "/call/live/{hash}"]


async def test_a_viewer_who_joins_gets_a_key_frame(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.offers_video = True
    account = await rings(sim)
    source = await source_of(hass, talking)
    async with Go2rtc(source) as browser:
        await browser.watch()
        await press(hass, talking, "answer")
        account.show(b"\x65" + b"\x88" * 40)
        await until(lambda: any(packet[12] == 0x65 for packet in browser.heard.get(0, [])), "the video of the call")
        before = account.updates
        async with Go2rtc(source) as other:
            await other.watch()
            # Without key frames until one is requested.
            while account.updates == before:
                account.show(b"\x41" + b"\x88" * 40)
                await asyncio.sleep(0.1)
            account.show(picture := b"\x65" + b"\x99" * 40)
            await until(lambda: any(packet.endswith(picture) for packet in other.heard.get(0, [])), "the picture")
            assert not any(packet[12] == 0x41 for packet in other.heard[0])
            for _ in range(20):
                account.show(b"\x41" + b"\x88" * 40)
                await asyncio.sleep(0.1)
            assert account.updates == before + 1


async def test_pictures_of_the_camera_follow_those_of_the_ring(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    account = await rings(sim)
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the live pictures of the ring")
        sim.walk_away(account.ring.hash)
        await idle(hass, talking, account)
        seen = len(browser.heard[0])
        await until(lambda: len(browser.heard[0]) > seen + 20, "the pictures of the camera")


async def test_closing_the_microphone_before_the_call_ends_the_attempt(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    phones.calls = False
    key = sim.ring(21)
    await until(lambda: phones.of(key).contact, "the registration")
    async with Go2rtc(await source_of(hass, talking)) as browser:
        await browser.talk()
        await browser.say(b"\x11" * 160)
        await until(lambda: calls_of(talking).line("21").state == "dialing", "the answer")
    await idle(hass, talking, phones.of(key))


async def test_an_announcement_answers_a_ring(
    hass: HomeAssistant, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    speaker = entity_id(hass, talking, "media_player", "speaker_intercom_21")
    assert state_of(hass, talking, "media_player", "speaker_intercom_21") == "unavailable"
    account = await rings(sim)
    await until(lambda: state_of(hass, talking, "media_player", "speaker_intercom_21") == "idle", "the ring")
    async with file_server() as add_sound:
        await act(
            hass, "media_player.play_media", entity_id=speaker,
            media_content_id=add_sound(sound_of(0.5)), media_content_type="music", announce=True,
        )  # fmt: skip
        await until(lambda: account.listen().heard, "the announcement")
        await until(lambda: account.state == "ended", "the end of the call")
    await idle(hass, talking, account)
    assert state_of(hass, talking, "media_player", "speaker_intercom_21") == "unavailable"
    talk = talking.runtime_data.coordinator.features.talk
    for camera in ("intercom_21", "nowhere"):
        with pytest.raises(NoTalk):
            async with talk.speaker(camera):
                pass


@pytest.fixture
async def streams(hass: HomeAssistant) -> None:
    """Load the integration for streams before the HTTP server runs."""
    assert await async_setup_component(hass, "stream", {})


async def test_a_watched_stream_returns_to_its_usual_address(
    hass: HomeAssistant, streams: None, sim: Simulator, phones: Telephony, talking: ConfigEntry
) -> None:
    camera: Any = get_camera_from_entity_id(hass, entity_id(hass, talking, "camera", CAMERA))
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    stream = await camera.async_create_stream()
    assert stream.source.startswith("rtsp://127.0.0.1:")
    sim.walk_away(account.ring.hash)
    await until(lambda: stream.source.startswith("http://"), "the usual address")
    account = await rings(sim)
    await until(lambda: has_button(hass, talking), "Start talking")
    assert await camera.async_create_stream() is stream
    assert stream.source.startswith("rtsp://127.0.0.1:")
    sim.refuse_camera(account.ring.door.camera or 0, 99)
    sim.walk_away(account.ring.hash)
    await until(lambda: not has_button(hass, talking), "the end")
    await asyncio.sleep(5)
    assert stream.source.startswith("rtsp://127.0.0.1:")  # better than none
    await stream.stop()
