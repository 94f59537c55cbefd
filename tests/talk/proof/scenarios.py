"""Scenarios for sipp, which plays the door: as text in its own language, written from RFC 3261."""

_SDP = """v=0
o=door 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
"""

_VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
_CONTACT = "Contact: <sip:door@[local_ip]:[local_port];transport=[transport]>"


def _send(text: str, *, body: bool = False, options: str = "") -> str:
    end = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}" if body else "Content-Length: 0\n\n"
    return f"<send{options}><![CDATA[\n{text.strip()}\n{end}]]></send>\n"


def _request(
    method: str, number: int, to: str = "[peer_tag_param]", more: str = "", *, body: bool = False, **options: str
) -> str:
    written = "".join(f' {name}="{value}"' for name, value in options.items())
    text = f"""{method} sip:homeassistant@[remote_ip]:[remote_port] SIP/2.0
{_VIA}
From: door <sip:door@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
To: <sip:homeassistant@[remote_ip]:[remote_port]>{to}
Call-ID: [call_id]
CSeq: {number} {method}
{_CONTACT}
Max-Forwards: 70
{more}"""
    return _send(text, body=body, options=written)


def _response(status: str, more: str = "", *, body: bool = False, tag: bool = True, **options: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in options.items())
    text = f"""SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{";tag=[pid]SIPpTag[call_number]" if tag else ""}
[last_Call-ID:]
[last_CSeq:]
{_CONTACT}
{more}"""
    return _send(text, body=body, options=written)


def _receive(what: str | int, *, optional: bool = False, action: str = "") -> str:
    key = "request" if isinstance(what, str) else "response"
    more = ' optional="true"' if optional else ""
    auth = ' auth="true"' if what in (401, 407) else ""
    repeated = ' rrs="true"' if what in ("INVITE", 200) else ""
    return f'<recv {key}="{what}"{more}{auth}{repeated}>{action}</recv>\n'


def _scenario(*steps: str) -> str:
    return f'<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="proof">\n{"".join(steps)}</scenario>\n'


_RINGS = _receive(100, optional=True) + _receive(180, optional=True)
_CHALLENGE = (
    'WWW-Authenticate: Digest realm="door", nonce="47ebe028cda119c35d4877b383027d28", qop="auth", algorithm=MD5'
)
# Ends the scenario with an error if the login is wrong.
_LOGIN = (
    '<action><verifyauth assign_to="right" username="door7" password="s3cret"/></action>',
    '<nop condexec="right" condexec_inverse="true"><action><exec int_cmd="stop_now"/></action></nop>\n',
)


# The door takes calls.
ANSWERS = _scenario(
    _receive("INVITE"),
    _response("180 Ringing"),
    _response("200 OK", body=True, retrans="500"),
    _receive("ACK"),
    _receive("BYE"),
    _response("200 OK", tag=False),
    '<timewait milliseconds="4000"/>\n',
)
REFUSES = _scenario(_receive("INVITE"), _response("603 Decline", retrans="500"), _receive("ACK"))
IS_BUSY = _scenario(_receive("INVITE"), _response("486 Busy Here", retrans="500"), _receive("ACK"))
IS_CANCELED = _scenario(
    _receive("INVITE"),
    # The answer to CANCEL has its own hop and number, so those of the INVITE are kept.
    _response("180 Ringing"),
    _receive("CANCEL"),
    _response("200 OK"),
    _send(
        """SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPpTag[call_number]
[last_Call-ID:]
CSeq: 1 INVITE
""",
        options=' retrans="500"',
    ),
    _receive("ACK"),
)


# The door wants a login for a call.
CHALLENGES = _scenario(
    _receive("INVITE"),
    _response("401 Unauthorized", _CHALLENGE, retrans="500"),
    _receive("ACK"),
    _receive("INVITE", action=_LOGIN[0]),
    _LOGIN[1],
    _response("200 OK", body=True, retrans="500"),
    _receive("ACK"),
    _receive("BYE"),
    _response("200 OK", tag=False),
)
# A registrar that wants a login, for a registration and its end.
REGISTERS = _scenario(
    _receive("REGISTER"),
    _response("401 Unauthorized", _CHALLENGE),
    _receive("REGISTER", action=_LOGIN[0]),
    _LOGIN[1],
    _response("200 OK", "Expires: 180"),
    _receive("REGISTER"),
    _response("200 OK", "Expires: 0"),
)


# The door calls.
def calls(pause: int) -> str:
    """Return a door that calls, stays on the line for some milliseconds, and hangs up."""
    return _scenario(
        _request("INVITE", 1, "", body=True, retrans="500"),
        _RINGS,
        _receive(200),
        _request("ACK", 1),
        f'<pause milliseconds="{pause}"/>\n',
        _request("BYE", 2, retrans="500"),
        _receive(200),
    )


def is_refused(status: int) -> str:
    """Return a door that calls and is refused."""
    return _scenario(
        _request("INVITE", 1, "", body=True, retrans="500"),
        _RINGS,
        _receive(status),
        _send(
            """ACK sip:homeassistant@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
CSeq: 1 ACK
Max-Forwards: 70
"""
        ),
    )


CANCELS = _scenario(
    _request("INVITE", 1, "", body=True, retrans="500"),
    _receive(100, optional=True),
    _receive(180),
    _send(
        """CANCEL sip:homeassistant@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: door <sip:door@[local_ip]:[local_port]>;tag=[pid]SIPpTag[call_number]
To: <sip:homeassistant@[remote_ip]:[remote_port]>
[last_Call-ID:]
CSeq: 1 CANCEL
Max-Forwards: 70
""",
        options=' retrans="500"',
    ),
    _receive(200),
    _receive(487),
    _send(
        """ACK sip:homeassistant@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
CSeq: 1 ACK
Max-Forwards: 70
"""
    ),
)
