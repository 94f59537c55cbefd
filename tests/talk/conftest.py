"""A SIP telephone, and an agent that has it as its peer."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from custom_components.ip_intercom.talk.sip_agent import SipAgent, SipCall, SipPeer, Transport

from .peer import HOST, TcpLine, Telephone, UdpLine


@dataclass
class Pair:
    """An agent and its peer."""

    agent: SipAgent
    door: Telephone
    calls: list[SipCall] = field(default_factory=list)
    # What the agent says about its registration.
    changes: list[bool] = field(default_factory=list)


@pytest.fixture
async def line(socket_enabled: None) -> AsyncGenerator[UdpLine]:
    """A UDP line."""
    opened = await UdpLine().open()
    yield opened
    opened.close()


@pytest.fixture
async def pair(line: UdpLine) -> AsyncGenerator[Pair]:
    """An agent over UDP; it collects the calls of the door."""
    calls: list[SipCall] = []
    agent = SipAgent(SipPeer(HOST, line.port), on_call=calls.append)
    await agent.start()
    door = Telephone(line)
    door.agent = agent.local
    yield Pair(agent, door, calls)
    # What is left at the end of a test gets no answer.
    await agent.stop()


@pytest.fixture
async def tcp_line(socket_enabled: None) -> AsyncGenerator[TcpLine]:
    """A TCP line."""
    opened = await TcpLine().open()
    yield opened
    opened.close()


@pytest.fixture
async def tcp_pair(tcp_line: TcpLine) -> AsyncGenerator[Pair]:
    """An agent over TCP."""
    calls: list[SipCall] = []
    agent = SipAgent(SipPeer(HOST, tcp_line.port, Transport.TCP), on_call=calls.append)
    await agent.start()
    door = Telephone(tcp_line)
    door.agent = agent.local
    yield Pair(agent, door, calls)
    await agent.stop()
