"""Icons exist in the frontend."""

import json
from pathlib import Path

from tests.reference.icons import VERIFIED, used


def test_each_icon_was_found_in_the_frontend() -> None:
    """After a change, run `python -m tests.reference.icons` in the environment of the demo."""
    assert used()
    assert sorted(used()) == json.loads(Path(VERIFIED).read_text(encoding="utf-8"))
