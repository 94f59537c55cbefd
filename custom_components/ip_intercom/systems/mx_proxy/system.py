"""One extension of an MX as a system: its features and its state."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ...model.features import Features
from ...model.parts import CallOutcome, CallRecord, Control, Identity, short_name
from ...model.state import Description, Reading, State
from ..common.delivery import ForwardedPush
from ..common.errors import ExchangeSilent, IntercomError
from ..common.parts import TIMEOUT, PartReader, ServerSystem, is_refusal, nothing, together
from ..common.privacy import Privacy
from .calls import MxCalls, MxConferences, PhoneSettings, by_start
from .client import MxProxy, UserInfo
from .client.events import CallEvent, MailEvent, parse
from .directory import MxPhoneBook
from .log import CALL_LOG, CALLS, VOICEMAILS, MxLog
from .records import MxCallLog, MxVoicemails, neutral_call, neutral_mailbox

_CONTROLS = frozenset({Control.CALLS})
_ACCOUNT = "/auth"
_CONTACTS = "/contacts"
_CONFERENCES = "/conferences"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an extension.

    Attributes:
        names: Show names of people.
        push: A forwarder is configured.
        device: Phone or number to make and answer calls with; None for the extension.
        mobile: Number for the remote mode; None for the mobile number in the address book.
        ring_delay: Seconds until that number rings; None for the default of the exchange.
        voicemail_delay: Seconds until the voicemail answers; None for the default of the exchange.
    """

    names: bool = True
    push: bool = False
    device: str | None = None
    mobile: str | None = None
    ring_delay: int | None = None
    voicemail_delay: int | None = None


def identity_of(info: UserInfo) -> Identity:
    """Return the identity of an extension: the user ID at this MX, independent of proxy address and number."""
    return Identity(
        id=f"{info.mx}_{info.jid}",
        mac=None,
        serial=None,
        manufacturer="Zultys",
        model="MX extension",
        name=short_name(f"MX {info.mx} extension {info.extension}" if info.extension else f"MX {info.mx}"),
        firmware=None,
        hardware=None,
        has_page=False,
    )


def description_of(info: UserInfo, state: State) -> Description:
    """Return the description that all extensions share."""
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
    """The connection to the exchange that the proxy keeps for an account."""

    def __init__(self, proxy: MxProxy) -> None:
        self._session = proxy.session

    async def log_out(self) -> None:
        """End the connection, for all users of the account at this proxy."""
        await self._session.login()  # logout requires a token
        await self._session.logout()


class MxSystem(ServerSystem):
    """One extension.

    Args:
        cursor: Stored position in the events (``Delivery.cursor``); None to start now.
        found: The user, if the proxy was just found and logged in.

    Attributes:
        calls: Call control; available after ``connect``.
        mailbox: Voicemails; None if the extension has none.
        conferences: Conferences; None if the extension has none.
    """

    calls: MxCalls
    mailbox: MxVoicemails | None = None
    conferences: MxConferences | None = None

    def __init__(
        self,
        proxy: MxProxy,
        cursor: Mapping[str, object] | None = None,
        options: Options | None = None,
        *,
        found: UserInfo | None = None,
    ) -> None:
        self.proxy = proxy
        self._options = options or Options()
        self._privacy = Privacy(names=self._options.names)
        self.book = MxPhoneBook(proxy)
        self._log = MxLog(proxy, self.book, self._privacy, stored=cursor, expects_pushes=self._options.push)
        self._push = ForwardedPush[CallEvent | MailEvent](lambda message: parse(message.body), self._log.receive)
        self._info: UserInfo | None = None
        self._found = found
        # Number of logins when the user was read; a later one may be of another user, such as at a replaced server.
        self._logins = 0 if found is None else proxy.session.logins
        self._reader = PartReader()
        self.log: MxLog | None = None
        self.features = Features(session=MxSession(proxy))

    async def _describe(self, timeout: float) -> Description:
        log, reader = self._log, self._reader
        info = await self._identify(timeout)
        reader.begin(timeout)  # the proxy answers info() from memory, so it does not show that the exchange responds
        own_id = _number(info.jid)
        log.tracker.extension = info.extension
        if log.tracker.sessions:
            # Restored from the previous run or from before this description; the proxy answers from memory.
            with suppress(IntercomError, TimeoutError):
                async with asyncio.timeout(timeout):
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
        return replace(description_of(info, state), missing=reader.missing, retry_after=reader.retry_after)

    async def _identify(self, timeout: float) -> UserInfo:
        """Return the logged-in user. ``connect`` requires a response: the account may belong to another user now."""
        if (found := self._found) is not None:
            self._found = None
            return found
        self._logins = self.proxy.session.logins
        if self._info is None:
            return await self.proxy.session.info()
        self._reader.begin(timeout)
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

    async def read(self) -> Reading:
        """Read voicemails and conferences once; parts that fail are None."""
        reader, proxy = self._reader, self.proxy
        reader.begin(TIMEOUT)
        logins = proxy.session.logins
        info, voicemails, conferences = await together(
            nothing() if logins == self._logins else reader.ask(_ACCOUNT, proxy.session.info(), keep=False),
            nothing() if reader.lacks(VOICEMAILS) else reader.ask(VOICEMAILS, proxy.voicemails.list(), keep=False),
            nothing() if reader.lacks(_CONFERENCES) else reader.ask(_CONFERENCES, proxy.conferences.list(), keep=False),
        )
        if voicemails is None and conferences is None:
            await self._verify_exchange(reader)
        if info is not None:
            self._logins = logins
        own_id = None if self._info is None else _number(self._info.jid)
        return Reading(
            voicemails=None if voicemails is None else neutral_mailbox(voicemails, self._privacy),
            conferences=None if conferences is None else by_start(conferences, own_id),
            last_call=self._last_call,
            pushes=self._log.push_monitor.state,
            outdated=info not in {None, self._info},
        )

    async def _verify_exchange(self, reader: PartReader) -> None:
        """Check that the exchange responds, with a request that works for every extension."""
        timeouts = [err for err in reader.failures.values() if isinstance(err, ExchangeSilent)]
        if len(timeouts) > 1:
            raise timeouts[0]
        try:
            await self.book.contacts()
        except IntercomError as err:
            if not is_refusal(err):
                raise

    @property
    def _last_call(self) -> CallRecord | None:
        last = self._log.journal.last
        return None if last is None else neutral_call(last, self._privacy)

    async def examine(self) -> Mapping[str, object]:
        """Return counts and the state of pushes for diagnostics."""
        services = await self.proxy.directory.services()
        return {
            "contacts": self.book.size,
            "services": len(services),
            "calls": len(self._log.tracker.sessions),
            "pushes": self._log.push_monitor.state.value,
        }

    async def close(self) -> None:
        """Stop polling. The account stays logged in, because others may use it at the same proxy."""
        await self._log.close()


def _number(jid: str) -> int | None:
    return int(jid) if jid.isascii() and jid.isdecimal() else None
