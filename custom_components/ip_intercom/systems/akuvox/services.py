"""Actions that only Akuvox devices have: cards, access log, lists, configuration."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ...entity import require_feature
from ...helpers.errors import request_refused, translated_error
from ...model.functions import Download
from ...runtime import IntercomRuntime
from ...services.access import access_rows
from ...services.base import TEXTS, Action, Data, Fields, Needs
from ...services.calls import ATTR_RECORDS, ONE_OR_ALL, RECORDS_OR_ALL
from ...services.files import ATTR_FILENAME, TARGET, async_save, payload
from .privacy import ACTION_URLS, API_LOGIN, is_secret_key

if TYPE_CHECKING:
    from .client import AkuvoxDevice
    from .client.system import LogKind
    from .records import AkuvoxAccessLog
    from .system import AkuvoxSystem

ATTR_CONFIRMATION = "confirmation"
ATTR_KEYS = "keys"
ATTR_LIMIT = "limit"
ATTR_LIST = "list"
ATTR_LOG = "log"
ATTR_SECTIONS = "sections"
ATTR_VALUES = "values"

type _Import = Callable[[IO[bytes], str, int], Coroutine[Any, Any, None]]


def _kind(name: str) -> LogKind:
    from .client.system import LogKind  # noqa: PLC0415  # the client is imported with the first entry only

    return LogKind[name]


# Formats of contacts; other lists have one format (Api contact export).
_FORMATS = frozenset({"csv", "vcf", "xml"})
# Lists and logs to export, import and clear; the device rejects those that it does not have.
_EXPORTS: Mapping[str, Callable[[AkuvoxDevice, str], Download]] = {
    "users": lambda device, _: device.users.export(),
    "contacts": lambda device, suffix: device.contacts.export(suffix if suffix in _FORMATS else None),
    "keys": lambda device, _: device.private_keys.export(),
    "cards": lambda device, _: device.cards.export(),
    "replacements": lambda device, _: device.replacements.export(),
    "access_log": lambda device, _: device.door_log.export(),
    "call_log": lambda device, _: device.call_log.export(),
    "system_log": lambda device, _: device.log.export(),
    "kernel_log": lambda device, _: device.log.export(_kind("KERNEL")),
    "debug_log": lambda device, _: device.log.export(_kind("DEBUG")),
}
_IMPORTS: Mapping[str, Callable[[AkuvoxDevice], _Import]] = {
    "users": lambda device: device.users.import_,
    "contacts": lambda device: device.contacts.import_,
    "keys": lambda device: device.private_keys.import_,
    "cards": lambda device: device.cards.import_,
    "replacements": lambda device: device.replacements.import_,
}
_CLEARS: Mapping[str, Callable[[AkuvoxDevice], Coroutine[Any, Any, None]]] = {
    "access_log": lambda device: device.door_log.clear(),
    "call_log": lambda device: device.call_log.clear(),
    "system_log": lambda device: device.log.clear(),
    "kernel_log": lambda device: device.log.clear(_kind("KERNEL")),
    "debug_log": lambda device: device.log.clear(_kind("DEBUG")),
}


def _system(runtime: IntercomRuntime) -> AkuvoxSystem:
    return cast("AkuvoxSystem", runtime.coordinator.system)


async def _scan_card(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"card": await runtime.coordinator.async_command(_system(runtime).device.users.scan())}


def _access_log(runtime: IntercomRuntime) -> AkuvoxAccessLog:
    return require_feature(runtime.coordinator, _system(runtime).access_log, "no_access_log")


async def _query(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    records = await runtime.coordinator.async_command(_access_log(runtime).query(data[ATTR_LIMIT]))
    return {"records": access_rows(records)}


async def _delete(runtime: IntercomRuntime, data: Data) -> None:
    _access_log(runtime)
    log = _system(runtime).device.door_log
    for record in data.get(ATTR_RECORDS) or [None]:
        await runtime.coordinator.async_command(log.clear() if record is None else log.delete(record))


def _known(runtime: IntercomRuntime, name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise request_refused("which_list", device=runtime.coordinator.name, lists=", ".join(sorted(known)))
    return name


async def _export(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    export = _EXPORTS[_known(runtime, data[ATTR_LIST], _EXPORTS)]
    suffix = Path(data[ATTR_FILENAME]).suffix.lower().removeprefix(".")
    return await async_save(runtime, export(_system(runtime).device, suffix), data)


async def _import(runtime: IntercomRuntime, data: Data) -> None:
    replace = _IMPORTS[_known(runtime, data[ATTR_LIST], _IMPORTS)](_system(runtime).device)
    async with payload(runtime.coordinator.hass, data[ATTR_FILENAME]) as source:
        await runtime.coordinator.async_command(replace(source.file, source.name, source.size))


async def _clear_log(runtime: IntercomRuntime, data: Data) -> None:
    clear = _CLEARS[_known(runtime, data[ATTR_LOG], _CLEARS)]
    await runtime.coordinator.async_command(clear(_system(runtime).device))
    await runtime.coordinator.async_read_last_call()


async def _get(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    device, keys = _system(runtime).device, data.get(ATTR_KEYS, [])
    values = await runtime.coordinator.async_command(_read(device, keys, data.get(ATTR_SECTIONS, [])))
    return _visible_values(values, keys)


async def _read(device: AkuvoxDevice, keys: Collection[str], sections: Collection[str]) -> Mapping[str, str]:
    """Return values by key or by section, such as ``Config.DoorSetting.RELAY``; all values without any."""
    if not keys and not sections:
        return await device.config.get()
    within = [section.rstrip(".") for section in sections]
    found = await device.config.get(sections=within) if within else {}
    return found | (await device.config.get(items=keys) if keys else {})


async def _set(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    config = _system(runtime).device.config
    wanted = {str(key): value for key, value in data[ATTR_VALUES].items()}
    # Home Assistant manages the Action URLs and uses the API account itself.
    if managed := sorted(key for key in wanted if key.startswith(ACTION_URLS)):
        raise request_refused("config_owned", keys=", ".join(managed))
    account_keys = sorted(key for key in wanted if key.startswith(API_LOGIN))
    name = runtime.coordinator.description.identity.name
    if account_keys and data.get(ATTR_CONFIRMATION) != name:
        raise request_refused("config_confirmation", keys=", ".join(account_keys), name=name)
    current = await runtime.coordinator.async_command(config.get(items=wanted))
    if unknown := sorted(wanted.keys() - current.keys()):
        raise request_refused("config_unknown", device=runtime.coordinator.name, keys=", ".join(unknown))
    # Changes that may lock Home Assistant out come last and are not read back, as that may need another login.
    checked = {key: value for key, value in wanted.items() if key not in account_keys}
    for part in (checked, {key: wanted[key] for key in account_keys}):
        if part:
            await runtime.coordinator.async_command(config.set(part))
    if account_keys:
        return {"values": {}, "hidden": [], "unchecked": [*sorted(wanted)]}
    now = await runtime.coordinator.async_command(config.get(items=wanted))
    if unchanged := sorted(key for key, value in checked.items() if now.get(key) != value):
        raise translated_error(
            HomeAssistantError, "config_not_taken", device=runtime.coordinator.name, keys=", ".join(unchanged)
        )
    return _visible_values(now, ())


def _visible_values(values: Mapping[str, str], named: Iterable[str]) -> JsonObjectType:
    """Return the values, and the keys of the hidden ones."""
    hidden = {key for key in values if is_secret_key(key)} - set(named)
    shown = {key: value for key, value in sorted(values.items()) if key not in hidden}
    return {"values": dict(shown), "hidden": [*sorted(hidden)]}


def _values(value: object) -> dict[str, str]:
    """Validate keys with text, numbers or booleans, converted to text; error messages never contain a value."""
    if not isinstance(value, dict) or not value:
        raise vol.Invalid("expected names and values")
    if not all(isinstance(item, str | int | float) for item in value.values()):
        raise vol.Invalid("expected text or numbers as values")
    return {str(key): str(int(item)) if isinstance(item, bool) else str(item) for key, item in value.items()}


_LIST: Fields = {vol.Required(ATTR_LIST): cv.string}
_LIMIT = vol.All(vol.Coerce(int), vol.Range(min=1, max=1000))

# For administrators only: these return PINs, cards and the accesses of users.
ACTIONS = (
    Action("scan_card", _scan_card, Needs.ADMIN, lacking="no_card_reader"),
    Action(
        "access_log_query",
        _query,
        Needs.ADMIN,
        {vol.Optional(ATTR_LIMIT, default=10): _LIMIT},
        lacking="no_access_log",
    ),
    Action("access_log_delete", _delete, Needs.ADMIN, RECORDS_OR_ALL, rules=ONE_OR_ALL, lacking="no_access_log"),
    Action("export_list", _export, Needs.ADMIN, {**_LIST, **TARGET}, lacking="no_lists"),
    Action("import_list", _import, Needs.ADMIN, {**_LIST, vol.Required(ATTR_FILENAME): cv.string}, lacking="no_lists"),
    Action("clear_log", _clear_log, Needs.ADMIN, {vol.Required(ATTR_LOG): cv.string}, lacking="no_lists"),
    Action(
        "get_config",
        _get,
        Needs.ADMIN,
        {vol.Optional(ATTR_KEYS): TEXTS, vol.Optional(ATTR_SECTIONS): TEXTS},
        lacking="no_configuration",
    ),
    Action(
        "set_config",
        _set,
        Needs.ADMIN,
        {vol.Required(ATTR_VALUES): _values, vol.Optional(ATTR_CONFIRMATION): cv.string},
        lacking="no_configuration",
    ),
)
