"""Common parts of all config flows: finding a device, errors, certificates, the entry, and replaced units."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
import logging
from typing import Any

from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import device_registry as dr, entity_registry as er
import probatio as vol

from ..const import (
    CONF_BUTTON_NUMBERS,
    CONF_CLIENT_ID,
    CONF_CLIENT_SECRET,
    CONF_CONTROLS,
    CONF_FINGERPRINT,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PUSH_ORIGINALS,
    CONF_PUSH_TOKEN,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
    DOMAIN,
)
from ..helpers.connection import async_client_session, fingerprint_text
from ..helpers.errors import translation_for
from ..model.features import System
from ..model.parts import Identity
from ..model.state import Description
from ..runtime import IntercomConfigEntry
from ..runtime.call_buttons import async_recheck_button_numbers
from ..runtime.cursor_store import CursorStore
from ..runtime.door_commands import hold_store
from ..runtime.loading import async_hand_over, async_load_systems
from ..runtime.temporary_codes import async_resend_codes
from ..systems import candidates_of, find_system, spec_of
from ..systems.common.adapter import Found
from ..systems.common.errors import CertificateChanged, IntercomError, NoIdentity, UnsupportedProduct, WrongDevice

_LOGGER = logging.getLogger(__name__)

SECTION_SECURITY = "security"

# Fields with credentials, and those that forms never show again.
CREDENTIALS = (CONF_CLIENT_ID, CONF_CLIENT_SECRET, CONF_USERNAME, CONF_PASSWORD)
_SECRETS = frozenset({CONF_CLIENT_SECRET, CONF_PASSWORD})

# Errors that only occur while finding a device; the others have keys in ``exceptions``.
_FIND_ERRORS: tuple[tuple[type[IntercomError], str], ...] = (
    (NoIdentity, "no_identity"),
    (UnsupportedProduct, "unsupported_product"),
    (WrongDevice, "wrong_device"),
)

_PLACEHOLDERS = (
    "address",
    "device",
    "function",
    "new",
    "numbers",
    "old",
    "phone",
    "privilege",
    "product",
    "reason",
    "service",
)


class SystemFlow(ConfigFlow):
    """Config flow that finds a system, and creates or updates its entry."""

    def __init__(self) -> None:
        self._data: dict[str, Any] = {}
        self._description: Description
        self._found: System | None = None
        self._system: str | None = None
        self._placeholders: dict[str, str] = {}
        self._changed: CertificateChanged | None = None
        # SHA-256 of a new certificate that the user has confirmed.
        self._confirmed: str | None = None
        self._entry_certificate: str | None = None
        self._replaced: IntercomConfigEntry
        self._interrupted: tuple[str, dict[str, Any]]

    async def _async_find(
        self, address: str, user_input: Mapping[str, Any], pinned: str | None = None
    ) -> dict[str, str]:
        """Find the device and log in; return the errors of the form."""
        self._placeholders |= {"device": self._device_name(address)}
        await async_load_systems(self.hass, *candidates_of(self._system))
        session = async_client_session(self.hass)
        account = {key: user_input[key] for key in CREDENTIALS if key in user_input}
        verify = user_input[SECTION_SECURITY][CONF_VERIFY_SSL]
        try:
            found = await find_system(session, address, account, verify, pinned=pinned, system=self._system)
        except ValueError:
            return {CONF_HOST: "invalid_host"}
        except IntercomError as err:
            return self._errors(err)
        await self._async_take(found)
        return {}

    async def _async_take(self, found: Found) -> None:
        """Take a device that was found; only a new entry continues with its system."""
        self._description = found.description
        self._data = {**found.data, CONF_CONTROLS: sorted(map(str, found.description.controls))}
        self._found = found.system
        if self.source in {SOURCE_REAUTH, SOURCE_RECONFIGURE}:
            await self._async_discard()

    async def _async_discard(self) -> None:
        """Close the system that was found."""
        system, self._found = self._found, None
        if system is not None:
            await system.close()

    def _device_name(self, address: str) -> str:
        """Return the name of the device in errors: the title of the entry during reauth, else the address."""
        return self._get_reauth_entry().title if self.source == SOURCE_REAUTH else address

    def _errors(self, err: IntercomError, key: str | None = None) -> dict[str, str]:
        """Return an error as errors of a form; ``key`` overrides its translation key."""
        _LOGGER.debug("No supported device at the address: %s", err)
        self._changed = err if isinstance(err, CertificateChanged) else None
        return {"base": key or self._error(err)}

    def _error(self, err: IntercomError) -> str:
        for kind, key in _FIND_ERRORS:
            if isinstance(err, kind):
                self._placeholders |= {"product": err.product} if isinstance(err, UnsupportedProduct) else {}
                return key
        _, key, placeholders = translation_for(err)
        self._placeholders |= placeholders
        return key

    async def _async_add(self) -> ConfigFlowResult:
        identity = self._description.identity
        # Old firmware reports no MAC address: the device may be configured by its serial number.
        try:
            for name in (*sorted(identity.names - {identity.id}), identity.id):
                await self.async_set_unique_id(name, raise_on_progress=False)
                self._abort_if_unique_id_configured()
        except AbortFlow:
            await self._async_discard()
            raise
        if self._found is not None:
            async_hand_over(self.hass, identity.id, self._found)
        return self.async_create_entry(title=identity.name, data=self._data)

    async def _async_save_result(self, entry: IntercomConfigEntry) -> ConfigFlowResult:
        identity = self._description.identity
        if entry.unique_id not in identity.names and spec_of(entry.data).replaceable:
            return await self._async_replace(entry)
        known = entry.unique_id if entry.unique_id in identity.names else identity.id
        await self.async_set_unique_id(known, raise_on_progress=False)
        self._abort_if_unique_id_mismatch()
        # Keep what was written to the device, so that it can be removed later.
        written = (CONF_BUTTON_NUMBERS, CONF_PUSH_TOKEN, CONF_PUSH_ORIGINALS)
        kept = {key: entry.data[key] for key in written if key in entry.data}
        return self.async_update_reload_and_abort(entry, data=self._data | kept)

    async def _async_replace(self, entry: IntercomConfigEntry) -> ConfigFlowResult:
        """Ask whether the unit that responds replaces the previous one."""
        identity = self._description.identity
        for name in identity.names:
            await self.async_set_unique_id(name, raise_on_progress=False)
            self._abort_if_unique_id_configured(error="replacement_configured")
        self._replaced = entry
        self._placeholders |= {
            "device": entry.title,
            "old": entry.unique_id or "",
            "new": identity.id,
            "product": identity.model or identity.manufacturer,
        }
        return self._async_form("replace", vol.Schema({}), {}, {})

    async def async_step_replace(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Move devices and entities of the old unit to the new one."""
        if user_input is None:
            return self._async_form("replace", vol.Schema({}), {}, {})
        entry, identity = self._replaced, self._description.identity
        await _async_replace_unit(self.hass, entry, identity)
        # The original push settings are those of the old unit.
        kept = {key: entry.data[key] for key in (CONF_BUTTON_NUMBERS, CONF_PUSH_TOKEN) if key in entry.data}
        return self.async_update_reload_and_abort(entry, unique_id=identity.id, data=self._data | kept)

    def _pinned(self, entry: IntercomConfigEntry) -> str | None:
        """Return the certificate to require: the one confirmed in this flow, else that of the entry."""
        self._entry_certificate = entry.data.get(CONF_FINGERPRINT)
        return self._confirmed or self._entry_certificate

    def _required_certificate(self, entry: IntercomConfigEntry, user_input: Mapping[str, Any]) -> str | None:
        """Return the certificate to require at an entered address; None for http, or if certificates are verified."""
        plain = user_input[CONF_HOST].strip().lower().startswith("http:")
        return None if plain or user_input[SECTION_SECURITY][CONF_VERIFY_SSL] else self._pinned(entry)

    async def _async_retry(
        self, step: str, schema: vol.Schema, user_input: dict[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Show a step again with its errors, or the changed certificate if that is the only problem."""
        if self._changed is None:
            return self._async_form(step, schema, user_input, errors)
        self._interrupted = step, user_input
        if self._confirmed is not None and self._changed.shown.hex() == self._entry_certificate:
            self._confirmed, self._changed = (
                None,
                None,
            )  # the device of the entry responds again, with its own certificate
            return await self._async_repeat()
        self._placeholders |= {
            "old": fingerprint_text(self._changed.pinned),
            "new": fingerprint_text(self._changed.shown),
        }
        return self._async_form("certificate", vol.Schema({}), {}, {})

    async def async_step_certificate(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Accept the new certificate, and repeat the interrupted step."""
        if user_input is None or self._changed is None:
            return self._async_form("certificate", vol.Schema({}), {}, {})
        self._confirmed, self._changed = self._changed.shown.hex(), None
        return await self._async_repeat()

    async def _async_repeat(self) -> ConfigFlowResult:
        """Repeat the interrupted step with its input."""
        step, given = self._interrupted
        repeat: Callable[[dict[str, Any]], Awaitable[ConfigFlowResult]] = getattr(self, f"async_step_{step}")
        return await repeat(given)

    @callback
    def _async_form(
        self, step: str, schema: vol.Schema, known: Mapping[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        shown = {key: value for key, value in known.items() if key not in _SECRETS}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            # All placeholders are set, as any error may occur.
            description_placeholders=dict.fromkeys(_PLACEHOLDERS, "") | self._placeholders,
        )


async def _async_replace_unit(hass: HomeAssistant, entry: IntercomConfigEntry, identity: Identity) -> None:
    """Move the devices and entities of the entry of a replaced unit; entity ids, names, areas, and history stay.

    The caller changes the unique id of the entry, and reloads it.
    """
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)
    _async_rename_devices(hass, entry, identity)
    _async_rename_entities(hass, entry, identity)
    # The new unit counts its events from 1, holds no door open, has no codes, and only perhaps a restored directory.
    events = CursorStore(hass, entry.entry_id, entry.title)
    await events.async_end({**await events.async_load(), "cursor": None})
    await hold_store(hass, entry.entry_id).async_remove()
    await async_resend_codes(hass, entry)
    async_recheck_button_numbers(hass, entry)


@callback
def _async_rename_devices(hass: HomeAssistant, entry: IntercomConfigEntry, identity: Identity) -> None:
    registry, old = dr.async_get(hass), entry.unique_id or ""
    for device in dr.async_entries_for_config_entry(registry, entry.entry_id):
        if (DOMAIN, old) in device.identifiers:
            registry.async_update_device(device.id, new_identifiers={(DOMAIN, identity.id)}, new_connections=set())
            with suppress(dr.DeviceConnectionCollisionError):  # another integration may know the new unit already
                mac = {(dr.CONNECTION_NETWORK_MAC, identity.mac)} if identity.mac is not None else set()
                registry.async_update_device(device.id, new_connections=mac)


@callback
def _async_rename_entities(hass: HomeAssistant, entry: IntercomConfigEntry, identity: Identity) -> None:
    registry, prefix = er.async_get(hass), f"{entry.unique_id}_"
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if entity.unique_id.startswith(prefix):
            new_id = f"{identity.id}_{entity.unique_id.removeprefix(prefix)}"
            registry.async_update_entity(entity.entity_id, new_unique_id=new_id)
