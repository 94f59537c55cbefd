"""Calls of an extension: the log, calls that are under way, and where they ring (manual, calls)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode, decode_reply
from ...common.parse import flag, integer, positive, readable, text
from .client import Functions
from .endpoints import (
    ANSWER_CALL,
    ASSIGN_DEVICE,
    CALL_INFO,
    CALL_LOG,
    CALL_MODE,
    CLEAR_CALL,
    HOLD_CALL,
    MAKE_CALL,
    TRANSFER_CALL,
    UNHOLD_CALL,
    Endpoint,
)
from .envelope import EXTENSION, part, rows
from .events import CallEvent

ANSWER_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A call that is over; None for what is not told. Times are Unix times.

    Attributes:
        record_id: Number of the record; later ones are greater.
        gcid: Id of the call; its legs have the same.
        missed: The call was not answered.
        direction: ``incoming`` or ``outgoing``.
        connected: When it began.
        disconnected: When it ended.
        calling: Number of who called.
        called: Number that was called at first; ``voicemail.`` and the extension for the mailbox.
        first_name: Of the other party.
        last_name: Of the other party.
        extension: Of the other party.
        service_name: Service that the call went through.
        service_extension: Its number.
        call_type: The MX's number for the kind of call.
        leg_type: The MX's number for the kind of the other leg.
        self_leg_type: The same of the own leg: 1 talked, 3 voicemail, 9 missed.
        monitor_type: The MX's number.
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
    """A call that has begun: its number, who calls, and who is called."""

    call_id: int
    device_id: str | None
    called_device: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call was answered: at which device, which had so many seconds, and whether it was taken into use."""

    call_id: int
    device: str
    timeout: int
    assign: bool


@dataclass(frozen=True, slots=True)
class Transferred:
    """A call that was sent on from a device to a number."""

    call_id: int
    device: str
    to: str


@dataclass(frozen=True, slots=True)
class CallMode:
    """Where calls ring.

    Attributes:
        remote: At ``device`` too, not only at the desk.
        device: Number of it.
        ring_delay: Seconds until it rings.
        voicemail_delay: Seconds until the mailbox answers.
    """

    remote: bool
    device: str = ""
    ring_delay: int | None = None
    voicemail_delay: int | None = None


class Calls(Functions):
    """``/calls``. A number of a call is valid as long as the call."""

    async def log(self, since: datetime | int | None = None) -> tuple[LogRecord, ...]:
        """Return the calls that ended after a time, all for None, ordered by ``record_id``.

        It may take two minutes where their number is a multiple of 21; other requests do not wait for it.

        Args:
            since: Unix time, or a time with its zone, of which fractions of a second are left out.
        """
        params = None if since is None else {"timestamp": _timestamp(since)}
        found = rows(CALL_LOG, await self._client.call(CALL_LOG, params=params), "callLog")
        return readable(CALL_LOG.path, found, partial(decode, LogRecord))

    async def make(self, origin: str, to: str, device: str | None = None) -> MadeCall:
        """Let the server call ``origin`` and connect it with ``to``.

        Args:
            origin: The extension, or another number of the person.
            to: Whom to call.
            device: Device to take into use before.

        Raises:
            CommandFailed: The MX refuses, such as another person's number as ``origin``.
        """
        body = {"from": origin, "to": to} | ({"device": device} if device else {})
        made = part(MAKE_CALL, await self._client.call(MAKE_CALL, body=body), "makeCall")
        return decode_reply(MadeCall, made, MAKE_CALL.path)

    async def info(self, call_id: int) -> CallEvent:
        """Return the last that was heard of a call: that it rings, or that it was answered.

        Raises:
            NoSuchCall: It is over, or nothing was heard of it, as of one that rings at the other side.
        """
        return await self._event(CALL_INFO, call_id, "callInfo")

    async def answer(self, call_id: int, device: str, timeout: int = ANSWER_TIMEOUT, assign: bool = False) -> Answered:
        """Answer a call at a SIP device.

        Args:
            call_id: The call.
            device: Name of the device.
            timeout: Seconds that the device has to answer.
            assign: Take the device into use.

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
        """Send a call from a device to another number; it ends here a little later.

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
            CommandFailed: It cannot be held now.
        """
        return await self._event(HOLD_CALL, call_id, "held")

    async def unhold(self, call_id: int) -> CallEvent:
        """Go on with a call that is on hold.

        Raises:
            NoSuchCall: There is no such call.
            CommandFailed: It is not held.
        """
        return await self._event(UNHOLD_CALL, call_id, "retrieved")

    async def set_mode(
        self, remote: bool, device: str = "", ring_delay: int | None = None, voicemail_delay: int | None = None
    ) -> CallMode:
        """Set where calls ring, and return what the server made of it. The mode cannot be asked for.

        Args:
            remote: At ``device`` too.
            device: Number of it; empty for none.
            ring_delay: Seconds until it rings, None for the server's choice (1).
            voicemail_delay: Seconds until the mailbox answers, None for the server's choice (30).
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
        """Take a device into use for calls.

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
        raise ValueError("a time without its zone")
    # The server takes whole times of RFC 3339 only.
    return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
