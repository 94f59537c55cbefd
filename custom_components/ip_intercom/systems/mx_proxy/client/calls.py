"""Calls of an extension: the log, live calls, and the call mode (manual, calls)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_reply
from ...common.parse import flag, integer, positive, readable, text
from .client import Functions
from .events import CallEvent
from .protocol import (
    ANSWER_CALL,
    ASSIGN_DEVICE,
    CALL_INFO,
    CALL_LOG,
    CALL_MODE,
    CLEAR_CALL,
    EXTENSION,
    HOLD_CALL,
    MAKE_CALL,
    TRANSFER_CALL,
    UNHOLD_CALL,
    Endpoint,
    part,
    rows,
)

ANSWER_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A call that has ended; missing values are None, times are Unix seconds.

    Attributes:
        record_id: Number of the record, ascending.
        gcid: ID of the call, shared by its legs.
        missed: The call was not answered.
        direction: ``incoming`` or ``outgoing``.
        connected: Start of the call.
        disconnected: End of the call.
        calling: Number of the caller.
        called: First called number; ``voicemail.`` and the extension for the mailbox.
        first_name: First name of the other party.
        last_name: Last name of the other party.
        extension: Extension of the other party.
        service_name: Service that handled the call.
        service_extension: Number of that service.
        call_type: Type of the call, a number of the MX.
        leg_type: Type of the other leg, a number of the MX.
        self_leg_type: Type of the own leg: 1 answered, 3 voicemail, 9 missed.
        monitor_type: A number of the MX.
    """

    record_id: Annotated[int, Key("record_id")]
    gcid: str | None = None
    missed: bool = False
    direction: str = ""
    connected: Annotated[int | None, Key("connectTimestamp", convert=positive)] = None
    disconnected: Annotated[int | None, Key("disconnectTimestamp", convert=positive)] = None
    calling: Annotated[str | None, Key("callingPartyNo")] = None
    called: Annotated[str | None, Key("originalCalledPartyNo")] = None
    first_name: str | None = None
    last_name: str | None = None
    extension: Annotated[str | None, EXTENSION] = None
    service_name: str | None = None
    service_extension: str | None = None
    call_type: int | None = None
    leg_type: int | None = None
    self_leg_type: int | None = None
    monitor_type: int | None = None


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call that was started: its number, the caller, and the called number."""

    call_id: int
    device_id: str | None
    called_device: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call was answered: the device, its time limit in seconds, and whether it was assigned."""

    call_id: int
    device: str
    timeout: int
    assign: bool


@dataclass(frozen=True, slots=True)
class Transferred:
    """A call that was transferred from a device to a number."""

    call_id: int
    device: str
    to: str


@dataclass(frozen=True, slots=True)
class CallMode:
    """Where calls ring.

    Attributes:
        remote: Calls ring at ``device`` too, not only at the desk phone.
        device: Number of the second phone.
        ring_delay: Seconds until the second phone rings.
        voicemail_delay: Seconds until the voicemail answers.
    """

    remote: bool
    device: str = ""
    ring_delay: int | None = None
    voicemail_delay: int | None = None


