"""What people set at a SmartYard: how the intercom of a flat behaves, and what is told to them (field notes 5)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from ...api.errors import InvalidRequest, NoData
from ...api.smartyard import OFF, IntercomChanges, IntercomSettings, Notification, SmartYard
from ...model import PlaceId, Setting, SettingId
from .moments import ServerTime
from .places import Town, flat_place

# What is on or off, by the names of the client.
_SWITCHES: Mapping[str, Callable[[bool], IntercomChanges]] = {
    "allow_door_code": lambda on: IntercomChanges(allow_door_code=on),
    "cms": lambda on: IntercomChanges(cms=on),
    "voip": lambda on: IntercomChanges(voip=on),
    "hidden_log": lambda on: IntercomChanges(hidden_log=on),
    "disable_log": lambda on: IntercomChanges(disable_log=on),
    "frs_disabled": lambda on: IntercomChanges(frs_disabled=on),
    "lprs_disabled": lambda on: IntercomChanges(lprs_disabled=on),
    "paranoid": lambda on: IntercomChanges(paranoid=on),
    "paper_bill": lambda on: IntercomChanges(paper_bill=on),
}
_WHITE_RABBIT, _GUESTS = "white_rabbit", "open_for_guests"
# Minutes that the server takes; all else it takes for none.
_MINUTES = ("0", "1", "2", "3", "5", "7", "10")
# For so long the apps let guests in.
_GUEST_TIME = timedelta(hours=1)
_TEXTS, _MONEY = "text_messages", "money_messages"


def flat_settings(flat: str, found: IntercomSettings, time: ServerTime) -> dict[SettingId, Setting]:
    """Return the settings of a flat, without those that it does not have."""
    place = flat_place(flat)
    settings = [
        Setting(f"{place}_{kind}", kind, value, place=place)
        for kind in _SWITCHES
        if (value := getattr(found, kind)) is not None
    ]
    if found.white_rabbit is not None:
        minutes = str(found.white_rabbit)
        options = _MINUTES if minutes in _MINUTES else (*_MINUTES, minutes)
        settings.append(Setting(f"{place}_{_WHITE_RABBIT}", _WHITE_RABBIT, minutes, options, place))
    if found.auto_open is not None:
        is_open = found.auto_open > time.now()
        settings.append(Setting(f"{place}_{_GUESTS}", _GUESTS, is_open, place=place))
    return {setting.id: setting for setting in settings}


def account_settings(found: Notification) -> dict[SettingId, Setting]:
    """Return the settings of the account."""
    told = {_TEXTS: found.enable, _MONEY: found.money}
    return {kind: Setting(kind, kind, value) for kind, value in told.items() if value is not None}


class SmartYardPreferences:
    """Settings of the flats and of the account.

    Args:
        yard: Asked.
        town: Returns what there is.
        codes: Opens flats to guests.
    """

    def __init__(self, yard: SmartYard, town: Callable[[], Town], codes: SmartYardCodes) -> None:
        """See the class."""
        self._yard = yard
        self._town = town
        self._codes = codes

    async def set(self, setting: SettingId, value: bool | str) -> None:
        """Turn a setting on or off, or choose one of its options.

        Raises:
            NoData: There is no such setting.
            InvalidRequest: It does not take the value.
        """
        if setting == _TEXTS:
            await self._yard.user.notification(enable=bool(value))
            return
        if setting == _MONEY:
            await self._yard.user.notification(money=bool(value))
            return
        for flat in self._town().flats:
            kind = setting.removeprefix(f"{flat_place(flat)}_")
            if kind != setting and kind in {*_SWITCHES, _WHITE_RABBIT, _GUESTS}:
                await self._set(flat, kind, value)
                return
        raise NoData("no such setting")

    async def _set(self, flat: str, kind: str, value: bool | str) -> None:
        if kind == _GUESTS:
            await self._codes.let_guests_in(flat_place(flat), datetime.now(UTC) + _GUEST_TIME if value else None)
            return
        if kind == _WHITE_RABBIT:
            if value not in _MINUTES:
                raise InvalidRequest("none of the options", kind)
            changes = IntercomChanges(white_rabbit=int(value))
        else:
            changes = _SWITCHES[kind](bool(value))
        await self._yard.address.intercom(flat, changes)


class SmartYardCodes:
    """The codes that open the doors of flats, and guests who need none.

    Args:
        yard: Asked.
        town: Returns what there is.
        time: The server's.
    """

    def __init__(self, yard: SmartYard, town: Callable[[], Town], time: ServerTime) -> None:
        """See the class."""
        self._address = yard.address
        self._town = town
        self._time = time

    async def renew(self, flat: PlaceId) -> str:
        """Have another code made, and return it.

        Raises:
            NoData: There is no such flat.
        """
        return await self._address.reset_code(flat_of(self._town(), flat))

    async def let_guests_in(self, flat: PlaceId, until: datetime | None) -> None:
        """Have the doors open for whoever rings at a flat until then; None ends it.

        Raises:
            NoData: There is no such flat.
        """
        moment = OFF if until is None else self._time.local(until)
        await self._address.intercom(flat_of(self._town(), flat), IntercomChanges(auto_open=moment))


def flat_of(town: Town, place: PlaceId) -> str:
    """Return the flat of a place.

    Raises:
        NoData: There is none.
    """
    for flat in town.flats:
        if flat_place(flat) == place:
            return flat
    raise NoData("no such flat")
