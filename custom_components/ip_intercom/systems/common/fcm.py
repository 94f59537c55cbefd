"""Pushes by Google's service, Firebase Cloud Messaging, as a browser gets them (SmartYard field notes 8).

The library for it is there only if a user wants such pushes: ``google_push`` imports this module when it has
installed it, and no other module does.
"""

import asyncio
from base64 import urlsafe_b64encode
import binascii
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
import logging
import re
import time
from typing import Any, cast, override

from aiohttp import ClientResponse, ClientSession
from firebase_messaging import (
    FcmPushClient,
    FcmPushClientConfig,
    FcmPushClientRunState,
    FcmRegisterConfig,
    fcmpushclient,
    fcmregister,
)
from firebase_messaging.proto.mcs_pb2 import DataMessageStanza, LoginResponse

from .errors import AppRefused, ConnectionFailed, LoginRefused, NotReached

_LOGGER = logging.getLogger(__name__)

# What is tried after these many attempts to connect, some seconds apart, is for the owner to say.
_CONFIG = FcmPushClientConfig(connection_retry_count=3)
# Seconds between looks at a library that does not tell when it gives up.
_LOOK = 1.0
# Seconds for which it may be without a login; it waits forever for an answer to one.
_PATIENCE = 120.0
# What Google answers to a key or an application that it does not know, or that may not do this.
_REFUSALS = frozenset({400, 401, 403, 404})
_KEY_HEADER = "x-goog-api-key"
_ENDED = (FcmPushClientRunState.STOPPING, FcmPushClientRunState.STOPPED)

# What the library does for us, it does in a context where this is true.
_OURS: ContextVar[bool] = ContextVar("ours", default=False)


class _Chatter(logging.Filter):
    """Lets the library speak for us at debug level only; others who use it hear it as before.

    It reports each lost connection as an error with its traceback. What matters of that, ``FcmReceiver`` raises.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if not _OURS.get():
            return True
        record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


_CHATTER = _Chatter()
for _module in (fcmpushclient, fcmregister):
    logging.getLogger(_module.__name__).addFilter(_CHATTER)


@dataclass(frozen=True, slots=True)
class Project:
    """The application at Google to which pushes are sent, as its ``google-services.json`` tells.

    Attributes:
        project_id: ``project_info.project_id``.
        app_id: ``client.client_info.mobilesdk_app_id``.
        api_key: ``client.api_key.current_key``.
        sender_id: ``project_info.project_number``.
    """

    project_id: str
    app_id: str
    api_key: str = field(repr=False)
    sender_id: str


class FcmReceiver:
    """Receives what is pushed to one registration.

    Args:
        session: For the requests.
        project: To which application pushes are sent.
        credentials: ``credentials`` of an earlier run; None to register again.
        hear: Takes what was pushed, decrypted, which is a JSON object as a rule.
        connected: Is called at each login.
    """

    def __init__(
        self,
        session: ClientSession,
        project: Project,
        credentials: Mapping[str, Any] | None,
        hear: Callable[[bytes], None],
        connected: Callable[[], None],
    ) -> None:
        self._witness = _Witness(session)
        config = FcmRegisterConfig(project.project_id, project.app_id, project.api_key, project.sender_id)
        self._client = _Client(config, credentials, self._witness, hear, connected)

    @property
    def credentials(self) -> Mapping[str, Any]:
        """What makes the next life the same registration, as JSON; secret, there once ``register`` was there."""
        return self._client.credentials or {}

    async def register(self) -> str:
        """Register, or say that we are still there, and return the token to which pushes are sent.

        Raises:
            AppRefused: Google refuses the key or the application.
            NotReached: It did not work now; that may have any reason, blocked keys among them.
        """
        _OURS.set(True)
        self._witness.refusal = None
        try:
            token: str = await self._client.checkin_or_register()
        except Exception as err:  # the library passes on any error of its parts, and indexes its input
            if (status := self._witness.refusal) is not None:
                raise AppRefused(f"Google refuses key or application with status {status}") from err
            raise NotReached(f"no registration at Google ({type(err).__name__})") from err
        return token

    async def run(self) -> None:
        """Receive until that comes to an end, which short breaks of the connection are not. ``register`` comes first.

        Raises:
            LoginRefused: Google does not know the registration any more.
            ConnectionFailed: The library has given up.
        """
        _OURS.set(True)
        client = self._client
        await client.start()
        try:
            await self._watch()
        finally:
            await self._end()
        if client.login_refused:
            raise LoginRefused("Google does not know the registration any more")
        raise ConnectionFailed("the connection to Google has ended")

    async def _watch(self) -> None:
        """Return when the client works no more, however it shows that."""
        client, logged_in_at = self._client, time.monotonic()
        while True:
            ended, _ = await asyncio.wait(client.tasks, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            if ended or client.run_state in _ENDED:
                return
            if client.is_started():
                logged_in_at = time.monotonic()
            elif time.monotonic() - logged_in_at > _PATIENCE:
                return

    async def _end(self) -> None:
        client = self._client
        await client.stop()
        if client.writer is not None:
            client.writer.transport.abort()  # a regular close takes long without a response
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)


class _Witness:
    """Passes the library's requests on, and notes what the library only logs: that the key was refused."""

    def __init__(self, session: ClientSession) -> None:
        self.refusal: int | None = None
        self._session = session

    @asynccontextmanager
    async def post(self, url: str, *, headers: Mapping[str, str], **request: Any) -> AsyncIterator[ClientResponse]:
        async with self._session.post(url, headers=headers, **request) as response:
            if _KEY_HEADER in headers and response.status in _REFUSALS:
                self.refusal = response.status
            yield response


