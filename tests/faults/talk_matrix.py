"""The stage *talk* of the fault matrix: what a device that talks does wrong, by system, and what is expected.

Everything else of the device works: its bell rings and its doors open during each of these faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import os

# Seconds until the next attempts after a check that may pass by itself, with the check itself.
BACK = 75.0

FAULTS: Mapping[str, str] = {
    "refused": "connection refused",
    "black_hole": "black hole",
    "reset": "reset in a call",
    "garbage": "garbage",
    "401": "401 for good",
    "busy": "busy",
    "no_media": "no media",
    "slow": "slow",
}
SYSTEMS: Mapping[str, str] = {"two_n": "2N (RTSP)", "akuvox": "Akuvox (SIP)", "smartyard": "SmartYard (SIP)"}
ABSENT: Mapping[tuple[str, str], str] = {("smartyard", "busy"): "the server calls Home Assistant, and is never busy"}

CHECKED = "talk works again with the next check: hourly, after a restart of the device, or by the button"
BY_A_RING = "the next visitor shows that the server works again"

# What the sensor shows during the fault, where it is not the route.
REASONS: Mapping[tuple[str, str], str] = {
    ("two_n", "refused"): "rtsp_closed",
    ("two_n", "black_hole"): "rtsp_closed",
    ("two_n", "reset"): "rtsp_closed",
    ("two_n", "garbage"): "rtsp_refused",
    ("two_n", "401"): "rtsp_login",
    ("two_n", "busy"): "rtsp_refused",
    ("akuvox", "refused"): "sip_closed",
    ("akuvox", "black_hole"): "sip_closed",
    ("akuvox", "reset"): "sip_closed",
    ("akuvox", "garbage"): "sip_closed",
    ("smartyard", "refused"): "account_unreachable",
    ("smartyard", "black_hole"): "account_unreachable",
    ("smartyard", "garbage"): "account_unreachable",
    ("smartyard", "401"): "account_refused",
}
# What the sensor says of the last call, where talk itself stays possible.
FAILURES: Mapping[tuple[str, str], str] = {("akuvox", "401"): "refused", ("akuvox", "busy"): "busy"}
# Faults after which talk does not come back with the next attempt.
LATER: Mapping[tuple[str, str], str] = {
    ("two_n", "401"): CHECKED,
    **{key: BY_A_RING for key in REASONS if key[0] == "smartyard"},
}


@dataclass(frozen=True, slots=True)
class TalkCell:
    """One system and fault.

    Attributes:
        reason: What the sensor shows during the fault; None if talk stays possible.
        later: Why talk is not back by itself at once.
        absent: Why there is no such cell.
    """

    system: str
    fault: str

    @property
    def id(self) -> str:
        """The name of its test."""
        return f"{self.system}-{self.fault}-talk"

    @property
    def reason(self) -> str | None:
        """What the sensor shows."""
        return REASONS.get((self.system, self.fault))

    @property
    def later(self) -> str:
        """Why talk comes back later."""
        return LATER.get((self.system, self.fault), "")

    @property
    def absent(self) -> str:
        """Why there is no such cell."""
        return ABSENT.get((self.system, self.fault), "")


ALL = tuple(TalkCell(system, fault) for system in SYSTEMS for fault in FAULTS)
CELLS = tuple(cell for cell in ALL if not cell.absent)


def chosen() -> tuple[TalkCell, ...]:
    """Return the cells to run: one of each fault, by turns of the systems; all with ``IP_INTERCOM_FAULTS=all``."""
    if os.environ.get("IP_INTERCOM_FAULTS") == "all":
        return CELLS
    found = []
    for number, fault in enumerate(FAULTS):
        cells = [cell for cell in CELLS if cell.fault == fault]
        found.append(cells[number % len(cells)])
    return tuple(found)
