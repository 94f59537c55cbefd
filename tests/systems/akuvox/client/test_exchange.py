"""Logins, rejected requests, and pauses for fragile devices."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
import logging

import pytest
from yarl import URL

from custom_components.ip_intercom.systems.akuvox.client import AkuvoxClient, AkuvoxDevice, exchange
from custom_components.ip_intercom.systems.common.errors import (
    AddressRefused,
    AuthenticationFailed,
    CertificateChanged,
    CommandFailed,
    ConnectionFailed,
    InvalidRequest,
    LoginRefused,
    NoAnswer,
    NotSupported,
    Overloaded,
    Redirected,
    SecureConnectionRequired,
    Throttled,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.common.tls import certificate_fingerprint
from tests.simulators.akuvox import Auth, Redirect, Request

from .conftest import EXCHANGE, PASSWORD, USERNAME, Bench, Start, wait_for_answers

SECRET = "s3cret-one"


def gaps(requests: Sequence[Request]) -> list[float]:
    """Return the seconds between one answer and the next."""
    return [later.at - earlier.at for earlier, later in pairwise(requests)]


@pytest.fixture
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry a rejected login at once."""
    monkeypatch.setattr(f"{EXCHANGE}.SECOND_TRY", 0.01)


# ---- The login ----


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        (Auth.NONE, None),
        (Auth.WHITELIST, None),
        (Auth.BASIC, "Basic"),
        (Auth.DIGEST, "Digest"),
        (Auth.DIGEST_SERVER, "Digest"),
        (Auth.BASIC_DIGEST, "Digest"),
    ],
)
async def test_the_first_challenge_sets_the_authentication(start: Start, auth: Auth, scheme: str | None) -> None:
    """No login is sent before the challenge, and later requests include it."""
    bench = await start(auth=auth)
    device = bench.device()
    for _ in range(3):
        await device.system.status()
    first, *others = bench.seen()
    assert first.authorization is None
    if scheme is None:
        assert [request.status for request in (first, *others)] == [200] * 3
    else:
        assert first.status == 401
        assert [(request.status, request.authorization) for request in others] == [(200, scheme)] * 3


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.DIGEST, Auth.BASIC_DIGEST])
@pytest.mark.parametrize(("username", "password"), [(USERNAME, "wrong"), ("nobody", PASSWORD)])
async def test_a_wrong_login_is_sent_once(start: Start, auth: Auth, username: str, password: str) -> None:
    """The login is sent once, to avoid a lockout."""
    bench = await start(auth=auth)
    with pytest.raises(LoginRefused):
        await bench.device(username, password).system.info()
    assert [request.authorization is None for request in bench.seen()] == [True, False]


async def test_a_missing_login_is_an_error(bench: Bench) -> None:
    with pytest.raises(LoginRefused):
        await bench.device("", "").system.info()
    assert len(bench.seen()) == 1


async def test_a_user_name_with_a_colon_is_an_error(bench: Bench) -> None:
    with pytest.raises(AuthenticationFailed):
        bench.client("a:b")


async def test_an_expired_nonce_is_renewed(bench: Bench) -> None:
    device = bench.device()
    await device.system.status()
    bench.sim.expire_nonces()
    bench.seen()
    await device.system.status()
    assert [request.status for request in bench.seen()] == [401, 200]


async def test_a_changed_authentication_scheme_is_followed(start: Start) -> None:
    bench = await start(auth=Auth.DIGEST)
    device = bench.device()
    await device.system.status()
    bench.sim.set_auth(Auth.BASIC)
    await device.system.status()
    bench.sim.set_auth(Auth.NONE)
    await device.system.status()
    assert [request.authorization for request in bench.seen() if request.status == 200] == ["Digest", "Basic", "Basic"]


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("auth", [Auth.NONE, Auth.BASIC, Auth.DIGEST])
async def test_a_stray_401_is_retried(start: Start, auth: Auth) -> None:
    bench = await start(auth=auth)
    device = bench.device()
    await device.system.status()
    bench.sim.stray_401(2 if auth is Auth.DIGEST else 1)
    await device.system.status()


