"""The people around a device: what a visitor, a resident and the house do to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from .access import ENTRY, EXIT
from .device import Device
from .envelope import Json

IN_OUT: Mapping[bool, str] = {True: "in", False: "out"}


class Hands(Device):
    """A device that can be touched. Each method is a verb of the control port as well."""

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
        """Release a key."""
        self.log.record("KeyReleased", {"key": key})

    def _type(self, keys: str) -> None:
        for key in keys:
            self.log.record("KeyPressed", {"key": key})
            self.log.record("KeyReleased", {"key": key})

    def ring_doorbell(self) -> None:
        """Press the doorbell button that is wired to an answering unit."""
        if not self.model.doorbell:
            raise ValueError(f"{self.model_key} is no answering unit")
        self.set_input("input1", True)
        self.doorbell.ring()
        self.set_input("input1", False)

    # ---- Calls ----

    def dial_from_keypad(self, number: str) -> int:
        """Dial on the keypad: an outgoing call that no quick-dial button began."""
        self.camera.visit()
        if self.model.keypad and number.isdecimal():
            self._type(f"{number}*")
        return self.phone.call_out([number], "keypad").number

    def dial_from_house(self, number: str) -> int:
        """Another system dials by call/dial; the door is not touched."""
        return self.phone.call_out([number], "api").number

    def dial_by_automation(self, number: str) -> int:
        """A bell that is wired to an input has an automation dial."""
        self.camera.visit()
        self.set_input("input1", True)
        session = self.phone.call_out([number], "automation").number
        self.set_input("input1", False)
        return session

    def incoming_call(self, peer: str = "sip:2229@192.168.1.30:5060", dev_type: str | None = None) -> int:
        """Call the device; gives the call session. A 2N device also sends its type, such as 4-13-1-2."""
        return self.phone.call_in(peer, dev_type).number

    def answer(self, session: int, leg: int = 0) -> None:
        """The called side answers."""
        self.phone.connect(session, leg)

    connect_call = answer

    def terminate(self, session: int, reason: str = "normal") -> None:
        """The other side or the exchange ends a call."""
        self.phone.terminate(session, reason)

    def dtmf(self, code: str, valid: bool | None = None) -> None:
        """The other side of a call dials a code: an individual switch code, or with `valid` a universal one."""
        leg = next((s.legs[0] for s in self.calls.values() if s.state == "connected"), None)
        if leg is None:
            raise ValueError("no call is active")
        entry = None if valid is False else self.directory.find(lambda entry: code in entry["access"]["code"])
        accepted = entry is not None or bool(valid)
        kind = "uni" if entry is None else "user"
        self.log.record("DtmfEntered", {"code": code, "type": kind, "call": leg.id, "valid": accepted})
        if accepted:
            switch = 1 if entry is None else entry["access"]["code"].index(code) + 1
            self._access.open(switch, {"originator": "dtmf"})

    def dtmf_sent(self, code: str) -> None:
        """The device sends a code into a call. The manual names no parameters; these are those of DtmfEntered."""
        leg = next((s.legs[0].id for s in self.calls.values() if s.state == "connected"), 0)
        self.log.record("DtmfSent", {"code": code, "call": leg})

    def register(self, account: int, registered: bool = True) -> None:
        """A SIP registration comes or goes."""
        self.sip.register(account, registered=registered)

    # ---- Around the door ----

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

    def rex(self, ap: int = EXIT) -> None:
        """Press the exit button."""
        self._access.rex(ap)

    def touch_display(self, display: str, x: int = 0, y: int = 0, dx: int = 0, dy: int = 0) -> None:
        """Touch a display: notifications go."""
        self.displays.touch(display)
        self.log.record("DisplayTouched", {"x": x, "y": y, "dx": dx, "dy": dy})

    # ---- Credentials ----

    def enter_code(self, code: str, valid: bool | None = None, ap: int = ENTRY) -> None:
        """Type a code and the key symbol; `valid` overrides what the directory says."""
        if not self.model.keypad:
            raise ValueError(f"{self.model_key} has no keypad")
        self._type(f"{code}#")
        self._access.code(code, valid=valid, ap=ap)

    def swipe_card(self, uid: str, valid: bool | None = None, ap: int = ENTRY) -> None:
        """Tap a card."""
        self._tap(uid, valid, ap)

    def hold_card(self, uid: str, valid: bool | None = None, ap: int = ENTRY) -> None:
        """Tap a card and hold it for four seconds."""
        accepted = self._tap(uid, valid, ap)
        where: Json = {"ap": ap, "session": self._access.begin(), "direction": IN_OUT[ap == ENTRY]}
        self.log.record("CardHeld", {**where, "reader": "internal", "uid": uid, "valid": accepted})

    def _tap(self, uid: str, valid: bool | None, ap: int) -> bool:
        if not self.model.card_reader:
            raise ValueError(f"{self.model_key} has no card reader")
        return self._access.card(uid, valid=valid, ap=ap)

    def swipe_finger(self, user: str | None = None, ap: int = ENTRY) -> None:
        """Put a finger of a person in the directory, or of an unknown one, on the reader."""
        self._access.finger(None if user is None else self.directory[user], ap=ap)

    def mobile_key_entered(self, authid: str, valid: bool | None = None, ap: int = ENTRY) -> None:
        """Come with a phone that has been paired."""
        self._access.phone(authid, valid=valid, ap=ap)

    def wave_key(self, kind: str = "motion") -> None:
        """Wave at the reader to activate the phone."""
        self.log.record("WaveKeyActivated", {"type": kind})

    def pair(self, authid: str, state: str = "pending") -> None:
        """A phone is being paired: pending, inactive, pending_blocked, expired or paired."""
        self.log.record("PairingStateChanged", {"state": state, "authId": authid.upper()})

    def silent_alarm(self, user: str, ap: int = ENTRY) -> None:
        """A user is forced to open."""
        self._access.silent_alarm(self.directory[user], ap)

    def take_access(self, ap: int = ENTRY) -> None:
        """A card is applied in the Anti-passback area."""
        self.log.record("AccessTaken", {"ap": ap, "session": self._access.begin()})

    def lockdown(self, state: bool = True, ap: int = ENTRY) -> None:
        """Begin or end the emergency lockdown of an access point."""
        self._access.lock(ap, state)

    def enroll_finger(self, state: str = "in") -> None:
        """A finger is recorded. The manual names the event only."""
        self.log.record("FingerEnrollState", {"state": state})

    # ---- The house ----

    def lift_module(self, module: int = 0, ready: bool = True) -> None:
        """An elevator module is connected or goes."""
        self.lift.module(module, ready)

    def lift_public_floors(self, floors: Iterable[int]) -> None:
        """Change the public floors."""
        self.lift.open_to_public(floors)

    def lift_config(self, config_hash: int) -> None:
        """Change the elevator control's configuration."""
        self.lift.configure(config_hash)

    def virtual_input(self, port: str, state: bool = True) -> None:
        """Automation changes a virtual input."""
        self.log.record("VirtualInput", {"port": port, "state": state})

    def virtual_output(self, port: str, state: bool = True) -> None:
        """Automation changes a virtual output."""
        self.log.record("VirtualOutput", {"port": port, "state": state})

    def user_action(self, action: str, state: bool = True) -> None:
        """Automation carries out an action of a user."""
        self.log.record("UserActionActivated", {"id": action, "state": state})

    # ---- The device itself ----

    def block_login(self, address: str = "192.168.1.66") -> None:
        """A client guesses passwords of the web interface."""
        self.log.record("LoginBlocked", {"address": address})

    def rescue(self, state: str = "in", reason: str = "call") -> None:
        """A rescue procedure in an elevator begins or ends."""
        self.log.record("RescueStateChanged", {"state": state, "reason": reason})

    def error_state(self, state: bool = True) -> None:
        """Something is broken. The manual names the event only."""
        self.log.record("ErrorStateChanged", {"state": IN_OUT[state]})

    def external_camera(self, state: str = "disconnected") -> None:
        """The external camera comes or goes. The manual names the event only."""
        self.log.record("ExternalCameraStateChanged", {"state": state})

    def checking_call(self) -> None:
        """The device calls to check that it can. The manual names the event only."""
        self.log.record("CheckingCall", {})

    def dtmf_pressed(self, code: str) -> None:
        """A person at the device types into a call. The manual names the event only."""
        self.log.record("DtmfPressed", {"code": code})

    def emit(self, event: str, **params: Any) -> int:
        """Log any event, even one the firmware does not list; gives its id."""
        return self.log.append(event, params).id

    def fill_log(self, n: int, event: str = "UserActionActivated") -> None:
        """Record an event n times in a row."""
        for _ in range(n):
            self.log.append(event, {"id": 1, "state": "in"})

    def advance_clock(self, seconds: float) -> None:
        """Step the clock: utcTime moves, upTime does not."""
        self.clock.step(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once: what has happened is that much longer ago."""
        self.clock.skip(seconds)

    def set_time(self, utc: int) -> None:
        """Set utcTime."""
        self.clock.step(utc - self.clock.utc())

    def set_audio_result(self, result: str) -> None:
        """Say how the next audio tests end: passed or failed."""
        if result not in {"passed", "failed"}:
            raise ValueError(result)
        self.audio.result = result

    def set_pcap_size(self, size: int) -> None:
        """Say how many bytes the record of the network traffic has."""
        self.capture.set_size(size)
