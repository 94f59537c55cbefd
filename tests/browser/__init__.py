"""Runs in a real browser: the door card and the pop-up alone, in the demo, and an installation; see `scripts/browser`."""
