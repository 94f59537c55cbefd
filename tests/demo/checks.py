"""Telling what was checked: a line for each check, and the reason of the one that failed."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys
import time


def say(text: str = "") -> None:
    """Write a line for people at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Checks:
    """Counts what passed."""

    def __init__(self) -> None:
        """Begin with none."""
        self.passed = 0

    @contextmanager
    def __call__(self, what: str) -> Iterator[list[str]]:
        """Check something; what is appended to the list is written behind the line."""
        details: list[str] = []
        start = time.monotonic()
        try:
            yield details
        except Exception as error:
            reason = str(error) or type(error).__name__
            say(f"  FAILED {what}: {reason}")
            raise
        self.passed += 1
        taken = f"{time.monotonic() - start:.1f} s"
        say(f"  ok  {what} ({', '.join([*details, taken])})")
