"""The user, messages, phone support, and pages of the operator (field notes 5, ``user`` to ``ext``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode, decode_all, decode_reply
from ...common.errors import NotSupported
from ...common.parse import positive
from .client import Functions, Name
from .protocol import (
    ALERT,
    APP_VERSION,
    CHAT_READ,
    DELIVERED,
    EXTENSION,
    EXTENSIONS,
    GET_NAME,
    INBOX,
    NOTIFICATION,
    OPTIONS,
    PING,
    PUSH_TOKENS,
    READ,
    REGISTER_PUSH_TOKEN,
    SET_NOTIFICATION,
    SIP_HELP,
    UNREAD,
    letter,
)

TIME_ZONE = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class Notification:
    """Notification settings of this device; None if not reported.

    Attributes:
        enable: Messages are pushed.
        money: Payment reminders are pushed.
    """

    enable: bool | None
    money: bool | None


@dataclass(frozen=True, slots=True)
class PushTokens:
    """Push tokens of this device on the server; also words such as ``off`` and ``err``, None for no token."""

    push: Annotated[str | None, Key("pushToken")] = field(repr=False)
    voip: Annotated[str | None, Key("voipToken")] = field(repr=False)


class User(Functions):
    """``/user``."""

    async def ping(self) -> None:
        """Check that the token is valid.

        Raises:
            TokenRefused: The token is rejected.
        """
        await self._client.call(PING)

    async def name(self) -> Name:
        """Return the name of the user."""
        return decode_reply(Name, await self._client.record(GET_NAME), GET_NAME.path)

    async def notification(self, enable: bool | None = None, money: bool | None = None) -> Notification:
        """Return the notification settings, after changing those that are not None."""
        endpoint = NOTIFICATION if enable is None and money is None else SET_NOTIFICATION
        found = await self._client.record(endpoint, enable=letter(enable), money=letter(money))
        return decode_reply(Notification, found, endpoint.path)

    async def register_push(
        self,
        token: str,
        platform: str,
        service: str,
        *,
        bundle: str | None = None,
        production: bool | None = None,
        voip_token: str | None = None,
    ) -> None:
        """Register the push token of this device; other devices keep theirs.

        Args:
            token: Token of the push service, 16 to 1023 characters.
            platform: ``android``, ``ios``, or ``web``.
            service: ``fcm``, ``hms``, ``rustore``, or ``apn``.
            bundle: Name of the app, with which the operator may select another push service (field notes 8).
            production: Use APNs production instead of its sandbox.
            voip_token: APNs token for calls.

        Raises:
            InvalidRequest: The server rejects the token or the platform.
        """
        await self._client.call(
            REGISTER_PUSH_TOKEN,
            pushToken=token,
            platform=platform,
            pushService=service,
            bundle=bundle,
            production=letter(production),
            voipToken=voip_token,
        )

    async def push_tokens(self) -> PushTokens:
        """Return the push tokens on the server, which removes tokens that the push service reports as invalid."""
        return decode_reply(PushTokens, await self._client.record(PUSH_TOKENS), PUSH_TOKENS.path)

    async def app_version(self, version: str, platform: str) -> str | None:
        """Report the app version; returns ``upgrade``, ``force_upgrade``, or None if it is accepted."""
        return await self._client.words(APP_VERSION, version=version, platform=platform)


@dataclass(frozen=True, slots=True)
class Unread:
    """Unread counts: messages, and chat."""

    messages: Annotated[int, Key("count")]
    chat: int = 0


class Inbox(Functions):
    """``/inbox``."""

    async def unread(self) -> Unread:
        """Return the unread counts.

        Raises:
            UnexpectedReply: The response has no number.
        """
        return decode_reply(Unread, await self._client.record(UNREAD), UNREAD.path)

    async def page(self) -> Page | None:
        """Return the messages as a page. This marks all of them as read, so never poll it."""
        return decode(Page, await self._client.record(INBOX))

    async def read(self, message_id: str | None = None) -> None:
        """Mark a message as read, or all for None."""
        await self._client.call(READ, messageId=message_id)

    async def delivered(self, message_id: str) -> bool:
        """Report that a message has arrived; False if the server does not support this (field notes 5)."""
        try:
            await self._client.call(DELIVERED, messageId=message_id)
        except NotSupported:
            return False
        return True

    async def alert(self, message: str, action: str) -> None:
        """Send a message to this account, which is also pushed.

        Args:
            action: The action of the push, such as ``inbox``.

        Raises:
            InvalidRequest: A value is empty.
        """
        await self._client.call(ALERT, msg=message, action=action)

    async def chat_read(self) -> None:
        """Mark the chat as read."""
        await self._client.call(CHAT_READ)


@dataclass(frozen=True, slots=True)
class SipCredentials:
    """The SIP account for support calls.

    Attributes:
        server: Host of the registrar.
        port: Port of the registrar, None for the default.
        transport: ``udp``, ``tcp``, or ``tls``.
        extension: User name.
        password: SIP password.
        dial: Number to call.
        stun: STUN server, as ``stun:host:port``.
    """

    server: str
    port: int | None
    transport: str | None
    extension: str = field(repr=False)
    password: Annotated[str, Key("pass")] = field(repr=False)
    dial: str | None = None
    stun: str | None = None


class Sip(Functions):
    """``/sip``."""

    async def credentials(self) -> SipCredentials:
        """Return the account for support calls.

        Raises:
            UnexpectedReply: The response has no account.
        """
        return decode_reply(SipCredentials, await self._client.record(SIP_HELP), SIP_HELP.path)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The configuration of the service; None if not reported.

    Attributes:
        time_zone: Time zone of all times without one.
        city_cameras: City cameras are available.
        payments: Bills can be paid.
        payments_url: URL for payments.
        chat: The chat is available.
        chat_url: URL of the chat.
        issues: Support requests are available.
        issues_version: Version of support requests.
        support_phone: Phone number of the support.
        guest_access: ``turnOnOnly`` or ``turnOnAndOff``.
        version: Version of the API.
        cctv_view: Presentation of cameras: ``list``, ``tree``, or ``userDefined``.
        entrances_view: Presentation of doors: ``list`` or ``preview``.
        active_tab: First page of the app.
        events_tracking: Events can be tracked.
        stories: Stories are available.
        face_groups: Faces are grouped.
        face_clustering: Faces are clustered.
    """

    time_zone: str = TIME_ZONE
    city_cameras: Annotated[bool | None, Key("cityCams")] = None
    payments: bool | None = None
    payments_url: str | None = None
    chat: bool | None = None
    chat_url: str | None = None
    issues: bool | None = None
    issues_version: str | None = None
    support_phone: str | None = None
    guest_access: str | None = None
    version: str | None = None
    cctv_view: str | None = None
    entrances_view: str | None = None
    active_tab: str | None = None
    events_tracking: bool | None = None
    stories: bool | None = None
    face_groups: bool | None = None
    face_clustering: bool | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """A page of the operator: ``icon`` is SVG, ``highlight`` marks news."""

    id: Annotated[str, Key("extId")]
    caption: str = ""
    icon: str | None = field(default=None, repr=False)
    order: int | None = None
    highlight: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """An HTML page and the base URL of its links; ``version`` is 1 or 2."""

    html: Annotated[str, Key("code")] = field(repr=False)
    base: Annotated[str | None, Key("basePath")] = None
    version: Annotated[int, Key(convert=positive)] = 1


class Ext(Functions):
    """``/ext``."""

    async def options(self) -> ServerOptions:
        """Return the configuration of the service."""
        return decode_reply(ServerOptions, await self._client.record(OPTIONS), OPTIONS.path)

    async def list(self) -> tuple[Extension, ...]:
        """Return the pages of the operator."""
        return decode_all(Extension, await self._client.rows(EXTENSIONS))

    async def page(self, ext_id: str, values: Mapping[str, str] | None = None) -> Page | None:
        """Return a page, None if it does not exist.

        Args:
            values: Parameters of the page.
        """
        params = None if values is None else [{"id": name, "value": value} for name, value in values.items()]
        return decode(Page, await self._client.record(EXTENSION, extId=ext_id, params=params))
