"""Call buttons whose numbers call Home Assistant: written on request, and taken back."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..const import CONF_BUTTON_NUMBERS, CONF_SYSTEM, CONF_TALK, CONF_TALK_BUTTONS, DOMAIN
from ..coordinator import IntercomCoordinator
from ..helpers.connection import async_client_session
from ..helpers.issues import async_report_left_behind
from ..model.features import Features
from ..model.parts import BellId
from ..model.ring_detector import CALL_BELL
from ..model.state import Missing
from ..model.talk import ButtonNumber, ButtonNumbers, ButtonReason, CalledTalk, TalkRoute, TalkStatus, best, is_at
from ..systems import create_system
from ..systems.common.errors import (
    ButtonRefused,
    CommandFailed,
    ConnectionFailed,
    IntercomError,
    NotSupported,
    PermissionDenied,
    SecureConnectionRequired,
    ServiceDisabled,
)
from .loading import async_connected_features, async_load_systems
from .talk import TalkMonitor

_LOGGER = logging.getLogger(__name__)

# Seconds until the next attempt to write the numbers while the device does not respond.
_RETRY = 60.0
_TIMER = "call buttons"


class CallButtons:
    """The numbers of Home Assistant at the buttons of a device.

    They are written once its SIP address is known, and removed if they are no longer wanted. What was written is stored
    in the entry; a number that the user changed at the device is left.
    """

    def __init__(self, coordinator: IntercomCoordinator, talk: TalkMonitor) -> None:
        self._coordinator = coordinator
        self._entry = coordinator.config_entry
        self._talk = talk
        self._lock = asyncio.Lock()
        self._stop: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> None:
        """Write the numbers after each check of talk with a new result."""
        self._stop = self._talk.async_listen(self._async_update_soon)
        self._async_update_soon()

    @callback
    def async_stop(self) -> None:
        """Leave everything as it is."""
        if self._stop is not None:
            self._stop()
        self._stop = None

    @callback
    def _async_update_soon(self) -> None:
        if not (self._entry.options.get(CONF_TALK_BUTTONS) or button_numbers(self._entry)):
            return
        coordinator = self._coordinator
        self._entry.async_create_background_task(
            coordinator.hass, self.async_update(), f"{DOMAIN} buttons of {coordinator.name}"
        )

    async def async_update(self) -> None:
        """Write missing numbers, and remove those that are not wanted."""
        async with self._lock:
            numbers = self._coordinator.features.button_numbers
            if self._stop is None or numbers is None:
                return
            buttons, address = self._wanted()
            try:
                problems = await self._async_remove(numbers, buttons, address)
                if address is not None:
                    problems |= await self._async_write(numbers, buttons, address)
            except IntercomError as err:
                _LOGGER.debug("%s: could not update the numbers of buttons: %s", self._coordinator.name, err)
                if isinstance(err, ConnectionFailed):  # else the next description calls this again
                    self._coordinator.timers.async_do(_RETRY, _TIMER, self.async_update)
                return
        self._coordinator.device_issues.async_note(_TIMER, problems)

    def _wanted(self) -> tuple[frozenset[BellId], str | None]:
        """Return the buttons that should call Home Assistant, and its address; None while it is not known."""
        options, talk, status = self._entry.options, self._coordinator.features.talk, self._talk.status
        if not options.get(CONF_TALK):
            return frozenset(), None
        buttons = frozenset(options.get(CONF_TALK_BUTTONS, ()))
        if status is None or status.reason is not None:
            return buttons, None
        if status.route is not TalkRoute.SIP_DIRECT:
            return frozenset(), None
        return buttons, talk.address if isinstance(talk, CalledTalk) else None

    async def _async_remove(
        self, numbers: ButtonNumbers, buttons: frozenset[BellId], address: str | None
    ) -> frozenset[Missing]:
        problems: set[Missing] = set()
        for number in button_numbers(self._entry):
            if number.bell in buttons and (address is None or is_at(number.number, address)):
                continue
            try:
                await numbers.remove(number)
            except _REFUSALS as err:
                problems.add(self._problem(err, Missing("button_left", number.number)))
                continue
            _LOGGER.debug("%s: button %s does not call Home Assistant", self._coordinator.name, number.bell)
            self._async_store(number.bell, None)
        return frozenset(problems)

    async def _async_write(
        self, numbers: ButtonNumbers, buttons: frozenset[BellId], address: str
    ) -> frozenset[Missing]:
        problems: set[Missing] = set()
        for bell in sorted(buttons):
            number = next((known for known in button_numbers(self._entry) if known.bell == bell), None)
            try:
                if number is not None and number.written:
                    continue
                if (found := await numbers.find(bell, address)) is not None:
                    number = found
                    self._async_store(bell, number)  # first: the response may get lost
                    await numbers.write(number)
                elif number is None:
                    continue  # the user entered it
            except _REFUSALS as err:
                full = isinstance(err, ButtonRefused) and err.reason == ButtonReason.FULL
                name = "1" if bell == CALL_BELL else bell
                problems.add(self._problem(err, Missing("button_full" if full else "button_refused", name)))
                self._async_store(bell, None)
                continue
            _LOGGER.debug("%s: button %s calls %s", self._coordinator.name, bell, number.number)
            self._async_store(bell, replace(number, written=True))
        return frozenset(problems)

    def _problem(self, err: IntercomError, refused: Missing) -> Missing:
        _LOGGER.debug("%s: the number of a button was refused: %s", self._coordinator.name, err)
        match err:
            case PermissionDenied():
                return Missing("privilege", err.privilege)
            case ServiceDisabled():
                return Missing("service", err.service)
            case SecureConnectionRequired():
                return Missing("secure", err.service)
        return refused

    @callback
    def _async_store(self, bell: BellId, number: ButtonNumber | None) -> None:
        """Store the number of a button in the entry's data; None removes it."""
        numbers = {known.bell: known for known in button_numbers(self._entry) if known.bell != bell}
        if number is not None:
            numbers[bell] = number
        data = {name: value for name, value in self._entry.data.items() if name != CONF_BUTTON_NUMBERS}
        if numbers:
            data[CONF_BUTTON_NUMBERS] = [asdict(known) for known in numbers.values()]
        self._coordinator.hass.config_entries.async_update_entry(self._entry, data=data)