class _Client(FcmPushClient):
    """The library's client, which a message that makes no sense does not end: it is acknowledged as any other."""

    def __init__(
        self,
        config: FcmRegisterConfig,
        credentials: Mapping[str, Any] | None,
        session: _Witness,
        hear: Callable[[bytes], None],
        connected: Callable[[], None],
    ) -> None:
        super().__init__(
            lambda *_: None,  # messages go another way
            config,
            None if credentials is None else dict(credentials),
            config=_CONFIG,
            http_client_session=cast(ClientSession, session),
        )
        self.login_refused = False
        self._hear = hear
        self._connected = connected

    @override
    async def _handle_message(self, msg: Any) -> None:
        if isinstance(msg, LoginResponse):
            self.login_refused = bool(str(msg.error))
        await super()._handle_message(msg)
        if isinstance(msg, LoginResponse) and self.is_started():
            self._connected()

    @override
    def _handle_data_message(self, msg: DataMessageStanza) -> None:
        told = {part.key: part.value for part in msg.app_data}
        if told.get("message_type") == "deleted_messages":
            return  # it tells of others that came too late
        try:
            data = self._decrypt_raw_data(
                self.credentials or {},
                encoded_part(told.get("crypto-key", ""), "dh"),
                encoded_part(told.get("encryption", ""), "salt"),
                msg.raw_data,
            )
        except Exception as err:  # noqa: BLE001 - texts, keys and ciphers may be wrong, each with errors of its own
            _LOGGER.debug("Push ignored, could not decrypt it: %s", type(err).__name__)
            return
        try:
            self._hear(data)
        except Exception:
            # It would come again at each login, and end the client each time.
            _LOGGER.exception("Error while handling a push")


def encoded_part(header: str, name: str) -> str:
    """Return one part of a header such as ``dh=...;p256ecdsa=...`` in base64, padded.

    Other senders leave out the padding or add parts of their own; the library takes neither.

    Raises:
        ValueError: There is no such part, or it is no base64.
    """
    for part in re.split("[;,]", header):
        key, _, value = part.strip().partition("=")
        if key.strip().lower() == name:
            plain = value.strip().strip('"').rstrip("=").replace("-", "+").replace("_", "/")
            raw = binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
            return urlsafe_b64encode(raw).decode()
    raise ValueError(f"no {name}")
