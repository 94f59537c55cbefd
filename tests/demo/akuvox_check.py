"""What the check asserts of the Akuvox devices beside the 2N: rings by each route, doors of each dialect, and the rest."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import aiohttp

from .akuvox import API, CELLAR, LOGGED, MONITOR, OPENING, POLLED, PUSHING, RTSP, Akuvox
from .akuvox_visit import BELL, Visit, relay
from .check import Scene, check_picture
from .checks import Checks
from .unit import SEEN, Unit
from .waiting import until

# What is typed at the door; nowhere in Home Assistant may it be found.
PIN = "86420975"
WRONG_PIN = "19283746"
TEMPORARY_PIN = "57291846"
SECRETS = (API[1], RTSP[1], OPENING[1], PIN, WRONG_PIN, TEMPORARY_PIN)
RESIDENT = "Mia Nováková"

CALL_STATE, RINGING, DOOR, HOLD, ACCESS, LAST_ACCESS, INPUT, TAMPER, CAMERA, VISITOR = (
    "call_state", "ringing", "door_A_door", "door_A_hold_open", "access", "last_access", "port_input_A",
    "alarm_tamper", "camera_main", "last_visitor",
)  # fmt: skip
EXPECTED = {
    PUSHING: (BELL, CALL_STATE, RINGING, DOOR, HOLD, ACCESS, INPUT, TAMPER, CAMERA, VISITOR),
    POLLED: (BELL, CALL_STATE, RINGING, DOOR, HOLD, ACCESS, INPUT, CAMERA, VISITOR),
    LOGGED: (BELL, CALL_STATE, RINGING, DOOR, HOLD, ACCESS, INPUT),
    CELLAR: (DOOR, HOLD, ACCESS, INPUT),
    MONITOR: (CALL_STATE, DOOR),
}
ACTION_URLS = "Config.Features.ACTIONURL."
TRIGGER, OPEN_DOOR, OPEN_AS_OF_OLD = "/api/relay/trig", "/fcgi/OpenDoor", "/fcgi/do"

# Calls that only the log reports are polled every three seconds, and ring for five.
LOGGED_WITHIN = 6.0
# The longest that a door stays open by itself, with the next look at it.
CLOSED = 20.0
LOOKED = 30.0


def _unit(scene: Scene, dialect: str) -> Unit[Akuvox]:
    return Unit(scene, scene.stage.akuvox[dialect])


async def check_akuvox(checks: Checks, scene: Scene) -> None:
    """Check the Akuvox devices."""
    await _check_logged_ring(checks, _unit(scene, LOGGED))
    await _check_pushed_ring(checks, _unit(scene, PUSHING))
    await _check_seen_ring(checks, _unit(scene, POLLED))
    await _check_opening(checks, scene)
    await _check_hold(checks, _unit(scene, CELLAR))
    await _check_access(checks, _unit(scene, PUSHING))
    await _check_house(checks, _unit(scene, PUSHING))
    await _check_pictures(checks, [_unit(scene, PUSHING), _unit(scene, POLLED)])
    await _check_temporary_code(checks, _unit(scene, PUSHING))
    await _check_diagnostics(checks, scene)
    await _check_removal(checks, _unit(scene, PUSHING))


async def check_set_up(checks: Checks, scene: Scene) -> None:
    """Add the devices."""
    home, devices = scene.home, scene.stage.akuvox
    with checks("an Akuvox of each dialect is found by the config flow, beside the 2N") as details:
        await scene.stage.add_akuvox()
        entries = {entry["entry_id"]: entry["state"] for entry in await home.command("config_entries/get")}
        states = {device.plan.name: entries[device.entry_id] for device in devices.values()}
        assert set(states.values()) == {"loaded"} and len(states) == len(EXPECTED), states
        details.append(", ".join(f"{device.plan.name}: {dialect}" for dialect, device in devices.items()))
    with checks("each device has the entities of its dialect") as details:
        for dialect, keys in EXPECTED.items():
            missing = [key for key in keys if key not in devices[dialect].entities]
            assert not missing, f"{dialect} lacks {missing}"
            for entity_id in devices[dialect].entities.values():
                await home.wait_state(entity_id, lambda state: state != "unavailable")
        assert BELL not in devices[MONITOR].entities, "an indoor monitor has a doorbell entity"
        details.append(f"{sum(len(device.entities) for device in devices.values())} entities")


# -- rings ---------------------------------------------------------------------------------------------------------


async def _check_pushed_ring(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("the push option writes the Action URLs to the device"):

        async def statuses() -> dict[str, str]:
            found: dict[str, str] = (await unit.diagnostics())["examined"]["pushes"]
            return found

        found = await until(statuses, lambda pushes: pushes or None, "the Action URLs", SEEN)
        assert set(found.values()) == {"ours"} and "MakeCall" in found, found
        assert unit.state(TAMPER) == "off"
    with checks("a pushed MakeCall and its record are one ring") as details:
        visit = await Visit.unseen(unit)
        await visit.rung()
        await unit.wait_told("HangUp", visit.mark)
        await unit.wait_told("CallLog", visit.mark)
        assert visit.routes() == ["MakeCall", "HangUp", "CallLog"], visit.routes()
        visit.assert_once()
        assert unit.state(CALL_STATE) == "idle"
        details.extend(visit.routes())


async def _check_seen_ring(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("without push, a call status and its record are one ring") as details:
        visit = await Visit.begin(unit)
        await visit.rung()
        await unit.wait_told("CallStatus", visit.mark)
        await unit.wait(RINGING, "on")
        await unit.control.do("call_answered")
        await unit.wait(CALL_STATE, "connected")
        await unit.control.do("call_ended")
        await unit.wait(CALL_STATE, "idle")
        await unit.wait_told("CallLog", visit.mark)
        # A poll may see the later states first; the ring is reported by the poll.
        routes = visit.routes()
        assert (routes[0], {*routes}) == ("CallStatus", {"CallStatus", "CallLog"}), routes
        assert routes.count("CallLog") == 1, routes
        visit.assert_once()
        details.extend(visit.routes())


async def _visit_logged_only(unit: Unit[Akuvox]) -> Visit:
    """Check a ring that is reported only by the call log, which is then polled more often."""
    await unit.control.do("withhold", function="call/status")
    await unit.control.do("clear_requests")

    async def call_log_reads() -> int:
        return len(await unit.requests("/api/calllog/get"))

    await until(call_log_reads, lambda reads: reads > 1 or None, "the polls of the call log", LOOKED)
    return await Visit.unseen(unit)


async def _check_logged_ring(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("a visitor who gives up at once rings by the call log in time") as details:
        visit = await _visit_logged_only(unit)
        await visit.rung(LOGGED_WITHIN)
        await unit.wait_told("CallLog", visit.mark)  # the bell is faster
        assert set(visit.routes()) - {"DoorLog"} == {"CallLog"}, visit.routes()
        visit.assert_once()
        assert visit.unit.state(CALL_STATE) == "idle"
        assert [event["late"] for event in unit.logged_events(visit.mark) if event["type"] == "CallLog"] == [False]
        details.extend(visit.routes())
        await unit.control.do("withhold", function="call/status", withheld=False)


# -- doors ---------------------------------------------------------------------------------------------------------


async def _check_opening(checks: Checks, scene: Scene) -> None:
    for dialect in (PUSHING, POLLED, LOGGED, CELLAR):
        with checks(f"lock.open opens a relay of {dialect}") as details:
            details.append(await _open(_unit(scene, dialect), TRIGGER))
    with checks(f"lock.open opens a relay of {POLLED} that has no relay/trig, with the login of the API") as details:
        lobby = _unit(scene, POLLED)
        await lobby.control.do("withhold", function="relay/trig")
        details.append(await _open(lobby, OPEN_DOOR))
        await lobby.control.do("withhold", function="relay/trig", withheld=False)
    with checks(f"lock.open opens a relay of {MONITOR}, with the login of Open Relay via HTTP") as details:
        details.append(await _open(_unit(scene, MONITOR), OPEN_AS_OF_OLD))


async def _open(unit: Unit[Akuvox], way: str) -> str:
    """Open the door in Home Assistant, and check at the device that it opened once, and how."""
    before, tells = await relay(unit), unit.attribute(DOOR, "assumed_state") is None
    if tells:
        await unit.wait(DOOR, "locked", CLOSED)
    await unit.control.do("clear_requests")
    await unit.home.act("lock.open", unit.entity(DOOR))
    after = await relay(unit)
    assert (after["openings"] - before["openings"], after["open"]) == (1, True), f"{before}, then {after}"
    sent = [request["path"] for request in await unit.requests(TRIGGER, OPEN_DOOR, OPEN_AS_OF_OLD)]
    # A request that wants a login is sent twice.
    assert sent[-1] == way, sent
    if tells:
        await unit.wait(DOOR, "unlocked")
        await unit.wait(DOOR, "locked", CLOSED)
    return " ".join(dict.fromkeys(sent))


async def _check_hold(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("a door is held open and closed when the hold ends"):
        await unit.home.act("switch.turn_on", unit.entity(HOLD))
        await unit.wait(HOLD, "on")
        await unit.wait(DOOR, "unlocked")
        state = await relay(unit)
        assert state["open"], state
        await unit.home.act("switch.turn_off", unit.entity(HOLD))
        await unit.wait(HOLD, "off")
        await unit.wait(DOOR, "locked")
        assert not (await relay(unit))["open"]


# -- people and the house ------------------------------------------------------------------------------------------


async def _check_access(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("a code at the door is an access of its user, and a wrong one is denied") as details:
        await unit.control.do("add_user", Name=RESIDENT, PrivatePIN=PIN, ScheduleRelay="1001-1")
        before = unit.state(ACCESS)
        assert await unit.control.do("enter_code", code=PIN), "the device did not take the code"
        granted = await unit.wait_news(ACCESS, before)
        shown = {key: granted["attributes"].get(key) for key in ("event_type", "name", "method")}
        assert shown == {"event_type": "granted", "name": RESIDENT, "method": "code"}, shown
        last = await unit.wait(LAST_ACCESS, lambda state: state[:1].isdigit())
        assert last["attributes"]["name"] == RESIDENT, last["attributes"]
        await unit.wait(DOOR, "unlocked")
        assert not await unit.control.do("enter_code", code=WRONG_PIN), "the device took a wrong code"
        denied = await unit.wait_news(ACCESS, granted["state"])
        assert denied["attributes"]["event_type"] == "denied", denied["attributes"]
        assert not any(pin in str(unit.logged_events()) for pin in (PIN, WRONG_PIN)), "an event contains a code"
        details.append(str(shown["name"]))


async def _check_house(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("an input follows its contact"):
        for closed, word in ((True, "on"), (False, "off")):
            await unit.control.do("input", letter="A", closed=closed)
            await unit.wait(INPUT, word)
    with checks("removing the device from the wall is an alarm"):
        await unit.control.do("tamper")
        await unit.wait(TAMPER, "on")


async def _check_pictures(checks: Checks, units: Sequence[Unit[Akuvox]]) -> None:
    with checks("the cameras show a JPEG, and so do the last visitors") as details:
        for each in units:
            details.append(await check_picture(each.home, each.entity(CAMERA)))
            await each.wait(VISITOR, lambda state: state[:1].isdigit())
            await check_picture(each.home, each.entity(VISITOR))


async def _check_temporary_code(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks("a temporary code opens the door until it is removed"):
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        added = await unit.ask("add_temporary_code", name="Cleaner", end=end, code=TEMPORARY_PIN)
        assert added["active"], added
        assert "Cleaner" in (await unit.control.state())["users"].values()
        assert await unit.control.do("enter_code", code=TEMPORARY_PIN), "the code opens no door"
        await unit.ask("remove_temporary_code", id=added["id"])
        assert "Cleaner" not in (await unit.control.state())["users"].values()
        assert not await unit.control.do("enter_code", code=TEMPORARY_PIN), "the deleted code still opens a door"
        assert (await unit.ask("list_temporary_codes"))["codes"] == []


# -- diagnostics and the end ---------------------------------------------------------------------------------------


async def _check_diagnostics(checks: Checks, scene: Scene) -> None:
    with checks("diagnostics contain no passwords, logins, names, addresses, or push secrets"):
        for device in scene.stage.akuvox.values():
            data = await Unit(scene, device).diagnostics()
            assert data["connected"], data
            addresses = [str(address) for address in device.addresses.values() if address]
            private = [*SECRETS, OPENING[0], RESIDENT, device.plan.name, *addresses]
            found = [text for text in private if text in str(data)]
            assert not found, f"{found} in those of {device.plan.dialect}"
        urls = await _action_urls(_unit(scene, PUSHING))
        tokens = {
            url.partition("/api/webhook/")[2].partition("?")[0] for url in urls.values() if "/api/webhook/" in url
        }
        assert len(tokens) == 1, f"{len(tokens)} secrets of push"
        assert tokens.pop() not in str(await _unit(scene, PUSHING).diagnostics()), (
            "the push token is in the diagnostics"
        )


async def _action_urls(unit: Unit[Akuvox]) -> dict[str, str]:
    """Return the settings of the action URLs on the device."""
    url = f"https://{unit.device.addresses['https']}/api/config/get"
    async with (
        aiohttp.ClientSession(auth=aiohttp.BasicAuth(*API)) as session,
        session.get(url, ssl=False) as response,
    ):
        config = (await response.json(content_type=None))["data"]
    return {key: value for key, value in config.items() if key.startswith(ACTION_URLS)}


async def _check_removal(checks: Checks, unit: Unit[Akuvox]) -> None:
    with checks(
        "its entry is removed: the device calls Home Assistant no more, and pushes are off as before"
    ) as details:
        before = await _action_urls(unit)
        ours = [key for key, url in before.items() if unit.home.url in url]
        assert before[f"{ACTION_URLS}Enable"] == "1" and f"{ACTION_URLS}MakeCall" in ours, before
        await unit.home.remove(unit.device.entry_id)

        async def left() -> list[str]:
            return [value for value in (await _action_urls(unit)).values() if unit.home.url in value]

        await until(left, lambda found: None if found else True, "the removal of the addresses", SEEN)
        assert (await _action_urls(unit))[f"{ACTION_URLS}Enable"] == "0"
        assert not any(entity_id in unit.home.states for entity_id in unit.device.entities.values())
        details.append(f"{len(ours)} Action URLs")
