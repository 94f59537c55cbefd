"""Stored files, of which an unreadable one is set aside, and the state that is restored from them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
import logging
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..model.features import Bells
from ..model.parts import Access, Alarm, Bell, BellId, Port, PortId
from ..model.state import State

_LOGGER = logging.getLogger(__name__)

_ACCESS_TEXTS = ("name", "method", "reason", "entrance")

# What reading and parsing of a file of unknown content raises.
UNREADABLE = (HomeAssistantError, OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

# Parses stored content; raises for an unexpected shape, and appends the errors of single items that it leaves out.
# Prefix of the ids of repair issues about unreadable files.
STORED_DATA = "stored_data"

type Parse[T] = Callable[[Mapping[str, Any], list[Exception]], T]


async def async_load_stored[T](
    hass: HomeAssistant, store: Store[dict[str, Any]], device: str, parse: Parse[T]
) -> tuple[T, bool]:
    """Return the parsed content of a file, that of an empty one if it is unreadable, and whether anything was lost.

    A file with unreadable content is renamed, and a repair issue names it. ``Store`` does so only for invalid JSON.

    Args:
        device: The name of the device in the repair issue.
    """
    errors: list[Exception] = []
    try:
        stored = await store.async_load()
        parsed = parse({} if stored is None else stored, errors)
    except UNREADABLE as err:
        errors.append(err)
        parsed = parse({}, [])
    if errors:
        path = await hass.async_add_executor_job(_set_aside, store.path)
        _LOGGER.warning("%s: could not read stored data, renamed the file to %s: %r", device, path, errors[0])
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"{STORED_DATA}_{store.key}",
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=STORED_DATA,
            translation_placeholders={"device": device, "path": path},
        )
    return parsed, bool(errors)


def parse_items[T](items: Iterable[Any], parse: Callable[[Any], T], errors: list[Exception]) -> list[T]:
    """Return the items that ``parse`` can read, and append the errors of the others."""
    parsed = []
    for item in items:
        try:
            parsed.append(parse(item))
        except UNREADABLE as err:
            errors.append(err)
    return parsed


def _set_aside(path: str) -> str:
    aside = f"{path}.corrupt.{dt_util.utcnow().strftime('%Y-%m-%dT%H-%M-%S')}"
    with suppress(FileNotFoundError):
        Path(path).rename(aside)
    return aside


@dataclass(frozen=True, slots=True)
class RestoredState:
    """Bells that rang, virtual ports and alarms as the last event left them, the last access, and the public floors."""

    bells: Mapping[BellId, Bell]
    ports: Mapping[PortId, bool | None] = field(default_factory=dict)
    alarms: Mapping[Alarm, bool] = field(default_factory=dict)
    alarm_parts: Mapping[tuple[Alarm, str], bool | None] = field(default_factory=dict)
    last_access: Access | None = None
    public_floors: tuple[int, ...] | None = None
    directory: Bells = field(default_factory=lambda: Bells({}, {}))

    @classmethod
    def from_store(cls, stored: Mapping[str, Any], *, names: bool = True) -> RestoredState:
        """Return the state from the output of ``as_store`` of this or an earlier version, optionally without names."""
        try:
            return cls._read(stored, names=names)
        except UNREADABLE as err:
            # An unreadable file must not prevent the setup of the entry.
            _LOGGER.warning("Could not read the stored state of a device: %r", err)
            return cls({})

    @classmethod
    def _read(cls, stored: Mapping[str, Any], *, names: bool) -> RestoredState:
        floors = stored.get("public_floors")
        return cls(
            {
                _text(bell): Bell(_text(bell), button=None if button is None else int(button))
                for bell, button in stored.get("bells", [])
            },
            dict(_with_state(item) for item in stored.get("ports", [])),
            {Alarm(alarm): _state(on) for alarm, on in stored.get("alarms", {}).items() if alarm in Alarm},
            {
                (Alarm(alarm), _text(part)): _flag(on)
                for alarm, part, *on in stored.get("alarm_parts", [])
                if alarm in Alarm
            },
            _access(stored.get("last_access"), names=names),
            None if floors is None else tuple(int(floor) for floor in floors),
            _directory(stored.get("directory", {})),
        )

    @classmethod
    def in_state(cls, state: State, bells: Mapping[BellId, Bell], directory: Bells) -> RestoredState:
        """Return the values to restore from a state, the bells that no directory lists, and those of the last one."""
        return cls(
            bells,
            {port.id: port.on for port in state.ports.values() if port.virtual},
            {alarm: on for alarm, on in state.alarms.items() if on is not None},
            state.alarm_parts,
            state.last_access,
            state.public_floors,
            _of_buttons(directory),
        )

    def as_store(self) -> dict[str, Any]:
        """Return the values as JSON."""
        access = self.last_access
        return {
            "bells": [[bell.id, bell.button] for bell in self.bells.values()],
            "ports": [[port, on] for port, on in self.ports.items()],
            "alarms": {alarm.value: on for alarm, on in self.alarms.items()},
            "alarm_parts": [[alarm.value, part, on] for (alarm, part), on in self.alarm_parts.items()],
            "last_access": None
            if access is None
            else {
                "time": access.time.isoformat(),
                "granted": access.granted,
                **{key: getattr(access, key) for key in _ACCESS_TEXTS},
            },
            "public_floors": None if self.public_floors is None else list(self.public_floors),
            "directory": {
                "bells": [[bell.id, bell.button, bell.name] for bell in self.directory.bells.values()],
                "peers": dict(self.directory.peers),
            },
        }

    def added_to(self, state: State) -> State:
        """Return a state completed with the restored values; values of the device take precedence."""
        # The device reports whole alarms: if that contradicts the restored value, the parts are unknown.
        agreed = {alarm for alarm, on in state.alarms.items() if on is None or on is self.alarms.get(alarm)}
        parts = {part: on if part[0] in agreed else None for part, on in self.alarm_parts.items()}
        return replace(
            state,
            bells={**self.bells, **state.bells},
            ports={
                **state.ports,
                **{port: Port(port, output=False, on=on, virtual=True) for port, on in self.ports.items()},
            },
            alarms={alarm: self.alarms.get(alarm) if on is None else on for alarm, on in state.alarms.items()},
            alarm_parts={**{part: on for part, on in parts.items() if part[0] in state.alarms}, **state.alarm_parts},
            last_access=self.last_access if state.last_access is None else state.last_access,
            public_floors=self.public_floors if state.public_floors is None else state.public_floors,
        )


def _with_state(item: Any) -> tuple[PortId, bool | None]:
    """Return a stored port with its state; earlier versions stored only ids."""
    return (item, None) if isinstance(item, str) else (_text(item[0]), _state(item[1]))


def _flag(stored: list[bool | None]) -> bool | None:
    return _state(stored[0]) if stored else None


def _of_buttons(directory: Bells) -> Bells:
    """Return the bells of buttons: other ones are not in a directory."""
    bells = {bell.id: bell for bell in directory.bells.values() if bell.button is not None and bell.place is None}
    return Bells(bells, {peer: bell for peer, bell in directory.peers.items() if bell in bells})


def _directory(stored: Mapping[str, Any]) -> Bells:
    bells = {
        _text(bell): Bell(_text(bell), None if name is None else _text(name), int(button))
        for bell, button, name in stored.get("bells", [])
    }
    return Bells(bells, {_text(peer): _text(bell) for peer, bell in stored.get("peers", {}).items()})


def _access(stored: Mapping[str, Any] | None, *, names: bool) -> Access | None:
    if stored is None:
        return None
    texts = {key: _text(stored.get(key)) for key in _ACCESS_TEXTS if names or key != "name"}
    if not isinstance(stored["granted"], bool):
        raise TypeError("a stored access was neither granted nor denied")
    return Access(dt_util.as_utc(datetime.fromisoformat(stored["time"])), stored["granted"], **texts)


def _text[T](value: T) -> T:
    """Return a text, or None."""
    if not isinstance(value, str | None):
        raise TypeError(f"a stored text is a {type(value).__name__}")
    return value


def _state[T](value: T) -> T:
    """Return a state: on, off, or unknown."""
    if not isinstance(value, bool | None):
        raise TypeError(f"a stored state is a {type(value).__name__}")
    return value
