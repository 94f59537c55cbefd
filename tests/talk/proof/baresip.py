"""Proofs with baresip as the door: a tone both ways, what is lost, the time and the processor that the agent takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil, cos, pi, sin
from pathlib import Path
import socket
from statistics import median, quantiles
import struct
from tempfile import TemporaryDirectory
import time
import wave

from custom_components.ip_intercom.talk.rtp import RtpPacket
from custom_components.ip_intercom.talk.rtp_session import RtpSession, Statistics
from custom_components.ip_intercom.talk.sip_agent import SipAgent, SipCall, SipPeer

from .programs import command, free_port, start, stop, unpacked

HOST = "127.0.0.1"
RATE = 8000
SAMPLES = 160
# What the agent sends, and what the door sends, in Hz.
OURS, THEIRS = 1000, 440
# Enough for a packet; a control message of the kernel with a timestamp is 32 bytes.
_SO_TIMESTAMPNS = 35


def ulaw(sample: int) -> int:
    """Return the code of a sample of 16 bits (ITU-T G.711, table 2)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32_635) + 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


def linear(code: int) -> int:
    """Return the sample of a code."""
    code = ~code & 0xFF
    magnitude = ((code & 0x0F) * 8 + 132 << (code >> 4 & 7)) - 132
    return -magnitude if code & 0x80 else magnitude


def tone(hertz: int) -> list[bytes]:
    """Return the packets of a tone; their number repeats it without a jump."""
    return [
        bytes(ulaw(round(12_000 * sin(2 * pi * hertz * (packet * SAMPLES + at) / RATE))) for at in range(SAMPLES))
        for packet in range(50)
    ]


def share(samples: list[int], hertz: float, rate: int = RATE) -> float:
    """Return how much of the energy a tone has, 0 to 1."""
    total = sum(sample * sample for sample in samples)
    real = sum(sample * cos(2 * pi * hertz * at / rate) for at, sample in enumerate(samples))
    imaginary = sum(sample * sin(2 * pi * hertz * at / rate) for at, sample in enumerate(samples))
    return 2 * (real * real + imaginary * imaginary) / (len(samples) * total) if total else 0.0


_CONFIG = """
sip_listen {host}:{port}
call_max_calls 64
audio_source aufile,{folder}/tone.wav
audio_player aubridge,none
audio_alert aubridge,none
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
{recorder}
module_app account.so
module_app menu.so
snd_path {folder}
"""


