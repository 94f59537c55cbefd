"""The door card and the ring pop-up: their JavaScript module, which every page loads, and websocket commands."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.components.http import StaticPathConfig
from homeassistant.components.http.auth import async_sign_path
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
import probatio as vol

from ..const import DOMAIN
from ..media.views import async_bell_name, async_may_see_any, async_near, async_runtime_of, async_visible, visitor_path
from ..model.visitors import Visitor
from ..runtime.visitor_store import VISITORS_CHANGED

FOLDER = Path(__file__).parents[1] / "frontend"
_MODULE = "ip-intercom.js"

ATTR_LIMIT = "limit"
_MOST = 100
# The URLs of a subscription are renewed with the daily check of the store, before they expire.
_SIGNED_FOR = timedelta(days=2)
_RENEWED_AFTER = timedelta(hours=20)

_FIELDS: dict[str | vol.Marker, Any] = {
    vol.Optional(ATTR_DEVICE_ID): cv.string,
    vol.Optional(ATTR_ENTITY_ID): cv.entity_id,
    vol.Optional(ATTR_LIMIT, default=10): vol.All(int, vol.Range(min=1, max=_MOST)),
}


@dataclass(slots=True)
class _Module:
    url: str
    is_loaded: bool = False


_KEY: HassKey[_Module] = HassKey(f"{DOMAIN}_frontend")


def _hash_files() -> str:
    """Return a hash of the names and contents of all files, which browsers keep for a month."""
    content = sha256()
    for path in sorted(FOLDER.glob("*.js")):
        content.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return content.hexdigest()[:12]


async def async_serve_module(hass: HomeAssistant) -> None:
    """Serve the files below an address that changes with their content; they contain nothing secret."""
    address = f"/{DOMAIN}/{await hass.async_add_executor_job(_hash_files)}"
    await hass.http.async_register_static_paths([StaticPathConfig(address, str(FOLDER))])
    hass.data[_KEY] = _Module(f"{address}/{_MODULE}")


@callback
def async_load_module(hass: HomeAssistant) -> None:
    """Make all pages load the module, if Home Assistant has a frontend; open pages load it at once."""
    module = hass.data[_KEY]
    if module.is_loaded or "frontend" not in hass.config.components:
        return
    from homeassistant.components.frontend import add_extra_js_url  # noqa: PLC0415  # needs libraries of its own

    add_extra_js_url(hass, module.url)
    module.is_loaded = True


@callback
def async_unload_module(hass: HomeAssistant) -> None:
    """Make pages no longer load the module; those that are open keep it, without entities."""
    module = hass.data.get(_KEY)
    if module is None or not module.is_loaded:
        return
    from homeassistant.components.frontend import remove_extra_js_url  # noqa: PLC0415  # see above

    remove_extra_js_url(hass, module.url)
    module.is_loaded = False


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, ws_visitors)
    websocket_api.async_register_command(hass, ws_subscribe_visitors)


@dataclass(slots=True)
class _Query:
    """A request for the last visitors of a device; its URLs stay the same for some hours, so that browsers cache them."""

    hass: HomeAssistant
    connection: websocket_api.ActiveConnection
    device_id: str
    limit: int
    _signed: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    @callback
    def async_result(self) -> dict[str, Any] | None:
        """Return the response; None while the entry is not loaded."""
        if (runtime := async_runtime_of(self.hass, self.device_id)) is None:
            return None
        user = self.connection.user
        if not async_may_see_any(runtime, user, self.device_id):
            raise Unauthorized(permission=POLICY_READ)
        visits = [visitor for visitor in async_visible(runtime, user) if visitor.is_visit]
        shown = async_near(runtime, visits, self.device_id)[: self.limit]
        entry_id = runtime.coordinator.config_entry.entry_id
        return {
            "visitors": [
                {
                    "id": visitor.id,
                    "time": visitor.time.isoformat(),
                    "bell": async_bell_name(runtime, visitor),
                    "outcome": visitor.outcome,
                    "late": visitor.late,
                    "picture": self._picture(entry_id, visitor),
                }
                for visitor in shown
            ]
        }

    def _picture(self, entry_id: str, visitor: Visitor) -> str | None:
        if visitor.taken is None:
            return None
        now = dt_util.utcnow()
        signed_at, url = self._signed.get(visitor.id, (datetime.min, ""))
        if not url or now - signed_at > _RENEWED_AFTER:
            token, path = self.connection.refresh_token_id, visitor_path(entry_id, visitor.id)
            url = async_sign_path(self.hass, path, _SIGNED_FOR, refresh_token_id=token)
            self._signed[visitor.id] = now, url
        return url


@callback
def _async_query(
    hass: HomeAssistant, connection: websocket_api.ActiveConnection, msg: dict[str, Any]
) -> tuple[_Query, dict[str, Any]] | None:
    """Return a query and its first result; None after an error message."""
    device_id: str | None = msg.get(ATTR_DEVICE_ID)
    if ATTR_ENTITY_ID in msg and (entity := er.async_get(hass).async_get(msg[ATTR_ENTITY_ID])) is not None:
        device_id = entity.device_id
    query = _Query(hass, connection, device_id or "", msg[ATTR_LIMIT])
    if (result := query.async_result()) is None:
        connection.send_error(msg["id"], websocket_api.ERR_NOT_FOUND, "No loaded intercom has this device or entity")
        return None
    return query, result


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/visitors", **_FIELDS})
@callback
def ws_visitors(hass: HomeAssistant, connection: websocket_api.ActiveConnection, msg: dict[str, Any]) -> None:
    """Return the last visitors of a device, newest first."""
    if (found := _async_query(hass, connection, msg)) is not None:
        connection.send_result(msg["id"], found[1])


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/visitors/subscribe", **_FIELDS})
@callback
def ws_subscribe_visitors(hass: HomeAssistant, connection: websocket_api.ActiveConnection, msg: dict[str, Any]) -> None:
    """Send the last visitors of a device now and after each change."""
    if (found := _async_query(hass, connection, msg)) is None:
        return
    query, sent = found

    @callback
    def send() -> None:
        nonlocal sent
        try:
            result = query.async_result()
        except Unauthorized:
            result = {"visitors": []}  # the permission was revoked
        if result is not None and result != sent:
            sent = result
            connection.send_message(websocket_api.event_message(msg["id"], result))

    @callback
    def changed(entry_id: str) -> None:
        runtime = async_runtime_of(hass, query.device_id)
        if runtime is not None and runtime.coordinator.config_entry.entry_id == entry_id:
            send()

    connection.subscriptions[msg["id"]] = async_dispatcher_connect(hass, VISITORS_CHANGED, changed)
    connection.send_result(msg["id"])
    connection.send_message(websocket_api.event_message(msg["id"], sent))