# Errors that show that a number was not written.
_REFUSALS = (CommandFailed, NotSupported, PermissionDenied, SecureConnectionRequired, ServiceDisabled)


def button_numbers(entry: ConfigEntry[Any]) -> tuple[ButtonNumber, ...]:
    """Return the numbers that were written at the buttons of a device, from the data of its entry."""
    return tuple(ButtonNumber(**known) for known in entry.data.get(CONF_BUTTON_NUMBERS, ()))


@callback
def async_recheck_button_numbers(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Mark all numbers as not written: a new unit replaces the one that had them."""
    if known := [asdict(replace(number, written=False)) for number in button_numbers(entry)]:
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_BUTTON_NUMBERS: known})


async def async_remove_button_numbers(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Remove the numbers of a removed entry from the buttons of its device, or say which to delete by hand."""
    if not (left := list(button_numbers(entry))):
        return
    try:
        async with async_connected_features(hass, entry) as features:
            if features.button_numbers is not None:
                for number in tuple(left):
                    await features.button_numbers.remove(number)
                    left.remove(number)
    except IntercomError as err:
        names = ", ".join(number.number for number in left)
        _LOGGER.warning(
            "%s: could not remove the numbers of Home Assistant from the call buttons, delete them on the web page of "
            "the device: %s (%s)",
            entry.title,
            names,
            err,
        )
        async_report_left_behind(hass, entry.entry_id, entry.title, "numbers_left_behind", names)


@dataclass(frozen=True, slots=True)
class Trial:
    """What options would do.

    Attributes:
        status: How to talk; None if that is unknown.
        refusal: Why a selected button cannot call Home Assistant; None if all can.
    """

    status: TalkStatus | None
    refusal: IntercomError | None = None


async def async_try_talk(hass: HomeAssistant, entry: ConfigEntry[Any], options: Mapping[str, Any]) -> Trial:
    """Check talk and call buttons with options that are not stored yet.

    Raises:
        IntercomError: The device does not respond.
    """
    await async_load_systems(hass, entry.data[CONF_SYSTEM], talk=options.get(CONF_TALK, False))
    system = create_system(async_client_session(hass), entry.data, options, None)
    written = {number.bell for number in button_numbers(entry)}
    try:
        if (talk := system.features.talk) is None:
            return Trial(None)
        status = best((await talk.check()).values())
        buttons = sorted(set(options.get(CONF_TALK_BUTTONS, ())) - written)
        return Trial(status, await _async_refusal(entry, system.features, status, buttons))
    finally:
        await system.close()


async def _async_refusal(
    entry: ConfigEntry[Any], features: Features, status: TalkStatus | None, buttons: Iterable[BellId]
) -> IntercomError | None:
    """Return why one of the buttons cannot call Home Assistant; None if all can."""
    numbers = features.button_numbers
    if status is None or status.reason is not None or numbers is None:
        return None
    # The port of a trial is a different one while the entry is loaded.
    runtime = getattr(entry, "runtime_data", None)
    talks = (features.talk if runtime is None else runtime.coordinator.features.talk, features.talk)
    address = next((talk.address for talk in talks if isinstance(talk, CalledTalk) and talk.address is not None), None)
    for button in buttons:
        if status.route is not TalkRoute.SIP_DIRECT or address is None:
            return ButtonRefused(ButtonReason.NO_CALLS)
        try:
            await numbers.find(button, address)
        except IntercomError as err:
            return err
    return None
