"""Options flow of intercoms, extensions, and accounts, with the push address."""

from collections.abc import Mapping
from enum import StrEnum
import logging
from typing import Any

from homeassistant.components import webhook
from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.const import UnitOfInformation, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import probatio as vol

from ..const import (
    CONF_CALL_DEVICE,
    CONF_FCM_API_KEY,
    CONF_FCM_APP_ID,
    CONF_FCM_PROJECT_ID,
    CONF_FCM_SENDER_ID,
    CONF_GARAGE_DOORS,
    CONF_GATES,
    CONF_INVERTED,
    CONF_LATE_HOURS,
    CONF_MOBILE_NUMBER,
    CONF_OPENING_PASSWORD,
    CONF_OPENING_USERNAME,
    CONF_PICTURE_PORT,
    CONF_PLAIN_SWITCHES,
    CONF_PUSH,
    CONF_PUSH_ROUTE,
    CONF_PUSH_TOKEN,
    CONF_RING_DELAY,
    CONF_SECURITY_RELAYS,
    CONF_SHOW_CARDS,
    CONF_SHOW_NAMES,
    CONF_SHOW_TOUCHES,
    CONF_SHOW_UNKNOWN,
    CONF_SIP_PORT,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_PORT,
    CONF_STREAM_USERNAME,
    CONF_TALK,
    CONF_TALK_BUTTONS,
    CONF_VISITOR_DAYS,
    CONF_VISITOR_STORAGE,
    CONF_VOICEMAIL_DELAY,
    CONFS_FCM,
    DEFAULT_PICTURE_PORT,
    DEFAULT_SIP_PORT,
    DEFAULT_STREAM_PATH,
    DEFAULT_STREAM_PORT,
    DEFAULT_VISITOR_DAYS,
    DEFAULT_VISITOR_STORAGE,
)
from ..model.parts import Bell, BellId, Door, DoorId
from ..runtime import IntercomConfigEntry, IntercomRuntime
from ..runtime.call_buttons import async_try_talk
from ..systems import options_of, spec_of
from ..systems.common.adapter import stream_url
from ..systems.common.errors import (
    ButtonRefused,
    CommandFailed,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
)

_LOGGER = logging.getLogger(__name__)

SECTION_STREAM = "stream"
SECTION_OPENING = "opening"
SECTION_FCM = "fcm"

# What to do about an obstacle to talk.
TALK_NEXT = "talk_next"


class _Next(StrEnum):
    CHECK = "check"
    CHANGE = "change"
    SAVE = "save"


PASSWORD_FIELD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="current-password"))

# Options that list relays; a relay is in one of them at most, or drives a door.
_KINDS_OF_RELAYS = (CONF_PLAIN_SWITCHES, CONF_GATES, CONF_GARAGE_DOORS)

# Options in sections.
_SECTIONS: Mapping[str, tuple[str, ...]] = {
    SECTION_STREAM: (
        CONF_STREAM_USERNAME,
        CONF_STREAM_PASSWORD,
        CONF_STREAM_PATH,
        CONF_STREAM_PORT,
        CONF_PICTURE_PORT,
        CONF_SIP_PORT,
    ),
    SECTION_OPENING: (CONF_OPENING_USERNAME, CONF_OPENING_PASSWORD),
    SECTION_FCM: CONFS_FCM,
}
# The password of each username; an empty field keeps the stored password.
_PASSWORDS = {
    CONF_STREAM_USERNAME: CONF_STREAM_PASSWORD,
    CONF_OPENING_USERNAME: CONF_OPENING_PASSWORD,
    CONF_FCM_PROJECT_ID: CONF_FCM_API_KEY,
}
# The options on which talk depends.
_TALK = (
    CONF_TALK,
    CONF_TALK_BUTTONS,
    CONF_STREAM_USERNAME,
    CONF_STREAM_PASSWORD,
    CONF_STREAM_PATH,
    CONF_STREAM_PORT,
    CONF_SIP_PORT,
    CONF_PUSH,
    *CONFS_FCM,
)
_TALK_SCHEMA = vol.Schema(
    {
        vol.Required(TALK_NEXT, default=_Next.CHECK): SelectSelector(
            SelectSelectorConfig(options=[*_Next], mode=SelectSelectorMode.LIST, translation_key=TALK_NEXT)
        )
    }
)


