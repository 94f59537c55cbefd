"""Authentication: None, Basic or Digest for each service group (HTTP API 3, field notes 3.1 and 3.2)."""

import asyncio
from itertools import product

import pytest

from custom_components.ip_intercom.systems.common.errors import AuthenticationFailed, IntercomError, PermissionDenied
from custom_components.ip_intercom.systems.two_n.client import TwoNDevice
from custom_components.ip_intercom.systems.two_n.client.client import CONCURRENT_REQUESTS
from tests.common import until
from tests.simulators.two_n import Account, Privilege, Service

from .conftest import Bench, Start

SCHEMES = ("none", "basic", "digest")


@pytest.mark.parametrize(("system", "switch", "io"), product(SCHEMES, repeat=3))
async def test_each_service_has_its_own_scheme(bench: Bench, system: str, switch: str, io: str) -> None:
    bench.set_auth(system=system, switch=switch, io=io)
    device = bench.device()
    for _ in range(2):
        assert (await device.system.status()).uptime
        assert await device.switch.status()
        assert await device.io.status()
    warm = bench.seen()[-3:]
    assert [request.status for request in warm] == [200, 200, 200]
    # The password of a service without authentication is not sent over the wire for nothing.
    used = {"basic": "Basic", "digest": "Digest"}
    for request, scheme in zip(warm, (system, switch, io), strict=True):
        assert request.authorization == used.get(scheme) or scheme == "none"


async def test_a_warm_request_is_one_request(bench: Bench) -> None:
    bench.set_auth(switch="basic", io="none")
    device = bench.device()

    async def ask() -> list[str]:
        for request in (device.switch.status, device.io.status, device.phone.status, device.system.status):
            await request()
        return [f"{request.path.removeprefix('/api/')} {request.status}" for request in bench.seen()]

    await ask()
    warm = ["switch/status 200", "io/status 200", "phone/status 200", "system/status 200"]
    for _ in range(3):
        assert await ask() == warm


async def test_digest_sent_to_a_basic_service_is_answered_without_a_challenge(bench: Bench) -> None:
    """Field notes 3.1: the wrong scheme is HTTP 200 with error 8."""
    bench.set_auth(switch="basic")
    device = bench.device()
    await device.io.status()
    bench.seen()
    assert await device.switch.status()
    assert [(r.status, r.authorization, r.error_code) for r in bench.seen()] == [
        (200, "Digest", 8),
        (200, "Basic", None),
    ]


@pytest.mark.parametrize(("before", "after"), [("digest", "basic"), ("basic", "digest"), ("none", "digest")])
async def test_a_changed_authentication_scheme_is_followed(bench: Bench, before: str, after: str) -> None:
    bench.set_auth(switch=before)
    device = bench.device()
    await device.io.status()
    await device.switch.status()
    bench.set_auth(switch=after)
    bench.seen()
    assert await device.switch.status()
    assert len(bench.seen()) <= 3
    await device.switch.status()
    assert [request.status for request in bench.seen()] == [200]


async def test_a_device_with_only_basic_gets_no_wrong_login(bench: Bench) -> None:
    for service in Service:
        bench.sim.set_auth(service, "basic")
    device = bench.device()
    await asyncio.gather(device.switch.status(), device.io.status(), device.phone.status(), device.log.caps())
    assert bench.refused() == 0


async def test_no_account_is_needed_without_authentication(any_bench: Bench) -> None:
    for service in Service:
        any_bench.sim.set_auth(service, "none")
    device = any_bench.device("", "")
    assert await device.log.caps()
    assert await device.io.status()
    assert all(request.authorization is None for request in any_bench.seen())


@pytest.mark.parametrize("scheme", ["basic", "digest"])
async def test_a_missing_account_is_an_authentication_error(bench: Bench, scheme: str) -> None:
    bench.set_auth(io=scheme)
    with pytest.raises(AuthenticationFailed):
        await bench.device("", "").io.status()
    assert len(bench.seen()) == 1


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("password", ["ha-pass", "Žluťoučký kůň: \"'\\ €", "密碼", ""])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
async def test_passwords_may_contain_any_characters(start: Start, algorithm: str, password: str, scheme: str) -> None:
    bench = await start(accounts=[Account("jiří", password)], algorithm=algorithm)
    bench.set_auth(switch=scheme)
    assert await bench.device("jiří", password).switch.status()
    assert bench.refused() == 0


def test_a_colon_in_the_user_name_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(AuthenticationFailed, match="colon"):
        bench.client("a:b")


@pytest.mark.parametrize("scheme", ["basic", "digest"])
async def test_a_wrong_password_is_an_error(bench: Bench, scheme: str) -> None:
    bench.set_auth(switch=scheme, io=scheme)
    device = bench.device(password="guess")
    for _ in range(2):
        with pytest.raises(AuthenticationFailed) as refused:
            await device.switch.status()
        assert "guess" not in str(refused.value)
        assert bench.refused() <= 2


async def test_a_wrong_password_is_not_tried_by_each_request_of_a_burst(bench: Bench) -> None:
    """A device locks out an address after a few wrong logins."""
    device = bench.device(password="guess")
    answers = await asyncio.gather(
        *(request() for request in (device.switch.status, device.io.status, device.phone.status, device.log.caps)),
        return_exceptions=True,
    )
    assert all(isinstance(answer, AuthenticationFailed) for answer in answers)
    assert bench.refused() <= 2


