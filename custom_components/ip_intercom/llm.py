"""Tools for voice assistants: the last visitors, the last accesses, and the doors. None of them changes anything."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import ClassVar, override

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import area_registry as ar, device_registry as dr, entity_registry as er
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolAnnotations, ToolInput, ToolResult
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import probatio as vol

from .const import DOMAIN
from .event import GRANTED
from .media.views import async_bell_name, async_device_of, async_visible
from .model.parts import Alarm, Door
from .runtime import IntercomConfigEntry, IntercomRuntime

CONF_LIMIT = "limit"
_MOST = 50

_ACCESS_DETAILS = ("name", "method", "reason", "entrance")


@dataclass(frozen=True, slots=True)
class _Exposed:
    """An entity of this integration that an assistant may use, with its loaded entry."""

    entity: er.RegistryEntry
    runtime: IntercomRuntime
    state: State

    @property
    def place(self) -> JsonObjectType:
        """The names of the device and of its area."""
        hass = self.runtime.coordinator.hass
        device = dr.async_get(hass).async_get(self.entity.device_id or "")
        area_id = self.entity.area_id or (None if device is None else device.area_id)
        area = ar.async_get(hass).async_get_area(area_id) if area_id else None
        name = None if device is None else device.name_by_user or device.name
        return {"device": name, "area": None if area is None else area.name}

    @property
    def value(self) -> str | None:
        """The state; None if it is unknown or the entity is unavailable."""
        return None if self.state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN) else self.state.state


@callback
def _async_exposed(
    hass: HomeAssistant, llm_context: LLMContext, user: User | None, platform: Platform, keys: Collection[str]
) -> Iterator[_Exposed]:
    """Yield the entities of a platform with these translation keys that are exposed and that the user may read."""
    registry = er.async_get(hass)
    entry: IntercomConfigEntry
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.state is not ConfigEntryState.LOADED:
            continue
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
            if (
                entity.domain == platform
                and entity.translation_key in keys
                and async_should_expose(hass, llm_context.assistant, entity.entity_id)
                and (user is None or user.permissions.check_entity(entity.entity_id, POLICY_READ))
                and (state := hass.states.get(entity.entity_id)) is not None
            ):
                yield _Exposed(entity, entry.runtime_data, state)


class _ReadTool(Tool):
    """A tool that only reads entities that are exposed to the assistant."""

    integration = DOMAIN
    annotations = ToolAnnotations(read_only=True, destructive=False, idempotent=True, open_world=False)
    # The translation keys of the entities that have to be exposed, by platform.
    needs: ClassVar[dict[Platform, frozenset[str]]]
    result_key: ClassVar[str]

    @classmethod
    @callback
    def async_exposed(cls, hass: HomeAssistant, llm_context: LLMContext, user: User | None = None) -> list[_Exposed]:
        """Return the entities from which the tool reads."""
        return [
            exposed
            for platform, keys in cls.needs.items()
            for exposed in _async_exposed(hass, llm_context, user, platform, keys)
        ]

    @override
    async def async_call(self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext) -> ToolResult:
        """Return what the exposed entities show."""
        data = self.parameters(tool_input.tool_args)
        user_id = None if llm_context.context is None else llm_context.context.user_id
        user = None if user_id is None else await hass.auth.async_get_user(user_id)
        if user_id is not None and user is None:
            return ToolResult(data={"error": "Unknown user"}, error=True)
        rows = self.rows(self.async_exposed(hass, llm_context, user), user)
        return ToolResult(data={self.result_key: list(islice(rows, data.get(CONF_LIMIT)))})

    @abstractmethod
    def rows(self, exposed: list[_Exposed], user: User | None) -> Iterable[JsonObjectType]:
        """Return the rows of the result."""


_LIMIT = vol.Schema({vol.Optional(CONF_LIMIT, default=5): vol.All(vol.Coerce(int), vol.Range(min=1, max=_MOST))})


class LastVisitorsTool(_ReadTool):
    """The last visitors who rang."""

    name = f"{DOMAIN}__last_visitors"
    title = "Get the last visitors"
    description = (
        "Get who rang the doorbell last, newest first: time, doorbell, and outcome. The outcome is answered, opened (a door "
        "was opened), or missed. Use this for questions like 'Did anyone ring while I was away?'."
    )
    parameters = _LIMIT
    needs = {
        Platform.EVENT: frozenset({"bell", "bell_button", "bell_named", "visitor"}),
        Platform.IMAGE: frozenset({"last_visitor", "last_visitor_named"}),
    }
    result_key = "visitors"

    @override
    def rows(self, exposed: list[_Exposed], user: User | None) -> Iterable[JsonObjectType]:
        places = {one.entity.device_id: one for one in exposed}
        runtimes = {id(one.runtime): one.runtime for one in exposed}
        visits = [
            (visitor.time, {"time": _local(visitor.time), "bell": async_bell_name(runtime, visitor)}, visitor, place)
            for runtime in runtimes.values()
            for visitor in async_visible(runtime, user)
            if visitor.is_visit and (place := places.get(async_device_of(runtime, visitor.place))) is not None
        ]
        for _, row, visitor, place in sorted(visits, key=lambda visit: visit[0], reverse=True):
            yield row | {"outcome": visitor.outcome, "has_picture": visitor.taken is not None} | place.place


class LastAccessTool(_ReadTool):
    """The last granted or denied access at each device."""

    name = f"{DOMAIN}__last_access"
    title = "Get the last access"
    description = (
        "Get the last person who was granted or denied access at each entrance, newest first: time, name, and method such as "
        "card, code, or face. Use this for questions like 'Who came in last?'."
    )
    parameters = _LIMIT
    needs = {Platform.SENSOR: frozenset({"last_access"}), Platform.EVENT: frozenset({"access"})}
    result_key = "accesses"

    @override
    def rows(self, exposed: list[_Exposed], user: User | None) -> Iterable[JsonObjectType]:
        # A device may have both entities exposed: the newer one counts, as a late access only reaches the sensor.
        newest: dict[str | None, tuple[datetime, _Exposed]] = {}
        for one in exposed:
            time = dt_util.parse_datetime(one.value or "")
            known = newest.get(one.entity.device_id)
            if time is not None and (known is None or time > known[0]):
                newest[one.entity.device_id] = time, one
        for time, one in sorted(newest.values(), key=lambda item: item[0], reverse=True):
            attributes = one.state.attributes
            granted = attributes.get("granted", attributes.get("event_type") == GRANTED)
            details = {key: attributes.get(key) for key in _ACCESS_DETAILS}
            yield {"time": _local(time), "granted": granted} | details | one.place


class DoorsTool(_ReadTool):
    """The doors: locked or released, held open, blocked, and open where a contact shows it."""

    name = f"{DOMAIN}__doors"
    title = "Get the doors"
    description = (
        "Get the state of the doors with an intercom: whether the lock is released, a command holds it open, it is "
        "blocked, and whether the door itself is open. null means that the device does not report it. This opens nothing."
    )
    needs = {
        Platform.LOCK: frozenset({"door", "door_named", "door_numbered"}),
        Platform.BINARY_SENSOR: frozenset({Alarm.DOOR_OPEN.value, Alarm.DOOR_HELD_OPEN.value, Alarm.DOOR_FORCED.value}),
    }
    result_key = "doors"

    @override
    def rows(self, exposed: list[_Exposed], user: User | None) -> Iterable[JsonObjectType]:
        for one in exposed:
            name: JsonObjectType = {"name": one.state.name}
            if one.entity.domain == Platform.LOCK:
                door = _door_of(one)
                if door is not None and one.value is not None:
                    held = {"released": door.released, "held_open": door.held_open, "blocked": door.blocked}
                    yield name | held | one.place
            elif one.value is not None:
                yield name | {str(one.entity.translation_key): one.value == "on"} | one.place


def _door_of(exposed: _Exposed) -> Door | None:
    """Return the door of a lock."""
    coordinator = exposed.runtime.coordinator
    ids = {f"{coordinator.description.identity.id}_door_{door}_door": door for door in coordinator.data.doors}
    found = ids.get(exposed.entity.unique_id)
    return None if found is None else coordinator.data.doors[found]


def _local(time: datetime) -> str:
    return dt_util.as_local(time).isoformat(timespec="seconds")


TOOLS: tuple[Callable[[], _ReadTool], ...] = (LastVisitorsTool, LastAccessTool, DoorsTool)


@callback
def async_get_tools(hass: HomeAssistant, llm_context: LLMContext, api_id: str) -> LLMTools | None:
    """Return the tools for which an entity is exposed."""
    if api_id != LLM_API_ASSIST:
        return None
    tools = [tool for make in TOOLS if (tool := make()).async_exposed(hass, llm_context)]
    return LLMTools(tools=list(tools)) if tools else None
