"""The actions: tables of what they are, one module for each field."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.camera import DOMAIN as CAMERA_DOMAIN
from homeassistant.components.lock import DOMAIN as LOCK_DOMAIN
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv, entity_registry as er, service
import probatio as vol

from ..const import DOMAIN
from ..coordinator import IntercomConfigEntry
from . import (
    access,
    archive,
    call_control,
    calls,
    capture,
    codes,
    conferences,
    configuration,
    directory,
    displays,
    firmware,
    flats,
    lists,
    logs,
    maintenance,
    messages,
    phone_book,
    push_tokens,
    settings,
    signals,
    voicemails,
)
from .action import Action

_ACTIONS = (
    *access.ACTIONS,
    *archive.ACTIONS,
    *call_control.ACTIONS,
    *calls.ACTIONS,
    *capture.ACTIONS,
    *codes.ACTIONS,
    *conferences.ACTIONS,
    *configuration.ACTIONS,
    *directory.ACTIONS,
    *displays.ACTIONS,
    *firmware.ACTIONS,
    *flats.ACTIONS,
    *lists.ACTIONS,
    *logs.ACTIONS,
    *maintenance.ACTIONS,
    *messages.ACTIONS,
    *phone_book.ACTIONS,
    *push_tokens.ACTIONS,
    *settings.ACTIONS,
    *signals.ACTIONS,
    *voicemails.ACTIONS,
)

# What the device takes for a hold (2N HTTP API 5.4.3); the strictest of the systems.
_HOLD_TIME = vol.All(cv.positive_time_period, vol.Range(min=timedelta(seconds=1), max=timedelta(days=1)))
# How far back the device remembers pictures (2N HTTP API 5.8.2).
_SECONDS_BACK = vol.All(vol.Coerce(int), vol.Range(min=0, max=30))


@callback
def async_setup_actions(hass: HomeAssistant) -> None:
    """Register the actions."""
    service.async_register_platform_entity_service(
        hass,
        DOMAIN,
        "open_door",
        entity_domain=LOCK_DOMAIN,
        schema={vol.Optional("hold_time"): _HOLD_TIME},
        func="async_open_door",
        supports_response=SupportsResponse.OPTIONAL,
    )
    service.async_register_platform_entity_service(
        hass,
        DOMAIN,
        "snapshot",
        entity_domain=CAMERA_DOMAIN,
        schema={
            vol.Required("filename"): cv.string,
            vol.Optional("seconds_back", default=0): _SECONDS_BACK,
            vol.Optional("width"): cv.positive_int,
            vol.Optional("height"): cv.positive_int,
        },
        func="async_save_snapshot",
        supports_response=SupportsResponse.OPTIONAL,
    )
    for action in _ACTIONS:
        handler = _handler(hass, action)
        response = SupportsResponse.ONLY if action.answers_only else SupportsResponse.OPTIONAL
        if action.admin:
            service.async_register_admin_service(
                hass, DOMAIN, action.name, handler, action.schema, supports_response=response
            )
        else:
            hass.services.async_register(DOMAIN, action.name, handler, action.schema, supports_response=response)


def _handler(hass: HomeAssistant, action: Action) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    async def handle(call: ServiceCall) -> ServiceResponse:
        entry: IntercomConfigEntry
        _, entry = service.async_get_device_and_config_entry(hass, DOMAIN, call.data[ATTR_DEVICE_ID])
        if action.opens:
            await _async_check_may_open(hass, call, entry)
        response = await action.run(entry.runtime_data, call.data)
        return (response or {}) if call.return_response else None

    return handle


async def _async_check_may_open(hass: HomeAssistant, call: ServiceCall, entry: IntercomConfigEntry) -> None:
    """Refuse who could not open the doors of the device by their locks either; automations may.

    Raises:
        Unauthorized: The user may not control every lock of the device.
    """
    if call.context.user_id is None:
        return
    if (user := await hass.auth.async_get_user(call.context.user_id)) is None:
        raise UnknownUser(context=call.context, permission=POLICY_CONTROL)
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    locks = [entity.entity_id for entity in entities if entity.domain == LOCK_DOMAIN]
    may = locks and all(user.permissions.check_entity(lock, POLICY_CONTROL) for lock in locks)
    if not (user.is_admin or may):
        raise Unauthorized(context=call.context, permission=POLICY_CONTROL)
