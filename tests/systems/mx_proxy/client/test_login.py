"""Logins, tokens and their end, and values that must stay secret."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
import logging
import traceback

from aiohttp import web
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    AppRefused,
    AuthenticationFailed,
    ConnectionFailed,
    ExchangeInsecure,
    ExchangeRefused,
    ExchangeUnreachable,
    IntercomError,
    InvalidRequest,
    NotProvisioned,
    NotSupported,
    PersonRefused,
    SecureConnectionRequired,
    TokenNotTaken,
    UnexpectedReply,
)
from custom_components.ip_intercom.systems.mx_proxy.client import Conference, MxProxy, client
from tests.common import until
from tests.simulators.mx_proxy import LOGIN, Outage, Simulator

from .conftest import CLIENT, SECRET, Bench, credentials

NOW = f"{client.__name__}.monotonic"


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Our clock; the server has another one."""
    watch = Watch()
    monkeypatch.setattr(NOW, watch)
    return watch


# ---- Getting a token ----


async def test_the_first_request_logs_in(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.info()
    await proxy.session.info()
    assert bench.functions() == ["login", "user_info", "user_info"]


async def test_each_explicit_login_is_sent(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    await proxy.session.login()
    assert bench.functions() == ["login", "login"]


async def test_requests_during_a_login_share_it(bench: Bench) -> None:
    proxy = bench.proxy()
    bench.sim.delay(0.2, "/auth")
    await asyncio.gather(proxy.session.login(), proxy.session.login(), proxy.calls.log(), proxy.directory.services())
    functions = bench.functions()
    assert functions.count("login") == 1
    assert set(functions) == {"login", "call_log", "services"}


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (credentials(password="wrong"), PersonRefused),
        (credentials(username="nobody"), PersonRefused),
        (credentials(client="other"), AppRefused),
        (credentials(client="a:b"), AppRefused),
        (credentials(secret="x"), AppRefused),
    ],
)
async def test_a_rejected_login_is_an_error(bench: Bench, account: client.Credentials, kind: type[Exception]) -> None:
    proxy = MxProxy(bench.proxy().transport, account)
    with pytest.raises(kind) as raised:
        await proxy.session.info()
    assert type(raised.value) is kind
    assert isinstance(raised.value, AuthenticationFailed)
    assert len(bench.seen()) == (0 if account.client_id == "a:b" else 1)


async def test_secrets_with_special_characters_are_sent(bench: Bench) -> None:
    """The secrets contain non-ASCII characters and delimiters of forms and headers."""
    secret, password = "s:é&=+ %", "pä&ss=1+2 3%"
    bench.sim.set_secret(CLIENT, secret)
    bench.sim.change_password(password)
    info = await bench.proxy(password=password, secret=secret).session.info()
    assert info.extension == "3107"


async def test_a_user_without_an_mx_cannot_log_in(bench: Bench, proxy: MxProxy) -> None:
    bench.sim.provision(False)
    with pytest.raises(NotProvisioned):
        await proxy.session.login()
    bench.sim.provision()
    bench.sim.accept_password(False)
    with pytest.raises(ExchangeRefused):
        await proxy.session.login()
    bench.sim.accept_password()
    await proxy.session.login()


@pytest.mark.parametrize(
    ("outage", "kind"),
    [
        (Outage.UNREACHABLE, ExchangeUnreachable),
        (Outage.TIMEOUT, ExchangeUnreachable),
        (Outage.PROVISIONING, ExchangeUnreachable),
        (Outage.NO_TLS, ExchangeInsecure),
    ],
)
async def test_an_unreachable_mx_is_an_error(
    bench: Bench, proxy: MxProxy, outage: Outage, kind: type[Exception]
) -> None:
    bench.sim.break_mx(outage)
    with pytest.raises(kind):
        await proxy.directory.contacts()
    bench.sim.mend_mx()
    assert await proxy.directory.contacts()