@asynccontextmanager
async def baresip(seconds: float, *, records: bool) -> AsyncIterator[tuple[int, Path]]:
    """Run a door that answers by itself and plays a tone; yields its port and the folder of what it hears."""
    program = command("baresip")
    if program is None:
        raise RuntimeError("baresip is not there")
    root = unpacked("baresip")
    modules = root / "usr/lib/baresip/modules" if root and len(program) > 1 else Path("/usr/lib/baresip/modules")
    port = free_port()
    with TemporaryDirectory() as name:
        folder = Path(name)
        recorder = "module sndfile.so" if records else ""
        config = _CONFIG.format(host=HOST, port=port, modules=modules, recorder=recorder, folder=folder)
        (folder / "config").write_text(config, encoding="ascii")
        account = f"<sip:door@{HOST}:{port}>;regint=0;answermode=auto;audio_codecs=PCMU\n"
        (folder / "accounts").write_text(account, encoding="ascii")
        (folder / "contacts").write_text("", encoding="ascii")
        with wave.open(str(folder / "tone.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            codes = b"".join(tone(THEIRS)) * ceil(seconds)
            file.writeframes(b"".join(struct.pack("<h", linear(code)) for code in codes))
        process = await start((*program, "-f", str(folder)), folder)
        await asyncio.sleep(1)
        try:
            yield port, folder
        finally:
            await stop(process)


@dataclass
class Line:
    """A call that is measured."""

    call: SipCall
    heard: list[RtpPacket] = field(default_factory=list)
    # Seconds from the arrival in the kernel until a packet is passed on, and of sending one.
    waited: list[float] = field(default_factory=list)
    sending: list[float] = field(default_factory=list)
    _arrived: float = 0.0

    def hear(self, packet: RtpPacket) -> None:
        """Take a packet of the door."""
        self.waited.append(time.time() - self._arrived)
        self.heard.append(packet)

    def send(self, payload: bytes) -> None:
        """Send a packet to the door."""
        begun = time.perf_counter()
        self.call.send_audio(payload)
        self.sending.append(time.perf_counter() - begun)

    def measure(self) -> None:
        """Read the port with the time of arrival that the kernel knows; the rest is the agent's own code."""
        session = self.call._media._audio
        assert isinstance(session, RtpSession)
        assert session._transport is not None
        port: socket.socket = session._transport.get_extra_info("socket")
        port.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        number = port.fileno()
        loop = asyncio.get_running_loop()
        # The transport's own reader is replaced, and the same file is read through a copy.
        reader = socket.socket(fileno=socket.dup(number))
        loop._remove_reader(number)  # type: ignore[attr-defined]

        def read() -> None:
            try:
                data, control, _, address = reader.recvmsg(8192, 128)
            except BlockingIOError:
                return
            for _, kind, value in control:
                if kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", value[:16])
                    self._arrived = seconds + nanoseconds / 1e9
            session.datagram_received(data, address)

        reader.setblocking(False)
        loop.add_reader(reader.fileno(), read)
        self._reader = reader

    def close(self) -> None:
        """Stop reading."""
        asyncio.get_running_loop().remove_reader(self._reader.fileno())
        self._reader.close()


async def _talk(lines: list[Line], seconds: float) -> float:
    """Send a tone in every call, and return the seconds of processor time."""
    loop = asyncio.get_running_loop()
    packets = tone(OURS)
    begun, used = loop.time(), time.process_time()
    for number in range(round(seconds / 0.02)):
        await asyncio.sleep(max(0.0, begun + number * 0.02 - loop.time()))
        for line in lines:
            line.send(packets[number % len(packets)])
    return time.process_time() - used


@dataclass(frozen=True)
class Result:
    """What some calls at once were like."""

    statistics: list[Statistics]
    lines: list[Line]
    # Processor time of all calls.
    used: float
    # How much of what either side heard is the tone of the other.
    heard_here: float
    heard_there: float


async def _measured(count: int, seconds: float) -> Result:
    """Hold some calls at once for some seconds."""
    async with baresip(seconds + 10, records=count == 1) as (port, folder):
        agent = SipAgent(SipPeer(HOST, port))
        await agent.start()
        try:
            calls = await asyncio.gather(*(agent.call("door", codecs=("PCMU",)) for _ in range(count)))
            lines = [Line(call) for call in calls]
            for line in lines:
                line.call.on_audio = line.hear
                line.measure()
            used = await _talk(lines, seconds)
            statistics = [line.call.statistics for line in lines]
            for line in lines:
                line.close()
            await asyncio.gather(*(line.call.hang_up() for line in lines))
            await asyncio.sleep(1)
        finally:
            await agent.stop()
        payload = b"".join(packet.payload for packet in lines[0].heard[50:150])
        here = share([linear(code) for code in payload], THEIRS)
        return Result(statistics, lines, used, here, _recorded(folder))


def _recorded(folder: Path) -> float:
    """Return how much of what the door heard is the tone of the agent; 0 if it does not record."""
    for path in folder.glob("dump-*-dec.wav"):
        with wave.open(str(path)) as file:
            rate, frames = file.getframerate(), file.readframes(file.getnframes())
        samples = [value[0] for value in struct.iter_unpack("<h", frames[: len(frames) & ~1])]
        return share(samples[rate : rate * 3], OURS, rate)
    return 0.0


def _shown(name: str, result: Result, seconds: float) -> bool:
    """Print a result, and return whether it is good."""
    count = len(result.lines)
    sent = sum(one.sent for one in result.statistics)
    received = sum(one.received for one in result.statistics)
    lost = sum(one.lost for one in result.statistics)
    foreign = sum(one.foreign for one in result.statistics)
    waited = [1000 * wait for line in result.lines for wait in line.waited]
    sending = [1000 * wait for line in result.lines for wait in line.sending]
    expected = round(seconds / 0.02) * count
    processor = 100 * result.used / seconds / count
    print(f"{name}: {sent} packets sent, {received} received, {lost} lost, {foreign} from other addresses")  # noqa: T201
    for way, times in (("from the door", waited), ("to the door", sending)):
        print(f"  time added {way}: median {median(times):.3f} ms, p99 {quantiles(times, n=100)[-1]:.3f} ms")  # noqa: T201
    print(f"  processor: {processor:.2f} % of a core per call")  # noqa: T201
    return sent == expected and received > 0.98 * expected and lost == foreign == 0


async def prove(seconds: float) -> bool:
    """Run the proofs, and return whether they succeeded: nothing lost, and each tone heard by the other side."""
    one = await _measured(1, seconds)
    good = _shown(f"1 call of {seconds:g} s", one, seconds)
    print(f"  tone of the other side: {one.heard_here:.1%} of what is heard here, {one.heard_there:.1%} there")  # noqa: T201
    good &= min(one.heard_here, one.heard_there) > 0.9
    many = await _measured(20, min(seconds, 20))
    good &= _shown("20 calls at once", many, min(seconds, 20))
    print("ok" if good else "FAILED")  # noqa: T201
    return good