def _number(least: int, most: int, unit: str) -> vol.All[Any]:
    """Return a field for a whole number."""
    mode = NumberSelectorMode.BOX
    config = NumberSelectorConfig(min=least, max=most, step=1, mode=mode, unit_of_measurement=unit)
    return vol.All(NumberSelector(config), vol.Coerce(int))


# Seconds until a second phone rings or voicemail answers.
_DELAY = _number(0, 600, UnitOfTime.SECONDS)
# Up to a year, which is more than any device keeps.
_HOURS = _number(0, 8760, UnitOfTime.HOURS)
_DAYS = _number(0, 3650, UnitOfTime.DAYS)
_MEBIBYTES = _number(1, 100_000, UnitOfInformation.MEBIBYTES)
# Text copied from a file, often with a trailing space.
_TEXT = vol.All(str, vol.Strip)
_MARKED_FIELDS: tuple[tuple[vol.Marker, object], ...] = (
    (vol.Optional(CONF_STREAM_USERNAME, default=""), str),
    (vol.Optional(CONF_STREAM_PASSWORD, default=""), PASSWORD_FIELD),
    (vol.Optional(CONF_STREAM_PATH, default=DEFAULT_STREAM_PATH), str),
    (vol.Optional(CONF_STREAM_PORT, default=DEFAULT_STREAM_PORT), cv.port),
    (vol.Optional(CONF_PICTURE_PORT, default=DEFAULT_PICTURE_PORT), cv.port),
    (vol.Optional(CONF_OPENING_USERNAME, default=""), str),
    (vol.Optional(CONF_OPENING_PASSWORD, default=""), PASSWORD_FIELD),
    (vol.Optional(CONF_SIP_PORT, default=DEFAULT_SIP_PORT), cv.port),
    (vol.Optional(CONF_FCM_PROJECT_ID, default=""), _TEXT),
    (vol.Optional(CONF_FCM_APP_ID, default=""), _TEXT),
    (vol.Optional(CONF_FCM_API_KEY, default=""), vol.All(PASSWORD_FIELD, vol.Strip)),
    (vol.Optional(CONF_FCM_SENDER_ID, default=""), _TEXT),
    (vol.Required(CONF_PUSH, default=False), bool),
    (vol.Required(CONF_SHOW_NAMES, default=True), bool),
    (vol.Required(CONF_SHOW_CARDS, default=False), bool),
    (vol.Required(CONF_SHOW_TOUCHES, default=False), bool),
    (vol.Optional(CONF_SHOW_UNKNOWN), bool),
    (vol.Required(CONF_TALK, default=False), bool),
    (vol.Required(CONF_VISITOR_DAYS, default=DEFAULT_VISITOR_DAYS), _DAYS),
    (vol.Required(CONF_VISITOR_STORAGE, default=DEFAULT_VISITOR_STORAGE), _MEBIBYTES),
    (vol.Optional(CONF_LATE_HOURS), _HOURS),
    (vol.Optional(CONF_CALL_DEVICE), str),
    (vol.Optional(CONF_MOBILE_NUMBER), str),
    (vol.Optional(CONF_RING_DELAY), _DELAY),
    (vol.Optional(CONF_VOICEMAIL_DELAY), _DELAY),
    (
        vol.Optional(CONF_SECURITY_RELAYS, default=[]),
        SelectSelector(
            SelectSelectorConfig(
                options=[SelectOptionDict(value="SA", label="A"), SelectOptionDict(value="SB", label="B")],
                multiple=True,
            )
        ),
    ),
)
_FIELDS = {str(marker): (marker, kind) for marker, kind in _MARKED_FIELDS}


