"""The offers and pages of the operator (field notes 5, ``ext``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...common.parse import Fields, flag, integer, text
from .client import SmartYardClient
from .endpoints import EXTENSION, EXTENSIONS, OPTIONS

TIME_ZONE = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the operator has set up the service; None for what it does not tell.

    Attributes:
        time_zone: Of all times that come without one.
        city_cameras: There are cameras of the city.
        payments: Bills can be paid.
        payments_url: Where.
        chat: There is a chat.
        chat_url: Where.
        issues: Requests can be made.
        issues_version: Which kind of them.
        support_phone: Phone number for help.
        guest_access: ``turnOnOnly`` or ``turnOnAndOff``.
        version: Of the API.
        cctv_view: How cameras are shown: ``list``, ``tree`` or ``userDefined``.
        entrances_view: How doors are shown: ``list`` or ``preview``.
        active_tab: What the app shows first.
        events_tracking: Events can be tracked.
        stories: There are stories.
        face_groups: Faces are in groups.
        face_clustering: Faces are sorted.
    """

    time_zone: str = TIME_ZONE
    city_cameras: bool | None = None
    payments: bool | None = None
    payments_url: str | None = None
    chat: bool | None = None
    chat_url: str | None = None
    issues: bool | None = None
    issues_version: str | None = None
    support_phone: str | None = None
    guest_access: str | None = None
    version: str | None = None
    cctv_view: str | None = None
    entrances_view: str | None = None
    active_tab: str | None = None
    events_tracking: bool | None = None
    stories: bool | None = None
    face_groups: bool | None = None
    face_clustering: bool | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """A page of the operator's: ``icon`` is SVG, ``highlight`` a dot that there is something new."""

    id: str
    caption: str = ""
    icon: str | None = field(default=None, repr=False)
    order: int | None = None
    highlight: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page in HTML, and the address that its links are relative to; ``version`` is 1 or 2."""

    html: str = field(repr=False)
    base: str | None = None
    version: int = 1


class Ext:
    """``/ext``."""

    def __init__(self, client: SmartYardClient) -> None:
        self._client = client

    async def options(self) -> ServerOptions:
        """Return how the operator has set up the service."""
        found = await self._client.record(OPTIONS)
        return ServerOptions(
            time_zone=text(found.get("timeZone")) or TIME_ZONE,
            city_cameras=flag(found.get("cityCams")),
            payments=flag(found.get("payments")),
            payments_url=text(found.get("paymentsUrl")),
            chat=flag(found.get("chat")),
            chat_url=text(found.get("chatUrl")),
            issues=flag(found.get("issues")),
            issues_version=text(found.get("issuesVersion")),
            support_phone=text(found.get("supportPhone")),
            guest_access=text(found.get("guestAccess")),
            version=text(found.get("version")),
            cctv_view=text(found.get("cctvView")),
            entrances_view=text(found.get("entrancesView")),
            active_tab=text(found.get("activeTab")),
            events_tracking=flag(found.get("eventsTracking")),
            stories=flag(found.get("stories")),
            face_groups=flag(found.get("faceGroups")),
            face_clustering=flag(found.get("faceClustering")),
        )

    async def list(self) -> tuple[Extension, ...]:
        """Return the operator's pages."""
        found = await self._client.rows(EXTENSIONS)
        return tuple(page for row in found if (page := extension(row)) is not None)

    async def page(self, ext_id: str, values: Mapping[str, str] | None = None) -> Page | None:
        """Return a page, None where there is none.

        Args:
            ext_id: Which.
            values: What it wants to know.
        """
        params = None if values is None else [{"id": name, "value": value} for name, value in values.items()]
        return page(await self._client.record(EXTENSION, extId=ext_id, params=params))


def extension(row: Fields) -> Extension | None:
    """Return a page of the operator's, None where it has no id."""
    ext_id = text(row.get("extId"))
    if ext_id is None:
        return None
    return Extension(
        ext_id,
        text(row.get("caption")) or "",
        text(row.get("icon")),
        integer(row.get("order")),
        flag(row.get("highlight")) or False,
    )


def page(found: Fields) -> Page | None:
    """Return a page in HTML, None where there is none."""
    html = text(found.get("code"))
    return None if html is None else Page(html, text(found.get("basePath")), integer(found.get("version")) or 1)
