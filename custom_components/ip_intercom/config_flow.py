"""Adding an intercom: an address and an account, and a sentence for whatever goes wrong."""

from collections.abc import Mapping
import logging
from typing import Any, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    OptionsFlowWithReload,
)
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.device_registry import format_mac
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.helpers.service_info.ssdp import ATTR_UPNP_FRIENDLY_NAME, ATTR_UPNP_SERIAL, SsdpServiceInfo
from homeassistant.util.network import is_ip_address
import probatio as vol
from yarl import URL

from .api.errors import IntercomError, UnsupportedProduct, WrongDevice
from .const import (
    CONF_CONTROLS,
    CONF_FINGERPRINT,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PLAIN_SWITCHES,
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_SHOW_TOUCHES,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_USERNAME,
    CONF_SYSTEM,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DEFAULT_STREAM_PATH,
    DOMAIN,
    SYSTEM_TWO_N,
)
from .coordinator import IntercomConfigEntry
from .exceptions import sentence
from .model import Description
from .systems import two_n

_LOGGER = logging.getLogger(__name__)

SECTION_SECURITY = "security"
SECTION_STREAM = "stream"

_PASSWORD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password"))
_ACCOUNT = {vol.Optional(CONF_USERNAME, default=""): str, vol.Optional(CONF_PASSWORD, default=""): _PASSWORD}
_SECURITY = {
    vol.Required(SECTION_SECURITY): section(
        vol.Schema({vol.Required(CONF_VERIFY_SSL, default=False): bool}), {"collapsed": True}
    )
}
ACCOUNT_SCHEMA = vol.Schema(_ACCOUNT)
CONFIRM_SCHEMA = vol.Schema({**_ACCOUNT, **_SECURITY})
USER_SCHEMA = vol.Schema({vol.Required(CONF_HOST): str, **_ACCOUNT, **_SECURITY})

# Errors of finding a device, which no entity can meet; the others have their key in ``exceptions``.
_FIND_ERRORS: tuple[tuple[type[IntercomError], str], ...] = (
    (UnsupportedProduct, "unsupported_product"),
    (WrongDevice, "not_two_n"),
)


