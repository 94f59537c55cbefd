"""Actions: calls, doors with a hold time, and the directory."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

from homeassistant.components.lock import DOMAIN as LOCK_DOMAIN
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util.json import JsonObjectType
import probatio as vol

from .call_actions import async_answer, async_dial, async_hang_up
from .const import DOMAIN
from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .directory_actions import async_create, async_delete, async_get, async_query, async_update

ATTR_ENTRIES = "entries"
ATTR_FIELDS = "fields"
ATTR_HOLD_TIME = "hold_time"
ATTR_NUMBER = "number"
ATTR_OVERWRITE = "overwrite"
ATTR_OWNER = "owner"
ATTR_REASON = "reason"
ATTR_SERIES = "series"
ATTR_SESSION = "session"
ATTR_SINCE = "since"
ATTR_USERS = "users"
ATTR_UUIDS = "uuids"

HANG_UP_REASONS = ("normal", "rejected", "busy")

# What the device takes for a hold (2N HTTP API 5.4.3); the strictest of the systems.
_HOLD_TIME = vol.All(cv.positive_time_period, vol.Range(min=timedelta(seconds=1), max=timedelta(days=1)))
_DEVICE: dict[vol.Marker, Any] = {vol.Required(ATTR_DEVICE_ID): cv.string}
_SESSION: dict[vol.Marker, Any] = {vol.Optional(ATTR_SESSION): cv.positive_int}
_FIELDS: dict[vol.Marker, Any] = {vol.Optional(ATTR_FIELDS): [cv.string]}
_TEXTS = vol.All(cv.ensure_list, [cv.string])

type _Action = Callable[[IntercomCoordinator, Mapping[str, Any]], Awaitable[JsonObjectType]]


async def _dial(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return {ATTR_SESSION: await async_dial(coordinator, data.get(ATTR_NUMBER), data.get(ATTR_USERS, []))}


async def _answer(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return {ATTR_SESSION: await async_answer(coordinator, data.get(ATTR_SESSION))}


async def _hang_up(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return {"sessions": list(await async_hang_up(coordinator, data.get(ATTR_SESSION), data.get(ATTR_REASON)))}


async def _directory_query(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return await async_query(coordinator, data.get(ATTR_FIELDS), data[ATTR_SINCE], data.get(ATTR_SERIES))


async def _directory_get(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return await async_get(coordinator, data[ATTR_UUIDS], data.get(ATTR_FIELDS))


async def _directory_create(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return await async_create(coordinator, data[ATTR_ENTRIES], data[ATTR_OVERWRITE])


async def _directory_update(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return await async_update(coordinator, data[ATTR_ENTRIES])


async def _directory_delete(coordinator: IntercomCoordinator, data: Mapping[str, Any]) -> JsonObjectType:
    return await async_delete(coordinator, data.get(ATTR_UUIDS, []), data.get(ATTR_OWNER))


_CALL_ACTIONS: Mapping[str, tuple[_Action, vol.Schema | vol.All[Any]]] = {
    "dial": (
        _dial,
        vol.All(
            vol.Schema(
                {
                    **_DEVICE,
                    vol.Exclusive(ATTR_NUMBER, "callee"): cv.string,
                    vol.Exclusive(ATTR_USERS, "callee"): _TEXTS,
                }
            ),
            cv.has_at_least_one_key(ATTR_NUMBER, ATTR_USERS),
        ),
    ),
    "answer": (_answer, vol.Schema({**_DEVICE, **_SESSION})),
    "hang_up": (_hang_up, vol.Schema({**_DEVICE, **_SESSION, vol.Optional(ATTR_REASON): vol.In(HANG_UP_REASONS)})),
}

# PINs, cards and names pass through these: for administrators.
_DIRECTORY_ACTIONS: Mapping[str, tuple[_Action, vol.Schema | vol.All[Any]]] = {
    "directory_query": (
        _directory_query,
        vol.Schema(
            {
                **_DEVICE,
                **_FIELDS,
                vol.Optional(ATTR_SINCE, default=0): cv.positive_int,
                vol.Optional(ATTR_SERIES): cv.string,
            }
        ),
    ),
    "directory_get": (_directory_get, vol.Schema({**_DEVICE, **_FIELDS, vol.Required(ATTR_UUIDS): _TEXTS})),
    "directory_create": (
        _directory_create,
        vol.Schema(
            {
                **_DEVICE,
                vol.Required(ATTR_ENTRIES): vol.All(cv.ensure_list, [dict]),
                vol.Optional(ATTR_OVERWRITE, default=False): cv.boolean,
            }
        ),
    ),
    "directory_update": (
        _directory_update,
        vol.Schema({**_DEVICE, vol.Required(ATTR_ENTRIES): vol.All(cv.ensure_list, [dict])}),
    ),
    "directory_delete": (
        _directory_delete,
        vol.All(
            vol.Schema(
                {
                    **_DEVICE,
                    vol.Exclusive(ATTR_UUIDS, "entries"): _TEXTS,
                    vol.Exclusive(ATTR_OWNER, "entries"): cv.string,
                }
            ),
            cv.has_at_least_one_key(ATTR_UUIDS, ATTR_OWNER),
        ),
    ),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    service.async_register_platform_entity_service(
        hass,
        DOMAIN,
        "open_door",
        entity_domain=LOCK_DOMAIN,
        schema={vol.Optional(ATTR_HOLD_TIME): _HOLD_TIME},
        func="async_open_door",
        supports_response=SupportsResponse.OPTIONAL,
    )
    for name, (action, schema) in _CALL_ACTIONS.items():
        hass.services.async_register(
            DOMAIN, name, _handler(hass, action), schema, supports_response=SupportsResponse.OPTIONAL
        )
    for name, (action, schema) in _DIRECTORY_ACTIONS.items():
        service.async_register_admin_service(
            hass, DOMAIN, name, _handler(hass, action), schema, supports_response=SupportsResponse.OPTIONAL
        )


def _handler(hass: HomeAssistant, action: _Action) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    async def handle(call: ServiceCall) -> ServiceResponse:
        entry: IntercomConfigEntry
        _, entry = service.async_get_device_and_config_entry(hass, DOMAIN, call.data[ATTR_DEVICE_ID])
        response = await action(entry.runtime_data, call.data)
        return response if call.return_response else None

    return handle
