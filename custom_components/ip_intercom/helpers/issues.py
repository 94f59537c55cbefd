"""Repair issues of a device."""

from collections.abc import Hashable
import time
from typing import Any

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import slugify

from ..const import DOMAIN
from ..model.events import DoorReleased, Event, PortChanged
from ..model.state import Description, Missing, State
from ..systems.common.errors import AddressRefused, CertificateChanged
from .scheduling import Timers
from .storage import STORED_DATA

# Seconds for which the event of a change may still arrive after a poll found the change.
_PATIENCE = 2.0
CERTIFICATE = "certificate"
ADDRESS = "address_refused"

# Translation keys by ``Missing.kind``.
_TRANSLATION_KEYS = {
    "clock": "clock",
    "clock_by_hand": "clock_by_hand",
    ADDRESS: "address_refused",
    "button_full": "button_full",
    "button_left": "button_left",
    "button_refused": "button_refused",
    CERTIFICATE: "certificate_changed",
    "code_left": "code_left",
    "code_refused": "code_refused",
    "event_log": "event_log_lost",
    "event_source": "event_source_lost",
    "no_flats": "no_flats",
    "privilege": "privilege_missing",
    "push_by_get": "push_by_get",
    "push_foreign": "push_foreign",
    "push_https": "push_https",
    "push_key_refused": "push_key_refused",
    "push_no_url": "push_no_url",
    "push_refused": "push_refused",
    "push_unreachable": "push_unreachable",
    "secure": "https_missing",
    "service": "service_missing",
    "stream_login": "stream_login",
}
# Kinds that a user can only fix at the device, and that a new check does not confirm at once.
_NOT_FIXABLE = frozenset({"clock_by_hand"})


class DeviceIssues:
    """Repair issues of one device, collected from all sources.

    Rejected requests show at once what is missing. Missing events leave only indirect evidence:
    gaps in the log (``Delivery.withheld``), and state changes without an event.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str, device: str, timers: Timers) -> None:
        self._hass = hass
        self._entry_id = entry_id
        self._device = device
        self._timers = timers
        self._refused: frozenset[Missing] = frozenset()
        self._state_events: Missing | None = None
        self._withheld: frozenset[Missing] = frozenset()
        self._by_source: dict[str, frozenset[Missing]] = {}
        self._missing_events = MissingEvents()
        # Existing issues are deleted only after the device was read.
        self._described = False

    @callback
    def async_note(self, source: str, missing: frozenset[Missing]) -> None:
        """Set what one source found missing, replacing its earlier findings."""
        self._by_source[source] = missing
        self._async_show()

    @callback
    def async_report_certificate(self, err: CertificateChanged) -> None:
        """Report that the certificate differs from the pinned one."""
        self.async_note(CERTIFICATE, frozenset({Missing(CERTIFICATE, err.shown.hex())}))

    @callback
    def async_report_address(self, err: AddressRefused) -> None:
        """Report that the device rejects the address of Home Assistant: its API is off, or has an allow list."""
        self.async_note(ADDRESS, frozenset({Missing(ADDRESS, err.address)}))

    @callback
    def async_clear_connection(self) -> None:
        """Clear the reports of a changed certificate and a rejected address: a request succeeded."""
        if [source for source in (CERTIFICATE, ADDRESS) if self._by_source.pop(source, None)]:
            self._async_show()

    @callback
    def async_describe(self, description: Description) -> None:
        """Set what a description of the device found missing."""
        self._described = True
        self._by_source.pop(CERTIFICATE, None)
        self._refused = frozenset(missing for missing in description.missing if missing.vital)
        if description.nothing is not None:
            self._refused |= {description.nothing}
        self._state_events = description.state_events
        self._async_show()

    @callback
    def async_process(self, event: Event) -> None:
        """Record an event as evidence that its kind of events arrives."""
        was_certain = self._missing_events.certain
        self._missing_events.record(event)
        if was_certain and not self._missing_events.certain:
            self._async_show()

    @callback
    def async_set_log_gaps(self, withheld: frozenset[Missing]) -> None:
        """Set what gaps in the log show to be missing."""
        if withheld != self._withheld:
            self._withheld = withheld
            self._async_show()

    @callback
    def async_compare(self, before: State, after: State) -> None:
        """Check a moment later whether an event reported the changes that a poll found."""
        changes = self._missing_events.changes(before, after)

        async def check() -> None:
            self._missing_events.count_unreported(changes)
            self._async_show()

        if changes:
            self._timers.async_do(_PATIENCE, "silence", check)

    @callback
    def async_forget_evidence(self) -> None:
        """Reset issues that rest on indirect evidence: the user confirmed a fix."""
        self._withheld = frozenset()
        self._missing_events = MissingEvents()
        self._async_show()

    @callback
    def _async_show(self) -> None:
        missing = self._refused.union(self._withheld, *self._by_source.values())
        if self._missing_events.certain and self._state_events is not None:
            missing |= {self._state_events}
        async_show_missing(self._hass, self._entry_id, self._device, missing, withdraw=self._described)


@callback
def async_show_missing(
    hass: HomeAssistant, entry_id: str, device: str, missing: frozenset[Missing], *, withdraw: bool = True
) -> None:
    """Create an issue for each missing item, and delete the issues of the others."""
    wanted = {issue_id(entry_id, item): item for item in missing}
    shown = _shown(hass, entry_id)
    for issue in shown - wanted.keys() if withdraw else ():
        ir.async_delete_issue(hass, DOMAIN, issue)
    for issue, item in wanted.items():
        placeholders = {"device": device, "name": item.name}
        known = ir.async_get(hass).async_get_issue(DOMAIN, issue) if issue in shown else None
        if known is not None and known.translation_placeholders == placeholders:
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue,
            data={"entry_id": entry_id},
            is_fixable=item.kind not in _NOT_FIXABLE,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_TRANSLATION_KEYS[item.kind],
            translation_placeholders=placeholders,
        )


@callback
def async_report_left_behind(hass: HomeAssistant, entry_id: str, device: str, key: str, names: str) -> None:
    """Create an issue that outlasts a removed entry: its device keeps what has to be deleted there by hand."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{key.removesuffix('_behind')}_{entry_id}_removed",
        is_fixable=False,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={"device": device, "name": names},
    )


