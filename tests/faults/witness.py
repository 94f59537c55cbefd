"""Gathers everything that Home Assistant shows, stores, and logs, and searches it for planted secrets."""

from base64 import b64encode
from collections.abc import Awaitable, Iterator
from functools import cache
import json
import logging
import traceback
from typing import Any
from urllib.parse import quote

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.db_schema import Base
from homeassistant.components.trace.util import async_get_trace, async_list_traces
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_CALL_SERVICE, MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from sqlalchemy import select

# Loggers whose debug lines are read: those that the manifest names. Of all others, what is logged by default.
OURS = ("custom_components.ip_intercom", "firebase_messaging")
# Files that need secrets: data and options of the entry, and temporary codes until they end.
NEEDED = ("core.config_entries", ".codes")


class Witness:
    """Sees what happens from its creation on.

    Args:
        hass: Home Assistant with a recorder.
        caplog: Everything that is logged.
        storage: The content of ``.storage``.
        calls: Whether calls of actions count, which Home Assistant tells with everything that was entered.

    Attributes:
        secrets: The planted secrets by name.
    """

    def __init__(
        self, hass: HomeAssistant, caplog: pytest.LogCaptureFixture, storage: dict[str, Any], *, calls: bool = False
    ) -> None:
        self._hass, self._caplog, self._storage, self._calls = hass, caplog, storage, calls
        self.secrets: dict[str, str] = {}
        self._events: list[tuple[str, str]] = []
        self._seen: list[tuple[str, str]] = []
        # Not that of all loggers: SQLAlchemy alone would write 50,000 lines.
        for logger in OURS:
            caplog.set_level(logging.DEBUG, logger)
        hass.bus.async_listen(MATCH_ALL, self._take)

    @callback
    def _take(self, event: Event) -> None:
        if event.event_type != EVENT_CALL_SERVICE:
            self._events.append((f"event {event.event_type}", repr(event.data)))

    def plant(self, name: str, secret: str) -> str:
        """Remember a secret, and return it."""
        assert len(secret) >= 6, f"{name} is too short to be found"
        self.secrets[name] = secret
        return secret

    def show(self, channel: str, content: object) -> None:
        """Record a text that was shown to a user or written to a log."""
        self._seen.append((channel, content if isinstance(content, str) else repr(content)))

    async def attempt(self, step: Awaitable[Any]) -> Any:
        """Carry out a step that may fail, and take down its error; its result belongs to the person who asked for it."""
        try:
            return await step
        except HomeAssistantError as err:
            self.show("exception", "".join(traceback.format_exception(err)))
            self.show("exception", repr(err.translation_placeholders))
            return None

    async def look(self, entry: ConfigEntry, hass_client: ClientSessionGenerator) -> None:
        """Record the visible data of a loaded entry."""
        await self._hass.async_block_till_done(wait_background_tasks=False)
        self.show("diagnostics", json.dumps(await get_diagnostics_for_config_entry(self._hass, hass_client, entry)))
        for state in self._hass.states.async_all():
            self.show(f"state of {state.entity_id}", state.as_dict())
        for issue in ir.async_get(self._hass).issues.values():
            self.show(f"repair {issue.issue_id}", repr(issue))
        devices, entities = dr.async_get(self._hass), er.async_get(self._hass)
        for device in dr.async_entries_for_config_entry(devices, entry.entry_id):
            self.show(f"device {device.name}", repr(device))
        for entity in er.async_entries_for_config_entry(entities, entry.entry_id):
            self.show(f"entity {entity.entity_id}", repr(entity))
        self.show("title", entry.title)

    def keep_storage(self) -> None:
        """Record the stored files before those of an entry are removed."""
        for key, content in self._storage.items():
            if not key.endswith(NEEDED):
                self.show(f"stored {key}", content)

    async def search(self) -> list[str]:
        """Return where secrets are found."""
        await self._hass.async_block_till_done(wait_background_tasks=False)
        for run in await async_list_traces(self._hass, "automation", None):
            key = f"automation.{run['item_id']}"
            self.show(f"trace of {key}", repr(await async_get_trace(self._hass, key, run["run_id"])))
        self.keep_storage()
        await async_wait_recording_done(self._hass)
        rows = await get_instance(self._hass).async_add_executor_job(self._rows)
        formatter = logging.Formatter("%(message)s")
        logs = [
            (f"log of {record.name}", formatter.format(record))
            for record in self._caplog.records
            if record.name.startswith(OURS)
            or (record.levelno >= logging.WARNING and record.name.startswith(("homeassistant", "aiohttp")))
        ]
        assert rows
        assert logs
        assert self._events
        everything = (*self._events, *self._seen, *rows, *logs)
        return [found for channel, text in everything for found in self._in(channel, text)]

    def _in(self, channel: str, text: str) -> Iterator[str]:
        for name, secret in self.secrets.items():
            for spelling in spellings(secret):
                if (at := text.find(spelling)) >= 0:
                    yield f"{name} in {channel}: {text[max(0, at - 200) : at + 100]}"
                    break

    def _rows(self) -> list[tuple[str, str]]:
        """Return the rows of the recorder's database."""
        with get_instance(self._hass).get_session() as session:
            left_out = set() if self._calls else _called(session)
            return [
                (f"recorder's {table.name}", repr(row))
                for table in Base.metadata.sorted_tables
                for row in session.execute(select(table))
                if table.name != "event_data" or row.data_id not in left_out
            ]


def _called(session: Any) -> set[int]:
    tables = Base.metadata.tables
    events, types = tables["events"], tables["event_types"]
    query = (
        select(events.c.data_id)
        .join(types, events.c.event_type_id == types.c.event_type_id)
        .where(types.c.event_type == EVENT_CALL_SERVICE)
    )
    return {row.data_id for row in session.execute(query)}


@cache
def spellings(secret: str) -> frozenset[str]:
    """Return how a secret may be written: as it is, escaped for URLs or JSON, or in base64."""
    raw = secret.encode()
    base64 = b64encode(raw).decode().rstrip("=")
    return frozenset({secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64, raw.hex()})
