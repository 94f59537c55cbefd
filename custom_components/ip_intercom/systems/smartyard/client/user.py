"""The person, their notifications and the device that they are sent to (field notes 5, ``user``)."""

from dataclasses import dataclass, field

from ...common.parse import flag, text
from .client import SmartYardClient
from .endpoints import APP_VERSION, GET_NAME, NOTIFICATION, PING, PUSH_TOKENS, REGISTER_PUSH_TOKEN, SET_NOTIFICATION
from .login import Name, name
from .values import letter


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

    push: str | None = field(repr=False)
    voip: str | None = field(repr=False)


class User:
    """``/user``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def ping(self) -> None:
        """See whether the token is good.

        Raises:
            TokenRefused: It is not.
        """
        await self._client.call(PING)

    async def name(self) -> Name:
        """Return who it is."""
        return name(await self._client.record(GET_NAME))

    async def notification(self, enable: bool | None = None, money: bool | None = None) -> Notification:
        """Return what is told to the device, after a change of what is not None."""
        endpoint = NOTIFICATION if enable is None and money is None else SET_NOTIFICATION
        found = await self._client.record(endpoint, enable=letter(enable), money=letter(money))
        return Notification(flag(found.get("enable")), flag(found.get("money")))

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
        found = await self._client.record(PUSH_TOKENS)
        return PushTokens(text(found.get("pushToken")), text(found.get("voipToken")))

    async def app_version(self, version: str, platform: str) -> str | None:
        """Tell our version; returns ``upgrade``, ``force_upgrade``, or None where the server is content."""
        return await self._client.words(APP_VERSION, version=version, platform=platform)
