"""The device without its network: the parts, the visitor, the house."""

from collections.abc import Iterable, Mapping
from typing import Any

from .access import AccessPoint
from .camera import Camera
from .clock import BOOT_UPTIME, Clock, Stamp
from .config import Account, Timing
from .directory import DEFAULT_ENTRIES, Directory
from .envelope import Handler
from .eventlog import Channel, EventLog, LogEvent
from .models import MODELS, Model
from .phone import Phone, Session
from .ports import Port, Ports
from .switches import Activation, Switch, Switches
from .system import System

# The manual's example of 5.1.2: a device that has been running for two days.
DEFAULT_UPTIME = 190_524
IN_OUT: Mapping[bool, str] = {True: "in", False: "out"}


class Device:
    """The parts of one device and the hands that touch it."""

    def __init__(
        self,
        model: str = "verso",
        *,
        accounts: Iterable[Account],
        directory: Iterable[Mapping[str, Any]] | None = None,
        speed: float = 1.0,
        uptime: float = DEFAULT_UPTIME,
        timing: Timing | None = None,
    ) -> None:
        """Build it; `start` switches it on."""
        self.model: Model = MODELS[model]
        self.model_key = model
        self.timing = timing or Timing()
        self.accounts = {account.name: account for account in accounts}
        self.clock = Clock(speed, uptime)
        self.log = EventLog(
            self.clock, self.model.events, lambda name: self.accounts.get(name), hashed=self.model.since(2, 40)
        )
        self.log.include_new_bug = self.model.include_new_bug
        self.log.needs_filter = self.model.needs_filter
        entries = DEFAULT_ENTRIES if directory is None else directory
        self.directory = Directory(self.clock, self.log, self.timing, entries, photo=self.model.display)
        self._ports = Ports(self.model.ports, self.log)
        self._switches = Switches(
            self.model.switches, self.clock, self.log, self._ports, operations=self.model.since(2, 20)
        )
        self.phone = Phone(self.model, self.clock, self.log, self.timing, self.directory.peers_of)
        self.camera = Camera(self.model, self.clock, self.model.info["deviceName"])
        self._access = AccessPoint(self.model, self.clock, self.log, self.directory, self._switches)
        self.system = System(self.model, self.clock, self._restart)
        self.tamper_blocks_switches = False
        parts = (self.system, self._switches, self._ports, self.phone, self.camera, self.log, self.directory)
        self.handlers: dict[str, Handler] = {path: handler for part in parts for path, handler in part.handlers.items()}

    def _restart(self) -> None:
        raise NotImplementedError

    def _cold_start(self) -> None:
        """Make the past of a device that has been running since `uptime`."""
        self.log.boot()
        self._secured_led(self.clock.stamp(BOOT_UPTIME + 1))
        for account in self.phone.accounts.values():
            if account.enabled and "phone" not in self.model.lacks:
                self.phone.register(account.account, stamp=self.clock.stamp(BOOT_UPTIME + 3))

    def _boot(self) -> None:
        """Start anew after a reboot."""
        self.clock.boot()
        self.log.boot()
        self._switches.boot()
        self._access.boot()
        self._secured_led()
        self.phone.boot()
        if self._switches.blocked:
            self._unblock_later()

    def _secured_led(self, stamp: Stamp | None = None) -> None:
        if "led_secured" in self.ports:
            self.log.record("OutputChanged", {"port": "led_secured", "state": False}, stamp)

    @property
    def switches(self) -> dict[int, Switch]:
        """Switches by number."""
        return self._switches.all

    @property
    def switch_activations(self) -> list[Activation]:
        """Commands that switches carried out, by whom."""
        return self._switches.activations

    @property
    def ports(self) -> dict[str, Port]:
        """Ports by name."""
        return self._ports.all

    @property
    def outputs(self) -> dict[str, bool]:
        """States of the outputs."""
        return {port.name: port.state for port in self.ports.values() if port.type == "output"}

    @property
    def calls(self) -> dict[int, Session]:
        """Call sessions by number."""
        return self.phone.sessions

    @property
    def channels(self) -> list[Channel]:
        """Open log subscriptions."""
        return list(self.log.channels.values())

    @property
    def history(self) -> list[LogEvent]:
        """Events of this boot."""
        return list(self.log.history)

    def press(self, key: str, *, call: bool = True) -> int | None:
        """Press a key; a quick-dial button that an entry has also calls it. Gives the call session."""
        self.camera.visit()
        self.log.record("KeyPressed", {"key": key})
        if not call or not key.startswith("%") or "phone" in self.model.lacks:
            return None
        if any(session.direction == "outgoing" for session in self.calls.values()):
            return None
        peers = self.directory.peers_of_button(int(key[1:]))
        return self.phone.call_out(peers).number if peers else None

    def release(self, key: str) -> None:
        """Let go of a key."""
        self.log.record("KeyReleased", {"key": key})

    def _type(self, keys: str) -> None:
        for key in keys:
            self.log.record("KeyPressed", {"key": key})
            self.log.record("KeyReleased", {"key": key})

    def dial_from_keypad(self, number: str) -> int:
        """Dial on the keypad: an outgoing call that no quick-dial button began."""
        self.camera.visit()
        if self.model.keypad and number.isdecimal():
            self._type(f"{number}*")
        return self.phone.call_out([number]).number

    def incoming_call(self, peer: str = "sip:2229@192.168.1.30:5060") -> int:
        """Somebody calls the device; gives the call session."""
        return self.phone.call_in(peer).number

    def answer(self, session: int, leg: int = 0) -> None:
        """The called side answers."""
        self.phone.connect(session, leg)

    connect_call = answer

    def terminate(self, session: int, reason: str = "normal") -> None:
        """The other side or the exchange ends a call."""
        self.phone.terminate(session, reason)

    def register(self, account: int, registered: bool = True) -> None:
        """A SIP registration comes or goes."""
        self.phone.register(account, registered=registered)

    def set_input(self, port: str, state: bool) -> None:
        """Change a digital input."""
        if self.ports[port].type != "input":
            raise ValueError(f"{port} is not an input")
        self._ports.set(port, state)

    def tamper(self, state: bool = True) -> None:
        """Open or close the cover."""
        if "tamper" in self.ports:
            self._ports.set("tamper", state)
        self.log.record("TamperSwitchActivated", {"state": IN_OUT[state]})
        if state and self.tamper_blocks_switches:
            self.block_switches()

    def block_switches(self, state: bool = True) -> None:
        """Begin or end the tamper block; it ends by itself after 30 minutes."""
        self._switches.block(state)
        if state:
            self._unblock_later()

    def _unblock_later(self) -> None:
        self.clock.later(self.timing.switches_blocked, lambda: self._switches.block(False))

    def motion(self, state: bool = True, profile: int = 1) -> None:
        """Motion before the camera; the profile number came with 2.38."""
        params: dict[str, Any] = {"state": IN_OUT[state]}
        if self.model.since(2, 38):
            params["id"] = profile
        self.log.record("MotionDetected", params)

    def noise(self, state: bool = True) -> None:
        """Noise at the microphone."""
        self.log.record("NoiseDetected", {"state": IN_OUT[state]})

    def door(self, opened: bool = True) -> None:
        """Open or close the door; its sensor hangs on a digital input."""
        if self.model.door_input is not None:
            self._ports.set(self.model.door_input, opened)
        self.log.record("DoorStateChanged", {"state": "opened" if opened else "closed"})

    def unauthorized_door(self, state: bool = True) -> None:
        """The door is opened without a reason."""
        self.log.record("UnauthorizedDoorOpen", {"state": IN_OUT[state]})

    def door_too_long(self, state: bool = True) -> None:
        """The door stays open."""
        self.log.record("DoorOpenTooLong", {"state": IN_OUT[state]})

    def enter_code(self, code: str, valid: bool | None = None) -> None:
        """Type a code and the key symbol; `valid` overrides what the directory says."""
        if not self.model.keypad:
            raise ValueError(f"{self.model_key} has no keypad")
        self._type(f"{code}#")
        self._access.code(code, valid=valid)

    def swipe_card(self, uid: str, valid: bool | None = None) -> None:
        """Tap a card."""
        if not self.model.card_reader:
            raise ValueError(f"{self.model_key} has no card reader")
        self._access.card(uid, valid=valid)

    def emit(self, event: str, **params: Any) -> int:
        """Log any event, even one the firmware does not list; gives its id."""
        return self.log.append(event, params).id

    def advance_clock(self, seconds: float) -> None:
        """Step the clock: utcTime moves, upTime does not."""
        self.clock.step(seconds)

    def set_time(self, utc: int) -> None:
        """Set utcTime."""
        self.clock.step(utc - self.clock.utc())
