"""Servers far from the house: away for a while with a call in it, restarted, and silent; how late everything is told.

It takes a minute or two in which nothing else is to be checked of them, so it runs beside the checks of other devices.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import time
from typing import Any

from .account import Account
from .account_check import BELL, INTERCOM
from .check import EVENT, Scene
from .checks import Checks
from .extension import Extension
from .extension_check import CALL_STATE, DOOR, PARCEL, RINGING
from .unit import Unit

OUTAGE = 30.0
# When in it something happens.
MEANWHILE = 10.0
# Seconds after the return in which everything is reported, and in which a silent server is detected.
SOON = 20.0
NOTICED = 60.0
# A history is read every two minutes where pushes arrive; an account that was away is asked again within half a minute.
HISTORY, ASKED_AGAIN = 150.0, 45.0
# How often each server is lost at least: an exchange by the outage and by the silence, an account by the outage. A restart
# may be too short to be seen.
EXCHANGE_LOSSES, ACCOUNT_LOSSES = 2, 1

CONNECTIVITY, LINK = "connectivity", "link"
# The doors of the rings, by their intercoms and names.
WICKET, ENTRANCE = (22, "Калитка"), (INTERCOM, "Подъезд 1")


async def check_far_servers(checks: Checks, scene: Scene) -> None:
    """Check all of them at the same time, with ears of their own: other checks forget what they have heard."""
    scene = replace(scene, events=await scene.home.subscribe(EVENT))
    await asyncio.gather(_check_exchange(checks, scene), _check_account(checks, scene))


def _since(begin: float) -> str:
    return f"{time.monotonic() - begin:.1f} s"


# -- MX Proxy --------------------------------------------------------------------------------------


async def _check_exchange(checks: Checks, scene: Scene) -> None:
    assert scene.stage.extension is not None
    phone = Unit(scene, scene.stage.extension)
    with checks(
        f"MX Proxy is away for {OUTAGE:g} s: a call in it is told after it, and one right after it rings"
    ) as details:
        mark, gone = phone.mark, time.monotonic()
        await phone.control.do("lose_connection")
        await asyncio.sleep(MEANWHILE)
        await phone.control.do("hang_up", call=await phone.control.do("incoming_call", caller=PARCEL))
        await phone.wait(CALL_STATE, "unavailable", OUTAGE)
        await asyncio.sleep(OUTAGE - (time.monotonic() - gone))
        await phone.control.do("restore_connection")
        back = time.monotonic()
        await _check_call(phone, mark, details)
        await _wait_record(phone, mark, PARCEL)
        details.append(f"the missed call after {_since(back)}")
    with checks("MX Proxy restarts: a call right after it rings") as details:
        mark = phone.mark
        await phone.control.do("restart")
        await _check_call(phone, mark, details)
    with checks("an MX that does not answer its proxy is unavailable until it answers") as details:
        begin = time.monotonic()
        await phone.control.do("silence_mx")
        await phone.wait(LINK, "off", NOTICED)
        details.append(f"noticed after {_since(begin)}")
        assert phone.state(CONNECTIVITY) == "on", phone.state(CONNECTIVITY)
        await phone.control.do("mend_mx")
        begin = time.monotonic()
        await phone.wait(LINK, "on", SOON)
        details.append(f"back after {_since(begin)}")


async def _check_call(phone: Unit[Extension], mark: int, details: list[str]) -> None:
    """Let the door call, and wait until it rings and its record is an event."""
    begin = time.monotonic()
    call = await phone.control.do("incoming_call", caller=DOOR)
    await phone.wait(RINGING, "on", SOON)
    details.append(f"the ring after {_since(begin)}")
    await phone.control.do("hang_up", call=call)
    await _wait_record(phone, mark, DOOR)


async def _wait_record(phone: Unit[Extension], mark: int, number: str) -> None:
    """Wait until the record of a call is an event, and assert that it is one only."""

    def is_record(event: dict[str, Any]) -> bool:
        return event["type"] == "CallLog" and bool(event["data"]["number"] == number)

    await phone.wait_told_once(is_record, mark, SOON, f"the record of a call from {number}")


# -- SmartYard -------------------------------------------------------------------------------------


async def _check_account(checks: Checks, scene: Scene) -> None:
    assert scene.stage.account is not None
    flat = Unit(scene, scene.stage.account)
    with checks(
        f"SmartYard is away for {OUTAGE:g} s: a visitor in it is told after it, and one right after it rings"
    ) as details:
        # The server counts whole seconds.
        began, gone = datetime.now(UTC) - timedelta(seconds=1), time.monotonic()
        await flat.control.do("lose_connection")
        # It would not be missed for minutes, for pushes arrive by another way.
        await flat.home.act("homeassistant.update_entity", flat.entity(CONNECTIVITY))
        await flat.wait(CONNECTIVITY, "off", OUTAGE)
        await asyncio.sleep(MEANWHILE - (time.monotonic() - gone))
        await flat.control.do("ring", domophone=WICKET[0])
        await asyncio.sleep(OUTAGE - (time.monotonic() - gone))
        await flat.control.do("restore_connection")
        back = time.monotonic()
        await _check_visitor(flat, details)
        await flat.wait(CONNECTIVITY, "on", ASKED_AGAIN)
        details.append(f"available after {_since(back)}")
        await _wait_missed(flat, began, WICKET[1])
        details.append(f"the missed visitor after {_since(back)}")
        await _wait_missed(flat, began, ENTRANCE[1])
    with checks("SmartYard restarts: a visitor right after it rings") as details:
        await flat.control.do("restart")
        await _check_visitor(flat, details)


async def _check_visitor(flat: Unit[Account], details: list[str]) -> None:
    """Have a visitor ring, and wait until the bell does."""
    before, begin = flat.state(BELL), time.monotonic()
    await flat.control.do("ring", domophone=ENTRANCE[0])
    await flat.wait_news(BELL, before, SOON)
    details.append(f"the ring after {_since(begin)}")


async def _wait_missed(flat: Unit[Account], began: datetime, door: str) -> None:
    """Wait until the history reports a visitor at a door since then, and assert that it does so once."""

    def is_record(event: dict[str, Any]) -> bool:
        is_missed = event["type"] == "MissedCall" and event["data"]["entrance"] == door
        return is_missed and datetime.fromisoformat(event["time"]) >= began

    await flat.wait_told_once(is_record, 0, HISTORY, f"the record of a visitor at {door}")
