"""The endpoints of MX Proxy, in the order of its manual."""

from dataclasses import dataclass

GET, POST, PUT, PATCH, DELETE = "GET", "POST", "PUT", "PATCH", "DELETE"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; placeholders of its path are in braces.

    A ``command`` changes something: it is never repeated if it may have been carried out.
    """

    method: str
    path: str

    @property
    def command(self) -> bool:
        """Whether the request changes something."""
        return self.method != GET

    @property
    def part(self) -> str:
        """First part of the path, such as ``calls``."""
        return self.path.split("/")[1]

    @property
    def of_call(self) -> bool:
        """Whether the request is about one call."""
        return "{callId}" in self.path


LOGIN = Endpoint(POST, "/auth")
USER_INFO = Endpoint(GET, "/auth")
LOGOUT = Endpoint(DELETE, "/auth/logout")
# The servers (2.1, 2.3) use this path instead of the manual's.
REAL_LOGOUT = Endpoint(DELETE, "/auth")

CONTACTS = Endpoint(GET, "/contacts")
SERVICES = Endpoint(GET, "/services")

CALL_LOG = Endpoint(GET, "/calls")
CALL_MODE = Endpoint(PATCH, "/calls")
ASSIGN_DEVICE = Endpoint(PATCH, "/calls/{name}")
MAKE_CALL = Endpoint(POST, "/calls")
ANSWER_CALL = Endpoint(PUT, "/calls/{callId}")
TRANSFER_CALL = Endpoint(POST, "/calls/{callId}")
CLEAR_CALL = Endpoint(DELETE, "/calls/{callId}")
HOLD_CALL = Endpoint(PUT, "/calls/{callId}/hold")
UNHOLD_CALL = Endpoint(PUT, "/calls/{callId}/unhold")
CALL_INFO = Endpoint(GET, "/calls/{callId}")

VOICEMAILS = Endpoint(GET, "/voicemails")
VOICEMAIL_FILE = Endpoint(GET, "/voicemails/{id}")
DELETE_VOICEMAIL = Endpoint(DELETE, "/voicemails/{id}")
CHANGE_VOICEMAIL = Endpoint(PATCH, "/voicemails/{id}")

CONFERENCE_SETTINGS = Endpoint(GET, "/conferences/info")
CONFERENCES = Endpoint(GET, "/conferences")
DELETE_CONFERENCE = Endpoint(DELETE, "/conferences/{id}")
CREATE_CONFERENCE = Endpoint(POST, "/conferences")
UPDATE_CONFERENCE = Endpoint(PUT, "/conferences/{id}")
JOIN_CONFERENCE = Endpoint(POST, "/conferences/{id}")
CONFERENCE_FROM_CALL = Endpoint(POST, "/calls/{callId}/conference")

ADD_TOKEN = Endpoint(PUT, "/tokens/{type}/{topic}/{token}")
REMOVE_TOKEN = Endpoint(DELETE, "/tokens/{type}/{topic}/{token}")
