"""One account of a SmartYard in the neutral model: finding out what it has, and reading its state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from aiohttp import ClientSession

from ...api.smartyard import Camera, Flat, IntercomCamera, SmartYard
from ...api.smartyard.push import CallPush, TextPush, parse
from ...facets import Bells, Facets
from ...model import Control, Description, PlaceId, Reading, Setting, SettingId, State
from ..forwarded import ForwardedPush
from ..parts import offered
from ..privacy import Privacy
from .cameras import Feeds, SmartYardArchive, SmartYardCameras
from .doors import SmartYardDoors
from .identity import description_of, identity_of
from .log import SmartYardLog
from .messages import SmartYardMessages, SmartYardWatches
from .moments import ServerTime, zone_named
from .places import CAMERA, Town, doors_of, flat_place, town_of
from .preferences import SmartYardCodes, SmartYardPreferences, account_settings, flat_settings
from .push_service import SmartYardPushService
from .records import Recorder, SmartYardHistory
from .telephones import SmartYardSip
from .visitors import SmartYardVisitors


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user has told of an account.

    Attributes:
        names: Names of keys and number plates may be told.
        push: Pushes were set up, by a forwarder or by Google's service.
        push_route: By which name the operator knows the forwarder, where it is one of its own.
        verify: Certificates are to be verified, those of servers of cameras as well.
    """

    names: bool = True
    push: bool = False
    push_route: str | None = None
    verify: bool = True


