"""The actions of visitors, residents, and the operator. Each method is a verb of the control port."""

import secrets
from typing import Any

from .address import Rounding
from .cameras import Camera
from .endpoints import METHODS, PICTURES
from .faults import Breakage, Dates, Refusal
from .forged_pushes import Hostile, parcel
from .history import Event
from .houses import Door, Flat
from .payloads import Form
from .people import Role, Subscriber
from .rings import Ring
from .server import Server

DETAILS: dict[Event, dict[str, Any]] = {
    Event.MISSED: {"opened": "f"},
    Event.ANSWERED: {"opened": "t"},
    Event.KEY: {"key": "0000001A2B3C4D"},
    Event.APP: {"phone": "79161234502"},
    Event.FACE: {"face": {"left": "614", "top": "38", "width": "174", "height": "209"}, "faceId": "17"},
    Event.CODE: {"code": "40374"},
    Event.GUEST: {"phoneFrom": "79161234599", "phoneTo": "74752000000"},
    Event.VEHICLE: {
        "vehicle": {
            "vehicleBox": [10, 20, 300, 200],
            "plateKeyPoints": [100, 150, 180, 150, 180, 170, 100, 170],
            "plateNumber": "A123BC68",
        }
    },
}


class Hands(Server):
    """A server with people around it. A phone may be left out, it is the first subscriber's then."""

    def _who(self, phone: str | None) -> Subscriber:
        return self.people.subscribers[phone or self.phone]

    def _door(self, domophone: int, door: int = 0) -> Door:
        found = self.town.door(domophone, door)
        if found is None:
            raise KeyError(domophone)
        return found

    def _flat(self, door: Door, flat: int | None) -> Flat:
        if flat is not None:
            return self.town.flat(flat)
        own = [self.town.flat(number) for number in self._who(None).flats]
        return next(row for row in (*own, *self.town.flats) if door.is_for(row))

    def _ring(self, name: str) -> Ring:
        return self.rings.rows[name]

    # ---- Visitors ----

    def ring(self, domophone: int = 21, door: int = 0, flat: int | None = None) -> str:
        """Ring at a door; gives the hash of the ring. A device that does not answer within its ttl has missed it."""
        place = self._door(domophone, door)
        ring = self.rings.begin(place, self._flat(place, flat))
        self._stand(ring)
        self.push_ring(ring)
        self.clock.later(self.rings.ttl, lambda: self._end(ring, Event.MISSED, opened=False))
        return ring.hash

    def _end(self, ring: Ring, event: Event, *, opened: bool) -> None:
        if ring.over:
            return
        ring.over = True
        if self.telephony is not None:
            self.telephony.cancel(ring, elsewhere=event is Event.ANSWERED)
        self._stand(ring)
        detail = {"opened": "t" if opened else "f"}
        self.note(self.history.enter(ring.flat, ring.door, event, detail))

    def _stand(self, ring: Ring) -> None:
        """Let the camera of the door see whether there is a visitor."""
        camera = self.town.camera(ring.door.camera or 0)
        if camera is not None:
            camera.visitor = any(not row.over and row.door is ring.door for row in self.rings.rows.values())

    def support_calls(self, phone: str | None = None) -> str:
        """Let the operator's support call a user, at no door; gives the hash."""
        place = Door(-1, 0, "entrance", "Support", 0, 0)
        ring = self.rings.begin(place, Flat(-1, "-1", 0, ""))
        self.push_call(ring, self._who(phone))
        return ring.hash

    def answer(self, ring: str, *, opened: bool = True) -> None:
        """Answer a ring at another phone, and open the door or not."""
        self._end(self._ring(ring), Event.ANSWERED, opened=opened)

    def walk_away(self, ring: str) -> None:
        """End the ring without an answer."""
        self._end(self._ring(ring), Event.MISSED, opened=False)

    def happen(
        self,
        event: str,
        domophone: int = 21,
        door: int = 0,
        flat: int | None = None,
        detail: dict[str, Any] | None = None,
        ago: int | None = None,
    ) -> str:
        """Let something happen at a door: missed, answered, key, app, face, code, guest or vehicle.

        What happened some seconds ago is in the log already; gives the uuid of the record.
        """
        place, kind = self._door(domophone, door), Event[event.upper()]
        at = None if ago is None else self.clock.utc() - ago
        record = self.history.enter(
            self._flat(place, flat), place, kind, dict(DETAILS[kind] if detail is None else detail), at=at
        )
        if ago is None:
            self.note(record)
        return record.uuid

    def book(self) -> list[list[Any]]:
        """Return ID, flat, and Unix time of each record of the history."""
        return [[record.uuid, record.flat, record.moment] for record in self.history.records]

    # ---- Those who live there ----

    def code_of(self, phone: str | None = None) -> str:
        """Read the code that a phone was sent."""
        code = self.login.pending(phone or self.phone)
        if code is None:
            raise KeyError(phone or self.phone)
        return code.pin

    def call_in(self, phone: str | None = None) -> None:
        """Call one of the confirmation numbers from a phone."""
        self.login.called_by(phone or self.phone)

    def move_in(self, phone: str, flat: int, role: Role | str = Role.OWNER) -> None:
        """Let a person live in a flat."""
        self.town.flat(flat)
        self.people.get(phone).flats[flat] = Role(role)

    def move_out(self, phone: str, flat: int) -> None:
        """Let a person no longer live there."""
        self._who(phone).flats.pop(flat)

    # ---- Messages ----

    def message(self, text: str, title: str = "", action: str = "inbox", phone: str | None = None) -> int:
        """Write a message to a user, which is pushed as well; gives its number."""
        return self.write(self._who(phone), title, text, action).id

    def text_push(
        self,
        action: str,
        title: str = "",
        text: str = "",
        *,
        ext: str | None = None,
        ext_name: str = "ext",
        more: dict[str, str] | None = None,
        phone: str | None = None,
    ) -> None:
        """Push a text with any action; it has a number even if it is no message of the inbox."""
        number = secrets.token_hex(16)
        who = self._who(phone)
        self.push_text(who, action, title, text, message=number, ext=ext, ext_name=ext_name, more=more)

    def chat(self, n: int = 1, phone: str | None = None) -> None:
        """Write to a user in the chat."""
        self._who(phone).chat += n

    # ---- Pushes ----

    def push_to(
        self,
        url: str,
        form: Form | str = Form.FCM,
        platform: str = "android",
        phone: str | None = None,
        bundle: str = "",
    ) -> None:
        """Bring pushes to an address.

        With a bundle those of devices that registered with it, as an operator's push service does; without one, those of
        a phone of that number, as a program on it does.
        """
        self.push_route(url, form, platform, phone, bundle)

    def push_by_service(self, url: str, service: str = "fcm") -> None:
        """Have the pushes of devices that registered for a push service sent by it, with their tokens."""
        self.push_route(url, Form.FCM, "android", None, "", service)

    def stop_pushes(self) -> None:
        """Stop forwarding pushes."""
        self.pushes.routes.clear()

    def repeat_push(self) -> None:
        """Send the last push again."""
        self.pushes.repeat()

    def set_push_ttl(self, seconds: int) -> None:
        """Let new rings be worth something for as long."""
        self.rings.ttl = seconds

    def late_push(self, seconds: int, domophone: int = 21, door: int = 0) -> None:
        """Bring the push of a ring as many seconds after it was sent."""
        place = self._door(domophone, door)
        ring = self.rings.begin(place, self._flat(place, None))
        ring.moment, ring.began, ring.over = ring.moment - seconds, ring.began - seconds, True
        self.push_ring(ring)

    def hostile_push(self, kind: Hostile | str, domophone: int = 21, door: int = 0) -> None:
        """Send a forged push to the target of the first route."""
        kind, route = Hostile(kind), self.pushes.routes[0]
        if kind is Hostile.REPLAY:
            self.pushes.repeat()
            return
        place = self._door(domophone, door)
        # Of this ring the server knows nothing.
        ring = Ring(secrets.token_hex(16), place, self._flat(place, None), self.clock.utc(), 0)
        if kind is Hostile.REDIRECTING_IMAGE:
            for path in (f"/shot/{ring.hash}.jpg", f"/live/{ring.hash}/image.jpg"):
                self.trouble.moved[path] = f"{self.elsewhere}{path}"
            for name in ("camshot", "live"):
                path = f"{self.dialect.base}/call/{name}/{ring.hash}"
                self.trouble.moved[path] = f"{self.elsewhere}{path}"
        self.pushes.send(parcel(kind, self.call_facts(ring, route.platform), route, self.elsewhere))

    # ---- The operator ----

    def revoke_tokens(self, phone: str | None = None) -> None:
        """Forget the devices of a user: their tokens are unknown."""
        phone = phone or self.phone
        self.people.devices[:] = [device for device in self.people.devices if device.phone != phone]

    def block_flat(self, flat: int, blocked: bool = True) -> None:
        """Block or unblock an apartment by hand; no list contains this."""
        self.town.flat(flat).blocked = blocked

    def leave_unpaid(self, flat: int, unpaid: bool = True) -> None:
        """Block a flat that does not pay, or no longer."""
        self.town.flat(flat).unpaid = unpaid

    def block_door(self, domophone: int, door: int = 0, reason: str = "На ремонте") -> None:
        """Block one door; without a reason no longer."""
        self._door(domophone, door).blocked = reason

    def rename_door(self, domophone: int, door: int = 0, name: str = "") -> None:
        """Call a door otherwise."""
        self._door(domophone, door).name = name

    def break_door(self, domophone: int, door: int = 0, broken: bool = True) -> None:
        """Let an intercom be out of reach, or no longer."""
        self._door(domophone, door).broken = broken

    def disable_log(self, flat: int, disabled: bool = True) -> None:
        """Write no log of a flat that can be read."""
        self.town.flat(flat).log_disabled = disabled

    def break_log(self, flat: int, broken: bool = True) -> None:
        """Let the log of one flat end in an error of the server, or no longer."""
        self.town.flat(flat).log_broken = broken

    def set_log_delay(self, seconds: int) -> None:
        """Let the log be written as late."""
        self.history.delay = seconds

    def set_login_method(self, method: str) -> None:
        """Let phones prove themselves by sms, smsCode, flashCall or outgoingCall where they do not ask for one."""
        self.login.method = method

    def limit_devices(self, n: int | None) -> None:
        """Allow a phone number as many devices."""
        self.login.device_limit = n

    def require_version(self, what: str | None) -> None:
        """Tell clients to upgrade (`upgrade`), to do so at once (`force_upgrade`), or nothing."""
        self.user.upgrade = what

    def set_option(self, name: str, value: object) -> None:
        """Change one of the options."""
        self.inbox.options[name] = value

    def order_film(self, camera: int, start: int, end: int, phone: str | None = None) -> str:
        """Ask for a film with the app, from one Unix time to another; gives its uuid."""
        return self.cctv.order(self._camera(camera), self._who(phone), start, end).uuid

    def describe_films(self, described: bool = True) -> None:
        """Say of films that are ready of which camera and time they are, or no longer."""
        self.describes_films = described

    def finish_film(self, film: str) -> None:
        """Let a film be ready, and say so."""
        found = next(row for row in self.cctv.films if row.uuid == film)
        self.cctv.ready.add(film)
        self.tell_of_film(found, self.cctv.link(found))

    def finish_films(self) -> None:
        """Finish all requested films, and report them."""
        for film in self.cctv.films:
            if film.uuid not in self.cctv.ready:
                self.finish_film(film.uuid)

    # ---- Cameras ----

    def _camera(self, camera: int) -> Camera:
        found = self.town.camera(camera)
        if found is None:
            raise KeyError(camera)
        return found

    def renew_camera_token(self, camera: int) -> None:
        """Replace the token of a camera; the old one is refused from now on."""
        self.cameras.renew(self._camera(camera))

    def refuse_camera(self, camera: int, n: int = 1) -> None:
        """Let a camera refuse its next requests, with any token."""
        self._camera(camera).refusals = n

    def set_camera_token_ttl(self, seconds: int | None) -> None:
        """Let tokens of cameras live as long; the API gives others then."""
        self.cameras.token_ttl = seconds
        for camera in (*self.town.cameras, *self.town.city):
            camera.issued = self._age.utc()

    def make_thumbnails(self, made: bool = True) -> None:
        """Let Flussonic make JPEGs, or no longer."""
        self.cameras.thumbnails = made

    # ---- The server ----

    def break_server(self, how: Breakage | str = Breakage.REDIS) -> None:
        """Let nothing work: redis, PDO, noConfig (555), nameless (520) or empty (500)."""
        self.trouble.breakage = Breakage(how)

    def refuse(self, function: str, status: int, n: int | None = 1) -> None:
        """Let a function answer a status of the notes instead of working, such as 410, 424 or 449."""
        path = f"/{function.removeprefix('/')}"
        if path not in METHODS and path.rpartition("/")[0] not in PICTURES:
            raise KeyError(function)
        self.trouble.refusals[path] = Refusal(status, n)

    def redirect(self, function: str, target: str = "") -> None:
        """Let a function respond with 302, by default to another host."""
        path = f"{self.dialect.base}/{function.removeprefix('/')}"
        self.trouble.moved[path] = target or f"{self.elsewhere}{path}"

    def mend_server(self) -> None:
        """Let everything work again."""
        self.trouble.heal()

    def pass_time(self, seconds: float) -> None:
        """Let time go by: codes, pictures and tokens of cameras end, and the log is written."""
        self._age.step(seconds)
        self.clock.step(seconds)

    def shift_auto_open(self, seconds: int) -> None:
        """Have the server read `autoOpen` in another time zone than it writes it in."""
        self.address_functions.auto_open_shift = seconds

    def show_any_picture(self, shown: bool = True) -> None:
        """Show a picture for any requested call, or no longer."""
        self.shows_any = shown

    def date_replies(self, how: Dates | str) -> None:
        """Have `Date` of replies be of the server's clock (`own`), of one that is right (`proxy`), or left out (`none`)."""
        self.dates = Dates(how)

    def round_auto_open(self, how: Rounding | str) -> None:
        """Have the server keep `autoOpen` in whole minutes: `down`, `nearest` or `up`; `seconds` ends it."""
        self.address_functions.rounding = Rounding(how)

    def advance_clock(self, seconds: float) -> None:
        """Set the server's clock forward or back, by which it writes times; nothing ends by that."""
        self.clock.step(seconds)
