"""SIP accounts and calls (HTTP API 5.6 and 5.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from ...common.decode import Key, decode
from ...common.errors import UnexpectedReply
from ...common.messages import json_upload
from ...common.parse import Fields, fields, integer, objects, text
from .client import Functions
from .protocol import (
    CALL_ANSWER,
    CALL_DIAL,
    CALL_HANGUP,
    CALL_STATUS,
    PHONE_CALLLOG,
    PHONE_CALLLOG_DELETE,
    PHONE_CONFIG,
    PHONE_CONFIG_PUT,
    PHONE_STATUS,
)


@dataclass(frozen=True, slots=True)
class SipAccount:
    """A SIP account (HTTP API 5.6.1); a device has two, four since firmware 3."""

    account: int
    enabled: bool = True
    number: Annotated[str | None, Key("sipNumber")] = None
    registration_enabled: bool = False
    registered: bool | None = None


@dataclass(frozen=True, slots=True)
class CallLeg:
    """One called party of a session; a group call has several. ``peer`` is a SIP URI."""

    id: int | None
    peer: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class CallSession:
    """A call in progress (HTTP API 5.7.1).

    ``direction`` is ``incoming`` or ``outgoing`` from the device's point of view: a visitor's ring is
    outgoing. ``state`` is ``connecting``, ``ringing`` or ``connected``.
    """

    session: int
    direction: str | None
    state: str | None
    legs: Annotated[tuple[CallLeg, ...], Key("calls")]


def _call_type(value: object) -> str | None:
    """Return the type of a record; the manual's table has ``doorbell button``, its example ``doorbell``."""
    word = text(value)
    return "doorbell" if word == "doorbell button" else word


def _date(value: object) -> datetime | None:
    """Return the time of a record, in UTC."""
    try:
        date = datetime.fromisoformat(text(value) or "")
    except ValueError:
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """An entry of the call log (HTTP API 5.6.2).

    ``type`` is ``incoming``, ``outgoing``, ``missed``, ``voicemail``, ``completedElsewhere`` or
    ``doorbell``; ``duration`` is in seconds; ``device`` is the type of the other 2N device.
    """

    id: str
    type: Annotated[str | None, Key("callType", convert=_call_type)]
    name: str | None
    date: Annotated[datetime | None, Key(convert=_date)]
    duration: int | None
    device: Annotated[str | None, Key("devType")]


class Phone(Functions):
    """``/api/phone``."""

    async def status(self) -> tuple[SipAccount, ...]:
        """Return the SIP accounts (HTTP API 5.6.1)."""
        return await self._client.rows(PHONE_STATUS, "accounts", partial(decode, SipAccount))

    async def call_log(self) -> tuple[CallRecord, ...]:
        """Return the calls, newest first; firmware 2.36 and newer (HTTP API 5.6.2)."""
        return await self._client.rows(PHONE_CALLLOG, "callLog", partial(decode, CallRecord), tolerant=True)

    async def delete_calls(self, record: str | None = None) -> None:
        """Delete a record of the call log, or all of them (HTTP API 5.6.2).

        Raises:
            InvalidRequest: The record does not exist.
        """
        await self._client.call(PHONE_CALLLOG_DELETE, {} if record is None else {"id": record})

    async def config(self) -> tuple[Fields, ...]:
        """Return the settings of the SIP accounts as reported; firmware 2.43 and newer."""
        return _listed(await self._client.call(PHONE_CONFIG), "accounts")

    async def set_config(self, account: int, settings: Mapping[str, object]) -> None:
        """Change settings of a SIP account by their names in ``config``; firmware 2.43 and newer.

        Raises:
            InvalidRequest: The account does not exist, or the device rejects a value.
        """
        changed = {"accounts": [{**settings, "account": account}]}
        await self._client.upload(PHONE_CONFIG_PUT, json_upload("blob-json", changed))


class Call(Functions):
    """``/api/call``."""

    async def status(self) -> tuple[CallSession, ...]:
        """Return the calls in progress (HTTP API 5.7.1); some firmware returns a bare array."""
        return await self._client.rows(CALL_STATUS, "sessions", partial(decode, CallSession))

    async def dial(self, number: str | None = None, users: Sequence[str] = ()) -> int:
        """Call a number or SIP URI, or directory entries by uuid, and return the session (HTTP API 5.7.2).

        Raises:
            InvalidRequest: Both or neither are given, or a user is unknown.
        """
        params = {}
        if number is not None:
            params["number"] = number
        if users:
            params["users"] = ",".join(users)
        result = fields(await self._client.call(CALL_DIAL, params))
        if (session := integer(result.get("session"))) is None:
            raise UnexpectedReply("the device returned no session")
        return session

    async def answer(self, session: int) -> None:
        """Answer a ringing incoming call (HTTP API 5.7.3).

        Raises:
            CommandFailed: The session does not exist.
        """
        await self._client.call(CALL_ANSWER, {"session": str(session)})

    async def hangup(self, session: int, reason: str | None = None) -> None:
        """End a call (HTTP API 5.7.4).

        Firmware 2.50 ignores ``reason`` for a ringing outgoing call and reports success.

        Args:
            reason: ``normal``, ``rejected`` or ``busy``; the device defaults to ``normal``.

        Raises:
            CommandFailed: The session does not exist.
        """
        params = {"session": str(session)}
        if reason is not None:
            params["reason"] = reason
        await self._client.call(CALL_HANGUP, params)


def _listed(result: Fields | list[object], key: str) -> tuple[Fields, ...]:
    return objects(result if isinstance(result, list) else result.get(key))
