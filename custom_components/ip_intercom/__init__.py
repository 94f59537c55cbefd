"""IP Intercom: door stations and access control of several manufacturers."""

from collections import Counter

from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv, device_registry as dr, entity_registry as er
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .const import CONF_SHOW_NAMES, CONF_TALK, DOMAIN
from .coordinator import IntercomCoordinator
from .entity import device_info
from .helpers.devices import async_suggest_areas
from .helpers.issues import async_delete_issues, async_watch_disabled
from .helpers.scheduling import async_load_spreader
from .helpers.storage import RestoredState
from .media.pictures import VisitorRecorder
from .media.views import VisitorView, VoicemailView
from .model.parts import MANY_PARTS
from .model.ring_detector import RingMemory
from .model.visitors import resumed
from .runtime import IntercomConfigEntry, IntercomRuntime
from .runtime.call_buttons import CallButtons, async_remove_button_numbers
from .runtime.clock_watch import ClockWatch
from .runtime.cursor_store import CursorStore
from .runtime.door_commands import DoorCommands, hold_store
from .runtime.event_counter import EVENT_COUNTER, EventCounter
from .runtime.event_stream import EventStream
from .runtime.google_push import GooglePush, credential_store
from .runtime.loading import async_create_system, async_load_once_accepted, async_load_once_reachable, async_log_out
from .runtime.talk import TalkMonitor
from .runtime.temporary_codes import TemporaryCodes, async_remove_codes, code_store
from .runtime.visit_tracker import VisitTracker
from .runtime.visitor_store import VisitorStore, async_remove_visitors
from .runtime.webhook import PushAddress, async_remove_push_address
from .services import async_setup_actions
from .services.door_card import async_load_module, async_serve_module, async_setup_websocket, async_unload_module

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CAMERA,
    Platform.COVER,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.LOCK,
    Platform.NOTIFY,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.UPDATE,
]

