"""Translation of client errors into exceptions with translation keys (translations: ``exceptions``)."""

from collections.abc import Callable
from typing import Any

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..const import DOMAIN
from ..systems.common.errors import (
    AddressRefused,
    AppRefused,
    AuthenticationFailed,
    CertificateChanged,
    CertificateInvalid,
    CodeLeft,
    CommandFailed,
    ConnectionFailed,
    DoorsNotKept,
    ExchangeInsecure,
    ExchangeRefused,
    ExchangeSilent,
    ExchangeUnreachable,
    FileTooOld,
    FileUnreadable,
    FileWaiting,
    FunctionRefused,
    HighSecurity,
    IntercomError,
    InvalidRequest,
    LoginRefused,
    NoCodePending,
    NoData,
    NoIdentity,
    NoSuchCall,
    NotApplied,
    NotFound,
    NotPaid,
    NotProvisioned,
    NotPushed,
    NotReached,
    NotReady,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
    Overloaded,
    PermissionDenied,
    PersonRefused,
    PinNotKept,
    RecordingUnclear,
    Redirected,
    SecureConnectionRequired,
    ServerBroken,
    ServiceDisabled,
    StreamRefused,
    Throttled,
    TlsRefused,
    TokenNotTaken,
    TokenRefused,
    TooSoon,
    Unconfirmed,
    UnexpectedReply,
    WrongCode,
    WrongTime,
)

type _Placeholders = Callable[[Any], dict[str, str]]


def _none(_: IntercomError) -> dict[str, str]:
    return {}


def _reason(err: CommandFailed) -> dict[str, str]:
    return {"reason": err.reason}


# Subclasses come first. An error that the user can fix by a different request is a ServiceValidationError.
_TRANSLATIONS: tuple[tuple[type[IntercomError], type[HomeAssistantError], str, _Placeholders], ...] = (
    (CertificateChanged, HomeAssistantError, "certificate_changed", _none),
    (CertificateInvalid, HomeAssistantError, "certificate_invalid", _none),
    (TlsRefused, HomeAssistantError, "tls_refused", _none),
    (ExchangeUnreachable, HomeAssistantError, "exchange_unreachable", _none),
    (ExchangeSilent, HomeAssistantError, "exchange_silent", _none),
    (Overloaded, HomeAssistantError, "overloaded", _none),
    (TokenNotTaken, HomeAssistantError, "token_not_taken", _none),
    (ServerBroken, HomeAssistantError, "server_broken", _none),
    (ConnectionFailed, HomeAssistantError, "cannot_connect", _none),
    (ExchangeInsecure, HomeAssistantError, "exchange_insecure", _none),
    (Unconfirmed, HomeAssistantError, "unconfirmed", _none),
    (AppRefused, HomeAssistantError, "app_refused", _none),
    (NotProvisioned, HomeAssistantError, "not_provisioned", _none),
    (ExchangeRefused, HomeAssistantError, "exchange_refused", _none),
    (PersonRefused, HomeAssistantError, "person_refused", _none),
    (LoginRefused, HomeAssistantError, "login_refused", _none),
    (TokenRefused, HomeAssistantError, "token_refused", _none),
    (AuthenticationFailed, HomeAssistantError, "invalid_auth", _none),
    (AddressRefused, HomeAssistantError, "address_refused", lambda err: {"address": err.address}),
    (Redirected, HomeAssistantError, "redirected", lambda err: {"address": err.address}),
    (SecureConnectionRequired, HomeAssistantError, "https_required", lambda err: {"service": err.service}),
    (ServiceDisabled, ServiceValidationError, "service_disabled", lambda err: {"service": err.service}),
    (PermissionDenied, ServiceValidationError, "permission_denied", lambda err: {"privilege": err.privilege}),
    (NotPushed, ServiceValidationError, "watch_not_pushed", _none),
    (NotSupported, ServiceValidationError, "not_supported", _none),
    (InvalidRequest, ServiceValidationError, "invalid_request", lambda err: {"reason": str(err)}),
    (FileUnreadable, HomeAssistantError, "file_broken", _none),
    (FileTooOld, ServiceValidationError, "file_too_old", _none),
    (FileWaiting, ServiceValidationError, "file_waiting", _none),
    (NotFound, ServiceValidationError, "not_found", _reason),
    (NotReady, ServiceValidationError, "recording_not_ready", _none),
    (RecordingUnclear, ServiceValidationError, "recording_unclear", _none),
    (NoData, ServiceValidationError, "no_data", _none),
    (NoSuchCall, ServiceValidationError, "no_such_call", _none),
    (DoorsNotKept, HomeAssistantError, "code_doors", _none),
    (PinNotKept, ServiceValidationError, "code_pin", _none),
    (CodeLeft, HomeAssistantError, "code_not_removed", _none),
    (HighSecurity, HomeAssistantError, "high_security", _none),
    (OpeningDisabled, HomeAssistantError, "opening_disabled", _none),
    (OpeningRefused, HomeAssistantError, "opening_refused", _none),
    (WrongCode, ServiceValidationError, "wrong_code", _reason),
    (NoCodePending, ServiceValidationError, "no_code_pending", _none),
    (TooSoon, HomeAssistantError, "too_soon", _reason),
    (Throttled, HomeAssistantError, "throttled", _none),
    (NotPaid, HomeAssistantError, "not_paid", _reason),
    (StreamRefused, HomeAssistantError, "stream_refused", _none),
    (NoIdentity, HomeAssistantError, "no_identity", _none),
    (CommandFailed, HomeAssistantError, "command_failed", _reason),
    (FunctionRefused, HomeAssistantError, "function_refused", lambda err: {"function": err.function}),
    (NotApplied, HomeAssistantError, "not_applied", _none),
    (WrongTime, HomeAssistantError, "guest_time_wrong", _none),
    (UnexpectedReply, HomeAssistantError, "unexpected_reply", _none),
    (IntercomError, HomeAssistantError, "unexpected_reply", _none),
)


def translation_for(err: IntercomError) -> tuple[type[HomeAssistantError], str, dict[str, str]]:
    """Return the exception class, the translation key, and the placeholders for a client error."""
    for kind, exception, key, placeholders in _TRANSLATIONS:
        if isinstance(err, kind):
            return exception, key, placeholders(err)
    raise AssertionError(f"no translation for {type(err).__name__}")


def translated_error[E: HomeAssistantError](kind: type[E], key: str, **placeholders: str) -> E:
    """Return an exception with a translation key of ``exceptions``."""
    return kind(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)


def translated(err: IntercomError, device: str) -> HomeAssistantError:
    """Return a client error as a translated exception that names the device."""
    exception, key, placeholders = translation_for(err)
    return translated_error(exception, key, device=device, **placeholders)


def was_never_sent(err: IntercomError) -> bool:
    """Return whether a request certainly had no effect: not delivered, or rejected."""
    return isinstance(
        err,
        AuthenticationFailed | CertificateChanged | CertificateInvalid | FunctionRefused | NotReached | TlsRefused,
    )


def is_answer_lost(err: IntercomError) -> bool:
    """Return whether a failed command may have been carried out."""
    return isinstance(err, ConnectionFailed | UnexpectedReply | Unconfirmed) and not was_never_sent(err)


def request_refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the exception for a request that the user can correct."""
    return translated_error(ServiceValidationError, key, **placeholders)
