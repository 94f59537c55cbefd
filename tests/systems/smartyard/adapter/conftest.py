"""A simulated SmartYard, and the adapter of an account; no Home Assistant anywhere."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from custom_components.ip_intercom.model.state import State
from custom_components.ip_intercom.systems.common.http import HttpTransport
from custom_components.ip_intercom.systems.smartyard.client import SmartYard, new_device_token
from custom_components.ip_intercom.systems.smartyard.system import Options, SmartYardSystem, identity_of
from tests.simulators.smartyard import PHONE, Request, Simulator
from tests.systems.bench import session, sockets

__all__ = ["session", "sockets"]


@dataclass(slots=True)
class Bench:
    """An account, and its description."""

    sim: Simulator
    session: aiohttp.ClientSession
    yard: SmartYard
    system: SmartYardSystem
    state: State

    def asked(self, function: str) -> list[Request]:
        return [request for request in self.sim.requests if request.function == function]


@pytest.fixture
async def bench(session: aiohttp.ClientSession) -> AsyncGenerator[Bench]:
    """The account of a user with two apartments."""
    async with Simulator() as sim:
        sim.set_log_delay(0)
        yard = SmartYard(HttpTransport(session, URL(sim.url)), None)
        await yard.login.request_code(PHONE)
        await yard.login.confirm_code(PHONE, sim.code_of(), new_device_token())
        system = SmartYardSystem(
            session, yard, identity_of("account", yard.transport.base), None, Options(verify=False)
        )
        yield Bench(sim, session, yard, system, (await system.connect(None)).state)
        await system.close()
