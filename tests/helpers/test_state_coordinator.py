"""Commands are sent only if needed, and responses may be lost."""

import asyncio
from dataclasses import replace

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from custom_components.ip_intercom.systems.common.errors import IntercomError, NoAnswer, NotReached, Rejected
from tests.common import state_of


class Relay:
    """A relay that reports its state, or fails to."""

    def __init__(self, *reports: bool | IntercomError | None, error: IntercomError | None = None) -> None:
        self._reports = list(reports)
        self._error = error
        self.sent = 0

    async def read(self) -> bool | None:
        report = self._reports.pop(0)
        if isinstance(report, IntercomError):
            raise report
        return report

    async def send(self) -> None:
        self.sent += 1
        if self._error is not None:
            raise self._error


async def switch(entry: ConfigEntry, relay: Relay) -> None:
    await entry.runtime_data.coordinator.async_switch(True, relay.read, relay.send, lambda state: state.ports)


@pytest.mark.parametrize(
    ("relay", "sent"),
    [
        (Relay(True), 0),
        (Relay(False), 1),
        (Relay(None), 1),
        (Relay(Rejected("no state")), 1),
        (Relay(False, True, error=NoAnswer("gone")), 1),
    ],
    ids=["on already", "off", "unknown", "not readable", "on without an answer"],
)
async def test_a_switch_is_sent_where_it_is_needed(
    hass: HomeAssistant, entry: ConfigEntry, relay: Relay, sent: int
) -> None:
    await switch(entry, relay)
    assert relay.sent == sent


@pytest.mark.parametrize(
    ("relay", "sent"),
    [
        (Relay(NotReached("away")), 0),
        (Relay(False, False, error=NoAnswer("gone")), 1),
        (Relay(False, error=Rejected("no")), 1),
    ],
    ids=["not reached", "still off without an answer", "refused"],
)
async def test_a_failed_switch_raises_an_error(
    hass: HomeAssistant, entry: ConfigEntry, relay: Relay, sent: int
) -> None:
    with pytest.raises(HomeAssistantError):
        await switch(entry, relay)
    assert relay.sent == sent


async def test_a_poll_replaces_a_state_published_during_it(hass: HomeAssistant, entry: ConfigEntry) -> None:
    coordinator = entry.runtime_data.coordinator
    doors = coordinator.data.doors
    async with coordinator._read_lock:
        polling = asyncio.create_task(coordinator.async_refresh())
        await asyncio.sleep(1)
        coordinator.async_change(doors={**doors, "1": replace(doors["1"], released=True)})
        assert state_of(hass, entry, "lock", "door_1_door") == "unlocked"
    await polling
    assert state_of(hass, entry, "lock", "door_1_door") == "locked"
