"""An RTP port with one peer: symmetric RTP, statistics, telephone events, and RTCP (RFC 3550, RFC 4733, RFC 4961)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import logging
from secrets import randbits
import socket
import time
from typing import Final, override

from .errors import RtpError, TalkError
from .rtp import DIGITS, ReceptionReport, RtcpPacket, RtpPacket, SenderReport, TelephoneEvent, ntp_time, pack

_LOGGER = logging.getLogger(__name__)

# Seconds between RTCP reports (RFC 3550, 6.2).
_REPORT_INTERVAL: Final = 5.0
# Seconds without a packet after which the timestamp follows the clock, and a talkspurt begins.
_PAUSE: Final = 0.2
# Seconds between the packets of an event, of an event, and between two events.
_EVENT_STEP: Final = 0.02
_EVENT_LENGTH: Final = 0.16
_EVENT_PAUSE: Final = 0.08
# The end of an event is sent three times (RFC 4733, 2.5.1.4).
_EVENT_ENDS: Final = 3
_TRIES: Final = 32
# Expedited forwarding (RFC 4594, 4.1), shifted over the two bits of ECN.
_EXPEDITED: Final = 46 << 2


@dataclass(frozen=True, slots=True)
class Statistics:
    """Packets of one medium; ``foreign`` came from another address than agreed."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    foreign: int = 0


