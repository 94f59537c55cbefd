"""The intercom settings of a flat (field notes 5, ``address/intercom``)."""

from dataclasses import dataclass, field
from datetime import datetime

from ...common.parse import Fields, flag, integer, text
from .values import letter, moment, written

# A guest's door that opens by itself until a moment that is over does so no more; so the apps end it.
OFF = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class IntercomSettings:
    """How the intercom of a flat behaves; None for what it does not have.

    Attributes:
        allow_door_code: The door opens by a code.
        door_code: That code.
        cms: The handset in the flat rings.
        voip: This device gets calls.
        auto_open: Until when the door opens for visitors, in the server's zone; long ago where it does not.
        white_rabbit: Minutes for which the door opens for visitors after the flat's code was entered; 0 for never.
        disable_log: No journal is kept.
        hidden_log: The journal is for the owner only.
        frs_disabled: Faces are not recognized.
        lprs_disabled: License plates are not recognized.
        paranoid: Everything that happens is told.
        paper_bill: Bills come on paper.
    """

    allow_door_code: bool | None = None
    door_code: str | None = field(default=None, repr=False)
    cms: bool | None = None
    voip: bool | None = None
    auto_open: datetime | None = None
    white_rabbit: int | None = None
    disable_log: bool | None = None
    hidden_log: bool | None = None
    frs_disabled: bool | None = None
    lprs_disabled: bool | None = None
    paranoid: bool | None = None
    paper_bill: bool | None = None


@dataclass(frozen=True, slots=True)
class IntercomChanges:
    """What is to be changed, as in ``IntercomSettings``; what is None stays. ``OFF`` ends ``auto_open``."""

    allow_door_code: bool | None = None
    cms: bool | None = None
    voip: bool | None = None
    auto_open: datetime | None = None
    white_rabbit: int | None = None
    disable_log: bool | None = None
    hidden_log: bool | None = None
    frs_disabled: bool | None = None
    lprs_disabled: bool | None = None
    paranoid: bool | None = None
    paper_bill: bool | None = None


def intercom_settings(found: Fields) -> IntercomSettings:
    """Return settings that came."""
    return IntercomSettings(
        allow_door_code=flag(found.get("allowDoorCode")),
        door_code=text(found.get("doorCode")),
        cms=flag(found.get("CMS")),
        voip=flag(found.get("VoIP")),
        auto_open=moment(found.get("autoOpen")),
        white_rabbit=integer(found.get("whiteRabbit")),
        disable_log=flag(found.get("disablePlog")),
        hidden_log=flag(found.get("hiddenPlog")),
        frs_disabled=flag(found.get("FRSDisabled")),
        lprs_disabled=flag(found.get("LPRSDisabled")),
        paranoid=flag(found.get("paranoid")),
        paper_bill=flag(found.get("paperBill")),
    )


def intercom_changes(changes: IntercomChanges) -> dict[str, str]:
    """Return what changes as the API wants it."""
    minutes = changes.white_rabbit
    values = {
        "enableDoorCode": letter(changes.allow_door_code),
        "CMS": letter(changes.cms),
        "VoIP": letter(changes.voip),
        "autoOpen": written(changes.auto_open),
        "whiteRabbit": None if minutes is None else str(minutes),
        "disablePlog": letter(changes.disable_log),
        "hiddenPlog": letter(changes.hidden_log),
        "FRSDisabled": letter(changes.frs_disabled),
        "LPRSDisabled": letter(changes.lprs_disabled),
        "paranoid": letter(changes.paranoid),
        "paperBill": letter(changes.paper_bill),
    }
    return {name: value for name, value in values.items() if value is not None}
