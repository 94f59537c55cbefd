"""The fault matrix: each system × each fault × each stage, and what is expected where it is not the usual.

The usual: everything works again ``BACK`` seconds after the end of the fault, and no user is asked for a login.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import os

from .kinds import KINDS, Kind
from .rigs import RIGS, Rig, Stage

# Seconds until all works again after a fault, with the pause between two looks.
BACK = 10.5

SYSTEMS = {"two_n": "2N", "akuvox": "Akuvox", "mx_proxy": "MX Proxy", "smartyard": "SmartYard"}
STAGES = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one cell expects.

    Attributes:
        back: Seconds until all works again.
        asks: The user is asked for the login.
        reason: Why it is not the usual.
    """

    back: float = BACK
    asks: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One system, fault, and stage; ``absent`` is why there is no such cell."""

    system: str
    fault: str
    stage: Stage
    expected: Expectation
    absent: str = ""

    @property
    def id(self) -> str:
        """The name of its test."""
        return f"{self.system}-{self.fault}-{self.stage.replace(' ', '_')}"

    @property
    def kind(self) -> Kind:
        """The fault."""
        return KINDS[self.fault]

    @property
    def rig(self) -> type[Rig]:
        """The simulator."""
        return RIGS[self.system]


# None stands for each system, fault, or stage; in EXPECTED, for each fault that reaches only functions.
type Key = tuple[str | None, str | None, Stage | None]

# Cells that do not exist.
ABSENT: Mapping[Key, str] = {
    ("two_n", None, Stage.PUSH): "2N pushes nothing: its events are pulled",
    ("akuvox", "id_restart", None): "the rows of an Akuvox log are told apart by their content, not by their ids",
    ("smartyard", "id_restart", None): "records have UUIDs",
    ("akuvox", "channel_expiry", None): "Akuvox has no channel: it is polled, and pushes to a fixed address",
    ("smartyard", "channel_expiry", None): "SmartYard has no channel: it is polled, and pushes to a fixed address",
    ("smartyard", "second_subscriber", None): "reading takes no record away, and pushes go to each registered device",
}

# Cells that expect something other than the usual.
EXPECTED: Mapping[Key, Expectation] = {
    ("mx_proxy", "401_good", None): Expectation(
        160.0,
        asks=True,
        reason="the login is asked for; attempts become as rare as the refusals are old, as they may lock the user's account",
    ),
    (None, "401_good", None): Expectation(
        20.0, asks=True, reason="the login is asked for, and the question goes away when the login is accepted again"
    ),
    ("mx_proxy", "401_minute", Stage.CONNECT): Expectation(
        45.0,
        reason="a 401 that is not from the proxy itself is no refused login; Home Assistant retries a set-up after 5, 10, 20,"
        " and 40 s",
    ),
    ("smartyard", "401_minute", Stage.FIRST_READ): Expectation(
        90.0,
        asks=True,
        reason="this function shows whether the token is valid: after three refusals within 10 s the login is asked for; the"
        " question goes away by itself",
    ),
    (None, "401_minute", Stage.CONNECT): Expectation(
        90.0,
        asks=True,
        reason="after three refusals within 10 s the login is asked for; the question goes away by itself",
    ),
    (None, "429", None): Expectation(
        45.0,
        reason="the device is left alone for as long as its Retry-After says, and Home Assistant retries a set-up"
        " after 5, 10, and 20 s",
    ),
    (None, "401_minute", Stage.FIRST_READ): Expectation(
        70.0, reason="a function that still does not respond is asked for again after 10, 20, and 60 s"
    ),
    (None, None, Stage.FIRST_READ): Expectation(
        15.0, reason="a function that does not respond during the set-up is asked for again after 10 s"
    ),
    ("two_n", "unknown_values", Stage.CONNECT): Expectation(
        4000.0, reason="a device that calls its parts otherwise has other parts; capabilities are read again every hour"
    ),
    ("akuvox", None, Stage.EVENTS): Expectation(
        35.0, reason="a log that fails alone is polled again after 10 to 30 s, as rings come by push and by other polls"
    ),
    ("akuvox", None, Stage.PUSH): Expectation(
        35.0, reason="a log that fails alone is polled again after 10 to 30 s, as rings come by push and by other polls"
    ),
    ("mx_proxy", "404", Stage.PUSH): Expectation(
        20.0, reason="a part of a server that fails alone is polled again after 10 to 20 s"
    ),
    ("mx_proxy", "503", Stage.PUSH): Expectation(
        20.0, reason="a part of a server that fails alone is polled again after 10 to 20 s"
    ),
    ("smartyard", "wrong_values", Stage.PUSH): Expectation(
        20.0, reason="a part of a server that fails alone is polled again after 10 to 20 s"
    ),
}


def _find[T](table: Mapping[Key, T], system: str, fault: str, stage: Stage) -> T | None:
    """Return the entry of a table for a cell; the first that fits."""
    for (one, another, third), found in table.items():
        if one in {None, system} and another in {None, fault} and third in {None, stage}:
            return found
    return None


def _cells() -> Iterator[Cell]:
    for system in SYSTEMS:
        for fault in KINDS:
            for stage in STAGES:
                by_fault = {key: found for key, found in EXPECTED.items() if key[1] or not KINDS[fault].everywhere}
                expected = _find(by_fault, system, fault, stage) or Expectation()
                yield Cell(system, fault, stage, expected, _find(ABSENT, system, fault, stage) or "")


ALL = tuple(_cells())
CELLS = tuple(cell for cell in ALL if not cell.absent)


def chosen() -> tuple[Cell, ...]:
    """Return the cells to run: each fault for half of its systems, at stages that take turns; all with ``IP_INTERCOM_FAULTS=all``."""
    if os.environ.get("IP_INTERCOM_FAULTS") == "all":
        return CELLS
    found: list[Cell] = []
    for number, fault in enumerate(KINDS):
        cells = [cell for cell in CELLS if cell.fault == fault]
        systems = list(dict.fromkeys(cell.system for cell in cells))
        for system in systems[number % 2 :: 2] or systems:
            stages = [cell for cell in cells if cell.system == system]
            found.append(stages[len(found) % len(stages)])
    return tuple(found)
