"""The target of a door command and the next step toward it: pure functions of a door as it was just read.

A door never does the opposite of what was asked: a command whose effect depends on the state is chosen by the state,
and nothing is sent where the door already is as asked.
"""

from enum import StrEnum

from .parts import Door


class DoorCommand(StrEnum):
    """What people ask of a door, and what is sent to it."""

    OPEN = "open"
    CLOSE = "close"
    HOLD = "hold"
    END_HOLD = "end_hold"
    BLOCK = "block"
    UNBLOCK = "unblock"


def next_step(door: Door, wanted: DoorCommand, *, extends: bool = False, timed: bool = False) -> DoorCommand | None:
    """Return what to send next so that a door becomes as ``wanted``; None where it is.

    Args:
        door: The door as the device reports it now.
        wanted: What was asked.
        extends: Opening an open door again is certain to prolong the time, neither to shorten it nor to close the door.
        timed: The hold that is asked for has an end of its own, so that one without it is another.
    """
    match wanted:
        case DoorCommand.OPEN:
            return None if door.released and (door.latching or not extends) else wanted
        case DoorCommand.CLOSE:
            if door.held_open:
                return DoorCommand.END_HOLD
            return None if door.released is False else wanted
        case DoorCommand.HOLD:
            held = door.held_open and door.released
            return None if held and not timed and door.hold_until is None else wanted
        case DoorCommand.END_HOLD:
            return None if door.held_open is False or (door.released is False and door.held_open is None) else wanted
        case DoorCommand.BLOCK:
            return None if door.blocked else wanted
        case DoorCommand.UNBLOCK:
            return None if door.blocked is False else wanted


def is_done(door: Door, sent: DoorCommand) -> bool | None:
    """Return whether a door is as a command that was sent leaves it; None where the device does not report that."""
    match sent:
        case DoorCommand.OPEN:
            return door.released
        case DoorCommand.CLOSE:
            return None if door.released is None else not door.released
        case DoorCommand.HOLD:
            return door.held_open
        case DoorCommand.END_HOLD:
            return None if door.held_open is None else not door.held_open
        case DoorCommand.BLOCK:
            return door.blocked
        case DoorCommand.UNBLOCK:
            return None if door.blocked is None else not door.blocked
