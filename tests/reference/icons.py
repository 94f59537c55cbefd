"""The icons of `icons.json`, checked against those that the frontend ships.

The frontend is in the environment of the demo only. There, `python -m tests.reference.icons` writes the names that it
found to `tests/data/icons.json`; a test compares them with those that are used.
"""

from importlib import import_module
import json
from pathlib import Path
import re
import sys

ICONS = Path("custom_components/ip_intercom/icons.json")
VERIFIED = Path("tests/data/icons.json")


def used() -> set[str]:
    """Return the names in `icons.json`, without their prefix."""
    return set(re.findall(r'"mdi:([a-z0-9-]+)"', ICONS.read_text(encoding="utf-8")))


def shipped() -> set[str]:
    """Return the names that the frontend has."""
    folder = Path(import_module("hass_frontend").where()) / "static" / "mdi"
    parts = json.loads((folder / "iconMetadata.json").read_text(encoding="utf-8"))["parts"]
    return {
        name for part in parts for name in json.loads((folder / f"{part['file']}.json").read_text(encoding="utf-8"))
    }


def main() -> None:
    """Write the names that are used and shipped; fail if others are used."""
    wanted, known = used(), shipped()
    VERIFIED.write_text(json.dumps(sorted(wanted & known), indent=2) + "\n", encoding="utf-8")
    if wanted - known:
        sys.exit(f"unknown icons: {', '.join(sorted(wanted - known))}")


if __name__ == "__main__":
    main()
