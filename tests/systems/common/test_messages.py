"""Headers of responses: dates and redirects."""

import pytest

from custom_components.ip_intercom.systems.common.errors import IntercomError, UnexpectedReply
from custom_components.ip_intercom.systems.common.messages import Reply, redirect, sent_on, unix_time


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (None, None),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 1795251600.0),
        ("Sat, 21 Nov 2026 09:00:00", 1795251600.0),
        ("soon", None),
        ("Sat, 32 Nov 2026 09:00:00 GMT", None),
    ],
)
def test_dates_are_parsed_and_invalid_ones_are_none(date: str | None, expected: float | None) -> None:
    assert unix_time(date) == expected


def reply(status: int, location: str) -> Reply:
    return Reply(status=status, content_type="", body=b"", challenge="", authorization="", location=location)


@pytest.mark.parametrize(
    ("status", "location"), [(200, "https://10.0.0.1/"), (302, ""), (302, "http://[half"), (404, "https://10.0.0.1/")]
)
def test_other_replies_are_no_redirect(status: int, location: str) -> None:
    assert redirect(reply(status, location)) is None


def test_a_redirect_contains_its_address() -> None:
    found = redirect(reply(302, "https://10.0.0.1:8443/login"))
    assert found is not None
    assert found.address == "https://10.0.0.1:8443"


def test_a_redirect_to_no_address_is_an_unexpected_reply() -> None:
    err: IntercomError | None = sent_on("api/status", "http://[half", "the API", lambda path: True)
    assert isinstance(err, UnexpectedReply)
    assert "invalid URL" in str(err)
