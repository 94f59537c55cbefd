"""Output of the checks: a line for each check, and the reason of a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
import sys
import time


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Checks:
    """Counts the successful checks."""

    def __init__(self) -> None:
        """Start without checks."""
        self.passed = 0

    @contextmanager
    def __call__(self, what: str) -> Iterator[list[str]]:
        """Run a check; texts that it appends to the list are printed after its line."""
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
