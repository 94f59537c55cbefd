"""Still images of cameras, from images or short videos."""

from io import BytesIO

from homeassistant.exceptions import HomeAssistantError

from ..coordinator import IntercomCoordinator
from ..entity import require_feature
from ..helpers.errors import translated_error
from ..model.parts import CameraId

# The type of the first box of an MP4 (ISO/IEC 14496-12), after its length.
_MARK = slice(4, 8), b"ftyp"


def is_film(content: bytes) -> bool:
    """Return whether this is an MP4."""
    place, mark = _MARK
    return content[place] == mark


def first_frame(film: bytes) -> bytes | None:
    """Return the first picture of a film as a JPEG, None where there is none that can be read; this takes a while."""
    import av  # noqa: PLC0415  # a large library, imported in the executor when the first film comes

    try:
        with av.open(BytesIO(film), "r") as container:
            for frame in container.decode(video=0):
                jpeg = BytesIO()
                frame.to_image().save(jpeg, "JPEG")  # type: ignore[no-untyped-call]  # its stub forgets the type
                return jpeg.getvalue()
    except av.FFmpegError, IndexError:  # nonsense, or a film without pictures
        pass
    return None


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
