"""One extension of an MX in the neutral model: finding out what it has, and reading its state."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
import logging
from typing import Any

from ...api.errors import CommandFailed, IntercomError, NoAnswer, NotSupported, UnexpectedReply
from ...api.mx_proxy import MxProxy, UserInfo
from ...api.mx_proxy.push import CallEvent, MailEvent, parse
from ...facets import Bells, Facets
from ...model import CallOutcome, CallRecord, Control, Description, Identity, Reading, State
from ..forwarded import ForwardedPush
from ..parts import part
from ..privacy import Privacy
from .calls import Desk, MxCallControl, MxCallModes, MxCalls
from .conferences import MxConferences, by_start
from .directory import MxPhoneBook
from .log import CALL_LOG, CALLS, VOICEMAILS, MxLog
from .mailbox import MxVoicemails, neutral_mailbox
from .push_tokens import MxPushTokens
from .records import MxCallLog, MxMissedCalls, neutral_call

_LOGGER = logging.getLogger(__name__)

_CONTROLS = frozenset({Control.CALLS})
# Seconds to wait for the log of calls while connecting: a full block keeps it for a while (manual, calls).
_LOG_PATIENCE = 10.0
_CONTACTS = "contacts"
_CONFERENCES = "conferences"
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user has told of an extension.

    Attributes:
        names: Names of people may be told.
        push: Somebody was told to forward pushes.
        device: The telephone or number that calls are made from and answered at; None for the extension.
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
    """Return who an extension is: the person's id at this MX, wherever the proxy is and whatever the number."""
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
        """See the class."""
        self._session = proxy.session

    async def log_out(self) -> None:
        """End it, for whoever uses the account at this proxy."""
        await self._session.login()  # only who is logged in can log out
        await self._session.logout()


