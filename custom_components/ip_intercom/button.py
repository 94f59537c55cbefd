"""Buttons: calls, missed calls, clock, restart, talk, test message, and new door codes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import override

from homeassistant.components.button import ButtonDeviceClass, ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import IntercomEntity, async_add_as_found, require_feature
from .model.features import Features
from .model.parts import PlaceId
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .services.access import async_renew_door_code
from .services.calls import async_answer, async_clear_missed, async_hang_up
from .services.maintenance import async_restart, async_sync_clock

PARALLEL_UPDATES = 1

_TEST = "Test message of Home Assistant"


@dataclass(frozen=True, kw_only=True)
class IntercomButtonDescription(ButtonEntityDescription):
    """A button with its command, and a check whether the device supports it."""

    press: Callable[[IntercomRuntime], Awaitable[object]]
    supported: Callable[[Features, State], bool]


async def _async_send_test(runtime: IntercomRuntime) -> None:
    """Have the system send a test message."""
    messages = require_feature(runtime.coordinator, runtime.coordinator.features.messages, "no_messages")
    await runtime.coordinator.async_command(messages.send_test(_TEST))


BUTTONS = (
    IntercomButtonDescription(
        key="answer",
        press=async_answer,
        supported=lambda features, _: features.calls is not None and features.calls.answers,
    ),
    IntercomButtonDescription(
        key="hang_up", press=async_hang_up, supported=lambda features, _: features.calls is not None
    ),
    IntercomButtonDescription(
        key="clear_missed_calls",
        press=async_clear_missed,
        supported=lambda features, _: features.call_control is not None,
    ),
    IntercomButtonDescription(
        key="restart",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        press=async_restart,
        supported=lambda features, _: features.maintenance is not None,
    ),
    IntercomButtonDescription(
        key="sync_clock",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        press=async_sync_clock,
        supported=lambda features, state: features.clock is not None and state.clock is not None,
    ),
    IntercomButtonDescription(
        key="check_talk",
        entity_category=EntityCategory.DIAGNOSTIC,
        press=lambda runtime: runtime.talk.async_check(),
        supported=lambda features, _: features.talk is not None,
    ),
    IntercomButtonDescription(
        key="test_message",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press=_async_send_test,
        supported=lambda features, _: features.messages is not None,
    ),
)

# Buttons of each door of an account.
PLACE_BUTTONS: Mapping[str, Callable[..., Awaitable[object]]] = {"answer": async_answer, "hang_up": async_hang_up}


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the buttons that the device and the account support."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], ButtonEntity]]:
        found: dict[str, Callable[[], ButtonEntity]] = {
            description.key: partial(IntercomButton, runtime, description)
            for description in BUTTONS
            if description.supported(runtime.coordinator.features, state)
        }
        calls = runtime.coordinator.features.calls
        for bell in state.bells.values() if calls is not None and calls.answers else ():
            if bell.place is not None:
                for key in PLACE_BUTTONS:
                    found[f"{key}_{bell.place}"] = partial(DoorCallButton, runtime, key, bell.place)
        for flat in state.door_codes if runtime.coordinator.features.flat_codes is not None else ():
            found[f"new_door_code_{flat}"] = partial(NewDoorCodeButton, runtime, flat)
        return found

    async_add_as_found(Platform.BUTTON, entry, async_add_entities, find)


class IntercomButton(IntercomEntity, ButtonEntity):
    """A button with a single command."""

    shows = frozenset()

    entity_description: IntercomButtonDescription

    def __init__(self, runtime: IntercomRuntime, description: IntercomButtonDescription) -> None:
        super().__init__(runtime, description.key)
        self.entity_description = description
        self._attr_translation_key = description.key

    @override
    async def async_press(self) -> None:
        """Run the command."""
        await self.entity_description.press(self.runtime)


class DoorCallButton(IntercomEntity, ButtonEntity):
    """Answers or ends the call of a door; other doors may ring at the same time."""

    shows = frozenset()

    def __init__(self, runtime: IntercomRuntime, key: str, place: PlaceId) -> None:
        super().__init__(runtime, f"{key}_{place}", place)
        self._attr_translation_key = key
        self._press = partial(PLACE_BUTTONS[key], runtime, place=place)

    @override
    async def async_press(self) -> None:
        """Answer, or hang up."""
        await self._press()


class NewDoorCodeButton(IntercomEntity, ButtonEntity):
    """Generates a new door code for an apartment; the previous code stops working."""

    shows = frozenset()

    _attr_translation_key = "new_door_code"
    _attr_entity_category = EntityCategory.CONFIG
    # A press by mistake invalidates the code of all residents.
    _attr_entity_registry_enabled_default = False

    def __init__(self, runtime: IntercomRuntime, flat: PlaceId) -> None:
        super().__init__(runtime, f"new_door_code_{flat}", flat)
        self._flat = flat

    @override
    async def async_press(self) -> None:
        """Generate a new code."""
        await async_renew_door_code(self.runtime, self._flat)
