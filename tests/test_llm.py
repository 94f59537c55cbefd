"""Tools for voice assistants: their results about a simulated 2N, and for which users."""

from typing import Any

from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.components.llm import async_get_tools
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, ToolInput, ToolResult
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.ip_intercom.const import DOMAIN
from tests.common import act, entity_id, state_of, until
from tests.simulators.two_n import Simulator
from tests.test_triggers import miss_visitor, settle

ASSISTANT = "conversation"


@pytest.fixture(autouse=True)
async def assist(hass: HomeAssistant) -> None:
    """Home Assistant with its voice assistant."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "llm", {})


def asked_by(user: str | None = None) -> LLMContext:
    """Return a request of a user, or of a voice assistant in a room."""
    return LLMContext(ASSISTANT, None if user is None else Context(user_id=user), "en", ASSISTANT, None)


async def tools(hass: HomeAssistant, api_id: str = LLM_API_ASSIST) -> dict[str, Any]:
    """Return the tools of the integration by name, as Home Assistant finds them."""
    found = await async_get_tools(hass, asked_by(), api_id)
    return {tool.name.removeprefix(f"{DOMAIN}__"): tool for tool in found.tools if tool.integration == DOMAIN}


async def call(hass: HomeAssistant, name: str, user: str | None = None, **args: Any) -> Any:
    """Call a tool and return its rows."""
    tool = (await tools(hass))[name]
    result = await tool.async_call(hass, ToolInput(tool.name, args), asked_by(user))
    assert isinstance(result, ToolResult)
    if result.error:
        return result.data
    [rows] = result.data.values()
    return rows


def expose(hass: HomeAssistant, *entities: str, exposed: bool = True) -> None:
    for entity in entities:
        async_expose_entity(hass, ASSISTANT, entity, exposed)


async def test_a_tool_needs_an_exposed_entity(hass: HomeAssistant, entry: ConfigEntry) -> None:
    lock, bell = entity_id(hass, entry, "lock", "door_1_door"), entity_id(hass, entry, "event", "bell_1")
    contact = entity_id(hass, entry, "binary_sensor", "alarm_door_open")
    expose(hass, contact, exposed=False)
    assert await tools(hass) == {}
    expose(hass, lock)
    assert set(await tools(hass)) == {"doors"}
    expose(hass, bell, entity_id(hass, entry, "sensor", "last_access"))
    assert set(await tools(hass)) == {"doors", "last_visitors", "last_access"}
    assert await tools(hass, "another") == {}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await tools(hass) == {}


async def test_tools_only_read(hass: HomeAssistant, entry: ConfigEntry) -> None:
    expose(hass, *(state.entity_id for state in hass.states.async_all()))
    for tool in (await tools(hass)).values():
        annotations = tool.annotations
        assert (annotations.read_only, annotations.destructive, annotations.open_world) == (True, False, False)
        assert tool.name.startswith(f"{DOMAIN}__")


async def test_the_last_visitors_tool_lists_visitors(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    expose(hass, entity_id(hass, entry, "event", "visitor"))
    assert await call(hass, "last_visitors") == []
    miss_visitor(sim)
    await until(lambda: state_of(hass, entry, "event", "visitor") != "unknown", "the outcome")
    sim.press("%2", call=False)
    await settle(hass, sim, entry)
    rows = await call(hass, "last_visitors")
    assert [(row["bell"], row["outcome"]) for row in rows] == [(rows[0]["bell"], None), ("Alice Gruberová", "missed")]
    assert rows[0]["time"] >= rows[1]["time"]
    times = [dt_util.parse_datetime(row["time"]) for row in rows]
    assert all(time is not None and time.utcoffset() == dt_util.now().utcoffset() for time in times)
    assert {row["device"] for row in rows} == {"Front Gate"}
    assert len(await call(hass, "last_visitors", limit=1)) == 1


async def test_the_last_access_tool_returns_the_last_access(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    expose(hass, entity_id(hass, entry, "sensor", "last_access"), entity_id(hass, entry, "event", "access"))
    assert await call(hass, "last_access") == []
    sim.enter_code("9999", valid=False)
    await settle(hass, sim, entry)
    [row] = await call(hass, "last_access")
    assert (row["granted"], row["method"], row["device"]) == (False, "code", "Front Gate")
    sim.enter_code("1234")
    await settle(hass, sim, entry)
    [row] = await call(hass, "last_access")
    assert row["granted"] is True


async def test_the_doors_tool_returns_door_states(hass: HomeAssistant, sim: Simulator, entry: ConfigEntry) -> None:
    lock = entity_id(hass, entry, "lock", "door_1_door")
    contact = entity_id(hass, entry, "binary_sensor", "alarm_door_open")
    expose(hass, lock, contact)

    async def doors() -> dict[str, Any]:
        return {row["name"]: row for row in await call(hass, "doors")}

    [door] = [row for row in (await doors()).values() if "released" in row]
    assert (door["released"], door["held_open"], door["blocked"]) == (False, False, False)
    await act(hass, "ip_intercom.open_door", entity_id=lock, hold_time={"minutes": 2})
    sim.door(True)
    await settle(hass, sim, entry)
    await until(lambda: state_of(hass, entry, "switch", "door_1_hold_open") == "on", "the hold")
    rows = (await doors()).values()
    assert [(row["released"], row["held_open"]) for row in rows if "released" in row] == [(True, True)]
    assert [row["door_open"] for row in rows if "door_open" in row] == [True]


async def test_tools_return_only_entities_that_the_user_may_read(
    hass: HomeAssistant, sim: Simulator, entry: ConfigEntry
) -> None:
    visitor, lock = entity_id(hass, entry, "event", "visitor"), entity_id(hass, entry, "lock", "door_1_door")
    expose(hass, visitor, lock)
    miss_visitor(sim)
    await settle(hass, sim, entry)
    guest = MockUser(id="guest").add_to_hass(hass)
    guest.mock_policy({"entities": {"entity_ids": {lock: {"read": True}}}})
    assert await call(hass, "last_visitors", user="guest") == []
    assert len(await call(hass, "doors", user="guest")) == 1
    assert len(await call(hass, "last_visitors")) == 1
    assert await call(hass, "doors", user="unknown") == {"error": "Unknown user"}
