"""Pure functions: no Home Assistant, no sockets."""

import pytest


@pytest.fixture(autouse=True)
def integration() -> None:
    """Nothing of Home Assistant is needed here."""
