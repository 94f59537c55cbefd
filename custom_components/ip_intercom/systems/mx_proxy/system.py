"""One extension of an MX in the neutral model: its capabilities and its state."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ...model.features import Bells, Features
from ...model.parts import CallOutcome, CallRecord, Control, Identity
from ...model.state import Description, Reading, State
from ..common.errors import ExchangeSilent, IntercomError
from ..common.parts import PartReader, is_refusal, nothing, together
from ..common.privacy import Privacy
from ..common.push_monitor import ForwardedPush
from .calls import MxCalls, PhoneSettings
from .client import MxProxy, UserInfo
from .client.events import CallEvent, MailEvent, parse
from .conferences import MxConferences, by_start
from .directory import MxPhoneBook
from .log import CALL_LOG, CALLS, VOICEMAILS, MxLog
from .mailbox import MxVoicemails, neutral_mailbox
from .records import MxCallLog, neutral_call

_CONTROLS = frozenset({Control.CALLS})
# Seconds to wait for each part while connecting, and later on: what did not answer at first may only be slow. A full
# block of calls keeps their log for a while (manual, calls).
_FIRST_PATIENCE = 10.0
_PATIENCE = 20.0
_ACCOUNT = "/auth"
_CONTACTS = "/contacts"
_CONFERENCES = "/conferences"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user has told of an extension.

    Attributes:
        names: Names of people may be told.
        push: A forwarder was set up.
        device: The phone or number that calls are made from and answered at; None for the extension.
        mobile: The number for the remote mode; None for the one that the exchange knows.
        ring_delay: Seconds until that rings, None for what the exchange finds right.
        voicemail_delay: Seconds until the voicemail takes a call, likewise.
    """

    names: bool = True
    push: bool = False
    device: str | None = None
    mobile: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None


def identity_of(info: UserInfo) -> Identity:
    """Return the identity of an extension: the person's ID at this MX, for any proxy address and number."""
    return Identity(
        id=f"{info.mx}_{info.jid}",
        mac=None,
        serial=None,
        manufacturer="Zultys",
        model="MX extension",
        name=f"MX {info.mx} extension {info.extension}" if info.extension else f"MX {info.mx}",
        firmware=None,
        hardware=None,
        has_page=False,
    )


def description_of(info: UserInfo, state: State) -> Description:
    """Return what any extension is and may."""
    return Description(
        identity=identity_of(info),
        state=state,
        controls=_CONTROLS,
        has_phone=True,
        has_link=True,
        visitors=False,
        pushes=True,
        outcomes=frozenset(CallOutcome),
    )


class MxSession:
    """The connection to the exchange that the proxy keeps for an account.

    Args:
        proxy: Keeps it.
    """

    def __init__(self, proxy: MxProxy) -> None:
        self._session = proxy.session

    async def log_out(self) -> None:
        """End it, for all users of the account at this proxy."""
        await self._session.login()  # only who is logged in can log out
        await self._session.logout()


