"""Coordinator of one device: polls its state, applies events, and tracks its availability."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
import logging
import time
from typing import Any, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import CONF_CONTROLS, DOMAIN
from .helpers.devices import async_update_device
from .helpers.errors import translated_error, translation_for
from .helpers.failures import BACK_OFFS, AuthRetry, BackOff, LogHealth, known_controls
from .helpers.issues import DeviceIssues
from .helpers.state_coordinator import StateCoordinator, after
from .helpers.storage import RestoredState
from .model.events import CallChanged, CapabilitiesChanged, DirectoryChanged, Event, Restarted
from .model.features import System
from .model.parts import CallState
from .model.reducer import reduce
from .model.state import Description, State, described, merge
from .systems.common.errors import (
    AddressRefused,
    AuthenticationFailed,
    CertificateChanged,
    ConnectionFailed,
    ExchangeSilent,
    ExchangeUnreachable,
    IntercomError,
    NotReached,
    ServerSilent,
    without_frames,
)

_LOGGER = logging.getLogger(__name__)

# Events report changes at once and the poll is a safety net; without events, the poll is the only source.
POLL_BESIDE_EVENTS = timedelta(minutes=5)
POLL_ALONE = timedelta(seconds=30)

_DIRECTORY_COOLDOWN = 3.0
# Changes of configuration and capabilities come in bursts.
_DESCRIBE_COOLDOWN = 1.0
# The device writes its call log shortly after the call ends.
_CALL_LOG_DELAY = 2.0
# Seconds after which a poll also refreshes the capabilities of the device and the account.
_DESCRIBE_EVERY = 3600.0
# Seconds after a restart or outage until the capabilities are refreshed; the state is read at once. A starting device
# is busy.
_RESTART_DELAY = 60.0
# Seconds until the next attempt after a failed refresh of the capabilities.
_DESCRIBE_RETRY = 60.0
# Seconds until the next attempts while single functions do not respond.
_UNANSWERED_RETRIES = (10.0, 20.0, 60.0, 60.0, 120.0, 300.0, 600.0)

# While the event log keeps failing, an extra poll checks the device at most once in this many seconds; if a poll fails
# without the event log, another one checks it after them.
_CHECK_PAUSE = 5.0


# Sources that can report rejected credentials.
_POLL = "poll"
_LOG = "log"


class IntercomCoordinator(StateCoordinator):
    """State and commands of one intercom.

    Args:
        found: State restored from the previous run.

    Attributes:
        device_id: Its id in the device registry.
        device_issues: Its repair issues.
        log_health: The availability of its event log.
        auth_retry: Counts rejected logins.
        rejected: The error if the login was rejected during setup.
        failure_cause: The last error of an unavailable device.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], system: System, found: RestoredState) -> None:
        super().__init__(hass, _LOGGER, entry, POLL_ALONE, system, found)
        self.device_id = ""
        self._found = found
        self._described = False
        self._described_at = 0.0
        self._incomplete = 0
        # Whether the device was away when the rest of the description was read.
        self._lacks_rest = False
        self.device_issues = DeviceIssues(hass, entry.entry_id, entry.title, self.timers)
        self.log_health = LogHealth(
            entry.title, self.timers, self.device_issues, lambda: self.last_update_success, self.async_update_listeners
        )
        self._checked_at = -_CHECK_PAUSE
        self._recovered_at = -_CHECK_PAUSE
        self._back_off: BackOff | None = None
        self.auth_retry = AuthRetry()
        self.rejected: AuthenticationFailed | None = None
        self._rejecting_sources: set[str] = set()
        self.failure_cause: IntercomError | None = None
        debouncer = partial(Debouncer, hass, _LOGGER, immediate=False, background=True)
        self._directory_changed = debouncer(cooldown=_DIRECTORY_COOLDOWN, function=self._async_refresh_bells)
        self._device_changed = debouncer(cooldown=_DESCRIBE_COOLDOWN, function=self.async_describe)

    @override
    async def _async_setup(self) -> None:
        known, back_offs = known_controls(self.config_entry), self.hass.data.setdefault(BACK_OFFS, {})
        if (back_off := back_offs.get(self.config_entry.entry_id)) is not None and time.monotonic() < back_off.until:
            raise self._failure(UpdateFailed, back_off.err)
        try:
            description = self.with_known_bells(await self.auth_retry.confirmed(lambda: self.system.connect(known)))
        except AuthenticationFailed as err:
            self.rejected = err
            raise self._failure(ConfigEntryAuthFailed, err) from err
        except IntercomError as err:
            if err.retry_after is not None:
                back_offs[self.config_entry.entry_id] = BackOff(time.monotonic() + err.retry_after, err)
            raise self._failure(UpdateFailed, err) from err
        if self.config_entry.unique_id not in description.identity.names:
            # Another device may have this address now; its doors must not be opened.
            if not description.identity.names:
                raise translated_error(UpdateFailed, "no_identity", device=self.name)
            model = description.identity.model or description.identity.manufacturer
            raise translated_error(UpdateFailed, "another_device", device=self.name, model=model)
        self._async_apply_description(description)
        self._state = self._found.added_to(description.state)
        self.update_interval = POLL_BESIDE_EVENTS if description.pushes else POLL_ALONE

    @override
    async def _async_update_data(self) -> State:
        if not self._described:
            self._described = True  # the setup has just read the state
            return self._state
        if _LOG in self._rejecting_sources and self.failure_cause is not None:
            raise self._failure(UpdateFailed, self.failure_cause)  # another login may lock the account
        if self._back_off is not None and time.monotonic() < self._back_off.until:
            raise self._failure(UpdateFailed, self._back_off.err)
        began, shown = time.monotonic(), self.data
        try:
            reading, changes = await self._async_collect_changes(self.system.read)
        except AuthenticationFailed as err:
            is_confirmed = self.auth_retry.count()
            # Home Assistant stops polling after ConfigEntryAuthFailed.
            self.timers.async_do(self.auth_retry.pause(err), "refused", self.async_refresh)
            if is_confirmed:
                self._rejecting_sources.add(_POLL)
                raise self._failure(ConfigEntryAuthFailed, err) from err
            if not self.last_update_success:
                raise self._failure(UpdateFailed, self.failure_cause or err) from err  # a single 401 is no recovery
            return self._state
        except IntercomError as err:
            if self._recovered_at >= began:
                # The request was sent before the device recovered; poll again.
                _LOGGER.debug("%s: ignored the failure of a poll from before the recovery: %s", self.name, err)
                self.async_read_soon()
                return self._state
            raise self._failure(UpdateFailed, err) from err
        if not self.last_update_success:
            self._recovered_at = time.monotonic()
            self._async_describe_later()
            self.log_health.async_reachable()
            if self.follower is not None:
                self.follower.async_recovered()
        self._async_found()
        self.auth_retry.clear()
        self._async_credentials_accepted(_POLL)
        self.device_issues.async_clear_connection()
        before, self._state = self._state, after(merge(self._state, reading), changes)
        if self.follower is not None:
            self.follower.async_polled(before, self._state)
        if self._state == shown:
            # Home Assistant compares with the state at the beginning; another one may have been published since.
            self.async_publish()
        if reading.outdated or time.monotonic() - self._described_at >= _DESCRIBE_EVERY:
            self.async_describe_soon()
        return self._state

    async def async_complete(self) -> None:
        """Read what the setup left out, because few entities need it."""
        if self.description.incomplete:
            await self.load_spreader.completions.wait()
            self._incomplete = 0  # a part of the first description, no retry
            await self._async_describe(self.system.complete)

    async def async_describe(self) -> None:
        """Refresh the identity and capabilities of the device; unreadable parts keep their previous value."""
        await self.load_spreader.descriptions.wait()
        await self._async_describe(self.system.describe)

    async def _async_describe(self, ask: Callable[[], Awaitable[Description]]) -> None:
        try:
            description, changes = await self._async_collect_changes(ask)
        except IntercomError as err:
            _LOGGER.debug("%s: could not refresh capabilities: %s", self.name, err)
            self._lacks_rest = self.description.incomplete
            self._described_at = time.monotonic()
            retry_after = err.retry_after or 0.0
            if not isinstance(err, AuthenticationFailed):  # polls retry the login
                self.timers.async_do(max(_DESCRIBE_RETRY, retry_after), "describe", self.async_describe)
            if not (self._shutdown_requested or retry_after):
                self.async_read_soon()
            return
        self.timers.async_cancel("describe")
        if self._shutdown_requested:
            await self.system.close()  # the refresh may have reopened connections
            return
        if self.config_entry.unique_id not in description.identity.names:
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)
            return
        description = self.with_known_bells(description)
        self._state = after(described(self._state, description.state, description.unread), changes)
        self._async_apply_description(description)
        self._async_recover()
        self.data = self._state
        if self.follower is not None:
            await self.follower.async_described()

    @callback
    def _async_apply_description(self, description: Description) -> None:
        """Apply a new description: identity, bells, controls, repair issues."""
        self._described_at = time.monotonic()
        # The id is stable, even if newer firmware reports a better one.
        identity = replace(description.identity, id=self.config_entry.unique_id or "")
        self.description = replace(description, identity=identity)
        self.remember_bells(description)
        self._async_retry_unanswered(description)
        if CONF_CONTROLS in self.config_entry.data:
            controls = sorted(map(str, description.controls))
            data = {**self.config_entry.data, CONF_CONTROLS: controls}
            self.hass.config_entries.async_update_entry(self.config_entry, data=data)
        if self.device_id:
            async_update_device(self.hass, self.device_id, identity)
        if not description.incomplete:  # issues of what is read later stay
            self.device_issues.async_describe(description)

    @callback
    def _async_retry_unanswered(self, description: Description) -> None:
        """Retry functions that did not respond, with increasing delays."""
        self._incomplete = self._incomplete + 1 if description.unanswered else 0
        if self._incomplete:
            _LOGGER.debug("%s: no response from %s", self.name, ", ".join(sorted(description.unanswered)))
            pause = _UNANSWERED_RETRIES[min(self._incomplete, len(_UNANSWERED_RETRIES)) - 1]
            self.timers.async_do(max(pause, description.retry_after), "describe", self.async_describe)
        if description.bells_pending:
            self.config_entry.async_create_background_task(
                self.hass, self._async_refresh_bells(), f"{DOMAIN} directory of {self.name}"
            )

    @callback
    def _async_describe_later(self) -> None:
        """Schedule a refresh after a restart or an outage: another device may have the address now."""
        self.timers.async_do(_RESTART_DELAY, "restarted", self.async_describe)

    @callback
    def async_describe_soon(self) -> None:
        """Schedule a refresh of the identity and capabilities, debounced."""
        self._device_changed.async_schedule_call()

    async def _async_refresh_bells(self) -> None:
        try:
            bells = await self.system.read_bells()
        except IntercomError as err:
            _LOGGER.debug("%s: could not read the directory: %s", self.name, err)
            if self.description.bells_pending:
                self.timers.async_do(_DESCRIBE_RETRY, "describe", self.async_describe)
            return
        if bells is None:
            return
        self.directory = bells
        # Bells that rang are kept, even if the directory no longer lists them.
        self._state = replace(self._state, bells={**self._state.bells, **bells.bells})
        self.async_publish()

    def _failure[E: (UpdateFailed, ConfigEntryAuthFailed)](self, kind: type[E], err: IntercomError) -> E:
        """Record why the device is unavailable, and return the translated exception to raise from an update."""
        self._async_record_failure(err)
        if isinstance(err, ConnectionFailed):
            self.load_spreader.async_lost(self.config_entry.entry_id)
        if isinstance(err, CertificateChanged):
            self.device_issues.async_report_certificate(err)
        elif isinstance(err, AddressRefused):
            self.device_issues.async_report_address(err)
        _, key, placeholders = translation_for(err)
        failure = translated_error(kind, key, device=self.name, **placeholders)
        if isinstance(failure, UpdateFailed):
            delay = self.load_spreader.poll_delay(POLL_ALONE.total_seconds(), followed=self.system.log is not None)
            # One more poll, and any number of them while not even a connection is possible.
            is_first = self.last_update_success and isinstance(err, ConnectionFailed)
            if delay is None and not self.log_health.lost and (is_first or isinstance(err, NotReached)):
                delay = _CHECK_PAUSE
            failure.retry_after = err.retry_after or delay
        return failure

    @callback
    def async_fold(self, event: Event) -> State:
        """Apply an event to the state without publishing it, and return the new state."""
        self._async_change_by(partial(reduce, event=event))
        self.device_issues.async_process(event)
        for fact in event.facts:
            match fact:
                case DirectoryChanged():
                    self._directory_changed.async_schedule_call()
                case CapabilitiesChanged():
                    self.async_describe_soon()
                case Restarted():
                    self._async_describe_later()
                case CallChanged(state=CallState.TERMINATED) if self._reads_last_call:
                    self.timers.async_do(_CALL_LOG_DELAY, "call log", self.async_read_last_call)
        return self._state

    @property
    def _reads_last_call(self) -> bool:
        """Return whether the call log has to be read because events do not report the outcome of a call."""
        return self.features.call_log is not None and not self.description.outcomes

    @property
    def reachable(self) -> bool:
        """Return whether the device or its server responds."""
        return self.last_update_success or isinstance(self.failure_cause, ExchangeUnreachable | ExchangeSilent)

    @property
    def linked(self) -> bool | None:
        """Return whether the server reaches its phone exchange; None while the server itself does not respond."""
        return self.last_update_success if self.reachable else None

    @callback
    def _async_record_failure(self, err: IntercomError) -> None:
        """Record why the device is unavailable, and update the entities if ``linked`` changed."""
        before, self.failure_cause = self.linked, without_frames(err)
        if not self.last_update_success and self.linked is not before:
            self.async_update_listeners()

    @callback
    def async_log_failed(self, err: IntercomError | None = None) -> None:
        """Record a failure of the event log; a poll checks whether only the log fails or the whole device."""
        self.log_health.async_lost()
        if err is not None and not self.last_update_success:
            self._async_record_failure(err)  # sooner than the next poll
        log = self.system.log
        if err is not None and err.retry_after is not None and log is not None and not log.local:
            # A server that throttles all sources of the log is busy: no other requests either.
            self._back_off = BackOff(time.monotonic() + err.retry_after, err)
        self.update_interval = POLL_ALONE
        if isinstance(err, ServerSilent):
            self.async_set_update_error(self._failure(UpdateFailed, err))  # a poll would only time out
            return
        now = time.monotonic()
        if self.last_update_success and now - self._checked_at >= _CHECK_PAUSE:
            self._checked_at = now
            self.config_entry.async_create_background_task(
                self.hass, self.async_refresh(), f"{DOMAIN} check of {self.name}"
            )

    @callback
    def async_log_responded(self, live: bool, failing: frozenset[str] = frozenset()) -> bool:
        """Record a response of the event log; if the log had failed, the device is available again.

        Args:
            live: Events arrive as they happen, so a slow poll is enough.
            failing: Event sources that cannot be read.

        Returns:
            Whether it was unavailable or polled without events, so that its state has to be read.
        """
        self._back_off = None
        self._async_credentials_accepted(_LOG)
        self.device_issues.async_clear_connection()
        interval = POLL_BESIDE_EVENTS if live else POLL_ALONE
        was_unavailable = self.update_interval != interval or not self.last_update_success
        self.update_interval = interval
        # If the log did not fail, a failing poll has another cause, and the device stays unavailable.
        had_lost, self._checked_at = self.log_health.lost, -_CHECK_PAUSE
        self.log_health.async_followed(failing)
        if had_lost and self._async_recover():
            self._async_describe_later()
            self.async_update_listeners()
        return was_unavailable

    @callback
    def _async_recover(self) -> bool:
        """Record that the device responded; return whether it was unavailable."""
        was_unavailable = not self.last_update_success
        if was_unavailable:
            self.last_update_success = True
            self._recovered_at = time.monotonic()
            self._async_found()
            self.logger.info("Fetching %s data recovered", self.name)
        return was_unavailable

    @callback
    def _async_found(self) -> None:
        """Record that the device responded, and read the rest of the description if it was away when it was asked."""
        self.failure_cause = self.last_exception = None
        self.load_spreader.async_found(self.config_entry.entry_id)
        if self._lacks_rest:
            self._lacks_rest = False
            self.config_entry.async_create_background_task(
                self.hass, self.async_complete(), f"{DOMAIN} rest of {self.name}"
            )

    @callback
    def async_log_unavailable(self, err: IntercomError) -> None:
        """Record that this account cannot read the event log any more, and fall back to polling."""
        self.log_health.async_lost(is_logged=True)
        if _LOG in self._rejecting_sources:
            self._rejecting_sources = {_POLL}  # the log no longer tests the credentials
        if self.update_interval != POLL_ALONE:
            self.update_interval = POLL_ALONE
            _LOGGER.warning(
                "%s: event log unavailable, the doorbell does not ring and state is polled: %s", self.name, err
            )
            self.async_read_soon()

    @callback
    def async_credentials_rejected(self, err: AuthenticationFailed) -> None:
        """Record that the device rejected the credentials of the event log, and start reauth."""
        self._rejecting_sources.add(_LOG)
        self.async_set_update_error(self._failure(ConfigEntryAuthFailed, err))
        self.config_entry.async_start_reauth(self.hass)

    @callback
    def _async_credentials_accepted(self, source: str) -> None:
        """Record that a source accepted the credentials; abort reauth if no other source rejects them."""
        if source not in self._rejecting_sources:
            return
        self._rejecting_sources.remove(source)
        if not self._rejecting_sources:
            for flow in list(self.config_entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    @override
    async def async_shutdown(self) -> None:
        """Stop polling and cancel all timers."""
        await super().async_shutdown()
        self.load_spreader.async_found(self.config_entry.entry_id)
        self._directory_changed.async_shutdown()
        self._device_changed.async_shutdown()
        self.timers.async_close()