@pytest.mark.parametrize(
    ("status", "body", "content_type", "kind"),
    [
        (408, '{"error": "mx response timeout"}', "application/json", ExchangeUnreachable),
        (502, "html", None, ExchangeUnreachable),
        (404, '{"error": "not found"}', "application/json", NotSupported),
        (404, "html", None, NotSupported),
        (403, "html", None, UnexpectedReply),
        (500, '{"error": "EOF"}', "application/json", UnexpectedReply),
        (301, "html", None, UnexpectedReply),
        (200, "html", None, UnexpectedReply),
        (200, "{}", "application/json", UnexpectedReply),
        (200, '{"access_token": ""}', "application/json", UnexpectedReply),
        (200, '{"access_token": "a\\nb"}', "application/json", UnexpectedReply),
        (204, "", "text/plain", UnexpectedReply),
    ],
)
async def test_other_login_failures_have_their_own_errors(
    bench: Bench, proxy: MxProxy, status: int, body: str, content_type: str | None, kind: type[Exception]
) -> None:
    bench.sim.garbage("/auth", body, content_type, status=status)
    with pytest.raises(kind) as raised:
        await proxy.directory.contacts()
    assert type(raised.value) is kind


# ---- The end of a token ----


@pytest.mark.parametrize(("lifetime", "renewed_after"), [(3600, 3540), (100, 50), (121, 61), (10, 5)])
async def test_a_token_is_renewed_before_it_ends(
    bench: Bench, proxy: MxProxy, watch: Watch, lifetime: int, renewed_after: float
) -> None:
    """It is renewed a minute before its end, or after half of a short lifetime."""
    bench.sim.set_token_ttl(lifetime)
    await proxy.session.info()
    bench.seen()
    watch.now += renewed_after - 0.5
    await proxy.session.info()
    assert bench.functions() == ["user_info"]
    watch.now += 1
    await asyncio.gather(proxy.session.info(), proxy.calls.log(), proxy.session.info())
    requests = bench.seen()
    assert sorted(str(request.function) for request in requests) == ["call_log", "login", "user_info", "user_info"]
    assert {request.status for request in requests} == {200}


async def test_a_token_without_a_lifetime_is_kept(bench: Bench, proxy: MxProxy, watch: Watch) -> None:
    token = bench.sim.tokens.issue(LOGIN)
    bench.sim.garbage("/auth", f'{{"access_token": "{token}"}}', "application/json", times=1)
    bench.sim.mx.connect(bench.sim.users[LOGIN])
    await proxy.directory.contacts()
    watch.now += 1e9
    await proxy.directory.contacts()
    assert bench.functions() == [None, "contacts", "contacts"]


