"""The actions of callers, users, and the administrator of the PBX. Each method is a verb of the control port."""

from typing import Any

from .calllog import MISSED, VOICEMAIL
from .events import Kind, event
from .extension import Extension
from .pbx import Outage, Silence, Trouble
from .push import FCM, Form
from .server import Server
from .users import User
from .voicemail import Mail

FORWARDER = "F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0"


class Hands(Server):
    """A server with people around it. A login may be left out, it is the first user's then."""

    def _at(self, login: str | None) -> Extension:
        return self.extensions[login or self.login]

    def _with_call(self, call: int) -> Extension:
        return next((found for found in self.extensions.values() if call in found.calls.live), self._at(None))

    # ---- Callers ----

    def incoming_call(self, caller: str, login: str | None = None) -> int:
        """Call the user; gives the number of the call."""
        return self._at(login).calls.ring(caller).id

    def hang_up(self, call: int) -> None:
        """End a call, at whichever end."""
        self._with_call(call).calls.clear(call)

    def leave_voicemail(self, caller: str, duration: int = 3, name: str = "", login: str | None = None) -> str:
        """Leave a voicemail after an unanswered call; returns the id of the voicemail."""
        extension = self._at(login)
        calls, now = extension.calls, self.clock.utc()
        missed = calls.ring(caller)
        calls.clear(missed.id)
        missed.connected = now
        calls.record(missed, VOICEMAIL, f"voicemail.{extension.user.ext}")
        own = " ".join(self.names(caller) or ())
        mail = extension.mailbox.add(Mail("", caller, own, extension.user.ext, now, duration, caller_name=name))
        told = event(
            Kind.MAIL,
            now,
            **{"from": caller},
            fromName=own,
            callerName=name,
            to=extension.user.ext,
            ownerId=extension.user.jid,
            ownerType="user",
            mailId=mail.id,
            gcid=missed.gcid,
            received=now,
            duration=duration,
        )
        self._tell(extension.user, told)
        return mail.id

    # ---- The user, and who is called ----

    def pick_up(self, call: int) -> None:
        """Answer a call; of an outgoing one, the other side does."""
        self._with_call(call).calls.pick_up(call)

    def dial(self, number: str, login: str | None = None) -> int:
        """Start a call from the desk phone; gives the number of the call."""
        calls = self._at(login).calls
        return calls.make(self._at(login).user.ext, number).id

    def hold(self, call: int) -> None:
        """Press hold on the desk phone."""
        self._with_call(call).calls.hold(call)

    def retrieve(self, call: int) -> None:
        """Press it again."""
        self._with_call(call).calls.retrieve(call)

    # ---- The administrator ----

    def add_user(self, **values: Any) -> None:
        """Create an account; the values are those of `User`."""
        user = User(**values)
        self.users[user.login] = user
        self._extend(user)

    def change_password(self, password: str, login: str | None = None) -> None:
        """Change a user's password."""
        self._at(login).user.password = password

    def provision(self, provisioned: bool = True, login: str | None = None) -> None:
        """Tell the proxy which MX a user belongs to, or no longer."""
        self._at(login).user.provisioned = provisioned

    def accept_password(self, accepted: bool = True, login: str | None = None) -> None:
        """Let the MX take the password that the proxy has for a user, or refuse it."""
        self._at(login).user.mx_takes_password = accepted

    def set_secret(self, client: str, secret: str) -> None:
        """Change the secret of an application, or add one."""
        self.door.apps[client] = secret

    def set_token_ttl(self, seconds: int) -> None:
        """Let new tokens live as long, in real seconds."""
        self.tokens.ttl = seconds

    def expire_tokens(self) -> None:
        """Let an hour and more go by for the tokens; only their clock moves."""
        self._wall.step(self.tokens.ttl + 1)

    def rotate_key(self) -> None:
        """Sign tokens with a new key, as every six hours."""
        self.tokens.rotate()

    def refuse_new_tokens(self, refuse: bool = True) -> None:
        """Refuse every token, new ones too, as a proxy with a wrong clock does, or several behind one address."""
        self.tokens.refuse = refuse

    def document_logout(self, documented: bool = True) -> None:
        """Be a server whose DELETE /auth/logout works as its manual says; no known version is."""
        self.pipeline.documented_logout = documented

    def allow_app(self, app: str) -> None:
        """Take push tokens of an FCM application."""
        self.pushes.fcm_apps.add(app)

    def allow_topic(self, topic: str, sandbox: bool = False) -> None:
        """Take push tokens of an APNs topic."""
        self.pushes.apn_topics.add((topic, sandbox))

    def push_to(self, url: str, form: Form | str = Form.BARE, login: str | None = None) -> None:
        """Run a forwarder that stands in for Google, with a device token of its own."""
        self.pushes.url, self.pushes.form = url, Form(form)
        app = min(self.pushes.fcm_apps)
        self.pushes.add(login or self.login, FCM, app, False, FORWARDER)

    def repeat_push(self) -> None:
        """Let the forwarder send its last push again."""
        self.pushes.repeat()

    def fill_log(self, n: int, login: str | None = None) -> None:
        """Write n missed calls."""
        extension = self._at(login)
        now = self.clock.utc()
        for number in range(n):
            extension.log.enter(
                missed=True,
                direction="incoming",
                gcid=f"63107-00-0000E-{number:X}",
                connectTimestamp=now - n + number,
                disconnectTimestamp=now - n + number,
                callingPartyNo="12025550142",
                originalCalledPartyNo=extension.user.ext,
                selfLegType=MISSED,
            )

    def book(self, login: str | None = None) -> list[list[int]]:
        """Return number and end (Unix time) of each record of the log."""
        return [[record["record_id"], record["disconnectTimestamp"]] for record in self._at(login).log.records]

    def clear_everything(self, login: str | None = None) -> None:
        """Empty the log, the mailbox, the conferences, the address book and the services."""
        extension = self._at(login)
        for content in (extension.log.records, self.contacts, self.services):
            content.clear()
        extension.mailbox.mails.clear()
        extension.conferences.rows.clear()

    # ---- The link to the MX ----

    def drop_link(self, login: str | None = None) -> None:
        """Lose the connection to the MX; the proxy makes it again after a while, and so does a login."""
        self.mx.lose(login or self.login)

    def restore_link(self, login: str | None = None) -> None:
        """Make a lost connection to the MX again at once."""
        self.mx.reconnect_now(login or self.login)

    def break_mx(self, outage: Outage | str = Outage.UNREACHABLE) -> None:
        """Reject all logins: unreachable, timeout, provisioning or no_tls. Links end."""
        self.mx.outage = Outage(outage)
        for login in tuple(self.mx.links):
            self.mx.lose(login)

    def mend_mx(self) -> None:
        """Let everything work again."""
        self.mx.outage, self.mx.silent = None, False
        self.mx.heal()

    def silence_mx(self, silent: bool = True) -> None:
        """Let the MX stop responding while the links stay; the proxy still answers from its own data."""
        self.mx.silent = silent

    def set_reconnect(self, seconds: float) -> None:
        """Let the proxy connect again so long after a link was lost, in its own seconds."""
        self.mx.reconnect = seconds

    def set_patience(self, seconds: float) -> None:
        """Let the proxy wait for the MX as long, in its own seconds."""
        self.mx.patience = seconds

    def ignore(self, function: str, n: int = 1) -> None:
        """Let the MX ignore the next requests of a function: 408, and nothing happens."""
        self.mx.trouble(function, Trouble(Silence.IGNORED), n)

    def lose_reply(self, function: str, n: int = 1) -> None:
        """Lose the next replies of the MX: 408, although the command was executed."""
        self.mx.trouble(function, Trouble(Silence.LOST), n)

    def empty_reply(self, function: str, n: int = 1) -> None:
        """Let the MX's next replies be empty: 400, and nothing happens."""
        self.mx.trouble(function, Trouble(Silence.EMPTY), n)

    def refuse(self, function: str, text: str = "URM Denied", n: int = 1) -> None:
        """Let the MX refuse the next requests of a function with a CSTA error."""
        self.mx.trouble(function, Trouble(refusal=text), n)

    def advance_clock(self, seconds: float) -> None:
        """Set the clocks forward or back."""
        self.clock.step(seconds)
        self._wall.step(seconds)