async def test_a_401_is_retried_later_because_it_may_be_throttling(bench: Bench) -> None:
    bench.sim.set_auth(Auth.NONE)
    device = bench.device()
    await device.system.status()
    bench.seen()
    bench.sim.stray_401()
    await device.system.status()
    refused, answered = bench.seen()
    assert (refused.status, answered.status) == (401, 200)
    assert answered.at - refused.at >= exchange.SECOND_TRY * 0.99


@pytest.mark.usefixtures("retries_at_once")
@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.DIGEST])
async def test_a_changed_password_is_an_error(start: Start, auth: Auth) -> None:
    """After a success, the login is sent twice and to another function, then once."""
    bench = await start(auth=auth)
    device = bench.device()
    await device.system.status()
    bench.sim.change_password("other")
    bench.seen()
    with pytest.raises(LoginRefused):
        await device.system.status()
    first = sum(request.authorization is not None for request in bench.seen())
    with pytest.raises(LoginRefused):
        await device.system.status()
    second = sum(request.authorization is not None for request in bench.seen())
    assert second < first <= 4
    bench.sim.change_password(PASSWORD)
    await device.system.status()


@pytest.mark.parametrize("auth", [Auth.WHITELIST, Auth.NORMAL, Auth.TOKEN])
async def test_an_address_off_the_whitelist_is_an_error(start: Start, auth: Auth) -> None:
    bench = await start(auth=auth, whitelist=["192.168.1.5"])
    with pytest.raises(AddressRefused) as raised:
        await bench.device().system.info()
    assert raised.value.address == "127.0.0.1"


async def test_a_disabled_api_is_an_error(bench: Bench) -> None:
    device = bench.device()
    await device.system.info()
    bench.sim.enable_api(False)
    with pytest.raises(AddressRefused):
        await device.system.info()


async def test_a_redirect_to_https_is_an_error(bench: Bench) -> None:
    device = bench.device()
    await device.system.info()
    bench.sim.pipeline.redirect = Redirect.HTTPS
    with pytest.raises(SecureConnectionRequired):
        await device.system.info()


async def test_a_redirect_to_another_host_is_an_error(bench: Bench) -> None:
    bench.sim.intercept(302, "https://portal.example/login")
    with pytest.raises(Redirected) as failed:
        await bench.device().relay.status()
    assert failed.value.address == "https://portal.example"


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.DIGEST])
async def test_secrets_are_in_no_log_and_no_error(start: Start, auth: Auth, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench = await start(auth=auth, password=SECRET)
    device = bench.device(password=SECRET)
    bench.sim.change_password("other")
    with pytest.raises(LoginRefused) as raised:
        await device.system.status()
    bench.sim.change_password(SECRET)
    await device.public_code.set({"Config.DoorSetting.PASSWORD.PublicKey1": "97531864"})
    with pytest.raises(InvalidRequest) as invalid:
        await device.log.set_level(97531864)
    told = f"{caplog.text} {raised.value!r} {invalid.value!r} {device.client!r}"
    assert SECRET not in told
    assert "97531864" not in told
    assert "log/set" in told


# ---- The envelope ----


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"retcode":-1,"action":"unknow","message":"No hanlders for this request"}', NotSupported),
        ('{"retcode":-1,"action":"unknow","message":"unsupport action"}', NotSupported),
        ('{"retcode":-1,"message":"Api unsupported"}', NotSupported),
        ('{"retcode":-1,"message":"Error param"}', InvalidRequest),
        ('{"retcode":-100,"message":"Whatever"}', InvalidRequest),
        ('{"retcode":-1,"message":"User already exist"}', CommandFailed),
        ('{"retcode":-7}', CommandFailed),
        ('{"message":"OK"}', UnexpectedReply),
        ("[]", UnexpectedReply),
        ("html", UnexpectedReply),
        ("empty", UnexpectedReply),
        ("truncated", UnexpectedReply),
    ],
)
async def test_error_replies_are_mapped_to_exceptions(
    bench: Bench, body: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{EXCHANGE}.GAP", 0.0)
    bench.sim.garbage("relay/status", body)
    with pytest.raises(kind) as raised:
        await bench.device().relay.status()
    assert type(raised.value) is kind or kind is UnexpectedReply


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotSupported), (503, Overloaded), (429, Throttled), (500, UnexpectedReply)]
)
async def test_each_http_status_has_its_error(bench: Bench, status: int, kind: type[Exception]) -> None:
    bench.sim.garbage("relay/status", "html", status=status)
    with pytest.raises(kind):
        await bench.device().relay.status()