class MxSystem:
    """One extension.

    Args:
        proxy: Its client.
        cursor: How far its events were read before, as ``Delivery.cursor``; None begins now.
        choices: What the user has told.
    """

    def __init__(
        self, proxy: MxProxy, cursor: Mapping[str, object] | None = None, choices: Choices | None = None
    ) -> None:
        """See the class."""
        self._proxy = proxy
        self._choices = choices or Choices()
        self._privacy = Privacy(names=self._choices.names)
        self._book = MxPhoneBook(proxy)
        self._log = MxLog(proxy, self._book, self._privacy, stored=cursor, expects_pushes=self._choices.push)
        self._push = ForwardedPush[CallEvent | MailEvent](lambda message: parse(message.body), self._log.hear)
        self._info: UserInfo | None = None
        self._lacks: set[str] = set()
        self._has: set[str] = set()
        self.log: MxLog | None = None
        self.facets = Facets(session=MxSession(proxy))

    # -- what the extension has ------------------------------------------------------------------

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Log in and find out what the extension has.

        Raises:
            IntercomError: The proxy is out of reach, or refuses the account or the application.
        """
        await self.close()  # of an attempt before
        return await self.describe()

    async def describe(self) -> Description:
        """Find out anew what the extension has.

        Raises:
            IntercomError: Not everything could be found out; nothing is known to have changed.
        """
        proxy, log = self._proxy, self._log
        info = await proxy.session.info()
        own_id = _number(info.jid)
        log.tracker.extension = info.extension
        silences: list[IntercomError] = []
        await self._part(_CONTACTS, self._book.contacts(), silences)
        await self._part(VOICEMAILS, log.looks.now(VOICEMAILS), silences)
        conferences = await self._part(_CONFERENCES, proxy.conferences.list(), silences)
        await self._part(CALL_LOG, log.looks.now(CALL_LOG, _LOG_PATIENCE), silences)
        if len(silences) == _PARTS:
            raise silences[0]
        self._info = info
        self.log = log
        self.facets = self._facets(info, own_id)
        state = State(
            calls=log.tracker.sessions,
            last_call=self._last_call,
            extension=info.extension or None,
            missed_calls=log.journal.missed,
            voicemails=log.mails,
            conferences=None if conferences is None else by_start(conferences, own_id),
            pushes=log.arrivals.state,
        )
        return description_of(info, state)

    def _facets(self, info: UserInfo, own_id: int | None) -> Facets:
        proxy, log, choices = self._proxy, self._log, self._choices
        desk = Desk(
            info.extension,
            choices.device,
            choices.mobile or self._book.cell_phone_of(info.jid),
            choices.ring_delay,
            choices.voicemail_delay,
        )
        has_mailbox, has_conferences = VOICEMAILS not in self._lacks, _CONFERENCES not in self._lacks
        return Facets(
            call_control=MxCallControl(proxy, log.tracker, desk, log.tell, lambda: log.looks.soon(CALLS)),
            call_log=MxCallLog(proxy, log.journal, self._privacy),
            call_modes=MxCallModes(proxy, desk),
            calls=MxCalls(proxy, log.tracker, self._book, desk, log.tell),
            conferences=MxConferences(proxy, own_id) if has_conferences else None,
            missed_calls=MxMissedCalls(log.journal, log.keep),
            phone_book=self._book,
            push=self._push,
            push_tokens=MxPushTokens(proxy),
            session=MxSession(proxy),
            voicemails=MxVoicemails(proxy, self._privacy, lambda: log.looks.soon(VOICEMAILS)) if has_mailbox else None,
        )

    async def _part[T](self, name: str, request: Coroutine[Any, Any, T], silences: list[IntercomError]) -> T | None:
        """Return one part of what the extension has, None where it cannot be had now; one that was there stays.

        The exchange is slow with one part or another; where it says nothing to any of them, it is away.
        """
        try:
            result = await request
        except (CommandFailed, NotSupported) as err:
            _LOGGER.debug("No %s: %s", name, err)
            if name not in self._has:
                self._lacks.add(name)
            return None
        except (NoAnswer, UnexpectedReply) as err:
            _LOGGER.debug("No %s now: %s", name, err)
            silences.append(err)
            return None
        self._has.add(name)
        self._lacks.discard(name)
        return result

    # -- reading ---------------------------------------------------------------------------------

    async def read(self) -> Reading:
        """Read messages and conferences once; a part that cannot be read now is left out.

        Raises:
            IntercomError: Neither could be read, or the account is refused.
        """
        failures: list[IntercomError] = []
        mails = conferences = None
        if VOICEMAILS not in self._lacks:
            mails = await part(self._proxy.voicemails.list(), failures)
        if _CONFERENCES not in self._lacks:
            conferences = await part(self._proxy.conferences.list(), failures)
        if mails is None and conferences is None:
            if failures:
                raise failures[0]
            await self._proxy.session.info()  # there is nothing to read, but it is there
        own_id = None if self._info is None else _number(self._info.jid)
        return Reading(
            voicemails=None if mails is None else neutral_mailbox(mails, self._privacy),
            conferences=None if conferences is None else by_start(conferences, own_id),
            last_call=self._last_call,
        )

    @property
    def _last_call(self) -> CallRecord | None:
        last = self._log.journal.last
        return None if last is None else neutral_call(last, self._privacy)

    async def read_bells(self) -> Bells | None:
        """Return None: an extension has no bells."""
        return None

    async def examine(self) -> Mapping[str, object]:
        """Return how much there is, and whether pushes arrive.

        Raises:
            IntercomError: The proxy is out of reach.
        """
        services = await self._proxy.directory.services()
        return {
            "contacts": self._book.size,
            "services": len(services),
            "calls": len(self._log.tracker.sessions),
            "pushes": self._log.arrivals.state.value,
        }

    async def close(self) -> None:
        """End looking. The account stays logged in: others may use it at the same proxy."""
        await self._log.close()


def _number(jid: str) -> int | None:
    return int(jid) if jid.isascii() and jid.isdecimal() else None
