"""Pictures: what cameras see, and the faces of callers."""

from datetime import UTC, datetime

from tests.simulators.common.scene import draw_frame

from .timezone import ZONE

SIZE = (640, 480)


def scene(name: str, now: int, *, camera: int, visitor: bool) -> bytes:
    """Return a JPEG; its comment says of which camera and when it is."""
    moment = datetime.fromtimestamp(now, UTC).astimezone(ZONE)
    # The font has Latin letters only.
    latin = name if name.isascii() else f"camera {camera}"
    facts = {"camera": camera, "time": now, "visitor": visitor}
    return draw_frame("internal", SIZE, (latin, f"{moment:%d.%m.%Y %H:%M:%S}"), facts, visitor=visitor)
