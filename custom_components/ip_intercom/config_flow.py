"""Config flow: setup, discovery, reauth, and reconfiguration."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, override

from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryState, ConfigFlowResult
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.device_registry import format_mac
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.helpers.service_info.ssdp import ATTR_UPNP_FRIENDLY_NAME, ATTR_UPNP_SERIAL, SsdpServiceInfo
import probatio as vol
from yarl import URL

from .const import (
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_SYSTEM,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DOMAIN,
    SYSTEM_MX_PROXY,
    SYSTEM_SMARTYARD,
)
from .flows.base import CREDENTIALS, SECTION_SECURITY
from .flows.options import PASSWORD_FIELD, IntercomOptionsFlow
from .flows.phone import PhoneLoginFlow
from .helpers.connection import async_client_session
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.loading import async_load_systems
from .systems import candidates_of, needs_recognition, recognized
from .systems.common.adapter import announced_address, announced_name, is_device_id

_SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_ACCOUNT = {vol.Optional(CONF_USERNAME, default=""): str, vol.Optional(CONF_PASSWORD, default=""): PASSWORD_FIELD}
_EXTENSION_ACCOUNT = {
    vol.Required(CONF_CLIENT_ID): str,
    vol.Required(CONF_CLIENT_SECRET): _SECRET,
    vol.Required(CONF_USERNAME): str,
    vol.Required(CONF_PASSWORD): PASSWORD_FIELD,
}
_SECURITY = {
    vol.Required(SECTION_SECURITY): section(
        vol.Schema({vol.Required(CONF_VERIFY_SSL, default=False): bool}), {"collapsed": True}
    )
}

ACCOUNT_SCHEMA = vol.Schema(_ACCOUNT)
CONFIRM_SCHEMA = vol.Schema({**_ACCOUNT, **_SECURITY})
DEVICE_SCHEMA = vol.Schema({vol.Required(CONF_HOST): str, **_ACCOUNT, **_SECURITY})
EXTENSION_ACCOUNT_SCHEMA = vol.Schema(_EXTENSION_ACCOUNT)
EXTENSION_SCHEMA = vol.Schema({vol.Required(CONF_HOST): str, **_EXTENSION_ACCOUNT, **_SECURITY})

# Errors of rejected credentials that the reauth form shows.
_REJECTIONS = frozenset(
    {"app_refused", "exchange_refused", "invalid_auth", "login_refused", "not_provisioned", "person_refused"}
)


class IntercomConfigFlow(PhoneLoginFlow, domain=DOMAIN):
    """Config flow of intercoms, extensions, and accounts."""

    VERSION = 1

    def __init__(self) -> None:
        super().__init__()
        self._discovered_host = ""
        # The address with the port of its description, if that is not the default one.
        self._described_at: str | None = None

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: IntercomConfigEntry) -> IntercomOptionsFlow:
        """Return the options flow."""
        return IntercomOptionsFlow()

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the kind of system, each of which has its own login."""
        return self.async_show_menu(step_id="user", menu_options=["device", "mx_proxy", "smartyard"])

    async def async_step_device(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address and credentials of an intercom."""
        return await self._async_new("device", DEVICE_SCHEMA, user_input)

    async def async_step_mx_proxy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address, app, and credentials of an extension."""
        self._system = SYSTEM_MX_PROXY
        return await self._async_new("mx_proxy", EXTENSION_SCHEMA, user_input)

    async def _async_new(self, step: str, schema: vol.Schema, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._async_find(user_input[CONF_HOST], user_input)
            if not errors:
                return await self._async_add()
        return self._async_form(step, schema, user_input or {}, errors)

    @override
    async def async_step_dhcp(self, discovery_info: DhcpServiceInfo) -> ConfigFlowResult:
        """Handle a device discovered by DHCP, after checking that it is an intercom."""
        mac, url = discovery_info.macaddress, announced_address(discovery_info.ip)
        if url is None or not is_device_id(mac):
            return self.async_abort(reason="wrong_device")
        if needs_recognition(mac):
            await async_load_systems(self.hass, *candidates_of())
            self._system = await recognized(async_client_session(self.hass), url.authority, mac)
            if self._system is None:
                return self.async_abort(reason="wrong_device")
        return await self._async_discovered(mac, url, url.authority, discovery_info.hostname)

    @override
    async def async_step_ssdp(self, discovery_info: SsdpServiceInfo) -> ConfigFlowResult:
        """Handle a device discovered by SSDP; the serial number there is its MAC address."""
        url, serial = announced_address(discovery_info.ssdp_location), discovery_info.upnp.get(ATTR_UPNP_SERIAL)
        if url is None or not is_device_id(serial):
            return self.async_abort(reason="wrong_device")
        # The port is that of the description, and only possibly that of the API.
        self._described_at = None if url.is_default_port() else url.authority
        return await self._async_discovered(
            serial, url, url.host_subcomponent or "", discovery_info.upnp.get(ATTR_UPNP_FRIENDLY_NAME)
        )

    async def _async_discovered(self, mac: str, url: URL, address: str, name: object) -> ConfigFlowResult:
        entry = await self.async_set_unique_id(format_mac(mac))
        if entry is not None:
            self._abort_if_unique_id_configured(updates=_new_address(entry, url))
        self._discovered_host = address
        self.context["title_placeholders"] = {"name": announced_name(name) or address}
        return await self.async_step_discovery_confirm()

    async def async_step_discovery_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the credentials of a discovered device."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._async_find(self._discovered_host, user_input)
            if errors == {"base": "cannot_connect"} and self._described_at is not None:
                errors = await self._async_find(self._described_at, user_input)
            if not errors:
                return await self._async_add()
        self._placeholders |= {"host": self._discovered_host}
        return self._async_form("discovery_confirm", CONFIRM_SCHEMA, user_input or {}, errors)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Start reauth."""
        if entry_data[CONF_SYSTEM] == SYSTEM_MX_PROXY:
            return await self.async_step_reauth_mx_proxy()
        if entry_data[CONF_SYSTEM] == SYSTEM_SMARTYARD:
            return await self.async_step_reauth_smartyard()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for new credentials."""
        return await self._async_reauth("reauth_confirm", ACCOUNT_SCHEMA, user_input)

    async def async_step_reauth_mx_proxy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new app and new credentials, and show which are rejected."""
        return await self._async_reauth("reauth_mx_proxy", EXTENSION_ACCOUNT_SCHEMA, user_input)

    async def _async_reauth(self, step: str, schema: vol.Schema, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        entry = self._get_reauth_entry()
        if user_input is None:
            self._placeholders |= {"device": entry.title}
            return self._async_form(step, schema, _account_of(entry), _rejection(entry))
        security = {SECTION_SECURITY: {CONF_VERIFY_SSL: entry.data.get(CONF_VERIFY_SSL, False)}}
        self._system = entry.data[CONF_SYSTEM]
        # Only the pinned device may receive the password.
        errors = await self._async_find(entry.data[CONF_URL], user_input | security, self._pinned(entry))
        if not errors:
            return await self._async_save_result(entry)
        return await self._async_retry(step, schema, user_input, errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new address or new credentials; a changed certificate needs a confirmation."""
        system = self._get_reconfigure_entry().data[CONF_SYSTEM]
        if system == SYSTEM_MX_PROXY:
            return await self.async_step_reconfigure_mx_proxy()
        if system == SYSTEM_SMARTYARD:
            return await self.async_step_reconfigure_smartyard()
        return await self._async_reconfigure("reconfigure", DEVICE_SCHEMA, user_input)

    async def async_step_reconfigure_mx_proxy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new address, app, or credentials of an extension."""
        return await self._async_reconfigure("reconfigure_mx_proxy", EXTENSION_SCHEMA, user_input)

    async def _async_reconfigure(
        self, step: str, schema: vol.Schema, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            self._system = entry.data[CONF_SYSTEM]
            errors = await self._async_find(
                user_input[CONF_HOST], user_input, self._required_certificate(entry, user_input)
            )
            if not errors:
                return await self._async_save_result(entry)
            return await self._async_retry(step, schema, user_input, errors)
        known = {
            CONF_HOST: entry.data[CONF_URL],
            SECTION_SECURITY: {CONF_VERIFY_SSL: entry.data.get(CONF_VERIFY_SSL, False)},
            **_account_of(entry),
        }
        return self._async_form(step, schema, known, {})


def _account_of(entry: IntercomConfigEntry) -> dict[str, Any]:
    """Return the credentials of an entry."""
    return {key: entry.data[key] for key in CREDENTIALS if key in entry.data}


def _rejection(entry: IntercomConfigEntry) -> dict[str, str]:
    """Return the reason for rejected credentials of an entry, as an error of the reauth form."""
    runtime: IntercomRuntime | None = getattr(entry, "runtime_data", None)
    err = None if runtime is None else runtime.coordinator.last_exception
    key = entry.error_reason_translation_key if runtime is None else getattr(err, "translation_key", None)
    return {"base": key} if key in _REJECTIONS else {}


def _new_address(entry: IntercomConfigEntry, found: URL) -> dict[str, Any] | None:
    """Return the changed data of a device that was discovered at a new address; scheme and port stay.

    None if the address must not change: the user entered a host name, or an address of the other version of IP, the
    certificate is verified, the device still responds at its old address, or the entry is ignored.
    """
    if entry.source == SOURCE_IGNORE:
        return None
    url = URL(entry.data[CONF_URL])
    if not _is_same_kind(url.host or "", found.host or "") or entry.data.get(CONF_VERIFY_SSL) or _is_connected(entry):
        return None
    return {CONF_URL: str(url.with_host(found.host or ""))}


def _is_same_kind(host: str, found: str) -> bool:
    """Return whether both are IP addresses of the same version."""
    try:
        return ip_address(host).version == ip_address(found).version
    except ValueError:
        return False


def _is_connected(entry: IntercomConfigEntry) -> bool:
    return entry.state is ConfigEntryState.LOADED and entry.runtime_data.coordinator.last_update_success is True
