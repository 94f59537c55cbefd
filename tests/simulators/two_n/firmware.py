r"""Upload of firmware (HTTP API 5.2).

2N's files are secret, so the simulator has a format of its own: a header in text, then filler up to the length that the
header tells.

    2NFW1
    package=verso
    version=2.51.0.77.1
    length=31457280

    ................
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
import re
import secrets

from aiohttp import web

from tests.simulators.common.blob import Blob
from tests.simulators.common.clock import Clock, Timer
from tests.simulators.common.padding import padded

from .config import Timing
from .envelope import ApiError, Call, Code, Handler, action_failed, success
from .models import Model

MAGIC = "2NFW1"
FILE_ID = re.compile(r"[0-9A-Fa-f]{1,8}")
VERSION = re.compile(r"\d+(\.\d+){4}")
# How often a request without a response checks whether its client still waits, in real seconds.
LOOK = 0.02

# As long and as multilingual as the example of 5.2.1.
NOTE = """\
EN:
VER=2.20.0
Some changes associated with the downgrade to a lower version result in a loss of original settings in a certain part of \
configuration.

* All the cards installed in the **Directory / Access cards** menu are moved to the **Directory / Users** menu as new \
users upon firmware upgrade. This change is irreversible upon downgrade.
* Service cards are now available in the **Hardware / Card reader** menu.

CZ:
VER=2.20.0
Některé změny spojené s přechodem na nižší verzi vedou ke ztrátě původního nastavení v určité části konfigurace.

* Všechny karty z nabídky **Adresář / Přístupové karty** se při upgradu přesunou do nabídky **Adresář / Uživatelé**.

RU:
VER=2.20.0
Некоторые изменения, связанные с переходом на более низкую версию, приводят к потере исходных настроек.

""".replace("\n", "\r\n")


def firmware_chunks(package: str, version: str, size: int = 4096) -> Iterator[bytes]:
    """Make a file of that size, piece by piece."""
    head = f"{MAGIC}\npackage={package}\nversion={version}\nlength={size}\n\n".encode()
    return padded(head, size)


def make_firmware(package: str, version: str, size: int = 4096) -> bytes:
    """Make a file of that size."""
    return b"".join(firmware_chunks(package, version, size))


def number(version: str) -> tuple[int, ...]:
    """Make major.minor.patch.build.id comparable."""
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits to be applied or rejected."""

    id: str
    version: str
    downgrade: bool
    size: int
    sha256: str


class Firmware:
    """One uploaded file at a time; applying it restarts the device into the new version."""

    def __init__(self, model: Model, clock: Clock, timing: Timing, restart: Callable[[], None]) -> None:
        """`restart` begins a reboot and returns before it."""
        self.upload: Upload | None = None
        self.minimum = model.minimum_firmware
        self.applying = False
        self._model = model
        self._clock = clock
        self._timing = timing
        self._restart = restart
        self._expiry: Timer | None = None
        self._freed = asyncio.Event()
        self.handlers: dict[str, Handler] = {
            "firmware": self._put,
            "firmware/apply": self._apply,
            "firmware/reject": self._reject,
        }

    def boot(self) -> str | None:
        """Forget the file; gives the version to run from now on, if another one was applied."""
        version = self.upload.version if self.upload is not None and self.applying else None
        self.applying = False
        self._free()
        return version

    def _free(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        self.upload = None
        self._freed.set()

    async def _put(self, call: Call) -> web.StreamResponse:
        blob = call.blob("blob-fw")
        await self._wait_until_free(call.request)
        version = self._check(blob)
        downgrade = number(version) < number(self._model.info["swVersion"])
        self.upload = Upload(secrets.token_hex(4), version, downgrade, blob.size, blob.hash.hexdigest())
        self._expiry = self._clock.later(self._timing.firmware_kept, self._free)
        # The example spells it fileId, the table fileid.
        return success(
            {
                "fileId": self.upload.id,
                "version": version,
                "downgrade": downgrade,
                "note": NOTE,
            }
        )

    async def _wait_until_free(self, request: web.BaseRequest) -> None:
        """Delay the reply while another file is present (5.2.1)."""
        while self.upload is not None:
            if request.transport is None or request.transport.is_closing():
                raise ConnectionResetError
            self._freed.clear()
            try:
                async with asyncio.timeout(LOOK):
                    await self._freed.wait()
            except TimeoutError:
                continue

    def _check(self, blob: Blob) -> str:
        fields = _header(blob.data)
        package = self._model.info.get("firmwarePackage", "vario")
        version = fields.get("version", "")
        if fields.get("package") != package or not VERSION.fullmatch(version) or fields.get("length") != str(blob.size):
            raise ApiError(Code.INVALID_VALUE, "blob-fw")
        if number(version) < number(self.minimum):
            raise ApiError(Code.VERSION_TOO_LOW)
        return version

    def _named(self, call: Call) -> Upload:
        wanted = call.params.required("fileId")
        if not FILE_ID.fullmatch(wanted):
            raise ApiError(Code.INVALID_VALUE, "fileId", "invalid parameter")
        if self.upload is None or self.applying or self.upload.id != wanted.lower():
            raise action_failed("new firmware not found")
        return self.upload

    async def _apply(self, call: Call) -> web.StreamResponse:
        self._named(call)
        self.applying = True
        if self._expiry is not None:
            self._expiry.cancel()
        self._clock.later(self._timing.firmware_apply, self._restart)
        return success()

    async def _reject(self, call: Call) -> web.StreamResponse:
        self._named(call)
        self._free()
        return success()


def _header(data: bytes) -> Mapping[str, str]:
    head, end, _ = data.partition(b"\n\n")
    try:
        magic, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line) if end and magic == MAGIC else {}
