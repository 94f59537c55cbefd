"""The parts of the server and their connections, without its network and its users."""

from itertools import count

from aiohttp import web

from tests.simulators.common.clock import Clock
from tests.simulators.common.host import Active

from . import fixtures
from .address import Address
from .auth import Login
from .cameras import Camera, CameraServers, jpeg
from .cctv import Cctv, Film
from .dialects import Dialect
from .envelope import Loose
from .faults import Dates, Trouble
from .history import Event, History, Record
from .houses import Town
from .inbox import Inbox
from .payloads import CallFacts, Facts, Form, TextFacts
from .people import Device, Message, People, Subscriber
from .pictures import scene
from .pipeline import Picture, Pipeline
from .push import Pushes, Route, Target, parcel
from .rings import Ring, Rings
from .telephony import Telephony
from .timezone import written
from .user import User
from .video import one_frame

# Seconds after which a push to an iPhone is sent once more.
AGAIN = 5
FIRST_EXTENSION = 2000002224
ERROR_TOKEN = "err"


class Server(Active):
    """The parts of one server."""

    def __init__(self, dialect: Dialect | str, *, town: Town | None, speed: float, seed: int | None) -> None:
        """Without a town it is the one of the fixtures."""
        self.dialect = Dialect(dialect)
        self.clock = Clock(speed)
        # What ends after some time does so by this clock: that of the server may be wrong.
        self._age = Clock(speed)
        self.town = fixtures.town() if town is None else town
        self.people = People([] if town is not None else fixtures.subscribers())
        self.phone = fixtures.PHONE
        self.trouble = Trouble()
        self.dates = Dates.OWN
        # Pictures of calls that never were are shown as well.
        self.shows_any = False
        # Messages about films tell of camera and time.
        self.describes_films = False
        self.history = History(self.clock.utc, self._age.utc)
        self.rings = Rings(self.clock.utc, self._age.utc)
        # None: pushes name a phone server that is not there.
        self.telephony: Telephony | None = None
        self.login = Login(self.people, self._age.utc)
        self.user = User(self.login, self.people)
        base = self.dialect.base
        self.address_functions = Address(self.town, self.people, self.history, f"{base}/address/plogCamshot")
        self.cameras = CameraServers(lambda: [*self.town.cameras, *self.town.city], self._age.utc)
        self.cctv = Cctv(
            self.dialect, self.town, self.address_functions, self.cameras, self._camera_url, self.clock.utc
        )
        self.inbox = Inbox(self.write, lambda: f"{self.origin}/static/")
        self.pushes = Pushes(self._spawn, self._online, self._forget_token)
        self._extensions = count(FIRST_EXTENSION)
        handlers = {
            **self.user.handlers,
            **self.address_functions.handlers,
            **self.cctv.handlers,
            **self.inbox.handlers,
        }
        pictures: dict[str, Picture] = {
            "/call/camshot/{hash}": self._caller,
            "/call/live/{hash}": self._caller,
            "/address/plogCamshot/{uuid}": self._logged,
            "/cctv/download/{uuid}": self._film,
        }
        self.pipeline = Pipeline(self.dialect, self.people, self.login, handlers, pictures, self.trouble, Loose(seed))

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server."""
        raise NotImplementedError

    @property
    def elsewhere(self) -> str:
        """Return the address of a foreign host."""
        raise NotImplementedError

    def _camera_url(self, camera: Camera) -> str:
        raise NotImplementedError

    # ---- Pictures ----

    def _caller(self, name: str) -> web.Response | None:
        ring = self.rings.get(name)
        if ring is None:
            return jpeg(scene("nowhere", self.clock.utc(), camera=0, visitor=False)) if self.shows_any else None
        return jpeg(scene(ring.door.name, self.clock.utc(), camera=ring.door.camera or 0, visitor=True))

    def _logged(self, name: str) -> web.Response | None:
        record = self.history.picture(name)
        if record is None:
            return None
        door = record.door
        return jpeg(scene(door.name, record.moment, camera=door.camera or 0, visitor=True))

    def _film(self, name: str) -> web.Response | None:
        film = self.cctv.film(name)
        if film is None:
            return None
        picture = scene(film.camera.name, film.start, camera=film.camera.id, visitor=False)
        return web.Response(body=one_frame(picture), content_type="video/mp4")

    # ---- Pushes ----

    def _targets(self, phone: str) -> list[Target]:
        found: list[Target] = []
        for route in self.pushes.routes:
            if not route.bundle and not route.service:
                found += [Target(route, route.platform)] if route.phone == phone else []
                continue
            found += [
                Target(route, device.platform, device.push_token or "", device.id)
                for device in self.people.of_phone(phone)
                if device.bundle == route.bundle
                and route.service in ("", device.service)
                and device.push_token not in (None, ERROR_TOKEN)
            ]
        return found

    def _device(self, number: int) -> Device | None:
        return next((device for device in self.people.devices if device.id == number), None)

    def _wants(self, target: Target, what: str) -> bool:
        """Tell whether a device gets such pushes; a phone that passes them on has its own settings."""
        device = None if target.device is None else self._device(target.device)
        return device is None or bool(getattr(device, what))

    def _forget_token(self, number: int) -> None:
        if (device := self._device(number)) is not None:
            device.push_token = ERROR_TOKEN

    def _send(self, facts: Facts, target: Target) -> None:
        self.pushes.send(parcel(facts, target, self.dialect))

    def push_ring(self, ring: Ring) -> None:
        """Tell the devices of the flat, except of those who want no calls."""
        for subscriber in self.people.of_flat(ring.flat.id):
            self.push_call(ring, subscriber)

    def push_call(self, ring: Ring, subscriber: Subscriber) -> None:
        """Push to the devices of one subscriber; iPhones get pushes until the call is answered."""
        for target in self._targets(subscriber.phone):
            if not self._wants(target, "voip"):
                continue
            facts = self.call_facts(ring, target.platform)
            self._send(facts, target)
            if target.platform == "ios":
                self._later(ring, facts, target)

    def call_facts(self, ring: Ring, platform: str) -> CallFacts:
        """Return the push of a ring for a device, with an extension of its own."""
        camera = self.town.camera(ring.door.camera or 0) if ring.door.video else None
        video = None if camera is None else (camera.server_type, self.cameras.token(camera), self._camera_url(camera))
        extension = str(next(self._extensions))
        facts = CallFacts(
            ring.hash,
            extension,
            ring.moment,
            self.rings.ttl,
            ring.door.name,
            ring.flat.id,
            ring.flat.number,
            ring.door.domophone,
            ring.door.house,
            f"{self.origin}{self.dialect.base}",
            self.origin,
            platform,
            video,
        )
        if self.telephony is None:
            return facts
        self.telephony.expect(ring, extension)
        return facts.changing(**self.telephony.fields)

    def _later(self, ring: Ring, facts: CallFacts, target: Target) -> None:
        self.clock.later(AGAIN, lambda: self._once_more(ring, facts, target))

    def _once_more(self, ring: Ring, facts: CallFacts, target: Target) -> None:
        if ring.over or self._age.utc() - ring.began >= self.rings.ttl:
            return
        self._send(facts, target)
        self._later(ring, facts, target)

    def write(self, who: Subscriber, title: str, text: str, action: str) -> Message:
        """Write a message to a user and push it."""
        message = self.people.write_to(who, title, text, action, self.clock.utc())
        self.push_text(who, action, title, text, message=str(message.id))
        return message

    def tell_of_film(self, film: Film, link: str) -> None:
        """Say that a film is ready; the published server does so in a message like any other, in two lines."""
        who = film.subscriber
        about = f"{film.camera.name}, {written(film.start)} - {written(film.end)}\n" if self.describes_films else ""
        if self.dialect is Dialect.RBT:
            self.write(who, "Видео готово", f"{about}Запись хранится три дня.\nСкачать: {link}", "inbox")
        else:
            self.write(who, "Видео готово", f"{about}{link}", "videoReady")

    def push_text(
        self,
        who: Subscriber,
        action: str,
        title: str,
        text: str,
        *,
        message: str = "",
        hash: str = "",
        ext: str | None = None,
        ext_name: str = "ext",
        more: dict[str, str] | None = None,
    ) -> None:
        """Push a text to the devices that accept texts; a tracked event is pushed without the bundle of a route."""
        for target in self._targets(who.phone):
            wanted = self._wants(target, "texts") and (action != "money" or self._wants(target, "money"))
            if not wanted or (action == "paranoid" and target.route.bundle):
                continue
            facts = TextFacts(
                action,
                title,
                text,
                who.unread,
                message,
                self.clock.utc(),
                target.platform,
                hash,
                "",
                ext,
                ext_name,
                tuple((more or {}).items()),
            )
            self._send(facts, target)

    # ---- What happens at doors ----

    def note(self, record: Record) -> None:
        """Tell those who track such an event, with a picture of it."""
        # Which part of the detail is compared.
        found = {
            Event.KEY: record.detail.get("key"),
            Event.APP: record.detail.get("phone"),
            Event.FACE: record.detail.get("faceId"),
            Event.CODE: record.detail.get("code"),
            Event.VEHICLE: record.detail.get("vehicle", {}).get("plateNumber"),
        }.get(record.event)
        for watcher in self.address_functions.watchers:
            if (watcher.flat, watcher.event, watcher.detail) != (record.flat, record.event, found):
                continue
            ring = self.rings.begin(record.door, self.town.flat(record.flat))
            ring.over = True
            self.push_text(
                self.people.get(watcher.phone), "paranoid", record.door.name, watcher.comments, hash=ring.hash
            )

    def push_route(
        self, url: str, form: Form | str, platform: str, phone: str | None, bundle: str, service: str = ""
    ) -> None:
        """Let a forwarder or a push service bring pushes to an address."""
        self.pushes.routes.append(Route(url, Form(form), platform, phone or self.phone, bundle, service))