async def test_a_changed_password_is_an_authentication_error(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.change_password("ha", "new")
    bench.seen()
    with pytest.raises(AuthenticationFailed):
        await device.switch.status()
    assert bench.refused() <= 3
    bench.sim.change_password("ha", "ha-pass")
    assert await device.switch.status()


async def test_a_poll_after_the_password_changed_does_not_lock_us_out(bench: Bench) -> None:
    device = bench.device()
    requests = (device.switch.status, device.io.status, device.phone.status, device.call.status)
    for request in requests:
        await request()
    bench.sim.change_password("ha", "new")
    bench.seen()
    answers = await asyncio.gather(*(request() for request in requests), return_exceptions=True)
    assert all(isinstance(answer, AuthenticationFailed) for answer in answers)
    # One is tried again, and another function.
    assert bench.refused() <= len(requests) + 2
    with pytest.raises(AuthenticationFailed):
        await device.switch.status()
    assert bench.refused() == 1


async def test_parallel_requests_wait_for_the_first_challenge(bench: Bench) -> None:
    device = bench.device()
    requests = (device.switch.status, device.io.status, device.phone.status, device.log.caps, device.camera.caps)
    await asyncio.gather(*(request() for request in requests))
    seen = bench.seen()
    assert [request.status for request in seen].count(401) == 1
    assert len(seen) == len(requests) + 1


async def test_parallel_requests_wait_for_the_first_digest_challenge(bench: Bench) -> None:
    bench.set_auth(logging="basic")
    device = bench.device()
    await device.log.caps()
    bench.seen()
    requests = (device.switch.status, device.io.status, device.phone.status, device.camera.caps)
    await asyncio.gather(*(request() for request in requests))
    assert [request.status for request in bench.seen()].count(401) == 1


async def test_a_stale_nonce_is_renewed_once(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.expire_nonces()
    bench.seen()
    assert await device.switch.status()
    assert [request.status for request in bench.seen()] == [401, 200]
    await device.switch.status()
    assert [request.status for request in bench.seen()] == [200]


async def test_nonces_expire_under_parallel_requests(start: Start) -> None:
    # Longer than a request takes on a busy machine.
    bench = await start(nonce_lifetime=1.5)
    device = bench.device()
    async with asyncio.timeout(40):
        while bench.refused() <= 2:
            await asyncio.gather(
                *(device.switch.status() for _ in range(5)),
                device.io.status(),
                device.log.caps(),
            )
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("uses", "kept"), [(1, 256), (2, 256), (3, 256), (8, 1), (2, 1), (None, 1)])
async def test_parallel_requests_succeed_with_few_nonces_of_few_uses(bench: Bench, uses: int | None, kept: int) -> None:
    bench.sim.nonce_uses, bench.sim.nonces_kept = uses, kept
    device = bench.device()
    for _ in range(5):
        requests = (device.switch.status, device.io.status, device.phone.status, device.call.status, device.log.caps)
        await asyncio.gather(*(request() for request in requests * 3))


async def test_a_long_poll_does_not_delay_the_renewal_of_a_nonce(bench: Bench) -> None:
    device = bench.device()
    channel = await device.log.subscribe(["KeyPressed"], "new", 90)
    bench.sim.expire_nonces()
    pull = asyncio.ensure_future(device.log.pull(channel, 30))
    await bench.sim.wait_for_pull()
    bench.sim.expire_nonces()
    async with asyncio.timeout(2):
        await device.switch.status()
    bench.sim.press("%1", call=False)
    assert [event.params["key"] for event in await pull] == ["%1"]


async def test_a_stray_401_is_no_wrong_password(bench: Bench) -> None:
    """Field notes 3.2: a valid login is rejected with a new nonce and an empty body."""
    device = bench.device()
    await device.switch.status()
    bench.sim.stray_401()
    assert await device.switch.status()
    bench.sim.stray_401(2)
    assert await device.switch.status()


async def test_a_command_is_carried_out_once_behind_a_stale_nonce(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.expire_nonces()
    assert await device.call.dial("100")
    assert len(bench.sim.calls) == 1


async def test_a_missing_privilege_is_named(start: Start) -> None:
    bench = await start(accounts=[Account("ha", "ha-pass", Privilege.ALL & ~Privilege.PHONE_CONTROL)])
    with pytest.raises(PermissionDenied) as refused:
        await bench.device().call.dial("100")
    assert refused.value.privilege == "Phone/Calls – Control"
    assert not bench.sim.calls


async def test_the_number_of_parallel_requests_is_limited(bench: Bench) -> None:
    device = bench.device()
    await device.switch.status()
    bench.sim.delay(1.0)
    asked = [asyncio.ensure_future(device.switch.status()) for _ in range(CONCURRENT_REQUESTS + 2)]
    await until(lambda: len(bench.sim._handling) >= CONCURRENT_REQUESTS, "requests at work")
    await asyncio.sleep(0.1)
    assert len(bench.sim._handling) == CONCURRENT_REQUESTS
    bench.sim.delay(0)
    # A long poll needs no slot, else it would keep the others waiting for a minute.
    channel = asyncio.ensure_future(device.log.subscribe(["KeyPressed"], "new", 90))
    await asyncio.gather(*asked, channel)


@pytest.mark.parametrize("secret", ["s3cr3t-pass"])
async def test_errors_do_not_contain_the_password(bench: Bench, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for path in ("switch/status", "io/status", "log/caps"):
        bench.sim.garbage(path, "html")
    bench.sim.disable("camera")
    device: TwoNDevice = bench.device("ha", secret)
    reported = []
    for request in (device.switch.status, device.io.status, device.log.caps, device.camera.caps, device.phone.status):
        with pytest.raises(IntercomError) as failed:
            await request()
        err: BaseException | None = failed.value
        while err is not None:
            reported.append(f"{err!r} {err}")
            err = err.__cause__ or err.__context__
    assert reported
    assert secret not in "".join(reported) + caplog.text
