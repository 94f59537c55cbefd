"""Action URLs: an Akuvox requests a URL of Home Assistant when an event happens.

The ``Config.Features.ACTIONURL.*`` keys of a device are the events that it can push
(captures/akuvox/action_url_keys.md). Only those are written; URLs of other systems are kept.
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

# Supported events; others are ignored. Models with one relay have "RelayTriggered", A094 has Relay1Triggered, A095
# has Door1Triggered.
RELAY_EVENT = re.compile(r"(?:Relay|Door(?=[A-D1-4]))([A-D1-4]?)(Triggered|Closed)")
INPUT_EVENT = re.compile(r"Input([A-D1-4]?)(Triggered|Closed)")
ACCESS_EVENT = re.compile(r"(Valid|Invalid)(Code|Card|Face|QRCode|QR)(?:Entered|Recognition)")
# Only AlarmTriggered and InputBreakIn are confirmed; the others are likely spellings of officially listed events.
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

# The only variable in use: names and codes are private, or not escaped so that they break the URL.
_NUMBER = {CALL_EVENT: "remote", HANG_UP_EVENT: "remote"}
# A phone number or SIP address; a variable that the device does not know begins with a dollar sign.
_CALLABLE = re.compile(r"(sips?:)?[0-9A-Za-z+*#][0-9A-Za-z+*#._-]{0,63}(@[0-9A-Za-z.:_-]{1,64})?", re.IGNORECASE)

_EVENT_FIELD = "event"


class Status(StrEnum):
    """State of the URL of one event."""

    OURS = "ours"
    FOREIGN = "foreign"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push message: the event, and the number of a call if the device reported it."""

    event: str
    number: str | None = None


def is_supported(event: str) -> bool:
    """Return whether an event is supported."""
    return (
        event in {CALL_EVENT, HANG_UP_EVENT}
        or alarm_of(event) is not None
        or any(pattern.fullmatch(event) for pattern in (RELAY_EVENT, INPUT_EVENT, ACCESS_EVENT))
    )


def alarm_of(event: str) -> Alarm | None:
    """Return the alarm of an event."""
    return next((alarm for alarm, pattern in ALARM_EVENTS.items() if pattern.fullmatch(event)), None)


def events_of(config: Mapping[str, str]) -> frozenset[str]:
    """Return the supported events of a device, from the keys of its section ACTIONURL."""
    names = (key.removeprefix(f"{SECTION}.") for key in config if key.startswith(f"{SECTION}."))
    return frozenset(name for name in names if is_supported(name))


def parse(message: PushMessage) -> Pushed | None:
    """Return a push message by GET or POST, None if it is not supported.

    Values are not escaped, and a variable that the device does not know is sent literally.
    """
    fields = dict(message.query)
    if message.body:
        fields |= dict(parse_qsl(message.body.decode("utf-8", "replace")))
    event = fields.get(_EVENT_FIELD, "")
    if not is_supported(event):
        return None
    # Numbers have no spaces: a space is an unescaped plus.
    number = fields.get(_NUMBER.get(event, ""), "").rstrip().replace(" ", "+")
    return Pushed(event, number if _CALLABLE.fullmatch(number) else None)


