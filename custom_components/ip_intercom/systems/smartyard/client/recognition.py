"""Faces and license plates that open a door by themselves (field notes 5, ``frs`` and ``lprs``)."""

from dataclasses import dataclass, field

from ...common.errors import UnexpectedReply
from ...common.parse import text, texts
from .client import SmartYardClient
from .endpoints import ADD_PLATE, DISLIKE, FACES, LIKE, PLATES, REMOVE_PLATE
from .values import number


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face that is let in; ``image`` is the address of its picture."""

    id: str
    image: str | None = field(default=None, repr=False)
    group_id: str | None = None


class Recognition:
    """``/frs`` and ``/lprs``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def faces(self, flat_id: str) -> tuple[KnownFace, ...]:
        """Return the faces that are let in.

        Raises:
            InvalidRequest: The server recognizes none.
        """
        found = await self._client.rows(FACES, flatId=number(flat_id))
        return tuple(
            KnownFace(face_id, text(row.get("image")), text(row.get("groupId")))
            for row in found
            if (face_id := text(row.get("faceId"))) is not None
        )

    async def like(self, event: str, comment: str = "") -> str | None:
        """Let in the face of an event of the journal from now on; returns its id."""
        return text((await self._client.record(LIKE, event=event, comment=comment)).get("faceId"))

    async def dislike(
        self, *, event: str | None = None, flat_id: str | None = None, face_id: str | None = None
    ) -> None:
        """Let a face in no more: that of an event, or one of a flat."""
        await self._client.call(
            DISLIKE,
            event=event,
            flatId=None if flat_id is None else number(flat_id),
            faceId=None if face_id is None else number(face_id),
        )

    async def plates(self, flat_id: str) -> tuple[str, ...]:
        """Return the license plates that open the gate.

        Raises:
            UnexpectedReply: It is no list.
        """
        found = await self._client.call(PLATES, flatId=number(flat_id))
        # A list from which something was taken comes as an object.
        listed = list(found.values()) if isinstance(found, dict) else found
        if listed is not None and not isinstance(listed, list):
            raise UnexpectedReply(f"{PLATES.path} answered without a list")
        return texts(listed)

    async def add_plate(self, flat_id: str, plate: str) -> None:
        """Let a license plate open the gate.

        Raises:
            InvalidRequest: It is no license plate.
        """
        await self._client.call(ADD_PLATE, flatId=number(flat_id), number=plate)

    async def remove_plate(self, flat_id: str, plate: str) -> None:
        """Let a license plate open the gate no more.

        Raises:
            InvalidRequest: It is no license plate.
        """
        await self._client.call(REMOVE_PLATE, flatId=number(flat_id), number=plate)