class Calls(Functions):
    """``/calls``. The number of a call is valid until the call ends."""

    async def log(self, since: datetime | int | None = None) -> tuple[LogRecord, ...]:
        """Return the calls that ended after a time, all for None, ordered by ``record_id``.

        This takes up to two minutes if their number is a multiple of 21; other requests do not wait for it.

        Args:
            since: Unix seconds or an aware datetime; fractions of a second are ignored.
        """
        params = None if since is None else {"timestamp": _timestamp(since)}
        found = rows(CALL_LOG, await self._client.call(CALL_LOG, params=params), "callLog")
        return readable(CALL_LOG.path, found, partial(decode, LogRecord))

    async def make(self, origin: str, to: str, device: str | None = None) -> MadeCall:
        """Call ``origin`` and connect it to ``to``.

        Args:
            origin: The extension, or another number of the user.
            device: Device to assign first.

        Raises:
            CommandFailed: The MX rejects the request, for example because ``origin`` belongs to another user.
        """
        body = {"from": origin, "to": to} | ({"device": device} if device else {})
        made = part(MAKE_CALL, await self._client.call(MAKE_CALL, body=body), "makeCall")
        return decode_reply(MadeCall, made, MAKE_CALL.path)

    async def info(self, call_id: int) -> CallEvent:
        """Return the last event of a call: ringing or answered.

        Raises:
            NoSuchCall: The call has ended, or is an outgoing call that rings at the other party.
        """
        return await self._event(CALL_INFO, call_id, "callInfo")

    async def answer(self, call_id: int, device: str, timeout: int = ANSWER_TIMEOUT, assign: bool = False) -> Answered:
        """Answer a call with a SIP device.

        Args:
            timeout: Seconds in which the device must answer.
            assign: Also assign the device.

        Raises:
            NoSuchCall: There is no such call.
        """
        body = {"device": device, "timeout": timeout} | ({"assign": True} if assign else {})
        content = await self._client.call(ANSWER_CALL, {"callId": call_id}, body=body, extra=timeout)
        used = part(ANSWER_CALL, content, "sipAnswer")
        return Answered(
            integer(used.get("callId")) or call_id,
            text(used.get("device")) or "",
            integer(used.get("timeout")) or timeout,
            flag(used.get("assign")) or False,
        )

    async def transfer(self, call_id: int, device: str, to: str) -> Transferred:
        """Transfer a call from a device to another number; it ends here a little later.

        Raises:
            NoSuchCall: There is no such call.
        """
        body = {"device": device, "to": to}
        content = await self._client.call(TRANSFER_CALL, {"callId": call_id}, body=body)
        used = part(TRANSFER_CALL, content, "transfer")
        return Transferred(
            integer(used.get("callId")) or call_id, text(used.get("device")) or "", text(used.get("to")) or ""
        )

    async def clear(self, call_id: int) -> CallEvent:
        """End a call.

        Raises:
            NoSuchCall: There is no such call.
        """
        return await self._event(CLEAR_CALL, call_id, "connectionCleared")

    async def hold(self, call_id: int) -> CallEvent:
        """Put a call on hold.

        Raises:
            NoSuchCall: There is no such call.
            CommandFailed: The call cannot be held in its state.
        """
        return await self._event(HOLD_CALL, call_id, "held")

    async def unhold(self, call_id: int) -> CallEvent:
        """Resume a held call.

        Raises:
            NoSuchCall: There is no such call.
            CommandFailed: The call is not held.
        """
        return await self._event(UNHOLD_CALL, call_id, "retrieved")

    async def set_mode(
        self, remote: bool, device: str = "", ring_delay: int | None = None, voicemail_delay: int | None = None
    ) -> CallMode:
        """Set the call mode, and return it as applied by the server. The current mode cannot be read.

        Args:
            remote: Calls ring at ``device`` too.
            device: Number of the second phone; empty for none.
            ring_delay: Seconds until the second phone rings, None for the default of the server (1).
            voicemail_delay: Seconds until the voicemail answers, None for the default of the server (30).
        """
        body: dict[str, object] = {"remote": remote}
        if device:
            body["device"] = device
        if ring_delay is not None:
            body["ringDelay"] = ring_delay
        if voicemail_delay is not None:
            body["vmDelay"] = voicemail_delay
        used = part(CALL_MODE, await self._client.call(CALL_MODE, body=body), "callMode")
        return CallMode(
            remote if (is_remote := flag(used.get("remote"))) is None else is_remote,
            text(used.get("device")) or "",
            integer(used.get("ringDelay")),
            integer(used.get("vmDelay")),
        )

    async def assign(self, device: str) -> None:
        """Assign a device for calls.

        Raises:
            CommandFailed: There is no such device.
        """
        await self._client.call(ASSIGN_DEVICE, {"name": device})

    async def _event(self, endpoint: Endpoint, call_id: int, name: str) -> CallEvent:
        content = await self._client.call(endpoint, {"callId": call_id})
        return decode_reply(CallEvent, part(endpoint, content, name), endpoint.path)


def _timestamp(since: datetime | int) -> str:
    if isinstance(since, int):
        return str(since)
    if since.tzinfo is None:
        raise ValueError("a time without a time zone")
    # The server accepts only whole seconds of RFC 3339.
    return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
