"""Polled state of a 2N, combined from several responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model.features import Bells
from ...model.parts import Alarm, PortId
from ...model.state import Reading
from .calls import neutral_calls
from .client.doors import SwitchCaps, SwitchStatus
from .client.phone import CallSession, SipAccount
from .client.system import DeviceTime
from .doors import access_points_of
from .maintenance import clock_of
from .mapping import doors_of, lines_of, ports_of

_TAMPER_PORT = "tamper"


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """Parts of a device that are polled."""

    switches: Mapping[int, SwitchCaps] = field(default_factory=dict)
    ports: Mapping[PortId, bool] = field(default_factory=dict)
    phone: bool = False
    access_points: bool = False
    displays: bool = False
    call_log: bool = False
    bells: Bells = field(default_factory=lambda: Bells({}, {}))


def reading_of(
    parts: DeviceParts,
    switches: tuple[SwitchStatus, ...] | None,
    ports: Mapping[str, bool] | None,
    accounts: tuple[SipAccount, ...] | None,
    calls: tuple[CallSession, ...] | None,
    blocked: Mapping[int, bool] | None,
    clock: DeviceTime | None,
) -> Reading:
    """Return the state from the responses of the device; a part without a response is None."""
    return Reading(
        doors=None if switches is None else doors_of(switches, parts.switches),
        ports=None if ports is None else ports_of(ports, parts.ports),
        alarms={Alarm.TAMPER: ports[_TAMPER_PORT]} if ports and _TAMPER_PORT in ports else None,
        lines=None if accounts is None else lines_of(accounts),
        calls=None if calls is None else neutral_calls(calls),
        access_points=None if blocked is None else access_points_of(dict(blocked)),
        clock=None if clock is None else clock_of(clock),
    )
