"""Talk at an Akuvox: by calls, because its API carries no sound."""

from ..common.talk import DirectTalk
from .cameras import MAIN, AkuvoxCameras


def talk_at(host: str | None, port: int, cameras: AkuvoxCameras) -> DirectTalk:
    """Return the line to a device, with its main stream."""
    talk = DirectTalk(host, port)
    talk.show(cameras, MAIN)
    return talk
