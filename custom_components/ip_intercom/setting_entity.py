"""Base entity of user settings for switches and selects, and the kinds of settings."""

from typing import override

from homeassistant.const import EntityCategory

from .entity import IntercomEntity, require_feature
from .model.parts import Setting, SettingId
from .model.state import State
from .runtime import IntercomRuntime

# Kinds of switches; the kind is the translation key. ``SELECTED`` are the kinds of selects.
SWITCHED = frozenset(
    {
        "allow_door_code",
        "cms",
        "disable_log",
        "frs_disabled",
        "hidden_log",
        "lprs_disabled",
        "money_messages",
        "open_for_guests",
        "paper_bill",
        "paranoid",
        "text_messages",
        "voip",
    }
)
# Kinds whose switch shows the negated value of the server.
NEGATED = frozenset({"disable_log", "frs_disabled", "lprs_disabled"})
SELECTED = frozenset({"white_rabbit"})
# Kinds that users change often; only these are enabled by default.
_EVERYDAY = frozenset({"cms", "open_for_guests", "voip"})


class SettingEntity(IntercomEntity):
    """An entity of one setting."""

    shows = frozenset({"settings"})

    _attr_entity_category = EntityCategory.CONFIG

    def __init__(self, runtime: IntercomRuntime, setting: Setting) -> None:
        super().__init__(runtime, f"setting_{setting.id}", setting.place)
        self._setting_id: SettingId = setting.id
        self._attr_translation_key = setting.kind
        self._attr_entity_registry_enabled_default = setting.kind in _EVERYDAY

    def part(self, state: State) -> Setting | None:
        """Return the setting in a state."""
        return state.settings.get(self._setting_id)

    @property
    def value(self) -> bool | str | None:
        """Return the current value; None if unknown."""
        setting = self.part(self.coordinator.data)
        return None if setting is None else setting.value

    @property
    @override
    def available(self) -> bool:
        """Return whether the system is available and has the setting."""
        return super().available and self.part(self.coordinator.data) is not None

    async def async_set(self, value: bool | str) -> None:
        """Set the value."""
        account_settings = require_feature(
            self.runtime.coordinator, self.coordinator.features.account_settings, "no_preferences"
        )
        await self.coordinator.async_effective_command(account_settings.set(self._setting_id, value), self.part)
