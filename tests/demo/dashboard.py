"""The dashboard that the demo shows."""

from collections.abc import Mapping
from typing import Any

URL_PATH = "front-door"


def _heading(title: str, icon: str) -> dict[str, Any]:
    return {"type": "heading", "heading": title, "icon": icon}


def _tile(entity: str, name: str, **options: Any) -> dict[str, Any]:
    return {"type": "tile", "entity": entity, "name": name, **options}


def dashboard(entities: Mapping[str, str]) -> dict[str, Any]:
    """Give the dashboard of an intercom, by the keys of its entities."""
    door = [
        _heading("Front gate", "mdi:doorbell-video"),
        {
            "type": "picture-entity",
            "entity": entities["camera_internal"],
            "camera_view": "auto",
            "show_name": False,
            "show_state": False,
            "grid_options": {"columns": "full"},
        },
        _tile(
            entities["door_1_door"],
            "Gate",
            features=[{"type": "lock-commands"}, {"type": "lock-open-door"}],
            grid_options={"columns": "full"},
        ),
        _tile(entities["door_1_hold_open"], "Hold open"),
        _tile(entities["door_2_door"], "Garage"),
    ]
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
            "target": {"entity_id": [entities[key] for key in ("bell_1", "bell_2", "door_1_door", "access")]},
            "hours_to_show": 12,
            "grid_options": {"columns": "full", "rows": 8},
        },
    ]
    sections = [{"type": "grid", "cards": cards} for cards in (door, visitors, history)]
    view = {"type": "sections", "title": "Front door", "path": "door", "max_columns": 3, "sections": sections}
    return {"title": "Front door", "views": [view]}
