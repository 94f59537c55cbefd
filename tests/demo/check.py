"""What `scripts/demo --check` asserts of one intercom in a running Home Assistant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import Checks
from .home_assistant import HomeAssistant, Subscription
from .simulator import SimulatorControl
from .stage import ACCOUNT, DOMAIN, Stage
from .waiting import until

EVENT = "ip_intercom_event"
# Seconds until all entities of a new device are there.
COMPLETE_TIMEOUT = 30.0
BELL, SECOND_BELL, CALL_STATE, DOOR, CAMERA, VISITOR, ACCESS, ENTRY, CLOCK, SET_CLOCK, FIRMWARE, CONNECTIVITY = (
    "bell_1", "bell_2", "call_state", "door_1_door", "camera_internal", "last_visitor", "access", "access_point_entry",
    "clock_drift", "sync_clock", "firmware", "connectivity",
)  # fmt: skip
# Keys of the entities that a Verso must have, by platform.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "binary_sensor": (
        "port_input1",
        "alarm_door_open",
        "alarm_tamper",
        "alarm_motion",
        "line_1",
        "ringing",
        CONNECTIVITY,
    ),
    "button": ("answer", "hang_up", "restart", SET_CLOCK),
    "camera": (CAMERA,),
    "event": (BELL, SECOND_BELL, ACCESS, "call"),
    "image": (VISITOR,),
    "lock": (DOOR, "door_2_door"),
    "sensor": (CALL_STATE, CLOCK, "last_access", "last_call"),
    "switch": ("door_1_hold_open", "door_1_block", ENTRY, "access_point_exit", "port_output1"),
    "update": (FIRMWARE,),
}

# What people type and carry at the door; nowhere in Home Assistant may it be found.
KEYPAD_CODE = "480216397"
WRONG_CODE = "739150284"
CARD = "5E77C0DE91"
TONES = "93518264"
# What an administrator writes into the directory.
DIRECTORY_PIN = "62840917"
SECRETS = (KEYPAD_CODE, WRONG_CODE, CARD, TONES, ACCOUNT[1])

JPEG = b"\xff\xd8\xff"
# The card of the first entry of the simulator's directory.
KNOWN_CARD = "4BD9E903"
UNKNOWN_UUID = "DEADBEEF-0000-4000-8000-000000000001"


@dataclass(frozen=True, slots=True)
class Scene:
    """The objects that the checks use."""

    stage: Stage
    home: HomeAssistant
    simulator: SimulatorControl
    entities: Mapping[str, str]
    events: Subscription

    def rung(self, bell: str) -> list[str]:
        """Return when a bell of the 2N rang; see `rung_at`."""
        return self.rung_at(self.entities[bell])

    def rung_at(self, entity_id: str) -> list[str]:
        """Return the times at which a bell rang since the changes were cleared, and the time of the previous ring."""
        changes = [heard.event["data"] for heard in self.home.changes.heard]
        states = [self.home.states[entity_id]]
        for change in changes:
            if change["entity_id"] == entity_id:
                states.extend(state for state in (change["old_state"], change["new_state"]) if state is not None)
        # An unavailable bell has no time.
        return sorted({state["state"] for state in states if state["state"][:1].isdigit()})

    def last_rung(self) -> list[str]:
        """Return when each bell rang last."""
        return [max(self.rung(bell), default="never") for bell in (BELL, SECOND_BELL)]

    async def wait_logged(self, kind: str, **data: object) -> dict[str, Any]:
        """Wait until an event of the device log reaches the bus, and return its data."""

        def find(heard: list[Any]) -> dict[str, Any] | None:
            for item in heard:
                found: dict[str, Any] = item.event["data"]
                if found["type"] == kind and data.items() <= found["data"].items():
                    return found
            return None

        return await self.events.wait(find, 10.0, f"{kind} on the bus")

    async def forget(self) -> list[str]:
        """Begin a new part: only what is heard from now on counts. Gives when each bell rang last."""
        before = self.last_rung()
        self.home.changes.clear()
        self.events.clear()
        await self.simulator.do("clear_requests")
        return before

    async def requests(self, path: str) -> list[dict[str, Any]]:
        """Return the integration's requests for a path."""
        return [request for request in await self.simulator.requests() if request["path"] == f"/api/{path}"]


