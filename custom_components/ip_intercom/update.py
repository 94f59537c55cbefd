"""Update entity: the installed version, the staged version, and the progress of a transfer."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
import logging
import re
from typing import Any, override

from homeassistant.components.update import UpdateDeviceClass, UpdateEntity, UpdateEntityFeature
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_state_change_event

from .const import DOMAIN
from .entity import IntercomEntity, async_add_as_found
from .model.parts import Firmware
from .model.state import State
from .runtime import IntercomConfigEntry, IntercomRuntime
from .services.maintenance import async_discard, async_install

_LOGGER = logging.getLogger(__name__)

PARALLEL_UPDATES = 1

_LANGUAGE = re.compile(r"[A-Z]{2}:")
# The manufacturer uses the country code instead of the language code.
_CODES = {"cz": "cs"}


async def async_setup_entry(
    hass: HomeAssistant, entry: IntercomConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the firmware if the account may change it."""
    runtime = entry.runtime_data

    def find(state: State) -> dict[str, Callable[[], FirmwareUpdate]]:
        return {} if state.firmware is None else {"firmware": partial(FirmwareUpdate, runtime)}

    async_add_as_found(Platform.UPDATE, entry, async_add_entities, find)


class FirmwareUpdate(IntercomEntity, UpdateEntity):
    """The firmware of a device. The action ``upload_firmware`` stages a file; skipping the version discards it."""

    shows = frozenset({"firmware"})

    _attr_device_class = UpdateDeviceClass.FIRMWARE
    _attr_translation_key = "firmware"
    _attr_supported_features = (
        UpdateEntityFeature.INSTALL | UpdateEntityFeature.PROGRESS | UpdateEntityFeature.RELEASE_NOTES
    )

    def __init__(self, runtime: IntercomRuntime) -> None:
        super().__init__(runtime, "firmware")

    @property
    def _firmware(self) -> Firmware:
        return self.coordinator.data.firmware or Firmware(None)

    @property
    @override
    def installed_version(self) -> str | None:
        """Return the running version."""
        return self._firmware.version

    @property
    @override
    def latest_version(self) -> str | None:
        """Return the staged version, else the running one: there is no other source of new versions."""
        staged = self._firmware.staged
        return self._firmware.version if staged is None else staged.version

    @override
    def version_is_newer(self, latest_version: str, installed_version: str) -> bool:
        """Return whether the versions differ; the staged one may be a downgrade."""
        return latest_version != installed_version

    @property
    @override
    def in_progress(self) -> bool:
        """Return whether a file is being sent or installed."""
        return self._firmware.busy

    @property
    @override
    def update_percentage(self) -> int | None:
        """Return the percentage of the transfer; None during the installation."""
        return self._firmware.progress

    @property
    @override
    def release_summary(self) -> str | None:
        """Return the device's note."""
        staged = self._firmware.staged
        return None if staged is None else note_in(self.hass.config.language, staged.note)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """Return whether the staged version is a downgrade, its expiry, and whether the device reported the version."""
        staged = self._firmware.staged
        if staged is None:
            return None
        return {"downgrade": staged.downgrade, "expires": staged.expires, "certain": staged.certain}

    @override
    async def async_release_notes(self) -> str | None:
        """Return the device's note."""
        return self.release_summary

    @override
    async def async_install(self, version: str | None, backup: bool, **kwargs: Any) -> None:
        """Install the staged file, and wait until the device runs it."""
        await async_install(self.runtime)

    @callback
    @override
    def async_listen(self) -> Iterable[CALLBACK_TYPE]:
        # Home Assistant has no callback for a skipped version: only the state shows it.
        self._unsubscribe = self._async_track()
        yield lambda: self._unsubscribe()  # the one of the current entity id

    @callback
    def _async_track(self) -> CALLBACK_TYPE:
        """Follow the state of this entity."""
        # A bus listener with a filter would cost one call per device for each change of any state.
        return async_track_state_change_event(self.hass, self.entity_id, self._async_state_changed)

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Follow the state by its new id."""
        super().async_entity_id_changed(old_entity_id)
        self._unsubscribe()
        self._unsubscribe = self._async_track()

    @callback
    def _async_state_changed(self, event: Event[EventStateChangedData]) -> None:
        staged, state = self._firmware.staged, event.data["new_state"]
        if staged is not None and state is not None and state.attributes.get("skipped_version") == staged.version:
            self.coordinator.config_entry.async_create_background_task(
                self.hass, self._async_discard(), f"{DOMAIN} firmware discarded at {self.coordinator.name}"
            )

    async def _async_discard(self) -> None:
        try:
            await async_discard(self.runtime)
        except HomeAssistantError as err:
            _LOGGER.warning("%s: could not discard the firmware file: %s", self.coordinator.name, err)


def note_in(language: str, note: str | None) -> str | None:
    """Return the part of a device's note in a language, else in English, else the whole note.

    Each part begins with a line like ``EN:``, followed by a line with the version.
    """
    if note is None:
        return None
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in note.splitlines():
        if _LANGUAGE.fullmatch(line.strip()):
            lines = parts.setdefault(_CODES.get(code := line.strip()[:2].lower(), code), [])
        elif not line.startswith("VER="):
            lines.append(line)
    chosen = parts.get(language.partition("-")[0], parts.get("en"))
    return "\n".join(chosen).strip() if chosen is not None else note.strip()
