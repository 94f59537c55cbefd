"""What the check asserts of the account of a flat: rings that are pushed, doors, messages, settings, and hostile pushes."""

import time
from typing import Any

from .account import Account
from .check import JPEG, Scene, check_picture
from .checks import Checks
from .unit import Unit

# The entrance with a camera, by the number of its intercom, and the wicket beside it.
INTERCOM, DOOR_NUMBER = 21, 0
BELL, RINGING, VISITOR, DOOR, CAMERA = (
    "bell_21", "bell_21_ringing", "bell_21_last_visitor", "door_21:0_door", "camera_intercom_21",
)  # fmt: skip
BROKEN_DOOR = "door_22:0_door"
MESSAGE, UNREAD, PUSHES, VOIP = "message", "unread_messages", "pushes", "setting_flat_51_voip"
EXPECTED = (BELL, RINGING, VISITOR, DOOR, CAMERA, MESSAGE, UNREAD, PUSHES, VOIP)
# The account, and its houses, doors, flats and cameras: their names tell what they are, so they have no model.
MODELS = ["Account", *[None] * 11]
# Seconds that a ring is worth something.
TTL = 4
HOSTILE = (
    "foreign_image", "base_url", "redirecting_image", "huge", "wrong_types", "not_json", "empty", "replay", "old", "future",
)  # fmt: skip
# These count as rings of the intercom; their forged contents are ignored.
RING_ANYHOW = {"foreign_image", "base_url", "redirecting_image"}

type Flat = Unit[Account]


def _flat(scene: Scene) -> Flat:
    assert scene.stage.account is not None
    return Unit(scene, scene.stage.account)


async def check_set_up(checks: Checks, scene: Scene) -> None:
    """Add the account."""
    with checks("the account of an apartment is added by phone number and code") as details:
        await scene.stage.add_account()
        flat = _flat(scene)
        flat.check_entities(EXPECTED)
        devices = [
            device["model"]
            for device in await flat.home.command("config/device_registry/list")
            if flat.device.entry_id in device["config_entries"]
        ]
        assert sorted(devices, key=str) == MODELS, devices
        details.append(f"{len(devices)} devices, {len(flat.device.entities)} entities")


async def check_account(checks: Checks, scene: Scene) -> None:
    """Check the account: rings, doors, messages, settings, and pushes."""
    flat = _flat(scene)
    await _check_ring(checks, flat)
    await _check_doors(checks, flat)
    await _check_messages(checks, flat)
    await _check_settings(checks, flat)
    await _check_hostile(checks, flat)
    await _check_diagnostics(checks, flat)


async def _check_ring(checks: Checks, flat: Flat) -> None:
    with checks(
        "a pushed ring is one ring, and shows the visitor within a second; pushes are said to arrive"
    ) as details:
        await flat.control.do("set_push_ttl", seconds=TTL)
        await flat.wait(PUSHES, "expected")
        before, picture = flat.state(BELL), flat.state(VISITOR)
        rang_at = time.monotonic()
        await flat.control.do("ring", domophone=INTERCOM)
        rung = await flat.wait_news(BELL, before)
        await flat.wait_news(VISITOR, picture)
        shown_after = time.monotonic() - rang_at
        assert rung["attributes"]["event_type"] == "ring", rung["attributes"]
        details.append(await check_picture(flat.home, flat.entity(VISITOR)))
        assert shown_after < 1.0, f"the picture took {shown_after:.1f} s"
        details.append(f"{1000 * shown_after:.0f} ms")
        await flat.wait(RINGING, "on")
        await flat.wait(PUSHES, "arriving")
        await flat.control.do("repeat_push")
        await flat.wait(RINGING, "off")
        assert flat.state(BELL) == rung["state"], "the bell rang twice"
    with checks("the camera of the entrance shows a JPEG") as details:
        content_type, body = await flat.home.picture(flat.entity(CAMERA))
        assert content_type == "image/jpeg" and body.startswith(JPEG), content_type
        details.append(f"{len(body) // 1000} kB")


async def _opened(flat: Flat) -> list[Any]:
    opened: list[Any] = (await flat.device.seen())["opened"]
    return opened


async def _check_doors(checks: Checks, flat: Flat) -> None:
    with checks("lock.open opens the entrance with one request"):
        before = await _opened(flat)
        await flat.home.act("lock.open", flat.entity(DOOR))
        fresh = (await _opened(flat))[len(before) :]
        assert [row[:2] for row in fresh] == [[INTERCOM, DOOR_NUMBER]], fresh
    with checks("an unreachable door is an error with the text of the operator") as details:
        await flat.control.do("break_door", domophone=22)
        details.append(await flat.home.refusal("lock.open", flat.entity(BROKEN_DOOR)))
        await flat.control.do("break_door", domophone=22, broken=False)


async def _check_messages(checks: Checks, flat: Flat) -> None:
    with checks("a message is reported, counted as unread, and marked as read") as details:
        before = flat.state(MESSAGE)
        message = await flat.control.do("message", text="The elevator is out of order", title="Operator")
        news = await flat.wait_news(MESSAGE, before)
        assert news["attributes"]["event_type"] == "inbox", news["attributes"]
        await flat.wait(UNREAD, "1")
        await flat.ask("mark_read", message=str(message))
        await flat.wait(UNREAD, "0")
        details.append(str(news["attributes"].get("body") or news["attributes"].get("text")))
    with checks("actions of messages are recognized in any case and with misprints") as details:
        for action, kind in (("videoredy", "video_ready"), ("PAYERROR", "pay_error"), ("somethingNew", "other")):
            before = flat.state(MESSAGE)
            await flat.control.do("text_push", action=action, text="…")
            news = await flat.wait_news(MESSAGE, before)
            assert news["attributes"]["event_type"] == kind, news["attributes"]
            details.append(kind)


async def _check_settings(checks: Checks, flat: Flat) -> None:
    with checks("a setting of an apartment is changed on the server and shown"):
        for service, word in (("turn_off", "off"), ("turn_on", "on")):
            await flat.home.act(f"switch.{service}", flat.entity(VOIP))
            await flat.wait(VOIP, word)


async def _check_hostile(checks: Checks, flat: Flat) -> None:
    with checks("hostile pushes change nothing") as details:
        opened, picture = await _opened(flat), flat.state(VISITOR)
        await flat.control.do("clear_requests")
        for kind in HOSTILE:
            bell = flat.state(BELL)
            await flat.control.do("hostile_push", kind=kind, domophone=INTERCOM)
            if kind in RING_ANYHOW:
                await flat.wait_news(BELL, bell)
                await flat.wait(RINGING, "off")
        # What came before them is through.
        before = flat.state(MESSAGE)
        await flat.control.do("text_push", action="inbox", text="the last one")
        await flat.wait_news(MESSAGE, before)
        assert await _opened(flat) == opened, "a door was opened"
        elsewhere = [request for request in await flat.control.requests() if request["host"] == "elsewhere"]
        assert not elsewhere, elsewhere
        assert flat.state(VISITOR) == picture or flat.state(VISITOR)[:1].isdigit()
        details.append(f"{len(HOSTILE)} kinds")


async def _check_diagnostics(checks: Checks, flat: Flat) -> None:
    with checks("diagnostics of the account contain no token, phone number, address, or code"):
        data = await flat.diagnostics()
        assert data["connected"], data
        private = (flat.device.phone, flat.device.base, "Садовая", "Примерск")
        found = [text for text in private if text in str(data)]
        assert not found, found