def _errors(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the errors of the entered options."""
    if len({bool(given.get(key)) for key in CONFS_FCM}) != 1:
        return {"base": "fcm_incomplete"}
    relays = [relay for option in _KINDS_OF_RELAYS for relay in given.get(option, [])]
    if len(set(relays)) != len(relays):
        return {"base": "relay_selected_twice"}
    try:
        stream_url(given.get(CONF_STREAM_PATH, ""), "localhost")
    except ValueError:
        return {"base": "stream_path_invalid"}
    return {}


def _button_error(err: IntercomError) -> tuple[str, str]:
    """Return the error of a button that cannot call Home Assistant, and the name of what is missing."""
    match err:
        case ButtonRefused():
            return f"button_{err.reason}", ""
        case PermissionDenied():
            return "button_privilege", err.privilege
        case ServiceDisabled() | SecureConnectionRequired():
            return "button_service", err.service
        case CommandFailed() | NotSupported():
            return "button_unsupported", ""
    return "talk_cannot_connect", ""


class IntercomOptionsFlow(OptionsFlowWithReload):
    """Options: doors, names, events, calls, and credentials for streams and relays."""

    config_entry: IntercomConfigEntry

    def __init__(self) -> None:
        self._chosen: dict[str, Any] = {}

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options of the system of the entry."""
        page = spec_of(self.config_entry.data).page
        return await self._async_page(page, user_input)

    async def async_step_extension(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options of an extension."""
        return await self._async_page("extension", user_input)

    async def async_step_account(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options of an apartment's account."""
        return await self._async_page("account", user_input)

    async def _async_page(self, step: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        options: Mapping[str, Any] = self._chosen or self.config_entry.options
        errors: dict[str, str] = {}
        if user_input is not None:
            given = {key: value for key, value in user_input.items() if key not in _SECTIONS}
            for name in _SECTIONS:
                given |= user_input.get(name, {})
            for username, password in _PASSWORDS.items():
                if given.get(username) and not given.get(password):
                    # Keep a password that was entered before the form was shown again with errors.
                    given[password] = self._chosen.get(password) or self.config_entry.options.get(password, "")
            if not (errors := _errors(given)):
                return await self._async_choose(step, given)
            self._chosen = options = given
        shown: dict[str, Any] = {key: value for key, value in options.items() if key not in _PASSWORDS.values()}
        sections = {name: {key: shown[key] for key in keys if key in shown} for name, keys in _SECTIONS.items()}
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(self._schema(), shown | sections),
            errors=errors,
        )

    async def _async_choose(self, step: str, given: dict[str, Any]) -> ConfigFlowResult:
        """Store the options, after showing the push address if the user has to enter it elsewhere."""
        self._chosen = given
        if given.get(CONF_PUSH) and spec_of(self.config_entry.data).forwarded:
            return await self._async_address("webhook" if step == "extension" else f"{step}_webhook", None)
        return await self._async_finish(given)

    async def _async_finish(self, given: dict[str, Any]) -> ConfigFlowResult:
        """Store the options, after showing how to talk if that changed."""
        self._chosen, options = given, self.config_entry.options
        if given.get(CONF_TALK) and any((given.get(key) or None) != (options.get(key) or None) for key in _TALK):
            return await self._async_check_talk()
        return self.async_create_entry(data=given)

    async def _async_check_talk(self) -> ConfigFlowResult:
        """Show whether talk works with the entered options."""
        try:
            trial = await async_try_talk(self.hass, self.config_entry, self._chosen)
        except IntercomError as err:
            _LOGGER.debug("%s: could not check talk: %s", self.config_entry.title, err)
            return self._talk_unavailable("talk_cannot_connect")
        if (status := trial.status) is None:
            return self.async_create_entry(data=self._chosen)
        if status.reason is not None:
            return self._talk_unavailable(f"talk_{status.reason}")
        if trial.refusal is not None:
            return self._talk_unavailable(*_button_error(trial.refusal))
        step = "talk" if status.ready else "talk_later"
        return self.async_show_form(step_id=step, data_schema=vol.Schema({}), last_step=True)

    def _talk_unavailable(self, error: str, name: str = "") -> ConfigFlowResult:
        return self.async_show_form(
            step_id="talk_unavailable",
            data_schema=_TALK_SCHEMA,
            errors={"base": error},
            description_placeholders={"name": name},
        )

    async def async_step_talk(self, user_input: dict[str, Any]) -> ConfigFlowResult:
        """Store the options: talk works."""
        return self.async_create_entry(data=self._chosen)

    async def async_step_talk_later(self, user_input: dict[str, Any]) -> ConfigFlowResult:
        """Store the options: talk works while a visitor calls."""
        return self.async_create_entry(data=self._chosen)

    async def async_step_talk_unavailable(self, user_input: dict[str, Any]) -> ConfigFlowResult:
        """Check talk again, show the options again, or store them."""
        match user_input[TALK_NEXT]:
            case _Next.CHECK:
                return await self._async_check_talk()
            case _Next.CHANGE:
                return await self._async_page(spec_of(self.config_entry.data).page, None)
        return self.async_create_entry(data=self._chosen)

    async def async_step_webhook(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the address for events of an extension."""
        return await self._async_address("webhook", user_input)

    async def async_step_account_webhook(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the address for pushes to an account."""
        return await self._async_address("account_webhook", user_input)

    async def _async_address(self, step: str, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Show the push address to enter elsewhere, and ask for the route of the server to it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if not (user_input.get(CONF_PUSH_ROUTE) and all(self._chosen.get(key) for key in CONFS_FCM)):
                return await self._async_finish({**self._chosen, **user_input})
            errors["base"] = "push_route_or_fcm"  # a server supports only one of them
        routed = CONF_PUSH_ROUTE in options_of(self.config_entry.data)
        schema = vol.Schema({vol.Optional(CONF_PUSH_ROUTE, default=""): _TEXT} if routed else {})
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self.config_entry.options),
            description_placeholders={"address": self._push_address()},
            errors=errors,
            last_step=True,
        )

    def _push_address(self) -> str:
        """Return the push address of the entry; generate its secret part if needed."""
        data = self.config_entry.data
        if (token := data.get(CONF_PUSH_TOKEN)) is None:
            token = webhook.async_generate_id()
            self.hass.config_entries.async_update_entry(self.config_entry, data={**data, CONF_PUSH_TOKEN: token})
        try:
            return webhook.async_generate_url(self.hass, token)
        except NoURLAvailableError:
            return webhook.async_generate_path(token)

    def _schema(self) -> vol.Schema:
        has = options_of(self.config_entry.data)
        schema: dict[vol.Marker, object] = {
            vol.Optional(option, default=[]): self._doors(option)
            for option in (*_KINDS_OF_RELAYS, CONF_INVERTED)
            if option in has
        }
        sectioned = {key for keys in _SECTIONS.values() for key in keys}
        for key, (marker, kind) in _FIELDS.items():
            if key in has and key not in sectioned:
                schema[marker] = kind
            if key == CONF_TALK and CONF_TALK_BUTTONS in has and (buttons := self._buttons()) is not None:
                schema[vol.Optional(CONF_TALK_BUTTONS, default=[])] = buttons
        for name, keys in _SECTIONS.items():
            if parts := dict(_FIELDS[key] for key in keys if key in has):
                schema[vol.Required(name)] = section(vol.Schema(parts), {"collapsed": True})
        return vol.Schema(schema)

    def _buttons(self) -> SelectSelector | None:
        """Return a selector of buttons: those of the device, and those selected before; None without any."""
        runtime: IntercomRuntime | None = getattr(self.config_entry, "runtime_data", None)
        known: Mapping[BellId, Bell] = {}
        if runtime is not None and (numbers := runtime.coordinator.features.button_numbers) is not None:
            known = {bell.id: bell for bell in runtime.coordinator.data.bells.values() if numbers.serves(bell.id)}
        names = {bell.id: f"{bell.id} ({bell.name})" for bell in known.values() if bell.name}
        buttons = sorted(
            {*self.config_entry.options.get(CONF_TALK_BUTTONS, []), *known}, key=lambda bell: (len(bell), bell)
        )
        if not buttons:
            return None
        options = [SelectOptionDict(value=bell, label=names.get(bell, bell)) for bell in buttons]
        return SelectSelector(SelectSelectorConfig(options=options, multiple=True, translation_key=CONF_TALK_BUTTONS))

    def _doors(self, option: str) -> SelectSelector:
        """Return a selector of doors: those of the device, and those selected before."""
        runtime: IntercomRuntime | None = getattr(self.config_entry, "runtime_data", None)
        known: Mapping[DoorId, Door] = runtime.coordinator.data.doors if runtime is not None else {}
        names = {door.id: door.name for door in known.values()}
        doors = sorted({*self.config_entry.options.get(option, []), *known})
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=door, label=f"{door} ({name})" if (name := names.get(door)) else door)
                    for door in doors
                ],
                multiple=True,
            )
        )
