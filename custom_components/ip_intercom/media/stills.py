"""Still images of cameras, from JPEG images or short videos."""

from io import BytesIO

from homeassistant.exceptions import HomeAssistantError

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import translated_error
from ..model.parts import CameraId

# The type of the first box of an MP4 (ISO/IEC 14496-12), after its length.
_MARK = slice(4, 8), b"ftyp"


def is_video(content: bytes) -> bool:
    """Return whether the content is an MP4."""
    place, mark = _MARK
    return content[place] == mark


def first_frame(video: bytes) -> bytes | None:
    """Return the first frame of a video as a JPEG, None if it cannot be decoded; slow, so it runs in the executor."""
    import av  # noqa: PLC0415  # a large library, imported in the executor for the first video

    try:
        with av.open(BytesIO(video), "r") as container:
            for frame in container.decode(video=0):
                jpeg = BytesIO()
                frame.to_image().save(jpeg, "JPEG")  # type: ignore[no-untyped-call]  # the stub lacks the type
                return jpeg.getvalue()
    except av.FFmpegError, IndexError:  # invalid, or a video without frames
        pass
    return None


async def async_still(
    coordinator: IntercomCoordinator, camera: CameraId, width: int | None, height: int | None, seconds_back: int = 0
) -> bytes:
    """Return a JPEG of the nearest available size, from ``seconds_back`` if the device supports that."""
    cameras = require_feature(coordinator, coordinator.features.cameras, "no_camera")
    content = await coordinator.async_command(cameras.snapshot(camera, width, height, seconds_back))
    if not is_video(content):
        return content
    picture = await coordinator.hass.async_add_executor_job(first_frame, content)
    if picture is None:
        raise translated_error(HomeAssistantError, "unexpected_reply", device=coordinator.name)
    return picture
