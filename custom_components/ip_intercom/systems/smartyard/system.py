"""One account of a SmartYard as a system: its features and its state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession
from yarl import URL

from ...const import CONF_NAME, CONF_PHONE
from ...model.features import Features
from ...model.parts import Control, Identity, PlaceId, Setting, SettingId
from ...model.state import Description, Missing, Reading, State
from ..common.delivery import ForwardedPush
from ..common.errors import UnexpectedReply
from ..common.parts import TIMEOUT, PartReader, ServerSystem, nothing, together
from ..common.privacy import Privacy
from .account import (
    RingSwitches,
    SmartYardAccountSettings,
    SmartYardCodes,
    SmartYardMessages,
    SmartYardWatches,
    account_settings,
    flat_settings,
)
from .cameras import Feeds, SmartYardArchive, SmartYardCameras
from .client import Flat, House, Notification, ServerOptions, SmartYard
from .client.push import CallPush, TextPush, parse
from .clocks import ServerTime, zone_named
from .doors import SmartYardDoors
from .log import UNREAD, SmartYardLog
from .push_filter import SmartYardPushService
from .recordings import Recordings
from .records import Recorder, SmartYardHistory
from .topology import CAMERA, FLAT, OF_HOUSES, AccountTopology, doors_of, flat_place, topology_of
from .visitors import SmartYardSip, SmartYardVisitors

if TYPE_CHECKING:
    from .talk import SmartYardTalk


CONTROLS = frozenset({Control.DOORS})
# Digits of a phone number that are shown to distinguish accounts.
_LAST = 4

# The parts of an account, by their paths in the API.
_OPTIONS = "ext/options"
_HOUSES = "address/getAddressList"
_FLATS = "address/getSettingsList"
_CAMERAS = "cctv/all"
_INTERCOM_CAMERAS = "cctv/camMap"
_NOTIFICATION = "user/notification"
_INTERCOM = "address/intercom"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an account.

    Attributes:
        names: Show names of keys, and license plates.
        push: Pushes are configured, by a forwarder or Google's service.
        push_route: The operator's name for the forwarder, if it has one of its own.
        talk: The user wants to talk to visitors.
        verify: Verify certificates, including those of camera servers.
    """

    names: bool = True
    push: bool = False
    push_route: str | None = None
    talk: bool = False
    verify: bool = True


def mark_of(phone: str) -> str:
    """Return the last digits of a phone number for display."""
    return f"…{phone[-_LAST:]}"


def identity_of(account: str, base: URL, data: Mapping[str, Any] | None = None) -> Identity:
    """Return the identity of an account; ``data`` is the data of its entry, if there is one."""
    data = data or {}
    return Identity(
        id=account,
        mac=None,
        serial=None,
        manufacturer="SmartYard",
        model="Account",
        name=data.get(CONF_NAME) or base.host or account,
        firmware=None,
        hardware=None,
        has_page=False,
        mark=mark_of(data[CONF_PHONE]) if CONF_PHONE in data else "",
    )


def description_of(
    identity: Identity,
    state: State,
    unlisted: frozenset[str] = frozenset(),
    missing: frozenset[Missing] = frozenset(),
    retry_after: float = 0.0,
    nothing: Missing | None = None,
) -> Description:
    """Return the description that all accounts share; the other arguments as in ``Description``."""
    return Description(
        identity=identity,
        state=state,
        controls=CONTROLS,
        reports_access=True,
        pushes=True,
        messages=True,
        records_visits=True,
        missing=missing,
        unlisted=unlisted,
        retry_after=retry_after,
        nothing=nothing,
    )


