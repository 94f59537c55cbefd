"""What the MX keeps for one user, and the functions of the proxy that ask for it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests.simulators.common.clock import Clock

from .calllog import BLOCK, CallLog, timestamp
from .calls import Calls, Emit, Names, Numbers
from .conferences import INFO, Conferences
from .envelope import Answer, ApiError, Call, CstaError, Handler, Json, full
from .events import as_reply
from .pbx import Mx
from .users import User
from .voicemail import Mailbox

RING_DELAY, VOICEMAIL_DELAY, ANSWER_TIMEOUT = 1, 30, 30


class Extension:
    """One user at the MX."""

    def __init__(self, user: User, clock: Clock, numbers: Numbers, names: Names, emit: Emit) -> None:
        """The log and the mailbox begin empty."""
        self.user = user
        self.log = CallLog()
        self.calls = Calls(user, clock, self.log, numbers, names, emit)
        self.mailbox = Mailbox(user.jid)
        self.conferences = Conferences(int(user.jid))
        # What PATCH /calls has set; there is no function to read it.
        self.mode: Json = {"remote": False, "device": "", "ringDelay": RING_DELAY, "vmDelay": VOICEMAIL_DELAY}
        self.assigned = ""

    def assign(self, device: str) -> None:
        """Use another phone."""
        if device not in self.user.devices:
            raise CstaError("device mismatch")
        self.assigned = device


class Functions:
    """The functions that need the MX, by their names in the table."""

    def __init__(self, mx: Mx, extensions: dict[str, Extension], contacts: list[Json], services: list[Json]) -> None:
        """What is handed in is shared with who changes it."""
        self._mx = mx
        self._extensions = extensions
        self._contacts = contacts
        self._services = services
        self.handlers: dict[str, Handler] = {
            "contacts": self._list_contacts,
            "services": self._list_services,
            "call_log": self._call_log,
            "call_mode": self._call_mode,
            "assign": self._assign,
            "make_call": self._make_call,
            "answer": self._answer,
            "transfer": self._transfer,
            "clear": self._clear,
            "hold": self._hold,
            "unhold": self._unhold,
            "voicemails": self._voicemails,
            "voicemail_file": self._voicemail_file,
            "voicemail_delete": self._voicemail_delete,
            "voicemail_change": self._voicemail_change,
            "conference_info": self._conference_info,
            "conferences": self._list_conferences,
            "conference_create": self._conference_create,
            "conference_update": self._conference_update,
            "conference_delete": self._conference_delete,
            "conference_join": self._conference_join,
            "conference_from_call": self._conference_from_call,
        }

    def _of(self, call: Call) -> Extension:
        return self._extensions[call.user.login]

    async def _ask[T](self, call: Call, name: str, work: Callable[[], T]) -> T:
        return await self._mx.ask(call.user, name, work)

    # ---- Address book and log ----

    async def _list_contacts(self, call: Call) -> Answer:
        rows = await self._ask(call, "contacts", lambda: sorted(self._contacts, key=lambda row: str(row["ext"])))
        return {"contacts": full(rows)}

    async def _list_services(self, call: Call) -> Answer:
        return {"services": full(await self._ask(call, "services", lambda: list(self._services)))}

    async def _call_log(self, call: Call) -> Answer:
        text = call.query.get("timestamp", "")
        moment = timestamp(text) if text else None
        try:
            rows = await self._ask(call, "call_log", lambda: self._of(call).log.since(moment))
        except ApiError as error:
            if error.status != HTTPStatus.REQUEST_TIMEOUT:
                raise
            # The server takes the end of its patience for the end of the log.
            rows = []
        if rows and not len(rows) % BLOCK:
            # The last block is full, so the proxy waits for another one until it loses patience.
            await self._mx.pause()
        return {"callLog": full(rows)}

    # ---- Calls ----

    async def _call_mode(self, call: Call) -> Answer:
        given = call.bind({"remote": bool, "device": str, "ringDelay": int, "vmDelay": int})
        mode = {"remote": False, "device": "", "ringDelay": RING_DELAY, "vmDelay": VOICEMAIL_DELAY, **given}

        def work() -> Json:
            self._of(call).mode = mode
            return mode

        return {"callMode": await self._ask(call, "call_mode", work)}

    async def _assign(self, call: Call) -> Answer:
        await self._ask(call, "assign", lambda: self._of(call).assign(call.parts["name"]))
        return None

    async def _assigned(self, call: Call, device: str) -> None:
        """Assign a device on the way; a mismatch is 400 for any function."""
        try:
            await self._ask(call, "assign", lambda: self._of(call).assign(device))
        except CstaError as error:
            raise ApiError(400, error.text) from None

    async def _make_call(self, call: Call) -> Answer:
        given: Json = {"from": "", "to": ""} | call.bind({"from": str, "to": str, "device": str})
        if given.get("device"):
            await self._assigned(call, given["device"])
        calls = self._of(call).calls
        made = await self._ask(call, "make_call", lambda: calls.make(given["from"], given["to"]))
        return {"makeCall": {"callId": made.id, "deviceId": made.caller, "calledDevice": made.called}}

    async def _answer(self, call: Call) -> Answer:
        number = call.call_id()
        defaults: Json = {"device": "", "timeout": ANSWER_TIMEOUT, "assign": False}
        given = defaults | call.bind({"device": str, "timeout": int, "assign": bool})
        if given["assign"]:
            await self._assigned(call, given["device"])
        await self._ask(call, "answer", lambda: self._of(call).calls.pick_up(number))
        return {"sipAnswer": {"callId": number, **given}}

    async def _transfer(self, call: Call) -> Answer:
        number = call.call_id()
        given: Json = {"device": "", "to": ""} | call.bind({"device": str, "to": str})
        await self._ask(call, "transfer", lambda: self._of(call).calls.transfer(number, given["to"]))
        return {"transfer": {"callId": number, **given}}

    async def _clear(self, call: Call) -> Answer:
        number = call.call_id()
        return {
            "connectionCleared": as_reply(await self._ask(call, "clear", lambda: self._of(call).calls.clear(number)))
        }

    async def _hold(self, call: Call) -> Answer:
        number = call.call_id()
        return {"held": as_reply(await self._ask(call, "hold", lambda: self._of(call).calls.hold(number)))}

    async def _unhold(self, call: Call) -> Answer:
        number = call.call_id()
        return {"retrieved": as_reply(await self._ask(call, "unhold", lambda: self._of(call).calls.retrieve(number)))}

    # ---- Voicemail ----

    async def _voicemails(self, call: Call) -> Answer:
        return {"voiceMails": full(await self._ask(call, "voicemails", lambda: self._of(call).mailbox.rows()))}

    async def _voicemail_file(self, call: Call) -> Answer:
        return await self._ask(call, "voicemail_file", lambda: self._of(call).mailbox.file(call.parts["id"]))

    async def _voicemail_delete(self, call: Call) -> Answer:
        await self._ask(call, "voicemail_delete", lambda: self._of(call).mailbox.delete(call.parts["id"]))
        return None

    async def _voicemail_change(self, call: Call) -> Answer:
        used = call.bind({"note": str, "read": bool})
        if not used:
            raise ApiError(400, "bad request")
        mailbox = self._of(call).mailbox
        return {"vm": await self._ask(call, "voicemail_change", lambda: mailbox.change(call.parts["id"], used))}

    # ---- Conferences ----

    async def _conference_info(self, call: Call) -> Answer:
        return {"conferences": await self._ask(call, "conference_info", lambda: dict(INFO))}

    async def _list_conferences(self, call: Call) -> Answer:
        rows = await self._ask(call, "conferences", lambda: list(self._of(call).conferences.rows.values()))
        return {"conferences": full(rows)}

    async def _conference_create(self, call: Call) -> Answer:
        given = call.bind(self._of(call).conferences.fields)
        create = self._of(call).conferences.create
        return {"conference": await self._ask(call, "conference_create", lambda: create(given))}

    async def _conference_update(self, call: Call) -> Answer:
        given = call.bind(self._of(call).conferences.fields)
        update = self._of(call).conferences.update
        return {"conference": await self._ask(call, "conference_update", lambda: update(call.parts["id"], given))}

    async def _conference_delete(self, call: Call) -> Answer:
        await self._ask(call, "conference_delete", lambda: self._of(call).conferences.delete(call.parts["id"]))
        return None

    async def _conference_join(self, call: Call) -> Answer:
        access: int = call.bind({"accessId": int}).get("accessId", 0)
        await self._ask(call, "conference_join", lambda: self._of(call).conferences.join(call.parts["id"], access))
        return None

    async def _conference_from_call(self, call: Call) -> Answer:
        number = call.call_id()
        owner: int = call.bind({"ownerCallId": int}).get("ownerCallId", 0)
        calls = self._of(call).calls

        def work() -> Any:
            return calls.get(number), calls.get(owner)

        await self._ask(call, "conference_from_call", work)
        return None