class RtpSession(asyncio.DatagramProtocol):
    """Sends and receives the packets of one medium of a call.

    Packets are accepted only from the agreed address, or that of SIP, because a device may send from another of its
    own addresses. The first packet decides: it also tells the port of a peer behind a port translation. After that,
    both are fixed until others are agreed on.
    """

    def __init__(self, rate: int, on_packet: Callable[[RtpPacket], None], peer: str) -> None:
        self.port = 0
        # The other side agreed to receive.
        self.sending = False
        # The report of the other side about the packets that it received.
        self.reported: ReceptionReport | None = None
        self._rate = rate
        self._on_packet = on_packet
        self._loop = asyncio.get_running_loop()
        self._name = f"{randbits(64):016x}@ip-intercom"
        self._transport: asyncio.DatagramTransport | None = None
        self._control: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        # The address of the other side of SIP, and the one that is agreed on for RTP.
        self._signaling = self._host = peer
        self._peer: tuple[str, int] | None = None
        self._agreed = 0
        self._learned = False
        self._receiver = _Receiver(rate)
        self._strangers = 0
        self._sent = self._octets = 0
        self._ssrc = randbits(32)
        self._sequence = randbits(16)
        self._timestamp = randbits(32)
        self._samples = 0
        self._sent_at: float | None = None
        self._source: tuple[int, int, int] | None = None
        self._in_event = False
        self._sender: tuple[SenderReport, float] | None = None

    async def open(self, host: str) -> None:
        """Bind an even port and the odd one above it; raises TalkError."""
        data, control = _bind_pair(host)
        self.port = data.getsockname()[1]
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=data)
        self._control, _ = await self._loop.create_datagram_endpoint(lambda: _Control(self), sock=control)
        self._timer = self._loop.call_later(_REPORT_INTERVAL, self._report)

    def close(self) -> None:
        """Send BYE and close the ports."""
        if self._timer is not None:
            self._timer.cancel()
        if self._sent:
            self._send_control(goodbye=True)
        for transport in (self._transport, self._control):
            if transport is not None:
                transport.close()
        self._transport = self._control = None

    def set_peer(self, host: str, port: int, *, sending: bool) -> None:
        """Agree on where the other side receives, and from where it sends."""
        self.sending = sending
        if self._peer is None or (host, port) != (self._host, self._agreed):
            self._host, self._agreed, self._peer, self._learned = host, port, (host, port), False

    @property
    def statistics(self) -> Statistics:
        """What was sent and received until now."""
        return Statistics(self._sent, self._receiver.received, self._receiver.lost, self._strangers)

    # ---- Receiving ----

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._learned:
            if addr != self._peer:
                self._strangers += 1
                return
        elif addr[0] not in (self._host, self._signaling):
            self._strangers += 1
            return
        elif self._peer is None:
            return
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            return
        if not self._learned:
            self._learned = True
            if addr != self._peer:
                _LOGGER.debug("RTP comes from %s port %d instead of %s port %d", *addr[:2], self._host, self._agreed)
                self._peer = addr
        self._receiver.count(packet, self._loop.time())
        self._on_packet(packet)

    @override
    def error_received(self, exc: Exception) -> None:
        _LOGGER.debug("RTP port %d: %s", self.port, exc)

    def hear_control(self, data: bytes, host: str) -> None:
        """Take an RTCP packet."""
        if host not in (self._host, self._signaling):
            self._strangers += 1
            return
        try:
            packet = RtcpPacket.parse(data)
        except RtpError:
            return
        if packet.sender is not None:
            self._sender = packet.sender, self._loop.time()
        for report in packet.reports:
            if report.ssrc == self._ssrc:
                self.reported = report

    # ---- Sending ----

    def send(self, payload_type: int, payload: bytes, samples: int, *, marker: bool = False) -> None:
        """Send a packet that continues the stream by ``samples`` of the clock rate."""
        if self._transport is None or self._peer is None or not self.sending or self._in_event:
            return
        marker |= self._advance()
        self._samples = samples
        self._source = None
        self._put(payload_type, payload, marker=marker)

    def forward(self, packet: RtpPacket, payload_type: int, payload: bytes) -> None:
        """Send a packet of another stream with its timing and its gaps."""
        if self._transport is None or self._peer is None or not self.sending or self._in_event:
            self._source = None
            return
        marker = packet.marker
        source = self._source
        if source is None or source[0] != packet.ssrc:
            marker |= self._advance()
            source = packet.ssrc, self._sequence - packet.sequence, self._timestamp - packet.timestamp
            self._source = source
        sequence = packet.sequence + source[1] & 0xFFFF
        timestamp = packet.timestamp + source[2] & 0xFFFFFFFF
        # A packet that was overtaken does not turn the stream back.
        if sequence - self._sequence & 0xFFFF < 0x8000:
            self._sequence, self._timestamp, self._samples = sequence + 1, timestamp, len(payload)
        self._sent_at = self._loop.time()
        self._sent += 1
        self._octets += len(payload)
        self._transport.sendto(pack(payload_type, sequence, timestamp, self._ssrc, payload, marker), self._peer)

    async def send_event(self, payload_type: int, digit: str) -> None:
        """Send a digit as a telephone event; audio is left out meanwhile. Returns after the pause behind it."""
        if self._transport is None or self._peer is None or self._in_event:
            return
        event = DIGITS.index(digit)
        self._advance()
        self._source = None
        self._in_event = True
        try:
            steps = round(_EVENT_LENGTH / _EVENT_STEP)
            for step in range(1, steps + _EVENT_ENDS):
                duration = round(min(step, steps) * _EVENT_STEP * self._rate)
                self._samples = duration
                self._put(
                    payload_type,
                    TelephoneEvent(event, duration, step >= steps).pack(),
                    marker=step == 1,
                    clock=step == 1,
                )
                await asyncio.sleep(_EVENT_STEP)
        finally:
            self._in_event = False
        await asyncio.sleep(_EVENT_PAUSE)

    def _advance(self) -> bool:
        """Move the timestamp to the next packet, and return whether it begins a talkspurt."""
        if self._sent_at is None:
            return True
        elapsed = self._loop.time() - self._sent_at
        pause = elapsed > _PAUSE
        self._timestamp += max(self._samples, round(elapsed * self._rate)) if pause else self._samples
        return pause

    def _put(self, payload_type: int, payload: bytes, *, marker: bool, clock: bool = True) -> None:
        if self._transport is None or self._peer is None:
            return
        if clock:
            self._sent_at = self._loop.time()
        self._sent += 1
        self._octets += len(payload)
        self._transport.sendto(
            pack(payload_type, self._sequence, self._timestamp, self._ssrc, payload, marker), self._peer
        )
        self._sequence += 1

    # ---- RTCP ----

    def _report(self) -> None:
        self._timer = self._loop.call_later(_REPORT_INTERVAL, self._report)
        if self._sent or self._receiver.received:
            self._send_control()

    def request_key_frame(self) -> None:
        """Ask the source of the video for a key frame; without a packet of it, none is missing."""
        if (source := self._receiver.source) is not None:
            self._send_control(lost_picture=source)

    def _send_control(self, *, goodbye: bool = False, lost_picture: int | None = None) -> None:
        if self._control is None or self._peer is None:
            return
        now = self._loop.time()
        sender = None
        if self._sent_at is not None:
            timestamp = self._timestamp + round((now - self._sent_at) * self._rate)
            sender = SenderReport(ntp_time(time.time()), timestamp, self._sent, self._octets)
        last, delay = 0, 0
        if self._sender is not None:
            last = self._sender[0].ntp >> 16 & 0xFFFFFFFF
            delay = round((now - self._sender[1]) * 65_536) & 0xFFFFFFFF
        packet = RtcpPacket(self._ssrc, sender, self._receiver.report(last, delay), self._name, goodbye, lost_picture)
        self._control.sendto(packet.pack(), (self._peer[0], self._peer[1] + 1 & 0xFFFF or 1))


