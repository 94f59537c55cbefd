"""The RTSP client with a simulated camera."""

import asyncio
from collections.abc import AsyncIterator
import logging
from pathlib import Path
import ssl
import traceback
from unittest.mock import AsyncMock

from cryptography.hazmat.primitives.asymmetric import ec
import pytest

from custom_components.ip_intercom.talk.errors import (
    RtspConnectionFailed,
    RtspError,
    RtspRedirected,
    RtspRefused,
    RtspUnauthorized,
    RtspUntrusted,
    SdpError,
    TalkError,
)
from custom_components.ip_intercom.talk.rtsp_client import KEEP_ALIVES, STALLED, RtspClient
from custom_components.ip_intercom.talk.sdp import PCMU, Direction, Media
from tests.simulators.common.network import self_signed
from tests.simulators.common.rtsp import RtspCamera, Ways

from .feeds import rtp

pytestmark = pytest.mark.usefixtures("socket_enabled")

PASSWORD = "s3cr/t@:"


@pytest.fixture
async def camera() -> AsyncIterator[RtspCamera]:
    async with RtspCamera() as running:
        yield running


async def played(client: RtspClient, backchannel: bool = False) -> list[tuple[int, bytes]]:
    """Set up all tracks, play for two seconds, and return the packets."""
    packets: list[tuple[int, bytes]] = []
    description = await client.describe(backchannel)
    for media in description.media:
        await client.setup(media)
    await client.play(lambda track, packet: packets.append((track, packet)))
    await asyncio.sleep(2)
    return packets


WAYS = {
    "plain": Ways(),
    "basic": Ways(login="basic"),
    "digest": Ways(login="digest"),
    "sha256": Ways(login="sha256"),
    "integrity": Ways(login="integrity"),
    "short nonces": Ways(login="digest", stale=1),
    "absolute controls": Ways(control="absolute", base=False),
    "no base": Ways(base=False),
    "no aggregate": Ways(aggregate="rtsp://127.0.0.1/live/ch0"),
    "other channels": Ways(shift=4),
    "session named once": Ways(names_once=True),
    "no channels": Ways(transport="RTP/AVP/TCP;unicast"),
    "no numbers": Ways(drop=frozenset({"CSeq"})),
    "no timeout": Ways(timeout=""),
    "malformed timeout": Ways(timeout=";timeout=0"),
    "no public": Ways(drop=frozenset({"Public"})),
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS.keys())
async def test_a_camera_is_played(camera: RtspCamera, ways: Ways) -> None:
    camera.ways = ways
    client = RtspClient(camera.login_url)
    packets = await played(client)
    states = [client.is_open]
    await client.close()
    assert [*states, client.is_open] == [True, False]
    await asyncio.sleep(0.1)
    assert {track for track, _ in packets} == {0, 1}
    # 20 frames, of which two are key frames with parameter sets, and 100 packets of sound.
    assert 20 <= sum(track == 0 for track, _ in packets) <= 26
    assert all(packet[12:] == b"\x11" * 160 for track, packet in packets if track == 1)
    assert camera.methods[-1] == "TEARDOWN"
    assert camera.links == set()


async def test_the_client_requires_the_backchannel_and_sends_audio(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client, backchannel=True)
    client.send(2, rtp(b"\x22" * 160, payload_type=0))
    client.send(2, bytes((0x80, 201, 0, 1, 0, 0, 0, 0)))
    client.send(3, rtp(b"no such track"))
    client.send(2, bytes(70_000))
    await asyncio.sleep(0.1)
    assert [packet[12:] for packet in camera.microphone] == [b"\x22" * 160]
    assert len(camera.reports) == 1
    await client.close()
    client.send(2, rtp(b"too late"))


