"""The actions of visitors, residents, and the installer at the device. Each method is a verb of the control port."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .camera import Broken
from .config_keys import APIFCGI, INPUT, PASSWORD, RELAY
from .device import Device
from .dialects import Auth, Keys
from .items import WEEK

DAYS = tuple(WEEK)[:7]
FORBIDDEN = "2"


class Hands(Device):
    """A device with people around it."""

    # ---- Visitors ----

    def press(self) -> bool:
        """Push the call button; return whether a call began."""
        self.camera.visit()
        return self.phone.press()

    def call_answered(self) -> None:
        """The callee answers."""
        self.phone.answer()

    def call_ended(self) -> None:
        """The other side hangs up, or does not answer."""
        self.phone.hang_up()

    def incoming_call(self, number: str, name: str = "") -> None:
        """Call the device."""
        self.phone.ring(number, name)

    def dtmf(self, digits: str) -> bool:
        """Send digits from the other side; return whether a relay opened."""
        code = "MultiCode" if self.config.number("Config.DoorSetting.DTMF.Option") > 1 else "Code"
        if self.phone.status != "TALKING" or self.config["Config.DoorSetting.DTMF.Enable"] != "1":
            return False
        for relay in self.relays.all.values():
            if digits and self.config[f"Config.DoorSetting.DTMF.{code}{relay.number}"] == digits:
                self.relays.toggle_or_open(relay)
                return True
        return False

    def enter_code(self, code: str) -> bool:
        """Type a code; return whether it opened something."""
        user = self.users.with_pin(code)
        key = self._key(self.private_keys.rows.values(), code)
        public = code in self._public_codes()
        kind = "Public" if public and user is None and key is None else "Password"
        name = user["Name"] if user else key["Name"] if key else None
        relays = self._relays_of(user, key) | ({1} if public else set())
        return self._try("Code", kind, code, name, relays, code=code)

    def swipe_card(self, card: str) -> bool:
        """Hold a card before the reader; return whether it opened something."""
        self.users.scanned = card
        user = self.users.with_card(card)
        key = self._key(self.cards.rows.values(), card)
        name = user["Name"] if user else key["Name"] if key else None
        return self._try("Card", "Card", card, name, self._relays_of(user, key), card_sn=card)

    def show_face(self, user: str | None = None) -> bool:
        """Show a face to the camera: that of a user, or an unknown one."""
        self.camera.visit()
        found = next((row for row in self.users.rows.values() if row["Name"] == user), None)
        relays = self._relays_of(found, None)
        self._attempt("Face", "", None if found is None else found["Name"], relays)
        event = "ValidFaceRecognition" if relays else "InvalidFaceRecognition"
        self.action_urls.fire(event, unlocktype="Face" if relays else "Null", active_user=user or "Null")
        return bool(relays)

    def _public_codes(self) -> set[str]:
        if "publiccode" not in self.dialect.targets or self.config[f"{PASSWORD}PublicKeyEnable"] != "1":
            return set()
        return {self.config[f"{PASSWORD}PublicKey{number}"] for number in (1, 2, 3)} - {""}

    def _key(self, keys: Iterable[dict[str, str]], code: str) -> dict[str, str] | None:
        """Find a key that is valid now."""
        now = datetime.fromtimestamp(self.clock.utc(), UTC)
        for key in keys:
            always = key["TimeStart"] == key["TimeEnd"] == "00:00"
            in_time = always or key["TimeStart"] <= f"{now:%H:%M}" <= key["TimeEnd"]
            if key["Code"] == code and key.get("Tags") != FORBIDDEN and key[DAYS[now.weekday()]] == "1" and in_time:
                return key
        return None

    def _relays_of(self, user: dict[str, Any] | None, key: dict[str, str] | None) -> set[int]:
        relays = set() if user is None else self.users.relays_of(user)
        if key is not None:
            relays |= {int(digit) for digit in key["DoorNum"] if digit.isdecimal()}
        return {number for number in relays if self.relays.numbered(number) is not None}

    def _attempt(self, kind: str, code: str, name: str | None, relays: set[int]) -> None:
        self.door_log.enter(kind, code, relays, name, bool(relays))
        for number in relays:
            relay = self.relays.numbered(number)
            if relay is not None:
                self.relays.open(relay, by_code=True)

    def _try(self, what: str, kind: str, held: str, name: str | None, relays: set[int], **variables: str) -> bool:
        self._attempt(kind, held, name, relays)
        event = f"{'Valid' if relays else 'Invalid'}{what}Entered"
        self.action_urls.fire(event, active_user=name or "Null", **variables)
        return bool(relays)

    # ---- The house ----

    def input(self, letter: str, closed: bool) -> None:
        """Close or open the contact of an input."""
        self.inputs.set(letter, closed)

    def tamper(self) -> None:
        """Take the device off the wall; its alarm is an Action URL, no state."""
        self.action_urls.fire("AlarmTriggered", alarmstatus="1")

    def break_in(self, letter: str = "A") -> None:
        """Force the door whose contact is at that input."""
        self.inputs.set(letter, closed=True)
        if self.config[f"{INPUT}Input{letter}BreakInIntrusion"] == "1":
            self.action_urls.fire("InputBreakIn", **self._input_status(letter, triggered=True))

    def relay_status(self) -> dict[str, bool]:
        """Tell which doors are released."""
        return {name: relay.open for name, relay in self.relays.all.items()}

    def stick_relay(self, name: str, stuck: bool = True) -> None:
        """Let a relay such as A or SA stay as it is: commands succeed and nothing moves."""
        self.relays.all[name].stuck = stuck

    # ---- The installer ----

    def configure(self, key: str, value: str) -> None:
        """Change a value on the web page."""
        if key not in self.config.values:
            raise KeyError(key)
        self.config.write(key, value)

    def set_auth(self, auth: Auth | str) -> None:
        """Choose the authentication of the API."""
        self.configure(f"{APIFCGI}AuthMode", Auth(auth))

    def enable_api(self, enabled: bool = True) -> None:
        """Tick or clear *HTTP API*."""
        self.configure(f"{APIFCGI}Enable", str(int(enabled)))

    def change_password(self, password: str) -> None:
        """Change the password of the API."""
        self.configure(f"{APIFCGI}Password", password)

    def set_whitelist(self, *addresses: str) -> None:
        """Write the whitelist."""
        for number in range(1, 6):
            address = addresses[number - 1] if number <= len(addresses) else ""
            self.configure(f"{APIFCGI}WhiteListIP0{number}", address)

    def allow_http_open(self, username: str = "", password: str = "", enabled: bool = True) -> None:
        """Tick *Open Relay via HTTP*, with its own login."""
        self.configure(f"{RELAY}HttpTrig", str(int(enabled)))
        self.configure(f"{RELAY}UserName", username)
        self.configure(f"{RELAY}Password", password)

    def set_high_security(self, on: bool = True) -> None:
        """Turn High Security Mode on or off."""
        self.pages.high_security = on

    def wire(self, relay: str, normally_closed: bool) -> None:
        """Wire a relay as NC or NO."""
        name = f"Type{relay}" if self.dialect.keys is Keys.MANUAL else f"Relay{relay}Type"
        self.configure(RELAY + name, str(int(normally_closed)))

    def add_user(self, **values: Any) -> str:
        """Add a user on the web page."""
        return self.users.insert(**values)

    def register(self, line: int, reachable: bool = True) -> None:
        """Let the registrar of a SIP line answer, or not."""
        self.lines.reachable = reachable
        self.lines.settle(line)

    def trust_certificates(self, trusting: bool = True) -> None:
        """Let Action URLs go to HTTPS servers with any certificate."""
        self.action_urls.trusting = trusting

    def fill_door_log(self, n: int) -> None:
        """Write n records of one card."""
        for number in range(n):
            self.door_log.enter("Card", f"{number:08X}", {1}, "Lucy", success=True)

    def fill_call_log(self, n: int) -> None:
        """Write n missed calls."""
        for number in range(n):
            self.call_log.note(Type="Missed", Name=str(number), Num=str(number), LocalIdentity="")

    def break_snapshots(self, how: Broken | str = Broken.CUT, n: int = 1) -> None:
        """Let the next pictures be none: html, cut or empty."""
        self.camera.broken.extend([Broken(how)] * n)

    def set_log_size(self, size: int, kind: str = "log") -> None:
        """Let a log have that many bytes."""
        self.system_log.sizes[kind] = size

    def advance_clock(self, seconds: float) -> None:
        """Set the clock forward or back."""
        self.clock.step(seconds)

    def factory_reset(self) -> None:
        """Reset the device at once."""
        self.config.reset()
        self._restart()
