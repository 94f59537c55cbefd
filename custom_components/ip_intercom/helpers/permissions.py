"""Permissions of users for a device, derived from Home Assistant's entity permissions."""

from aiohttp import web
from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.components.event import DOMAIN as EVENT_DOMAIN
from homeassistant.components.http import KEY_HASS_USER
from homeassistant.components.image import DOMAIN as IMAGE_DOMAIN
from homeassistant.components.lock import DOMAIN as LOCK_DOMAIN
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.http import current_request

from ..const import DOMAIN


@callback
def async_may(hass: HomeAssistant, user: User, policy: str, device_id: str) -> bool:
    """Return whether a user has a permission for any entity of this integration on a device."""
    if _may_everything(user, policy):
        return True
    entities = er.async_entries_for_device(er.async_get(hass), device_id)
    return any(_may(user, policy, entity) for entity in entities if entity.platform == DOMAIN)


@callback
def async_may_see_visitors(hass: HomeAssistant, user: User, device_id: str) -> bool:
    """Return whether a user may see the visitors at a device: those who may read its image, else its events."""
    if _may_everything(user, POLICY_READ):
        return True
    entities = er.async_entries_for_device(er.async_get(hass), device_id)
    ours = [entity for entity in entities if entity.platform == DOMAIN]
    images = [entity for entity in ours if entity.domain == IMAGE_DOMAIN]
    shown = images or [entity for entity in ours if entity.domain == EVENT_DOMAIN]
    return any(_may(user, POLICY_READ, entity) for entity in shown)


@callback
def async_may_open_doors(hass: HomeAssistant, user: User, device_id: str) -> bool:
    """Return whether a user may control all locks of the entries of a device."""
    if _may_everything(user, POLICY_CONTROL):
        return True
    device, registry = dr.async_get(hass).async_get(device_id), er.async_get(hass)
    locks = [
        entity
        for entry_id in (() if device is None else device.config_entries)
        for entity in er.async_entries_for_config_entry(registry, entry_id)
        if entity.platform == DOMAIN and entity.domain == LOCK_DOMAIN
    ]
    return bool(locks) and all(_may(user, POLICY_CONTROL, lock) for lock in locks)


@callback
def async_current_user() -> User | None:
    """Return the user of the current HTTP or websocket request; None for automations and Home Assistant itself."""
    if (connection := websocket_api.current_connection.get()) is not None:
        return connection.user
    return _http_user()


@callback
def async_may_see_picture(entity_id: str) -> bool:
    """Return whether the user of the current HTTP request may read an entity; True outside a request.

    Home Assistant's own image views only require a login.
    """
    user = _http_user()
    return user is None or user.permissions.check_entity(entity_id, POLICY_READ)


@callback
def async_check_viewer(entity_id: str) -> None:
    """Reject the current HTTP request if its user may not read an entity."""
    if not async_may_see_picture(entity_id):
        raise web.HTTPForbidden


def _http_user() -> User | None:
    request = current_request.get()
    user: User | None = None if request is None else request.get(KEY_HASS_USER)
    return user


def _may_everything(user: User, policy: str) -> bool:
    return user.is_admin or user.permissions.access_all_entities(policy)


def _may(user: User, policy: str, entity: er.RegistryEntry) -> bool:
    return user.permissions.check_entity(entity.entity_id, policy)