class SmartYardSystem(ServerSystem):
    """One account.

    Args:
        session: Session for requests to camera servers.
        cursor: Stored position in the events (``Delivery.cursor``); None to start now.
    """

    def __init__(
        self,
        session: ClientSession,
        yard: SmartYard,
        identity: Identity,
        cursor: Mapping[str, object] | None = None,
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        self.yard = yard
        self._identity = identity
        self._topology = AccountTopology()
        self._time = ServerTime(lambda: yard.client.clock_ahead)
        # The last valid lists.
        self._houses: tuple[House, ...] | None = None
        self._flats: tuple[Flat, ...] | None = None
        self._reader = PartReader()
        # The settings of the apartments that the login has just read, for the first description.
        self.known_flats: tuple[Flat, ...] | None = None

        def topology() -> AccountTopology:
            return self._topology

        recorder = Recorder(topology, self._time, Privacy(names=options.names))
        visitors = SmartYardVisitors(yard)
        self._feeds = Feeds(yard, topology)
        self.sip = SmartYardSip(yard)
        self._switches = RingSwitches()
        self._recordings = Recordings(
            (cursor or {}).get("recordings"),
            host=yard.transport.base.host,
            cameras=lambda: {camera.name for camera in self._topology.feeds.values()},
        )
        self._log = SmartYardLog(
            yard,
            topology,
            self._time,
            recorder,
            visitors,
            self.sip,
            self._switches,
            self._recordings,
            stored=cursor,
            expects_pushes=options.push,
            talks=options.talk,
        )
        push_service = SmartYardPushService(yard)
        self.archive = SmartYardArchive(yard, self._feeds, self._time, self._recordings, self._log.keep)
        self.codes = SmartYardCodes(yard, topology, self._time)
        self.history = SmartYardHistory(yard, topology, recorder)
        self.messages = SmartYardMessages(yard, self._log.count_soon, self._log.counted)
        self.watches = SmartYardWatches(yard, topology, routed=options.push_route is not None)
        calls = self._log.calls
        self._doors = SmartYardDoors(yard, topology, calls)
        cameras = SmartYardCameras(session, self._feeds, self._time, verify=options.verify)
        self._talk: SmartYardTalk | None = None
        if calls is not None:
            from .talk import SmartYardTalk  # noqa: PLC0415  # large; loaded by now (load_systems)

            self._talk = SmartYardTalk(yard, topology, cameras, calls, pushes=options.push)
        self.log: SmartYardLog | None = None
        self.features = Features(talk=self._talk)
        self._features = Features(
            calls=calls,
            cameras=cameras,
            doors=self._doors,
            flat_codes=self.codes,
            messages=self.messages,
            account_settings=SmartYardAccountSettings(yard, topology, self.codes, self._time, self._switches),
            push=ForwardedPush[CallPush | TextPush](
                lambda message: parse(message.query, message.body),
                self._log.receive,
                partial(push_service.route, options.push_route) if options.push_route else None,
            ),
            push_service=push_service,
            record_pictures=self.history,
            talk=self._talk,
            visitors=visitors,
        )

    async def _describe(self, timeout: float) -> Description:
        yard, reader = self.yard, self._reader
        ask = reader.ask
        reader.begin(timeout)
        options, houses, flats, cameras, intercoms, notification, unread = await together(
            ask(_OPTIONS, yard.ext.options()),
            ask(_HOUSES, yard.address.houses()),
            ask(_FLATS, self._read_flats()),
            ask(_CAMERAS, yard.cameras.all()),
            ask(_INTERCOM_CAMERAS, yard.cameras.of_intercoms()),
            ask(_NOTIFICATION, yard.user.notification()),
            ask(UNREAD, yard.inbox.unread(), keep=False),
        )
        houses, flats = self._validated(houses, flats)
        if options is not None and options != ServerOptions():  # an empty response is not authoritative
            self._time.zone = await zone_named(options.time_zone)
        settings, codes = await self._read_settings(flats or (), notification)
        reader.require_answer()
        if unread is not None:
            self._log.counted(unread)
        self._topology = topology = topology_of(houses, flats or (), cameras or (), intercoms or ())
        self._feeds.clear()
        self._log.houses_known()
        self.log, self.features = self._log, self._features
        state = State(
            places=topology.places,
            doors=self._doors.shown(topology.doors),
            bells=topology.bells,
            cameras=topology.cameras,
            settings=settings,
            door_codes=codes,
            ringing={bell: bell in self._log.ringing for bell in topology.bells},
            unread_messages=None if unread is None else unread.messages,
            pushes=self._log.push_monitor.state,
            recordings=self._recordings.shown,
        )
        found = {CAMERA: cameras, FLAT: flats, **dict.fromkeys(OF_HOUSES, houses)}
        unlisted = frozenset(prefix for prefix, places in found.items() if places is None)
        # Failed lists do not prove that there are no apartments.
        nothing = Missing("no_flats", self._identity.mark) if houses == () and flats == () else None
        description = description_of(self._identity, state, unlisted, reader.missing, reader.retry_after, nothing)
        return replace(description, has_phone=self._talk is not None)

    async def _read_flats(self) -> tuple[Flat, ...]:
        flats, self.known_flats = self.known_flats, None
        return await self.yard.address.settings() if flats is None else flats

    def _validated(
        self, houses: tuple[House, ...] | None, flats: tuple[Flat, ...] | None
    ) -> tuple[tuple[House, ...] | None, tuple[Flat, ...] | None]:
        """Return the lists; an empty list that contradicts the other one is replaced by its previous value."""
        failures = self._reader.failures
        houses = self._houses if _HOUSES in failures else houses
        flats = self._flats if _FLATS in failures else flats
        if {UNREAD, _NOTIFICATION} <= failures.keys() and not (houses or flats) and () in {houses, flats}:
            raise UnexpectedReply("empty lists, and parts that are never empty fail")
        if houses == () and flats and self._houses:
            failures[_HOUSES], houses = UnexpectedReply(f"{_HOUSES} is empty, and there are flats"), self._houses
        if flats == () and houses and self._flats:
            failures[_FLATS], flats = UnexpectedReply(f"{_FLATS} is empty, and there are houses"), self._flats
        self._houses, self._flats = houses, flats
        return houses, flats

    async def _read_settings(
        self, flats: tuple[Flat, ...], notification: Notification | None
    ) -> tuple[dict[SettingId, Setting], dict[PlaceId, str | None]]:
        """Return settings and codes; those of apartments that do not respond keep their previous values."""
        settings: dict[SettingId, Setting] = {}
        codes: dict[PlaceId, str | None] = {}
        names = [f"{_INTERCOM} {flat.id}" for flat in flats]
        answers = await together(
            *(
                self._reader.ask(name, self.yard.address.intercom(flat.id))
                for name, flat in zip(names, flats, strict=True)
            )
        )
        for name, flat, found in zip(names, flats, answers, strict=True):
            code, known = flat.code, None if found is None else found.door_code
            if name not in self._reader.failures:
                code, known = known, code
            if found is not None:
                settings |= flat_settings(flat.id, found, self._time)
                self._switches.record(flat.id, found.voip, self._time.now())
            codes[flat_place(flat.id)] = None if found is not None and found.allow_door_code is False else code or known
        return settings | ({} if notification is None else account_settings(notification)), codes

    async def read(self) -> Reading:
        """Read blocked doors, apartment settings, and the unread count; parts that fail keep their previous values."""
        yard, reader = self.yard, self._reader
        ask = reader.ask
        reader.begin(TIMEOUT)
        houses, flats, notification, unread, *lists = await together(
            ask(_HOUSES, yard.address.houses()),
            ask(_FLATS, yard.address.settings()),
            ask(_NOTIFICATION, yard.user.notification()),
            ask(UNREAD, yard.inbox.unread(), keep=False),
            # Camera lists that have never been available.
            nothing() if reader.has(_CAMERAS) else ask(_CAMERAS, yard.cameras.all()),
            nothing() if reader.has(_INTERCOM_CAMERAS) else ask(_INTERCOM_CAMERAS, yard.cameras.of_intercoms()),
        )
        houses, flats = self._validated(houses, flats)
        settings, codes = await self._read_settings(flats or (), notification)
        reader.require_answer()
        if self._has_changed(houses or (), flats or ()) or lists != [None, None]:
            self._log.houses_changed()
        if unread is not None:
            self._log.counted(unread)
        doors = doors_of(houses or ())
        known = {door: doors.get(door, before) for door, before in self._topology.doors.items()}
        self._topology = replace(self._topology, doors=known)
        return Reading(
            # New doors are added by `describe`, together with their places.
            doors=self._doors.shown({known: door for known, door in doors.items() if known in self._topology.doors}),
            settings=settings,
            door_codes=codes,
            unread_messages=None if unread is None else unread.messages,
        )

    def _has_changed(self, houses: tuple[House, ...], flats: tuple[Flat, ...]) -> bool:
        """Return whether doors, apartments, their names, or the rights to journals differ from the known ones."""
        known, found = self._topology, topology_of(houses, flats, (), ())
        named = {place: known.places[place] for place in known.places if not place.startswith(CAMERA)}
        return (found.doors.keys(), found.places, _journals(found)) != (known.doors.keys(), named, _journals(known))

    async def examine(self) -> Mapping[str, object]:
        """Return counts, the server's options, and the state of pushes for diagnostics."""
        options = await self.yard.ext.options()
        topology = self._topology
        return {
            "places": len(topology.places),
            "cameras": sorted(camera.server_type for camera in topology.feeds.values()),
            "flats": len(topology.flats),
            "journals": sum(flat.has_log is not False for flat in topology.flats.values()),
            "pushes": self._log.push_monitor.state.value,
            "time_zone": options.time_zone,
            "version": options.version,
        }

    async def close(self) -> None:
        """Stop polling, and end calls and streams. The account stays logged in, as there is no logout."""
        if self._talk is not None:
            await self._talk.close()
        await self._log.close()


def _journals(topology: AccountTopology) -> dict[str, bool | None]:
    """Return whether the account may read the journal of each apartment."""
    return {flat.id: flat.has_log for flat in topology.flats.values()}