ENDS: dict[str, Callable[[Simulator], object]] = {
    "expired": Simulator.expire_tokens,
    "another key": Simulator.rotate_key,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_token_that_is_refused_is_renewed_once(
    bench: Bench, proxy: MxProxy, end: Callable[[Simulator], object]
) -> None:
    """This includes a command, which was not executed with the old token."""
    await proxy.session.login()
    for _ in range(2):
        end(bench.sim)
        bench.seen()
        await proxy.calls.make("3107", "3190")
        requests = bench.seen()
        assert [request.status for request in requests] == [401, 200, 200]
        assert requests[1].function == "login"
    assert len(bench.sim.extensions[LOGIN].calls.live) == 2


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_opening_a_voicemail_renews_a_rejected_token(
    bench: Bench, proxy: MxProxy, end: Callable[[Simulator], object]
) -> None:
    await proxy.session.login()
    end(bench.sim)
    bench.seen()
    async with proxy.voicemails.open("82") as recording:
        assert recording.size
    assert [request.status for request in bench.seen()] == [401, 200, 200]


async def listen(proxy: MxProxy) -> None:
    async with proxy.voicemails.open("82"):
        pass


@pytest.mark.parametrize("ask", [lambda proxy: proxy.directory.contacts(), listen])
async def test_a_lost_link_causes_a_login_only_after_a_timeout(
    bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch, ask: Callable[[MxProxy], Awaitable[object]]
) -> None:
    """The link reconnects by itself; a login would make a second link. Only a logout requires one."""
    watch = Watch()
    monkeypatch.setattr(client, "monotonic", watch)
    await proxy.session.login()
    bench.sim.drop_link()
    bench.seen()
    for watch.now in (1000.0, 1000.0 + client.LINK_TIMEOUT - 1):
        with pytest.raises(ExchangeUnreachable):
            await ask(proxy)
    assert {request.status for request in bench.seen()} == {401}
    bench.sim.mx.outage = Outage.UNREACHABLE
    for watch.now in (1000.0 + client.LINK_TIMEOUT, 1000.0 + client.LINK_LOGIN_PAUSE):
        with pytest.raises(ExchangeUnreachable):
            await ask(proxy)
    assert [request.status for request in bench.seen()] == [401, 503, 401], (
        "few logins are tried while the MX is unreachable"
    )
    bench.sim.mend_mx()
    watch.now = 1000.0 + client.LINK_TIMEOUT + client.LINK_LOGIN_PAUSE
    await ask(proxy)
    assert [request.status for request in bench.seen()] == [401, 200, 200]


@pytest.mark.parametrize("path", ["/auth", "/contacts", "/voicemails/82"])
async def test_a_web_page_with_401_gets_no_password(bench: Bench, proxy: MxProxy, path: str) -> None:
    """Captive portals and other proxies send such pages."""
    if path != "/auth":
        await proxy.session.login()
    bench.sim.garbage(path, "html", status=401)
    bench.seen()
    with pytest.raises(UnexpectedReply):
        await (listen(proxy) if path.startswith("/voicemails") else proxy.directory.contacts())
    assert [request.path for request in bench.seen()] == [path]


async def test_a_server_that_rejects_its_own_tokens_gets_no_more_logins(bench: Bench, proxy: MxProxy) -> None:
    refusal = '{"error": "invalid token: token is expired"}'
    for path in ("/contacts", "/voicemails/82"):
        bench.sim.garbage(path, refusal, "application/json", status=401)
    with pytest.raises(TokenNotTaken):
        await proxy.directory.contacts()
    assert [request.status for request in bench.seen()] == [200, 401, 200, 401]
    for _ in range(3):
        with pytest.raises(TokenNotTaken):
            async with proxy.voicemails.open("82"):
                pass
        with pytest.raises(TokenNotTaken):
            await proxy.directory.contacts()
    assert bench.functions().count("login") == 0, "another login could lock the account"


async def test_requests_recover_once_tokens_are_accepted_again(
    bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TOKEN_REJECTED_PAUSES", (0.0, 0.0))
    bench.sim.refuse_new_tokens()
    for _ in range(2):
        with pytest.raises(TokenNotTaken):
            await proxy.directory.contacts()
    with pytest.raises(TokenNotTaken):
        async with proxy.voicemails.open("82"):
            pass
    bench.sim.refuse_new_tokens(False)
    bench.seen()
    await proxy.directory.contacts()
    assert bench.functions().count("login") <= 1


async def test_logins_become_rarer_while_tokens_are_rejected(
    bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(client, "monotonic", lambda: now)
    bench.sim.refuse_new_tokens()
    logins = []
    for _ in range(120):
        with pytest.raises(TokenNotTaken):
            await proxy.directory.contacts()
        if "login" in bench.functions():
            logins.append(now - 1000.0)
        bench.seen()
        now += 10.0
    assert logins == [0.0, 20.0, 60.0, 140.0, 300.0, 600.0, 900.0]


async def test_parallel_rejections_of_a_token_cause_one_login(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    bench.sim.expire_tokens()
    bench.seen()
    await asyncio.gather(*(proxy.directory.services() for _ in range(5)), *(proxy.calls.log() for _ in range(5)))
    assert bench.functions().count("login") == 1


async def test_a_rejected_login_fails_all_waiting_requests(bench: Bench, proxy: MxProxy) -> None:
    """Repeated logins could lock the account."""
    await proxy.session.login()
    bench.sim.change_password("other")
    bench.sim.expire_tokens()
    bench.seen()
    asked = (*(proxy.directory.services() for _ in range(5)), *(proxy.calls.log() for _ in range(5)))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(result) for result in results] == [PersonRefused] * 10
    assert bench.functions().count("login") == 1
    bench.sim.change_password("pbx-pass")
    assert await proxy.directory.services()


async def test_a_canceled_login_is_repeated_by_the_next_request(bench: Bench, proxy: MxProxy) -> None:
    bench.sim.delay(30, "/auth")
    impatient = asyncio.ensure_future(proxy.directory.contacts())
    await until(lambda: bench.sim._handling)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    bench.sim.heal()
    assert await proxy.directory.contacts()


async def test_a_restart_of_the_server(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    await bench.sim.restart()
    assert await proxy.directory.contacts()


# ---- Logging out ----


@pytest.mark.parametrize("documented", [False, True])
async def test_logout_tries_both_paths(bench: Bench, proxy: MxProxy, documented: bool) -> None:
    """The path of the manual and that of real servers are tried."""
    bench.sim.document_logout(documented)
    await proxy.session.login()
    bench.seen()
    await proxy.session.logout()
    paths = [request.path for request in bench.seen()]
    assert paths == (["/auth/logout"] if documented else ["/auth/logout", "/auth"])
    assert bench.sim.state()["links"] == []
    await proxy.session.logout()
    assert bench.seen() == []
    await proxy.session.info()
    assert bench.functions() == ["login", "user_info"]


async def test_a_failed_logout_allows_a_new_login(bench: Bench, proxy: MxProxy) -> None:
    await proxy.session.login()
    bench.sim.lose_connection()
    with pytest.raises(ConnectionFailed):
        await proxy.session.logout()
    await bench.sim.restore_connection()
    await proxy.session.info()
    assert bench.functions()[-2:] == ["login", "user_info"]


# ---- Who is it ----


@pytest.mark.parametrize("body", ["{}", '{"mx": "1"}', '{"jid": "1"}', '{"mx": "", "jid": "1"}'])
async def test_an_identity_without_its_fields_is_an_error(bench: Bench, proxy: MxProxy, body: str) -> None:
    await proxy.session.login()
    bench.sim.garbage("/auth", body, "application/json")
    with pytest.raises(UnexpectedReply):
        await proxy.session.info()


async def test_numeric_ids_are_read_as_text(bench: Bench, proxy: MxProxy) -> None:
    """All digits are kept."""
    await proxy.session.login()
    bench.sim.garbage("/auth", '{"mx": 63107, "ext": 3107, "jid": 43884851900310701}', "application/json")
    info = await proxy.session.info()
    assert (info.mx, info.extension, info.jid) == ("63107", "3107", "43884851900310701")


async def test_a_redirect_to_https_is_an_error(bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def moved(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": f"https://{bench.sim.address}{request.rel_url}"})

    await proxy.session.login()
    monkeypatch.setattr(bench.sim, "_respond", moved)
    with pytest.raises(SecureConnectionRequired):
        await proxy.calls.make("3107", "3190")


# ---- Secrets ----


async def test_secrets_are_in_no_log_and_no_error(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The repr of objects hides passwords, tokens, and access codes, too."""
    caplog.set_level(logging.DEBUG)
    push_token, code = "PUSH-TOKEN-OF-20-CHARS-OR-MORE", 97531864
    proxy = bench.proxy()
    failures: list[BaseException] = []

    async def fails(asked: object) -> None:
        assert asyncio.iscoroutine(asked)
        with pytest.raises(IntercomError) as raised:
            await asked
        failures.append(raised.value)

    info = await proxy.session.info()
    token = await proxy.client.login.token(0)
    made = await proxy.conferences.create(Conference(name="x", access_id=code))
    await fails(proxy.conferences.join("9", code))
    await proxy.tokens.add("fcm", "com.example.ha", push_token)
    await fails(proxy.tokens.add("fcm", "other", push_token))
    path = f"/tokens/fcm/com.example.ha/{push_token}"
    bench.sim.garbage(path, "html", status=500)
    await fails(proxy.tokens.remove("fcm", "com.example.ha", push_token))
    bench.sim.garbage(path, b"x" * 10, "application/json", status=200)
    await fails(proxy.tokens.remove("fcm", "com.example.ha", push_token))
    bench.sim.change_password("other")
    bench.sim.expire_tokens()
    await fails(proxy.directory.contacts())
    bench.sim.set_secret(CLIENT, "other")
    await fails(proxy.directory.contacts())
    bench.sim.lose_connection()
    await fails(proxy.session.login())
    await fails(proxy.tokens.remove("fcm", "com.example.ha", push_token))
    with pytest.raises(InvalidRequest) as refused:
        await proxy.tokens.add("fcm", "..", push_token)
    failures.append(refused.value)
    told = [caplog.text, repr(proxy), repr(credentials()), repr(info), repr(made), repr(vars(proxy))]
    told += ["".join(traceback.format_exception(failure)) + repr(failure) for failure in failures]
    basic = b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    for secret in (
        SECRET,
        "pbx-pass",
        basic,
        token,
        token.split(".")[2],
        push_token,
        str(code),
        "Zk81vTnQ0pLr5xWd7MbY",
    ):
        assert [text for text in told if secret in text] == []
    assert "PUT /tokens/{type}/{topic}/{token}: 204" in caplog.text


async def test_parallel_rejections_of_a_token_count_once(
    bench: Bench, proxy: MxProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(client, "monotonic", lambda: now)
    bench.sim.refuse_new_tokens()
    asked = (proxy.directory.contacts(), proxy.voicemails.list(), proxy.conferences.list())
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {TokenNotTaken}
    bench.seen()
    now += 20.0
    with pytest.raises(TokenNotTaken):
        await proxy.directory.contacts()
    assert "login" in bench.functions()
