"""What Home Assistant has kept on disk: the recorder's database and the log."""

from contextlib import closing
import json
from pathlib import Path
import re
import sqlite3
from typing import Any, NamedTuple

type Json = dict[str, Any]

_EVENTS = """
SELECT events.time_fired_ts, event_data.shared_data
FROM events
JOIN event_types ON event_types.event_type_id = events.event_type_id
LEFT JOIN event_data ON event_data.data_id = events.data_id
WHERE event_types.event_type = ?
ORDER BY events.event_id
"""
_TEXTS = """
SELECT state FROM states UNION ALL SELECT shared_attrs FROM state_attributes
UNION ALL
SELECT shared_data FROM event_data WHERE data_id NOT IN (
    SELECT data_id FROM events JOIN event_types ON event_types.event_type_id = events.event_type_id
    WHERE event_types.event_type = 'call_service' AND data_id IS NOT NULL
)
"""
_STATES = """
SELECT states.last_updated_ts, states.state
FROM states
JOIN states_meta ON states_meta.metadata_id = states.metadata_id
WHERE states_meta.entity_id = ?
ORDER BY states.state_id
"""
_PROBLEM = re.compile(r"^\S+ \S+ (WARNING|ERROR|CRITICAL) .*", re.MULTILINE)
# Every custom integration gets this one.
_NOT_OURS = "We found a custom integration"
_ERROR = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) \([^)]*\) \[([^\]]+)\].*", re.MULTILINE)
# Missing libraries of the operating system, and rejected requests, which their sender sees.
_NO_ERRORS = ("haffmpeg.", "homeassistant.components.camera.img_util", "homeassistant.components.websocket_api.")


class Recorded(NamedTuple):
    """An event of the bus, and when it was fired (Unix time)."""

    at: float
    data: Json


def _query(database: Path, sql: str, *arguments: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.execute(sql, arguments))


def recorded_events(database: Path, event_type: str) -> list[Recorded]:
    """Return the events of a type in the order in which they were fired."""
    return [Recorded(at, json.loads(data or "{}")) for at, data in _query(database, _EVENTS, event_type)]


def recorded_states(database: Path, entity_id: str) -> list[tuple[float, str]]:
    """Return the states of an entity, oldest first."""
    return [(at, state) for at, state in _query(database, _STATES, entity_id)]


def recorded_texts(database: Path) -> str:
    """Return every state, attribute and event; not the data of actions, which Home Assistant stores itself."""
    return "\n".join(str(text) for (text,) in _query(database, _TEXTS))


def problems(log: str, domain: str) -> list[str]:
    """Return the warnings and errors of an integration in a log."""
    lines = (match[0] for match in _PROBLEM.finditer(log))
    return [line for line in lines if domain in line and _NOT_OURS not in line]


def errors(log: str) -> list[str]:
    """Return the errors of any part of Home Assistant in a log."""
    return [match[0] for match in _ERROR.finditer(log) if not match[1].startswith(_NO_ERRORS)]
