"""The functions that a system package provides to the table of systems."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import ClientSession

from ...model.features import System
from ...model.state import Description
from .errors import IntercomError

type Find = Callable[
    [ClientSession, str, Mapping[str, Any], bool, str | None], Awaitable[tuple[dict[str, Any], Description]]
]
type Create = Callable[[ClientSession, Mapping[str, Any], Mapping[str, Any], Mapping[str, object] | None], System]


class Recognize(Protocol):
    """Check whether a device at an address belongs to this system; ``likely`` if its MAC address suggests it."""

    def __call__(self, session: ClientSession, address: str, *, likely: bool) -> Awaitable[bool]:
        """Query the device."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The functions of a system.

    Attributes:
        find: Finds a device by its address and logs in.
        create: Returns the system of an entry.
        recognizes: Returns whether a device belongs to this system; None if only ``find`` can determine it.
        refusal: Returns why an unidentified device rejects requests from this host; None if it does not.
    """

    find: Find
    create: Create
    recognizes: Recognize | None = None
    refusal: Callable[[ClientSession, str], Awaitable[IntercomError | None]] | None = None