@pytest.mark.parametrize(
    ("body", "fragile"),
    [
        (b'{"retcode":0,"data":{"Status":"READY"}}', False),
        (b'\xef\xbb\xbf \r\n{"retcode":"0","action":0,"data":{"Status":"READY"}}\r\n', False),
        (b'{"retcode":1,"data":{"Status":"READY"}}\r\n\x00\xff\xfe', True),
        (b'{"retcode":0,"data":{"Status":"READY","x":"S\xfcd"}}', True),
    ],
)
async def test_irregular_json_is_read(start: Start, body: bytes, fragile: bool) -> None:
    """Trailing bytes, Latin-1, numbers as text, and any action are accepted (field notes 4.1 and 5)."""
    bench = await start("r29")
    bench.sim.garbage("call/status", body)
    device = bench.device()
    assert await device.call.status() == "READY"
    assert device.client.fragile is fragile


async def test_utf_8_text_before_invalid_bytes_is_decoded(start: Start) -> None:
    bench = await start("r29")
    bench.sim.garbage("call/status", '{"retcode":0,"data":{"Status":"Tür"}}'.encode() + b"\xff")
    assert await bench.device().call.status() == "Tür"
    bench.sim.garbage("call/status", '{"retcode":0,"data":{"Status":"Tür"}}'.encode("latin-1") + b"\xff")
    assert await bench.device().call.status() == "Tür"


# ---- Care ----


async def test_requests_to_a_fragile_device_are_spaced(start: Start) -> None:
    """An E18 needs a pause and a connection for each request; its appended bytes identify it."""
    bench = await start("e18")
    device = bench.device()
    before = device.client.fragile
    await asyncio.gather(*(device.relay.status() for _ in range(4)))
    assert (before, device.client.fragile) == (False, True)
    answered = [request for request in bench.seen() if request.status == 200]
    assert len(answered) == 4
    assert not any(request.spoiled for request in answered)
    assert all(gap >= exchange.GAP for gap in gaps(answered))


async def test_names_of_a_fragile_device(start: Start) -> None:
    bench = await start("e18")
    values = await bench.device().config.get()
    assert "Eingang Süd" in values.values()


async def test_a_corrupt_read_is_repeated(start: Start) -> None:
    bench = await start("r29")
    device = bench.device()
    await device.relay.status()
    bench.sim.garbage("relay/status", "truncated", times=1)
    bench.seen()
    assert set(await device.relay.status()) == {"A", "B", "C"}
    assert device.client.fragile
    assert len(bench.seen()) == 2


async def test_a_spoiled_command_is_not_repeated(start: Start) -> None:
    bench = await start("r29")
    device = bench.device()
    bench.sim.garbage("relay/trig", "truncated")
    with pytest.raises(UnexpectedReply):
        await device.relay.trig(1, delay=5)
    assert len(bench.seen()) == 1


async def test_connections_are_kept_after_the_first_requests(start: Start) -> None:
    bench = await start("r29", auth=Auth.NONE)
    device = bench.device()
    for _ in range(exchange.CLOSED_AT_FIRST):
        await device.system.status()
    assert not _kept(bench)
    await device.system.status()
    await device.system.status()
    assert _kept(bench) == 1


async def test_a_reset_connection_repeats_reads_but_not_commands(start: Start) -> None:
    bench = await start("r29", auth=Auth.NONE)
    device = bench.device()
    for _ in range(exchange.CLOSED_AT_FIRST + 1):
        await device.system.status()
    for transport in _connections(bench):
        bench.sim.pipeline._used.add(transport)
    assert (await device.system.status()).uptime is not None
    assert device.client.fragile

    other = bench.device()
    for _ in range(exchange.CLOSED_AT_FIRST + 1):
        await other.system.status()
    for transport in _connections(bench):
        bench.sim.pipeline._used.add(transport)
    with pytest.raises(ConnectionFailed):
        await other.relay.trig(1, delay=5)
    assert not bench.sim.relay_status()["A"]
    await other.relay.trig(1, delay=5)
    assert bench.sim.relay_status()["A"]


