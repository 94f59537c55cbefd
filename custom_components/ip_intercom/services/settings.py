"""Settings that automations and administrators change: name, time zone, holidays, Bluetooth keys."""

from typing import cast

from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonArrayType, JsonObjectType
import probatio as vol

from ..entity import require_feature
from ..model.functions import Holidays, MobileAccess, Settings
from ..runtime import IntercomRuntime
from .base import TEXTS, Action, Data, Needs

ATTR_ACCOUNT = "account"
ATTR_AUTOMATIC = "automatic"
ATTR_COMPATIBLE = "compatible"
ATTR_CUSTOM = "custom"
ATTR_DATES = "dates"
ATTR_KEYS = "keys"
ATTR_LOCATION = "location"
ATTR_NAME = "name"
ATTR_SETTINGS = "settings"
ATTR_ZONE = "zone"


def _settings(runtime: IntercomRuntime) -> Settings:
    return require_feature(runtime.coordinator, runtime.coordinator.features.settings, "no_settings")


def _holidays(runtime: IntercomRuntime) -> Holidays:
    return require_feature(runtime.coordinator, runtime.coordinator.features.holidays, "no_settings")


def _mobile_access(runtime: IntercomRuntime) -> MobileAccess:
    return require_feature(runtime.coordinator, runtime.coordinator.features.mobile_access, "no_mobile_access")


async def _device_name(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    settings = _settings(runtime)
    if ATTR_NAME in data:
        await runtime.coordinator.async_command(settings.set_name(data[ATTR_NAME]))
        runtime.coordinator.async_describe_soon()
    return {"name": await runtime.coordinator.async_command(settings.name())}


async def _time_zone(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    settings = require_feature(runtime.coordinator, runtime.coordinator.features.time_zone, "no_settings")
    if data.keys() & {ATTR_ZONE, ATTR_CUSTOM, ATTR_AUTOMATIC}:
        zone, custom = data.get(ATTR_ZONE), data.get(ATTR_CUSTOM)
        await runtime.coordinator.async_command(settings.set_time_zone(zone, custom, data.get(ATTR_AUTOMATIC, False)))
    now = await runtime.coordinator.async_command(settings.time_zone())
    known = await runtime.coordinator.async_command(settings.time_zones())
    return {
        "zone": now.zone,
        "custom": now.custom,
        "automatic": now.automatic,
        "zones": list(known),
    }


async def _sip_accounts(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    settings = _settings(runtime)
    if ATTR_ACCOUNT in data:
        await runtime.coordinator.async_command(settings.set_sip_account(data[ATTR_ACCOUNT], data[ATTR_SETTINGS]))
    accounts = await runtime.coordinator.async_command(settings.sip_accounts())
    return {"accounts": cast(JsonArrayType, [dict(account) for account in accounts])}


async def _get_holidays(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    return {"dates": list(await runtime.coordinator.async_command(_holidays(runtime).holidays()))}


async def _set_holidays(runtime: IntercomRuntime, data: Data) -> None:
    await runtime.coordinator.async_command(_holidays(runtime).set_holidays(data[ATTR_DATES]))


async def _get_mobile_keys(runtime: IntercomRuntime, data: Data) -> JsonObjectType:
    keys = await runtime.coordinator.async_command(_mobile_access(runtime).keys())
    made = [None if time is None else time.isoformat() for time in keys.made]
    return {
        "location": keys.location,
        "keys": len(made),
        "made": cast(JsonArrayType, made),
        "compatible": keys.compatible,
    }


async def _set_mobile_keys(runtime: IntercomRuntime, data: Data) -> None:
    access = _mobile_access(runtime)
    if data.keys() & {ATTR_LOCATION, ATTR_KEYS}:
        await runtime.coordinator.async_command(access.set_keys(data.get(ATTR_LOCATION), data.get(ATTR_KEYS)))
    if ATTR_COMPATIBLE in data:
        await runtime.coordinator.async_command(access.set_compatible(data[ATTR_COMPATIBLE]))


ACTIONS = (
    Action("device_name", _device_name, Needs.ADMIN, {vol.Optional(ATTR_NAME): cv.string}),
    Action(
        "time_zone",
        _time_zone,
        Needs.ADMIN,
        {
            vol.Exclusive(ATTR_ZONE, "zone"): cv.string,
            vol.Exclusive(ATTR_CUSTOM, "zone"): cv.string,
            vol.Exclusive(ATTR_AUTOMATIC, "zone"): cv.boolean,
        },
    ),
    Action(
        "sip_accounts",
        _sip_accounts,
        Needs.ADMIN,
        {vol.Inclusive(ATTR_ACCOUNT, "set"): cv.positive_int, vol.Inclusive(ATTR_SETTINGS, "set"): dict},
    ),
    Action("get_holidays", _get_holidays, Needs.ADMIN),
    Action("set_holidays", _set_holidays, Needs.ADMIN, {vol.Required(ATTR_DATES): TEXTS}),
    Action("get_mobile_keys", _get_mobile_keys, Needs.ADMIN),
    Action(
        "set_mobile_keys",
        _set_mobile_keys,
        Needs.ADMIN,
        {
            vol.Optional(ATTR_LOCATION): cv.string,
            vol.Optional(ATTR_KEYS): TEXTS,
            vol.Optional(ATTR_COMPATIBLE): cv.boolean,
        },
        rules=(cv.has_at_least_one_key(ATTR_LOCATION, ATTR_KEYS, ATTR_COMPATIBLE),),
    ),
)
