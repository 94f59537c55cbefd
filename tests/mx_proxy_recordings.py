"""The recordings of a published MX Proxy: requests and its replies, byte for byte, if available."""

from pathlib import Path

from .recordings import CAPTURES, Recording, read

__all__ = ["FILES", "PUSHES", "Recording", "pushed", "read"]

FILES = sorted((CAPTURES / "mx-proxy").glob("*.http"))
PUSHES = sorted((CAPTURES / "mx-proxy").glob("push/*.http"))


def pushed(file: Path) -> bytes:
    """Read the body of a push."""
    return file.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2]
