"""Secrets in pushes of a device or server, which must not appear anywhere."""

import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Event, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

OURS = "custom_components.ip_intercom"
SECRET = "Tr0ub4dor7291&x"
NUMBER = 729172917291
# Fields that a newer device or server might add.
EXTRA: dict[str, Any] = {
    "pin": SECRET, "code": SECRET, "password": SECRET, "token": SECRET, "note": SECRET, "secretNumber": NUMBER,
    "nested": {"pin": SECRET}, "list": [SECRET, NUMBER],
}  # fmt: skip


async def assert_shown_nowhere(
    hass: HomeAssistant, entry: ConfigEntry, events: list[Event], caplog: pytest.LogCaptureFixture,
    hass_client: ClientSessionGenerator,
) -> None:  # fmt: skip
    """Assert that no planted secret appears on the bus, in states, logs, or diagnostics."""
    assert events
    diagnostics: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    said = [record.getMessage() for record in caplog.records if record.name.startswith(OURS)]
    assert said
    for secret in (SECRET, SECRET.partition("&")[0], str(NUMBER)):
        assert secret not in str([event.data for event in events])
        assert secret not in str([(state.state, state.attributes) for state in hass.states.async_all()])
        assert secret not in str(diagnostics)
        assert secret not in "\n".join(said)


def log_every_line(caplog: pytest.LogCaptureFixture) -> None:
    """Log every line of the integration."""
    caplog.set_level(logging.DEBUG, OURS)
