"""Still images of cameras, from images or short videos."""

from homeassistant.exceptions import HomeAssistantError

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import translated_error
from ..model import CameraId
from .films import first_frame, is_film


async def async_still(
    coordinator: IntercomCoordinator, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0
) -> bytes:
    """Return a JPEG of the size nearest to the one asked for, as old as asked for if the device can."""
    cameras = require_feature(coordinator, coordinator.features.cameras, "no_camera")
    content = await coordinator.async_command(cameras.snapshot(camera, width, height, seconds_back))
    if not is_film(content):
        return content
    picture = await coordinator.hass.async_add_executor_job(first_frame, content)
    if picture is None:
        raise translated_error(HomeAssistantError, "unexpected_reply", device=coordinator.name)
    return picture
