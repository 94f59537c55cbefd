"""Registration of all actions, and the permission check of their calls."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components.camera import DOMAIN as CAMERA_DOMAIN
from homeassistant.components.lock import DOMAIN as LOCK_DOMAIN
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers import config_validation as cv, service
import probatio as vol

from ..const import CONF_SYSTEM, DOMAIN
from ..helpers.errors import request_refused
from ..helpers.permissions import async_may, async_may_open_doors
from ..runtime import IntercomConfigEntry
from ..systems import load_actions
from . import access, calls, directory, displays, maintenance
from .base import Action, Needs
from .files import ATTR_FILENAME, ATTR_OVERWRITE

_ACTIONS = (
    *access.ACTIONS,
    *calls.ACTIONS,
    *directory.ACTIONS,
    *displays.ACTIONS,
    *maintenance.ACTIONS,
)

# The range of a hold time (2N HTTP API 5.4.3); the strictest of the systems.
_HOLD_TIME = vol.All(cv.positive_time_period, vol.Range(min=timedelta(seconds=1), max=timedelta(days=1)))
# Seconds for which the device keeps images (2N HTTP API 5.8.2).
_SECONDS_BACK = vol.All(vol.Coerce(int), vol.Range(min=0, max=30))

# The missing permission in an error.
_POLICIES = {Needs.READ: POLICY_READ, Needs.CONTROL: POLICY_CONTROL, Needs.DOORS: POLICY_CONTROL}


async def async_setup_actions(hass: HomeAssistant) -> None:
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
            vol.Required(ATTR_FILENAME): cv.string,
            vol.Optional(ATTR_OVERWRITE, default=False): cv.boolean,
            vol.Optional("seconds_back", default=0): _SECONDS_BACK,
            vol.Optional("width"): cv.positive_int,
            vol.Optional("height"): cv.positive_int,
        },
        func="async_save_snapshot",
        supports_response=SupportsResponse.OPTIONAL,
    )
    for action in _ACTIONS:
        _async_register(hass, action)
    of_systems: dict[str, tuple[Action, ...]] = await hass.async_add_import_executor_job(load_actions)
    for system, actions in of_systems.items():
        for action in actions:
            _async_register(hass, action, system)


@callback
def _async_register(hass: HomeAssistant, action: Action, system: str | None = None) -> None:
    response = SupportsResponse.ONLY if action.answers_only else SupportsResponse.OPTIONAL
    handler = _handler(hass, action, system)
    hass.services.async_register(DOMAIN, action.name, handler, action.schema, supports_response=response)


def _handler(
    hass: HomeAssistant, action: Action, system: str | None
) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    async def handle(call: ServiceCall) -> ServiceResponse:
        await _async_check_permission(hass, call, action.needs)
        entry: IntercomConfigEntry
        _, entry = service.async_get_device_and_config_entry(hass, DOMAIN, call.data[ATTR_DEVICE_ID])
        if system is not None and entry.data[CONF_SYSTEM] != system:
            raise request_refused(action.lacking, device=entry.runtime_data.coordinator.name)
        response = await action.run(entry.runtime_data, call.data)
        return (response or {}) if call.return_response else None

    return handle


async def _async_check_permission(hass: HomeAssistant, call: ServiceCall, needs: Needs) -> None:
    """Reject users without the permission for an action; automations may call all."""
    if call.context.user_id is None:
        return
    if (user := await hass.auth.async_get_user(call.context.user_id)) is None:
        raise UnknownUser(context=call.context)
    device_id = call.data[ATTR_DEVICE_ID]
    match needs:
        case Needs.READ:
            is_allowed = async_may(hass, user, POLICY_READ, device_id)
        case Needs.CONTROL:
            is_allowed = async_may(hass, user, POLICY_CONTROL, device_id)
        case Needs.DOORS:
            is_allowed = async_may_open_doors(hass, user, device_id)
        case Needs.ADMIN:
            is_allowed = user.is_admin
    if not is_allowed:
        raise Unauthorized(context=call.context, permission=_POLICIES.get(needs))
