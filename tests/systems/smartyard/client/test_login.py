"""Logins by code and by call, rejected logins, and the token after a login."""

import aiohttp
import pytest

from custom_components.ip_intercom.systems.common.errors import (
    AuthenticationFailed,
    CommandFailed,
    IntercomError,
    InvalidRequest,
    NoCodePending,
    NotFound,
    NotPaid,
    NotSupported,
    ServerBroken,
    Throttled,
    TooSoon,
    UnexpectedReply,
    WrongCode,
)
from custom_components.ip_intercom.systems.smartyard.client import (
    CodeRequest,
    Method,
    Name,
    SmartYard,
    new_device_token,
)
from tests.simulators.smartyard import PHONE, Dialect, Simulator

from .conftest import Server, log_in, stranger

DEVICE = "ha-of-the-tests"
ANNA = Name("Анна", "Петровна", "Ключева")


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("typed", [PHONE, "+7 (916) 123-45-01", "8 916 1234501"])
async def test_a_login_with_a_code_returns_a_token(
    session: aiohttp.ClientSession, dialect: Dialect, typed: str
) -> None:
    async with Simulator(dialect) as sim:
        yard = stranger(sim, session)
        with pytest.raises(AuthenticationFailed):
            await yard.user.ping()
        assert await yard.login.request_code(typed) == CodeRequest("sms")
        login = await yard.login.confirm_code(typed, f" {sim.code_of()} ", DEVICE)
        assert login.name == ANNA
        await yard.user.ping()
        # The token is all that another session needs.
        await stranger(sim, session, login.token).user.ping()


@pytest.mark.parametrize("method", [Method.SMS, Method.SMS_CODE, Method.FLASH_CALL])
async def test_ways_to_send_a_code(session: aiohttp.ClientSession, method: Method) -> None:
    async with Simulator() as sim:
        yard = stranger(sim, session)
        request = await yard.login.request_code(PHONE, method)
        assert (request.method, request.calls) == (method, False)
        assert await yard.login.confirm_code(PHONE, sim.code_of(), DEVICE)