@callback
def async_delete_issues(hass: HomeAssistant, entry_id: str) -> None:
    """Delete all issues of a removed entry but those that outlast it."""
    async_show_missing(hass, entry_id, "", frozenset())
    files = f"{STORED_DATA}_{DOMAIN}.{entry_id}"
    for issue in [issue for domain, issue in ir.async_get(hass).issues if domain == DOMAIN]:
        if issue.startswith(files):
            ir.async_delete_issue(hass, DOMAIN, issue)


@callback
def async_watch_disabled(hass: HomeAssistant) -> None:
    """Delete the issues of each entry that is disabled from now on; nothing checks them until it is enabled.

    Ignored issues are not shown and stay, so that they are still ignored when the entry is enabled.
    """

    @callback
    def check(_: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        if entry.domain != DOMAIN or entry.disabled_by is None:
            return
        registry = ir.async_get(hass)
        for issue in _shown(hass, entry.entry_id):
            if registry.issues[DOMAIN, issue].dismissed_version is None:
                registry.async_delete(DOMAIN, issue)

    async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, check)


def issue_id(entry_id: str, missing: Missing) -> str:
    """Return the id of the issue for a missing item."""
    return f"{missing.kind}_{slugify(missing.name)}_{entry_id}"


def _shown(hass: HomeAssistant, entry_id: str) -> set[str]:
    issues = ir.async_get(hass).issues.items()
    return {
        issue
        for (domain, issue), entry in issues
        if domain == DOMAIN
        and entry.active
        and issue.endswith(entry_id)
        and not issue.startswith(STORED_DATA)  # the file of the cursor has the id of the entry as its name
    }


# A single change without an event may be due to one lost event.
_EVIDENCE = 2


class MissingEvents:
    """Detects state changes, found by polls, that produced no event."""

    def __init__(self) -> None:
        self._reported_at: dict[Hashable, float] = {}
        self._unreported = 0
        self._polled_at = 0.0

    @property
    def certain(self) -> bool:
        """Return whether events are certainly missing."""
        return self._unreported >= _EVIDENCE

    def record(self, event: Event) -> None:
        """Record the doors and ports that an event reports."""
        for fact in event.facts:
            match fact:
                case DoorReleased(door=door):
                    self._reported_at["door", door] = time.monotonic()
                case PortChanged(port=port, virtual=False):
                    self._reported_at["port", port] = time.monotonic()
                case _:
                    continue
            self._unreported = 0

    def changes(self, before: State, after: State) -> frozenset[Hashable]:
        """Return the doors and ports whose state a poll found changed."""
        self._polled_at = time.monotonic()
        doors = {
            ("door", door.id)
            for door in after.doors.values()
            if (old := before.doors.get(door.id)) is not None and old.released is not door.released
        }
        ports = {
            ("port", port.id)
            for port in after.ports.values()
            if (was := before.ports.get(port.id)) is not None and None is not was.on is not port.on
        }
        return frozenset(doors | ports)

    def count_unreported(self, changes: frozenset[Hashable]) -> None:
        """Count changes that no event has reported yet."""
        if not any(self._reported_at.get(part, 0.0) >= self._polled_at for part in changes):
            self._unreported += 1
