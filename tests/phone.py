"""A phone with the Home Assistant app, as far as automations see it: its device, and its action to notify."""

from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import slugify
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.common import until


class Phone:
    """A phone with the notifications that it received.

    The integration of the app itself needs packages for voice control. What it adds to Home Assistant is stable: a device
    with the name of the phone, and the action ``notify.mobile_app_<name>``.
    """

    def __init__(self, hass: HomeAssistant, name: str, manufacturer: str) -> None:
        self._hass = hass
        self.name = name
        self.received: list[dict[str, Any]] = []
        entry = MockConfigEntry(domain="mobile_app", title=name)
        entry.add_to_hass(hass)
        device = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id, identifiers={("mobile_app", name)}, name=name, manufacturer=manufacturer
        )
        self.device_id = device.id
        hass.services.async_register("notify", slugify(f"mobile_app_{name}"), self._async_receive)

    @callback
    def _async_receive(self, call: ServiceCall) -> None:
        self.received.append(dict(call.data))

    async def next(self, count: int = 1) -> dict[str, Any]:
        """Wait for the notification of this number, and return it."""
        await until(lambda: len(self.received) >= count, f"notification {count} on {self.name}")
        return self.received[count - 1]

    def press(self, label: str, notification: int = -1) -> None:
        """Press a button of a notification, as the app reports it."""
        buttons = self.received[notification]["data"]["actions"]
        [action] = [button["action"] for button in buttons if button["title"] == label]
        self._hass.bus.async_fire("mobile_app_notification_action", {"action": action})
