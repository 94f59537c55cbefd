"""The owner of one device's state: reads it, folds events into it, carries out commands."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
import logging
import time
from typing import Any, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import UpdateFailed
from homeassistant.util.hass_dict import HassKey

from .const import CONF_CONTROLS, DOMAIN
from .helpers.auth_retry import AuthRetry, known_controls
from .helpers.errors import translated_error, translation_for
from .helpers.issues import DeviceIssues
from .helpers.log_health import LogHealth
from .helpers.restored_state import RestoredState
from .helpers.state_coordinator import StateCoordinator, after
from .model.events import CallChanged, CapabilitiesChanged, DirectoryChanged, Event, Restarted, reduce
from .model.features import System
from .model.parts import CallState
from .model.state import Description, State, described, merge
from .systems.common.errors import (
    AddressRefused,
    AuthenticationFailed,
    CertificateChanged,
    ExchangeSilent,
    ExchangeUnreachable,
    IntercomError,
    ServerSilent,
)

_LOGGER = logging.getLogger(__name__)


# Events tell of changes at once; the poll finds what they missed. Without events it is all there is.
POLL_BESIDE_EVENTS = timedelta(minutes=5)
POLL_ALONE = timedelta(seconds=30)

_DIRECTORY_COOLDOWN = 3.0
# Changes of what the device has come in flurries.
_DESCRIBE_COOLDOWN = 1.0
# The device writes its call log a moment after the call.
_CALL_LOG_DELAY = 2.0
# Seconds after which a poll also looks whether device or account have changed in what they can.
_DESCRIBE_EVERY = 3600.0
# And after how many it looks again where it could not be found out.
_DESCRIBE_AGAIN = 60.0
# And where single functions did not answer, each time in a row.
_UNANSWERED_AGAIN = (10.0, 20.0, 60.0, 60.0, 120.0, 300.0, 600.0)

# A log that fails again and again has a poll look for the device at most once in so many seconds.
_CHECK_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class _Wish:
    """Until when, by the monotonic clock, a device asks to be left alone, and how it said so."""

    until: float
    err: IntercomError


# Wishes of devices that could not be set up, by entry: Home Assistant retries without regard to them.
_WISHES: HassKey[dict[str, _Wish]] = HassKey(f"{DOMAIN}_wishes")

# Who may find the password refused.
_POLL = "poll"
_LOG = "log"


class IntercomCoordinator(StateCoordinator):
    """State and commands of one intercom.

    Args:
        hass: Home Assistant.
        entry: The entry of the device.
        system: Its adapter.
        found: What showed itself in an earlier life.

    Attributes:
        device_id: Its id in the device registry.
        device_issues: Its repair issues.
        log_health: Whether its events can be read.
        auth_retry: Counts rejected logins.
        rejected: Why the login was rejected during setup; None where it was not.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], system: System, found: RestoredState) -> None:
        super().__init__(hass, _LOGGER, entry, POLL_ALONE, system, found.bells)
        self.device_id = ""
        self._found = found
        self._described = False
        self._described_at = 0.0
        self._incomplete = 0
        self.device_issues = DeviceIssues(hass, entry.entry_id, entry.title, self.timers)
        self.log_health = LogHealth(
            entry.title, self.timers, self.device_issues, lambda: self.last_update_success, self.async_update_listeners
        )
        self._checked_at = -_CHECK_PAUSE
        self._recovered_at = -_CHECK_PAUSE
        self._wish: _Wish | None = None
        self.auth_retry = AuthRetry()
        self.rejected: AuthenticationFailed | None = None
        self._doubters: set[str] = set()
        self._loss: IntercomError | None = None
        self._directory_changed = Debouncer(
            hass,
            _LOGGER,
            cooldown=_DIRECTORY_COOLDOWN,
            immediate=False,
            function=self._async_refresh_bells,
            background=True,
        )
        self._device_changed = Debouncer(
            hass,
            _LOGGER,
            cooldown=_DESCRIBE_COOLDOWN,
            immediate=False,
            function=self.async_describe,
            background=True,
        )

    # -- reading ---------------------------------------------------------------------------------

    @override
    async def _async_setup(self) -> None:
        known, wishes = known_controls(self.config_entry), self.hass.data.setdefault(_WISHES, {})
        if (wish := wishes.get(self.config_entry.entry_id)) is not None and time.monotonic() < wish.until:
            raise self._failure(UpdateFailed, wish.err)
        try:
            description = await self.auth_retry.confirmed(lambda: self.system.connect(known))
        except AuthenticationFailed as err:
            self.rejected = err
            raise self._failure(ConfigEntryAuthFailed, err) from err
        except IntercomError as err:
            if err.retry_after is not None:
                wishes[self.config_entry.entry_id] = _Wish(time.monotonic() + err.retry_after, err)
            raise self._failure(UpdateFailed, err) from err
        if self.config_entry.unique_id not in description.identity.names:
            # Its address may have been given to another: no door of a stranger is opened.
            if not description.identity.names:
                raise translated_error(UpdateFailed, "no_identity", device=self.name)
            model = description.identity.model or description.identity.manufacturer
            raise translated_error(UpdateFailed, "another_device", device=self.name, model=model)
        self._async_adopt(description)
        self._state = self._found.added_to(description.state)
        self.update_interval = POLL_BESIDE_EVENTS if description.pushes else POLL_ALONE

    @override
    async def _async_update_data(self) -> State:
        if not self._described:
            self._described = True  # connecting has read the state already
            return self._state
        if _LOG in self._doubters and self._loss is not None:
            raise self._failure(UpdateFailed, self._loss)  # the log tries the login: each try may lock it
        if self._wish is not None and time.monotonic() < self._wish.until:
            raise self._failure(UpdateFailed, self._wish.err)
        began = time.monotonic()
        try:
            reading, news = await self._async_gathering_news(self.system.read)
        except AuthenticationFailed as err:
            certain = self.auth_retry.count()
            # Home Assistant polls no more once the login is refused.
            self.timers.async_do(self.auth_retry.pause(err), "refused", self.async_refresh)
            if certain:
                self._doubters.add(_POLL)
                raise self._failure(ConfigEntryAuthFailed, err) from err
            if not self.last_update_success:
                raise self._failure(UpdateFailed, self._loss or err) from err  # a doubt brings nothing back
            return self._state
        except IntercomError as err:
            if self._recovered_at >= began:
                # It was asked before it came back; what is asked now tells how it is.
                _LOGGER.debug("%s: ignored a failure from before its return: %s", self.name, err)
                self.async_read_soon()
                return self._state
            raise self._failure(UpdateFailed, err) from err
        if not self.last_update_success:
            self._recovered_at = time.monotonic()
            self.log_health.async_reachable()
            if self.follower is not None:
                self.follower.async_recovered()
        self._loss = None
        self.auth_retry.clear()
        self._async_withdraw_question(_POLL)
        self.device_issues.async_trust()
        before, self._state = self._state, after(merge(self._state, reading), news)
        if self.follower is not None:
            self.follower.async_polled(before, self._state)
        if time.monotonic() - self._described_at >= _DESCRIBE_EVERY:
            self.async_describe_soon()
        return self._state

    async def async_describe(self) -> None:
        """Read the identity and capabilities of the device again; what cannot be read changes nothing."""
        try:
            description, news = await self._async_gathering_news(self.system.describe)
        except IntercomError as err:
            _LOGGER.debug("%s: could not refresh capabilities: %s", self.name, err)
            self._described_at = time.monotonic()
            wish = err.retry_after or 0.0
            if not isinstance(err, AuthenticationFailed):  # a password is for polls to doubt; too many lock it out
                self.timers.async_do(max(_DESCRIBE_AGAIN, wish), "describe", self.async_describe)
            if not (self._shutdown_requested or wish):
                self.async_read_soon()  # not all that it has, but how it is
            return
        self.timers.async_cancel("describe")
        if self._shutdown_requested:
            await self.system.close()  # it may have opened what was closed already
            return
        if self.config_entry.unique_id not in description.identity.names:
            return
        self._state = after(described(self._state, description.state, description.unread), news)
        self._async_adopt(description)
        self._async_recover()
        self.data = self._state
        if self.follower is not None:
            await self.follower.async_described()

    @callback
    def _async_adopt(self, description: Description) -> None:
        """Take over what a device was found to be and have."""
        self._described_at = time.monotonic()
        # The id stays what it was, though newer firmware may tell a better one.
        identity = replace(description.identity, id=self.config_entry.unique_id or "")
        self.description = replace(description, identity=identity)
        self._async_ask_again(description)
        self.peers = description.peers
        if CONF_CONTROLS in self.config_entry.data:
            controls = sorted(map(str, description.controls))
            data = {**self.config_entry.data, CONF_CONTROLS: controls}
            self.hass.config_entries.async_update_entry(self.config_entry, data=data)
        if self.device_id:
            dr.async_get(self.hass).async_update_device(
                self.device_id,
                name=identity.name,
                model=identity.model_name,
                sw_version=identity.firmware,
                hw_version=identity.hardware,
            )
        self.device_issues.async_describe(description)

    @callback
    def _async_ask_again(self, description: Description) -> None:
        """Ask for what did not answer until it is there: seldom after a while, as it may be broken."""
        self._incomplete = self._incomplete + 1 if description.unanswered else 0
        if self._incomplete:
            _LOGGER.debug("%s: no response from %s", self.name, ", ".join(sorted(description.unanswered)))
            delay = max(_UNANSWERED_AGAIN[min(self._incomplete, len(_UNANSWERED_AGAIN)) - 1], description.wish)
            self.timers.async_do(delay, "describe", self.async_describe)
        if description.bells_pending:
            self.config_entry.async_create_background_task(
                self.hass, self._async_refresh_bells(), f"{DOMAIN} directory of {self.name}"
            )

    @callback
    def async_describe_soon(self) -> None:
        """Read the identity and capabilities of the device again, after it has settled."""
        self._device_changed.async_schedule_call()

    async def _async_refresh_bells(self) -> None:
        try:
            bells = await self.system.read_bells()
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the directory: %s", self.name, err)
            if self.description.bells_pending:
                self.timers.async_do(_DESCRIBE_AGAIN, "describe", self.async_describe)
            return
        if bells is None:
            return
        self.peers = bells.peers
        # A button that rang stays, also with a new owner.
        self._state = replace(self._state, bells={**self._state.bells, **bells.bells})
        self.async_publish()

    def _failure[E: (UpdateFailed, ConfigEntryAuthFailed)](self, kind: type[E], err: IntercomError) -> E:
        """Note why the device is away, and return that as what Home Assistant wants to hear while it reads."""
        self._async_note_loss(err)
        if isinstance(err, CertificateChanged):
            self.device_issues.async_distrust(err)
        elif isinstance(err, AddressRefused):
            self.device_issues.async_be_refused(err)
        _, key, placeholders = translation_for(err)
        failure = translated_error(kind, key, device=self.name, **placeholders)
        if isinstance(failure, UpdateFailed):
            failure.retry_after = err.retry_after
        return failure

    # -- what events change ----------------------------------------------------------------------

    @callback
    def async_fold(self, event: Event) -> State:
        """Fold an event into the state, which ``async_publish`` then shows, and return it."""
        self._async_change_by(partial(reduce, event=event))
        self.device_issues.async_hear(event)
        for fact in event.facts:
            match fact:
                case DirectoryChanged():
                    self._directory_changed.async_schedule_call()
                case CapabilitiesChanged() | Restarted():
                    self.async_describe_soon()
                case CallChanged(state=CallState.TERMINATED) if self._reads_last_call:
                    self.timers.async_do(_CALL_LOG_DELAY, "call log", self.async_read_last_call)
        return self._state

    @property
    def _reads_last_call(self) -> bool:
        """Return whether the log of calls is to be asked for what no event tells."""
        return self.features.call_log is not None and not self.description.outcomes

    async def async_read_last_call(self) -> None:
        """Read the newest entry of the device's call log."""
        if (log := self.features.call_log) is None:
            return
        try:
            calls = await log.query(1)
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the call log: %s", self.name, err)
            return
        self.async_change(last_call=calls[0] if calls else None)

    # -- connection ------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        """Return whether the device, or the server, answers."""
        return self.last_update_success or isinstance(self._loss, ExchangeUnreachable | ExchangeSilent)

    @property
    def linked(self) -> bool | None:
        """Return whether the server reaches what stands behind it; None while it does not answer itself."""
        return self.last_update_success if self.reachable else None

    @callback
    def _async_note_loss(self, err: IntercomError) -> None:
        """Note why the device is away, and show where that has changed."""
        before, self._loss = self.linked, err
        if not self.last_update_success and self.linked is not before:
            self.async_update_listeners()

    @callback
    def async_log_failed(self, err: IntercomError | None = None) -> None:
        """Note that the log fails again and again: a poll finds out whether the device is away, or only its log."""
        self.log_health.async_lost()
        if err is not None and not self.last_update_success:
            self._async_note_loss(err)  # sooner than the next poll
        log = self.system.log
        if err is not None and err.retry_after is not None and log is not None and not log.local:
            # A server whose sources are all busy is: nothing else is asked.
            self._wish = _Wish(time.monotonic() + err.retry_after, err)
        self.update_interval = POLL_ALONE
        if isinstance(err, ServerSilent):
            self.async_set_update_error(self._failure(UpdateFailed, err))  # a poll could only wait for nothing
            return
        now = time.monotonic()
        if self.last_update_success and now - self._checked_at >= _CHECK_PAUSE:
            self._checked_at = now
            self.config_entry.async_create_background_task(
                self.hass, self.async_refresh(), f"{DOMAIN} check of {self.name}"
            )

    @callback
    def async_reached(self, live: bool, failing: frozenset[str] = frozenset()) -> bool:
        """Note that the device told of its events: where these were lost, it is there again.

        Args:
            live: Its events come by themselves as they happen.
            failing: Sources of events that cannot be read.

        Returns:
            Whether it was away, so that its state has to be read.
        """
        self._wish = None
        self._async_withdraw_question(_LOG)
        self.device_issues.async_trust()
        interval = POLL_BESIDE_EVENTS if live else POLL_ALONE
        was_away = self.update_interval != interval or not self.last_update_success
        self.update_interval = interval
        # Where the log was there all the time, what fails is something else.
        had_lost, self._checked_at = self.log_health.lost, -_CHECK_PAUSE
        self.log_health.async_followed(failing)
        if had_lost and self._async_recover():
            self.async_update_listeners()
        return was_away

    @callback
    def _async_recover(self) -> bool:
        """Note that the device is there; return whether it was away."""
        was_away = not self.last_update_success
        if was_away:
            self.last_update_success = True
            self._recovered_at = time.monotonic()
            self._loss = None
            _LOGGER.info("Fetching %s data recovered", self.name)
        return was_away

    @callback
    def async_without_events(self, err: IntercomError) -> None:
        """Note that the device tells no events to this account any more: polling has to do."""
        self.log_health.async_lost()
        if _LOG in self._doubters:
            self._doubters = {_POLL}  # the log cannot tell any more whether the login is right
        if self.update_interval != POLL_ALONE:
            self.update_interval = POLL_ALONE
            _LOGGER.warning(
                "%s: event log unavailable, the doorbell does not ring and state is polled: %s", self.name, err
            )
            self.async_read_soon()

    @callback
    def async_refused(self, err: AuthenticationFailed) -> None:
        """Report that the device rejected the credentials, and start reauthentication."""
        self._doubters.add(_LOG)
        self.async_set_update_error(self._failure(ConfigEntryAuthFailed, err))
        self.config_entry.async_start_reauth(self.hass)

    @callback
    def _async_withdraw_question(self, doubter: str) -> None:
        """Abort reauth if no source still reports a failure."""
        if doubter not in self._doubters:
            return
        self._doubters.remove(doubter)
        if not self._doubters:
            for flow in list(self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    @override
    async def async_shutdown(self) -> None:
        """Stop polling and looking."""
        await super().async_shutdown()
        self._directory_changed.async_shutdown()
        self._device_changed.async_shutdown()
        self.timers.async_close()
