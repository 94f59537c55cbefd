"""Action URLs: an Akuvox requests an address of ours when an event happens.

The keys ``Config.Features.ACTIONURL.*`` that a device has are the events that it can tell of
(captures/akuvox/action_url_keys.md). Only those are written; addresses of other systems stay.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import logging
import re
from urllib.parse import parse_qsl

from yarl import URL

from ...model.features import NO_EVENT, PushMessage
from ...model.parts import Alarm
from ...model.state import Missing
from ..common.errors import CommandFailed, InvalidRequest, NotSupported
from .client import AkuvoxDevice
from .privacy import ACTION_URLS

_LOGGER = logging.getLogger(__name__)

SECTION = ACTION_URLS.rstrip(".")
_ENABLE = f"{SECTION}.Enable"

# What is understood; what a device has besides is left alone. "RelayTriggered" is that of models with one relay.
# A094 has Relay1Triggered, A095 Door1Triggered.
RELAY_EVENT = re.compile(r"(?:Relay|Door(?=[A-D1-4]))([A-D1-4]?)(Triggered|Closed)")
INPUT_EVENT = re.compile(r"Input([A-D1-4]?)(Triggered|Closed)")
ACCESS_EVENT = re.compile(r"(Valid|Invalid)(Code|Card|Face|QRCode|QR)(?:Entered|Recognition)")
# Only AlarmTriggered and InputBreakIn are confirmed; the others are events of the official list, in likely spellings.
ALARM_EVENTS: Mapping[Alarm, re.Pattern[str]] = {
    Alarm.TAMPER: re.compile(r"(?:Tamper)?AlarmTriggered"),
    Alarm.DOOR_FORCED: re.compile(
        r"(?:Input|DPS[1-4]|AUX_?IN[1-4])?BreakIn(?:Intrusion)?(?:Alarm)?(?:Triggered)?[A-D1-4]?"
    ),
    Alarm.DOOR_HELD_OPEN: re.compile(
        r"(?:Alarm)?Door(?:Opened|Open)(?:Timeout|TooLong)(?:Alarm)?(?:Triggered)?[A-D1-4]?"
    ),
    Alarm.MOTION: re.compile(
        r"(?:Suspicious(?:Object)?(?:Movement)?|(?:Object)?Mo(?:tion|vement))(?:Detect(?:ion|ed)?)?(?:Alarm)?(?:Triggered)?"
    ),
}
CALL_EVENT = "MakeCall"
HANG_UP_EVENT = "HangUp"

# The one variable that is worth it: names and codes come unescaped and break the address, or are private.
_NUMBER = {CALL_EVENT: "remote", HANG_UP_EVENT: "remote"}
# A phone number or a SIP address; a variable that the device does not know begins with a dollar.
_CALLABLE = re.compile(r"(sips?:)?[0-9A-Za-z+*#][0-9A-Za-z+*#._-]{0,63}(@[0-9A-Za-z.:_-]{1,64})?", re.IGNORECASE)

_EVENT_FIELD = "event"


class Status(StrEnum):
    """What became of one event's address."""

    OURS = "ours"
    FOREIGN = "foreign"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a device pushed: the event, and the number of a call, if it told one."""

    event: str
    number: str | None = None


def understood(event: str) -> bool:
    """Return whether an event of a device means something here."""
    return (
        event in {CALL_EVENT, HANG_UP_EVENT}
        or alarm_of(event) is not None
        or any(pattern.fullmatch(event) for pattern in (RELAY_EVENT, INPUT_EVENT, ACCESS_EVENT))
    )


def alarm_of(event: str) -> Alarm | None:
    """Return the alarm that an event tells of."""
    return next((alarm for alarm, pattern in ALARM_EVENTS.items() if pattern.fullmatch(event)), None)


def events_of(config: Mapping[str, str]) -> frozenset[str]:
    """Return the events that a device can push, from the keys of its section ACTIONURL."""
    names = (key.removeprefix(f"{SECTION}.") for key in config if key.startswith(f"{SECTION}."))
    return frozenset(name for name in names if understood(name))


def parse(message: PushMessage) -> Pushed | None:
    """Return what a device pushed by GET or POST; None where it makes no sense.

    Values come as they are, unescaped, and a variable that the device does not know stays as it is written.
    """
    fields = dict(message.query)
    if message.body:
        fields |= dict(parse_qsl(message.body.decode("utf-8", "replace")))
    event = fields.get(_EVENT_FIELD, "")
    if not understood(event):
        return None
    # No number has spaces: that is what becomes of a plus that is not escaped.
    number = fields.get(_NUMBER.get(event, ""), "").rstrip().replace(" ", "+")
    return Pushed(event, number if _CALLABLE.fullmatch(number) else None)


class AkuvoxPush:
    """The Action URLs of a device.

    Args:
        device: The device.
        hear: Takes what it pushes.
        expect: Receives what is missing if no push arrives, or None if pushes are off.

    Attributes:
        statuses: What became of each event's address, since the last ``subscribe``.
    """

    local = True
    lossy: frozenset[str] = frozenset()

    def __init__(
        self, device: AkuvoxDevice, hear: Callable[[Pushed], None], expect: Callable[[Missing | None], None]
    ) -> None:
        self._config = device.config
        self._hear = hear
        self._expect = expect
        self.statuses: Mapping[str, Status] = {}

    def receive(self, message: PushMessage) -> str | None:
        """Take what was sent to the address, and return None; what is no event of this device's kind, return why."""
        pushed = parse(message)
        if pushed is None:
            return NO_EVENT
        self._hear(pushed)
        return None

    async def originals(self) -> Mapping[str, str]:
        """Return whether Action URLs are on."""
        return {key: value for key, value in (await self._read()).items() if key == _ENABLE}

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Have the device call ``address`` for each event that it knows and no other system has taken.

        Args:
            address: Where, without a query.
            marker: The part of it by which an address of ours is recognized, with any host.

        Returns:
            What is in the way.
        """
        before = await self._read()
        taken = {name for name in events_of(before) if (url := before[f"{SECTION}.{name}"]) and marker not in url}
        wanted = {name: _address(address, name, variable=True) for name in sorted(events_of(before) - taken)}
        # Some firmware drops an address with a variable that it does not know, and says nothing.
        plain = {name: _address(address, name, variable=False) for name in wanted}
        statuses = dict.fromkeys(taken, Status.FOREIGN)
        fresh = {name: url for name, url in wanted.items() if before[f"{SECTION}.{name}"] not in {url, plain[name]}}
        statuses |= await self._write(fresh)
        after = await self._read()
        dropped = [name for name, url in fresh.items() if name in _NUMBER and after.get(f"{SECTION}.{name}") != url]
        if dropped:
            await self._write({name: plain[name] for name in dropped})
            after = await self._read()
        for name, url in wanted.items():
            if after.get(f"{SECTION}.{name}") in {url, plain[name]}:
                statuses[name] = Status.OURS
            else:
                statuses.setdefault(name, Status.DROPPED)
        sleeping = _others(before, marker) if before.get(_ENABLE, "1") != "1" else frozenset()
        enabled = await self._enable(before, statuses, sleeping)
        self.statuses = statuses
        rings = statuses.get(CALL_EVENT) is Status.OURS
        # The path of the address is a secret; whether it can be reached depends on the rest.
        here = URL(address).origin()
        lost = Missing("push_https" if here.scheme == "https" else "push_unreachable", str(here))
        self._expect(lost if enabled and rings else None)
        foreign = ", ".join(sorted(sleeping | taken))
        silent = not enabled or not any(status is Status.OURS for status in statuses.values())
        if foreign:
            return frozenset({Missing("push_foreign", foreign)})
        return frozenset({Missing("push_refused", "Action URL")} if silent else ())

    async def _enable(
        self, before: Mapping[str, str], statuses: Mapping[str, Status], sleeping: frozenset[str]
    ) -> bool:
        """Turn Action URLs on, unless that would activate those of a different system; return whether they are on."""
        if before.get(_ENABLE) == "1" or _ENABLE not in before:
            return True
        if sleeping or Status.OURS not in statuses.values():
            return False
        await self._config.set({_ENABLE: "1"})
        return (await self._read()).get(_ENABLE) == "1"

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Take our addresses away, and put back what was there before."""
        config = await self._read()
        ours = {key: "" for key, url in config.items() if marker in url}
        if ours:
            await self._config.set(ours)
        # A different system may rely on it by now.
        if originals and not _others(config, marker):
            await self._config.set(dict(originals))
        self.statuses = {}
        self._expect(None)

    async def _read(self) -> Mapping[str, str]:
        config = await self._config.get(sections=(SECTION,))
        return {key: value for key, value in config.items() if key.startswith(f"{SECTION}.")}

    async def _write(self, urls: Mapping[str, str]) -> dict[str, Status]:
        """Write addresses, all at once or, where the device refuses that, each by itself; return the refused ones."""
        if not urls:
            return {}
        try:
            await self._config.set({f"{SECTION}.{name}": url for name, url in urls.items()})
        except (CommandFailed, InvalidRequest, NotSupported) as err:
            if len(urls) == 1:
                _LOGGER.debug("Action URL %s: %s", *urls, err)
                return dict.fromkeys(urls, Status.FAILED)
            refused: dict[str, Status] = {}
            for name, url in urls.items():
                refused |= await self._write({name: url})
            return refused
        return {}


def _others(config: Mapping[str, str], marker: str) -> frozenset[str]:
    """Return the events, understood or not, for which a different system has entered an address."""
    urls = {key.removeprefix(f"{SECTION}."): url for key, url in config.items() if key.startswith(f"{SECTION}.")}
    known = events_of(config)
    return frozenset(
        name for name, url in urls.items() if marker not in url and url and (name in known or "://" in url)
    )


def _address(address: str, event: str, *, variable: bool) -> str:
    """Return the address for an event; the variable comes last, for its value is not escaped."""
    url = f"{URL(address).with_query({_EVENT_FIELD: event})}"
    return f"{url}&{_NUMBER[event]}=${_NUMBER[event]}" if variable and event in _NUMBER else url
