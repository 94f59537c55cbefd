"""Recordings of published servers, if available: requests and their replies, byte for byte."""

from dataclasses import dataclass
from pathlib import Path

CAPTURES = Path(__file__).parents[2] / "shared" / "captures"


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: a request and its reply."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    reply_headers: dict[str, str]
    reply: bytes


def read(file: Path) -> Recording:
    """Read a file; the lines of its heads end with a line feed only."""
    sent, _, received = file.read_bytes().replace(b"\r\n", b"\n").partition(b"--- response")
    head, _, body = sent.partition(b"\n\n")
    reply_head, _, reply = received.partition(b"\n")[2].partition(b"\n\n")
    request_line, *lines = head.decode().splitlines()
    status_line, *reply_lines = reply_head.decode().splitlines()
    method, path, _ = request_line.split(" ")
    return Recording(
        method, path, _headers(lines), body.strip(), int(status_line.split()[1]), _headers(reply_lines), reply
    )


def _headers(lines: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines)
