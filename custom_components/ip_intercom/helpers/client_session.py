"""The shared HTTP session: Home Assistant's connector, with TCP keepalive."""

from aiohttp import ClientSession
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.singleton import singleton
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..systems.common.keep_alive import KeepAliveRequest

_SESSION: HassKey[ClientSession] = HassKey(f"{DOMAIN}_session")


@singleton(_SESSION)
@callback
def async_client_session(hass: HomeAssistant) -> ClientSession:
    """Return the session for requests to devices and servers."""
    session = async_create_clientsession(hass, auto_cleanup=False, request_class=KeepAliveRequest)

    @callback
    def detach(_: Event) -> None:
        session.detach()

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, detach)
    return session
