"""The RTP port, without a call."""

import asyncio
import socket

import pytest

from custom_components.ip_intercom.talk.errors import TalkError
from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.rtp_session import RtpSession

from .peer import HOST, rtp, rtp_port


async def test_ports_are_a_pair(socket_enabled: None) -> None:
    sessions = [RtpSession(8000, lambda packet: None, HOST) for _ in range(8)]
    for session in sessions:
        await session.open(HOST)
        assert session.port % 2 == 0
    assert len({session.port for session in sessions}) == 8
    for session in sessions:
        session.close()
        session.close()


async def test_a_session_without_a_free_port_is_an_error(socket_enabled: None) -> None:
    with pytest.raises(TalkError, match="no free ports"):
        await RtpSession(8000, lambda packet: None, HOST).open("192.0.2.1")


async def test_a_session_may_use_version_6(socket_enabled: None) -> None:
    heard: list[RtpPacket] = []
    session = RtpSession(8000, heard.append, "::1")
    try:
        await session.open("::1")
    except OSError, TalkError:
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        session.set_peer("::1", other.getsockname()[1], sending=True)
        other.sendto(rtp(1), ("::1", session.port))
        await asyncio.sleep(0.1)
    assert len(heard) == 1
    session.close()


async def test_a_session_without_a_peer_sends_and_receives_nothing(socket_enabled: None) -> None:
    heard: list[RtpPacket] = []
    session = RtpSession(8000, heard.append, HOST)
    await session.open(HOST)
    async with rtp_port() as port:
        port.send(rtp(1), session.port)
        session.send(0, b"x", 1)
        session.forward(RtpPacket(0, 1, 1, 1, b"x"), 0, b"x")
        await session.send_event(101, "1")
        session._send_control()
        await asyncio.sleep(0.1)
        assert port.receive() == []
    session.close()
    session.send(0, b"x", 1)
    assert heard == []
    assert session.statistics.sent == session.statistics.received == 0


async def test_a_report_of_the_other_side_is_read(socket_enabled: None) -> None:
    session = RtpSession(8000, lambda packet: None, HOST)
    await session.open(HOST)
    async with rtp_port() as port:
        session.set_peer(HOST, port.port, sending=True)
        session.send(0, b"x" * 160, 160)
        await asyncio.sleep(0.1)
        source = port.receive()[0][8:12]
        report = (
            bytes.fromhex("81c9000700000009") + source + bytes.fromhex("40000005 00000064 00000000 00000000 00000000")
        )
        session.hear_control(report, HOST)
        assert session.reported is not None
        assert (session.reported.fraction_lost, session.reported.lost) == (64, 5)
        session.reported = None
        session.hear_control(report.replace(source, b"else"), HOST)
        assert session.reported is None
    session.close()