async def check_set_up(checks: Checks, stage: Stage) -> Scene:
    """Add the intercom, and check its entities."""
    home = stage.home_assistant
    with checks("the config flow finds the intercom and makes an entry") as details:
        result = await stage.add_intercom()
        assert result["title"] == "Front Gate", result
        assert result["result"]["state"] == "loaded", result
        details.append(result["title"])
    with checks("every expected entity is available") as details:
        wanted = {key: platform for platform, keys in EXPECTED.items() for key in keys}

        def complete(found: Mapping[str, str]) -> Mapping[str, str] | None:
            return found if wanted.keys() <= found.keys() else None

        # What few entities need is read after the setup.
        entities = await until(stage.entities, complete, f"the entities {sorted(wanted)}", COMPLETE_TIMEOUT)
        misplaced = [entities[key] for key, platform in wanted.items() if not entities[key].startswith(f"{platform}.")]
        assert not misplaced, f"wrong platform: {misplaced}"
        for entity_id in entities.values():
            await home.wait_state(entity_id, lambda state: state != "unavailable")
        details.append(f"{len(entities)} entities")
    with checks("the frontend is served and gets descriptions of the actions") as details:
        assert await home.answers()
        actions = (await home.command("get_services"))[DOMAIN]
        texts = await home.command("frontend/get_translations", language="en", category="services", integration=DOMAIN)
        names = {action: texts["resources"].get(f"component.{DOMAIN}.services.{action}.name") for action in actions}
        assert names and all(names.values()), names
        details.append(f"{len(actions)} actions")
    scene = Scene(stage, home, stage.simulator, entities, await home.subscribe(EVENT))
    with checks("an event of the log is fired on the bus"):
        await scene.simulator.do("emit", event="VirtualInput", port="hello")
        await scene.wait_logged("VirtualInput", port="hello")
    return scene


async def check_rings(checks: Checks, scene: Scene) -> None:
    """Check rings, and events that are not rings."""
    home, simulator, entities = scene.home, scene.simulator, scene.entities
    with checks("a ring and the call that follows it are one doorbell event") as details:
        before = await scene.forget()
        session = await simulator.do("press", key="%1")
        rung = await home.wait_state(entities[BELL], lambda state: state != before[0] and state[:1].isdigit())
        assert rung["attributes"]["event_type"] == "ring", rung["attributes"]
        await home.wait_state(entities[CALL_STATE], "ringing")
        await simulator.do("terminate", session=session)
        await home.wait_state(entities[CALL_STATE], "idle")
        await scene.wait_logged("CallSessionStateChanged", session=session, state="terminated")
        assert set(scene.rung(BELL)) - {before[0]} == {rung["state"]}, "not exactly one ring"
        assert scene.last_rung()[1] == before[1], "the other bell rang"
        details.append(entities[BELL])
    with checks("the picture of the last visitor was taken at the ring") as details:
        await home.wait_state(entities[VISITOR], lambda state: state not in {"unknown", "unavailable"})
        details.append(await check_picture(home, entities[VISITOR]))
    with checks("an incoming call does not ring"):
        before = await scene.forget()
        session = await simulator.do("incoming_call")
        await home.wait_state(entities[CALL_STATE], "ringing")
        await simulator.do("terminate", session=session)
        await home.wait_state(entities[CALL_STATE], "idle")
        assert scene.last_rung() == before, "a bell rang"
    with checks("the camera shows a JPEG") as details:
        details.append(await check_picture(home, entities[CAMERA]))


async def check_picture(home: HomeAssistant, entity_id: str) -> str:
    content_type, body = await home.picture(entity_id)
    assert content_type == "image/jpeg", content_type
    assert body.startswith(JPEG) and len(body) > 1000, body[:20]
    return f"{len(body) // 1000} kB"


async def check_doors(checks: Checks, scene: Scene) -> None:
    """Check opening and holding a door."""
    home, simulator, lock = scene.home, scene.simulator, scene.entities[DOOR]
    with checks("lock.open releases switch 1 with one request; the lock opens and locks again"):
        await home.wait_state(lock, "locked")
        await scene.forget()
        activations = len((await simulator.state())["activations"])
        await home.act("lock.open", lock)
        carried_out = (await simulator.state())["activations"][activations:]
        assert [command[:3] for command in carried_out] in [
            [[1, action, ACCOUNT[0]]] for action in ("on", "trigger")
        ], carried_out
        requests = await scene.requests("switch/ctrl")
        assert len(requests) == 1, f"{len(requests)} requests"
        await home.wait_state(lock, "unlocked")
        await home.wait_state(lock, "locked", 10.0)
    with checks("ip_intercom.open_door holds the door open for a time"):
        await home.act(f"{DOMAIN}.open_door", lock, hold_time={"seconds": 60})
        await home.wait_state(scene.entities["door_1_hold_open"], "on")
        switch = (await simulator.state())["switches"]["1"]
        assert switch["held"] and switch["active"] and 55 <= switch["holdTimeout"] <= 60, switch
        await home.act("lock.lock", lock)
        await home.wait_state(scene.entities["door_1_hold_open"], "off")
        await home.wait_state(lock, "locked")
        assert not (await simulator.state())["switches"]["1"]["active"]


