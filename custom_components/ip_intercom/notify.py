"""Messages on displays."""

from collections.abc import Callable
from functools import partial
from typing import override

from homeassistant.components.notify import NotifyEntity, NotifyEntityFeature
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .entity import IntercomEntity, async_add_as_found
from .model import DisplayId, State
from .services.displays import async_show_message

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a notifier for each display."""
    coordinator = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], DisplayNotifier]]:
        displays = () if coordinator.features.displays is None else state.displays
        return {display: partial(DisplayNotifier, coordinator, display) for display in displays}

    async_add_as_found(Platform.NOTIFY, entry, async_add_entities, find)


class DisplayNotifier(IntercomEntity, NotifyEntity):
    """Shows messages on one display, drawn in its size."""

    _attr_supported_features = NotifyEntityFeature.TITLE

    def __init__(self, coordinator: IntercomCoordinator, display: DisplayId) -> None:
        """Show messages on ``display``."""
        super().__init__(coordinator, f"display_{display}")
        self._display_id = display
        if len(coordinator.data.displays) == 1:
            self._attr_translation_key = "display"
        else:
            self._attr_translation_key = "display_named"
            self._attr_translation_placeholders = {"display": display}

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Show a message for a minute; a touch ends it earlier."""
        await async_show_message(self.coordinator, self._display_id, message, title)