async def test_describe_requires_no_backchannel_by_default(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    assert [medium.direction for medium in (await client.describe()).media] == [Direction.RECVONLY] * 2
    assert not any("require" in request.headers for request in camera.requests)
    await client.close()


async def test_describe_without_the_backchannel_works_after_a_551(camera: RtspCamera) -> None:
    camera.ways.refuses = True
    client = RtspClient(camera.url)
    with pytest.raises(RtspRefused) as caught:
        await client.describe(backchannel=True)
    assert (caught.value.status, caught.value.reason) == (551, "Option Not Supported")
    assert len((await client.describe()).media) == 2
    await client.close()


NOT_ALLOWED, UNKNOWN = (405, "Method Not Allowed"), (501, "Not Implemented")


@pytest.mark.parametrize("timeout", ["30", "5", "1"])
@pytest.mark.parametrize("method", KEEP_ALIVES)
@pytest.mark.parametrize("public", ["OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", ""])
async def test_the_session_is_kept_alive(camera: RtspCamera, timeout: str, method: str, public: str) -> None:
    """The client finds the method that the device accepts, even if the device does not list it."""
    camera.ways = Ways(
        public=public,
        timeout=f" ; Timeout = {timeout} ",
        renewed_by=frozenset({method}),
        lasts=float(timeout),
        status={other: NOT_ALLOWED for other in KEEP_ALIVES if other != method},
    )
    client = RtspClient(camera.url)
    await played(client)
    await asyncio.sleep(100)
    assert client.is_open
    # Not more often than necessary, and what was refused is not asked again.
    assert len(camera.methods) < 10 + 5 + 2 * 100 / float(timeout)
    await client.close()


async def test_a_device_that_refuses_all_keep_alives_keeps_the_session(camera: RtspCamera) -> None:
    camera.ways.status = dict.fromkeys(KEEP_ALIVES, UNKNOWN)
    client = RtspClient(camera.url)
    await played(client)
    before = [camera.methods.count(method) for method in KEEP_ALIVES]
    await asyncio.sleep(100)
    assert [camera.methods.count(method) for method in KEEP_ALIVES] == [count + 5 for count in before]
    assert client.is_open
    await client.close()


@pytest.mark.parametrize("login", ["basic", "digest", "sha256"])
@pytest.mark.parametrize("user", ["admin:wrong@", "", "%61dmin@"])
async def test_a_rejected_login_is_tried_once(camera: RtspCamera, login: str, user: str) -> None:
    camera.ways.login = login
    client = RtspClient(camera.url.replace("//", f"//{user}"))
    with pytest.raises(RtspUnauthorized) as caught:
        await client.describe()
    assert str(caught.value) == "DESCRIBE was rejected: 401 Unauthorized"
    await client.close()
    # A wrong password is tried once, not until the account is locked.
    assert camera.methods.count("DESCRIBE") == (2 if user else 1)


@pytest.fixture
async def context(camera: RtspCamera, tmp_path: Path) -> ssl.SSLContext:
    """Let the camera speak only TLS, and return a context that trusts its certificate."""
    certificate = tmp_path / "camera.pem"
    certificate.write_bytes(self_signed("Camera", ec.generate_private_key(ec.SECP256R1())))
    await camera.stop()
    camera.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    camera.tls.load_cert_chain(certificate)
    await camera.start()
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    trusting.check_hostname = False
    return trusting


async def test_a_camera_is_used_over_tls(camera: RtspCamera, context: ssl.SSLContext) -> None:
    camera.ways.login = "digest"
    client = RtspClient(camera.login_url, tls=context)
    packets = await played(client, backchannel=True)
    assert {track for track, _ in packets} == {0, 1}
    client.send(2, rtp(b"\x22" * 160, payload_type=0))
    await asyncio.sleep(0.1)
    assert [packet[12:] for packet in camera.microphone] == [b"\x22" * 160]
    assert all(request.uri.startswith(camera.url) for request in camera.requests)
    await client.close()


async def test_an_unknown_certificate_gets_no_request(camera: RtspCamera, context: ssl.SSLContext) -> None:
    client = RtspClient(camera.login_url)
    with pytest.raises(RtspUntrusted):
        await client.describe()
    await client.close()
    assert camera.requests == []


async def test_tls_to_a_server_without_tls_is_an_error(camera: RtspCamera) -> None:
    client = RtspClient(camera.login_url.replace("rtsp:", "rtsps:"), timeout=2)
    with pytest.raises(RtspConnectionFailed):
        await client.describe()
    await client.close()
    assert camera.requests == []


@pytest.mark.parametrize(("url", "port"), [("rtsp://h/x", 554), ("rtsps://h/x", 322), ("rtsps://h:554/x", 554)])
async def test_the_default_port_depends_on_the_scheme(monkeypatch: pytest.MonkeyPatch, url: str, port: int) -> None:
    connect = AsyncMock(side_effect=OSError)
    monkeypatch.setattr(asyncio, "open_connection", connect)
    with pytest.raises(RtspConnectionFailed):
        await RtspClient(url).describe()
    assert connect.await_args is not None
    assert connect.await_args.args == ("h", port)
    assert (connect.await_args.kwargs["ssl"] is not None) is url.startswith("rtsps")


async def test_a_redirect_is_an_error(camera: RtspCamera) -> None:
    camera.ways.status["DESCRIBE"] = (302, "Moved")
    client = RtspClient(camera.url)
    with pytest.raises(RtspRedirected):
        await client.describe()
    await client.close()


@pytest.mark.parametrize(
    ("ways", "error"),
    [
        (Ways(transport="RTP/AVP;unicast;client_port=1-2"), "the device offers no transport over TCP"),
        (Ways(transport="x"), "the device offers no transport over TCP"),
        (Ways(status={"SETUP": (461, "s3cr/t@:")}), "SETUP was rejected: 461 Unsupported Transport"),
        (Ways(status={"PLAY": (599, "s3cr/t@:")}), "PLAY was rejected: 599 "),
        (Ways(mute=frozenset({"PLAY"})), "no response to PLAY"),
        (Ways(aggregate="ö"), "the address of a track is malformed"),
        (Ways(body=b"<html>"), "not a session description"),
    ],
)
async def test_invalid_responses_of_a_camera_are_errors(camera: RtspCamera, ways: Ways, error: str) -> None:
    camera.ways = ways
    client = RtspClient(camera.login_url)
    with pytest.raises((RtspError, SdpError)) as caught:
        await played(client)
    assert str(caught.value) == error
    await client.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:s3cr@127.0.0.1/",
        "rtsp://admin:s3cr@/x",
        "rtsp://admin:s3cr@127.0.0.1:x/",
        "rtsp://admin:s3cr[@127.0.0.1/",
        "rtsp://admin:s3cr@127.0.0.1:99999/",
        "rtsp://admin:s3cr@127.0.0.1/ ö",
    ],
)
def test_a_malformed_address_is_an_error_without_the_password(url: str) -> None:
    with pytest.raises(RtspError) as caught:
        RtspClient(url)
    assert str(caught.value) == "the stream address is malformed"
    shown = "".join(traceback.format_exception(caught.value, limit=0))
    assert shown.count("RtspError") == 1 and "s3cr" not in shown


