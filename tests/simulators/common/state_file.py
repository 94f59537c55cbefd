"""What a device has on its flash: lines of JSON in a file, which a kill of the simulator's process leaves."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

type Json = dict[str, Any]


class StateFile:
    """Appends lines; without a path, nothing is kept."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep lines in that file, behind those that are there."""
        self._path = path

    @property
    def certificate(self) -> Path | None:
        """Where the certificate of the device is kept, beside the lines."""
        return None if self._path is None else self._path.with_suffix(".pem")

    def write(self, **line: Any) -> None:
        """Append a line. The operating system has it when this returns."""
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")

    def lines(self) -> Iterator[Json]:
        """Return the lines that earlier processes wrote; the last one may be cut off."""
        if self._path is None or not self._path.exists():
            return
        kept = self._path.read_bytes()
        if not kept.endswith(b"\n"):
            with self._path.open("ab") as file:
                file.write(b"\n")
        for line in kept.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
