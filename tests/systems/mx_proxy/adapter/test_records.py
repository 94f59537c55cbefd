"""Call records: their outcomes, and which are new."""

import pytest

from custom_components.ip_intercom.model.parts import CallOutcome
from custom_components.ip_intercom.systems.common.privacy import Privacy
from custom_components.ip_intercom.systems.mx_proxy.client import LogRecord
from custom_components.ip_intercom.systems.mx_proxy.records import CallJournal, neutral_call, outcome_of

MISSED = LogRecord(
    1190, missed=True, direction="incoming", connected=1504522727, disconnected=1504522740, calling="3044",
    called="3095", first_name="Peter", last_name="Hyde", extension="3044", self_leg_type=9,
)  # fmt: skip


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (MISSED, CallOutcome.MISSED),
        (LogRecord(1, direction="incoming", called="voicemail.3095"), CallOutcome.VOICEMAIL),
        (LogRecord(1, direction="incoming", called="3095", self_leg_type=3), CallOutcome.VOICEMAIL),
        (LogRecord(1, direction="Incoming", called="3095", self_leg_type=1), CallOutcome.ANSWERED),
        (LogRecord(1, direction="outgoing", called="3095"), CallOutcome.PLACED),
        (LogRecord(1, direction="outgoing", called="voicemail.3095", self_leg_type=3), CallOutcome.PLACED),
    ],
)
def test_a_record_is_mapped_to_its_outcome(record: LogRecord, outcome: CallOutcome) -> None:
    assert outcome_of(record) is outcome


def test_a_record_in_the_neutral_model() -> None:
    call = neutral_call(MISSED, Privacy())
    assert (call.id, call.type, call.name, call.number, call.duration) == (
        "1190",
        "missed",
        "Peter Hyde",
        "3044",
        None,
    )
    assert call.time is not None
    assert neutral_call(MISSED, Privacy(names=False)).name == "3044"
    left_message = LogRecord(4, direction="incoming", called="voicemail.3095")
    assert [neutral_call(record, Privacy()).type for record in (left_message, LogRecord(5, direction="outgoing"))] == [
        "voicemail",
        "outgoing",
    ]
    talked = LogRecord(2, direction="incoming", connected=100, disconnected=130, calling="1", service_name="Queue")
    assert (neutral_call(talked, Privacy()).duration, neutral_call(talked, Privacy()).name) == (30, "Queue")
    empty = neutral_call(LogRecord(3), Privacy())
    assert (empty.type, empty.name, empty.number, empty.time) == (None, None, None, None)


def record(number: int, when: int | None = None, *, missed: bool = False) -> LogRecord:
    return LogRecord(number, direction="incoming", missed=missed, disconnected=when or number)


def ids(news: list[tuple[LogRecord, int]]) -> list[tuple[int, int]]:
    return [(found.record_id, missed) for found, missed in news]


def test_records_of_the_first_read_are_not_new() -> None:
    journal = CallJournal()
    assert journal.since(deep=True) is None
    assert journal.take([record(9, 900000, missed=True)]) == []
    assert journal.since(deep=False) == 900000 - 60
    assert journal.since(deep=True) == 900000 - 86400
    assert journal.last is not None
    assert ids(journal.take([record(9, 900000), record(11, 900200, missed=True), record(10, 900100)])) == [
        (10, 0),
        (11, 1),
    ]
    again = CallJournal(journal.as_json())
    assert (again.missed, again.since(deep=False), again.last) == (1, 900200 - 60, None)
    assert again.take([record(11, 900200, missed=True)]) == []
    assert again.last is not None
    assert ids(again.take([record(12, 900300, missed=True)])) == [(12, 2)]


def test_the_first_record_after_an_empty_log_is_returned() -> None:
    journal = CallJournal()
    assert journal.take([]) == []
    assert journal.since(deep=False) is None
    assert ids(journal.take([record(1, 100, missed=True)])) == [(1, 1)]


def test_a_call_log_that_restarts_its_numbers_is_followed() -> None:
    journal = CallJournal({"record": 500, "time": 1000, "missed": 0})
    assert journal.take([]) == []
    assert ids(journal.take([record(1, 990), record(2, 1010)])) == [(2, 0)]
    assert ids(journal.take([record(2, 1010), record(3, 1020)])) == [(3, 0)]


@pytest.mark.parametrize("stored", [7, [], {"record": "x", "time": None}, "{}"])
def test_an_invalid_stored_cursor_is_ignored(stored: object) -> None:
    journal = CallJournal(stored)
    assert journal.take([record(5, 100, missed=True)]) == []
    assert journal.missed == 0
