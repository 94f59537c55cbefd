"""Opening a door outside of the API (captures/error_envelopes.md)."""

from typing import TypedDict

import pytest

from custom_components.ip_intercom.systems.common.errors import (
    CommandFailed,
    HighSecurity,
    InvalidRequest,
    LoginRefused,
    NotSupported,
    OpeningDisabled,
    OpeningRefused,
    UnexpectedReply,
)

from .conftest import Bench, Start, wait_for_answers


class Door(TypedDict):
    username: str
    password: str


DOOR: Door = {"username": "door", "password": "pa55-word"}


@pytest.mark.parametrize("dialect", ["e18", "e16c", "r29"])
async def test_open_door_works_with_the_login_of_the_api(start: Start, dialect: str) -> None:
    """An R29 answers 503 until opening is enabled, the others return the reason."""
    bench = await start(dialect)
    opening = bench.device().opening
    with pytest.raises(OpeningDisabled):
        await opening.open_door(1)
    bench.sim.allow_http_open()
    await opening.open_door(1)
    assert bench.sim.relay_status()["A"]
    with pytest.raises(InvalidRequest):
        await opening.open_door("SC")
    bench.sim.set_high_security()
    with pytest.raises(HighSecurity):
        await opening.open_door(1)


async def test_open_door_opens_a_security_relay(start: Start) -> None:
    bench = await start("r29")
    bench.sim.allow_http_open()
    await bench.device().opening.open_door("SB")
    assert bench.sim.relay_status()["SB"]


@pytest.mark.parametrize("dialect", ["a_series", "it83"])
async def test_a_device_without_open_door_is_not_supported(start: Start, dialect: str) -> None:
    bench = await start(dialect)
    with pytest.raises(NotSupported):
        await bench.device().opening.open_door(1)


async def test_a_device_that_refers_to_another_command_is_not_supported(start: Start) -> None:
    bench = await start("e16c")
    bench.sim.allow_http_open()
    bench.sim.pages.open_door_moved = True
    with pytest.raises(NotSupported):
        await bench.device().opening.open_door(1)


async def test_a_wrong_login_opens_no_door(start: Start) -> None:
    bench = await start("e16c")
    bench.sim.allow_http_open()
    with pytest.raises(LoginRefused):
        await bench.device(password="wrong").opening.open_door(1)
    assert not bench.sim.relay_status()["A"]


async def test_a_door_opens_by_the_legacy_url(start: Start) -> None:
    bench = await start("it83")
    opening = bench.device().opening
    with pytest.raises(OpeningRefused):
        await opening.legacy(1, **DOOR)
    bench.sim.allow_http_open(**DOOR)
    with pytest.raises(OpeningRefused):
        await opening.legacy(1, "door", "wrong")
    with pytest.raises(OpeningRefused):
        await opening.legacy(9, **DOOR)
    await opening.legacy(2, **DOOR)
    assert bench.sim.relay_status()["B"]


@pytest.mark.parametrize("dialect", ["a_series", "e18", "e16c", "r29"])
async def test_a_device_without_the_legacy_url_is_not_supported(start: Start, dialect: str) -> None:
    """404, or "please use new interface"."""
    bench = await start(dialect)
    bench.sim.allow_http_open(**DOOR)
    with pytest.raises(NotSupported):
        await bench.device().opening.legacy(1, **DOOR)


async def test_a_command_is_sent_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await start("it83")
    wait_for_answers(monkeypatch, 0.2)
    bench.sim._garbage.clear()
    bench.sim.delay(0.5)
    with pytest.raises(Exception, match="/fcgi/do") as raised:
        await bench.device().opening.legacy(1, **DOOR)
    assert DOOR["password"] not in repr(raised.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ('{"retcode":-1,"message":"Unknown action"}', CommandFailed),
        ('{"message":"OK"}', UnexpectedReply),
        ("<html>", UnexpectedReply),
    ],
)
async def test_other_responses_to_open_door_are_errors(
    start: Start, reply: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await start("it83")
    monkeypatch.setattr(bench.sim, "_full", lambda path: path)
    bench.sim.garbage("/fcgi/OpenDoor", reply)
    with pytest.raises(kind):
        await bench.device().opening.open_door(1)


async def test_a_web_page_as_response_is_no_opening(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web app answers every path with 200."""
    bench = await start("it83")
    monkeypatch.setattr(bench.sim, "_full", lambda path: path)
    for path in ("/fcgi/OpenDoor", "/fcgi/do"):
        bench.sim.garbage(path, "html")
    opening = bench.device().opening
    with pytest.raises(NotSupported):
        await opening.open_door(1)
    with pytest.raises(NotSupported):
        await opening.legacy(1, **DOOR)


async def test_an_unsupported_opening_opens_no_relay(bench: Bench) -> None:
    with pytest.raises(NotSupported):
        await bench.device().opening.open_door(1)
    assert not any(bench.sim.relay_status().values())