def _connections(bench: Bench) -> list[asyncio.BaseTransport]:
    server = bench.sim._network._server
    assert server is not None
    return [connection.transport for connection in server.connections if connection.transport is not None]


def _kept(bench: Bench) -> int:
    connector = bench.session.connector
    assert connector is not None
    return sum(len(connections) for connections in connector._conns.values())


async def test_a_request_without_a_response_is_not_repeated(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device may have executed the request."""
    wait_for_answers(monkeypatch, 0.3)
    bench = await start(auth=Auth.NONE)
    bench.sim.delay(1.0)
    device = bench.device()
    for ask in (device.relay.status, lambda: device.relay.trig(1, delay=5)):
        with pytest.raises(NoAnswer):
            await ask()
    assert not device.client.fragile


async def test_requests_are_paced_below_the_throttle(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """An R29 answers more than ten requests a second with 401."""
    monkeypatch.setattr(f"{EXCHANGE}.PACE", 0.11)
    bench = await start("r29")
    bench.sim.pipeline.throttle = 10
    device = bench.device()
    await asyncio.gather(*(device.system.status() for _ in range(14)))
    assert {request.status for request in bench.seen()} == {200}


async def test_parallel_requests_are_not_rejected_by_an_e16c(start: Start) -> None:
    """An E16C answers more than two parallel requests with 503."""
    bench = await start("e16c")
    device = bench.device()
    await asyncio.gather(*(device.system.status() for _ in range(8)))
    assert 503 not in {request.status for request in bench.seen()}


async def test_commands_are_sent_during_a_file_transfer(start: Start) -> None:
    """A door can be opened during the transfer, and another file waits."""
    bench = await start("e16c")
    bench.sim.set_log_size(4 * 2**20)
    device = bench.device()
    async with device.log.export() as stream:
        assert await stream.begin(1)
        await device.relay.trig(1, delay=5)
        waiting = asyncio.ensure_future(_size(device))
        await device.system.status()
        assert not waiting.done()
    assert await waiting == 4 * 2**20


async def _size(device: AkuvoxDevice) -> int:
    async with device.log.export() as stream:
        return sum([len(chunk) async for chunk in stream.chunks()])


async def test_a_fragile_device_does_one_thing_at_a_time(start: Start) -> None:
    bench = await start("e18")
    bench.sim.set_log_size(2**20)
    device = bench.device()
    await device.system.status()
    async with device.log.export() as stream:
        opening = asyncio.ensure_future(device.relay.trig(1, delay=5))
        assert sum([len(chunk) async for chunk in stream.chunks()]) == 2**20
        assert not opening.done()
    await opening
    assert not any(request.spoiled for request in bench.seen())


async def test_a_request_after_an_outage_succeeds(bench: Bench) -> None:
    device = bench.device()
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await device.system.status()
    await bench.sim.restore_connection()
    await device.system.status()


# ---- Old TLS ----


async def test_old_tls_needs_the_legacy_option(start: Start) -> None:
    bench = await start("e18")
    host, _, port = bench.sim.https_address.partition(":")
    base = URL(f"https://{bench.sim.https_address}")
    fingerprint = await certificate_fingerprint(host, int(port), legacy=True)
    with pytest.raises(ConnectionFailed):
        await AkuvoxDevice(AkuvoxClient(HttpTransport(bench.session, base), USERNAME, PASSWORD)).system.info()
    for pinned in (None, fingerprint):
        transport = HttpTransport(bench.session, base, fingerprint=pinned, legacy=True)
        info = await AkuvoxDevice(AkuvoxClient(transport, USERNAME, PASSWORD)).system.info()
        assert info.model == "E18"


async def test_old_tls_with_another_certificate_is_an_error(start: Start) -> None:
    """The request is not even sent."""
    bench = await start("e18")
    transport = HttpTransport(
        bench.session, URL(f"https://{bench.sim.https_address}"), fingerprint=b"\0" * 32, legacy=True
    )
    with pytest.raises(CertificateChanged):
        await AkuvoxDevice(AkuvoxClient(transport, USERNAME, PASSWORD)).system.info()
    assert bench.seen() == []
