"""The parts of the device and their connections, without its network and its users."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.simulators.common.clock import Clock
from tests.simulators.common.host import Active

from .action_urls import ActionUrls
from .camera import Camera
from .config import Config
from .config_keys import APIFCGI, INPUT
from .dialects import DIALECTS, Auth, RelayNames, RelayReading
from .envelope import Handler
from .items import CARDS, PRIVATE_KEYS, REPLACEMENTS, Contacts, Groups, Items
from .logs import CallLog, DoorLog, SystemLog
from .pages import Pages
from .phone import Lines, Phone
from .relays import Inputs, Relay, Relays
from .system import Capture, Firmware, System
from .users import Users

ADDRESS = "192.168.1.78"
# The manual's example of system/status.
DEFAULT_UPTIME = 137.0


class Device(Active):
    """The parts of one device."""

    def __init__(
        self,
        dialect: str,
        *,
        auth: Auth | None,
        username: str,
        password: str,
        whitelist: Iterable[str],
        config: Mapping[str, str],
        relay_reading: RelayReading,
        status_lag: float,
        relay_names: RelayNames,
        action_urls: Iterable[str],
        mac: str | None,
        speed: float,
        uptime: float,
        has_clock: bool,
    ) -> None:
        """Build it; `start` switches it on."""
        self.dialect = DIALECTS[dialect].of(relay_names, action_urls)
        if mac is not None:
            self.dialect = replace(self.dialect, mac=mac)
        self.dialect_key = dialect
        login = {
            f"{APIFCGI}AuthMode": auth or self.dialect.auth,
            f"{APIFCGI}UserName": username,
            f"{APIFCGI}Password": password,
            **{f"{APIFCGI}WhiteListIP0{number}": address for number, address in enumerate(whitelist, 1)},
        }
        self.clock = Clock(speed, uptime)
        if not has_clock:
            self.clock.lose_time()
        self.config = Config(self.dialect, {**login, **config}, self._restart)
        self.action_urls = ActionUrls(self.dialect, self.config, self._facts, self._spawn, self._online)
        self.relays = Relays(self.dialect, self.config, self.clock, self._relay_changed, relay_reading, status_lag)
        self.inputs = Inputs(self.dialect, self.config, self.clock, self.relays, self._input_changed)
        self.users = Users(self.dialect)
        self.call_log = CallLog(self.dialect, self.clock)
        self.camera = Camera(self.dialect, self.config, self.clock)
        self.door_log = DoorLog(self.dialect, self.clock, self.camera.frame)
        self.relays.commanded = lambda relay: self.door_log.enter("HTTP", "", {relay.number}, None, success=True)
        self.system_log = SystemLog()
        self.lines = Lines(self.config, self.clock)
        self.phone = Phone(self.config, self.clock, self.call_log, self._call_changed)
        self.firmware = Firmware(self.dialect, self._restart)
        self.capture = Capture(self.clock)
        self.pages = Pages(self.dialect, self.config, self.relays, self.users)
        self.private_keys = Items(PRIVATE_KEYS)
        self.cards = Items(CARDS)
        self.contacts = Contacts(adds_by_get=self.dialect.get_adds_contact)
        self.groups = Groups()
        self.replacements = Items(REPLACEMENTS)
        system = System(self.firmware, self.clock, self._restart, self.lines.state, ADDRESS)
        self.handlers: dict[str, Handler] = {}
        for part in (
            self.config, self.relays, self.inputs, self.users, self.call_log, self.door_log, self.system_log,
            self.lines, self.phone, self.firmware, self.capture, self.private_keys, self.cards, self.contacts,
            self.groups, self.replacements, system,
        ):  # fmt: skip
            self.handlers.update(part.handlers)

    def _restart(self) -> None:
        """Begin a reboot, and return before it."""
        raise NotImplementedError

    def _boot(self) -> None:
        """Restart; the configuration, the lists and the logs are kept."""
        self.clock.boot()
        self.firmware.boot()
        self.capture.boot()
        self.phone.boot()
        self.relays.boot()
        self.action_urls.boot()
        self.lines.boot()

    def _facts(self) -> dict[str, str]:
        return {
            "mac": self.dialect.mac.replace(":", ""),
            "ip": ADDRESS,
            "model": self.dialect.model,
            "firmware": self.firmware.version,
            "active_user": "Null",
        }

    def _relay_changed(self, relay: Relay, by_code: bool) -> None:
        if relay.open and by_code and not self.dialect.relay_url_after_code:
            return
        event = f"{self.dialect.relay_names.of(relay.name)}{'Triggered' if relay.open else 'Closed'}"
        self.action_urls.fire(event, **{f"relay{relay.number}status": str(int(relay.open))})

    def _input_changed(self, letter: str, triggered: bool) -> None:
        event = f"Input{letter}{'Triggered' if triggered else 'Closed'}"
        self.action_urls.fire(event, **self._input_status(letter, triggered))
        own = self.config[f"{INPUT}ActionUrl{letter}"]
        if triggered and own and self.config[f"{INPUT}HttpEnable{letter}"] == "1":
            facts = {**self._facts(), **self._input_status(letter, triggered)}
            self.action_urls.send(event, self.action_urls.substitute(own, facts))

    def _input_status(self, letter: str, triggered: bool) -> dict[str, str]:
        return {f"input{self.dialect.inputs.index(letter) + 1}status": str(int(triggered))}

    def _call_changed(self, event: str, number: str) -> None:
        self.action_urls.fire(event, remote=number)
