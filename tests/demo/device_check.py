"""What the check asserts of the rest of the device: displays, pictures of the past, clock, access points, repairs."""

from io import BytesIO
import json
from typing import Any

from PIL import Image

from . import check
from .check import Scene, check_picture
from .checks import Checks
from .stage import ACCOUNT, DOMAIN
from .waiting import until

MODULE = "ext1"
# Beside each message, a letter that only a font with this alphabet shows other than as an empty box.
MESSAGES = {
    "Czech": ("Příliš žluťoučký kůň úpěl ďábelské ódy", "ě"),
    "Greek": ("Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "ω"),
    "Cyrillic": ("Съешь ещё этих мягких французских булок", "ю"),
}
MESSAGE_SECONDS = 60.0
# More than this share of a picture with a message is letters.
INK = 0.01
SECONDS_BACK = 10
DRIFT = 90
SETTLED = 10.0


async def check_access_points(checks: Checks, scene: Scene) -> None:
    """Check blocking and unblocking of the entry."""
    home, simulator, entry = scene.home, scene.simulator, scene.entities[check.ENTRY]
    with checks("a blocked entry denies access, and an unblocked one grants it") as details:
        await scene.forget()
        for blocked, word, reason in ((True, "denied", "accessBlocked"), (False, "granted", None)):
            await home.act(f"switch.turn_{'on' if blocked else 'off'}", entry)
            assert (await simulator.state())["blocked"] == [0] * blocked
            await home.wait_state(entry, "on" if blocked else "off")
            access = await _swipe(scene)
            assert (access["event_type"], access["reason"]) == (word, reason), access
        details.append("denied, granted")


async def _swipe(scene: Scene) -> dict[str, Any]:
    """Swipe a known card, and return the attributes of its event."""
    entity_id = scene.entities[check.ACCESS]
    before = scene.home.states[entity_id]["state"]
    await scene.simulator.do("swipe_card", uid=check.KNOWN_CARD)
    attributes: dict[str, Any] = (await scene.home.wait_state(entity_id, lambda state: state != before))["attributes"]
    return attributes


async def check_snapshot(checks: Checks, scene: Scene) -> None:
    """Check that a past picture is saved to an allowed file."""
    with checks(f"a snapshot of {SECONDS_BACK} s ago is saved as a file") as details:
        file = scene.stage.files / "visitor.jpg"
        await scene.home.act(
            f"{DOMAIN}.snapshot", scene.entities[check.CAMERA], filename=str(file), seconds_back=SECONDS_BACK
        )
        with Image.open(file) as picture:
            taken = json.loads(picture.info["comment"])["utcTime"]
            details.append(f"{picture.width} x {picture.height}")
        age = (await scene.simulator.state())["utcTime"] - taken
        assert SECONDS_BACK <= age <= SECONDS_BACK + 2, f"it is {age} s old"
    with checks("no file is written elsewhere") as details:
        elsewhere = scene.stage.folder / "visitor.jpg"
        reason = await scene.home.refusal(f"{DOMAIN}.snapshot", scene.entities[check.CAMERA], filename=str(elsewhere))
        assert "allowlist_external_dirs" in reason and not elsewhere.exists(), reason


async def check_displays(checks: Checks, scene: Scene) -> None:
    """Check that a display is plugged in, shows messages, and is unplugged without a reload."""
    home, simulator, key = scene.home, scene.simulator, f"display_{MODULE}"
    with checks("a display is plugged in, and its notifier appears without a reload") as details:
        await scene.forget()
        assert key not in await scene.stage.entities()
        await simulator.do("plug_module", name=MODULE, kind="display")
        entity_id = await until(scene.stage.entities, lambda entities: entities.get(key), "the notifier", SETTLED)
        await home.wait_state(entity_id, "unknown")
        assert not _unavailable(scene), f"reloaded: {_unavailable(scene)}"
        details.append(entity_id)
    size = await _size(scene)
    for language, (message, letter) in MESSAGES.items():
        with checks(f"a message in {language} is drawn on it by notify.send_message") as details:
            picture = await _send(scene, entity_id, message, size)
            # With a font that lacks the letters, both would be the same row of empty boxes.
            other = "".join(each if each.isascii() else letter for each in message)
            assert picture != await _send(scene, entity_id, other, size), f"the letters of {language} have no shape"
            details.append(f"{size[0]} x {size[1]}, {len(picture) // 1000} kB, {MESSAGE_SECONDS:.0f} s")
    with checks("the display is cleared by an action and unplugged, and its notifier is removed"):
        await home.act(f"{DOMAIN}.clear_display", device_id=scene.stage.device_id)
        assert not await simulator.display(MODULE)
        await simulator.do("unplug_module", name=MODULE)
        await until(
            scene.stage.entities, lambda entities: key not in entities or None, "the removal of the notifier", SETTLED
        )
        assert not _unavailable(scene) - {entity_id}, f"reloaded: {_unavailable(scene)}"


async def _size(scene: Scene) -> tuple[int, int]:
    """Return the display size that the device reports."""
    [display] = (await scene.stage.watcher.get("display/caps"))["displays"]
    return display["resolution"]["width"], display["resolution"]["height"]


async def _send(scene: Scene, entity_id: str, message: str, size: tuple[int, int]) -> bytes:
    """Send a message and look at the display; gives the picture."""
    await scene.home.act("notify.send_message", entity_id, message=message)
    [shown] = (await scene.simulator.state())["displays"][MODULE].values()
    assert (shown["kind"], shown["duration"]) == ("image", MESSAGE_SECONDS), shown
    data = await scene.simulator.display(MODULE)
    with Image.open(BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", size), f"{picture.format} {picture.size}"
        levels = picture.convert("L").histogram()
    ink = sum(levels[128:]) / sum(levels)
    assert INK < ink < 0.5, f"{ink:.1%} of the picture is letters"
    return data


def _unavailable(scene: Scene) -> set[str]:
    """Return the entities that were unavailable for a moment, as they all are while an entry is reloaded."""
    changes = [heard.event["data"] for heard in scene.home.changes.heard]
    return {change["entity_id"] for change in changes if (change["new_state"] or {}).get("state") == "unavailable"}


async def check_clock(checks: Checks, scene: Scene) -> None:
    """Check that a wrong device clock is reported and set."""
    home, simulator, drift = scene.home, scene.simulator, scene.entities[check.CLOCK]
    with checks("a clock that is set by NTP is not changed") as details:
        reason = await home.refusal("button.press", scene.entities[check.SET_CLOCK])
        assert "gets its time from a server" in reason, reason
        details.append(reason)
    with checks("a clock without NTP drifts and is set by a button"):
        await simulator.do("advance_clock", seconds=DRIFT)
        await simulator.do("automatic_time", automatic=False)
        await home.wait_state(drift, lambda state: state.isdigit() and abs(int(state) - DRIFT) <= 1)
        await home.act("button.press", scene.entities[check.SET_CLOCK])
        await home.wait_state(drift, lambda state: abs(float(state)) <= 1)
        off = (await simulator.state())["utcTime"] - (await _now(scene))
        assert abs(off) <= 1, f"the device is {off} s off"
    await simulator.do("automatic_time", automatic=True)


async def _now(scene: Scene) -> int:
    """Ask Home Assistant for the time."""
    rendered = await scene.home.follow("render_template", template="{{ now().timestamp() | int }}")
    return int(await rendered.wait(lambda heard: heard[-1].event["result"] if heard else None, 5.0, "the time"))


async def check_privilege(checks: Checks, scene: Scene) -> None:
    """Check that missing events reveal a missing privilege."""
    home, simulator = scene.home, scene.simulator
    with checks("without the keypad privilege, calls ring, and after two calls a repair says why") as details:
        await simulator.do("revoke", account=ACCOUNT[0], privilege="keypad_monitoring")
        # A key that was seen proves for as long as the entry is loaded that keys may be seen.
        await home.post(f"/api/config/config_entries/entry/{scene.stage.entry_id}/reload", {})
        await home.wait_state(scene.entities[check.CALL_STATE], "idle")
        before = await scene.forget()
        await simulator.do("emit", event="UserActionActivated", id=4711)
        await scene.wait_logged("UserActionActivated", id=4711)
        await _ring(scene)
        assert await _repairs(scene) == {}, "one call is not enough for this check"
        await _ring(scene)
        details.extend(await until(lambda: _repairs(scene), lambda found: found or None, "the repair", SETTLED))
        assert details == ["Keypad – Monitoring"]
        assert len(set(scene.rung(check.BELL)) - set(before)) == 2, "not exactly two rings"
    with checks("the repair is deleted once the keypad privilege is granted"):
        await simulator.do("grant", account=ACCOUNT[0], privilege="keypad_monitoring")
        await _ring(scene)
        await until(lambda: _repairs(scene), lambda found: None if found else True, "no repair", SETTLED)
    await home.wait_state(scene.entities[check.CALL_STATE], "idle")


async def _ring(scene: Scene) -> None:
    """Press a button, and end the call when the log contains it."""
    session = await scene.simulator.do("press", key="%1")
    await scene.home.wait_state(scene.entities[check.CALL_STATE], "ringing")
    await scene.simulator.do("terminate", session=session)
    await scene.wait_logged("CallSessionStateChanged", session=session, state="terminated")


async def check_service(checks: Checks, scene: Scene) -> None:
    """Check that a disabled service of the HTTP API is a repair."""
    home, simulator = scene.home, scene.simulator
    with checks("a disabled service is a repair, and all others keep working") as details:
        await simulator.do("disable", service="camera")
        await simulator.do("emit", event="ConfigurationChanged")  # a user pressed Save
        details.extend(await until(lambda: _repairs(scene), lambda found: found or None, "the repair", SETTLED))
        assert details == ["Camera API"]
        assert home.states[scene.entities[check.DOOR]]["state"] != "unavailable"
    with checks("submitting the repair after enabling the service restores the camera") as details:
        [issue_id] = (await _repairs(scene)).values()
        refused = await home.repair(DOMAIN, issue_id)
        assert refused["errors"] == {"base": "still_missing"}, refused
        await simulator.do("enable", service="camera")
        result = await home.repair(DOMAIN, issue_id)
        assert result["type"] == "create_entry", result
        assert await _repairs(scene) == {}
        details.append(await check_picture(home, scene.entities[check.CAMERA]))


async def _repairs(scene: Scene) -> dict[str, str]:
    """Return the open repair issues of the integration: the object of each, and its id."""
    issues = (await scene.home.command("repairs/list_issues"))["issues"]
    return {
        issue["translation_placeholders"]["name"]: issue["issue_id"] for issue in issues if issue["domain"] == DOMAIN
    }