class IntercomConfigFlow(ConfigFlow, domain=DOMAIN):
    """Adds an intercom, and mends the access to it."""

    VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._data: dict[str, Any] = {}
        self._description: Description
        self._discovered_host = ""
        self._placeholders: dict[str, str] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> IntercomOptionsFlow:
        """Return the options flow."""
        return IntercomOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for address and account."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._async_find(user_input[CONF_HOST], user_input)
            if not errors:
                return await self._async_add()
        return self._async_form("user", USER_SCHEMA, user_input or {}, errors)

    @override
    async def async_step_dhcp(self, discovery_info: DhcpServiceInfo) -> ConfigFlowResult:
        """Take a device that asked for an address."""
        return await self._async_discovered(discovery_info.macaddress, discovery_info.ip, discovery_info.hostname)

    @override
    async def async_step_ssdp(self, discovery_info: SsdpServiceInfo) -> ConfigFlowResult:
        """Take a device that announces itself; its serial number there is its MAC address."""
        host = URL(discovery_info.ssdp_location or "").host
        serial = discovery_info.upnp.get(ATTR_UPNP_SERIAL)
        if host is None or not serial:
            return self.async_abort(reason="not_two_n")
        name = discovery_info.upnp.get(ATTR_UPNP_FRIENDLY_NAME) or host
        return await self._async_discovered(serial, host, name)

    async def _async_discovered(self, mac: str, host: str, name: str) -> ConfigFlowResult:
        entry = await self.async_set_unique_id(format_mac(mac))
        if entry is not None:
            self._abort_if_unique_id_configured(updates=_moved(entry, host))
        self._discovered_host = host
        self.context["title_placeholders"] = {"name": name}
        return await self.async_step_discovery_confirm()

    async def async_step_discovery_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the account of a device that was discovered."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._async_find(self._discovered_host, user_input)
            if not errors:
                return await self._async_add()
        self._placeholders |= {"host": self._discovered_host}
        return self._async_form("discovery_confirm", CONFIRM_SCHEMA, user_input or {}, errors)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Begin to ask for the account again."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the account again."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            security = {SECTION_SECURITY: {CONF_VERIFY_SSL: entry.data.get(CONF_VERIFY_SSL, False)}}
            # Whoever answers now has to be whoever was trusted before: the password goes to nobody else.
            pinned = entry.data.get(CONF_FINGERPRINT)
            errors = await self._async_find(entry.data[CONF_URL], user_input | security, pinned)
            if not errors:
                return await self._async_mend(entry)
        known = user_input or {CONF_USERNAME: entry.data.get(CONF_USERNAME, "")}
        return self._async_form("reauth_confirm", ACCOUNT_SCHEMA, known, errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for another address or account; a new certificate is taken as it is."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._async_find(user_input[CONF_HOST], user_input)
            if not errors:
                return await self._async_mend(entry)
        known = user_input or {
            CONF_HOST: entry.data[CONF_URL],
            CONF_USERNAME: entry.data.get(CONF_USERNAME, ""),
            SECTION_SECURITY: {CONF_VERIFY_SSL: entry.data.get(CONF_VERIFY_SSL, False)},
        }
        return self._async_form("reconfigure", USER_SCHEMA, known, errors)

    async def _async_find(
        self, address: str, user_input: Mapping[str, Any], pinned: str | None = None
    ) -> dict[str, str]:
        """Find the device and log in; return the error to show, if there is one."""
        session = async_get_clientsession(self.hass)
        username, password = user_input[CONF_USERNAME], user_input[CONF_PASSWORD]
        verify = user_input[SECTION_SECURITY][CONF_VERIFY_SSL]
        try:
            data, self._description = await two_n.find(session, address, username, password, verify, pinned)
        except ValueError:
            return {CONF_HOST: "invalid_host"}
        except IntercomError as err:
            _LOGGER.debug("No device at the address: %s", err)
            return {"base": self._error(err)}
        self._data = {CONF_SYSTEM: SYSTEM_TWO_N, **data, CONF_CONTROLS: sorted(map(str, self._description.controls))}
        return {}

    def _error(self, err: IntercomError) -> str:
        for kind, key in _FIND_ERRORS:
            if isinstance(err, kind):
                self._placeholders |= {"product": err.product} if isinstance(err, UnsupportedProduct) else {}
                return key
        _, key, placeholders = sentence(err)
        self._placeholders |= placeholders
        return key

    async def _async_add(self) -> ConfigFlowResult:
        identity = self._description.identity
        # Old firmware tells no MAC address: the device may be known by its serial number.
        for name in (*sorted(identity.names - {identity.id}), identity.id):
            await self.async_set_unique_id(name, raise_on_progress=False)
            self._abort_if_unique_id_configured(updates={CONF_URL: self._data[CONF_URL]})
        return self.async_create_entry(title=identity.name, data=self._data)

    async def _async_mend(self, entry: ConfigEntry) -> ConfigFlowResult:
        identity = self._description.identity
        known = entry.unique_id if entry.unique_id in identity.names else identity.id
        await self.async_set_unique_id(known, raise_on_progress=False)
        self._abort_if_unique_id_mismatch()
        return self.async_update_reload_and_abort(entry, data=self._data)

    @callback
    def _async_form(
        self, step: str, schema: vol.Schema, known: Mapping[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        shown = {key: value for key, value in known.items() if key != CONF_PASSWORD}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            # Every text may use every placeholder: the device decides which error it is.
            description_placeholders={"service": "", "privilege": "", "product": "", "reason": ""} | self._placeholders,
        )


def _moved(entry: ConfigEntry, host: str) -> dict[str, Any] | None:
    """Return the data of a device that was seen at another address; scheme and port stay as they were found.

    A host name is the user's choice, a verified certificate belongs to it, and a device that answers
    where it is has not moved, whoever says so.
    """
    url = URL(entry.data[CONF_URL])
    by_name = url.host is None or not is_ip_address(url.host)
    if by_name or entry.data.get(CONF_VERIFY_SSL) or _is_connected(entry):
        return None
    return {CONF_URL: str(url.with_host(host))}


def _is_connected(entry: ConfigEntry) -> bool:
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.last_update_success is True


class IntercomOptionsFlow(OptionsFlowWithReload):
    """What is a door, what is shown of people, and the account of the video stream."""

    config_entry: IntercomConfigEntry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for everything on one page."""
        if user_input is not None:
            stream = user_input.pop(SECTION_STREAM)
            if not stream[CONF_STREAM_PASSWORD] and stream[CONF_STREAM_USERNAME]:
                stream[CONF_STREAM_PASSWORD] = self.config_entry.options.get(CONF_STREAM_PASSWORD, "")
            return self.async_create_entry(data=user_input | stream)
        options = self.config_entry.options
        stream = {key: options[key] for key in _STREAM_FIELDS if key in options and key != CONF_STREAM_PASSWORD}
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(self._schema(), {**options, SECTION_STREAM: stream}),
        )

    def _schema(self) -> vol.Schema:
        plain = self.config_entry.options.get(CONF_PLAIN_SWITCHES, [])
        coordinator = getattr(self.config_entry, "runtime_data", None)
        doors = sorted({*plain, *(coordinator.data.doors if coordinator is not None else ())})
        return vol.Schema(
            {
                vol.Optional(CONF_PLAIN_SWITCHES, default=[]): SelectSelector(
                    SelectSelectorConfig(
                        options=[SelectOptionDict(value=door, label=f"Switch {door}") for door in doors], multiple=True
                    )
                ),
                vol.Required(CONF_SHOW_NAMES, default=True): bool,
                vol.Required(CONF_SHOW_CARDS, default=False): bool,
                vol.Required(CONF_SHOW_TOUCHES, default=False): bool,
                vol.Required(SECTION_STREAM): section(
                    vol.Schema(
                        {
                            vol.Optional(CONF_STREAM_USERNAME, default=""): str,
                            vol.Optional(CONF_STREAM_PASSWORD, default=""): _PASSWORD,
                            vol.Optional(CONF_STREAM_PATH, default=DEFAULT_STREAM_PATH): str,
                        }
                    ),
                    {"collapsed": True},
                ),
            }
        )


_STREAM_FIELDS = (CONF_STREAM_USERNAME, CONF_STREAM_PASSWORD, CONF_STREAM_PATH)
