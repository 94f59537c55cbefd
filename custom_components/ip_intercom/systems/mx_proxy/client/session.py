"""Logging in and out, and who is logged in (manual, the first three sections)."""

from dataclasses import dataclass, field

from ...common.errors import NotSupported, UnexpectedReply
from ...common.parse import text
from .client import MxClient
from .endpoints import LOGOUT, REAL_LOGOUT, USER_INFO


@dataclass(frozen=True, slots=True)
class UserInfo:
    """Who is logged in.

    Attributes:
        mx: Serial number of the MX.
        extension: Internal number of the person.
        jid: The MX's id of the person.
        softphone_password: With which a SIP phone registers at the MX.
    """

    mx: str
    extension: str
    jid: str
    softphone_password: str | None = field(repr=False)


class Session:
    """``/auth``."""

    def __init__(self, client: MxClient) -> None:
        self._client = client

    async def login(self) -> None:
        """Log in now, whether or not there is a token.

        Raises:
            IntercomError: As ``Login.token``.
        """
        await self._client.login.log_in()

    async def info(self) -> UserInfo:
        """Return who is logged in.

        Raises:
            UnexpectedReply: The server does not say who.
        """
        content = await self._client.call(USER_INFO)
        mx, extension, jid = text(content.get("mx")), text(content.get("ext")), text(content.get("jid"))
        if mx is None or jid is None:
            raise UnexpectedReply(f"{USER_INFO.path} does not tell who is logged in")
        return UserInfo(mx, extension or "", jid, text(content.get("softPhonePwd")))

    async def logout(self) -> None:
        """Let the server end its connection to the MX for this account; without a login there is nothing to do.

        All other users of the account at this server are logged out as well, until the next login.
        """
        if not self._client.login.has_token:
            return
        try:
            await self._client.call(LOGOUT)
        except NotSupported:
            await self._client.call(REAL_LOGOUT)
        finally:
            self._client.login.forget()