class SmartYardSystem:
    """One account.

    Args:
        session: For requests to the servers of cameras.
        yard: Its client, logged in.
        account: Its id.
        cursor: How far its events were read before, as ``Delivery.cursor``; None begins now.
        choices: What the user has told.
    """

    def __init__(
        self,
        session: ClientSession,
        yard: SmartYard,
        account: str,
        cursor: Mapping[str, object] | None = None,
        choices: Choices | None = None,
    ) -> None:
        """See the class."""
        choices = choices or Choices()
        self._yard = yard
        self._identity = identity_of(account, yard.transport.base)
        self._town = Town()
        self._time = ServerTime()
        # None while no list of them was to be had.
        self._cameras: tuple[Camera, ...] | None = None
        self._intercoms: tuple[IntercomCamera, ...] | None = None
        self._settings: dict[SettingId, Setting] = {}
        self._codes: dict[PlaceId, str | None] = {}

        def town() -> Town:
            return self._town

        recorder = Recorder(town, self._time, Privacy(names=choices.names))
        visitors = SmartYardVisitors(yard)
        self._feeds = Feeds(yard, town)
        sip = SmartYardSip(yard)
        self._log = SmartYardLog(
            yard, town, self._time, recorder, visitors, sip, stored=cursor, expects_pushes=choices.push
        )
        push_service = SmartYardPushService(yard)
        codes = SmartYardCodes(yard, town, self._time)
        self.log: SmartYardLog | None = None
        self.facets = Facets()
        self._facets = Facets(
            archive=SmartYardArchive(yard, self._feeds, self._time),
            cameras=SmartYardCameras(session, self._feeds, self._time, verify=choices.verify),
            doors=SmartYardDoors(yard, town),
            flat_codes=codes,
            history=SmartYardHistory(yard, town, recorder),
            messages=SmartYardMessages(yard, self._log.count_soon),
            preferences=SmartYardPreferences(yard, town, codes),
            push=ForwardedPush[CallPush | TextPush](
                lambda message: parse(message.query, message.body),
                self._log.hear,
                partial(push_service.route, choices.push_route) if choices.push_route else None,
            ),
            push_service=push_service,
            sip_accounts=sip,
            visitors=visitors,
            watches=SmartYardWatches(yard, town),
        )

    # -- what the account has --------------------------------------------------------------------

    async def connect(self, controls: frozenset[Control] | None) -> Description:
        """Find out what the account has.

        Raises:
            IntercomError: The server is out of reach, or refuses the token.
        """
        await self.close()  # of an attempt before
        return await self.describe()

    async def describe(self) -> Description:
        """Find out anew what the account has.

        Raises:
            IntercomError: Not everything could be found out; nothing is known to have changed.
        """
        yard = self._yard
        options = await offered("options", yard.ext.options())
        if options is not None:
            self._time.zone = await zone_named(options.time_zone)
        houses = await yard.address.houses()
        flats = await yard.address.settings()
        cameras = await offered("cameras", yard.cameras.all())
        intercoms = await offered("cameras of intercoms", yard.cameras.of_intercoms())
        # A list that is not to be had now takes no cameras away, with all that people made of them.
        cameras = self._cameras if cameras is None else cameras
        intercoms = self._intercoms if intercoms is None else intercoms
        town = town_of(houses, flats, cameras or (), intercoms or ())
        settings, codes = await self._read_settings(flats)
        unread = await offered("unread messages", yard.inbox.unread())
        if unread is not None:
            self._log.counted(unread)
        self._cameras, self._intercoms = cameras, intercoms
        self._town, self._settings, self._codes = town, settings, codes
        self._feeds.forget()
        self._log.houses_known()
        self.log, self.facets = self._log, self._facets
        state = State(
            places=town.places,
            doors=town.doors,
            bells=town.bells,
            cameras=town.cameras,
            settings=settings,
            door_codes=codes,
            ringing={bell: bell in self._log.ringing for bell in town.bells},
            unread_messages=None if unread is None else unread.messages,
            pushes=self._log.arrivals.state,
        )
        return description_of(self._identity, state, frozenset({CAMERA} if cameras is None else ()))

    async def _read_settings(
        self, flats: tuple[Flat, ...]
    ) -> tuple[dict[SettingId, Setting], dict[PlaceId, str | None]]:
        """Return settings and codes; those of a flat that does not tell them now stay."""
        settings: dict[SettingId, Setting] = {}
        codes: dict[PlaceId, str | None] = {}
        for flat in flats:
            place = flat_place(flat.id)
            found = await offered("settings of a flat", self._yard.address.intercom(flat.id))
            if found is None:
                settings |= {known: setting for known, setting in self._settings.items() if setting.place == place}
                codes[place] = flat.code
                continue
            settings |= flat_settings(flat.id, found, self._time)
            codes[place] = None if found.allow_door_code is False else found.door_code or flat.code
        notification = await offered("notifications", self._yard.user.notification())
        if notification is None:
            return settings | {known: one for known, one in self._settings.items() if one.place is None}, codes
        return settings | account_settings(notification), codes

    async def _finds_lists(self) -> bool:
        """Return whether a list is to be had by now that never was."""
        cameras = self._yard.cameras
        if self._cameras is None and await offered("cameras", cameras.all()) is not None:
            return True
        if self._intercoms is not None:
            return False
        return await offered("cameras of intercoms", cameras.of_intercoms()) is not None

    # -- reading ---------------------------------------------------------------------------------

    async def read(self) -> Reading:
        """Read which doors are blocked, how flats behave, and how much is unread.

        Raises:
            IntercomError: The server is out of reach, or refuses the token.
        """
        yard = self._yard
        houses = await yard.address.houses()
        flats = await yard.address.settings()
        doors = doors_of(houses)
        known = {door: doors.get(door, before) for door, before in self._town.doors.items()}
        moved = doors.keys() != self._town.doors.keys() or {flat.id for flat in flats} != self._town.flats.keys()
        self._town = replace(self._town, doors=known)
        if moved or await self._finds_lists():
            self._log.houses_changed()
        self._settings, self._codes = await self._read_settings(flats)
        unread = await offered("unread messages", yard.inbox.unread())
        if unread is not None:
            self._log.counted(unread)
        return Reading(
            # New ones come with their places.
            doors={known: door for known, door in doors.items() if known in self._town.doors},
            settings=self._settings,
            door_codes=self._codes,
            unread_messages=None if unread is None else unread.messages,
        )

    async def read_bells(self) -> Bells | None:
        """Return None: bells come with the doors."""
        return None

    async def examine(self) -> Mapping[str, object]:
        """Return how much there is, what the server says of itself, and whether pushes arrive.

        Raises:
            IntercomError: The server is out of reach.
        """
        options = await self._yard.ext.options()
        town = self._town
        return {
            "places": len(town.places),
            "cameras": sorted(camera.server_type for camera in town.feeds.values()),
            "flats": len(town.flats),
            "journals": sum(flat.has_log is not False for flat in town.flats.values()),
            "pushes": self._log.arrivals.state.value,
            "time_zone": options.time_zone,
            "version": options.version,
        }

    async def close(self) -> None:
        """End looking. The account stays logged in: there is nothing to end."""
        await self._log.close()
