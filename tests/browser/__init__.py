"""Runs in a real browser: the door card and the pop-up alone, and in the demo; see `scripts/browser`."""
