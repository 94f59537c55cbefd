"""Voicemails of an extension (manual, voicemails)."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ...model.parts import Voicemail, VoicemailId
from ..common.privacy import Privacy
from .client import MxProxy
from .client.voicemails import Voicemail as ApiVoicemail
from .server_time import at

_EPOCH = datetime.fromtimestamp(0, UTC)


def neutral_voicemail(mail: ApiVoicemail, privacy: Privacy) -> Voicemail:
    """Return a voicemail as its model type."""
    return Voicemail(
        id=mail.id,
        received=at(mail.received) or _EPOCH,
        duration=mail.duration or 0,
        number=mail.sender,
        name=privacy.name(mail.caller_name or mail.sender_name),
        read=mail.read,
        note=mail.note,
    )


def neutral_mailbox(mails: Iterable[ApiVoicemail], privacy: Privacy) -> dict[VoicemailId, Voicemail]:
    """Return voicemails by ID, oldest first."""
    neutral = (neutral_voicemail(mail, privacy) for mail in mails)
    return {mail.id: mail for mail in sorted(neutral, key=lambda mail: mail.received)}


class MxVoicemails:
    """The mailbox.

    Args:
        proxy: Client of the proxy.
        privacy: Whether names are shown.
        changed: Called after a change from here.
    """

    def __init__(self, proxy: MxProxy, privacy: Privacy, changed: Callable[[], None]) -> None:
        self._voicemails = proxy.voicemails
        self.open = proxy.voicemails.open
        self._privacy = privacy
        self._changed = changed

    async def query(self) -> tuple[Voicemail, ...]:
        """Return the voicemails, oldest first."""
        return tuple(neutral_mailbox(await self._voicemails.list(), self._privacy).values())

    async def mark(self, voicemail: VoicemailId, *, read: bool | None = None, note: str | None = None) -> None:
        """Mark a voicemail as read or unread, or set its note; None keeps the current value."""
        if read is None and note is None:
            return
        try:
            await self._voicemails.update(voicemail, read=read, note=note)
        finally:  # an unconfirmed request may have been carried out
            self._changed()

    async def delete(self, voicemail: VoicemailId) -> None:
        """Delete a voicemail."""
        try:
            await self._voicemails.delete(voicemail)
        finally:
            self._changed()
