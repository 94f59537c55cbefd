"""Talk at a 2N by ONVIF: the camera, the sensor, the button, and the options."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import md5
import logging
from typing import Any, override
from urllib.request import parse_http_list, parse_keqv_list

from homeassistant.components import camera as camera_component
from homeassistant.components.camera import (
    Camera,
    CameraWebRTCProvider,
    WebRTCSendMessage,
    async_get_stream_source,
    async_register_webrtc_provider,
    get_camera_from_entity_id,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator
from webrtc_models import RTCIceCandidateInit
from yarl import URL

from custom_components.ip_intercom.model.talk import TalkReason
from tests.common import act, add_intercom, choose, entity_id, state_of, until
from tests.simulators.common.network import Certificate
from tests.simulators.common.rtsp import RtspCamera
from tests.simulators.two_n import Simulator
from tests.simulators.two_n.onvif import PROFILES, rtsp_server
from tests.talk.door import Door
from tests.talk.go2rtc import Go2rtc

PASSWORD = "p@ss/w"
OPTIONS = {"talk": True, "stream_username": "viewer", "stream_password": PASSWORD, "stream_path": "h264_stream"}
PROFILE = "/onvif/media?transport=unicast&profile=4FC68F7A-BE39-4972-9065-000000000002"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """Stands for the class that came with Home Assistant 2026.11."""

    two_way_audio: bool = False


@pytest.fixture(autouse=True)
def capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let cameras have capabilities in Home Assistant 2026.10, too."""
    if not hasattr(camera_component, "CameraEntityCapabilities"):
        monkeypatch.setattr(camera_component, "CameraEntityCapabilities", Capabilities, raising=False)


@pytest.fixture
async def rtsp(sim: Simulator) -> AsyncGenerator[RtspCamera]:
    """The RTSP server of the Verso."""
    async with rtsp_server() as server:
        sim.onvif.rtsp_port = server.port
        yield server


def camera_of(hass: HomeAssistant, entry: ConfigEntry) -> str:
    return entity_id(hass, entry, "camera", "camera_internal")


