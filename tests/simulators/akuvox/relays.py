"""Relays and inputs (Api relay, Api input)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulators.common.clock import Clock, Timer

from .config import Config
from .config_keys import INPUT, RELAY
from .dialects import Dialect, Keys, RelayReading
from .envelope import ApiError, Call, Handler, Reply, bad_param

MAX_DELAY = 65535
# "11, 12 = Security relay A, B" (field notes 3).
SECURITY = 10


@dataclass(slots=True)
class Relay:
    """One relay; `open` is the door released, with any wiring."""

    name: str
    number: int
    open: bool = False
    held: bool = False
    # Commands succeed and nothing moves.
    stuck: bool = False
    openings: int = 0
    timer: Timer | None = None
    # When it opened or closed last, for a status that lags: device seconds, and whether it was open from then on.
    moves: deque[tuple[float, bool]] = field(default_factory=lambda: deque([(0.0, False)], maxlen=50))

    def was_open(self, moment: float) -> bool:
        """Tell how it was at a moment of the device's clock."""
        return next((is_open for at, is_open in reversed(self.moves) if at <= moment), False)


class Relays:
    """Relays A to D and the security relays SA and SB."""

    def __init__(
        self,
        dialect: Dialect,
        config: Config,
        clock: Clock,
        changed: Callable[[Relay, bool], None],
        reading: RelayReading = RelayReading.A,
        status_lag: float = 0.0,
    ) -> None:
        """`changed` gets each opening and closing, and whether a code, card, or face opened it.

        `relay/status` shows what was `status_lag` device seconds ago.
        """
        self.reading = reading
        self.status_lag = status_lag
        self._dialect = dialect
        self._config = config
        self._clock = clock
        self._changed = changed
        # Called with the relay that a command over HTTP opened.
        self.commanded: Callable[[Relay], None] = lambda _: None
        # Other fields of `relay/status`, such as RelayE or RelaySA.
        self.others: dict[str, int] = {}
        self.all = {letter: Relay(letter, number) for number, letter in enumerate(dialect.relays, 1)}
        for number, letter in enumerate(dialect.security_relays, SECURITY + 1):
            self.all[f"S{letter}"] = Relay(f"S{letter}", number)
        config.listeners.append(self._configured)
        self.handlers: dict[str, Handler] = {"relay/status": self._status, "relay/trig": self._trig}

    def boot(self) -> None:
        """Close all; a reboot is not reported."""
        for relay in self.all.values():
            relay.open = relay.held = False
            relay.timer = None
            relay.moves.append((self._clock.now(), False))

    def numbered(self, number: int) -> Relay | None:
        """Find a relay by its number in the API."""
        return next((relay for relay in self.all.values() if relay.number == number), None)

    def wiring(self, relay: Relay) -> int:
        """0 for NO, 1 for NC: `TypeA` of the manual, `RelayAType` of live devices."""
        name = f"Type{relay.name}" if self._dialect.keys is Keys.MANUAL else f"Relay{relay.name}Type"
        return self._config.number(RELAY + name)

    def hold_delay(self, relay: Relay) -> int:
        """Seconds that the device is set to."""
        name = f"Relay{relay.name}Delay" if self._dialect.keys is Keys.DELAY else f"HoldDelay{relay.name}"
        return self._config.number(RELAY + name, 5)

    def _status(self, _: Call) -> Reply:
        """1 is open and 0 closed, but normally closed wiring turns that round."""
        letters = [relay for relay in self.all.values() if relay.number <= SECURITY]
        names = self._dialect.relay_names
        shown = {relay.name: relay.was_open(self._clock.now() - self.status_lag) for relay in letters}
        return Reply(
            {names.of(relay.name): int(shown[relay.name]) ^ self.wiring(relay) for relay in letters} | self.others
        )

    def _trig(self, call: Call) -> Reply:
        mode, number = call.integer("mode", 0, 1), call.integer("num", 1, 99)
        level, delay = call.integer("level", 0, 1), call.integer("delay", 0, MAX_DELAY)
        relay = self.numbered(number)
        if relay is None:
            raise bad_param()
        manual, closes = mode == 1, False
        if self.reading is RelayReading.A:
            # The wrong contact: nothing opens, what is open closes.
            closes = level != self.wiring(relay)
        elif self.bistable(relay):
            closes, manual = self._closes_bistable(relay, manual), True
        else:
            closes = relay.open and (manual or (relay.held and self.reading is RelayReading.B_ENDS))
        if closes:
            self.close(relay)
        else:
            self.commanded(relay)
            self.open(relay, seconds=delay or None, held=manual)
        return Reply()

    def _closes_bistable(self, relay: Relay, manual: bool) -> bool:
        if self.reading in {RelayReading.B, RelayReading.B_ENDS}:
            return relay.open
        return manual or (relay.open and self.reading is RelayReading.C)

    def bistable(self, relay: Relay) -> bool:
        """Tell whether the relay is configured to stay as it is put, where the device has such a setting."""
        return self._config[f"{RELAY}Relay{relay.name}Mode"] == "1"

    def open(self, relay: Relay, *, seconds: float | None = None, held: bool = False, by_code: bool = False) -> None:
        """Release a door after the trigger delay, for that long or for the hold delay."""
        wait = self._config.number(f"{RELAY}TriggerDelay{relay.name}")
        if wait:
            self._clock.later(wait, lambda: self._open(relay, seconds, held, by_code))
        else:
            self._open(relay, seconds, held, by_code)

    def _open(self, relay: Relay, seconds: float | None, held: bool, by_code: bool) -> None:
        if relay.stuck:
            return
        if relay.timer is not None:
            relay.timer.cancel()
            relay.timer = None
        relay.held = held
        relay.openings += 1
        if not held:
            duration = self.hold_delay(relay) if seconds is None else seconds
            relay.timer = self._clock.later(duration, lambda: self.close(relay))
        if not relay.open:
            relay.open = True
            relay.moves.append((self._clock.now(), True))
            self._changed(relay, by_code)

    def close(self, relay: Relay) -> None:
        """Lock the door."""
        if relay.stuck:
            return
        if relay.timer is not None:
            relay.timer.cancel()
            relay.timer = None
        relay.held = False
        if relay.open:
            relay.open = False
            relay.moves.append((self._clock.now(), False))
            self._changed(relay, False)

    def toggle_or_open(self, relay: Relay) -> None:
        """Do what `/fcgi` and an input do: as the mode of the relay says, where there is one."""
        bistable = self.bistable(relay)
        if bistable and relay.open:
            self.close(relay)
        else:
            self.open(relay, held=bistable)

    def _configured(self, key: str, value: str) -> None:
        """`RelayATrigAlways` holds open as long as it is 1."""
        if key.startswith(RELAY) and key.endswith("TrigAlways"):
            relay = self.all[key.removeprefix(f"{RELAY}Relay")[0]]
            if value == "1":
                self.open(relay, held=True)
            else:
                self.close(relay)

    def open_door(self, number: str) -> Relay:
        """Open by `DoorNum`: 1 to 4, SA or SB; answers -2 for others."""
        relay = self.all.get(number) if number.startswith("S") else None
        if number.isdecimal() and int(number) <= SECURITY:
            relay = self.numbered(int(number))
        if relay is None:
            raise ApiError(-2, "Bad relay number")
        self.commanded(relay)
        self.toggle_or_open(relay)
        return relay


