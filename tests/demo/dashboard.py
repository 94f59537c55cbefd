"""The dashboard that the demo shows."""

from collections.abc import Mapping
from typing import Any

URL_PATH = "front-door"


def _heading(title: str, icon: str) -> dict[str, Any]:
    return {"type": "heading", "heading": title, "icon": icon}


def _tile(entity: str, name: str, **options: Any) -> dict[str, Any]:
    return {"type": "tile", "entity": entity, "name": name, **options}


def _camera(entity: str) -> dict[str, Any]:
    return {
        "type": "picture-entity",
        "entity": entity,
        "camera_view": "auto",
        "show_name": False,
        "show_state": False,
        "grid_options": {"columns": "full"},
    }


def _door(entity: str, name: str) -> dict[str, Any]:
    features = [{"type": "lock-commands"}, {"type": "lock-open-door"}]
    return _tile(entity, name, features=features, grid_options={"columns": "full"})


def dashboard(
    entities: Mapping[str, str], akuvox: Mapping[str, str], extension: Mapping[str, str], account: Mapping[str, str]
) -> dict[str, Any]:
    """Return the dashboard by the keys of the entities: of a 2N, and of others that may not be there yet."""
    flat = [
        _heading("Flat", "mdi:home-city"),
        {
            "type": "picture-entity",
            "entity": account["bell_21_last_visitor"],
            "name": "Last visitor",
            "show_state": False,
            "grid_options": {"columns": "full"},
        },
        _door(account["door_21:0_door"], "Entrance"),
        _tile(account["bell_21"], "Bell"),
        _tile(account["door_21:1_door"], "Barrier"),
        _tile(account["unread_messages"], "Messages"),
        _tile(account["setting_flat_51_voip"], "Rings in Home Assistant"),
    ] if account else []  # fmt: skip
    gate = [
        _heading("Front gate", "mdi:doorbell-video"),
        _camera(entities["camera_internal"]),
        _door(entities["door_1_door"], "Gate"),
        _tile(entities["door_1_hold_open"], "Hold open"),
        _tile(entities["door_2_door"], "Garage"),
    ]
    side_door = [
        _heading("Side door", "mdi:doorbell-video"),
        _camera(akuvox["camera_main"]),
        _door(akuvox["door_A_door"], "Side door"),
        _tile(akuvox["door_A_hold_open"], "Hold open"),
        _tile(akuvox["bell_call"], "Bell"),
        _tile(akuvox["last_access"], "Last access"),
        _tile(akuvox["alarm_tamper"], "Tamper"),
    ] if akuvox else []  # fmt: skip
    telephone = [
        _heading("Phone", "mdi:phone"),
        _tile(extension["call_state"], "Call"),
        _tile(extension["missed_calls"], "Missed"),
        _tile(extension["last_call"], "Last call"),
        _tile(extension["voicemails"], "Voicemails"),
        _tile(extension["call_mode"], "Ring at", features=[{"type": "select-options"}], grid_options={"columns": "full"}),
        {"type": "calendar", "entities": [extension["conferences"]], "initial_view": "listWeek"},
    ] if extension else []  # fmt: skip
    visitors = [
        _heading("Visitors", "mdi:account-clock"),
        {
            "type": "picture-entity",
            "entity": entities["last_visitor"],
            "name": "Last visitor",
            "show_state": False,
            "grid_options": {"columns": "full"},
        },
        _tile(entities["bell_1"], "Bell Alice"),
        _tile(entities["bell_2"], "Bell Jiří"),
        _tile(entities["call_state"], "Call"),
        _tile(entities["last_access"], "Last access"),
        _tile(entities["answer"], "Answer", hide_state=True),
        _tile(entities["hang_up"], "Hang up", hide_state=True),
        _tile(entities["last_call"], "Last call"),
        _tile(entities["access_point_entry"], "Block entry"),
    ]
    history = [
        _heading("What happened", "mdi:history"),
        {
            "type": "logbook",
            "target": {
                "entity_id": [
                    *(entities[key] for key in ("bell_1", "bell_2", "door_1_door", "access")),
                    *(akuvox[key] for key in ("bell_call", "door_A_door", "access") if akuvox),
                    *(extension[key] for key in ("call", "voicemail") if extension),
                    *(account[key] for key in ("bell_21", "message") if account),
                ]
            },
            "hours_to_show": 12,
            "grid_options": {"columns": "full", "rows": 8},
        },
    ]
    sections = [
        {"type": "grid", "cards": cards} for cards in (gate, side_door, flat, visitors, telephone, history) if cards
    ]
    view = {"type": "sections", "title": "Front door", "path": "door", "max_columns": 6, "sections": sections}
    return {"title": "Front door", "views": [view]}