def has_button(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Return whether the camera says that it can talk, which shows *Start talking*."""
    entity: Any = get_camera_from_entity_id(hass, camera_of(hass, entry))
    talks: bool = entity._attr_camera_entity_capabilities.two_way_audio
    return talks


async def talk(hass: HomeAssistant, entry: ConfigEntry, state: str = "onvif", **options: object) -> None:
    """Turn on talk, and wait for the result of the check."""
    await choose(hass, entry, OPTIONS | options)
    await until(lambda: state_of(hass, entry, "sensor", "talk") == state, state)


async def check(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await act(hass, "button.press", entity_id=entity_id(hass, entry, "button", "check_talk"))


async def test_a_camera_with_an_audio_track_can_talk(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    await talk(hass, entry)
    assert has_button(hass, entry)
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == f"rtsp://viewer:p%40ss%2Fw@127.0.0.1:{rtsp.port}{PROFILE}"
    described = [request for request in rtsp.requests if request.method == "DESCRIBE"]
    assert described[-1].headers["require"] == "www.onvif.org/ver20/backchannel"
    assert described[-1].uri == f"rtsp://127.0.0.1:{rtsp.port}{PROFILE}"
    assert rtsp.talking == 0


class WebRtc(CameraWebRTCProvider):
    """A provider for RTSP, as go2rtc of Home Assistant is one."""

    @property
    @override
    def domain(self) -> str:
        return "go2rtc"

    @callback
    @override
    def async_is_supported(self, stream_source: str) -> bool:
        return stream_source.startswith("rtsp://")

    @override
    async def async_handle_async_webrtc_offer(
        self, camera: Camera, offer_sdp: str, session_id: str, send_message: WebRTCSendMessage
    ) -> None:
        raise NotImplementedError

    @override
    async def async_on_webrtc_candidate(self, session_id: str, candidate: RTCIceCandidateInit) -> None:
        raise NotImplementedError

    @callback
    @override
    def async_close_session(self, session_id: str) -> None:
        raise NotImplementedError


@pytest.mark.skipif(not hasattr(camera_component, "CameraEntityCapabilities"), reason="before Home Assistant 2026.11")
async def test_home_assistant_offers_start_talking(
    hass: HomeAssistant,
    rtsp: RtspCamera,
    entry: ConfigEntry,
    hass_ws_client: WebSocketGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The dialog of the camera requests this; the preview feature is on."""
    monkeypatch.setattr(
        "homeassistant.components.camera.entity.async_is_preview_feature_enabled", lambda *_: True, raising=False
    )
    async_register_webrtc_provider(hass, WebRtc())
    await talk(hass, entry)
    client = await hass_ws_client(hass)

    async def capabilities() -> Any:
        await client.send_json_auto_id({"type": "camera/capabilities", "entity_id": camera_of(hass, entry)})
        result = (await client.receive_json())["result"]
        return {**result, "frontend_stream_types": sorted(result["frontend_stream_types"])}

    assert await capabilities() == {"frontend_stream_types": ["hls", "web_rtc"], "two_way_audio": True}
    rtsp.ways.speaker = None
    with pytest.raises(ServiceValidationError):
        await check(hass, entry)
    assert await capabilities() == {"frontend_stream_types": ["hls", "web_rtc"], "two_way_audio": False}


class Browser(Go2rtc):
    """go2rtc for a browser, with the account of the address, which it gives by Digest (RFC 2617)."""

    def __init__(self, address: str) -> None:
        url = URL(address)
        super().__init__(str(url.with_user(None)))
        self._account = f"{url.user}:2N RTSP:{url.password}"
        self._user, self._nonce = url.user, ""

    @override
    async def _ask(self, method: str, address: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        status, head, body = await super()._ask(method, address, headers)
        if status == 401 and not self._nonce:
            self._nonce = parse_keqv_list(parse_http_list(head["www-authenticate"]))["nonce"]
            return await super()._ask(method, address, headers)
        return status, head, body

    @override
    def _send(self, method: str, address: str, headers: dict[str, str]) -> None:
        if self._nonce:
            ha1, ha2 = (md5(text.encode()).hexdigest() for text in (self._account, f"{method}:{address}"))
            given = {
                "username": self._user,
                "realm": "2N RTSP",
                "nonce": self._nonce,
                "uri": address,
                "response": md5(f"{ha1}:{self._nonce}:{ha2}".encode()).hexdigest(),
            }
            fields = ", ".join(f'{name}="{value}"' for name, value in given.items())
            headers = headers | {"Authorization": f"Digest {fields}"}
        super()._send(method, address, headers)


async def test_the_microphone_arrives_at_the_door(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> None:
    await talk(hass, entry)
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source is not None
    async with Browser(source) as browser:
        await browser.watch()
        await until(lambda: browser.heard.get(0), "the video")
        assert rtsp.talking == 0  # who only looks does not talk
        await browser.talk()
        payloads = [bytes([number]) * 160 for number in range(20)]
        for payload in payloads:
            await browser.say(payload)
        await until(lambda: len(rtsp.microphone) == len(payloads), "the microphone")
        assert [packet[12:] for packet in rtsp.microphone] == payloads
        assert rtsp.talking == 1
    await until(lambda: rtsp.talking == 0, "the end of the session")


@pytest.fixture
async def secure(sim: Simulator, rtsp: RtspCamera) -> RtspCamera:
    """The RTSP server of a Verso that is set to secure connections only."""
    await rtsp.stop()
    rtsp.tls = Certificate("2N").context
    await rtsp.start()
    sim.onvif.stream_uri = f"rtsps://192.168.1.100:{rtsp.port}/onvif/media?profile=1"
    return rtsp


async def test_talk_and_stream_use_tls(hass: HomeAssistant, secure: RtspCamera, entry: ConfigEntry) -> None:
    """The certificate is self-signed, like that of the web server."""
    await talk(hass, entry)
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == f"rtsps://viewer:p%40ss%2Fw@127.0.0.1:{secure.port}/onvif/media?profile=1"
    features: Any = entry.runtime_data.coordinator.features
    async with features.talk.speaker("internal") as speaker:
        speaker.send(b"\x22" * 160)
        await until(lambda: secure.microphone, "the sound")


async def test_an_unverified_rtsp_certificate_is_an_error(
    hass: HomeAssistant, sim: Simulator, secure: RtspCamera
) -> None:
    entry = await add_intercom(hass, sim, address=f"http://{sim.http_address}")
    hass.config_entries.async_update_entry(entry, data={**entry.data, "verify_ssl": True})
    await talk(hass, entry, "rtsp_certificate")
    assert secure.requests == []
    with pytest.raises(ServiceValidationError) as caught:
        await check(hass, entry)
    assert caught.value.translation_key == "talk_rtsp_certificate"


async def test_an_entered_address_sets_the_encryption(
    hass: HomeAssistant, secure: RtspCamera, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.onvif.stream_uri = "rtsp://192.168.1.100:554/onvif/media?profile=1"
    await talk(hass, entry, stream_path=f"rtsps://localhost:{secure.port}/h264_stream")
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == f"rtsps://viewer:p%40ss%2Fw@localhost:{secure.port}/onvif/media?profile=1"


async def test_a_2n_called_by_sip_shows_its_stream_over_tls(
    hass: HomeAssistant, secure: RtspCamera, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.onvif.enabled = False
    async with Door() as door:
        path = f"rtsps://127.0.0.1:{secure.port}/h264_stream"
        await talk(hass, entry, "sip_direct", sip_port=door.port, stream_path=path)
        source = await async_get_stream_source(hass, camera_of(hass, entry))
        assert source is not None
        async with Go2rtc(source) as browser:
            await browser.watch()
            await until(lambda: any(link.plays for link in secure.links), "the stream")
            await until(lambda: browser.heard.get(0), "the video")


@pytest.mark.parametrize("speaker", ["recvonly", "sendrecv", "inactive", None])
async def test_talk_is_unavailable_without_an_audio_track(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry, speaker: str | None
) -> None:
    rtsp.ways.speaker = speaker
    await talk(hass, entry, "no_speaker")
    assert not has_button(hass, entry)
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == "rtsp://viewer:p%40ss%2Fw@127.0.0.1:554/h264_stream"


async def test_talk_is_unavailable_with_an_unknown_codec(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    rtsp.ways.codec = "97 MPEG4-GENERIC/16000"
    await talk(hass, entry, "no_speaker")


async def test_talk_calls_a_2n_without_onvif_by_sip(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    async with Door() as door:
        await talk(hass, entry, "sip_direct", sip_port=door.port, stream_username="")
        assert has_button(hass, entry)
        source = await async_get_stream_source(hass, camera_of(hass, entry))
        assert source is not None
        async with Go2rtc(source) as browser:
            await browser.watch()
            await until(lambda: len(browser.heard.get(0, ())) > 2, "the video, of snapshots")
            assert door.invites == 0
            await browser.talk()
            await browser.say(b"\x01" * 160)
            await until(lambda: door.call is not None, "the call")
        await until(lambda: door.call is None, "the end of the call")


async def test_diagnostics_of_a_2n_show_the_talk_status(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    async def talk_state() -> Any:
        diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
        assert not any(word in str(diagnostics["talk"]) for word in ("127.0.0.1", "viewer", PASSWORD, "sip:"))
        return diagnostics["talk"]

    assert await talk_state() is None
    async with Door() as door:
        door.refusal = "603 Decline"
        await talk(hass, entry, "sip_direct", sip_port=door.port)
        line = {"line": "idle", "ringing": False, "registered": None, "failure": None}
        status = {"route": "sip_direct", "reason": None, "ready": True}
        assert await talk_state() == {"cameras": {"internal": status | line}, "ignored": 0}
        source = await async_get_stream_source(hass, camera_of(hass, entry))
        assert source is not None
        async with Go2rtc(source) as browser:
            await browser.talk()
            await browser.say(b"\x01" * 160)
            await until(
                lambda: entry.runtime_data.coordinator.features.talk.examine().lines["internal"].failure, "the refusal"
            )
        assert await talk_state() == {"cameras": {"internal": status | line | {"failure": "declined"}}, "ignored": 0}
    with pytest.raises(ServiceValidationError):
        await check(hass, entry)
    status = {"route": "none", "reason": state_of(hass, entry, "sensor", "talk"), "ready": True}
    assert status["reason"] in set(TalkReason)
    assert await talk_state() == {"cameras": {"internal": status | line | {"failure": "declined"}}, "ignored": 0}


async def test_talk_prefers_onvif_to_sip(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> None:
    async with Door() as door:
        await talk(hass, entry, "onvif", sip_port=door.port)
        source = await async_get_stream_source(hass, camera_of(hass, entry))
        assert source is not None and PROFILE in source


async def test_the_stream_is_unchanged_without_the_talk_option(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    await choose(hass, entry, OPTIONS | {"talk": False})
    await sim.wait_for_pull()
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == "rtsp://viewer:p%40ss%2Fw@127.0.0.1:554/h264_stream"
    assert not has_button(hass, entry)
    assert (rtsp.requests, sim.onvif.calls) == ([], [])
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", "ip_intercom", f"{entry.unique_id}_talk") is None


async def test_turning_talk_off_removes_its_entities(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> None:
    await talk(hass, entry)
    sensor = entity_id(hass, entry, "sensor", "talk")
    await choose(hass, entry, OPTIONS | {"talk": False})
    assert hass.states.get(sensor) is None
    assert er.async_get(hass).async_get(sensor) is None


def _no_account(sim: Simulator, rtsp: RtspCamera) -> None:
    pass


def _no_onvif(sim: Simulator, rtsp: RtspCamera) -> None:
    sim.onvif.enabled = False


def _onvif_login(sim: Simulator, rtsp: RtspCamera) -> None:
    sim.onvif.users = {}


def _onvif_failed(sim: Simulator, rtsp: RtspCamera) -> None:
    sim.onvif.broken = "OutOfMemory"


def _no_h264(sim: Simulator, rtsp: RtspCamera) -> None:
    sim.onvif.profiles = tuple(replace(profile, encoding="JPEG") for profile in PROFILES)


def _rtsp_closed(sim: Simulator, rtsp: RtspCamera) -> None:
    rtsp._server.close()  # type: ignore[union-attr]


def _rtsp_login(sim: Simulator, rtsp: RtspCamera) -> None:
    rtsp.users = {}


def _rtsp_refused(sim: Simulator, rtsp: RtspCamera) -> None:
    rtsp.ways.status["DESCRIBE"] = (403, "Forbidden")


def _no_path(sim: Simulator, rtsp: RtspCamera) -> None:
    rtsp.ways.paths = ("/h264_stream",)


def _no_backchannel(sim: Simulator, rtsp: RtspCamera) -> None:
    rtsp.ways.refuses = True


OBSTACLES = [
    (_no_onvif, TalkReason.NO_ONVIF),
    (_onvif_login, TalkReason.ONVIF_LOGIN),
    (_onvif_failed, TalkReason.ONVIF_FAILED),
    (_no_h264, TalkReason.NO_H264),
    (_rtsp_closed, TalkReason.RTSP_CLOSED),
    (_rtsp_login, TalkReason.RTSP_LOGIN),
    (_rtsp_refused, TalkReason.RTSP_REFUSED),
    (_no_path, TalkReason.RTSP_REFUSED),
    (_no_backchannel, TalkReason.NO_SPEAKER),
]


@pytest.mark.parametrize(("lay", "reason"), OBSTACLES)
async def test_the_sensor_and_the_check_show_the_obstacle(
    hass: HomeAssistant,
    sim: Simulator,
    rtsp: RtspCamera,
    entry: ConfigEntry,
    lay: Callable[[Simulator, RtspCamera], None],
    reason: TalkReason,
) -> None:
    lay(sim, rtsp)
    await talk(hass, entry, reason)
    assert not has_button(hass, entry)
    with pytest.raises(ServiceValidationError) as caught:
        await check(hass, entry)
    assert caught.value.translation_key == f"talk_{reason}"
    assert not hass.config_entries.flow.async_progress()


async def test_talk_without_a_stream_account_is_unavailable(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    await talk(hass, entry, "no_account", stream_username="")
    with pytest.raises(ServiceValidationError):
        await check(hass, entry)


async def test_the_check_notices_a_fixed_account(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    sim.onvif.users = {}
    await talk(hass, entry, "onvif_login")
    sim.onvif.users = {"viewer": PASSWORD}
    await check(hass, entry)
    assert state_of(hass, entry, "sensor", "talk") == "onvif"
    assert has_button(hass, entry)


async def test_the_check_of_a_device_that_is_away_is_an_error(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    await talk(hass, entry)
    sim.lose_connection()
    with pytest.raises(HomeAssistantError) as caught:
        await entry.runtime_data.talk.async_check()
    assert caught.value.translation_key == "cannot_connect"
    assert has_button(hass, entry)  # until something else is known


async def test_a_new_description_repeats_the_check(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> None:
    await talk(hass, entry)
    rtsp.ways.speaker = None
    await entry.runtime_data.coordinator.async_describe()
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "no_speaker", "the check")
    assert not has_button(hass, entry)


async def test_talk_is_checked_again_after_a_failed_check(
    hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    """The RTSP server starts later than the HTTP API."""
    await rtsp.stop()
    await talk(hass, entry, "rtsp_closed")
    await rtsp.start()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "onvif", "the second check")


async def test_a_failed_talk_check_leaves_the_device_available(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "custom_components.ip_intercom")
    sim.fault("/onvif/device_service", "reset")
    await choose(hass, entry, OPTIONS)
    await until(lambda: "could not check talk" in caplog.text, "the failure")
    assert state_of(hass, entry, "sensor", "talk") == "unknown"
    assert entry.runtime_data.coordinator.last_update_success
    assert not hass.config_entries.flow.async_progress()


async def test_a_hanging_talk_check_delays_neither_setup_nor_rings(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    sim.fault("/onvif/device_service", "hang")
    await choose(hass, entry, OPTIONS)
    await sim.wait_for_pull()
    sim.press("%1")
    await until(lambda: state_of(hass, entry, "event", "bell_1") != "unknown", "the ring")
    assert state_of(hass, entry, "sensor", "talk") == "unknown"


async def test_an_entered_address_sets_the_port(
    hass: HomeAssistant, rtsp: RtspCamera, sim: Simulator, entry: ConfigEntry
) -> None:
    sim.onvif.rtsp_port = 554  # of the device, while the router forwards another one
    await talk(hass, entry, stream_path=f"rtsp://localhost:{rtsp.port}/h264_stream")
    source = await async_get_stream_source(hass, camera_of(hass, entry))
    assert source == f"rtsp://viewer:p%40ss%2Fw@localhost:{rtsp.port}{PROFILE}"


async def test_an_access_unit_has_no_talk(hass: HomeAssistant, sockets: None) -> None:
    async with Simulator("access_unit") as sim:
        entry = await add_intercom(hass, sim)
        await choose(hass, entry, OPTIONS)
        assert er.async_get(hass).async_get_entity_id("sensor", "ip_intercom", f"{entry.unique_id}_talk") is None
        assert sim.onvif.calls == []


async def open_options(hass: HomeAssistant, entry: ConfigEntry, **options: object) -> Any:
    """Open the options, turn on talk, and return the next form."""
    form: Any = await hass.config_entries.options.async_init(entry.entry_id)
    stream = {key: value for key, value in (OPTIONS | options).items() if key != "talk"}
    return await hass.config_entries.options.async_configure(form["flow_id"], {"talk": True, "stream": stream})


async def go_on(hass: HomeAssistant, form: Any, **given: object) -> Any:
    result: Any = await hass.config_entries.options.async_configure(form["flow_id"], given)
    await hass.async_block_till_done()
    return result


async def test_the_options_say_that_talk_works(hass: HomeAssistant, rtsp: RtspCamera, entry: ConfigEntry) -> None:
    form = await open_options(hass, entry)
    assert (form["step_id"], form["errors"]) == ("talk", None)
    assert "talk" not in entry.options  # not stored yet
    done = await go_on(hass, form)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["talk"]
    await until(lambda: state_of(hass, entry, "sensor", "talk") == "onvif", "the check")
    # Nothing of it changed: the options are stored at once.
    form = await open_options(hass, entry, stream_password="")
    assert form["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["stream_password"] == PASSWORD


@pytest.mark.parametrize(("lay", "reason"), [*OBSTACLES, (_no_account, TalkReason.NO_ACCOUNT)])
async def test_the_options_show_the_obstacle(
    hass: HomeAssistant,
    sim: Simulator,
    rtsp: RtspCamera,
    entry: ConfigEntry,
    lay: Callable[[Simulator, RtspCamera], None],
    reason: TalkReason,
) -> None:
    lay(sim, rtsp)
    account = {"stream_username": ""} if reason is TalkReason.NO_ACCOUNT else {}
    form = await open_options(hass, entry, **account)
    assert (form["step_id"], form["errors"]) == ("talk_unavailable", {"base": f"talk_{reason}"})
    done = await go_on(hass, form, talk_next="save")
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options["talk"]
    await until(lambda: state_of(hass, entry, "sensor", "talk") == reason, reason)


async def test_the_options_check_again_and_can_be_changed(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    form = await open_options(hass, entry, stream_username="wrong")
    assert form["errors"] == {"base": "talk_onvif_login"}
    sim.onvif.users = {"wrong": PASSWORD}
    form = await go_on(hass, form, talk_next="check")
    assert form["errors"] == {"base": "talk_rtsp_login"}
    form = await go_on(hass, form, talk_next="change")
    assert form["step_id"] == "init"
    shown = {str(key): key.description for key in form["data_schema"].schema if key.description}
    assert shown["talk"]["suggested_value"] is True
    sim.onvif.users = {"viewer": PASSWORD}
    # The password that was entered before is kept.
    form = await go_on(hass, form, talk=True, stream={"stream_username": "viewer", "stream_password": ""})
    assert form["step_id"] == "talk"
    await go_on(hass, form)
    assert entry.options["stream_password"] == PASSWORD


async def test_the_options_of_an_unreachable_device_are_an_error(
    hass: HomeAssistant, sim: Simulator, rtsp: RtspCamera, entry: ConfigEntry
) -> None:
    sim.lose_connection()
    form = await open_options(hass, entry)
    assert form["errors"] == {"base": "talk_cannot_connect"}


async def test_options_without_lines_are_stored_without_a_check(
    hass: HomeAssistant, entry: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options are stored without a check."""

    async def nothing(_: object) -> dict[str, object]:
        return {}

    monkeypatch.setattr("custom_components.ip_intercom.systems.two_n.talk.TwoNTalk.check", nothing)
    form = await open_options(hass, entry)
    assert form["type"] is FlowResultType.CREATE_ENTRY


async def test_talk_shows_no_secrets(
    hass: HomeAssistant,
    sim: Simulator,
    rtsp: RtspCamera,
    entry: ConfigEntry,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await talk(hass, entry)
    for lay, _ in OBSTACLES:
        lay(sim, rtsp)
        with pytest.raises(ServiceValidationError) as caught:
            await check(hass, entry)
        assert PASSWORD not in str(caught.value)
    published = caplog.text + str([state.as_dict() for state in hass.states.async_all()])
    published += str(await get_diagnostics_for_config_entry(hass, hass_client, entry))
    for secret in (PASSWORD, "p%40ss%2Fw", "viewer:"):
        assert secret not in published
