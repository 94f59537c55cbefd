"""Dates of log records in every form that devices write."""

from datetime import datetime

import pytest

from custom_components.ip_intercom.systems.akuvox.client.logs import read_dates

NOW = datetime(2025, 11, 7, 12)
WHEN = datetime(2025, 11, 6, 17, 4, 9)


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-06 17:04:09",
        "2025/11/06 17:04:09",
        "2025.11.6 17:04:09",
        "06-11-2025 17:04:09",
        "06/11/2025 17:04:09",
        "11/06/2025 17:04:09",
        "11-06-2025 05:04:09 PM",
        "06-11-2025 5:04:09pm",
        "2025-11-06T17:04:09+01:00",
        "2025/11/06 05:04:09 p.m.",
    ],
)
def test_dates_in_all_formats_are_parsed(text: str) -> None:
    assert read_dates([text], NOW) == [WHEN]


@pytest.mark.parametrize(
    "text",
    ["--", "-- --", "", " ", "2025-11-06 --", "yesterday 12", "0000-00-00 00:00:00", "2025-13-40 10:00:00",
     "2025-11-06 25:00:00", "1-2-3 10:00:00", "99/99/9999 10:00"],
)  # fmt: skip
def test_invalid_dates_are_none(text: str) -> None:
    assert read_dates([text], NOW) == [None]


@pytest.mark.parametrize(("text", "hour"), [("12:30:00 AM", 0), ("12:30:00 PM", 12), ("1:30 AM", 1), ("11:30 pm", 23)])
def test_times_of_the_12_hour_clock_are_read(text: str, hour: int) -> None:
    (moment,) = read_dates([f"2025/11/06 {text}"], NOW)
    assert moment is not None
    assert (moment.hour, moment.minute) == (hour, 30)


def test_the_month_is_found_from_all_records() -> None:
    """The month is found by a day above 12, the order, or the distance of the records."""
    assert read_dates(["02/03/2025 10:00:00", "25/02/2025 10:00:00"], NOW)[0] == datetime(2025, 3, 2, 10)
    assert read_dates(["03/02/2025 10:00:00", "02/25/2025 10:00:00"], NOW)[0] == datetime(2025, 3, 2, 10)
    assert read_dates(["01/02/2025 10:00:00", "12/01/2025 10:00:00"], NOW)[0] == datetime(2025, 2, 1, 10)
    assert read_dates(["11/05/2025 10:00:00"], NOW) == [datetime(2025, 11, 5, 10)]
    assert read_dates(["--", "11/05/2025 10:00:00"], NOW) == [None, datetime(2025, 11, 5, 10)]
    assert read_dates([], NOW) == []
