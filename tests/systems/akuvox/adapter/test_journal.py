"""New records of a log since the last poll."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
import json
from random import Random

import pytest

from custom_components.ip_intercom.systems.akuvox.client.logs import PAGE, LogPage
from custom_components.ip_intercom.systems.akuvox.journal import Journal

START = datetime(2026, 11, 21, 12)


@dataclass(frozen=True)
class Line:
    id: str | None
    when: datetime | None
    text: str = ""

    @property
    def mark(self) -> str:
        return f"{self.when} {self.text}"


class Device:
    """A log of a device that gives pages, or all at once."""

    def __init__(self, paged: bool = True) -> None:
        self.lines: list[Line] = []
        self.paged = paged
        self.asked: list[int] = []

    def write(self, number: int | None, second: int) -> None:
        self.lines.insert(0, Line(None if number is None else str(number), START + timedelta(seconds=second)))

    async def fetch(self, page: int) -> LogPage[Line]:
        self.asked.append(page)
        lines = self.lines[(page - 1) * PAGE : page * PAGE] if self.paged else self.lines
        return LogPage(tuple(lines), len(lines))


async def ids(journal: Journal, device: Device) -> list[str | None]:
    return [line.id for line in await journal.news(device.fetch)]


@pytest.mark.parametrize("paged", [True, False])
async def test_the_log_returns_only_new_records(paged: bool) -> None:
    device, journal = Device(paged), Journal()
    for number in range(1, 31):
        device.write(number, number)
    assert await ids(journal, device) == [], "earlier records are not new"
    assert await ids(journal, device) == []
    assert journal.paged is paged
    for number in range(31, 56):
        device.write(number, number)
    assert await ids(journal, device) == [str(number) for number in range(31, 56)]
    assert await ids(journal, device) == []


async def test_a_record_that_a_page_contains_twice_is_one() -> None:
    device, journal = Device(), Journal()
    await ids(journal, device)
    for second in (1, 1, 2):
        device.write(second, second)
    assert await ids(journal, device) == ["1", "2"]


async def test_pages_are_read_as_far_as_needed() -> None:
    device, journal = Device(), Journal()
    device.write(1, 1)
    await ids(journal, device)
    device.asked.clear()
    await ids(journal, device)
    assert device.asked == [1]


async def test_an_emptied_log_is_followed() -> None:
    device, journal = Device(), Journal()
    for number in range(1, 6):
        device.write(number, number)
    await ids(journal, device)
    del device.lines[0]
    assert await ids(journal, device) == [], "deleting a record makes no other record new"
    device.lines.clear()
    assert await ids(journal, device) == []
    device.write(1, 60)
    assert await ids(journal, device) == ["1"]
    assert await ids(journal, device) == []


async def test_records_after_the_clock_is_set_back_are_new() -> None:
    """An hour repeats in autumn, and a device without a battery starts in the past."""
    device, journal = Device(), Journal()
    for number in range(1, 6):
        device.write(number, 3600 + number)
    await ids(journal, device)
    device.write(6, 7)
    assert await ids(journal, device) == ["6"]
    assert await ids(journal, device) == []
    device.write(7, 4000)
    device.write(8, 9)
    assert await ids(journal, device) == ["7", "8"]
    assert await ids(journal, device) == []


async def test_a_record_that_moves_to_the_next_page_is_returned_once() -> None:
    device, journal = Device(), Journal()
    device.write(1, 1)
    await ids(journal, device)
    for number in range(2, 14):
        device.write(number, number)

    async def busy(page: int) -> LogPage[Line]:
        lines = await device.fetch(page)
        if page == 1:
            device.write(14, 14)
        return lines

    assert [line.id for line in await journal.news(busy)] == [str(number) for number in range(2, 14)]
    assert await ids(journal, device) == ["14"]


async def test_ten_new_records_of_a_device_that_knows_no_pages() -> None:
    """Ten records look like a full page with another one after it."""
    device, journal = Device(paged=False), Journal()
    await ids(journal, device)
    for number in range(1, PAGE + 1):
        device.write(number, number)
    assert len(await ids(journal, device)) == PAGE
    assert not journal.more


async def test_an_unreadable_record_does_not_end_the_paging() -> None:
    device, journal = Device(), Journal()
    device.write(1, 1)
    await ids(journal, device)
    for number in range(2, 30):
        device.write(number, number)

    async def spoilt(page: int) -> LogPage[Line]:
        lines = await device.fetch(page)
        return LogPage(lines.records[1:], lines.size)

    assert [line.id for line in await journal.news(spoilt)] == [str(n) for n in range(2, 30) if n not in {9, 19, 29}]


async def test_a_new_record_without_a_number_is_returned_once() -> None:
    device, journal = Device(), Journal()
    device.write(None, 1)
    await ids(journal, device)
    device.write(None, 2)
    assert len(await journal.news(device.fetch)) == 1
    assert await ids(journal, device) == []


async def test_the_log_position_survives_a_restart() -> None:
    device, journal = Device(), Journal()
    device.write(1, 1)
    await ids(journal, device)
    device.write(2, 2)
    later = Journal.from_json(journal.as_json())
    assert await ids(later, device) == ["2"]


@pytest.mark.parametrize("stored", [None, "x", {"id": 3, "when": "yesterday"}])
def test_a_broken_stored_log_position_is_ignored(stored: object) -> None:
    assert not Journal.from_json(stored).known


class Numbers(StrEnum):
    """Numbers of records: their own, or their positions from the newest or from the oldest record."""

    OWN = "own"
    FROM_NEWEST = "from newest"
    FROM_OLDEST = "from oldest"


class Log(Device):
    """A log in any order, with any numbers, that forgets its oldest records."""

    def __init__(self, numbers: Numbers, *, paged: bool, oldest_first: bool, kept: int = 1000) -> None:
        super().__init__(paged)
        self._numbers = numbers
        self._oldest_first = oldest_first
        self._kept = kept
        self._written = 0

    def add(self, count: int = 1, *, second: int | None = None, text: str | None = None) -> list[str]:
        texts = []
        for _ in range(count):
            self._written += 1
            when = START + timedelta(seconds=self._written * 7 if second is None else second)
            self.lines.insert(0, Line(str(self._written), when, text or f"event {self._written}"))
            texts.append(self.lines[0].text)
        del self.lines[self._kept :]
        return texts

    def _number(self, index: int) -> str | None:
        if self._numbers is Numbers.OWN:
            return self.lines[index].id
        return str(index + 1 if self._numbers is Numbers.FROM_NEWEST else len(self.lines) - index)

    async def fetch(self, page: int) -> LogPage[Line]:
        self.asked.append(page)
        lines = [replace(line, id=self._number(index)) for index, line in enumerate(self.lines)]
        if self._oldest_first:
            lines.reverse()
        lines = lines[(page - 1) * PAGE : page * PAGE] if self.paged else lines
        return LogPage(tuple(lines), len(lines))


async def texts(journal: Journal, device: Device) -> list[str]:
    """Return the new records, read in as many polls as necessary, across a restart after each."""
    found = [line.text for line in await journal.news(device.fetch)]
    while journal.more:
        found += [line.text for line in await journal.news(device.fetch)]
    return found


FORMS = [
    pytest.param(numbers, paged, oldest_first, id=f"{numbers}-{'paged' if paged else 'whole'}-{order}")
    for numbers in Numbers
    for paged in (True, False)
    for oldest_first, order in ((False, "newest first"), (True, "oldest first"))
]


@pytest.mark.parametrize("paged", [True, False])
@pytest.mark.parametrize("oldest_first", [False, True])
async def test_records_with_the_same_content_are_told_by_their_numbers(paged: bool, oldest_first: bool) -> None:
    device, journal = Log(Numbers.OWN, paged=paged, oldest_first=oldest_first), Journal()
    device.add(3, second=1, text="twin")
    assert await texts(journal, device) == []
    for count in (1, 3, 9, 10, 12, 25):
        added = device.add(count, second=1, text="twin")
        assert await texts(journal, device) == added, count
    assert not journal.has_positions


@pytest.mark.parametrize("paged", [True, False])
@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("seed", range(12))
async def test_a_busy_door_repeats_contents_within_a_second(paged: bool, oldest_first: bool, seed: int) -> None:
    """An older record of the same content may be on another page, deleted, or forgotten."""
    random = Random(seed)
    device, journal = (
        Log(Numbers.OWN, paged=paged, oldest_first=oldest_first, kept=random.choice((25, 1000))),
        Journal(),
    )
    device.add(3)
    assert await texts(journal, device) == []
    second = 0
    for _ in range(60):
        added = []
        for _ in range(random.choice((0, 1, 2, 5, 11, 14))):
            second += random.random() < 0.2
            device.add(second=100 + second, text=f"card {random.randrange(4)}")
            added.append(device.lines[0].id)
        if random.random() < 0.2:
            del device.lines[random.randrange(len(device.lines))]
            added = [line.id for line in reversed(device.lines) if line.id in added]
        if random.random() < 0.3:
            journal = Journal.from_json(json.loads(json.dumps(journal.as_json())))
        found = await ids(journal, device)
        while journal.more:
            found += await ids(journal, device)
        assert found == added
        assert not journal.has_positions


@pytest.mark.parametrize(("numbers", "paged", "oldest_first"), FORMS)
@pytest.mark.parametrize("kept", [12, 20, 35, 1000])
@pytest.mark.parametrize("restarts", [False, True])
async def test_each_record_is_new_once(
    numbers: Numbers, paged: bool, oldest_first: bool, kept: int, restarts: bool
) -> None:
    """Whether it is one of few or many, the log is full, or records are deleted."""
    device, journal = Log(numbers, paged=paged, oldest_first=oldest_first, kept=kept), Journal()
    device.add(3)
    assert await texts(journal, device) == []
    for count in (1, 0, 1, 2, 9, 10, 0, 11, 1, 3, 10, 1, 1, 8, 1):
        if restarts:
            journal = Journal.from_json(json.loads(json.dumps(journal.as_json())))
        added = device.add(count)
        assert await texts(journal, device) == added, count
    for index in (0, 3, -1):
        del device.lines[index]
        if restarts:
            journal = Journal.from_json(json.loads(json.dumps(journal.as_json())))
        assert await texts(journal, device) == [], "no record is new because another was deleted"
        added = device.add()
        assert await texts(journal, device) == added
    del device.lines[:2]
    added = device.add(2)
    assert await texts(journal, device) == added
    twins = device.add(2, second=99_999, text="twin")
    assert await texts(journal, device) == twins
    assert await texts(journal, device) == []
    added = device.add(second=100_000)
    assert await texts(journal, device) == added


class Undated(Device):
    """A device without a clock: its log has "--" in place of the time."""

    def note(self, number: int | None, text: str = "") -> None:
        self.lines.insert(0, Line(None if number is None else str(number), None, text))


@pytest.mark.parametrize("stored", [False, True])
async def test_new_records_of_an_emptied_undated_log_are_returned(stored: bool) -> None:
    device, journal = Undated(), Journal()
    for number in range(1, 15):
        device.note(number, "before")
    await ids(journal, device)
    device.lines.clear()
    assert await ids(journal, device) == []
    device.note(1, "after")
    if stored:
        journal = Journal.from_json(journal.as_json())
    assert await ids(journal, device) == ["1"]
    device.note(2, "after")
    assert await ids(journal, device) == ["2"]
    assert await ids(journal, device) == []


async def test_deleted_records_of_an_undated_log_make_no_others_new() -> None:
    device, journal = Undated(), Journal()
    for number in range(1, 31):
        device.note(number)
    await ids(journal, device)
    del device.lines[:3]
    assert await ids(journal, device) == []
    device.note(31)
    assert await ids(journal, device) == ["31"]


async def test_an_undated_log_without_numbers_returns_new_records() -> None:
    device, journal = Undated(), Journal()
    device.note(None, "one")
    await ids(journal, device)
    device.note(None, "two")
    assert len(await ids(journal, device)) == 1
    assert await ids(journal, device) == []


async def test_an_emptied_log_that_outgrew_its_old_number_is_new() -> None:
    """The record with the old number is a different one."""
    device, journal = Device(), Journal()
    for number in range(1, 6):
        device.write(number, number)
    await ids(journal, device)
    device.lines.clear()
    for number in range(1, 26):
        device.write(number, 86_400 + number)
    assert await ids(journal, device) == [str(number) for number in range(1, 26)]


async def test_a_shift_to_summer_time_adds_no_records() -> None:
    device, journal = Device(), Journal()
    for number in range(1, 6):
        device.write(number, number)
    await ids(journal, device)
    device.lines.clear()
    for number in range(1, 6):
        device.write(number, 3600 + number)
    assert await ids(journal, device) == []
