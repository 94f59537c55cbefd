"""Reading multipart/form-data piece by piece (HTTP API 2.2): a firmware has 30 MB, the device does not."""

from aiohttp import BodyPartReader, web

from tests.simulators.common.blob import Blob, Limit

from .blob import LIMITS, PREFIX
from .envelope import ApiError, Code, Params, action_failed

CHUNK = 2**16
# Simple parameters are short texts.
SIMPLE = Limit(2**16, 2**16)
UNKNOWN = Limit(0, 256 * 2**20)


async def read_multipart(request: web.BaseRequest, params: Params, blobs: dict[str, Blob]) -> None:
    """Read every part; later ones replace earlier ones. Answers 13 for a part that is too big, once all is read."""
    too_big: str | None = None
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise action_failed()
            name = part.name or ""
            large = name.startswith(PREFIX)
            blob = Blob(LIMITS.get(name, UNKNOWN) if large else SIMPLE)
            while chunk := await part.read_chunk(CHUNK):
                blob.feed(bytes(chunk))
            if blob.too_big:
                too_big = name
            elif large:
                blobs[name] = blob
            elif name:
                params[name] = blob.data.decode()
    except ValueError:
        raise action_failed() from None
    if too_big is not None:
        raise ApiError(Code.TOO_BIG, too_big)
