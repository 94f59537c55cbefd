"""Selects: the call mode, and settings with options."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, override

from homeassistant.components.select import SelectEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoreEntity

from .entity import SELECTED, IntercomEntity, SettingEntity, async_add_as_found
from .model.parts import CallMode, Setting
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .services.calls import (
    ATTR_DEVICE,
    ATTR_RING_DELAY,
    ATTR_VOICEMAIL_DELAY,
    LOCAL,
    REMOTE,
    async_set_mode,
    mode_attributes,
)

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the call mode if it can be set, and the settings with options."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], SelectEntity]]:
        features = runtime.coordinator.features
        found: dict[str, Callable[[], SelectEntity]] = {
            f"setting_{setting.id}": partial(SettingSelect, runtime, setting)
            for setting in (state.settings.values() if features.account_settings is not None else ())
            if setting.kind in SELECTED and setting.options
        }
        if features.call_control is not None:
            found["call_mode"] = partial(CallModeSelect, runtime, "call_mode")
        return found

    async_add_as_found(Platform.SELECT, entry, async_add_entities, find)


class CallModeSelect(IntercomEntity, RestoreEntity, SelectEntity):
    """The call mode as last set by Home Assistant; the system does not report it."""

    shows = frozenset({"call_mode"})

    _attr_translation_key = "call_mode"
    _attr_options = [LOCAL, REMOTE]
    _attr_assumed_state = True
    _unrecorded_attributes = frozenset({ATTR_DEVICE})

    @override
    async def async_added_to_hass(self) -> None:
        """Restore the mode from before the restart."""
        await super().async_added_to_hass()
        last = await self.async_get_last_state()
        if self.coordinator.data.call_mode is None and last is not None and last.state in self._attr_options:
            restored = CallMode(
                last.state == REMOTE,
                _restored(str, last.attributes.get(ATTR_DEVICE)),
                _restored(int, last.attributes.get(ATTR_RING_DELAY)),
                _restored(int, last.attributes.get(ATTR_VOICEMAIL_DELAY)),
            )
            self.coordinator.async_change(call_mode=restored)

    async_entity_id_changed = IntercomEntity.async_entity_id_changed

    @property
    @override
    def current_option(self) -> str | None:
        """Return the mode; None if Home Assistant has not set it yet."""
        mode = self.coordinator.data.call_mode
        return None if mode is None else REMOTE if mode.remote else LOCAL

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return the second phone and the delays."""
        mode = self.coordinator.data.call_mode
        return None if mode is None else mode_attributes(mode)

    @override
    async def async_select_option(self, option: str) -> None:
        """Set the mode."""
        await async_set_mode(self.runtime, CallMode(option == REMOTE))


class SettingSelect(SettingEntity, SelectEntity):
    """A setting with options."""

    def __init__(self, runtime: IntercomRuntime, setting: Setting) -> None:
        super().__init__(runtime, setting)
        self._attr_options = list(setting.options)

    @property
    @override
    def current_option(self) -> str | None:
        """Return the selected option; None for an unknown value."""
        return self.value if isinstance(self.value, str) and self.value in self._attr_options else None

    @override
    async def async_select_option(self, option: str) -> None:
        """Select an option."""
        await self.async_set(option)


def _restored[T](kind: type[T], value: object) -> T | None:
    """Return an attribute of a stored state if it has the expected type."""
    return value if isinstance(value, kind) else None
