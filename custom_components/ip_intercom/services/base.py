"""What an action is, and the part of a device that it applies to."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util.json import JsonObjectType
import probatio as vol

from ..coordinator import IntercomCoordinator
from ..helpers.devices import place_identifier
from ..helpers.errors import request_refused
from ..model.parts import BellId, Camera, CameraId, PlaceId
from ..model.state import State
from ..runtime import IntercomRuntime

type Data = Mapping[str, Any]
type Fields = dict[vol.Marker, Any]
type Run = Callable[[IntercomRuntime, Data], Awaitable[JsonObjectType | None]]

TEXTS = vol.All(cv.ensure_list, [cv.string])


class Needs(Enum):
    """Whom an action is for; automations may do all."""

    READ = auto()
    """Users who may see an entity of the device."""
    CONTROL = auto()
    """Users who may control an entity of the device."""
    DOORS = auto()
    """Users who may control every lock of the entry: the action may open any of its doors."""
    ADMIN = auto()
    """Administrators."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one device.

    Attributes:
        name: As in ``ip_intercom.<name>``.
        run: Carries it out and returns the response.
        needs: Whom it is for.
        fields: Its fields, beside the device.
        rules: What has to hold between the fields.
        answers_only: It does nothing but answer: calling it without wanting the response is a mistake.
        lacking: The error of a device of another system, for the action of one system.
    """

    name: str
    run: Run
    needs: Needs
    fields: Fields = field(default_factory=dict)
    rules: tuple[Any, ...] = ()
    answers_only: bool = False
    lacking: str = ""

    @property
    def schema(self) -> vol.Schema | vol.All[Any]:
        """Return the schema of a call."""
        schema = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string, **self.fields})
        return vol.All(schema, *self.rules) if self.rules else schema


ATTR_CAMERA = "camera"


def async_flat(coordinator: IntercomCoordinator, data: Data) -> PlaceId:
    """Return the flat of the device that an action is called for, or the only one near it."""
    state = coordinator.data
    near = _near(_async_place(coordinator, data), {flat: flat for flat in _flats(state)}, state)
    if not near:
        raise request_refused("no_flat", device=coordinator.name)
    if len(near) > 1:
        names = (state.places[flat].name if flat in state.places else flat for flat in near)
        raise request_refused("which_flat", device=coordinator.name, flats=", ".join(sorted(names)))
    return near[0]


def async_bells(coordinator: IntercomCoordinator, data: Data) -> list[BellId] | None:
    """Return the bells at or near the place whose device an action is called for; None for the entry's own device."""
    if (place := _async_place(coordinator, data)) is None:
        return None
    state = coordinator.data
    return _near(place, {bell.id: bell.place for bell in state.bells.values()}, state)


def async_camera(coordinator: IntercomCoordinator, data: Data) -> CameraId:
    """Return the camera that an action names, or that of the device it is called for, or the only one near it."""
    cameras = coordinator.data.cameras
    if (wanted := data.get(ATTR_CAMERA)) is not None:
        near = [camera.id for camera in cameras.values() if wanted in {camera.id, *_names(camera, coordinator.data)}]
    else:
        where = {camera.id: camera.place for camera in cameras.values()}
        near = _near(_async_place(coordinator, data), where, coordinator.data)
    if len(near) == 1:
        return near[0]
    if not cameras:
        raise request_refused("no_camera", device=coordinator.name)
    shown = [cameras[camera] for camera in near] or cameras.values()
    names = ", ".join(sorted(_named(camera, coordinator.data) for camera in shown))
    raise request_refused("which_camera", device=coordinator.name, cameras=names)


def _flats(state: State) -> list[PlaceId]:
    """Return the flats: what has a door code, or settings of its own."""
    with_settings = (setting.place for setting in state.settings.values())
    return list(dict.fromkeys(place for place in (*state.door_codes, *with_settings) if place is not None))


def _names(camera: Camera, state: State) -> list[str]:
    """Return what people call a camera: its own name, and that of its place."""
    place = state.places.get(camera.place or "")
    return [name for name in (camera.name, None if place is None else place.name) if name is not None]


def _named(camera: Camera, state: State) -> str:
    """Return a camera for people, with the id by which it can be named."""
    names = _names(camera, state)
    return f"{names[0]} ({camera.id})" if names else camera.id


def _async_place(coordinator: IntercomCoordinator, data: Data) -> PlaceId | None:
    """Return the place whose device an action is called for, None for the entry's own."""
    device = dr.async_get(coordinator.hass).async_get(data[ATTR_DEVICE_ID])
    identifiers = set() if device is None else device.identifiers
    identity = coordinator.description.identity
    return next((place for place in coordinator.data.places if place_identifier(identity, place) in identifiers), None)


def _near(place: PlaceId | None, where: Mapping[str, PlaceId | None], state: State) -> list[str]:
    """Return what is at a place or below it; where nothing is, at or below its parent, and so on."""
    while True:
        found = [part for part, there in where.items() if place is None or place in _upwards(there, state)]
        if found or place is None:
            return found
        place = state.places[place].parent if place in state.places else None


def _upwards(place: PlaceId | None, state: State) -> Iterable[PlaceId]:
    """Return a place and those that it is in, each once."""
    found: list[PlaceId] = []
    while place is not None and place in state.places and place not in found:
        found.append(place)
        place = state.places[place].parent
    return found