# Entities that exist only while *Talk* is on; the buttons are those of the doors of an account.
_TALK_KEYS = ("talk", "check_talk", "speaker_", "answer_", "hang_up_")


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, the websocket commands, the views of voicemails and visitors, and the door card."""
    hass.data[EVENT_COUNTER] = EventCounter(hass)
    await async_setup_actions(hass)
    async_setup_websocket(hass)
    async_watch_disabled(hass)
    await async_serve_module(hass)
    hass.http.register_view(VoicemailView(hass))
    hass.http.register_view(VisitorView(hass))
    return True


async def async_setup_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> bool:
    """Connect to a device, add its entities, and start its event stream once Home Assistant has started."""
    async_load_module(hass)  # also without a connection: dashboards contain the card
    await async_load_spreader(hass).setups.wait()
    store = CursorStore(hass, entry.entry_id, entry.title)
    stored = await store.async_load()
    system = await async_create_system(hass, entry, stored.get("cursor"))
    found = RestoredState.from_store(stored, names=entry.options.get(CONF_SHOW_NAMES, True))
    try:
        coordinator = IntercomCoordinator(hass, entry, system, found)
        await _async_set_up(hass, entry, coordinator, store, RingMemory.from_store(stored.get("rings")))
    except BaseException:
        await system.close()
        raise
    return True


async def _async_set_up(
    hass: HomeAssistant,
    entry: IntercomConfigEntry,
    coordinator: IntercomCoordinator,
    store: CursorStore,
    rings: RingMemory | None,
) -> None:
    try:
        await coordinator.async_config_entry_first_refresh()
    except ConfigEntryAuthFailed:
        if coordinator.rejected is not None:
            async_load_once_accepted(hass, entry, coordinator.auth_retry, coordinator.rejected)
        raise
    except ConfigEntryNotReady:
        async_load_once_reachable(hass, entry, coordinator.failure_cause)
        raise
    events = EventStream(coordinator, store, rings)
    visitors = VisitorStore(hass, entry, events.async_let_ring_pass)
    await visitors.async_load(coordinator.data.bells)
    talk = TalkMonitor(coordinator)
    runtime = IntercomRuntime(
        coordinator=coordinator,
        events=events,
        door_commands=DoorCommands(coordinator, events, hold_store(hass, entry.entry_id)),
        codes=TemporaryCodes(coordinator, code_store(hass, entry.entry_id)),
        visitors=visitors,
        visits=VisitTracker(coordinator, events),
        talk=talk,
        call_buttons=CallButtons(coordinator, talk),
        push_address=PushAddress(coordinator, events),
        google_push=GooglePush(coordinator, events, credential_store(hass, entry.entry_id)),
        platforms=list(PLATFORMS),
    )
    entry.runtime_data = coordinator.follower = runtime
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **device_info(coordinator.description.identity, entry.data)
    )
    coordinator.device_id = device.id
    new_entrances = runtime.async_show_places()
    runtime.visits.async_start(resumed(visitors.newest_first, coordinator.data.bells, dt_util.utcnow()))
    VisitorRecorder(runtime).async_start()
    await runtime.door_commands.async_load()  # before the entities, which show holds
    if coordinator.features.conferences is not None:
        runtime.platforms.append(Platform.CALENDAR)  # it adds a page to the sidebar, which should not be empty
    if entry.options.get(CONF_TALK):
        runtime.platforms.append(Platform.MEDIA_PLAYER)
    ClockWatch(coordinator, events).async_start()
    await hass.config_entries.async_forward_entry_setups(entry, runtime.platforms)
    async_suggest_areas(hass, new_entrances)
    _async_await_conferences(hass, entry)
    _async_remove_stale(hass, entry)
    runtime.async_remove_places()
    await runtime.codes.async_load()

    async def start(_: HomeAssistant) -> None:
        runtime.async_start()

    async def stop(_: Event) -> None:
        await runtime.async_stop()

    # Automations are not ready before; the device keeps events until then.
    entry.async_on_unload(async_at_started(hass, start))
    entry.async_on_unload(hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, stop))


@callback
def _async_await_conferences(hass: HomeAssistant, entry: IntercomConfigEntry) -> None:
    """Add the calendar once conferences are available, which may not be the case at first."""
    runtime = entry.runtime_data
    coordinator = runtime.coordinator
    is_pending = Platform.CALENDAR not in runtime.platforms

    async def add() -> None:
        await hass.config_entries.async_forward_entry_setups(entry, [Platform.CALENDAR])
        runtime.platforms.append(Platform.CALENDAR)

    @callback
    def update() -> None:
        nonlocal is_pending
        if is_pending and coordinator.features.conferences is not None:
            is_pending = False
            entry.async_create_background_task(hass, add(), f"{DOMAIN} calendar of {coordinator.name}")

    entry.async_on_unload(coordinator.async_add_listener(update))


@callback
def _async_remove_stale(hass: HomeAssistant, entry: IntercomConfigEntry) -> None:
    """Remove replaced entities of doors and outputs, those of too many alarm parts, and of *Talk* while it is off."""
    runtime = entry.runtime_data
    coordinator = runtime.coordinator
    registry, identity = er.async_get(hass), coordinator.description.identity
    if not entry.options.get(CONF_TALK):
        talk = tuple(f"{identity.id}_{key}" for key in _TALK_KEYS)
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
            if entity.unique_id.startswith(talk):
                registry.async_remove(entity.entity_id)
    if coordinator.description.unanswered:
        return  # entities may differ only because a function did not respond
    state = coordinator.data
    doors = tuple(f"{identity.id}_door_{door}_" for door in state.doors)
    ports = {f"{identity.id}_port_{port}" for port in state.ports}
    counts = Counter(alarm for alarm, _ in state.alarm_parts)
    crowds = tuple(f"{identity.id}_alarm_{alarm}_" for alarm in counts if counts[alarm] >= MANY_PARTS)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        is_current = entity.unique_id in ports or entity.unique_id.startswith(doors + crowds)
        if is_current and (entity.domain, entity.unique_id) not in runtime.offered:
            registry.async_remove(entity.entity_id)


async def async_unload_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> bool:
    """Unload an entry; the event stream stops first, so that no event misses its entities."""
    await entry.runtime_data.async_stop()
    return await hass.config_entries.async_unload_platforms(entry, entry.runtime_data.platforms)


async def async_remove_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> None:
    """Remove codes, push addresses, and numbers from the device of a removed entry, and delete all stored data."""
    await async_remove_codes(hass, entry)
    await async_remove_push_address(hass, entry)
    await async_remove_button_numbers(hass, entry)
    await async_log_out(hass, entry)
    async_delete_issues(hass, entry.entry_id)
    await credential_store(hass, entry.entry_id).async_remove()
    await hold_store(hass, entry.entry_id).async_remove()
    await CursorStore(hass, entry.entry_id, entry.title).async_remove()
    await async_remove_visitors(hass, entry.entry_id)
    if not [other for other in hass.config_entries.async_entries(DOMAIN) if other.entry_id != entry.entry_id]:
        async_unload_module(hass)