async def check_directory(checks: Checks, scene: Scene) -> None:
    """Directory entries by action."""
    home, device = scene.home, scene.stage.device_id
    with checks("a directory entry is created by an action with response") as details:
        entry = {
            "name": "Demo Visitor",
            "callPos": [{"peer": "sip:199@192.168.1.20"}],
            "access": {"pin": DIRECTORY_PIN},
        }
        response = await home.ask(f"{DOMAIN}.directory_create", device_id=device, entries=[entry])
        uuid = response["entries"][0]["uuid"]
        assert uuid in (await scene.simulator.state())["directory"], response
        details.append(uuid)
    with checks("query and get return the entry, with its PIN only on request"):
        found = (await home.ask(f"{DOMAIN}.directory_query", device_id=device))["entries"]
        assert any(item["uuid"] == uuid and item["name"] == "Demo Visitor" for item in found), found
        assert DIRECTORY_PIN not in str(found), "the PIN is returned without a request for it"
        got = await home.ask(f"{DOMAIN}.directory_get", device_id=device, uuids=[uuid], fields=["name", "access.pin"])
        assert [(item["name"], item["access"]["pin"]) for item in got["entries"]] == [
            ("Demo Visitor", DIRECTORY_PIN)
        ], got
    with checks("an invalid entry is rejected with the reason of the device") as details:
        wrong = {"name": "Demo Visitor", "nonsense": 1}
        reason = await home.refusal(f"{DOMAIN}.directory_create", device_id=device, entries=[wrong])
        assert "EDIR_FIELD_NAME_UNKNOWN" in reason and "nonsense" in reason, reason
        details.append(reason)
    with checks("the entry is deleted, and an unknown one is rejected") as details:
        await home.ask(f"{DOMAIN}.directory_delete", device_id=device, uuids=[uuid])
        assert uuid not in (await scene.simulator.state())["directory"]
        reason = await home.refusal(f"{DOMAIN}.directory_delete", device_id=device, uuids=[UNKNOWN_UUID])
        assert "EDIR_UUID_DOES_NOT_EXIST" in reason, reason
        details.append(reason)


async def check_calls(checks: Checks, scene: Scene) -> None:
    """Calls by action."""
    home, simulator, entities = scene.home, scene.simulator, scene.entities
    with checks("dial calls without ringing a bell, hang_up ends the call"):
        before = await scene.forget()
        session = (await home.ask(f"{DOMAIN}.dial", device_id=scene.stage.device_id, number="sip:101@192.168.1.20"))[
            "session"
        ]
        await home.wait_state(entities[CALL_STATE], "ringing")
        assert str(session) in (await simulator.state())["calls"]
        response = await home.ask(f"{DOMAIN}.hang_up", device_id=scene.stage.device_id)
        assert response["sessions"] == [session], response
        assert not (await simulator.state())["calls"]
        await home.wait_state(entities[CALL_STATE], "idle")
        assert scene.last_rung() == before, "a bell rang"


async def check_access(checks: Checks, scene: Scene) -> None:
    """Check codes and cards: rejected persons are reported, and codes are not."""
    home, simulator, entities = scene.home, scene.simulator, scene.entities
    with checks("codes, cards, and tones at the door are redacted in events"):
        await scene.forget()
        await simulator.do("enter_code", code=KEYPAD_CODE, valid=True)
        await scene.wait_logged("CodeEntered", valid=True)
        await home.wait_state(entities[DOOR], "unlocked")
        await simulator.do("enter_code", code=WRONG_CODE)
        await scene.wait_logged("CodeEntered", valid=False)
        await simulator.do("swipe_card", uid=CARD)
        await scene.wait_logged("CardEntered", valid=False)
        await simulator.do("emit", event="DtmfEntered", call=1, dtmf=TONES)
        await scene.wait_logged("DtmfEntered")
        denied = await home.wait_state(entities[ACCESS], lambda state: state not in {"unknown", "unavailable"})
        assert denied["attributes"]["event_type"] == "denied", denied["attributes"]
        told = str([heard.event for heard in scene.events.heard])
        assert not any(secret in told for secret in SECRETS), "an event contains a secret"
        keys = {heard.event["data"]["data"].get("key") for heard in scene.events.heard} - {None}
        assert not any(str(key).isdigit() for key in keys), f"digits on the bus: {keys}"