class _Control(asyncio.DatagramProtocol):
    """The RTCP port of a session."""

    def __init__(self, session: RtpSession) -> None:
        self._session = session

    @override
    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._session.hear_control(data, addr[0])

    @override
    def error_received(self, exc: Exception) -> None:
        _LOGGER.debug("RTCP port above %d: %s", self._session.port, exc)


class _Receiver:
    """Counts what one source after another sent (RFC 3550, A.1, A.3, and A.8)."""

    def __init__(self, rate: int) -> None:
        self.received = 0
        self._rate = rate
        self.source: int | None = None
        self._base = self._highest = 0
        self._here = 0
        self._earlier_lost = 0
        self._transit: float | None = None
        self._jitter = 0.0
        self._before = (0, 0)

    def count(self, packet: RtpPacket, now: float) -> None:
        """Count a packet that arrived at ``now``."""
        self.received += 1
        if packet.ssrc != self.source:
            self._earlier_lost = self.lost
            self.source = packet.ssrc
            self._base = self._highest = packet.sequence
            self._here, self._transit, self._jitter, self._before = 0, None, 0.0, (0, 0)
        self._here += 1
        ahead = packet.sequence - self._highest & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
        transit = now * self._rate - packet.timestamp
        if self._transit is not None:
            self._jitter += (min(abs(transit - self._transit), 2.0**31) - self._jitter) / 16
        self._transit = transit

    @property
    def _expected(self) -> int:
        return 0 if self.source is None else self._highest - self._base + 1

    @property
    def lost(self) -> int:
        """Packets that never arrived, of all sources."""
        return self._earlier_lost + max(0, self._expected - self._here)

    def report(self, last: int, delay: int) -> tuple[ReceptionReport, ...]:
        """Return the report about the current source, none without one."""
        if self.source is None:
            return ()
        expected, here = self._expected - self._before[0], self._here - self._before[1]
        self._before = self._expected, self._here
        fraction = max(0, expected - here) * 256 // expected if expected > 0 else 0
        lost = self._expected - self._here
        return (
            ReceptionReport(
                self.source,
                min(255, fraction),
                lost,
                self._highest & 0xFFFFFFFF,
                min(round(self._jitter), 2**32 - 1),
                last,
                delay,
            ),
        )


def _bind_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Bind an even port and the one above it (RFC 3550, 11); raises TalkError."""
    for _ in range(_TRIES):
        first = _udp_socket(host)
        port = first.getsockname()[1] if _bound(first, host, 0) else 0
        second = _udp_socket(host)
        if port and _bound(second, host, port ^ 1):
            return (second, first) if port & 1 else (first, second)
        first.close()
        second.close()
    raise TalkError("no free ports for RTP")


def _udp_socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    if ":" in host:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
    else:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
    return made


def _bound(made: socket.socket, host: str, port: int) -> bool:
    try:
        made.bind((host, port))
    except OSError:
        return False
    return True
