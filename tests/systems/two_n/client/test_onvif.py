"""ONVIF: the address of the stream with audio in both directions (ONVIF Core 5.9 and 8, Media, Media2)."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

import pytest
from yarl import URL

from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NotSupported,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.two_n.client.onvif import NoProfile, Onvif, parse_xml
from tests.simulators.two_n.onvif import MEDIA, MEDIA2, PROFILES

from .conftest import Bench

PASSWORD = "p@ss/w"
HQ = "4FC68F7A-BE39-4972-9065-000000000002"
ADDRESS = f"rtsp://127.0.0.1:554/onvif/media?transport=unicast&profile={HQ}"


def onvif(bench: Bench, username: str = "viewer", password: str = PASSWORD) -> Onvif:
    return Onvif(HttpTransport(bench.session, URL(f"http://{bench.sim.http_address}")), username, password)


async def test_the_profile_nearest_to_1280_pixels_is_chosen(bench: Bench) -> None:
    assert str(await onvif(bench).stream_url()) == ADDRESS


async def test_the_stream_address_is_read_over_https(bench: Bench) -> None:
    transport = HttpTransport(bench.session, URL(f"https://{bench.sim.https_address}"))
    assert str(await Onvif(transport, "viewer", "p@ss/w").stream_url()) == ADDRESS


async def test_the_stream_url_keeps_its_port(bench: Bench) -> None:
    bench.sim.onvif.rtsp_port = 8554
    assert (await onvif(bench).stream_url()).port == 8554


async def test_the_stream_url_is_found_without_media2(bench: Bench) -> None:
    bench.sim.onvif.media2 = False
    assert str(await onvif(bench).stream_url()) == ADDRESS
    assert {space for space, _ in bench.sim.onvif.calls[2:]} == {MEDIA}


async def test_the_stream_url_uses_a_media2_profile_with_audio(bench: Bench) -> None:
    """A unit whose Media service lists no audio output, as it belongs to an extension there."""
    service = bench.sim.onvif
    listed = service._profiles
    mute = tuple(replace(profile, speaks=False) for profile in PROFILES)

    def profiles(space: str) -> str:
        service.profiles = mute if space == MEDIA else PROFILES
        return listed(space)

    service._profiles = profiles  # type: ignore[method-assign]
    assert str(await onvif(bench).stream_url()) == ADDRESS
    assert service.calls[-1] == (MEDIA2, "GetStreamUri")


async def test_the_stream_url_is_found_by_get_capabilities(bench: Bench) -> None:
    bench.sim.onvif.lists_services = bench.sim.onvif.media2 = False
    assert str(await onvif(bench).stream_url()) == ADDRESS
    assert "GetCapabilities" in {name for _, name in bench.sim.onvif.calls}


async def test_other_xml_prefixes_are_read(bench: Bench) -> None:
    bench.sim.onvif.prefixes = {"soap": "env", "device": "a", "media": "b", "media2": "c", "schema": "d"}
    assert str(await onvif(bench).stream_url()) == ADDRESS


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=-1), timedelta(days=-365 * 50)])
async def test_the_login_uses_the_clock_of_the_device(bench: Bench, ahead: timedelta) -> None:
    bench.sim.onvif.ahead = ahead
    assert str(await onvif(bench).stream_url()) == ADDRESS


async def test_the_login_works_without_the_device_clock(bench: Bench) -> None:
    bench.sim.onvif.tells_clock = False
    assert str(await onvif(bench).stream_url()) == ADDRESS


@pytest.mark.parametrize(
    ("old", "new"),
    [("<tt:Year>", "<tt:Year>x"), ("UTCDateTime", "LocalDateTime")],
    ids=["invalid", "missing"],
)
async def test_the_login_works_with_an_invalid_device_clock(bench: Bench, old: str, new: str) -> None:
    clock = bench.sim.onvif._clock
    bench.sim.onvif._clock = lambda: clock().replace(old, new)  # type: ignore[method-assign]
    assert str(await onvif(bench).stream_url()) == ADDRESS


@pytest.mark.parametrize("hides_challenge", [False, True])
async def test_digest_is_used_if_the_token_is_rejected(bench: Bench, hides_challenge: bool) -> None:
    bench.sim.onvif.http_digest, bench.sim.onvif.hides_challenge = True, hides_challenge
    assert str(await onvif(bench).stream_url()) == ADDRESS
    # The token is tried once, not for each call.
    assert [request.status for request in bench.seen()].count(400 if hides_challenge else 401) <= 2


@pytest.mark.parametrize("http_digest", [False, True])
@pytest.mark.parametrize(("username", "password"), [("viewer", "wrong"), ("ghost", "p@ss/w"), ("", "")])
async def test_a_rejected_account_is_an_error(bench: Bench, username: str, password: str, http_digest: bool) -> None:
    bench.sim.onvif.http_digest = http_digest
    with pytest.raises(AuthenticationFailed):
        await onvif(bench, username, password).stream_url()


async def test_a_device_without_h264_profile_is_an_error(bench: Bench) -> None:
    bench.sim.onvif.profiles = tuple(replace(profile, encoding="JPEG") for profile in PROFILES)
    with pytest.raises(NoProfile):
        await onvif(bench).stream_url()


async def test_the_external_camera_is_not_the_main_one(bench: Bench) -> None:
    bench.sim.onvif.profiles = (PROFILES[0], PROFILES[-1])
    with pytest.raises(NoProfile):
        await onvif(bench).stream_url()


async def test_a_device_without_onvif_is_unsupported(bench: Bench) -> None:
    bench.sim.onvif.enabled = False
    with pytest.raises(NotSupported):
        await onvif(bench).stream_url()


async def test_a_device_without_a_media_service_is_unsupported(bench: Bench) -> None:
    bench.sim.onvif._services = lambda: "<tds:GetServicesResponse/>"  # type: ignore[method-assign]
    with pytest.raises(NotSupported):
        await onvif(bench).stream_url()


async def test_another_fault_is_an_error_with_its_subcode(bench: Bench) -> None:
    bench.sim.onvif.broken = "OutOfMemory"
    with pytest.raises(CommandFailed) as caught:
        await onvif(bench).stream_url()
    assert caught.value.reason == "ONVIF: OutOfMemory"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("rtsp://10.0.0.9/live?a=1#backchannel=0", "rtsp://127.0.0.1:554/live?a=1"),
        ("rtsps://user:secret@10.0.0.9:8322/a%20b", "rtsps://127.0.0.1:8322/a%20b"),
        ("rtsps://10.0.0.9/live", "rtsps://127.0.0.1:322/live"),
    ],
)
async def test_the_address_has_our_host_and_neither_login_nor_fragment(bench: Bench, uri: str, expected: str) -> None:
    bench.sim.onvif.stream_uri = uri
    assert str(await onvif(bench).stream_url()) == expected


@pytest.mark.parametrize("uri", ["", "http://10.0.0.9/live", "rtsp:///live", "rtsp://10.0.0.9:99999/live"])
async def test_an_invalid_stream_address_is_an_error(bench: Bench, uri: str) -> None:
    bench.sim.onvif.stream_uri = uri
    with pytest.raises(UnexpectedReply):
        await onvif(bench).stream_url()


async def test_an_invalid_service_address_is_an_error(bench: Bench) -> None:
    bench.sim.onvif._address = lambda path: f"http://[bad{path}"  # type: ignore[method-assign]
    with pytest.raises(UnexpectedReply):
        await onvif(bench).stream_url()


@pytest.mark.parametrize("path", ["/onvif/device_service", "/onvif/media_service"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("truncated", 200),
        ("html", 200),
        ("empty", 200),
        ("html", 500),
        ("huge", 200),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', 200),
        ("<a>" * 60 + "</a>" * 60, 200),
        ("<Envelope/>", 200),
        ('<?xml version="1.0" encoding="utf-99"?><a/>', 200),
    ],
)
async def test_invalid_responses_are_typed_errors(bench: Bench, path: str, body: str, status: int) -> None:
    bench.sim.garbage(path, body, "application/soap+xml", status=status)
    with pytest.raises(UnexpectedReply):
        await onvif(bench).stream_url()


@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_each_status_without_onvif_means_unsupported(bench: Bench, status: int) -> None:
    bench.sim.garbage("/onvif/device_service", "<html>no</html>", "text/html", status=status)
    with pytest.raises(NotSupported):
        await onvif(bench).stream_url()


async def test_an_unreachable_device_is_an_error(bench: Bench) -> None:
    client = onvif(bench)
    await bench.sim.stop()
    with pytest.raises(ConnectionFailed):
        await client.stream_url()


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE])
async def test_an_overloaded_device_is_an_error_with_its_delay(bench: Bench, status: int) -> None:
    bench.sim.overload(status, "7")
    with pytest.raises(IntercomError) as caught:
        await onvif(bench).stream_url()
    assert caught.value.retry_after == 7


async def test_a_utf_16_document_type_is_refused() -> None:
    """A search for the text <!DOCTYPE would not find it."""
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'
    with pytest.raises(UnexpectedReply):
        parse_xml(text.encode("utf-16"))
