"""Asterisk as the phone server of an operator: accounts for three minutes, calls to who registers, the door as an extension."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import re
import subprocess
import time

from tests.simulators.smartyard.rings import Ring
from tests.simulators.smartyard.telephony import DIGITS, EVENTS, Telephony
from tests.talk.peer import HOST, CallOf, RtpPort, Telephone, UdpLine, description, rtp

from .baresip import tone
from .programs import command, free_port, start, stop, unpacked

# What the visitor says, in Hz.
VISITOR = 440

_ASTERISK = """
[directories]
astetcdir => {folder}
astmoddir => {modules}
astvarlibdir => {folder}/lib
astdbdir => {folder}/lib
astkeydir => {folder}/lib
astdatadir => {data}
astagidir => {folder}/lib
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log
[options]
documentation_language = en_US
"""
_MODULES = """
[modules]
autoload = yes
noload => chan_iax2.so
noload => chan_dahdi.so
noload => res_hep.so
noload => res_fax_spandsp.so
noload => cdr_radius.so
noload => cel_radius.so
noload => pbx_dundi.so
"""
_PJSIP = """
[global]
type = global
user_agent = Asterisk
endpoint_identifier_order = username,ip,anonymous
[udp]
type = transport
protocol = udp
bind = {host}:{port}
[tcp]
type = transport
protocol = tcp
bind = {host}:{port}
[door]
type = endpoint
transport = udp
context = visitors
disallow = all
allow = ulaw
direct_media = no
dtmf_mode = rfc4733
"""
_ACCOUNT = """
[{extension}]
type = endpoint
transport = {transport}
context = nothing
disallow = all
allow = alaw,ulaw
auth = {extension}
aors = {extension}
dtmf_mode = rfc4733
direct_media = no
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
[{extension}]
type = auth
auth_type = userpass
username = {extension}
password = {password}
[{extension}]
type = aor
max_contacts = 1
remove_existing = yes
"""
# A door calls an account; the server waits 35 s for the registration, as the published one does.
_EXTENSIONS = """
[visitors]
exten => _X.,1,Set(TRIES=0)
 same => n(look),Set(CONTACTS=${PJSIP_DIAL_CONTACTS(${EXTEN})})
 same => n,GotoIf($["${CONTACTS}" != ""]?call)
 same => n,Wait(0.1)
 same => n,Set(TRIES=$[${TRIES} + 1])
 same => n,GotoIf($[${TRIES} < 350]?look)
 same => n,Hangup()
 same => n(call),Dial(${CONTACTS},30)
[nothing]
"""


class Door:
    """An intercom: a telephone that calls an account through Asterisk.

    Attributes:
        state: "calling", "ringing", "talking", or "ended".
        heard: Codes of the sound that it heard.
        digits: What it was sent.
    """

    def __init__(self, port: int) -> None:
        self.state = "calling"
        self.heard = b""
        self.digits = ""
        self._server = HOST, port
        self._line = UdpLine()
        self._telephone = Telephone(self._line)
        self._rtp = RtpPort()
        self._call: CallOf | None = None
        self._remote = 0
        self._event = -1
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, extension: str) -> None:
        """Call an account."""
        await self._line.open()
        self._telephone.agent = self._server
        target = f"sip:{extension}@{HOST}:{self._server[1]}"
        self._call = self._telephone.invite(
            description(self._rtp.port, "0 101"), call=replace(self._telephone.calling(target), number=0)
        )
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._speak())]

    def hang_up(self) -> None:
        """End the call, or give up."""
        assert self._call is not None
        if self.state == "talking":
            self._telephone.request("BYE", self._call)
        else:
            self._telephone.cancel(self._call)

    async def close(self) -> None:
        """Close the ports."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
            self._line.close()
        self._rtp.close()

    async def _run(self) -> None:
        while True:
            message = await self._line.queue.get()
            assert self._call is not None
            if message.what == "180":
                self.state = "ringing"
            elif message.what == "200" and message["cseq"].endswith("INVITE"):
                self._telephone.acknowledge(self._call, message)
                self._remote, self.state = message.port, "talking"
            elif message.what.isdigit() and message.what > "299" and message["cseq"].endswith("INVITE"):
                self._telephone.acknowledge_refusal(self._call, message)
                self.state = "ended"
            elif message.what == "200" and message["cseq"].endswith("BYE"):
                self.state = "ended"
            elif not message.what.isdigit() and message.what != "ACK":
                self._telephone.reply(message, "200 OK")
                self.state = "ended" if message.what == "BYE" else self.state

    async def _speak(self) -> None:
        """Say a tone, and listen."""
        packets, began, number = tone(VISITOR), time.monotonic(), 0
        while True:
            number += 1
            if self._remote and self.state == "talking":
                self._rtp.send(rtp(number, packets[number % len(packets)]), self._remote)
            for packet in self._rtp.receive():
                if packet[1] & 0x7F != EVENTS:
                    self.heard += packet[12:]
                elif (stamp := int.from_bytes(packet[4:8])) != self._event:
                    self._event = stamp
                    self.digits += DIGITS[packet[12]]
            await asyncio.sleep(max(0.0, began + number * 0.02 - time.monotonic()))


