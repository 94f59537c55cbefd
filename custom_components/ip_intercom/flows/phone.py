"""Config flow of an account with a login by phone: a server, a number, and a code or a call."""

from collections.abc import Mapping
import logging
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowResult
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
import probatio as vol

from ..const import (
    CONF_CODE,
    CONF_CONTROLS,
    CONF_HOST,
    CONF_LANGUAGE,
    CONF_NAME,
    CONF_PHONE,
    CONF_SYSTEM,
    CONF_URL,
    CONF_VERIFY_SSL,
    DOMAIN,
    SYSTEM_SMARTYARD,
)
from ..helpers.connection import async_client_session
from ..runtime import IntercomConfigEntry
from ..runtime.loading import async_hand_over, async_load_systems
from ..systems import find_system
from ..systems.common.errors import (
    IntercomError,
    InvalidRequest,
    NoCodePending,
    SecureConnectionRequired,
    TokenRefused,
    TooSoon,
    WrongCode,
    WrongDevice,
)
from .base import SECTION_SECURITY, SystemFlow

if TYPE_CHECKING:
    from ..systems.smartyard.adapter import PhoneLogin

_LOGGER = logging.getLogger(__name__)

_PHONE = TextSelector(TextSelectorConfig(type=TextSelectorType.TEL, autocomplete="tel"))
_CODE = TextSelector(TextSelectorConfig(autocomplete="one-time-code"))
# Cloud servers have valid certificates.
_SECURITY = {
    vol.Required(SECTION_SECURITY): section(
        vol.Schema({vol.Required(CONF_VERIFY_SSL, default=True): bool}), {"collapsed": True}
    )
}
PHONE_SCHEMA = vol.Schema({vol.Required(CONF_PHONE): _PHONE})
ACCOUNT_SCHEMA = vol.Schema({vol.Required(CONF_HOST): str, vol.Required(CONF_PHONE): _PHONE, **_SECURITY})
ADDRESS_SCHEMA = vol.Schema({vol.Required(CONF_HOST): str, **_SECURITY})
CODE_SCHEMA = vol.Schema({vol.Required(CONF_CODE): _CODE})


# Errors with texts for servers.
_ERRORS: tuple[tuple[type[IntercomError], str], ...] = (
    (WrongDevice, "wrong_server"),
    (SecureConnectionRequired, "server_https"),
)


