"""Servers far from the house: away for a while with a call in it, restarted, and silent; how late everything is told.

It takes a minute or two in which nothing else is to be checked of them, so it runs beside the checks of other devices.
"""

import asyncio
from dataclasses import replace
import time
from typing import Any

from .check import EVENT, Scene
from .checks import Checks
from .extension import Extension
from .extension_check import CALL_STATE, DOOR, PARCEL, RINGING
from .home_assistant import Heard
from .unit import Unit

OUTAGE = 30.0
# When in it something happens.
MEANWHILE = 10.0
# Within so many seconds after its return everything is told, and so soon a silence is noticed.
SOON = 20.0
NOTICED = 60.0
# How often each server is lost at least: by the outage and by the silence. A restart may be too short to be seen.
LOSSES = 2

CONNECTIVITY, LINK = "connectivity", "link"


async def check_far_servers(checks: Checks, scene: Scene) -> None:
    """Check all of them at the same time, with ears of their own: other checks forget what they have heard."""
    scene = replace(scene, events=await scene.home.subscribe(EVENT))
    await asyncio.gather(_check_exchange(checks, scene))


def _since(begin: float) -> str:
    return f"{time.monotonic() - begin:.1f} s"


# -- MX Proxy --------------------------------------------------------------------------------------


async def _check_exchange(checks: Checks, scene: Scene) -> None:
    assert scene.stage.extension is not None
    phone = Unit(scene, scene.stage.extension)
    with checks(
        f"MX Proxy is away for {OUTAGE:g} s: a call in it is told after it, and one right after it rings"
    ) as told:
        mark, gone = phone.mark, time.monotonic()
        await phone.control.do("lose_connection")
        await asyncio.sleep(MEANWHILE)
        await phone.control.do("hang_up", call=await phone.control.do("incoming_call", caller=PARCEL))
        await phone.wait(CALL_STATE, "unavailable", OUTAGE)
        await asyncio.sleep(OUTAGE - (time.monotonic() - gone))
        await phone.control.do("restore_connection")
        back = time.monotonic()
        await _check_call(phone, mark, told)
        await _wait_record(phone, mark, PARCEL)
        told.append(f"the missed call after {_since(back)}")
    with checks("MX Proxy restarts: a call right after it rings") as told:
        mark = phone.mark
        await phone.control.do("restart")
        await _check_call(phone, mark, told)
    with checks("an MX that says nothing is away, though its proxy answers, until it speaks again") as told:
        begin = time.monotonic()
        await phone.control.do("silence_mx")
        await phone.wait(LINK, "off", NOTICED)
        told.append(f"noticed after {_since(begin)}")
        assert phone.state(CONNECTIVITY) == "on", phone.state(CONNECTIVITY)
        await phone.control.do("mend_mx")
        begin = time.monotonic()
        await phone.wait(LINK, "on", SOON)
        told.append(f"back after {_since(begin)}")


async def _check_call(phone: Unit[Extension], mark: int, told: list[str]) -> None:
    """Have the door call, and wait until it rings and its record is told."""
    begin = time.monotonic()
    call = await phone.control.do("incoming_call", caller=DOOR)
    await phone.wait(RINGING, "on", SOON)
    told.append(f"the ring after {_since(begin)}")
    await phone.control.do("hang_up", call=call)
    await _wait_record(phone, mark, DOOR)


async def _wait_record(phone: Unit[Extension], mark: int, number: str) -> None:
    """Wait until the record of a call is told, and see that it is told once."""

    def records() -> list[dict[str, Any]]:
        return [event for event in phone.told(mark) if event["type"] == "CallLog" and event["data"]["number"] == number]

    def find(_: list[Heard]) -> bool | None:
        return True if records() else None

    await phone.scene.events.wait(find, SOON, f"the record of a call from {number}")
    assert len(records()) == 1, records()
