"""Each client error becomes the most specific message for users."""

from collections.abc import Iterator
from string import Formatter

import pytest

from custom_components.ip_intercom.helpers.errors import translated, translation_for
from custom_components.ip_intercom.systems.common import errors
from tests.repository.repository_rules import translations


def kinds(base: type[errors.IntercomError] = errors.IntercomError) -> Iterator[type[errors.IntercomError]]:
    """Yield the hierarchy of ``systems.common.errors``."""
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


def instance(kind: type[errors.IntercomError]) -> errors.IntercomError:
    """Return an error as a client raises it."""
    if kind is errors.CertificateChanged:
        return errors.CertificateChanged(b"before", b"now")
    try:
        return kind("something")
    except TypeError:
        return kind()


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_translation_with_its_placeholders(kind: type[errors.IntercomError]) -> None:
    failure = translated(instance(kind), "Front Door")
    message = translations()["exceptions"][failure.translation_key]["message"]
    named = {name for _, name, _, _ in Formatter().parse(message) if name}
    assert named <= (failure.translation_placeholders or {}).keys()


@pytest.mark.parametrize(
    ("err", "key"),
    [
        (errors.HighSecurity("Not Safe"), "high_security"),
        (errors.OpeningDisabled("Not Enable"), "opening_disabled"),
        (errors.OpeningRefused("-1"), "opening_refused"),
        (errors.AddressRefused("192.168.1.5"), "address_refused"),
        (errors.LoginRefused("401"), "login_refused"),
        (errors.PersonRefused("401"), "person_refused"),
        (errors.TlsRefused("old"), "tls_refused"),
        (errors.TokenRefused("401"), "token_refused"),
        (errors.NotFound("No such flat"), "not_found"),
        (errors.NoData("no such flat"), "no_data"),
        (errors.AuthenticationFailed("401"), "invalid_auth"),
        (errors.NotReached("no route"), "cannot_connect"),
        (errors.Rejected("busy"), "command_failed"),
    ],
)
def test_errors_that_a_user_can_fix_have_their_own_translation(err: errors.IntercomError, key: str) -> None:
    assert translation_for(err)[1] == key
