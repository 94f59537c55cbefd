"""The device itself: system/*, firmware/* and pcap/* (Api system, Api firmware, Api pcap)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulators.common.clock import Clock
from tests.simulators.common.padding import padded
from tests.simulators.common.pcap import HEADER, blocks

from .dialects import Dialect
from .envelope import ApiError, Call, File, Handler, Json, Reply

MAGIC = b"AKUVOXFW1\n"
# How fast a recording grows, in bytes a second.
GROWTH = 32_768
PCAP_SIZE = 1_048_576
PCAP_TIME = 60


def firmware_chunks(model: str, version: str, size: int = 4096) -> Iterator[bytes]:
    """Make a firmware of our own format: a header, then filler up to that size."""
    return padded(MAGIC + f"model={model}\nversion={version}\n\n".encode(), size)


def make_firmware(model: str, version: str, size: int = 4096) -> bytes:
    """Make a firmware of that size."""
    return b"".join(firmware_chunks(model, version, size))


class Firmware:
    """prepare, upload, upgrade: in this order."""

    def __init__(self, dialect: Dialect, restart: Callable[[], None]) -> None:
        """`restart` begins a reboot and returns before it."""
        self.version = dialect.firmware
        self.prepared = False
        self.silent = False
        self._dialect = dialect
        self._restart = restart
        self._next: tuple[str, str] | None = None
        self._applying: str | None = None
        self.handlers: dict[str, Handler] = {
            "firmware/status": lambda _: Reply(self.status()),
            "firmware/prepare": self._prepare,
            "firmware/upload": self._upload,
            "firmware/upgrade": self._upgrade,
        }

    def status(self) -> Json:
        """Name model, version and MAC."""
        return {
            "FirmwareVersion": self.version,
            "HardwareVersion": self._dialect.hardware,
            "MAC": self._dialect.mac,
            "Model": self._dialect.model,
        }

    def boot(self) -> None:
        """Run the installed firmware, and leave the upgrade mode."""
        self.version = self._applying or self.version
        self.prepared = False
        self._next = self._applying = None

    def _prepare(self, _: Call) -> Reply:
        self.prepared = True
        return Reply()

    def _upload(self, call: Call) -> Reply:
        blob = call.file("file")
        head, _, _ = blob.data.partition(b"\n\n")
        facts = dict(line.split("=", 1) for line in head.decode("latin-1").splitlines()[1:] if "=" in line)
        if not self.prepared or not blob.data.startswith(MAGIC) or facts.get("model") != self._dialect.model:
            raise ApiError(-1, "Upload Failed.")
        self.silent = call.text("silent") == "1"
        self._next = (facts.get("version", self.version), blob.hash.hexdigest())
        return Reply()

    def _upgrade(self, call: Call) -> Reply:
        if not self.prepared or self._next is None:
            raise ApiError(-1, "Upgrade Failed.")
        version, calculated = self._next
        md5 = call.text("md5")
        if md5 is not None and md5.lower() != calculated:
            raise ApiError(-1, "Wrong MD5", data={"md5": md5, "md5_calc": calculated})
        self._applying = version
        self._restart()
        return Reply()


class System:
    """What the device says of itself."""

    def __init__(
        self, firmware: Firmware, clock: Clock, restart: Callable[[], None], accounts: Callable[[], Json], address: str
    ) -> None:
        """`accounts` gives the state of the SIP lines, which is part of system/info."""
        self._firmware = firmware
        self._clock = clock
        self._restart = restart
        self._accounts = accounts
        self._address = address
        self.handlers: dict[str, Handler] = {
            "system/info": self._info,
            "system/status": lambda _: Reply({"SystemTime": clock.utc(), "UpTime": clock.uptime()}),
            "system/reboot": self._reboot,
        }

    def _info(self, _: Call) -> Reply:
        lan = {
            "DNS1": "192.168.1.1",
            "DNS2": "",
            "Gateway": "192.168.1.1",
            "IPAddress": self._address,
            "LinkStatus": "1",
            "PortType": "0",
            "SubnetMask": "255.255.255.0",
        }
        return Reply({**self._accounts(), "Lan": lan, "Status": self._firmware.status()})

    def _reboot(self, _: Call) -> Reply:
        self._restart()
        return Reply()


@dataclass(slots=True)
class Recording:
    """A recording in progress."""

    begun: float
    limit: int
    seconds: float | None


class Capture:
    """One recording at a time; the file stays until the next one."""

    def __init__(self, clock: Clock) -> None:
        """Nothing is recorded."""
        self.size: int | None = None
        self._time = 0
        self._now: Recording | None = None
        self._clock = clock
        self.handlers: dict[str, Handler] = {
            "pcap/status": self._status,
            "pcap/start": self._start,
            "pcap/stop": self._stop,
            "pcap/export": self._export,
        }

    def boot(self) -> None:
        """Forget everything."""
        self.size = self._now = None

    def _look(self) -> None:
        """Let the file grow, and end the capture when it is full or its time is over."""
        now = self._now
        if now is None:
            return
        passed = self._clock.now() - now.begun
        lasted = passed if now.seconds is None else min(passed, now.seconds)
        self.size = min(now.limit, len(HEADER) + int(lasted * GROWTH))
        self._time = int(lasted)
        if self.size == now.limit or (now.seconds is not None and passed >= now.seconds):
            self._now = None

    def _status(self, _: Call) -> Reply:
        self._look()
        return Reply({"FileSize": self.size or 0, "Status": "stop" if self._now is None else "start"})

    def _start(self, call: Call) -> Reply:
        self._look()
        if self._now is not None:
            raise ApiError(-1, "Start Failed.")
        kind = call.text("type") or "auto"
        seconds = call.integer("time", 1, 180, PCAP_TIME)
        size = call.integer("size", 1, 2**31 - 1, PCAP_SIZE)
        self.size = len(HEADER)
        self._now = Recording(self._clock.now(), size, seconds if kind == "auto" else None)
        echo = {"filter": call.text("filter") or "ip", "interface": "eth0", "size": str(size), "time": str(seconds)}
        return Reply({**echo, "type": kind})

    def _stop(self, _: Call) -> Reply:
        self._look()
        if self._now is None and self.size is None:
            raise ApiError(-1, "Stop Failed.")
        self._now = None
        return Reply({"FileSize": str(self.size), "Time": str(self._time)})

    def _export(self, _: Call) -> File:
        self._look()
        if self.size is None:
            raise ApiError(-1, "Export Failed.")
        size = self.size - (self.size - len(HEADER)) % 16
        return File("phone.pcap", size, blocks(self._clock.utc(), size))
