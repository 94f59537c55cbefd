"""Wiring and settings of the relays and inputs of an Akuvox, from the configuration keys of different devices.

The manual's keys (Api relay, Api input: ``TypeA``, ``HoldDelayA``, ``EnableA``, ``OptionA``) and those of devices in
the field (``RelayAType``, ``RelayADelay``, ``InputEnable``, ``InputBTrigger``) are equivalent.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
import re

from ...model.parts import DoorId, PortId
from ..common.parse import integer

RELAY = "Config.DoorSetting.RELAY."
INPUT = "Config.DoorSetting.INPUT."
LETTERS = "ABCD"
# Numbers for relay/trig by relay name: RelayA and Relay1 are the same.
RELAY_NUMBERS: Mapping[DoorId, int] = {
    name: number for number, letter in enumerate(LETTERS, 1) for name in (letter, str(number))
}

# Numbers for relay/trig of the security relays, which are connected by RS-485.
SECURITY_RELAYS: Mapping[DoorId, int] = {"SA": 11, "SB": 12}

# Default release time of a door in seconds.
_DELAY = 5
_LATCHING = "1"
# Factory default names, which are not shown.
_FACTORY_NAME = re.compile(r"(?i)(?:relay\s*[a-d1-4]?|door\s*[a-d1-4])")
_RELAY_WORD = re.compile(r"(?i)(?:security\s*)?(?:relay|door)[\s_]*")
_TOKENS = re.compile(r"[A-Z0-9]+")
_SECURITY_A = "11"
_NAMED_RELAY = re.compile(rf"{re.escape(RELAY)}(?:(?:Name|HoldDelay|Type)([A-D1-4])$|Relay([A-D1-4])(?![a-z\d]))")


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay; ``level`` is the one of ``relay/trig`` that releases the door, ``delay`` is in seconds.

    ``trigger_delay`` is the number of seconds before the relay moves.
    """

    door: DoorId
    number: int
    level: int = 0
    delay: int = _DELAY
    latching: bool = False
    name: str | None = None
    trigger_delay: int = 0

    @property
    def is_security(self) -> bool:
        """Whether it is a security relay, whose state the device does not report."""
        return self.door in SECURITY_RELAYS

    @property
    def fcgi_number(self) -> str:
        """The ``DoorNum`` for ``/fcgi``: 1 to 4, SA or SB."""
        return self.door if self.is_security else str(self.number)


@dataclass(frozen=True, slots=True)
class Input:
    """An enabled input; ``level`` of the pin triggers it (Api input: 0 low, 1 high)."""

    port: PortId
    level: int = 0


def relays_of(
    config: Mapping[str, str],
    names: Iterable[str] | None,
    security: Collection[DoorId],
    inverted: Collection[DoorId],
    *,
    opens_otherwise: bool = False,
) -> dict[DoorId, Relay]:
    """Return the relays by door.

    Args:
        config: Values of the section RELAY.
        names: Relays in ``relay/status``; None if the device does not have it. Unknown ones are skipped.
        security: Connected security relays.
        inverted: Doors with inverted relays.
        opens_otherwise: An account of *Open Relay via HTTP* is configured: assume a relay even if none is reported.
    """
    if names is None:
        names = {found[1] or found[2] for key in config if (found := _NAMED_RELAY.match(key))}
    # Two names of one relay are one door; letters sort after digits.
    by_number = {RELAY_NUMBERS[name]: name for name in sorted(names) if name in RELAY_NUMBERS}
    if opens_otherwise and not by_number:
        by_number = {1: LETTERS[0]}
    relays = {name: _relay(config, name, number) for number, name in sorted(by_number.items())}
    relays |= {door: Relay(door, SECURITY_RELAYS[door]) for door in sorted(security) if door in SECURITY_RELAYS}
    return {door: replace(relay, level=relay.level ^ (door in inverted)) for door, relay in relays.items()}


def relay_numbered(relays: Mapping[DoorId, Relay], number: int) -> DoorId | None:
    """Return the door of a relay number."""
    return next((door for door, relay in relays.items() if relay.number == number), None)


