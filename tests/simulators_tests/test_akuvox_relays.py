"""The effect of `relay/trig` under each reading of the field notes, and its faults."""

import aiohttp
import pytest

from tests.simulators.akuvox import RelayNames, RelayReading

from .akuvox_api import AkuvoxApi, outcome
from .conftest import AkuvoxFactory, until

RELAY = "Config.DoorSetting.RELAY."
A, B, B_ENDS, C, C_OPENS = RelayReading
# Mode 0 and 1, as the manual calls them.
AUTO, MANUAL = 0, 1


async def trig(api: AkuvoxApi, mode: int, level: int = 0, delay: int = 0, status: str = "RelayA") -> bool:
    """Trigger relay A and tell whether the door is open then."""
    data = {"mode": mode, "num": 1, "level": level, "delay": delay}
    assert outcome(await api.post("relay", "trig", data)) == (0, "OK")
    levels: dict[str, int] = await api.data("relay", "status")
    return levels[status] == 1


async def bistable(akuvox: AkuvoxFactory, reading: RelayReading) -> AkuvoxApi:
    return await akuvox("e16c", config={f"{RELAY}RelayAMode": "1"}, relay_reading=reading)


@pytest.mark.parametrize("reading", [B, B_ENDS, C, C_OPENS])
async def test_any_trigger_opens_an_auto_close_relay(akuvox: AkuvoxFactory, reading: RelayReading) -> None:
    """The wrong level opens it in either mode, although it closes a door under reading A."""
    api = await akuvox(relay_reading=reading)
    assert await trig(api, AUTO, level=1, delay=60)
    assert not await trig(api, MANUAL)
    assert await trig(api, MANUAL, level=1)
    assert not await trig(api, MANUAL, level=1)


async def test_level_decides_under_reading_a(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(relay_reading=A)
    assert not await trig(api, AUTO, level=1, delay=60)
    assert await trig(api, MANUAL)
    assert await trig(api, MANUAL)
    assert not await trig(api, MANUAL, level=1)


async def test_any_trigger_closes_a_relay_held_open_in_mode_1(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(relay_reading=B_ENDS)
    assert await trig(api, MANUAL)
    assert not await trig(api, AUTO, delay=60)
    assert await trig(api, AUTO, delay=60)
    assert await trig(api, AUTO, delay=60)


async def test_the_status_lags_behind_the_relay(akuvox: AkuvoxFactory) -> None:
    api = await akuvox(status_lag=60)
    assert not await trig(api, AUTO, delay=60)
    assert api.sim.relay_status()["A"]
    api.sim.clock.skip(61)
    assert (await api.data("relay", "status"))["RelayA"] == 1


@pytest.mark.parametrize("reading", [A, B, C, C_OPENS])
async def test_a_new_trigger_restarts_the_opening_time(akuvox: AkuvoxFactory, reading: RelayReading) -> None:
    """The newest delay (in seconds, up to 65535) applies, also to a door that is held."""
    api = await akuvox(relay_reading=reading, speed=20)
    assert await trig(api, MANUAL)
    assert await trig(api, AUTO, delay=65535)
    timer = api.sim.relays.all["A"].timer
    assert timer is not None and timer.remaining > 60000
    assert await trig(api, AUTO, delay=1)
    await until(lambda: not api.sim.relay_status()["A"])


@pytest.mark.parametrize(
    ("reading", "modes", "states"),
    [
        (B, [AUTO, AUTO, MANUAL, MANUAL], [True, False, True, False]),
        (B_ENDS, [AUTO, AUTO, MANUAL, MANUAL], [True, False, True, False]),
        (C, [MANUAL, AUTO, MANUAL, MANUAL, AUTO, AUTO], [False, True, False, False, True, False]),
        (C_OPENS, [MANUAL, AUTO, AUTO, MANUAL], [False, True, True, False]),
    ],
)
async def test_a_bistable_relay_keeps_its_state(
    akuvox: AkuvoxFactory, reading: RelayReading, modes: list[int], states: list[bool]
) -> None:
    """No delay ends its state."""
    api = await bistable(akuvox, reading)
    assert [await trig(api, mode, delay=1) for mode in modes] == states
    assert api.sim.relays.all["A"].timer is None


@pytest.mark.parametrize("reading", RelayReading)
async def test_normally_closed_wiring_inverts_the_status(akuvox: AkuvoxFactory, reading: RelayReading) -> None:
    api = await akuvox(relay_reading=reading)
    api.sim.wire("A", normally_closed=True)
    assert not await trig(api, AUTO, level=1, delay=60)
    assert api.sim.relay_status()["A"]


async def test_a_stuck_relay_confirms_and_does_not_move(akuvox: AkuvoxFactory) -> None:
    """This holds for an open and a closed relay and every command."""
    api = await akuvox("e16c")
    api.sim.stick_relay("A")
    assert not await trig(api, AUTO)
    api.sim.allow_http_open()
    await api.raw("GET", "/fcgi/OpenDoor", params={"action": "OpenDoor", "DoorNum": "1"})
    assert not api.sim.relay_status()["A"]
    api.sim.stick_relay("A", stuck=False)
    assert await trig(api, MANUAL)
    api.sim.stick_relay("A")
    assert await trig(api, MANUAL, level=1)


async def test_a_command_with_a_lost_response_is_carried_out(akuvox: AkuvoxFactory) -> None:
    """The function may be named in the body only; the next response is not lost."""
    api = await akuvox("e16c")
    api.sim.lose_next_answer("relay/trig")
    data = {"mode": 1, "num": 1, "level": 0, "delay": 0}
    with pytest.raises(aiohttp.ClientError):
        await api.post("relay", "trig", data)
    assert api.sim.state()["relays"]["A"] == {"open": True, "held": True, "stuck": False, "openings": 1}
    assert await trig(api, MANUAL)


@pytest.mark.parametrize(
    "path", ["relay/trig?mode=1&num=1&level=0&delay=0", "/fcgi/OpenDoor?action=OpenDoor&DoorNum=1"]
)
async def test_a_lost_answer_of_a_get(akuvox: AkuvoxFactory, path: str) -> None:
    """The command is executed twice because aiohttp repeats a GET once."""
    api = await akuvox("e16c")
    api.sim.allow_http_open()
    api.sim.lose_next_answer(path.partition("?")[0], times=2)
    full = path if path.startswith("/") else f"/api/{path}"
    with pytest.raises(aiohttp.ClientError):
        await api.raw("GET", full)
    assert api.sim.state()["relays"]["A"]["openings"] == 2
    assert (await api.raw("GET", full))[0] == 200


async def test_healing_ends_lost_answers(akuvox: AkuvoxFactory) -> None:
    api = await akuvox("e16c")
    api.sim.lose_next_answer("relay/status", times=9)
    api.sim.heal()
    assert (await api.data("relay", "status"))["RelayA"] == 0


@pytest.mark.parametrize("names", RelayNames)
async def test_relay_names_are_used_in_status_and_keys(akuvox: AkuvoxFactory, names: RelayNames) -> None:
    """The names are used in the status and in the keys of Action URLs."""
    api = await akuvox(relay_names=names)
    api.sim.relays.others["RelaySA"] = 0
    first = names.value
    assert (await api.data("relay", "status")).keys() == {
        first,
        first[:-1] + "B2"[first[-1] == "1"],
        names.of("C"),
        "RelaySA",
    }
    keys = await api.data("config", "get", filter=["Config.Features.ACTIONURL"])
    assert f"Config.Features.ACTIONURL.{first}Triggered" in keys
    assert await trig(api, MANUAL, status=first)
