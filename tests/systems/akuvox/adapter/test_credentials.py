"""Pushed credentials that wait for their records."""

from datetime import UTC, datetime

from custom_components.ip_intercom.systems.akuvox.events import Credentials, access_of

WHEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVENT = "ValidCodeEntered"


def test_an_access_without_a_record_is_reported_once() -> None:
    credentials = Credentials()
    credentials.push(EVENT, access_of(EVENT, WHEN), 100.0)
    (deadline,) = credentials.deadlines
    assert credentials.take_overdue(deadline - 0.1) == []
    (told,) = credentials.take_overdue(deadline)
    assert (told.event, told.access.granted, told.access.method) == (EVENT, True, "code")
    assert credentials.is_reported(True, "code", deadline + 1)
    assert not credentials.is_reported(True, "code", deadline + 1), "the next access is a new one"


def test_a_flood_of_credentials_is_bounded() -> None:
    credentials = Credentials()
    access = access_of(EVENT, WHEN)
    told = 0
    for second in range(200):
        for _ in range(100):
            credentials.push(EVENT, access, float(second))
        assert len(credentials.deadlines) < 100
        told += len(credentials.take_overdue(float(second)))
    assert told > 0
    # As many records as are still awaited are taken for those of the flood, and then no more.
    known = 0
    while credentials.is_reported(True, "code", 200.0):
        known += 1
        assert known < 100