class Inputs:
    """Inputs with the level of their pins: 1 at rest, 0 when the contact is closed."""

    def __init__(
        self, dialect: Dialect, config: Config, clock: Clock, relays: Relays, changed: Callable[[str, bool], None]
    ) -> None:
        """`changed` gets a letter, and whether the input is triggered."""
        self._keys = dialect.keys
        self._config = config
        self._clock = clock
        self._relays = relays
        self._changed = changed
        self.levels = dict.fromkeys(dialect.inputs, 1)
        self.handlers: dict[str, Handler] = {"input/status": self._status}

    def _status(self, _: Call) -> Reply:
        return Reply({f"Input{letter}": level for letter, level in self.levels.items()})

    def _setting(self, letter: str, manual: str, live: str) -> int:
        own = "" if letter == "A" else letter
        return self._config.number(
            f"{INPUT}{manual}{letter}" if self._keys is Keys.MANUAL else f"{INPUT}Input{own}{live}"
        )

    def triggered(self, letter: str) -> bool:
        """Is the level that of its trigger option, 0 low or 1 high?"""
        return self.levels[letter] == self._setting(letter, "Option", "Trigger")

    def set(self, letter: str, closed: bool) -> None:
        """Close or open the contact."""
        level = int(not closed)
        if self.levels[letter] == level:
            return
        self.levels[letter] = level
        if self._setting(letter, "Enable", "Enable") != 1:
            return
        triggered = self.triggered(letter)
        self._changed(letter, triggered)
        if triggered:
            self._clock.later(self._config.number(f"{INPUT}Delay{letter}"), lambda: self._open(letter))

    def _open(self, letter: str) -> None:
        relay = self._relays.numbered(self._setting(letter, "RelayId", "Relay"))
        if relay is not None:
            self._relays.toggle_or_open(relay)
