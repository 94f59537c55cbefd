"""Notify entities that show messages on displays."""

from collections.abc import Callable
from functools import partial
from typing import override

from homeassistant.components.notify import NotifyEntity, NotifyEntityFeature
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import IntercomEntity, async_add_as_found
from .model.parts import DisplayId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .services.displays import async_show_message

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a notifier for each display."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], DisplayNotifier]]:
        displays = () if runtime.coordinator.features.displays is None else state.displays
        return {display: partial(DisplayNotifier, runtime, display) for display in displays}

    async_add_as_found(Platform.NOTIFY, entry, async_add_entities, find)


class DisplayNotifier(IntercomEntity, NotifyEntity):
    """Shows messages as images on one display."""

    shows = frozenset()

    _attr_supported_features = NotifyEntityFeature.TITLE

    def __init__(self, runtime: IntercomRuntime, display: DisplayId) -> None:
        super().__init__(runtime, f"display_{display}")
        self._display_id = display
        if len(runtime.coordinator.data.displays) == 1:
            self._attr_translation_key = "display"
        else:
            self._attr_translation_key = "display_named"
            self._attr_translation_placeholders = {"display": display}

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Show a message for a minute, or until the display is touched."""
        await async_show_message(self.runtime, self._display_id, message, title)
