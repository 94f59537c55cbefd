"""Lets the test harness run with a Home Assistant that is newer than the one it was made for.

A pytest plugin (``-p tests.newer_home_assistant``) of ``.ci/with-home-assistant``. What a newer harness does itself can go.
"""

# Home Assistant 2026.11 puts httpx2 in the place of httpx when it is imported, and refuses if another plugin is first.
from homeassistant.components import logger

# The harness of 2026.10 imports a function that 2026.11 moved.
if not hasattr(logger, "_clear_logger_overwrites"):
    from homeassistant.components.logger import helpers

    logger.__dict__["_clear_logger_overwrites"] = helpers.__dict__["_clear_logger_overwrites"]
