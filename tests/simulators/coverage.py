"""What clients really used of a simulated system, for `scripts/api-coverage`; nothing unless the variable is set."""

from collections.abc import Iterable
from functools import cache
import json
import os
from pathlib import Path

VARIABLE = "IP_INTERCOM_API_COVERAGE"


class Recorder:
    """Appends each function that answered and each event that was delivered, once per process."""

    def __init__(self, system: str) -> None:
        """The file is made at the first line."""
        self._system = system
        self._folder = os.environ.get(VARIABLE)

    def request(self, method: str, path: str, *, success: bool) -> None:
        """A request was answered; `path` is as the manual writes it."""
        self._append("request", method, path, success)

    def event(self, name: str) -> None:
        """An event reached a client."""
        self._append("event", name)

    def push(self, kind: str, fields: Iterable[str]) -> None:
        """A push was taken, with these fields."""
        self.event(kind)
        for name in fields:
            self._append("field", name)

    def _append(self, *record: str | bool) -> None:
        if self._folder:
            _write(self._folder, self._system, record)


@cache
def _write(folder: str, system: str, record: tuple[str | bool, ...]) -> None:
    # Not with open(): Home Assistant's tests watch their event loop for it.
    path = Path(folder, f"{system}-{os.getpid()}.jsonl")
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, f"{json.dumps(record)}\n".encode())
    finally:
        os.close(file)
