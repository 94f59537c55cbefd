"""Users of each kind, what each may do, and data for every action."""

from functools import cache
from pathlib import Path
from typing import Any

from homeassistant.auth.const import GROUP_ID_ADMIN, GROUP_ID_READ_ONLY, GROUP_ID_USER
from homeassistant.auth.models import Group, User
from homeassistant.auth.permissions.models import PermissionLookup
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import device_registry as dr, entity_registry as er
import probatio as vol
import yaml

from custom_components.ip_intercom.const import DOMAIN

READ, CONTROL, ENTITY, DOORS, ADMIN = "read", "control", "the entity itself", "doors", "administrator"

# Whom each action is for. What reads secrets, files, logs of people or settings, or writes them, is for administrators.
NEEDS = {
    **dict.fromkeys(
        (
            "archive_ranges",
            "call_info",
            "call_log_query",
            "contacts_query",
            "services_query",
            "voicemail_query",
        ),
        READ,
    ),
    **dict.fromkeys(
        (
            "answer",
            "assign_device",
            "clear_display",
            "conference_create",
            "conference_delete",
            "conference_from_call",
            "conference_join",
            "conference_update",
            "dial",
            "display_language",
            "hang_up",
            "hold",
            "make_call",
            "mark_delivered",
            "mark_read",
            "resume",
            "ring_doorbell",
            "set_call_mode",
            "show_image",
            "show_message",
            "show_text",
            "show_video",
            "test_audio",
            "transfer",
            "voicemail_update",
        ),
        CONTROL,
    ),
    **dict.fromkeys(("open_door", "snapshot"), ENTITY),
    **dict.fromkeys(
        ("grant_access", "grant_lift_access", "let_guests_in", "recognize_plate", "trigger_automation"), DOORS
    ),
    **dict.fromkeys(
        (
            "access_log_delete",
            "access_log_query",
            "add_temporary_code",
            "archive_download",
            "archive_prepare",
            "call_log_delete",
            "capture_download",
            "capture_live",
            "capture_live_stop",
            "capture_restart",
            "capture_stats",
            "capture_stop",
            "clear_log",
            "conference_invitation",
            "conference_query",
            "device_name",
            "directory_create",
            "directory_delete",
            "directory_get",
            "directory_query",
            "directory_update",
            "discard_firmware",
            "download_config",
            "export_list",
            "factory_reset",
            "get_config",
            "get_door_code",
            "get_holidays",
            "get_mobile_keys",
            "history_picture",
            "history_query",
            "import_list",
            "list_temporary_codes",
            "plate_image",
            "push_token_add",
            "push_token_remove",
            "remove_temporary_code",
            "renew_door_code",
            "scan_card",
            "send_email",
            "set_config",
            "set_holidays",
            "set_mobile_keys",
            "sip_account",
            "sip_accounts",
            "time_zone",
            "upload_config",
            "upload_firmware",
            "voicemail_delete",
            "voicemail_download",
            "watch_add",
            "watch_remove",
            "watches",
        ),
        ADMIN,
    ),
}

# What each kind of user may do with the device.
MAY: dict[str, set[str]] = {
    "nothing": set(),
    "another device": set(),
    "looks": {READ},
    "one light": {READ, CONTROL},
    "the device": {READ, CONTROL, ENTITY, DOORS},
    "user": {READ, CONTROL, ENTITY, DOORS},
    "administrator": {READ, CONTROL, ENTITY, DOORS, ADMIN},
}

# Fields beside the required ones, and values that the schema takes and the device is not harmed by.
FIELDS: dict[str, dict[str, Any]] = {
    "add_temporary_code": {"end": "2020-01-01 00:00:00"},
    "archive_prepare": {"start": "2020-01-01 00:00:00", "end": "2020-01-01 00:00:00"},
    "call_log_delete": {"records": ["0"]},
    "access_log_delete": {"records": ["0"]},
    "capture_live": {"duration": 1},
    "conference_create": {"start": "2020-01-01 00:00:00", "duration": 60},
    "conference_update": {"name": "x"},
    "dial": {"number": "1"},
    "directory_create": {"entries": []},
    "directory_delete": {"uuids": []},
    "directory_get": {"uuids": []},
    "directory_update": {"entries": []},
    "let_guests_in": {"duration": 60},
    "push_token_add": {"kind": "fcm"},
    "push_token_remove": {"kind": "fcm"},
    "set_call_mode": {"mode": "local"},
    "set_config": {"values": {"a": "b"}},
    "set_holidays": {"dates": []},
    "set_mobile_keys": {"location": "x"},
    "sip_accounts": {},
    "voicemail_update": {"read": True},
    "watch_add": {"event": "key"},
}


@cache
def described() -> dict[str, Any]:
    path = Path(__file__).parents[1] / "custom_components" / DOMAIN / "services.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def call_data(action: str, device_id: str) -> dict[str, Any]:
    """Return data that the schema of an action takes."""
    fields = described()[action].get("fields", {})
    required = {name: "x" for name, field in fields.items() if (field or {}).get("required") and name != ATTR_DEVICE_ID}
    return {ATTR_DEVICE_ID: device_id, **required, **FIELDS.get(action, {})}


async def make_user(hass: HomeAssistant, kind: str, *, device: str, light: str, other: str) -> User:
    """Add a user.

    Args:
        hass: Home Assistant.
        kind: One of ``MAY``.
        device: The device that "the device" may control.
        light: The entity that "one light" may control.
        other: The device that "another device" may control.
    """
    groups = {"looks": [GROUP_ID_READ_ONLY], "user": [GROUP_ID_USER], "administrator": [GROUP_ID_ADMIN]}
    whole = {"read": True, "control": True}
    policies: dict[str, dict[str, Any]] = {
        "another device": {"device_ids": {other: whole}},
        "one light": {"entity_ids": {light: whole}},
        "the device": {"device_ids": {device: whole}},
    }
    if kind in policies:
        store: Any = hass.auth._store
        store._perm_lookup = PermissionLookup(er.async_get(hass), dr.async_get(hass))
        store._groups[kind] = Group(kind, {"entities": policies[kind]}, id=kind)
        groups[kind] = [kind]
    await hass.auth.async_create_user("owner")  # the first user owns everything
    return await hass.auth.async_create_user(kind, group_ids=groups.get(kind, []))


async def access_token(hass: HomeAssistant, user: User) -> str:
    """Return an access token of a user."""
    token = await hass.auth.async_create_refresh_token(user, "https://client.test")
    return hass.auth.async_create_access_token(token)


async def is_refused(hass: HomeAssistant, action: str, data: dict[str, Any], user: User) -> bool:
    """Return whether an action is refused to a user; that it fails in another way does not count."""
    try:
        await hass.services.async_call(
            DOMAIN,
            action,
            data,
            blocking=True,
            context=Context(user_id=user.id),
            return_response=described()[action].get("response") is not None
            or action in {"get_door_code", "sip_account"},
        )
    except Unauthorized:
        return True
    except HomeAssistantError, vol.Invalid:
        pass
    return False


async def refused_actions(hass: HomeAssistant, user: User, device_id: str) -> set[str]:
    """Call every action for a device, those of entities left out, and return which are refused to a user."""
    return {
        action
        for action, need in NEEDS.items()
        if need != ENTITY and await is_refused(hass, action, call_data(action, device_id), user)
    }
