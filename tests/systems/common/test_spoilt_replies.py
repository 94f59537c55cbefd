"""Every reading function of every client returns a value or raises an error with a message for every response."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
import inspect
from typing import Any

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.systems.akuvox.client import AkuvoxClient, AkuvoxDevice, exchange
from custom_components.ip_intercom.systems.common.errors import IntercomError
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.mx_proxy.client import MxProxy
from custom_components.ip_intercom.systems.two_n.client import TwoNClient, TwoNDevice
from tests.simulators import akuvox, mx_proxy, smartyard, two_n
from tests.simulators.common.faults import Fault
from tests.simulators.common.host import Host
from tests.systems.mx_proxy.client.conftest import credentials
from tests.systems.smartyard.client.conftest import log_in

type Functions = tuple[Host[Any], list[tuple[str, Callable[[], Any]]]]

# Those that end the connection are tried elsewhere.
FAULTS = [fault for fault in Fault if fault not in {Fault.HANG, Fault.RESET, Fault.STALL}]
# Values for parameters that a function cannot do without.
VALUES: dict[type, Any] = {int: 1, str: "1"}
# After these there is no answer for a while, or not to this account.
FAREWELLS = frozenset({"factory_reset", "logout", "reboot", "reset_factory", "restart", "upgrade"})


def functions_of(client: object) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the functions of all groups of a client that can be asked with simple values."""
    for group_name, group in vars(client).items():
        for name, function in inspect.getmembers(group, inspect.iscoroutinefunction):
            if name.startswith("_") or name in FAREWELLS:
                continue
            needed = [
                parameter
                for parameter in inspect.signature(function, eval_str=True).parameters.values()
                if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            ]
            if not all(parameter.annotation in VALUES for parameter in needed):
                continue
            values = {parameter.name: VALUES[parameter.annotation] for parameter in needed}
            yield f"{group_name}.{name}", partial(function, **values)


@pytest.fixture(params=["akuvox", "mx_proxy", "smartyard", "two_n"])
async def functions(
    request: pytest.FixtureRequest, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Functions]:
    """A simulator of each system, and what its client can ask."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "two_n":
                verso = await stack.enter_async_context(two_n.Simulator("verso"))
                transport = HttpTransport(session, URL(f"http://{verso.http_address}"))
                yield verso, [*functions_of(TwoNDevice(TwoNClient(transport, "ha", "ha-pass")))]
            case "akuvox":
                door = await stack.enter_async_context(akuvox.Simulator("a_series", whitelist=["127.0.0.1"]))
                door.pipeline.throttle = 0
                monkeypatch.setattr(exchange, "PACE", 0.0)
                monkeypatch.setattr(exchange, "GAP", 0.0)
                transport = HttpTransport(session, URL(f"http://{door.http_address}"))
                yield door, [*functions_of(AkuvoxDevice(AkuvoxClient(transport, "admin", "httpapi")))]
            case "mx_proxy":
                proxy = await stack.enter_async_context(mx_proxy.Simulator())
                account = MxProxy(HttpTransport(session, URL(proxy.url)), credentials())
                await account.session.login()
                yield proxy, [*functions_of(account)]
            case _:
                yard = await stack.enter_async_context(smartyard.Simulator())
                yield yard, [*functions_of(await log_in(yard, session))]


async def outcome(ask: Callable[[], Any]) -> type:
    """Return the type of the result of a function, or its error."""
    try:
        return type(await ask())
    except IntercomError as err:
        return type(err)
    except Exception as err:  # noqa: BLE001 - all of them are listed
        return type(err)


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_spoiled_reply_raises_a_client_error(functions: Functions, fault: Fault) -> None:
    sim, asked = functions
    assert len(asked) > 20
    sim.fault("*", fault)
    outcomes = {name: await outcome(ask) for name, ask in asked}
    wrong = {
        name: kind
        for name, kind in outcomes.items()
        if issubclass(kind, Exception) and not issubclass(kind, IntercomError)
    }
    assert not wrong


@pytest.mark.parametrize("fault", [Fault.BROKEN_TEXT, Fault.CONTROL_TEXT])
async def test_replies_with_a_broken_character_are_read(functions: Functions, fault: Fault) -> None:
    sim, asked = functions
    reading = [(name, ask) for name, ask in asked if not issubclass(await outcome(ask), Exception)]
    assert len(reading) > 5
    sim.fault("*", fault)
    assert {name: await outcome(ask) for name, ask in reading if issubclass(await outcome(ask), Exception)} == {}
