"""Answering and ending calls by a press."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .call_actions import async_answer, async_hang_up
from .coordinator import IntercomConfigEntry, IntercomCoordinator
from .entity import IntercomEntity

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class CallButtonDescription(ButtonEntityDescription):
    """What a press does."""

    press: Callable[[IntercomCoordinator], Awaitable[object]]


CALL_BUTTONS = (
    CallButtonDescription(key="answer", press=async_answer),
    CallButtonDescription(key="hang_up", press=async_hang_up),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the buttons where the account may command calls."""
    coordinator = entry.runtime_data
    if coordinator.system.calls is not None:
        async_add_entities(CallButton(coordinator, description) for description in CALL_BUTTONS)


class CallButton(IntercomEntity, ButtonEntity):
    """A button for the call in progress."""

    entity_description: CallButtonDescription

    def __init__(self, coordinator: IntercomCoordinator, description: CallButtonDescription) -> None:
        """Do what ``description`` says."""
        super().__init__(coordinator, description.key)
        self.entity_description = description
        self._attr_translation_key = description.key

    @override
    async def async_press(self) -> None:
        """Do it."""
        await self.entity_description.press(self.coordinator)