class MxSystem:
    """One extension.

    Args:
        proxy: Its client.
        cursor: How far its events were read before, as ``Delivery.cursor``; None begins now.
        options: What the user has told.

    Attributes:
        calls: Its calls; known after ``connect``.
        mailbox: Its messages; None where it has none.
        conferences: Its conferences; None where it has none.
    """

    calls: MxCalls
    mailbox: MxVoicemails | None = None
    conferences: MxConferences | None = None

    def __init__(
        self, proxy: MxProxy, cursor: Mapping[str, object] | None = None, options: Options | None = None
    ) -> None:
        self.proxy = proxy
        self._options = options or Options()
        self._privacy = Privacy(names=self._options.names)
        self.book = MxPhoneBook(proxy)
        self._log = MxLog(proxy, self.book, self._privacy, stored=cursor, expects_pushes=self._options.push)
        self._push = ForwardedPush[CallEvent | MailEvent](lambda message: parse(message.body), self._log.hear)
        self._info: UserInfo | None = None
        self._reader = PartReader()
        self.log: MxLog | None = None
        self.features = Features(session=MxSession(proxy))

    # -- what the extension has ------------------------------------------------------------------

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Log in and find out what the extension has."""
        await self.close()  # of an attempt before
        return await self._describe(_FIRST_PATIENCE)

    async def describe(self) -> Description:
        """Find out again what the extension has; what does not answer stays."""
        return await self._describe(_PATIENCE)

    async def _describe(self, patience: float) -> Description:
        log, reader = self._log, self._reader
        info = await self._identify(patience)
        reader.begin(patience)  # who it is, the proxy knows by itself: that shows no exchange
        own_id = _number(info.jid)
        log.tracker.extension = info.extension
        if log.tracker.sessions:
            # Of an earlier life, or of before this description; the proxy answers from memory.
            with suppress(IntercomError, TimeoutError):
                async with asyncio.timeout(patience):
                    await log.poller.now(CALLS)
        *_, conferences = await together(
            reader.ask(_CONTACTS, self.book.contacts()),
            reader.ask(VOICEMAILS, log.poller.now(VOICEMAILS)),
            reader.ask(CALL_LOG, log.poller.now(CALL_LOG)),
            reader.ask(_CONFERENCES, self.proxy.conferences.list(), keep=False),
        )
        reader.require_answer()
        self._info = info
        self.log = log
        self.features = self._features(info, own_id)
        state = State(
            calls=log.tracker.sessions,
            last_call=self._last_call,
            extension=info.extension or None,
            missed_calls=log.journal.missed,
            voicemails=log.mails,
            conferences=None if conferences is None else by_start(conferences, own_id),
            pushes=log.push_monitor.state,
        )
        return replace(description_of(info, state), missing=reader.missing, wish=reader.wish)

    async def _identify(self, patience: float) -> UserInfo:
        """Return whose extension it is. Connecting requires it: the account may be another person's by now."""
        if self._info is None:
            return await self.proxy.session.info()
        self._reader.begin(patience)
        return await self._reader.ask(_ACCOUNT, self.proxy.session.info()) or self._info

    def _features(self, info: UserInfo, own_id: int | None) -> Features:
        proxy, log, options, lacks = self.proxy, self._log, self._options, self._reader.lacks
        phone_settings = PhoneSettings(
            info.extension,
            options.device,
            options.mobile or self.book.cell_phone_of(info.jid),
            options.ring_delay,
            options.voicemail_delay,
        )
        self.calls = MxCalls(proxy, log, self.book, phone_settings)
        self.conferences = None if lacks(_CONFERENCES) else MxConferences(proxy, own_id)
        self.mailbox = (
            None if lacks(VOICEMAILS) else MxVoicemails(proxy, self._privacy, lambda: log.poller.soon(VOICEMAILS))
        )
        return Features(
            call_control=self.calls,
            call_log=MxCallLog(proxy, log.journal, self._privacy),
            calls=self.calls,
            conferences=self.conferences,
            push=self._push,
            session=MxSession(proxy),
            voicemails=self.mailbox,
        )

    # -- reading ---------------------------------------------------------------------------------

    async def read(self) -> Reading:
        """Read messages and conferences once; a part that cannot be read now is left out."""
        reader, proxy = self._reader, self.proxy
        reader.begin(_PATIENCE)
        mails, conferences = await together(
            nothing() if reader.lacks(VOICEMAILS) else reader.ask(VOICEMAILS, proxy.voicemails.list(), keep=False),
            nothing() if reader.lacks(_CONFERENCES) else reader.ask(_CONFERENCES, proxy.conferences.list(), keep=False),
        )
        if mails is None and conferences is None:
            await self._prove(reader)
        own_id = None if self._info is None else _number(self._info.jid)
        return Reading(
            voicemails=None if mails is None else neutral_mailbox(mails, self._privacy),
            conferences=None if conferences is None else by_start(conferences, own_id),
            last_call=self._last_call,
            pushes=self._log.push_monitor.state,
        )

    async def _prove(self, reader: PartReader) -> None:
        """See that the exchange is there, by what every extension has."""
        silences = [err for err in reader.failures.values() if isinstance(err, ExchangeSilent)]
        if len(silences) > 1:
            raise silences[0]
        try:
            await self.book.contacts()
        except IntercomError as err:
            if not is_refusal(err):
                raise

    @property
    def _last_call(self) -> CallRecord | None:
        last = self._log.journal.last
        return None if last is None else neutral_call(last, self._privacy)

    async def read_bells(self) -> Bells | None:
        """Return None: an extension has no bells."""
        return None

    async def examine(self) -> Mapping[str, object]:
        """Return how much there is, and whether pushes arrive."""
        services = await self.proxy.directory.services()
        return {
            "contacts": self.book.size,
            "services": len(services),
            "calls": len(self._log.tracker.sessions),
            "pushes": self._log.push_monitor.state.value,
        }

    async def close(self) -> None:
        """End looking. The account stays logged in: others may use it at the same proxy."""
        await self._log.close()


def _number(jid: str) -> int | None:
    return int(jid) if jid.isascii() and jid.isdecimal() else None