async def test_an_unreachable_camera_is_an_error(camera: RtspCamera) -> None:
    await camera.stop()
    client = RtspClient(camera.login_url)
    with pytest.raises(RtspConnectionFailed):
        await client.describe()
    await client.close()


async def test_a_lost_connection_ends_the_stream(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client)
    ends: list[TalkError] = []
    await client.play(lambda track, packet: None, ends.append)
    await camera.stop()
    await asyncio.sleep(0.1)
    assert [type(end) for end in ends] == [RtspConnectionFailed]
    assert not client.is_open
    client.send(0, rtp(b"x"))
    with pytest.raises(RtspConnectionFailed):
        await client.describe()
    await client.close()


async def test_a_stalled_stream_ends(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client)
    ends: list[TalkError] = []
    await client.play(lambda track, packet: None, ends.append)
    camera.still = True
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not ends:
        await asyncio.sleep(0.5)
    assert STALLED - 1 < loop.time() - begun < STALLED + 8
    await client.close()


async def test_an_unanswered_keep_alive_ends_the_stream(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client)
    ends: list[TalkError] = []
    await client.play(lambda track, packet: None, ends.append)
    camera.ways.mute = frozenset({"GET_PARAMETER"})
    await asyncio.sleep(40)
    assert [str(end) for end in ends] == ["no response to GET_PARAMETER"]
    await client.close()


async def test_garbage_ends_the_stream(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client)
    ends: list[TalkError] = []
    await client.play(lambda track, packet: None, ends.append)
    for link in camera.links:
        link.writer.write(b"\x00" * 20_000)
    await asyncio.sleep(0.1)
    assert [str(end) for end in ends] == ["the headers are too long"]
    await client.close()


async def test_requests_of_the_camera_are_answered(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client)
    for link in camera.links:
        # An answer to nothing, too.
        link.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\nREDIRECT * RTSP/1.0\r\n\r\nRTSP/1.0 200 OK\r\n\r\n")
    await asyncio.sleep(0.1)
    assert camera.responses == ["RTSP/1.0 200 OK", "RTSP/1.0 501 Not Implemented"]
    assert client.is_open
    await client.close()


async def test_a_track_without_an_address_uses_that_of_the_stream(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await client.describe()
    camera.ways.status["SETUP"] = (200, "OK")
    with pytest.raises(RtspError, match="no transport"):
        await client.setup(Media("audio", 0, "RTP/AVP", (PCMU,)))
    assert (camera.methods[-1], camera.requests[-1].uri) == ("SETUP", f"{camera.url}/")
    await client.close()


async def test_the_send_buffer_is_bounded_if_the_camera_does_not_read(camera: RtspCamera) -> None:
    client = RtspClient(camera.url)
    await played(client, backchannel=True)
    for link in camera.links:
        link.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a reader that does not read
    assert client._writer is not None
    for _ in range(20_000):
        client.send(2, rtp(bytes(1000)))
    assert client._writer.transport.get_write_buffer_size() < 100_000
    await client.close()


async def test_the_login_is_in_no_log_and_no_error(camera: RtspCamera, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    for login in ("basic", "digest"):
        for method in ("DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER"):
            camera.ways = Ways(login=login, status={method: (400, PASSWORD)})
            client = RtspClient(camera.login_url)
            try:
                await played(client)
                await asyncio.sleep(25)
            except RtspError as err:
                errors.append(f"{err!r} {err}")
            errors.append(repr(client))
            await client.close()
    assert len(errors) == 14
    written = " ".join(errors) + caplog.text
    assert not any(secret in written for secret in (PASSWORD, "s3cr", "Authorization", "YWRtaW46"))
