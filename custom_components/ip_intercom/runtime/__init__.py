"""Runtime data of a loaded entry: coordinator, event stream, commands, codes, and push."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import callback
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.devices import async_remove_places, async_show_places, async_suggest_areas
from ..model.parts import DoorId, SessionId
from ..model.state import State
from .call_buttons import CallButtons
from .door_commands import DoorCommands
from .event_stream import EventStream
from .google_push import GooglePush
from .talk import TalkMonitor
from .temporary_codes import TemporaryCodes
from .visit_tracker import VisitTracker
from .visitor_store import VisitorStore
from .webhook import PushAddress

# Seconds for which a call may still start after the response to the dial command was lost.
_DIAL_DELAY = 10.0

# The modules below take ConfigEntry[Any]: importing this type would be a circle.
type IntercomConfigEntry = ConfigEntry[IntercomRuntime]


@dataclass(slots=True, eq=False)
class IntercomRuntime:
    """The parts of a loaded entry.

    Attributes:
        coordinator: Polls the device, and publishes its state.
        events: Delivers its events.
        door_commands: Runs the commands of its doors.
        codes: Manages its temporary codes.
        visitors: Stores its visitors and their pictures.
        visits: Follows its rings until the visitor is let in, answered, or missed.
        push_address: The webhook that receives its pushes.
        talk: Checks how to talk at its cameras.
        call_buttons: Lets its buttons call Home Assistant.
        google_push: Receives its pushes through Google's service.
        hold_times: The seconds for which the hold switches of its doors hold them; no limit for other doors.
        platforms: The platforms of its entities.
        offered: The entities that the platforms added, by platform and unique id.
    """

    coordinator: IntercomCoordinator
    events: EventStream
    door_commands: DoorCommands
    codes: TemporaryCodes
    visitors: VisitorStore
    visits: VisitTracker
    talk: TalkMonitor
    call_buttons: CallButtons
    push_address: PushAddress
    google_push: GooglePush
    hold_times: dict[DoorId, int] = field(default_factory=dict)
    platforms: list[Platform] = field(default_factory=list)
    offered: set[tuple[str, str | None]] = field(default_factory=set)

    @callback
    def async_start(self) -> None:
        """Start the event stream and the receivers of pushes."""
        if (log := self.coordinator.system.log) is not None:
            self.events.async_start(log)
        if not self.coordinator.description.incomplete:  # else it follows the rest of the description
            self.talk.async_check_soon()
        self.call_buttons.async_start()
        self.push_address.async_start()
        self.google_push.async_start()
        self.coordinator.config_entry.async_create_task(
            self.coordinator.hass, self.coordinator.async_complete(), f"{DOMAIN} rest of {self.coordinator.name}"
        )

    async def async_stop(self) -> None:
        """Stop the polls, the receivers, and the event stream, and close the connection."""
        await self.coordinator.async_shutdown()
        await self.talk.async_stop()
        self.call_buttons.async_stop()
        self.push_address.async_stop()
        await self.google_push.async_stop()
        await self.events.async_stop()
        self.visits.async_begin_all()  # of the last rings, whose visitors are stored next
        await self.visitors.async_stop()
        await self.coordinator.system.close()

    @callback
    def async_recovered(self) -> None:
        """Request events at once: a poll found that the device recovered."""
        self.events.async_hasten()

    @callback
    def async_polled(self, before: State, after: State) -> None:
        """Compare the result of a poll with the state that the events left."""
        if self.events.following:
            self.coordinator.device_issues.async_compare(before, after)

    async def async_described(self) -> None:
        """Apply a refreshed description; the event log may be new, and the push settings may be lost."""
        coordinator = self.coordinator
        if coordinator.system.log is not None:
            self.events.async_start(coordinator.system.log)
        new_entrances = self.async_show_places()
        coordinator.async_update_listeners()
        async_suggest_areas(coordinator.hass, new_entrances)
        self.async_remove_places()
        self.talk.async_check_soon()
        await self.push_address.async_subscribe()
        await self.call_buttons.async_update()

    @callback
    def async_show_places(self) -> list[str]:
        """Add or update the devices of the places below the entry's own device; return the ids of new entrances."""
        coordinator = self.coordinator
        state = coordinator.data
        new = async_show_places(coordinator.hass, coordinator.device_id, coordinator.description.identity, state.places)
        entrances = {door.place for door in state.doors.values()}
        return [device for place, device in new.items() if place in entrances]

    @callback
    def async_remove_places(self) -> None:
        """Remove the devices of places that are gone, once no entity is left there."""
        coordinator = self.coordinator
        description = coordinator.description
        async_remove_places(
            coordinator.hass,
            coordinator.device_id,
            description.identity,
            coordinator.data.places,
            self.offered,
            description.unlisted,
        )

    async def async_recheck(self) -> None:
        """Check everything that was missing again: the user confirmed a fix."""
        coordinator = self.coordinator
        await self.google_push.async_recheck()  # Google's service does not depend on the device
        await self.codes.async_retry()
        self.push_address.async_clear_method()
        self.events.async_hasten()
        description = coordinator.description
        await coordinator.async_describe()
        if coordinator.description is description:
            return  # the device did not respond
        if coordinator.system.log is not None:
            coordinator.system.log.recheck()
        await coordinator.log_health.async_settle()
        coordinator.device_issues.async_forget_evidence()

    async def async_dial(self, dialing: Coroutine[Any, Any, SessionId]) -> SessionId:
        """Run a command that starts a call; the call does not count as a ring."""
        rings = self.events.rings

        async def end_dialing() -> None:
            rings.async_set_dialing(False)

        rings.async_set_dialing(True)
        try:
            session = await self.coordinator.async_command(dialing)
        except HomeAssistantError:
            self.coordinator.timers.async_do(_DIAL_DELAY, "dialing", end_dialing)
            raise
        rings.async_add_dialed(session)
        rings.async_set_dialing(False)
        self.coordinator.async_add_dialed_call(session)
        return session
