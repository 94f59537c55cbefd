"""Logbook: a sentence for each event of a device."""

from collections.abc import Callable, Mapping
import re
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_ICON, LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .const import DOMAIN, EVENT_LOG

_ICON = "mdi:doorbell-video"

# Fields that split a type of event into several sentences: the first that an event has follows its type.
_DECIDING = ("state", "granted")
# The sentences after the name of the device, by type; the first one whose fields the event has is used.
SENTENCES: Mapping[str, tuple[str, ...]] = {
    # 2N
    "AccessTaken": ("let a person pass",),
    "CallStateChanged": ("reported an {direction} call: {state}",),
    "CardEntered": ("read a card",),
    "CodeEntered": ("received a code",),
    "DeviceState=startup": ("started",),
    "DoorOpenTooLong=in": ("reported that the door is open for too long",),
    "DoorOpenTooLong=out": ("reported that the door is no longer open for too long",),
    "DoorStateChanged=closed": ("reported that the door was closed",),
    "DoorStateChanged=opened": ("reported that the door was opened",),
    "FingerEntered": ("read a fingerprint",),
    "InputChanged=False": ("reported that {port} turned off",),
    "InputChanged=True": ("reported that {port} turned on",),
    "KeyPressed": ("reported that the button {key} was pressed",),
    "KeyReleased": ("reported that the button {key} was released",),
    "LicensePlateRecognized": ("recognized a license plate",),
    "LogGap": ("lost events in a restart",),
    "LoginBlocked": ("blocked a login after failed attempts",),
    "MobKeyEntered": ("read a mobile key",),
    "MotionDetected=in": ("detected motion",),
    "MotionDetected=out": ("detected no more motion",),
    "NoiseDetected=in": ("detected noise",),
    "NoiseDetected=out": ("detected no more noise",),
    "OutputChanged=False": ("turned off {port}",),
    "OutputChanged=True": ("turned on {port}",),
    "RexActivated": ("reported that the exit button was pressed",),
    "SilentAlarm": ("reported a silent alarm of {name}", "reported a silent alarm"),
    "SwitchStateChanged=False": ("turned off switch {switch}",),
    "SwitchStateChanged=True": ("turned on switch {switch}",),
    "TamperSwitchActivated=in": ("reported tampering",),
    "TamperSwitchActivated=out": ("reported the end of tampering",),
    "UnauthorizedDoorOpen=in": ("reported that the door was forced open",),
    "UnauthorizedDoorOpen=out": ("reported that the door is no longer forced open",),
    "UserAuthenticated": ("granted access to {name}", "granted access"),
    "UserRejected": ("denied access to {name}", "denied access"),
    # Akuvox
    "DeviceRestarted": ("restarted",),
    "DoorLog=False": ("denied access to {name}", "denied access"),
    "DoorLog=True": ("granted access to {name}", "granted access"),
    "HangUp": ("ended a call",),
    "InputBreakIn": ("reported a break-in",),
    "InvalidCardEntered": ("denied access by card",),
    "InvalidCodeEntered": ("denied access by code",),
    "InvalidFaceRecognition": ("denied access by face",),
    "MakeCall": ("started a call",),
    "ValidCardEntered": ("granted access by card",),
    "ValidCodeEntered": ("granted access by code",),
    "ValidFaceRecognition": ("granted access by face",),
    # MX Proxy
    "CallLog": ("recorded a call of {name}", "recorded a call of {number}", "recorded a call"),
    "ConnectionCleared": ("ended a call",),
    "Delivered": ("reported a call that rings",),
    "Established": ("reported that a call was answered",),
    "HeldEvent": ("reported that a call was put on hold",),
    "MailIncoming": ("received a voicemail",),
    "Originated": ("started a call",),
    "RetrievedEvent": ("reported that a call was resumed",),
    # SmartYard
    "Answered": ("recorded an answered visitor at {entrance}", "recorded an answered visitor"),
    "App": ("recorded that {entrance} was opened with the app", "recorded that a door was opened with the app"),
    "Call": ("reported a visitor",),
    "CallEnded": ("reported that the visitor stopped ringing",),
    "Code": ("recorded that {entrance} was opened with a code", "recorded that a door was opened with a code"),
    "Face": ("recorded that {entrance} was opened by a face", "recorded that a door was opened by a face"),
    "GuestCall": ("recorded that {entrance} was opened by a call", "recorded that a door was opened by a call"),
    "Key": ("recorded that {entrance} was opened with a key", "recorded that a door was opened with a key"),
    "Message": ("received the message {title}", "received a message"),
    "MissedCall": ("recorded a missed visitor at {entrance}", "recorded a missed visitor"),
    "Vehicle": (
        "recorded that {entrance} was opened by a license plate",
        "recorded that a door was opened by a license plate",
    ),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def sentence(event_type: str, data: Mapping[str, Any]) -> str:
    """Return what happened, as words after the name of the device."""
    deciding = next((data[field] for field in _DECIDING if data.get(field) is not None), None)
    candidates = SENTENCES.get(f"{event_type}={deciding}") or SENTENCES.get(event_type, ())
    known = {key: value for key, value in data.items() if value not in (None, "")}
    for candidate in candidates:
        try:
            return candidate.format_map(known)
        except KeyError:
            continue
    words = (word if word.isupper() else word.lower() for word in _WORD.findall(event_type))
    return f"reported: {' '.join(words) or event_type}"


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe the bus event of the integration."""

    @callback
    def describe(event: Event) -> dict[str, Any]:
        data = event.data
        device = dr.async_get(hass).async_get(data.get(ATTR_DEVICE_ID) or "")
        message = sentence(str(data.get("type")), data.get("data") or {})
        if data.get("late") and (happened := dt_util.parse_datetime(str(data.get("time")))) is not None:
            message += f" (late, on {dt_util.as_local(happened):%Y-%m-%d at %H:%M})"
        return {
            LOGBOOK_ENTRY_NAME: "IP Intercom" if device is None else device.name_by_user or device.name,
            LOGBOOK_ENTRY_MESSAGE: message,
            LOGBOOK_ENTRY_ICON: _ICON,
        }

    async_describe_event(DOMAIN, EVENT_LOG, describe)
