"""The next step of a door command, and its effect: pure functions of a door that was just read.

A door must never do the opposite of the command: if the effect of a request depends on the state, the state decides
what is sent, and nothing is sent if the door already is in the target state.
"""

from .parts import Door, DoorCommand


def next_step(door: Door, wanted: DoorCommand, *, extends: bool = False, timed: bool = False) -> DoorCommand | None:
    """Return the next step towards the target of ``wanted``; None if the door is in the target state.

    Args:
        door: The door as the device reports it now.
        extends: Opening an open door again certainly extends the opening, and neither shortens nor ends it.
        timed: The requested hold has an end, so a hold without one does not satisfy it.
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
    """Return whether a door shows the effect of a sent command; None if the device does not report that."""
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
