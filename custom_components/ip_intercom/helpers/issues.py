"""Repair issues of a device."""

from collections.abc import Hashable
import time

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import slugify

from ..const import DOMAIN
from ..model.events import DoorReleased, Event, PortChanged
from ..model.state import Description, Missing, State
from ..systems.common.errors import AddressRefused, CertificateChanged
from .timers import Timers

# An event may be on its way for so many seconds after a poll found what it tells of.
_PATIENCE = 2.0
CERTIFICATE = "certificate"
ADDRESS = "address_refused"

# Translation keys by the kind of what is missing.
_SENTENCES = {
    "clock": "clock",
    "clock_by_hand": "clock_by_hand",
    ADDRESS: "address_refused",
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
# What only a person at the device can mend, and no question shows at once.
_BY_HAND = frozenset({"clock_by_hand"})


class DeviceIssues:
    """What one device keeps from us, put together from all that shows it.

    A question that is refused shows it at once; for what no question tells of, there is evidence:
    holes in the log (``Delivery.withheld``), and states that move without an event.

    Args:
        hass: Home Assistant.
        entry_id: The entry of the device.
        device: Its name.
        later: For second looks.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str, device: str, timers: Timers) -> None:
        self._hass = hass
        self._entry_id = entry_id
        self._device = device
        self._timers = timers
        self._refused: frozenset[Missing] = frozenset()
        self._state_events: Missing | None = None
        self._withheld: frozenset[Missing] = frozenset()
        self._noted: dict[str, frozenset[Missing]] = {}
        self._silence = Silence()
        # Before the device was asked, nothing is known to be mended.
        self._described = False

    @callback
    def async_note(self, source: str, missing: frozenset[Missing]) -> None:
        """Note what one part of Home Assistant found missing, in place of what it found before."""
        self._noted[source] = missing
        self._async_show()

    @callback
    def async_distrust(self, err: CertificateChanged) -> None:
        """Note that another certificate is shown than the one that is insisted on."""
        self.async_note(CERTIFICATE, frozenset({Missing(CERTIFICATE, err.shown.hex())}))

    @callback
    def async_be_refused(self, err: AddressRefused) -> None:
        """Note that the device answers, and lets no one in from here: its API was turned off, or has a list of who may."""
        self.async_note(ADDRESS, frozenset({Missing(ADDRESS, err.address)}))

    @callback
    def async_trust(self) -> None:
        """Note that the device lets us in, with the right certificate, as far as it did not before."""
        if [noted for noted in (CERTIFICATE, ADDRESS) if self._noted.pop(noted, None)]:
            self._async_show()

    @callback
    def async_describe(self, description: Description) -> None:
        """Note what was refused when the device was asked what it has."""
        self._described = True
        self._noted.pop(CERTIFICATE, None)
        self._refused = frozenset(missing for missing in description.missing if missing.vital)
        if description.nothing is not None:
            self._refused |= {description.nothing}
        self._state_events = description.state_events
        self._async_show()

    @callback
    def async_hear(self, event: Event) -> None:
        """Note an event: its data is not withheld from us."""
        was_certain = self._silence.certain
        self._silence.heard(event)
        if was_certain and not self._silence.certain:
            self._async_show()

    @callback
    def async_withhold(self, withheld: frozenset[Missing]) -> None:
        """Note what holes in the log show."""
        if withheld != self._withheld:
            self._withheld = withheld
            self._async_show()

    @callback
    def async_compare(self, before: State, after: State) -> None:
        """Wonder, where a poll found what no event told of."""
        moved = self._silence.moved(before, after)

        async def wonder() -> None:
            self._silence.count_unheard(moved)
            self._async_show()

        if moved:
            self._timers.async_do(_PATIENCE, "silence", wonder)

    @callback
    def async_forget_evidence(self) -> None:
        """Reset what only evidence shows: the user confirmed a fix."""
        self._withheld = frozenset()
        self._silence = Silence()
        self._async_show()

    @callback
    def _async_show(self) -> None:
        missing = self._refused.union(self._withheld, *self._noted.values())
        if self._silence.certain and self._state_events is not None:
            missing |= {self._state_events}
        async_show_missing(self._hass, self._entry_id, self._device, missing, withdraw=self._described)


@callback
def async_show_missing(
    hass: HomeAssistant, entry_id: str, device: str, missing: frozenset[Missing], *, withdraw: bool = True
) -> None:
    """Have one repair for each thing that a device keeps from us, and withdraw those that are mended."""
    wanted = {issue_id(entry_id, item): item for item in missing}
    shown = _shown(hass, entry_id)
    for issue in shown - wanted.keys() if withdraw else ():
        ir.async_delete_issue(hass, DOMAIN, issue)
    for issue, item in wanted.items():
        if issue in shown:
            continue
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue,
            data={"entry_id": entry_id},
            is_fixable=item.kind not in _BY_HAND,
            severity=ir.IssueSeverity.WARNING,
            translation_key=_SENTENCES[item.kind],
            translation_placeholders={"device": device, "name": item.name},
        )


def issue_id(entry_id: str, missing: Missing) -> str:
    """Return the id of the repair for something that is missing."""
    return f"{missing.kind}_{slugify(missing.name)}_{entry_id}"


def _shown(hass: HomeAssistant, entry_id: str) -> set[str]:
    issues = ir.async_get(hass).issues.items()
    return {
        issue for (domain, issue), entry in issues if domain == DOMAIN and entry.active and issue.endswith(entry_id)
    }


# A single move may have been told of by an event that got lost between two reads.
_EVIDENCE = 2


class Silence:
    """Weighs the moves that a poll found against the events that told of them."""

    def __init__(self) -> None:
        self._heard: dict[Hashable, float] = {}
        self._unheard = 0
        self._moved_at = 0.0

    @property
    def certain(self) -> bool:
        """Return whether events are missing, beyond reasonable doubt."""
        return self._unheard >= _EVIDENCE

    def heard(self, event: Event) -> None:
        """Note an event: its data is not withheld from the account."""
        for fact in event.facts:
            match fact:
                case DoorReleased(door=door):
                    self._heard["door", door] = time.monotonic()
                case PortChanged(port=port, virtual=False):
                    self._heard["port", port] = time.monotonic()
                case _:
                    continue
            self._unheard = 0

    def moved(self, before: State, after: State) -> frozenset[Hashable]:
        """Return the doors and ports that a poll found in another state than events had left them."""
        self._moved_at = time.monotonic()
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

    def count_unheard(self, moved: frozenset[Hashable]) -> None:
        """Count a move that no event has told of by now."""
        if not any(self._heard.get(part, 0.0) >= self._moved_at for part in moved):
            self._unheard += 1
