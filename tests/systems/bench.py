"""Fixtures of tests without Home Assistant: a client or an adapter, and a simulated device."""

from collections.abc import AsyncGenerator

import aiohttp
import pytest


@pytest.fixture(autouse=True)
def sockets(socket_enabled: None) -> None:
    """Simulators listen on 127.0.0.1, which the Home Assistant plugin forbids by default."""


@pytest.fixture
async def session(request: pytest.FixtureRequest) -> AsyncGenerator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(keepalive_timeout=getattr(request, "param", 15))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session