class AkuvoxPush:
    """Action URLs of a device.

    Args:
        on_push: Processes push messages.
        expect: Receives what is missing if no push message arrives, or None if push is disabled.

    Attributes:
        statuses: State of the URL of each event after the last ``subscribe``.
    """

    local = True
    lossy: frozenset[str] = frozenset()

    def __init__(
        self, device: AkuvoxDevice, on_push: Callable[[Pushed], None], expect: Callable[[Missing | None], None]
    ) -> None:
        self._config = device.config
        self._on_push = on_push
        self._set_missing = expect
        self.statuses: Mapping[str, Status] = {}

    def receive(self, message: PushMessage) -> str | None:
        """Process a request to the webhook; return None, or the reason why it is not a push message."""
        pushed = parse(message)
        if pushed is None:
            return NO_EVENT
        self._on_push(pushed)
        return None

    async def originals(self) -> Mapping[str, str]:
        """Return whether Action URLs are enabled."""
        return {key: value for key, value in (await self._read()).items() if key == _ENABLE}

    async def subscribe(self, address: str, marker: str) -> frozenset[Missing]:
        """Write ``address`` as the URL of all supported events that no other system uses.

        Args:
            address: URL without a query.
            marker: Part of the URL that identifies this integration, with any host.

        Returns:
            The reasons why push does not work completely.
        """
        before = await self._read()
        foreign_events = {
            name for name in events_of(before) if (url := before[f"{SECTION}.{name}"]) and marker not in url
        }
        wanted = {name: _address(address, name, variable=True) for name in sorted(events_of(before) - foreign_events)}
        # Some firmware silently drops a URL with an unknown variable.
        plain = {name: _address(address, name, variable=False) for name in wanted}
        statuses = dict.fromkeys(foreign_events, Status.FOREIGN)
        changed = {name: url for name, url in wanted.items() if before[f"{SECTION}.{name}"] not in {url, plain[name]}}
        statuses |= await self._write(changed)
        after = await self._read()
        dropped = [name for name, url in changed.items() if name in _NUMBER and after.get(f"{SECTION}.{name}") != url]
        if dropped:
            await self._write({name: plain[name] for name in dropped})
            after = await self._read()
        for name, url in wanted.items():
            if after.get(f"{SECTION}.{name}") in {url, plain[name]}:
                statuses[name] = Status.OURS
            else:
                statuses.setdefault(name, Status.DROPPED)
        inactive = _foreign_events(before, marker) if before.get(_ENABLE, "1") != "1" else frozenset()
        enabled = await self._enable(before, statuses, inactive)
        self.statuses = statuses
        rings = statuses.get(CALL_EVENT) is Status.OURS
        # The path of the URL is secret; its origin decides whether it is reachable.
        origin = URL(address).origin()
        lost = Missing("push_https" if origin.scheme == "https" else "push_unreachable", str(origin))
        self._set_missing(lost if enabled and rings else None)
        foreign = ", ".join(sorted(inactive | foreign_events))
        no_push = not enabled or not any(status is Status.OURS for status in statuses.values())
        if foreign:
            return frozenset({Missing("push_foreign", foreign)})
        return frozenset({Missing("push_refused", "Action URL")} if no_push else ())

    async def _enable(
        self, before: Mapping[str, str], statuses: Mapping[str, Status], inactive: frozenset[str]
    ) -> bool:
        """Enable Action URLs unless that would activate those of another system; return whether they are enabled."""
        if before.get(_ENABLE) == "1" or _ENABLE not in before:
            return True
        if inactive or Status.OURS not in statuses.values():
            return False
        await self._config.set({_ENABLE: "1"})
        return (await self._read()).get(_ENABLE) == "1"

    async def unsubscribe(self, marker: str, originals: Mapping[str, str]) -> None:
        """Remove the URLs of this integration and restore the original setting."""
        config = await self._read()
        ours = {key: "" for key, url in config.items() if marker in url}
        if ours:
            await self._config.set(ours)
        # Another system may depend on the setting by now.
        if originals and not _foreign_events(config, marker):
            await self._config.set(dict(originals))
        self.statuses = {}
        self._set_missing(None)

    async def _read(self) -> Mapping[str, str]:
        config = await self._config.get(sections=(SECTION,))
        return {key: value for key, value in config.items() if key.startswith(f"{SECTION}.")}

    async def _write(self, urls: Mapping[str, str]) -> dict[str, Status]:
        """Write URLs, all at once or, if the device rejects that, one by one; return the rejected ones."""
        if not urls:
            return {}
        try:
            await self._config.set({f"{SECTION}.{name}": url for name, url in urls.items()})
        except (CommandFailed, InvalidRequest, NotSupported) as err:
            if len(urls) == 1:
                _LOGGER.debug("Action URL %s: %s", *urls, err)
                return dict.fromkeys(urls, Status.FAILED)
            rejected: dict[str, Status] = {}
            for name, url in urls.items():
                rejected |= await self._write({name: url})
            return rejected
        return {}


def _foreign_events(config: Mapping[str, str], marker: str) -> frozenset[str]:
    """Return the events, supported or not, for which another system has written a URL."""
    urls = {key.removeprefix(f"{SECTION}."): url for key, url in config.items() if key.startswith(f"{SECTION}.")}
    known = events_of(config)
    return frozenset(
        name for name, url in urls.items() if marker not in url and url and (name in known or "://" in url)
    )


def _address(address: str, event: str, *, variable: bool) -> str:
    """Return the URL for an event; the variable comes last, as its value is not escaped."""
    url = f"{URL(address).with_query({_EVENT_FIELD: event})}"
    return f"{url}&{_NUMBER[event]}=${_NUMBER[event]}" if variable and event in _NUMBER else url
