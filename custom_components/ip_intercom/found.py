"""What no list of a device tells of: it showed itself once, and is remembered for the next life."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .model import Alarm, Bell, BellId, Port, PortId, State


@dataclass(frozen=True, slots=True)
class Found:
    """Bells that rang, virtual ports that changed, and parts of alarms."""

    bells: Mapping[BellId, Bell]
    ports: frozenset[PortId] = frozenset()
    alarm_parts: frozenset[tuple[Alarm, str]] = frozenset()

    @classmethod
    def from_store(cls, stored: Mapping[str, Any]) -> Found:
        """Return what ``as_store`` wrote."""
        return cls(
            {str(bell): Bell(str(bell), button=button) for bell, button in stored.get("bells", [])},
            frozenset(stored.get("ports", [])),
            frozenset((Alarm(alarm), part) for alarm, part in stored.get("alarm_parts", []) if alarm in Alarm),
        )

    @classmethod
    def in_state(cls, state: State, bells: Mapping[BellId, Bell]) -> Found:
        """Return what is in a state; which of its bells were found, it does not tell."""
        ports = frozenset(port.id for port in state.ports.values() if port.virtual)
        return cls(bells, ports, frozenset(state.alarm_parts))

    def as_store(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "bells": [[bell.id, bell.button] for bell in self.bells.values()],
            "ports": sorted(self.ports),
            "alarm_parts": sorted([alarm.value, part] for alarm, part in self.alarm_parts),
        }

    def added_to(self, state: State) -> State:
        """Return a state with it, as far as the state does not know better."""
        parts = {part: None for part in self.alarm_parts if part[0] in state.alarms}
        return replace(
            state,
            bells={**self.bells, **state.bells},
            ports={**state.ports, **{port: Port(port, output=False, virtual=True) for port in self.ports}},
            alarm_parts={**parts, **state.alarm_parts},
        )