class PhoneLoginFlow(SystemFlow):
    """Config flow with a login by phone number."""

    def __init__(self) -> None:
        super().__init__()
        self._login: PhoneLogin
        self._given: dict[str, Any] = {}

    async def async_step_smartyard(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the server of the operator and the phone number of the account."""
        if user_input is None:
            return self._async_form("smartyard", ACCOUNT_SCHEMA, self._given, {})
        self._given = user_input
        verify = user_input[SECTION_SECURITY][CONF_VERIFY_SSL]
        language = {CONF_LANGUAGE: self.hass.config.language}
        errors = await self._async_begin(user_input[CONF_HOST], user_input[CONF_PHONE], language, verify=verify)
        if errors:
            return self._async_form("smartyard", ACCOUNT_SCHEMA, user_input, errors)
        # Request no code for an account that is already configured.
        await self.async_set_unique_id(self._login.description.identity.id, raise_on_progress=False)
        self._abort_if_unique_id_configured()
        return await self._async_request("smartyard", ACCOUNT_SCHEMA)

    async def async_step_reauth_smartyard(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the phone number again, to verify it."""
        entry = self._get_reauth_entry()
        if user_input is None:
            return self._async_form("reauth_smartyard", PHONE_SCHEMA, self._given or entry.data, {})
        self._given = user_input
        known = {**entry.data, CONF_LANGUAGE: self.hass.config.language}
        verify = entry.data[CONF_VERIFY_SSL]
        # Only the pinned server may receive the number.
        errors = await self._async_begin(
            entry.data[CONF_URL], user_input[CONF_PHONE], known, verify=verify, pinned=self._pinned(entry)
        )
        if not errors and self._login.phone != entry.data[CONF_PHONE]:
            errors = {CONF_PHONE: "another_phone"}
        if errors:
            return await self._async_retry("reauth_smartyard", PHONE_SCHEMA, user_input, errors)
        return await self._async_request("reauth_smartyard", PHONE_SCHEMA)

    async def _async_begin(
        self, address: str, phone: str, account: Mapping[str, Any], *, verify: bool, pinned: str | None = None
    ) -> dict[str, str]:
        """Find the server; return the errors of the form."""
        self._placeholders |= {"device": self._device_name(address)}
        await async_load_systems(self.hass, SYSTEM_SMARTYARD)
        from ..systems.smartyard.adapter import PhoneLogin  # noqa: PLC0415  # loaded by now

        session = async_client_session(self.hass)
        try:
            self._login = await PhoneLogin.begin(session, address, phone, account, verify=verify, pinned=pinned)
        except ValueError:
            return {CONF_HOST: "invalid_host"}
        except InvalidRequest:
            return {CONF_PHONE: "invalid_phone"}
        except IntercomError as err:
            return self._errors(err, self._error_key(err))
        self._placeholders |= {"phone": self._login.phone}
        return {}

    async def _async_request(self, step: str, schema: vol.Schema) -> ConfigFlowResult:
        """Request the verification of the number, and show the form for a code or a call."""
        errors: dict[str, str] = {}
        try:
            await self._login.request()
        except TooSoon:
            # The previous code may have arrived by now.
            errors = {"base": "code_already_requested"}
        except InvalidRequest:
            return self._async_form(step, schema, self._given, {CONF_PHONE: "invalid_phone"})
        except IntercomError as err:
            return self._async_form(step, schema, self._given, {"base": self._error_key(err)})
        if not self._login.calls:
            return self._async_form("smartyard_code", CODE_SCHEMA, {}, errors)
        self._placeholders |= {"numbers": ", ".join(f"+{number.lstrip('+')}" for number in self._login.numbers)}
        return self._async_form("smartyard_call", vol.Schema({}), {}, errors)

    async def async_step_smartyard_code(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Check the code that the user entered."""
        if user_input is None:
            return self._async_form("smartyard_code", CODE_SCHEMA, {}, {})
        try:
            await self._login.confirm(user_input[CONF_CODE])
        except WrongCode as err:
            self._placeholders |= {"reason": err.reason}
            if err.is_last:
                return self._from_start("no_more_attempts")
            return self._async_form("smartyard_code", CODE_SCHEMA, {}, {CONF_CODE: "wrong_code"})
        except NoCodePending:
            return self._from_start("code_expired")
        except InvalidRequest:
            return self._async_form("smartyard_code", CODE_SCHEMA, {}, {CONF_CODE: "invalid_code"})
        except IntercomError as err:
            return self._async_form("smartyard_code", CODE_SCHEMA, {}, {"base": self._error_key(err)})
        return await self._async_logged_in()

    async def async_step_smartyard_call(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Check whether the user has called."""
        if user_input is None:
            return self._async_form("smartyard_call", vol.Schema({}), {}, {})
        try:
            has_called = await self._login.check()
        except IntercomError as err:
            return self._async_form("smartyard_call", vol.Schema({}), {}, {"base": self._error_key(err)})
        if not has_called:
            return self._async_form("smartyard_call", vol.Schema({}), {}, {"base": "not_called_yet"})
        return await self._async_logged_in()

    def _error_key(self, err: IntercomError) -> str:
        """Return the translation key of an error."""
        return next((key for kind, key in _ERRORS if isinstance(err, kind)), None) or self._error(err)

    def _from_start(self, error: str) -> ConfigFlowResult:
        """Return to the form that requests a code."""
        if self.source == SOURCE_REAUTH:
            return self._async_form("reauth_smartyard", PHONE_SCHEMA, self._given, {"base": error})
        return self._async_form("smartyard", ACCOUNT_SCHEMA, self._given, {"base": error})

    async def _async_logged_in(self) -> ConfigFlowResult:
        self._description = self._login.description
        controls = sorted(map(str, self._description.controls))
        self._data = {CONF_SYSTEM: SYSTEM_SMARTYARD, **self._login.data, CONF_CONTROLS: controls}
        if self.source == SOURCE_REAUTH:
            return await self._async_save_result(self._get_reauth_entry())
        self._abort_if_unique_id_configured()
        taken = {entry.title for entry in self.hass.config_entries.async_entries(DOMAIN)}
        name, has_flats = await self._login.name(taken)
        data = {**self._data, CONF_NAME: name}
        async_hand_over(self.hass, self._description.identity.id, self._login.system(data))
        return self.async_create_entry(title=name, data=data, description=None if has_flats else "no_flats")

    async def async_step_reconfigure_smartyard(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a new address of the same account."""
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            errors = await self._async_move(entry, user_input)
            if not errors:
                return await self._async_save_result(entry)
            return await self._async_retry("reconfigure_smartyard", ADDRESS_SCHEMA, user_input, errors)
        known = {
            CONF_HOST: entry.data[CONF_URL],
            SECTION_SECURITY: {CONF_VERIFY_SSL: entry.data[CONF_VERIFY_SSL]},
        }
        return self._async_form("reconfigure_smartyard", ADDRESS_SCHEMA, known, {})

    async def _async_move(self, entry: IntercomConfigEntry, user_input: Mapping[str, Any]) -> dict[str, str]:
        session, verify = async_client_session(self.hass), user_input[SECTION_SECURITY][CONF_VERIFY_SSL]
        try:
            found = await find_system(
                session,
                user_input[CONF_HOST],
                entry.data,
                verify,
                pinned=self._required_certificate(entry, user_input),
                system=SYSTEM_SMARTYARD,
            )
        except ValueError:
            return {CONF_HOST: "invalid_host"}
        except TokenRefused:
            return {"base": "login_unknown"}
        except IntercomError as err:
            return self._errors(err, self._error_key(err))
        await self._async_take(found)
        return {}
