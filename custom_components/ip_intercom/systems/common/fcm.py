"""Pushes through Firebase Cloud Messaging, received as a browser does (SmartYard field notes 8).

The library is optional: only ``google_push`` imports this module, after it has installed the library.
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

# After this many connection attempts, some seconds apart, the library gives up and the owner decides.
_CONFIG = FcmPushClientConfig(connection_retry_count=3)
# Seconds between checks of the library, which does not report when it gives up.
_WATCH_INTERVAL = 1.0
# Seconds without a login after which the client is stopped; the library waits for the login response forever.
_LOGIN_TIMEOUT = 120.0
# Responses to an API key or application that is unknown or lacks permission.
_REFUSALS = frozenset({400, 401, 403, 404})
_KEY_HEADER = "x-goog-api-key"
_ENDED = (FcmPushClientRunState.STOPPING, FcmPushClientRunState.STOPPED)

# True in the contexts that run the library for this module.
_FROM_HERE: ContextVar[bool] = ContextVar("from_here", default=False)


class _DebugOnly(logging.Filter):
    """Logs records of the library from this module at debug level; other users of the library are unaffected.

    The library logs each lost connection as an error with a traceback; ``FcmReceiver`` raises the relevant failures.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if not _FROM_HERE.get():
            return True
        record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


_DEBUG_ONLY = _DebugOnly()
for _module in (fcmpushclient, fcmregister):
    logging.getLogger(_module.__name__).addFilter(_DEBUG_ONLY)


@dataclass(frozen=True, slots=True)
class Project:
    """The application at Google to which pushes are sent, from its ``google-services.json``.

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
    """Receives the pushes of one registration.

    Args:
        project: The application to which pushes are sent.
        credentials: ``credentials`` of the previous run; None to register again.
        handle: Processes a decrypted push, usually a JSON object.
        connected: Called at each login.
    """

    def __init__(
        self,
        session: ClientSession,
        project: Project,
        credentials: Mapping[str, Any] | None,
        handle: Callable[[bytes], None],
        connected: Callable[[], None],
    ) -> None:
        self._recorder = _RecordingSession(session)
        config = FcmRegisterConfig(project.project_id, project.app_id, project.api_key, project.sender_id)
        self._client = _Client(config, credentials, self._recorder, handle, connected)

    @property
    def credentials(self) -> Mapping[str, Any]:
        """The registration as JSON, to be restored in the next run; secret, and empty before ``register``."""
        return self._client.credentials or {}

    async def register(self) -> str:
        """Register or check in, and return the token to which pushes are sent.

        Raises:
            AppRefused: Google rejects the key or the application.
            NotReached: The registration failed for another reason, which may be blocked keys.
        """
        _FROM_HERE.set(True)
        self._recorder.refusal = None
        try:
            token: str = await self._client.checkin_or_register()
        except Exception as err:  # the library raises arbitrary errors
            if (status := self._recorder.refusal) is not None:
                raise AppRefused(f"Google rejects key or application with status {status}") from err
            raise NotReached(f"no registration at Google ({type(err).__name__})") from err
        return token

    async def run(self) -> None:
        """Receive until the client stops; it survives short interruptions of the connection. Call ``register`` first.

        Raises:
            LoginRefused: Google does not know the registration any more.
            ConnectionFailed: The library has given up.
        """
        _FROM_HERE.set(True)
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
        """Return when the client has stopped, failed, or not logged in for too long."""
        client, logged_in_at = self._client, time.monotonic()
        while True:
            ended, _ = await asyncio.wait(client.tasks, timeout=_WATCH_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            if ended or client.run_state in _ENDED:
                return
            if client.is_started():
                logged_in_at = time.monotonic()
            elif time.monotonic() - logged_in_at > _LOGIN_TIMEOUT:
                return

    async def _end(self) -> None:
        client = self._client
        await client.stop()
        if client.writer is not None:
            client.writer.transport.abort()  # a regular close takes long without a response
        for task in client.tasks:
            task.cancel()
        await asyncio.gather(*client.tasks, return_exceptions=True)


class _RecordingSession:
    """Forwards the requests of the library and records a rejected key, which the library only logs."""

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
    """The client of the library, except that it acknowledges undecryptable messages instead of stopping."""

    def __init__(
        self,
        config: FcmRegisterConfig,
        credentials: Mapping[str, Any] | None,
        session: _RecordingSession,
        handle: Callable[[bytes], None],
        connected: Callable[[], None],
    ) -> None:
        super().__init__(
            lambda *_: None,  # messages arrive in _handle_data_message
            config,
            None if credentials is None else dict(credentials),
            config=_CONFIG,
            http_client_session=cast(ClientSession, session),
        )
        self.login_refused = False
        self._handle = handle
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
        data_parts = {part.key: part.value for part in msg.app_data}
        if data_parts.get("message_type") == "deleted_messages":
            return  # reports messages that Google dropped
        try:
            data = self._decrypt_raw_data(
                self.credentials or {},
                encoded_part(data_parts.get("crypto-key", ""), "dh"),
                encoded_part(data_parts.get("encryption", ""), "salt"),
                msg.raw_data,
            )
        except Exception as err:  # noqa: BLE001 - headers, keys, and ciphers raise different errors
            _LOGGER.debug("Push ignored, could not decrypt it: %s", type(err).__name__)
            return
        try:
            self._handle(data)
        except Exception:
            # An unacknowledged push would arrive again at each login and stop the client each time.
            _LOGGER.exception("Error while handling a push")


def encoded_part(header: str, name: str) -> str:
    """Return one part of a header such as ``dh=...;p256ecdsa=...`` as padded base64.

    Some senders omit the padding or add other parts; the library accepts neither.

    Raises:
        ValueError: The part is missing or not base64.
    """
    for part in re.split("[;,]", header):
        key, _, value = part.strip().partition("=")
        if key.strip().lower() == name:
            plain = value.strip().strip('"').rstrip("=").replace("-", "+").replace("_", "/")
            raw = binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
            return urlsafe_b64encode(raw).decode()
    raise ValueError(f"no {name}")