def doors_named(relays: Mapping[DoorId, Relay], word: str | None) -> list[DoorId]:
    """Return the doors in a log record: ``1``, ``A``, ``RelayA``, ``12`` or ``A;B`` for two, ``11`` for SA.

    ``12`` is relay 12 if configured, else relays 1 and 2.
    """
    found: list[int] = []
    for token in _TOKENS.findall(_RELAY_WORD.sub("", word or "").upper()):
        if token in SECURITY_RELAYS:
            found.append(SECURITY_RELAYS[token])
        elif token == _SECURITY_A or (token.isdecimal() and relay_numbered(relays, int(token)) is not None):
            found.append(int(token))
        elif all(name in RELAY_NUMBERS for name in token):
            found += [RELAY_NUMBERS[name] for name in token]
    named = {number: door for door, number in SECURITY_RELAYS.items()} | dict(enumerate(LETTERS, 1))
    numbers = dict.fromkeys(found)
    return [relay_numbered(relays, number) or named[number] for number in numbers]


def _relay(config: Mapping[str, str], door: DoorId, number: int) -> Relay:
    # A device may name a relay 1 in its status and A in its configuration.
    suffixes = _equivalent_names(door)
    level = _setting(config, *(f"{RELAY}{key}" for at in suffixes for key in (f"Type{at}", f"Relay{at}Type")))
    delay = _setting(config, *(f"{RELAY}{key}" for at in suffixes for key in (f"HoldDelay{at}", f"Relay{at}Delay")))
    trigger_delay = _setting(
        config, *(f"{RELAY}{key}" for at in suffixes for key in (f"TriggerDelay{at}", f"Relay{at}TriggerDelay"))
    )
    name = next((found for at in suffixes if (found := config.get(f"{RELAY}Name{at}", "").strip())), "")
    return Relay(
        door,
        number,
        level=1 if level == 1 else 0,
        delay=delay or _DELAY,
        latching=any(config.get(f"{RELAY}Relay{at}Mode") == _LATCHING for at in suffixes),
        name=None if not name or _FACTORY_NAME.fullmatch(name) else name,
        trigger_delay=trigger_delay or 0,
    )


def input_port(letter: str) -> PortId:
    """Return the port of the input A, B, C or D."""
    return f"input_{letter}"


def input_named(inputs: Mapping[str, Input], name: str) -> PortId:
    """Return the port of an input, which may be A in a push message and 1 in the status."""
    return next(
        (known.port for other in _equivalent_names(name) if (known := inputs.get(other)) is not None), input_port(name)
    )


def _equivalent_names(name: str) -> tuple[str, ...]:
    """Return the equivalent names of a relay or input, the given one first."""
    number = RELAY_NUMBERS.get(name)
    return (name,) if number is None else tuple(dict.fromkeys((name, LETTERS[number - 1], str(number))))


def inputs_of(config: Mapping[str, str], letters: Iterable[str]) -> dict[str, Input]:
    """Return the enabled inputs by letter.

    Args:
        config: Values of the section INPUT.
        letters: Inputs in ``input/status``.
    """
    found: dict[str, Input] = {}
    for letter in sorted(letters):
        # Keys in the field have no letter for input A.
        suffixes = _equivalent_names(letter)
        live = ["" if RELAY_NUMBERS.get(name) == 1 else name for name in suffixes]
        enabled = _setting(
            config, *(f"{INPUT}Enable{name}" for name in suffixes), *(f"{INPUT}Input{name}Enable" for name in live)
        )
        level = _setting(
            config, *(f"{INPUT}Option{name}" for name in suffixes), *(f"{INPUT}Input{name}Trigger" for name in live)
        )
        if enabled != 0:
            found[letter] = Input(input_port(letter), level=1 if level == 1 else 0)
    return found


def _setting(config: Mapping[str, str], *keys: str) -> int | None:
    return next((number for key in keys if (number := integer(config.get(key))) is not None), None)
