"""The parts of the adapter that send no requests."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
import json
from types import SimpleNamespace
from typing import cast

import pytest
from yarl import URL

from custom_components.ip_intercom.model.ring_detector import CALL_BELL
from custom_components.ip_intercom.systems.common.errors import NoSuchCall
from custom_components.ip_intercom.systems.smartyard.adapter import account_id
from custom_components.ip_intercom.systems.smartyard.client import (
    CallPush,
    Camera,
    Door,
    Flat,
    House,
    IntercomCamera,
    LogRecord,
    SmartYard,
    TextPush,
)
from custom_components.ip_intercom.systems.smartyard.clocks import PushClock, ServerTime, zone_named
from custom_components.ip_intercom.systems.smartyard.event_mapper import bell_of, call, message, moment
from custom_components.ip_intercom.systems.smartyard.push_filter import AHEAD, LONGEST, SKEW, PushFilter
from custom_components.ip_intercom.systems.smartyard.recordings import Recordings, Span, film_in
from custom_components.ip_intercom.systems.smartyard.records import Journal, by_day
from custom_components.ip_intercom.systems.smartyard.topology import topology_of
from custom_components.ip_intercom.systems.smartyard.visitors import SmartYardSip

NOW = datetime(2026, 11, 20, 12, 0)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


# -- who it is -------------------------------------------------------------------------------------


def test_the_id_of_an_account_hides_the_phone_number() -> None:
    one = account_id(URL("https://operator.test/mobile"), "79161234501")
    assert one == account_id(URL("http://operator.test/mobile/"), "79161234501")
    assert one.startswith("operator.test_")
    assert "7916" not in one
    others = {
        account_id(URL("https://operator.test/mobile"), "79161234502"),
        account_id(URL("https://operator.test/api"), "79161234501"),
        account_id(URL("https://operator.test:8443/mobile"), "79161234501"),
    }
    assert len({one, *others}) == 4


# -- what there is ---------------------------------------------------------------------------------


def test_places_without_a_name_get_a_default_name() -> None:
    houses = [House("1", doors=(Door("7", icon="hatch"), Door("7", 1, "gate")))]
    flats = [Flat("5", "1", number="12"), Flat("6", "99")]
    town = topology_of(
        houses, flats, [Camera("3", "", "http://c.test/3", "t"), Camera("", "x", "http://c.test/4", "t")], []
    )
    assert [(place.name, place.parent) for place in town.places.values()] == [
        ("House 1", None),
        ("Entrance", "house_1"),
        ("Gate", "house_1"),
        ("Flat 12", "house_1"),
        ("Flat 6", None),
        ("Camera 3", None),
    ]
    assert list(town.bells) == ["7"]


def test_a_door_that_two_houses_share_is_one() -> None:
    gate = Door("7", icon="gate", name="Gate")
    town = topology_of([House("1", doors=(gate,)), House("2", doors=(gate,))], [], [], [])
    assert list(town.doors) == ["7:0"]
    assert town.places["door_7_0"].parent == "house_1"
    assert town.relays["7:0"].house == "1"


@pytest.mark.parametrize("order", [1, -1])
def test_the_bell_of_an_intercom_with_two_doors_is_at_the_first(order: int) -> None:
    doors = (Door("7", name="Front"), Door("7", 1, name="Back"))[::order]
    town = topology_of([House("1", doors=doors)], [], [], [])
    assert town.bells["7"].place == "door_7_0"


def test_intercom_cameras_are_placed_at_their_doors() -> None:
    listed = Camera("41", "Hall", "http://c.test/hall", "a", hls_mode="fmp4")
    other = Camera("", "Side", "http://c.test/side", "b")
    intercoms = [
        IntercomCamera("7", None, replace(listed, id="", name="", hls_mode=None), alternatives=(other,)),
        IntercomCamera("99", None, replace(other, url="http://c.test/none")),
    ]
    town = topology_of([House("1", doors=(Door("7", name="Hall"),))], [], [listed], intercoms)
    assert {camera.id: (camera.name, camera.place) for camera in town.cameras.values()} == {
        "intercom_7": (None, "door_7_0"),
        "intercom_7_1": ("Side", "door_7_0"),
    }
    assert town.feeds["intercom_7"] == listed
    assert not any(place.startswith("camera_") for place in town.places)


# -- whose bell ------------------------------------------------------------------------------------

TOWN = topology_of(
    [
        House("1", doors=(Door("7", name="Front"), Door("8", name="Back"))),
        House("2", doors=(Door("9", name="Front"), Door("9", 1, "gate", "Gate"))),
    ],
    [Flat("5", "1"), Flat("6", "2")],
    [],
    [],
)


@pytest.mark.parametrize(
    ("push", "bell"),
    [
        (CallPush(domophone_id="8", flat_id="6"), "8"),
        (CallPush(domophone_id="10", caller="Front"), None),
        (CallPush(flat_id="5", caller="Back"), "8"),
        (CallPush(flat_id="6", caller="Front"), "9"),
        (CallPush(flat_id="6", caller="Intercom"), "9"),
        (CallPush(flat_id="5", caller="Intercom"), CALL_BELL),
        (CallPush(flat_id="77", caller="Front"), None),
        (CallPush(caller="Back"), "8"),
        (CallPush(), CALL_BELL),
    ],
)
def test_the_bell_of_a_push(push: CallPush, bell: str | None) -> None:
    assert bell_of(push, TOWN) == bell


def test_texts_of_a_push_are_cut_and_without_secrets() -> None:
    push = CallPush(extension="2000002224", password="p" * 32, hash="h" * 32, caller="x" * 9999, flat_number="-1")
    event = call(push, "7", "word", datetime.now(UTC))
    assert len(str(event.data["caller"])) == 128
    assert "flat" not in event.data
    ids_and_lateness = repr(event)
    assert not [secret for secret in ("2000002224", "p" * 32, "h" * 32) if secret in ids_and_lateness]
    text = message(TextPush(action="a" * 999, title="t" * 9999, body="b" * 9999), None, late=False)
    assert len(json.dumps(text.data)) < 5000


@pytest.mark.parametrize("seconds", [10**18, -(10**18)])
def test_an_impossible_time_is_now(seconds: int) -> None:
    assert abs(moment(seconds) - datetime.now(UTC)) < timedelta(minutes=5)


def test_an_event_is_never_in_the_future() -> None:
    now = datetime.now(UTC)
    ahead = call(CallPush(timestamp=int(now.timestamp()) + AHEAD), "7", None, now)
    assert ahead.time <= datetime.now(UTC)
    assert ahead.age == 0.0


# -- what is news ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "ttl", "is_news"),
    [
        (0, 30, True),
        (30 + SKEW, 30, True),
        (31 + SKEW, 30, False),
        (-SKEW - 1, 30, True),
        (-AHEAD, 30, True),
        (-AHEAD - 1, 30, False),
        (LONGEST + SKEW + 1, 10**6, False),
    ],
)
def test_a_push_is_accepted_while_its_call_rings(age: int, ttl: int, is_news: bool) -> None:
    push = CallPush(hash="a", timestamp=1_000_000 - age, ttl=ttl)
    assert (PushFilter(now=Clock()).objection(push) is None) is is_news


def test_a_push_of_a_call_without_a_time_is_rejected() -> None:
    assert PushFilter(now=Clock()).objection(CallPush(hash="a")) is not None


@pytest.mark.parametrize(
    ("age", "ttl", "seconds"),
    [(0, 30, 30), (10, 30, 20), (40, 30, 15), (-20, 30, 30), (-AHEAD, 30, 30), (0, 999, LONGEST)],
)
def test_a_call_rings_for_its_ttl_within_limits(age: int, ttl: int, seconds: int) -> None:
    assert PushFilter(now=Clock()).rings_for(CallPush(timestamp=1_000_000 - age, ttl=ttl)) == seconds


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CallPush(hash="a", timestamp=1_000_000), CallPush(hash="a", timestamp=1_000_005, extension="5")),
        (CallPush(extension="5", timestamp=1_000_000), CallPush(extension="5", timestamp=1_000_000, caller="x")),
        (CallPush(hash="a", extension="5", timestamp=1_000_000), CallPush(extension="5", timestamp=1_000_000)),
        (CallPush(extension="5", timestamp=1_000_000), CallPush(hash="a", extension="5", timestamp=1_000_000)),
        (TextPush("inbox", message_id="1"), TextPush("inbox", "t", message_id="1")),
        (TextPush("money", "t", timestamp=1_000_000), TextPush("money", "t", timestamp=1_000_000, badge=2)),
    ],
)
def test_a_repeated_push_is_rejected(first: CallPush | TextPush, second: CallPush | TextPush) -> None:
    gate = PushFilter(now=Clock())
    assert gate.objection(first) is None
    assert gate.objection(second) is not None


def test_a_push_that_repeats_an_earlier_id_of_the_ring_is_rejected() -> None:
    gate = PushFilter(now=Clock())
    assert gate.objection(CallPush(hash="a", extension="5", timestamp=1_000_000)) is None
    assert gate.objection(CallPush(hash="a", extension="6", timestamp=1_000_000)) is not None
    assert gate.objection(CallPush(extension="6", timestamp=1_000_000)) is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CallPush(hash="a", timestamp=1_000_000), CallPush(hash="b", timestamp=1_000_000)),
        (CallPush(extension="5", timestamp=1_000_000), CallPush(extension="5", timestamp=1_000_007)),
        (TextPush("inbox", "t"), TextPush("inbox", "t")),
    ],
)
def test_a_different_push_is_accepted(first: CallPush | TextPush, second: CallPush | TextPush) -> None:
    gate = PushFilter(now=Clock())
    assert gate.objection(first) is None
    assert gate.objection(second) is None


@pytest.mark.parametrize(
    ("age", "is_told", "late"), [(0, True, False), (1000, True, True), (4000, False, True), (-4000, False, False)]
)
def test_a_message_may_be_late_but_not_too_old(age: int, is_told: bool, late: bool) -> None:
    gate, push = PushFilter(now=Clock()), TextPush("inbox", message_id="1", timestamp=1_000_000 - age)
    assert (gate.objection(push) is None) is is_told
    assert gate.is_late(push) is late


@pytest.mark.parametrize("kind", ["call", "text"])
def test_accepted_pushes_are_stored_while_they_could_repeat(kind: str) -> None:
    clock = Clock()

    def push(number: int) -> CallPush | TextPush:
        if kind == "call":
            return CallPush(hash=str(number), extension=str(number), timestamp=1_000_000)
        return TextPush("inbox", message_id=str(number), timestamp=1_000_000)

    gate = PushFilter(now=clock)
    for number in range(300):
        assert gate.objection(push(number)) is None
    again = PushFilter(json.loads(json.dumps(gate.as_json())), now=clock)
    assert [number for number in range(300) if again.objection(push(number)) is None] == []
    # What is too old is refused anyway, and need not be remembered.
    clock.now += 4000
    assert len(again.as_json()) == 0


def test_pushes_stored_by_an_earlier_version_are_known() -> None:
    push = CallPush(hash="a", timestamp=1_000_000)
    assert PushFilter(list(push.ring_ids), now=Clock()).objection(push) is not None


def test_the_number_of_stored_pushes_is_limited() -> None:
    gate = PushFilter(now=Clock())
    for number in range(5000):
        assert gate.objection(CallPush(hash=str(number), timestamp=1_000_000)) is None
    assert gate.objection(CallPush(hash="4999", timestamp=1_000_000)) is not None
    assert len(gate._seen) < 5000


# -- the clock of pushes -----------------------------------------------------------------------------


def ring_at(name: str, timestamp: float) -> CallPush:
    return CallPush(hash=name, timestamp=int(timestamp))


def test_the_first_call_sets_an_unknown_clock() -> None:
    clock = Clock()
    gate = PushFilter(now=clock, clock=PushClock(None, lambda: None, clock))
    assert gate.objection(CallPush(extension="1", timestamp=1_000_000 - 3600)) is None
    assert gate.clock.age(1_000_000 - 3600) == 0
    assert gate.objection(CallPush(extension="2", timestamp=1_000_000 - 7200)) is not None
    # Nothing comes before it is sent: the clock was set.
    assert gate.objection(CallPush(extension="3", timestamp=1_000_000)) is None
    assert gate.objection(CallPush(extension="4", timestamp=1_000_000 - 3600)) is not None


def test_a_text_message_does_not_set_the_clock() -> None:
    clock = Clock()
    gate = PushFilter(now=clock, clock=PushClock(None, lambda: None, clock))
    assert gate.objection(TextPush("inbox", message_id="1", timestamp=1_000_000 - 7200)) is None
    assert not gate.clock.is_known


def test_pushes_that_were_held_back_do_not_set_the_clock() -> None:
    clock = Clock()
    gate = PushFilter(now=clock)
    for number in range(5):
        assert gate.objection(CallPush(extension=str(number), timestamp=1_000_000 - 3600 + number)) is not None
    clock.now += 61
    # Held back for as long again.
    assert gate.objection(CallPush(extension="6", timestamp=1_000_000 - 3600 + 61 - 30)) is not None
    assert gate.objection(CallPush(extension="7", timestamp=1_000_000 - 3600 + 61)) is None


def test_only_a_call_with_a_key_is_verified_and_once() -> None:
    gate, late = PushFilter(now=Clock()), ring_at("a", 1_000_000 - 3600)
    assert not gate.needs_verification(ring_at("b", 1_000_000))
    assert not gate.needs_verification(CallPush(extension="1", timestamp=1_000_000 - 3600))
    assert not gate.needs_verification(CallPush(hash="c"))
    assert gate.needs_verification(late)
    shift = gate.begin_verification(late)
    assert not gate.needs_verification(late)
    gate.confirm(late, shift)
    assert gate.objection(late) == "it was received before"
    assert gate.objection(ring_at("d", 1_000_000 - 3600)) is None


def test_a_call_that_could_not_be_verified_may_be_verified_again() -> None:
    gate, late = PushFilter(now=Clock()), ring_at("a", 1_000_000 - 3600)
    gate.begin_verification(late)
    assert gate.give_up(late) is not None
    assert gate.needs_verification(late)
    gate.begin_verification(late)
    assert gate.deny(late) is not None
    assert not gate.needs_verification(late)


@pytest.mark.parametrize("stored", [None, [], {"shift": "x"}, {"shift": None}])
def test_a_clock_without_a_stored_value_is_unknown(stored: object) -> None:
    assert not PushClock(stored, lambda: None).is_known


def test_a_clock_that_was_learned_is_stored() -> None:
    clock = Clock()
    learned = PushClock(None, lambda: None, clock)
    learned.adopt(learned.shift_of(1_000_400))
    again = PushClock(json.loads(json.dumps(learned.as_json())), lambda: None, clock)
    assert (again.is_known, again.ahead) == (True, 400)


# -- recordings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "film"),
    [
        ("Download:\nhttps://yard.test/mobile/cctv/download/ab-1", "ab-1"),
        ("http://YARD.test:8080/cctv/download/ab-1.", "ab-1"),
        ('<a href="https://yard.test/mobile/cctv/download/ab-1">film</a>', "ab-1"),
        ("/mobile/cctv/download/ab-1", "ab-1"),
        ("yard.test/mobile/cctv/download/ab-1", "ab-1"),
        ("https://other.test/a https://yard.test/cctv/download/ab-1", "ab-1"),
        ("https://other.test/cctv/download/ab-1", None),
        ("https://yard.test@other.test/cctv/download/ab-1", None),
        ("https://other.test/https://yard.test/cctv/download/ab-1", None),
        ("ftp://other.test/cctv/download/ab-1", None),
        ("other.test/cctv/download/ab-1", None),
        ("//other.test/cctv/download/ab-1", None),
        ("https://[/cctv/download/ab-1", None),
        ("nothing", None),
    ],
)
def test_the_recording_of_a_message_is_of_our_host(said: str, film: str | None) -> None:
    assert film_in(said, "yard.test") == film


@pytest.mark.parametrize(
    ("said", "is_ours"),
    [
        ("Yard 2026-11-20 11:00:00 - 2026-11-20 12:00:00", True),
        ("20.11.2026 11:00 - 12:00", True),
        ("20.11.2026, 11:00 - 20.11.2026, 12:00", True),
        ("2026-11-20 09:00:00 - 2026-11-20 10:00:00", False),
        ("Kept until 23.11.2026 12:00", True),
        ("It is ready", True),
        ("Back yard: it is ready", True),
    ],
)
def test_a_message_with_another_time_is_of_another_recording(said: str, is_ours: bool) -> None:
    recordings = Recordings(host="yard.test", cameras=lambda: ("Yard", "Back yard"))
    recordings.requested("7", Span("Yard", NOW - timedelta(hours=1), NOW))
    assert (recordings.ready("ab", said) == "7") is is_ours


def test_a_less_precise_message_does_not_replace_a_better_one() -> None:
    recordings = Recordings(cameras=lambda: ("Yard", "Back Yard"))
    recordings.requested("7", Span("Yard", NOW - timedelta(hours=1), NOW))
    assert recordings.ready("a", "Back Yard") == "7"
    assert recordings.ready("b", "It is ready") == "7"
    assert recordings.ready("c", "Yard") == "7"
    recordings = Recordings(json.loads(json.dumps(recordings.as_json())), cameras=lambda: ("Yard", "Back Yard"))
    assert recordings.ready("d", "It is ready") is None
    assert recordings.ready("e", "2026-11-20 11:00 - 2026-11-20 12:00") == "7"
    assert recordings.ready("f", "Yard") is None
    assert recordings.film_of("7") == "e"


# -- journals --------------------------------------------------------------------------------------


def record(name: str, when: datetime | None = NOW) -> LogRecord:
    return LogRecord(name, date=when)


def ids_and_lateness(found: list[tuple[LogRecord, bool]]) -> list[tuple[str, bool]]:
    return [(row.id, late) for row, late in found]


def test_each_record_is_returned_once_and_oldest_first() -> None:
    journal, later = Journal(None, Clock()), NOW + timedelta(minutes=1)
    assert not journal.has("5")
    assert journal.take("5", [record("a")], NOW) == []
    assert journal.has("5")
    news = [record("c", later + timedelta(seconds=5)), record("b", later), record("a")]
    assert ids_and_lateness(journal.take("5", news, later)) == [("b", False), ("c", False)]
    assert ids_and_lateness(journal.take("5", news, later)) == []
    assert ids_and_lateness(journal.take("5", [record("d", None), *news], later)) == [("d", True)]


def test_records_before_the_first_poll_after_an_absence_are_late() -> None:
    clock = Clock()
    journal = Journal(None, clock)
    journal.take("5", [], NOW)
    stored = json.loads(json.dumps(journal.as_json()))
    journal = Journal(stored, clock)
    back = NOW + timedelta(hours=3)
    assert ids_and_lateness(journal.take("5", [record("a", back - timedelta(hours=1))], back)) == [("a", True)]
    found = [record("a", back - timedelta(hours=1)), record("b", back - timedelta(minutes=2)), record("c", back)]
    assert ids_and_lateness(journal.take("5", found, back + timedelta(minutes=1))) == [("b", True), ("c", False)]
    clock.now += 3600
    late = record("d", back + timedelta(minutes=30))
    assert ids_and_lateness(journal.take("5", [*found, late], back + timedelta(hours=1))) == [("d", True)]


@pytest.mark.parametrize(
    ("seen", "now", "days"),
    [
        (None, NOW, [date(2026, 11, 20)]),
        (None, datetime(2026, 11, 20, 0, 5), [date(2026, 11, 19), date(2026, 11, 20)]),
        (None, datetime(2026, 11, 20, 23, 55), [date(2026, 11, 20), date(2026, 11, 21)]),
        (datetime(2026, 11, 18, 9), NOW, [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]),
        (NOW + timedelta(days=9), NOW, [date(2026, 11, 20)]),
    ],
)
def test_the_journal_requests_the_days_since_the_last_poll(
    seen: datetime | None, now: datetime, days: list[date]
) -> None:
    journal = Journal(None if seen is None else {"5": {"seen": seen.isoformat(), "known": []}})
    assert list(journal.days("5", now)) == days


def test_after_a_long_absence_one_month_is_read() -> None:
    journal = Journal({"5": {"seen": "2025-11-20T12:00:00", "known": []}})
    days = journal.days("5", NOW)
    assert (days[0], days[-1], len(days)) == (date(2026, 10, 20), date(2026, 11, 20), 32)
    assert by_day({date(2026, 11, 1): 3, date(2026, 1, 1): 2, date(2026, 11, 2): 0}, days) == (date(2026, 11, 1),)


@pytest.mark.parametrize("stored", [None, [], "x", {"5": None}, {"5": {"seen": "never"}}, {"5": {"seen": 7}}])
def test_an_unreadable_stored_journal_is_ignored(stored: object) -> None:
    journal = Journal(stored)
    assert not journal.has("5")
    assert journal.take("5", [record("a")], NOW) == []


def test_journals_of_left_apartments_are_pruned() -> None:
    journal = Journal(None, Clock())
    journal.take("5", [], NOW)
    journal.take("6", [], NOW + timedelta(days=20))
    journal.prune(NOW + timedelta(days=30))
    assert list(journal.as_json()) == ["5", "6"]
    journal.prune(NOW + timedelta(days=40))
    assert list(journal.as_json()) == ["6"]


# -- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "hours"), [("Asia/Yekaterinburg", 5), ("Nowhere/Atlantis", 3), ("../../etc", 3)])
async def test_times_are_those_of_the_server(name: str, hours: int) -> None:
    there = ServerTime()
    there.zone = await zone_named(name)
    assert there.utc(NOW) == datetime(2026, 11, 20, 12, tzinfo=UTC) - timedelta(hours=hours)
    assert there.utc(None) is None
    assert there.local(datetime(2026, 11, 20, 12, tzinfo=UTC)) == NOW + timedelta(hours=hours)


def test_doors_are_named_by_their_places() -> None:
    assert TOWN.name_of("8:0") == "Back"
    assert TOWN.entrance("8", None) == "Back"
    assert TOWN.entrance("80", 0) is None


# -- phones ------------------------------------------------------------------------------------


async def test_the_sip_account_of_a_call_expires_after_three_minutes() -> None:
    clock = Clock()
    sip = SmartYardSip(cast(SmartYard, SimpleNamespace(sip=None)), clock)
    with pytest.raises(NoSuchCall):
        await sip.visitor({"21"})
    first = CallPush(server="sip.test", extension="2000000001", password="one", dtmf="1")
    sip.rang("21", first)
    clock.now += 1
    sip.rang("22", replace(first, password="two", port=5061, transport="tls"))
    latest = await sip.visitor({"21", "22"})
    assert (latest.password, latest.port, latest.transport) == ("two", 5061, "tls")
    account = await sip.visitor({"21"})
    assert (account.password, account.port, account.transport) == ("one", 5060, "udp")
    assert account.more == {"dtmf": "1"}
    assert "one" not in repr(account)
    clock.now += LONGEST - 1
    with pytest.raises(NoSuchCall):
        await sip.visitor({"21"})
    assert (await sip.visitor({"21", "22"})).password == "two"
    # A push without an account replaces the previous one.
    sip.rang("22", CallPush(domophone_id="22"))
    with pytest.raises(NoSuchCall):
        await sip.visitor({"22"})
    sip.close()


async def test_the_sip_account_of_a_call_is_deleted() -> None:
    sip = SmartYardSip(cast(SmartYard, SimpleNamespace(sip=None)))
    sip.rang("21", CallPush(server="sip.test", extension="2000000001", password="one"))
    await asyncio.sleep(LONGEST + 2)
    assert sip._calls == {}
    sip.rang("21", CallPush(server="sip.test", extension="2000000001", password="two"))
    sip.close()
    assert sip._calls == {}
