"""Registration and Digest logins (RFC 3261, 10 and 22; RFC 8760)."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise
import logging

import pytest
import pytest_socket

from custom_components.ip_intercom.talk.errors import CallRefused, RegistrationFailed
from custom_components.ip_intercom.talk.sip_agent import SipAccount, SipAgent, SipPeer

from .conftest import Pair
from .peer import HOST, Heard, Telephone, UdpLine, description, digest

SECRET = "s3cret-word"
NONCE = "n0nce-value"
ACCOUNT = SipAccount("flat7", SECRET, "example.org")
MD5 = f'WWW-Authenticate: Digest realm="door", nonce="{NONCE}", qop="auth", algorithm=MD5'
SHA = f'WWW-Authenticate: Digest realm="door", nonce="{NONCE}", qop="auth", algorithm=SHA-256'
OLD = f'WWW-Authenticate: Digest realm="door", nonce="{NONCE}"'


@pytest.fixture
async def server(line: UdpLine) -> AsyncGenerator[Pair]:
    """An agent with an account."""
    changes: list[bool] = []
    agent = SipAgent(SipPeer(HOST, line.port), account=ACCOUNT, on_registration=changes.append)
    await agent.start()
    door = Telephone(line)
    door.agent = agent.local
    pair = Pair(agent, door)
    pair.changes = changes
    yield pair
    await agent.stop()


def _checked(request: Heard, method: str, algorithm: str = "md5", name: str = "authorization") -> dict[str, str]:
    right, values = digest("flat7", "door", SECRET, method, request[name], algorithm)
    assert right
    assert values["uri"] == request.uri
    return values


async def _registered(server: Pair, *headers: str) -> Heard:
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register())
        register = await server.door.expect("REGISTER")
        server.door.reply(register, "200 OK", *(headers or ("Expires: 180",)))
    return register


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(("domain", "written"), [("::1", "[::1]"), ("[::1]", "[::1]"), ("fe80::2%eth0", "[fe80::2]")])
async def test_an_ipv6_address_is_in_brackets(domain: str, written: str) -> None:
    pytest_socket.socket_allow_hosts([HOST, "::1"])
    line = await UdpLine().open("::1")
    agent = SipAgent(SipPeer("::1", line.port), account=SipAccount("flat7", SECRET, domain))
    await agent.start()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(agent.register())
            door = Telephone(line)
            register = await door.expect("REGISTER")
            door.reply(register, "200 OK", "Expires: 180")
        assert (register.uri, register["to"]) == (f"sip:{written}", f"<sip:flat7@{written}>")
        assert f"<sip:flat7@{written}>" in register["from"]
        port = agent.local[1]
        assert register["contact"].startswith(f"<sip:flat7@[::1]:{port}>")
        assert register["via"].startswith(f"SIP/2.0/UDP [::1]:{port};")
    finally:
        await agent.stop()
        line.close()


async def test_an_account_is_registered_and_refreshed(server: Pair) -> None:
    register = await _registered(server)
    assert register.uri == "sip:example.org"
    assert register["to"] == "<sip:flat7@example.org>"
    assert register["from"].startswith('"Home Assistant" <sip:flat7@example.org>;tag=')
    host, port = server.agent.local
    assert register["contact"] == f"<sip:flat7@{host}:{port}>;expires=180"
    assert server.agent.uri == f"sip:flat7@{host}:{port}"
    was_registered = server.agent.registered
    begun = asyncio.get_running_loop().time()
    again = await server.door.expect("REGISTER")
    assert asyncio.get_running_loop().time() - begun == pytest.approx(150, abs=1)
    assert (again["call-id"], again.number) == (register["call-id"], register.number + 1)
    server.door.reply(again, "200 OK", "Expires: 180")
    # Port translations are kept open.
    assert server.door.line.pings == 5
    await asyncio.sleep(1)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.stop())
        end = await server.door.expect("REGISTER")
        assert (end["expires"], end["contact"]) == ("0", f"<sip:flat7@{host}:{port}>")
        server.door.reply(end, "200 OK")
    assert (was_registered, server.agent.registered) == (True, False)
    assert server.changes == [True, False]


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("Contact: <sip:other@192.0.2.1>;expires=9, {contact};expires=100", 70),
        ("Contact: {contact};expires=40", 20),
        ("Contact: <nonsense", 150),
        ("Contact: *", 150),
        ("Expires: 60", 30),
    ],
)
async def test_the_server_sets_the_expiry_of_a_registration(server: Pair, header: str, delay: int) -> None:
    host, port = server.agent.local
    await _registered(server, header.format(contact=f"<sip:flat7@{host}:{port}>"))
    begun = asyncio.get_running_loop().time()
    await server.door.expect("REGISTER")
    assert asyncio.get_running_loop().time() - begun == pytest.approx(delay, abs=1)


async def test_a_423_response_repeats_the_registration_with_its_interval(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register(60))
        server.door.reply(await server.door.expect("REGISTER"), "423 Interval Too Brief", "Min-Expires: 600")
        again = await server.door.expect("REGISTER")
        assert again["expires"] == "600"
        server.door.reply(again, "200 OK", "Expires: 600")
    assert server.agent.registered


async def test_a_second_423_response_fails_the_registration(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        registering = group.create_task(_fails(server))
        for seconds in (600, 1200):
            register = await server.door.expect("REGISTER")
            server.door.reply(register, "423 Interval Too Brief", f"Min-Expires: {seconds}")
        assert (await registering).status == 423


async def _fails(server: Pair) -> RegistrationFailed:
    with pytest.raises(RegistrationFailed) as caught:
        await server.agent.register()
    assert not server.agent.registered
    return caught.value


@pytest.mark.parametrize(
    ("challenges", "algorithm"), [((MD5,), "md5"), ((SHA,), "sha256"), ((MD5, SHA), "sha256"), ((OLD,), "md5")]
)
async def test_a_login_is_answered(server: Pair, challenges: tuple[str, ...], algorithm: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register())
        first = await server.door.expect("REGISTER")
        assert first.get("authorization") is None
        server.door.reply(first, "401 Unauthorized", *challenges)
        second = await server.door.expect("REGISTER")
        _checked(second, "REGISTER", algorithm)
        assert second.number == first.number + 1
        assert second.branch != first.branch
        server.door.reply(second, "200 OK")


async def test_the_login_uses_the_separate_user_name(line: UdpLine) -> None:
    agent = SipAgent(SipPeer(HOST, line.port), account=SipAccount("7", SECRET, "example.org", "login7"))
    await agent.start()
    door = Telephone(line)
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.register())
        door.reply(await door.expect("REGISTER"), "401 Unauthorized", MD5)
        register = await door.expect("REGISTER")
        assert digest("login7", "door", SECRET, "REGISTER", register["authorization"])[0]
        assert register["to"] == "<sip:7@example.org>"
        door.reply(register, "200 OK")
    await agent.stop()


async def test_a_refresh_uses_the_nonce_again(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register())
        server.door.reply(await server.door.expect("REGISTER"), "401 Unauthorized", MD5)
        first = _checked(await server.door.expect("REGISTER"), "REGISTER")
        server.door.reply(server.door.line.heard[-1], "200 OK")
    second = _checked(await server.door.expect("REGISTER"), "REGISTER")
    assert (first["nc"], second["nc"]) == ("00000001", "00000002")
    # The nonce has become stale meanwhile.
    stale = MD5.replace(NONCE, "another").replace("Digest", "Digest stale=true,")
    server.door.reply(server.door.line.heard[-1], "401 Unauthorized", stale)
    third = _checked(await server.door.expect("REGISTER"), "REGISTER")
    assert (third["nonce"], third["nc"]) == ("another", "00000001")
    server.door.reply(server.door.line.heard[-1], "200 OK")


async def test_a_stale_nonce_is_replaced_a_few_times(server: Pair) -> None:
    stale = MD5.replace("Digest", "Digest stale=TRUE,")
    async with asyncio.TaskGroup() as group:
        registering = group.create_task(_fails(server))
        for _ in range(4):
            server.door.reply(await server.door.expect("REGISTER"), "401 Unauthorized", stale)
        await registering
    assert server.door.line.queue.empty()


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_wrong_password_ends_after_one_attempt(server: Pair, status: str) -> None:
    async with asyncio.TaskGroup() as group:
        registering = group.create_task(_fails(server))
        server.door.reply(await server.door.expect("REGISTER"), "401 Unauthorized", MD5)
        register = await server.door.expect("REGISTER")
        server.door.reply(register, status, *([MD5.replace(NONCE, "next")] if "401" in status else []))
        assert (await registering).status == int(status[:3])
    await server.door.silence()


@pytest.mark.parametrize(
    "challenge",
    [
        "X: none",
        'WWW-Authenticate: Basic realm="door"',
        'WWW-Authenticate: Digest realm="door", nonce="1", algorithm=SHA-512',
        'WWW-Authenticate: Digest realm="door',
    ],
)
async def test_an_unknown_challenge_fails_the_registration(server: Pair, challenge: str) -> None:
    async with asyncio.TaskGroup() as group:
        registering = group.create_task(_fails(server))
        server.door.reply(await server.door.expect("REGISTER"), "401 Unauthorized", challenge)
        assert (await registering).status == 401


async def test_a_login_without_a_response_has_no_status(server: Pair) -> None:
    assert (await _fails(server)).status is None


async def test_registering_needs_an_account_and_a_start(pair: Pair) -> None:
    with pytest.raises(RegistrationFailed, match="no account"):
        await pair.agent.register()
    with pytest.raises(RegistrationFailed, match="not started"):
        await SipAgent(SipPeer(HOST), account=ACCOUNT).register()


async def test_registering_again_replaces_the_registration(server: Pair) -> None:
    first = await _registered(server)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register(300))
        end = await server.door.expect("REGISTER")
        assert (end["call-id"], end["expires"]) == (first["call-id"], "0")
        server.door.reply(end, "200 OK")
        register = await server.door.expect("REGISTER")
        assert register["expires"] == "300"
        server.door.reply(register, "200 OK", "Expires: 300")


async def test_a_failed_refresh_is_retried_with_a_growing_delay(server: Pair) -> None:
    await _registered(server)
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(4):
        register = await server.door.expect("REGISTER")
        times.append(loop.time())
        server.door.reply(register, "503 Down")
    assert server.changes == [True, False]
    assert [round(after - before) for before, after in pairwise(times)] == [10, 20, 40]
    server.door.reply(await server.door.expect("REGISTER"), "200 OK", "Expires: 180")
    await asyncio.sleep(0.1)
    assert server.changes == [True, False, True]


async def test_the_address_behind_a_port_translation_is_registered(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(server.agent.register())
        first = await server.door.expect("REGISTER")
        via = first["via"].replace(";rport", ";rport=5099;received=192.0.2.77")
        first.fields["via"][:] = [via]
        server.door.reply(first, "200 OK", "Expires: 180")
        second = await server.door.expect("REGISTER")
        assert second.fields["contact"] == [
            first["contact"].replace(";expires=180", ";expires=0"),
            "<sip:flat7@192.0.2.77:5099>;expires=180",
        ]
        second.fields["via"][:] = [second["via"].replace(";rport", ";rport=5099;received=192.0.2.77")]
        server.door.reply(second, "200 OK", "Contact: <sip:flat7@192.0.2.77:5099>;expires=90")
    assert server.agent.uri == "sip:flat7@192.0.2.77:5099"
    assert len(server.door.line.heard) == 2


# ---- Calls ----


@pytest.mark.parametrize("status", [401, 407])
async def test_a_call_is_challenged(server: Pair, status: int) -> None:
    name = "authorization" if status == 401 else "proxy-authorization"
    challenge = SHA if status == 401 else SHA.replace("WWW", "Proxy")
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(server.agent.call("100"))
        first = await server.door.expect("INVITE")
        assert first.uri == "sip:100@example.org"
        server.door.reply(first, f"{status} Login", challenge)
        await server.door.expect("ACK")
        second = await server.door.expect("INVITE")
        _checked(second, "INVITE", "sha256", name)
        assert (second["call-id"], second.number) == (first["call-id"], first.number + 1)
        assert second["from"] == first["from"]
        server.door.reply(second, "200 OK", body=description(4000))
        # The ACK has the login of its INVITE (RFC 3261, 22.1).
        assert (await server.door.expect("ACK"))[name] == second[name]
        call = await calling
        ending = group.create_task(call.hang_up())
        bye = await server.door.expect("BYE")
        assert _checked(bye, "BYE", "sha256", name)["nc"] == "00000002"
        # The proxy wants another nonce for each request.
        server.door.reply(bye, f"{status} Login", challenge.replace(NONCE, "next"))
        again = await server.door.expect("BYE")
        assert _checked(again, "BYE", "sha256", name)["nonce"] == "next"
        server.door.reply(again, "200 OK")
        await ending


async def test_a_login_with_integrity_hashes_the_body(server: Pair) -> None:
    """The server offers nothing else (RFC 7616, 3.4.3)."""
    challenge = MD5.replace('"auth"', '"auth-int"')

    def check(request: Heard) -> None:
        right, values = digest("flat7", "door", SECRET, request.what, request["authorization"], body=request.body)
        assert (right, values["qop"]) == (True, "auth-int")

    async with asyncio.TaskGroup() as group:
        calling = group.create_task(server.agent.call("100"))
        server.door.reply(await server.door.expect("INVITE"), "401 Login", challenge)
        await server.door.expect("ACK")
        invite = await server.door.expect("INVITE")
        assert invite.body
        check(invite)
        server.door.reply(invite, "200 OK", body=description(4000, "0"))
        await server.door.expect("ACK")
        call = await calling
        dialing = group.create_task(call.send_dtmf("5"))
        info = await server.door.expect("INFO")
        assert info.body
        check(info)
        server.door.reply(info, "200 OK")
        await dialing
        ending = group.create_task(call.hang_up())
        bye = await server.door.expect("BYE")
        check(bye)
        server.door.reply(bye, "200 OK")
        await ending


async def test_proxy_and_server_may_both_ask(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(server.agent.call("100"))
        server.door.reply(await server.door.expect("INVITE"), "407 Proxy", MD5.replace("WWW", "Proxy"))
        await server.door.expect("ACK")
        server.door.reply(await server.door.expect("INVITE"), "401 Login", MD5)
        await server.door.expect("ACK")
        third = await server.door.expect("INVITE")
        _checked(third, "INVITE")
        _checked(third, "INVITE", name="proxy-authorization")
        server.door.reply(third, "200 OK", body=description(4000))
        await server.door.expect("ACK")
        await calling


async def test_a_call_with_a_wrong_password_is_refused(server: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_refused(server))
        for _ in range(2):
            server.door.reply(await server.door.expect("INVITE"), "401 Login", MD5)
            await server.door.expect("ACK")
        assert await calling == 401
    await server.door.silence()


async def _refused(pair: Pair) -> int:
    with pytest.raises(CallRefused) as caught:
        await pair.agent.call("100")
    return caught.value.status


async def test_a_challenge_without_an_account_refuses_the_call(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(_refused(pair))
        pair.door.reply(await pair.door.expect("INVITE"), "401 Login", MD5)
        await pair.door.expect("ACK")
        assert await calling == 401


# ---- Secrets ----


async def test_the_agent_shows_no_secrets(server: Pair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with asyncio.TaskGroup() as group:
        registering = group.create_task(_fails(server))
        for _ in range(2):
            server.door.reply(await server.door.expect("REGISTER"), "401 Unauthorized", MD5)
        error = await registering
    answer = digest("flat7", "door", SECRET, "REGISTER", server.door.line.heard[-1]["authorization"])[1]
    await _registered(server)
    told = "\n".join(
        [*(record.getMessage() for record in caplog.records if "ip_intercom" in record.name), str(error), repr(error)]
    )
    told += repr(ACCOUNT) + repr(server.agent) + repr(server.agent._core) + repr(server.agent._registration)
    assert "rejected" in told
    for secret in (SECRET, NONCE, answer["response"], answer["cnonce"]):
        assert secret not in told
