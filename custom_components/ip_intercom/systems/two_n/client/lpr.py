"""License plates that a camera has read (HTTP API 5.16)."""

from base64 import b64encode
from zlib import crc32

from ...common.errors import UnexpectedReply
from .client import TwoNClient
from .endpoints import LPR_IMAGE, LPR_LICENSEPLATE

_MAX_IMAGE = 1024 * 1024


class Lpr:
    """``/api/lpr``."""

    def __init__(self, client: TwoNClient) -> None:
        self._client = client

    async def recognize(
        self,
        uuid: str,
        point: int,
        plate: str,
        image: bytes | None = None,
        arrival: int | None = None,
        direction: int | None = None,
    ) -> None:
        """Let a car in or refuse it (HTTP API 5.16.1).

        Args:
            uuid: Of the recognition; the device ignores one of the last ten again.
            point: 0 to come in, 1 to go out.
            plate: Text of the plate.
            image: JPEG of up to 256 KiB.
            arrival: The ``lprID`` of firmware 2.40 and newer: the same number for each recognition of a car that
                comes once. Made from ``uuid`` for None, since that firmware insists on one.
            direction: 0 unknown, 1 in or out, 2 in, 3 out; firmware 2.40 and newer.

        Raises:
            InvalidRequest: A value that the device does not take.
        """
        body: dict[str, object] = {
            "lprUuid": uuid,
            "accessPoint": point,
            "plateText": plate,
            "lprID": crc32(uuid.encode()) & 0x7FFFFFFF if arrival is None else arrival,
        }
        if image is not None:
            body["plateImage"] = b64encode(image).decode()
        if direction is not None:
            body["lprDir"] = direction
        await self._client.call(LPR_LICENSEPLATE, body=body)

    async def image(self, plate: str) -> bytes:
        """Return the JPEG in which a plate was read, of the last five (HTTP API 5.16.2).

        Raises:
            NoData: There is none.
        """
        reply = await self._client.fetch(LPR_IMAGE, {"plateText": plate}, max_bytes=_MAX_IMAGE)
        if not reply.body.startswith(b"\xff\xd8"):
            raise UnexpectedReply("the picture of the plate is no JPEG")
        return reply.body