async def test_a_login_with_a_call_returns_a_token(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        sim.set_login_method("outgoingCall")
        yard = stranger(sim, session)
        request = await yard.login.request_code(PHONE)
        assert request.calls
        assert len(request.numbers) == 2
        assert await yard.login.check_phone(PHONE, DEVICE) is None
        assert yard.client.token == ""
        sim.call_in()
        login = await yard.login.check_phone(PHONE, DEVICE)
        assert login is not None
        assert login.name == ANNA
        await yard.user.ping()


@pytest.mark.parametrize("dialect", Dialect)
async def test_the_sixth_wrong_code_ends_the_login(session: aiohttp.ClientSession, dialect: Dialect) -> None:
    """After the sixth wrong code, no code is valid."""
    async with Simulator(dialect) as sim:
        yard = stranger(sim, session)
        await yard.login.request_code(PHONE)
        wrong = "0000" if sim.code_of() != "0000" else "1111"
        refusals = []
        for _ in range(6):
            with pytest.raises(WrongCode) as raised:
                await yard.login.confirm_code(PHONE, wrong, DEVICE)
            refusals.append(raised.value)
        assert [refusal.is_last for refusal in refusals] == [False] * 5 + [True]
        with pytest.raises(NoCodePending):
            await yard.login.confirm_code(PHONE, wrong, DEVICE)
        assert yard.client.token == ""


async def test_an_expired_code_is_an_error(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = stranger(sim, session)
        await yard.login.request_code(PHONE)
        code = sim.code_of()
        with pytest.raises(TooSoon):
            await yard.login.request_code(PHONE)
        sim.pass_time(61)
        with pytest.raises(NoCodePending):
            await yard.login.confirm_code(PHONE, code, DEVICE)
        await yard.login.request_code(PHONE)
        assert await yard.login.confirm_code(PHONE, sim.code_of(), DEVICE)


async def test_a_code_of_another_length_is_an_error(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = stranger(sim, session)
        await yard.login.request_code(PHONE)
        with pytest.raises(InvalidRequest):
            await yard.login.confirm_code(PHONE, "12", DEVICE)


@pytest.mark.parametrize("phone", ["", "abc", "+", "12", "７９１６１２３４５０１"])
async def test_an_invalid_phone_number_is_an_error(server: Server, yard: SmartYard, phone: str) -> None:
    """No request is sent."""
    for asked in (
        yard.login.request_code(phone),
        yard.login.confirm_code(phone, "1234", DEVICE),
        yard.login.check_phone(phone, DEVICE),
    ):
        with pytest.raises(InvalidRequest):
            await asked
    assert server.asked == []


@pytest.mark.parametrize(("typed", "sent"), [("8 (916) 123-45-01", PHONE), ("80123", "80123")])
async def test_a_leading_eight_becomes_a_seven(server: Server, yard: SmartYard, typed: str, sent: str) -> None:
    """One method needs the client to convert the number."""
    server.respond("/mobile/user/checkPhone", {"code": 401}, status=401)
    assert await yard.login.check_phone(typed, DEVICE) is None
    assert server.asked[0].values == {"userPhone": sent, "deviceToken": DEVICE, "platform": 0}


async def test_a_phone_number_that_the_server_rejects_is_an_error(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        with pytest.raises(InvalidRequest):
            await stranger(sim, session).login.request_code("4930123456")


async def test_a_device_limit_is_a_failed_command(server: Server, yard: SmartYard) -> None:
    """The code was valid, so another one does not help."""
    content = {"code": 403, "name": "Forbidden", "message": "Forbidden", "data": {"error": "Device limit exceeded"}}
    for path in ("confirmCode", "checkPhone"):
        server.respond(f"/mobile/user/{path}", content, status=403)
    for asked in (yard.login.confirm_code(PHONE, "1234", DEVICE), yard.login.check_phone(PHONE, DEVICE)):
        with pytest.raises(CommandFailed, match="Device limit exceeded") as raised:
            await asked
        assert type(raised.value) is CommandFailed


@pytest.mark.parametrize("dialect", Dialect)
async def test_a_login_above_the_device_limit_is_an_error(session: aiohttp.ClientSession, dialect: Dialect) -> None:
    async with Simulator(dialect) as sim:
        sim.limit_devices(1)
        first = await log_in(sim, session)
        with pytest.raises(CommandFailed, match="The limit of devices is exceeded") as raised:
            await log_in(sim, session)
        assert type(raised.value) is CommandFailed
        await first.user.ping()


async def test_a_login_of_the_same_device_replaces_its_token(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        first = await log_in(sim, session, device_token=DEVICE)
        other = await log_in(sim, session)
        again = await log_in(sim, session, device_token=DEVICE)
        assert again.client.token != first.client.token
        with pytest.raises(AuthenticationFailed):
            await first.user.ping()
        await other.user.ping()
        await again.user.ping()


async def test_an_unknown_phone_number_has_no_apartments(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = await log_in(sim, session, "79160000000")
        assert await yard.address.houses() == ()
        assert await yard.address.settings() == ()
        assert await yard.cameras.all() == ()
        assert await yard.user.name() == Name()


async def test_a_revoked_token_is_an_authentication_error(session: aiohttp.ClientSession) -> None:
    async with Simulator() as sim:
        yard = await log_in(sim, session)
        sim.revoke_tokens()
        with pytest.raises(AuthenticationFailed):
            await yard.address.houses()


@pytest.mark.parametrize("status", [401, 406, 410, 424, 449])
@pytest.mark.parametrize("dialect", Dialect)
async def test_statuses_that_need_a_new_login_are_authentication_errors(
    session: aiohttp.ClientSession, dialect: Dialect, status: int
) -> None:
    async with Simulator(dialect) as sim:
        yard = await log_in(sim, session)
        sim.refuse("address/getAddressList", status)
        with pytest.raises(AuthenticationFailed):
            await yard.address.houses()
        assert await yard.address.houses()


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (402, NotPaid, "Payment Required"),
        (403, CommandFailed, "Forbidden"),
        (404, NotFound, "Not Found"),
        (405, NotSupported, "Method Not Allowed"),
        (422, InvalidRequest, "Unprocessable Entity"),
        (429, Throttled, "Too Many Requests"),
        (418, CommandFailed, "Unknown error"),
        (599, ServerBroken, "Unknown error"),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
async def test_an_error_has_the_text_of_the_server(
    session: aiohttp.ClientSession, dialect: Dialect, status: int, kind: type[IntercomError], said: str
) -> None:
    async with Simulator(dialect) as sim:
        yard = await log_in(sim, session)
        sim.refuse("address/getAddressList", status)
        with pytest.raises(kind, match=said) as raised:
            await yard.address.houses()
        assert type(raised.value) is kind


@pytest.mark.parametrize("content", [{}, {"accessToken": ""}, {"accessToken": "a\nb"}, {"accessToken": "ключ"}, None])
async def test_a_login_response_without_a_token_is_an_error(server: Server, yard: SmartYard, content: object) -> None:
    before = yard.client.token
    for path in ("confirmCode", "checkPhone"):
        server.respond_data(f"/mobile/user/{path}", content)
    with pytest.raises(UnexpectedReply):
        await yard.login.confirm_code(PHONE, "1234", DEVICE)
    with pytest.raises(UnexpectedReply):
        await yard.login.check_phone(PHONE, DEVICE)
    assert yard.client.token == before
    assert {name for asked in server.asked for name in asked.headers} & {"Authorization"} == set()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"method": "sms"}, CodeRequest("sms")),
        ({}, CodeRequest("sms")),
        (None, CodeRequest("sms")),
        ({"confirmationNumbers": ["1", 2]}, CodeRequest("outgoingCall", ("1",))),
        ({"method": "telepathy"}, CodeRequest("telepathy")),
    ],
)
async def test_the_login_method_is_read_from_the_code_request(
    server: Server, yard: SmartYard, content: object, expected: CodeRequest
) -> None:
    server.respond_data("/mobile/user/requestCode", content)
    assert await yard.login.request_code(PHONE) == expected
    assert server.asked[0].values == {"userPhone": PHONE}


def test_device_tokens_are_all_different() -> None:
    tokens = {new_device_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {35}