class Asterisk(Telephony):
    """A running Asterisk in place of the simulated server.

    Args:
        folder: For its files.

    Attributes:
        door: The door that rang last.
    """

    door: Door

    def __init__(self, folder: Path, now: Callable[[], float], transport: str = "udp") -> None:
        super().__init__(now, lambda ring: None, transport)
        program = command("asterisk")
        if program is None:
            raise RuntimeError("Asterisk is not there")
        self._program = (*program, "-C", str(folder / "asterisk.conf"))
        self._folder = folder
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._calling: set[asyncio.Task[None]] = set()
        self._doors: list[Door] = []

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        root = unpacked("asterisk") or Path("/")
        modules = next(iter([*root.glob("usr/lib/*/asterisk/modules"), *root.glob("usr/lib/asterisk/modules")]))
        for name in ("lib", "run", "log", "spool"):
            (self._folder / name).mkdir(parents=True)
        texts = {
            "asterisk.conf": _ASTERISK.format(folder=self._folder, modules=modules, data=root / "usr/share/asterisk"),
            "modules.conf": _MODULES,
            "pjsip.conf": _PJSIP.format(host=HOST, port=self._port),
            "extensions.conf": _EXTENSIONS,
            "rtp.conf": "[general]\nrtpstart=20000\nrtpend=20100\n",
            "logger.conf": "[general]\n[logfiles]\nconsole => warning,error\n",
        }
        for name, text in texts.items():
            (self._folder / name).write_text(text, "utf-8")
        self._process = await start((*self._program, "-f"), self._folder)
        self._output = asyncio.create_task(self._drain(self._process))
        for _ in range(300):
            if "System uptime" in self.ask("core show uptime"):
                self.ask("core waitfullybooted")
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("Asterisk does not start")

    @staticmethod
    async def _drain(process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while await process.stdout.read(65536):
            pass

    async def stop(self) -> None:
        """End it."""
        for door in self._doors:
            await door.close()
        if self._process is not None and self._output is not None:
            for task in (tasks := {self._output, *self._calling}):
                task.cancel()
            await asyncio.wait(tasks)
            await stop(self._process)

    def ask(self, text: str) -> str:
        """Run a command of its console, and return what that prints."""
        done = subprocess.run(
            (*self._program, "-rx", text), capture_output=True, text=True, cwd=self._folder, check=False
        )
        return done.stdout

    @property
    def fields(self) -> dict[str, str | None]:
        """What pushes say of the server."""
        return {"server": HOST, "port": str(self._port), "transport": self.transport, **self.changed}

    def expect(self, ring: Ring, extension: str) -> None:
        """Make the account of a device, and call it once it has registered."""
        super().expect(ring, extension)
        account = self.accounts[extension]
        text = _ACCOUNT.format(extension=extension, password=account.password, transport=self.transport)
        with (self._folder / "pjsip.conf").open("a", encoding="utf-8") as file:
            file.write(text)
        self.ask("module reload res_pjsip.so")
        self.door = Door(self._port)
        self._doors.append(self.door)
        self._calling.add(asyncio.create_task(self.door.call(extension)))

    async def channels(self) -> list[str]:
        """Return the states of the calls of devices."""
        shown = await asyncio.to_thread(self.ask, "core show channels concise")
        return [rest.split("!")[3] for rest in re.findall(r"^PJSIP/[^!]+!(.*)$", shown, re.MULTILINE)]

    async def contacts(self) -> int:
        """Return how many accounts are registered."""
        shown = await asyncio.to_thread(self.ask, "pjsip show contacts")
        return len(re.findall(r"^\s+Contact:\s+\d+/sip", shown, re.MULTILINE))

    async def has(self, states: list[str], contacts: int | None = None) -> None:
        """Wait until there are these calls and registrations."""
        async with asyncio.timeout(20):
            while await self.channels() != states or contacts not in (None, await self.contacts()):
                await asyncio.sleep(0.1)
