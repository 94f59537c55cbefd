"""IP Intercom: door stations and access control of several makers, in one integration."""

from homeassistant.const import EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import IntercomConfigEntry, IntercomCoordinator, cursor_store
from .entity import device_info
from .push import async_follow
from .services import async_setup_services
from .systems import create_system

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CAMERA,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.LOCK,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions."""
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> bool:
    """Connect to a device, make its entities, and follow its events once Home Assistant runs."""
    store = cursor_store(hass, entry.entry_id)
    stored = await store.async_load() or {}
    system = create_system(async_get_clientsession(hass), entry.data, entry.options, stored.get("cursor"))
    coordinator = IntercomCoordinator(hass, entry, system, store)
    try:
        await coordinator.async_config_entry_first_refresh()
    except BaseException:
        await system.close()
        raise
    entry.runtime_data = coordinator
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, **device_info(coordinator.description.identity, entry.data)
    )
    coordinator.device_id = device.id
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    async def follow(_: HomeAssistant) -> None:
        coordinator.follower = entry.async_create_background_task(
            hass, async_follow(coordinator), f"{DOMAIN} events {entry.title}"
        )

    async def stop(_: Event) -> None:
        await coordinator.async_let_go()

    if coordinator.description.pushes:
        # Before that, automations that wait for the events are not there yet; the channel keeps them.
        entry.async_on_unload(async_at_started(hass, follow))
    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, stop))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> bool:
    """Let go of a device."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await entry.runtime_data.async_let_go()
    return True


async def async_remove_entry(hass: HomeAssistant, entry: IntercomConfigEntry) -> None:
    """Forget how far the events of a removed device were read."""
    await cursor_store(hass, entry.entry_id).async_remove()
