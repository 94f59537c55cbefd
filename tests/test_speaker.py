"""The speaker of a 2N: announcements by the audio backchannel of ONVIF."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from itertools import pairwise
import logging
from pathlib import Path
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.ip_intercom.talk.rtp import RtpPacket, transcode
from tests.common import act, choose, entity_id, state_of, until
from tests.simulators.common.rtsp import RtspCamera
from tests.simulators.two_n import Simulator
from tests.simulators.two_n.onvif import rtsp_server
from tests.talk.sounds import file_server, tone

OPTIONS = {"talk": True, "stream_username": "viewer", "stream_password": "p@ss/w", "stream_path": "h264_stream"}


def expand(code: int) -> int:
    """Return the linear value of a byte of PCMU (ITU-T G.711, table 2a)."""
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -value if code & 0x80 else value


def pitch(sound: bytes) -> float:
    """Return the frequency of PCMU with one tone, from its zero crossings."""
    values = [expand(code) for code in sound]
    crossings = sum(before < 0 <= after for before, after in pairwise(values))
    return crossings * 8000 / len(values)


def heard(rtsp: RtspCamera) -> bytes:
    return b"".join(RtpPacket.parse(packet).payload for packet in rtsp.microphone)


@pytest.fixture
async def rtsp(sim: Simulator) -> AsyncGenerator[RtspCamera]:
    """The RTSP server of the Verso."""
    async with rtsp_server() as server:
        sim.onvif.rtsp_port = server.port
        yield server


@pytest.fixture
async def player(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> str:
    """The speaker of the Verso."""
    await choose(hass, entry, OPTIONS)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "onvif", "the check")
    await hass.async_block_till_done()
    speaker = entity_id(hass, entry, "media_player", "speaker_internal")
    assert hass.states.get(speaker).state == "idle"  # type: ignore[union-attr]
    return speaker


@pytest.fixture
async def files(sockets: None) -> AsyncGenerator[Callable[..., str]]:
    """A web server with files; the fixture returns their addresses."""
    async with file_server() as add:
        yield add


async def play(hass: HomeAssistant, player: str, media: str, **more: Any) -> None:
    await act(
        hass, "media_player.play_media", entity_id=player, media_content_id=media, media_content_type="music", **more
    )


def state(hass: HomeAssistant, player: str) -> str:
    found = hass.states.get(player)
    assert found is not None
    return found.state


async def test_an_announcement_is_played_at_the_door(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    await play(hass, player, files(tone(1.0)), announce=True)
    assert state(hass, player) == "playing"
    await until(lambda: state(hass, player) == "idle", "the end")
    packets = [RtpPacket.parse(packet) for packet in rtsp.microphone]
    assert [len(packet.payload) for packet in packets] == [160] * 50
    assert {packet.payload_type for packet in packets} == {0}
    assert [packet.marker for packet in packets] == [True] + [False] * 49
    for before, after in pairwise(packets):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 160
    assert pitch(heard(rtsp)) == pytest.approx(1000, abs=10)
    await until(lambda: rtsp.talking == 0, "the end of the session")
    assert rtsp.methods[-1] == "TEARDOWN"


async def test_sound_is_sent_in_the_law_of_the_door(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    rtsp.ways.codec = "8 PCMA/8000"
    await play(hass, player, files(tone(0.2, 500)), announce=True)
    await until(lambda: state(hass, player) == "idle", "the end")
    assert {RtpPacket.parse(packet).payload_type for packet in rtsp.microphone} == {8}
    assert pitch(transcode(heard(rtsp), "PCMA", "PCMU")) == pytest.approx(500, abs=10)


async def test_packets_are_sent_every_20_ms(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    await play(hass, player, files(tone(10.0)), announce=True)
    began = hass.loop.time()
    await until(lambda: len(rtsp.microphone) >= 100, "two seconds")
    # A tenth of a second comes at once, for the buffer of the door.
    assert 100 <= len(rtsp.microphone) <= (hass.loop.time() - began) * 50 + 10
    await act(hass, "media_player.media_stop", entity_id=player)


async def test_a_long_announcement_is_played_while_the_door_is_silent(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    """The door sends audio during the announcement, so the connection is not taken for lost."""
    await play(hass, player, files(tone(40.0)), announce=True)
    await until(lambda: state(hass, player) == "idle", "the end")
    assert len(rtsp.microphone) == 2000


async def test_media_stop_ends_playing_and_queued_announcements(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    await play(hass, player, files(tone(60.0)), announce=True)
    waiting = hass.async_create_task(play(hass, player, files(tone(60.0)), announce=True))
    await until(lambda: len(rtsp.microphone) >= 10, "the sound")
    await act(hass, "media_player.media_stop", entity_id=player)
    await waiting
    assert state(hass, player) == "idle"
    await until(lambda: rtsp.talking == 0, "the end of the session")
    sent = len(rtsp.microphone)
    await asyncio.sleep(1)
    assert len(rtsp.microphone) == sent


async def test_announcements_are_played_one_after_the_other(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    first, second = files(tone(1.0, 500), "a.wav"), files(tone(1.0, 1500), "b.wav")
    await asyncio.gather(*(play(hass, player, url, announce=True) for url in (first, second)))
    await until(lambda: state(hass, player) == "idle", "the end")
    sound = heard(rtsp)
    assert len(sound) == 16_000
    assert sorted(pitch(part) for part in (sound[:8000], sound[8000:])) == pytest.approx([500, 1500], abs=10)


async def test_other_media_replaces_what_plays(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, files: Callable[..., str]
) -> None:
    await play(hass, player, files(tone(60.0), "a.wav"))
    await until(lambda: len(rtsp.microphone) >= 10, "the sound")
    await play(hass, player, files(tone(1.0, 500), "b.wav"))
    await until(lambda: state(hass, player) == "idle", "the end")
    assert len(heard(rtsp)) < 60 * 8000
    assert pitch(heard(rtsp)[-8000:]) == pytest.approx(500, abs=10)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"no sound", "sound_unreadable"),
        (b"", "sound_unreadable"),
        (tone(0), "sound_unreadable"),
        (bytes(20_000), "sound_too_large"),
    ],
    ids=["text", "empty", "silent", "large"],
)
async def test_an_unreadable_sound_is_an_error(
    hass: HomeAssistant,
    rtsp: RtspCamera,
    player: str,
    files: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    key: str,
) -> None:
    monkeypatch.setattr("custom_components.ip_intercom.runtime.speaker._MOST_BYTES", 10_000)
    with pytest.raises(ServiceValidationError) as caught:
        await play(hass, player, files(content), announce=True)
    assert caught.value.translation_key == key
    assert rtsp.talking == 0


@pytest.mark.parametrize("media", ["file:///etc/passwd", "http://127.0.0.1:1/gone.wav", "rtsp://127.0.0.1/x"])
async def test_an_address_without_a_sound_file_is_an_error(
    hass: HomeAssistant, rtsp: RtspCamera, player: str, media: str
) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        await play(hass, player, media)
    assert caught.value.translation_key == "sound_unreadable"


def _speaker_gone(rtsp: RtspCamera) -> None:
    rtsp.ways.speaker = None


def _login(rtsp: RtspCamera) -> None:
    rtsp.users = {}


def _closed(rtsp: RtspCamera) -> None:
    rtsp._server.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lay", "key"), [(_speaker_gone, "talk_no_speaker"), (_login, "talk_rtsp_login"), (_closed, "talk_rtsp_closed")]
)
async def test_an_announcement_that_the_door_rejects_is_an_error(
    hass: HomeAssistant,
    rtsp: RtspCamera,
    player: str,
    files: Callable[..., str],
    lay: Callable[[RtspCamera], None],
    key: str,
) -> None:
    lay(rtsp)
    with pytest.raises(HomeAssistantError) as caught:
        await play(hass, player, files(tone(1.0)), announce=True)
    assert caught.value.translation_key == key
    assert state(hass, player) == "idle"


async def test_a_lost_connection_ends_the_announcement(
    hass: HomeAssistant,
    rtsp: RtspCamera,
    player: str,
    files: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await play(hass, player, files(tone(60.0)), announce=True)
    await until(lambda: len(rtsp.microphone) >= 10, "the sound")
    await rtsp.stop()
    await until(lambda: state(hass, player) == "idle", "the end")
    assert "the sound at the door ended early" in caplog.text
    assert "p@ss/w" not in caplog.text


async def test_the_speaker_is_unavailable_without_an_audio_track(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry, player: str
) -> None:
    rtsp.ways.speaker = None
    with pytest.raises(ServiceValidationError):
        await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "check_talk"))
    assert state(hass, player) == "unavailable"
    rtsp.ways.speaker = "sendonly"
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "check_talk"))
    assert state(hass, player) == "idle"


async def test_an_unload_ends_the_announcement(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry, player: str, files: Callable[..., str]
) -> None:
    await play(hass, player, files(tone(60.0)))
    await until(lambda: rtsp.talking, "the sound")
    assert await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: rtsp.talking == 0, "the end of the session")


async def test_turning_talk_off_removes_the_speaker(hass: HomeAssistant, entry: ConfigEntry, player: str) -> None:
    await choose(hass, entry, OPTIONS | {"talk": False})
    assert er.async_get(hass).async_get(player) is None


async def test_the_player_plays_media_sources(
    hass: HomeAssistant,
    local_url: str,
    rtsp: RtspCamera,
    player: str,
    hass_ws_client: WebSocketGenerator,
) -> None:
    folder = Path(hass.config.media_dirs["local"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hello.wav").write_bytes(tone(0.5, 700))
    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "media_player/browse_media", "entity_id": player})
    listed: Any = await client.receive_json()
    assert "My media" in [child["title"] for child in listed["result"]["children"]]
    await play(hass, player, "media-source://media_source/local/hello.wav", announce=True)
    await until(lambda: state(hass, player) == "idle", "the end")
    assert pitch(heard(rtsp)) == pytest.approx(700, abs=10)


async def test_the_address_of_a_sound_is_not_logged(
    hass: HomeAssistant, player: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    with pytest.raises(ServiceValidationError):
        await play(hass, player, "http://127.0.0.1:1/a.wav?authSig=secret")
    assert "secret" not in "".join(record.getMessage() for record in caplog.records if "ip_intercom" in record.name)
