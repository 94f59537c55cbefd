"""The person, their messages, support by phone, and the pages of the operator (field notes 5, ``user`` to ``ext``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from ...common.decode import Key, decode, decode_all, decode_reply
from ...common.errors import NotSupported
from ...common.parse import positive
from .client import Functions
from .endpoints import (
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
)
from .login import Name
from .values import letter

TIME_ZONE = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class Notification:
    """What is told to the device; None where the server does not say.

    Attributes:
        enable: Messages.
        money: Reminders to pay.
    """

    enable: bool | None
    money: bool | None


@dataclass(frozen=True, slots=True)
class PushTokens:
    """What the server has for this device; also words such as ``off`` and ``err``, None for nothing."""

    push: Annotated[str | None, Key("pushToken")] = field(repr=False)
    voip: Annotated[str | None, Key("voipToken")] = field(repr=False)


class User(Functions):
    """``/user``."""

    async def ping(self) -> None:
        """See whether the token is good.

        Raises:
            TokenRefused: It is not.
        """
        await self._client.call(PING)

    async def name(self) -> Name:
        """Return who it is."""
        return decode_reply(Name, await self._client.record(GET_NAME), GET_NAME.path)

    async def notification(self, enable: bool | None = None, money: bool | None = None) -> Notification:
        """Return what is told to the device, after a change of what is not None."""
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
        """Tell where this device gets its pushes; other devices keep theirs.

        Args:
            token: The push service's token of 16 to 1023 characters.
            platform: ``android``, ``ios`` or ``web``.
            service: ``fcm``, ``hms``, ``rustore`` or ``apn``.
            bundle: Name of the application, by which the operator may choose another push service (field notes 8).
            production: Of Apple's service for released apps, not the one for development.
            voip_token: Apple's token for calls.

        Raises:
            InvalidRequest: The server refuses the token or the platform.
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
        """Return the tokens to which the server sends; it forgets one that its service calls broken."""
        return decode_reply(PushTokens, await self._client.record(PUSH_TOKENS), PUSH_TOKENS.path)

    async def app_version(self, version: str, platform: str) -> str | None:
        """Tell our version; returns ``upgrade``, ``force_upgrade``, or None where the server is content."""
        return await self._client.words(APP_VERSION, version=version, platform=platform)


@dataclass(frozen=True, slots=True)
class Unread:
    """How much was not read yet: messages, and what was said in the chat."""

    messages: Annotated[int, Key("count")]
    chat: int = 0


class Inbox(Functions):
    """``/inbox``."""

    async def unread(self) -> Unread:
        """Return how much was not read yet.

        Raises:
            UnexpectedReply: The answer has no number.
        """
        return decode_reply(Unread, await self._client.record(UNREAD), UNREAD.path)

    async def page(self) -> Page | None:
        """Return the messages as a page, whereby all of them count as read: it is never to be polled."""
        return decode(Page, await self._client.record(INBOX))

    async def read(self, message_id: str | None = None) -> None:
        """Mark a message as read, or all of them."""
        await self._client.call(READ, messageId=message_id)

    async def delivered(self, message_id: str) -> bool:
        """Tell that a message has arrived; False where the server does not want to know (field notes 5)."""
        try:
            await self._client.call(DELIVERED, messageId=message_id)
        except NotSupported:
            return False
        return True

    async def alert(self, message: str, action: str) -> None:
        """Send a message to ourselves, which comes as a push as well.

        Args:
            message: Its text.
            action: The action of the push, such as ``inbox``.

        Raises:
            InvalidRequest: One of them is empty.
        """
        await self._client.call(ALERT, msg=message, action=action)

    async def chat_read(self) -> None:
        """Mark the chat as read."""
        await self._client.call(CHAT_READ)


@dataclass(frozen=True, slots=True)
class SipCredentials:
    """With what a SIP phone registers, and whom it calls.

    Attributes:
        server: Host of the registrar.
        port: Its port, None for the usual.
        transport: ``udp``, ``tcp`` or ``tls``.
        extension: User name.
        password: The password of it.
        dial: Number to call.
        stun: Server that tells our address, as ``stun:host:port``.
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
        """Return how to call for help.

        Raises:
            UnexpectedReply: The server does not tell.
        """
        return decode_reply(SipCredentials, await self._client.record(SIP_HELP), SIP_HELP.path)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the operator has set up the service; None for what it does not tell.

    Attributes:
        time_zone: Of all times that come without one.
        city_cameras: There are cameras of the city.
        payments: Bills can be paid.
        payments_url: Where.
        chat: There is a chat.
        chat_url: Where.
        issues: Requests can be made.
        issues_version: Which kind of them.
        support_phone: Phone number for help.
        guest_access: ``turnOnOnly`` or ``turnOnAndOff``.
        version: Of the API.
        cctv_view: How cameras are shown: ``list``, ``tree`` or ``userDefined``.
        entrances_view: How doors are shown: ``list`` or ``preview``.
        active_tab: What the app shows first.
        events_tracking: Events can be tracked.
        stories: There are stories.
        face_groups: Faces are in groups.
        face_clustering: Faces are sorted.
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
    """A page of the operator's: ``icon`` is SVG, ``highlight`` a dot that there is something new."""

    id: Annotated[str, Key("extId")]
    caption: str = ""
    icon: str | None = field(default=None, repr=False)
    order: int | None = None
    highlight: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page in HTML, and the address that its links are relative to; ``version`` is 1 or 2."""

    html: Annotated[str, Key("code")] = field(repr=False)
    base: Annotated[str | None, Key("basePath")] = None
    version: Annotated[int, Key(convert=positive)] = 1


class Ext(Functions):
    """``/ext``."""

    async def options(self) -> ServerOptions:
        """Return how the operator has set up the service."""
        return decode_reply(ServerOptions, await self._client.record(OPTIONS), OPTIONS.path)

    async def list(self) -> tuple[Extension, ...]:
        """Return the operator's pages."""
        return decode_all(Extension, await self._client.rows(EXTENSIONS))

    async def page(self, ext_id: str, values: Mapping[str, str] | None = None) -> Page | None:
        """Return a page, None where there is none.

        Args:
            ext_id: Which.
            values: What it wants to know.
        """
        params = None if values is None else [{"id": name, "value": value} for name, value in values.items()]
        return decode(Page, await self._client.record(EXTENSION, extId=ext_id, params=params))
